//! What holds of the rules for any course, person, bookings and time.

use std::collections::BTreeSet;

use chrono::{NaiveDate, Timelike, Weekday};
use proptest::prelude::*;

use super::*;
use crate::domain::calendar::{self, DailyWindow, Weekdays};
use crate::domain::course::{Closure, FarRule, GapRule, Judged, ParityRule, StackingRule};
use crate::domain::person::Parity;
use crate::domain::su::Su;
use crate::policy::availability;
use crate::policy::sentences::tests::{Fixture, local};

/// The Friday before the night in which clocks go forward, at midnight. The swap's anchor is a Friday, so a week ends here.
const BASE: &str = "2025-03-07T00:00";

fn minute(minutes: i64) -> DateTime<Utc> {
    local(BASE) + TimeDelta::minutes(minutes)
}

fn span(start: i64, length: i64) -> Interval {
    Interval::new(minute(start), minute(start + length)).unwrap()
}

/// Up to four spans of the week around the clock change.
fn spans() -> impl Strategy<Value = Vec<Interval>> {
    proptest::collection::vec((0i64..8000, 1i64..600).prop_map(|(start, length)| span(start, length)), 0..4)
}

fn weekdays() -> impl Strategy<Value = Weekdays> {
    proptest::collection::vec(0u8..7, 1..6).prop_map(|days| {
        let day = |n: &u8| Weekday::try_from(*n).unwrap();
        Weekdays::of(&days.iter().map(day).collect::<Vec<_>>())
    })
}

/// What of a world the rules could read, each part by itself.
#[derive(Debug, Clone)]
struct World {
    parity: Option<Parity>,
    rule: Option<(Weekdays, Weekdays, bool, bool)>,
    counted: Option<DailyWindow>,
    due: Option<i64>,
    cap: i32,
    own: Vec<Interval>,
    parts: Vec<Interval>,
    past: Vec<Interval>,
    closures: Vec<Interval>,
    taken: Vec<i64>,
    used_minutes: i64,
    now: i64,
}

fn worlds() -> impl Strategy<Value = World> {
    let person = (
        proptest::option::of(proptest::sample::select(vec![Parity::Even, Parity::Odd])),
        proptest::option::of((weekdays(), weekdays(), any::<bool>(), any::<bool>())),
        proptest::option::of((0u32..12, 12u32..25)),
        proptest::option::of(2000i64..9000),
        60i32..900,
    );
    let held = (spans(), spans(), spans(), spans(), proptest::collection::vec(0i64..280, 0..12));
    (person, held, 0i64..600, -600i64..1500).prop_map(|(person, held, used_minutes, now)| {
        let (parity, rule, counted, due, cap) = person;
        let (own, parts, past, closures, taken) = held;
        let counted = counted.map(|(from, to)| DailyWindow { from: from * 60, to: to * 60 });
        World { parity, rule, counted, due, cap, own, parts, past, closures, taken, used_minutes, now }
    })
}

impl World {
    fn fixture(&self) -> Fixture {
        let mut fixture = Fixture::origin("ff524");
        let policy = &mut fixture.lab.policy;
        policy.parity = self.rule.map(|(even, odd, swap, whole)| ParityRule {
            even,
            odd,
            swap_weekly_from: swap.then(|| "2025-02-07".parse().unwrap()),
            judges: if whole { Judged::Slot } else { Judged::Start },
        });
        (policy.counted, policy.cap_minutes) = (self.counted, self.cap);
        policy.budget_minutes = Some(900);
        (policy.budget_bookings, policy.bookings_ahead) = (Some(4), 4);
        policy.budget_su = Some(Su::from_micro(10_000_000));
        policy.horizon_days = Some(5);
        policy.far = Some(FarRule { beyond_hours: 24, bookings: 1 });
        policy.gaps = Some(GapRule { shorter_than_minutes: 90, then: Strictness::Refuse });
        policy.stacking = Some(StackingRule { within_hours: 48, percent: 30 });
        fixture.lab.su_per_hour = Su::from_micro(900_000);
        fixture.lab.due = self.due.map(minute);
        let closure = |span: &Interval| Closure { span: *span, reason: "closed".into() };
        fixture.pool.closures = self.closures.iter().map(closure).collect();
        let standing = &mut fixture.standing;
        standing.parity = self.parity;
        standing.own.clone_from(&self.own);
        standing.other_parts.clone_from(&self.parts);
        standing.spans = self.past.iter().chain(&self.own).copied().collect();
        standing.used = TimeDelta::minutes(self.used_minutes);
        standing.used_bookings = i32::try_from(self.past.len()).unwrap();
        standing.used_su = Su::from_micro(self.used_minutes * 15_000);
        for cell in &self.taken {
            fixture.fill_at(minute(cell * 30));
        }
        fixture
    }

