//! Calendar objects (RFC 5545, RFC 5546): invitations, files and feeds.

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
    written("PUBLISH").push(event(occasion, "CONFIRMED", &occasion.booking.slot)).done().to_string()
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

/// When a booking took place or will, for a feed: one that is over lasts as long as it was used. Nothing of one that never
/// was used.
fn took_place(booking: &Booking) -> Option<Interval> {
    match booking.state.reason() {
        None => Some(booking.slot),
        Some(EndReason::NoShow) => None,
        Some(_) => booking.charged(),
    }
}

/// What a site has not confirmed yet, and what is only offered, is not certain.
fn certainty(booking: &Booking) -> &'static str {
    if matches!(booking.state, State::Held | State::Offered { .. }) { "TENTATIVE" } else { "CONFIRMED" }
}

/// Someone's bookings as a calendar that programs read again and again. Each is the same event as in the mails about it. One
/// that is over lasts as long as it was used; one that never was used is left out.
pub fn feed(name: &str, occasions: &[Occasion<'_>]) -> String {
    let mut calendar = read_again(name);
    for occasion in occasions {
        if let Some(slot) = took_place(occasion.booking) {
            calendar.push(event(occasion, certainty(occasion.booking), &slot));
        }
    }
    calendar.to_string()
}

/// Something in the calendar of a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What tells it from others for good.
    pub uid: String,
    /// Rises with each change of it.
    pub sequence: u32,
    /// From when on, and up to when if it takes time.
    pub start: DateTime<Utc>,
    /// Up to when, if it takes time.
    pub end: Option<DateTime<Utc>>,
    /// What it is.
    pub title: String,
    /// More of it.
    pub text: String,
    /// Where there is more still.
    pub url: String,
    /// Whether it is certain.
    pub certain: bool,
    /// When the calendar is made.
    pub when_made: DateTime<Utc>,
}

impl Entry {
    /// A booking as staff see it, by the name of whose it is; nothing if it did not take place.
    pub fn of_booking(
        booking: &Booking,
        title: String,
        text: String,
        url: String,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let slot = took_place(booking)?;
        Some(Self {
            // Another than in the mails about it: who has both calendars sees both.
            uid: format!("{}-of-course@fairlease", booking.id),
            sequence: u32::try_from(booking.version).unwrap_or(0),
            start: slot.start(),
            end: Some(slot.end()),
            title,
            text,
            url,
            certain: certainty(booking) == "CONFIRMED",
            when_made: now,
        })
    }

    fn event(&self) -> Event {
        let mut event = Event::new()
            .uid(&self.uid)
            .timestamp(self.when_made)
            .sequence(self.sequence)
            .starts(CalendarDateTime::Utc(self.start))
            .summary(&self.title)
            .description(&self.text)
            .url(&self.url)
            .append_property(("STATUS", if self.certain { "CONFIRMED" } else { "TENTATIVE" }))
            // Whoever runs a course is not busy while its students work.
            .append_property(("TRANSP", "TRANSPARENT"))
            .done();
        if let Some(end) = self.end {
            event.ends(CalendarDateTime::Utc(end));
        }
        event
    }
}

/// What happens in a course, as a calendar that programs read again and again.
pub fn course_feed(name: &str, entries: &[Entry]) -> String {
    let mut calendar = read_again(name);
    for entry in entries {
        calendar.push(entry.event());
    }
    calendar.to_string()
}

fn read_again(name: &str) -> Calendar {
    let mut interval = Property::new("REFRESH-INTERVAL", READ_AGAIN);
    interval.add_parameter("VALUE", "DURATION");
    let mut named = Property::new("NAME", name);
    // So that what is special in a text is written as such.
    named.add_parameter("VALUE", "TEXT");
    let mut calendar = written("PUBLISH");
    calendar.append_property(named).append_property(("X-WR-CALNAME", name));
    calendar.append_property(interval).append_property(("X-PUBLISHED-TTL", READ_AGAIN));
    calendar
}

/// A calendar by us, of which whoever gets it is asked this.
fn written(method: &str) -> Calendar {
    let properties = [
        ("VERSION", "2.0"),
        ("PRODID", "-//Fairlease//Fairlease//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", method),
    ];
    Calendar { properties: Property::from_array(properties), components: Vec::new() }
}

/// A calendar object for a mail program, which goes by whom it invites.
fn object(method: &str, status: &str, occasion: &Occasion<'_>) -> String {
    let mut attendee = Property::new("ATTENDEE", format!("mailto:{}", occasion.attendee));
    // They asked for it themselves, so there is nothing to answer.
    attendee.add_parameter("ROLE", "REQ-PARTICIPANT").add_parameter("PARTSTAT", "ACCEPTED");
    attendee.add_parameter("RSVP", "FALSE");
    let event = event(occasion, status, &occasion.booking.slot).append_property(attendee).done();
    written(method).push(event).done().to_string()
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
