//! What a person chooses for themselves, and what they see of themselves.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use fairlease::db::{self, DbError};
use fairlease::domain::feed::Feed;
use fairlease::domain::ids::BookingId;
use fairlease::domain::notice::{Topic, Way};
use fairlease::domain::person::{Choices, Person};
use fairlease::services::{booking, calendar, history, notices, people, reaping};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::course::Course;
use crate::support::demo::{Demo, Setup};
use crate::support::until;
use crate::support::visitor::{Visitor, client};
use crate::world::{World, local, on_both_databases, slot};

impl World {
    async fn choose(&self, person: &Person, choices: Choices) {
        let id = person.id.clone();
        self.app.db.write("choose", move |conn| people::set_choices(conn, &id, &choices)).await.unwrap();
    }

    async fn renews_calendar(&self, person: &Person) -> String {
        let (app, id) = (self.app.clone(), person.id.clone());
        self.app.db.write("renew", move |conn| calendar::renew(&app, conn, &id, Feed::Own)).await.unwrap()
    }

    async fn calendar(&self, secret: &str) -> Option<String> {
        let (app, secret) = (self.app.clone(), secret.to_owned());
        self.app.db.read("calendar", move |conn| calendar::read(&app, conn, &secret)).await.unwrap()
    }

    /// The ids of past bookings, page by page.
    async fn past(&self, person: &Person) -> Vec<Vec<BookingId>> {
        let id = person.id.clone();
        let read = move |conn: &mut db::Conn<'_>| -> Result<_, DbError> {
            let (mut pages, mut before) = (Vec::new(), None);
            loop {
                let page = history::past(conn, &id, before.as_ref())?;
                pages.push(page.bookings.into_iter().map(|(booking, _)| booking.id).collect());
                before = page.older;
                if before.is_none() {
                    return Ok(pages);
                }
            }
        };
        self.app.db.read("past", read).await.unwrap()
    }

    async fn reminds_at(&self, time: &str) -> usize {
        self.clock.set(local(time));
        notices::remind(&self.app).await.unwrap()
    }
}

