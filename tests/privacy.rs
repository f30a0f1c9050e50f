//! What is kept of a person: told whole to whoever may ask, and taken out without a trace.

use std::sync::Arc;

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::Text;
use fairlease::auth::permissions::Scope;
use fairlease::db::{self, DbError, DbUrl, Dropped};
use fairlease::domain::announcement::Audience;
use fairlease::domain::audit::{Doer, Way};
use fairlease::domain::exception::Grant;
use fairlease::domain::marked::Exempt;
use fairlease::domain::person::Person;
use fairlease::domain::waitlist::Asked;
use fairlease::services::announcements::{self, Edit, NewAnnouncement, Release};
use fairlease::services::exceptions::NewException;
use fairlease::services::guards::NewExemption;
use fairlease::services::privacy::{self, PrivacyError};
use fairlease::services::{App, booking, exceptions, fair_share, guards, people, reaping, waitlist};

use crate::announcements::{news, post, write};
use crate::support::course::Course;
use crate::support::demo::Setup;
use crate::support::until;
use crate::support::visitor::{Visitor, client};
use crate::whose::put_server;
use crate::world::{KEY, World, on_both_databases, slot};

/// Who is erased: each of these is nobody else's, so that it is known wherever it stands.
const NET_ID: &str = "qx7318";
const NAME: &str = "Zoë Quagga";
const MAIL: &str = "zoe.quagga@mail.example.edu";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(url: &DbUrl, sql: &str) -> Vec<String> {
    let rows: Vec<Line> = match url {
        DbUrl::Sqlite(path) => {
            diesel::sql_query(sql).load(&mut SqliteConnection::establish(path).unwrap()).unwrap()
        }
        DbUrl::Postgres(url) => {
            diesel::sql_query(sql).load(&mut PgConnection::establish(url).unwrap()).unwrap()
        }
    };
    rows.into_iter().map(|row| row.line).collect()
}

/// Every text in the database, after the name of its table and column.
fn every_text(url: &DbUrl) -> Vec<String> {
    let columns = match url {
        DbUrl::Sqlite(_) => {
            "SELECT t.name || '.' || c.name AS line FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND c.type = 'TEXT' AND t.name NOT LIKE 'sqlite_%'"
        }
        DbUrl::Postgres(_) => {
            "SELECT table_name || '.' || column_name AS line FROM information_schema.columns
             WHERE table_schema = 'public' AND data_type = 'text'"
        }
    };
    let of_column = |column: String| {
        let (table, name) = column.split_once('.').unwrap();
        let sql = format!(
            "SELECT '{column}: ' || \"{name}\" AS line FROM \"{table}\" WHERE \"{name}\" IS NOT NULL"
        );
        lines(url, &sql)
    };
    let found: Vec<String> = lines(url, columns).into_iter().flat_map(of_column).collect();
    assert!(found.len() > 100, "{found:?}");
    found
}

/// Where one of these still stands.
fn traces<'a>(texts: &'a [String], of: &[&str]) -> Vec<&'a String> {
    texts.iter().filter(|text| of.iter().any(|trace| text.contains(trace))).collect()
}

/// A student with some of everything that is kept.
async fn someone_with_a_past(world: &World) -> Person {
    let person = world.student(NET_ID).await;
    let id = person.id.clone();
    let contact = move |conn: &mut db::Conn<'_>| db::set_contact(conn, &id, NAME, MAIL);
    world.app.db.write::<_, DbError, _>("contact", contact).await.unwrap();
    let net_id = person.net_id.clone();
    let accounts = vec![MAIL.to_owned()];
    let app = world.app.clone();
    let write = move |conn: &mut db::Conn<'_>| {
        people::set_cloud_users(&app, conn, &Doer::command(), &net_id, &accounts)
    };
    world.app.db.write("accounts", write).await.unwrap();
    world.session_of(&person.id).await;
    world.token_of(&person.id, &[Scope::LabsRead]).await;
    let exception = NewException {
        net_id: person.net_id.clone(),
        lab: None,
        grant: Grant::AnyDay,
        until: None,
        reason: format!("{NAME} was ill"),
        accommodation: true,
    };
    exceptions::grant(&world.app, &Doer::command(), exception).await.unwrap();
    announce_and_edit(world).await;
    let until = world.app.now() + TimeDelta::days(1);
    let what = Exempt::Person(person.net_id.clone());
    let exemption = NewExemption { what, reason: "a project".to_owned(), until };
    let by_them = Doer::someone(Way::Page, person.id.clone());
    guards::exempt(&world.app, &by_them, exemption).await.unwrap();
    wait_and_pass(world, &person).await;
    let whole = booking::book(&world.app, World::wish(&person, slot("2025-02-08T10:00", "2025-02-08T23:00")));
    assert!(whole.await.is_err(), "the refusal leaves a receipt");
    put_server(world, &format!("{NET_ID}-node"), "2025-02-07T00:00", MAIL);
    let made = world.book(&person, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
    world.work_until(&person, &made.id, "active").await;
    world.clock.advance(TimeDelta::minutes(20));
    reaping::sweep(&world.app).await.unwrap();
    booking::release(&world.app, person.clone(), made.id.clone()).await.unwrap();
    world.work_until(&person, &made.id, "ended").await;
    world.work().await;
    again(world, &person).await
}

