//! What a worker takes on: 1,000 clusters that start at the same minute and end at the same minute, round after round, on the
//! simulated cloud. Prints bookings a second for each part of a round, and the memory that the process has after it. Fails if
//! anything is left, or if memory grows from round to round.
//!
//!     cargo bench --bench clusters
//!
//! Measures on SQLite, and on the PostgreSQL server whose maintenance database `FAIRLEASE_TEST_POSTGRES` names, if it does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a load test stops where it can't go on, prints, and reads the machine's time"
)]

mod crowd;

use std::time::{Duration, Instant};

use crowd::{CLUSTERS, Crowd};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use fairlease::db::DbUrl;

const ROUNDS: i32 = 7;
/// Of the memory after the second round, what the last may have. The first two fill caches.
const MOST_GROWTH: f64 = 1.1;

/// What one round took and left.
struct Round {
    booked: Duration,
    started: Duration,
    ended: Duration,
    megabytes: f64,
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    work.await;
    began.elapsed()
}

async fn round(crowd: &Crowd, number: i32) -> Round {
    let slot = Crowd::slot(number);
    let booked = timed(crowd.book(slot)).await;
    let started = timed(crowd.start(slot)).await;
    let ended = timed(crowd.end(slot)).await;
    assert_eq!(crowd.left().await, []);
    Round { booked, started, ended, megabytes: megabytes() }
}

/// What of the process is in the machine's memory, as Linux tells it.
fn megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

fn print(number: i32, round: &Round) {
    let per_second = |took: Duration| f64::from(CLUSTERS) / took.as_secs_f64();
    println!(
        "{number:<12}{:>12.0}{:>12.0}{:>12.0}{:>12.1}",
        per_second(round.booked),
        per_second(round.started),
        per_second(round.ended),
        round.megabytes
    );
}

async fn measure(name: &str, url: &DbUrl) {
    println!("\n{CLUSTERS} clusters a round on {name}; bookings a second");
    println!("{:<12}{:>12}{:>12}{:>12}{:>12}", "round", "booked", "made", "deleted", "MB after");
    let crowd = Crowd::new(url);
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        let round = round(&crowd, number).await;
        print(number + 1, &round);
        rounds.push(round);
    }
    crowd.stop().await;
    let [_, second, .., last] = &rounds[..] else { panic!("there are several rounds") };
    let growth = last.megabytes / second.megabytes;
    println!("memory after the last round, divided by that after the second: {growth:.2}");
    assert!(growth < MOST_GROWTH, "memory grows from round to round");
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let file = format!("sqlite://{}", directory.path().join("load.sqlite").display());
    runtime.block_on(measure("SQLite", &file.parse().unwrap()));
    let Ok(server) = std::env::var("FAIRLEASE_TEST_POSTGRES") else { return };
    let tell = |sql: String| PgConnection::establish(&server).unwrap().batch_execute(&sql).unwrap();
    let name = format!("fairlease_load_{}", std::process::id());
    tell(format!("CREATE DATABASE {name}"));
    let base = server.rsplit_once('/').unwrap().0;
    runtime.block_on(measure("PostgreSQL", &format!("{base}/{name}").parse().unwrap()));
    tell(format!("DROP DATABASE {name} WITH (FORCE)"));
}
