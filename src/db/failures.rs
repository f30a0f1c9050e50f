//! Bookings that sites could not provide, until staff are told of them.

use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::failures;
use super::types::Ts;
use crate::domain::ids::{BookingId, SiteId};

/// A booking that its site could not provide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The booking.
    pub booking: BookingId,
    /// How often its site was asked for the part that could not be had, at least 1.
    pub tries: i32,
    /// When it was given up.
    pub failed_at: DateTime<Utc>,
}

/// Notes a booking that failed at this site. There is one note of a booking.
pub fn insert_failure(conn: &mut Conn<'_>, site: &SiteId, failure: &Failure) -> Result<(), DbError> {
    on!(conn, |c| diesel::insert_into(failures::table)
        .values((
            failures::booking_id.eq(failure.booking.as_str()),
            failures::site_id.eq(site.as_str()),
            failures::tries.eq(failure.tries),
            failures::failed_at.eq(Ts(failure.failed_at)),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// The bookings that failed at this site of which staff were not told, the first of them first.
pub fn untold_failures(conn: &mut Conn<'_>, site: &SiteId) -> Result<Vec<Failure>, DbError> {
    let rows: Vec<(String, i32, Ts)> = on!(conn, |c| failures::table
        .filter(failures::site_id.eq(site.as_str()))
        .filter(failures::told_at.is_null())
        .order((failures::failed_at, failures::booking_id))
        .select((failures::booking_id, failures::tries, failures::failed_at))
        .load(c))?;
    rows.into_iter()
        .map(|(booking, tries, failed_at)| {
            Ok(Failure { booking: booking.parse().map_err(DbError::corrupt)?, tries, failed_at: failed_at.0 })
        })
        .collect()
}

/// When staff were last told of bookings that failed at this site.
pub fn failures_told_at(conn: &mut Conn<'_>, site: &SiteId) -> Result<Option<DateTime<Utc>>, DbError> {
    let at: Option<Ts> = on!(conn, |c| failures::table
        .filter(failures::site_id.eq(site.as_str()))
        .select(max(failures::told_at))
        .first(c))?;
    Ok(at.map(|at| at.0))
}

/// Notes that staff were told of these.
pub fn record_told(conn: &mut Conn<'_>, told: &[Failure], now: DateTime<Utc>) -> Result<(), DbError> {
    for some in told.chunks(AT_ONCE) {
        on!(conn, |c| diesel::update(failures::table)
            .filter(failures::booking_id.eq_any(some.iter().map(|failure| failure.booking.as_str())))
            .set(failures::told_at.eq(Some(Ts(now))))
            .execute(c))?;
    }
    Ok(())
}

/// How many one statement names.
const AT_ONCE: usize = 500;
