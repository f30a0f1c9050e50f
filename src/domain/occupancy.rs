//! How much of a pool is held, cell by cell, and which of its nodes, if they have names.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::course::Pool;
use super::interval::Interval;

/// What one grid cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Units that may be held.
    pub capacity: i32,
    /// Units that are held.
    pub booked: i32,
}

/// The cells of a pool that differ from empty, over some range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Occupancy {
    cells: BTreeMap<DateTime<Utc>, Cell>,
    /// The starts of the cells in which each named node is held.
    taken: BTreeMap<String, BTreeSet<DateTime<Utc>>>,
}

impl Occupancy {
    /// The occupancy that `cells` tell, each by its start.
    pub fn from_cells(cells: impl IntoIterator<Item = (DateTime<Utc>, Cell)>) -> Self {
        Self { cells: cells.into_iter().collect(), taken: BTreeMap::new() }
    }

    /// The same, with named nodes that are held in the cells that start then.
    #[must_use]
    pub fn with_taken(mut self, nodes: impl IntoIterator<Item = (DateTime<Utc>, String)>) -> Self {
        for (cell, node) in nodes {
            self.taken.entry(node).or_default().insert(cell);
        }
        self
    }

    /// Free units in the cell that starts at `cell`. A cell of which nothing is known is empty.
    pub fn free(&self, pool: &Pool, cell: DateTime<Utc>) -> i32 {
        let counted = self.counted_free(pool, cell);
        Interval::new(cell, cell + pool.grid())
            .map_or(counted, |only| counted.min(self.most_nodes(pool, &only)))
    }

    /// Units that one booking could have over `span`: those free in its fullest cell, and of named nodes those that are free
    /// in all of it.
    pub fn least_free(&self, pool: &Pool, span: &Interval) -> i32 {
        let counted = pool.cells(span).map(|cell| self.counted_free(pool, cell)).min();
        counted.unwrap_or(pool.capacity).min(self.most_nodes(pool, span))
    }

    /// The first cell of `span` up to which fewer than `units` can be had together: nothing if one booking can have them.
    pub fn first_full(&self, pool: &Pool, span: &Interval, units: i32) -> Option<DateTime<Utc>> {
        let counted = pool.cells(span).find(|cell| self.counted_free(pool, *cell) < units);
        earlier(counted, self.first_without_nodes(pool, span, units))
    }

    /// The first cell of `span` in which a booking that has these nodes can't have them, or a booking without names its
    /// units: nothing if it can go on through all of it.
    pub fn first_full_for(
        &self,
        pool: &Pool,
        span: &Interval,
        units: i32,
        nodes: &[String],
    ) -> Option<DateTime<Utc>> {
        if nodes.is_empty() {
            return self.first_full(pool, span, units);
        }
        let counted = pool.cells(span).find(|cell| self.counted_free(pool, *cell) < units);
        let named = nodes.iter().filter_map(|node| self.first_lost(pool, span, node)).min();
        earlier(counted, named)
    }

    /// Whether all of these named nodes are free over `span`. One that the pool does not have any more is not.
    pub fn are_free(&self, pool: &Pool, span: &Interval, nodes: &[String]) -> bool {
        nodes.iter().all(|node| self.first_lost(pool, span, node).is_none())
    }

    /// `units` nodes that are free over `span`, by name: of those that are free the ones with the shortest free time around
    /// it, so that longer ones stay whole, and among equals the first by name. Nothing if there are too few. Occupancy is known
    /// over `known`, and looked at no further.
    pub fn choose(&self, pool: &Pool, span: &Interval, units: i32, known: &Interval) -> Option<Vec<String>> {
        let units = usize::try_from(units).ok()?;
        let free = pool.nodes.iter().filter(|node| self.first_taken(pool, span, node).is_none());
        let mut free: Vec<_> =
            free.map(|node| (self.free_time_around(pool, span, known, node), node)).collect();
        free.sort();
        let mut nodes: Vec<_> = free.into_iter().take(units).map(|(_, node)| node.clone()).collect();
        nodes.sort();
        (nodes.len() == units).then_some(nodes)
    }

    /// Free units by their number alone.
    fn counted_free(&self, pool: &Pool, cell: DateTime<Utc>) -> i32 {
        let known = self.cells.get(&cell).map(|cell| cell.capacity - cell.booked);
        known.unwrap_or_else(|| pool.capacity_at(cell)).max(0)
    }

    /// How many named nodes are free over all of `span`; no bound if they have no names.
    fn most_nodes(&self, pool: &Pool, span: &Interval) -> i32 {
        if pool.nodes.is_empty() {
            return i32::MAX;
        }
        let free = pool.nodes.iter().filter(|node| self.first_taken(pool, span, node).is_none());
        i32::try_from(free.count()).unwrap_or(i32::MAX)
    }

    /// The first cell of `span` up to which fewer than `units` named nodes are free.
    fn first_without_nodes(&self, pool: &Pool, span: &Interval, units: i32) -> Option<DateTime<Utc>> {
        if pool.nodes.is_empty() {
            return None;
        }
        let mut ends: Vec<_> = pool.nodes.iter().map(|node| self.first_taken(pool, span, node)).collect();
        // Those that are free throughout come first, then the others, by how long they are.
        ends.sort_by_key(|end| std::cmp::Reverse(end.unwrap_or(DateTime::<Utc>::MAX_UTC)));
        let last = usize::try_from(units).ok()?.checked_sub(1)?;
        ends.get(last).map_or_else(|| Some(pool.floor(span.start())), |end| *end)
    }

    /// The first cell of `span` in which this node is held.
    fn first_taken(&self, pool: &Pool, span: &Interval, node: &String) -> Option<DateTime<Utc>> {
        self.taken.get(node)?.range(pool.floor(span.start())..span.end()).next().copied()
    }

    /// The first cell of `span` in which this node can't be had: the very first if it is none of the pool's any more.
    fn first_lost(&self, pool: &Pool, span: &Interval, node: &String) -> Option<DateTime<Utc>> {
        if pool.nodes.contains(node) {
            self.first_taken(pool, span, node)
        } else {
            Some(pool.floor(span.start()))
        }
    }

    /// How long a node that is free over `span` is free around it, within `known`.
    fn free_time_around(
        &self,
        pool: &Pool,
        span: &Interval,
        known: &Interval,
        node: &String,
    ) -> chrono::TimeDelta {
        let taken = self.taken.get(node);
        let before = taken.and_then(|cells| cells.range(..span.start()).next_back());
        let after = taken.and_then(|cells| cells.range(span.end()..).next());
        let from = before.map_or(known.start(), |cell| *cell + pool.grid()).max(known.start());
        let to = after.map_or(known.end(), |cell| *cell).min(known.end());
        to - from
    }
}

fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}
