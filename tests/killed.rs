//! Real workers, killed with SIGKILL at each call to the cloud, before and after its effect. A second worker, which finds
//! only what is in the database and at the cloud, brings the booking to what it is to be, and nothing is left behind.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fairlease::clock::{Clock as _, SystemClock};
use fairlease::cloud::port::Clouds;
use fairlease::db::{self, Db, DbError, Installation};
use fairlease::domain::audit::Doer;
use fairlease::domain::course::Course;
use fairlease::domain::ids::{BookingId, InstanceId};
use fairlease::domain::interval::Interval;
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::OsEntropy;
use fairlease::services::booking::Wish;
use fairlease::services::health::Watch;
use fairlease::services::{App, Wake, booking, courses, people};
use futures_util::{StreamExt, stream};
use tempfile::TempDir;

use crate::support::process::{Ending, Process};
use crate::support::until;
use crate::world::database::Database;
use crate::world::{Backend, KEY, Postbox, course, on_both_databases};

/// Where in a call the worker is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Before,
    After,
}

/// A course, a student and a booking, in a database and a cloud that outlive every worker.
struct Scene {
    app: Arc<App>,
    student: Person,
    booking: BookingId,
    database: Database,
    directory: TempDir,
    /// How long workers' claims stand.
    claim_seconds: u16,
}

/// The example's course without weekdays, and with resources made hours before the start, which is at once.
fn always_open() -> Course {
    let mut course = course(&[("lead_minutes = 30 ", "lead_minutes = 240 ")]);
    for lab in &mut course.labs {
        lab.policy.parity = None;
        lab.due = None;
        lab.term_end = None;
    }
    course
}

impl Scene {
    async fn set(backend: Backend) -> Self {
        let (database, directory) = (Database::create(backend), TempDir::new().unwrap());
        let db = Db::open(&database.url()).unwrap();
        db.migrate().unwrap();
        let course = always_open();
        let start = course.pools[0].ceil(SystemClock.now()) + course.pools[0].grid();
        db.write("apply", move |conn| courses::apply(conn, &course, SystemClock.now())).await.unwrap();
        let own = Installation::new(InstanceId::from_bits(7), "a key for tests".to_owned());
        let own = db.installation(&own).unwrap();
        let app = Arc::new(App {
            instance: own.id,
            link_key: own.link_key,
            db,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            clouds: Clouds::new(),
            watch: Arc::new(Watch::new().unwrap()),
            mailer: Arc::new(Postbox::default()),
            public_url: "https://fairlease.example.edu".to_owned(),
            claim: chrono::TimeDelta::seconds(60),
            wake: Wake::default(),
            sweeping: tokio::sync::Mutex::default(),
        });
        let student = student(&app).await;
        let slot = Interval::new(start, start + chrono::TimeDelta::hours(1)).unwrap();
        let wish = Wish { person: student.clone(), lab: "k8s".parse().unwrap(), slot, idempotency_key: None };
        let booking = booking::book(&app, wish).await.unwrap().id;
        Self { app, student, booking, database, directory, claim_seconds: 2 }
    }

    /// A worker as operators run it, on the simulated cloud in the data directory.
    fn worker(&self, extra: &[String]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairlease"));
        let claim = self.claim_seconds.to_string();
        command.arg("worker").args(["--claim-seconds", &claim, "--simulate-instantly"]);
        command.args(["--database-url", &self.database.text()]).arg("--data-dir").arg(self.directory.path());
        command.args(extra);
        Process::start("worker", &mut command, Ending::Killed)
    }

