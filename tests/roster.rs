//! The roster in the service: a file is shown, confirmed and applied; who drops keeps their bookings for a while.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::auth::permissions::Scope;
use fairlease::db::{self, DbError, Enrolment};
use fairlease::domain::audit::Doer;
use fairlease::domain::booking::{EndReason, State};
use fairlease::domain::exception::Grant;
use fairlease::domain::ids::{ImportId, NetId, PersonId};
use fairlease::domain::person::{Person, Role};
use fairlease::domain::roster::{Format, ImportState};
use fairlease::domain::waitlist::Asked;
use fairlease::services::exceptions::{self, NewException};
use fairlease::services::roster::{self, BATCH, RosterError, Shown, Wanted};
use fairlease::services::shares::{self, Change, Placing};
use fairlease::services::{App, booking, people, waitlist};
use fairlease::worker;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, Response, StatusCode};
use scraper::{Html, Selector};
use serde_json::Value;

use crate::rosters::generator;
use crate::world::served::{Credential, Served, serve};
use crate::world::{World, local, on_both_databases, slot};

fn file(text: &str) -> Wanted {
    Wanted {
        bytes: text.as_bytes().to_vec(),
        file_name: "roster.csv".to_owned(),
        format: None,
        mail_domain: Some("example.edu".parse().unwrap()),
        drop: true,
        only_sections: Vec::new(),
        hours: 48,
        by: None,
    }
}

async fn bring(world: &World, wanted: Wanted) -> ImportId {
    roster::preview(&world.app, wanted, Doer::command()).await.unwrap().id
}

async fn confirm(app: &Arc<App>, id: &ImportId, sure: bool) -> Result<(), RosterError> {
    roster::confirm(app, id.clone(), sure, Doer::command()).await
}

async fn shown(world: &World, id: &ImportId) -> Shown {
    let id = id.clone();
    world.app.db.read("shown", move |conn| roster::shown(conn, &id)).await.unwrap().unwrap()
}

/// Brings a file, confirms it and applies all of it.
async fn import(world: &World, wanted: Wanted) -> Shown {
    let id = bring(world, wanted).await;
    confirm(&world.app, &id, true).await.unwrap();
    while roster::step(&world.app).await.unwrap() > 0 {}
    shown(world, &id).await
}

async fn enrolments(world: &World) -> Vec<Enrolment> {
    world.app.db.read::<_, DbError, _>("enrolments", db::enrolments).await.unwrap()
}

async fn enrolment(world: &World, net_id: &str) -> Enrolment {
    enrolments(world).await.into_iter().find(|it| it.net_id.as_str() == net_id).unwrap()
}

async fn person(world: &World, net_id: &str) -> Person {
    let net_id: NetId = net_id.parse().unwrap();
    let found = world.app.db.read::<_, DbError, _>("person", move |conn| db::person_by_net_id(conn, &net_id));
    found.await.unwrap().unwrap()
}

async fn member(world: &World, net_id: &str, role: Role) -> Person {
    let (app, net_id) = (world.app.clone(), net_id.parse().unwrap());
    let write = move |conn: &mut db::Conn<'_>| people::ensure_person(&app, conn, &net_id, "Someone", role);
    world.app.db.write::<_, DbError, _>("member", write).await.unwrap()
}

/// The members of the course whom a roster has named, and who are in it.
async fn enrolled(world: &World) -> Vec<String> {
    let all = enrolments(world).await.into_iter();
    all.filter(|it| it.dropped_at.is_none()).map(|it| it.net_id.to_string()).collect()
}

