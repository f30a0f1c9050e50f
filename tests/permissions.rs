//! Who may do what: every route by everyone who could ask, generated from the table of routes and the table of permissions.
//!
//! A request that changes something comes without its form's token: the guard asks first whether someone may, and then for
//! the token, so the answer tells the one from the other and nothing is changed. Programs have no such token; what they
//! could change is made so that it can't be.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::TimeDelta;
use fairlease::auth::permissions::{Permission, Reach, Relation, Rule, Scope, TABLE};
use fairlease::db::{self, DbError, Dropped};
use fairlease::domain::announcement::Audience;
use fairlease::domain::audit::Doer;
use fairlease::domain::exception::Grant;
use fairlease::domain::ids::{CourseId, PersonId};
use fairlease::domain::marked::Exempt;
use fairlease::domain::outage::{Away, Remedy};
use fairlease::domain::person::{Person, Role};
use fairlease::services::announcements::Release;
use fairlease::services::exceptions::{self, NewException};
use fairlease::services::guards::{self, NewExemption, NewPause};
use fairlease::services::outages::{self, Draft, Post};
use fairlease::services::roster::{self, Wanted};
use fairlease::services::shares::{self, Change, Placing};
use fairlease::services::{booking, people, reaping, sweeps};
use fairlease::web::{Row, Verb, every_row};
use reqwest::header::{CONTENT_TYPE, IF_MATCH, LOCATION};
use reqwest::{Method, Response, StatusCode};

use crate::announcements::{news, post};
use crate::world::served::{Credential, Served, serve};
use crate::world::{World, course, on_both_databases, slot, ta};

/// Someone who asks, and how what the paths name stands to them.
struct Actor {
    name: &'static str,
    person: Option<Person>,
    credential: Credential,
    scopes: Option<Vec<Scope>>,
}

/// What the guard makes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It gets to its route.
    Through,
    /// Sign in first.
    SignIn,
    /// There is no such thing for them.
    NotThere,
    /// They are not in the course.
    NotEnrolled,
    /// Their token is for something else.
    OutOfScope,
}

