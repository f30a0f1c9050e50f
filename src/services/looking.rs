//! Staff look at the pages as a student: for a while, for a reason, and changing nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use super::audit::{self, Entry};
use super::sessions::Session;
use crate::auth::permissions::{Permission, Reach};
use crate::db::{self, Acting, Conn, DbError, MaybeDbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::{Person, Role};

/// How long staff look at the pages as someone before they have to say again why.
pub const LONGEST: TimeDelta = TimeDelta::minutes(30);

/// The longest reason.
const MOST_OF_REASON: usize = 500;

/// Why nobody looks at the pages as someone.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// They are not known, or are no student of the course.
    #[error("there is no student of the course whom this names")]
    NoStudent,
    /// There is no reason, or a very long one.
    #[error("say why, in 1 to {MOST_OF_REASON} characters: it is recorded")]
    NoReason,
    /// They look as someone already.
    #[error("stop looking as someone else first")]
    Looking,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for LookError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// Whom to look as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The person with this id.
    Id(PersonId),
    /// The person with this net ID.
    NetId(NetId),
}

/// A reason as it is recorded.
pub fn read_reason(text: &str) -> Result<&str, LookError> {
    let reason = text.trim();
    let fits = (1..=MOST_OF_REASON).contains(&reason.chars().count());
    if fits { Ok(reason) } else { Err(LookError::NoReason) }
}

/// Has the session look at the pages as a student, for [`LONGEST`] at most.
pub fn begin(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    session: &Session,
    whom: &Whom,
    reason: &str,
) -> Result<(), LookError> {
    let (reason, now) = (read_reason(reason)?, app.now());
    if session.looking.is_some() {
        return Err(LookError::Looking);
    }
    let found = match whom {
        Whom::Id(id) => db::person(conn, id)?,
        Whom::NetId(net_id) => db::person_by_net_id(conn, net_id)?,
    };
    let student = found.filter(|person| may_be_looked_as(person, now)).ok_or(LookError::NoStudent)?;
    let until = session.stored.expires_at.min(now + LONGEST);
    let acting = Acting { person: student.id.clone(), until };
    db::set_acting_as(conn, &session.stored.id, Some(&acting))?;
    let entry = Entry::new(Action::LookedAs)
        .about(&student.id)
        .to(Object::Session(session.stored.id.clone()))
        .because(reason)
        .after(until.to_rfc3339());
    Ok(audit::record(app, conn, doer, entry)?)
}

/// Has the session look with its own person's eyes again, whether it looked with others until now or that is over.
pub fn end(app: &App, conn: &mut Conn<'_>, doer: &Doer, session: &Session) -> Result<(), DbError> {
    let Some(acting) = &session.stored.acting_as else { return Ok(()) };
    db::set_acting_as(conn, &session.stored.id, None)?;
    let entry = Entry::new(Action::StoppedLooking)
        .about(&acting.person)
        .to(Object::Session(session.stored.id.clone()));
    audit::record(app, conn, doer, entry)
}

/// Records that a page is seen with someone's eyes: the pattern of its route, and what its path names.
pub fn viewed(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    whom: &PersonId,
    pattern: &str,
    object: Option<Object>,
) -> Result<(), DbError> {
    let entry = Entry::new(Action::Viewed).about(whom).after(pattern);
    audit::record(app, conn, doer, object.into_iter().fold(entry, Entry::to))
}

/// With whose eyes a session looks, if not with its owner's: while that lasts, the owner still may, and the other still is a
/// student.
pub(super) fn seen_as(
    conn: &mut Conn<'_>,
    owner: &Person,
    acting: Option<&Acting>,
    now: DateTime<Utc>,
) -> Result<Option<Person>, DbError> {
    let may = owner.belongs(now) && Permission::LookAs.reach(owner) == Reach::Course;
    match acting.filter(|acting| may && now < acting.until) {
        Some(acting) => Ok(db::person(conn, &acting.person)?.filter(|it| may_be_looked_as(it, now))),
        None => Ok(None),
    }
}

/// Only students: staff with the eyes of other staff could do what they may not.
fn may_be_looked_as(person: &Person, now: DateTime<Utc>) -> bool {
    person.role == Some(Role::Student) && !person.admin && person.belongs(now)
}
