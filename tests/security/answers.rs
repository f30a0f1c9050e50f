//! What every kind of answer carries: headers against frames and sniffing, cookies that are bound, nothing that is kept.

use std::collections::BTreeMap;

use reqwest::header::{CACHE_CONTROL, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};

use crate::world::served::{Credential, Served, serve};
use crate::world::{Backend, World, on_both_databases, slot};

const FROM: [&str; 2] = ["http://127.0.0.1:8080", "https://fairlease.example.edu"];

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// A world that is reached at an address, and someone who is signed in.
async fn served_at(backend: Backend, public_url: &str) -> (World, Served, Credential) {
    let world = World::new(backend).await.reached_at(public_url);
    let student = world.student("ff524").await;
    let who = world.session_of(&student.id).await;
    let served = serve(&world);
    (world, served, who)
}

/// An answer of each kind, by what it is.
async fn every_kind(world: &World, served: &Served, who: &Credential) -> BTreeMap<&'static str, Response> {
    let student = world.student("ff524").await;
    let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
    let booking = format!("/bookings/{}", made.id);
    let get = |who: &Credential, path: &str| served.request(who, Method::GET, path);
    let form = |path: &str| served.form(who, Method::POST, path);
    let key = [("public_key", crate::world::KEY)];
    let page = get(&Credential::None, "/sign-in").send().await.unwrap().text().await.unwrap();
    let file = page.split('"').find(|it| it.starts_with("/static/app.")).unwrap().to_owned();
    let large = vec![("public_key", "x".repeat(100_000))];
    let asked = [
        ("page", get(who, "/")),
        ("booking", get(who, &booking)),
        ("events", get(who, &format!("{booking}/events"))),
        ("calendar file", get(who, &format!("{booking}/calendar.ics"))),
        ("no calendar", get(&Credential::None, "/calendar/none.ics")),
        ("no link", get(&Credential::None, "/links/none")),
        ("led to sign in", get(&Credential::None, "/me")),
        ("sign in", get(&Credential::None, "/sign-in")),
        (
            "signed in",
            served.request(&Credential::None, Method::POST, "/sign-in").form(&[("net_id", "gg222")]),
        ),
        ("saved", form("/me/key").form(&key)),
        ("refused form", form("/me/key").form(&[("public_key", "no key")])),
        ("forged form", served.request(who, Method::POST, "/me/key").form(&key)),
        ("large form", form("/me/key").form(&large)),
        ("no page", get(who, "/nowhere")),
        ("no such method", served.form(who, Method::PUT, "/me")),
        ("staff's page", get(who, "/staff/reaper")),
        ("components", get(&Credential::None, "/components")),
        ("api", get(who, &format!("/api/v1{booking}"))),
        ("api released", served.form(who, Method::DELETE, &format!("/api/v1{booking}"))),
        ("api problem", get(who, "/api/v1/labs/none/starts")),
        ("api signed out", get(&Credential::None, "/api/v1/sites")),
        ("no api", get(who, "/api/v1/nowhere")),
        ("live", get(&Credential::None, "/health/live")),
        ("file", get(&Credential::None, &file)),
        ("no file", get(&Credential::None, "/static/none.css")),
        ("signed out", form("/sign-out")),
    ];
    let mut answers = BTreeMap::new();
    for (name, request) in asked {
        answers.insert(name, request.send().await.unwrap());
    }
    answers
}

