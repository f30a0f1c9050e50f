//! A person's calendar: their bookings, for programs that read them without a session. Whoever has its address may.

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use super::people::hash;
use crate::db::{self, Conn, DbError};
use crate::domain::ids::PersonId;
use crate::mail::calendar::{self as ics, Occasion};

/// How long what is over stays in it.
const KEPT: TimeDelta = TimeDelta::days(30);

/// More bookings than anyone makes in that time; the latest count.
const MOST: i64 = 500;

/// Makes a new address, and returns the secret in it, which is stored nowhere. The old address leads nowhere from now on.
pub fn renew(app: &App, conn: &mut Conn<'_>, person: &PersonId) -> Result<String, DbError> {
    let secret = app.entropy.secret();
    db::save_calendar_address(conn, person, &hash(&secret), app.now())?;
    Ok(secret)
}

/// The address leads nowhere from now on.
pub fn stop(conn: &mut Conn<'_>, person: &PersonId) -> Result<(), DbError> {
    db::delete_calendar_address(conn, person)
}

/// When the person's address was made, if they have one.
pub fn made_at(conn: &mut Conn<'_>, person: &PersonId) -> Result<Option<DateTime<Utc>>, DbError> {
    db::calendar_address_made_at(conn, person)
}

/// The calendar at the address with this secret, if there is one.
pub fn read(app: &App, conn: &mut Conn<'_>, secret: &str) -> Result<Option<String>, DbError> {
    let Some(person) = db::person_of_calendar(conn, &hash(secret))? else { return Ok(None) };
    let Some(course) = db::course_card(conn)? else { return Ok(None) };
    let now = app.now();
    let bookings = db::bookings_of_person_since(conn, &person.id, now - KEPT, MOST)?;
    let titles = db::lab_titles(conn)?;
    let urls: Vec<String> =
        bookings.iter().map(|booking| format!("{}/bookings/{}", app.public_url, booking.id)).collect();
    let occasions: Vec<Occasion<'_>> = bookings
        .iter()
        .zip(&urls)
        .map(|(booking, url)| Occasion {
            booking,
            title: titles.get(&booking.lab).map_or("", String::as_str),
            attendee: &person.mail,
            organizer: &course.contact,
            url,
            now,
        })
        .collect();
    Ok(Some(ics::feed(&course.title, &occasions)))
}
