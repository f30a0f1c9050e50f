//! What staff write in `course.toml`: a course with its sites, pools, labs and their policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::blueprint::{Blueprint, HeldBy};
use super::calendar::{self, DailyWindow, Weekdays};
use super::ids::{CourseId, LabId, PoolId, SiteId};
use super::interval::Interval;
use super::person::Parity;
use super::reaper::ReaperPolicy;
use super::su::Su;

/// A course. Its rules are evaluated in its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// Its id.
    pub id: CourseId,
    /// What people call it.
    pub title: String,
    /// The zone in which its days begin and end.
    pub zone: Tz,
    /// The address that students write to.
    pub contact: String,
    /// The term in which it runs, if the file has it.
    pub term: Option<Term>,
    /// Cloud regions.
    pub sites: Vec<Site>,
    /// Capacity that labs draw on.
    pub pools: Vec<Pool>,
    /// Assignments, in the order in which pages show them.
    pub labs: Vec<Lab>,
    /// How the reaper deals with what is not a booking's.
    pub reaper: ReaperPolicy,
}

/// The days of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What people call it, such as `Spring 2025`.
    pub name: String,
    /// Its first day in the course's zone.
    pub from: NaiveDate,
    /// Its last day in the course's zone.
    pub to: NaiveDate,
}

impl Term {
    /// Its first instant.
    pub fn start(&self, zone: Tz) -> DateTime<Utc> {
        calendar::midnight(zone, self.from)
    }

    /// The first instant after its last day.
    pub fn end(&self, zone: Tz) -> DateTime<Utc> {
        calendar::midnight(zone, self.to + Days::new(1))
    }
}

/// One region of a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// What people call it, such as `KVM@TACC`.
    pub title: String,
    /// Which adapter reaches it, and how.
    pub cloud: CloudName,
    /// Whether it has Blazar: then a booking is backed by a lease from the moment it is made.
    pub leases: bool,
    /// Where its own pages are for those who have servers there.
    #[serde(default)]
    pub dashboard: Option<String>,
    /// Units that all its pools together can hold at one instant, if that is bounded.
    #[serde(default)]
    pub capacity: Option<i32>,
    /// Servers on bare metal that may be in the making there at once.
    #[serde(default = "two")]
    pub bare_metal_at_once: i32,
    /// What the site charges an hour for one server of each flavor, or a node of each type.
    #[serde(default)]
    pub su_per_hour: BTreeMap<String, Su>,
}

fn two() -> i32 {
    2
}

/// How a site is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudName {
    /// The embedded cloud, which keeps its state in the data directory.
    Simulated,
    /// The OpenStack cloud that `clouds.yaml` has under this name.
    OpenStack(String),
}

/// As `course.toml` has it.
impl fmt::Display for CloudName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simulated => "simulated",
            Self::OpenStack(entry) => entry,
        })
    }
}

/// Capacity at a site, counted in units on a grid of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its id.
    pub id: PoolId,
    /// The site whose capacity it is.
    pub site: SiteId,
    /// Units that all pools of the site together can hold at one instant, if the site says so: it is stored there.
    #[serde(skip)]
    pub site_capacity: Option<i32>,
    /// Units that can be held at one instant, until the first of the changes. With named nodes, how many there are.
    pub capacity: i32,
    /// Later capacities, by the instant from which on they hold, in order.
    #[serde(default)]
    pub changes: Vec<CapacityChange>,
    /// The names of its nodes, if a booking gets certain ones: then a unit is a node, and nothing changes.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// Starts and ends lie on multiples of this many minutes (5 to 60, a divisor of 60).
    pub grid_minutes: i32,
    /// How long before the start the resources are made, in minutes: time in which the units are held, too.
    pub lead_minutes: i32,
    /// A slot ends this long before its last grid cell does, in minutes: the next one starts on the grid, and the site has
    /// time between them.
    #[serde(default)]
    pub end_margin_minutes: i32,
    /// How long after a slot's end its units can't be held by another, in minutes.
    #[serde(default)]
    pub cleaning_minutes: i32,
    /// Times at which nobody can hold any of it: planned maintenance, an outage.
    #[serde(default)]
    pub closures: Vec<Closure>,
    /// The name of the lease that staff hold for it at the site, if it is drawn from one.
    #[serde(default)]
    pub standing_lease: Option<String>,
    /// The property by which the site knows a named node.
    #[serde(default = "node_name")]
    pub node_property: String,
}

fn node_name() -> String {
    "node_name".to_owned()
}

/// Another capacity from an instant on, until the next change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityChange {
    /// From when on.
    pub at: DateTime<Utc>,
    /// Units that can be held at one instant then.
    pub capacity: i32,
}

/// Cells of one capacity: from the one that starts at `from` up to the one that starts at `to`, or without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The start of its first cell.
    pub from: DateTime<Utc>,
    /// The start of the first cell after it, if there is one.
    pub to: Option<DateTime<Utc>>,
    /// Units that can be held in each cell of it.
    pub capacity: i32,
}

