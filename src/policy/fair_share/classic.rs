//! Slurm's [classic fair share](https://slurm.schedmd.com/classic_fair_share.html): `2^(-usage/shares)`, where usage is a
//! student's own, and by its part of the group's shares the group's.
//!
//! Half is a student who had just what is meant for him or her; who has no shares has 0. Adding to a student's usage never
//! raises the student's factor. It may move a student of the same group further down than that student, so of ranks this
//! can't be said, as it can under Fair Tree.

use super::tree::{NodeId, Tree};
use super::{Figures, part};

/// The figures of every node, in the tree's order.
pub fn figures(tree: &Tree) -> Vec<Figures> {
    // Slurm's root: all of the shares, and all of the usage even if there is none.
    let root = Weight { norm_shares: 1.0, effectv_usage: 1.0 };
    let mut weights = Vec::with_capacity(tree.size());
    for id in tree.ids() {
        let parent = tree.parent(id).and_then(|parent| Some((parent, weights.get(parent.index())?)));
        weights.push(parent.map_or(root, |(parent, weight)| Weight::of(tree, id, parent, weight)));
    }
    let figures = tree.ids().zip(weights).map(|(id, weight)| weight.figures(tree, id)).collect();
    ranked(figures)
}

#[derive(Debug, Clone, Copy)]
struct Weight {
    norm_shares: f64,
    effectv_usage: f64,
}

impl Weight {
    fn of(tree: &Tree, id: NodeId, parent: NodeId, above: &Self) -> Self {
        let (shares, level) = (u64::from(tree.shares(id)), tree.children_shares(parent));
        let own = part(tree.usage(id), tree.usage(NodeId::ROOT));
        let effectv_usage = if parent == NodeId::ROOT {
            own
        } else if level == 0 {
            above.effectv_usage
        } else {
            own + (above.effectv_usage - own) * part(shares, level)
        };
        Self { norm_shares: above.norm_shares * part(shares, level), effectv_usage }
    }

    fn factor(self) -> f64 {
        if self.norm_shares > 0.0 { (-self.effectv_usage / self.norm_shares).exp2() } else { 0.0 }
    }

    fn figures(self, tree: &Tree, id: NodeId) -> Figures {
        Figures {
            raw_shares: tree.parent(id).map(|_| tree.shares(id)),
            norm_shares: self.norm_shares,
            raw_usage: tree.usage(id),
            effectv_usage: self.effectv_usage,
            fair_share: tree.is_user(id).then(|| self.factor()),
            level_fs: None,
            rank: None,
        }
    }
}

/// With ranks by the factor, as Slurm would order jobs that differ in nothing else.
fn ranked(mut figures: Vec<Figures>) -> Vec<Figures> {
    let mut factors: Vec<f64> = figures.iter().filter_map(|it| it.fair_share).collect();
    factors.sort_unstable_by(f64::total_cmp);
    for it in &mut figures {
        it.rank = it.fair_share.map(|own| factors.partition_point(|other| *other <= own));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fair_share::paths::tests::tree;

    /// The example of Slurm's document, with what it works out.
    #[test]
    fn the_documents_example() {
        let (outline, at) = tree(&[
            ("r/a", 40, None),
            ("r/d", 60, None),
            ("r/a/b", 30, None),
            ("r/a/c", 10, None),
            ("r/d/e", 25, None),
            ("r/d/f", 35, None),
            ("r/a/b/user1", 1, Some(20)),
            ("r/a/c/user2", 1, Some(25)),
            ("r/a/c/user3", 1, Some(0)),
            ("r/d/e/user4", 1, Some(25)),
            ("r/d/f/user5", 1, Some(0)),
            ("r/rest", 0, Some(30)),
        ]);
        let figures = figures(&outline.tree);
        let wanted = [
            ("r/a/b/user1", 0.3, 0.3875, 0.408_479),
            ("r/a/c/user2", 0.05, 0.275, 0.022_097),
            ("r/a/c/user3", 0.05, 0.15, 0.125),
            ("r/d/e/user4", 0.25, 0.25, 0.5),
            ("r/d/f/user5", 0.35, 0.145_833, 0.749_154),
        ];
        for (path, shares, usage, factor) in wanted {
            let found = &figures[at(path).index()];
            assert!((found.norm_shares - shares).abs() < 1e-12, "{path}: {found:?}");
            assert!((found.effectv_usage - usage).abs() < 1e-6, "{path}: {found:?}");
            assert!((found.fair_share.unwrap() - factor).abs() < 1e-6, "{path}: {found:?}");
        }
        let rank = |path| figures[at(path).index()].rank.unwrap();
        assert_eq!((rank("r/d/f/user5"), rank("r/d/e/user4"), rank("r/rest")), (6, 5, 1));
    }
}