on_both_databases! {
    async fn one_is_warned_when_one_chose_to_be(backend: Backend) {
        let world = World::new(backend).await;
        let (early, never) = (world.student("ff524").await, world.student("gg222").await);
        let usual = world.student("hh444").await;
        world.choose(&early, Choices { ending_soon_minutes: vec![60], ..Choices::default() }).await;
        world.choose(&never, Choices { ending_soon_minutes: vec![], ..Choices::default() }).await;
        for person in [&early, &never, &usual] {
            let made = world.book(person, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
            world.work_until(person, &made.id, "active").await;
        }
        assert_eq!(world.reminds_at("2025-02-08T12:59").await, 0);
        assert_eq!(world.reminds_at("2025-02-08T13:00").await, 2, "an hour before");
        assert_eq!(world.reminds_at("2025-02-08T13:01").await, 0, "once");
        assert_eq!(world.reminds_at("2025-02-08T13:45").await, 1, "the usual two");
        assert_eq!(world.reminds_at("2025-02-08T13:59").await, 0);
        world.work().await;
        let reminded: Vec<_> = world.postbox.mails.lock().unwrap().iter()
            .filter(|mail| mail.subject.starts_with("Ends at 14:00"))
            .map(|mail| mail.person.clone())
            .collect();
        // Two that end at one time are told in no order of their own.
        let first: BTreeSet<_> = reminded.iter().take(2).cloned().collect();
        assert_eq!(first, [Some(early.id), Some(usual.id.clone())].into());
        assert_eq!(reminded[2..], [Some(usual.id)]);
    }

    /// Case 14 of the course's facts: a site's own event before the end of a lease of three hours falls on its start. What
    /// counts are our own reminders: an hour and a quarter of one before the end, each once.
    async fn of_three_hours_one_hears_before_the_end_and_not_at_the_start(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T13:00")).await;
        world.work_until(&student, &made.id, "active").await;
        for (time, mails) in
            [("10:00", 0), ("11:59", 0), ("12:00", 1), ("12:44", 0), ("12:45", 1), ("12:46", 0), ("12:59", 0)]
         {
            assert_eq!(world.reminds_at(&format!("2025-02-08T{time}")).await, mails, "{time}");
        }
    }

    async fn what_one_does_not_want_to_hear_is_not_told(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let quiet = Choices { ending_soon_minutes: vec![], ..Choices::default() }
            .with(Topic::Ready, Way::Never)
            .with(Topic::Ended, Way::Never);
        world.choose(&student, quiet).await;
        let used = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &used.id, "active").await;
        world.clock.set(local("2025-02-08T14:00"));
        reaping::sweep(&world.app).await.unwrap();
        world.work_until(&student, &used.id, "ended").await;
        let ahead = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        booking::release(&world.app, student.clone(), ahead.id.clone()).await.unwrap();
        world.work_until(&student, &ahead.id, "ended").await;
        let words: Vec<_> = world.subjects().iter().map(|it| it.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(words, ["Booked", "Booked", "Cancelled"], "what keeps the calendar right is always told");
    }

    async fn a_calendar_has_what_is_ahead_and_what_was_used(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let secret = world.renews_calendar(&student).await;
        let used = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &used.id, "active").await;
        let invitation = world.postbox.mails.lock().unwrap()[0].calendar.clone().unwrap();
        let uid = format!("UID:{}@fairlease", used.id);
        let seen = world.calendar(&secret).await.unwrap();
        assert!(invitation.contains(&uid) && seen.contains(&uid), "one event, wherever it is told of:\n{seen}");
        assert!(sequence(&seen) >= sequence(&invitation), "and the calendar is not older");
        for line in ["METHOD:PUBLISH", "SUMMARY:Deploy a machine learning", "DTEND:20250208T190000Z"] {
            assert!(seen.contains(line), "{line} in\n{seen}");
        }

        world.clock.set(local("2025-02-08T12:00"));
        booking::release(&world.app, student.clone(), used.id.clone()).await.unwrap();
        world.work_until(&student, &used.id, "ended").await;
        let dropped = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        booking::release(&world.app, student.clone(), dropped.id.clone()).await.unwrap();
        let ahead = world.book(&student, slot("2025-02-10T15:00", "2025-02-10T17:00")).await;
        let other = world.student("gg222").await;
        let others = world.book(&other, slot("2025-02-08T15:00", "2025-02-08T17:00")).await;
        let seen = world.calendar(&secret).await.unwrap();
        let has = |id: &BookingId| seen.contains(id.as_str());
        assert!(has(&used.id) && has(&ahead.id), "{seen}");
        assert!(!has(&dropped.id), "called off: {seen}");
        assert!(!has(&others.id), "not theirs: {seen}");
        assert!(seen.contains("DTEND:20250208T170000Z"), "up to when it was given back: {seen}");
        assert!(seen.contains("STATUS:TENTATIVE"), "the site has not confirmed the one ahead: {seen}");

        world.clock.set(local("2025-02-08T14:00") + TimeDelta::days(31));
        assert!(!world.calendar(&secret).await.unwrap().contains(used.id.as_str()), "long ago");
    }

    async fn an_address_that_was_renewed_or_stopped_leads_nowhere(backend: Backend) {
        let world = World::new(backend).await;
        let (student, other) = (world.student("ff524").await, world.student("gg222").await);
        assert_eq!(world.calendar("").await, None);
        let first = world.renews_calendar(&student).await;
        let others = world.renews_calendar(&other).await;
        assert!(first.len() >= 32 && world.calendar(&first).await.is_some());
        let second = world.renews_calendar(&student).await;
        assert_eq!((world.calendar(&first).await, world.calendar(&second).await.is_some()), (None, true));
        let id = student.id.clone();
        world.app.db.write("stop", move |conn| calendar::stop(conn, &id, Feed::Own)).await.unwrap();
        assert_eq!(world.calendar(&second).await, None);
        assert!(world.calendar(&others).await.is_some(), "others keep theirs");
    }

    async fn what_is_over_comes_page_by_page_and_each_once(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let mut starts = BTreeSet::new();
        for n in 0..54_i64 {
            // Two of each start: the id decides then.
            let start = local("2025-02-10T10:00") + TimeDelta::minutes(30 * (n / 2));
            let slot = fairlease::domain::interval::Interval::new(start, start + TimeDelta::hours(1)).unwrap();
            let made = world.book(&student, slot).await;
            booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
            starts.insert((start, made.id));
        }
        let live = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
        let pages = world.past(&student).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 4]);
        let expected: Vec<_> = starts.into_iter().rev().map(|(_, id)| id).collect();
        assert_eq!(pages.concat(), expected);
        assert!(!expected.contains(&live.id));
        assert_eq!(world.past(&world.student("gg222").await).await, [vec![]]);
    }
}

