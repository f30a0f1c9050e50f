//! The audit log: what staff and programs do, and what happens to accounts, is recorded in the transaction that does it.
//! What is not recorded did not happen.

pub mod export;
pub mod told;
pub mod verify;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use chrono::{DateTime, Utc};

use super::App;
use crate::db::{self, Conn, DbError};
use crate::domain::audit::{Action, Details, Doer, NOTHING, Object, Record};
use crate::domain::ids::{NetId, PersonId};
use crate::entropy::{self, Entropy};

/// What was done, for the log.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Entry {
    action: Action,
    about: Option<PersonId>,
    object: Option<Object>,
    said: Said,
}

/// The details of a record. Those about a person may name them; those about nobody name nobody, since they are never erased.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
struct Said {
    /// Whom a command was told that does it, if that is nobody here.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
}

impl Entry {
    /// This was done.
    pub fn new(action: Action) -> Self {
        Self { action, about: None, object: None, said: Said::default() }
    }

    /// It was about this person.
    pub fn about(self, person: &PersonId) -> Self {
        Self { about: Some(person.clone()), ..self }
    }

    /// It was done to this.
    pub fn to(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// Why, in the words of whoever did it.
    pub fn because(mut self, why: &str) -> Self {
        self.said.why = Some(why.to_owned());
        self
    }

    /// What it was before. Of secrets nothing is told, not even their hashes.
    pub fn before(mut self, before: impl Into<Value>) -> Self {
        self.said.before = Some(before.into());
        self
    }

    /// What it is from now on.
    pub fn after(mut self, after: impl Into<Value>) -> Self {
        self.said.after = Some(after.into());
        self
    }
}

/// Records what the caller's transaction does. Others who record wait until that is over, so it comes last in it.
pub fn record(app: &App, conn: &mut Conn<'_>, doer: &Doer, entry: Entry) -> Result<(), DbError> {
    write(&*app.entropy, app.now(), conn, doer, entry)
}

/// [`record`] where there is no [`App`] yet: before a course is applied.
pub(super) fn write(
    entropy: &dyn Entropy,
    now: DateTime<Utc>,
    conn: &mut Conn<'_>,
    doer: &Doer,
    entry: Entry,
) -> Result<(), DbError> {
    let Entry { action, about, object, mut said } = entry;
    let actor = actor(conn, doer)?;
    said.by = doer.named.clone().filter(|_| actor.is_none());
    let content = serde_json::to_string(&said).map_err(|error| DbError::Corrupt(error.to_string()))?;
    let details = Details { salt: entropy.secret(), content };
    let course = db::served_course(conn)?;
    let head = db::lock_audit(conn)?;
    let record = Record {
        number: head.as_ref().map_or(1, |head| head.number + 1),
        at: now,
        way: doer.way.word().to_owned(),
        actor: actor.map(String::from),
        behalf: doer.behalf.clone().map(String::from),
        token: doer.token.clone().map(String::from),
        action: action.word().to_owned(),
        course: course.map(String::from),
        about: about.map(String::from),
        object: object.map(|object| object.to_string()),
        request: doer.request.clone(),
        details_hash: hash_of_details(&details),
        previous_hash: head.map_or_else(|| NOTHING.to_owned(), |head| head.hash),
    };
    db::insert_audit(conn, &record, &hash(&record), &details)
}

/// Who it was: for a command, whose net ID it was told.
fn actor(conn: &mut Conn<'_>, doer: &Doer) -> Result<Option<PersonId>, DbError> {
    let named = || doer.named.as_deref().and_then(|name| NetId::typed(name).ok());
    match (&doer.actor, named()) {
        (None, Some(net_id)) => Ok(db::person_by_net_id(conn, &net_id)?.map(|person| person.id)),
        (actor, _) => Ok(actor.clone()),
    }
}

/// Who it is, as lists of what staff have said show it: a net ID, the name that a command was told, or `fairlease`.
pub fn name(conn: &mut Conn<'_>, doer: &Doer) -> Result<String, DbError> {
    let known = match &doer.actor {
        Some(actor) => db::person(conn, actor)?.map(|person| person.net_id.to_string()),
        None => doer.named.clone(),
    };
    Ok(known.unwrap_or_else(|| ITSELF.to_owned()))
}

/// What it is called that is done by nobody in particular.
pub const ITSELF: &str = "fairlease";

/// The hash of a record: the SHA-256 of what it is written as, in hexadecimal digits.
pub fn hash(record: &Record) -> String {
    entropy::hex(&Sha256::digest(record.encoded()))
}

/// The hash of a record's details.
pub fn hash_of_details(details: &Details) -> String {
    entropy::hex(&Sha256::digest(details.encoded()))
}
