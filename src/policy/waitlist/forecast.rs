//! What someone who joins a line may expect: their place in it, a range for when, and the odds.
//!
//! # The model
//!
//! Places come free one by one, at a rate that nobody knows and that does not change: a Poisson process. Of the rate is known
//! what was seen, `n` places in a time `T`, and nothing else: with Jeffreys' prior the rate is distributed as a gamma of shape
//! `n + 1/2` and rate `T`, and the number of places in the next time `D` is negative binomial,
//!
//! ```text
//!   P(N = k) = C(k + n - 1/2, k) * (T / (T + D))^(n + 1/2) * (D / (T + D))^k
//! ```
//!
//! Whoever is at position `m` comes to a place if there are at least `m`. With nothing seen the odds are small and not zero.
//!
//! # What it can't know
//!
//! That demand rises before a due date, so that fewer places come free and more people with a better fair share join;
//! that people release more, or less, at certain hours and days; that a place may not fit those ahead; that those ahead pass.
//! It counts each place for one waiter. So it is a guide, and said to be one wherever it is shown.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// What was seen of a pool: places that came free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// How many of at least the length that is asked for.
    pub freed: u32,
    /// Within how many minutes, from 1.
    pub observed_minutes: u32,
}

impl Seen {
    /// How many came free within this time, which counts in whole minutes and as one at least.
    pub fn within(freed: u32, observed: TimeDelta) -> Self {
        Self { freed, observed_minutes: u32::try_from(observed.num_minutes().max(1)).unwrap_or(u32::MAX) }
    }
}

/// What to expect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Forecast {
    /// One's place in line: 1 comes next.
    pub position: u32,
    /// What it goes by.
    pub seen: Seen,
    /// The chance to come to a place in time, from 0 to 1.
    pub odds: f64,
    /// By when the chance is one in four, if it comes to that in time.
    pub early: Option<DateTime<Utc>>,
    /// By when it is three in four, if it comes to that in time.
    pub late: Option<DateTime<Utc>>,
}

/// What someone may expect with so many `ahead` who may want the same time, and until the last instant at which a slot that
/// they ask for may start.
pub fn forecast(ahead: u32, seen: Seen, now: DateTime<Utc>, until: DateTime<Utc>) -> Forecast {
    let (position, left) = (ahead.saturating_add(1), until - now);
    let by = |chance| reached(chance, position, seen, left).map(|after| now + after);
    Forecast { position, seen, odds: odds(position, seen, left), early: by(0.25), late: by(0.75) }
}

/// The chance that at least `position` places come free within `left`.
pub fn odds(position: u32, seen: Seen, left: TimeDelta) -> f64 {
    let (shape, rate) = (f64::from(seen.freed) + 0.5, f64::from(seen.observed_minutes.max(1)));
    let minutes = seconds(left) / 60.0;
    if position == 0 {
        return 1.0;
    }
    if minutes <= 0.0 {
        return 0.0;
    }
    let (stays, comes) = ((rate / (rate + minutes)).ln(), (minutes / (rate + minutes)).ln());
    // In logarithms, since the first term of a long sum may be smaller than any number.
    let mut term = shape * stays;
    let mut fewer = 0.0;
    for k in 0..position {
        fewer += term.exp();
        let k = f64::from(k);
        term += ((k + shape) / (k + 1.0)).ln() + comes;
    }
    (1.0 - fewer).clamp(0.0, 1.0)
}

/// After how long, to the second, the chance comes to `chance`; nothing if it does not within `left`.
fn reached(chance: f64, position: u32, seen: Seen, left: TimeDelta) -> Option<TimeDelta> {
    let comes = |after: i64| odds(position, seen, TimeDelta::seconds(after)) >= chance;
    let (mut too_soon, mut enough) = (0, left.num_seconds());
    if enough <= 0 || !comes(enough) {
        return None;
    }
    while enough - too_soon > 1 {
        let middle = too_soon + (enough - too_soon) / 2;
        if comes(middle) { enough = middle } else { too_soon = middle }
    }
    Some(TimeDelta::seconds(enough))
}

