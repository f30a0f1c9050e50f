//! Sessions: when they end, that nobody's but one's own goes on, and what one sees of them.

use chrono::TimeDelta;
use fairlease::db::{self, DbError, Dropped};
use fairlease::domain::audit::{Doer, Way};
use fairlease::domain::person::Person;
use fairlease::services::sessions::{self, IDLE, LONGEST, SignIn};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use secrecy::ExposeSecret as _;

use crate::world::served::{Credential, Served, serve};
use crate::world::{World, on_both_databases};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// The least that passes.
const INSTANT: TimeDelta = TimeDelta::microseconds(1);

impl World {
    /// Signs someone in with a browser that calls itself so.
    async fn signs_in_with(&self, person: &Person, agent: &str) -> Credential {
        let (app, id) = (self.app.clone(), person.id.clone());
        let sign_in = SignIn { agent: agent.to_owned(), ..SignIn::default() };
        let begun = self.app.db.write::<_, DbError, _>("sign in", move |conn| {
            let token =
                sessions::begin(&app, conn, &Doer::someone(Way::Page, id.clone()), &id, &sign_in)?.token;
            let csrf = sessions::of_token(&app, conn, &token)?.unwrap().stored.csrf;
            Ok((token.expose_secret().to_owned(), csrf.expose_secret().to_owned()))
        });
        let (token, csrf) = begun.await.unwrap();
        Credential::Session { token, csrf }
    }
}

async fn get(served: &Served, who: &Credential, path: &str) -> Response {
    served.request(who, Method::GET, path).send().await.unwrap()
}

/// Whether these sessions sign somebody in.
async fn stand<const N: usize>(served: &Served, sessions: [&Credential; N]) -> [bool; N] {
    let mut each = [false; N];
    for (stands, who) in each.iter_mut().zip(sessions) {
        let response = get(served, who, "/me").await;
        *stands = response.status() == StatusCode::OK;
        let leads = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
        assert_eq!(leads, (!*stands).then(|| "/sign-in?return_to=/me".to_owned()));
    }
    each
}

async fn press(served: &Served, who: &Credential, path: &str) -> StatusCode {
    served.form(who, Method::POST, path).send().await.unwrap().status()
}

/// The value of the session's cookie that an answer sets.
fn token_of(response: &Response) -> Credential {
    let set = response.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    let mut tokens = set.filter_map(|cookie| cookie.strip_prefix("__Host-fairlease-session="));
    let token = tokens.next().expect("a session's cookie").split(';').next().unwrap().to_owned();
    Credential::Session { token, csrf: String::new() }
}

async fn sign_in(served: &Served, before: &Credential) -> Credential {
    let form = [("net_id", "ff524")];
    let response = served.request(before, Method::POST, "/sign-in").form(&form).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    token_of(&response)
}

fn token(who: &Credential) -> &str {
    let Credential::Session { token, .. } = who else { panic!("no session") };
    token
}

/// The ids of the sessions that a page has a button for.
fn ids(page: &str) -> Vec<String> {
    let forms = page.split("action=\"/me/sessions/").skip(1);
    let ids = forms.filter_map(|rest| Some(rest.split('"').next()?.strip_suffix("/end")?.to_owned()));
    ids.collect()
}

