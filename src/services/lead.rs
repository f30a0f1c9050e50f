//! When bookings begin to be prepared, by how long it took for others of the same lab in the same pool: what is made for them
//! is the same, and so is the site.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::App;
use crate::db::{self, Conn, DbError};
use crate::domain::booking::{Booking, State};
use crate::domain::ids::{LabId, PoolId};
use crate::policy::lead::{self, Learned};

/// What preparations of the lab in this pool come to that were for starts up to `now`, if they are enough.
pub fn learned(
    conn: &mut Conn<'_>,
    lab: &LabId,
    pool: &PoolId,
    now: DateTime<Utc>,
) -> Result<Option<Learned>, DbError> {
    Ok(lead::learn(&db::latest_preparations(conn, lab, pool, now, lead::LATEST)?))
}

/// When a booking begins to be prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// When preparing begins, or began.
    pub begin: DateTime<Utc>,
    /// When it is likely ready, if that is after its start.
    pub late: Option<DateTime<Utc>>,
}

/// What a person who looks at the booking is told of it as of `now`.
pub(super) fn outlook(
    conn: &mut Conn<'_>,
    booking: &Booking,
    now: DateTime<Utc>,
) -> Result<Outlook, DbError> {
    let learned = match booking.state {
        State::Held | State::Booked | State::Preparing => learned(conn, &booking.lab, &booking.pool, now)?,
        _ => None,
    };
    let start = booking.slot.start();
    let planned = lead::begin(start, booking.held_from, learned.as_ref());
    let begin = booking.preparing_at.unwrap_or(planned);
    let late = lead::late(start, booking.preparing_at.unwrap_or(planned.max(now)), learned.as_ref());
    Ok(Outlook { begin, late: late.filter(|late| *late > now) })
}

/// When the booking is to be prepared. Only of one that waits for that it matters.
pub(super) fn begin(
    conn: &mut Conn<'_>,
    booking: &Booking,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, DbError> {
    let learned = match booking.state {
        State::Booked => learned(conn, &booking.lab, &booking.pool, now)?,
        _ => None,
    };
    Ok(lead::begin(booking.slot.start(), booking.held_from, learned.as_ref()))
}

/// Has a look at bookings that wait and should not, by what is known now: preparing has come to take longer since they were
/// looked at. What it comes to is asked once for each lab and pool, however many bookings wait. Says how many these are.
pub async fn hasten(app: &Arc<App>) -> Result<usize, DbError> {
    let now = app.now();
    let hastened: usize = app.db.write("lead: hasten", move |conn| hasten_in(conn, now)).await?;
    if hastened > 0 {
        app.wake.call();
    }
    Ok(hastened)
}

fn hasten_in(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<usize, DbError> {
    let mut hastened = 0;
    for (lab, pool) in db::waiting_within_their_lead(conn, now)? {
        let lead = learned(conn, &lab, &pool, now)?.map_or(lead::MOST, |learned| learned.lead);
        hastened += db::look_at_waiting(conn, &lab, &pool, now + lead, now)?;
    }
    Ok(hastened)
}
