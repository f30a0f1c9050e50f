//! What gathers for the digest of a person.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::notices::NoticeRow;
use super::schema::notices;
use super::types::Ts;
use crate::domain::ids::{NoticeId, PersonId};
use crate::domain::notice::{Notice, Standing};

/// Up to `limit` people whose digest is due.
pub fn people_with_digest_due(
    conn: &mut Conn<'_>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<PersonId>, DbError> {
    let ids: Vec<Option<String>> = on!(conn, |c| notices::table
        .filter(notices::digest_at.le(Ts(now)))
        .filter(notices::person_id.is_not_null())
        .select(notices::person_id)
        .distinct()
        .order(notices::person_id)
        .limit(limit)
        .load(c))?;
    ids.into_iter().flatten().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// Up to `limit` notices that the person's digest is to tell now, the oldest first.
pub fn gathered_for(
    conn: &mut Conn<'_>,
    person: &PersonId,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Notice>, DbError> {
    let rows: Vec<NoticeRow> = on!(conn, |c| notices::table
        .filter(notices::person_id.eq(person.as_str()))
        .filter(notices::digest_at.le(Ts(now)))
        .order((notices::created_at, notices::id))
        .limit(limit)
        .select(NoticeRow::as_select())
        .load(c))?;
    rows.into_iter().map(Notice::try_from).collect()
}

/// Writes that a digest tells these.
pub fn take_into_digest(conn: &mut Conn<'_>, told: &[Notice], digest: &NoticeId) -> Result<(), DbError> {
    let ids = told.iter().map(|notice| notice.id.as_str());
    on!(conn, |c| diesel::update(notices::table.filter(notices::id.eq_any(ids)))
        .set((
            notices::state.eq(Standing::InDigest.word()),
            notices::digest_at.eq(None::<Ts>),
            notices::digest_id.eq(Some(digest.as_str())),
        ))
        .execute(c))?;
    Ok(())
}

/// Leaves what else is due of the person's to the digest after.
pub fn postpone_digest(
    conn: &mut Conn<'_>,
    person: &PersonId,
    now: DateTime<Utc>,
    next: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(notices::table)
        .filter(notices::person_id.eq(person.as_str()))
        .filter(notices::digest_at.le(Ts(now)))
        .set(notices::digest_at.eq(Some(Ts(next))))
        .execute(c))?;
    Ok(())
}