on_both_databases! {
    async fn no_answer_can_be_framed_or_kept_or_read_from_elsewhere(backend: Backend) {
        for public_url in FROM {
            let (world, served, who) = served_at(backend, public_url).await;
            let answers = every_kind(&world, &served, &who).await;
            for (name, status) in [
                ("page", 200), ("events", 200), ("calendar file", 200), ("led to sign in", 303), ("saved", 303),
                ("refused form", 422), ("forged form", 403), ("no page", 404), ("staff's page", 404), ("api", 200),
                ("api released", 204), ("api problem", 404), ("api signed out", 401), ("file", 200), ("no file", 404),
                ("signed out", 303),
            ] {
                assert_eq!(answers[name].status(), StatusCode::from_u16(status).unwrap(), "{name}");
            }
            for (name, answer) in &answers {
                let headers = answer.headers();
                let policy = header(headers, "content-security-policy");
                for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'"] {
                    assert!(policy.split(';').any(|it| it.trim() == part), "{name}: {part}: {policy}");
                }
                assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
                assert_eq!(header(headers, "x-frame-options"), "DENY", "{name}");
                assert_eq!(header(headers, "x-content-type-options"), "nosniff", "{name}");
                assert_eq!(header(headers, "cross-origin-opener-policy"), "same-origin", "{name}");
                assert_eq!(header(headers, "cross-origin-resource-policy"), "same-origin", "{name}");
                let referrer = if name.starts_with("no calendar") || *name == "no link" { "no-referrer" } else { "same-origin" };
                assert_eq!(header(headers, "referrer-policy"), referrer, "{name}");
                let permissions = header(headers, "permissions-policy");
                for part in ["camera=()", "geolocation=()", "microphone=()", "usb=()", "payment=()"] {
                    assert!(permissions.contains(part), "{name}: {permissions}");
                }
                let kept = if *name == "file" { "public, max-age=31536000, immutable" } else { "no-store" };
                assert_eq!(header(headers, CACHE_CONTROL.as_str()), kept, "{name}");
                let secure = public_url.starts_with("https");
                let hsts = if secure { "max-age=31536000; includeSubDomains" } else { "" };
                assert_eq!(header(headers, "strict-transport-security"), hsts, "{name}");
                assert_eq!(header(headers, "access-control-allow-origin"), "", "{name}");
                assert_eq!(header(headers, "server"), "", "{name}");
            }
        }
    }

    async fn every_cookie_is_for_this_host_alone(backend: Backend) {
        for public_url in FROM {
            let (world, served, who) = served_at(backend, public_url).await;
            let secure = public_url.starts_with("https");
            let prefix = if secure { "__Host-" } else { "" };
            let flash = format!("{prefix}fairlease-flash=key");
            let told = served.request(&who, Method::GET, "/sign-in").header("cookie", flash).send().await.unwrap();
            let mut answers = every_kind(&world, &served, &who).await;
            assert!(!answers["page"].headers().contains_key(SET_COOKIE), "looking at a page sets none");
            answers.insert("told", told);
            let mut names = Vec::new();
            for (answer, response) in &answers {
                for cookie in response.headers().get_all(SET_COOKIE) {
                    let cookie = cookie.to_str().unwrap();
                    let mut parts = cookie.split("; ");
                    let name = parts.next().unwrap().split('=').next().unwrap();
                    let flags: Vec<_> = parts.collect();
                    for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
                        assert!(flags.contains(&flag), "{answer}: {cookie}");
                    }
                    assert_eq!(flags.contains(&"Secure"), secure, "{answer}: {cookie}");
                    assert!(!cookie.contains("Domain"), "{answer}: {cookie}");
                    names.push((*answer, name.to_owned()));
                }
            }
            names.sort();
            let (session, flash) = (format!("{prefix}fairlease-session"), format!("{prefix}fairlease-flash"));
            let expected = [
                ("saved", &flash), ("signed in", &session), ("signed out", &flash), ("signed out", &session), ("told", &flash),
            ];
            assert_eq!(names, expected.map(|(answer, name)| (answer, name.clone())));
        }
    }

    async fn a_redirect_leads_into_these_pages(backend: Backend) {
        let (world, served, who) = served_at(backend, FROM[1]).await;
        for (name, answer) in every_kind(&world, &served, &who).await {
            let Some(to) = answer.headers().get(LOCATION) else { continue };
            let to = to.to_str().unwrap();
            assert!(to.starts_with('/') && !to.starts_with("//"), "{name}: {to}");
        }
    }
}
