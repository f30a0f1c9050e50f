//! `/staff/reaper/exemptions`: what the reaper leaves alone.

use askama::Template;

use super::super::layout::{Field, Layout, Link, Problem, Section, When};
use super::staff_layout;

/// What staff have told the reaper to leave alone, and when they stopped it.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "reaper_exemptions.html")]
pub struct ExemptionsPage {
    /// The frame.
    pub layout: Layout,
    /// How many hold, in a sentence.
    pub answer: String,
    /// Those that hold, the first to end first; or those that are over, the last to end first.
    pub rows: Vec<ExemptionLine>,
    /// Whether these are over.
    pub past: bool,
    /// The pages before and after this one.
    pub pages: Vec<Link>,
    /// The form that adds one, where those are that hold.
    pub form: Option<ExemptForm>,
    /// The latest pauses that are over.
    pub pauses: Vec<PastPause>,
}

/// An exemption in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemptionLine {
    /// Its id.
    pub id: String,
    /// What is exempt: `names that begin with "class-"`.
    pub what: String,
    /// What that does, in a sentence.
    pub effect: String,
    /// Up to when.
    pub until: When,
    /// Why.
    pub why: String,
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: When,
    /// How it ended, if it is over: `taken back by ta77, today 14:00`.
    pub over: Option<String>,
}

/// A pause that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPause {
    /// `all sites`, or a site's title.
    pub place: String,
    /// From when to when, and by whom it was ended.
    pub text: String,
    /// Why.
    pub why: String,
}

/// The form that exempts something, with what was typed if it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemptForm {
    /// What can be exempted.
    pub kinds: Vec<WhatOption>,
    /// The sites to choose from: id and title.
    pub sites: Vec<(String, String)>,
    /// The id of the one that is chosen.
    pub site: String,
    /// Which.
    pub value: Field,
    /// Why.
    pub reason: Field,
    /// Up to when.
    pub until: Field,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// A kind of thing to exempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatOption {
    /// What the form sends.
    pub key: &'static str,
    /// What it is called.
    pub text: &'static str,
    /// What it covers, in a sentence.
    pub covers: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl ExemptForm {
    /// What is wrong with the element of this id.
    pub(in crate::web::pages) fn problem(&self, id: &str) -> Option<&str> {
        self.problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.as_str())
    }
}

impl ExemptionsPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            layout: staff_layout("Exemptions"),
            answer: "The reaper leaves 2 things alone.".to_owned(),
            rows: ExemptionLine::samples(),
            past: false,
            pages: vec![Link::new("/staff/reaper/exemptions?page=2", "After")],
            form: Some(ExemptForm::sample()),
            pauses: vec![PastPause {
                place: "all sites".to_owned(),
                text: "ta77, from yesterday 10:00 to yesterday 12:00, ended by ta78".to_owned(),
                why: "The quota was moved.".to_owned(),
            }],
        };
        let none = Self {
            answer: "Nothing is exempt.".to_owned(),
            rows: Vec::new(),
            pages: Vec::new(),
            pauses: Vec::new(),
            ..some.clone()
        };
        let mut past = Self { past: true, form: None, ..some.clone() };
        for row in &mut past.rows {
            row.over = Some("taken back by ta78, today 14:00".to_owned());
        }
        let mut refused = none.clone();
        refused.form = refused.form.map(ExemptForm::refused);
        vec![
            ("reaper_exemptions", some),
            ("reaper_exemptions_none", none),
            ("reaper_exemptions_past", past),
            ("reaper_exemptions_refused", refused),
        ]
    }
}

impl ExemptionLine {
    fn samples() -> Vec<Self> {
        let names = Self {
            id: "0123456789ab".to_owned(),
            what: "names that begin with \"class-\"".to_owned(),
            effect: "Every object whose name begins with \"class-\" is left alone, at every site.".to_owned(),
            until: When::new("2026-12-01T23:59-05:00", "Tue Dec 1, 23:59"),
            why: "shown in class".to_owned(),
            by: "ta77".to_owned(),
            at: When::new("2026-11-24T10:00-05:00", "today 10:00"),
            over: None,
        };
        let person = Self { id: "0123456789ac".to_owned(), what: "ff524".to_owned(), ..names.clone() };
        vec![names, person]
    }
}

impl ExemptForm {
    fn sample() -> Self {
        let field = |id, kind, label, hint: &str| Field {
            id,
            kind,
            label,
            hint: hint.to_owned(),
            value: String::new(),
            problem: None,
            required: true,
        };
        Self {
            kinds: vec![
                WhatOption {
                    key: "object",
                    text: "One object",
                    covers: "This object, whatever it is called.",
                    chosen: true,
                },
                WhatOption {
                    key: "person",
                    text: "A person",
                    covers: "Everything that is theirs.",
                    chosen: false,
                },
            ],
            sites: vec![("kvm-tacc".to_owned(), "KVM@TACC".to_owned())],
            site: "kvm-tacc".to_owned(),
            value: field(
                "value",
                None,
                "Which",
                "The object's id, how names begin, a net ID, or a lab's id.",
            ),
            reason: field("reason", None, "Reason", "In a few words, for other staff."),
            until: field(
                "until",
                Some("datetime-local"),
                "Until",
                "New York time (EST), at most 366 days ahead.",
            ),
            problems: Vec::new(),
        }
    }

    fn refused(mut self) -> Self {
        let text = "It would end on Mon Nov 23, 10:00, which is over.";
        "2026-11-23T10:00".clone_into(&mut self.until.value);
        self.until.problem = Some(text.to_owned());
        self.problems = vec![
            Problem::with_field("what", "Choose what is to be exempt."),
            Problem::with_field("until", text),
        ];
        self
    }
}
