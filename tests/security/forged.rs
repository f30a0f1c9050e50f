//! A request that another page made in a browser that is signed in: every route that changes something refuses it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::sql_types::Integer;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};
use fairlease::auth::permissions::Permission;
use fairlease::db::{self, DbError};
use fairlease::domain::audit::Doer;
use fairlease::domain::ids::BookingId;
use fairlease::domain::person::Role;
use fairlease::services::people;
use fairlease::web::{Row, Verb, every_row};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response, StatusCode};

use crate::world::served::{Credential, Served, serve};
use crate::world::{Backend, KEY, World, slot};

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    data_version: i32,
}

/// Sees whether anyone else writes to the database.
struct Eye(SqliteConnection);

impl Eye {
    fn on(world: &World) -> Self {
        let url = world.database_url().to_string();
        Self(SqliteConnection::establish(url.trim_start_matches("sqlite://")).unwrap())
    }

    /// Another number each time that something was written in between.
    fn version(&mut self) -> i32 {
        let version: Version = diesel::sql_query("PRAGMA data_version").get_result(&mut self.0).unwrap();
        version.data_version
    }
}

/// Someone who may do all that can be done, with a booking of their own.
async fn mighty(world: &World) -> (Credential, Credential, BookingId) {
    let app = world.app.clone();
    let write = move |conn: &mut db::Conn<'_>| {
        let net_id = "in78".parse().unwrap();
        let person = people::ensure_person(&app, conn, &net_id, "Someone", Role::Instructor)?;
        people::set_key(&app, conn, &Doer::itself(), &person.id, &people::read_key(KEY).unwrap())?;
        db::set_admin(conn, &person.id, true)?;
        Ok(db::person(conn, &person.id)?.unwrap())
    };
    let person = world.app.db.write::<_, DbError, _>("mighty", write).await.unwrap();
    let booking = world.book(&person, slot("2025-02-08T10:00", "2025-02-08T14:00")).await.id;
    (world.session_of(&person.id).await, world.session_of(&person.id).await, booking)
}

fn method(row: &Row) -> Method {
    Method::from_bytes(row.verb.method().as_str().as_bytes()).unwrap()
}

/// Every route that changes something for someone who is signed in, with a path that it has.
fn unsafe_routes(booking: &BookingId) -> Vec<(&'static Row, String)> {
    let rows = every_row().filter(|row| row.verb != Verb::get && row.permission != Permission::Anyone);
    let path = |row: &Row| {
        let pattern = row.pattern().replace("{booking}", booking.as_str()).replace("{lab}", "k8s");
        let parts = pattern.split('/').map(|part| if part.starts_with('{') { "000000000000" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    rows.map(|row| (row, path(row))).collect()
}

/// Their handlers read the forms, and refuse what is no form with files.
const WITH_FILES: [&str; 1] = ["/staff/roster/imports"];

async fn is_forged(row: &Row, response: Response) -> bool {
    let status = response.status();
    if WITH_FILES.contains(&row.path) && status.is_client_error() && status != StatusCode::FORBIDDEN {
        return true;
    }
    status == StatusCode::FORBIDDEN && response.text().await.unwrap().contains("Please send that again")
}

fn csrf(who: &Credential) -> &str {
    let Credential::Session { csrf, .. } = who else { panic!("no session") };
    csrf
}

/// A form with files that has a token and nothing else.
fn part(csrf: &str) -> String {
    format!("--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--x--\r\n")
}

/// The ways in which a request can be forged, each with what it is called.
fn forgeries(
    served: &Served,
    who: &Credential,
    other: &Credential,
    row: &Row,
    path: &str,
) -> Vec<(&'static str, RequestBuilder)> {
    let plain = || served.request(who, method(row), path);
    let right = || served.form(who, method(row), path);
    let typed = |kind: &'static str, body: String| plain().header(CONTENT_TYPE, kind).body(body);
    let upper = csrf(who).to_uppercase();
    vec![
        ("no body", plain()),
        ("a form without a token", plain().form(&[("reason", "x")])),
        ("a form with no token", plain().form(&[("csrf", "")])),
        ("a form with a token of zeros", plain().form(&[("csrf", "0".repeat(64))])),
        ("a form with the token cut short", plain().form(&[("csrf", &csrf(who)[..63])])),
        ("a form with the token in capitals", plain().form(&[("csrf", upper)])),
        ("a form with another session's token", plain().form(&[("csrf", csrf(other))])),
        (
            "another session's token before the right one",
            plain().form(&[("csrf", csrf(other)), ("csrf", csrf(who))]),
        ),
        (
            "a header with another session's token",
            plain().header("X-CSRF-Token", csrf(other)).form(&[("csrf", csrf(who))]),
        ),
        ("an empty header", plain().header("X-CSRF-Token", "").form(&[("csrf", csrf(who))])),
        ("the token in the query", served.request(who, method(row), &format!("{path}?csrf={}", csrf(who)))),
        ("text", typed("text/plain", "x=y".to_owned())),
        ("JSON", typed("application/json", format!("{{\"csrf\": \"{}\"}}", csrf(who)))),
        ("a form with files", typed("multipart/form-data; boundary=x", "--x--\r\n".to_owned())),
        (
            "a form with files and another session's token",
            typed("multipart/form-data; boundary=x", part(csrf(other))),
        ),
        ("a form with files and no token", typed("multipart/form-data; boundary=x", part(""))),
        ("a page elsewhere", right().header("Sec-Fetch-Site", "cross-site")),
        ("a page beside ours", right().header("Sec-Fetch-Site", "same-site")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_changes_something_refuses_what_another_page_sent() {
    let world = World::new(Backend::Sqlite).await;
    let (who, other, booking) = mighty(&world).await;
    let served = serve(&world);
    let mut eye = Eye::on(&world);
    let before = eye.version();
    let mut routes = unsafe_routes(&booking);
    // What reads its own form lets a session be noted as used, which it is again after some minutes.
    routes.sort_by_key(|(row, _)| !WITH_FILES.contains(&row.path));
    assert!(routes.len() > 25, "{}", routes.len());
    for (row, path) in &routes {
        for (forgery, request) in forgeries(&served, &who, &other, row, path) {
            // Whoever asks so often is refused for that alone.
            world.clock.advance(TimeDelta::seconds(3));
            let refused = is_forged(row, request.send().await.unwrap()).await;
            assert!(refused, "{:?} {path}: {forgery}", row.verb);
        }
    }
    assert_eq!(eye.version(), before, "nothing was written");
    // With the session's token each of them gets to its route.
    let mut reached = BTreeSet::new();
    let skipped = ["/sign-out", WITH_FILES[0]];
    for (row, path) in routes.iter().filter(|(row, _)| !skipped.contains(&row.path)) {
        let request = served.form(&who, method(row), path).header("Sec-Fetch-Site", "same-origin");
        assert!(!is_forged(row, request.send().await.unwrap()).await, "{:?} {path}", row.verb);
        reached.insert(row.pattern());
    }
    assert!(reached.len() > 20, "{reached:?}");
}
