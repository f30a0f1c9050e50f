//! Tokens of programs on pages: the list, the form, and the secret of a new one, which is shown once.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::page;
use super::reaper::sentence;
use crate::auth::permissions::Scope;
use crate::db::StoredToken;
use crate::domain::ids::PersonId;
use crate::domain::person::Person;
use crate::services::tokens::{self, Made, NewToken, TokenError, signs_in};
use crate::web::context::Context;
use crate::web::error::WebError;
use crate::web::pages::layout::{Field, Link, Problem, Section};
use crate::web::pages::tokens::{
    LengthOption, ScopeOption, TokenForm, TokenMadePage, TokenRow, TokenState, Tokens,
};
use crate::web::present;

/// How long a token can last, in days and in words.
const LENGTHS: [(i64, &str); 4] = [(7, "7 days"), (30, "30 days"), (90, "90 days"), (366, "a year")];

/// How long one lasts if nobody says otherwise.
const USUAL_DAYS: i64 = 30;

/// How many of those that are over are shown.
const OVER_SHOWN: usize = 5;

/// Names and values of a form, each box that is ticked by its own: several have one name.
pub(super) type Pairs = Vec<(String, String)>;

/// A token as it is typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    name: String,
    scopes: Vec<Scope>,
    days: Option<i64>,
    problems: Vec<Problem>,
}

impl Typed {
    /// What a form says. What it can't have offered is left out, and is then missed.
    pub(super) fn read(pairs: &Pairs) -> Self {
        let of = |field: &'static str| pairs.iter().filter(move |(name, _)| name == field).map(|(_, it)| it);
        let days = of("days").next().and_then(|days| days.parse().ok());
        Self {
            name: of("name").next().map(|name| name.trim().to_owned()).unwrap_or_default(),
            scopes: of("scope").filter_map(|word| Scope::from_word(word)).collect(),
            days: days.filter(|days| LENGTHS.iter().any(|(known, _)| known == days)),
            problems: Vec::new(),
        }
    }

    /// Makes the token; or says what stands against it, to be shown with what was typed.
    pub(super) async fn make(
        mut self,
        context: &Context,
        person: &PersonId,
        by: &PersonId,
    ) -> Result<Result<Made, Self>, WebError> {
        let wanted = NewToken {
            person: person.clone(),
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            days: self.days.unwrap_or_default(),
            by: by.clone(),
        };
        let (app, db, doer) = (context.app().clone(), context.app().db.clone(), context.doer());
        match db.write("make token", move |conn| tokens::issue(&app, conn, &doer, &wanted)).await {
            Ok(made) => Ok(Ok(made)),
            Err(TokenError::Db(error)) => Err(error.into()),
            Err(error) => {
                self.problems.push(problem(&error));
                Ok(Err(self))
            }
        }
    }
}

fn problem(error: &TokenError) -> Problem {
    let field = match error {
        TokenError::NoScope | TokenError::Beyond(_) => "scope",
        TokenError::BadLength(_) => return Problem::with_field("days", "Choose how long it lasts."),
        _ => "name",
    };
    Problem::with_field(field, sentence(&error.to_string()))
}

/// The tokens of someone, and the form that makes another, with what was typed in vain.
pub(super) fn part(
    context: &Context,
    base: &str,
    of: &Person,
    held: &[StoredToken],
    typed: &Typed,
) -> Tokens {
    let (zone, now) = (context.zone(), context.app().now());
    let (live, over): (Vec<_>, Vec<_>) = held.iter().partition(|token| signs_in(token, now));
    let shown = live.into_iter().chain(over.iter().copied().take(OVER_SHOWN));
    Tokens {
        base: base.to_owned(),
        rows: shown.map(|token| row(zone, now, token)).collect(),
        more: over.len() > OVER_SHOWN,
        form: form(of, typed),
    }
}

fn row(zone: Tz, now: DateTime<Utc>, token: &StoredToken) -> TokenRow {
    let state = match token.revoked_at {
        Some(_) => TokenState::Revoked,
        None if signs_in(token, now) => TokenState::SignsIn,
        None => TokenState::Over,
    };
    TokenRow {
        id: token.id.to_string(),
        name: token.name.clone(),
        scopes: in_words(token),
        made: present::when(zone, now, token.made_at),
        until: present::when(zone, now, token.expires_at),
        used: token.used_at.map(|at| present::when(zone, now, at)),
        state,
    }
}

fn in_words(token: &StoredToken) -> Vec<&'static str> {
    token.scopes.iter().filter_map(|word| Scope::from_word(word)).map(Scope::about).collect()
}

fn form(of: &Person, typed: &Typed) -> TokenForm {
    let wrong = typed.problems.iter().find(|problem| problem.field.as_deref() == Some("name"));
    let offered = Scope::ALL.into_iter().filter(|scope| scope.is_open_to(of));
    let days = typed.days.unwrap_or(USUAL_DAYS);
    TokenForm {
        name: Field {
            id: "name",
            kind: None,
            label: "Name",
            hint: "What it is for, so that you know it again.".to_owned(),
            value: typed.name.clone(),
            problem: wrong.map(|problem| problem.text.clone()),
            required: true,
        },
        scopes: offered
            .map(|scope| ScopeOption {
                word: scope.word(),
                about: scope.about(),
                chosen: typed.scopes.contains(&scope),
            })
            .collect(),
        lengths: LENGTHS
            .map(|(known, text)| LengthOption { days: known, text, chosen: known == days })
            .to_vec(),
        problems: typed.problems.clone(),
    }
}

/// The page with the secret. It is the answer itself: the secret is nowhere else.
pub(super) fn made(
    context: &Context,
    made: &Made,
    back: Link,
    section: Section,
) -> Result<HttpResponse, WebError> {
    let (zone, now, token) = (context.zone(), context.app().now(), &made.token);
    let url = &context.app().public_url;
    let shown = TokenMadePage {
        layout: context.layout("A new token", section),
        back,
        name: token.name.clone(),
        scopes: in_words(token),
        until: present::when(zone, now, token.expires_at),
        secret: made.tell().to_owned(),
        example: format!("curl -H \"Authorization: Bearer $TOKEN\" {url}/api/v1/{}", to_try(token)),
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

/// A request of the API that the token may make.
fn to_try(token: &StoredToken) -> &'static str {
    let first = token.scopes.iter().find_map(|word| Scope::from_word(word));
    match first {
        Some(Scope::UsageRead) => "fairshare",
        Some(Scope::ReaperRead | Scope::ReaperWrite) => "reaper/marks",
        Some(Scope::BookingsWrite) => "waits",
        Some(Scope::BookingsRead) => "bookings/ID",
        _ => "sites",
    }
}
