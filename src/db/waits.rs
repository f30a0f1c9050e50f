//! Places in line, and what has become free while someone waits.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{count_star, exists, select};
use diesel::prelude::*;
use serde::Serialize;

use super::connection::{Conn, on};
use super::schema::{bookings, labs, waitlist_calls, waits};
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::ids::{BookingId, LabId, PersonId, PoolId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::waitlist::{Outcome, Wait, WaitState};

/// More than ever wait at once in one pool.
const MOST: i64 = 20_000;

/// Waits of one person that a page shows.
const MOST_OF_ONE: i64 = 200;

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = waits, treat_none_as_null = true)]
struct WaitRow {
    id: String,
    person_id: String,
    lab_id: String,
    asked: String,
    joined_at: Ts,
    age_from: Ts,
    lapses: i32,
    passed: String,
    booking_id: Option<String>,
    ended_at: Option<Ts>,
    outcome: Option<String>,
}

/// How a wait ended, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Served,
    Left,
    Unanswered,
    Over,
}

impl Word {
    const ALL: [Self; 4] = [Self::Served, Self::Left, Self::Unanswered, Self::Over];

    fn text(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Left => "left",
            Self::Unanswered => "unanswered",
            Self::Over => "over",
        }
    }

    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Served(_) => Self::Served,
            Outcome::Left => Self::Left,
            Outcome::Unanswered => Self::Unanswered,
            Outcome::Over => Self::Over,
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(DbError::corrupt)
}

fn row(wait: &Wait) -> Result<WaitRow, DbError> {
    let (booking, ended) = match &wait.state {
        WaitState::Waiting => (None, None),
        WaitState::Offered(booking) => (Some(booking), None),
        WaitState::Ended { at, outcome: outcome @ Outcome::Served(booking) } => {
            (Some(booking), Some((*at, outcome)))
        }
        WaitState::Ended { at, outcome } => (None, Some((*at, outcome))),
    };
    Ok(WaitRow {
        id: wait.id.to_string(),
        person_id: wait.person.to_string(),
        lab_id: wait.lab.to_string(),
        asked: json(&wait.asked)?,
        joined_at: Ts(wait.joined_at),
        age_from: Ts(wait.age_from),
        lapses: wait.lapses,
        passed: json(&wait.passed)?,
        booking_id: booking.map(ToString::to_string),
        ended_at: ended.map(|(at, _)| Ts(at)),
        outcome: ended.map(|(_, outcome)| Word::of(outcome).text().to_owned()),
    })
}

fn state(row: &WaitRow) -> Result<WaitState, DbError> {
    let booking = row.booking_id.as_deref().map(str::parse::<BookingId>).transpose();
    let booking = booking.map_err(DbError::corrupt)?;
    let Some(at) = row.ended_at else {
        return Ok(booking.map_or(WaitState::Waiting, WaitState::Offered));
    };
    let word = Word::ALL.into_iter().find(|word| Some(word.text()) == row.outcome.as_deref());
    let outcome = match (word, booking) {
        (Some(Word::Served), Some(booking)) => Outcome::Served(booking),
        (Some(Word::Left), _) => Outcome::Left,
        (Some(Word::Unanswered), _) => Outcome::Unanswered,
        (Some(Word::Over), _) => Outcome::Over,
        _ => return Err(DbError::corrupt(format!("the outcome of wait {}", row.id))),
    };
    Ok(WaitState::Ended { at: at.0, outcome })
}

impl TryFrom<WaitRow> for Wait {
    type Error = DbError;
    fn try_from(row: WaitRow) -> Result<Self, DbError> {
        Ok(Self {
            state: state(&row)?,
            id: row.id.parse().map_err(DbError::corrupt)?,
            person: row.person_id.parse().map_err(DbError::corrupt)?,
            lab: row.lab_id.parse().map_err(DbError::corrupt)?,
            asked: serde_json::from_str(&row.asked).map_err(DbError::corrupt)?,
            joined_at: row.joined_at.0,
            age_from: row.age_from.0,
            lapses: row.lapses,
            passed: serde_json::from_str::<Vec<Interval>>(&row.passed).map_err(DbError::corrupt)?,
        })
    }
}

