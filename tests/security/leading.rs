//! Addresses and text that someone else chose: they lead nowhere else, and get into no header, link or mail.

use chrono::TimeDelta;
use reqwest::header::{CONTENT_DISPOSITION, COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::{Method, Url};
use scraper::{Html, Selector};

use crate::world::served::{Credential, serve};
use crate::world::{World, on_both_databases, slot};

/// Where an attacker wants people to be led.
const ELSEWHERE: [&str; 24] = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\\\t/evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "https://fairlease.example.edu@evil.example/",
    "https://fairlease.example.edu.evil.example/",
    "/\r\nSet-Cookie: planted=1",
    "/\u{2028}/evil.example",
];

/// What is odd, but a path of these pages.
const HERE: [(&str, &str); 5] = [
    ("/labs/k8s?start=2025-02-08T10:00-05:00#book", "/labs/k8s?start=2025-02-08T10:00-05:00#book"),
    ("/%2f%2fevil.example", "/%2f%2fevil.example"),
    ("/%0d%0aSet-Cookie:planted=1", "/%0d%0aSet-Cookie:planted=1"),
    ("/@evil.example", "/@evil.example"),
    ("/https://evil.example", "/https://evil.example"),
];

const BASE: &str = "https://fairlease.example.edu/sign-in";

fn resolved(to: &str) -> Url {
    Url::parse(BASE).unwrap().join(to).unwrap()
}

on_both_databases! {
    async fn signing_in_leads_to_a_path_of_these_pages(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        let served = serve(&world);
        let ways = ELSEWHERE.map(|wanted| (wanted, "/")).into_iter().chain(HERE);
        for (wanted, led) in ways {
            // Whoever signs in so often is refused for that alone.
            world.clock.advance(TimeDelta::minutes(1));
            let form = [("net_id", "ff524"), ("return_to", wanted)];
            let request = served.request(&Credential::None, Method::POST, "/sign-in").form(&form);
            let answer = request.send().await.unwrap();
            let to = answer.headers()[LOCATION].to_str().unwrap();
            assert_eq!(to, led, "{wanted:?}");
            assert_eq!(resolved(to).origin(), resolved("/").origin(), "{wanted:?}");
            assert_eq!(answer.headers().get_all(SET_COOKIE).iter().count(), 1, "{wanted:?}");
            // The page to sign in on carries no other path in its form.
            let mut page = Url::parse(&format!("{}/sign-in", served.url)).unwrap();
            page.query_pairs_mut().append_pair("return_to", wanted);
            let path = format!("{}?{}", page.path(), page.query().unwrap());
            let page = served.request(&Credential::None, Method::GET, &path).send().await.unwrap().text().await.unwrap();
            let page = Html::parse_document(&page);
            let field = Selector::parse("input[name=return_to]").unwrap();
            let carried: Vec<_> = page.select(&field).map(|it| it.attr("value").unwrap()).collect();
            assert!(carried.iter().all(|it| *it == led && led != "/"), "{wanted:?}: {carried:?}");
        }
    }

    async fn who_is_led_to_sign_in_comes_back_to_these_pages(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        let served = serve(&world);
        for asked in ["//evil.example/", "//evil.example/%2f..", "/me?next=https://evil.example", "/labs/%0d%0aX-Evil:1"] {
            // The client would tidy such a path up, so it goes as it is.
            let answer = raw(&served.url, &format!("GET {asked} HTTP/1.1\r\nHost: fairlease.example.edu\r\nConnection: close\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 303") || answer.starts_with("HTTP/1.1 404"), "{asked}: {answer}");
            let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or("/");
            assert!(location.starts_with('/') && !location.starts_with("//"), "{asked}: {location}");
            assert!(!answer.to_lowercase().contains("\nx-evil"), "{asked}: {answer}");
            let to = resolved(location);
            assert_eq!(to.origin(), resolved("/").origin(), "{asked}");
            let back = to.query_pairs().find(|(name, _)| name == "return_to").map(|(_, it)| it.into_owned()).unwrap_or_default();
            let form = [("net_id", "ff524"), ("return_to", back.as_str())];
            let signed_in = served.request(&Credential::None, Method::POST, "/sign-in").form(&form).send().await.unwrap();
            let to = signed_in.headers()[LOCATION].to_str().unwrap();
            assert_eq!(resolved(to).origin(), resolved("/").origin(), "{asked}: {to}");
        }
    }

    async fn text_that_someone_chose_makes_no_header(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let who = world.session_of(&student.id).await;
        let Credential::Session { token, .. } = &who else { panic!("no session") };
        for code in ["key%0d%0aX-Evil:%201", "key\"; X-Evil=1", "<script>alert(1)</script>", "key "] {
            let cookies = format!("__Host-fairlease-session={token}; __Host-fairlease-flash={code}");
            let request = served.request(&Credential::None, Method::GET, "/me").header(COOKIE, cookies);
            let answer = request.send().await.unwrap();
            assert!(!answer.headers().contains_key("x-evil"), "{code}");
            let page = answer.text().await.unwrap();
            assert!(!page.contains("Evil") && !page.contains("alert(1)"), "{code}: only what is known is told");
        }
        for net_id in ["ff524\r\nX-Evil: 1", "ff524\0", "<script>alert(1)</script>"] {
            let form = [("net_id", net_id)];
            let answer = served.request(&Credential::None, Method::POST, "/sign-in").form(&form).send().await.unwrap();
            assert!(!answer.headers().contains_key("x-evil") && !answer.headers().contains_key(SET_COOKIE), "{net_id:?}");
            assert!(!answer.text().await.unwrap().contains("<script>alert"), "{net_id:?}");
        }
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let file = served.request(&who, Method::GET, &format!("/bookings/{}/calendar.ics", made.id)).send().await.unwrap();
        assert_eq!(file.headers()[CONTENT_DISPOSITION], "attachment; filename=\"k8s.ics\"");
    }

    async fn the_host_that_a_request_names_gets_nowhere(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let served = serve(&world);
        let who = world.session_of(&student.id).await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let booking = format!("/bookings/{}", made.id);
        let forged = |request: reqwest::RequestBuilder| {
            request
                .header(HOST, "evil.example")
                .header("X-Forwarded-Host", "evil.example")
                .header("X-Forwarded-Proto", "http")
                .header("X-Original-URL", "/evil.example")
                .header("Forwarded", "host=evil.example;proto=http")
        };
        let get = |path: &str| served.request(&who, Method::GET, path);
        for request in [
            get("/"),
            get(&booking),
            get(&format!("{booking}/calendar.ics")),
            get(&format!("/api/v1{booking}")),
            get("/api/v1/labs/none/starts"),
            get("/nowhere"),
            served.request(&Credential::None, Method::GET, "/me"),
            served.form(&who, Method::POST, "/me/calendar"),
            served.form(&who, Method::POST, &format!("{booking}/release")).form(&[("seen", "")]),
        ] {
            let answer = forged(request).send().await.unwrap();
            assert!(!format!("{:?}", answer.headers()).contains("evil.example"), "{:?}", answer.headers());
            let text = answer.text().await.unwrap();
            assert!(!text.contains("evil.example"), "{text}");
        }
        world.work().await;
        let mails = world.postbox.mails.lock().unwrap();
        assert!(!mails.is_empty());
        for mail in mails.iter() {
            let text = format!("{mail:?}");
            assert!(text.contains("https://fairlease.example.edu/") && !text.contains("evil.example"), "{text}");
        }
    }
}

/// Sends these bytes, and returns what is answered.
async fn raw(url: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
