//! The outbox.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::connection::{Conn, on};
use super::schema::notices;
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::ids::{ClaimToken, NoticeId, PersonId};
use crate::domain::notice::{Delivery, Notice, Standing, Topic};

#[derive(Queryable, Selectable)]
#[diesel(table_name = notices)]
pub(super) struct NoticeRow {
    id: String,
    dedupe_key: String,
    topic: String,
    person_id: Option<String>,
    recipient: String,
    subject: String,
    body: String,
    calendar: Option<String>,
    created_at: Ts,
    stale_at: Option<Ts>,
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
            stale_at: row.stale_at.map(|at| at.0),
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
    add(conn, notice, Standing::Waiting, Some(first_attempt_at), None)
}

/// The same, to be told by the digest of its person that is due at `digest_at`.
pub fn enqueue_for_digest(
    conn: &mut Conn<'_>,
    notice: &Notice,
    digest_at: DateTime<Utc>,
) -> Result<bool, DbError> {
    add(conn, notice, Standing::Gathering, None, Some(digest_at))
}

fn add(
    conn: &mut Conn<'_>,
    notice: &Notice,
    standing: Standing,
    next_attempt_at: Option<DateTime<Utc>>,
    digest_at: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let row = (
        notices::id.eq(notice.id.as_str()),
        notices::dedupe_key.eq(&notice.dedupe_key),
        notices::topic.eq(notice.topic.word()),
        notices::hurry.eq(hurry(notice)),
        notices::state.eq(standing.word()),
        notices::person_id.eq(notice.person.as_ref().map(PersonId::as_str)),
        notices::recipient.eq(&notice.recipient),
        notices::subject.eq(&notice.subject),
        notices::body.eq(&notice.body),
        notices::calendar.eq(&notice.calendar),
        notices::created_at.eq(Ts(notice.created_at)),
        notices::stale_at.eq(notice.stale_at.map(Ts)),
        notices::next_attempt_at.eq(next_attempt_at.map(Ts)),
        notices::digest_at.eq(digest_at.map(Ts)),
        notices::attempts.eq(0),
    );
    let added = on!(conn, |c| diesel::insert_into(notices::table)
        .values(row)
        .on_conflict(notices::dedupe_key)
        .do_nothing()
        .execute(c))?;
    Ok(added == 1)
}

/// What goes before others, and what waits behind them, as stored.
const HURRIES: [i32; 2] = [0, 1];

fn hurry(notice: &Notice) -> i32 {
    i32::from(!notice.is_urgent())
}

/// Takes a notice out of the outbox, unless it was sent or is being sent. Says whether it did.
pub fn withdraw_notice(conn: &mut Conn<'_>, dedupe_key: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let gone = on!(conn, |c| diesel::delete(notices::table)
        .filter(notices::dedupe_key.eq(dedupe_key))
        .filter(notices::state.eq_any([Standing::Waiting, Standing::Gathering].map(Standing::word)))
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

/// Up to `limit` notices that are due and that nobody has a claim on: what is urgent before the rest, and of each the longest
/// due first. Until the transaction is over they are nobody else's.
pub fn due_notices(conn: &mut Conn<'_>, now: DateTime<Utc>, limit: usize) -> Result<Vec<Notice>, DbError> {
    let mut ids = Vec::new();
    for hurry in HURRIES {
        let room = i64::try_from(limit.saturating_sub(ids.len())).unwrap_or(i64::MAX);
        if room > 0 {
            ids.extend(dialect::due_notices(conn, hurry, now, room)?);
        }
    }
    let rows: Vec<NoticeRow> = on!(conn, |c| notices::table
        .filter(notices::id.eq_any(&ids))
        .order((notices::hurry, notices::next_attempt_at, notices::id))
        .select(NoticeRow::as_select())
        .load(c))?;
    rows.into_iter().map(Notice::try_from).collect()
}

/// Claims these notices.
pub fn claim_notices(
    conn: &mut Conn<'_>,
    notices: &[Notice],
    token: &ClaimToken,
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(notices::table.filter(notices::id.eq_any(ids_of(notices))))
        .set((notices::claim_token.eq(token.as_str()), notices::claim_until.eq(Ts(until))))
        .execute(c))?;
    Ok(())
}

