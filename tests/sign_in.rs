//! Sign-in as a browser's requests see it, at a certified provider's implementation.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::auth::openid::Providers;
use fairlease::clock::{Clock, SystemClock};
use fairlease::db::{self, AuditFilter, AuditOrder, DbError};
use fairlease::domain::audit::Doer;
use fairlease::domain::identity::{ClaimMap, Provider as Described};
use fairlease::domain::person::Person;
use fairlease::services::{people, sign_in};
use reqwest::header::{CACHE_CONTROL, SET_COOKIE};
use reqwest::{Client, Response, StatusCode, Url};
use scraper::{Html, Selector};
use serde_json::{Value, json};

use crate::support::provider::{CLIENT, Cookies, Provider, SECRET, location, through_the_provider};
use crate::support::visitor::client;
use crate::world::served::Served;
use crate::world::{World, on_both_databases};

/// Where the world says that its pages are.
const PUBLIC: &str = "https://fairlease.example.edu";
const SESSION: &str = "__Host-fairlease-session";

/// A world that is served, with ff524 in its course, and a provider where people are known.
struct Scene {
    world: World,
    served: Served,
    provider: Provider,
    http: Client,
}

fn described(issuer: &str, id: &str) -> Described {
    Described {
        id: id.parse().unwrap(),
        name: id.to_uppercase(),
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        scopes: ["profile", "email"].map(str::to_owned).to_vec(),
        claims: ClaimMap::default(),
        net_id_domain: None,
        required_groups: Vec::new(),
        admin_groups: vec!["operators".to_owned()],
    }
}

impl Scene {
    async fn new(backend: crate::world::Backend) -> Self {
        let provider = Provider::start().await;
        provider.knows(PUBLIC, "nyu").await;
        for login in ["ff524", "gg10", "stranger1"] {
            provider.account(login, json!({})).await;
        }
        let world = World::new(backend).await;
        world.student("ff524").await;
        world.student("gg10").await;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let known = ["nyu", "other"].map(|id| (described(&provider.issuer, id), SECRET.into()));
        let served = world.serve_with_providers(Providers::new(known.to_vec(), &clock).unwrap());
        Self { world, served, provider, http: client() }
    }

    async fn get(&self, cookies: &Cookies, path: &str) -> Response {
        cookies.send(self.http.get(format!("{}{path}", self.served.url))).await
    }

    async fn begin(&self, cookies: &Cookies, return_to: &str) -> Response {
        let url = format!("{}/sign-in/nyu", self.served.url);
        cookies.send(self.http.post(url).form(&[("return_to", return_to)])).await
    }

