//! Giving a booking back, and ending one.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{BookingError, Seen, log_by, own_booking};
use crate::db::{self, Conn, DbError, Failure};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::ids::BookingId;
use crate::domain::interval::Interval;
use crate::domain::person::Person;
use crate::domain::resource::Resource;
use crate::services::App;
use crate::services::notices::{self, Kind as Mail};
use crate::services::places;
use crate::services::waitlist;

/// The student gives the booking back: at once the place is free from the next grid time on, and the deletion of its
/// resources begins. Giving back what is being released already changes nothing.
pub async fn release(app: &Arc<App>, person: Person, id: BookingId) -> Result<(), BookingError> {
    release_if(app, person, id, Seen::Anything).await
}

/// The same if the booking is still what the student saw, else [`BookingError::Changed`]. Giving back again what was given
/// back already changes nothing.
pub async fn release_if(
    app: &Arc<App>,
    person: Person,
    id: BookingId,
    seen: Seen,
) -> Result<(), BookingError> {
    let inner = app.clone();
    let db = app.db.clone();
    db.write("release", move |conn| {
        let booking = own_booking(&person, db::booking_locked(conn, &id)?, &id)?;
        if given_back(&booking) {
            return Ok(());
        }
        seen.check(&booking)?;
        if !booking.state.is_live() {
            return Ok(());
        }
        if matches!(booking.state, State::Offered { .. }) {
            log_by(&inner, conn, &id, person.net_id.as_str(), "Passed what was offered.")?;
            return waitlist::decline(&inner, conn, booking, EndReason::Passed);
        }
        let reason = match booking.state {
            State::Held | State::Booked => EndReason::Cancelled,
            _ => EndReason::Released,
        };
        let what = match reason {
            EndReason::Cancelled => "Called it off.",
            _ => "Gave it back.",
        };
        end(&inner, conn, booking, reason, None)?;
        log_by(&inner, conn, &id, person.net_id.as_str(), what)
    })
    .await?;
    app.wake.call();
    Ok(())
}

/// What giving a booking back now would leave to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gift {
    /// How much of its time.
    pub length: TimeDelta,
    /// Places that are taken in the fullest grid cell of that time, this booking's among them, and how many there are then.
    /// Nothing if it is over before the next grid time.
    pub fullest: Option<(i32, i32)>,
}

/// The gift of a live booking: one range scan of its pool over the time that is left.
pub(super) fn gift(
    conn: &mut Conn<'_>,
    booking: &Booking,
    now: DateTime<Utc>,
) -> Result<Option<Gift>, DbError> {
    let goal = booking.goal();
    let Some(left) = Interval::new(goal.start().max(now), goal.end()) else { return Ok(None) };
    if !booking.state.is_live() {
        return Ok(None);
    }
    let pool = db::pool(conn, &booking.pool)?;
    let Some(free_for_others) = Interval::new(pool.ceil(now).max(goal.start()), goal.end()) else {
        return Ok(Some(Gift { length: left.length(), fullest: None }));
    };
    let occupancy = db::occupancy(conn, &pool, &free_for_others)?;
    let cells = pool.cells(&free_for_others).map(|cell| (occupancy.free(&pool, cell), cell));
    let units = booking.units.max(1);
    let fullest = cells.min().map(|(free, cell)| {
        let places = pool.capacity_at(cell) / units;
        ((places - free / units).max(0), places)
    });
    Ok(Some(Gift { length: left.length(), fullest }))
}

fn given_back(booking: &Booking) -> bool {
    matches!(booking.state.reason(), Some(EndReason::Released | EndReason::Cancelled | EndReason::Passed))
}

/// Ends a live booking that the site could not provide: its student hears why at once, and staff soon.
pub(in crate::services) fn fail(
    app: &App,
    conn: &mut Conn<'_>,
    booking: Booking,
    reason: String,
) -> Result<(), BookingError> {
    let Some(setting) = db::lab_setting(conn, &booking.lab)? else {
        return Err(BookingError::NoSuchLab(booking.lab));
    };
    let tries = |resource: &Resource| resource.failures.max(resource.replacements + 1);
    let tries = db::resources(conn, &booking.id)?.iter().map(tries).max().unwrap_or(1);
    let failed = end(app, conn, booking, EndReason::Failed, Some(reason))?;
    let failure = Failure { booking: failed.id.clone(), tries, failed_at: app.now() };
    db::insert_failure(conn, &setting.site.id, &failure)?;
    notices::tell(app, conn, &Mail::Failed, &failed, &setting)?;
    Ok(())
}

/// Ends a live booking, and returns it as it is then: its units are free again in the pool that they were taken from, from the next grid time on, and its resources are next to be deleted.
pub(in crate::services) fn end(
    app: &App,
    conn: &mut Conn<'_>,
    mut booking: Booking,
    reason: EndReason,
    trouble: Option<String>,
) -> Result<Booking, BookingError> {
    let now = app.now();
    let pool = db::pool(conn, &booking.pool)?;
    let here = pool.cells_held(&booking.span());
    let there = booking.wanted_slot.map(|slot| pool.cells_held(&slot));
    for span in there.into_iter().flat_map(|there| there.without(&here)).chain([here]) {
        if let Some(rest) = Interval::new(span.start().max(pool.ceil(now)), span.end()) {
            places::give_back(conn, &pool, &booking, &rest)?;
        }
    }
    booking.state = booking.state.release(reason, now)?;
    (booking.wanted_end, booking.wanted_slot) = (None, None);
    booking.trouble = trouble;
    booking.next_step_at = booking.state.ended_at().is_none().then_some(now);
    db::save_booking(conn, &booking, now)?;
    Ok(booking)
}
