//! How much of a pool is held, cell by cell, and of its site, if that is bounded; and which of its nodes, if they have names.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::course::Pool;
use super::interval::Interval;

/// The cells of a pool that differ from empty, over some range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occupancy {
    /// Units that are held, by the start of the cell.
    held: BTreeMap<DateTime<Utc>, i32>,
    /// The same of all the site's pools together, if the site bounds them.
    held_of_site: BTreeMap<DateTime<Utc>, i32>,
    /// The starts of the cells in which each named node is held.
    taken: BTreeMap<String, BTreeSet<DateTime<Utc>>>,
}

impl Occupancy {
    /// The occupancy of a pool that holds so many units in the cells that start then.
    pub fn of(held: impl IntoIterator<Item = (DateTime<Utc>, i32)>) -> Self {
        Self { held: held.into_iter().collect(), ..Self::default() }
    }

    /// The same, with what all pools of the site hold together.
    #[must_use]
    pub fn with_site(mut self, held: impl IntoIterator<Item = (DateTime<Utc>, i32)>) -> Self {
        self.held_of_site = held.into_iter().collect();
        self
    }

    /// The same, with named nodes that are held in the cells that start then.
    #[must_use]
    pub fn with_taken(mut self, nodes: impl IntoIterator<Item = (DateTime<Utc>, String)>) -> Self {
        for (cell, node) in nodes {
            self.taken.entry(node).or_default().insert(cell);
        }
        self
    }

    /// The same without `units` and named nodes that are held over `span`: as if their booking were not there.
    #[must_use]
    pub fn without(mut self, pool: &Pool, span: &Interval, units: i32, nodes: &[String]) -> Self {
        for at in pool.cells(span) {
            for cells in [&mut self.held, &mut self.held_of_site] {
                cells.entry(at).and_modify(|held| *held = (*held - units).max(0));
            }
            for node in nodes {
                self.taken.get_mut(node).map(|cells| cells.remove(&at));
            }
        }
        self
    }

    /// The same with `units` more held over `span`, of this pool or, if that is another one, of its site alone. If the pool's
    /// nodes have names, those that would be chosen are taken.
    #[must_use]
    pub fn with(mut self, pool: &Pool, span: &Interval, units: i32, of_this_pool: bool) -> Self {
        let nodes = if of_this_pool { self.choose(pool, span, units, span) } else { None };
        for at in pool.cells(span) {
            *self.held_of_site.entry(at).or_default() += units;
            if of_this_pool {
                *self.held.entry(at).or_default() += units;
            }
            for node in nodes.iter().flatten() {
                self.taken.entry(node.clone()).or_default().insert(at);
            }
        }
        self
    }

