//! A booking is changed only if it is what its person saw of it; asking twice does a thing once.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::cloud::simulated::Profile;
use fairlease::domain::booking::{Booking, EndReason, State};
use fairlease::domain::interval::Interval;
use fairlease::domain::person::Person;
use fairlease::services::booking::{self, BookingError, Seen};
use reqwest::header::LOCATION;
use reqwest::{Response, StatusCode};
use scraper::{Html, Selector};
use serde_json::{Value, json};

use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};
use crate::support::until;
use crate::support::visitor::{Visitor, client};
use crate::world::{World, course, local, on_both_databases, slot};

fn seen(booking: &Booking) -> Seen {
    Seen::OneOf(vec![booking.mark()])
}

fn is_changed(result: &Result<(), BookingError>) -> bool {
    matches!(result, Err(BookingError::Changed))
}

/// Lines of the booking's log that hold these words.
async fn logged(world: &World, person: &Person, booking: &Booking, words: &str) -> usize {
    let events = world.view(person, &booking.id).await.events;
    events.iter().filter(|event| event.what.contains(words)).count()
}

on_both_databases! {
    async fn what_the_worker_does_meanwhile_is_no_change(backend: Backend) {
        let slow = Profile { boot: TimeDelta::seconds(8), ..Profile::instant() };
        let world = World::with(backend, course(&[]), slow).await;
        let student = world.student("ff524").await;
        let held = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        assert_eq!(world.state(&student, &held.id).await, State::Booked);
        let there = slot("2025-02-12T12:00", "2025-02-12T15:00");
        booking::change_if(&world.app, student.clone(), held.id.clone(), there, seen(&held)).await.unwrap();
        let asked = world.view(&student, &held.id).await.booking;
        world.work().await;
        world.clock.set(local("2025-02-12T12:00"));
        let agreed = world.view(&student, &held.id).await.booking;
        assert_eq!((agreed.slot, agreed.mark()), (there, asked.mark()), "the site agreed, and that is all");
        world.work_until(&student, &held.id, "preparing").await;
        let preparing = world.view(&student, &held.id).await.booking;
        world.work_until(&student, &held.id, "active").await;
        let active = world.view(&student, &held.id).await.booking;
        assert!(active.version > preparing.version, "that counts each step");
        let longer = slot("2025-02-12T12:00", "2025-02-12T16:00");
        booking::change_if(&world.app, student.clone(), held.id.clone(), longer, seen(&preparing)).await.unwrap();
        world.work().await;
        booking::release_if(&world.app, student.clone(), held.id.clone(), seen(&Booking { slot: longer, ..active })).await.unwrap();
    }

    async fn what_its_person_or_time_did_meanwhile_is_a_change(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let (release, change) = (
            async |seen: Seen| booking::release_if(&world.app, student.clone(), made.id.clone(), seen).await,
            async |slot: Interval, seen: Seen| booking::change_if(&world.app, student.clone(), made.id.clone(), slot, seen).await,
        );
        world.work().await;
        change(slot("2025-02-08T11:00", "2025-02-08T15:00"), seen(&made)).await.unwrap();
        assert!(is_changed(&release(seen(&made)).await), "it is to be elsewhere");
        assert!(is_changed(&change(slot("2025-02-08T12:00", "2025-02-08T14:00"), seen(&made)).await));
        world.work().await;
        let moved = world.view(&student, &made.id).await.booking;
        assert!(moved.state.is_live() && moved.wanted_slot.is_none(), "{moved:?}");
        world.clock.set(local("2025-02-08T11:00"));
        world.work_until(&student, &made.id, "active").await;
        assert!(is_changed(&release(seen(&moved)).await), "there is something on the servers now");
        let active = world.view(&student, &made.id).await.booking;
        world.clock.set(local("2025-02-08T15:00"));
        fairlease::services::reaping::sweep(&world.app).await.unwrap();
        assert!(is_changed(&release(seen(&active)).await), "nobody is told that they gave back what expired");
        assert!(is_changed(&change(slot("2025-02-08T11:00", "2025-02-08T16:00"), seen(&active)).await));
        assert_eq!(world.state(&student, &made.id).await.reason(), Some(EndReason::Expired));
        release(Seen::Anything).await.unwrap();
    }

    async fn asked_twice_at_once_it_is_done_once(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        let there = slot("2025-02-12T12:00", "2025-02-12T15:00");
        let (app, who, id) = (world.app.clone(), student.clone(), made.id.clone());
        let change = move |seen: Seen, slot: Interval| {
            let (app, who, id): (Arc<_>, _, _) = (app.clone(), who.clone(), id.clone());
            tokio::spawn(async move { booking::change_if(&app, who, id, slot, seen).await })
        };
        for asked in [change(seen(&made), there), change(seen(&made), there), change(seen(&made), there)] {
            asked.await.unwrap().unwrap();
        }
        assert_eq!(logged(&world, &student, &made, "Asked to move it").await, 1);
        assert_eq!(world.booked_at("2025-02-12T12:00").await, 1);
        world.work().await;
        assert_eq!(logged(&world, &student, &made, "Moved to").await, 1);
        let moved = world.view(&student, &made.id).await.booking;
        let give_back = || {
            let (app, who, id, seen) = (world.app.clone(), student.clone(), made.id.clone(), seen(&moved));
            tokio::spawn(async move { booking::release_if(&app, who, id, seen).await })
        };
        for asked in [give_back(), give_back(), give_back()] {
            asked.await.unwrap().unwrap();
        }
        assert_eq!(logged(&world, &student, &made, "Called it off").await, 1);
        assert_eq!(world.booked_at("2025-02-12T12:00").await, 0);
    }
}

