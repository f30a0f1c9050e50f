//! What is kept of a person: telling it, taking them out of it, and forgetting what is old.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::App;
use super::audit::{self, Entry};
use super::{receipts, roster, sessions};
use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::audit::{Action, Doer};
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::Person;

/// How long mails are kept once they are sent: a term, after which nobody asks what one said.
pub const MAILS_FOR: TimeDelta = TimeDelta::days(180);

/// Why a person was not told of, or not erased.
#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    /// There is nobody of this id or net ID.
    #[error("there is no such person here")]
    NoSuchPerson,
    /// They are in the course.
    #[error("{0} is in the course: they have to drop it first, so that nothing new comes to be kept")]
    Enrolled(NetId),
    /// They run the installation.
    #[error("{0} runs the installation: somebody has to take that from them first")]
    Admin(NetId),
    /// The cloud has, or may have, something of theirs.
    #[error("{live} bookings of {net_id} have not ended yet: erase them once everything is deleted")]
    Live {
        /// Whose.
        net_id: NetId,
        /// How many.
        live: i64,
    },
    /// There is no reason.
    #[error("say why: it is recorded")]
    NoReason,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for PrivacyError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// All that is kept of a person. That it was told is recorded.
pub fn export(app: &App, conn: &mut Conn<'_>, doer: &Doer, id: &PersonId) -> Result<Value, PrivacyError> {
    let person = db::person(conn, id)?.ok_or(PrivacyError::NoSuchPerson)?;
    let mut kept = Map::new();
    kept.insert("told_at".to_owned(), json!(app.now()));
    for (name, part) in db::kept_of(conn, &person)? {
        kept.insert(name.to_owned(), part);
    }
    kept.insert("sessions".to_owned(), sessions_of(app, conn, &person)?);
    kept.insert("tokens".to_owned(), tokens_of(conn, &person)?);
    audit::record(app, conn, doer, Entry::new(Action::ExportedPerson).about(&person.id))?;
    Ok(Value::Object(kept))
}

fn sessions_of(app: &App, conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let held = sessions::of_person(app, conn, &person.id)?.into_iter();
    Ok(held
        .map(|it| {
            let provider = it.origin.as_ref().map(|origin| origin.provider.clone());
            json!({"since": it.created_at, "seen_at": it.seen_at, "browser": it.agent, "provider": provider})
        })
        .collect())
}

fn tokens_of(conn: &mut Conn<'_>, person: &Person) -> Result<Value, DbError> {
    let held = db::tokens_of(conn, &person.id)?.into_iter();
    Ok(held
        .map(|it| {
            json!({"name": it.name, "scopes": it.scopes, "made_at": it.made_at, "expires_at": it.expires_at,
                "used_at": it.used_at, "revoked_at": it.revoked_at})
        })
        .collect())
}

/// Takes a person out of what is kept: their bookings and what they have used stay, so that sums stay right, and nothing
/// says any more who they were. It can't be undone.
pub fn erase(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    id: &PersonId,
    why: &str,
) -> Result<(), PrivacyError> {
    if why.trim().is_empty() {
        return Err(PrivacyError::NoReason);
    }
    let person = db::person(conn, id)?.ok_or(PrivacyError::NoSuchPerson)?;
    if person.enrolled {
        return Err(PrivacyError::Enrolled(person.net_id));
    }
    if person.admin {
        return Err(PrivacyError::Admin(person.net_id));
    }
    let live = db::unended_bookings_of(conn, &person.id)?;
    if live > 0 {
        return Err(PrivacyError::Live { net_id: person.net_id, live });
    }
    // Rosters that were brought name everyone in them.
    db::forget_imports(conn, app.now(), app.now())?;
    db::erase(conn, &person, &stand_in(&person.id)?, app.now())?;
    let entry = Entry::new(Action::ErasedPerson).about(&person.id).because(why.trim());
    Ok(audit::record(app, conn, doer, entry)?)
}

/// What stands where their net ID stood: made of their id, which says nothing of them.
fn stand_in(id: &PersonId) -> Result<NetId, DbError> {
    format!("x{id}").parse().map_err(|error| DbError::Corrupt(format!("{error}")))
}

/// What was forgotten since it is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Receipts of refusals.
    pub refusals: usize,
    /// Mails that were sent.
    pub mails: usize,
    /// Sessions that are over, and sign-ins that nobody finished.
    pub sessions: usize,
    /// Rosters that nobody confirmed, or that were applied long ago.
    pub rosters: usize,
}

/// Forgets what is old, as `docs/privacy.md` says.
pub async fn forget(app: &Arc<App>) -> Result<Forgotten, DbError> {
    let refusals = receipts::forget(app).await?;
    let now = app.now();
    let (mails, sessions) = app
        .db
        .write::<_, DbError, _>("forget", move |conn| {
            let mails = db::forget_notices(conn, now - MAILS_FOR)?;
            let over = db::delete_old_sessions(conn, now, now - sessions::IDLE)?;
            Ok((mails, over + db::delete_old_sign_ins(conn, now)?))
        })
        .await?;
    Ok(Forgotten { refusals, mails, sessions, rosters: roster::forget(app).await? })
}
