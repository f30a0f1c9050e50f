//! Applying a course file.

use chrono::{DateTime, TimeDelta, Utc};

use serde_json::json;

use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::course::{Course, Pool, Site};
use crate::entropy::Entropy;
use crate::services::fair_share;

mod plan;

pub use plan::{Affected, Plan, plan};

/// Why a course can't be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Units are held by grid cell, and resources are where they were made: what live bookings stand on stays.
    #[error(
        "{key}: it can't change from {from} to {to} while {live} live bookings stand on it: wait until they have ended"
    )]
    InUse {
        /// The key in the course file.
        key: String,
        /// What it was.
        from: String,
        /// What it was to be.
        to: String,
        /// Live bookings, and those whose resources are being deleted.
        live: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for ApplyError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// How many changes of a course the audit log has at most.
const MOST_CHANGES: usize = 500;

/// [`apply`], and it is recorded who did it and what has changed. Nothing is recorded where nothing changes.
pub fn apply_by(
    conn: &mut Conn<'_>,
    entropy: &dyn Entropy,
    doer: &Doer,
    course: &Course,
    now: DateTime<Utc>,
) -> Result<(), ApplyError> {
    let Plan { mut changes, affected } = plan(conn, course)?;
    apply(conn, course, now)?;
    if changes.is_empty() {
        return Ok(());
    }
    let count = changes.len();
    changes.truncate(MOST_CHANGES);
    let told = json!({"changes": count, "what": changes, "bookings_against_the_rules": affected.len()});
    let entry = Entry::new(Action::AppliedCourse).to(Object::Course(course.id.clone())).after(told);
    Ok(audit::write(entropy, now, conn, doer, entry)?)
}

/// Makes the course in the database what the file says, and gives cells from now on the capacities that their pools have then.
pub fn apply(conn: &mut Conn<'_>, course: &Course, now: DateTime<Utc>) -> Result<(), ApplyError> {
    refuse_what_is_in_use(conn, course)?;
    let usage = db::fair_share_policy(conn)?;
    db::save_course(conn, course)?;
    fair_share::follow(conn, usage)?;
    db::lock_occupancy(conn)?;
    for pool in &course.pools {
        db::set_capacity(conn, pool, pool.floor(now))?;
    }
    for pool in &course.pools {
        db::call_waitlist(conn, &pool.id, "apply")?;
    }
    for site in &course.sites {
        db::set_site_capacity(conn, site, now - LONGEST_CELL)?;
    }
    Ok(())
}

/// Whatever a pool's grid is, its current cell started within it.
const LONGEST_CELL: TimeDelta = TimeDelta::hours(1);

fn refuse_what_is_in_use(conn: &mut Conn<'_>, course: &Course) -> Result<(), ApplyError> {
    for site in &course.sites {
        keep_site(conn, site)?;
        keep_one_grid(conn, course, site)?;
    }
    course.pools.iter().try_for_each(|pool| keep_pool(conn, pool))
}

fn keep_pool(conn: &mut Conn<'_>, pool: &Pool) -> Result<(), ApplyError> {
    let Some(known) = db::known_pool(conn, &pool.id)? else { return Ok(()) };
    let key = |key: &str| format!("pool.{}.{key}", pool.id);
    let live = |conn: &mut Conn<'_>| db::unended_bookings_in_pools(conn, std::slice::from_ref(&pool.id));
    unless_in_use(conn, key("grid_minutes"), &known.grid_minutes, &pool.grid_minutes, live)?;
    unless_in_use(
        conn,
        key("end_margin_minutes"),
        &known.end_margin_minutes,
        &pool.end_margin_minutes,
        live,
    )?;
    let named = |pool: &Pool| if pool.nodes.is_empty() { "units without names" } else { "named nodes" };
    unless_in_use(conn, key("nodes"), &named(&known), &named(pool), live)?;
    unless_in_use(conn, key("cleaning_minutes"), &known.cleaning_minutes, &pool.cleaning_minutes, live)?;
    unless_in_use(conn, key("site"), &known.site, &pool.site, live)
}

fn keep_site(conn: &mut Conn<'_>, site: &Site) -> Result<(), ApplyError> {
    let Some(known) = db::sites(conn)?.into_iter().find(|known| known.id == site.id) else { return Ok(()) };
    let key = |key: &str| format!("site.{}.{key}", site.id);
    let live = |conn: &mut Conn<'_>| {
        let pools = db::pools_of_site(conn, &site.id)?;
        db::unended_bookings_in_pools(conn, &pools)
    };
    unless_in_use(conn, key("leases"), &known.leases, &site.leases, live)?;
    unless_in_use(conn, key("cloud"), &known.cloud, &site.cloud, live)
}

/// A site that bounds its pools counts what they hold by cells of one grid: that of a pool which the file no longer has, too,
/// while bookings stand on it.
fn keep_one_grid(conn: &mut Conn<'_>, course: &Course, site: &Site) -> Result<(), ApplyError> {
    let grid = course.pools.iter().find(|pool| pool.site == site.id).map(|pool| pool.grid_minutes);
    let (Some(_), Some(grid)) = (site.capacity, grid) else { return Ok(()) };
    for id in db::pools_of_site(conn, &site.id)? {
        if !course.pools.iter().any(|pool| pool.id == id) {
            let known = db::pool(conn, &id)?;
            let live = |conn: &mut Conn<'_>| db::unended_bookings_in_pools(conn, std::slice::from_ref(&id));
            unless_in_use(conn, format!("pool.{id}.grid_minutes"), &known.grid_minutes, &grid, live)?;
        }
    }
    Ok(())
}

fn unless_in_use<T: PartialEq + ToString>(
    conn: &mut Conn<'_>,
    key: String,
    from: &T,
    to: &T,
    live: impl Fn(&mut Conn<'_>) -> Result<i64, DbError>,
) -> Result<(), ApplyError> {
    if from == to {
        return Ok(());
    }
    match live(conn)? {
        0 => Ok(()),
        live => Err(ApplyError::InUse { key, from: from.to_string(), to: to.to_string(), live }),
    }
}