/// A booking's page, and the forms on it.
struct Page(Html);

impl Page {
    async fn of(response: Response) -> Self {
        Self(Html::parse_document(&response.text().await.unwrap()))
    }

    /// The values of an attribute of all that the selector finds.
    fn all(&self, css: &str, attribute: &str) -> Vec<String> {
        let found = Selector::parse(css).unwrap();
        let values = self.0.select(&found).filter_map(|it| it.attr(attribute));
        values.map(str::to_owned).collect()
    }

    /// The text of what the selector finds first.
    fn text(&self, css: &str) -> String {
        let found = Selector::parse(css).unwrap();
        let texts = self.0.select(&found).next().map(|it| it.text().collect::<String>());
        texts.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn seen(&self) -> String {
        self.all("[name=seen]", "value").swap_remove(0)
    }

    /// The later ends on offer, in the order of the page.
    fn later(&self) -> Vec<String> {
        self.all("#extend [name=end]", "value")
    }
}

struct Scene {
    demo: Demo,
    student: Visitor,
    path: String,
}

impl Scene {
    /// A booking of two hours that begins within the hour, once it can be used.
    async fn active() -> Self {
        Self::active_of(Course::example()).await
    }

    async fn active_of(course: Course) -> Self {
        let demo = Setup::of(course).start().await;
        let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
        let found: Value = student.get("/api/v1/labs/k8s/slots?hours=2").await.json().await.unwrap();
        let (status, booking) = student.book(found["slots"][0]["start"].as_str().unwrap()).await;
        assert_eq!(status, StatusCode::CREATED, "{booking}");
        let path = format!("/bookings/{}", booking["id"].as_str().unwrap());
        let scene = Self { demo, student, path };
        let is_active = async || (scene.api().await["state"] == "active").then_some(());
        until(is_active).await.expect("it can be used");
        scene
    }

    async fn api(&self) -> Value {
        self.student.get(&format!("/api/v1{}", self.path)).await.json().await.unwrap()
    }

    async fn page(&self) -> Page {
        Page::of(self.student.get(&self.path).await).await
    }

    async fn send(&self, form: &str, fields: &[(&str, &str)]) -> Response {
        self.student.post(&format!("{}/{form}", self.path), fields).await
    }

    /// The answer to a form that did what it asked for.
    fn leads_back(&self, response: &Response) {
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[LOCATION], *self.path);
    }
}

#[tokio::test]
async fn the_longest_extension_comes_first_and_is_chosen() {
    let scene = Scene::active().await;
    let page = scene.page().await;
    let mut latest_first = page.later();
    latest_first.sort_by(|one, other| other.cmp(one));
    assert_eq!((page.later().len(), page.later()), (6, latest_first), "8 h in all, 2 of them had");
    assert_eq!(page.all("#extend [checked]", "value"), page.later()[..1]);
    let sent = scene.send("extend", &[("seen", &page.seen()), ("end", &page.later()[0])]).await;
    scene.leads_back(&sent);
}

