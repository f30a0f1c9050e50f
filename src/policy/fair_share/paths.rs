//! A tree from the names of its nodes.

use std::collections::HashMap;

use super::tree::{Given, Kind, NodeId, Tree, Unfit};

/// A node, by the names from the root to it. The root is the only name of its own path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Names, the root's first.
    pub path: Vec<String>,
    /// A group or a student, with usage.
    pub kind: Kind,
    /// Its shares; the root's mean nothing.
    pub shares: u32,
}

/// A tree whose nodes have names.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The nodes.
    pub tree: Tree,
    /// Their names, in the tree's order.
    pub names: Vec<String>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which one, counted from 0.
    pub entry: usize,
    /// What.
    pub what: Wrong,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It has no name, or an empty one.
    NoName,
    /// Its first name is not that of the first entry.
    OtherRoot,
    /// The root is a student.
    RootIsUser,
    /// An entry before it, this one, has the same path.
    Twice(usize),
    /// Something is below it, as this entry says, and it is a student.
    BelowUser(usize),
    /// All usage up to it exceeds what 64 bits hold.
    TooMuch,
}

/// The shares of a group that entries are below and that has none of its own. Slurm gives one, too.
const IMPLICIT_SHARES: u32 = 1;

impl Outline {
    /// Of these entries, in any order, or all that is wrong with them. Groups that are not among them are made, with one share.
    /// Siblings are ordered by name, students first, so that the order of the entries means nothing.
    pub fn new(entries: &[Entry]) -> Result<Self, Vec<Fault>> {
        let faults = check(entries);
        if !faults.is_empty() {
            return Err(faults);
        }
        Plan::of(entries).outline().map_err(|_| total(entries))
    }

    /// The names from the root to the node.
    pub fn path(&self, id: NodeId) -> Vec<&str> {
        let up = std::iter::successors(Some(id), |id| self.tree.parent(*id));
        let mut names: Vec<&str> = up.map(|id| self.name(id)).collect();
        names.reverse();
        names
    }

    /// The node's own name.
    pub fn name(&self, id: NodeId) -> &str {
        self.names.get(id.index()).map_or("", String::as_str)
    }
}

/// What is wrong, entry by entry.
fn check(entries: &[Entry]) -> Vec<Fault> {
    let root = entries.iter().find_map(|entry| entry.path.first());
    let mut first: HashMap<&[String], usize> = HashMap::new();
    let mut users: HashMap<&[String], usize> = HashMap::new();
    let mut faults = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let mut say = |what| faults.push(Fault { entry: index, what });
        if entry.path.is_empty() || entry.path.iter().any(String::is_empty) {
            say(Wrong::NoName);
            continue;
        }
        let is_user = matches!(entry.kind, Kind::User { .. });
        if entry.path.first() != root {
            say(Wrong::OtherRoot);
        }
        if is_user && entry.path.len() == 1 {
            say(Wrong::RootIsUser);
        }
        let before = *first.entry(&entry.path).or_insert(index);
        if before != index {
            say(Wrong::Twice(before));
        } else if is_user {
            users.insert(&entry.path, index);
        }
    }
    faults.extend(below_users(entries, &users));
    faults
}

fn below_users(entries: &[Entry], users: &HashMap<&[String], usize>) -> Vec<Fault> {
    let mut faults = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let above = (1..entry.path.len()).filter_map(|length| entry.path.get(..length));
        for user in above.filter_map(|path| users.get(path)) {
            faults.entry(*user).or_insert(Fault { entry: *user, what: Wrong::BelowUser(index) });
        }
    }
    let mut faults: Vec<Fault> = faults.into_values().collect();
    faults.sort_by_key(|fault| fault.entry);
    faults
}

/// The entry at which the sum is too great.
fn total(entries: &[Entry]) -> Vec<Fault> {
    let mut sum = 0u64;
    let over = entries.iter().position(|entry| {
        let Kind::User { usage } = entry.kind else { return false };
        sum.checked_add(usage).map(|more| sum = more).is_none()
    });
    over.map(|entry| Fault { entry, what: Wrong::TooMuch }).into_iter().collect()
}

/// Nodes as they will be, by path: sorted by depth, then students first, then by path.
struct Plan<'a> {
    nodes: Vec<(&'a [String], Kind, u32)>,
}

