//! Which starts a person has, and the nearest ones where a wish can't be met. Asks [`admission::judge`] for each, so
//! that what is shown as free is accepted.

use std::iter::successors;

use chrono::{DateTime, TimeDelta, Utc};

use super::admission::{self, Case, Violation};
use crate::domain::course::{Lab, Pool};
use crate::domain::interval::Interval;

/// What a person may do with one start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They may start then.
    Free {
        /// Units that are free over the shortest slot.
        units_left: i32,
        /// The longest slot that they may have from there.
        longest: TimeDelta,
    },
    /// They may not; every rule that even the shortest slot breaks.
    Refused(Vec<Violation>),
}

/// One start of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The instant.
    pub at: DateTime<Utc>,
    /// What the person may do with it.
    pub verdict: Verdict,
}

/// Every start of the grid in `span`, in order.
pub fn starts(case: &Case<'_>, span: &Interval) -> Vec<Start> {
    let grid = case.pool.grid();
    let first = case.pool.ceil(span.start());
    successors(Some(first), |at| Some(*at + grid))
        .take_while(|at| *at < span.end())
        .map(|at| Start { at, verdict: verdict(case, at) })
        .collect()
}

/// What the person may do with the start `at`.
pub fn verdict(case: &Case<'_>, at: DateTime<Utc>) -> Verdict {
    let lengths = legal_lengths(case, at);
    if let (Some(shortest), Some(longest)) = (lengths.first(), lengths.last()) {
        let slot = Interval::new(at, at + *shortest);
        let units_left = slot.map_or(0, |slot| case.occupancy.least_free(case.pool, &case.pool.held(&slot)));
        return Verdict::Free { units_left, longest: *longest };
    }
    let slot = Interval::new(at, at + shortest(case));
    Verdict::Refused(slot.map(|slot| admission::judge(case, &slot)).unwrap_or_default())
}

/// Every length that the person may have from the start `at`, shortest first.
pub fn legal_lengths(case: &Case<'_>, at: DateTime<Utc>) -> Vec<TimeDelta> {
    legal(case, lengths_to_try(case), |length| {
        Interval::new(at, at + *length).map_or_else(Vec::new, |slot| admission::judge(case, &slot))
    })
}

/// Those of `candidates`, shortest first, that break no rule. Where a lab has no set lengths, every rule that looks at the
/// length only grows stricter with it, but for that about gaps: so another refusal ends the search.
fn legal<T>(
    case: &Case<'_>,
    candidates: impl Iterator<Item = T>,
    judge: impl Fn(&T) -> Vec<Violation>,
) -> Vec<T> {
    let any_length = case.lab.policy.lengths_minutes.is_empty();
    let ends =
        |broken: &[Violation]| any_length && broken.iter().any(|it| !matches!(it, Violation::Gap { .. }));
    let judged = candidates.map(|candidate| {
        let broken = judge(&candidate);
        (candidate, broken)
    });
    judged
        .take_while(|(_, broken)| !ends(broken))
        .filter(|(_, broken)| broken.is_empty())
        .map(|(candidate, _)| candidate)
        .collect()
}

/// The shortest slot that this lab may have.
pub fn shortest(case: &Case<'_>) -> TimeDelta {
    lengths_to_try(case).next().unwrap_or_else(|| case.pool.grid())
}

/// Lengths that slots of this lab may have at all, shortest first.
fn lengths_to_try(case: &Case<'_>) -> Box<dyn Iterator<Item = TimeDelta>> {
    let margin = case.pool.end_margin();
    if case.lab.policy.lengths_minutes.is_empty() {
        return Box::new(lengths(case, case.pool.grid() - margin));
    }
    let mut set: Vec<_> = case
        .lab
        .policy
        .lengths_minutes
        .iter()
        .map(|minutes| TimeDelta::minutes((*minutes).into()) - margin)
        .collect();
    set.sort();
    Box::new(set.into_iter())
}

fn lengths(case: &Case<'_>, from: TimeDelta) -> impl Iterator<Item = TimeDelta> + use<> {
    let (grid, longest) = (case.pool.grid(), case.lab.policy.longest());
    successors(Some(from), move |length| Some(*length + grid)).take_while(move |length| *length <= longest)
}

/// Later ends that a booking of `slot`, which the case is without, may have, in order.
pub fn extensions(case: &Case<'_>, slot: &Interval) -> Vec<DateTime<Utc>> {
    let ends = lengths(case, slot.length() + case.pool.grid()).map(|length| slot.start() + length);
    legal(case, ends, |end| admission::judge_extension(case, slot, *end))
}

/// Earlier ends that a booking of `slot`, which the case is without, may have, in order.
pub fn shortenings(case: &Case<'_>, slot: &Interval) -> Vec<DateTime<Utc>> {
    lengths(case, case.pool.grid() - case.pool.end_margin())
        .map(|length| slot.start() + length)
        .take_while(|end| *end < slot.end())
        .filter(|end| admission::judge_shortening(case, slot, *end).is_empty())
        .collect()
}