/// Up to 136 years: beyond it nobody waits.
fn seconds(length: TimeDelta) -> f64 {
    f64::from(u32::try_from(length.num_seconds().max(0)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn days(count: i64) -> TimeDelta {
        TimeDelta::days(count)
    }

    fn of(position: u32, freed: u32, observed: i64, left: i64) -> f64 {
        odds(position, Seen::within(freed, days(observed)), days(left))
    }

    #[test]
    fn known_values() {
        let near = |found: f64, known: f64| assert!((found - known).abs() < 1e-9, "{found} is not {known}");
        near(of(1, 0, 14, 14), 1.0 - 0.5_f64.sqrt());
        near(of(1, 3, 14, 7), 1.0 - (2.0_f64 / 3.0).powf(3.5));
        near(of(2, 3, 14, 7), 1.0 - (2.0_f64 / 3.0).powf(3.5) * (1.0 + 3.5 / 3.0));
        assert_eq!(
            [of(1, 3, 14, 7), of(2, 3, 14, 7)].map(|odds| format!("{odds:.2}")),
            ["0.76", "0.48"],
            "as documented"
        );
        // Worked out to sixty digits.
        near(of(1, 0, 14, 1), 0.033_908_216_921);
        near(of(5, 20, 14, 7), 0.947_597_331_873);
        near(of(3, 2, 14, 14), 0.408_902_925_102);
        near(of(40, 600, 14, 1), 0.684_118_833_791);
        near(of(200, 2500, 14, 1), 0.067_603_036_683);
        near(of(900, 900, 14, 14), 0.504_701_906_237);
        near(of(120, 0, 14, 60), 0.000_000_000_001);
        near(of(0, 0, 14, 0), 1.0);
        near(of(1, 9, 14, 0), 0.0);
        near(of(1, 9, 14, -3), 0.0);
    }

    #[test]
    fn a_range_for_when() {
        let now = DateTime::UNIX_EPOCH;
        let sure = forecast(0, Seen::within(28, days(14)), now, now + days(7));
        assert_eq!(sure.position, 1);
        let hours = |at: Option<DateTime<Utc>>| at.map(|at| (at - now).num_minutes());
        // About two a day: a quarter by ln(4/3) / 2 of a day, three quarters by ln(4) / 2.
        assert!(
            (hours(sure.early).unwrap() - 205).abs() < 5 && (hours(sure.late).unwrap() - 1005).abs() < 25
        );
        let unsure = forecast(3, Seen::within(2, days(14)), now, now + days(14));
        assert!(unsure.early.is_some() && unsure.late.is_none() && (0.25..0.75).contains(&unsure.odds));
        let over = forecast(0, Seen::within(9, days(14)), now, now - days(1));
        assert_eq!((over.odds, over.early, over.late), (0.0, None, None));
    }

    proptest! {
        #[test]
        fn odds_fall_with_the_position_and_rise_with_time_and_places(
            position in 1u32..300, freed in 0u32..2000, observed in 1i64..60, left in 1i64..60,
        ) {
            let odds = of(position, freed, observed, left);
            prop_assert!((0.0..=1.0).contains(&odds));
            let noise = 1e-9;
            prop_assert!(of(position + 1, freed, observed, left) <= odds + noise);
            prop_assert!(of(position, freed + 1, observed, left) >= odds - noise);
            prop_assert!(of(position, freed, observed, left + 1) >= odds - noise);
            prop_assert!(of(position, freed, observed + 1, left) <= odds + noise);
        }

        #[test]
        fn the_range_is_where_the_chance_is_reached(
            ahead in 0u32..30, freed in 0u32..100, left in 1i64..60,
        ) {
            let (now, seen) = (DateTime::UNIX_EPOCH, Seen::within(freed, days(14)));
            let told = forecast(ahead, seen, now, now + days(left));
            for (at, chance) in [(told.early, 0.25), (told.late, 0.75)] {
                prop_assert_eq!(at.is_some(), told.odds >= chance);
                let Some(at) = at else { continue };
                prop_assert!(odds(ahead + 1, seen, at - now) >= chance);
                prop_assert!(odds(ahead + 1, seen, at - now - TimeDelta::seconds(1)) < chance);
            }
            prop_assert!(told.late.is_none_or(|late| told.early.unwrap() <= late));
        }
    }

    /// A generator of numbers that is the same in every run: SplitMix64.
    struct Chance(u64);

    impl Chance {
        /// From 0 to 1, neither of the two.
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bits = u32::try_from((z ^ (z >> 31)) >> 32).unwrap();
            (f64::from(bits) + 0.5) / 4_294_967_296.0
        }

        /// How many come within so many days at this rate a day.
        fn count(&mut self, rate: f64, days: f64) -> u32 {
            let (mut at, mut count) = (0.0, 0);
            loop {
                at -= self.uniform().ln() / rate;
                if at > days {
                    return count;
                }
                count += 1;
            }
        }
    }

    /// Of all that were told a chance of about so much, about so many come to a place.
    fn calibrated(seed: u64, tolerance: f64, rate: impl Fn(f64) -> f64) {
        let mut chance = Chance(seed);
        let mut told = [(0.0, 0.0, 0.0); 10];
        for _ in 0..60_000 {
            let rate = rate(chance.uniform());
            let left = 0.5 + 9.5 * chance.uniform();
            let position = 1 + chance.count(1.0, 3.0);
            let freed = chance.count(rate, 14.0);
            let minutes = TimeDelta::seconds(format!("{:.0}", left * 86_400.0).parse().unwrap());
            let odds = odds(position, Seen::within(freed, days(14)), minutes);
            let came = f64::from(u8::from(chance.count(rate, left) >= position));
            let bin = (0..9).find(|bin| odds < f64::from(bin + 1) / 10.0).unwrap_or(9);
            let bin = &mut told[usize::try_from(bin).unwrap()];
            *bin = (bin.0 + 1.0, bin.1 + odds, bin.2 + came);
        }
        for (count, odds, came) in told {
            assert!(count > 1000.0, "{told:?}");
            assert!(
                ((odds - came) / count).abs() < tolerance,
                "told {}, came {}",
                odds / count,
                came / count
            );
        }
    }

    #[test]
    fn the_odds_are_what_happens_where_rates_are_spread_as_assumed() {
        calibrated(1, 0.03, |u| 3.0 * u * u);
    }

    #[test]
    fn the_odds_are_about_what_happens_where_rates_are_spread_evenly() {
        calibrated(2, 0.06, |u| 0.02 + 2.0 * u);
    }
}