/// An announcement that names them, now and before it was edited.
async fn announce_and_edit(world: &World) {
    let naming = |text: String| NewAnnouncement {
        title: format!("{NAME} has won"),
        text,
        ..news(Audience::Course, Release::At(world.app.now()))
    };
    let id = post(world, naming(format!("Write to {MAIL}."))).await;
    let NewAnnouncement { title, text, audience, .. } = naming(format!("Write to {NET_ID}."));
    let edit = Edit { seen_revision: 1, title, text, audience, mailed: false };
    let edited =
        write(world, move |app, conn| announcements::edit_in(app, conn, &Doer::command(), &id, &edit));
    edited.await.unwrap();
}

/// Waits for a time, is offered it, and passes.
async fn wait_and_pass(world: &World, person: &Person) {
    let windows = vec![slot("2025-02-12T10:00", "2025-02-12T12:00")];
    let asked = Asked { length_minutes: 120, windows, auto_accept: false };
    let wait = waitlist::join(&world.app, person.clone(), "k8s".parse().unwrap(), asked).await.unwrap();
    let id = person.id.clone();
    let held = move |conn: &mut db::Conn<'_>| db::bookings_of_person(conn, &id);
    let offered = world.app.db.read::<_, DbError, _>("offered", held).await.unwrap().remove(0);
    waitlist::pass(&world.app, person.clone(), offered.id).await.unwrap();
    waitlist::leave(&world.app, person.clone(), wait.id).await.unwrap();
}

async fn again(world: &World, person: &Person) -> Person {
    let id = person.id.clone();
    let read = move |conn: &mut db::Conn<'_>| db::person(conn, &id);
    world.app.db.read::<_, DbError, _>("person", read).await.unwrap().unwrap()
}

async fn drop_out(world: &World, person: &Person) {
    let (id, now) = (person.id.clone(), world.app.now());
    let dropped = Dropped { at: now, bookings_end_at: Some(now) };
    let write = move |conn: &mut db::Conn<'_>| db::set_dropped(conn, &id, Some(dropped));
    world.app.db.write::<_, DbError, _>("drop", write).await.unwrap();
}

async fn erase(app: &Arc<App>, person: &Person, why: &str) -> Result<(), PrivacyError> {
    let (inner, id, why) = (app.clone(), person.id.clone(), why.to_owned());
    let write = move |conn: &mut db::Conn<'_>| privacy::erase(&inner, conn, &Doer::command(), &id, &why);
    app.db.write("erase", write).await
}

async fn usage(world: &World) -> Vec<String> {
    let sums = lines(
        &world.database_url(),
        "SELECT person_id || ' ' || sum(sign * units) || ' ' || count(*) AS line FROM usage_lines GROUP BY person_id",
    );
    let now = world.app.now();
    let check = move |conn: &mut db::Conn<'_>| fair_share::check(conn, now);
    let found = world.app.db.read::<_, DbError, _>("check", check).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    sums
}

