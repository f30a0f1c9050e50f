//! A course's project in which many people have made things by hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::ManualClock;
use fairlease::cloud::port::{Cloud, Clouds};
use fairlease::cloud::simulated::{Faults, Object, Profile, SimulatedCloud};
use fairlease::config::course_file::CourseFile;
use fairlease::db::{Db, DbError, Installation};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::ids::{BookingId, InstanceId};
use fairlease::domain::interval::Interval;
use fairlease::domain::notice::Notice;
use fairlease::domain::person::Role;
use fairlease::domain::resource::Mark;
use fairlease::domain::survey::{Backing, Belongs, Condition};
use fairlease::entropy::SeededEntropy;
use fairlease::mail::delivery::{Mailer, SendError};
use fairlease::mail::envelope::Head;
use fairlease::services::health::Watch;
use fairlease::services::{App, Wake, courses, people, reaping};
use tempfile::TempDir;

const EXAMPLE: &str = include_str!("../../docs/examples/course.toml");
const NOW: &str = "2025-02-08T15:00:00Z";
const PEOPLE: u32 = 200;
/// Another installation, whose bookings' objects are in the same project.
const OTHERS: u64 = 99;

/// Takes every mail and keeps none.
#[derive(Debug)]
struct Anybody;

#[async_trait]
impl Mailer for Anybody {
    async fn send(&self, _: &Notice, _: &Head) -> Result<(), SendError> {
        Ok(())
    }
}

/// What is done about what people made by hand: they are told, and two hours later it is stopped.
const TELLING: &str = "[reaper]\nby_hand = \"delete\"\n\n[course]";

/// The course, its people and the site.
pub(crate) struct Project {
    app: Arc<App>,
    clock: Arc<ManualClock>,
    cloud: Arc<SimulatedCloud>,
    _directory: TempDir,
}

impl Project {
    /// With so many servers, in a course that only tells staff of them.
    pub(crate) async fn with(servers: u32) -> Self {
        Self::of(EXAMPLE, servers).await
    }

    /// The same in a course that tells their owners.
    pub(crate) async fn telling(servers: u32) -> Self {
        Self::of(&EXAMPLE.replace("[course]", TELLING), servers).await
    }

    async fn of(course: &str, servers: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let entropy = Arc::new(SeededEntropy::new(1));
        let faults = Faults::none();
        let cloud =
            Arc::new(SimulatedCloud::in_memory(Profile::instant(), faults, clock.clone(), entropy.clone()));
        (0..servers).for_each(|number| fill(&cloud, number, now));
        let db = database(course, &directory, now);
        let reached: Arc<dyn Cloud> = cloud.clone();
        let own = Installation::new(InstanceId::from_bits(7), "a key for tests".to_owned());
        let own = db.installation(&own).unwrap();
        let app = Arc::new(App {
            db,
            clock: clock.clone(),
            entropy,
            clouds: Clouds::from([("kvm-tacc".parse().unwrap(), reached)]),
            mailer: Arc::new(Anybody),
            public_url: String::new(),
            claim: TimeDelta::minutes(10),
            wake: Wake::default(),
            sweeping: tokio::sync::Mutex::default(),
            watch: Arc::new(Watch::new().unwrap()),
            instance: own.id,
            link_key: own.link_key,
        });
        enrol(&app).await;
        Self { app, clock, cloud, _directory: directory }
    }

    /// How many objects there are.
    pub(crate) fn objects(&self) -> usize {
        self.cloud.objects().unwrap().len()
    }

    /// The site's listing alone.
    pub(crate) async fn list(&self) {
        let found = self.cloud.survey(&BTreeSet::new()).await.unwrap();
        assert!(!found.is_empty());
    }

    /// What the dry run does.
    pub(crate) async fn plan(&self) {
        let plan = reaping::observe(&self.app).await.unwrap().plan;
        assert!(plan.actions.is_empty() && plan.skipped.is_empty(), "{:?}", plan.skipped);
    }

    /// A whole sweep in which nothing is due. Says of how many objects one will be.
    pub(crate) async fn sweep(&self) -> usize {
        let (plan, done) = reaping::sweep(&self.app).await.unwrap();
        assert!(done.is_empty() && plan.skipped.is_empty(), "{:?}", plan.skipped);
        plan.reported.len() + plan.waiting.len()
    }

