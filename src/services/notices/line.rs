//! Mails to those who wait for a place. They are always wanted: each asks for an answer, or says that one is not waited for
//! any more.

use chrono::{DateTime, Utc};

use super::{mail, occurrence, written};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::ids::BookingId;
use crate::domain::link::Link;
use crate::domain::notice::{Notice, Topic};
use crate::domain::waitlist::Wait;
use crate::mail::messages::waitlist::{self, InLine};
use crate::services::{App, links};

fn offered(id: &BookingId) -> String {
    format!("offered/{id}")
}

/// Tells a student that this booking is offered to them up to `until`: now, or at `not_before`, when they may be awake. So
/// many `others` are in the same line. Says whether it did: not if they were told already.
pub fn tell_offer(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    setting: &LabSetting,
    until: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
    others: usize,
) -> Result<bool, DbError> {
    let Some((person, course)) = db::person(conn, &booking.person)?.zip(db::course_card(conn)?) else {
        return Ok(false);
    };
    let now = app.now();
    let leaves = not_before.map_or(now, |at| at.max(now));
    let mut it = occurrence(app, booking, &person, setting, &course);
    it.now = leaves;
    let id = || booking.id.clone();
    let accept = links::url(app, &person.id, &Link::Accept { booking: id(), until });
    let pass = links::url(app, &person.id, &Link::Pass { booking: id(), until });
    let message = written(waitlist::offered(it, until, &accept, &pass, others))?;
    let mail = mail(app, &person, Topic::Waiting, offered(&booking.id), message);
    db::enqueue_for(conn, &Notice { stale_at: Some(until), ..mail }, leaves)
}

/// Takes back what [`tell_offer`] wrote, if it did not leave yet: the offer is answered or over. Says whether it did.
pub fn withdraw_offer(app: &App, conn: &mut Conn<'_>, booking: &BookingId) -> Result<bool, DbError> {
    db::withdraw_notice(conn, &offered(booking), app.now())
}

/// Tells a student that they did not answer an offer in time, and whether they still wait. Says whether it did.
pub fn tell_lapsed(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    setting: &LabSetting,
    wait_goes_on: bool,
) -> Result<bool, DbError> {
    let Some((person, course)) = db::person(conn, &booking.person)?.zip(db::course_card(conn)?) else {
        return Ok(false);
    };
    let it = occurrence(app, booking, &person, setting, &course);
    let message = written(waitlist::offer_lapsed(it, wait_goes_on))?;
    db::enqueue(conn, &mail(app, &person, Topic::Waiting, format!("lapsed/{}", booking.id), message))
}

/// Tells a student that nothing of what they waited for can come any more, and what else there is. Says whether it did.
pub fn tell_wait_over(
    app: &App,
    conn: &mut Conn<'_>,
    wait: &Wait,
    setting: &LabSetting,
) -> Result<bool, DbError> {
    let Some((person, course)) = db::person(conn, &wait.person)?.zip(db::course_card(conn)?) else {
        return Ok(false);
    };
    let now = app.now();
    let message = written(waitlist::wait_over(InLine {
        wait,
        lab: &setting.lab.title,
        open: setting.lab.closes(&setting.pool).is_none_or(|closes| now < closes),
        course: &course.title,
        contact: &course.contact,
        zone: setting.zone,
        public_url: &app.public_url,
        now,
    }))?;
    db::enqueue(conn, &mail(app, &person, Topic::Waiting, format!("wait-over/{}", wait.id), message))
}
