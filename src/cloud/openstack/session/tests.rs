//! What a session does when a site misbehaves, told by a small server that misbehaves to order.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::super::clouds_yaml::{Credential, Interface, Trust};
use super::*;
use crate::clock::ManualClock;

/// What the server does with a call to a service.
#[derive(Debug, Clone, Copy)]
enum Act {
    Answer(u16, &'static str),
    /// It closes the connection once the request is read.
    Hang,
    /// It refuses every token but the newest.
    OnlyNewestToken,
    /// It answers 404 so often, and then with an empty listing of networks.
    Changing(usize),
    /// It says nothing for longer than a caller waits.
    Sleep,
}

struct Site {
    url: String,
    tokens: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    /// Whether its catalog has the service for volumes.
    shows: Arc<AtomicBool>,
    clock: Arc<ManualClock>,
}

fn noon() -> DateTime<Utc> {
    "2026-02-10T12:00:00Z".parse().unwrap()
}

impl Site {
    fn that(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tokens, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (shows, clock) = (Arc::default(), Arc::new(ManualClock::at(noon())));
        let site = Self { url: url.clone(), tokens, calls, shows, clock };
        let (tokens, calls, shows) =
            (Arc::clone(&site.tokens), Arc::clone(&site.calls), Arc::clone(&site.shows));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (url, tokens, calls) = (url.clone(), Arc::clone(&tokens), Arc::clone(&calls));
                let types =
                    if shows.load(Ordering::SeqCst) { vec!["network", "volumev3"] } else { vec!["network"] };
                std::thread::spawn(move || serve(&stream.unwrap(), act, &url, &types, &tokens, &calls));
            }
        });
        site
    }

    fn session(&self) -> Session {
        let entry = CloudEntry {
            name: "test".to_owned(),
            auth_url: self.url.clone(),
            credential: Credential::Application { id: "i".to_owned(), secret: "s".to_owned().into() },
            region: None,
            interface: Interface::Public,
            trust: Trust::System,
        };
        let limits = Limits { call: Duration::from_millis(500), ..Limits::default() };
        Session::new(entry, limits, self.clock.clone()).unwrap()
    }

    fn counts(&self) -> (usize, usize) {
        (self.tokens.load(Ordering::SeqCst), self.calls.load(Ordering::SeqCst))
    }
}

/// Reads one request and answers it.
fn serve(
    mut stream: &TcpStream,
    act: Act,
    url: &str,
    shown: &[&str],
    tokens: &AtomicUsize,
    calls: &AtomicUsize,
) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    assert!(head.contains("accept: application/json"), "Blazar drops the connection without it: {head}");
    if head.starts_with("post /v3/auth/tokens") {
        let number = tokens.fetch_add(1, Ordering::SeqCst) + 1;
        let endpoints = json!([{"interface": "public", "url": url}]);
        let catalog = shown.iter().map(|kind| json!({"type": kind, "endpoints": endpoints}));
        let token = json!({"token": {
            "expires_at": noon() + TimeDelta::hours(1),
            "project": {"id": "p"},
            "catalog": catalog.collect::<Vec<_>>(),
        }});
        let extra = format!("X-Subject-Token: token-{number}\r\n");
        return respond(&mut stream, 201, &extra, &token.to_string());
    }
    let before = calls.fetch_add(1, Ordering::SeqCst);
    let newest = format!("x-auth-token: token-{}\r\n", tokens.load(Ordering::SeqCst));
    match act {
        Act::Hang => {}
        Act::Sleep => std::thread::sleep(Duration::from_secs(2)),
        Act::OnlyNewestToken if !head.contains(&newest) || newest.contains("token-1\r") => {
            respond(&mut stream, 401, "", "");
        }
        Act::OnlyNewestToken => respond(&mut stream, 200, "", "{}"),
        Act::Changing(times) if before < times => respond(&mut stream, 404, "", "{}"),
        Act::Changing(_) => respond(&mut stream, 200, "", r#"{"networks": []}"#),
        Act::Answer(status, body) => respond(&mut stream, status, "Retry-After: 3\r\n", body),
    }
}