impl<'a> Plan<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut nodes: HashMap<&[String], (Kind, u32)> = HashMap::new();
        for entry in entries {
            for length in 1..entry.path.len() {
                let above = entry.path.get(..length).unwrap_or_default();
                nodes.entry(above).or_insert((Kind::Group, IMPLICIT_SHARES));
            }
            nodes.insert(&entry.path, (entry.kind, entry.shares));
        }
        let mut nodes: Vec<_> =
            nodes.into_iter().map(|(path, (kind, shares))| (path, kind, shares)).collect();
        nodes.sort_unstable_by_key(|(path, kind, _)| (path.len(), *kind == Kind::Group, *path));
        Self { nodes }
    }

    fn outline(&self) -> Result<Outline, Unfit> {
        let mut ids: HashMap<&[String], NodeId> = HashMap::new();
        let mut given = Vec::with_capacity(self.nodes.len());
        let mut names = vec![String::new()];
        for (path, kind, shares) in &self.nodes {
            let Some((name, above)) = path.split_last() else { continue };
            if above.is_empty() {
                ids.insert(path, NodeId::ROOT);
                names = vec![name.clone()];
                continue;
            }
            let parent = ids.get(above).copied().unwrap_or(NodeId::ROOT);
            given.push(Given { parent, kind: *kind, shares: *shares });
            ids.insert(path, NodeId::at(given.len()));
            names.push(name.clone());
        }
        Ok(Outline { tree: Tree::new(&given)?, names })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::policy::fair_share) fn entry(path: &str, shares: u32, usage: Option<u64>) -> Entry {
        let kind = usage.map_or(Kind::Group, |usage| Kind::User { usage });
        Entry { path: path.split('/').map(str::to_owned).collect(), kind, shares }
    }

    /// A tree, and how to find a node by its path.
    pub(in crate::policy::fair_share) fn tree(
        nodes: &[(&str, u32, Option<u64>)],
    ) -> (Outline, impl Fn(&str) -> NodeId + use<>) {
        let entries: Vec<_> =
            nodes.iter().map(|(path, shares, usage)| entry(path, *shares, *usage)).collect();
        let outline = Outline::new(&entries).unwrap();
        let ids: HashMap<String, NodeId> =
            outline.tree.ids().map(|id| (outline.path(id).join("/"), id)).collect();
        (outline, move |path: &str| ids[path])
    }

    fn wrong(nodes: &[(&str, u32, Option<u64>)]) -> Vec<(usize, Wrong)> {
        let entries: Vec<_> =
            nodes.iter().map(|(path, shares, usage)| entry(path, *shares, *usage)).collect();
        Outline::new(&entries).unwrap_err().into_iter().map(|fault| (fault.entry, fault.what)).collect()
    }

    #[test]
    fn groups_that_are_not_named_are_made() {
        let (outline, at) =
            tree(&[("r/b/t/u2", 3, Some(1)), ("r/a", 5, None), ("r/a/u1", 2, Some(4)), ("r/z", 1, Some(0))]);
        let shares = |path| outline.tree.shares(at(path));
        assert_eq!([shares("r/a"), shares("r/b"), shares("r/b/t"), shares("r/b/t/u2")], [5, 1, 1, 3]);
        let names: Vec<_> = outline.tree.children(NodeId::ROOT).iter().map(|id| outline.name(*id)).collect();
        assert_eq!(names, ["z", "a", "b"], "students first, then by name");
        assert_eq!(outline.tree.usage(NodeId::ROOT), 5);
    }

    #[test]
    fn all_faults_are_told() {
        let user = Some(1);
        assert_eq!(
            wrong(&[
                ("r/a", 1, user),
                ("r/a/b", 1, user),
                ("q/c", 1, user),
                ("r//d", 1, user),
                ("r/a", 2, user)
            ]),
            [(2, Wrong::OtherRoot), (3, Wrong::NoName), (4, Wrong::Twice(0)), (0, Wrong::BelowUser(1))]
        );
        assert_eq!(wrong(&[("r", 1, user)]), [(0, Wrong::RootIsUser)]);
        assert_eq!(wrong(&[("r/a", 1, Some(u64::MAX)), ("r/b", 1, user)]), [(1, Wrong::TooMuch)]);
    }

    #[test]
    fn nothing_is_a_tree_with_a_root() {
        let outline = Outline::new(&[]).unwrap();
        assert_eq!((outline.tree.size(), outline.names.len()), (1, 1));
    }
}
