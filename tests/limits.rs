//! Those who ask too often, send too much or are too slow: by raw connections, and at the time that the world's clock says.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use chrono::TimeDelta;
use fairlease::auth::permissions::Scope;
use fairlease::web::limits::{Class, TABLE};
use fairlease::web::{self, Demo, Proxies, WebState};
use futures_util::future::join_all;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::support::visitor::client;
use crate::support::{PATIENCE, until};
use crate::world::served::{Credential, serve};
use crate::world::{Backend, World, slot};

/// The pages of a world, which believe these proxies, until this is dropped.
fn serve_behind(world: &World, networks: &[&str]) -> (String, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (said, stop) = watch::channel(false);
    let state = WebState {
        demo: Some(Demo { mailbox: None, simulated: true, people: Vec::new() }),
        proxies: Proxies::new(networks.iter().map(|network| network.parse().unwrap()).collect()),
        ..WebState::new(world.app.clone(), stop)
    };
    tokio::spawn(web::serve(listener, state));
    (url, said)
}

/// How many seconds to wait before it is tried again, if there were too many.
fn wait(response: &Response) -> Option<i64> {
    (response.status() == StatusCode::TOO_MANY_REQUESTS)
        .then(|| response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_requests_at_once_some_are_refused_and_who_waits_as_told_goes_on() {
    let world = World::new(Backend::Sqlite).await;
    let (person, other) = (world.student("ff524").await, world.student("gg222").await);
    let served = serve(&world);
    let (who, other) = (
        world.token_of(&person.id, &[Scope::BookingsWrite]).await,
        world.token_of(&other.id, &[Scope::BookingsWrite]).await,
    );
    let book = async |who: &Credential| {
        let request = served.request(who, Method::POST, "/api/v1/labs/k8s/bookings");
        request.header(CONTENT_TYPE, "application/json").body("[]").send().await.unwrap()
    };
    let answers = join_all((0..100).map(|_| book(&who))).await;
    let at_once = TABLE.iter().find(|limit| limit.class == Class::Booking).unwrap().by_person.at_once;
    let refused: Vec<_> = answers.iter().filter_map(wait).collect();
    assert_eq!(refused.len(), 100 - usize::try_from(at_once).unwrap());
    assert_eq!(book(&other).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "nobody else is held up");
    let told = book(&who).await;
    let seconds = wait(&told).unwrap();
    let problem: Value = told.json().await.unwrap();
    assert_eq!(
        (problem["status"].as_u64(), &problem["title"]),
        (Some(429), &Value::from("Too many at once"))
    );
    assert_eq!(problem["detail"], format!("Try again in {seconds} s."));
    world.clock.advance(TimeDelta::seconds(seconds));
    assert_eq!(book(&who).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "it is read again");
    assert_eq!(wait(&book(&who).await), Some(seconds), "one more, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_too_often_is_told_so_on_a_page() {
    let world = World::new(Backend::Sqlite).await;
    let served = serve(&world);
    let sign_in = async |net_id: &str| {
        client().post(format!("{}/sign-in", served.url)).form(&[("net_id", net_id)]).send().await.unwrap()
    };
    for _ in 0..20 {
        assert_eq!(sign_in("ff524").await.status(), StatusCode::SEE_OTHER);
    }
    let refused = sign_in("ff524").await;
    assert_eq!(wait(&refused), Some(30));
    let page = refused.text().await.unwrap();
    for part in ["Too many at once", "Try again in 30 s.", "was not carried out"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(sign_in("gg222").await.status(), StatusCode::SEE_OTHER, "others at the same address go on");
    world.clock.advance(TimeDelta::seconds(30));
    assert_eq!(sign_in("ff524").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_opened_again_and_again_is_its_persons_alone() {
    let world = World::new(Backend::Sqlite).await;
    let served = serve(&world);
    let link = |person: &fairlease::domain::person::Person| {
        let booking = "000000000000".parse().unwrap();
        let link = fairlease::domain::link::Link::Release { booking, end: world.app.clock.now() };
        let url = fairlease::services::links::url(&world.app, &person.id, &link);
        url.replace(&world.app.public_url, &served.url)
    };
    let (one, other) = (link(&world.student("ff524").await), link(&world.student("gg222").await));
    let open = async |url: &str| client().get(url).send().await.unwrap();
    for _ in 0..60 {
        assert_eq!(wait(&open(&one).await), None);
    }
    assert_eq!(wait(&open(&one).await), Some(5));
    assert_eq!(wait(&open(&other).await), None);
    assert_eq!(wait(&open(&format!("{one}x")).await), None, "nobody's: it counts for its address alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_that_they_are_many_is_one() {
    let world = World::new(Backend::Sqlite).await;
    let many = TABLE.iter().find(|limit| limit.class == Class::SignIn).unwrap().by_address.at_once;
    let http = client();
    let ask = async |url: &str, forwarded: String| {
        let request = http.get(format!("{url}/sign-in")).header("X-Forwarded-For", forwarded);
        wait(&request.send().await.unwrap()).is_some()
    };
    let (open, _stop) = serve_behind(&world, &["10.0.0.0/8"]);
    for number in 0..many {
        assert!(!ask(&open, format!("203.0.113.{}", number % 250)).await, "{number}");
    }
    assert!(ask(&open, "198.51.100.1".to_owned()).await, "the peer is no proxy of ours, and counts itself");
    let (behind, _stop) = serve_behind(&world, &["127.0.0.0/8"]);
    for number in 0..many {
        assert!(!ask(&behind, format!("{number}.1.2.3, 203.0.113.7")).await, "{number}");
    }
    assert!(ask(&behind, "9.9.9.9, 203.0.113.7".to_owned()).await, "what stands before the last is made up");
    assert!(!ask(&behind, "203.0.113.8".to_owned()).await, "another client of the proxy");
}

/// A raw connection.
struct Wire(TcpStream);

impl Wire {
    async fn to(url: &str) -> Self {
        let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends as much as the other side takes.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// All that comes until the other side ends the connection.
    async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        let reading = self.0.read_to_end(&mut all);
        // One that was cut off has said what it had to say before.
        let _ = tokio::time::timeout(PATIENCE, reading).await.expect("the connection ends");
        String::from_utf8_lossy(&all).into_owned()
    }

    /// The first line that comes.
    async fn status(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let byte = tokio::time::timeout(PATIENCE, self.0.read_u8()).await.expect("something comes");
            line.push(byte.expect("an answer"));
        }
        String::from_utf8(line).unwrap().trim().to_owned()
    }
}

fn post(path: &str, headers: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    let world = World::new(Backend::Sqlite).await;
    let served = serve(&world);
    let mut wire = Wire::to(&served.url).await;
    let head = format!("GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX-Slow: {}", "x".repeat(2000));
    let mut answer = Vec::new();
    // Each byte comes sooner than any bound on the time between two of them.
    for byte in head.bytes() {
        let _ = wire.send(&[byte]).await;
        let mut chunk = [0; 1024];
        match tokio::time::timeout(Duration::from_millis(100), wire.0.read(&mut chunk)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(read)) => answer.extend_from_slice(&chunk[..read]),
            Err(_) => {}
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_halfway_is_not_waited_for_and_holds_nobody_up() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.student("ff524").await;
    let Credential::Session { token, .. } = world.session_of(&person.id).await else { panic!("a session") };
    let served = serve(&world);
    let cookie = format!("Cookie: __Host-fairlease-session={token}\r\n");
    let half = [
        // Read by the form's own handler, by the guard that looks for its token, and by the API.
        (post("/sign-in", &format!("{FORM}Content-Length: 100\r\n")), "net_id=ff5"),
        (post("/me/key", &format!("{FORM}{cookie}Content-Length: 100\r\n")), "csrf=1"),
        (post("/sign-in", &format!("{FORM}Transfer-Encoding: chunked\r\n")), "8\r\nnet_"),
    ];
    let mut wires = Vec::new();
    for _ in 0..10 {
        for (head, body) in &half {
            let mut wire = Wire::to(&served.url).await;
            assert!(wire.send(format!("{head}{body}").as_bytes()).await);
            wires.push(wire);
        }
    }
    let meanwhile = client().get(format!("{}/sign-in", served.url)).send();
    let meanwhile = tokio::time::timeout(Duration::from_secs(10), meanwhile).await;
    assert_eq!(meanwhile.expect("others are answered").unwrap().status(), StatusCode::OK);
    for (number, answer) in join_all(wires.iter_mut().map(Wire::rest)).await.into_iter().enumerate() {
        assert!(answer.starts_with("HTTP/1.1 408"), "{number}: {answer}");
        assert!(answer.contains("took too long to come"), "{number}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_whether_it_says_so_or_not() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.student("ff524").await;
    let Credential::Session { token, csrf } = world.session_of(&person.id).await else { panic!("a session") };
    let Credential::Bearer(secret) = world.token_of(&person.id, &[Scope::BookingsWrite]).await else {
        panic!("a token")
    };
    let served = serve(&world);
    let cookie = format!("Cookie: __Host-fairlease-session={token}\r\n");
    let json = format!("Content-Type: application/json\r\nAuthorization: Bearer {secret}\r\n");
    let files = format!("Content-Type: multipart/form-data; boundary=x\r\nX-CSRF-Token: {csrf}\r\n{cookie}");
    let ways = [
        ("/sign-in", FORM.to_owned()),
        ("/me/key", format!("{FORM}{cookie}")),
        ("/me/key", files),
        ("/api/v1/labs/k8s/bookings", json),
    ];
    for (path, headers) in ways {
        let mut told = Wire::to(&served.url).await;
        told.send(post(path, &format!("{headers}Content-Length: 32769\r\n")).as_bytes()).await;
        assert_eq!(told.status().await, "HTTP/1.1 413 Payload Too Large", "{path}, before any of it came");
        assert!(told.rest().await.contains("32 KB"), "{path}");

        let mut untold = Wire::to(&served.url).await;
        untold.send(post(path, &format!("{headers}Transfer-Encoding: chunked\r\n")).as_bytes()).await;
        let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
        // It goes on for ever, if it is let.
        let sent = async {
            for _ in 0..10_000 {
                if !untold.send(chunk.as_bytes()).await {
                    break;
                }
            }
            untold.rest().await
        };
        let answer = tokio::time::timeout(PATIENCE, sent).await.expect("it is not read for ever");
        if headers.contains("multipart") {
            // No page but the roster's takes a file, and this one does not read it.
            assert!(!answer.starts_with("HTTP/1.1 2"), "{path}: {answer}");
        } else {
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
        }
    }
    let fits = format!("csrf={csrf}&public_key={}", "a".repeat(32_000));
    let mut wire = Wire::to(&served.url).await;
    wire.send(post("/me/key", &format!("{FORM}{cookie}Content-Length: {}\r\n", fits.len())).as_bytes()).await;
    wire.send(fits.as_bytes()).await;
    assert_eq!(wire.status().await, "HTTP/1.1 422 Unprocessable Entity", "it is read, and is no key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_is_refused() {
    let world = World::new(Backend::Sqlite).await;
    let served = serve(&world);
    for head in [
        format!("GET /sign-in?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(300_000)),
        format!("GET /sign-in HTTP/1.1\r\n{}\r\n", "X-More: 1\r\n".repeat(300)),
        format!("GET /sign-in HTTP/1.1\r\nX-Long: {}\r\n\r\n", "a".repeat(300_000)),
    ] {
        let mut wire = Wire::to(&served.url).await;
        wire.send(head.as_bytes()).await;
        let answer = wire.rest().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{}: {answer}", &head[..40]);
    }
    assert_eq!(
        client().get(format!("{}/sign-in", served.url)).send().await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_ten_live_pages_and_closing_one_makes_room() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.student("ff524").await;
    let booking = world.book(&person, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
    let served = serve(&world);
    let who = world.session_of(&person.id).await;
    let path = format!("/bookings/{}/events", booking.id);
    let open = async || served.request(&who, Method::GET, &path).send().await.unwrap();
    let mut pages = Vec::new();
    for _ in 0..10 {
        let page = open().await;
        assert_eq!(page.status(), StatusCode::OK);
        pages.push(page);
    }
    assert_eq!(wait(&open().await), Some(30));
    let whole = served.request(&who, Method::GET, &format!("/bookings/{}", booking.id)).send().await.unwrap();
    assert_eq!(whole.status(), StatusCode::OK, "the page itself is there");
    pages.pop();
    let again = until(async || Some(open().await).filter(|page| page.status() == StatusCode::OK)).await;
    assert!(again.is_some(), "there is room for another");
}