fn read(rows: Vec<WaitRow>) -> Result<Vec<Wait>, DbError> {
    rows.into_iter().map(Wait::try_from).collect()
}

/// Adds a place in line. A second one of the same person and lab is a [`DbError::Duplicate`].
pub fn insert_wait(conn: &mut Conn<'_>, wait: &Wait) -> Result<(), DbError> {
    let row = row(wait)?;
    on!(conn, |c| diesel::insert_into(waits::table).values(&row).execute(c))?;
    Ok(())
}

/// Writes what changed of a place in line.
pub fn save_wait(conn: &mut Conn<'_>, wait: &Wait) -> Result<(), DbError> {
    let row = row(wait)?;
    on!(conn, |c| diesel::update(waits::table.find(wait.id.as_str())).set(&row).execute(c))?;
    Ok(())
}

/// The place in line with this id.
pub fn wait(conn: &mut Conn<'_>, id: &WaitId) -> Result<Option<Wait>, DbError> {
    let row: Option<WaitRow> =
        on!(conn, |c| waits::table.find(id.as_str()).select(WaitRow::as_select()).first(c).optional())?;
    row.map(Wait::try_from).transpose()
}

/// The place in line with this id, which no one else may change until the transaction is over.
pub fn wait_locked(conn: &mut Conn<'_>, id: &WaitId) -> Result<Option<Wait>, DbError> {
    dialect::lock_wait(conn, id.as_str())?;
    wait(conn, id)
}