/// Sets notices aside whose time is over: they are not sent any more.
pub fn set_notices_aside(conn: &mut Conn<'_>, notices: &[Notice]) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(notices::table.filter(notices::id.eq_any(ids_of(notices))))
        .set((
            notices::state.eq(Standing::OutOfDate.word()),
            notices::next_attempt_at.eq(None::<Ts>),
            notices::digest_at.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(())
}

/// Leaves notices to the digests of their people that are due at `digest_at`.
pub fn gather_notices(
    conn: &mut Conn<'_>,
    notices: &[Notice],
    digest_at: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(notices::table.filter(notices::id.eq_any(ids_of(notices))))
        .set((
            notices::state.eq(Standing::Gathering.word()),
            notices::next_attempt_at.eq(None::<Ts>),
            notices::digest_at.eq(Some(Ts(digest_at))),
        ))
        .execute(c))?;
    Ok(())
}

fn ids_of(notices: &[Notice]) -> impl Iterator<Item = &str> + Clone {
    notices.iter().map(|notice| notice.id.as_str())
}

/// How many notices that are not urgent each of these people was sent since an instant, or is being sent. Who is not in the
/// answer was sent none.
pub fn recently_sent(
    conn: &mut Conn<'_>,
    people: &[&PersonId],
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<PersonId, i64>, DbError> {
    let [_, later] = HURRIES;
    let rows: Vec<(Option<String>, i64)> = on!(conn, |c| notices::table
        .filter(notices::person_id.eq_any(people.iter().map(|id| id.as_str())))
        .filter(notices::hurry.eq(later))
        .filter(notices::sent_at.gt(Ts(since)).or(notices::claim_until.gt(Ts(now))))
        .group_by(notices::person_id)
        .select((notices::person_id, count_star()))
        .load(c))?;
    let read = |(id, count): (Option<String>, i64)| Some(id?.parse().map(|id| (id, count)));
    rows.into_iter().filter_map(read).collect::<Result<_, _>>().map_err(DbError::corrupt)
}

/// Records what came of an attempt, if the claim still stands, and drops the claim.
pub fn record_delivery(
    conn: &mut Conn<'_>,
    id: &NoticeId,
    token: &ClaimToken,
    delivery: &Delivery,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let (standing, error, next, sent) = match delivery {
        Delivery::Sent => (Standing::Sent, None, None, Some(Ts(now))),
        Delivery::Later { error, at } => (Standing::Waiting, Some(error), Some(Ts(*at)), None),
        Delivery::Dead { error, .. } => (Standing::GivenUp, Some(error), None, None),
    };
    let written = on!(conn, |c| diesel::update(notices::table)
        .filter(notices::id.eq(id.as_str()))
        .filter(notices::claim_token.eq(token.as_str()))
        .set((
            notices::state.eq(standing.word()),
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
    let mut count = |standing: Standing| -> Result<i64, DbError> {
        let these = notices::table.filter(notices::state.eq(standing.word())).count();
        Ok(on!(conn, |c| these.get_result(c))?)
    };
    Ok((count(Standing::Waiting)?, count(Standing::GivenUp)?))
}

/// Forgets the notices that were sent before an instant, and those written before it that never will be. Says how many.
pub fn forget_notices(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<usize, DbError> {
    let over = [Standing::InDigest, Standing::OutOfDate, Standing::GivenUp].map(Standing::word);
    let sent =
        on!(conn, |c| diesel::delete(notices::table.filter(notices::sent_at.lt(Ts(before)))).execute(c))?;
    let never = notices::table.filter(notices::state.eq_any(over)).filter(notices::created_at.lt(Ts(before)));
    Ok(sent + on!(conn, |c| diesel::delete(never).execute(c))?)
}
