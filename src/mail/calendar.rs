//! Calendar objects (RFC 5545, RFC 5546) for bookings.

use chrono::{DateTime, Utc};
use icalendar::{Calendar, CalendarDateTime, Component, Event, EventLike, Property};

use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::interval::Interval;

/// Who and what an event is for.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The booking. Its id makes the event's UID and its version the SEQUENCE, so that updates replace.
    pub booking: &'a Booking,
    /// The lab's title.
    pub title: &'a str,
    /// The student's mail address.
    pub attendee: &'a str,
    /// The course's contact address.
    pub organizer: &'a str,
    /// The booking's page.
    pub url: &'a str,
    /// When the object is made.
    pub now: DateTime<Utc>,
}

/// The booking as an invitation that a mail client offers to put into the calendar (METHOD:REQUEST).
pub fn invitation(occasion: &Occasion<'_>) -> String {
    object("REQUEST", "CONFIRMED", occasion)
}

/// The same event taken back (METHOD:CANCEL).
pub fn cancellation(occasion: &Occasion<'_>) -> String {
    object("CANCEL", "CANCELLED", occasion)
}

/// The booking as a file to import (METHOD:PUBLISH).
pub fn file(occasion: &Occasion<'_>) -> String {
    published().push(event(occasion, "CONFIRMED", &occasion.booking.slot)).done().to_string()
}

/// The calendar objects of a text that holds them one after another.
pub fn objects(text: &str) -> Vec<&str> {
    let (mut objects, mut begin, mut at) = (Vec::new(), 0, 0);
    for line in text.split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "END:VCALENDAR" {
            objects.extend(text.get(begin..at).map(str::trim_start));
            begin = at;
        }
    }
    objects
}

/// What an object asks of who gets it: `REQUEST`, `CANCEL`, `PUBLISH`.
pub fn method(object: &str) -> &str {
    object.lines().find_map(|line| line.strip_prefix("METHOD:")).map_or("PUBLISH", str::trim)
}

/// How often programs are asked to read a feed again.
const READ_AGAIN: &str = "PT15M";

/// Bookings as a calendar that programs read again and again. Each is the same event as in the mails about it. One that is
/// over lasts as long as it was used; one that never was used is left out.
pub fn feed(name: &str, occasions: &[Occasion<'_>]) -> String {
    let mut calendar = published();
    let mut interval = Property::new("REFRESH-INTERVAL", READ_AGAIN);
    interval.add_parameter("VALUE", "DURATION");
    calendar.name(name).append_property(interval).append_property(("X-PUBLISHED-TTL", READ_AGAIN));
    for occasion in occasions {
        let booking = occasion.booking;
        let status = if booking.state == State::Held { "TENTATIVE" } else { "CONFIRMED" };
        let slot = match booking.state.reason() {
            None => Some(booking.slot),
            Some(EndReason::NoShow) => None,
            Some(_) => booking.charged(),
        };
        if let Some(slot) = slot {
            calendar.push(event(occasion, status, &slot));
        }
    }
    calendar.to_string()
}

fn published() -> Calendar {
    Calendar::new().append_property(("METHOD", "PUBLISH")).done()
}

/// A calendar object for a mail program, which goes by whom it invites.
fn object(method: &str, status: &str, occasion: &Occasion<'_>) -> String {
    let mut attendee = Property::new("ATTENDEE", format!("mailto:{}", occasion.attendee));
    attendee.add_parameter("ROLE", "REQ-PARTICIPANT").add_parameter("PARTSTAT", "ACCEPTED");
    let event = event(occasion, status, &occasion.booking.slot).append_property(attendee).done();
    Calendar::new().append_property(("METHOD", method)).push(event).done().to_string()
}

/// Instants are written in UTC, which every client shows in its own zone.
fn event(occasion: &Occasion<'_>, status: &str, slot: &Interval) -> Event {
    let Occasion { booking, title, organizer, url, now, .. } = occasion;
    Event::new()
        .uid(&format!("{}@fairlease", booking.id))
        .timestamp(*now)
        .sequence(u32::try_from(booking.version).unwrap_or(0))
        .starts(CalendarDateTime::Utc(slot.start()))
        .ends(CalendarDateTime::Utc(slot.end()))
        .summary(title)
        .description(&format!("Your booking: {url}"))
        .url(url)
        .append_property(("STATUS", status))
        .append_property(("ORGANIZER", format!("mailto:{organizer}").as_str()))
        .done()
}
