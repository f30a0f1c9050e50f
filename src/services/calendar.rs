//! Calendars for programs that read them without a session: a person's own bookings, and for staff what happens in the
//! course. Whoever has the address of one may read it, as long as its person may.

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use super::people::hash;
use crate::auth::permissions::{Permission, Relation};
use crate::db::{self, Conn, DbError};
use crate::domain::booking::Booking;
use crate::domain::course::{Course, Lab, Pool};
use crate::domain::feed::Feed;
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::Person;
use crate::mail::calendar::{self as ics, Entry, Occasion};

/// How long what is over stays in a person's calendar.
const KEPT: TimeDelta = TimeDelta::days(30);

/// More bookings than anyone makes in that time; the latest count.
const MOST: i64 = 500;

/// How long what is over stays in the course's.
const KEPT_OF_COURSE: TimeDelta = TimeDelta::days(14);

/// More bookings than a course of 191 has in that time and ahead; the earliest count.
const MOST_OF_COURSE: i64 = 5000;

/// Makes a new address, and returns the secret in it, which is stored nowhere. The old address leads nowhere from now on.
pub fn renew(app: &App, conn: &mut Conn<'_>, person: &PersonId, feed: Feed) -> Result<String, DbError> {
    let secret = app.entropy.secret();
    db::save_calendar_address(conn, person, feed, &hash(&secret), app.now())?;
    Ok(secret)
}

/// The address leads nowhere from now on.
pub fn stop(conn: &mut Conn<'_>, person: &PersonId, feed: Feed) -> Result<(), DbError> {
    db::delete_calendar_address(conn, person, feed)
}

/// When the address of the person's feed was made, if they have one.
pub fn made_at(conn: &mut Conn<'_>, person: &PersonId, feed: Feed) -> Result<Option<DateTime<Utc>>, DbError> {
    db::calendar_address_made_at(conn, person, feed)
}

/// The calendar at the address with this secret, if there is one that its person may still read.
pub fn read(app: &App, conn: &mut Conn<'_>, secret: &str) -> Result<Option<String>, DbError> {
    match db::person_of_calendar(conn, &hash(secret))? {
        Some((person, Feed::Own)) => own(app, conn, &person),
        Some((person, Feed::Course)) if sees_course(app, &person) => of_course(app, conn),
        Some((_, Feed::Course)) | None => Ok(None),
    }
}

/// Who is staff no more loses the course's calendar with that, and has it again if they are staff again.
fn sees_course(app: &App, person: &Person) -> bool {
    person.belongs(app.now()) && Permission::SeeCourse.allows(person, Relation::Others)
}

fn own(app: &App, conn: &mut Conn<'_>, person: &Person) -> Result<Option<String>, DbError> {
    let Some(course) = db::course_card(conn)? else { return Ok(None) };
    let now = app.now();
    let bookings = db::bookings_of_person_since(conn, &person.id, now - KEPT, MOST)?;
    let titles = db::lab_titles(conn)?;
    let urls: Vec<String> = bookings.iter().map(|booking| page(app, booking)).collect();
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

fn page(app: &App, booking: &Booking) -> String {
    format!("{}/bookings/{}", app.public_url, booking.id)
}

fn of_course(app: &App, conn: &mut Conn<'_>) -> Result<Option<String>, DbError> {
    let Some(course) = db::course(conn)? else { return Ok(None) };
    let since = app.now() - KEPT_OF_COURSE;
    let bookings = db::bookings_of_course_since(conn, &course.id, since, MOST_OF_COURSE)?;
    let titles = db::lab_titles(conn)?;
    let booked = bookings.iter().filter_map(|(booking, net_id)| {
        let lab = titles.get(&booking.lab).map_or("", String::as_str);
        booked(app, booking, net_id, lab)
    });
    let due = course.labs.iter().filter_map(|lab| due(app, lab)).filter(|entry| entry.start >= since);
    let closed = course.pools.iter().flat_map(|pool| closures(app, &course, pool));
    let closed = closed.filter(|entry| entry.end.is_some_and(|end| end >= since));
    let entries: Vec<Entry> = booked.chain(due).chain(closed).collect();
    Ok(Some(ics::course_feed(&format!("{}, all bookings", course.title), &entries)))
}

fn booked(app: &App, booking: &Booking, net_id: &NetId, lab: &str) -> Option<Entry> {
    let url = page(app, booking);
    let units = if booking.units == 1 { "1 unit".to_owned() } else { format!("{} units", booking.units) };
    let text = format!("{units} of {}, {}: {url}", booking.pool, booking.state.word());
    Entry::of_booking(booking, format!("{lab}, {net_id}"), text, url, app.now())
}

fn due(app: &App, lab: &Lab) -> Option<Entry> {
    let url = format!("{}/staff/labs/{}", app.public_url, lab.id);
    Some(Entry {
        uid: format!("due-{}-{}@fairlease", lab.id, app.instance),
        sequence: 0,
        start: lab.due?,
        end: None,
        title: format!("Due: {}", lab.title),
        text: format!("The lab is due: {url}"),
        url,
        certain: true,
        when_made: app.now(),
    })
}

fn closures(app: &App, course: &Course, pool: &Pool) -> Vec<Entry> {
    let site = course.sites.iter().find(|site| site.id == pool.site);
    let site = site.map_or_else(|| pool.site.to_string(), |site| site.title.clone());
    let closures = pool.closures.iter().map(|closure| Entry {
        uid: format!("closed-{}-{}-{}@fairlease", pool.id, closure.span.start().timestamp(), app.instance),
        sequence: 0,
        start: closure.span.start(),
        end: Some(closure.span.end()),
        title: format!("Closed: {} at {site}", pool.id),
        text: closure.reason.clone(),
        url: format!("{}/sites", app.public_url),
        certain: true,
        when_made: app.now(),
    });
    closures.collect()
}