on_both_databases! {
    async fn who_is_erased_leaves_sums_and_no_trace(backend: Backend) {
        let world = World::new(backend).await;
        let person = someone_with_a_past(&world).await;
        let traces_of = [NET_ID, "Quagga", MAIL, KEY, "was ill"];
        let before = every_text(&world.database_url());
        for trace in traces_of {
            assert!(!traces(&before, &[trace]).is_empty(), "{trace} is nowhere before, so its absence says nothing");
        }
        let sums = usage(&world).await;
        assert!(sums.iter().any(|line| line.starts_with(person.id.as_str())), "{sums:?}");
        drop_out(&world, &person).await;
        erase(&world.app, &person, "they asked for it").await.unwrap();
        let after = every_text(&world.database_url());
        let left = traces(&after, &traces_of);
        assert!(left.is_empty(), "{left:#?}");
        assert_eq!(usage(&world).await, sums);
    }

    async fn who_is_here_or_holds_something_is_not_erased(backend: Backend) {
        let world = World::new(backend).await;
        let person = world.student(NET_ID).await;
        let made = world.book(&person, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        let refused = erase(&world.app, &person, "they asked").await;
        assert!(matches!(refused, Err(PrivacyError::Enrolled(_))), "{refused:?}");
        drop_out(&world, &person).await;
        let refused = erase(&world.app, &person, "they asked").await;
        assert!(matches!(refused, Err(PrivacyError::Live { live: 1, .. })), "{refused:?}");
        booking::release(&world.app, person.clone(), made.id.clone()).await.unwrap();
        world.work_until(&person, &made.id, "ended").await;
        assert!(matches!(erase(&world.app, &person, " ").await, Err(PrivacyError::NoReason)));
        erase(&world.app, &person, "they asked").await.unwrap();
        let nobody = db::person_by_net_id;
        let net_id = NET_ID.parse().unwrap();
        let found = world.app.db.read::<_, DbError, _>("gone", move |conn| nobody(conn, &net_id)).await.unwrap();
        assert_eq!(found, None);
    }

    async fn a_person_is_told_all_that_is_kept(backend: Backend) {
        let world = World::new(backend).await;
        let person = someone_with_a_past(&world).await;
        let (inner, id) = (world.app.clone(), person.id.clone());
        let told = world
            .app
            .db
            .write("export", move |conn| privacy::export(&inner, conn, &Doer::command(), &id))
            .await
            .unwrap();
        assert_eq!(told["person"]["net_id"], NET_ID);
        assert_eq!(told["exceptions"][0]["accommodation"], true);
        for part in
            ["memberships", "bookings", "booking_events", "usage", "decisions", "mails", "sessions", "tokens"]
        {
            assert!(!told[part].as_array().unwrap().is_empty(), "{part}: {told:#}");
        }
        assert_eq!(told["bookings"][0]["lab"], "k8s");
        let text = told.to_string();
        let hashes: Vec<String> = lines(
            &world.database_url(),
            "SELECT token_hash AS line FROM sessions UNION ALL SELECT csrf FROM sessions
             UNION ALL SELECT secret_hash FROM api_tokens",
        );
        assert!(hashes.len() >= 3 && hashes.iter().all(|hash| !text.contains(hash)), "no secrets");
    }
}

#[tokio::test]
async fn neither_the_log_nor_the_metrics_name_anyone() {
    let demo = Setup::of(Course::example()).with_metrics().start().await;
    let student = Visitor::sign_in(&client(), demo.url(), NET_ID).await;
    let (status, booked) = student.book(&demo.course.at(0, "16:00")).await;
    assert!(status.is_success(), "{booked}");
    let booking = format!("/api/v1/bookings/{}", booked["id"].as_str().unwrap());
    assert!(student.delete(&booking).await.status().is_success());
    let staff = Visitor::sign_in(&client(), demo.url(), "ta77").await;
    staff.get(&format!("/staff/roster?q={NET_ID}")).await;
    staff.post("/staff/look", &[("net_id", NET_ID), ("reason", "they asked")]).await;
    let ended = until(async || {
        let now: serde_json::Value = student.get(&booking).await.json().await.unwrap();
        (now["state"] == "ended").then_some(())
    });
    ended.await.expect("it ends");
    let metrics = client().get(format!("{}/metrics", demo.metrics_url().await)).send().await.unwrap();
    for (what, text) in [("log", demo.log()), ("metrics", metrics.text().await.unwrap())] {
        assert!(text.lines().count() > 5, "{what}: {text}");
        assert!(!text.contains(NET_ID), "the {what} names someone: {text}");
    }
}
