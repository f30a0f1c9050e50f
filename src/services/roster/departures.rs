//! Dropping the course: nothing can be booked from then on, and what is booked ends after a warning.

use std::sync::Arc;

use chrono::TimeDelta;

use super::App;
use crate::db::{self, Conn, CourseCard, DbError, Dropped};
use crate::domain::audit::{Action, Doer};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::ids::{BookingId, PersonId};
use crate::domain::notice::Topic;
use crate::domain::person::Person;
use crate::domain::waitlist::Wait;
use crate::mail::messages::{Surroundings, departure};
use crate::services::audit::{self, Entry};
use crate::services::booking::{self, BookingError};
use crate::services::{notices, waitlist};

/// The person drops the course: from now on they book nothing, and what they have booked ends so much later. If they have
/// something booked, or wait for something, they hear what, and until when.
pub(in crate::services) fn leave(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    after: TimeDelta,
) -> Result<(), DbError> {
    let now = app.now();
    let ends = now + after;
    db::set_dropped(conn, &person.id, Some(Dropped { at: now, bookings_end_at: Some(ends) }))?;
    let live = live_bookings(conn, person)?;
    let waiting = open_waits(conn, &person.id)?.len();
    let Some(course) = db::course_card(conn)?.filter(|_| !live.is_empty() || waiting > 0) else {
        return Ok(());
    };
    let titles = db::lab_titles(conn)?;
    let lines: Vec<departure::Line<'_>> = live
        .iter()
        .map(|booking| departure::Line {
            booking,
            lab: titles.get(&booking.lab).map_or(booking.lab.as_str(), String::as_str),
        })
        .collect();
    let CourseCard { title, zone, contact, .. } = &course;
    let it = Surroundings { course: title, zone: *zone, public_url: &app.public_url, now };
    let message = departure::dropped(it, contact, &lines, waiting, ends);
    notices::tell_one(app, conn, person, Topic::Enrolment, &format!("dropped/{}", now.timestamp()), message)?;
    Ok(())
}

fn live_bookings(conn: &mut Conn<'_>, person: &Person) -> Result<Vec<Booking>, DbError> {
    let bookings = db::bookings_of_person(conn, &person.id)?;
    Ok(bookings.into_iter().filter(|booking| booking.state.is_live()).collect())
}

fn open_waits(conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<Wait>, DbError> {
    let waits = db::waits_of_person(conn, person)?;
    Ok(waits.into_iter().filter(Wait::is_open).collect())
}

/// How many people who left are gone through at a time.
const AT_ONCE: i64 = 200;

/// Ends what those still have who dropped the course and whose time is over, and says of how many people.
pub async fn end_due(app: &Arc<App>) -> Result<usize, DbError> {
    let now = app.now();
    let due = app.db.read("departures", move |conn| db::departures_due(conn, now, AT_ONCE)).await?;
    let people = due.len();
    for person in due {
        if let Err(error) = end_all(app, person).await {
            tracing::error!(%error, "what someone had who dropped the course could not be ended");
        }
    }
    if people > 0 {
        app.wake.call();
    }
    Ok(people)
}

async fn end_all(app: &Arc<App>, id: PersonId) -> Result<(), String> {
    let person = id.clone();
    let found = app
        .db
        .read::<_, DbError, _>("departures: what they have", move |conn| {
            let Some(person) = db::person(conn, &person)? else { return Ok(None) };
            let (waits, live) = (open_waits(conn, &person.id)?, live_bookings(conn, &person)?);
            Ok(Some((person, waits, live)))
        })
        .await
        .map_err(|error| error.to_string())?;
    let Some((person, waits, live)) = found else { return Ok(()) };
    for wait in waits {
        waitlist::leave(app, person.clone(), wait.id).await.map_err(|error| error.to_string())?;
    }
    let mut ended = false;
    for booking in live {
        ended |= end_one(app, booking.id).await.map_err(|error| error.to_string())?;
    }
    if !ended {
        return Ok(());
    }
    let inner = app.clone();
    app.db
        .write::<_, DbError, _>("departures: record", move |conn| {
            let entry = Entry::new(Action::EndedBookings).about(&id);
            audit::record(&inner, conn, &Doer::itself(), entry)
        })
        .await
        .map_err(|error| error.to_string())
}

/// Ends a booking. False if it is over already, or its student has returned meanwhile.
async fn end_one(app: &Arc<App>, id: BookingId) -> Result<bool, BookingError> {
    let inner = app.clone();
    app.db
        .write::<_, BookingError, _>("departures: end", move |conn| {
            let Some(booking) = db::booking_locked(conn, &id)? else { return Ok(false) };
            let owner = db::person(conn, &booking.person)?;
            let is_due = |owner: &Person| {
                !owner.enrolled && owner.bookings_end_at.is_some_and(|end| end <= inner.now())
            };
            if !booking.state.is_live() || !owner.as_ref().is_some_and(is_due) {
                return Ok(false);
            }
            if matches!(booking.state, State::Offered { .. }) {
                waitlist::decline(&inner, conn, booking, EndReason::Passed)?;
                return Ok(true);
            }
            booking::log(&inner, conn, &booking, "fairlease", "Its student has dropped the course.")?;
            booking::end(&inner, conn, booking, EndReason::Dropped, None).map(|_| true)
        })
        .await
}
