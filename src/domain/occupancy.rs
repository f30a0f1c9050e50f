//! How much of a pool is held, cell by cell.

use std::collections::BTreeMap;

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
pub struct Occupancy(BTreeMap<DateTime<Utc>, Cell>);

impl Occupancy {
    /// The occupancy that `cells` tell, each by its start.
    pub fn from_cells(cells: impl IntoIterator<Item = (DateTime<Utc>, Cell)>) -> Self {
        Self(cells.into_iter().collect())
    }

    /// The same without `units` that are held over `span`: as if their booking were not there.
    #[must_use]
    pub fn without(mut self, pool: &Pool, span: &Interval, units: i32) -> Self {
        for cell in pool.cells(span) {
            if let Some(cell) = self.0.get_mut(&cell) {
                cell.booked = (cell.booked - units).max(0);
            }
        }
        self
    }

    /// Free units in the cell that starts at `cell`. A cell of which nothing is known is empty.
    pub fn free(&self, pool: &Pool, cell: DateTime<Utc>) -> i32 {
        self.0.get(&cell).map_or(pool.capacity, |cell| cell.capacity - cell.booked).max(0)
    }

    /// Free units in the fullest cell of `span`.
    pub fn least_free(&self, pool: &Pool, span: &Interval) -> i32 {
        pool.cells(span).map(|cell| self.free(pool, cell)).min().unwrap_or(pool.capacity)
    }

    /// The first cell of `span` in which fewer than `units` are free.
    pub fn first_full(&self, pool: &Pool, span: &Interval, units: i32) -> Option<DateTime<Utc>> {
        pool.cells(span).find(|cell| self.free(pool, *cell) < units)
    }
}