/// A time at which a pool is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    /// When.
    pub span: Interval,
    /// Why, in a few words for students.
    pub reason: String,
}

impl Pool {
    /// The pool as its site bounds it.
    #[must_use]
    pub fn bounded_by(self, site: &Site) -> Self {
        Self { site_capacity: site.capacity, ..self }
    }

    /// What holds the capacity for a booking's servers.
    pub fn held_by(&self, site: &Site) -> HeldBy {
        match &self.standing_lease {
            Some(lease) => HeldBy::StandingLease(lease.clone()),
            None if site.leases => HeldBy::OwnLease,
            None => HeldBy::Nothing,
        }
    }

    /// The length of one grid cell.
    pub fn grid(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.grid_minutes.max(1)))
    }

    /// Units that can be held throughout the grid cell that starts at `cell`: the least of the capacities within it.
    pub fn capacity_at(&self, cell: DateTime<Utc>) -> i32 {
        let (at_start, later) = self.changes.split_at(self.changes.partition_point(|it| it.at <= cell));
        let at_start = at_start.last().map_or(self.capacity, |change| change.capacity);
        let end = cell + self.grid();
        later.iter().take_while(|it| it.at < end).map(|it| it.capacity).fold(at_start, i32::min)
    }

    /// The most units that can be held at any instant.
    pub fn largest_capacity(&self) -> i32 {
        self.changes.iter().map(|change| change.capacity).fold(self.capacity, i32::max)
    }

    /// The periods of one capacity from the cell of `from` on, in order: at most two for each change, and one.
    pub fn periods(&self, from: DateTime<Utc>) -> Vec<Period> {
        let first = self.floor(from);
        let borders = self.changes.iter().flat_map(|change| [self.floor(change.at), self.ceil(change.at)]);
        let starts: BTreeSet<_> = std::iter::once(first).chain(borders.filter(|at| *at > first)).collect();
        let ends = starts.iter().skip(1).copied().map(Some).chain([None]);
        let period = |(from, to)| Period { from, to, capacity: self.capacity_at(from) };
        starts.iter().copied().zip(ends).map(period).collect()
    }

    /// How long before the start the resources are made.
    pub fn lead(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.lead_minutes))
    }

    /// Whether `at` is a grid time. The grid is counted from the epoch, which is a whole hour in every zone whose
    /// offset is a multiple of the grid.
    pub fn on_grid(&self, at: DateTime<Utc>) -> bool {
        self.floor(at) == at
    }

    /// The grid time at or before `at`.
    pub fn floor(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let grid = self.grid().num_seconds();
        DateTime::from_timestamp(at.timestamp().div_euclid(grid) * grid, 0).unwrap_or(at)
    }

    /// The grid time at or after `at`.
    pub fn ceil(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let floor = self.floor(at);
        if floor == at { at } else { floor + self.grid() }
    }

    /// How long before the end of its last grid cell a slot ends.
    pub fn end_margin(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.end_margin_minutes))
    }

    /// The span in which a booking of `slot` has resources: the lead and the slot.
    pub fn in_use(&self, slot: &Interval) -> Interval {
        Interval::new(slot.start() - self.lead(), slot.end()).unwrap_or(*slot)
    }

    /// The span in which a booking of `slot` holds units: the lead, the slot, and the margin or the cleaning after it,
    /// whichever is longer.
    pub fn held(&self, slot: &Interval) -> Interval {
        let after = self.end_margin().max(TimeDelta::minutes(i64::from(self.cleaning_minutes)));
        Interval::new(slot.start() - self.lead(), slot.end() + after).unwrap_or(*slot)
    }

    /// The cells that a booking of `slot` holds, as one span from the start of the first to the end of the last.
    pub fn cells_held(&self, slot: &Interval) -> Interval {
        let held = self.held(slot);
        Interval::new(self.floor(held.start()), self.ceil(held.end())).unwrap_or(held)
    }

    /// The span of cells that a booking of `slot` comes to hold if it ends at `new_end` instead, if there are any.
    pub fn added(&self, slot: &Interval, new_end: DateTime<Utc>) -> Option<Interval> {
        let whole = Interval::new(slot.start(), new_end)?;
        Interval::new(self.ceil(self.held(slot).end()), self.held(&whole).end())
    }

    /// The starts of the grid cells that `span` touches, in order.
    pub fn cells(&self, span: &Interval) -> impl Iterator<Item = DateTime<Utc>> {
        let (grid, end) = (self.grid(), span.end());
        std::iter::successors(Some(self.floor(span.start())), move |cell| Some(*cell + grid))
            .take_while(move |cell| *cell < end)
    }
}

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// Its id.
    pub id: LabId,
    /// The pool that it draws on.
    pub pool: PoolId,
    /// What people call it.
    pub title: String,
    /// A sentence or two for students.
    pub summary: String,
    /// Where its instructions are: an address with `http` or `https`.
    pub manual: Option<String>,
    /// What else to read.
    #[serde(default)]
    pub reading: Vec<Reading>,
    /// How long the work is expected to take, in minutes (from 1), if staff have said so.
    #[serde(default)]
    pub expected_minutes: Option<i32>,
    /// Units of the pool that one booking holds.
    pub units: i32,
    /// The first instant at which it may be used.
    pub open: DateTime<Utc>,
    /// When it is due; nothing while that is to be announced.
    pub due: Option<DateTime<Utc>>,
    /// The other labs of its series: parts of one work, of which a person may have one at a time.
    #[serde(default)]
    pub other_parts: Vec<LabId>,
    /// What its site charges an hour for one booking of it.
    #[serde(default)]
    pub su_per_hour: Su,
    /// Service units that one student may use of the whole course, if that is bounded.
    #[serde(default)]
    pub course_budget_su: Option<Su>,
    /// The name of the course's term, if it has one.
    #[serde(default)]
    pub term: Option<String>,
    /// The first instant after the last day of the course's term, in UTC.
    #[serde(default)]
    pub term_end: Option<DateTime<Utc>>,
    /// Its rules.
    pub policy: Policy,
    /// What a booking gets.
    pub blueprint: Blueprint,
}