    /// Goes to the provider, signs in there, and stands before our door with what is to be asked for.
    async fn comes_back(&self, cookies: &Cookies, login: &str) -> String {
        let begun = self.begin(cookies, "/me").await;
        assert_eq!(begun.status(), StatusCode::OK);
        let to = onward(&begun.text().await.unwrap());
        let back = through_the_provider(&self.provider, cookies, to, login).await;
        assert!(back.as_str().starts_with(PUBLIC), "{back}");
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    async fn sign_in(&self, cookies: &Cookies, login: &str) -> Response {
        let back = self.comes_back(cookies, login).await;
        self.get(cookies, &back).await
    }

    /// The same by someone who gets in.
    async fn signed_in(&self, login: &str) -> Cookies {
        let cookies = Cookies::default();
        let answer = self.sign_in(&cookies, login).await;
        assert_eq!(location(&answer).path(), "/me");
        cookies
    }

    async fn is_in(&self, cookies: &Cookies) -> bool {
        self.get(cookies, "/me").await.status() == StatusCode::OK
    }

    async fn person(&self, net_id: &str) -> Option<Person> {
        let net_id = net_id.parse().unwrap();
        let found =
            self.world.app.db.read::<_, DbError, _>("test", move |conn| db::person_by_net_id(conn, &net_id));
        found.await.unwrap()
    }

    async fn people(&self) -> usize {
        self.world.app.db.read::<_, DbError, _>("test", |conn| Ok(db::everyone(conn)?.len())).await.unwrap()
    }

    async fn ended(&self, changes: Value) -> Response {
        let token = self.provider.logout_token(changes).await;
        let url = format!("{}/sign-in/nyu/ended", self.served.url);
        self.http.post(url).form(&[("logout_token", token)]).send().await.unwrap()
    }
}

/// Where the page leads that is between ours and the provider's: by itself, and by its link.
fn onward(html: &str) -> Url {
    let page = Html::parse_document(html);
    let attribute = |css: &str, name: &str| {
        let found = page.select(&Selector::parse(css).unwrap()).next().unwrap();
        found.value().attr(name).unwrap().to_owned()
    };
    let by_link = attribute("main a.button", "href");
    let by_itself = attribute("meta[http-equiv=refresh]", "content");
    assert_eq!(by_itself, format!("0; url={by_link}"));
    by_link.parse().unwrap()
}

async fn is_refused(answer: Response, status: StatusCode, heading: &str) -> String {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    let set: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().map(|it| it.to_str().unwrap()).collect();
    assert!(!set.iter().any(|cookie| cookie.contains("session")), "{set:?}");
    let html = answer.text().await.unwrap();
    assert!(html.contains(&format!("<h1>{heading}</h1>")), "{html}");
    html
}

on_both_databases! {
    async fn someone_signs_in_and_is_known_from_then_on(backend: Backend) {
        let scene = Scene::new(backend).await;
        let cookies = Cookies::default();
        let answer = scene.sign_in(&cookies, "ff524").await;
        assert_eq!(location(&answer).path(), "/me");
        let set = answer.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(set.starts_with(SESSION) && set.contains(flag), "{set}");
        }
        assert!(scene.is_in(&cookies).await);
        let person = scene.person("ff524").await.unwrap();
        assert_eq!((person.name.as_str(), person.mail.as_str()), ("Name of ff524", "ff524@example.edu"));

        let changed = json!({"preferred_username": "renamed1", "name": "Fraida F.", "email": "f@new.example.edu"});
        scene.provider.account("ff524", changed).await;
        scene.signed_in("ff524").await;
        let person = scene.person("ff524").await.unwrap();
        assert_eq!((person.name.as_str(), person.mail.as_str()), ("Fraida F.", "f@new.example.edu"));
        assert!(scene.person("renamed1").await.is_none(), "the account is the same whatever its name");
    }

    async fn one_person_signs_in_so_often_and_no_more(backend: Backend) {
        let scene = Scene::new(backend).await;
        for _ in 0..20 {
            scene.signed_in("ff524").await;
        }
        let cookies = Cookies::default();
        let refused = scene.sign_in(&cookies, "ff524").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!((refused.headers()["retry-after"].to_str().unwrap(), cookies.get(SESSION)), ("30", None));
        scene.signed_in("gg10").await;
        scene.world.clock.advance(TimeDelta::seconds(30));
        scene.signed_in("ff524").await;
    }

    async fn whoever_is_not_on_the_roster_is_told_and_nothing_is_made(backend: Backend) {
        let scene = Scene::new(backend).await;
        let before = scene.people().await;
        let cookies = Cookies::default();
        let told = is_refused(scene.sign_in(&cookies, "stranger1").await, StatusCode::FORBIDDEN, "You are not on the roster").await;
        assert!(told.contains("No account was made for you"));
        assert_eq!((scene.people().await, cookies.get(SESSION)), (before, None));

        let (app, gone) = (scene.world.app.clone(), "gg10".parse().unwrap());
        let dropped = scene.world.app.db.write("drop", move |conn| people::drop_out(&app, conn, &Doer::command(), &gone)).await;
        dropped.unwrap();
        let with_bookings = scene.signed_in("gg10").await;
        assert!(scene.is_in(&with_bookings).await, "until what they have booked ends, they see it");
    }

    async fn who_signs_in_and_who_is_refused_is_recorded(backend: Backend) {
        let scene = Scene::new(backend).await;
        let recorded = async || {
            let lines = crate::audit::all(&scene.world).await.into_iter();
            lines.filter(|line| line.way != "itself").map(|line| line.sentence()).collect::<Vec<_>>()
        };
        is_refused(scene.sign_in(&Cookies::default(), "stranger1").await, StatusCode::FORBIDDEN, "You are not on the roster").await;
        scene.signed_in("ff524").await;
        let net_id = "ff524".parse().unwrap();
        let app = scene.world.app.clone();
        let unlink = move |conn: &mut db::Conn<'_>| sign_in::unlink(&app, conn, &Doer::command(), &net_id);
        scene.world.app.db.write("unlink", unlink).await.unwrap();
        assert_eq!(recorded().await, [
            "someone tried to sign in and was refused",
            "ff524 changed the name or the address of themselves",
            "ff524 tied themselves to an account of the identity provider",
            "ff524 signed in",
            "fairlease ended sessions of ff524",
            "fairlease untied ff524 from an account of the identity provider",
        ]);
        let lines = crate::audit::all(&scene.world).await;
        assert!(!format!("{lines:?}").contains("stranger1"), "of somebody who is nobody here no name is kept");
        let first = lines.iter().find(|line| line.action == "refused_sign_in").unwrap();
        assert_eq!((first.why.as_deref(), first.request.is_some()), (Some("you are not on the roster of this course"), true));
    }

