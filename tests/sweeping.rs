//! Sweeps of several processes at once, and sweeps that die: counted at the site, each thing is stopped and deleted once, and its
//! owner is told once of each step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::port::{Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope};
use fairlease::cloud::simulated::{Fault, Faults, Object, Profile, SimulatedCloud};
use fairlease::db;
use fairlease::domain::blueprint::{Kind, Probe};
use fairlease::domain::fitness::{SiteNeeds, SiteReport, SiteService};
use fairlease::domain::reaper::StopBy;
use fairlease::domain::renewal::HeldLease;
use fairlease::services::{App, reaping};

use crate::world::{Backend, World, course, local, on_both_databases};

/// When students launched what the tests are about.
const MORNING: &str = "2025-02-08T09:30";
/// When a mark's steps are due, one after the other: told, stopped, deleted.
const STEPS: [&str; 3] = ["2025-02-08T18:00", "2025-02-08T20:00", "2025-02-09T20:10"];
const SERVERS: usize = 6;
const REAPER: &str = "[reaper]\nby_hand = \"delete\"\n\n[course]";

/// A site that counts what it is asked to stop and to delete, of each thing.
#[derive(Debug)]
struct Counting {
    cloud: Arc<SimulatedCloud>,
    asked: Mutex<BTreeMap<String, u32>>,
}

impl Counting {
    fn before(cloud: &Arc<SimulatedCloud>) -> Arc<Self> {
        Arc::new(Self { cloud: cloud.clone(), asked: Mutex::default() })
    }

    fn count(&self, what: &str, site_ref: &str) {
        *self.asked.lock().unwrap().entry(format!("{what} {site_ref}")).or_default() += 1;
    }

