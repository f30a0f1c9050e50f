//! What the week of a lab costs one person, as a pool's history grows: on a pool of 200 units, with 1,000 and with 100,000
//! bookings behind it. Prints times and their ratio; the goal is a ratio below 1.3.
//!
//! `cargo bench --bench availability` measures on SQLite, and on the PostgreSQL server whose maintenance database
//! `FAIRLEASE_TEST_POSTGRES` names, if it does.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops where it can't go on, prints, and reads the machine's time"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use fairlease::clock::ManualClock;
use fairlease::cloud::port::Clouds;
use fairlease::config::course_file::CourseFile;
use fairlease::db::{self, Db, DbError, DbUrl, Installation};
use fairlease::domain::ids::InstanceId;
use fairlease::domain::person::{Person, Role};
use fairlease::entropy::SeededEntropy;
use fairlease::mail::delivery::{FileMailer, Sender};
use fairlease::services::health::Watch;
use fairlease::services::labs::{self, Look};
use fairlease::services::{App, Wake, courses, people};
use tempfile::TempDir;

const EXAMPLE: &str = include_str!("../docs/examples/course.toml");
const ROUNDS: usize = 60;
const HISTORIES: [usize; 2] = [1_000, 100_000];

/// Bookings of two hours, each a quarter of an hour after the one before it, back from the start of February 2025, and the
/// cells that they held.
const ON_SQLITE: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < COUNT)
    INSERT INTO bookings (id, person_id, lab_id, pool_id, label, units, servers, start_at, end_at, held_from, su_per_hour, state, reason,
        released_at, ended_at, version, created_at, waived)
    SELECT printf('%012d', i), PERSON, 'k8s', 'kvm-clusters', 'x', 1, 3, t, t + 7200000000, t, 0, 'ended', 'expired',
        t + 7200000000, t + 7200000000, 1, t, 0 FROM (SELECT i, 1738000000000000 - i * 900000000 AS t FROM n);
    INSERT OR IGNORE INTO occupancy (pool_id, cell, capacity, booked)
    SELECT DISTINCT pool_id, start_at / 1800000000 * 1800000000, 200, 8 FROM bookings;
    ANALYZE;";
const ON_POSTGRES: &str = "
    INSERT INTO bookings (id, person_id, lab_id, pool_id, label, units, servers, start_at, end_at, held_from, su_per_hour, state, reason,
        released_at, ended_at, version, created_at, waived)
    SELECT lpad(i::text, 12, '0'), PERSON, 'k8s', 'kvm-clusters', 'x', 1, 3, t, t + interval '2 hours', t, 0, 'ended', 'expired',
        t + interval '2 hours', t + interval '2 hours', 1, t, 0
    FROM (SELECT i, to_timestamp(1738000000 - i * 900) AS t FROM generate_series(1, COUNT) i) h;
    INSERT INTO occupancy (pool_id, cell, capacity, booked)
    SELECT DISTINCT pool_id, to_timestamp(floor(extract(epoch FROM start_at) / 1800) * 1800), 200, 8 FROM bookings
    ON CONFLICT DO NOTHING;
    ANALYZE;";

/// A course with a pool of 200 units and one person who looks.
fn app(url: &DbUrl, directory: &TempDir) -> Arc<App> {
    let db = Db::open(url).unwrap();
    db.migrate().unwrap();
    let text = EXAMPLE.replace("capacity = 30 ", "capacity = 200 ");
    let course = CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap();
    let now = "2025-02-07T12:00:00Z".parse().unwrap();
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
        mailer: Arc::new(FileMailer::open(directory.path().join("mail"), sender).unwrap()),
        public_url: String::new(),
        claim: chrono::TimeDelta::seconds(60),
        wake: Wake::default(),
        sweeping: tokio::sync::Mutex::default(),
    })
}

fn person(app: &App, net_id: &str) -> Person {
    let made = app.db.write_blocking::<_, DbError>("person", |conn| {
        people::ensure_person(app, conn, &net_id.parse().unwrap(), net_id, Role::Student)
    });
    made.unwrap()
}

fn add_history(url: &DbUrl, owner: &Person, count: usize) {
    let fill =
        |sql: &str| sql.replace("COUNT", &count.to_string()).replace("PERSON", &format!("'{}'", owner.id));
    match url {
        DbUrl::Sqlite(path) => SqliteConnection::establish(path).unwrap().batch_execute(&fill(ON_SQLITE)),
        DbUrl::Postgres(url) => PgConnection::establish(url).unwrap().batch_execute(&fill(ON_POSTGRES)),
    }
    .unwrap();
}

/// The median time of two weeks of starts.
async fn two_weeks(app: &Arc<App>, student: &Person) -> Duration {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let (inner, student) = (app.clone(), student.clone());
        let began = Instant::now();
        let seen = app.db.read::<_, DbError, _>("weeks", move |conn| {
            let first: NaiveDate = "2025-02-07".parse().unwrap();
            let lab = "k8s".parse().unwrap();
            for date in [first, first + Days::new(7)] {
                labs::lab(&inner, conn, &student, &lab, &Look { date: Some(date), ..Look::default() })?;
            }
            db::outbox_counts(conn)
        });
        seen.await.unwrap();
        times.push(began.elapsed());
    }
    times.sort();
    times.swap_remove(ROUNDS / 2)
}

async fn measure(name: &str, url_of: impl Fn(&TempDir, usize) -> DbUrl) {
    let mut medians = Vec::new();
    for history in HISTORIES {
        let directory = TempDir::new().unwrap();
        let url = url_of(&directory, history);
        let app = app(&url, &directory);
        let (student, others) = (person(&app, "ff524"), person(&app, "others0"));
        add_history(&url, &others, history);
        two_weeks(&app, &student).await;
        let median = two_weeks(&app, &student).await;
        println!("{name}: two weeks of starts with {history} bookings behind: {median:?}");
        medians.push(median.as_secs_f64());
    }
    if let [few, many] = medians[..] {
        println!("{name}: ratio {:.2}", many / few);
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        measure("SQLite", |directory, _| {
            format!("sqlite://{}", directory.path().join("b.sqlite").display()).parse().unwrap()
        })
        .await;
        let Ok(server) = std::env::var("FAIRLEASE_TEST_POSTGRES") else { return };
        let name = |history| format!("fairlease_bench_{}_{history}", std::process::id());
        let tell = |sql: String| PgConnection::establish(&server).unwrap().batch_execute(&sql).unwrap();
        let base = server.rsplit_once('/').unwrap().0;
        measure("PostgreSQL", |_, history| {
            tell(format!("CREATE DATABASE {}", name(history)));
            format!("{base}/{}", name(history)).parse().unwrap()
        })
        .await;
        for history in HISTORIES {
            tell(format!("DROP DATABASE {} WITH (FORCE)", name(history)));
        }
    });
}
