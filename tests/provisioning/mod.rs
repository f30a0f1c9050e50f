//! Faults on real OpenStack services: each distinct call of a booking's life in turn gets each fault, through a proxy of
//! the test's own. After each, nothing of the booking is left, everything of others is there, and the student's page said
//! what happened. The simulated cloud's faults are in `faults.rs`, `crashes.rs` and `killed.rs`.

mod by_hand;
mod fault;
mod killed;
mod others;
mod proxy;
mod reaped;
mod scene;
mod step;
mod sweeps;
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use fairlease::clock::{Clock as _, SystemClock};
use fairlease::domain::booking::{Booking, EndReason};
use futures_util::{StreamExt as _, stream};

use self::fault::Fault;
use self::others::Others;
use self::scene::{Heard, Scene};
use self::step::{Phase, Step};
use self::table::{Outcome, Table};
use crate::support::bed::Bed;
use crate::support::named;

/// Lives at the same time: most of each is waiting for the site.
const AT_ONCE: usize = 8;
/// How long a caller waits for an answer that does not come.
const SHORT: Duration = Duration::from_secs(8);
/// How long a caller waits for one that does, on a busy machine.
const LONG: Duration = Duration::from_mins(1);

/// What befalls one booking: a fault, at each of these calls once.
#[derive(Debug, Clone)]
struct Fate {
    fault: Fault,
    steps: Vec<Step>,
}

type Cell = (Step, Fault, Outcome);

/// Runs one booking to its end, and says what came of its fate.
async fn live(bed: &Bed, others: &BTreeSet<String>, fate: Fate) -> Vec<Cell> {
    let scene = Scene::set(bed, if fate.fault.holds() { SHORT } else { LONG }).await;
    for step in &fate.steps {
        scene.proxy.plan(step, fate.fault);
    }
    let mut cells = Vec::new();
    for (phase, goal) in [(Phase::Making, "active"), (Phase::Deleting, "ended")] {
        if phase == Phase::Deleting {
            scene.release().await;
        }
        let heard = scene.work_until(goal).await;
        let booking = scene.view().await.booking;
        let steps = fate.steps.iter().filter(|step| step.phase == phase);
        cells.extend(
            steps.map(|step| (step.clone(), fate.fault, outcome(fate.fault, step, goal, &booking, &heard))),
        );
    }
    let amiss = scene.amiss(bed, others).await;
    for (_, _, outcome) in &mut cells {
        outcome.complaints.extend(amiss.iter().cloned());
    }
    cells
}

fn outcome(fault: Fault, step: &Step, goal: &str, booking: &Booking, heard: &Heard) -> Outcome {
    let mut complaints = heard.complaints.clone();
    let state = booking.state.word();
    if state != goal {
        let (trouble, besides) = (booking.trouble.as_deref(), &heard.besides);
        complaints.push(format!("it is {state} and not {goal}: {trouble:?}, after {besides:?}"));
    }
    let Some(told) = heard.told.get(step).cloned() else {
        complaints.push("it was never called".to_owned());
        return Outcome { state: state.to_owned(), complaints, ..Outcome::default() };
    };
    if let Some(words) = fault.is_told_as(step)
        && !told.troubles.iter().any(|trouble| fault.is_told_in(step, trouble))
    {
        complaints.push(format!("nobody was told \"{words}\", but {:?}", told.troubles));
    }
    Outcome { state: state.to_owned(), retries: told.troubles.len(), took: told.took, complaints }
}

/// Case 15 of the course's facts. The site has no room: the booking ends, and its page says why.
async fn no_room(bed: &Bed, others: &BTreeSet<String>) -> Cell {
    let (step, fault) = (Step::making("reservation", "/leases"), Fault::NoRoom);
    let scene = Scene::set(bed, LONG).await;
    scene.proxy.plan(&step, fault);
    let heard = scene.work_until("active").await;
    let outcome = gave_up(&scene, &fault.is_told_as(&step).unwrap(), heard).await;
    (step, fault, with_amiss(outcome, &scene, bed, others).await)
}

/// A server sticks in BUILD, and so do all that replace it: the second one is the last.
async fn every_server_sticks(bed: &Bed, others: &BTreeSet<String>) -> Cell {
    let (step, fault) = (Step::making("compute", "/servers"), Fault::StuckTwice);
    let scene = Scene::set(bed, LONG).await;
    stick(&scene, &step, 2).await;
    let heard = scene.work_until("active").await;
    let outcome = gave_up(&scene, &fault.is_told_as(&step).unwrap(), heard).await;
    (step, fault, with_amiss(outcome, &scene, bed, others).await)
}

/// Case 16, with a server that says nothing at all. It sticks in BUILD: it is replaced, and the page says so.
async fn a_server_sticks(bed: &Bed, others: &BTreeSet<String>) -> Cell {
    let (step, fault) = (Step::making("compute", "/servers"), Fault::Stuck);
    let scene = Scene::set(bed, LONG).await;
    stick(&scene, &step, 1).await;
    let mut heard = scene.work_until("active").await;
    let words = fault.is_told_as(&step).unwrap();
    if !scene.page().await.contains(&words) {
        heard.complaints.push(format!("the page does not say: {words}"));
    }
    let state = scene.view().await.booking.state.word();
    if state != "active" {
        heard.complaints.push(format!("it is {state} and not active"));
    }
    scene.release().await;
    scene.work_until("ended").await;
    let outcome =
        Outcome { state: format!("{state}, replaced"), complaints: heard.complaints, ..Outcome::default() };
    (step, fault, with_amiss(outcome, &scene, bed, others).await)
}