/// A form with a file, as browsers send it.
fn multipart(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> (String, Vec<u8>) {
    let boundary = "----a-boundary-that-is-in-no-file";
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some((name, bytes)) = file {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn csrf(who: &Credential) -> &str {
    match who {
        Credential::Session { csrf, .. } => csrf,
        _ => "",
    }
}

async fn upload(served: &Served, who: &Credential, fields: &[(&str, &str)], file: &[u8]) -> Response {
    let fields = [&[("csrf", csrf(who))][..], fields].concat();
    let (kind, body) = multipart(&fields, Some(("grades.csv", file)));
    let request = served.request(who, Method::POST, "/staff/roster/imports").header(CONTENT_TYPE, kind);
    request.body(body).send().await.unwrap()
}

async fn page(served: &Served, who: &Credential, path: &str) -> String {
    let response = served.request(who, Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

async fn post(served: &Served, who: &Credential, path: &str, form: &[(&str, &str)]) -> Response {
    let form = [&[("csrf", csrf(who))][..], form].concat();
    served.request(who, Method::POST, path).form(&form).send().await.unwrap()
}

fn text(html: &str, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Html::parse_document(html).select(&selector).map(|it| words(it.text().collect())).collect()
}

fn leads_to(response: &Response) -> String {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[LOCATION].to_str().unwrap().to_owned()
}

const THREE: &str = "net_id,name,mail,section,team,shares\n\
                     ab12,Ada Byron,ab12@example.edu,lec-1,red,2\n\
                     cd34,Chu D\u{e0}o,cd34@example.edu,lec-2,,1\n\
                     efgh,Eve,efgh@example.edu,lec-1,,1\n";

on_both_databases! {
    async fn a_file_is_shown_and_applied_only_once_it_is_confirmed(backend: Backend) {
        let world = World::new(backend).await;
        let (served, staff) = (serve(&world), member(&world, "ta77", Role::Assistant).await);
        let who = world.session_of(&staff.id).await;
        let href = leads_to(&upload(&served, &who, &[("drop", "yes"), ("hours", "48")], THREE.as_bytes()).await);
        let html = page(&served, &who, &href).await;
        assert_eq!(text(&html, "h1"), ["It adds 3 students."]);
        assert_eq!(text(&html, "form[action$=confirm] button"), ["Add 3 students"]);
        assert_eq!(text(&html, "#added tbody tr").len(), 3);
        assert!(html.contains("efgh. Set it on their pages"), "{html}");
        assert_eq!(enrolled(&world).await, ["ta77"], "nothing is applied yet");

        assert_eq!(leads_to(&post(&served, &who, &format!("{href}/confirm"), &[]).await), href);
        assert_eq!(enrolled(&world).await, ["ta77"], "a worker applies it");
        assert_eq!(text(&page(&served, &who, &href).await, "h1"), ["0 of 3 people are done."]);
        assert!(worker::step(&world.app).await.unwrap());
        assert_eq!(text(&page(&served, &who, &href).await, "h1"), ["It is applied: 3 people."]);
        let ada = enrolment(&world, "ab12").await;
        assert_eq!((ada.name.as_str(), ada.section.as_deref(), ada.team.as_deref()), ("Ada Byron", Some("lec-1"), Some("red")));
        assert_eq!((ada.shares, ada.by_hand, ada.role), (2, false, Role::Student));

        let html = page(&served, &who, "/staff/roster").await;
        assert_eq!(text(&html, "h1"), ["3 students take the course."]);
        assert_eq!(text(&html, ".members tbody th"), ["Ada Byron", "Chu D\u{e0}o", "Eve"]);
        let html = page(&served, &who, "/staff/roster?q=D%C3%80O&who=enrolled&section=lec-2").await;
        assert_eq!(text(&html, ".members tbody th"), ["Chu D\u{e0}o"]);
    }

    async fn a_bad_file_comes_back_with_all_errors_and_leaves_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let (served, staff) = (serve(&world), member(&world, "ta77", Role::Assistant).await);
        let who = world.session_of(&staff.id).await;
        let bad = format!("{THREE}5za,Zoe,z@example.edu,lec-1,,1\nij56,Ivo,nowhere,lec-1,,many\n");
        let response = upload(&served, &who, &[], bad.as_bytes()).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let told = text(&response.text().await.unwrap(), "#problems li");
        let lines: Vec<&str> = told.iter().map(|line| line.split(": ").next().unwrap()).collect();
        assert_eq!(lines, ["line 5", "line 6", "line 6"], "{told:?}");
        let empty = upload(&served, &who, &[("hours", "400")], b"").await;
        let told = text(&empty.text().await.unwrap(), "#problems li");
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(enrolled(&world).await, ["ta77"]);
        let imports = world.app.db.read("imports", |conn| db::latest_roster_imports(conn, 10)).await.unwrap();
        assert!(imports.is_empty());
    }

    async fn a_form_with_a_file_needs_the_token_of_its_session(backend: Backend) {
        let world = World::new(backend).await;
        let (served, staff) = (serve(&world), member(&world, "ta77", Role::Assistant).await);
        let who = world.session_of(&staff.id).await;
        for token in ["", "another"] {
            let (kind, body) = multipart(&[("csrf", token)], Some(("grades.csv", THREE.as_bytes())));
            let request = served.request(&who, Method::POST, "/staff/roster/imports");
            let response = request.header(CONTENT_TYPE, kind).body(body).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
        }
    }

    async fn five_thousand_rows_are_applied_with_progress(backend: Backend) {
        let world = World::new(backend).await;
        let (served, staff) = (serve(&world), member(&world, "ta77", Role::Assistant).await);
        let who = world.session_of(&staff.id).await;
        let bytes = generator::file(Format::Canvas, 5_000, 11);
        let href = leads_to(&upload(&served, &who, &[("mail_domain", "example.edu")], &bytes).await);
        let html = page(&served, &who, &href).await;
        assert_eq!(text(&html, "h1"), ["It adds 5000 students."]);
        assert_eq!((text(&html, "#added tbody tr").len(), text(&html, "#added .after-links")), (100, vec!["Show all 5000".to_owned()]));
        leads_to(&post(&served, &who, &format!("{href}/confirm"), &[]).await);
        let progress = Selector::parse("progress").unwrap();
        for batch in 1..=3 {
            assert_eq!(roster::step(&world.app).await.unwrap(), BATCH);
            let html = page(&served, &who, &href).await;
            let html = Html::parse_document(&html);
            let bar = html.select(&progress).next().unwrap();
            assert_eq!((bar.attr("value").unwrap(), bar.attr("max").unwrap()), ((batch * BATCH).to_string().as_str(), "5000"));
            assert_eq!(html.select(&Selector::parse("noscript").unwrap()).count(), 1, "it reloads itself");
        }
        while roster::step(&world.app).await.unwrap() > 0 {}
        assert_eq!(text(&page(&served, &who, &href).await, "h1"), ["It is applied: 5000 people."]);
        assert_eq!(enrolled(&world).await.len(), 5_001);

        // The same people again, as Brightspace has them: nothing is to be done but for the addresses, which are the same.
        let again = bring(&world, Wanted { bytes: generator::file(Format::Brightspace, 5_000, 11), ..file("") }).await;
        let again = shown(&world, &again).await;
        assert_eq!((again.import.total, again.stored.plan.unchanged), (0, 5_000));
    }

    async fn a_worker_that_dies_between_batches_is_followed_by_another(backend: Backend) {
        let world = World::new(backend).await;
        let bytes = generator::file(Format::Plain, BATCH * 2 + 50, 3);
        let id = bring(&world, Wanted { bytes, ..file("") }).await;
        confirm(&world.app, &id, false).await.unwrap();
        assert_eq!(roster::step(&world.app).await.unwrap(), BATCH);
        // It has claimed the next batch, and is not heard of again.
        let (token, now) = (world.app.claim_token(), world.app.now());
        let until = now + world.app.claim;
        let claimed = world
            .app
            .db
            .write::<_, DbError, _>("dies", move |conn| db::claim_roster_import(conn, &token, now, until))
            .await;
        assert_eq!(claimed.unwrap(), Some(id.clone()));
        let other = world.beside();
        assert_eq!(roster::step(&other).await.unwrap(), 0, "the claim stands");
        world.clock.advance(world.app.claim);
        assert_eq!(roster::step(&other).await.unwrap(), BATCH);
        assert_eq!((shown(&world, &id).await.import.done, enrolled(&world).await.len()), (400, 400));
        assert_eq!(roster::step(&other).await.unwrap(), 50);
        assert_eq!(roster::step(&other).await.unwrap(), 0);
        let done = shown(&world, &id).await.import;
        assert_eq!((done.state, done.done, enrolled(&world).await.len()), (ImportState::Done, 450, 450));
    }

    async fn a_course_that_has_changed_since_is_not_overwritten(backend: Backend) {
        let world = World::new(backend).await;
        import(&world, file(THREE)).await;
        let id = bring(&world, file(&THREE.replace("lec-2", "lec-3"))).await;
        let placing = Placing {
            net_id: "cd34".parse().unwrap(),
            section: Change::To("own".to_owned()),
            team: Change::Keep,
            shares: None,
        };
        shares::place(&world.app, &Doer::command(), placing).await.unwrap();
        assert!(shown(&world, &id).await.stale);
        assert!(matches!(confirm(&world.app, &id, false).await, Err(RosterError::Stale)));
        assert_eq!(enrolment(&world, "cd34").await.section.as_deref(), Some("own"));
        // Shown for too long, it is forgotten.
        world.clock.advance(TimeDelta::days(1));
        assert_eq!(roster::forget(&world.app).await.unwrap(), 1);
        assert!(matches!(confirm(&world.app, &id, false).await, Err(RosterError::NoSuchImport(_))));
    }

    async fn of_two_who_confirm_at_once_one_is_first(backend: Backend) {
        let world = World::new(backend).await;
        let one = bring(&world, file(THREE)).await;
        let other = bring(&world, file(&THREE.replace("ab12", "zz12"))).await;
        let (first, second) = tokio::join!(confirm(&world.app, &one, false), confirm(&world.app, &other, false));
        assert_eq!(i32::from(first.is_ok()) + i32::from(second.is_ok()), 1, "{first:?} {second:?}");
        let (won, lost, refusal) =
            if first.is_ok() { (one, other, second) } else { (other, one, first) };
        assert!(matches!(refusal, Err(RosterError::Busy)), "{refusal:?}");
        while roster::step(&world.app).await.unwrap() > 0 {}
        assert_eq!(shown(&world, &won).await.import.state, ImportState::Done);
        assert!(matches!(confirm(&world.app, &lost, false).await, Err(RosterError::Stale)));
        confirm(&world.app, &won, false).await.unwrap();
        assert_eq!(enrolled(&world).await.len(), 3);
    }

    async fn who_drops_is_warned_and_loses_what_they_have_when_the_time_comes(backend: Backend) {
        let world = World::new(backend).await;
        import(&world, file("net_id,mail\nff524,ff524@example.edu\ngg600,gg600@example.edu\n")).await;
        let student = world.student("ff524").await;
        let soon = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let later = world.book(&student, slot("2025-02-12T10:00", "2025-02-12T14:00")).await;
        let asked = Asked { length_minutes: 240, windows: vec![slot("2025-02-15T10:00", "2025-02-15T18:00")], auto_accept: false };
        let _ = waitlist::join(&world.app, student.clone(), "k8s".parse().unwrap(), asked).await;
        world.work().await;
        let before = world.subjects().len();

        let done = import(&world, file("net_id,mail\ngg600,gg600@example.edu\n")).await;
        assert_eq!(done.stored.plan.dropped.len(), 1);
        let gone = enrolment(&world, "ff524").await;
        assert_eq!((gone.dropped_at, gone.bookings_end_at), (Some(local("2025-02-08T09:10")), Some(local("2025-02-10T09:10"))));
        world.work().await;
        let mails = world.postbox.mails.lock().unwrap()[before..].to_vec();
        assert_eq!(mails.len(), 1, "{mails:#?}");
        let body = &mails[0].body;
        assert!(mails[0].subject.contains("your bookings end Mon Feb 10, 09:10"), "{}", mails[0].subject);
        assert!(body.contains(later.id.as_str()) && body.contains("Write to") | body.contains("write to"), "{body}");

        // Nothing new, and what there is goes on until then.
        let refused = booking::book(&world.app, World::wish(&person(&world, "ff524").await, slot("2025-02-10T10:00", "2025-02-10T12:00"))).await;
        assert!(refused.is_err());
        assert_eq!(roster::end_due(&world.app).await.unwrap(), 0);
        assert!(world.state(&student, &later.id).await.is_live());
        world.work_until(&student, &soon.id, "active").await;

        world.clock.advance(local("2025-02-10T09:10") - world.app.now());
        assert_eq!(roster::end_due(&world.app).await.unwrap(), 1);
        assert_eq!(roster::end_due(&world.app).await.unwrap(), 0);
        let state = world.state(&student, &later.id).await;
        assert_eq!(state.reason(), Some(EndReason::Dropped), "{state:?}");
        let waits = world.app.db.read::<_, DbError, _>("waits", { let id = student.id.clone(); move |conn| db::waits_of_person(conn, &id) }).await.unwrap();
        assert!(waits.iter().all(|wait| !wait.is_open()));
        world.work_until(&student, &later.id, "ended").await;
        assert!(world.held().is_empty(), "{:?}", world.held());
        assert!(matches!(world.state(&student, &later.id).await, State::Ended { .. }));
    }

    async fn who_returns_in_time_keeps_what_they_have(backend: Backend) {
        let world = World::new(backend).await;
        let both = "net_id,mail\nff524,ff524@example.edu\ngg600,gg600@example.edu\n";
        import(&world, file(both)).await;
        let student = world.student("ff524").await;
        let later = world.book(&student, slot("2025-02-12T10:00", "2025-02-12T14:00")).await;
        import(&world, file("net_id,mail\ngg600,gg600@example.edu\n")).await;
        world.clock.advance(TimeDelta::hours(47));
        let back = import(&world, file(both)).await;
        assert_eq!(back.stored.plan.returning.len(), 1);
        world.clock.advance(TimeDelta::hours(5));
        assert_eq!(roster::end_due(&world.app).await.unwrap(), 0);
        assert!(world.state(&student, &later.id).await.is_live());
        assert!(person(&world, "ff524").await.enrolled);
    }

    async fn a_file_that_drops_many_needs_a_yes_and_one_of_a_section_drops_few(backend: Backend) {
        let world = World::new(backend).await;
        let all: Vec<generator::Student> = generator::students(20, 5);
        let rows = |section: &str| {
            let rows: Vec<_> =
                all.iter().map(|it| format!("{},{}@example.edu,{section}\n", it.net_id, it.net_id)).collect();
            let rows = rows.concat();
            format!("net_id,mail,section\n{rows}")
        };
        import(&world, file(&rows("lec-1"))).await;
        let by_hand = world.student("hand1").await;
        let one = format!("net_id,mail,section\n{0},{0}@example.edu,lec-1\n", all[0].net_id);
        let id = bring(&world, file(&one)).await;
        assert!(matches!(confirm(&world.app, &id, false).await, Err(RosterError::LooksWrong { drops: 19, enrolled: 21 })));
        assert_eq!(enrolled(&world).await.len(), 21);
        let of_section = bring(&world, Wanted { only_sections: vec!["Lec 2".to_owned()], ..file(&one) }).await;
        let plan = shown(&world, &of_section).await.stored.plan;
        assert!(plan.dropped.is_empty() && plan.warnings[0].contains("Lec-2"), "{:?}", plan.warnings);
        confirm(&world.app, &id, true).await.unwrap();
        while roster::step(&world.app).await.unwrap() > 0 {}
        let left = enrolled(&world).await;
        assert_eq!(left.len(), 2);
        assert!(left.contains(&by_hand.net_id.to_string()), "who was added by hand stays");
    }

    async fn programs_bring_rosters_too(backend: Backend) {
        let world = World::new(backend).await;
        let served = serve(&world);
        let service = member(&world, "robot", Role::Service).await;
        let program = world.token_of(&service.id, &[Scope::PeopleWrite]).await;
        let bring = |body: &'static str| served.request(&program, Method::POST, "/api/v1/roster/imports?file_name=r.csv&hours=1").body(body).send();
        let refused = bring("net_id,mail\n5a,x\n").await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let problem: Value = refused.json().await.unwrap();
        assert!(problem.to_string().contains("line 2: mail: "), "{problem}");
        let made = bring(THREE).await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
        let made: Value = made.json().await.unwrap();
        assert_eq!((made["state"].as_str(), made["total"].as_i64(), made["hours"].as_i64()), (Some("previewed"), Some(3), Some(1)));
        assert_eq!(made["plan"]["added"][0]["held"]["name"], "Ada Byron");
        let path = format!("/api/v1/roster/imports/{}", made["id"].as_str().unwrap());
        let confirmed = served.request(&program, Method::POST, &format!("{path}/confirm")).send().await.unwrap();
        assert_eq!(confirmed.status(), StatusCode::ACCEPTED);
        let late = served.request(&program, Method::DELETE, &path).send().await.unwrap();
        assert_eq!(late.status(), StatusCode::CONFLICT);
        world.work().await;
        let done: Value = served.request(&program, Method::GET, &path).send().await.unwrap().json().await.unwrap();
        assert_eq!((done["state"].as_str(), done["done"].as_i64(), done["by"].as_str()), (Some("done"), Some(3), Some("robot")));
    }

    async fn staff_set_what_one_person_has(backend: Backend) {
        let world = World::new(backend).await;
        import(&world, file(THREE)).await;
        let (served, staff) = (serve(&world), member(&world, "ta77", Role::Assistant).await);
        let who = world.session_of(&staff.id).await;
        let eve = enrolment(&world, "efgh").await.person;
        let href = format!("/staff/people/{eve}");
        let html = page(&served, &who, &href).await;
        assert_eq!(text(&html, "h1"), ["Eve takes the course."]);
        assert!(html.contains("They have no parity"));

        let parity = [("rule", "parity"), ("value", "odd"), ("scope", "all"), ("reason", "the net ID has no digit")];
        leads_to(&post(&served, &who, &format!("{href}/exceptions"), &parity).await);
        assert!(page(&served, &who, &href).await.contains("odd, by an exception"));
        leads_to(&post(&served, &who, &format!("{href}/place"), &[("section", "lec-9"), ("team", "blue"), ("shares", "3")]).await);
        leads_to(&post(&served, &who, &format!("{href}/accounts"), &[("cloud_users", "eve-chi\r\n\r\neve@site\r\n")]).await);
        let it = enrolment(&world, "efgh").await;
        assert_eq!((it.section.as_deref(), it.team.as_deref(), it.shares), (Some("lec-9"), Some("blue"), 3));
        assert_eq!(it.cloud_users, ["eve-chi", "eve@site"]);
        for (path, form, field) in [
            ("place", &[("section", "lec 9"), ("shares", "1")][..], "section"),
            ("place", &[("section", ""), ("shares", "x")], "shares"),
            ("accounts", &[("cloud_users", "ab12")], "cloud_users"),
            ("drop", &[("hours", "1000")], "drop"),
            ("exceptions", &[("rule", "cap_minutes"), ("value", "much"), ("reason", "r")], "value"),
        ] {
            let refused = post(&served, &who, &format!("{href}/{path}"), form).await;
            assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path} {form:?}");
            let html = refused.text().await.unwrap();
            assert!(html.contains(&format!("href=\"#{field}\"")), "{path} {form:?} {html}");
        }
        leads_to(&post(&served, &who, &format!("{href}/drop"), &[("hours", "0")]).await);
        assert!(enrolment(&world, "efgh").await.dropped_at.is_some());
        leads_to(&post(&served, &who, &format!("{href}/return"), &[]).await);
        assert!(enrolment(&world, "efgh").await.dropped_at.is_none());
        let nobody = served.request(&who, Method::GET, "/staff/people/000000000000").send().await.unwrap();
        assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
    }

    async fn accommodations_are_seen_by_staff_only(backend: Backend) {
        let world = World::new(backend).await;
        let (served, staff) = (serve(&world), member(&world, "ta77", Role::Assistant).await);
        let student = world.student("ff524").await;
        let wanted = NewException {
            net_id: student.net_id.clone(),
            lab: None,
            grant: Grant::CapMinutes(600),
            until: None,
            reason: "as agreed with the office".to_owned(),
            accommodation: true,
        };
        exceptions::grant(&world.app, &Doer::command(), wanted).await.unwrap();
        let booking = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T20:00")).await;
        let href = format!("/staff/people/{}", student.id);
        let html = page(&served, &world.session_of(&staff.id).await, &href).await;
        assert!(html.contains("as agreed with the office") && html.contains("accommodation"));
        let own = world.session_of(&student.id).await;
        for path in ["/", "/me", "/labs/k8s", "/standing", &format!("/bookings/{}", booking.id)] {
            let html = page(&served, &own, path).await;
            assert!(!html.contains("as agreed") && !html.contains("ccommodation"), "{path}");
        }
        for path in [&href[..], "/staff/roster"] {
            let response = served.request(&own, Method::GET, path).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    async fn an_account_that_was_given_away_meanwhile_is_left_out(backend: Backend) {
        let world = World::new(backend).await;
        import(&world, file(THREE)).await;
        let text = THREE.replace("shares\n", "shares,cloud_user\n").replace(",2\n", ",2,chi-1\n").replace(",1\n", ",1,\n");
        let id = bring(&world, file(&text)).await;
        confirm(&world.app, &id, false).await.unwrap();
        let app = world.app.clone();
        let taken = move |conn: &mut db::Conn<'_>| {
            let (doer, who) = (Doer::command(), "efgh".parse().unwrap());
            people::set_cloud_users(&app, conn, &doer, &who, &["CHI-1".to_owned()])
        };
        world.app.db.write("taken", taken).await.unwrap();
        while roster::step(&world.app).await.unwrap() > 0 {}
        assert_eq!(enrolment(&world, "ab12").await.cloud_users, [""; 0]);
        assert_eq!(enrolment(&world, "efgh").await.cloud_users, ["CHI-1"]);
        let known: Vec<PersonId> = enrolments(&world).await.into_iter().map(|it| it.person).collect();
        assert_eq!(known.len(), 3);
    }
}
