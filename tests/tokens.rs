//! Tokens: what each scope reaches and nothing else, how they end, and where their secrets are not.

use std::fs;

use chrono::TimeDelta;
use fairlease::auth::permissions::{Reach, Scope};
use fairlease::db::{self, Dropped, StoredToken};
use fairlease::domain::audit::Doer;
use fairlease::domain::ids::PersonId;
use fairlease::domain::person::{Person, Role};
use fairlease::services::programs::{self, NewProgram, ProgramError};
use fairlease::services::tokens::{self, Made, NewToken, TokenError};
use fairlease::services::{people, sessions};
use fairlease::web::{Row, Verb, every_row};
use reqwest::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, IF_MATCH, LOCATION, WWW_AUTHENTICATE,
};
use reqwest::{Client, Method, Response, StatusCode};
use scraper::{Html, Selector};
use serde_json::Value;

use crate::support::course::Course;
use crate::support::demo::Setup;
use crate::support::visitor::{Visitor, client};
use crate::world::served::{Credential, Served, serve};
use crate::world::{Backend, World, on_both_databases, slot};

fn wanted(person: &Person, name: &str, scopes: &[Scope], days: i64) -> NewToken {
    let (person, by) = (person.id.clone(), person.id.clone());
    NewToken { person, name: name.to_owned(), scopes: scopes.to_vec(), days, by }
}

impl World {
    async fn issue(&self, wanted: NewToken) -> Result<Made, TokenError> {
        let app = self.app.clone();
        let issue = move |conn: &mut db::Conn<'_>| tokens::issue(&app, conn, &Doer::itself(), &wanted);
        self.app.db.write("issue", issue).await
    }

    async fn tokens(&self, person: &Person) -> Vec<StoredToken> {
        let id = person.id.clone();
        self.app.db.read("tokens", move |conn| db::tokens_of(conn, &id)).await.unwrap()
    }

    /// Whom a secret signs in.
    async fn signed_in_by(&self, made: &Made) -> Option<PersonId> {
        let (app, secret) = (self.app.clone(), made.tell().to_owned());
        let found = self.app.db.read("secret", move |conn| tokens::of_secret(&app, conn, &secret)).await;
        found.unwrap().map(|(person, _)| person.id)
    }

    async fn add_service(&self, name: &str) -> Result<Person, ProgramError> {
        let (app, name) = (self.app.clone(), name.parse().unwrap());
        let wanted = NewProgram { name, title: "Grades".to_owned(), mail: "staff@example.edu".to_owned() };
        let add = move |conn: &mut db::Conn<'_>| programs::add(&app, conn, &Doer::itself(), &wanted);
        self.app.db.write("service", add).await
    }

    async fn member(&self, net_id: &str, role: Role) -> Person {
        let (app, net_id) = (self.app.clone(), net_id.parse().unwrap());
        let add = move |conn: &mut db::Conn<'_>| people::ensure_person(&app, conn, &net_id, "Someone", role);
        self.app.db.write::<_, db::DbError, _>("member", add).await.unwrap()
    }

    async fn set_role(&self, person: &Person, role: Role) {
        let id = person.id.clone();
        let set = move |conn: &mut db::Conn<'_>| {
            let course = db::served_course(conn)?.unwrap();
            db::set_role(conn, &course, &id, role)
        };
        self.app.db.write::<_, db::DbError, _>("role", set).await.unwrap();
    }

    async fn drop_out(&self, person: &Person) {
        let (id, now) = (person.id.clone(), self.app.now());
        let dropped = Dropped { at: now, bookings_end_at: Some(now) };
        let set = move |conn: &mut db::Conn<'_>| db::set_dropped(conn, &id, Some(dropped));
        self.app.db.write::<_, db::DbError, _>("drop", set).await.unwrap();
    }
}

