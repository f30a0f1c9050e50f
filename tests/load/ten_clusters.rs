//! How much time Fairlease adds to a site's own: ten clusters of the example's lab, 30 servers, start at the same minute on real
//! OpenStack services. Then a bare script sends the same calls, each as soon as what it names is there, all clusters in
//! parallel. Prints how long each took until every server was ready, and the ratio; the goal is 1.2 or less.
//!
//!     FAIRLEASE_BED_BLAZAR_POLL_SECONDS=2 tests/openstack/bed up
//!     FAIRLEASE_TEST_BED=~/.cache/fairlease-bed/run/bed.json cargo bench --profile dev --bench ten_clusters
//!
//! Fairlease is the worker as it runs for a course, on a SQLite file, and comes through a proxy that keeps its calls; the script
//! does not. `FAIRLEASE_CLUSTERS` and `FAIRLEASE_ROUNDS` change the numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a load test stops where it can't go on, prints, and reads the machine's time"
)]

#[allow(dead_code, reason = "the fault runs use the rest")]
#[path = "../provisioning/fault.rs"]
mod fault;
#[allow(dead_code, reason = "the fault runs use the rest")]
#[path = "../provisioning/proxy.rs"]
mod proxy;
mod script;
#[allow(dead_code, reason = "the fault runs use the rest")]
#[path = "../provisioning/step.rs"]
mod step;
#[allow(dead_code, unused_imports, reason = "the tests use the rest")]
#[path = "../support/mod.rs"]
mod support;
mod together;
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests use the rest")]
#[path = "../world/mod.rs"]
mod world;

use std::time::Duration;

use script::Script;
use together::Together;

use crate::support::bed::Bed;
use crate::support::named;

fn number(name: &str, otherwise: usize) -> usize {
    named(name).map_or(otherwise, |text| text.parse().unwrap())
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure(number("FAIRLEASE_CLUSTERS", 10), number("FAIRLEASE_ROUNDS", 3)));
}

async fn measure(clusters: usize, rounds: usize) {
    let bed = Bed::given().await;
    // Everything is warm at the site before anything is measured.
    round(&bed, 1).await;
    println!("{clusters} clusters, {} servers", 3 * clusters);
    println!("{:<8}{:>10}{:>14}{:>14}{:>8}", "round", "calls", "Fairlease, s", "script, s", "ratio");
    let mut ratios = Vec::new();
    for number in 1..=rounds {
        let (calls, ours, theirs) = round(&bed, clusters).await;
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        let (ours, theirs) = (ours.as_secs_f64(), theirs.as_secs_f64());
        println!("{number:<8}{calls:>10}{ours:>14.1}{theirs:>14.1}{ratio:>8.2}");
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("the median ratio: {:.2}", ratios[ratios.len() / 2]);
}

/// How many calls there were, and how long Fairlease and the script took.
async fn round(bed: &Bed, clusters: usize) -> (usize, Duration, Duration) {
    let together = Together::book(bed, clusters).await;
    let ours = together.start().await;
    let script = Script::of(&together.exchanges(), &together.bookings());
    together.end().await;
    let theirs = script.run(bed).await;
    together.remove_what_the_script_made().await;
    (script.calls(), ours, theirs)
}