    /// A whole sweep that marks all there is to mark, and writes to the owners. Says how many objects that were.
    pub(crate) async fn mark(&self) -> usize {
        let (plan, done) = reaping::sweep(&self.app).await.unwrap();
        assert!(plan.skipped.is_empty() && done.iter().all(|done| done.outcome == "its owner is told"));
        self.clock.advance(TimeDelta::minutes(1));
        done.len()
    }
}

fn database(course: &str, directory: &TempDir, now: DateTime<Utc>) -> Db {
    let url = format!("sqlite://{}", directory.path().join("load.sqlite").display());
    let db = Db::open(&url.parse().unwrap()).unwrap();
    db.migrate().unwrap();
    let course = CourseFile::parse("course.toml", course).unwrap().check("course.toml").unwrap();
    db.write_blocking("apply", |conn| courses::apply(conn, &course, now)).unwrap();
    db
}

async fn enrol(app: &Arc<App>) {
    let inner = app.clone();
    let enrolled = app.db.write::<_, DbError, _>("people", move |conn| {
        for number in 0..PEOPLE {
            people::ensure_person(
                &inner,
                conn,
                &net_id(number).parse().unwrap(),
                "A student",
                Role::Student,
            )?;
        }
        Ok(())
    });
    enrolled.await.unwrap();
}

fn net_id(number: u32) -> String {
    format!("ab{}", number % PEOPLE)
}

/// A server with what belongs to it: its port, and now and then a lease, a network, an address and what others have.
fn fill(cloud: &SimulatedCloud, number: u32, now: DateTime<Utc>) {
    // A third of the servers has been there for longer than any lab allows.
    let made_at = now - TimeDelta::hours(i64::from(number % 12)) - TimeDelta::minutes(10);
    let (owner, cluster) = (net_id(number / 3), number / 3);
    let put = |kind: Kind, name: &str, change: &dyn Fn(&mut Object)| {
        let mut object = Object::by_hand(kind, &format!("{}-{number:08x}", kind.word()), name, made_at);
        change(&mut object);
        cloud.put(&object).unwrap();
    };
    let reservation = format!("reservation-{cluster}");
    put(Kind::Server, &format!("node{}-cloud-{owner}", number % 3), &|it| {
        it.survey.backing = Backing::Reservation(reservation.clone());
        it.survey.condition = Some(Condition::InUse);
    });
    put(Kind::Port, "", &|it| {
        it.uses = vec![format!("network-{:08x}", cluster * 3)];
        it.survey.attached = Some(vec![format!("server-{number:08x}")]);
    });
    if number.is_multiple_of(3) {
        put(Kind::Lease, &format!("lease_cloud_{owner}"), &|it| {
            it.survey.span = Interval::new(made_at, made_at + TimeDelta::hours(24));
            it.survey.reservations = vec![reservation.clone()];
            it.survey.charged = vec![("m1.medium".to_owned(), 3)];
        });
        put(Kind::Network, &format!("private_net_{owner}"), &|_| {});
        put(Kind::Subnet, &format!("private_subnet_{owner}"), &|it| {
            it.survey.attached = Some(vec![format!("network-{number:08x}")]);
        });
        put(Kind::FloatingIp, "198.18.0.1", &|it| it.survey.hints.description = Some(format!("of {owner}")));
    }
    if number.is_multiple_of(10) {
        // On bare metal a site may not tell what a server runs on; then no lease is known to be idle.
        put(Kind::Container, &format!("metal-cloud-{owner}"), &|it| {
            it.created_at = now - TimeDelta::hours(7);
        });
        let idle = format!("lease-idle-{number:08x}");
        let mut lease = Object::by_hand(Kind::Lease, &idle, &format!("spare_cloud_{owner}"), made_at);
        lease.survey.span = Interval::new(now - TimeDelta::hours(6), now + TimeDelta::hours(24));
        lease.survey.reservations = vec![idle];
        cloud.put(&lease).unwrap();
        put(Kind::Volume, "of another course", &|it| it.survey.belongs = Belongs::Others);
        let mark = Mark {
            instance: InstanceId::from_bits(OTHERS),
            booking: BookingId::from_bits(number.into()),
            key: "router".parse().unwrap(),
        };
        put(Kind::Router, &mark.name("k8s"), &|_| {});
    }
}
