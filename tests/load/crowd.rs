//! A thousand clusters of the example's lab that start and end at the same minute: the worker's own loops, a clock that is moved
//! by hand, and the simulated cloud in memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fairlease::clock::{Clock as _, ManualClock};
use fairlease::cloud::port::{Cloud, Clouds};
use fairlease::cloud::simulated::{Faults, Profile, SimulatedCloud};
use fairlease::config::course_file::CourseFile;
use fairlease::db::{self, Conn, Db, DbError, DbUrl, Installation};
use fairlease::domain::ids::InstanceId;
use fairlease::domain::interval::Interval;
use fairlease::domain::notice::Notice;
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::SeededEntropy;
use fairlease::mail::delivery::{Mailer, SendError};
use fairlease::mail::envelope::Head;
use fairlease::services::booking::{self, Wish};
use fairlease::services::health::Watch;
use fairlease::services::{App, Wake, courses, people};
use fairlease::worker::{cron, deliver, fulfil};
use tokio::sync::watch;
use tokio::task::JoinSet;

const EXAMPLE: &str = include_str!("../../docs/examples/course.toml");
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti student@example.edu";
/// A Saturday morning in the course's zone.
const NOW: &str = "2025-02-08T14:10:00Z";
/// Clusters of a round, one student each.
pub(crate) const CLUSTERS: u32 = 1000;
/// What a cluster is at the site: a lease, a keypair, a network with subnet, router and security group, three servers and a
/// floating IP.
const OBJECTS: usize = 10;
/// Between two looks at whether the worker has done what is due.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// A worker looks each second by itself.
const LOOKS_A_SECOND: u32 = 50;
/// How long anything may take, in seconds of the clock that is moved.
const PATIENCE: u32 = 900;

/// Takes every mail and keeps none.
#[derive(Debug)]
struct Anybody;

#[async_trait]
impl Mailer for Anybody {
    async fn send(&self, _: &Notice, _: &Head) -> Result<(), SendError> {
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The students, and a worker that runs until it is told to stop.
pub(crate) struct Crowd {
    app: Arc<App>,
    clock: Arc<ManualClock>,
    cloud: Arc<SimulatedCloud>,
    students: Vec<Person>,
    stop: watch::Sender<bool>,
    loops: JoinSet<()>,
}

impl Crowd {
    /// On a new database.
    pub(crate) fn new(url: &DbUrl) -> Self {
        let clock = Arc::new(ManualClock::at(NOW.parse().unwrap()));
        let cloud = site(&clock);
        let app = app(url, clock.clone(), cloud.clone());
        let students = (0..CLUSTERS).map(|number| student(&app, number)).collect();
        let (stop, stopped) = watch::channel(false);
        let mut loops = JoinSet::new();
        loops.spawn(fulfil::run(app.clone(), stopped.clone()));
        loops.spawn(deliver::run(app.clone(), stopped));
        Self { app, clock, cloud, students, stop, loops }
    }

    /// Half an hour of its own for each round, the first of them 0.
    pub(crate) fn slot(round: i32) -> Interval {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let start = now + TimeDelta::minutes(80) + TimeDelta::hours(2) * round;
        Interval::new(start, start + TimeDelta::minutes(30)).unwrap()
    }

    /// Everybody asks for the slot, and the site gives everybody a lease.
    pub(crate) async fn book(&self, slot: Interval) {
        for person in &self.students {
            let (person, lab) = (person.clone(), "k8s".parse().unwrap());
            booking::book(&self.app, Wish { person, lab, slot, idempotency_key: None }).await.unwrap();
        }
        self.until_all_are("booked", slot).await;
    }

    /// The minute comes at which all start, and none is made yet: later rounds would not use all of their lead.
    pub(crate) async fn start(&self, slot: Interval) {
        self.clock.set(slot.start());
        self.until_all_are("active", slot).await;
        let there = self.cloud.objects().unwrap().len();
        assert_eq!(there, OBJECTS * usize::try_from(CLUSTERS).unwrap(), "objects at the site");
    }

    /// The minute comes at which all end.
    pub(crate) async fn end(&self, slot: Interval) {
        self.clock.set(slot.end());
        cron::minute(&self.app).await;
        self.until_all_are("ended", slot).await;
    }

    /// What is left that should not be, each with its number.
    pub(crate) async fn left(&self) -> Vec<(&'static str, i64)> {
        self.until_nothing_is_due().await;
        let held = format!("occupancy WHERE booked > 0 AND cell >= {}", self.literal(self.clock.now()));
        let there = i64::try_from(self.cloud.objects().unwrap().len()).unwrap();
        let mut left = vec![("objects at the site", there)];
        for (what, rows) in [
            ("resources that may exist", "resources WHERE state <> 'gone'"),
            ("bookings that did not just expire", "bookings WHERE state <> 'ended' OR reason <> 'expired'"),
            ("bookings with a seat", "bookings WHERE seat IS NOT NULL"),
            ("bookings with a step", "bookings WHERE next_step_at IS NOT NULL"),
            ("mails that were not sent", "notices WHERE sent_at IS NULL"),
            ("cells with units that are held", &held),
        ] {
            left.push((what, self.count(rows).await));
        }
        left.retain(|(_, number)| *number > 0);
        left
    }

    /// The worker finishes what it has in hand.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.loops.join_next().await {
            ended.unwrap();
        }
    }

