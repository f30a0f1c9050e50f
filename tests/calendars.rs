//! Invitations and feeds, as somebody else's programs read them out of what a real mail server got and of what is served.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::simulated::Profile;
use fairlease::db::{self, DbError};
use fairlease::domain::booking::Booking;
use fairlease::domain::feed::Feed;
use fairlease::domain::interval::Interval;
use fairlease::domain::notice::{Topic, Way};
use fairlease::domain::person::{Person, Role};
use fairlease::mail::delivery::{Sender, SmtpMailer};
use fairlease::services::{booking, calendar, people};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::calendar_reader::{self, Calendar, Event, Mail};
use crate::support::smtp::MailServer;
use crate::world::served::{Credential, Served, serve};
use crate::world::{World, course, local, on_both_databases, slot};

/// What is special in a calendar's text, and a letter of two bytes where lines are folded.
const TITLE: &str =
    "Trains, planes; and \\\\ more: Übungen über Kubernetes für alle, die länger üben möchten";

/// The example for all of the year and all days, with a title that is hard to write, and a pool that closes.
async fn world(backend: crate::world::Backend, post: &MailServer) -> World {
    let days = "[\"Sat\", \"Sun\", \"Mon\", \"Tue\", \"Wed\", \"Thu\", \"Fri\"]";
    let course = course(&[
        ("title = \"Deploy a machine learning service on Kubernetes\"", &format!("title = \"{TITLE}\"")),
        ("due = 2025-02-13T23:59", "due = 2025-12-04T23:59"),
        ("to = 2025-05-16", "to = 2025-12-12"),
        ("bookings_ahead = 2", "bookings_ahead = 10"),
        ("even = [\"Sat\", \"Mon\", \"Wed\"]", &format!("even = {days}")),
        (
            "lead_minutes = 30 ",
            "closure = [{ from = 2025-03-08T20:00, to = 2025-03-09T00:00, reason = \"New disks, and a rest\" }]\n\
             lead_minutes = 30 ",
        ),
    ]);
    let sender = Sender::parse("Fairlease <fairlease@example.edu>").unwrap();
    let mailer = Arc::new(SmtpMailer::connect(&post.url(), 1, sender).unwrap());
    World::with(backend, course, Profile::instant()).await.mailing_by(mailer)
}

fn title() -> String {
    TITLE.replace("\\\\", "\\")
}

fn read(post: &MailServer) -> Vec<Mail> {
    calendar_reader::mails(&post.files())
}

/// The only event of the object that is shown with a mail. The same object is a file of the mail.
fn invite(mail: &Mail) -> (&Calendar, &Event) {
    let kinds: Vec<&str> = mail.shown.iter().map(|part| part.kind.as_str()).collect();
    assert_eq!(
        (mail.structure.as_str(), kinds.as_slice()),
        ("multipart/mixed", ["text/plain", "text/html", "text/calendar"].as_slice())
    );
    let (shown, [file]) = (&mail.shown[2], mail.attached.as_slice()) else { panic!("one file: {mail:?}") };
    assert_eq!((file.kind.as_str(), &file.calendar), ("application/ics", &shown.calendar));
    assert!(["invite.ics", "cancelled.ics"].contains(&file.name.as_deref().unwrap()), "{file:?}");
    let calendar = shown.calendar.as_ref().unwrap();
    assert_eq!((Some(&calendar.method), &file.method), (shown.method.as_ref(), &shown.method));
    assert_eq!(
        (calendar.version.as_str(), calendar.product.as_str()),
        ("2.0", "-//Fairlease//Fairlease//EN")
    );
    (calendar, &calendar.events[0])
}

fn iso(at: DateTime<Utc>) -> String {
    fairlease::domain::calendar::rfc3339(chrono_tz::America::New_York, at)
}

fn spans(event: &Event, slot: &Interval) -> bool {
    event.start.iso == iso(slot.start()) && event.end.as_ref().is_some_and(|end| end.iso == iso(slot.end()))
}

impl World {
    async fn feed(&self, person: &Person, feed: Feed) -> String {
        let (app, id) = (self.app.clone(), person.id.clone());
        self.app.db.write("renew", move |conn| calendar::renew(&app, conn, &id, feed)).await.unwrap()
    }

