//! What each page costs when 64 browsers ask for it at once: requests a second, the time of an answer, bytes. The service
//! runs on the embedded database with 191 students, five labs and a pool of 30 units, once with 10,000 bookings behind it
//! and once with 100,000. Fails if two weeks of a lab are 60 KB or more, compressed.
//!
//!     cargo bench --bench pages
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a load test stops where it can't go on, prints, and reads the machine's time"
)]

mod setup;

use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::{ACCEPT_ENCODING, COOKIE};
use setup::{LABS, Service, Student};

const CONNECTIONS: usize = 64;
/// How often each connection asks for a page.
const TURNS: usize = 50;
const HISTORIES: [usize; 2] = [10_000, 100_000];
/// What two weeks of a lab may have, compressed.
const MOST_BYTES: usize = 60_000;
const TWO_WEEKS: &str = "Two weeks of a lab";
/// What a browser says.
const AS_A_BROWSER: &str = "gzip, deflate, br, zstd";

/// What came of asking for one page.
struct Row {
    page: &'static str,
    per_second: f64,
    median: Duration,
    late: Duration,
    compressed: usize,
    plain: usize,
}

/// The pages by their names, each with what is asked for in one turn.
fn pages(student: &Student) -> [(&'static str, Vec<String>); 6] {
    let lab = |week: &str| format!("/labs/{}?week={week}", LABS[1]);
    [
        ("My labs", vec!["/".to_owned()]),
        ("A week of a lab", vec![lab("2025-02-08")]),
        (TWO_WEEKS, vec![lab("2025-02-08"), lab("2025-02-15")]),
        ("A booking", vec![student.booking.clone()]),
        ("Me", vec!["/me".to_owned()]),
        ("Mailbox", vec!["/mailbox".to_owned()]),
    ]
}

/// Asks once; returns the bytes that came.
async fn ask(http: &Client, url: &str, cookie: &str, encoding: &str) -> usize {
    let request = http.get(url).header(COOKIE, cookie).header(ACCEPT_ENCODING, encoding);
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    answer.bytes().await.unwrap().len()
}

/// The bytes of a turn.
async fn size(http: &Client, service: &Service, page: usize, encoding: &str) -> usize {
    let student = &service.students[0];
    let mut bytes = 0;
    for path in &pages(student)[page].1 {
        bytes += ask(http, &format!("{}{path}", service.url), &student.cookie, encoding).await;
    }
    bytes
}

/// The times of all answers to one connection.
async fn times(http: Client, addresses: Vec<String>, cookie: String) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..TURNS {
        for address in &addresses {
            let began = Instant::now();
            ask(&http, address, &cookie, AS_A_BROWSER).await;
            times.push(began.elapsed());
        }
    }
    times
}

async fn load(http: &Client, service: &Service, page: usize) -> Row {
    let mut connections = tokio::task::JoinSet::new();
    let began = Instant::now();
    for student in service.students.iter().take(CONNECTIONS) {
        let paths = &pages(student)[page].1;
        let addresses = paths.iter().map(|path| format!("{}{path}", service.url)).collect();
        connections.spawn(times(http.clone(), addresses, student.cookie.clone()));
    }
    let mut all = connections.join_all().await.concat();
    let took = began.elapsed();
    all.sort();
    Row {
        page: pages(&service.students[0])[page].0,
        per_second: all.len() as f64 / took.as_secs_f64(),
        median: all[all.len() / 2],
        late: all[all.len() * 95 / 100],
        compressed: size(http, service, page, AS_A_BROWSER).await,
        plain: size(http, service, page, "identity").await,
    }
}

async fn measure(history: usize) -> Vec<Row> {
    let service = Service::start(history).await;
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut rows = Vec::new();
    for page in 0..pages(&service.students[0]).len() {
        size(&http, &service, page, AS_A_BROWSER).await;
        rows.push(load(&http, &service, page).await);
    }
    rows
}

fn print(history: usize, rows: &[Row]) {
    println!("\n{CONNECTIONS} connections, {history} bookings behind");
    println!(
        "{:<20}{:>12}{:>12}{:>12}{:>14}{:>12}",
        "", "requests/s", "median ms", "95 % ms", "bytes, gzip", "bytes"
    );
    for Row { page, per_second, median, late, compressed, plain } in rows {
        let (median, late) = (median.as_secs_f64() * 1000.0, late.as_secs_f64() * 1000.0);
        println!("{page:<20}{per_second:>12.0}{median:>12.1}{late:>12.1}{compressed:>14}{plain:>12}");
    }
}

fn print_ratios(few: &[Row], many: &[Row]) {
    println!("\nMedian with {} bookings behind, divided by that with {}", HISTORIES[1], HISTORIES[0]);
    for (few, many) in few.iter().zip(many) {
        println!("{:<20}{:>12.2}", few.page, many.median.as_secs_f64() / few.median.as_secs_f64());
    }
}

fn main() {
    // Fails where it was installed before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = setup::runtime();
    let measured = HISTORIES.map(|history| {
        let rows = runtime.block_on(measure(history));
        print(history, &rows);
        rows
    });
    print_ratios(&measured[0], &measured[1]);
    for row in measured.iter().flatten().filter(|row| row.page == TWO_WEEKS) {
        assert!(row.compressed < MOST_BYTES, "two weeks of a lab have {} bytes, compressed", row.compressed);
    }
}