    fn judge(&self, slot: &Interval) -> Vec<Violation> {
        judge(&self.fixture().case(minute(self.now)), slot)
    }

    fn codes(&self, slot: &Interval) -> BTreeSet<&'static str> {
        self.judge(slot).iter().map(Violation::code).collect()
    }
}

/// The documented judgement of days and hours, minute by minute.
fn by_the_clock(world: &World, slot: &Interval) -> (i64, bool) {
    let zone = chrono_tz::America::New_York;
    let minutes = (0..slot.length().num_minutes()).map(|n| slot.start() + TimeDelta::minutes(n));
    let counts = |at: &DateTime<Utc>| {
        let clock = at.with_timezone(&zone);
        let minute = clock.hour() * 60 + clock.minute();
        world.counted.is_none_or(|window| (window.from..window.to).contains(&minute))
    };
    let counted: Vec<NaiveDate> = minutes.filter(counts).map(|at| calendar::local_date(zone, at)).collect();
    let Some(((even, odd, swap, whole), parity)) = world.rule.zip(world.parity) else {
        return (i64::try_from(counted.len()).unwrap(), world.rule.is_none());
    };
    let mine = |date: &NaiveDate| {
        use chrono::Datelike as _;
        let weeks = (*date - "2025-02-07".parse::<NaiveDate>().unwrap()).num_days().div_euclid(7);
        let swapped = swap && weeks.rem_euclid(2) == 1;
        let days = if (parity == Parity::Even) == swapped { odd } else { even };
        days.contains(date.weekday())
    };
    let on_my_days = if whole { counted.iter().all(mine) } else { counted.first().is_none_or(mine) };
    (i64::try_from(counted.len()).unwrap(), on_my_days)
}

/// Takes a part of one world over into another.
type Change = fn(&mut World, &World);

