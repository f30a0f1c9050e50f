//! One booking on real services, reached through a proxy of its own: the whole service in this process, its pages
//! included, on a database of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::{Clock as _, ManualClock, SystemClock};
use fairlease::cloud::openstack::{Limits, OpenStackCloud, load};
use fairlease::cloud::port::{Cloud, Clouds};
use fairlease::db::{self, Db, DbError, Installation};
use fairlease::domain::audit::Doer;
use fairlease::domain::booking::Booking;
use fairlease::domain::course::{CloudName, Course};
use fairlease::domain::ids::{BookingId, InstanceId};
use fairlease::domain::interval::Interval;
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::{Entropy as _, OsEntropy};
use fairlease::services::booking::{BookingView, Wish};
use fairlease::services::health::Watch;
use fairlease::services::sessions::{self, SignIn};
use fairlease::services::{App, Wake, booking, courses, people};
use fairlease::web::{self, WebState};
use fairlease::worker;
use reqwest::header::COOKIE;
use scraper::{Html, Selector};
use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use super::proxy::Proxy;
use super::step::{Phase, Step};
use crate::support::bed::{self, Bed, ids};
use crate::support::visitor::client;
use crate::world::database::Database;
use crate::world::{Backend, KEY, Postbox, course};

/// Between two looks at a site that is at work.
const PAUSE: Duration = Duration::from_millis(500);
/// What a site that is at work is given between two looks, by the service's clock.
const POLL: TimeDelta = TimeDelta::milliseconds(1100);
/// More looks than any life takes.
const MANY: usize = 600;
/// Longer than a server may take to come up.
const TOO_LONG: TimeDelta = TimeDelta::minutes(31);

/// A booking, its student and all that serves them.
pub(super) struct Scene {
    pub(super) proxy: Proxy,
    pub(super) booking: BookingId,
    pub(super) database: Database,
    app: Arc<App>,
    clock: Arc<ManualClock>,
    student: Person,
    url: String,
    cookie: String,
    stop: watch::Sender<bool>,
    /// Pauses that nobody waited for.
    skipped: Mutex<TimeDelta>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// What the student was told on the way.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// What came of each call that something befell.
    pub(super) told: BTreeMap<Step, Told>,
    /// What went wrong besides, by itself.
    pub(super) besides: Vec<String>,
    /// What was amiss with the page, or with the end.
    pub(super) complaints: Vec<String>,
}

/// What came of a call that something befell.
#[derive(Debug, Default, Clone)]
pub(super) struct Told {
    /// What the page said was wrong, once for each time that it was tried again.
    pub(super) troubles: Vec<String>,
    /// Until nothing was wrong any more, pauses included.
    pub(super) took: TimeDelta,
}

/// The example's lab with one server, at any time, and made at once.
fn one_server() -> Course {
    let mut course = course(&[("lead_minutes = 30 ", "lead_minutes = 240 ")]);
    for site in &mut course.sites {
        site.cloud = CloudName::OpenStack(bed::CLOUD.to_owned());
    }
    for lab in &mut course.labs {
        lab.policy.parity = None;
        lab.due = None;
        lab.term_end = None;
        lab.blueprint.servers.truncate(1);
    }
    course
}

impl Scene {
    /// Books at a site that is reached through a proxy; a call may take as long as `patience`.
    pub(super) async fn set(bed: &Bed, patience: Duration) -> Self {
        let mut entry = load(&[bed.clouds_yaml().to_owned()], bed::CLOUD).unwrap();
        let proxy = Proxy::before(&entry.auth_url).await;
        entry.auth_url = proxy.auth_url();
        let database = Database::create(Backend::Sqlite);
        let db = Db::open(&database.url()).unwrap();
        db.migrate().unwrap();
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let course = one_server();
        let slot = slot(&course, clock.now());
        db.write("apply", move |conn| courses::apply(conn, &course, SystemClock.now())).await.unwrap();
        let limits = Limits { call: patience, ..Limits::default() };
        let cloud: Arc<dyn Cloud> = Arc::new(OpenStackCloud::new(entry, limits, clock.clone()).unwrap());
        let own = Installation::new(InstanceId::from_bits(OsEntropy.bits()), OsEntropy.secret());
        let own = db.installation(&own).unwrap();
        let app = Arc::new(App {
            instance: own.id,
            link_key: own.link_key,
            db,
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            clouds: Clouds::from([("kvm-tacc".parse().unwrap(), cloud)]),
            mailer: Arc::new(Postbox::default()),
            public_url: String::new(),
            claim: TimeDelta::seconds(120),
            wake: Wake::default(),
            sweeping: tokio::sync::Mutex::default(),
            watch: Arc::new(Watch::new().unwrap()),
        });
        let (student, cookie) = sign_in(&app).await;
        let wish = Wish { person: student.clone(), lab: "k8s".parse().unwrap(), slot, idempotency_key: None };
        let booking = booking::book(&app, wish).await.unwrap().id;
        let (url, stop) = serve(&app);
        Self { proxy, booking, database, app, clock, student, url, cookie, stop, skipped: Mutex::default() }
    }

    /// The booking as it is now.
    pub(super) async fn view(&self) -> BookingView {
        let (app, student, id) = (self.app.clone(), self.student.clone(), self.booking.clone());
        self.app.db.read("view", move |conn| booking::view(&app, conn, &student, &id)).await.unwrap()
    }