    /// The worker does what is due; a second passes whenever nothing is, and at each minute its jobs run.
    async fn until_all_are(&self, state: &str, slot: Interval) {
        let rows = format!("bookings WHERE state = '{state}' AND start_at = {}", self.literal(slot.start()));
        for _ in 0..PATIENCE {
            self.app.wake.call();
            self.until_nothing_is_due().await;
            if self.count(&rows).await == i64::from(CLUSTERS) {
                return;
            }
            self.clock.advance(TimeDelta::seconds(1));
            if self.clock.now().second() == 0 {
                cron::minute(&self.app).await;
            }
        }
        panic!("{} of {CLUSTERS} are {state}", self.count(&rows).await);
    }

    async fn until_nothing_is_due(&self) {
        let now = self.literal(self.clock.now());
        let bookings = format!("bookings WHERE next_step_at <= {now} OR claim_token IS NOT NULL");
        let notices = format!("notices WHERE next_attempt_at <= {now} OR claim_token IS NOT NULL");
        for look in 1.. {
            if self.count(&bookings).await + self.count(&notices).await == 0 {
                return;
            }
            if look % LOOKS_A_SECOND == 0 {
                self.app.wake.call();
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn count(&self, rows: &str) -> i64 {
        let query = format!("SELECT count(*) AS n FROM {rows}");
        let counted = self.app.db.read::<_, DbError, _>("count", move |conn| {
            let query = diesel::sql_query(query);
            let counted: Counted = match conn {
                Conn::Sqlite(c) => query.get_result(*c),
                Conn::Postgres(c) => query.get_result(*c),
            }?;
            Ok(counted.n)
        });
        counted.await.unwrap()
    }

    /// The instant as the database keeps it.
    fn literal(&self, at: DateTime<Utc>) -> String {
        match self.app.db.url() {
            DbUrl::Sqlite(_) => at.timestamp_micros().to_string(),
            DbUrl::Postgres(_) => format!("TIMESTAMPTZ '{}'", at.to_rfc3339()),
        }
    }
}

fn site(clock: &Arc<ManualClock>) -> Arc<SimulatedCloud> {
    let second = TimeDelta::seconds(1);
    let profile = Profile {
        boot: second,
        shutdown: second,
        lease_lag: second,
        lease_capacity: 3 * CLUSTERS,
        ..Profile::instant()
    };
    let entropy = Arc::new(SeededEntropy::new(2));
    Arc::new(SimulatedCloud::in_memory(profile, Faults::none(), clock.clone(), entropy))
}

fn app(url: &DbUrl, clock: Arc<ManualClock>, cloud: Arc<SimulatedCloud>) -> Arc<App> {
    let db = Db::open(url).unwrap();
    db.migrate().unwrap();
    let text = EXAMPLE.replace("capacity = 30 ", &format!("capacity = {CLUSTERS} "));
    let course = CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap();
    let now = clock.now();
    db.write_blocking("apply", |conn| courses::apply(conn, &course, now)).unwrap();
    let cloud: Arc<dyn Cloud> = cloud;
    let own = Installation::new(InstanceId::from_bits(7), "a key for tests".to_owned());
    let own = db.installation(&own).unwrap();
    Arc::new(App {
        instance: own.id,
        link_key: own.link_key,
        db,
        clock,
        entropy: Arc::new(SeededEntropy::new(1)),
        clouds: Clouds::from([("kvm-tacc".parse().unwrap(), cloud)]),
        mailer: Arc::new(Anybody),
        public_url: "https://fairlease.example.edu".to_owned(),
        claim: TimeDelta::seconds(90),
        wake: Wake::default(),
        sweeping: tokio::sync::Mutex::default(),
        watch: Arc::new(Watch::new().unwrap()),
    })
}

/// With an even net ID: their day it is.
fn student(app: &App, number: u32) -> Person {
    let net_id = format!("ab{}", number * 2).parse().unwrap();
    let made = app.db.write_blocking::<_, DbError>("person", |conn| {
        let person = people::ensure_person(app, conn, &net_id, "A student", Role::Student)?;
        db::set_ssh_public_key(conn, &person.id, KEY)?;
        Ok(Person { ssh_public_key: Some(KEY.to_owned()), ..person })
    });
    made.unwrap()
}
