//! Applying a course file.

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::course::{Course, Pool};
use crate::domain::ids::PoolId;

/// Why a course can't be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Units are held by grid cell, so a pool that holds some keeps its grid.
    #[error(
        "pool.{pool}.grid_minutes: it can't change from {from} to {to} while {live} bookings hold units of the pool: \
         wait until they have ended"
    )]
    GridInUse {
        /// The pool.
        pool: PoolId,
        /// Its grid so far, in minutes.
        from: i32,
        /// The new one, in minutes.
        to: i32,
        /// Live bookings that hold units of it.
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
    for pool in &course.pools {
        keep_grid(conn, pool)?;
    }
    db::save_course(conn, course)?;
    for pool in &course.pools {
        db::set_capacity(conn, pool, pool.floor(now))?;
    }
    Ok(())
}

fn keep_grid(conn: &mut Conn<'_>, pool: &Pool) -> Result<(), ApplyError> {
    let known = db::known_pool(conn, &pool.id)?.filter(|known| known.grid_minutes != pool.grid_minutes);
    let Some(known) = known else { return Ok(()) };
    match db::live_bookings_in_pool(conn, &pool.id)? {
        0 => Ok(()),
        live => {
            let (from, to) = (known.grid_minutes, pool.grid_minutes);
            Err(ApplyError::GridInUse { pool: pool.id.clone(), from, to, live })
        }
    }
}
