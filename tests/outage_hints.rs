//! What sites' feeds say of their outages, read over HTTP from a server of the test.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::simulated::Profile;
use fairlease::db::{Conn, DbError};
use fairlease::domain::audit::Doer;
use fairlease::domain::hint::{FeedState, Hint};
use fairlease::services::outage_hints;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::announcements::staff;
use crate::world::{World, course, on_both_databases};

/// Answers each request with the next of its answers, the last for ever, and keeps what it was asked.
struct FeedServer {
    url: String,
    answers: Arc<Mutex<VecDeque<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FeedServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/user/outages/rss/", listener.local_addr().unwrap());
        let (answers, asked) =
            (Arc::<Mutex<VecDeque<String>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (said, heard) = (answers.clone(), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &said, &heard).await;
            }
        });
        Self { url, answers, asked }
    }

    fn says(&self, answers: &[String]) {
        *self.answers.lock().unwrap() = answers.iter().cloned().collect();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, answers: &Mutex<VecDeque<String>>, asked: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut some = [0; 1024];
        match stream.read(&mut some).await {
            Ok(read) if read > 0 => request.extend_from_slice(&some[..read]),
            _ => return,
        }
    }
    asked.lock().unwrap().push(String::from_utf8(request).unwrap());
    let next = {
        let mut answers = answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    let _ = stream.write_all(next.as_bytes()).await;
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml; charset=utf-8\r\nETag: \"one\"\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// An item as a cloud's portal writes it.
fn item(number: u32, title: &str, at: DateTime<Utc>) -> String {
    format!(
        "<item><title>{title}</title><link>https://cloud.example.org/news/{number}/</link>\
         <description>&lt;p&gt;The &lt;b&gt;JupyterHub&lt;/b&gt; service is down.&lt;/p&gt;&lt;p&gt;We \
         work on it &amp;amp; tell you.&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;</description>\
         <pubDate>{}</pubDate><guid>https://cloud.example.org/news/{number}/</guid></item>",
        at.to_rfc2822()
    )
}

fn feed(items: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss xmlns:atom=\"http://www.w3.org/2005/Atom\" version=\"2.0\"><channel>\
         <title>Outages</title><link>https://cloud.example.org/</link><description>Outage announcements</description>\
         <language>en-us</language>{}</channel></rss>",
        items.concat()
    )
}

async fn with_feed(backend: crate::world::Backend, url: &str) -> World {
    let line = format!("leases = true\noutage_feed = \"{url}\"");
    World::with(backend, course(&[("leases = true", &line)]), Profile::instant()).await
}

async fn read(world: &World) -> String {
    outage_hints::read(&world.app).await.unwrap()
}

async fn open(world: &World) -> Vec<Hint> {
    let now = world.app.now();
    let open = move |conn: &mut Conn<'_>| outage_hints::open(conn, now);
    world.app.db.read::<_, DbError, _>("open", open).await.unwrap()
}

async fn feeds(world: &World) -> Vec<FeedState> {
    world.app.db.read::<_, DbError, _>("feeds", outage_hints::feeds).await.unwrap()
}

