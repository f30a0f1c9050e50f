//! Telling staff of bookings that a site could not provide: in one mail those of an hour, however many they are.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{App, notices};
use crate::db::{self, Conn, CourseCard, DbError, Failure};
use crate::domain::course::Site;
use crate::domain::notice::Topic;
use crate::mail::messages::Surroundings;
use crate::mail::messages::staff::{self, FailedBooking};

/// Staff hear of the failures at a site at most once in this time.
const EVERY: TimeDelta = TimeDelta::hours(1);
/// How many bookings one mail lists.
const LISTED: usize = 50;

/// Writes the mails to staff that are due, and says of how many bookings they tell.
pub async fn tell(app: &Arc<App>) -> Result<usize, DbError> {
    let inner = app.clone();
    app.db
        .write("failures: tell", move |conn| {
            let Some(course) = db::course_card(conn)? else { return Ok(0) };
            let mut told = 0;
            for site in db::sites(conn)? {
                told += tell_of(&inner, conn, &course, &site)?;
            }
            Ok(told)
        })
        .await
}

/// The mail and the note that it was written are one transaction: a crash leaves both or none.
fn tell_of(app: &App, conn: &mut Conn<'_>, course: &CourseCard, site: &Site) -> Result<usize, DbError> {
    let failures = db::untold_failures(conn, &site.id)?;
    let Some(first) = failures.first() else { return Ok(0) };
    let now = app.now();
    if db::failures_told_at(conn, &site.id)?.is_some_and(|at| now - at < EVERY) {
        return Ok(0);
    }
    let listed = failures.iter().take(LISTED).map(|failure| listed(conn, failure));
    let listed: Vec<FailedBooking> = listed.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    let around = Surroundings { course: &course.title, zone: course.zone, public_url: &app.public_url, now };
    let message = staff::failures(around, &site.title, &listed, failures.len() - listed.len());
    // Of two workers at the same time one writes the mail; what the other one saw is for its next look.
    if !notices::tell_staff(
        app,
        conn,
        Topic::Failures,
        &format!("failures/{}/{}", site.id, first.booking),
        message,
    )? {
        return Ok(0);
    }
    db::record_told(conn, &failures, now)?;
    Ok(failures.len())
}

fn listed(conn: &mut Conn<'_>, failure: &Failure) -> Result<Option<FailedBooking>, DbError> {
    let Some(booking) = db::booking(conn, &failure.booking)? else { return Ok(None) };
    let Some(person) = db::person(conn, &booking.person)? else { return Ok(None) };
    let lab =
        db::lab_setting(conn, &booking.lab)?.map_or(booking.lab.to_string(), |setting| setting.lab.title);
    Ok(Some(FailedBooking { booking, person, lab, tries: failure.tries, failed_at: failure.failed_at }))
}
