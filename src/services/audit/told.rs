//! The audit log as it is told: with net IDs in the place of ids, for pages, the API, commands and exports.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::ITSELF;
use crate::db::{self, AuditFilter, AuditOrder, Conn, DbError, Kept};
use crate::domain::audit::{Action, Object, Record, Way};
use crate::domain::ids::PersonId;

/// Someone, as the log names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Someone {
    /// Their id.
    pub id: String,
    /// Their net ID as it is now.
    pub net_id: Option<String>,
}

impl Someone {
    /// What to call them.
    pub fn name(&self) -> &str {
        self.net_id.as_deref().unwrap_or(&self.id)
    }
}

/// What of a record's details someone sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All of them.
    Everything,
    /// Not those of exceptions: that they make up for an illness is for staff alone.
    NotExceptions,
}

/// A record with its details.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Its place in the chain.
    pub number: i64,
    /// When.
    #[serde(serialize_with = "to_the_microsecond")]
    pub at: DateTime<Utc>,
    /// How they came, in the word of a [`Way`].
    pub way: String,
    /// Who.
    pub actor: Option<Someone>,
    /// Whom a command was told that does it, if that is nobody here.
    pub by: Option<String>,
    /// As whom they looked.
    pub behalf: Option<Someone>,
    /// With which token.
    pub token: Option<String>,
    /// What they did, in the word of an [`Action`].
    pub action: String,
    /// The course.
    pub course: Option<String>,
    /// Whom it was about.
    pub about: Option<Someone>,
    /// What it was done to.
    pub object: Option<String>,
    /// The request's id.
    pub request: Option<String>,
    /// Why, in their words.
    pub why: Option<String>,
    /// What it was before.
    pub before: Option<Value>,
    /// What it was afterwards.
    pub after: Option<Value>,
    /// Whether there are details that can be seen.
    pub details: bool,
    /// The hash of the details.
    pub details_hash: String,
    /// The hash of the record before it.
    pub previous_hash: String,
    /// Its hash.
    pub hash: String,
}

fn to_the_microsecond<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// Up to `limit` records that fit, in this order, with the net IDs of their people.
pub fn lines(
    conn: &mut Conn<'_>,
    filter: &AuditFilter,
    order: AuditOrder,
    limit: i64,
    sight: Sight,
) -> Result<Vec<Line>, DbError> {
    let kept = db::audit(conn, filter, order, limit)?;
    let names = names(conn, &kept)?;
    Ok(kept.into_iter().map(|kept| Line::new(kept, &names, sight)).collect())
}

type Names = BTreeMap<String, String>;

fn names(conn: &mut Conn<'_>, kept: &[Kept]) -> Result<Names, DbError> {
    let of = |record: &Record| [record.actor.clone(), record.behalf.clone(), record.about.clone()];
    let ids: BTreeSet<PersonId> =
        kept.iter().flat_map(|kept| of(&kept.record)).flatten().filter_map(|id| id.parse().ok()).collect();
    let people = db::people(conn, &ids.iter().collect::<Vec<_>>())?;
    Ok(people.into_iter().map(|person| (person.id.to_string(), person.net_id.to_string())).collect())
}

impl Line {
    fn new(kept: Kept, names: &Names, sight: Sight) -> Self {
        let Kept { record, hash, details } = kept;
        let seen = details.filter(|_| sight == Sight::Everything || !is_of_exceptions(&record.action));
        let mut said: Map<String, Value> =
            seen.as_ref().and_then(|seen| serde_json::from_str(&seen.content).ok()).unwrap_or_default();
        let mut word = |key| match said.remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (by, why) = (word("by"), word("why"));
        let someone = |id: Option<String>| id.map(|id| Someone { net_id: names.get(&id).cloned(), id });
        Self {
            number: record.number,
            at: record.at,
            way: record.way,
            actor: someone(record.actor),
            by,
            behalf: someone(record.behalf),
            token: record.token,
            action: record.action,
            course: record.course,
            about: someone(record.about),
            object: record.object,
            request: record.request,
            why,
            before: said.remove("before"),
            after: said.remove("after"),
            details: seen.is_some(),
            details_hash: record.details_hash,
            previous_hash: record.previous_hash,
            hash,
        }
    }

    /// Who did it, in a name.
    pub fn who(&self) -> &str {
        match (&self.actor, &self.by) {
            (Some(actor), _) => actor.name(),
            (None, Some(by)) => by,
            (None, None) if self.way == Way::Itself.word() || self.way == Way::Command.word() => ITSELF,
            (None, None) => "someone",
        }
    }

    /// Who did what to whom: `ta77 granted ff524 an exception`.
    pub fn sentence(&self) -> String {
        let who = self.who();
        let about = match &self.about {
            Some(about) if about.name() == who => "themselves",
            Some(about) => about.name(),
            None => "someone",
        };
        match Action::from_word(&self.action) {
            Some(action) => format!("{who} {}", action.told().replace("{about}", about)),
            None => format!("{who}: {}", self.action),
        }
    }

    /// How they came, in words.
    pub fn came(&self) -> &str {
        Way::from_word(&self.way).map_or(self.way.as_str(), |way| way.told())
    }

    /// What it was done to, if that can be read.
    pub fn object(&self) -> Option<Object> {
        self.object.as_ref()?.parse().ok()
    }
}

fn is_of_exceptions(action: &str) -> bool {
    matches!(Action::from_word(action), Some(Action::GrantedException | Action::RevokedException))
}
