//! A small world for tests in one process: a real database of its own, a clock that stands still, the simulated cloud,
//! and a mailer that keeps what it is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use fairlease::clock::{Clock, ManualClock};
use fairlease::cloud::metered::Metered;
use fairlease::cloud::port::{Cloud, Clouds};
use fairlease::cloud::simulated::{Faults, Object, Profile, SimulatedCloud};
use fairlease::config::course_file::CourseFile;
use fairlease::db::{self, Db, DbError, DbUrl, Installation};
use fairlease::domain::audit::Doer;
use fairlease::domain::booking::{Booking, State};
use fairlease::domain::calendar;
use fairlease::domain::course::Course;
use fairlease::domain::ids::{BookingId, InstanceId, SiteId};
use fairlease::domain::interval::Interval;
use fairlease::domain::notice::Notice;
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::SeededEntropy;
use fairlease::mail::delivery::{Mailer, SendError};
use fairlease::mail::envelope::Head;
use fairlease::services::booking::{BookingError, BookingView, Wish};
use fairlease::services::health::Watch;
use fairlease::services::{App, Wake, booking, courses, people};
use fairlease::worker;

pub(crate) mod database;
pub(crate) mod served;

pub(crate) use database::{Backend, Database};

/// A public key that nobody has the private half of.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti student@example.edu";

/// The example course, from which tests make theirs.
pub(crate) const EXAMPLE: &str = include_str!("../../docs/examples/course.toml");

/// Makes two tests of one: on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($backend:ident: Backend) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "each test uses some of what its file imports")]
            use super::*;
            use $crate::world::Backend;

            async fn test($backend: Backend) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                test(Backend::Sqlite).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                test(Backend::Postgres).await;
            }
        }
    )*};
}
pub(crate) use on_both_databases;

/// Keeps what it is given, and fails as often as it is told to.
#[derive(Debug, Default)]
pub(crate) struct Postbox {
    pub(crate) mails: Mutex<Vec<Notice>>,
    pub(crate) refusals: Mutex<usize>,
}

#[async_trait]
impl Mailer for Postbox {
    async fn send(&self, notice: &Notice, _: &Head) -> Result<(), SendError> {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return Err(SendError::passing("421 come back later"));
        }
        self.mails.lock().unwrap().push(notice.clone());
        Ok(())
    }
}

/// "2025-02-08T10:00" in New York.
pub(crate) fn local(text: &str) -> DateTime<Utc> {
    calendar::instant(New_York, NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap())
}

/// From one local time to another.
pub(crate) fn slot(start: &str, end: &str) -> Interval {
    Interval::new(local(start), local(end)).unwrap()
}

/// The example course as its file has it, with some text replaced.
pub(crate) fn course(replace: &[(&str, &str)]) -> Course {
    let text = replace.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example has no \"{from}\"");
        text.replace(from, to)
    });
    CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap()
}

/// A second pool, at this site, and a lab on it, in the place of the line that begins the example's lab.
pub(crate) fn gpu_lab(site: &str) -> String {
    format!(
        r#"
[[pool]]
id = "gpus"
site = "{site}"
capacity = 30

[[lab]]
id = "gpu"
title = "Train a model"
pool = "gpus"
summary = "Train a model on a GPU."
open = 2025-01-31T00:00

[lab.policy]
cap_hours = 8
bookings_ahead = 2

[lab.blueprint]
network = [{{ name = "private", cidr = "192.168.1.0/24", external = "public" }}]
login = "cc"
open_tcp_ports = [22]
server = [{{ name = "gpu1", image = "CC-Ubuntu24.04", flavor = "m1.medium" }}]

[[lab]]"#
    )
}

/// Someone of staff who is in no table.
pub(crate) fn ta() -> Doer {
    Doer::command().named("ta77")
}

pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) cloud: Arc<SimulatedCloud>,
    pub(crate) postbox: Arc<Postbox>,
    database: Arc<Database>,
}

/// One site whose calls are heard, as a process has it.
pub(crate) fn metered(
    site: &str,
    cloud: Arc<dyn Cloud>,
    clock: &Arc<ManualClock>,
    watch: &Arc<Watch>,
) -> Clouds {
    let site: SiteId = site.parse().unwrap();
    let metered: Arc<dyn Cloud> = Arc::new(Metered::new(site.clone(), cloud, clock.clone(), watch.clone()));
    Clouds::from([(site, metered)])
}

