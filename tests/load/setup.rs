//! A course in the middle of its term, and the service that shows it.

use std::net::TcpListener;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fairlease::clock::ManualClock;
use fairlease::cloud::port::Clouds;
use fairlease::config::course_file::CourseFile;
use fairlease::db::{self, Db, DbError, Installation};
use fairlease::domain::audit::Doer;
use fairlease::domain::course::Course;
use fairlease::domain::ids::{InstanceId, NoticeId, PersonId};
use fairlease::domain::interval::Interval;
use fairlease::domain::notice::{Notice, Topic};
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::SeededEntropy;
use fairlease::mail::delivery::{FileMailer, Sender};
use fairlease::mail::envelope::Head;
use fairlease::services::booking::{self, Wish};
use fairlease::services::health::Watch;
use fairlease::services::sessions::{self, SignIn};
use fairlease::services::{App, Wake, courses, people};
use fairlease::web::{self, Demo, WebState};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tokio::sync::watch;
use toml::{Table, Value};

const EXAMPLE: &str = include_str!("../../docs/examples/course.toml");
/// A Saturday; the labs are due after the two weeks that are looked at.
const NOW: &str = "2025-02-08T15:00:00Z";
const DUE: &str = "2025-02-27T23:59:00";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti student@example.edu";
const STUDENTS: u64 = 191;
const MAILS: u64 = 300;
/// The labs of the course. Nobody has days of their own in them, so that every start is free and weeks are as large as they get.
pub(crate) const LABS: [&str; 5] = ["k8s", "gpu", "store", "train", "serve"];

/// Bookings of two hours, each a quarter of an hour after the one before it, up to the day before. The latest 50 of each
/// student are theirs; those before are of students of earlier terms.
const HISTORY: &str = "
    CREATE TEMP TABLE present AS SELECT row_number() OVER (ORDER BY id) - 1 AS i, id FROM people;
    CREATE TEMP TABLE taught AS SELECT row_number() OVER (ORDER BY id) - 1 AS i, id FROM labs;
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
    INSERT INTO people (id, net_id, name, mail, admin, choices, created_at)
    SELECT printf('%012d', i), 'earlier' || i, 'x', 'x@example.edu', 0, (SELECT choices FROM people LIMIT 1), 1
    FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < COUNT)
    INSERT INTO bookings (id, person_id, lab_id, pool_id, label, units, servers, start_at, end_at, held_from, su_per_hour, state, reason,
        released_at, ended_at, version, created_at, waived)
    SELECT printf('%012d', h.i), CASE WHEN h.i <= 191 * 50 THEN present.id ELSE printf('%012d', h.i % 2000) END, taught.id,
        'kvm-clusters', 'x', 1, 3, t, t + 7200000000, t, 0, 'ended', 'expired', t + 7200000000, t + 7200000000, 1, t, 0
    FROM (SELECT i, 1738940400000000 - i * 900000000 AS t FROM n) h
    JOIN present ON present.i = h.i % 191 JOIN taught ON taught.i = h.i % 5;
    INSERT OR IGNORE INTO occupancy (pool_id, cell, capacity, booked)
    SELECT DISTINCT pool_id, start_at / 1800000000 * 1800000000, 30, 8 FROM bookings;";

/// A student with a session and a booking that is ahead.
pub(crate) struct Student {
    pub(crate) cookie: String,
    #[allow(dead_code, reason = "not every bench asks for it")]
    pub(crate) booking: String,
}