    /// How often each was asked for.
    fn asked(&self) -> BTreeMap<String, u32> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Cloud for Counting {
    async fn list(&self, scope: &Scope, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.cloud.list(scope, needed).await
    }

    async fn survey(&self, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.cloud.survey(needed).await
    }

    async fn ensure(&self, desired: &Desired) -> Result<Observed, CloudError> {
        self.cloud.ensure(desired).await
    }

    async fn lease_in_force(&self, site_ref: &str) -> Result<Progress, CloudError> {
        self.cloud.lease_in_force(site_ref).await
    }

    async fn held_lease(&self, name: &str) -> Result<Option<HeldLease>, CloudError> {
        self.cloud.held_lease(name).await
    }

    async fn prolong_lease(&self, site_ref: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError> {
        self.cloud.prolong_lease(site_ref, end).await
    }

    async fn answers(&self, address: &str, probe: &Probe) -> Result<bool, CloudError> {
        self.cloud.answers(address, probe).await
    }

    async fn release(&self, kind: Kind, site_ref: &str) -> Result<Released, CloudError> {
        self.count("delete", site_ref);
        self.cloud.release(kind, site_ref).await
    }

    async fn stop(&self, server: &str, by: StopBy) -> Result<Progress, CloudError> {
        self.count("stop", server);
        self.cloud.stop(server, by).await
    }

    async fn start(&self, server: &str) -> Result<Progress, CloudError> {
        self.count("start", server);
        self.cloud.start(server).await
    }

    async fn health(&self) -> Result<(), CloudError> {
        self.cloud.health().await
    }

    async fn examine(&self, needs: &SiteNeeds) -> Result<SiteReport, CloudError> {
        self.cloud.examine(needs).await
    }
}

async fn strict(backend: Backend) -> World {
    World::with(backend, course(&[("[course]", REAPER)]), Profile::instant()).await
}

/// Servers over the cap, and what is not to go. Ids are of this life alone: no site gives one
/// twice.
fn fill(cloud: &SimulatedCloud, life: &str) {
    let put = |kind, id: &str, name: &str, at: &str| {
        cloud.put(&Object::by_hand(kind, id, name, local(at))).unwrap();
    };
    for number in 0..SERVERS {
        put(Kind::Server, &format!("server-{number}, {life}"), &format!("node{number}-cloud-ff524"), MORNING);
    }
    put(Kind::Server, "course", "node1-project0", MORNING);
    put(Kind::Server, "nobodys", "test", MORNING);
}

/// Of mails that tell of this thing, how many there are.
fn mails_of(world: &World, name: &str) -> usize {
    world.postbox.mails.lock().unwrap().iter().filter(|mail| mail.body.contains(name)).count()
}

/// What came of it all is what one sweep at a time without faults would have come to.
async fn assert_all_is_done(world: &World, what: &str) {
    let left: Vec<_> = world.held().into_keys().collect();
    assert_eq!(left, ["node1-project0", "test"], "{what}");
    let marks = world.app.db.read("marks", db::marks).await.unwrap();
    assert_eq!(marks, [], "{what}");
    for number in 0..SERVERS {
        let name = format!("node{number}-cloud-ff524");
        assert_eq!(mails_of(world, &name), 3, "{what}: {name} is told of, stopped and deleted, each once");
    }
    assert_eq!((mails_of(world, "node1-project0"), mails_of(world, "test at")), (0, 0), "{what}");
}

/// A sweep that dies where a call hangs. Its claim of what it was at runs out.
async fn sweep_or_die(world: &World, app: &Arc<App>) {
    tokio::select! {
        biased;
        swept = reaping::sweep(app) => drop(swept.unwrap()),
        () = world.cloud.faults().hung() => world.clock.advance(world.app.claim + TimeDelta::seconds(1)),
    }
}

/// All steps, with a death wherever the faults say so, and after each the sweeps of the minutes that follow.
async fn live(world: &World, app: &Arc<App>) {
    for at in STEPS {
        world.clock.set(local(at));
        for _ in 0..4 {
            sweep_or_die(world, app).await;
            world.work().await;
            world.clock.advance(TimeDelta::minutes(1));
        }
    }
}

on_both_databases! {
    /// Two processes sweep at the same instants, round after round.
    async fn two_processes_stop_and_delete_each_thing_once(backend: Backend) {
        let world = strict(backend).await;
        world.student("ff524").await;
        for round in 0..5 {
            world.postbox.mails.lock().unwrap().clear();
            let what = format!("round {round}");
            fill(&world.cloud, &what);
            let counting = Counting::before(&world.cloud);
            let processes = [world.reaching(counting.clone()), world.reaching(counting.clone())];
            for at in STEPS.iter().map(|at| local(at)) {
                for minute in 0..3 {
                    world.clock.set(at + TimeDelta::minutes(minute));
                    let sweeps = processes.clone().map(|app| tokio::spawn(async move { reaping::sweep(&app).await }));
                    for sweep in sweeps {
                        sweep.await.unwrap().unwrap();
                    }
                    world.work().await;
                }
            }
            assert_all_is_done(&world, &what).await;
            let asked = counting.asked();
            assert_eq!(asked.len(), 2 * SERVERS, "{asked:?}");
            assert!(asked.values().all(|times| *times == 1), "{what}: {asked:?}");
        }
    }

    /// Wherever a sweep dies, between marking, stopping and deleting, the next one goes on, and nobody is told twice.
    async fn a_sweep_that_dies_at_any_call_is_finished_by_the_next(backend: Backend) {
        let world = strict(backend).await;
        world.student("ff524").await;
        let counting = world.with_faults(Profile::instant(), Faults::none(), 2);
        fill(&counting.cloud, "no fault");
        live(&counting, &counting.app).await;
        assert_all_is_done(&counting, "no fault").await;
        let calls = counting.cloud.faults().calls();
        assert!(calls > 2 * SERVERS + STEPS.len(), "a life takes {calls} calls");
        for call in 0..calls {
            let deaths = [("before", Fault::HangBefore(None)), ("after", Fault::HangAfter(None))];
            for (seed, (when, fault)) in (10 + 2 * u64::try_from(call).unwrap()..).zip(deaths) {
                let doomed = world.with_faults(Profile::instant(), Faults::at(call, fault), seed);
                let what = format!("death {when} call {call}");
                fill(&doomed.cloud, &what);
                let counting = Counting::before(&doomed.cloud);
                live(&doomed, &doomed.reaching(counting.clone())).await;
                assert_all_is_done(&doomed, &what).await;
                let asked = counting.asked();
                // What was stopped is written down when all are: it is asked for again, and found stopped.
                let twice = asked.iter().filter(|(what, times)| what.starts_with("delete") && **times > 1).count();
                assert!(twice <= 1 && asked.values().all(|times| *times <= 2), "{what}: {asked:?}");
            }
        }
    }
}