impl World {
    /// The example course on Saturday 8 February 2025 at 09:10 in New York, and a cloud that answers at once.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::with(backend, course(&[]), Profile::instant()).await
    }

    pub(crate) async fn with(backend: Backend, course: Course, profile: Profile) -> Self {
        Self::on(Database::create(backend), course, profile).await
    }

    /// The same at another time.
    pub(crate) async fn since(backend: Backend, course: Course, at: &str) -> Self {
        Self::begun(Database::create(backend), course, Profile::instant(), at).await
    }

    /// The same on this new database.
    pub(crate) async fn on(database: Database, course: Course, profile: Profile) -> Self {
        Self::begun(database, course, profile, "2025-02-08T09:10").await
    }

    async fn begun(database: Database, course: Course, profile: Profile, at: &str) -> Self {
        let database = Arc::new(database);
        let db = Db::open(&database.url()).unwrap();
        db.migrate().unwrap();
        let clock = Arc::new(ManualClock::at(local(at)));
        let now = clock.now();
        db.write("apply", move |conn| courses::apply(conn, &course, now)).await.unwrap();
        Self::around(database, db, clock, profile, Faults::none(), 1)
    }

    /// A world with the same database and clock, and a new empty cloud with these faults.
    pub(crate) fn with_faults(&self, profile: Profile, faults: Faults, seed: u64) -> Self {
        Self::around(self.database.clone(), self.app.db.clone(), self.clock.clone(), profile, faults, seed)
    }

    fn around(
        database: Arc<Database>,
        db: Db,
        clock: Arc<ManualClock>,
        profile: Profile,
        faults: Faults,
        seed: u64,
    ) -> Self {
        let entropy = Arc::new(SeededEntropy::new(seed));
        let cloud = Arc::new(SimulatedCloud::in_memory(profile, faults, clock.clone(), entropy.clone()));
        let postbox = Arc::new(Postbox::default());
        let watch = Arc::new(Watch::new().unwrap());
        let own = Installation::new(InstanceId::from_bits(7), "a key for tests".to_owned());
        let own = db.installation(&own).unwrap();
        let app = App {
            instance: own.id,
            link_key: own.link_key,
            db,
            clock: clock.clone(),
            entropy,
            clouds: metered("kvm-tacc", cloud.clone(), &clock, &watch),
            watch,
            mailer: postbox.clone(),
            public_url: "https://fairlease.example.edu".to_owned(),
            claim: TimeDelta::seconds(90),
            wake: Wake::default(),
            sweeping: tokio::sync::Mutex::default(),
        };
        Self { app: Arc::new(app), clock, cloud, postbox, database }
    }

    /// A second process on the same database, which reaches this cloud and has eyes of its own.
    pub(crate) fn reaching(&self, cloud: Arc<dyn Cloud>) -> Arc<App> {
        let watch = Arc::new(Watch::new().unwrap());
        Arc::new(App {
            instance: self.app.instance.clone(),
            link_key: self.app.link_key.clone(),
            db: self.app.db.clone(),
            clock: self.clock.clone(),
            entropy: self.app.entropy.clone(),
            clouds: metered("kvm-tacc", cloud, &self.clock, &watch),
            watch,
            mailer: self.postbox.clone(),
            public_url: self.app.public_url.clone(),
            claim: self.app.claim,
            wake: Wake::default(),
            sweeping: tokio::sync::Mutex::default(),
        })
    }

    /// The same world in which the process reaches another site, too.
    pub(crate) fn reaching_also(mut self, site: &str, cloud: Arc<dyn Cloud>) -> Self {
        let app = Arc::try_unwrap(self.app).unwrap_or_else(|_| panic!("somebody else holds the app"));
        let mut clouds = metered(site, cloud, &self.clock, &app.watch);
        clouds.extend(app.clouds);
        self.app = Arc::new(App { clouds, ..app });
        self
    }

    /// A second process on the same database and cloud, with eyes of its own.
    pub(crate) fn beside(&self) -> Arc<App> {
        self.reaching(self.cloud.clone())
    }

    /// A second process on the same database and cloud with another way for mail to leave.
    pub(crate) fn beside_mailing_by(&self, mailer: Arc<dyn Mailer>) -> Arc<App> {
        let app = Arc::into_inner(self.beside()).unwrap();
        Arc::new(App { mailer, ..app })
    }

    /// The same world with another way for mail to leave.
    pub(crate) fn mailing_by(mut self, mailer: Arc<dyn Mailer>) -> Self {
        let app = Arc::try_unwrap(self.app).unwrap_or_else(|_| panic!("somebody else holds the app"));
        self.app = Arc::new(App { mailer, ..app });
        self
    }

    /// The same world whose pages people reach at this address.
    pub(crate) fn reached_at(mut self, public_url: &str) -> Self {
        let app = Arc::try_unwrap(self.app).unwrap_or_else(|_| panic!("somebody else holds the app"));
        self.app = Arc::new(App { public_url: public_url.to_owned(), ..app });
        self
    }

    /// A second process on the same database and cloud.
    pub(crate) fn database_url(&self) -> DbUrl {
        self.database.url()
    }

    /// A student with an SSH key.
    pub(crate) async fn student(&self, net_id: &str) -> Person {
        let (app, net_id) = (self.app.clone(), net_id.parse().unwrap());
        self.app
            .db
            .write::<_, DbError, _>("student", move |conn| {
                let person = people::ensure_person(&app, conn, &net_id, "A student", Role::Student)?;
                people::set_key(&app, conn, &Doer::itself(), &person.id, &people::read_key(KEY).unwrap())?;
                Ok(db::person(conn, &person.id)?.unwrap())
            })
            .await
            .unwrap()
    }

    /// The wish of `person` for the example's lab.
    pub(crate) fn wish(person: &Person, slot: Interval) -> Wish {
        Wish { person: person.clone(), lab: "k8s".parse().unwrap(), slot, idempotency_key: None }
    }

    pub(crate) async fn book(&self, person: &Person, slot: Interval) -> Booking {
        booking::book(&self.app, Self::wish(person, slot)).await.unwrap()
    }

    /// Asks for another end of the booking.
    pub(crate) async fn end_at(
        &self,
        person: &Person,
        id: &BookingId,
        end: DateTime<Utc>,
    ) -> Result<(), BookingError> {
        let start = {
            let id = id.clone();
            let found = self.app.db.read::<_, DbError, _>("start", move |conn| db::booking(conn, &id)).await;
            found.unwrap().unwrap().slot.start()
        };
        let slot = Interval::new(start, end).unwrap();
        booking::change(&self.app, person.clone(), id.clone(), slot).await
    }

    pub(crate) async fn view(&self, person: &Person, id: &BookingId) -> BookingView {
        let (app, person, id) = (self.app.clone(), person.clone(), id.clone());
        self.app.db.read("view", move |conn| booking::view(&app, conn, &person, &id)).await.unwrap()
    }

    pub(crate) async fn state(&self, person: &Person, id: &BookingId) -> State {
        self.view(person, id).await.booking.state
    }

    /// Works, and moves the clock where there is nothing due, until the booking is in a state with this name.
    pub(crate) async fn work_until(&self, person: &Person, id: &BookingId, word: &str) {
        for _ in 0..4000 {
            if self.state(person, id).await.word() == word {
                return;
            }
            if !worker::step(&self.app).await.unwrap() {
                self.clock.advance(TimeDelta::seconds(1));
            }
        }
        panic!("the booking did not become {word}: {:#?}", self.view(person, id).await);
    }

    /// Works until nothing is due.
    pub(crate) async fn work(&self) {
        while worker::step(&self.app).await.unwrap() {}
    }

    /// What the cloud holds, by name.
    pub(crate) fn held(&self) -> BTreeMap<String, Object> {
        self.cloud.objects().unwrap().into_iter().map(|object| (object.name.clone(), object)).collect()
    }

    /// Subjects of the mails that left, in order.
    pub(crate) fn subjects(&self) -> Vec<String> {
        self.postbox.mails.lock().unwrap().iter().map(|mail| mail.subject.clone()).collect()
    }

    /// Units that are held in the cell that starts then.
    pub(crate) async fn booked_at(&self, cell: &str) -> i32 {
        let at = local(cell);
        let span = Interval::new(at, at + TimeDelta::minutes(1)).unwrap();
        self.app
            .db
            .read::<_, DbError, _>("occupancy", move |conn| {
                let pool = db::pool(conn, &"kvm-clusters".parse().unwrap())?;
                Ok(pool.capacity_at(at) - db::occupancy(conn, &pool, &span)?.free(&pool, at))
            })
            .await
            .unwrap()
    }
}