    async fn a_sign_in_is_finished_once_and_by_the_browser_that_began_it(backend: Backend) {
        let scene = Scene::new(backend).await;
        let (mine, theirs) = (Cookies::default(), Cookies::default());
        let back = scene.comes_back(&mine, "ff524").await;
        scene.begin(&theirs, "/").await;
        for nobody in [&theirs, &Cookies::default()] {
            let stolen = scene.comes_back(&mine, "ff524").await;
            is_refused(scene.get(nobody, &stolen).await, StatusCode::BAD_REQUEST, "This sign-in is over").await;
            let after = scene.get(&mine, &stolen).await;
            is_refused(after, StatusCode::BAD_REQUEST, "This sign-in is over").await;
        }
        let elsewhere = scene.comes_back(&mine, "ff524").await.replace("/nyu/", "/other/");
        is_refused(scene.get(&mine, &elsewhere).await, StatusCode::BAD_REQUEST, "This sign-in is over").await;
        assert_eq!(location(&scene.get(&mine, &back).await).path(), "/me", "two tabs are one browser");
        is_refused(scene.get(&mine, &back).await, StatusCode::BAD_REQUEST, "This sign-in is over").await;
        for nothing in ["", "?state=x&code=y", "?code=y", "?error=access_denied"] {
            let answer = scene.get(&mine, &format!("/sign-in/nyu/callback{nothing}")).await;
            is_refused(answer, StatusCode::BAD_REQUEST, "This sign-in is over").await;
        }
    }

