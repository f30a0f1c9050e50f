//! Trees to be judged.

use fairlease::domain::fair_share::Algorithm;
use fairlease::policy::fair_share::paths::Entry;
use fairlease::policy::fair_share::tree::Kind;
use serde::Serialize;

/// A node in the form that `real_slurm.py` reads: its path leaves out the root.
#[derive(Clone, Serialize)]
pub(super) struct Node {
    path: Vec<String>,
    user: bool,
    shares: u32,
    usage: u64,
}

#[derive(Clone)]
pub(super) struct Tree {
    pub(super) name: String,
    pub(super) algorithm: Algorithm,
    pub(super) nodes: Vec<Node>,
    /// Where Slurm does not do as its document says: each user's `FairShare` by the document.
    pub(super) by_hand: Vec<(String, f64)>,
}

impl Tree {
    /// Lines of `path shares usage`, with no usage for accounts, which come before what is below them.
    fn new(name: &str, algorithm: Algorithm, lines: &str) -> Self {
        let node = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let usage = words.get(2).map(|usage| usage.parse().unwrap());
            Node {
                path: words[0].split('/').map(str::to_owned).collect(),
                user: usage.is_some(),
                shares: words[1].parse().unwrap(),
                usage: usage.unwrap_or(0),
            }
        };
        let lines = lines.lines().filter(|line| !line.trim().is_empty());
        Self { name: name.to_owned(), algorithm, nodes: lines.map(node).collect(), by_hand: Vec::new() }
    }

    fn by_hand(mut self, users: u32, ranks: &[(&str, u32)]) -> Self {
        self.by_hand = ranks
            .iter()
            .map(|(user, rank)| ((*user).to_owned(), f64::from(*rank) / f64::from(users)))
            .collect();
        self
    }

    /// With Slurm's own user.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |path: &[String], user: bool, shares, usage| Entry {
            path: std::iter::once("root").chain(path.iter().map(String::as_str)).map(str::to_owned).collect(),
            kind: if user { Kind::User { usage } } else { Kind::Group },
            shares,
        };
        let own = entry(&["root".to_owned()], true, 1, 0);
        let nodes = self.nodes.iter().map(|node| entry(&node.path, node.user, node.shares, node.usage));
        std::iter::once(own).chain(nodes).collect()
    }
}

/// Where Slurm does as its document says.
const PLAIN: [(&str, &str); 15] = [
    ("one", "a 1\n a/u1 1 10"),
    ("unequal", "a 3\n b 1\n a/u1 2 60\n a/u2 5 60\n b/u3 2 100\n b/u4 7 1"),
    ("noshares", "a 3\n b 1\n a/u1 2 60\n a/u2 0 60\n b/u3 0 0\n b/u4 7 1"),
    ("unused", "a 3\n a/u1 2 0\n a/u2 5 0\n a/u3 0 0"),
    ("someused", "a 3\n b 5\n a/u1 2 0\n a/u2 5 9\n a/u3 1 0\n b/u4 1 0\n b/u5 1 7"),
    ("emptygroup", "a 3\n b 5\n a/u1 2 0\n a/u2 5 9"),
    ("tiedusers", "a 1\n a/u1 1 10\n a/u2 2 20\n a/u3 4 40\n a/u4 1 90\n a/u5 8 720"),
    ("userandgroup", "a 2\n u1 1 10\n a/u2 1 5\n a/u3 3 15"),
    ("userandgroupbest", "a 2\n u1 1 10\n a/u2 1 13\n a/u3 3 7"),
    ("alltied", "a 1\n a/t 1\n a/v 1 0\n a/t/u1 1 0\n a/t/u2 1 0"),
    ("groupnoshares", "a 0\n b 1\n a/u1 1 5\n a/u2 1 9\n b/u3 1 500"),
    ("nosharesatall", "a 0\n a/u1 0 5\n a/u2 0 9\n a/u3 0 0"),
    (
        "deep",
        "a 2\n a/b 3\n a/b/c 1\n a/b/c/d 1\n a/b/c/d/u1 1 5\n a/b/c/u2 3 9\n a/b/u3 2 20\n a/u4 1 1\n u5 1 40",
    ),
    (
        "large",
        "a 4000000\n b 1000000\n a/u1 900000 9000000000\n a/u2 1 123456789012\n b/u3 77777 7\n b/u4 3 600000",
    ),
    (
        "threelevels",
        "s1 60\n s2 40\n s1/t1 2\n s1/t2 1\n s2/t3 1\n s2/t4 5\n s1/t1/u1 1 100\n s1/t1/u2 1 30\n s1/t2/u3 1 0\n s1/t2/u4 2 77\n s2/t3/u5 1 10\n s2/t4/u6 1 600\n s2/t4/u7 3 20",
    ),
];

pub(super) fn agreeing() -> Vec<Tree> {
    let fair_tree = PLAIN.iter().map(|(name, lines)| Tree::new(name, Algorithm::FairTree, lines));
    let classic =
        ["unequal", "noshares", "unused", "groupnoshares", "nosharesatall", "deep", "large", "threelevels"];
    let classic = PLAIN.iter().filter(|(name, _)| classic.contains(name));
    let classic = classic.map(|(name, lines)| Tree::new(&format!("c{name}"), Algorithm::Classic, lines));
    let drawn = (1..=9).map(|seed| Tree::new(&format!("drawn{seed}"), Algorithm::FairTree, &drawn(seed)));
    fair_tree.chain(classic).chain(drawn).collect()
}

