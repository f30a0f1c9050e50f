//! What waits to be done: bookings whose next step is due, and mail.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, max, min};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{bookings, notices, pools};
use super::types::Ts;
use crate::domain::ids::{PoolId, SiteId};

/// Things that wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub count: i64,
    /// Since when the first of them waits.
    pub oldest: Option<DateTime<Utc>>,
}

impl Waiting {
    fn and(self, other: Self) -> Self {
        let oldest = self.oldest.into_iter().chain(other.oldest).min();
        Self { count: self.count + other.count, oldest }
    }
}

/// How many bookings are in each state that have not ended, by the state's word.
pub fn unended_bookings_by_state(conn: &mut Conn<'_>) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> = on!(conn, |c| bookings::table
        .filter(bookings::ended_at.is_null())
        .group_by(bookings::state)
        .select((bookings::state, count_star()))
        .load(c))?;
    Ok(rows.into_iter().collect())
}

/// The bookings whose next step was due at `at`, by site; sites at which there are none are left out.
pub fn bookings_due(conn: &mut Conn<'_>, at: DateTime<Utc>) -> Result<BTreeMap<SiteId, Waiting>, DbError> {
    let rows: Vec<(String, i64, Option<Ts>)> = on!(conn, |c| bookings::table
        .filter(bookings::next_step_at.le(Ts(at)))
        .group_by(bookings::pool_id)
        .select((bookings::pool_id, count_star(), min(bookings::next_step_at)))
        .load(c))?;
    let sites: BTreeMap<String, String> =
        on!(conn, |c| pools::table.select((pools::id, pools::site_id)).load::<(String, String)>(c))?
            .into_iter()
            .collect();
    let mut due: BTreeMap<SiteId, Waiting> = BTreeMap::new();
    for (pool, count, oldest) in rows {
        let site = sites.get(&pool).ok_or_else(|| DbError::corrupt(format!("there is no pool {pool}")))?;
        let waiting = due.entry(site.parse().map_err(DbError::corrupt)?).or_default();
        *waiting = waiting.and(Waiting { count, oldest: oldest.map(|at| at.0) });
    }
    Ok(due)
}

/// Up to when the pool's live bookings hold it, if there are any: the latest of their ends, and of those that they are to have.
pub fn booked_until(conn: &mut Conn<'_>, pool: &PoolId) -> Result<Option<DateTime<Utc>>, DbError> {
    let (end, wanted): (Option<Ts>, Option<Ts>) = on!(conn, |c| bookings::table
        .filter(bookings::pool_id.eq(pool.as_str()))
        .filter(bookings::ended_at.is_null())
        .filter(bookings::seat.is_not_null())
        .select((max(bookings::end_at), max(bookings::wanted_end)))
        .first(c))?;
    Ok([end, wanted].into_iter().flatten().map(|at| at.0).max())
}

/// The notices that have not left and are still tried.
pub fn outbox(conn: &mut Conn<'_>) -> Result<Waiting, DbError> {
    let (count, oldest): (i64, Option<Ts>) = on!(conn, |c| notices::table
        .filter(notices::next_attempt_at.is_not_null())
        .select((count_star(), min(notices::created_at)))
        .first(c))?;
    Ok(Waiting { count, oldest: oldest.map(|at| at.0) })
}