    async fn state(&self) -> &'static str {
        let (app, student, id) = (self.app.clone(), self.student.clone(), self.booking.clone());
        let view = self.app.db.read("state", move |conn| booking::view(&app, conn, &student, &id)).await;
        view.unwrap().booking.state.word()
    }

    /// Runs a worker until it hangs at this call and kills it there. False if it came to `goal` without that call.
    async fn kill_at(&self, call: usize, moment: Moment, goal: &str) -> bool {
        let marker = self.directory.path().join("hung");
        let when = match moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        let fault = format!("{call}:{when}={}", marker.display());
        let _doomed = self.worker(&["--simulate-hang".to_owned(), fault]);
        let hung = until(|| async {
            if marker.exists() {
                return Some(true);
            }
            (self.state().await == goal).then_some(false)
        });
        hung.await.unwrap_or_else(|| panic!("call {call} was not reached, nor the state {goal}"))
    }

    /// Runs a worker that nothing befalls until the booking is in this state.
    async fn recover(&self, goal: &str) {
        let _worker = self.worker(&[]);
        let there = until(|| async { (self.state().await == goal).then_some(()) });
        there.await.unwrap_or_else(|| panic!("the booking did not become {goal}"));
    }

    async fn release(&self) {
        booking::release(&self.app, self.student.clone(), self.booking.clone()).await.unwrap();
    }

    /// Names of the files in which the simulated cloud keeps its objects.
    fn held(&self) -> Vec<PathBuf> {
        files(&self.directory.path().join("cloud").join("kvm-tacc"))
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

async fn student(app: &Arc<App>) -> Person {
    let inner = app.clone();
    let made = app.db.write::<_, DbError, _>("student", move |conn| {
        let person =
            people::ensure_person(&inner, conn, &"ff524".parse().unwrap(), "A student", Role::Student)?;
        people::set_key(&inner, conn, &Doer::itself(), &person.id, &people::read_key(KEY).unwrap())?;
        Ok(db::person(conn, &person.id)?.unwrap())
    });
    made.await.unwrap()
}

/// More calls than a booking takes to come up or to go.
const MORE_THAN_ENOUGH: usize = 40;
/// Scenes that play at the same time.
const AT_ONCE: usize = 4;

/// Plays one scene for each call and moment, and tells how many of them had a death in them.
async fn play<F>(scene: impl Fn(usize, Moment) -> F) -> usize
where
    F: Future<Output = bool>,
{
    let mut deaths = 0;
    for first in (0..MORE_THAN_ENOUGH).step_by(AT_ONCE / 2) {
        let calls =
            (first..first + AT_ONCE / 2).flat_map(|call| [(call, Moment::Before), (call, Moment::After)]);
        let played: Vec<bool> = stream::iter(calls)
            .map(|(call, moment)| scene(call, moment))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let died = played.iter().filter(|died| **died).count();
        deaths += died;
        if died < played.len() {
            return deaths;
        }
    }
    panic!("a booking takes more than {MORE_THAN_ENOUGH} calls");
}

on_both_databases! {
    async fn while_it_comes_up(backend: Backend) {
        let deaths = play(async |call, moment| {
            let scene = Scene::set(backend).await;
            let died = scene.kill_at(call, moment, "active").await;
            scene.recover("active").await;
            assert_eq!(scene.held().len(), 10, "killed {moment:?} call {call}: nothing twice, nothing missing");
            scene.release().await;
            scene.recover("ended").await;
            assert_eq!(scene.held(), Vec::<PathBuf>::new(), "killed {moment:?} call {call}");
            died
        });
        let deaths = deaths.await;
        assert!(deaths >= 22, "{deaths} workers were killed");
    }

    async fn while_it_goes(backend: Backend) {
        let deaths = play(async |call, moment| {
            let scene = Scene::set(backend).await;
            scene.recover("active").await;
            scene.release().await;
            let died = scene.kill_at(call, moment, "ended").await;
            scene.recover("ended").await;
            assert_eq!(scene.held(), Vec::<PathBuf>::new(), "killed {moment:?} call {call}");
            died
        });
        let deaths = deaths.await;
        assert!(deaths >= 20, "{deaths} workers were killed");
    }
}

/// Its claim would stand for an hour, and the test does not wait that long.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_alone_takes_over_at_once() {
    let mut scene = Scene::set(Backend::Sqlite).await;
    scene.claim_seconds = 3600;
    assert!(scene.kill_at(5, Moment::After, "active").await);
    scene.recover("active").await;
    assert_eq!(scene.held().len(), 10);
}
