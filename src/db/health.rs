//! How sites do, and what calls to them came to.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::connection::{Conn, on};
use super::schema::{site_calls, site_health};
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::health::{CallTally, Condition, Fault, Health};
use crate::domain::ids::SiteId;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = site_health, primary_key(site_id), treat_none_as_null = true)]
struct HealthRow {
    site_id: String,
    condition: String,
    since: Ts,
    failures: i32,
    successes: i32,
    failing_since: Option<Ts>,
    last_ok_at: Option<Ts>,
    fault_at: Option<Ts>,
    fault_class: Option<String>,
    fault_message: Option<String>,
}

impl HealthRow {
    fn of(site: &SiteId, health: &Health) -> Self {
        let fault = health.last_fault.as_ref();
        Self {
            site_id: site.to_string(),
            condition: health.condition.word().to_owned(),
            since: Ts(health.since),
            failures: health.failures,
            successes: health.successes,
            failing_since: health.failing_since.map(Ts),
            last_ok_at: health.last_ok.map(Ts),
            fault_at: fault.map(|(at, _)| Ts(*at)),
            fault_class: fault.map(|(_, fault)| fault.class.clone()),
            fault_message: fault.map(|(_, fault)| fault.message.clone()),
        }
    }
}

impl TryFrom<HealthRow> for Health {
    type Error = DbError;
    fn try_from(row: HealthRow) -> Result<Self, DbError> {
        let fault = row.fault_class.zip(row.fault_message).map(|(class, message)| Fault { class, message });
        Ok(Self {
            condition: Condition::from_word(&row.condition)
                .ok_or_else(|| DbError::corrupt(format!("the condition of site {}", row.site_id)))?,
            since: row.since.0,
            failures: row.failures,
            successes: row.successes,
            failing_since: row.failing_since.map(|at| at.0),
            last_ok: row.last_ok_at.map(|at| at.0),
            last_fault: row.fault_at.map(|at| at.0).zip(fault),
        })
    }
}

/// How the site does; nothing if it was not seen yet.
pub fn site_health(conn: &mut Conn<'_>, site: &SiteId) -> Result<Option<Health>, DbError> {
    let row: Option<HealthRow> = on!(conn, |c| site_health::table
        .find(site.as_str())
        .select(HealthRow::as_select())
        .first(c)
        .optional())?;
    row.map(Health::try_from).transpose()
}

/// How the site does, which nobody else may write until the transaction is over. A site that was not seen yet gets a row
/// as of `now`.
pub fn site_health_locked(conn: &mut Conn<'_>, site: &SiteId, now: DateTime<Utc>) -> Result<Health, DbError> {
    let fresh = Health::unseen(now);
    let row = HealthRow::of(site, &fresh);
    on!(conn, |c| diesel::insert_into(site_health::table).values(&row).on_conflict_do_nothing().execute(c))?;
    dialect::lock_site_health(conn, site.as_str())?;
    Ok(site_health(conn, site)?.unwrap_or(fresh))
}

/// How each site does that was seen.
pub fn all_site_health(conn: &mut Conn<'_>) -> Result<BTreeMap<SiteId, Health>, DbError> {
    let rows: Vec<HealthRow> = on!(conn, |c| site_health::table.select(HealthRow::as_select()).load(c))?;
    rows.into_iter()
        .map(|row| Ok((row.site_id.parse().map_err(DbError::corrupt)?, row.try_into()?)))
        .collect()
}

/// The sites whose bookings rest.
pub fn sites_that_are_down(conn: &mut Conn<'_>) -> Result<BTreeSet<SiteId>, DbError> {
    let ids: Vec<String> = on!(conn, |c| site_health::table
        .filter(site_health::condition.eq(Condition::Down.word()))
        .select(site_health::site_id)
        .load(c))?;
    ids.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// The sites that are down and that nobody has looked at since `before`.
pub fn sites_to_look_at(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<Vec<SiteId>, DbError> {
    let ids: Vec<String> = on!(conn, |c| site_health::table
        .filter(site_health::condition.eq(Condition::Down.word()))
        .filter(site_health::looked_at.is_null().or(site_health::looked_at.le(Ts(before))))
        .order(site_health::site_id)
        .select(site_health::site_id)
        .load(c))?;
    ids.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// Writes how the site does. It has a row: [`site_health_locked`] was asked before.
pub fn save_site_health(conn: &mut Conn<'_>, site: &SiteId, health: &Health) -> Result<(), DbError> {
    let row = HealthRow::of(site, health);
    on!(conn, |c| diesel::update(site_health::table.find(site.as_str())).set(&row).execute(c))?;
    Ok(())
}

/// Records that these sites are looked at. Those that were not seen yet have no row, and need none.
pub fn record_look(conn: &mut Conn<'_>, sites: &[SiteId], now: DateTime<Utc>) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(site_health::table)
        .filter(site_health::site_id.eq_any(sites.iter().map(SiteId::as_str)))
        .set(site_health::looked_at.eq(Some(Ts(now))))
        .execute(c))?;
    Ok(())
}

/// Adds to what calls of an operation came to.
pub fn add_calls(conn: &mut Conn<'_>, tally: &CallTally) -> Result<(), DbError> {
    let row = (
        site_calls::site_id.eq(tally.site.as_str()),
        site_calls::operation.eq(&tally.operation),
        site_calls::from_at.eq(Ts(tally.from)),
        site_calls::calls.eq(tally.calls),
        site_calls::failures.eq(tally.failures),
        site_calls::total_ms.eq(tally.total_ms),
        site_calls::max_ms.eq(tally.max_ms),
    );
    on!(conn, |c| diesel::insert_into(site_calls::table)
        .values(row)
        .on_conflict((site_calls::site_id, site_calls::operation, site_calls::from_at))
        .do_update()
        .set((
            site_calls::calls.eq(site_calls::calls + excluded(site_calls::calls)),
            site_calls::failures.eq(site_calls::failures + excluded(site_calls::failures)),
            site_calls::total_ms.eq(site_calls::total_ms + excluded(site_calls::total_ms)),
            site_calls::max_ms.eq(case_when(
                site_calls::max_ms.lt(excluded(site_calls::max_ms)),
                excluded(site_calls::max_ms),
            )
            .otherwise(site_calls::max_ms)),
        ))
        .execute(c))?;
    Ok(())
}

type CallRow = (String, String, Ts, i64, i64, i64, i64);

/// What calls came to in the steps that began at `since` or later, by site, operation and time. A step has at most as many
/// rows as there are sites and operations.
pub fn calls_since(conn: &mut Conn<'_>, since: DateTime<Utc>) -> Result<Vec<CallTally>, DbError> {
    let rows: Vec<CallRow> = on!(conn, |c| site_calls::table
        .filter(site_calls::from_at.ge(Ts(since)))
        .order((site_calls::site_id, site_calls::operation, site_calls::from_at))
        .load(c))?;
    rows.into_iter()
        .map(|(site, operation, from, calls, failures, total_ms, max_ms)| {
            let site = site.parse().map_err(DbError::corrupt)?;
            Ok(CallTally { site, operation, from: from.0, calls, failures, total_ms, max_ms })
        })
        .collect()
}

/// Forgets what calls came to in steps that began before `keep_from`.
pub fn forget_calls(conn: &mut Conn<'_>, keep_from: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::delete(site_calls::table)
        .filter(site_calls::from_at.lt(Ts(keep_from)))
        .execute(c))?)
}
