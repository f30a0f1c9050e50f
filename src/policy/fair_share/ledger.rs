//! What a person's lines of the usage ledger come to at an instant, and the total that the lines that are over go into.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::decay::{self, HalfLife};
use crate::domain::booking::Booking;
use crate::domain::fair_share::Measure;
use crate::domain::interval::Interval;
use crate::domain::usage::{Rate, UsageLine, UsageTotal};

/// A person's usage at an instant, in millionths: their total, decayed, and the lines that are not in it. What still runs
/// counts up to that instant, and what was booked counts whole.
pub fn usage(
    total: Option<&UsageTotal>,
    lines: &[UsageLine],
    measure: Measure,
    at: DateTime<Utc>,
    half_life: HalfLife,
) -> f64 {
    let kept = total.map_or(0.0, |total| decay::aged(float(total.micro(measure)), total.at, at, half_life));
    kept + lines.iter().map(|line| signed(line, measure, at, half_life)).sum::<f64>()
}

fn signed(line: &UsageLine, measure: Measure, at: DateTime<Utc>, half_life: HalfLife) -> f64 {
    let Some(span) = Interval::new(line.from, line.until.unwrap_or(at)) else { return 0.0 };
    let charge = decay::charge(&span, line.rate.micro_per_hour(measure), at, half_life);
    if line.gives_back { -charge } else { charge }
}

/// The total with all lines that are over by `at`, as of then; and which those are. Nothing if there are none.
pub fn fold<'a>(
    total: Option<&UsageTotal>,
    lines: &'a [UsageLine],
    at: DateTime<Utc>,
    half_life: HalfLife,
) -> Option<(UsageTotal, Vec<&'a UsageLine>)> {
    let (over, rest): (Vec<&UsageLine>, Vec<&UsageLine>) =
        lines.iter().partition(|line| line.until.is_some_and(|until| until <= at));
    drop(rest);
    if over.is_empty() {
        return None;
    }
    let lines: Vec<UsageLine> = over.iter().map(|line| (*line).clone()).collect();
    let sum = |measure| whole(usage(total, &lines, measure, at, half_life));
    let total = UsageTotal { at, server_hours_micro: sum(Measure::ServerHours), su_micro: sum(Measure::Su) };
    Some((total, over))
}

/// What the lines of a booking come to in the end, in minutes of a server, as if none of it faded.
pub fn server_minutes(lines: &[UsageLine]) -> i64 {
    let one = |line: &UsageLine| {
        let minutes =
            line.until.map_or(0, |until| (until - line.from).num_minutes()) * i64::from(line.rate.servers);
        if line.gives_back { -minutes } else { minutes }
    };
    lines.iter().map(one).sum()
}

/// Whether the lines of a booking say what [`Booking::usage`] does: whose it is, and at each instant what it holds.
pub fn agrees(booking: &Booking, lines: &[UsageLine]) -> bool {
    let mut changes: BTreeMap<DateTime<Utc>, [i64; 3]> = BTreeMap::new();
    let mut change = |at: DateTime<Utc>, rate: Rate, sign: i64| {
        let held = changes.entry(at).or_default();
        for (sum, of) in
            held.iter_mut().zip([rate.units.into(), rate.servers.into(), rate.su_per_hour.micro()])
        {
            *sum += sign * of;
        }
    };
    for line in lines {
        let Some(until) = line.until.filter(|_| line.person == booking.person) else { return false };
        let sign = if line.gives_back { -1 } else { 1 };
        change(line.from, line.rate, sign);
        change(until, line.rate, -sign);
    }
    if let Some(usage) = booking.usage() {
        change(usage.start(), Rate::of(booking), -1);
        change(usage.end(), Rate::of(booking), 1);
    }
    changes.values().all(|held| *held == [0; 3])
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "to the nearest of 53 bits")]
fn float(whole: i64) -> f64 {
    whole as f64
}