#[tokio::test]
async fn each_server_with_a_public_address_has_its_command() {
    let scene = Scene::active_of(Course::example().with_public_servers().with_capacity(2)).await;
    let page = scene.page().await;
    let addresses = ["node1", "node2", "node3"].map(|it| page.text(&format!("#public-{it}")));
    let commands = ["ssh", "ssh-node2", "ssh-node3"].map(|it| page.text(&format!("#{it}")));
    assert_eq!(commands, addresses.map(|address| format!("ssh cc@{address}")));
    assert_eq!(page.text("#behind"), "", "nothing is behind anything");
    assert!(page.all(".board-link a", "href").is_empty(), "the site has no pages of its own");
    let copied = page.all("[data-copy]", "data-copy");
    assert!(
        copied.len() == 9 && copied.iter().all(|id| !page.text(&format!("#{id}")).is_empty()),
        "{copied:?}"
    );
    assert!(page.text("#release").contains("Nobody else has one of the 2 places in that time."));
}

#[tokio::test]
async fn each_form_that_is_sent_twice_is_answered_alike() {
    let scene = Scene::active().await;
    let page = scene.page().await;
    let (mark, later) = (page.seen(), page.later());
    let longer = [("seen", mark.as_str()), ("end", later[0].as_str())];
    let (one, other) = tokio::join!(scene.send("extend", &longer), scene.send("extend", &longer));
    scene.leads_back(&one);
    scene.leads_back(&other);
    let agreed = async || scene.api().await["wanted_end"].is_null().then_some(());
    until(agreed).await.expect("the site agrees");
    scene.leads_back(&scene.send("extend", &longer).await);
    let page = scene.page().await;
    assert_eq!(page.text("#log").matches("Asked to extend").count(), 1);

    let (mark, ends) = (page.seen(), page.all("#earlier-end option", "value"));
    let shorter = [("seen", mark.as_str()), ("end", ends[0].as_str())];
    scene.leads_back(&scene.send("shorten", &shorter).await);
    scene.leads_back(&scene.send("shorten", &shorter).await);
    until(agreed).await.expect("the site agrees");
    let page = scene.page().await;
    assert_eq!(page.text("#log").matches("Asked to shorten").count(), 1);

    let mark = page.seen();
    let form = [("seen", mark.as_str())];
    let (one, other) = tokio::join!(scene.send("release", &form), scene.send("release", &form));
    scene.leads_back(&one);
    scene.leads_back(&other);
    scene.leads_back(&scene.send("release", &form).await);
    assert_eq!(scene.page().await.text("#log").matches("Gave it back").count(), 1);
}

#[tokio::test]
async fn a_move_that_is_sent_twice_is_answered_alike() {
    let demo = Setup::of(Course::example()).start().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let (_, booking) = student.book(&demo.course.at(2, "10:00")).await;
    let path = format!("/bookings/{}", booking["id"].as_str().unwrap());
    let booked = async || {
        let seen: Value = student.get(&format!("/api/v1{path}")).await.json().await.unwrap();
        (seen["state"] == "booked").then_some(())
    };
    until(booked).await.expect("it is booked");
    let there = demo.course.at(4, "12:00");
    let page = format!("{path}/move?start={}", there.replace('+', "%2B"));
    let page = Page::of(student.get(&page).await).await;
    let action = page.all("#book form", "action").swap_remove(0);
    assert!(action.starts_with(&format!("{path}/move?seen=ahead-")), "{action}");
    let form = [("start", there.as_str()), ("hours", "3")];
    for _ in 0..2 {
        let sent = student.post(&action, &form).await;
        assert_eq!(
            (sent.status(), &sent.headers()[LOCATION]),
            (StatusCode::SEE_OTHER, &path.parse().unwrap())
        );
    }
    let elsewhere = [("start", there.as_str()), ("hours", "1")];
    let sent = student.post(&action, &elsewhere).await;
    assert_eq!(sent.status(), StatusCode::CONFLICT);
    let page = Page::of(sent).await;
    let told = page.text("#problems");
    assert!(told.starts_with("This booking changed while you looked You asked to move it to "), "{told}");
    assert!(told.contains("Nothing was done. It is for ") && told.contains("12:00 to 15:00 now."), "{told}");
}