/// What the paths name: all of it is `owner`'s.
struct Things {
    owner: Person,
    names: Vec<(&'static str, String)>,
}

impl Things {
    fn path(&self, row: &Row) -> String {
        let mut path = row.pattern();
        for (name, is) in &self.names {
            path = path.replace(name, is);
        }
        assert!(!path.contains('{'), "{path}: give this test something that is called so");
        path
    }
}

fn expected(row: &Row, actor: &Actor, owner: &Person, world: &World) -> Outcome {
    if row.permission == Permission::Anyone {
        return Outcome::Through;
    }
    let Some(person) = &actor.person else { return Outcome::SignIn };
    if row.permission == Permission::SignedIn {
        return Outcome::Through;
    }
    if !person.belongs(world.app.now()) {
        return Outcome::NotEnrolled;
    }
    let rule = row.permission.rule().unwrap();
    let in_scope = |scopes: &Vec<Scope>| rule.scope.is_some_and(|scope| scopes.contains(&scope));
    if !actor.scopes.as_ref().is_none_or(in_scope) {
        return Outcome::OutOfScope;
    }
    let reach = row.permission.reach(person);
    if reach == Reach::No && actor.scopes.is_some() {
        return Outcome::OutOfScope;
    }
    let relation = if row.path.contains("{booking}") { Relation::of(person, owner) } else { Relation::Own };
    if reach.covers(relation) { Outcome::Through } else { Outcome::NotThere }
}

/// The framework and the client each have a type of their own.
fn method(row: &Row) -> Method {
    Method::from_bytes(row.verb.method().as_str().as_bytes()).unwrap()
}

async fn ask(served: &Served, row: &Row, actor: &Actor, path: &str) -> Response {
    let request = served.request(&actor.credential, method(row), path).header(IF_MATCH, "\"never\"");
    let request = if row.scope.is_empty() {
        request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body("csrf=")
    } else if row.verb == Verb::get {
        request
    } else {
        request.header(CONTENT_TYPE, "application/json").body("[]")
    };
    request.send().await.unwrap()
}

/// What an answer says of the guard. A stream of events goes on, so only what needs it is read.
async fn outcome(response: Response) -> Outcome {
    let leads_to_sign_in = response
        .headers()
        .get(LOCATION)
        .is_some_and(|to| to.to_str().unwrap().starts_with("/sign-in?return_to="));
    match response.status() {
        StatusCode::SEE_OTHER if leads_to_sign_in => Outcome::SignIn,
        StatusCode::UNAUTHORIZED => Outcome::SignIn,
        StatusCode::NOT_FOUND => Outcome::NotThere,
        StatusCode::FORBIDDEN => {
            let text = response.text().await.unwrap();
            if text.contains("not on the roster") {
                Outcome::NotEnrolled
            } else if text.contains("token is not for that") {
                Outcome::OutOfScope
            } else {
                assert!(text.contains("Please send that again"), "{text}");
                Outcome::Through
            }
        }
        _ => Outcome::Through,
    }
}

/// An outage that hits nothing.
fn away(world: &World) -> Draft {
    Draft {
        away: Away::Site("kvm-tacc".parse().unwrap()),
        from: world.app.now() + TimeDelta::days(4),
        until: Some(world.app.now() + TimeDelta::days(4) + TimeDelta::hours(1)),
        reason: "a demonstration".to_owned(),
        remedy: Remedy::Cancel,
        dues: BTreeMap::new(),
    }
}

fn away_post() -> Post {
    Post { title: "A demonstration".to_owned(), text: "Nothing happens.".to_owned(), to_all: false }
}

async fn things(world: &World, owner: &Person) -> Things {
    let booking = world.book(owner, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
    let exception = NewException {
        net_id: owner.net_id.clone(),
        lab: None,
        grant: Grant::AnyDay,
        until: None,
        reason: "was ill".to_owned(),
        accommodation: true,
    };
    let exception = exceptions::grant(&world.app, &ta(), exception).await.unwrap().id;
    let service = member(world, "robot", Role::Service).await.id;
    let until = world.app.now() + TimeDelta::days(1);
    let what = Exempt::Person(owner.net_id.clone());
    let exemption = NewExemption { what, reason: "a demonstration".to_owned(), until };
    let exemption = guards::exempt(&world.app, &ta(), exemption).await.unwrap().id;
    let pause = NewPause { site: None, reason: "a demonstration".to_owned(), until: Some(until) };
    let pause = guards::pause(&world.app, &ta(), pause).await.unwrap().id;
    let announcement = post(world, news(Audience::Course, Release::At(world.app.now()))).await;
    let outage = outages::declare(&world.app, &ta(), away(world), away_post()).await.unwrap();
    reaping::sweep(&world.app).await.unwrap();
    let sweep = world.app.db.read::<_, DbError, _>("sweep", sweeps::latest).await.unwrap().unwrap().0.id;
    Things {
        owner: owner.clone(),
        names: vec![
            ("{lab}", "k8s".to_owned()),
            ("{site}", "kvm-tacc".to_owned()),
            ("{booking}", booking.id.to_string()),
            ("{announcement}", announcement.to_string()),
            ("{exception}", exception.to_string()),
            ("{exemption}", exemption.to_string()),
            ("{pause}", pause.to_string()),
            ("{outage}", outage.to_string()),
            ("{hint}", "000000000000".to_owned()),
            ("{sweep}", sweep.to_string()),
            ("{list}", "kept".to_owned()),
            ("{page}", "none".to_owned()),
            ("{session}", "000000000000".to_owned()),
            ("{notice}", "000000000000".to_owned()),
            ("{sample}", "booked".to_owned()),
            ("{secret}", "none".to_owned()),
            ("{token}", "none".to_owned()),
            ("{wait}", "000000000000".to_owned()),
            ("{service}", service.to_string()),
            ("{person}", owner.id.to_string()),
            ("{import}", confirmed_roster(world).await),
            ("{provider}", "none".to_owned()),
        ],
    }
}

/// A roster that was confirmed: with no worker it stays so, and nothing can be done to it any more.
async fn confirmed_roster(world: &World) -> String {
    let wanted = Wanted {
        bytes: b"net_id,mail\nzz99,zz99@example.edu\n".to_vec(),
        file_name: "roster.csv".to_owned(),
        format: None,
        mail_domain: None,
        drop: false,
        only_sections: Vec::new(),
        hours: 48,
        by: None,
    };
    let import = roster::preview(&world.app, wanted, Doer::command()).await.unwrap();
    roster::confirm(&world.app, import.id.clone(), false, Doer::command()).await.unwrap();
    import.id.to_string()
}

/// Someone of the course with this role.
async fn member(world: &World, net_id: &str, role: Role) -> Person {
    let (app, net_id) = (world.app.clone(), net_id.parse().unwrap());
    let write = move |conn: &mut db::Conn<'_>| people::ensure_person(&app, conn, &net_id, "Someone", role);
    world.app.db.write::<_, DbError, _>("member", write).await.unwrap()
}

async fn again(world: &World, id: &PersonId) -> Person {
    let id = id.clone();
    world.app.db.read::<_, DbError, _>("again", move |conn| db::person(conn, &id)).await.unwrap().unwrap()
}

async fn place(world: &World, person: &Person, team: &str) -> Person {
    let placing = Placing {
        net_id: person.net_id.clone(),
        section: Change::To("a".to_owned()),
        team: Change::To(team.to_owned()),
        shares: None,
    };
    shares::place(&world.app, &ta(), placing).await.unwrap();
    again(world, &person.id).await
}

/// Someone who has dropped the course, and has something here for so long.
async fn dropped(world: &World, net_id: &str, role: Role, left: TimeDelta) -> Person {
    let person = member(world, net_id, role).await;
    let (id, now) = (person.id.clone(), world.app.now());
    let dropped = Dropped { at: now - TimeDelta::days(1), bookings_end_at: Some(now + left) };
    let write = move |conn: &mut db::Conn<'_>| db::set_dropped(conn, &id, Some(dropped));
    world.app.db.write::<_, DbError, _>("drop", write).await.unwrap();
    again(world, &person.id).await
}

/// Someone whose only course is another one than the one that is served, or none.
async fn stranger(world: &World, net_id: &str, course: Option<&CourseId>, admin: bool) -> Person {
    let new = Person::new(
        world.app.person_id(),
        net_id.parse().unwrap(),
        "Someone".to_owned(),
        format!("{net_id}@example.edu"),
        Role::Assistant,
    );
    let person = Person { role: None, enrolled: false, admin, ..new };
    let (id, now, course) = (person.id.clone(), world.app.now(), course.cloned());
    let insert = move |conn: &mut db::Conn<'_>| {
        db::insert_person(conn, &person, now)?;
        course.iter().try_for_each(|it| db::insert_membership(conn, it, &person.id, Role::Instructor, now))
    };
    world.app.db.write::<_, DbError, _>("stranger", insert).await.unwrap();
    again(world, &id).await
}

/// Another course on the same installation, with a lab and a booking of its own.
async fn another_course(world: &World) -> CourseId {
    let other = course(&[
        ("id = \"ml-sys-ops\"", "id = \"other\""),
        ("id = \"kvm-tacc\"", "id = \"elsewhere\""),
        ("site = \"kvm-tacc\"", "site = \"elsewhere\""),
        ("id = \"kvm-clusters\"", "id = \"others\""),
        ("pool = \"kvm-clusters\"", "pool = \"others\""),
        ("id = \"k8s\"", "id = \"theirs\""),
    ]);
    let id = other.id.clone();
    world.app.db.write::<_, DbError, _>("other", move |conn| db::save_course(conn, &other)).await.unwrap();
    id
}

async fn actors(world: &World, owner: &Person) -> Vec<Actor> {
    let other_course = another_course(world).await;
    let mate = place(world, &world.student("gg222").await, "red").await;
    let service = member(world, "robot", Role::Service).await;
    let people = [
        ("the student whose it is", owner.clone()),
        ("a team mate", mate),
        ("another student", place(world, &world.student("hh333").await, "blue").await),
        ("who has just dropped", dropped(world, "dd1", Role::Student, TimeDelta::hours(1)).await),
        ("who has dropped long ago", dropped(world, "dd2", Role::Student, -TimeDelta::hours(1)).await),
        ("an assistant who has left", dropped(world, "dd3", Role::Assistant, TimeDelta::hours(1)).await),
        ("a teaching assistant", member(world, "ta77", Role::Assistant).await),
        ("an instructor", member(world, "in77", Role::Instructor).await),
        ("the installation's admin", stranger(world, "root1", None, true).await),
        ("an instructor of another course", stranger(world, "in88", Some(&other_course), false).await),
        ("someone of no course", stranger(world, "nn1", None, false).await),
    ];
    let mut actors = vec![Actor { name: "nobody", person: None, credential: Credential::None, scopes: None }];
    for (name, person) in people {
        let credential = world.session_of(&person.id).await;
        actors.push(Actor { name, person: Some(person), credential, scopes: None });
    }
    let of_owner = [("the student's program", owner), ("a service", &service)];
    for (name, person) in of_owner {
        for scopes in [Scope::ALL.to_vec(), vec![Scope::LabsRead]] {
            let credential = world.token_of(&person.id, &scopes).await;
            actors.push(Actor { name, person: Some(person.clone()), credential, scopes: Some(scopes) });
        }
    }
    actors
}

on_both_databases! {
    async fn every_route_lets_through_who_may_and_nobody_else(backend: Backend) {
        let world = World::new(backend).await;
        let owner = place(&world, &world.student("ff524").await, "red").await;
        let things = things(&world, &owner).await;
        let served = serve(&world);
        let mut wrong = Vec::new();
        let mut asked = 0;
        for actor in actors(&world, &owner).await {
            for row in every_row().filter(|row| !row.path.starts_with("/health") && !row.path.starts_with("/static")) {
                let is_program = matches!(actor.credential, Credential::Bearer(_));
                if is_program && row.scope.is_empty() {
                    continue;
                }
                let path = things.path(row);
                let response = ask(&served, row, &actor, &path).await;
                let status = response.status();
                let is_anyones = row.permission == Permission::Anyone;
                if is_anyones && status == StatusCode::NOT_FOUND {
                    continue;
                }
                let found = outcome(response).await;
                let expected = expected(row, &actor, &things.owner, &world);
                // These are looked up by their handlers: there is no such wait, and the booking is no offer.
                let looked_up = ["/waits/{wait}", "/bookings/{booking}/accept", "/bookings/{booking}/pass"];
                let none_of_this_id =
                    is_program && expected == Outcome::Through && looked_up.contains(&row.path);
                asked += 1;
                if found != expected && !none_of_this_id {
                    wrong.push(format!("{:?} {path} by {}: {found:?} ({status}), not {expected:?}", row.verb, actor.name));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(asked > 900, "{asked} requests");
    }

    async fn what_is_another_courses_is_not_there_for_anyone(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        another_course(&world).await;
        let mut wish = World::wish(&student, slot("2025-02-08T10:00", "2025-02-08T12:00"));
        wish.lab = "theirs".parse().unwrap();
        let theirs = booking::book(&world.app, wish).await.unwrap();
        let served = serve(&world);
        let admin = stranger(&world, "root1", None, true).await;
        let staff = member(&world, "in77", Role::Instructor).await;
        for person in [&student, &admin, &staff] {
            let who = world.session_of(&person.id).await;
            for row in every_row().filter(|row| row.path.contains("{booking}") || row.path.contains("{lab}")) {
                let path = row.pattern().replace("{booking}", theirs.id.as_str()).replace("{lab}", "theirs");
                let response = served.form(&who, method(row), &path).send().await.unwrap();
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{:?} {path}", row.verb);
            }
        }
    }
}

/// The two tables as `docs/permissions.md` has them.
fn as_markdown() -> String {
    let mut text = String::from(
        "| may | student | assistant | instructor | service | admin | scope of a token |\n|---|---|---|---|---|---|---|\n",
    );
    let word = |reach: Reach| match reach {
        Reach::No => "-",
        Reach::Own => "own",
        Reach::Team => "team's",
        Reach::Course => "all",
    };
    for Rule { permission, student, assistant, instructor, service, admin, scope } in TABLE {
        let reaches = [student, assistant, instructor, service, admin].map(word).join(" | ");
        let scope = scope.map_or_else(|| "-".to_owned(), |scope| format!("`{}`", scope.word()));
        writeln!(text, "| {permission:?} | {reaches} | {scope} |").unwrap();
    }
    text.push_str("\n| route | may |\n|---|---|\n");
    for row in every_row() {
        writeln!(text, "| {} `{}` | {:?} |", row.verb.method(), row.pattern(), row.permission).unwrap();
    }
    text
}

#[test]
fn the_tables_are_the_ones_that_people_read() {
    let shown = include_str!("../docs/permissions.md");
    let tables = as_markdown();
    assert!(shown.ends_with(&tables), "docs/permissions.md should end with:\n{tables}");
}
