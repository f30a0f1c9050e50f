//! Usage that fades: what was held counts half after a half-life, a quarter after two. It is worked out in closed form
//! when it is read, for any instant, so nothing has to run to make it fade.
//!
//! What lies ahead counts in full: a booking is charged when it is made. So the charge stays the same until the booking's
//! start, and falls from then on.

use std::f64::consts::LN_2;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::interval::Interval;

/// How long until usage counts half: more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HalfLife(TimeDelta);

impl HalfLife {
    /// A week, as in Slurm.
    pub const DEFAULT: Self = Self(TimeDelta::days(7));

    /// So long, if it is more than nothing.
    pub fn new(length: TimeDelta) -> Option<Self> {
        (length > TimeDelta::zero()).then_some(Self(length))
    }

    /// How long.
    pub fn length(self) -> TimeDelta {
        self.0
    }

    /// How much is left after so long: from 0 to 1. All of it if time went backwards.
    fn left_after(self, length: TimeDelta) -> f64 {
        (-(length / self).max(0.0)).exp2()
    }
}

impl Default for HalfLife {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl std::ops::Div<HalfLife> for TimeDelta {
    type Output = f64;
    /// How many half-lives it is.
    fn div(self, half_life: HalfLife) -> f64 {
        self.as_seconds_f64() / half_life.0.as_seconds_f64()
    }
}

/// What holding something during `span` counts at the instant `at`, in `rate`'s unit times an hour. `rate` is by the hour:
/// thousandths of a server, millionths of a service unit.
///
/// The part that has passed fades: with the half-life `H`, from `a` to `b` it is
/// `rate * H/ln 2 * (2^(-(at-b)/H) - 2^(-(at-a)/H))`, the integral of what each moment in it counts now. The part ahead counts
/// in full. So it is `rate` times the span's length up to its start, and never grows after, if `rate` is not negative. Parts of
/// a span add up to the whole, and what is released early is the tail's charge less.
pub fn charge(span: &Interval, rate: i64, at: DateTime<Utc>, half_life: HalfLife) -> f64 {
    let now = at.clamp(span.start(), span.end());
    let (passed, ahead) = (now - span.start(), span.end() - now);
    // 1 - 2^(-passed/H), without the loss of digits where it is near 0.
    let faded = -(-(passed / half_life) * LN_2).exp_m1();
    let counts = hours(half_life.0) / LN_2 * half_life.left_after(at - now) * faded;
    by_hour(rate) * (counts + hours(ahead))
}

/// What `value`, as of `from`, counts at `to`: `value * 2^(-(to-from)/H)`. It does not grow if `to` is earlier.
pub fn aged(value: f64, from: DateTime<Utc>, to: DateTime<Utc>, half_life: HalfLife) -> f64 {
    value * half_life.left_after(to - from)
}

/// The usage that a tree takes: to the nearest whole, at least 0. What is not a number is 0.
#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion stops at the ends of its range, as it should here"
)]
pub fn to_usage(total: f64) -> u64 {
    total.round() as u64
}

