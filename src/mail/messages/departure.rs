//! The mail to who drops the course and still has something booked.

use askama::Template;
use chrono::{DateTime, Utc};

use super::{Message, Surroundings, titled};
use crate::domain::booking::Booking;
use crate::domain::calendar;

/// Something that they have.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The booking.
    pub booking: &'a Booking,
    /// Its lab's title.
    pub lab: &'a str,
}

impl Line<'_> {
    fn slot(&self, it: &Surroundings<'_>) -> String {
        calendar::span(it.zone, &self.booking.slot)
    }

    fn url(&self, it: &Surroundings<'_>) -> String {
        format!("{}/bookings/{}", it.public_url, self.booking.id)
    }
}

#[derive(Template)]
#[template(path = "mail/dropped.txt", escape = "none")]
struct Dropped<'a> {
    it: Surroundings<'a>,
    contact: &'a str,
    lines: &'a [Line<'a>],
    waiting: usize,
    ends: String,
    at_once: bool,
}

/// "You have dropped the course": what they have booked, so many lines that they wait in, and when that ends.
pub fn dropped(
    it: Surroundings<'_>,
    contact: &str,
    lines: &[Line<'_>],
    waiting: usize,
    ends: DateTime<Utc>,
) -> Result<Message, askama::Error> {
    let at_once = ends <= it.now;
    let when = if at_once { "now".to_owned() } else { it.time(ends) };
    let what = if lines.is_empty() { "your waiting ends" } else { "your bookings end" };
    Ok(Message {
        subject: titled("You have dropped ", it.course, &format!(": {what} {when}")),
        body: Dropped { it, contact, lines, waiting, ends: it.with_utc(ends), at_once }.render()?,
        calendar: None,
    })
}