/// How far around a wish [`nearest`] looks, on either side.
const NEAREST_REACH: TimeDelta = TimeDelta::days(14);

/// From where [`nearest`] looks: the wish, or the nearest instant at which a slot may be had at all.
fn origin(lab: &Lab, pool: &Pool, wish: &Interval, now: DateTime<Utc>) -> DateTime<Utc> {
    let horizon = lab.policy.horizon_days.map(|days| now + TimeDelta::days(days.into()));
    let latest = [lab.closes(pool), horizon].into_iter().flatten().fold(wish.start(), DateTime::min);
    pool.floor(latest.max(now).max(lab.open))
}

/// The span over which occupancy must be known for [`nearest`].
pub fn nearest_span(lab: &Lab, pool: &Pool, wish: &Interval, now: DateTime<Utc>) -> Interval {
    let origin = origin(lab, pool, wish, now);
    let whole = Interval::new(origin - NEAREST_REACH, origin + NEAREST_REACH + lab.policy.longest());
    admission::span_to_know(lab, pool, &whole.unwrap_or(*wish))
}

/// The length that a slot like the wish may have at all: the wish's own, down to whole grid cells and to the cap; of set
/// lengths the longest that is not longer, or else the shortest.
fn nearest_length(case: &Case<'_>, wish: &Interval) -> TimeDelta {
    let policy = &case.lab.policy;
    if !policy.lengths_minutes.is_empty() {
        let fitting = lengths_to_try(case).filter(|length| *length <= wish.length()).last();
        return fitting.or_else(|| lengths_to_try(case).next()).unwrap_or(wish.length());
    }
    let (grid, margin) = (case.pool.grid(), case.pool.end_margin());
    let longest = if policy.counted.is_some() { policy.longest() } else { policy.cap() };
    let cells = ((wish.length() + margin).min(longest).num_seconds() / grid.num_seconds()).max(1);
    TimeDelta::seconds(cells * grid.num_seconds()) - margin
}

/// The `count` legal slots nearest to `wish`, nearest first: of its length, or of the cap if more of it counts, and at least
/// one grid cell. Where none has that length, as when a budget is nearly used up, those of the longest length below it.
/// Occupancy must be known over [`nearest_span`].
pub fn nearest(case: &Case<'_>, wish: &Interval, count: usize) -> Vec<Interval> {
    if admission::refuses_all(case) {
        return Vec::new();
    }
    let length = nearest_length(case, wish);
    let as_wished = |at| {
        let slot = Interval::new(at, at + length)?;
        admission::judge(case, &slot).is_empty().then_some(slot)
    };
    let shorter = |at| {
        let longest = legal_lengths(case, at).into_iter().rfind(|it| *it <= length)?;
        Interval::new(at, at + longest)
    };
    let found: Vec<_> = starts_around(case, wish).filter_map(as_wished).take(count).collect();
    let mut slots = if found.is_empty() {
        starts_around(case, wish).filter_map(shorter).take(count).collect()
    } else {
        found
    };
    slots.sort_by_key(|slot| (slot.start() - wish.start()).abs());
    slots
}