fn hours(length: TimeDelta) -> f64 {
    length.as_seconds_f64() / 3600.0
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "to the nearest of 53 bits")]
fn by_hour(rate: i64) -> f64 {
    rate as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn span(start: i64, end: i64) -> Interval {
        Interval::new(at(start), at(end)).unwrap()
    }

    fn week() -> HalfLife {
        HalfLife::DEFAULT
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-9 * one.abs().max(other.abs()) + 1e-300
    }

    /// Each of many short pieces counts what its middle counts.
    fn by_sampling(span: &Interval, rate: i64, at: DateTime<Utc>, half_life: HalfLife) -> f64 {
        let pieces = 20_000;
        let piece = span.length().as_seconds_f64() / f64::from(pieces);
        let until = (at - span.start()).as_seconds_f64();
        let one = |index: i32| {
            let age = until - piece * (f64::from(index) + 0.5);
            let left = (-age.max(0.0) / half_life.length().as_seconds_f64()).exp2();
            by_hour(rate) * left * piece / 3600.0
        };
        (0..pieces).map(one).sum()
    }

    #[test]
    fn the_closed_form_is_what_sampling_comes_to() {
        let (day, held) = (86_400, span(0, 5 * 86_400));
        for seen in [-day, 0, day, 5 * day, 12 * day, 100 * day] {
            for half_life in [week(), HalfLife::new(TimeDelta::hours(3)).unwrap()] {
                let (exact, sampled) = (
                    charge(&held, 2_000, at(seen), half_life),
                    by_sampling(&held, 2_000, at(seen), half_life),
                );
                assert!((exact - sampled).abs() <= 1e-6 * exact.max(1.0), "{seen}: {exact}, {sampled}");
            }
        }
    }

    #[test]
    fn it_is_whole_before_the_start_and_half_a_half_life_later() {
        let held = span(0, 7200);
        assert!(close(charge(&held, 500, at(0), week()), 1000.0));
        assert!(close(charge(&held, 500, at(-999_999), week()), 1000.0));
        let (then, later) =
            (charge(&held, 500, at(7200), week()), charge(&held, 500, at(7200 + 7 * 86_400), week()));
        assert!(close(then, 2.0 * later));
        assert!(close(aged(then, at(7200), at(7200 + 7 * 86_400), week()), later));
        assert!(close(aged(8.0, at(5), at(0), week()), 8.0), "a clock that was set back");
        assert_eq!(
            charge(&held, 500, DateTime::<Utc>::MAX_UTC, week()).total_cmp(&0.0),
            std::cmp::Ordering::Equal
        );
    }

    #[test]
    fn no_half_life_is_nothing_or_less() {
        assert_eq!(HalfLife::new(TimeDelta::zero()), None);
        assert_eq!(HalfLife::new(TimeDelta::seconds(-1)), None);
        assert!(HalfLife::new(TimeDelta::nanoseconds(1)).is_some());
    }

    #[test]
    fn usage_is_whole_and_never_negative() {
        assert_eq!([0.49, 0.5, 2.4, -3.0, f64::NAN, f64::INFINITY].map(to_usage), [0, 1, 2, 0, 0, u64::MAX]);
    }

    prop_compose! {
        fn held()(start in 0i64..3_000_000, cuts in proptest::collection::btree_set(1i64..1_000_000, 1..8))
            -> (Interval, Vec<Interval>) {
            let cuts: Vec<i64> = std::iter::once(0).chain(cuts).map(|it| start + it).collect();
            let whole = span(cuts[0], cuts[cuts.len() - 1]);
            (whole, cuts.windows(2).map(|pair| span(pair[0], pair[1])).collect())
        }
    }

    prop_compose! {
        fn half_life()(seconds in 60i64..10_000_000) -> HalfLife {
            HalfLife::new(TimeDelta::seconds(seconds)).unwrap()
        }
    }

    proptest! {
        #[test]
        fn parts_add_up((whole, parts) in held(), rate in 1i64..1_000_000_000, seen in 0i64..6_000_000, half_life in half_life()) {
            let sum: f64 = parts.iter().map(|part| charge(part, rate, at(seen), half_life)).sum();
            let all = charge(&whole, rate, at(seen), half_life);
            prop_assert!(close(sum, all), "{} and {}", sum, all);
            let (kept, tail) = parts.split_at(1);
            let tail: f64 = tail.iter().map(|part| charge(part, rate, at(seen), half_life)).sum();
            prop_assert!((all - tail - charge(&kept[0], rate, at(seen), half_life)).abs() <= 1e-9 * all + 1e-300);
        }

        #[test]
        fn it_never_grows((whole, _) in held(), rate in 0i64..1_000_000_000, seen in 0i64..6_000_000, more in 0i64..1_000_000, half_life in half_life()) {
            let (now, later) = (charge(&whole, rate, at(seen), half_life), charge(&whole, rate, at(seen + more), half_life));
            prop_assert!(later <= now * (1.0 + 1e-9), "{} after {}", later, now);
            prop_assert!(later >= 0.0);
        }

        /// Once it is over, it fades as a value does: what is stored with its instant goes on.
        #[test]
        fn after_its_end_it_ages((whole, _) in held(), seen in 0i64..6_000_000, half_life in half_life()) {
            let (end, then) = (whole.end(), whole.end() + TimeDelta::seconds(seen));
            let stored = charge(&whole, 1000, end, half_life);
            let (aged, fresh) = (aged(stored, end, then, half_life), charge(&whole, 1000, then, half_life));
            prop_assert!((aged - fresh).abs() <= 1e-9 * aged.max(1e-300), "{} and {}", aged, fresh);
        }
    }
}
