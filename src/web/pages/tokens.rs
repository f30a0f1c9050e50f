//! Tokens of programs: one's own on *Me*, those of a service on its page, and the secret of a new one, shown once.

use askama::Template;

use super::layout::{Field, Icon, Layout, Link, Problem, Section, When};

/// The tokens of someone, and the form that makes another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Where forms go: `/me/tokens`.
    pub base: String,
    /// The tokens, those that sign in first.
    pub rows: Vec<TokenRow>,
    /// Whether there are more that are over than are shown.
    pub more: bool,
    /// The form.
    pub form: TokenForm,
}

/// A token in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// What its maker calls it.
    pub name: String,
    /// What it is for, in words: `read bookings`.
    pub scopes: Vec<&'static str>,
    /// When it was made.
    pub made: When,
    /// When it ends or ended.
    pub until: When,
    /// When it was last used, to within some minutes.
    pub used: Option<When>,
    /// Whether it signs in.
    pub state: TokenState,
}

/// Whether a token signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It does.
    SignsIn,
    /// Its time is over.
    Over,
    /// It was revoked.
    Revoked,
}

impl TokenState {
    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::SignsIn => "good",
            Self::Over | Self::Revoked => "calm",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::SignsIn => Icon("key-round"),
            Self::Over => Icon("clock"),
            Self::Revoked => Icon("ban"),
        }
    }

    /// In a word or two.
    pub fn text(self) -> &'static str {
        match self {
            Self::SignsIn => "signs in",
            Self::Over => "over",
            Self::Revoked => "revoked",
        }
    }

    /// Whether it can be revoked.
    pub fn signs_in(self) -> bool {
        self == Self::SignsIn
    }
}

/// The form that makes a token, with what was typed if it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenForm {
    /// What to call it.
    pub name: Field,
    /// What it can be for: no more than whoever it is of may do.
    pub scopes: Vec<ScopeOption>,
    /// How long it can last.
    pub lengths: Vec<LengthOption>,
    /// Why it was refused.
    pub problems: Vec<Problem>,
}

impl TokenForm {
    /// What is wrong with the fields of this name.
    pub fn problem(&self, field: &str) -> Option<&str> {
        let found = self.problems.iter().find(|problem| problem.field.as_deref() == Some(field));
        found.map(|problem| problem.text.as_str())
    }
}

/// Something that a token can be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeOption {
    /// As programs write it: `bookings:read`.
    pub word: &'static str,
    /// In words: `read bookings`.
    pub about: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// How long a token can last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LengthOption {
    /// In days.
    pub days: i64,
    /// `30 days`.
    pub text: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A new token, with its secret.
#[derive(Clone, Template)]
#[template(path = "token_made.html")]
pub struct TokenMadePage {
    /// The frame.
    pub layout: Layout,
    /// Where its tokens are listed.
    pub back: Link,
    /// What it is called.
    pub name: String,
    /// What it is for, in words.
    pub scopes: Vec<&'static str>,
    /// When it ends.
    pub until: When,
    /// What the program holds.
    pub secret: String,
    /// A request to try it with, as a shell takes it; the secret is in a variable there.
    pub example: String,
}

impl Tokens {
    pub(super) fn sample(base: &str) -> Self {
        let at = |iso: &str, text: &str| When::new(iso, text);
        let script = TokenRow {
            id: "t0k3n0000001".to_owned(),
            name: "Books my Saturday slot".to_owned(),
            scopes: vec!["read labs, slots and sites", "book, wait, and change bookings"],
            made: at("2026-11-20T10:02-05:00", "Fri Nov 20, 10:02"),
            until: at("2026-12-20T10:02-05:00", "Sun Dec 20, 10:02"),
            used: Some(at("2026-11-24T08:55-05:00", "today 08:55")),
            state: TokenState::SignsIn,
        };
        let over = TokenRow {
            id: "t0k3n0000002".to_owned(),
            name: "a_name_without_a_single_space_that_is_as_long_as_it_may_be__".to_owned(),
            scopes: vec!["read usage and shares"],
            used: None,
            until: at("2026-11-23T10:02-05:00", "yesterday 10:02"),
            state: TokenState::Over,
            ..script.clone()
        };
        let revoked = TokenRow {
            id: "t0k3n0000003".to_owned(),
            name: "Calendar on my old laptop".to_owned(),
            state: TokenState::Revoked,
            ..script.clone()
        };
        Self {
            base: base.to_owned(),
            rows: vec![script, over, revoked],
            more: false,
            form: TokenForm::sample(Vec::new()),
        }
    }

    /// Nobody has made one yet.
    pub(super) fn sample_of_none(base: &str) -> Self {
        Self { rows: Vec::new(), ..Self::sample(base) }
    }

    /// What was typed is refused.
    pub(super) fn sample_of_refused(base: &str) -> Self {
        let problems = vec![
            Problem::with_field(
                "name",
                "A token needs a name of 1 to 60 characters, so that it is known again.",
            ),
            Problem::with_field("scope", "Say what the token is for: it may do nothing else."),
        ];
        Self { form: TokenForm::sample(problems), ..Self::sample(base) }
    }
}

impl TokenForm {
    fn sample(problems: Vec<Problem>) -> Self {
        let of = |field: &str| problems.iter().find(|problem| problem.field.as_deref() == Some(field));
        let scope =
            |word, about| ScopeOption { word, about, chosen: word == "labs:read" && problems.is_empty() };
        let length = |days, text| LengthOption { days, text, chosen: days == 30 };
        Self {
            name: Field {
                id: "name",
                kind: None,
                label: "Name",
                hint: "What it is for, so that you know it again.".to_owned(),
                value: String::new(),
                problem: of("name").map(|problem| problem.text.clone()),
                required: true,
            },
            scopes: vec![
                scope("labs:read", "read labs, slots and sites"),
                scope("bookings:read", "read bookings"),
                scope("bookings:write", "book, wait, and change bookings"),
            ],
            lengths: vec![
                length(7, "7 days"),
                length(30, "30 days"),
                length(90, "90 days"),
                length(366, "a year"),
            ],
            problems,
        }
    }
}

impl TokenMadePage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let made = Self {
            layout: Layout::sample("A new token", Section::Me),
            back: Link::new("/me#tokens", "Me"),
            name: "Books my Saturday slot".to_owned(),
            scopes: vec!["read labs, slots and sites", "book, wait, and change bookings"],
            until: When::new("2026-12-24T09:12-05:00", "Thu Dec 24, 09:12"),
            secret: format!("fairlease_{}", "3f9a61c07be2d845".repeat(4)),
            example: "curl -H \"Authorization: Bearer $TOKEN\" https://fairlease.example.edu/api/v1/sites"
                .to_owned(),
        };
        vec![("token_made", made)]
    }
}
