//! Who sees the log, on its page and by the API, and what a file of it has.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fairlease::auth::permissions::Scope;
use fairlease::db::DbError;
use fairlease::domain::audit::{Action, Doer, Record, Way};
use fairlease::domain::exception::Grant;
use fairlease::domain::person::{Person, Role};
use fairlease::services::audit::{self, Entry};
use fairlease::services::exceptions::{self, NewException};
use fairlease::services::people;
use fairlease::services::tokens::{self, NewToken};
use reqwest::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::actions::all;
use crate::sites::{serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{World, on_both_databases};

async fn person(world: &World, net_id: &str, role: Role) -> Person {
    let (app, net_id) = (world.app.clone(), net_id.parse().unwrap());
    let made = world.app.db.write::<_, DbError, _>("person", move |conn| {
        people::ensure_person(&app, conn, &net_id, "Someone", role)
    });
    made.await.unwrap()
}

async fn exception(world: &World, doer: &Doer) {
    let wanted = NewException {
        net_id: "ff524".parse().unwrap(),
        lab: None,
        grant: Grant::AnyDay,
        until: None,
        reason: "a stay in hospital".to_owned(),
        accommodation: true,
    };
    exceptions::grant(&world.app, doer, wanted).await.unwrap();
}

/// A program's secret.
async fn token(world: &World, person: &Person, scopes: &[Scope]) -> String {
    let (app, id, scopes) = (world.app.clone(), person.id.clone(), scopes.to_vec());
    let made = world.app.db.write::<_, tokens::TokenError, _>("token", move |conn| {
        let wanted = NewToken {
            person: id.clone(),
            name: "log".to_owned(),
            scopes: scopes.clone(),
            days: 7,
            by: id.clone(),
        };
        tokens::make(&app, conn, &Doer::command(), &wanted)
    });
    made.await.unwrap().secret.expose_secret().to_owned()
}

async fn many(world: &World, doer: &Doer, count: usize) {
    let (app, doer) = (world.app.clone(), doer.clone());
    let done = world.app.db.write::<_, DbError, _>("many", move |conn| {
        (0..count).try_for_each(|_| audit::record(&app, conn, &doer, Entry::new(Action::Viewed)))
    });
    done.await.unwrap();
}

async fn text(visitor: &Visitor, path: &str) -> String {
    let response = visitor.get(path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

async fn location(visitor: &Visitor, fields: &[(&str, &str)]) -> String {
    let response = visitor.post("/staff/audit", fields).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{fields:?}");
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// A record as an export has it.
fn record_of(line: &Value) -> Record {
    let word = |key: &str| line[key].as_str().map(str::to_owned);
    let id = |key: &str| line[key]["id"].as_str().map(str::to_owned);
    let at: DateTime<Utc> = line["at"].as_str().unwrap().parse().unwrap();
    Record {
        number: line["number"].as_i64().unwrap(),
        at,
        way: word("way").unwrap(),
        actor: id("actor"),
        behalf: id("behalf"),
        token: word("token"),
        action: word("action").unwrap(),
        course: word("course"),
        about: id("about"),
        object: word("object"),
        request: word("request"),
        details_hash: word("details_hash").unwrap(),
        previous_hash: word("previous_hash").unwrap(),
    }
}

on_both_databases! {
    async fn staff_see_the_log_and_students_have_no_such_page(backend: Backend) {
        let world = World::new(backend).await;
        staff(&world, "ta77").await;
        let served = serve(&world);
        let (ta, student) = (
            Visitor::sign_in_without_key(&client(), &served.url, "ta77").await,
            Visitor::sign_in(&client(), &served.url, "ff524").await,
        );
        for path in ["/staff/audit", "/staff/audit/export", "/api/v1/audit", "/api/v1/audit/export"] {
            assert_eq!(student.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
            let nobody = Visitor::anonymous(&served.url).get(path).await.status();
            assert!(matches!(nobody, StatusCode::SEE_OTHER | StatusCode::UNAUTHORIZED), "{path}: {nobody}");
        }
        let grant = [("net_id", "ff524"), ("rule", "any_day"), ("scope", "lab"), ("reason", "was <ill>")];
        assert_eq!(ta.post("/staff/labs/k8s/exceptions", &grant).await.status(), StatusCode::SEE_OTHER);

        let page = text(&ta, "/staff/audit").await;
        for part in ["ta77 granted ff524 an exception", "Why: was &#60;ill&#62;", "ff524 changed the SSH key of themselves", "ta77 signed in"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let line = all(&world).await.pop().unwrap();
        assert!(line.request.is_some_and(|request| page.contains(&request)), "the request's id is told");
        assert_eq!(line.way, "page");
    }

    async fn whom_the_form_names_is_an_id_in_the_address(backend: Backend) {
        let world = World::new(backend).await;
        staff(&world, "ta77").await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let ta = Visitor::sign_in_without_key(&client(), &served.url, "ta77").await;
        exception(&world, &Doer::command().named("ta77")).await;
        let to = location(&ta, &[("about", " FF524 "), ("actor", ""), ("action", ""), ("from", ""), ("to", "2025-02-08")]).await;
        assert_eq!(to, format!("/staff/audit?about={}&to=2025-02-08", student.id));
        let page = text(&ta, &to).await;
        assert!(page.contains("What was done about ff524 up to 2025-02-08"), "{page}");
        assert!(page.contains("granted ff524 an exception") && !page.contains("ta77 signed in"), "{page}");
        let to = location(&ta, &[("actor", "ta77"), ("action", "signed_in")]).await;
        let page = text(&ta, &to).await;
        assert!(page.contains("ta77 signed in") && !page.contains("granted ff524"), "{page}");
        let page = text(&ta, "/staff/audit?to=2025-02-07").await;
        assert!(page.contains("Nothing like this was done."), "{page}");

        let wrong = [("about", "ff999"), ("actor", "?"), ("action", "flew"), ("from", "soon")];
        let refused = ta.post("/staff/audit", &wrong).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = refused.text().await.unwrap();
        for part in ["Nobody here has the net ID ff999.", "is not a net ID", "Choose what was done.", "is not a day such as"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for path in ["/staff/audit?about=000000000000", "/staff/audit?action=flew"] {
            assert_ne!(ta.get(path).await.status(), StatusCode::OK, "{path}");
        }
    }

    async fn a_long_log_is_paged_by_number(backend: Backend) {
        let world = World::new(backend).await;
        staff(&world, "ta77").await;
        let served = serve(&world);
        let ta = Visitor::sign_in_without_key(&client(), &served.url, "ta77").await;
        many(&world, &Doer::itself(), 120).await;
        let (mut path, mut seen) = ("/staff/audit".to_owned(), Vec::new());
        loop {
            let page = text(&ta, &path).await;
            let rows = page.split("<li id=\"r").skip(1).map(|row| row.split('"').next().unwrap().parse::<i64>().unwrap());
            seen.extend(rows);
            let Some(older) = page.split("\" rel=\"next\"").next().filter(|_| page.contains("rel=\"next\"")) else { break };
            path = older.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
        }
        assert_eq!(seen, (1..=121).rev().collect::<Vec<i64>>());
        let first: Value = ta.get("/api/v1/audit?limit=100").await.json().await.unwrap();
        let next: Value = ta.get(&format!("/api/v1/audit?limit=100&before={}", first["next"])).await.json().await.unwrap();
        assert_eq!((first["next"].as_i64(), next["next"].as_i64(), next["records"].as_array().unwrap().len()), (Some(22), None, 21));
    }

    async fn a_token_reads_what_it_is_for_and_no_service_reads_why_of_exceptions(backend: Backend) {
        let world = World::new(backend).await;
        let (ta, service) = (person(&world, "ta77", Role::Assistant).await, person(&world, "log01", Role::Service).await);
        world.student("ff524").await;
        exception(&world, &Doer::someone(Way::Page, ta.id.clone())).await;
        let served = serve(&world);
        let read = async |secret: &str, path: &str| {
            client().get(format!("{}{path}", served.url)).bearer_auth(secret).send().await.unwrap()
        };
        let other = token(&world, &service, &[Scope::LabsRead]).await;
        assert_eq!(read(&other, "/api/v1/audit").await.status(), StatusCode::FORBIDDEN);
        let ours = token(&world, &service, &[Scope::AuditRead]).await;
        let theirs = token(&world, &ta, &[Scope::AuditRead]).await;
        for (secret, sees) in [(ours, false), (theirs, true)] {
            let found: Value = read(&secret, "/api/v1/audit?action=granted_exception").await.json().await.unwrap();
            let [record] = found["records"].as_array().unwrap().as_slice() else { panic!("{found}") };
            assert_eq!((&record["actor"]["net_id"], &record["about"]["net_id"]), (&json!("ta77"), &json!("ff524")));
            assert_eq!(record["why"], if sees { json!("a stay in hospital") } else { Value::Null });
            let file = read(&secret, "/api/v1/audit/export?format=csv").await.text().await.unwrap();
            assert_eq!(file.contains("hospital"), sees, "{file}");
            let noted = all(&world).await.pop().unwrap();
            assert_eq!((noted.action.as_str(), noted.way.as_str()), ("exported_audit", "api"));
            assert!(noted.token.is_some());
        }
        let bad = client().get(format!("{}/api/v1/audit?since=soon", served.url)).bearer_auth("x").send().await.unwrap();
        assert_eq!(bad.status(), StatusCode::UNAUTHORIZED);
    }

    async fn a_file_of_the_log_has_all_that_its_hashes_are_made_from(backend: Backend) {
        let world = World::new(backend).await;
        staff(&world, "ta77").await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let ta = Visitor::sign_in_without_key(&client(), &served.url, "ta77").await;
        exception(&world, &Doer::someone(Way::Page, student.id.clone())).await;
        many(&world, &Doer::itself(), 1_100).await;
        let response = ta.get("/staff/audit/export?format=jsonl").await;
        assert!(response.headers()["content-disposition"].to_str().unwrap().contains(".jsonl"));
        let file = response.text().await.unwrap();
        let mut last = fairlease::domain::audit::NOTHING.to_owned();
        let mut actions: BTreeMap<String, usize> = BTreeMap::new();
        for (at, line) in file.lines().enumerate() {
            let line: Value = serde_json::from_str(line).unwrap();
            let record = record_of(&line);
            assert_eq!((record.number, &record.previous_hash), (i64::try_from(at).unwrap() + 1, &last));
            last = audit::hash(&record);
            assert_eq!(line["hash"], last);
            *actions.entry(record.action).or_default() += 1;
        }
        assert_eq!((actions["viewed"], actions["granted_exception"], actions["exported_audit"]), (1_100, 1, 1));

        let file = text(&ta, &format!("/staff/audit/export?format=csv&about={}", student.id)).await;
        let mut reader = csv::Reader::from_reader(file.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let header = reader.headers().unwrap().clone();
        let column = |name: &str| header.iter().position(|it| it == name).unwrap();
        assert_eq!(rows.len(), 2, "{file}");
        assert_eq!(&rows[1][column("why")], "a stay in hospital");
        assert_eq!((&rows[1][column("about")], &rows[1][column("who")]), ("ff524", "ff524"));
        let none = text(&ta, "/staff/audit/export?format=csv&to=2020-01-01").await;
        assert_eq!(none.lines().count(), 1, "a table without rows has its header: {none}");
    }
}
