//! What holds of every tree.

use proptest::prelude::*;

use super::fair_tree::ranks;
use super::lineage::{self, Comparison, Lineage};
use super::paths::{Entry, Outline};
use super::tree::{Given, Kind, NodeId, Tree};
use super::{Algorithm, Figures, figures};

const BOTH: [Algorithm; 2] = [Algorithm::FairTree, Algorithm::Classic];

/// Up to 40 nodes of few different shares and usages, so that there are ties at every level.
fn nodes() -> impl Strategy<Value = Vec<Given>> {
    let node = (any::<prop::sample::Index>(), 0u32..4, prop::option::weighted(0.6, 0u64..5));
    prop::collection::vec(node, 0..40).prop_map(|nodes| {
        let mut given = Vec::new();
        let mut groups = vec![NodeId::ROOT];
        for (parent, shares, usage) in nodes {
            let kind = usage.map_or(Kind::Group, |usage| Kind::User { usage });
            given.push(Given { parent: groups[parent.index(groups.len())], kind, shares });
            if kind == Kind::Group {
                groups.push(NodeId::at(given.len()));
            }
        }
        given
    })
}

fn users(tree: &Tree) -> Vec<NodeId> {
    tree.ids().filter(|id| tree.is_user(*id)).collect()
}

fn with_usage(given: &[Given], change: impl Fn(usize, u64) -> u64) -> Tree {
    let changed = given.iter().enumerate().map(|(index, it)| match it.kind {
        Kind::User { usage } => Given { kind: Kind::User { usage: change(index, usage) }, ..*it },
        Kind::Group => *it,
    });
    Tree::new(&changed.collect::<Vec<_>>()).unwrap()
}

/// The nodes as entries with paths, in the order of `keys`.
fn shuffled(given: &[Given], keys: &[u32]) -> Vec<Entry> {
    let mut paths = vec![vec!["root".to_owned()]];
    let mut entries = Vec::new();
    for (index, it) in given.iter().enumerate() {
        let mut path = paths[it.parent.index()].clone();
        path.push(format!("n{}", index + 1));
        paths.push(path.clone());
        entries.push(Entry { path, kind: it.kind, shares: it.shares });
    }
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| keys.get(*index).copied());
    order.into_iter().map(|index| entries[index].clone()).collect()
}

fn by_name(entries: &[Entry], algorithm: Algorithm) -> Vec<(String, Figures)> {
    let outline = Outline::new(entries).unwrap();
    let mut found: Vec<_> = outline.names.iter().cloned().zip(figures(&outline.tree, algorithm)).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn ranks_count_students(given in nodes()) {
        let tree = Tree::new(&given).unwrap();
        let mut found: Vec<usize> = ranks(&tree).into_iter().flatten().collect();
        found.sort_unstable();
        prop_assert_eq!(found.len(), users(&tree).len());
        // Each rank is how many are not before it: where k share one, the k - 1 below it are left out.
        for (below, rank) in found.iter().enumerate() {
            let tied = found.iter().filter(|it| *it == rank).count();
            let first = found.iter().position(|it| it == rank).unwrap();
            prop_assert_eq!(*rank, first + tied, "at {}", below);
        }
    }

    #[test]
    fn lineages_agree_with_ranks(given in nodes()) {
        let tree = Tree::new(&given).unwrap();
        let (users, ranks) = (users(&tree), ranks(&tree));
        let lineages: Vec<_> = users.iter().map(|id| Lineage::of(&tree, *id)).collect();
        let of_users: Vec<_> = users.iter().map(|id| ranks[id.index()].unwrap()).collect();
        prop_assert_eq!(lineage::ranks(&lineages), of_users.clone());
        for (one, rank) in lineages.iter().zip(&of_users) {
            for (other, others) in lineages.iter().zip(&of_users) {
                let order = rank.cmp(others);
                let agrees = match one.compare(other) {
                    Comparison::Before => order.is_gt(),
                    Comparison::After => order.is_lt(),
                    Comparison::Tied => order.is_eq(),
                    Comparison::NotAfter => order.is_ge(),
                    Comparison::NotBefore => order.is_le(),
                };
                prop_assert!(agrees, "{:?} and {:?}", one, other);
            }
        }
    }

    #[test]
    fn the_order_of_the_input_means_nothing(given in nodes(), keys in prop::collection::vec(any::<u32>(), 40)) {
        let sorted: Vec<u32> = (0..40).collect();
        for algorithm in BOTH {
            let (one, other) = (shuffled(&given, &sorted), shuffled(&given, &keys));
            prop_assert_eq!(by_name(&one, algorithm), by_name(&other, algorithm));
        }
    }

    #[test]
    fn more_usage_never_helps(given in nodes(), which in any::<prop::sample::Index>(), more in 1u64..9) {
        let tree = Tree::new(&given).unwrap();
        let users = users(&tree);
        prop_assume!(!users.is_empty());
        let user = users[which.index(users.len())];
        let heavier = with_usage(&given, |index, usage| if index + 1 == user.index() { usage + more } else { usage });
        for algorithm in BOTH {
            let (before, after) = (figures(&tree, algorithm), figures(&heavier, algorithm));
            let (before, after) = (before[user.index()].fair_share.unwrap(), after[user.index()].fair_share.unwrap());
            prop_assert!(after <= before * (1.0 + 1e-12), "{:?}: {} after {}", algorithm, after, before);
        }
    }

    #[test]
    fn only_ratios_count(given in nodes(), factor in 2u32..1000, parent in any::<prop::sample::Index>()) {
        let tree = Tree::new(&given).unwrap();
        let scaled = with_usage(&given, |_, usage| usage * u64::from(factor));
        let parent = NodeId::at(parent.index(tree.size()));
        let richer: Vec<_> = given.iter().map(|it| {
            let times = if it.parent == parent { factor } else { 1 };
            Given { shares: it.shares * times, ..*it }
        }).collect();
        let richer = Tree::new(&richer).unwrap();
        for algorithm in BOTH {
            let mut wanted = figures(&tree, algorithm);
            for (tree, it) in [(&scaled, figures(&scaled, algorithm)), (&richer, figures(&richer, algorithm))] {
                for (id, (wanted, found)) in tree.ids().zip(wanted.iter_mut().zip(it)) {
                    wanted.raw_shares = tree.parent(id).map(|_| tree.shares(id));
                    wanted.raw_usage = tree.usage(id);
                    prop_assert_eq!(&found, &*wanted);
                }
            }
        }
    }
}
