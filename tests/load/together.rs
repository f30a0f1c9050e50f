//! Clusters that are booked for the same minute, on real services and by the worker's own loops.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use fairlease::clock::{Clock as _, SystemClock};
use fairlease::cloud::openstack::{Limits, OpenStackCloud, load};
use fairlease::cloud::port::{Cloud, Clouds, Scope};
use fairlease::db::{self, Db, DbError, Installation};
use fairlease::domain::audit::Doer;
use fairlease::domain::course::{CloudName, Course};
use fairlease::domain::fitness::SiteService;
use fairlease::domain::ids::{BookingId, InstanceId};
use fairlease::domain::interval::Interval;
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::{Entropy as _, OsEntropy};
use fairlease::services::booking::{self, Wish};
use fairlease::services::health::Watch;
use fairlease::services::{App, Wake, courses, people};
use fairlease::worker;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::proxy::{Exchange, Proxy};
use crate::support::bed::{self, Bed};
use crate::world::database::Database;
use crate::world::{Backend, KEY, Postbox, course};

/// Between two looks at how far all are. They cost the site nothing.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(20);

/// The bookings, and all that serves them.
pub(crate) struct Together {
    app: Arc<App>,
    proxy: Proxy,
    cloud: Arc<dyn Cloud>,
    booked: Vec<(Person, BookingId)>,
    stop: watch::Sender<bool>,
    _database: Database,
}

/// The example's lab at any time, made at once.
fn at_once() -> Course {
    let mut course = course(&[("lead_minutes = 30 ", "lead_minutes = 240 ")]);
    for site in &mut course.sites {
        site.cloud = CloudName::OpenStack(bed::CLOUD.to_owned());
    }
    for lab in &mut course.labs {
        (lab.policy.parity, lab.due, lab.term_end) = (None, None, None);
    }
    course
}

impl Together {
    /// Books so many clusters, one for each student. No worker runs yet.
    pub(crate) async fn book(bed: &Bed, clusters: usize) -> Self {
        let mut entry = load(&[bed.clouds_yaml().to_owned()], bed::CLOUD).unwrap();
        let proxy = Proxy::before(&entry.auth_url).await;
        entry.auth_url = proxy.auth_url();
        let clock = Arc::new(SystemClock);
        let cloud: Arc<dyn Cloud> =
            Arc::new(OpenStackCloud::new(entry, Limits::default(), clock.clone()).unwrap());
        let database = Database::create(Backend::Sqlite);
        let db = Db::open(&database.url()).unwrap();
        db.migrate().unwrap();
        let course = at_once();
        let slot = slot(&course);
        db.write("apply", move |conn| courses::apply(conn, &course, SystemClock.now())).await.unwrap();
        let own = Installation::new(InstanceId::from_bits(OsEntropy.bits()), OsEntropy.secret());
        let own = db.installation(&own).unwrap();
        let app = Arc::new(App {
            instance: own.id,
            link_key: own.link_key,
            db,
            clock,
            entropy: Arc::new(OsEntropy),
            clouds: Clouds::from([("kvm-tacc".parse().unwrap(), cloud.clone())]),
            mailer: Arc::new(Postbox::default()),
            public_url: String::new(),
            claim: TimeDelta::seconds(90),
            wake: Wake::default(),
            sweeping: tokio::sync::Mutex::default(),
            watch: Arc::new(Watch::new().unwrap()),
        });
        let mut booked = Vec::new();
        for number in 0..clusters {
            let person = student(&app, number).await;
            let lab = "k8s".parse().unwrap();
            let wish = Wish { person: person.clone(), lab, slot, idempotency_key: None };
            booked.push((person, booking::book(&app, wish).await.unwrap().id));
        }
        Self { app, proxy, cloud, booked, stop: watch::Sender::new(false), _database: database }
    }

    /// Lets a worker begin, and says how long it took until all could be used.
    pub(crate) async fn start(&self) -> Duration {
        let worker = self.worker();
        let began = Instant::now();
        self.until_all_are("active").await;
        let took = began.elapsed();
        self.stop_worker(worker).await;
        took
    }

    /// Gives everything back.
    pub(crate) async fn end(&self) {
        let worker = self.worker();
        for (person, id) in &self.booked {
            booking::release(&self.app, person.clone(), id.clone()).await.unwrap();
        }
        self.until_all_are("ended").await;
        self.stop_worker(worker).await;
    }

    /// What was asked of the site and went through.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.proxy.exchanges()
    }

    pub(crate) fn bookings(&self) -> Vec<BookingId> {
        self.booked.iter().map(|(_, id)| id.clone()).collect()
    }

    /// Deletes what carries this installation's mark, kind by kind.
    pub(crate) async fn remove_what_the_script_made(&self) {
        let scope = Scope::Instance(self.app.instance.clone());
        let began = Instant::now();
        loop {
            let left = self.cloud.list(&scope, &[SiteService::Reservation].into()).await.unwrap();
            let Some(rank) = left.iter().map(|object| object.kind.deleting_rank()).min() else { return };
            let first = left.iter().filter(|object| object.kind.deleting_rank() == rank);
            // What stands in the way now does not at the next look.
            join_all(first.map(|object| self.cloud.release(object.kind, &object.site_ref))).await;
            assert!(began.elapsed() < PATIENCE, "{} objects of the script are left", left.len());
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    fn worker(&self) -> JoinHandle<Result<(), String>> {
        self.stop.send_replace(false);
        tokio::spawn(worker::run(self.app.clone(), self.stop.subscribe()))
    }

    async fn stop_worker(&self, worker: JoinHandle<Result<(), String>>) {
        self.stop.send_replace(true);
        worker.await.unwrap().unwrap();
    }

    async fn until_all_are(&self, state: &str) {
        let began = Instant::now();
        loop {
            let ids = self.bookings();
            let states = self.app.db.read::<_, DbError, _>("states", move |conn| {
                ids.iter().map(|id| Ok(db::booking(conn, id)?.unwrap())).collect::<Result<Vec<_>, _>>()
            });
            let bookings = states.await.unwrap();
            if bookings.iter().all(|booking| booking.state.word() == state) {
                return;
            }
            for booking in &bookings {
                let ended_early = state != "ended" && booking.state.word() == "ended";
                assert!(!ended_early, "a booking failed: {:?}", booking.trouble);
            }
            assert!(began.elapsed() < PATIENCE, "not all are {state}: {bookings:?}");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// From the next start on.
fn slot(course: &Course) -> Interval {
    let pool = &course.pools[0];
    let start = pool.ceil(SystemClock.now()) + pool.grid();
    Interval::new(start, start + TimeDelta::hours(4)).unwrap()
}

async fn student(app: &Arc<App>, number: usize) -> Person {
    let (inner, net_id) = (app.clone(), format!("ab{number}").parse().unwrap());
    let made = app.db.write::<_, DbError, _>("student", move |conn| {
        let person = people::ensure_person(&inner, conn, &net_id, "A student", Role::Student)?;
        people::set_key(&inner, conn, &Doer::itself(), &person.id, &people::read_key(KEY).unwrap())?;
        Ok(db::person(conn, &person.id)?.unwrap())
    });
    made.await.unwrap()
}
