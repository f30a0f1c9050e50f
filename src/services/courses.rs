//! Applying a course file.

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::course::Course;

/// Makes the course in the database what the file says, and gives cells from now on their pools' capacities.
pub fn apply(conn: &mut Conn<'_>, course: &Course, now: DateTime<Utc>) -> Result<(), DbError> {
    db::save_course(conn, course)?;
    for pool in &course.pools {
        db::set_capacity(conn, pool, pool.floor(now))?;
    }
    Ok(())
}