proptest! {
    /// Midnight, the swap, the clock change and the due date are judged as documented.
    #[test]
    fn days_and_hours_are_those_of_the_clock(world in worlds(), start in 0i64..150, cells in 1i64..30) {
        let slot = span(start * 30, cells * 30);
        let (counted, on_my_days) = by_the_clock(&world, &slot);
        let codes = world.codes(&slot);
        prop_assert_eq!(codes.contains("over_cap"), counted > i64::from(world.cap));
        prop_assert_eq!(!codes.contains("wrong_day") && !codes.contains("no_parity"), on_my_days);
        let past_due = world.due.is_some_and(|due| slot.end() > minute((due + 29).div_euclid(30) * 30));
        prop_assert_eq!(codes.contains("past_due"), past_due);
    }

    /// In whatever order bookings and closures are listed, and whatever was asked before, a slot is judged the same.
    #[test]
    fn order_changes_no_legality(
        world in worlds(), start in 0i64..150, cells in 1i64..20, other in 0i64..150, shuffle in any::<prop::sample::Index>(),
    ) {
        let (slot, another) = (span(start * 30, cells * 30), span(other * 30, 60));
        let before = world.codes(&slot);
        let _ = world.judge(&another);
        let mut turned = world.clone();
        for list in [&mut turned.own, &mut turned.parts, &mut turned.past, &mut turned.closures] {
            if !list.is_empty() {
                let middle = shuffle.index(list.len());
                list.rotate_left(middle);
                list.reverse();
            }
        }
        prop_assert_eq!(before, turned.codes(&slot));
    }

    /// A rule reads what it is about: when something else in the world changes, its verdict does not.
    #[test]
    fn a_rule_reads_nothing_else(world in worlds(), other in worlds(), start in 0i64..150, cells in 1i64..20) {
        let slot = span(start * 30, cells * 30);
        let changes: [(Change, &[&str]); 9] = [
            (|it, from| it.own.clone_from(&from.own), &["overlap", "too_many_ahead", "too_many_far", "stacked"]),
            (|it, from| it.parts.clone_from(&from.parts), &["other_part"]),
            (|it, from| it.past.clone_from(&from.past), &["stacked", "over_bookings"]),
            (|it, from| it.closures.clone_from(&from.closures), &["closed", "gap"]),
            (|it, from| it.taken.clone_from(&from.taken), &["full", "gap"]),
            (|it, from| it.used_minutes = from.used_minutes, &["over_budget", "over_su"]),
            (|it, from| it.now = from.now, &["in_past", "too_far", "too_many_far", "gap"]),
            (|it, from| it.due = from.due, &["past_due"]),
            (|it, from| it.parity = from.parity, &["wrong_day", "no_parity"]),
        ];
        for (change, may_differ) in changes {
            let mut changed = world.clone();
            change(&mut changed, &other);
            let (before, after) = (world.codes(&slot), changed.codes(&slot));
            let differ: Vec<_> = before.symmetric_difference(&after).collect();
            prop_assert!(differ.iter().all(|code| may_differ.contains(code)), "{differ:?} beside {may_differ:?}");
        }
    }

    /// Invariant 3 with every rule in force: what is shown is accepted, and what is not shown is not.
    #[test]
    fn shown_is_accepted(world in worlds(), start in 0i64..150) {
        let fixture = world.fixture();
        let case = fixture.case(minute(world.now));
        let at = minute(start * 30);
        let shown = availability::legal_lengths(&case, at);
        for cells in 1..60 {
            let length = TimeDelta::minutes(cells * 30);
            let accepted = judge(&case, &Interval::new(at, at + length).unwrap()).is_empty();
            prop_assert_eq!(accepted, shown.contains(&length), "{} min", cells * 30);
        }
    }

    /// What a refusal offers instead would be accepted, and there is an offer wherever a slot of an hour near it is legal.
    #[test]
    fn what_is_offered_is_accepted(world in worlds(), start in 0i64..150, cells in 1i64..20) {
        let fixture = world.fixture();
        let case = fixture.case(minute(world.now));
        let offered = availability::nearest(&case, &span(start * 30, cells * 30), 3);
        for slot in &offered {
            prop_assert!(judge(&case, slot).is_empty());
        }
        let near = (start - 48..start + 48).any(|n| !availability::legal_lengths(&case, minute(n * 30)).is_empty());
        prop_assert!(!near || !offered.is_empty());
    }

    /// What is refused whatever the slot is refused for each of them.
    #[test]
    fn what_refuses_all_refuses_each(
        world in worlds(), enrolled in any::<bool>(), limit in 0i32..5, start in 0i64..150, cells in 1i64..20,
    ) {
        let mut fixture = world.fixture();
        fixture.standing.enrolled = enrolled;
        fixture.lab.policy.bookings_ahead = limit;
        let case = fixture.case(minute(world.now));
        let expected = !enrolled || world.own.len() >= usize::try_from(limit).unwrap();
        prop_assert_eq!(refuses_all(&case), expected);
        prop_assert!(!expected || !judge(&case, &span(start * 30, cells * 30)).is_empty());
    }

    /// Every refusal says so in a sentence with a full stop, and none of its numbers is empty.
    #[test]
    fn every_violation_can_be_told(world in worlds(), start in 0i64..300, minutes in 1i64..2000) {
        let slot = span(start * 30, minutes);
        for violation in world.judge(&slot) {
            let sentence = violation.sentence(chrono_tz::America::New_York);
            prop_assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
            let numbers = violation.numbers(chrono_tz::America::New_York);
            let names: BTreeSet<_> = numbers.iter().map(|(name, _)| *name).collect();
            prop_assert_eq!(names.len(), numbers.len());
            prop_assert!(!names.contains("code") && !names.contains("message"));
        }
    }
}