/// Lets so many servers in a row stick for longer than anybody waits.
async fn stick(scene: &Scene, step: &Step, times: usize) {
    for _ in 0..times {
        scene.proxy.plan(step, Fault::Stuck);
    }
    for left in (0..times).rev() {
        scene.work_until_due(left).await;
        scene.wait_too_long();
    }
}

/// The booking is to have failed, with these words on its page.
async fn gave_up(scene: &Scene, words: &str, mut heard: Heard) -> Outcome {
    let booking = scene.view().await.booking;
    if booking.state.reason() != Some(EndReason::Failed) {
        heard.complaints.push(format!("it did not fail, but is {}", booking.state.word()));
    }
    if !scene.page().await.contains(words) {
        heard.complaints.push(format!("the page does not say: {words}"));
    }
    let state = format!("failed, said so: {}", booking.trouble.unwrap_or_default());
    Outcome { state, complaints: heard.complaints, ..Outcome::default() }
}

async fn with_amiss(mut outcome: Outcome, scene: &Scene, bed: &Bed, others: &BTreeSet<String>) -> Outcome {
    outcome.complaints.extend(scene.amiss(bed, others).await);
    outcome
}

/// The distinct calls of a life that nothing befalls.
async fn steps_of_a_life(bed: &Bed) -> BTreeSet<Step> {
    let scene = Scene::set(bed, LONG).await;
    let heard = scene.work_until("active").await;
    assert!(heard.besides.is_empty() && heard.complaints.is_empty(), "{heard:?}");
    scene.release().await;
    scene.work_until("ended").await;
    scene.proxy.steps().into_iter().collect()
}

/// Every fault at every step that it may befall. `apart`, each goes to a booking of its own.
fn fates(steps: &BTreeSet<Step>, apart: bool) -> Vec<Fate> {
    let mut fates = Vec::new();
    let faults = Fault::OF_CHANGES.map(|fault| (fault, true)).into_iter();
    for (fault, changes) in faults.chain(Fault::OF_READINGS.map(|fault| (fault, false))) {
        let steps: Vec<_> = steps.iter().filter(|step| step.changes() == changes).cloned().collect();
        let bookings = if apart { steps.into_iter().map(|step| vec![step]).collect() } else { spread(steps) };
        fates.extend(bookings.into_iter().map(|steps| Fate { fault, steps }));
    }
    // A caller that waits in vain takes longest.
    fates.sort_by_key(|fate| !fate.fault.holds());
    fates
}

/// Spreads steps over bookings: within one, each is about another of its objects, and no two are about objects that are
/// made or deleted at the same time.
fn spread(steps: Vec<Step>) -> Vec<Vec<Step>> {
    let mut bookings: Vec<Vec<Step>> = Vec::new();
    for step in steps {
        let near = |other: &Step| other.phase == step.phase && other.lane() == step.lane();
        match bookings.iter_mut().find(|steps| !steps.iter().any(near)) {
            Some(steps) => steps.push(step),
            None => bookings.push(vec![step]),
        }
    }
    bookings
}

/// `FAIRLEASE_FAULTS=apart` gives each fault a booking of its own, four times as many; `FAIRLEASE_FAULTS="cut after"` is one
/// column of the table.
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_at_each_call() {
    let bed = Bed::given().await;
    let others = Others::make(&bed).await;
    let theirs = others.ids();
    let began = SystemClock.now();
    let asked = named("FAIRLEASE_FAULTS");
    let apart = asked.as_deref() == Some("apart");
    let mut fates = fates(&steps_of_a_life(&bed).await, apart);
    if let Some(column) = asked.filter(|_| !apart) {
        fates.retain(|fate| fate.fault.title() == column);
        assert!(!fates.is_empty(), "FAIRLEASE_FAULTS: the table has no column \"{column}\"");
    }
    let bookings = fates.len() + 3;
    let lives = stream::iter(fates).map(|fate| live(&bed, &theirs, fate)).buffer_unordered(AT_ONCE).collect();
    let ends = async {
        tokio::join!(
            no_room(&bed, &theirs),
            a_server_sticks(&bed, &theirs),
            every_server_sticks(&bed, &theirs)
        )
    };
    let (cells, ends): (Vec<Vec<Cell>>, _) = tokio::join!(lives, ends);
    let mut table = Table::default();
    for (step, fault, outcome) in cells.into_iter().flatten().chain([ends.0, ends.1, ends.2]) {
        table.insert(step, fault, outcome);
    }
    let took = (SystemClock.now() - began).num_seconds();
    table.publish("faults.md", &format!("{} faults in {bookings} bookings, {took} s.", table.cells()));
    assert!(table.complaints().is_empty(), "{}", table.complaints().join("\n"));
    others.remove(&bed).await;
}
