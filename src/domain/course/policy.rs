//! The rules of a lab, as values: [`policy::admission`](crate::policy::admission) judges by them.

use chrono::{Datelike as _, NaiveDate, TimeDelta, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{self, DailyWindow, Weekdays};
use crate::domain::interval::Interval;
use crate::domain::person::Parity;
use crate::domain::su::Su;

/// What the numbers of a lab's rules may be, in the course file and in an exception for one person.
pub mod bounds {
    use std::ops::RangeInclusive;

    /// The longest time that a slot may have: a week at most.
    pub const CAP_MINUTES: RangeInclusive<i32> = 1..=10_080;
    /// Bookings of a lab ahead or running: each takes a numbered seat.
    pub const BOOKINGS_AHEAD: RangeInclusive<i32> = 1..=100;
    /// Days for which one may book ahead.
    pub const HORIZON_DAYS: RangeInclusive<i32> = 1..=366;
    /// A budget of bookings.
    pub const BUDGET_BOOKINGS: RangeInclusive<i32> = 1..=1000;
    /// A budget of hours, in minutes.
    pub const BUDGET_MINUTES: RangeInclusive<i32> = 1..=100_000;
}

/// A lab's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The longest time that a slot may have, in minutes: of all its hours, or of those that count.
    pub cap_minutes: i32,
    /// The hours that count, if not all do. Outside of them time is free, and any weekday is allowed.
    #[serde(default)]
    pub counted: Option<DailyWindow>,
    /// Bookings that one student may have ahead or running in this lab.
    pub bookings_ahead: i32,
    /// Lengths that a slot may have, in minutes with the pool's end margin; any if there are none.
    #[serde(default)]
    pub lengths_minutes: Vec<i32>,
    /// Starts lie on multiples of this many minutes, if they are rarer than the grid.
    #[serde(default)]
    pub starts_every_minutes: Option<i32>,
    /// Hours that count which one student may use of this lab in all, in minutes, if that is bounded.
    #[serde(default)]
    pub budget_minutes: Option<i32>,
    /// Bookings with hours that count which one student may make of this lab in all, if that is bounded.
    #[serde(default)]
    pub budget_bookings: Option<i32>,
    /// Service units that one student may use of this lab, if that is bounded.
    #[serde(default)]
    pub budget_su: Option<Su>,
    /// How many days ahead a slot may start, if that is bounded.
    #[serde(default)]
    pub horizon_days: Option<i32>,
    /// How many bookings one student may have far ahead, if that is bounded apart from those near.
    #[serde(default)]
    pub far: Option<FarRule>,
    /// What is said of slots that leave a stretch which nobody could use.
    #[serde(default)]
    pub gaps: Option<GapRule>,
    /// How closely one student's bookings may follow each other.
    #[serde(default)]
    pub stacking: Option<StackingRule>,
    /// Weekdays by net-ID parity, if the lab goes by it.
    pub parity: Option<ParityRule>,
}

impl Policy {
    /// The longest time that a slot may have, of the hours that count.
    pub fn cap(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.cap_minutes))
    }

    /// The first of the days that a weekday rule looks at in `slot` on which someone of this parity may not start, if there
    /// is one.
    pub fn wrong_day(&self, zone: Tz, parity: Parity, slot: &Interval) -> Option<NaiveDate> {
        let rule = self.parity.as_ref()?;
        let counted = self.window().of(zone, slot);
        let judged = match rule.judges {
            Judged::Start => counted.get(..1).unwrap_or_default(),
            Judged::Slot => &counted,
        };
        judged.iter().map(|(date, _)| *date).find(|date| !rule.days(parity, *date).contains(date.weekday()))
    }

    /// The hours that count.
    pub fn window(&self) -> DailyWindow {
        self.counted.unwrap_or(DailyWindow::ALL_DAY)
    }

    /// How much of `slot` counts.
    pub fn counted(&self, zone: Tz, slot: &Interval) -> TimeDelta {
        match self.counted {
            None => slot.length(),
            Some(window) => window.of(zone, slot).into_iter().map(|(_, length)| length).sum(),
        }
    }

    /// No legal slot is longer than this, by the clock on the wall: the cap, and where not all hours count, the free hours
    /// before, within and after it.
    pub fn longest(&self) -> TimeDelta {
        let Some(window) = self.counted else { return self.cap() };
        let counted = i64::from(window.to - window.from).max(1);
        let (free, days) = (24 * 60 - counted, i64::from(self.cap_minutes) / counted + 2);
        self.cap() + TimeDelta::minutes(free * days + 60)
    }
}

/// How many bookings may start later than some hours from now; those that start sooner don't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FarRule {
    /// What starts later than this many hours from now is far ahead.
    pub beyond_hours: i32,
    /// Bookings that one student may have there.
    pub bookings: i32,
}

/// No unusable gaps: free stretches between bookings, or between a booking and a closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapRule {
    /// A stretch shorter than this many minutes is of use to nobody.
    pub shorter_than_minutes: i32,
    /// What is done about a slot that would leave one.
    pub then: Strictness,
}

impl GapRule {
    /// The shortest stretch that is of use.
    pub fn shortest(&self) -> TimeDelta {
        TimeDelta::minutes(self.shorter_than_minutes.into())
    }
}

/// What is done about a slot that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// It is accepted, and the student is told.
    Warn,
    /// It is refused.
    Refuse,
}

/// No stacking: bookings one behind the other that keep a place as if there were one without an end. Chameleon's own tools
/// tell its staff of leases that cover nine tenths of three weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackingRule {
    /// The length of the spans that are looked at, in hours.
    pub within_hours: i32,
    /// One student's bookings of the lab may cover less than this part of any such span, in percent.
    pub percent: i32,
}

impl StackingRule {
    /// The length of the spans that are looked at.
    pub fn within(&self) -> TimeDelta {
        TimeDelta::hours(self.within_hours.into())
    }
}

/// Weekdays by net-ID parity. The two sets may overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParityRule {
    /// Days on which even net IDs may start.
    pub even: Weekdays,
    /// Days on which odd net IDs may start.
    pub odd: Weekdays,
    /// If set, the two sets swap each week; in the seven days from this date they are as written.
    pub swap_weekly_from: Option<NaiveDate>,
    /// What of a slot has to lie on one's days.
    #[serde(default)]
    pub judges: Judged,
}

/// What of a slot a weekday rule looks at. Where not all hours count, only those that do are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// The day on which it starts: the first that has hours of it that count.
    #[default]
    Start,
    /// Every day that has hours of it that count.
    Slot,
}

impl ParityRule {
    /// The days on which `parity` may start in the week of `date`.
    pub fn days(&self, parity: Parity, date: NaiveDate) -> Weekdays {
        let swapped =
            self.swap_weekly_from.is_some_and(|anchor| calendar::week_number(anchor, date) % 2 != 0);
        match (parity, swapped) {
            (Parity::Even, false) | (Parity::Odd, true) => self.even,
            (Parity::Odd, false) | (Parity::Even, true) => self.odd,
        }
    }

    /// The day with which weeks begin when they are listed.
    pub fn first_day(&self) -> Weekday {
        use chrono::Datelike as _;
        self.swap_weekly_from.map_or(Weekday::Mon, |anchor| anchor.weekday())
    }
}
