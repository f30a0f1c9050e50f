//! Who has had less than a fair share, in Slurm's words and with Slurm's meanings: shares, usage, half-life, `level_fs`, rank.
//!
//! A course is a [`Tree`](tree::Tree): sections, teams and students, with whole shares at each and whole usage at the
//! students. Two of Slurm's algorithms judge it: [`fair_tree`], its default, and [`classic`]. What they find is what
//! `sshare -l` shows: [`Figures`]. [`decay`] makes usage of what was held when; [`lineage`] keeps of one student what a
//! decision weighed, so that it can be judged again. [`ledger`] adds up what bookings and what people made by hand held;
//! [`by_hand`] says when the lines of the latter begin and end.
//!
//! Sources: Slurm's documents on [Fair Tree](https://slurm.schedmd.com/fair_tree.html) and on
//! [classic fair share](https://slurm.schedmd.com/classic_fair_share.html). `tests/slurm` compares with a real Slurm.

pub mod by_hand;
pub mod classic;
pub mod decay;
pub mod fair_tree;
pub mod ledger;
pub mod level_fs;
pub mod lineage;
pub mod paths;
#[cfg(test)]
mod properties;
pub mod tree;

use self::level_fs::LevelFs;
use self::tree::Tree;
use crate::domain::fair_share::Algorithm;

/// What `sshare -l` shows of one node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// As given; nothing for the root, which shares with nobody.
    pub raw_shares: Option<u32>,
    /// From 0 to 1. Fair Tree: of its siblings' shares. Classic: of the whole tree's.
    pub norm_shares: f64,
    /// A student's own usage; a group's is the sum of what is below it.
    pub raw_usage: u64,
    /// From 0 to 1. Fair Tree: of its siblings' usage. Classic: of the whole tree's, with its group's weighing on it.
    pub effectv_usage: f64,
    /// From 0 to 1, more is better; students only. Fair Tree: rank / number of students. Classic: `2^(-usage/shares)`.
    pub fair_share: Option<f64>,
    /// Shares over usage, each as a part of the siblings'; Fair Tree only, and not for the root. Above 1 is under-served.
    pub level_fs: Option<LevelFs>,
    /// Students only: how many students are not before this one, itself included, so that the best has as many as there
    /// are. Who is tied has the rank of the best among them.
    pub rank: Option<usize>,
}

/// The figures of every node, in the tree's order.
pub fn figures(tree: &Tree, algorithm: Algorithm) -> Vec<Figures> {
    match algorithm {
        Algorithm::FairTree => fair_tree::figures(tree),
        Algorithm::Classic => classic::figures(tree),
    }
}

/// The nearest floating-point number: exact up to 2^53, and within one part in 2^53 above.
fn float(whole: u64) -> f64 {
    let (high, low) = (u32::try_from(whole >> 32), u32::try_from(whole & u64::from(u32::MAX)));
    f64::from(high.unwrap_or(u32::MAX)) * 4_294_967_296.0 + f64::from(low.unwrap_or(u32::MAX))
}

/// A part of a whole; none of nothing.
fn part(of: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(of) / float(whole) }
}
