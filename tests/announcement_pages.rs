//! The pages of announcements, by whole requests: who sees which, what staff write, and that nothing which someone types acts.

use std::process::Command;

use fairlease::auth::permissions::Scope;
use fairlease::db::{Conn, DbError};
use fairlease::domain::announcement::Audience;
use fairlease::domain::feed::Feed;
use fairlease::domain::ids::{AnnouncementId, PersonId};
use fairlease::services::announcements::{NewAnnouncement, Release};
use fairlease::services::calendar;
use reqwest::header::{ETAG, IF_NONE_MATCH, LOCATION};
use reqwest::{Method, StatusCode};
use scraper::{Html, Selector};
use serde_json::Value;

use crate::announcements::{news, of, post, put_in_section, staff};
use crate::support::given;
use crate::world::served::{Credential, Served, serve};
use crate::world::{World, on_both_databases, slot};

async fn get(served: &Served, who: &Credential, path: &str) -> (StatusCode, String) {
    let response = served.request(who, Method::GET, path).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

fn texts(page: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let selector = Selector::parse(selector).unwrap();
    let found = page.select(&selector);
    found.map(|it| it.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

async fn now(world: &World, title: &str, audience: Audience) -> AnnouncementId {
    let wanted = NewAnnouncement { title: title.to_owned(), ..news(audience, Release::At(world.app.now())) };
    post(world, wanted).await
}

/// What the form of something new sends, with some of it in other words.
fn form<'a>(other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("act", "save"),
        ("revision", "0"),
        ("title", "Office hours move"),
        ("text", "They are on *Thursday*."),
        ("audience", "course"),
        ("lab", ""),
        ("section", ""),
        ("site", ""),
        ("from", ""),
        ("until", ""),
        ("release", "now"),
        ("at", ""),
        ("mailed", "yes"),
    ];
    let set = |(name, value): (&'a str, &'a str)| {
        (name, other.iter().find(|(it, _)| *it == name).map_or(value, |(_, value)| value))
    };
    usual.into_iter().map(set).collect()
}

async fn send(
    served: &Served,
    who: &Credential,
    path: &str,
    form: &[(&str, &str)],
) -> (StatusCode, String, String) {
    let response = served.form(who, Method::POST, path).form(form).send().await.unwrap();
    let to = response.headers().get(LOCATION).map(|to| to.to_str().unwrap().to_owned());
    (response.status(), to.unwrap_or_default(), response.text().await.unwrap())
}

async fn feed_address(world: &World, person: &PersonId) -> String {
    let (app, person) = (world.app.clone(), person.clone());
    let renew = move |conn: &mut Conn<'_>| calendar::renew(&app, conn, &person, Feed::Own);
    let secret = world.app.db.write::<_, DbError, _>("address", renew).await.unwrap();
    format!("/feeds/{secret}.atom")
}

/// Whether another parser takes it for XML.
fn is_xml(text: &str) -> bool {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let read = "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])";
    Command::new(given("FAIRLEASE_TEST_PYTHON"))
        .args(["-c", read])
        .arg(file.path())
        .status()
        .unwrap()
        .success()
}

on_both_databases! {
    async fn each_sees_what_is_for_them_and_nothing_else(backend: Backend) {
        let world = World::new(backend).await;
        let (east, west) = (world.student("ff524").await, world.student("gg624").await);
        put_in_section(&world, &east, "east").await;
        put_in_section(&world, &west, "west").await;
        let to_east = now(&world, "For the east", Audience::Section("east".to_owned())).await;
        let lab = now(&world, "About the lab", Audience::Lab("k8s".parse().unwrap())).await;
        let draft = post(&world, news(Audience::Course, Release::Draft)).await;
        let assistant = staff(&world).await;
        let served = serve(&world);
        let (east, west) = (world.session_of(&east.id).await, world.session_of(&west.id).await);
        let (program, ta) = (world.token_of(&assistant.id, &[Scope::LabsRead]).await, world.session_of(&assistant.id).await);
        for (who, path, there) in [
            (&east, format!("/announcements/{to_east}"), true),
            (&west, format!("/announcements/{to_east}"), false),
            (&ta, format!("/announcements/{to_east}"), true),
            (&west, format!("/announcements/{lab}"), true),
            (&east, format!("/announcements/{draft}"), false),
            (&ta, format!("/announcements/{draft}"), false),
            (&ta, format!("/staff/announcements/{draft}"), true),
            (&east, format!("/staff/announcements/{draft}"), false),
            (&east, "/staff/announcements".to_owned(), false),
            (&east, "/staff/announcements/new".to_owned(), false),
            (&east, "/announcements/000000000000".to_owned(), false),
            (&ta, "/staff/announcements/000000000000".to_owned(), false),
        ] {
            let (status, _) = get(&served, who, &path).await;
            assert_eq!(status, if there { StatusCode::OK } else { StatusCode::NOT_FOUND }, "{path}");
        }
        for (who, titles) in [(&east, vec!["About the lab", "For the east"]), (&west, vec!["About the lab"])] {
            let mut shown = texts(&get(&served, who, "/announcements").await.1, ".posts h2");
            shown.sort();
            assert_eq!(shown, titles);
            let mut shown = texts(&get(&served, who, "/").await.1, ".announced li a");
            shown.sort();
            assert_eq!(shown, titles, "on the start page");
            assert_eq!(texts(&get(&served, who, "/labs/k8s").await.1, ".announced li a"), ["About the lab"]);
            let told: Value = serde_json::from_str(&get(&served, who, "/api/v1/announcements").await.1).unwrap();
            assert_eq!(told["announcements"].as_array().unwrap().len(), titles.len());
        }
        let told: Value = serde_json::from_str(&get(&served, &program, "/api/v1/announcements").await.1).unwrap();
        assert_eq!(told["announcements"].as_array().unwrap().len(), 2, "{told}");
        let refused = send(&served, &east, "/staff/announcements", &form(&[])).await;
        assert_eq!(refused.0, StatusCode::NOT_FOUND);
    }

    async fn nothing_that_is_typed_acts(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let assistant = staff(&world).await;
        let text = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1)) [y](https://ok.example \"\\\" onclick=alert(1)\")\n\n\
                    <div style=\"position:fixed\" onclick=alert(1)>z</div>\n\n<javascript:alert(1)>\n\n![p](https://evil.example/pixel.png)\n\n\
                    ```\n</pre><svg onload=alert(1)>\n```";
        let wanted = NewAnnouncement {
            title: "<img src=x onerror=alert(1)> & \"quotes\"".to_owned(),
            text: text.to_owned(),
            ..news(Audience::Course, Release::At(world.app.now()))
        };
        let id = post(&world, wanted.clone()).await;
        let (served, address) = (serve(&world), feed_address(&world, &student.id).await);
        let (student, ta) = (world.session_of(&student.id).await, world.session_of(&assistant.id).await);
        let typed = [("act", "preview"), ("title", wanted.title.as_str()), ("text", text)];
        let previewed = send(&served, &ta, "/staff/announcements", &form(&typed)).await.2;
        let mut pages = vec![previewed];
        for (who, path) in [
            (&student, format!("/announcements/{id}")),
            (&student, "/announcements".to_owned()),
            (&student, "/".to_owned()),
            (&ta, format!("/staff/announcements/{id}")),
            (&ta, "/staff/announcements".to_owned()),
        ] {
            pages.push(get(&served, who, &path).await.1);
        }
        for page in &pages {
            let main = Html::parse_document(page);
            for element in main.select(&Selector::parse("main *").unwrap()) {
                let tag = element.value().name();
                assert!(!["script", "img", "iframe", "object", "style"].contains(&tag), "{tag}: {page}");
                for (name, value) in element.value().attrs() {
                    assert!(!name.starts_with("on") && name != "style", "{name}: {page}");
                    assert!(!value.trim().to_lowercase().starts_with("javascript:"), "{value}: {page}");
                }
            }
            assert!(page.contains("alert(1)"), "it is there, as text");
        }
        let (_, atom) = get(&served, &Credential::None, &address).await;
        assert!(is_xml(&atom), "{atom}");
        let read = feed_rs::parser::Builder::new().sanitize_content(false).build().parse(atom.as_bytes()).unwrap();
        let content = read.entries[0].content.as_ref().unwrap().body.clone().unwrap();
        let inside = Html::parse_fragment(&content);
        assert!(inside.select(&Selector::parse("script, img, svg, div, [onclick], a[href^=javascript]").unwrap()).next().is_none(), "{content}");
    }

    async fn staff_look_first_and_lose_nothing_that_they_typed(backend: Backend) {
        let world = World::new(backend).await;
        let (student, assistant) = (world.student("ff524").await, staff(&world).await);
        let served = serve(&world);
        let ta = world.session_of(&assistant.id).await;
        let (status, _) = get(&served, &ta, "/staff/announcements/new").await;
        assert_eq!(status, StatusCode::OK);
        let (status, _, page) = send(&served, &ta, "/staff/announcements", &form(&[("act", "preview")])).await;
        assert_eq!((status, texts(&page, ".preview .prose em")), (StatusCode::OK, vec!["Thursday".to_owned()]));
        let (_, list) = get(&served, &ta, "/staff/announcements").await;
        assert!(texts(&list, "tbody tr").is_empty(), "a preview posts nothing");
        for (other, field) in [
            (&[("title", " ")][..], "title"),
            (&[("text", "")], "text"),
            (&[("audience", "lab")], "lab"),
            (&[("audience", "lab"), ("lab", "none")], "lab"),
            (&[("audience", "booked"), ("from", "2025-02-08T10:00"), ("until", "2025-02-08T09:00")], "until"),
            (&[("release", "at"), ("at", "soon")], "at"),
            (&[("audience", "everyone")], "audience"),
        ] {
            let (status, _, page) = send(&served, &ta, "/staff/announcements", &form(other)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{other:?}");
            assert_eq!(texts(&page, &format!("#problems a[href='#{field}']")).len(), 1, "{other:?}: {page}");
            if field != "text" {
                assert_eq!(texts(&page, "textarea#text"), ["They are on *Thursday*."], "{other:?}");
            }
        }
        let (status, to, _) = send(&served, &ta, "/staff/announcements", &form(&[])).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/staff/announcements"));
        world.work().await;
        let (_, list) = get(&served, &ta, "/staff/announcements").await;
        assert_eq!(texts(&list, "tbody td:last-child"), ["mailed to 2"]);
        let href = Html::parse_document(&list);
        let href = href.select(&Selector::parse("tbody th a").unwrap()).next().unwrap().attr("href").unwrap().to_owned();

        let stale = form(&[("revision", "7"), ("text", "They are on *Friday*.")]);
        let (status, _, page) = send(&served, &ta, &href, &stale).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("edited it meanwhile") && page.contains("*Friday*"), "{page}");
        let edit: Vec<_> = form(&[("revision", "1"), ("text", "They are on *Friday*.")]);
        let edit: Vec<_> = edit.into_iter().filter(|(name, _)| *name != "mailed").collect();
        assert_eq!(send(&served, &ta, &href, &edit).await.0, StatusCode::SEE_OTHER);
        world.work().await;
        assert_eq!(world.subjects().len(), 2, "nobody is told again");
        let reader = world.session_of(&student.id).await;
        let (_, page) = get(&served, &reader, &href.replace("/staff", "")).await;
        assert_eq!(texts(&page, "details .prose em"), ["Thursday"], "what it said before stays");
        assert!(page.contains("Edited"), "{page}");

        let (status, to, _) = send(&served, &ta, &format!("{href}/withdraw"), &[]).await;
        assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/staff/announcements"));
        assert_eq!(get(&served, &reader, &href.replace("/staff", "")).await.0, StatusCode::NOT_FOUND);
    }

    async fn a_draft_is_scheduled_and_held_by_its_form(backend: Backend) {
        let world = World::new(backend).await;
        let assistant = staff(&world).await;
        let id = post(&world, news(Audience::Course, Release::Draft)).await;
        let served = serve(&world);
        let ta = world.session_of(&assistant.id).await;
        let path = format!("/staff/announcements/{id}");
        let at = slot("2025-02-09T08:00", "2025-02-09T09:00").start();
        let scheduled = form(&[("revision", "1"), ("release", "at"), ("at", "2025-02-09T08:00")]);
        assert_eq!(send(&served, &ta, &path, &scheduled).await.0, StatusCode::SEE_OTHER);
        assert_eq!(of(&world, &id).await.publish_at, Some(at));
        let held = form(&[("revision", "2"), ("release", "draft"), ("audience", "lab"), ("lab", "k8s")]);
        assert_eq!(send(&served, &ta, &path, &held).await.0, StatusCode::SEE_OTHER);
        let it = of(&world, &id).await;
        assert_eq!((it.publish_at, it.audience), (None, Audience::Lab("k8s".parse().unwrap())));
    }

    async fn a_feed_reader_follows_what_its_person_sees(backend: Backend) {
        let world = World::new(backend).await;
        let (east, west) = (world.student("ff524").await, world.student("gg624").await);
        put_in_section(&world, &east, "east").await;
        put_in_section(&world, &west, "west").await;
        let one = now(&world, "For the east & all of it", Audience::Section("east".to_owned())).await;
        let served = serve(&world);
        let path = feed_address(&world, &east.id).await;
        let response = served.request(&Credential::None, Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/atom+xml"));
        let tag = response.headers()[ETAG].clone();
        let text = response.text().await.unwrap();
        assert!(is_xml(&text), "{text}");
        let read = feed_rs::parser::parse(text.as_bytes()).unwrap();
        let [entry] = read.entries.as_slice() else { panic!("{text}") };
        assert_eq!(entry.title.as_ref().unwrap().content, "For the east & all of it");
        assert_eq!(entry.id, format!("https://fairlease.example.edu/announcements/{one}"));
        assert_eq!(entry.updated, of(&world, &one).await.publish_at);
        assert_eq!(entry.authors.len() + read.authors.len(), 1, "Atom wants an author");
        let again = served.request(&Credential::None, Method::GET, &path).header(IF_NONE_MATCH, tag.clone());
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
        now(&world, "Another", Audience::Course).await;
        let changed = served.request(&Credential::None, Method::GET, &path).header(IF_NONE_MATCH, tag);
        assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
        let other = feed_address(&world, &west.id).await;
        let (_, text) = get(&served, &Credential::None, &other).await;
        let titles: Vec<_> = feed_rs::parser::parse(text.as_bytes()).unwrap().entries.into_iter().map(|it| it.title.unwrap().content).collect();
        assert_eq!(titles, ["Another"]);
        assert_eq!(get(&served, &Credential::None, "/feeds/none.atom").await.0, StatusCode::NOT_FOUND);
    }
}
