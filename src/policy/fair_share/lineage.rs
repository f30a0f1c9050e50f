//! What a decision weighed of one student: shares and usage from the top of the tree down, enough to judge it again.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::level_fs::LevelFs;
use super::tree::{NodeId, Tree};

/// One level: a student, or a group that the student is in, among its siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Its own shares.
    pub shares: u32,
    /// Its siblings' shares, with its own.
    pub level_shares: u64,
    /// Its own usage.
    pub usage: u64,
    /// Its siblings' usage, with its own.
    pub level_usage: u64,
}

impl Level {
    /// How well it is served among its siblings.
    pub fn level_fs(&self) -> LevelFs {
        LevelFs::new(self.shares, self.level_shares, self.usage, self.level_usage)
    }
}

/// A student's levels, from right below the root to the student.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lineage(pub Vec<Level>);

/// What two lineages by themselves say of two students' ranks under Fair Tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The first has the higher rank.
    Before,
    /// The second has the higher rank.
    After,
    /// Both have the same rank.
    Tied,
    /// The first is tied with a group that the second is in, and has the rank of its best student. That may be the second,
    /// or not: the first is not after it, and whether it is before it only the others' lineages say.
    NotAfter,
    /// The same the other way around.
    NotBefore,
}

impl Lineage {
    /// Of a node of this tree.
    pub fn of(tree: &Tree, id: NodeId) -> Self {
        let mut levels: Vec<Level> = std::iter::successors(Some(id), |id| tree.parent(*id))
            .filter_map(|id| {
                let parent = tree.parent(id)?;
                Some(Level {
                    shares: tree.shares(id),
                    level_shares: tree.children_shares(parent),
                    usage: tree.usage(id),
                    level_usage: tree.usage(parent),
                })
            })
            .collect();
        levels.reverse();
        Self(levels)
    }

    /// How well each of them is served among its siblings, from the top.
    pub fn level_fs(&self) -> impl Iterator<Item = LevelFs> + '_ {
        self.0.iter().map(Level::level_fs)
    }

    /// What the two say of their ranks, if both are of one tree at one time.
    ///
    /// The first level that differs decides, since groups that are tied are one. If one lineage ends before any differs, it is
    /// of a student who is tied with a group that the other is in.
    pub fn compare(&self, other: &Self) -> Comparison {
        let differing = self.level_fs().zip(other.level_fs()).map(|(own, other)| own.cmp(&other));
        match differing.into_iter().find(|order| order.is_ne()) {
            Some(Ordering::Greater) => Comparison::Before,
            Some(_) => Comparison::After,
            None => match self.0.len().cmp(&other.0.len()) {
                Ordering::Less => Comparison::NotAfter,
                Ordering::Equal => Comparison::Tied,
                Ordering::Greater => Comparison::NotBefore,
            },
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match self.compare(other) {
            Comparison::Before | Comparison::NotAfter => Ordering::Less,
            Comparison::Tied => Ordering::Equal,
            Comparison::After | Comparison::NotBefore => Ordering::Greater,
        }
    }
}

/// The ranks of these students among themselves, as Fair Tree gives them; with the lineages of all students of a tree, their
/// ranks in it. Of a part of them, the order is that in the tree, but two that are not tied there may be here: a student who
/// is tied with a group is so with its best student, and the best one here need not be the best there.
pub fn ranks(lineages: &[Lineage]) -> Vec<usize> {
    let mut sorted: Vec<(usize, &Lineage)> = lineages.iter().enumerate().collect();
    sorted.sort_by(|(_, one), (_, other)| one.order(other));
    let mut ranks = vec![0; lineages.len()];
    let mut before: Option<(&Lineage, usize)> = None;
    for (left, (index, lineage)) in (1..=lineages.len()).rev().zip(sorted) {
        let tied = |(last, _): &(&Lineage, usize)| {
            matches!(last.compare(lineage), Comparison::Tied | Comparison::NotAfter)
        };
        let rank = before.filter(tied).map_or(left, |(_, rank)| rank);
        before = Some((lineage, rank));
        if let Some(place) = ranks.get_mut(index) {
            *place = rank;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lineage(levels: &[(u32, u64)]) -> Lineage {
        let level = |(shares, usage): &(u32, u64)| Level {
            shares: *shares,
            level_shares: 10,
            usage: *usage,
            level_usage: 100,
        };
        Lineage(levels.iter().map(level).collect())
    }

    #[test]
    fn the_first_level_that_differs_decides() {
        let (well, badly) = (lineage(&[(2, 20), (5, 5)]), lineage(&[(2, 20), (5, 90)]));
        assert_eq!(well.compare(&badly), Comparison::Before);
        assert_eq!(badly.compare(&well), Comparison::After);
        assert_eq!(well.compare(&lineage(&[(1, 10), (10, 10)])), Comparison::Tied, "by value, not by name");
        assert_eq!(lineage(&[(2, 20)]).compare(&badly), Comparison::NotAfter);
        assert_eq!(badly.compare(&lineage(&[(2, 20)])), Comparison::NotBefore);
    }

    #[test]
    fn one_who_is_tied_with_a_group_has_its_bests_rank() {
        let (alone, well, badly) =
            (lineage(&[(2, 20)]), lineage(&[(2, 20), (5, 5)]), lineage(&[(2, 20), (5, 90)]));
        assert_eq!(ranks(&[badly.clone(), well.clone(), alone.clone()]), [1, 3, 3]);
        assert_eq!(ranks(&[badly, alone]), [2, 2], "of a part of them");
    }

    #[test]
    fn it_is_kept_as_json() {
        let text = r#"[{"shares":2,"level_shares":10,"usage":20,"level_usage":100}]"#;
        assert_eq!(serde_json::from_str::<Lineage>(text).unwrap(), lineage(&[(2, 20)]));
        assert_eq!(serde_json::to_string(&lineage(&[(2, 20)])).unwrap(), text);
    }
}
