//! What a person has had: their bookings that are over, page by page.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::booking::Booking;
use crate::domain::ids::{BadId, BookingId, PersonId};

/// How many bookings a page has.
pub const PAGE: usize = 25;

/// Where a page begins: with the first booking before this one, by start and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    start: DateTime<Utc>,
    id: BookingId,
}

/// Microseconds since 1970 and the id, as links have it.
impl fmt::Display for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.timestamp_micros(), self.id)
    }
}

impl FromStr for Before {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad =
            || BadId { kind: "page", given: text.chars().take(60).collect(), expected: "as its link has it" };
        let (start, id) = text.rsplit_once('-').ok_or_else(bad)?;
        let start = start.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or_else(bad)?;
        Ok(Self { start, id: id.parse()? })
    }
}

/// A page of bookings.
#[derive(Debug, Clone)]
pub struct Page {
    /// Bookings with the titles of their labs, latest start first.
    pub bookings: Vec<(Booking, String)>,
    /// Where the page after this one begins, if there is one.
    pub older: Option<Before>,
}

/// The person's bookings that are over, from `before` on.
pub fn past(conn: &mut Conn<'_>, person: &PersonId, before: Option<&Before>) -> Result<Page, DbError> {
    let before = before.map(|before| (before.start, &before.id));
    let one_more = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut found = db::past_bookings(conn, person, before, one_more)?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().filter(|_| more);
    let older = last.map(|booking| Before { start: booking.slot.start(), id: booking.id.clone() });
    let titles = db::lab_titles(conn)?;
    let with_title = |booking: Booking| {
        let title = titles.get(&booking.lab).cloned().unwrap_or_default();
        (booking, title)
    };
    Ok(Page { bookings: found.into_iter().map(with_title).collect(), older })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_says_where_its_page_begins() {
        let start = DateTime::from_timestamp_micros(-1_500_000).unwrap();
        for start in [start, DateTime::UNIX_EPOCH] {
            let before = Before { start, id: BookingId::from_bits(7) };
            assert_eq!(before.to_string().parse(), Ok(before));
        }
        for bad in ["", "1", "-", "x-000000000007", "1-7", "99999999999999999999-000000000007"] {
            assert!(bad.parse::<Before>().is_err(), "{bad}");
        }
    }
}