    async fn states_that_are_mixed_up_sign_nobody_in(backend: Backend) {
        let scene = Scene::new(backend).await;
        let cookies = Cookies::default();
        let [one, two] = [scene.comes_back(&cookies, "ff524").await, scene.comes_back(&cookies, "ff524").await];
        let value = |path: &str, name: &str| {
            let url = Url::parse(&format!("{PUBLIC}{path}")).unwrap();
            url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        let mixed = one.replace(&value(&one, "state"), &value(&two, "state"));
        is_refused(scene.get(&cookies, &mixed).await, StatusCode::FORBIDDEN, "You were not signed in").await;
    }

    async fn a_sign_in_is_over_after_ten_minutes(backend: Backend) {
        let scene = Scene::new(backend).await;
        let cookies = Cookies::default();
        let (soon, late) = (scene.comes_back(&cookies, "ff524").await, scene.comes_back(&cookies, "ff524").await);
        scene.world.clock.advance(TimeDelta::minutes(10) - TimeDelta::microseconds(1));
        assert_eq!(location(&scene.get(&cookies, &soon).await).path(), "/me");
        scene.world.clock.advance(TimeDelta::microseconds(1));
        is_refused(scene.get(&cookies, &late).await, StatusCode::BAD_REQUEST, "This sign-in is over").await;
    }

    async fn a_second_account_with_the_same_net_id_waits_for_staff(backend: Backend) {
        let scene = Scene::new(backend).await;
        let first = scene.signed_in("ff524").await;
        scene.provider.account("second", json!({"preferred_username": "ff524"})).await;
        let answer = scene.sign_in(&Cookies::default(), "second").await;
        is_refused(answer, StatusCode::FORBIDDEN, "Your net ID belongs to another account").await;
        let net_id = "ff524".parse().unwrap();
        let app = scene.world.app.clone();
        let unlink = move |conn: &mut db::Conn<'_>| sign_in::unlink(&app, conn, &Doer::command(), &net_id);
        let links = scene.world.app.db.write("unlink", unlink).await;
        assert_eq!(links.unwrap(), 1);
        assert!(!scene.is_in(&first).await);
        scene.signed_in("second").await;
        let answer = scene.sign_in(&Cookies::default(), "ff524").await;
        is_refused(answer, StatusCode::FORBIDDEN, "Your net ID belongs to another account").await;
    }

    async fn a_session_that_was_there_before_ends(backend: Backend) {
        let scene = Scene::new(backend).await;
        let cookies = scene.signed_in("ff524").await;
        let before = cookies.get(SESSION).unwrap();
        scene.sign_in(&cookies, "ff524").await;
        assert_ne!(cookies.get(SESSION).unwrap(), before);
        let planted = Cookies::default();
        planted.set(SESSION, &before);
        assert!(!scene.is_in(&planted).await);
        let planted = Cookies::default();
        planted.set(SESSION, "whatever somebody put there");
        scene.sign_in(&planted, "ff524").await;
        assert_ne!(planted.get(SESSION).unwrap(), "whatever somebody put there");
    }

    async fn what_ends_at_the_provider_ends_here(backend: Backend) {
        let scene = Scene::new(backend).await;
        let [one, two] = [scene.signed_in("ff524").await, scene.signed_in("ff524").await];
        let other = scene.signed_in("gg10").await;
        let sid = scene.session_there(&one).await;
        for (changes, status) in [
            (json!({"sub": "sub-ff524", "fault": {"sign": "another key"}}), StatusCode::BAD_REQUEST),
            (json!({"sub": "sub-ff524", "nonce": "n"}), StatusCode::BAD_REQUEST),
            (json!({"sub": "sub-gg10", "sid": sid}), StatusCode::OK),
        ] {
            let answer = scene.ended(changes).await;
            assert_eq!((answer.status(), answer.headers()[CACHE_CONTROL].to_str().unwrap()), (status, "no-store"));
        }
        assert!(scene.is_in(&one).await && scene.is_in(&two).await && scene.is_in(&other).await);
        assert_eq!(scene.ended(json!({"sub": "sub-ff524", "sid": sid})).await.status(), StatusCode::OK);
        assert!(!scene.is_in(&one).await && scene.is_in(&two).await);
        let sid = scene.session_there(&two).await;
        assert_eq!(scene.ended(json!({"sid": sid})).await.status(), StatusCode::OK);
        assert!(!scene.is_in(&two).await && scene.is_in(&other).await);
        assert_eq!(scene.ended(json!({"sub": "sub-gg10"})).await.status(), StatusCode::OK);
        assert!(!scene.is_in(&other).await);
        let recorded = scene.recorded().await;
        assert_eq!(recorded.iter().filter(|action| *action == "revoked_session").count(), 3, "{recorded:?}");
    }

    async fn who_looks_after_the_installation_comes_before_any_roster(backend: Backend) {
        let scene = Scene::new(backend).await;
        scene.provider.account("op1", json!({"groups": ["operators"]})).await;
        let cookies = scene.signed_in("op1").await;
        assert_eq!(scene.get(&cookies, "/staff/reaper").await.status(), StatusCode::OK);
        let person = scene.person("op1").await.unwrap();
        assert_eq!((person.role, person.enrolled, person.admin), (None, false, false), "the session is an admin's");
        scene.provider.account("op1", json!({})).await;
        let answer = scene.sign_in(&Cookies::default(), "op1").await;
        is_refused(answer, StatusCode::FORBIDDEN, "You are not on the roster").await;
    }
}

impl Scene {
    /// The actions in the audit log, the first first.
    async fn recorded(&self) -> Vec<String> {
        let all = |conn: &mut db::Conn<'_>| {
            db::audit(conn, &AuditFilter::default(), AuditOrder::FirstFirst(None), 100)
        };
        let kept = self.world.app.db.read::<_, DbError, _>("test", all).await.unwrap();
        kept.into_iter().map(|kept| kept.record.action).collect()
    }