/// The place in line to which this booking was offered, or which ended with it.
pub fn wait_of_booking(conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<Wait>, DbError> {
    let row: Option<WaitRow> = on!(conn, |c| waits::table
        .filter(waits::booking_id.eq(id.as_str()))
        .select(WaitRow::as_select())
        .first(c)
        .optional())?;
    row.map(Wait::try_from).transpose()
}

/// The person's open place in the line of this lab.
pub fn open_wait(conn: &mut Conn<'_>, person: &PersonId, lab: &LabId) -> Result<Option<Wait>, DbError> {
    let row: Option<WaitRow> = on!(conn, |c| waits::table
        .filter(waits::person_id.eq(person.as_str()))
        .filter(waits::lab_id.eq(lab.as_str()))
        .filter(waits::ended_at.is_null())
        .select(WaitRow::as_select())
        .first(c)
        .optional())?;
    row.map(Wait::try_from).transpose()
}

/// The latest places in line of a person, latest first; ended ones too.
pub fn waits_of_person(conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<Wait>, DbError> {
    let rows: Vec<WaitRow> = on!(conn, |c| waits::table
        .filter(waits::person_id.eq(person.as_str()))
        .order((waits::joined_at.desc(), waits::id))
        .limit(MOST_OF_ONE)
        .select(WaitRow::as_select())
        .load(c))?;
    read(rows)
}

/// Everyone in line for labs of these pools, those with an offer too.
pub fn open_waits_in_pools(conn: &mut Conn<'_>, pools: &[PoolId]) -> Result<Vec<Wait>, DbError> {
    let rows: Vec<WaitRow> = on!(conn, |c| waits::table
        .inner_join(labs::table)
        .filter(labs::pool_id.eq_any(pools.iter().map(PoolId::as_str)))
        .filter(waits::ended_at.is_null())
        .order((waits::joined_at, waits::id))
        .limit(MOST)
        .select(WaitRow::as_select())
        .load(c))?;
    read(rows)
}

/// The pools for whose labs someone waits.
pub fn pools_with_waits(conn: &mut Conn<'_>) -> Result<Vec<PoolId>, DbError> {
    let pools: Vec<String> = on!(conn, |c| waits::table
        .inner_join(labs::table)
        .filter(waits::ended_at.is_null())
        .select(labs::pool_id)
        .distinct()
        .order(labs::pool_id)
        .load(c))?;
    pools.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// Whether someone waits for a lab of this pool.
pub fn has_waits(conn: &mut Conn<'_>, pool: &PoolId) -> Result<bool, DbError> {
    let there = waits::table
        .inner_join(labs::table)
        .filter(labs::pool_id.eq(pool.as_str()))
        .filter(waits::ended_at.is_null());
    Ok(on!(conn, |c| select(exists(there)).get_result(c))?)
}

/// Notes that something of the pool has become free, if someone waits for it: whoever looks next goes through its line.
pub fn call_waitlist(conn: &mut Conn<'_>, pool: &PoolId, token: &str) -> Result<(), DbError> {
    if !has_waits(conn, pool)? {
        return Ok(());
    }
    on!(conn, |c| diesel::insert_into(waitlist_calls::table)
        .values((waitlist_calls::pool_id.eq(pool.as_str()), waitlist_calls::token.eq(token)))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Whether something has become free in one of these pools since its line was gone through.
pub fn is_called(conn: &mut Conn<'_>, pools: &[PoolId]) -> Result<bool, DbError> {
    let there =
        waitlist_calls::table.filter(waitlist_calls::pool_id.eq_any(pools.iter().map(PoolId::as_str)));
    Ok(on!(conn, |c| select(exists(there)).get_result(c))?)
}

/// The pools whose lines are to be gone through.
pub fn called_pools(conn: &mut Conn<'_>) -> Result<Vec<PoolId>, DbError> {
    let pools: Vec<String> = on!(conn, |c| waitlist_calls::table
        .select(waitlist_calls::pool_id)
        .distinct()
        .order(waitlist_calls::pool_id)
        .load(c))?;
    pools.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// Takes the calls of a pool that there are now: whoever does goes through its line in the same transaction.
pub fn answer_calls(conn: &mut Conn<'_>, pool: &PoolId) -> Result<(), DbError> {
    on!(conn, |c| diesel::delete(waitlist_calls::table.filter(waitlist_calls::pool_id.eq(pool.as_str())))
        .execute(c))?;
    Ok(())
}

/// Offers that were to be taken by `now`, longest over first.
pub fn offers_over(conn: &mut Conn<'_>, now: DateTime<Utc>, limit: i64) -> Result<Vec<BookingId>, DbError> {
    let ids: Vec<String> = on!(conn, |c| bookings::table
        .filter(bookings::offered_until.le(Ts(now)))
        .order((bookings::offered_until, bookings::id))
        .limit(limit)
        .select(bookings::id)
        .load(c))?;
    ids.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// More places than come free within weeks.
const MOST_FREED: i64 = 10_000;

/// Places of at least `length` that came free in the pool from `since` on, before they were over: given back, called off, or
/// not used. Offers that were not taken are none: they came free before.
pub fn places_freed(
    conn: &mut Conn<'_>,
    pool: &PoolId,
    since: DateTime<Utc>,
    length: TimeDelta,
) -> Result<usize, DbError> {
    let rows: Vec<(Ts, Ts, Option<Ts>)> = on!(conn, |c| bookings::table
        .filter(bookings::pool_id.eq(pool.as_str()))
        .filter(bookings::released_at.ge(Ts(since)))
        .filter(bookings::reason.eq_any(["released", "cancelled", "no_show", "failed"]))
        .limit(MOST_FREED)
        .select((bookings::start_at, bookings::end_at, bookings::released_at))
        .load(c))?;
    let left = |(start, end, released): &(Ts, Ts, Option<Ts>)| {
        end.0 - released.map_or(start.0, |released| released.0.max(start.0))
    };
    Ok(rows.iter().filter(|row| left(row) >= length).count())
}

/// How many are in line for each lab.
pub fn waits_by_lab(conn: &mut Conn<'_>) -> Result<BTreeMap<LabId, i64>, DbError> {
    let rows: Vec<(String, i64)> = on!(conn, |c| waits::table
        .filter(waits::ended_at.is_null())
        .group_by(waits::lab_id)
        .select((waits::lab_id, count_star()))
        .load(c))?;
    rows.into_iter().map(|(lab, count)| Ok((lab.parse().map_err(DbError::corrupt)?, count))).collect()
}
