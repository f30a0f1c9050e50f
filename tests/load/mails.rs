//! 5,000 mails that are queued at once: how quickly they leave, against what the mail server takes from the same connections
//! without the outbox, how long a "ready" waits that is written in the middle of it, and what pages and bookings cost
//! meanwhile. The mail server takes 5 ms for a mail. Fails if less than half of the server's pace is reached, or if the one that is urgent
//! waits a second.
//!
//!     FAIRLEASE_TEST_PYTHON=python cargo bench --bench mails
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a load test stops where it can't go on, prints, and reads the machine's time"
)]

mod setup;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::db::{self, Conn, DbError};
use fairlease::domain::ids::{NoticeId, PersonId};
use fairlease::domain::interval::Interval;
use fairlease::domain::notice::{Notice, Topic};
use fairlease::mail::delivery::{CONNECTIONS, Mailer, Sender, SmtpMailer};
use fairlease::mail::envelope::Head;
use fairlease::services::booking::{self, Wish};
use fairlease::services::health::Watch;
use fairlease::services::{App, Wake, delivery};
use reqwest::Client;
use reqwest::header::COOKIE;
use setup::{LABS, Service};
use tempfile::TempDir;

const MAILS: u64 = 5_000;
/// Mails that are sent without the outbox.
const DIRECT: u64 = 1_000;
/// Of these, the "ready" is written when so many have left.
const MIDDLE: usize = 2_000;
const PACE_MS: u32 = 5;
/// Between one page and booking and the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How often pages and bookings are asked for, with nothing else to do.
const ASKED: usize = 60;
/// More bookings than there were students in earlier terms, so that each of those is there.
const HISTORY: usize = 10_000;
const EARLIER: u64 = 2_000;
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/smtp_server.py");

/// A mail server that takes its time.
struct MailServer {
    child: Child,
    directory: TempDir,
    url: String,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl MailServer {
    fn start() -> Self {
        let python = std::env::var("FAIRLEASE_TEST_PYTHON").expect("FAIRLEASE_TEST_PYTHON names a python");
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("pace"), PACE_MS.to_string()).unwrap();
        let mut child =
            Command::new(python).arg(SERVER).arg(directory.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("port ").unwrap_or_else(|| panic!("it said {line}")).to_owned();
        Self { child, directory, url: format!("smtp://127.0.0.1:{port}") }
    }

    /// When each mail was taken, with its Message-ID.
    fn log(&self) -> Vec<(String, f64)> {
        let text = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let line = |line: &str| {
            let mut parts = line.split(' ').skip(1);
            Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
        };
        text.lines().filter_map(line).collect()
    }

    fn mailer(&self) -> SmtpMailer {
        let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
        SmtpMailer::connect(&self.url, CONNECTIONS, sender).unwrap()
    }
}

fn notice(number: u64, topic: Topic, now: DateTime<Utc>) -> Notice {
    Notice {
        id: NoticeId::from_bits(1_000_000 + number),
        dedupe_key: format!("load/{number}"),
        topic,
        person: Some(PersonId::from_bits(0)),
        recipient: format!("ab{number}@example.edu"),
        subject: format!("Announcement {number}: the lab is deferred"),
        body: "The due date has moved. Your bookings stay.\n".repeat(20),
        calendar: None,
        created_at: now,
        stale_at: None,
        attempts: 0,
    }
}

/// The worker's side of the service: the same database, and mail by SMTP.
fn worker(service: &Service, mailer: Arc<dyn Mailer>) -> Arc<App> {
    let app = &service.app;
    Arc::new(App {
        db: app.db.clone(),
        clock: app.clock.clone(),
        entropy: app.entropy.clone(),
        clouds: app.clouds.clone(),
        watch: Arc::new(Watch::new().unwrap()),
        mailer,
        instance: app.instance.clone(),
        link_key: app.link_key.clone(),
        public_url: String::new(),
        claim: TimeDelta::seconds(90),
        wake: Wake::default(),
        sweeping: tokio::sync::Mutex::default(),
    })
}

/// Mails a second over the same number of connections, without the outbox.
async fn own_pace(server: &MailServer, now: DateTime<Utc>) -> f64 {
    let mailer = Arc::new(server.mailer());
    let began = Instant::now();
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..u64::from(CONNECTIONS) {
        let mailer = mailer.clone();
        lanes.spawn(async move {
            for number in (lane..DIRECT).step_by(CONNECTIONS.into()) {
                mailer
                    .send(&notice(MAILS * 2 + number, Topic::Announcement, now), &Head::default())
                    .await
                    .unwrap();
            }
        });
    }
    lanes.join_all().await;
    DIRECT as f64 / began.elapsed().as_secs_f64()
}

/// Puts all of them into the outbox in one transaction, each person of earlier terms two or three.
async fn queue(app: &Arc<App>) {
    let now = app.now();
    let fill = move |conn: &mut Conn<'_>| {
        for number in 0..MAILS {
            let person = Some(format!("{:012}", number % EARLIER).parse().unwrap());
            db::enqueue(conn, &Notice { person, ..notice(number, Topic::Announcement, now) })?;
        }
        Ok(())
    };
    app.db.write::<_, DbError, _>("queue", fill).await.unwrap();
}

