//! What staff look for in the audit log, as they type it.

use chrono::NaiveDate;
use serde::Deserialize;

use super::{Query, net_id};
use crate::db::{self, DbError};
use crate::domain::audit::Action;
use crate::domain::ids::{NetId, PersonId};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::pages::audit::{ActionOption, AuditForm};
use crate::web::pages::layout::{Field, Problem};

/// What was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    about: String,
    actor: String,
    action: String,
    from: String,
    to: String,
}

impl Form {
    /// The form that leads to this address.
    pub(super) async fn of(who: &SignedIn, query: &Query) -> Result<Self, WebError> {
        let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        Ok(Self {
            about: net_id(who, query.about.as_ref()).await?,
            actor: net_id(who, query.actor.as_ref()).await?,
            action: query.action.clone().unwrap_or_default(),
            from: date(query.from),
            to: date(query.to),
        })
    }

    /// What is looked for, or everything that is wrong with it.
    pub(super) async fn read(&self, who: &SignedIn) -> Result<Result<Query, Vec<Problem>>, WebError> {
        let mut problems = Vec::new();
        let query = Query {
            about: person(who, "about", &self.about, &mut problems).await?,
            actor: person(who, "actor", &self.actor, &mut problems).await?,
            action: Some(self.action.clone()).filter(|word| !word.is_empty()),
            from: date("from", &self.from, &mut problems),
            to: date("to", &self.to, &mut problems),
            before: None,
        };
        if query.action.as_deref().is_some_and(|word| Action::from_word(word).is_none()) {
            problems.push(Problem::with_field("action", "Choose what was done."));
        }
        Ok(if problems.is_empty() { Ok(query) } else { Err(problems) })
    }

    /// What is looked for, in a few words.
    pub(super) fn summary(&self) -> String {
        let days = match (self.from.is_empty(), self.to.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!(" from {} on", self.from),
            (true, false) => format!(" up to {}", self.to),
            (false, false) => format!(" from {} to {}", self.from, self.to),
        };
        let by = if self.actor.is_empty() { String::new() } else { format!(" by {}", self.actor) };
        let about = if self.about.is_empty() { String::new() } else { format!(" about {}", self.about) };
        format!("What was done{by}{about}{days}")
    }

    /// The form as it is drawn.
    pub(super) fn shown(&self, query: &Query, problems: Vec<Problem>) -> AuditForm {
        let field = |id, kind, label, hint: &str, value: &str| Field {
            id,
            kind,
            label,
            hint: hint.to_owned(),
            value: value.to_owned(),
            problem: problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone()),
            required: false,
        };
        let option = |action: &Action| ActionOption {
            word: action.word(),
            text: action.told().replace("{about}", "someone"),
            chosen: action.word() == self.action,
        };
        AuditForm {
            fields: vec![
                field("about", None, "About", "A net ID.", &self.about),
                field("actor", None, "Done by", "A net ID.", &self.actor),
                field("from", Some("date"), "From", "The first day.", &self.from),
                field("to", Some("date"), "To", "The last day.", &self.to),
            ],
            actions: Action::ALL.iter().map(option).collect(),
            chosen: !query.is_empty(),
            problems,
        }
    }
}

/// Whom a net ID names; what is wrong with it goes to `problems`.
async fn person(
    who: &SignedIn,
    field: &str,
    typed: &str,
    problems: &mut Vec<Problem>,
) -> Result<Option<PersonId>, WebError> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let net_id = match NetId::typed(typed) {
        Ok(net_id) => net_id,
        Err(bad) => {
            problems.push(Problem::with_field(field, format!("{bad}.")));
            return Ok(None);
        }
    };
    let (db, wanted) = (&who.context.app().db, net_id.clone());
    let found =
        db.read::<_, DbError, _>("audit: whose", move |conn| db::person_by_net_id(conn, &wanted)).await?;
    if found.is_none() {
        problems.push(Problem::with_field(field, format!("Nobody here has the net ID {net_id}.")));
    }
    Ok(found.map(|person| person.id))
}

fn date(field: &str, typed: &str, problems: &mut Vec<Problem>) -> Option<NaiveDate> {
    let typed = typed.trim();
    if typed.is_empty() {
        return None;
    }
    let read = typed.parse().ok();
    if read.is_none() {
        let shown: String = typed.chars().take(60).collect();
        problems.push(Problem::with_field(field, format!("\"{shown}\" is not a day such as 2026-12-04.")));
    }
    read
}