on_both_databases! {
    async fn what_is_new_is_kept_and_told_once(backend: Backend) {
        let server = FeedServer::start().await;
        let world = with_feed(backend, &server.url).await;
        staff(&world).await;
        let now = world.app.now();
        let outage = item(2, "JupyterHub &amp; its volumes: outage", now - TimeDelta::hours(1));
        let history = item(1, "An outage of last year", now - TimeDelta::days(300));
        server.says(&[ok(&feed(&[outage.clone(), history.clone()]))]);
        assert_eq!(read(&world).await, "1 new hints, 0 feeds can't be read");
        let hints = open(&world).await;
        let [hint] = hints.as_slice() else { panic!("{hints:?}") };
        assert_eq!(hint.title, "JupyterHub & its volumes: outage");
        assert_eq!(hint.summary, "The JupyterHub service is down. We work on it & tell you.");
        assert_eq!(hint.link.as_deref(), Some("https://cloud.example.org/news/2/"));
        assert_eq!(hint.published_at.timestamp(), (now - TimeDelta::hours(1)).timestamp());

        server.says(&[status("304 Not Modified")]);
        assert_eq!(read(&world).await, "0 new hints, 0 feeds can't be read");
        let solved = item(2, "SOLVED: JupyterHub", now - TimeDelta::hours(1));
        let other = item(3, "Another &lt;b&gt;outage&lt;/b&gt;", now);
        server.says(&[ok(&feed(&[other, solved, history]))]);
        assert_eq!(read(&world).await, "1 new hints, 0 feeds can't be read");
        let titles: Vec<String> = open(&world).await.into_iter().map(|hint| hint.title).collect();
        assert_eq!(titles, ["Another outage", "SOLVED: JupyterHub"]);

        world.work().await;
        let subjects = ["KVM@TACC announced: JupyterHub & its volumes: outage", "KVM@TACC announced: Another outage"];
        let told: BTreeSet<String> = world.subjects().into_iter().collect();
        assert_eq!((told.len(), told), (world.subjects().len(), subjects.map(str::to_owned).into()), "one mail about each");
        let asked = server.asked();
        assert!(!asked[0].to_lowercase().contains("if-none-match"), "{}", asked[0]);
        assert!(asked[1].to_lowercase().contains("if-none-match: \"one\""), "{}", asked[1]);
    }

    async fn what_is_put_aside_stays_aside(backend: Backend) {
        let server = FeedServer::start().await;
        let world = with_feed(backend, &server.url).await;
        let body = feed(&[item(2, "Outage", world.app.now())]);
        server.says(&[ok(&body)]);
        read(&world).await;
        let id = open(&world).await[0].id.clone();
        assert!(outage_hints::dismiss(&world.app, &Doer::command(), id.clone()).await.unwrap());
        assert!(!outage_hints::dismiss(&world.app, &Doer::command(), id).await.unwrap(), "and nothing is recorded");
        assert_eq!(read(&world).await, "0 new hints, 0 feeds can't be read");
        assert!(open(&world).await.is_empty());
        let told = crate::audit::actions::all(&world).await.pop().unwrap();
        assert_eq!((told.action.as_str(), told.object.as_deref()), ("dismissed_hint", Some("site:kvm-tacc")));
    }

    async fn a_feed_that_is_broken_harms_nothing_and_is_told(backend: Backend) {
        let server = FeedServer::start().await;
        let world = with_feed(backend, &server.url).await;
        let since = world.app.now();
        let huge = format!("<rss>{}", "x".repeat(5 << 20));
        for (answer, told) in [
            (status("404 Not Found"), "it answers 404"),
            (ok("<html>Sign in</html>"), "it is no RSS, Atom or JSON feed"),
            (ok("<rss version=\"2.0\"><channel><item><title>cut"), "it is no RSS, Atom or JSON feed"),
            (status("302 Found\r\nLocation: ftp://cloud.example.org/feed"), "it leads on to where we do not follow"),
            (ok(&huge), "more than"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<rss".to_owned(), "its answer did not arrive"),
        ] {
            server.says(&[answer]);
            assert_eq!(read(&world).await, "0 new hints, 1 feeds can't be read", "{told}");
            let feeds = feeds(&world).await;
            let trouble = feeds[0].trouble.clone().unwrap_or_default();
            assert!(trouble.contains(told), "{told}: {trouble}");
            assert_eq!(feeds[0].failing_since, Some(since));
            world.clock.advance(TimeDelta::minutes(15));
        }
        server.says(&[ok(&feed(&[item(1, "Outage", world.app.now())]))]);
        assert_eq!(read(&world).await, "1 new hints, 0 feeds can't be read");
        assert_eq!(feeds(&world).await[0].trouble, None);
    }
}
