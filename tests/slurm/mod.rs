//! Our fair share beside a real Slurm's: `real_slurm.py` starts one, and each tree is judged by both.
//!
//! `sshare` prints six decimals, so values that agree differ by at most 1e-6 here: half of the last digit, and as much again.
//! Slurm has a user `root` with one share below the root; every tree has it.

mod trees;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use fairlease::domain::fair_share::Algorithm;
use fairlease::policy::fair_share::paths::Outline;
use fairlease::policy::fair_share::{self, Figures};
use serde::Deserialize;
use serde_json::json;

use self::trees::Tree;

/// How far apart two values may be of which one has six decimals.
const PRECISION: f64 = 1e-6;

#[derive(Deserialize)]
struct Answer {
    version: String,
    trees: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    name: String,
    rows: Vec<BTreeMap<String, String>>,
}

/// What a real Slurm makes of these trees.
fn ask_slurm(trees: &[Tree]) -> Answer {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slurm/real_slurm.py");
    let mut process =
        Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let asked: Vec<_> = trees
        .iter()
        .map(|tree| json!({"name": tree.name, "classic": tree.algorithm == Algorithm::Classic, "nodes": tree.nodes}))
        .collect();
    process.stdin.take().unwrap().write_all(json!(asked).to_string().as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "real_slurm.py failed; tests/run slurm installs what it needs if that is missing"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The figures of each node by its account and user, as `sshare` names them.
fn ours(tree: &Tree) -> BTreeMap<(String, String), Figures> {
    let outline = Outline::new(&tree.entries()).unwrap();
    let figures = fair_share::figures(&outline.tree, tree.algorithm);
    let name = |id| {
        let mut path = outline.path(id);
        let own = path.pop().unwrap_or_default().to_owned();
        if outline.tree.is_user(id) { (path.pop().unwrap().to_owned(), own) } else { (own, String::new()) }
    };
    outline.tree.ids().map(name).zip(figures).collect()
}

/// Slurm's rows by account and user.
fn theirs(answered: &Answered) -> BTreeMap<(String, String), &BTreeMap<String, String>> {
    let name = |row: &BTreeMap<String, String>| (row["Account"].trim().to_owned(), row["User"].clone());
    answered.rows.iter().map(|row| (name(row), row)).collect()
}

/// Where the two differ; `of_rank` says whether `FairShare` is to be compared too.
fn differences(tree: &Tree, answered: &Answered, of_rank: bool) -> Vec<String> {
    let (ours, theirs) = (ours(tree), theirs(answered));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{}", tree.name);
    let mut differences = Vec::new();
    for (name, own) in &ours {
        let row = theirs[name];
        let mut compare = |column: &str, own: f64| {
            let printed: f64 = row[column].parse().unwrap();
            if !agree(own, printed) {
                differences.push(format!("{} {name:?} {column}: ours {own}, Slurm's {printed}", tree.name));
            }
        };
        compare("NormShares", own.norm_shares);
        compare("EffectvUsage", own.effectv_usage);
        if let Some(shares) = own.raw_shares {
            compare("RawShares", shares.into());
        }
        if let Some(ratio) = own.level_fs {
            compare("LevelFS", ratio.to_f64());
        }
        if let Some(fair_share) = own.fair_share.filter(|_| of_rank) {
            compare("FairShare", fair_share);
        }
        assert_eq!(own.raw_usage.to_string(), row["RawUsage"], "{} {name:?}", tree.name);
    }
    differences
}

fn agree(own: f64, printed: f64) -> bool {
    (own - printed).abs() <= PRECISION || own.total_cmp(&printed).is_eq()
}

/// The `FairShare` of each user, by name.
fn shares_of_users(answered: &Answered) -> BTreeMap<String, f64> {
    let users = answered.rows.iter().filter(|row| !row["User"].is_empty());
    users.map(|row| (row["User"].clone(), row["FairShare"].parse().unwrap())).collect()
}

/// Where groups are tied, Slurm's document decides, by values that were worked out by hand; and what Slurm itself does is said.
fn check_by_hand(tree: &Tree, answered: &Answered) {
    let ours = ours(tree);
    let slurm = shares_of_users(answered);
    let wanted: BTreeMap<String, f64> = tree.by_hand.iter().cloned().collect();
    assert_eq!(slurm.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{}", tree.name);
    let mut differing = Vec::new();
    for ((_, user), figures) in ours.iter().filter(|((_, user), _)| !user.is_empty()) {
        let own = figures.fair_share.unwrap();
        let by_hand = wanted[user];
        assert!((own - by_hand).abs() < 1e-12, "{} {user}: ours {own}, by hand {by_hand}", tree.name);
        if !agree(own, slurm[user]) {
            differing.push(format!("{user} {own:.6} (Slurm {:.6})", slurm[user]));
        }
    }
    let found = if differing.is_empty() { "Slurm agrees".to_owned() } else { differing.join(", ") };
    eprintln!("  {}: as the document says; {found}", tree.name);
}

#[test]
fn it_is_what_a_real_slurm_says() {
    let (agreeing, by_hand) = (trees::agreeing(), trees::tied_groups());
    let asked: Vec<Tree> = agreeing.iter().chain(&by_hand).cloned().collect();
    let answer = ask_slurm(&asked);
    assert_eq!(
        answer.trees.iter().map(|it| &it.name).collect::<Vec<_>>(),
        asked.iter().map(|it| &it.name).collect::<Vec<_>>()
    );
    let (first, rest) = answer.trees.split_at(agreeing.len());
    let mut differing: Vec<_> =
        agreeing.iter().zip(first).flat_map(|(tree, answered)| differences(tree, answered, true)).collect();
    differing
        .extend(by_hand.iter().zip(rest).flat_map(|(tree, answered)| differences(tree, answered, false)));
    assert!(differing.is_empty(), "{differing:#?}");
    let count = |algorithm| agreeing.iter().filter(|tree| tree.algorithm == algorithm).count();
    eprintln!(
        "fair share beside a real {}: every value of {} trees of Fair Tree and {} of the classic algorithm agrees to {PRECISION}",
        answer.version,
        count(Algorithm::FairTree),
        count(Algorithm::Classic)
    );
    eprintln!("where ties are told apart or left apart, all but FairShare agrees, and FairShare is:");
    by_hand.iter().zip(rest).for_each(|(tree, answered)| check_by_hand(tree, answered));
}