/// Starts of the grid around the wish, or around the nearest instant at which a slot may be had at all, nearest first.
fn starts_around(case: &Case<'_>, wish: &Interval) -> impl Iterator<Item = DateTime<Utc>> + use<> {
    let grid = case.pool.grid();
    let origin = origin(case.lab, case.pool, wish, case.now);
    let reach = NEAREST_REACH.num_seconds() / grid.num_seconds();
    let offsets = (0..=reach).flat_map(|n| [n, -n]).skip(1);
    offsets.map(move |n| origin + TimeDelta::seconds(n * grid.num_seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{self, DailyWindow};
    use crate::domain::course::Judged;
    use crate::policy::sentences::tests::{Fixture, local};
    use proptest::prelude::*;

    #[test]
    fn a_start_tells_what_is_left_and_how_long() {
        let mut fixture = Fixture::origin("ff524");
        fixture.fill("2025-02-08T20:00");
        let case = fixture.case(local("2025-02-08T12:00"));
        let Verdict::Free { units_left, longest } = verdict(&case, local("2025-02-08T15:00")) else {
            panic!()
        };
        assert_eq!((units_left, longest), (fixture.pool.capacity, TimeDelta::hours(5)));
        let Verdict::Free { longest, .. } = verdict(&case, local("2025-02-10T15:00")) else { panic!() };
        assert_eq!(longest, TimeDelta::hours(8));
        assert!(matches!(verdict(&case, local("2025-02-08T20:00")), Verdict::Refused(_)));
    }

    #[test]
    fn the_nearest_slots_of_a_wrong_day_are_at_its_borders() {
        let fixture = Fixture::origin("ff524");
        let case = fixture.case(local("2025-02-06T12:00"));
        let wish = Interval::new(local("2025-02-09T10:00"), local("2025-02-09T20:00")).unwrap();
        let near = nearest(&case, &wish, 3);
        let words: Vec<_> = near.iter().map(|slot| calendar::span(fixture.zone, slot)).collect();
        assert_eq!(
            words,
            [
                "Sat Feb 8, 23:30 to Sun Feb 9, 07:30",
                "Sat Feb 8, 23:00 to Sun Feb 9, 07:00",
                "Sat Feb 8, 22:30 to Sun Feb 9, 06:30"
            ]
        );
    }

    fn minutes(base: &str, minutes: i64) -> DateTime<Utc> {
        local(base) + TimeDelta::minutes(minutes)
    }

    proptest! {
        /// Invariant 3: shown is accepted, across the clock change of 9 March 2025 and with cells taken at random.
        #[test]
        fn shown_free_is_accepted_up_to_the_length_shown_and_no_further(
            digit in 0u32..10, now in 0i64..6000, start in 0i64..500, taken in proptest::collection::vec(0i64..500, 0..30),
            counted in proptest::option::of((0u32..12, 12u32..25)), whole_slot: bool,
        ) {
            let mut fixture = Fixture::origin(&format!("ff{digit}"));
            fixture.lab.due = Some(local("2025-03-12T23:59"));
            fixture.lab.policy.counted = counted.map(|(from, to)| DailyWindow { from: from * 60, to: to * 60 });
            if let Some(rule) = &mut fixture.lab.policy.parity {
                rule.judges = if whole_slot { Judged::Slot } else { Judged::Start };
            }
            for cell in taken {
                fixture.fill_at(minutes("2025-03-05T00:00", cell * 30));
            }
            let case = fixture.case(minutes("2025-03-05T00:00", now));
            let at = minutes("2025-03-05T00:00", start * 30);
            let accepted = |length| admission::judge(&case, &Interval::new(at, at + length).unwrap()).is_empty();
            match verdict(&case, at) {
                Verdict::Free { longest, .. } => {
                    let mut length = case.pool.grid();
                    while length <= longest {
                        prop_assert!(accepted(length));
                        length += case.pool.grid();
                    }
                    prop_assert!(!accepted(length));
                }
                Verdict::Refused(violations) => {
                    prop_assert!(!violations.is_empty());
                    prop_assert!(!accepted(case.pool.grid()));
                }
            }
        }

        /// Invariant 3 for blocks of set lengths with time between them.
        #[test]
        fn of_set_lengths_the_legal_ones_are_shown_and_no_other(
            start in 0i64..170, lengths in proptest::collection::vec(1i32..9, 1..4), margin in 0i32..30,
            cleaning in 0i32..90, taken in proptest::collection::vec(0i64..170, 0..20),
        ) {
            let mut fixture = Fixture::origin("ff524");
            fixture.lab.policy.lengths_minutes = lengths.iter().map(|hours| hours * 60).collect();
            fixture.lab.policy.starts_every_minutes = Some(60);
            (fixture.pool.end_margin_minutes, fixture.pool.cleaning_minutes) = (margin, cleaning);
            for cell in taken {
                fixture.fill_at(minutes("2025-02-07T00:00", cell * 60));
            }
            let case = fixture.case(local("2025-02-07T00:00"));
            let at = minutes("2025-02-07T00:00", start * 60);
            let shown = legal_lengths(&case, at);
            for grid_cells in 1..20 {
                let length = TimeDelta::minutes(grid_cells * 30 - i64::from(margin));
                let accepted = admission::judge(&case, &Interval::new(at, at + length).unwrap()).is_empty();
                prop_assert_eq!(accepted, shown.contains(&length), "{} min", length.num_minutes());
            }
        }

        #[test]
        fn nearest_slots_are_legal_and_none_is_nearer(digit in 0u32..10, start in 0i64..500) {
            let fixture = Fixture::origin(&format!("ff{digit}"));
            let case = fixture.case(local("2025-02-06T12:00"));
            let wish = Interval::new(minutes("2025-02-05T00:00", start * 30), minutes("2025-02-05T00:00", start * 30 + 120)).unwrap();
            let near = nearest(&case, &wish, 3);
            let distance = |slot: &Interval| (slot.start() - wish.start()).abs();
            for slot in &near {
                prop_assert!(admission::judge(&case, slot).is_empty());
            }
            if let Some(farthest) = near.iter().map(distance).max() {
                let span = Interval::new(wish.start() - farthest + case.pool.grid(), wish.start() + farthest).unwrap();
                let nearer = starts(&case, &span).into_iter().filter(|start| {
                    let slot = Interval::new(start.at, start.at + wish.length()).unwrap();
                    distance(&slot) < farthest && admission::judge(&case, &slot).is_empty()
                });
                prop_assert!(nearer.count() <= 2);
            }
        }
    }
}