    /// What of it lies within `span`.
    #[must_use]
    pub fn over(mut self, span: &Interval) -> Self {
        for cells in [&mut self.held, &mut self.held_of_site] {
            cells.retain(|at, _| span.contains(*at));
        }
        for cells in self.taken.values_mut() {
            cells.retain(|at| span.contains(*at));
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
        counted
            .unwrap_or_else(|| self.counted_free(pool, pool.floor(span.start())))
            .min(self.most_nodes(pool, span))
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
        let held = |cells: &BTreeMap<DateTime<Utc>, i32>| cells.get(&cell).copied().unwrap_or_default();
        let of_pool = pool.capacity_at(cell) - held(&self.held);
        let of_site = pool.site_capacity.map(|capacity| capacity - held(&self.held_of_site));
        of_site.map_or(of_pool, |of_site| of_site.min(of_pool)).max(0)
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
        let units = usize::try_from(units).unwrap_or(0);
        let ends = || pool.nodes.iter().map(|node| self.first_taken(pool, span, node));
        if ends().filter(Option::is_none).take(units).count() == units {
            return None;
        }
        // From the one that can be had longest on: the last that is needed is the first that is missed.
        let mut ends: Vec<_> = ends().map(|end| end.unwrap_or(DateTime::<Utc>::MAX_UTC)).collect();
        ends.sort_by_key(|end| std::cmp::Reverse(*end));
        let last = units.checked_sub(1).and_then(|last| ends.get(last));
        Some(last.copied().unwrap_or_else(|| pool.floor(span.start())))
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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn pool(nodes: &[&str]) -> Pool {
        Pool {
            id: "gpus".parse().unwrap(),
            site: "chi".parse().unwrap(),
            site_capacity: None,
            capacity: i32::try_from(nodes.len()).unwrap(),
            changes: Vec::new(),
            nodes: nodes.iter().map(|name| (*name).to_owned()).collect(),
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

    /// From one cell up to another.
    fn span(from: i64, to: i64) -> Interval {
        let at = |cell| DateTime::UNIX_EPOCH + TimeDelta::minutes(30 * cell);
        Interval::new(at(from), at(to)).unwrap()
    }

    /// What is left once these spans are held on these nodes.
    fn held(pool: &Pool, spans: &[(Interval, Vec<String>)]) -> Occupancy {
        let taken: Vec<_> = spans
            .iter()
            .flat_map(|(span, nodes)| {
                pool.cells(span).flat_map(move |at| nodes.iter().map(move |it| (at, it)))
            })
            .map(|(at, node)| (at, node.clone()))
            .collect();
        let mut cells = BTreeMap::new();
        for (at, _) in &taken {
            *cells.entry(*at).or_insert(0) += 1;
        }
        Occupancy::of(cells).with_taken(taken)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn one_node_has_to_be_free_all_the_time() {
        let pool = pool(&["a", "b"]);
        let occupancy = held(&pool, &[(span(20, 24), names(&["a"])), (span(24, 28), names(&["b"]))]);
        let wish = span(20, 28);
        assert!(pool.cells(&wish).all(|cell| occupancy.free(&pool, cell) == 1));
        assert_eq!(occupancy.least_free(&pool, &wish), 0);
        assert_eq!(occupancy.first_full(&pool, &wish, 1), Some(span(24, 25).start()));
        assert_eq!(occupancy.choose(&pool, &wish, 1, &span(0, 48)), None);
        assert_eq!(occupancy.choose(&pool, &span(20, 24), 1, &span(0, 48)), Some(names(&["b"])));
        assert_eq!(occupancy.first_full_for(&pool, &wish, 1, &names(&["b"])), Some(span(24, 25).start()));
        assert!(occupancy.are_free(&pool, &span(24, 48), &names(&["a"])));
        assert!(!occupancy.are_free(&pool, &span(0, 1), &names(&["c"])), "none of the pool's");
    }

    #[test]
    fn the_tightest_fit_is_chosen_and_then_the_first_name() {
        let pool = pool(&["d", "c", "b", "a"]);
        let taken = [(span(0, 8), names(&["c"])), (span(14, 20), names(&["d"])), (span(4, 9), names(&["d"]))];
        let occupancy = held(&pool, &taken);
        let known = span(0, 48);
        let choose = |units| occupancy.choose(&pool, &span(10, 12), units, &known).unwrap();
        assert_eq!(choose(1), ["d"]);
        assert_eq!(choose(2), ["c", "d"]);
        assert_eq!(choose(3), ["a", "c", "d"]);
    }

    proptest! {
        /// What is shown as free is what can be chosen, and no node is ever chosen twice.
        #[test]
        fn free_is_what_can_be_chosen(
            nodes in 1usize..5, wishes in proptest::collection::vec((0i64..40, 1i64..12, 1i32..4), 1..40),
        ) {
            let pool = pool(&["d", "b", "a", "c"][..nodes]);
            let known = span(0, 60);
            let mut taken: Vec<(Interval, Vec<String>)> = Vec::new();
            for (from, length, units) in wishes {
                let (wish, occupancy) = (span(from, from + length), held(&pool, &taken));
                let chosen = occupancy.choose(&pool, &wish, units, &known);
                prop_assert_eq!(occupancy.least_free(&pool, &wish) >= units, chosen.is_some());
                match (chosen, occupancy.first_full(&pool, &wish, units)) {
                    (Some(chosen), None) => {
                        prop_assert!(occupancy.are_free(&pool, &wish, &chosen));
                        prop_assert_eq!(occupancy.first_full_for(&pool, &wish, units, &chosen), None);
                        taken.push((wish, chosen));
                    }
                    (None, Some(at)) => {
                        if let Some(before) = Interval::new(wish.start(), at) {
                            prop_assert!(occupancy.choose(&pool, &before, units, &known).is_some());
                        }
                        let up_to = Interval::new(wish.start(), at + pool.grid()).unwrap();
                        prop_assert!(occupancy.choose(&pool, &up_to, units, &known).is_none());
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            for (n, (one, nodes)) in taken.iter().enumerate() {
                for (other, others) in &taken[n + 1..] {
                    prop_assert!(!one.overlaps(other) || nodes.iter().all(|node| !others.contains(node)));
                }
            }
        }
    }
}
