//! Applying a course file.

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::course::{Course, Pool, Site};

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

/// Makes the course in the database what the file says, and gives cells from now on their pools' capacities.
pub fn apply(conn: &mut Conn<'_>, course: &Course, now: DateTime<Utc>) -> Result<(), ApplyError> {
    for site in &course.sites {
        keep_site(conn, site)?;
    }
    for pool in &course.pools {
        keep_pool(conn, pool)?;
    }
    db::save_course(conn, course)?;
    for pool in &course.pools {
        db::set_capacity(conn, pool, pool.floor(now))?;
    }
    Ok(())
}

fn keep_pool(conn: &mut Conn<'_>, pool: &Pool) -> Result<(), ApplyError> {
    let Some(known) = db::known_pool(conn, &pool.id)? else { return Ok(()) };
    let key = |key: &str| format!("pool.{}.{key}", pool.id);
    let live = |conn: &mut Conn<'_>| db::unended_bookings_in_pools(conn, std::slice::from_ref(&pool.id));
    unless_in_use(conn, key("grid_minutes"), &known.grid_minutes, &pool.grid_minutes, live)?;
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
