//! Capacity at a site: how much there is when, and what of it a slot holds.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Site;
use crate::domain::blueprint::HeldBy;
use crate::domain::ids::{PoolId, SiteId};
use crate::domain::interval::Interval;
use crate::domain::renewal::Renewal;

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
    /// How that lease is renewed, if the service is to do it.
    #[serde(default)]
    pub renewal: Option<Renewal>,
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
            renewal: None,
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