#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the conversion stops at the ends of its range, as it should here"
)]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{BookingId, PersonId};
    use crate::domain::su::Su;
    use crate::domain::usage::{Source, Why, difference};

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn span(from: i64, to: i64) -> Option<Interval> {
        Interval::new(at(from), at(to))
    }

    fn line(from: i64, until: Option<i64>, gives_back: bool) -> UsageLine {
        UsageLine {
            source: Source::Booking(BookingId::from_bits(1)),
            number: 1,
            person: PersonId::from_bits(2),
            why: Why::Booked,
            at: at(from),
            gives_back,
            from: at(from),
            until: until.map(at),
            rate: Rate { units: 1, servers: 3, su_per_hour: Su::from_micro(120_000) },
        }
    }

    /// The lines of a booking that was first one span, then another.
    fn lines(spans: &[Option<Interval>]) -> Vec<UsageLine> {
        let mut lines = Vec::new();
        let mut before = None;
        for now in spans {
            for (span, gives_back) in difference(before, *now) {
                let mut line = line(0, None, gives_back);
                (line.from, line.until) = (span.start(), Some(span.end()));
                lines.push(line);
            }
            before = *now;
        }
        lines
    }

    fn week() -> HalfLife {
        HalfLife::DEFAULT
    }

    fn hours_at(lines: &[UsageLine], now: i64) -> f64 {
        usage(None, lines, Measure::ServerHours, at(now), week()) / 1e6
    }

    #[test]
    fn what_was_booked_counts_whole_and_what_was_called_off_not_at_all() {
        let booked = lines(&[span(10, 18)]);
        assert!((hours_at(&booked, 0) - 24.0).abs() < 1e-9, "three servers, eight hours");
        assert!((usage(None, &booked, Measure::Su, at(0), week()) - 960_000.0).abs() < 1e-6, "0.96 SU");
        let called_off = lines(&[span(10, 18), None]);
        assert!(hours_at(&called_off, 5).abs() < 1e-9);
        let given_back = lines(&[span(10, 18), span(10, 12)]);
        assert!((hours_at(&given_back, 10) - 6.0).abs() < 1e-9, "two hours are left");
    }

    #[test]
    fn a_server_that_runs_counts_up_to_now() {
        let running = [line(10, None, false)];
        assert!(hours_at(&running, 10).abs() < 1e-9);
        let (short, long) = (hours_at(&running, 11), hours_at(&running, 34));
        assert!((2.9..3.0).contains(&short) && (68.0..72.0).contains(&long), "{short} {long}");
    }

    proptest! {
        /// However a booking came to its span, it counts as that span does.
        #[test]
        fn only_what_is_held_in_the_end_counts(
            changes in prop::collection::vec(prop::option::of((0i64..60, 1i64..20)), 1..6),
            now in 0i64..200,
        ) {
            let spans: Vec<_> =
                changes.iter().map(|change| change.and_then(|(from, long)| span(from, from + long))).collect();
            let direct = spans.last().copied().flatten();
            let (by_changes, at_once) = (hours_at(&lines(&spans), now), hours_at(&lines(&[direct]), now));
            prop_assert!((by_changes - at_once).abs() < 1e-8, "{by_changes} {at_once}");
        }

        /// Whenever lines are folded, usage is the same.
        #[test]
        fn folding_changes_nothing(
            spans in prop::collection::vec((0i64..60, 1i64..20, any::<bool>()), 1..8),
            fold_at in 0i64..100, later in 0i64..100,
        ) {
            let all: Vec<_> = spans.iter().map(|(from, long, back)| line(*from, Some(from + long), *back)).collect();
            let now = fold_at + later;
            let plain = usage(None, &all, Measure::ServerHours, at(now), week());
            let Some((total, over)) = fold(None, &all, at(fold_at), week()) else { return Ok(()) };
            let rest: Vec<_> = all.iter().filter(|line| line.until.is_none_or(|until| until > at(fold_at))).cloned().collect();
            prop_assert_eq!(over.len() + rest.len(), all.len());
            let folded = usage(Some(&total), &rest, Measure::ServerHours, at(now), week());
            prop_assert!((plain - folded).abs() <= 1.0, "within a millionth: {} {}", plain, folded);
        }

        /// Splitting a booking, or making it in a burst, is no cheaper.
        #[test]
        fn pieces_count_as_much_as_the_whole(from in 0i64..50, cuts in prop::collection::btree_set(1i64..12, 0..6), now in 0i64..100) {
            let ends: Vec<_> = cuts.iter().map(|cut| from + cut).chain([from + 12]).collect();
            let mut start = from;
            let mut pieces = Vec::new();
            for end in ends {
                pieces.extend(lines(&[span(start, end)]));
                start = end;
            }
            let whole = hours_at(&lines(&[span(from, from + 12)]), now);
            prop_assert!((hours_at(&pieces, now) - whole).abs() < 1e-8);
        }
    }
}
