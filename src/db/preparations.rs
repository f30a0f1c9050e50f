//! How long preparing bookings took, and those that wait for theirs to begin.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::bookings;
use super::types::Ts;
use crate::domain::ids::{LabId, PoolId};

/// How long it took to prepare the latest `limit` bookings of the lab in this pool that became active, from when it was due on.
/// Only those count that started at `now` or before: of those that are still to start the quickest are ready first.
pub fn latest_preparations(
    conn: &mut Conn<'_>,
    lab: &LabId,
    pool: &PoolId,
    now: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<TimeDelta>, DbError> {
    let rows: Vec<(Option<Ts>, Option<Ts>)> = on!(conn, |c| bookings::table
        .filter(bookings::lab_id.eq(lab.as_str()))
        .filter(bookings::pool_id.eq(pool.as_str()))
        .filter(bookings::ready_at.is_not_null())
        .filter(bookings::start_at.le(Ts(now)))
        .order(bookings::ready_at.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((bookings::preparing_at, bookings::ready_at))
        .load(c))?;
    Ok(rows.into_iter().filter_map(|(began, ready)| Some(ready?.0 - began?.0)).collect())
}

/// The labs and pools of bookings whose place is theirs by now and that wait for their preparing to begin.
pub fn waiting_within_their_lead(
    conn: &mut Conn<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<(LabId, PoolId)>, DbError> {
    let rows: Vec<(String, String)> = on!(conn, |c| bookings::table
        .filter(bookings::next_step_at.gt(Ts(now)))
        .filter(bookings::state.eq("booked"))
        .filter(bookings::held_from.le(Ts(now)))
        .select((bookings::lab_id, bookings::pool_id))
        .distinct()
        .load(c))?;
    rows.into_iter()
        .map(|(lab, pool)| {
            Ok((lab.parse().map_err(DbError::corrupt)?, pool.parse().map_err(DbError::corrupt)?))
        })
        .collect()
}

/// Lets workers look at once at the bookings of the lab in this pool that wait within their lead and start at `until` or
/// sooner. Says how many these are.
pub fn look_at_waiting(
    conn: &mut Conn<'_>,
    lab: &LabId,
    pool: &PoolId,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::update(bookings::table)
        .filter(bookings::next_step_at.gt(Ts(now)))
        .filter(bookings::state.eq("booked"))
        .filter(bookings::held_from.le(Ts(now)))
        .filter(bookings::start_at.le(Ts(until)))
        .filter(bookings::lab_id.eq(lab.as_str()))
        .filter(bookings::pool_id.eq(pool.as_str()))
        .set(bookings::next_step_at.eq(Some(Ts(now))))
        .execute(c))?)
}
