//! A course as a tree: shares at each node, usage at the students.

use std::ops::Range;

/// A node of the tree that gave it: its index in the order in which nodes were given, counted from the root's 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

impl NodeId {
    /// The root.
    pub const ROOT: Self = Self(0);

    /// The node that was given at this place, counted from 1.
    pub fn at(index: usize) -> Self {
        Self(index)
    }

    /// Where its figures stand in a list of all nodes' figures.
    pub fn index(self) -> usize {
        self.0
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A section or a team. Its usage is the sum of its students', so there is none to give.
    Group,
    /// A student, with what the student has used, in any unit: only ratios count. Whole, so that sums are exact.
    User {
        /// How much.
        usage: u64,
    },
}

/// A node to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// A group that was given before, or the root.
    pub parent: NodeId,
    /// What it is.
    pub kind: Kind,
    /// How much of its parent is meant for it, against its siblings' shares. Zero is last whatever it has used.
    pub shares: u32,
}

/// Why nodes make no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The parent of the node is not a group that was given before it.
    Parent(NodeId),
    /// All usage together exceeds what 64 bits hold, at this node.
    Usage(NodeId),
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    parent: Option<NodeId>,
    is_user: bool,
    shares: u32,
    usage: u64,
    /// Students in it, itself included.
    users: usize,
    /// The sum of its children's shares.
    children_shares: u64,
    /// Where its children begin in the list of them, and how many they are.
    children_from: usize,
    children: usize,
}

/// The nodes, with their sums.
#[derive(Debug, Clone)]
pub struct Tree {
    nodes: Vec<Node>,
    /// Children by parent, in the order given.
    children: Vec<NodeId>,
}

impl Tree {
    /// A root, and below it these nodes, each after its parent.
    pub fn new(given: &[Given]) -> Result<Self, Unfit> {
        let mut nodes = Vec::with_capacity(given.len() + 1);
        nodes.push(Node::default());
        for (index, it) in given.iter().enumerate() {
            let id = NodeId(index + 1);
            let parent = nodes.get_mut(it.parent.0).filter(|parent| !parent.is_user);
            let parent: &mut Node = parent.ok_or(Unfit::Parent(id))?;
            parent.children_shares += u64::from(it.shares);
            parent.children += 1;
            nodes.push(Node::of(it));
        }
        let mut tree = Self { nodes, children: Vec::new() };
        tree.sum()?;
        tree.list_children();
        Ok(tree)
    }

    /// Adds each node's usage and students to its parent's. Parents come first, so from the end on each sum is complete.
    fn sum(&mut self) -> Result<(), Unfit> {
        for index in (1..self.nodes.len()).rev() {
            let (parents, rest) = self.nodes.split_at_mut(index);
            let (Some(node), id) = (rest.first(), NodeId(index)) else { continue };
            let Some(parent) = node.parent.and_then(|parent| parents.get_mut(parent.0)) else { continue };
            parent.usage = parent.usage.checked_add(node.usage).ok_or(Unfit::Usage(id))?;
            parent.users += node.users;
        }
        Ok(())
    }

    fn list_children(&mut self) {
        let mut from = 0;
        for node in &mut self.nodes {
            node.children_from = from;
            from += node.children;
        }
        let mut next: Vec<usize> = self.nodes.iter().map(|node| node.children_from).collect();
        self.children = vec![NodeId::ROOT; from];
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(place) = node.parent.and_then(|parent| next.get_mut(parent.0)) else { continue };
            if let Some(child) = self.children.get_mut(*place) {
                *child = NodeId(index);
            }
            *place += 1;
        }
    }

    #[allow(clippy::indexing_slicing, reason = "an id that another tree gave is the caller's mistake")]
    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Every node: the root, then the others in the order given.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// How many nodes there are, with the root.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The group it is in; none for the root.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    /// What is right below it, in the order given.
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        let node = self.node(id);
        let range: Range<usize> = node.children_from..node.children_from + node.children;
        self.children.get(range).unwrap_or_default()
    }

    /// Whether it is a student.
    pub fn is_user(&self, id: NodeId) -> bool {
        self.node(id).is_user
    }

    /// How many students it has, at any depth. A student is one.
    pub fn users(&self, id: NodeId) -> usize {
        self.node(id).users
    }

    /// Its own shares.
    pub fn shares(&self, id: NodeId) -> u32 {
        self.node(id).shares
    }

    /// The shares of all that is right below it.
    pub fn children_shares(&self, id: NodeId) -> u64 {
        self.node(id).children_shares
    }

    /// Its usage, which is also the sum of the usage right below a group.
    pub fn usage(&self, id: NodeId) -> u64 {
        self.node(id).usage
    }
}

impl Node {
    fn of(given: &Given) -> Self {
        let (is_user, usage) = match given.kind {
            Kind::Group => (false, 0),
            Kind::User { usage } => (true, usage),
        };
        let (parent, users) = (Some(given.parent), usize::from(is_user));
        Self { parent, is_user, shares: given.shares, usage, users, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(parent: usize, kind: Kind) -> Given {
        Given { parent: NodeId(parent), kind, shares: 2 }
    }

    #[test]
    fn sums_go_up_and_children_are_listed() {
        let user = Kind::User { usage: 5 };
        let nodes = [given(0, Kind::Group), given(0, user), given(1, user), given(1, user)];
        let tree = Tree::new(&nodes).unwrap();
        assert_eq!(tree.ids().map(|id| tree.usage(id)).collect::<Vec<_>>(), [15, 10, 5, 5, 5]);
        assert_eq!(tree.ids().map(|id| tree.users(id)).collect::<Vec<_>>(), [3, 2, 1, 1, 1]);
        assert_eq!(tree.children(NodeId::ROOT), [NodeId(1), NodeId(2)]);
        assert_eq!(tree.children(NodeId(1)), [NodeId(3), NodeId(4)]);
        assert_eq!(tree.children_shares(NodeId(1)), 4);
        assert!(tree.children(NodeId(4)).is_empty());
    }

    #[test]
    fn what_makes_no_tree_is_refused() {
        let user = |usage| Kind::User { usage };
        let refused = |nodes: &[Given]| Tree::new(nodes).unwrap_err();
        assert_eq!(refused(&[given(1, user(1))]), Unfit::Parent(NodeId(1)), "its own parent");
        assert_eq!(
            refused(&[given(0, user(1)), given(1, user(1))]),
            Unfit::Parent(NodeId(2)),
            "below a user"
        );
        assert_eq!(refused(&[given(0, user(u64::MAX)), given(0, user(1))]), Unfit::Usage(NodeId(1)));
        assert_eq!(Tree::new(&[]).unwrap().size(), 1);
    }
}