fn respond(stream: &mut &TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

async fn get(session: &Session) -> Result<Value, CloudError> {
    session.get(Service::Network, &["networks"], &[]).await
}

async fn post(session: &Session) -> Result<Value, CloudError> {
    session.post(Service::Network, &["networks"], &json!({})).await
}

#[tokio::test]
async fn a_lost_answer_leaves_a_change_in_doubt_and_is_not_sent_again() {
    for act in [Act::Hang, Act::Sleep] {
        let site = Site::that(act);
        let session = site.session();
        assert_eq!(post(&session).await.unwrap_err().class(), "outcome_unknown", "{act:?}");
        assert_eq!(site.counts().1, 1, "{act:?}: a change is sent once");
        assert_eq!(get(&session).await.unwrap_err().class(), "transient", "{act:?}");
    }
}

#[tokio::test]
async fn an_answer_in_another_form_leaves_a_change_in_doubt() {
    let session = Site::that(Act::Answer(200, "<html>welcome</html>")).session();
    assert_eq!(post(&session).await.unwrap_err().class(), "outcome_unknown");
    assert_eq!(get(&session).await.unwrap_err().class(), "transient");
}

#[tokio::test]
async fn a_busy_site_says_how_long_to_wait() {
    let session = Site::that(Act::Answer(429, "")).session();
    let error = post(&session).await.unwrap_err();
    assert!(matches!(error, CloudError::Transient { retry_after: Some(wait), .. } if wait.as_secs() == 3));
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once_for_all_who_wait() {
    let site = Site::that(Act::OnlyNewestToken);
    let session = site.session();
    let results = futures_util::future::join_all((0..8).map(|_| post(&session))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(site.counts().0, 2, "one token to begin with, and one in its place");
}

#[tokio::test]
async fn a_credential_that_is_refused_with_a_new_token_too_is_refused() {
    let site = Site::that(Act::Answer(401, r#"{"error": {"message": "no"}}"#));
    let error = get(&site.session()).await.unwrap_err();
    assert_eq!(error, CloudError::Unauthorised("no".to_owned()));
    assert_eq!(site.counts(), (2, 2));
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_before_it_ends() {
    let site = Site::that(Act::Answer(200, "{}"));
    let session = site.session();
    for _ in 0..3 {
        get(&session).await.unwrap();
    }
    assert_eq!(site.counts(), (1, 3));
    site.clock.advance(TimeDelta::minutes(59));
    get(&session).await.unwrap();
    assert_eq!(site.counts(), (2, 4));
}

#[tokio::test]
async fn a_site_that_is_not_there_may_come_back() {
    let mut site = Site::that(Act::Hang);
    site.url = "http://127.0.0.1:9".to_owned();
    assert_eq!(post(&site.session()).await.unwrap_err().class(), "transient");
}

#[tokio::test]
async fn a_service_that_the_site_does_not_have_is_named() {
    let session = Site::that(Act::Hang).session();
    let error = session.get::<Value>(Service::Reservation, &["leases"], &[]).await.unwrap_err();
    assert!(
        matches!(&error, CloudError::Transient { message, .. } if message.contains("no reservation service"))
    );
    assert_eq!(session.has(Service::Reservation).await, Ok(false));
    let error = session.require(&[Service::Network, Service::Block, Service::Share]).await.unwrap_err();
    assert!(error.to_string().contains("no volumev3, sharev2 service"), "{error}");
    assert_eq!(session.require(&[Service::Network]).await, Ok(()));
}

#[tokio::test]
async fn a_catalog_that_lacks_a_service_is_not_kept() {
    let site = Site::that(Act::Answer(200, "{}"));
    let session = site.session();
    for _ in 0..2 {
        get(&session).await.unwrap();
        assert_eq!(session.has(Service::Block).await, Ok(false));
    }
    assert_eq!(site.counts().0, 1, "whether it has one is asked of the same catalog");
    site.shows.store(true, Ordering::SeqCst);
    assert_eq!(session.require(&[Service::Block]).await.unwrap_err().class(), "transient");
    assert_eq!(session.require(&[Service::Block]).await, Ok(()), "the next one sees the new catalog");
    session.get::<Value>(Service::Block, &["volumes"], &[]).await.unwrap();
    assert_eq!(site.counts().0, 2);
    site.shows.store(false, Ordering::SeqCst);
    site.clock.advance(TimeDelta::minutes(59));
    let error = session.delete(Service::Block, &["volumes", "x"]).await.unwrap_err();
    assert_eq!(error.class(), "transient", "what is hidden is not gone");
}

#[derive(Debug, serde::Deserialize)]
struct Item {
    id: String,
}

impl Listed for Item {
    fn marker(&self) -> &str {
        &self.id
    }
}

#[tokio::test]
async fn a_listing_that_never_ends_or_is_none_is_an_error() {
    let endless = r#"{"networks": [{"id": "a"}], "networks_links": [{"rel": "next"}]}"#;
    for body in [endless, r#"{"other": []}"#, "[]"] {
        let session = Site::that(Act::Answer(200, body)).session();
        let pages = session.pages::<Item>(Service::Network, &["networks"], &[], "networks").await;
        assert!(pages.is_err(), "{body}");
    }
}

#[tokio::test]
async fn a_listing_that_changes_while_it_is_read_is_read_again() {
    for (times, calls) in [(1, 2), (2, 3), (9, 3)] {
        let site = Site::that(Act::Changing(times));
        let read = site.session().pages::<Item>(Service::Network, &["networks"], &[], "networks").await;
        match read {
            Ok(items) => assert!(items.is_empty() && times < calls),
            Err(error) => assert!(times > calls && error.to_string().contains("changed while"), "{error}"),
        }
        assert_eq!(site.counts().1, calls);
    }
}

#[tokio::test]
async fn what_is_on_two_pages_is_listed_once() {
    let body = r#"{"networks": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}"#;
    let session = Site::that(Act::Answer(200, body)).session();
    let pages = session.pages::<Item>(Service::Network, &["networks"], &[], "networks").await.unwrap();
    assert_eq!(pages.into_iter().map(|item| item.id).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn versions_are_compared_by_number() {
    assert!(at_least("2.104", COMPUTE_VERSION_HOSTNAME));
    assert!(at_least("2.90", COMPUTE_VERSION_HOSTNAME));
    assert!(!at_least("2.79", COMPUTE_VERSION_HOSTNAME));
    assert!(!at_least("", COMPUTE_VERSION_HOSTNAME));
}

#[test]
fn what_is_put_into_an_address_can_not_change_its_meaning() {
    let base = Url::parse("http://h/v2.1").unwrap();
    let whole = address(base, &["os-keypairs", "a/../b?c"], &[("name", "x&y=z")]).unwrap();
    assert_eq!(whole.as_str(), "http://h/v2.1/os-keypairs/a%2F..%2Fb%3Fc?name=x%26y%3Dz");
}