on_both_databases! {
    async fn a_token_ends_at_its_instant_and_not_after(backend: Backend) {
        let world = World::new(backend).await;
        let person = world.student("ff524").await;
        let made = world.issue(wanted(&person, "script", &[Scope::LabsRead], 7)).await.unwrap();
        assert_eq!(made.token.expires_at, world.app.now() + TimeDelta::days(7));
        world.clock.advance(TimeDelta::days(7) - TimeDelta::microseconds(1));
        assert_eq!(world.signed_in_by(&made).await, Some(person.id.clone()));
        world.clock.advance(TimeDelta::microseconds(1));
        assert_eq!(world.signed_in_by(&made).await, None);
    }

    async fn a_token_that_is_revoked_signs_in_no_more_and_nobody_revokes_anothers(backend: Backend) {
        let world = World::new(backend).await;
        let (person, other) = (world.student("ff524").await, world.student("gg222").await);
        let made = world.issue(wanted(&person, "script", &[Scope::LabsRead], 7)).await.unwrap();
        let revoke = async |of: &Person| {
            let (app, of, id) = (world.app.clone(), of.id.clone(), made.token.id.clone());
            let revoke = move |conn: &mut db::Conn<'_>| tokens::revoke(&app, conn, &Doer::itself(), &of, &id);
            world.app.db.write("revoke", revoke).await.unwrap()
        };
        assert!(!revoke(&other).await);
        assert_eq!(world.signed_in_by(&made).await, Some(person.id.clone()));
        assert!(revoke(&person).await);
        assert_eq!(world.signed_in_by(&made).await, None);
        assert!(!revoke(&person).await, "once");
        assert_eq!(world.tokens(&person).await[0].revoked_at, Some(world.app.now()), "its row stays");
    }

    async fn what_a_token_needs_is_said(backend: Backend) {
        let world = World::new(backend).await;
        let person = world.student("ff524").await;
        let refused = async |name: &str, scopes: &[Scope], days| {
            world.issue(wanted(&person, name, scopes, days)).await.unwrap_err().to_string()
        };
        assert!(refused(" ", &[Scope::LabsRead], 7).await.contains("needs a name"));
        assert!(refused(&"x".repeat(61), &[Scope::LabsRead], 7).await.contains("needs a name"));
        assert!(refused("a\u{7}b", &[Scope::LabsRead], 7).await.contains("needs a name"));
        assert!(refused("script", &[], 7).await.contains("what the token is for"));
        assert!(refused("script", &[Scope::LabsRead], 0).await.contains("1 to 366 days"));
        assert!(refused("script", &[Scope::LabsRead], 367).await.contains("1 to 366 days"));
        assert!(refused("script", &[Scope::LabsRead, Scope::PeopleRead], 7).await.contains("people:read"));
        for number in 0..tokens::MOST {
            world.issue(wanted(&person, &format!("script {number}"), &[Scope::LabsRead], 7)).await.unwrap();
        }
        assert!(refused("script 0", &[Scope::LabsRead], 7).await.contains("another name"));
        assert!(refused("one more", &[Scope::LabsRead], 7).await.contains("revoke one first"));
        world.clock.advance(TimeDelta::days(7));
        world.issue(wanted(&person, "script 0", &[Scope::LabsRead], 7)).await.unwrap();
        world.drop_out(&person).await;
        assert!(refused("script 1", &[Scope::LabsRead], 7).await.contains("not in the course"));
    }

    async fn a_service_has_a_name_of_its_own_and_loses_its_tokens_with_its_place(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        let taken = world.add_service("ff524").await;
        assert!(matches!(taken, Err(ProgramError::Taken(_))), "{taken:?}");
        let service = world.add_service("grades").await.unwrap();
        let again = world.add_service("grades").await;
        assert!(matches!(again, Err(ProgramError::Taken(_))), "{again:?}");
        let made = world.issue(wanted(&service, "nightly", &[Scope::UsageRead], 366)).await.unwrap();
        let beyond = world.issue(wanted(&service, "books", &[Scope::BookingsWrite], 7)).await;
        assert!(matches!(beyond, Err(TokenError::Beyond(Scope::BookingsWrite))), "a service books nothing");
        let listed = world.app.db.read::<_, db::DbError, _>("all", programs::all).await.unwrap();
        let names: Vec<_> = listed.iter().map(|it| (it.service.net_id.to_string(), it.signing_in(&world.app))).collect();
        assert_eq!(names, [("grades".to_owned(), 1)]);
        let drop = async || {
            let (app, id) = (world.app.clone(), service.id.clone());
            let drop = move |conn: &mut db::Conn<'_>| programs::drop(&app, conn, &Doer::itself(), &id);
            world.app.db.write("drop", drop).await.unwrap()
        };
        assert!(drop().await && !drop().await);
        assert_eq!(world.signed_in_by(&made).await, None);
        assert_eq!(world.app.db.read::<_, db::DbError, _>("all", programs::all).await.unwrap().len(), 0);
        let back = world.add_service("grades").await.unwrap();
        assert_eq!(back.id, service.id);
        assert_eq!(world.signed_in_by(&made).await, None, "what was revoked stays so");
    }

    async fn a_service_has_no_browser(backend: Backend) {
        let world = World::new(backend).await;
        let service = world.add_service("grades").await.unwrap();
        let (app, id) = (world.app.clone(), service.id.clone());
        let session = world.app.db.write::<_, db::DbError, _>("session", move |conn| {
            let begun = sessions::begin(&app, conn, &Doer::itself(), &id, &sessions::SignIn::default())?;
            sessions::of_token(&app, conn, &begun.token)
        });
        assert!(session.await.unwrap().is_none());
        let served = serve(&world);
        let form = client().post(format!("{}/sign-in", served.url)).form(&[("net_id", "grades")]);
        let response = form.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(response.headers().get("set-cookie").is_none());
        assert!(response.text().await.unwrap().contains("signs in with a token"));
    }
}