fn sequence(calendar: &str) -> u32 {
    calendar.split("SEQUENCE:").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

async fn demo() -> Demo {
    Setup::of(Course::example()).start().await
}

#[tokio::test]
async fn the_page_saves_what_one_chooses() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let checked = async || {
        let page = student.get("/me").await.text().await.unwrap();
        let mails = page.split("action=\"/me/mails\"").nth(1).unwrap().split("</form>").next().unwrap();
        let is_chosen = |tag: &&str| {
            let tag = tag.split('>').next().unwrap();
            tag.ends_with(" checked") || tag.ends_with(" selected")
        };
        let inputs = mails.split('<').filter(is_chosen);
        let name =
            |input: &str| input.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        (inputs.map(name).collect::<Vec<_>>(), page)
    };
    assert_eq!(checked().await.0, ["15", "60", "at_once", "at_once", "at_once"]);
    let chosen = [("ending_soon", "30"), ("ending_soon", "60"), ("ready", "never"), ("ended", "digest")];
    let saved = student.post("/me/mails", &chosen).await;
    assert_eq!(
        (saved.status(), &saved.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/me".parse().unwrap())
    );
    assert_eq!(checked().await.0, ["30", "60", "never", "digest", "at_once"]);
    let off = student.post("/me/mails", &[("announcement", "never")]).await;
    assert_eq!(off.status(), StatusCode::UNPROCESSABLE_ENTITY, "nobody can turn announcements off");
    let odd = student.post("/me/mails", &[("ending_soon", "15"), ("ending_soon", "7")]).await;
    assert_eq!(odd.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let forged = student.with_token("0").post("/me/mails", &[("ready", "at_once")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    assert_eq!(checked().await.0, ["30", "60", "never", "digest", "at_once"], "nothing else was saved");
    student.post("/me/mails", &[]).await;
    assert_eq!(checked().await.0, ["never", "digest", "at_once"], "no warning; the rest as it was");
    let of_staff = [("booking", "never"), ("failures", "digest")];
    student.post("/me/mails", &of_staff).await;
    assert_eq!(checked().await.0, ["never", "digest", "at_once"], "what is required, or not theirs");
}

/// The path of the address that the page shows.
fn address(page: &str) -> String {
    let secret = page.split("/calendar/").nth(1).unwrap().split(".ics").next().unwrap();
    assert_eq!(page.matches(secret).count(), 3, "as https, as webcal, and of the feed");
    format!("/calendar/{secret}.ics")
}

#[tokio::test]
async fn a_calendar_is_read_by_its_address_alone() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let (_, booking) = student.book(&demo.course.at(2, "10:00")).await;
    assert_eq!(student.with_token("0").post("/me/calendar", &[]).await.status(), StatusCode::FORBIDDEN);
    let made = student.post("/me/calendar", &[]).await;
    assert_eq!(
        (made.status(), &made.headers()["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    let page = made.text().await.unwrap();
    let address = address(&page);
    let host = demo.url().strip_prefix("http://").unwrap();
    assert!(
        page.contains(&format!("<code id=\"address\" class=\"wrap\">http://{host}{address}</code>")),
        "{page}"
    );
    assert!(page.contains(&format!("href=\"webcal://{host}{address}\"")), "{page}");
    let me = student.get("/me").await.text().await.unwrap();
    assert!(me.contains("has had its secret address since") && !me.contains(&address), "once only: {me}");

    let nobody = Visitor::anonymous(demo.url());
    let calendar = nobody.get(&address).await;
    assert_eq!(calendar.headers()["content-type"], "text/calendar; charset=utf-8");
    assert_eq!(calendar.headers()["cache-control"], "no-store");
    let text = calendar.text().await.unwrap();
    assert!(text.contains(&format!("UID:{}@fairlease", booking["id"].as_str().unwrap())), "{text}");

    student.post("/me/calendar", &[]).await;
    let never = nobody.get(&format!("/calendar/{}.ics", "0".repeat(64))).await;
    let old = nobody.get(&address).await;
    assert_eq!((old.status(), never.status()), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    let plain = |page: &str| {
        page.lines().filter(|line| !line.contains("quote <code>")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(plain(&old.text().await.unwrap()), plain(&never.text().await.unwrap()), "the same answer");
    let stopped = student.post("/me/calendar/stop", &[]).await;
    assert_eq!(stopped.status(), StatusCode::SEE_OTHER);
    assert!(student.get("/me").await.text().await.unwrap().contains("Make an address"));
}

#[tokio::test]
async fn a_calendars_address_is_not_logged() {
    let demo = demo().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let address = address(&student.post("/me/calendar", &[]).await.text().await.unwrap());
    let mut file = diesel::SqliteConnection::establish(demo.database_file().to_str().unwrap()).unwrap();
    file.batch_execute("PRAGMA busy_timeout = 15000; ALTER TABLE calendar_addresses RENAME TO broken")
        .unwrap();
    let nobody = Visitor::anonymous(demo.url());
    assert_eq!(nobody.get(&address).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let told = || async {
        let log = demo.log();
        log.contains("a request failed").then_some(log)
    };
    let log = until(told).await.expect("the log tells that it failed");
    assert!(log.contains("/calendar/{secret}.ics"), "the line says of which request: {log}");
    let secret = address.split('/').nth(2).unwrap().split('.').next().unwrap();
    assert!(!log.contains(secret), "{log}");
}

#[tokio::test]
async fn one_sees_what_one_has_used_and_had() {
    let course = Course::example().with_rule("budget_hours", 10).with_rule("budget_bookings", 5);
    let demo = Setup::of(course).start().await;
    let student = Visitor::sign_in(&client(), demo.url(), "ff524").await;
    let nothing = student.get("/me/bookings").await.text().await.unwrap();
    assert!(nothing.contains("None of your bookings is over yet."), "{nothing}");
    let (_, booking) = student.book(&demo.course.at(2, "10:00")).await;
    let me = student.get("/me").await.text().await.unwrap();
    for part in [
        "<a href=\"/labs/k8s\">",
        "Hours </span>2 h of 10 h",
        "Bookings </span>1 of 5",
        "Ahead or running </span>1 of ",
    ] {
        assert!(me.contains(part), "{part}: {me}");
    }
    let path = format!("/bookings/{}", booking["id"].as_str().unwrap());
    assert!(!student.get("/me/bookings").await.text().await.unwrap().contains(&path), "it is ahead");
    student.delete(&format!("/api/v1{path}")).await;
    let seen = async || -> Value { student.get(&format!("/api/v1{path}")).await.json().await.unwrap() };
    until(|| async { (seen().await["state"] == "ended").then_some(()) }).await.expect("it ends");
    let past = student.get("/me/bookings").await.text().await.unwrap();
    assert!(past.contains(&format!("<a href=\"{path}\">")) && past.contains("called off"), "{past}");
    assert!(student.get("/me").await.text().await.unwrap().contains("Hours </span>0 h"), "given back");
    let other = Visitor::sign_in(&client(), demo.url(), "gg222").await;
    assert!(!other.get("/me/bookings").await.text().await.unwrap().contains(&path), "it is not theirs");
    for odd in ["1", "x-000000000000", "1-%00"] {
        let page = student.get(&format!("/me/bookings?before={odd}")).await;
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{odd}");
    }
    for path in ["/me/bookings", "/me/calendar"] {
        let response = Visitor::anonymous(demo.url()).get(path).await;
        assert_eq!(response.headers()["location"], format!("/sign-in?return_to={path}"));
    }
}