/// The times of a page and of a booking by the student with this number.
async fn ask(http: &Client, service: &Service, number: usize, lab: &str) -> (Duration, Duration) {
    let student = &service.students[number % service.students.len()];
    let began = Instant::now();
    let url = format!("{}/labs/{lab}?week=2025-02-08", service.url);
    let answer =
        http.get(url).header(COOKIE, &student.cookie).send().await.unwrap().error_for_status().unwrap();
    answer.bytes().await.unwrap();
    let page = began.elapsed();
    let app = service.app.clone();
    let net_id = format!("ab{}", number % service.students.len()).parse().unwrap();
    let person = app.db.read::<_, DbError, _>("person", move |conn| db::person_by_net_id(conn, &net_id));
    let person = person.await.unwrap().unwrap();
    let start = app.now() + TimeDelta::days(4) + TimeDelta::minutes(30 * i64::try_from(number).unwrap());
    let slot = Interval::new(start, start + TimeDelta::hours(1)).unwrap();
    let began = Instant::now();
    let wish = Wish { person, lab: lab.parse().unwrap(), slot, idempotency_key: None };
    booking::book(&app, wish).await.unwrap();
    (page, began.elapsed())
}

/// The median page and the median booking.
fn medians(times: &[(Duration, Duration)]) -> (f64, f64) {
    let median = |of: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<Duration> = times.iter().map(of).collect();
        all.sort();
        all[all.len() / 2].as_secs_f64() * 1000.0
    };
    (median(|it| it.0), median(|it| it.1))
}

async fn measure() {
    let (server, service) = (MailServer::start(), Service::start(HISTORY).await);
    let now = service.app.now();
    let http = Client::new();
    let own = own_pace(&server, now).await;
    let before = server.log().len();
    let mut quiet = Vec::new();
    for number in 0..ASKED {
        quiet.push(ask(&http, &service, number, LABS[1]).await);
        tokio::time::sleep(PAUSE).await;
    }

    let app = worker(&service, Arc::new(server.mailer()));
    queue(&app).await;
    let began = Instant::now();
    let (working, mut sending) = (app.clone(), tokio::task::JoinSet::new());
    sending.spawn(async move {
        while delivery::step(&working).await.unwrap() > 0 {}
        began.elapsed()
    });
    let (mut busy, mut urgent) = (Vec::new(), None);
    let took = loop {
        if let Some(took) = sending.try_join_next() {
            break took.unwrap();
        }
        if busy.len() < service.students.len() {
            busy.push(ask(&http, &service, busy.len(), LABS[2]).await);
        }
        // Whoever measures takes no time from what is measured.
        tokio::time::sleep(PAUSE).await;
        if urgent.is_none() && server.log().len() >= before + MIDDLE {
            let mail = notice(MAILS, Topic::Ready, now);
            urgent = Some((format!("<{}@example.edu>", mail.id), Utc::now()));
            let put = move |conn: &mut Conn<'_>| db::enqueue(conn, &mail);
            app.db.write::<_, DbError, _>("urgent", put).await.unwrap();
        }
    };
    let log = server.log();
    let (id, written) = urgent.expect("it was written in the middle");
    let (place, (_, taken)) = log.iter().enumerate().find(|(_, (it, _))| *it == id).unwrap();
    let waited = taken - written.timestamp_micros() as f64 / 1e6;
    let rate = (log.len() - before) as f64 / took.as_secs_f64();
    let ((quiet_page, quiet_booking), (busy_page, busy_booking)) = (medians(&quiet), medians(&busy));
    println!("{} mails left in {:.1} s: {rate:.0} a second", log.len() - before, took.as_secs_f64());
    println!("without the outbox the server takes {own:.0} a second: ratio {:.2}", rate / own);
    println!("a ready mail waited {:.0} ms, and was no. {} of them", waited * 1000.0, place - before + 1);
    println!(
        "median page: {quiet_page:.1} ms before, {busy_page:.1} ms meanwhile, ratio {:.2}",
        busy_page / quiet_page
    );
    println!(
        "median booking: {quiet_booking:.1} ms before, {busy_booking:.1} ms meanwhile, ratio {:.2} ({} of them)",
        busy_booking / quiet_booking,
        busy.len()
    );
    assert!(rate / own > 0.5, "less than half of the server's pace");
    assert!(waited < 1.0, "what is urgent waited {waited} s");
}

fn main() {
    // Fails where it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    setup::runtime().block_on(measure());
}