fn header(headers: &HeaderMap, name: impl reqwest::header::AsHeaderName) -> &str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

fn bearer(secret: &str) -> Credential {
    Credential::Bearer(secret.to_owned())
}

async fn labs(served: &Served, who: &Credential) -> Response {
    served.request(who, Method::GET, "/api/v1/labs/k8s/starts").send().await.unwrap()
}

/// The table's path with things that are there, so that only who asks decides.
fn path(row: &Row, booking: &str) -> String {
    let names = [
        ("{lab}", "k8s"),
        ("{booking}", booking),
        ("{wait}", "000000000000"),
        ("{exemption}", "000000000000"),
    ];
    names.iter().fold(row.pattern(), |path, (name, is)| path.replace(name, is))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scope_reaches_what_it_says_and_nothing_else() {
    let world = World::new(Backend::Sqlite).await;
    let student = world.student("ff524").await;
    let booking = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
    let people =
        [student, world.member("in77", Role::Instructor).await, world.add_service("grades").await.unwrap()];
    let served = serve(&world);
    let (mut wrong, mut reached) = (Vec::new(), 0);
    for person in &people {
        for scope in Scope::ALL {
            let who = world.token_of(&person.id, &[scope]).await;
            // Nobody is in such a hurry as this test.
            world.clock.advance(TimeDelta::seconds(30));
            for row in every_row().filter(|row| row.scope == "/api/v1") {
                let method = Method::from_bytes(row.verb.method().as_str().as_bytes()).unwrap();
                let request = served
                    .request(&who, method, &path(row, booking.id.as_str()))
                    .header(IF_MATCH, "\"never\"");
                // A body that no route can read: who gets so far may do it, and nothing is done.
                let request = if row.verb == Verb::get {
                    request
                } else {
                    request.header("content-type", "application/json").body("[]")
                };
                let status = request.send().await.unwrap().status();
                let rule = row.permission.rule().unwrap();
                let may = rule.scope == Some(scope) && row.permission.reach(person) != Reach::No;
                let is = ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
                reached += usize::from(is);
                if may != is {
                    wrong.push(format!(
                        "{} {:?} {} with {}: {status}",
                        person.net_id,
                        row.verb,
                        row.path,
                        scope.word()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(reached > 30, "{reached}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_signs_nobody_in_is_refused_with_what_is_asked_for() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.student("ff524").await;
    let served = serve(&world);
    let made = world.issue(wanted(&person, "script", &[Scope::LabsRead], 7)).await.unwrap();
    let good = bearer(made.tell());
    assert_eq!(labs(&served, &good).await.status(), StatusCode::OK);
    let (cut, other) = (&made.tell()[..made.tell().len() - 1], format!("{}0", made.tell()));
    let upper = made.tell().to_uppercase();
    for secret in [cut, &other, &upper, "", "fairlease_", "x"] {
        let response = labs(&served, &bearer(secret)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{secret}");
        assert_eq!(
            header(response.headers(), WWW_AUTHENTICATE),
            "Bearer error=\"invalid_token\"",
            "{secret}"
        );
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], 401);
    }
    let basic =
        client().get(format!("{}/api/v1/labs/k8s/starts", served.url)).basic_auth("ff524", Some(made.tell()));
    assert_eq!(basic.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let nobody = labs(&served, &Credential::None).await;
    assert_eq!(header(nobody.headers(), WWW_AUTHENTICATE), "Bearer");
    let elsewhere = served.request(&good, Method::GET, "/api/v1/fairshare").send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    let asked = "Bearer error=\"insufficient_scope\", scope=\"usage:read\"";
    assert_eq!(header(elsewhere.headers(), WWW_AUTHENTICATE), asked);
    assert!(elsewhere.json::<Value>().await.unwrap()["detail"].as_str().unwrap().contains("usage:read"));
    world.clock.advance(TimeDelta::days(7));
    assert_eq!(labs(&served, &good).await.status(), StatusCode::UNAUTHORIZED, "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_someone_loses_their_tokens_lose_at_once() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.member("ta77", Role::Assistant).await;
    let served = serve(&world);
    let scopes = [Scope::ReaperRead, Scope::ReaperWrite, Scope::LabsRead];
    let made = world.issue(wanted(&person, "script", &scopes, 7)).await.unwrap();
    let who = bearer(made.tell());
    let plan = async || served.request(&who, Method::GET, "/api/v1/reaper/exemptions").send().await.unwrap();
    assert_eq!(plan().await.status(), StatusCode::OK);
    world.set_role(&person, Role::Student).await;
    let refused = plan().await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(header(refused.headers(), WWW_AUTHENTICATE), "Bearer error=\"insufficient_scope\"");
    assert_eq!(labs(&served, &who).await.status(), StatusCode::OK, "as a student they may");
    world.drop_out(&person).await;
    assert_eq!(labs(&served, &who).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_writing_needs_no_other_for_staffs_routes() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.member("ta77", Role::Assistant).await;
    let served = serve(&world);
    let who = world.token_of(&person.id, &[Scope::ReaperWrite]).await;
    let pause = served.request(&who, Method::POST, "/api/v1/reaper/pause");
    let pause = pause.json(&serde_json::json!({"reason": "the site is being mended"})).send().await.unwrap();
    assert_eq!(pause.status(), StatusCode::CREATED, "and none of a form: {}", pause.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_for_browsers_and_a_token_counts_before_a_cookie() {
    let world = World::new(Backend::Sqlite).await;
    let (one, other) = (world.student("ff524").await, world.student("gg222").await);
    let booking = world.book(&one, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
    let served = serve(&world);
    let Credential::Bearer(secret) = world.token_of(&one.id, &Scope::ALL).await else { panic!("a token") };
    let page = served.request(&bearer(&secret), Method::GET, "/me").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(page.headers(), LOCATION), "/sign-in?return_to=/me");
    let Credential::Session { token, .. } = world.session_of(&other.id).await else { panic!("a session") };
    let both = |secret: &str, method: Method, path: &str| {
        let request = client().request(method, format!("{}{path}", served.url));
        request
            .header(COOKIE, format!("__Host-fairlease-session={token}"))
            .header(AUTHORIZATION, format!("Bearer {secret}"))
    };
    let path = format!("/api/v1/bookings/{}", booking.id);
    assert_eq!(
        both(&secret, Method::GET, &path).send().await.unwrap().status(),
        StatusCode::OK,
        "it is the token's"
    );
    let cookie_alone =
        served.request(&world.session_of(&other.id).await, Method::GET, &path).send().await.unwrap();
    assert_eq!(cookie_alone.status(), StatusCode::NOT_FOUND, "and not the cookie's");
    let wrong = both("fairlease_0", Method::GET, "/api/v1/sites").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "a cookie does not stand in for a token");
    let released = both(&secret, Method::DELETE, &path).send().await.unwrap();
    assert_eq!(released.status(), StatusCode::NO_CONTENT, "and a program sends no form's token");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_token_is_used_is_noted() {
    let world = World::new(Backend::Sqlite).await;
    let person = world.student("ff524").await;
    let made = world.issue(wanted(&person, "script", &[Scope::LabsRead], 7)).await.unwrap();
    let (served, who) = (serve(&world), bearer(made.tell()));
    let used = async || world.tokens(&person).await[0].used_at;
    assert_eq!(used().await, None);
    labs(&served, &who).await;
    let first = world.app.now();
    assert_eq!(used().await, Some(first));
    world.clock.advance(TimeDelta::minutes(4));
    labs(&served, &who).await;
    assert_eq!(used().await, Some(first), "not each time");
    world.clock.advance(TimeDelta::minutes(1));
    labs(&served, &who).await;
    assert_eq!(used().await, Some(world.app.now()));
    world.clock.advance(TimeDelta::minutes(10));
    served.request(&who, Method::GET, "/api/v1/fairshare").send().await.unwrap();
    assert!(used().await < Some(world.app.now()), "what it is not for is no use of it");
}

fn select(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap();
    page.select(&selector).map(|found| found.text().collect::<String>().trim().to_owned()).collect()
}

/// A token made on a page: its secret and its id.
async fn make_on_page(visitor: &Visitor, base: &str, scopes: &[&str]) -> (String, String) {
    let scopes = scopes.iter().map(|scope| ("scope", *scope));
    let fields: Vec<_> = [("name", "My script"), ("days", "30")].into_iter().chain(scopes).collect();
    let response = visitor.post(base, &fields).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(response.headers(), CACHE_CONTROL), "no-store");
    assert!(response.headers().get("set-cookie").is_none());
    let page = Html::parse_document(&response.text().await.unwrap());
    let secret = select(&page, "#secret").remove(0);
    let list = visitor.get("/me").await.text().await.unwrap();
    assert!(!list.contains(&secret), "it is shown once");
    let id = list.split("id=\"token-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    (secret, id)
}

#[tokio::test]
async fn a_student_makes_uses_and_revokes_a_token_and_its_secret_is_nowhere() {
    let demo = Setup::of(Course::example()).start().await;
    let http = client();
    let student = Visitor::sign_in(&http, demo.url(), "ff524").await;
    let offered = Html::parse_document(&student.get("/me").await.text().await.unwrap());
    let boxes = select(&offered, "#scope label code");
    assert!(
        boxes.contains(&"bookings:write".to_owned()) && !boxes.contains(&"people:read".to_owned()),
        "{boxes:?}"
    );
    let refused = student.post("/me/tokens", &[("name", ""), ("days", "30"), ("scope", "people:read")]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let (secret, id) = make_on_page(&student, "/me/tokens", &["labs:read", "bookings:write"]).await;
    let asked = |http: &Client| {
        http.get(format!("{}/api/v1/labs/k8s/starts", demo.url())).bearer_auth(&secret).send()
    };
    assert_eq!(asked(&http).await.unwrap().status(), StatusCode::OK);
    let listed = Html::parse_document(&student.get("/me").await.text().await.unwrap());
    let row = select(&listed, &format!("#token-{id}")).remove(0);
    assert!(row.contains("read labs, slots and sites; book, wait, and change bookings"), "{row}");
    assert!(row.contains("Last used today"), "{row}");
    let other = Visitor::sign_in(&http, demo.url(), "gg222").await;
    let revoke = format!("/me/tokens/{id}/revoke");
    assert_eq!(other.post(&revoke, &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(student.with_token("0").post(&revoke, &[]).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(asked(&http).await.unwrap().status(), StatusCode::OK);
    assert_eq!(student.post(&revoke, &[]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(asked(&http).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let after = student.get("/me").await.text().await.unwrap();
    assert!(!after.contains(&format!("revoke-{id}")) && after.contains("revoked"));
    let (core, log) = (secret.strip_prefix("fairlease_").unwrap(), demo.log());
    assert!(log.contains("/me/tokens") || log.contains("listening"), "there is a log");
    assert!(!log.contains(core));
    let file = demo.database_file();
    let parts = ["", "-wal"].map(|end| fs::read(format!("{}{end}", file.display())).unwrap_or_default());
    let stored = String::from_utf8_lossy(&parts.concat()).into_owned();
    assert!(stored.contains("My script"), "this is where it would be");
    assert!(!stored.contains(core));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instructor_says_what_services_there_are_and_nobody_else_does() {
    let world = World::new(Backend::Sqlite).await;
    let (instructor, assistant) =
        (world.member("in77", Role::Instructor).await, world.member("ta77", Role::Assistant).await);
    let served = serve(&world);
    let (who, not) = (world.session_of(&instructor.id).await, world.session_of(&assistant.id).await);
    let fields = [("net_id", "grades"), ("title", "Grades, each night"), ("mail", "staff@example.edu")];
    let post = async |who: &Credential, path: &str, fields: &[(&str, &str)]| {
        served.form(who, Method::POST, path).form(fields).send().await.unwrap()
    };
    assert_eq!(post(&not, "/staff/services", &fields).await.status(), StatusCode::NOT_FOUND);
    let bad = [("net_id", "9"), ("title", ""), ("mail", "nobody")];
    assert_eq!(post(&who, "/staff/services", &bad).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let added = post(&who, "/staff/services", &fields).await;
    assert_eq!(added.status(), StatusCode::SEE_OTHER, "{}", added.text().await.unwrap());
    let at = header(added.headers(), LOCATION).to_owned();
    let token = [("name", "nightly"), ("days", "90"), ("scope", "usage:read")];
    let made = post(&who, &format!("{at}/tokens"), &token).await;
    assert_eq!(header(made.headers(), CACHE_CONTROL), "no-store");
    let secret = select(&Html::parse_document(&made.text().await.unwrap()), "#secret").remove(0);
    let shares =
        async || served.request(&bearer(&secret), Method::GET, "/api/v1/fairshare").send().await.unwrap();
    let body: Value = shares().await.json().await.unwrap();
    assert!(body["shares"].is_array(), "a service sees everyone's: {body}");
    let student = world.student("ff524").await;
    let not_one = format!("/staff/services/{}/tokens", student.id);
    assert_eq!(
        post(&who, &not_one, &token).await.status(),
        StatusCode::NOT_FOUND,
        "nobody makes tokens of people"
    );
    assert_eq!(
        post(&who, &format!("/staff/services/{}/drop", student.id), &[]).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(post(&who, &format!("{at}/drop"), &[]).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(shares().await.status(), StatusCode::UNAUTHORIZED);
    let gone = served.request(&who, Method::GET, &at).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}
