//! Lines of the ledger as pages show them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::calendar;
use crate::domain::fair_share::Measure;
use crate::domain::interval::Interval;
use crate::domain::usage::{Source, UsageLine, Why};
use crate::web::pages::spread::amount;
use crate::web::pages::standing::{LedgerLine, LineSource};
use crate::web::present;

/// One line.
pub(super) fn line(zone: Tz, now: DateTime<Utc>, measure: Measure, line: &UsageLine) -> LedgerLine {
    let until = line.until.unwrap_or(now);
    let length = (until - line.from).max(TimeDelta::zero());
    let sign = if line.gives_back { "\u{2212}" } else { "+" };
    LedgerLine {
        at: present::when(zone, now, line.at),
        what: what(line),
        source: source(&line.source),
        span: span(zone, line),
        length: calendar::in_words(length),
        amount: format!("{sign}{}", amount(micro(line, measure, length))),
    }
}

/// What a line comes to, before it fades, in millionths.
pub(in crate::web) fn micro(line: &UsageLine, measure: Measure, length: TimeDelta) -> u64 {
    let micro = i128::from(line.rate.micro_per_hour(measure)) * i128::from(length.num_seconds()) / 3600;
    u64::try_from(micro).unwrap_or(0)
}

fn span(zone: Tz, line: &UsageLine) -> String {
    match line.until.and_then(|until| Interval::new(line.from, until)) {
        Some(span) => calendar::span(zone, &span),
        None => format!("since {}", calendar::date_and_time(zone, line.from)),
    }
}

fn source(source: &Source) -> LineSource {
    match source {
        Source::Booking(id) => LineSource::Booking(format!("/bookings/{id}")),
        Source::ByHand(name) => LineSource::ByHand(name.clone()),
    }
}

fn what(line: &UsageLine) -> &'static str {
    match (line.why, line.gives_back) {
        (Why::Booked, _) => "Booked",
        (Why::Changed, false) => "Changed: counts",
        (Why::Changed, true) => "Changed: comes off",
        (Why::Released, _) => "Given back",
        (Why::Cancelled, _) => "Called off",
        (Why::Failed, _) => "Not provided",
        (Why::NotTaken, _) => "Offer not taken",
        (Why::Outage, _) => "Hit by an outage",
        (Why::ByHand, _) => "Made by hand",
    }
}
