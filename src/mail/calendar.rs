//! Calendar objects (RFC 5545, RFC 5546) for bookings.

use chrono::{DateTime, Utc};
use icalendar::{Calendar, CalendarDateTime, Component, EventLike, Property};

use crate::domain::booking::Booking;

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
    object("PUBLISH", "CONFIRMED", occasion)
}

/// Instants are written in UTC, which every client shows in its own zone.
fn object(method: &str, status: &str, occasion: &Occasion<'_>) -> String {
    let Occasion { booking, title, attendee, organizer, url, now } = occasion;
    let mut attendee_property = Property::new("ATTENDEE", format!("mailto:{attendee}"));
    attendee_property.add_parameter("ROLE", "REQ-PARTICIPANT").add_parameter("PARTSTAT", "ACCEPTED");
    let event = icalendar::Event::new()
        .uid(&format!("{}@fairlease", booking.id))
        .timestamp(*now)
        .sequence(u32::try_from(booking.version).unwrap_or(0))
        .starts(CalendarDateTime::Utc(booking.slot.start()))
        .ends(CalendarDateTime::Utc(booking.slot.end()))
        .summary(title)
        .description(&format!("Your booking: {url}"))
        .url(url)
        .append_property(("STATUS", status))
        .append_property(("ORGANIZER", format!("mailto:{organizer}").as_str()))
        .append_property(attendee_property)
        .done();
    Calendar::new().append_property(("METHOD", method)).push(event).done().to_string()
}
