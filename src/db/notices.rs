//! The outbox.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::connection::{Conn, on};
use super::schema::notices;
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::ids::{ClaimToken, NoticeId, PersonId};
use crate::domain::notice::{Delivery, Notice, Topic};

#[derive(Queryable, Selectable)]
#[diesel(table_name = notices)]
struct NoticeRow {
    id: String,
    dedupe_key: String,
    topic: String,
    person_id: Option<String>,
    recipient: String,
    subject: String,
    body: String,
    calendar: Option<String>,
    created_at: Ts,
    attempts: i32,
}

impl TryFrom<NoticeRow> for Notice {
    type Error = DbError;
    fn try_from(row: NoticeRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            dedupe_key: row.dedupe_key,
            topic: Topic::from_word(&row.topic)
                .ok_or_else(|| DbError::corrupt(format!("there is no topic {}", row.topic)))?,
            person: row.person_id.map(|id| id.parse().map_err(DbError::corrupt)).transpose()?,
            recipient: row.recipient,
            subject: row.subject,
            body: row.body,
            calendar: row.calendar,
            created_at: row.created_at.0,
            attempts: row.attempts,
        })
    }
}

/// Puts a notice into the outbox, unless there is one with its dedupe key already. Says whether it did.
pub fn enqueue(conn: &mut Conn<'_>, notice: &Notice) -> Result<bool, DbError> {
    enqueue_for(conn, notice, notice.created_at)
}

/// The same, to be sent from `first_attempt_at` on.
pub fn enqueue_for(
    conn: &mut Conn<'_>,
    notice: &Notice,
    first_attempt_at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let row = (
        notices::id.eq(notice.id.as_str()),
        notices::dedupe_key.eq(&notice.dedupe_key),
        notices::topic.eq(notice.topic.word()),
        notices::person_id.eq(notice.person.as_ref().map(PersonId::as_str)),
        notices::recipient.eq(&notice.recipient),
        notices::subject.eq(&notice.subject),
        notices::body.eq(&notice.body),
        notices::calendar.eq(&notice.calendar),
        notices::created_at.eq(Ts(notice.created_at)),
        notices::next_attempt_at.eq(Some(Ts(first_attempt_at))),
        notices::attempts.eq(0),
    );
    let added = on!(conn, |c| diesel::insert_into(notices::table)
        .values(row)
        .on_conflict(notices::dedupe_key)
        .do_nothing()
        .execute(c))?;
    Ok(added == 1)
}

/// Takes a notice out of the outbox, unless it was sent or is being sent. Says whether it did.
pub fn withdraw_notice(conn: &mut Conn<'_>, dedupe_key: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let gone = on!(conn, |c| diesel::delete(notices::table)
        .filter(notices::dedupe_key.eq(dedupe_key))
        .filter(notices::sent_at.is_null())
        .filter(notices::claim_until.is_null().or(notices::claim_until.le(Ts(now))))
        .execute(c))?;
    Ok(gone == 1)
}

/// When the last notice was written whose dedupe key is in this family: begins with it and a slash.
pub fn last_notice_at(conn: &mut Conn<'_>, family: &str) -> Result<Option<DateTime<Utc>>, DbError> {
    // "0" is what follows the slash, so this is a range of the index.
    let (from, to) = (format!("{family}/"), format!("{family}0"));
    let last: Option<Ts> = on!(conn, |c| notices::table
        .filter(notices::dedupe_key.gt(&from).and(notices::dedupe_key.lt(&to)))
        .order(notices::created_at.desc())
        .select(notices::created_at)
        .first(c)
        .optional())?;
    Ok(last.map(|at| at.0))
}

/// Claims up to `limit` notices that are due, longest due first.
pub fn claim_due_notices(
    conn: &mut Conn<'_>,
    token: &ClaimToken,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Notice>, DbError> {
    let ids = dialect::due_notices(conn, now, limit)?;
    on!(conn, |c| diesel::update(notices::table.filter(notices::id.eq_any(&ids)))
        .set((notices::claim_token.eq(token.as_str()), notices::claim_until.eq(Ts(until))))
        .execute(c))?;
    let rows: Vec<NoticeRow> = on!(conn, |c| notices::table
        .filter(notices::id.eq_any(&ids))
        .order((notices::created_at, notices::id))
        .select(NoticeRow::as_select())
        .load(c))?;
    rows.into_iter().map(Notice::try_from).collect()
}

/// Records what came of an attempt, if the claim still stands, and drops the claim.
pub fn record_delivery(
    conn: &mut Conn<'_>,
    id: &NoticeId,
    token: &ClaimToken,
    delivery: &Delivery,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let (error, next, sent) = match delivery {
        Delivery::Sent => (None, None, Some(Ts(now))),
        Delivery::Later { error, at } => (Some(error), Some(Ts(*at)), None),
        Delivery::Dead { error } => (Some(error), None, None),
    };
    let written = on!(conn, |c| diesel::update(notices::table)
        .filter(notices::id.eq(id.as_str()))
        .filter(notices::claim_token.eq(token.as_str()))
        .set((
            notices::attempts.eq(notices::attempts + 1),
            notices::last_error.eq(error),
            notices::next_attempt_at.eq(next),
            notices::sent_at.eq(sent),
            notices::claim_token.eq(None::<&str>),
            notices::claim_until.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(written == 1)
}

/// How many notices wait, and how many were given up.
pub fn outbox_counts(conn: &mut Conn<'_>) -> Result<(i64, i64), DbError> {
    let waiting = notices::table.filter(notices::next_attempt_at.is_not_null()).count();
    let dead =
        notices::table.filter(notices::next_attempt_at.is_null()).filter(notices::sent_at.is_null()).count();
    Ok((on!(conn, |c| waiting.get_result(c))?, on!(conn, |c| dead.get_result(c))?))
}

/// Forgets the notices that were sent before an instant. Says how many.
pub fn forget_notices(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::delete(notices::table.filter(notices::sent_at.lt(Ts(before)))).execute(c))?)
}