/// Something to read for a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What it is called.
    pub title: String,
    /// Where it is: an address with `http` or `https`.
    pub url: String,
}

impl Lab {
    /// The last instant at which a slot may end: the due date, rounded up to the pool's grid, so that a lab which is
    /// due at 23:59 can be used until midnight.
    pub fn last_end(&self, pool: &Pool) -> Option<DateTime<Utc>> {
        self.due.map(|due| pool.ceil(due))
    }

    /// The last instant at which the lab is open, in UTC: [`Self::last_end`], or the end of the term while the due date is
    /// to be announced.
    pub fn closes(&self, pool: &Pool) -> Option<DateTime<Utc>> {
        self.last_end(pool).or(self.term_end)
    }

    /// The first day of the seven-day period to which `date` belongs: counted from the parity anchor where there is
    /// one, else a calendar week from Monday.
    pub fn week_of(&self, date: NaiveDate) -> NaiveDate {
        match self.policy.parity.as_ref().and_then(|rule| rule.swap_weekly_from) {
            Some(anchor) => date - Days::new((date - anchor).num_days().rem_euclid(7).unsigned_abs()),
            None => calendar::monday(date),
        }
    }
}

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

    /// The first of the days that a weekday rule looks at in `slot` on which someone of this parity may not start, if there
    /// is one.
    pub fn wrong_day(&self, zone: Tz, parity: Parity, slot: &Interval) -> Option<NaiveDate> {
        use chrono::Datelike as _;
        let rule = self.parity.as_ref()?;
        let counted = self.window().of(zone, slot);
        let judged = match rule.judges {
            Judged::Start => counted.get(..1).unwrap_or_default(),
            Judged::Slot => &counted,
        };
        judged.iter().map(|(date, _)| *date).find(|date| !rule.days(parity, *date).contains(date.weekday()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn pool(changes: &[(i64, i32)]) -> Pool {
        Pool {
            id: "vms".parse().unwrap(),
            site: "kvm".parse().unwrap(),
            site_capacity: None,
            capacity: 3,
            changes: changes
                .iter()
                .map(|(minutes, capacity)| CapacityChange { at: at(*minutes), capacity: *capacity })
                .collect(),
            nodes: Vec::new(),
            grid_minutes: 30,
            lead_minutes: 0,
            end_margin_minutes: 0,
            cleaning_minutes: 0,
            closures: Vec::new(),
            standing_lease: None,
            node_property: "node_name".to_owned(),
        }
    }

    #[test]
    fn a_cell_has_the_least_capacity_within_it() {
        let pool = pool(&[(60, 5), (100, 2), (110, 4)]);
        let cells: Vec<_> =
            [0, 30, 60, 90, 120, 150].iter().map(|cell| pool.capacity_at(at(*cell))).collect();
        assert_eq!(cells, [3, 3, 5, 2, 4, 4]);
        assert_eq!(pool.largest_capacity(), 5);
    }

    proptest! {
        /// The periods cover every cell once, with its capacity.
        #[test]
        fn periods_tell_what_each_cell_has(
            changes in proptest::collection::btree_map(0i64..600, 0i32..9, 0..6), from in 0i64..600,
        ) {
            let pool = pool(&changes.into_iter().collect::<Vec<_>>());
            let periods = pool.periods(at(from));
            prop_assert_eq!(periods[0].from, pool.floor(at(from)));
            prop_assert!(periods.windows(2).all(|two| two[0].to == Some(two[1].from)));
            prop_assert!(periods.last().unwrap().to.is_none());
            for cell in pool.cells(&Interval::new(at(from), at(1000)).unwrap()) {
                let of = |it: &&Period| it.from <= cell && it.to.is_none_or(|to| cell < to);
                let period = periods.iter().find(of).unwrap();
                prop_assert_eq!(period.capacity, pool.capacity_at(cell));
            }
        }
    }
}