/// The service on a database of its own. It stops when this is dropped.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) students: Vec<Student>,
    #[allow(dead_code, reason = "not every bench works beside the pages")]
    pub(crate) app: Arc<App>,
    stop: watch::Sender<bool>,
    _directory: TempDir,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Service {
    /// Starts it with so many bookings behind.
    pub(crate) async fn start(history: usize) -> Self {
        let directory = TempDir::new().unwrap();
        let app = app(&directory);
        let mut people = Vec::new();
        for number in 0..STUDENTS {
            people.push(person(&app, number));
        }
        add_history(&directory, history);
        let mut students = Vec::new();
        for (number, person) in people.into_iter().enumerate() {
            students.push(student(&app, person, number).await);
        }
        fill_mailbox(&app).await;
        let (stop, stopped) = watch::channel(false);
        let demo = Demo { mailbox: Some(mailbox(&directory)), simulated: true, people: Vec::new() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = WebState { demo: Some(demo), ..WebState::new(app.clone(), stopped) };
        std::thread::spawn(move || runtime().block_on(web::serve(listener, state)).unwrap());
        Self { url, students, app, stop, _directory: directory }
    }
}

/// A runtime of its own, for the service or for those who ask it.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

fn mailbox(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("mailbox")
}

fn database(directory: &TempDir) -> String {
    directory.path().join("load.sqlite").display().to_string()
}

/// The example's course, with more labs.
fn course() -> Course {
    let mut file: Table = toml::from_str(EXAMPLE).unwrap();
    if let Some(Value::Array(sites)) = file.get_mut("site") {
        let site = sites.first_mut().and_then(Value::as_table_mut).unwrap();
        site.insert("leases".to_owned(), false.into());
    }
    if let Some(Value::Array(labs)) = file.get_mut("lab") {
        let mut lab = labs.remove(0);
        let table = lab.as_table_mut().unwrap();
        table.insert("due".to_owned(), Value::Datetime(DUE.parse().unwrap()));
        table.get_mut("policy").and_then(Value::as_table_mut).unwrap().remove("parity");
        labs.extend(LABS.map(|id| {
            let mut lab = lab.clone();
            lab.as_table_mut().unwrap().insert("id".to_owned(), id.into());
            lab
        }));
    }
    CourseFile::parse("course.toml", &file.to_string()).unwrap().check("course.toml").unwrap()
}

fn app(directory: &TempDir) -> Arc<App> {
    let db = Db::open(&format!("sqlite://{}", database(directory)).parse().unwrap()).unwrap();
    db.migrate().unwrap();
    let now: DateTime<Utc> = NOW.parse().unwrap();
    let course = course();
    db.write_blocking("apply", |conn| courses::apply(conn, &course, now)).unwrap();
    let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
    let own = Installation::new(InstanceId::from_bits(1), "a key for tests".to_owned());
    let own = db.installation(&own).unwrap();
    Arc::new(App {
        instance: own.id,
        link_key: own.link_key,
        db,
        clock: Arc::new(ManualClock::at(now)),
        entropy: Arc::new(SeededEntropy::new(1)),
        clouds: Clouds::new(),
        watch: Arc::new(Watch::new().unwrap()),
        mailer: Arc::new(FileMailer::open(mailbox(directory), sender).unwrap()),
        public_url: String::new(),
        claim: TimeDelta::seconds(60),
        wake: Wake::default(),
        sweeping: tokio::sync::Mutex::default(),
    })
}

fn person(app: &App, number: u64) -> Person {
    let net_id = format!("ab{number}").parse().unwrap();
    let made = app.db.write_blocking::<_, DbError>("person", |conn| {
        let person = people::ensure_person(app, conn, &net_id, "A student", Role::Student)?;
        db::set_ssh_public_key(conn, &person.id, KEY)?;
        Ok(Person { ssh_public_key: Some(KEY.to_owned()), ..person })
    });
    made.unwrap()
}

async fn student(app: &Arc<App>, person: Person, number: usize) -> Student {
    let begun = app.db.write_blocking::<_, DbError>("session", |conn| {
        sessions::begin(app, conn, &Doer::itself(), &person.id, &SignIn::default())
    });
    let ahead = TimeDelta::minutes(30 * i64::try_from(number % 96).unwrap());
    let start = app.clock.now() + TimeDelta::hours(2) + ahead;
    let slot = Interval::new(start, start + TimeDelta::hours(2)).unwrap();
    let wish = Wish { person, lab: LABS.first().unwrap().parse().unwrap(), slot, idempotency_key: None };
    let made = booking::book(app, wish).await.unwrap();
    Student {
        cookie: format!("fairlease-session={}", begun.unwrap().token.expose_secret()),
        booking: format!("/bookings/{}", made.id),
    }
}

fn add_history(directory: &TempDir, count: usize) {
    let sql = format!("BEGIN; {} COMMIT;", HISTORY.replace("COUNT", &count.to_string()));
    SqliteConnection::establish(&database(directory)).unwrap().batch_execute(&sql).unwrap();
}

async fn fill_mailbox(app: &App) {
    let now = app.clock.now();
    for number in 0..MAILS {
        let mail = Notice {
            topic: Topic::Booking,
            id: NoticeId::from_bits(number),
            dedupe_key: String::new(),
            person: Some(PersonId::from_bits(number)),
            recipient: "ab1@example.edu".to_owned(),
            subject: format!("Booked: Kubernetes cluster, the {number}th"),
            body: "It is yours.\n".repeat(30),
            calendar: None,
            created_at: now - TimeDelta::minutes(i64::try_from(number).unwrap()),
            stale_at: None,
            attempts: 0,
        };
        app.mailer.send(&mail, &Head::default()).await.unwrap();
    }
}
