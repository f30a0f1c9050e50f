//! How far the mailing of each announcement is. A worker claims one, and mails it batch by batch, from person to person in the
//! order of their ids.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::DbError;
use crate::db::connection::{Conn, on};
use crate::db::schema::announcements;
use crate::db::types::Ts;
use crate::domain::ids::{AnnouncementId, ClaimToken, PersonId};

/// A mailing that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailingAtWork {
    /// About which of the announcement's texts.
    pub revision: i32,
    /// When it was due.
    pub due_at: DateTime<Utc>,
    /// The last person whom it went to; nobody before it has begun.
    pub after: Option<PersonId>,
    /// To how many people it went.
    pub done: i32,
}

/// Claims an announcement whose mailing is due and on which nobody has a claim, the longest due first.
pub fn claim_mailing(
    conn: &mut Conn<'_>,
    token: &ClaimToken,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<AnnouncementId>, DbError> {
    let free = || announcements::claim_until.is_null().or(announcements::claim_until.le(Ts(now)));
    let id: Option<String> = on!(conn, |c| announcements::table
        .filter(announcements::mailing_at.le(Ts(now)))
        .filter(free())
        .order((announcements::mailing_at, announcements::id))
        .select(announcements::id)
        .first(c)
        .optional())?;
    let Some(id) = id else { return Ok(None) };
    let claimed = on!(conn, |c| diesel::update(announcements::table.find(&id))
        .filter(announcements::mailing_at.le(Ts(now)))
        .filter(free())
        .set((announcements::claim_token.eq(token.as_str()), announcements::claim_until.eq(Ts(until))))
        .execute(c))?;
    (claimed == 1).then(|| id.parse().map_err(DbError::corrupt)).transpose()
}

/// Renews a claim, and says how far the mailing is. Nothing if the claim was lost or the mailing is not due any more: then nothing may be
/// written on its strength. Locks the announcement until the transaction is over.
pub fn renew_mailing_claim(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    token: &ClaimToken,
    until: DateTime<Utc>,
) -> Result<Option<MailingAtWork>, DbError> {
    let renewed = on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .filter(announcements::claim_token.eq(token.as_str()))
        .set(announcements::claim_until.eq(Ts(until)))
        .execute(c))?;
    if renewed == 0 {
        return Ok(None);
    }
    let (revision, due_at, after, done): (i32, Option<Ts>, Option<String>, i32) = on!(conn, |c| {
        announcements::table
            .find(id.as_str())
            .select((
                announcements::mailing_revision,
                announcements::mailing_at,
                announcements::mailing_after,
                announcements::mailing_done,
            ))
            .first(c)
    })?;
    let Some(due_at) = due_at else { return Ok(None) };
    let after = after.map(|id| id.parse().map_err(DbError::corrupt)).transpose()?;
    Ok(Some(MailingAtWork { revision, due_at: due_at.0, after, done }))
}

/// Writes to how many people a mailing goes.
pub fn set_mailing_total(conn: &mut Conn<'_>, id: &AnnouncementId, total: i32) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .set(announcements::mailing_total.eq(total))
        .execute(c))?;
    Ok(())
}

/// Writes how far a mailing is, and gives the claim on it up.
pub fn advance_mailing(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    after: &PersonId,
    done: i32,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .set((
            announcements::mailing_after.eq(after.as_str()),
            announcements::mailing_done.eq(done),
            announcements::claim_token.eq(None::<&str>),
            announcements::claim_until.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(())
}

/// Writes that a mailing is done, and gives the claim on it up.
pub fn finish_mailing(conn: &mut Conn<'_>, id: &AnnouncementId) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .set((
            announcements::mailing_at.eq(None::<Ts>),
            announcements::claim_token.eq(None::<&str>),
            announcements::claim_until.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(())
}

/// Has an announcement mailed to everyone from `at` on, about this of its texts: from the first person on.
pub fn begin_mailing(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    revision: i32,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .set((
            announcements::mailing_revision.eq(revision),
            announcements::mailing_at.eq(Some(Ts(at))),
            announcements::mailing_after.eq(None::<&str>),
            announcements::mailing_total.eq(0),
            announcements::mailing_done.eq(0),
            announcements::claim_token.eq(None::<&str>),
            announcements::claim_until.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(())
}

/// Gives up every claim on mailings, and says how many there were.
pub(in crate::db) fn drop_mailing_claims(conn: &mut Conn<'_>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::update(announcements::table)
        .filter(announcements::claim_token.is_not_null())
        .set((announcements::claim_token.eq(None::<&str>), announcements::claim_until.eq(None::<Ts>)))
        .execute(c))?)
}