    /// What the provider calls its session in which one of ours was begun.
    async fn session_there(&self, cookies: &Cookies) -> String {
        let token: secrecy::SecretString = cookies.get(SESSION).unwrap().into();
        let app = self.world.app.clone();
        let session = self.world.app.db.read::<_, DbError, _>("test", move |conn| {
            fairlease::services::sessions::of_token(&app, conn, &token)
        });
        session.await.unwrap().unwrap().stored.origin.unwrap().session.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_away() {
    let scene = Scene::new(crate::world::Backend::Sqlite).await;
    for (wanted, led) in [
        ("/labs/k8s?week=2025-02-03", "/labs/k8s"),
        ("//evil.example.edu", "/"),
        ("https://evil.example.edu", "/"),
        ("/\\evil.example.edu", "/"),
        ("/me\r\nSet-Cookie: x=y", "/"),
    ] {
        let cookies = Cookies::default();
        let to = onward(&scene.begin(&cookies, wanted).await.text().await.unwrap());
        let back = through_the_provider(&scene.provider, &cookies, to, "ff524").await;
        let answer = scene.get(&cookies, &format!("{}?{}", back.path(), back.query().unwrap())).await;
        let to = location(&answer);
        assert_eq!((to.path(), to.as_str().starts_with(&scene.served.url)), (led, true), "{wanted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_page_begins_nothing() {
    let scene = Scene::new(crate::world::Backend::Sqlite).await;
    let url = format!("{}/sign-in/nyu", scene.served.url);
    let form = [("return_to", "/")];
    let forged =
        scene.http.post(&url).header("Sec-Fetch-Site", "cross-site").form(&form).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    let ours =
        scene.http.post(&url).header("Sec-Fetch-Site", "same-origin").form(&form).send().await.unwrap();
    assert_eq!(ours.status(), StatusCode::OK);
    let nowhere =
        scene.http.post(format!("{}/sign-in/nobody", scene.served.url)).form(&form).send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leads_on_to_the_provider() {
    let scene = Scene::new(crate::world::Backend::Sqlite).await;
    let cookies = scene.signed_in("ff524").await;
    let me = scene.get(&cookies, "/me").await.text().await.unwrap();
    let csrf = me.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let before = cookies.get(SESSION).unwrap();
    let request = scene.http.post(format!("{}/sign-out", scene.served.url)).form(&[("csrf", csrf)]);
    let answer = cookies.send(request).await;
    let to = onward(&answer.text().await.unwrap());
    assert!(to.as_str().starts_with(&scene.provider.issuer), "{to}");
    let back = to.query_pairs().find(|(key, _)| key == "post_logout_redirect_uri").unwrap().1.into_owned();
    assert_eq!((back, cookies.get(SESSION)), (format!("{PUBLIC}/sign-in"), None));
    cookies.set(SESSION, &before);
    assert!(!scene.is_in(&cookies).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_leaves_everyone_in() {
    let scene = Scene::new(crate::world::Backend::Sqlite).await;
    scene.provider.goes_down().await;
    let cookies = Cookies::default();
    let told = is_refused(
        scene.begin(&cookies, "/").await,
        StatusCode::SERVICE_UNAVAILABLE,
        "Nobody can sign in at present",
    )
    .await;
    assert!(
        told.contains("NYU can&#39;t be reached at present") && told.contains("stays signed in"),
        "{told}"
    );
    scene.provider.comes_up().await;
    let cookies = scene.signed_in("ff524").await;
    scene.provider.goes_down().await;
    assert!(scene.is_in(&cookies).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_is_shown_as_text() {
    let scene = Scene::new(crate::world::Backend::Sqlite).await;
    let cookies = Cookies::default();
    let back = scene.comes_back(&cookies, "nobody").await;
    assert!(back.contains("error=access_denied"), "{back}");
    let told =
        is_refused(scene.get(&cookies, &back).await, StatusCode::FORBIDDEN, "You were not signed in").await;
    assert!(!told.contains("changed their mind"), "{told}");
    let back = scene.comes_back(&cookies, "nobody").await.replace("access_denied", "%3Cscript%3Ehello");
    let told =
        is_refused(scene.get(&cookies, &back).await, StatusCode::FORBIDDEN, "You were not signed in").await;
    assert!(told.contains("NYU refused: scripthello"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_nobody_signs_in() {
    let world = World::new(crate::world::Backend::Sqlite).await;
    let served = world.serve_with_providers(Providers::none());
    for (method, path, status) in [
        (reqwest::Method::GET, "/sign-in", StatusCode::SERVICE_UNAVAILABLE),
        (reqwest::Method::POST, "/sign-in", StatusCode::NOT_FOUND),
        (reqwest::Method::POST, "/sign-in/nyu", StatusCode::NOT_FOUND),
        (reqwest::Method::GET, "/sign-in/nyu/callback?state=a&code=b", StatusCode::NOT_FOUND),
    ] {
        let request = client().request(method, format!("{}{path}", served.url)).form(&[("net_id", "ff524")]);
        assert_eq!(request.send().await.unwrap().status(), status, "{path}");
    }
}