    /// Gives the booking back.
    pub(super) async fn release(&self) {
        self.clock.set(self.clock.now().max(SystemClock.now()));
        self.proxy.enter(Phase::Deleting);
        booking::release(&self.app, self.student.clone(), self.booking.clone()).await.unwrap();
    }

    /// Works until the booking is in this state or has ended, and tells what its page said meanwhile. Pauses after a
    /// failure are the clock's; what the site needs for itself takes its time.
    pub(super) async fn work_until(&self, goal: &str) -> Heard {
        let mut heard = Heard::default();
        let (mut seen, mut pauses) = (self.proxy.struck().len(), BTreeSet::new());
        let mut open: Vec<(Step, DateTime<Utc>)> = Vec::new();
        for _ in 0..MANY {
            let now = self.lived();
            let worked = worker::step(&self.app).await.unwrap();
            let booking = self.view().await.booking;
            let struck = self.proxy.struck().split_off(seen);
            seen += struck.len();
            if !struck.is_empty() {
                open = struck.into_iter().map(|step| (step, now)).collect();
            }
            for (step, began) in &open {
                heard.told.entry(step.clone()).or_default().took = self.lived() - *began;
            }
            match &booking.trouble {
                Some(trouble) if pauses.insert(booking.next_step_at) => {
                    self.read_trouble(trouble, &mut heard.complaints).await;
                    if open.is_empty() {
                        heard.besides.push(trouble.clone());
                    }
                    for (step, _) in &open {
                        heard.told.entry(step.clone()).or_default().troubles.push(trouble.clone());
                    }
                }
                Some(_) => {}
                None => open.clear(),
            }
            if [goal, "ended"].contains(&booking.state.word()) {
                return heard;
            }
            if !worked {
                self.pause(&booking).await;
            }
        }
        heard.complaints.push(format!("it did not become {goal}"));
        heard
    }

    async fn read_trouble(&self, trouble: &str, complaints: &mut Vec<String>) {
        if !self.page().await.contains(trouble) {
            complaints.push(format!("the page does not say: {trouble}"));
        }
    }

    /// The time, with the pauses that were skipped.
    fn lived(&self) -> DateTime<Utc> {
        SystemClock.now() + *self.skipped.lock().unwrap()
    }

    async fn pause(&self, booking: &Booking) {
        let now = self.clock.now();
        let next = booking.next_step_at.unwrap_or(now + POLL);
        if booking.trouble.is_some() {
            *self.skipped.lock().unwrap() += (next - now).max(TimeDelta::zero());
            self.clock.set(next);
            return;
        }
        tokio::time::sleep(PAUSE).await;
        self.clock.advance(POLL);
    }

    /// Lets a time go by in which any server should have come up.
    pub(super) fn wait_too_long(&self) {
        self.clock.advance(TOO_LONG);
    }

    /// Works until no more than `left` of what is planned is to come.
    pub(super) async fn work_until_due(&self, left: usize) {
        for _ in 0..MANY {
            let worked = worker::step(&self.app).await.unwrap();
            if self.proxy.due() <= left {
                return;
            }
            if !worked {
                self.pause(&self.view().await.booking).await;
            }
        }
        panic!("{} faults did not come to pass", self.proxy.due() - left);
    }

    /// The words of the booking's page.
    pub(super) async fn page(&self) -> String {
        let page =
            client().get(format!("{}/bookings/{}", self.url, self.booking)).header(COOKIE, &self.cookie);
        let page = page.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        let main = Html::parse_document(&page);
        let main = main.select(&Selector::parse("main").unwrap()).next().unwrap().text().collect::<String>();
        main.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What is left of the booking at the site, or missing of what others have there: nothing, if all is well.
    pub(super) async fn amiss(&self, bed: &Bed, others: &BTreeSet<String>) -> Vec<String> {
        let objects = bed.objects().await;
        let there = ids(&objects);
        let mut amiss = Vec::new();
        for (kind, list) in &objects {
            let marked = list.iter().filter(|object| object.to_string().contains(self.booking.as_str()));
            amiss.extend(marked.map(|object| format!("left: {kind} {}", object["id"])));
        }
        amiss.extend(self.proxy.made().intersection(&there).map(|id| format!("left: {id}")));
        amiss.extend(others.difference(&there).map(|id| format!("of others, and gone: {id}")));
        amiss
    }
}

/// From the next start on.
fn slot(course: &Course, now: DateTime<Utc>) -> Interval {
    let pool = &course.pools[0];
    let start = pool.ceil(now) + pool.grid();
    Interval::new(start, start + TimeDelta::hours(4)).unwrap()
}

async fn sign_in(app: &Arc<App>) -> (Person, String) {
    let inner = app.clone();
    let signed_in = app.db.write::<_, DbError, _>("student", move |conn| {
        let person =
            people::ensure_person(&inner, conn, &"ff524".parse().unwrap(), "A student", Role::Student)?;
        people::set_key(&inner, conn, &Doer::itself(), &person.id, &people::read_key(KEY).unwrap())?;
        let session = sessions::begin(&inner, conn, &Doer::itself(), &person.id, &SignIn::default())?;
        Ok((
            db::person(conn, &person.id)?.unwrap(),
            format!("fairlease-session={}", session.token.expose_secret()),
        ))
    });
    signed_in.await.unwrap()
}

/// Serves the pages, and says where.
fn serve(app: &Arc<App>) -> (String, watch::Sender<bool>) {
    let (stop, stopped) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let state = WebState::new(app.clone(), stopped);
    tokio::spawn(web::serve(listener, state));
    (url, stop)
}
