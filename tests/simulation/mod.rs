//! The service under a seeded schedule: students who come and go, two workers and a reaper whose calls to the cloud are
//! let go one at a time in any order, answers that are lost, listings that are old, calls that are slow, fail or are refused
//! for good, servers that students make by hand, and that they take back or staff exempt, students who wait for a place and
//! take what they are offered or not, servers that come up broken, a site without room, one that answers nobody or hides a service for a while,
//! deaths between any two effects, and a clock that moves when the seed says so. One seed is one run, to the last detail.
//!
//! `FAIRLEASE_SEEDS=FROM..TO` runs others than the usual seeds; a run that fails names its seed.

mod gates;
mod hands;
mod invariants;
mod line;
mod simulator;
mod weather;

use crate::support::named;

/// Seeds that failed once: 2709 by a server that was made after the site had been looked at, and kept the network that it was
/// on from going.
const REGRESSIONS: [u64; 1] = [2709];

/// The seeds that the suite runs.
const USUAL: std::ops::Range<u64> = 0..1000;

fn seeds() -> Vec<u64> {
    let asked = named("FAIRLEASE_SEEDS");
    let asked = asked.map(|text| {
        let (from, to) = text.split_once("..").expect("FAIRLEASE_SEEDS is FROM..TO");
        from.parse().unwrap()..to.parse().unwrap()
    });
    asked.map_or_else(|| REGRESSIONS.into_iter().chain(USUAL).collect(), Iterator::collect)
}

fn run_one(seed: u64) -> (Vec<String>, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(simulator::run(seed))
}

/// Every other seed, so that two run at a time.
fn run(first: usize) {
    let (mut runs, mut down) = (0, 0);
    for seed in seeds().into_iter().skip(first).step_by(2) {
        runs += 1;
        down += usize::from(run_one(seed).1);
    }
    assert!(runs < 100 || down > runs / 10, "the site was down in {down} of {runs} runs");
}

#[test]
fn nothing_leaks_whatever_happens_and_when_on_even_seeds() {
    run(0);
}

#[test]
fn nothing_leaks_whatever_happens_and_when_on_odd_seeds() {
    run(1);
}

/// What is heard of the site on the way, and what a death leaves unsaid, makes no two runs of a seed differ.
#[test]
fn one_seed_is_one_run() {
    for seed in [1, 2, 3] {
        assert_eq!(run_one(seed).0, run_one(seed).0, "seed {seed}");
    }
}