#[tokio::test]
async fn a_form_of_a_page_that_is_out_of_date_does_nothing_and_keeps_its_choice() {
    let scene = Scene::active().await;
    let page = scene.page().await;
    let (mark, later) = (page.seen(), page.later());
    let two_more = later[later.len() - 2].as_str();
    scene.leads_back(&scene.send("extend", &[("seen", &mark), ("end", &later[later.len() - 1])]).await);
    let agreed = async || scene.api().await["wanted_end"].is_null().then_some(());
    until(agreed).await.expect("the site agrees");
    let before = scene.api().await;

    let sent = scene.send("extend", &[("seen", &mark), ("end", two_more)]).await;
    assert_eq!(sent.status(), StatusCode::CONFLICT);
    let page = Page::of(sent).await;
    let told = page.text("#problems");
    assert!(
        told.contains("You asked that it ends ")
            && told.contains("Nothing was done. It has begun, and ends "),
        "{told}"
    );
    assert_eq!(page.all("#extend [checked]", "value"), [two_more], "the choice is kept");
    assert_eq!(page.all("noscript meta", "content"), [""; 0], "what was sent is not to be loaded again");

    let sent = scene.send("release", &[("seen", &mark)]).await;
    assert_eq!(sent.status(), StatusCode::CONFLICT);
    let page = Page::of(sent).await;
    assert_eq!(page.all("#release[open]", "id").len(), 1);
    assert_eq!(scene.send("release", &[]).await.status(), StatusCode::CONFLICT, "none is no mark");
    let after = scene.api().await;
    assert_eq!((&after["end"], &after["state"]), (&before["end"], &json!("active")));

    scene.leads_back(&scene.send("extend", &[("seen", &page.seen()), ("end", two_more)]).await);
    scene.leads_back(&scene.send("release", &[("seen", &scene.page().await.seen())]).await);
    let sent = scene.send("extend", &[("seen", &page.seen()), ("end", two_more)]).await;
    assert_eq!(sent.status(), StatusCode::CONFLICT);
    assert!(Page::of(sent).await.text("#problems").contains("You released it."));
}

#[tokio::test]
async fn programs_change_a_booking_only_as_they_saw_it() {
    let scene = Scene::active().await;
    let api = format!("/api/v1{}", scene.path);
    let tag = scene.student.get(&api).await.headers()["etag"].clone();
    let tag = tag.to_str().unwrap();
    let (longer, longest) = (json!({"hours": 3}), json!({"hours": 4}));
    let patch = async |tag: &str, body: &Value| scene.student.patch_if(&api, tag, body).await;
    let patched = patch(tag, &longer).await;
    assert_eq!(patched.status(), StatusCode::OK);
    assert_ne!(patched.headers()["etag"], *tag);
    assert_eq!(patch(tag, &longer).await.status(), StatusCode::OK, "it is so already");
    let agreed = async || scene.api().await["wanted_end"].is_null().then_some(());
    until(agreed).await.expect("the site agrees");
    for stale in [tag, "\"other\"", "none", &format!("W/{tag}")] {
        let refused = patch(stale, &longest).await;
        assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED, "{stale}");
        assert_eq!(refused.json::<Value>().await.unwrap()["title"], "This booking changed while you looked");
        let refused = scene.student.delete_if(&api, stale).await;
        assert_eq!(refused.status(), StatusCode::PRECONDITION_FAILED, "{stale}");
    }
    assert_eq!(patch("*", &longest).await.status(), StatusCode::OK);
    let now = scene.student.get(&api).await.headers()["etag"].to_str().unwrap().to_owned();
    let either = format!("{tag}, {now}");
    assert_eq!(scene.student.delete_if(&api, &either).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        scene.student.delete_if(&api, &either).await.status(),
        StatusCode::NO_CONTENT,
        "it is so already"
    );
    assert_eq!(scene.student.delete(&api).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(patch(&now, &longest).await.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(scene.student.patch(&api, &longest).await.status(), StatusCode::CONFLICT);
    drop(scene.demo);
}
