//! The first slots that fit a length and some preferences.

use std::iter::successors;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::admission::{self, Case};
use crate::domain::calendar::{self, DailyWindow, Weekdays};
use crate::domain::course::{Lab, Pool};
use crate::domain::interval::Interval;

/// What someone looks for. What is not set, they don't mind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How long the slot is to be.
    pub length: TimeDelta,
    /// Not before this.
    pub earliest: Option<DateTime<Utc>>,
    /// Over by then.
    pub latest: Option<DateTime<Utc>>,
    /// It starts on one of these days, in the course's zone.
    pub days: Option<Weekdays>,
    /// It lies within these hours of the day on which it starts.
    pub hours: Option<DailyWindow>,
}

/// How far ahead is looked.
pub const REACH: TimeDelta = TimeDelta::days(35);

impl Wanted {
    /// Starts that can be looked at: from now, from the lab's opening and from the earliest wish on, for five weeks at most.
    fn starts(&self, lab: &Lab, pool: &Pool, now: DateTime<Utc>) -> Option<Interval> {
        let from = pool.ceil(now.max(lab.open).max(self.earliest.unwrap_or(now)));
        let until = [self.latest, lab.closes(pool)].into_iter().flatten().fold(from + REACH, DateTime::min);
        Interval::new(from, until)
    }

    /// The span over which occupancy must be known for [`first`].
    pub fn span_to_know(&self, lab: &Lab, pool: &Pool, now: DateTime<Utc>) -> Option<Interval> {
        let starts = self.starts(lab, pool, now)?;
        let whole = Interval::new(starts.start(), starts.end() + self.length)?;
        Some(admission::span_to_know(lab, pool, &whole))
    }

    /// The slots of the pool's grid that it likes, soonest first. Whether they are legal is not asked.
    pub fn slots(&self, case: &Case<'_>) -> impl Iterator<Item = Interval> {
        let starts = self.starts(case.lab, case.pool, case.now);
        let (grid, zone) = (case.pool.grid(), case.zone);
        successors(starts.map(|starts| starts.start()), move |at| Some(*at + grid))
            .take_while(move |at| starts.is_some_and(|starts| *at < starts.end()))
            .filter_map(|at| Interval::new(at, at + self.length))
            .filter(move |slot| self.likes(zone, slot))
    }

    fn likes(&self, zone: Tz, slot: &Interval) -> bool {
        use chrono::Datelike as _;
        let date = calendar::local_date(zone, slot.start());
        let in_time = self.latest.is_none_or(|latest| slot.end() <= latest);
        let on_day = self.days.is_none_or(|days| days.contains(date.weekday()));
        let in_hours = self.hours.is_none_or(|hours| {
            hours.on(zone, date).is_some_and(|window| window.shared(slot) == Some(*slot))
        });
        in_time && on_day && in_hours
    }
}

/// The first `count` slots that fit and are legal, soonest first, each at least `apart` after the one before it starts.
/// Occupancy must be known over [`Wanted::span_to_know`].
pub fn first(case: &Case<'_>, wanted: &Wanted, count: usize, apart: TimeDelta) -> Vec<Interval> {
    let mut found: Vec<Interval> = Vec::new();
    for slot in wanted.slots(case) {
        let far = found.last().is_none_or(|last| slot.start() >= last.start() + apart);
        if far && admission::judge(case, &slot).is_empty() {
            found.push(slot);
        }
        if found.len() == count {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::availability;
    use crate::policy::sentences::tests::{Fixture, local};
    use chrono::Weekday;
    use proptest::prelude::*;

    fn wanted(hours: i64) -> Wanted {
        Wanted { length: TimeDelta::hours(hours), earliest: None, latest: None, days: None, hours: None }
    }

    fn found(fixture: &Fixture, now: &str, wanted: &Wanted) -> Vec<String> {
        let slots = first(&fixture.case(local(now)), wanted, 2, TimeDelta::zero());
        slots.iter().map(|slot| calendar::span(fixture.zone, slot)).collect()
    }

    #[test]
    fn slots_that_are_to_be_apart_are() {
        let fixture = Fixture::origin("ff524");
        let case = fixture.case(local("2025-02-08T09:10"));
        let starts = |apart| {
            let slots = first(&case, &wanted(2), 4, apart);
            slots.iter().map(|slot| calendar::date_and_time(fixture.zone, slot.start())).collect::<Vec<_>>()
        };
        assert_eq!(
            starts(TimeDelta::hours(6)),
            ["Sat Feb 8, 09:30", "Sat Feb 8, 15:30", "Sat Feb 8, 21:30", "Mon Feb 10, 00:00"]
        );
        assert_eq!(
            starts(TimeDelta::days(3)),
            ["Sat Feb 8, 09:30", "Wed Feb 12, 00:00"],
            "Tuesday is not theirs"
        );
    }

    #[test]
    fn the_first_slot_that_fits_is_found_with_and_without_preferences() {
        let mut fixture = Fixture::origin("ff524");
        fixture.fill("2025-02-08T12:00");
        let now = "2025-02-08T09:10";
        assert_eq!(
            found(&fixture, now, &wanted(4)),
            ["Sat Feb 8, 13:00 to 17:00", "Sat Feb 8, 13:30 to 17:30"],
            "not before the full half hour, nor so soon after it that the lead would be in it"
        );
        let office = Wanted {
            days: Some(Weekdays::of(&[Weekday::Mon, Weekday::Tue])),
            hours: Some(DailyWindow { from: 9 * 60, to: 17 * 60 }),
            earliest: Some(local("2025-02-10T12:15")),
            ..wanted(4)
        };
        assert_eq!(
            found(&fixture, now, &office),
            ["Mon Feb 10, 12:30 to 16:30", "Mon Feb 10, 13:00 to 17:00"]
        );
        let soon = Wanted { latest: Some(local("2025-02-08T16:30")), ..wanted(4) };
        assert_eq!(found(&fixture, now, &soon), Vec::<String>::new());
        assert_eq!(found(&fixture, now, &wanted(9)), Vec::<String>::new(), "nothing is longer than the cap");
    }

    proptest! {
        /// What is found is shown as free on the page, and nothing sooner that is shown was passed over.
        #[test]
        fn nothing_sooner_fits(digit in 0u32..10, hours in 1i64..9, taken in proptest::collection::vec(0i64..300, 0..30)) {
            let mut fixture = Fixture::origin(&format!("ff{digit}"));
            let base = local("2025-02-07T00:00");
            for cell in taken {
                fixture.fill_at(base + TimeDelta::minutes(cell * 30));
            }
            let case = fixture.case(base);
            let span = Interval::new(base, local("2025-02-14T00:00")).unwrap();
            let shown = availability::starts(&case, &span).into_iter().find(|start| {
                availability::legal_lengths(&case, start.at).contains(&TimeDelta::hours(hours))
            });
            let first = first(&case, &wanted(hours), 1, TimeDelta::zero()).first().map(Interval::start);
            prop_assert_eq!(first, shown.map(|start| start.at));
        }
    }
}