    async fn read_feed(&self, secret: &str) -> Option<String> {
        let (app, secret) = (self.app.clone(), secret.to_owned());
        self.app.db.read("calendar", move |conn| calendar::read(&app, conn, &secret)).await.unwrap()
    }

    async fn is_now(&self, person: &Person, role: Role) {
        let id = person.id.clone();
        let set = move |conn: &mut db::Conn<'_>| {
            let course = db::course(conn)?.unwrap().id;
            db::set_role(conn, &course, &id, role)
        };
        self.app.db.write::<_, DbError, _>("role", set).await.unwrap();
    }

    async fn assistant(&self) -> Person {
        let app = self.app.clone();
        let add = move |conn: &mut db::Conn<'_>| {
            people::ensure_person(
                &app,
                conn,
                &"ta77".parse().unwrap(),
                "A teaching assistant",
                Role::Assistant,
            )
        };
        self.app.db.write::<_, DbError, _>("staff", add).await.unwrap()
    }
}

/// What the page and the API say of a booking agrees with an event of it.
async fn agrees(served: &Served, who: &Credential, booking: &Booking, event: &Event) {
    let get = async |path: String| {
        let answer = served.request(who, Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    };
    let said: Value = serde_json::from_str(&get(format!("/api/v1/bookings/{}", booking.id)).await).unwrap();
    let end = event.end.as_ref().unwrap();
    assert_eq!(
        (said["start"].as_str(), said["end"].as_str()),
        (Some(&*event.start.iso), Some(&*end.iso)),
        "{said}"
    );
    let page = get(format!("/bookings/{}", booking.id)).await;
    assert!(page.contains(&event.start.words), "{}: {page}", event.start.words);
    let time = end.words.split(", ").nth(1).unwrap();
    assert!(page.contains(&format!("to {time}")) || page.contains(&end.words), "{}: {page}", end.words);
    let file = calendar_reader::calendar(&get(format!("/bookings/{}/calendar.ics", booking.id)).await);
    assert_eq!(
        (&file.events[0].start, &file.events[0].end, &file.events[0].uid),
        (&event.start, &event.end, &event.uid)
    );
}

on_both_databases! {
    async fn an_invitation_is_brought_up_to_date_and_taken_back(backend: Backend) {
        let post = MailServer::start().await;
        let world = world(backend, &post).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        let other = slot("2025-02-12T12:00", "2025-02-12T15:00");
        booking::change(&world.app, student.clone(), made.id.clone(), other).await.unwrap();
        world.work().await;
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work().await;
        let mails = read(&post);
        let [booked, moved, cancelled] = mails.as_slice() else { panic!("{mails:#?}") };
        let methods = [booked, moved, cancelled].map(|mail| invite(mail).0.method.as_str());
        assert_eq!(methods, ["REQUEST", "REQUEST", "CANCEL"]);
        let [first, second, third] = [booked, moved, cancelled].map(|mail| invite(mail).1);
        for event in [first, second, third] {
            assert_eq!(event.uid, format!("{}@fairlease", made.id));
            assert_eq!((event.title.as_str(), event.organizer.as_str()), (&*title(), "mailto:course-staff@example.edu"));
            assert_eq!(event.attendees, ["mailto:ff524@example.edu"]);
            assert_eq!(event.stamped, iso(world.app.now()));
        }
        assert!(first.sequence < second.sequence && second.sequence < third.sequence, "{first:?} {second:?} {third:?}");
        assert_eq!([first, second, third].map(|event| event.status.as_str()), ["CONFIRMED", "CONFIRMED", "CANCELLED"]);
        assert!(spans(first, &made.slot) && spans(second, &other) && spans(third, &other));
        assert_eq!(cancelled.attached[0].name.as_deref(), Some("cancelled.ics"));
    }

    async fn heads_say_whence_and_how_to_get_no_more(backend: Backend) {
        let post = MailServer::start().await;
        let world = world(backend, &post).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "active").await;
        world.work().await;
        let mails = read(&post);
        let [booked, ready] = mails.as_slice() else { panic!("{mails:#?}") };
        for mail in [booked, ready] {
            assert_eq!(mail.headers["Auto-Submitted"], "auto-generated");
            assert_eq!(mail.headers["Reply-To"], "course-staff@example.edu");
            let list = &mail.headers["List-Id"];
            assert!(list.starts_with("Machine Learning Systems Engineering and Operations <") && list.ends_with(".example.edu>"), "{list}");
        }
        assert!(!booked.headers.contains_key("List-Unsubscribe"), "what keeps a calendar right can't be turned off");
        assert_eq!(ready.structure, "multipart/alternative");
        assert!(ready.shown[1].links.iter().any(|link| link.ends_with(&format!("/bookings/{}", made.id))));
        assert_eq!(ready.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
        let address = ready.headers["List-Unsubscribe"].trim_matches(['<', '>']);
        let path = address.strip_prefix("https://fairlease.example.edu").unwrap();

        let served = serve(&world);
        let ask = async |method: Method, body: &'static str| {
            let request = served.request(&Credential::None, method, path);
            let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        };
        let wants = async || {
            let id = student.id.clone();
            let person = world.app.db.read::<_, DbError, _>("person", move |conn| db::person(conn, &id)).await;
            person.unwrap().unwrap().choices.way(Topic::Ready) != Way::Never
        };
        let (status, page) = ask(Method::GET, "").await;
        assert!(status == StatusCode::OK && page.contains("Turn these mails off?"), "{status}: {page}");
        ask(Method::HEAD, "").await;
        assert!(wants().await, "to look at it changes nothing");
        let (status, page) = ask(Method::POST, "List-Unsubscribe=One-Click").await;
        assert!(status == StatusCode::OK && page.contains("These mails are off now."), "{status}: {page}");
        assert!(!wants().await);
        for method in [Method::POST, Method::GET] {
            let (status, page) = ask(method, "List-Unsubscribe=One-Click").await;
            assert!(status == StatusCode::OK && page.contains("These mails are off."), "{status}: {page}");
        }
        world.clock.advance(TimeDelta::days(61));
        assert_eq!(ask(Method::POST, "").await.0, StatusCode::GONE, "it was for two months");
    }

    async fn instants_agree_before_across_and_after_a_change_of_the_clocks(backend: Backend) {
        let post = MailServer::start().await;
        let world = world(backend, &post).await;
        let (student, staff) = (world.student("ff524").await, world.assistant().await);
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let across = Interval::new(at("2025-11-02T04:30:00Z"), at("2025-11-02T07:00:00Z")).unwrap();
        let slots = [
            slot("2025-03-08T10:00", "2025-03-08T12:00"),
            slot("2025-03-09T00:30", "2025-03-09T03:30"),
            slot("2025-03-09T10:00", "2025-03-09T12:00"),
            slot("2025-11-01T10:00", "2025-11-01T12:00"),
            across,
            slot("2025-11-02T10:00", "2025-11-02T12:00"),
        ];
        assert_eq!(slots[1].length(), TimeDelta::hours(2), "the clocks go forward within it");
        let mut made = Vec::new();
        for slot in slots {
            made.push(world.book(&student, slot).await);
        }
        world.work().await;
        let mails = read(&post);
        let served = serve(&world);
        let session = world.session_of(&student.id).await;
        let own = calendar_reader::calendar(&world.read_feed(&world.feed(&student, Feed::Own).await).await.unwrap());
        let all = calendar_reader::calendar(&world.read_feed(&world.feed(&staff, Feed::Course).await).await.unwrap());
        let mut told = Vec::new();
        for booking in &made {
            let of = |event: &&Event| event.uid.starts_with(booking.id.as_str());
            let event = mails.iter().map(|mail| invite(mail).1).find(of).unwrap();
            assert!(spans(event, &booking.slot), "{event:?}");
            agrees(&served, &session, booking, event).await;
            let (mine, theirs) = (own.events.iter().find(of).unwrap(), all.events.iter().find(of).unwrap());
            assert!(spans(mine, &booking.slot) && spans(theirs, &booking.slot), "{mine:?} {theirs:?}");
            assert!(mine.uid == event.uid && mine.sequence >= event.sequence, "one event, wherever it is told of: {mine:?}");
            told.push(event);
        }
        let span = |at: usize| [&told[at].start, told[at].end.as_ref().unwrap()].map(|when| when.iso.as_str());
        assert_eq!(span(1), ["2025-03-09T00:30:00-05:00", "2025-03-09T03:30:00-04:00"]);
        assert_eq!(span(4), ["2025-11-02T00:30:00-04:00", "2025-11-02T02:00:00-05:00"]);
    }

    async fn staff_see_the_whole_course_and_only_staff(backend: Backend) {
        let post = MailServer::start().await;
        let world = world(backend, &post).await;
        let (student, other, staff) = (world.student("ff524").await, world.student("gg222").await, world.assistant().await);
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        let others = world.book(&other, slot("2025-03-10T10:00", "2025-03-10T14:00")).await;
        let off = world.book(&other, slot("2025-02-12T10:00", "2025-02-12T14:00")).await;
        world.work().await;
        booking::release(&world.app, other.clone(), off.id.clone()).await.unwrap();
        let secret = world.feed(&staff, Feed::Course).await;
        let text = world.read_feed(&secret).await.unwrap();
        let all = calendar_reader::calendar(&text);
        assert_eq!((all.method.as_str(), all.name.as_str()), ("PUBLISH", "Machine Learning Systems Engineering and Operations, all bookings"));
        let titles: Vec<String> = all.events.iter().map(|event| event.title.clone()).collect();
        let expected = [
            format!("{}, ff524", title()),
            format!("{}, gg222", title()),
            format!("Due: {}", title()),
            "Closed: kvm-clusters at KVM@TACC".to_owned(),
        ];
        assert_eq!(titles, expected, "not what was called off");
        let [first, second, due, closed] = all.events.as_slice() else { panic!("{all:?}") };
        assert!(spans(first, &made.slot) && spans(second, &others.slot));
        assert!(first.text.contains(&format!("https://fairlease.example.edu/bookings/{}", made.id)), "{first:?}");
        assert_eq!((due.start.iso.as_str(), &due.end), ("2025-12-04T23:59:00-05:00", &None));
        assert!(spans(closed, &slot("2025-03-08T20:00", "2025-03-09T00:00")) && closed.text == "New disks, and a rest");
        assert!(all.events.iter().all(|event| event.attendees.is_empty()), "nobody is invited");
        assert!(!text.contains("@example.edu"), "and no address for mail is told");

        let served = serve(&world);
        let read = async |secret: &str| {
            let answer = served.request(&Credential::None, Method::GET, &format!("/calendar/{secret}.ics")).send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        };
        assert_eq!(read(&secret).await, (StatusCode::OK, text));
        for who in [&student, &other] {
            let session = world.session_of(&who.id).await;
            for path in ["/me/calendar/course", "/me/calendar/course/stop"] {
                let answer = served.form(&session, Method::POST, path).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path} is not for students");
            }
        }
        // An address that somehow is a student's shows nothing of the course.
        let students = world.feed(&student, Feed::Course).await;
        assert_eq!(read(&students).await.0, StatusCode::NOT_FOUND);
        world.is_now(&staff, Role::Student).await;
        assert_eq!(read(&secret).await.0, StatusCode::NOT_FOUND, "who is staff no more reads it no more");
        world.is_now(&staff, Role::Assistant).await;
        assert_eq!(read(&secret).await.0, StatusCode::OK);
        let own = world.feed(&staff, Feed::Own).await;
        assert!(calendar_reader::calendar(&read(&own).await.1).events.is_empty(), "their own calendar is another");
        world.clock.set(local("2025-02-25T00:00"));
        let later = calendar_reader::calendar(&read(&secret).await.1);
        assert!(!later.events.iter().any(|event| event.uid.starts_with(made.id.as_str())), "two weeks ago");
        let id = staff.id.clone();
        world.app.db.write("stop", move |conn| calendar::stop(conn, &id, Feed::Course)).await.unwrap();
        assert_eq!((read(&secret).await.0, read(&own).await.0), (StatusCode::NOT_FOUND, StatusCode::OK));
    }
}
