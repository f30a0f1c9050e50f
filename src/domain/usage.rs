//! The usage ledger: what each booking, and each server that people made by hand, held of the course's resources.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::blueprint::Kind;
use super::booking::Booking;
use super::fair_share::Measure;
use super::ids::{BookingId, PersonId, SiteId};
use super::interval::Interval;
use super::su::Su;

/// One line of the ledger. The usage of a span is the sum of its lines by their signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    /// What held it: see [`Source`].
    pub source: Source,
    /// Counts the lines of a source, from 1.
    pub number: i32,
    /// Whose usage it is.
    pub person: PersonId,
    /// What it was written for.
    pub why: Why,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// Whether it gives back.
    pub gives_back: bool,
    /// From when on.
    pub from: DateTime<Utc>,
    /// Up to when; nothing while it runs.
    pub until: Option<DateTime<Utc>>,
    /// What was held all that time.
    pub rate: Rate,
}

/// What is held at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Units of a pool; 0 for what was made by hand.
    pub units: i32,
    /// Servers, containers and machines of their own.
    pub servers: i32,
    /// What the site charges for it an hour.
    pub su_per_hour: Su,
}

impl Rate {
    /// What a booking holds.
    pub fn of(booking: &Booking) -> Self {
        Self { units: booking.units, servers: booking.servers, su_per_hour: booking.su_per_hour }
    }

    /// What counts of it, in millionths an hour.
    pub fn micro_per_hour(&self, measure: Measure) -> i64 {
        match measure {
            Measure::ServerHours => i64::from(self.servers) * 1_000_000,
            Measure::Su => self.su_per_hour.micro(),
        }
    }
}

/// What held something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A booking.
    Booking(BookingId),
    /// An object that someone made by hand: its site, its kind and the site's id of it, with spaces between.
    ByHand(String),
}

impl Source {
    /// Something that someone made by hand.
    pub fn by_hand(site: &SiteId, kind: Kind, site_ref: &str) -> Self {
        Self::ByHand(format!("{site} {} {site_ref}", kind.word()))
    }

    /// Whether someone made it by hand at this site.
    pub fn is_by_hand_at(&self, site: &SiteId) -> bool {
        match self {
            Self::Booking(_) => false,
            Self::ByHand(object) => object.split_once(' ').is_some_and(|(at, _)| at == site.as_str()),
        }
    }
}

/// What a line was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It was booked, or offered to someone who waited.
    Booked,
    /// It was moved, or got another end.
    Changed,
    /// It was given back before its end.
    Released,
    /// It was called off before it began.
    Cancelled,
    /// The cloud could not provide it.
    Failed,
    /// It was an offer that was not taken.
    NotTaken,
    /// An outage hit it.
    Outage,
    /// Someone made it by hand.
    ByHand,
}

impl Why {
    const ALL: [Self; 8] = [
        Self::Booked,
        Self::Changed,
        Self::Released,
        Self::Cancelled,
        Self::Failed,
        Self::NotTaken,
        Self::Outage,
        Self::ByHand,
    ];

    /// The reason in a word, as stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Changed => "changed",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::NotTaken => "not_taken",
            Self::Outage => "outage",
            Self::ByHand => "by_hand",
        }
    }

    /// Reads what [`Why::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.word() == word)
    }
}

/// What of a ledger has to be written so that it says `now` where it said `before`: spans, and whether each gives back.
pub fn difference(before: Option<Interval>, now: Option<Interval>) -> Vec<(Interval, bool)> {
    match (before, now) {
        (Some(before), Some(now)) if before.overlaps(&now) => {
            let gone = before.without(&now).map(|span| (span, true));
            gone.chain(now.without(&before).map(|span| (span, false))).collect()
        }
        (before, now) => {
            let gone = before.into_iter().map(|span| (span, true));
            gone.chain(now.into_iter().map(|span| (span, false))).collect()
        }
    }
}

/// "12.5 server-hours", of so many minutes of a server.
pub fn server_hours(minutes: i64) -> String {
    let sign = if minutes < 0 { "-" } else { "" };
    let hundredths = (minutes.saturating_abs().saturating_mul(100).saturating_add(30)) / 60;
    let hours = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("{sign}{} server-hours", hours.trim_end_matches('0').trim_end_matches('.'))
}

/// A person's usage of what is over, decayed to an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageTotal {
    /// As of when.
    pub at: DateTime<Utc>,
    /// In millionths of a server-hour.
    pub server_hours_micro: i64,
    /// In millionths of a service unit.
    pub su_micro: i64,
}

impl UsageTotal {
    /// What counts of it, in millionths.
    pub fn micro(&self, measure: Measure) -> i64 {
        match measure {
            Measure::ServerHours => self.server_hours_micro,
            Measure::Su => self.su_micro,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn span() -> impl Strategy<Value = Option<Interval>> {
        let at = |hours| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        prop::option::of((0i64..20, 1i64..10))
            .prop_map(move |span| span.and_then(|(from, length)| Interval::new(at(from), at(from + length))))
    }

    fn hours(lines: &[(Interval, bool)], at: DateTime<Utc>) -> i32 {
        let covers = |(span, gives_back): &(Interval, bool)| {
            let sign = if *gives_back { -1 } else { 1 };
            if span.contains(at) { sign } else { 0 }
        };
        lines.iter().map(covers).sum()
    }

    proptest! {
        #[test]
        fn a_ledger_says_of_each_hour_what_holds_now(before in span(), now in span()) {
            let lines = difference(before, now);
            let first: Vec<_> = before.into_iter().map(|span| (span, false)).collect();
            for hour in 0..40 {
                let at = DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
                let held = i32::from(now.is_some_and(|span| span.contains(at)));
                prop_assert_eq!(hours(&first, at) + hours(&lines, at), held);
            }
            prop_assert_eq!(lines.is_empty(), before == now);
        }
    }
}
