//! Slurm's [Fair Tree](https://slurm.schedmd.com/fair_tree.html): the tree is gone through from the root, siblings with a
//! greater `level_fs` first, and students are ranked as they are met.
//!
//! Ties are as the document has them:
//! - sibling students with the same `level_fs` have the same rank;
//! - sibling groups with the same `level_fs` are one group: what is below them is sorted together;
//! - a student with the same `level_fs` as a sibling group has the rank of the group's best student.
//!
//! Slurm itself leaves tied groups apart, in release 22.05 and still in the sources of 26.11: the check in
//! `_count_tied_accounts` ends at the first sibling that is a group, where it means to end at a student. There the group that
//! was made first comes first. `tests/slurm` shows both.

use std::cmp::Ordering;

use super::level_fs::{LevelFs, Near, near_order};
use super::tree::{NodeId, Tree};
use super::{Figures, part};

/// The figures of every node, in the tree's order.
pub fn figures(tree: &Tree) -> Vec<Figures> {
    let users = whole(tree.users(NodeId::ROOT));
    let ranks = ranks(tree);
    tree.ids()
        .zip(ranks)
        .map(|(id, rank)| {
            let parent = tree.parent(id);
            Figures {
                raw_shares: parent.map(|_| tree.shares(id)),
                norm_shares: parent
                    .map_or(0.0, |parent| part(tree.shares(id).into(), tree.children_shares(parent))),
                raw_usage: tree.usage(id),
                effectv_usage: parent.map_or(1.0, |parent| part(tree.usage(id), tree.usage(parent))),
                fair_share: rank.map(|rank| part(whole(rank), users)),
                level_fs: parent.map(|parent| level_fs(tree, id, parent)),
                rank,
            }
        })
        .collect()
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn level_fs(tree: &Tree, id: NodeId, parent: NodeId) -> LevelFs {
    LevelFs::new(tree.shares(id), tree.children_shares(parent), tree.usage(id), tree.usage(parent))
}

/// A node in the sort: small, as most of the time goes into moving it. Its exact `level_fs` is worked out where the near one
/// does not decide.
#[derive(Clone, Copy)]
struct Sibling {
    id: NodeId,
    near: f64,
}

impl Sibling {
    fn exact(self, tree: &Tree) -> LevelFs {
        level_fs(tree, self.id, tree.parent(self.id).unwrap_or(NodeId::ROOT))
    }

    /// The better first.
    fn order(&self, other: &Self, tree: &Tree) -> Ordering {
        near_order(other.near, self.near).unwrap_or_else(|| other.exact(tree).cmp(&self.exact(tree)))
    }
}

/// Nodes that are sorted together, and how far they have been gone through.
struct Level {
    sorted: Vec<Sibling>,
    next: usize,
    /// The first of them are tied with the student who was ranked last.
    tied: bool,
}

/// The rank of each student, in the tree's order; nothing for groups.
pub fn ranks(tree: &Tree) -> Vec<Option<usize>> {
    let mut ranking = Ranking::of(tree);
    let mut levels = vec![Level::below(tree, &[NodeId::ROOT], false)];
    while let Some(level) = levels.last_mut() {
        let Some(tied) = level.take(tree) else {
            levels.pop();
            continue;
        };
        let groups = ranking.rank(tied.siblings, tied.with_last);
        if !groups.is_empty() {
            let met_users = groups.len() < tied.siblings.len();
            let below = Level::below(tree, &groups, tied.with_last || met_users);
            levels.push(below);
        }
    }
    ranking.ranks
}

/// Siblings with one `level_fs`.
struct Tied<'a> {
    siblings: &'a [Sibling],
    with_last: bool,
}

impl Level {
    /// What is right below these groups, the best first. Where nobody is below there is nobody to rank.
    fn below(tree: &Tree, groups: &[NodeId], tied: bool) -> Self {
        let mut sorted = Vec::with_capacity(groups.iter().map(|group| tree.children(*group).len()).sum());
        for group in groups {
            let near = Near::of(tree.children_shares(*group), tree.usage(*group));
            let children = tree.children(*group).iter().filter(|child| tree.users(**child) > 0);
            sorted.extend(
                children
                    .map(|id| Sibling { id: *id, near: near.level_fs(tree.shares(*id), tree.usage(*id)) }),
            );
        }
        sorted.sort_unstable_by(|one: &Sibling, other| one.order(other, tree));
        Self { sorted, next: 0, tied }
    }

    /// Those that are next and tied.
    fn take(&mut self, tree: &Tree) -> Option<Tied<'_>> {
        let rest = self.sorted.get(self.next..)?;
        let (first, others) = rest.split_first()?;
        let more = others.iter().take_while(|it| it.order(first, tree).is_eq()).count();
        let siblings = rest.get(..=more)?;
        self.next += siblings.len();
        Some(Tied { siblings, with_last: std::mem::take(&mut self.tied) })
    }
}

struct Ranking<'a> {
    tree: &'a Tree,
    ranks: Vec<Option<usize>>,
    /// How many students have no rank yet.
    left: usize,
    last: usize,
}

impl<'a> Ranking<'a> {
    fn of(tree: &'a Tree) -> Self {
        let left = tree.users(NodeId::ROOT);
        Self { tree, ranks: vec![None; tree.size()], left, last: left }
    }

    /// Ranks the students among these, and gives the groups.
    fn rank(&mut self, siblings: &[Sibling], with_last: bool) -> Vec<NodeId> {
        if !with_last {
            self.last = self.left;
        }
        let mut groups = Vec::new();
        for sibling in siblings {
            if !self.tree.is_user(sibling.id) {
                groups.push(sibling.id);
            } else if let Some(rank) = self.ranks.get_mut(sibling.id.index()) {
                *rank = Some(self.last);
                self.left -= 1;
            }
        }
        groups
    }
}
