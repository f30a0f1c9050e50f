//! Real workers on real services, killed with SIGKILL right after the effect of each call that changes something.

use std::collections::BTreeSet;
use std::process::Command;

use fairlease::clock::{Clock as _, SystemClock};
use fairlease::cloud::openstack::{Credential, load};
use futures_util::future::join_all;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::time::timeout;

use super::fault::Fault;
use super::others::Others;
use super::scene::Scene;
use super::step::{Phase, Step};
use super::table::{Outcome, Table};
use super::{Cell, LONG, spread, steps_of_a_life};
use crate::support::bed::{Bed, CLOUD};
use crate::support::process::{Ending, Process};
use crate::support::{PATIENCE, until};

/// Writes a `clouds.yaml` that leads through the proxy.
fn clouds_file(bed: &Bed, scene: &Scene, directory: &TempDir) {
    let entry = load(&[bed.clouds_yaml().to_owned()], CLOUD).unwrap();
    let Credential::Application { id, secret } = &entry.credential else { panic!("other credential") };
    let text = serde_json::json!({"clouds": {CLOUD: {
        "auth_type": "v3applicationcredential",
        "auth": {
            "auth_url": scene.proxy.auth_url(),
            "application_credential_id": id,
            "application_credential_secret": secret.expose_secret(),
        },
        "region_name": entry.region,
    }}});
    std::fs::write(directory.path().join("clouds.yaml"), text.to_string()).unwrap();
}

/// A worker as operators run it.
fn worker(scene: &Scene, directory: &TempDir) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
    command.arg("worker").args(["--database-url", &scene.database.text()]);
    command.arg("--data-dir").arg(directory.path());
    command.arg("--clouds-file").arg(directory.path().join("clouds.yaml"));
    Process::start("worker", &mut command, Ending::Killed)
}

/// Runs worker after worker, each until it is killed, and a last one until the booking is in this state. Says after how
/// many deaths it was, if it was.
async fn work_until(scene: &Scene, directory: &TempDir, goal: &str) -> Option<usize> {
    let mut strikes = scene.proxy.strikes();
    let mut deaths = 0;
    loop {
        let working = worker(scene, directory);
        let there = until(|| async { (scene.view().await.booking.state.word() == goal).then_some(()) });
        tokio::select! {
            there = there => return there.map(|()| deaths),
            struck = timeout(PATIENCE, strikes.changed()) => struck.ok()?.unwrap(),
        }
        drop(working);
        deaths += 1;
    }
}

/// Runs one booking to its end, with a death at each of these steps.
async fn die(bed: &Bed, others: &BTreeSet<String>, steps: Vec<Step>) -> Vec<Cell> {
    let (scene, directory) = (Scene::set(bed, LONG).await, TempDir::new().unwrap());
    clouds_file(bed, &scene, &directory);
    for step in &steps {
        scene.proxy.plan(step, Fault::Killed);
    }
    let mut complaints = Vec::new();
    for goal in ["active", "ended"] {
        if goal == "ended" {
            scene.release().await;
        }
        let began = SystemClock.now();
        let deaths = work_until(&scene, &directory, goal).await;
        let took = (SystemClock.now() - began).num_seconds();
        match deaths {
            Some(deaths) => eprintln!("{goal} after {deaths} deaths, {took} s"),
            None => complaints.push(format!("it did not become {goal} in {took} s")),
        }
    }
    complaints.extend(scene.amiss(bed, others).await);
    let struck = scene.proxy.struck();
    let cell = |step: Step| {
        let state = if step.phase == Phase::Making { "active" } else { "ended" };
        let mut complaints = complaints.clone();
        if !struck.contains(&step) {
            complaints.push("nobody was killed there".to_owned());
        }
        (step, Fault::Killed, Outcome { state: state.to_owned(), complaints, ..Outcome::default() })
    };
    steps.into_iter().map(cell).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_after_each_change_leaks_nothing() {
    let bed = Bed::given().await;
    let others = Others::make(&bed).await;
    let theirs = others.ids();
    let began = SystemClock.now();
    let steps = steps_of_a_life(&bed).await;
    let lives = spread(steps.into_iter().filter(Step::changes).collect());
    let bookings = lives.len();
    let cells = join_all(lives.into_iter().map(|steps| die(&bed, &theirs, steps))).await;
    let mut table = Table::default();
    for (step, fault, outcome) in cells.into_iter().flatten() {
        table.insert(step, fault, outcome);
    }
    let took = (SystemClock.now() - began).num_seconds();
    table.publish("killed.md", &format!("{} deaths in {bookings} bookings, {took} s.", table.cells()));
    assert!(table.complaints().is_empty(), "{}", table.complaints().join("\n"));
    others.remove(&bed).await;
}