/// A course of sections, teams and students, here and there beside each other. Its usage and shares have no common factors
/// to speak of, so that nothing but the unused is tied, and one group at most is unused at each level.
fn drawn(seed: u64) -> String {
    let mut state = seed;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut lines = Vec::new();
    let mut user = 0;
    let mut add = |lines: &mut Vec<String>, group: &str, shares: u64, usage: u64| {
        user += 1;
        lines.push(format!("{group}u{user} {shares} {usage}"));
    };
    for section in 0..2 + draw(3) {
        lines.push(format!("s{section} {}", 1 + draw(97)));
        if draw(2) == 0 {
            add(&mut lines, &format!("s{section}/"), draw(5), draw(100_000));
        }
        for team in 0..=draw(2) {
            let path = format!("s{section}/t{section}x{team}");
            lines.push(format!("{path} {}", 1 + draw(97)));
            add(&mut lines, &format!("{path}/"), 1 + draw(9), 1 + draw(100_000));
            for _ in 0..draw(4) {
                let usage = draw(100_000) * draw(2);
                add(&mut lines, &format!("{path}/"), draw(9), usage);
            }
        }
    }
    lines.join("\n")
}

/// Where sibling groups are tied, or users are whose ratios are equal and come out of floating point unequal. The ranks are
/// worked out by hand; `root` is Slurm's own user, who has used nothing and comes first.
pub(super) fn tied_groups() -> Vec<Tree> {
    let of = |name, lines| Tree::new(name, Algorithm::FairTree, lines);
    let two = "a/a1 1 90\n a/a2 1 10\n b/b1 1 60\n b/b2 1 40";
    // a and b have 1/3 of the shares and 1/2 of the usage each, so what is below them is one list:
    // a2 1/2 over 1/10, b2 1/2 over 4/10, b1 1/2 over 6/10, a1 1/2 over 9/10.
    let merged = [("root", 5), ("a2", 4), ("b2", 3), ("b1", 2), ("a1", 1)];
    vec![
        of("twoab", &format!("a 1\n b 1\n {two}")).by_hand(5, &merged),
        of("twoba", &format!("b 1\n a 1\n {two}")).by_hand(5, &merged),
        // Nobody has used anything: all are tied.
        of("nothing", "a 1\n b 1\n c 1\n a/u1 1 0\n b/u2 1 0\n b/u3 1 0\n c/u4 1 0")
            .by_hand(5, &[("root", 5), ("u1", 5), ("u2", 5), ("u3", 5), ("u4", 5)]),
        // u, a and b: 1/8, 2/8 and 4/8 of the shares; 1/7, 2/7 and 4/7 of the usage. u has the rank of the best of a and b,
        // which are a2 and b2, both 1/2 over 1/4; a1 and b1 are both 1/2 over 3/4.
        of("withuser", "u 1 10\n a 2\n b 4\n a/a1 1 15\n a/a2 1 5\n b/b1 1 30\n b/b2 1 10")
            .by_hand(6, &[("root", 6), ("u", 5), ("a2", 5), ("b2", 5), ("a1", 2), ("b1", 2)]),
        // s1 and s2 are tied. Below them: t1 1/2 over 1/4; t3 3/4 over 3/4 and t4 1/4 over 1/4, tied; t2 1/2 over 3/4.
        of(
            "nested",
            "s1 1\n s2 1\n s1/t1 1\n s1/t2 1\n s2/t3 3\n s2/t4 1\n s1/t1/x1 1 10\n s1/t2/x2 1 20\n s1/t2/x3 1 10\n \
             s2/t3/x4 1 30\n s2/t4/x5 1 10",
        )
        .by_hand(6, &[("root", 6), ("x1", 5), ("x4", 4), ("x5", 4), ("x3", 2), ("x2", 1)]),
        // a and b have no shares: both are 0, whatever was used. Below them: b1 without usage, then a1.
        of("zeroshares", "a 0\n b 0\n c 1\n a/a1 1 10\n b/b1 1 0\n c/c1 1 10")
            .by_hand(4, &[("root", 4), ("c1", 3), ("b1", 2), ("a1", 1)]),
        // u1, u2 and u3 each have as much of the usage as of the shares: 1/10, 3/10 and 6/10.
        of("rounding", "a 1\n a/u1 1 7\n a/u2 3 21\n a/u3 6 42")
            .by_hand(4, &[("root", 4), ("u1", 3), ("u2", 3), ("u3", 3)]),
        // v is tied with e and g, which nobody has used, and so is Slurm's own user. Nobody is in e, so that the best of
        // them is w.
        of("emptytied", "v 1 0\n e 1\n g 1\n h 1\n g/w 1 0\n h/x 1 5")
            .by_hand(4, &[("root", 4), ("v", 4), ("w", 4), ("x", 1)]),
    ]
}