on_both_databases! {
    async fn a_session_that_nobody_uses_ends_after_twelve_hours(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let (used, unused) = (world.session_of(&student.id).await, world.session_of(&student.id).await);
        world.clock.advance(TimeDelta::hours(1));
        assert_eq!(stand(&served, [&used]).await, [true]);
        world.clock.advance(IDLE - TimeDelta::hours(1) - INSTANT);
        let shown = get(&served, &used, "/me").await.text().await.unwrap();
        assert_eq!(ids(&shown).len(), 1, "the other one stands up to the last instant");
        world.clock.advance(INSTANT);
        assert_eq!(stand(&served, [&used, &unused]).await, [true, false]);
        let shown = get(&served, &used, "/me").await.text().await.unwrap();
        assert_eq!(ids(&shown), [""; 0], "one that is over is not shown");
    }

    async fn a_session_that_is_used_all_the_time_ends_after_seven_days(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let session = world.session_of(&student.id).await;
        let ends = world.app.now() + LONGEST;
        while world.app.now() + TimeDelta::hours(11) < ends {
            world.clock.advance(TimeDelta::hours(11));
            assert_eq!(stand(&served, [&session]).await, [true]);
        }
        world.clock.set(ends - INSTANT);
        assert_eq!(stand(&served, [&session]).await, [true]);
        world.clock.set(ends);
        assert_eq!(stand(&served, [&session]).await, [false]);
    }

    async fn a_use_is_written_down_every_few_minutes(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let session = world.session_of(&student.id).await;
        for (minutes, writes) in [(4, false), (1, true), (4, false), (1, true)] {
            world.clock.advance(TimeDelta::minutes(minutes));
            assert_eq!(stand(&served, [&session]).await, [true]);
            let (app, id, now) = (world.app.clone(), student.id.clone(), world.app.now());
            let stored = world.app.db.read::<_, DbError, _>("sessions", move |conn| sessions::of_person(&app, conn, &id));
            assert_eq!(stored.await.unwrap()[0].seen_at == now, writes, "after {minutes} minutes");
        }
    }

    async fn whoever_signs_in_gets_a_session_that_nobody_knew_before(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        let served = serve(&world);
        let planted = Credential::Session { token: "0".repeat(64), csrf: String::new() };
        let first = sign_in(&served, &planted).await;
        assert_ne!(token(&first), token(&planted));
        assert_eq!(stand(&served, [&planted, &first]).await, [false, true], "what was planted is not taken on");
        // Someone gives a browser their own session, so that what is done there is done in theirs.
        let mallory = world.session_of(&world.student("mm666").await.id).await;
        let victim = sign_in(&served, &mallory).await;
        assert_eq!(stand(&served, [&mallory, &victim]).await, [false, true]);
        let page = get(&served, &victim, "/me").await.text().await.unwrap();
        assert!(page.contains("Your net ID, ff524,"), "{page}");
        let second = sign_in(&served, &first).await;
        assert_eq!(stand(&served, [&first, &second]).await, [false, true], "the old one is over");
        // A cookie that is not bound to this host could come from whoever is between.
        let unbound = format!("fairlease-session={}", token(&second));
        let request = served.request(&Credential::None, Method::GET, "/me").header(COOKIE, unbound);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::SEE_OTHER);
    }

    async fn one_sees_where_one_is_signed_in_and_signs_out_there(backend: Backend) {
        let world = World::new(backend).await;
        let (student, other) = (world.student("ff524").await, world.student("gg222").await);
        let served = serve(&world);
        let phone = world.signs_in_with(&student, "Some/1.0 <b>phone</b>").await;
        world.clock.advance(TimeDelta::hours(1));
        let here = world.signs_in_with(&student, FIREFOX).await;
        let library = world.signs_in_with(&student, FIREFOX).await;
        let theirs = world.session_of(&other.id).await;
        let page = get(&served, &here, "/me").await.text().await.unwrap();
        assert_eq!(page.matches("Firefox on Linux</strong>").count(), 2, "{page}");
        assert_eq!(page.matches("this one</span>").count(), 1, "{page}");
        let of_phone = page.split("Another browser").nth(1).expect("the phone's").split("</li>").next().unwrap();
        assert!(of_phone.contains("today 09:10"), "{of_phone}");
        let id = ids(of_phone).remove(0);
        let path = format!("/me/sessions/{id}/end");
        assert_eq!(press(&served, &theirs, &path).await, StatusCode::NOT_FOUND, "somebody else's is not there");
        assert_eq!(press(&served, &theirs, "/me/sessions/000000000000/end").await, StatusCode::NOT_FOUND);
        assert_eq!(press(&served, &theirs, "/me/sessions/-/end").await, StatusCode::NOT_FOUND);
        assert_eq!(stand(&served, [&phone, &here, &library, &theirs]).await, [true; 4]);
        assert_eq!(press(&served, &here, &path).await, StatusCode::SEE_OTHER);
        assert_eq!(stand(&served, [&phone, &here, &library, &theirs]).await, [false, true, true, true]);
        assert_eq!(press(&served, &here, &path).await, StatusCode::NOT_FOUND, "it is over");
        assert_eq!(press(&served, &here, "/me/sessions/end").await, StatusCode::SEE_OTHER);
        assert_eq!(stand(&served, [&here, &library, &theirs]).await, [true, false, true]);
        assert_eq!(press(&served, &here, "/sign-out").await, StatusCode::SEE_OTHER);
        assert_eq!(stand(&served, [&here, &theirs]).await, [false, true]);
    }

    async fn who_has_dropped_the_course_has_a_session_and_nothing_else(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let session = world.session_of(&student.id).await;
        let (now, id) = (world.app.now(), student.id.clone());
        let dropped = Dropped { at: now, bookings_end_at: Some(now + TimeDelta::hours(2)) };
        let write = move |conn: &mut db::Conn<'_>| db::set_dropped(conn, &id, Some(dropped));
        world.app.db.write::<_, DbError, _>("drop", write).await.unwrap();
        world.clock.advance(TimeDelta::hours(2) - INSTANT);
        assert_eq!(get(&served, &session, "/").await.status(), StatusCode::OK);
        world.clock.advance(INSTANT);
        for path in ["/", "/me", "/labs/k8s", "/standing"] {
            let response = get(&served, &session, path).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
            let page = response.text().await.unwrap();
            assert!(page.contains("You are not on the roster"), "{path}: {page}");
        }
        assert_eq!(press(&served, &session, "/sign-out").await, StatusCode::SEE_OTHER);
    }
}
