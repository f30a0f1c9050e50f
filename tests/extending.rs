//! Sites that do not change the end of a lease in force: it is found out once, and students are told before they ask.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::port::CloudError;
use fairlease::cloud::simulated::{Fault, Faults, Profile};
use fairlease::config::course_file::CourseFile;
use fairlease::db::{self, DbError};
use fairlease::domain::audit::Doer;
use fairlease::domain::booking::Booking;
use fairlease::domain::course::Course;
use fairlease::domain::person::Person;
use fairlease::policy::admission::Violation;
use fairlease::policy::fitness::Verdict;
use fairlease::services::booking::{self, BookingError};
use fairlease::services::{doctor, extending};
use reqwest::StatusCode;
use scraper::{Html, Selector};
use serde_json::{Value, json};

use crate::sites::{serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{EXAMPLE, World, course, on_both_databases, slot};

const WORDS: &str = "Updating leases for 'flavor:instance' type reservations is not yet supported.";
const TOLD: &str = "KVM@TACC can't change the end of a booking that has begun: book another slot after it, or release it early.";

/// A site that changes the end of no lease.
pub(crate) fn rigid() -> Profile {
    Profile { extends: false, ..Profile::instant() }
}

/// A booking from 10:00 to 12:00 of that day of February, once it can be used.
async fn active(world: &World, net_id: &str, day: &str) -> (Person, Booking) {
    let student = world.student(net_id).await;
    let made =
        world.book(&student, slot(&format!("2025-02-{day}T10:00"), &format!("2025-02-{day}T12:00"))).await;
    world.clock.set(made.slot.start());
    world.work_until(&student, &made.id, "active").await;
    (student, made)
}

fn hours_more(made: &Booking, hours: i64) -> DateTime<Utc> {
    made.slot.end() + TimeDelta::hours(hours)
}

fn codes(refused: Result<(), BookingError>) -> Vec<&'static str> {
    let Err(BookingError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    refusal.violations.iter().map(Violation::code).collect()
}

/// Asks the site in vain.
pub(crate) async fn finds_out(world: &World) -> (Person, Booking) {
    let (student, made) = active(world, "ff524", "08").await;
    world.end_at(&student, &made.id, hours_more(&made, 1)).await.unwrap();
    world.work().await;
    (student, made)
}

/// What `fairlease doctor` knows of the site from its bookings.
async fn known(world: &World) -> BTreeMap<String, (Verdict, String)> {
    let now = world.app.now();
    let read = move |conn: &mut db::Conn<'_>| {
        let course = db::course(conn)?.unwrap();
        doctor::learned(conn, &course, now)
    };
    let checks = world.app.db.read::<_, DbError, _>("learned", read).await.unwrap();
    checks.into_values().flatten().map(|check| (check.what, (check.verdict, check.found))).collect()
}

/// The whole text of the first thing that the selector finds; nothing if there is none.
fn text_of(page: &str, css: &str) -> Option<String> {
    let found = Selector::parse(css).unwrap();
    let page = Html::parse_document(page);
    let texts = page.select(&found).next().map(|it| it.text().collect::<String>());
    texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

on_both_databases! {
    /// Case 15, the 409 "not yet supported": the site does not extend, and that is said.
    async fn a_refusal_is_remembered_and_told_before_anyone_asks(backend: Backend) {
        let slow = Profile { boot: TimeDelta::seconds(5), ..rigid() };
        let world = World::with(backend, course(&[]), slow).await;
        let (student, made) = active(&world, "ff524", "08").await;
        assert!(known(&world).await.is_empty(), "nobody has asked");
        let before = world.view(&student, &made.id).await.ends;
        assert!(before.fixed.is_none() && !before.later.is_empty() && !before.earlier.is_empty());
        world.end_at(&student, &made.id, hours_more(&made, 1)).await.unwrap();
        world.work().await;
        let view = world.view(&student, &made.id).await;
        assert_eq!((view.booking.slot, view.booking.wanted_end), (made.slot, None));
        let said = format!("It could not be extended: the site can't do that: {WORDS}");
        assert!(view.events.iter().any(|event| event.what == said), "{:?}", view.events);
        assert_eq!(world.booked_at("2025-02-08T12:00").await, 0, "what was held for it is given back");

        let other = world.student("gg222").await;
        let beside = world.book(&other, slot("2025-02-08T10:30", "2025-02-08T12:00")).await;
        world.work_until(&other, &beside.id, "preparing").await;
        for (who, booking) in [(&student, &made), (&other, &beside)] {
            let ends = world.view(who, &booking.id).await.ends;
            let sentence = ends.fixed.map(|fixed| fixed.sentence(chrono_tz::UTC));
            assert_eq!(sentence, Some(format!("{TOLD} It says: \"{WORDS}\"")));
            assert!(ends.later.is_empty() && ends.earlier.is_empty());
            for hours in [1, -1] {
                let calls = world.cloud.faults().calls();
                assert_eq!(codes(world.end_at(who, &booking.id, hours_more(booking, hours)).await), ["end_fixed"]);
                assert_eq!(world.cloud.faults().calls(), calls, "the site is not asked again");
            }
        }
        let (verdict, found) = known(&world).await["another end of a lease"].clone();
        assert_eq!((verdict, found), (Verdict::Warn, format!("refused on Sat Feb 8, 10:00: {WORDS}")));
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
    }

    async fn a_refusal_for_another_reason_is_not_remembered(backend: Backend) {
        let world = World::new(backend).await;
        let (student, made) = active(&world, "ff524", "08").await;
        world.end_at(&student, &made.id, hours_more(&made, 1)).await.unwrap();
        let full = CloudError::Capacity("Not enough hosts available".into());
        world.cloud.faults().suffer(Some(Fault::Refuse(full)));
        world.work().await;
        world.cloud.faults().suffer(None);
        let view = world.view(&student, &made.id).await;
        assert_eq!((view.booking.slot, view.booking.wanted_end), (made.slot, None), "it was refused");
        assert!(view.ends.fixed.is_none() && known(&world).await.is_empty());
    }

    async fn what_is_ahead_can_be_moved_all_the_same(backend: Backend) {
        let world = World::with(backend, course(&[]), rigid()).await;
        let (student, _) = finds_out(&world).await;
        let ahead = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
        world.work().await;
        let there = slot("2025-02-10T14:00", "2025-02-10T18:00");
        booking::change(&world.app, student.clone(), ahead.id.clone(), there).await.unwrap();
        world.work().await;
        assert_eq!(world.view(&student, &ahead.id).await.booking.slot, there);
    }

    async fn it_is_tried_again_after_a_week_or_when_staff_say_so(backend: Backend) {
        let course = course(&[("due = 2025-02-13T23:59", "due = 2025-03-13T23:59"), ("swap_weekly_from = 2025-02-07", "")]);
        let world = World::with(backend, course, rigid()).await;
        finds_out(&world).await;
        let mended = world.with_faults(Profile::instant(), Faults::none(), 2);
        let (student, made) = active(&mended, "gg222", "12").await;
        assert!(mended.view(&student, &made.id).await.ends.fixed.is_some(), "four days later");
        let site = "kvm-tacc".parse().unwrap();
        assert!(extending::forget(&mended.app, &Doer::itself(), site).await.unwrap());
        assert!(mended.view(&student, &made.id).await.ends.fixed.is_none());
        mended.end_at(&student, &made.id, hours_more(&made, 1)).await.unwrap();
        mended.work().await;
        assert_eq!(mended.view(&student, &made.id).await.booking.slot.end(), hours_more(&made, 1));
        assert_eq!(known(&mended).await["another end of a lease"], (Verdict::Pass, "given since Wed Feb 12, 10:00".to_owned()));

        let world = mended.with_faults(rigid(), Faults::none(), 3);
        let (student, made) = active(&world, "gg224", "15").await;
        world.end_at(&student, &made.id, hours_more(&made, 1)).await.unwrap();
        world.work().await;
        assert!(world.view(&student, &made.id).await.ends.fixed.is_some(), "a site that did so once refuses now");
        let (student, made) = active(&world, "gg226", "22").await;
        assert!(world.view(&student, &made.id).await.ends.fixed.is_none(), "a week later");
    }

    async fn the_course_file_may_say_so_outright(backend: Backend) {
        let says = |extends: &str| course(&[("leases = true ", &format!("extends = {extends}\nleases = true "))]);
        let world = World::with(backend, says("false"), Profile::instant()).await;
        let (student, made) = active(&world, "ff524", "08").await;
        let fixed = world.view(&student, &made.id).await.ends.fixed.unwrap();
        assert_eq!(fixed.sentence(chrono_tz::UTC), TOLD);
        assert_eq!(codes(world.end_at(&student, &made.id, hours_more(&made, 1)).await), ["end_fixed"]);

        let world = World::with(backend, says("true"), rigid()).await;
        let (student, made) = finds_out(&world).await;
        assert!(world.view(&student, &made.id).await.ends.fixed.is_none(), "each wish is tried");
    }

    async fn places_without_a_lease_of_their_own_are_not_concerned(backend: Backend) {
        let text = EXAMPLE.replace("lead_minutes = 30 ", "standing_lease = \"course-nodes\"\nlead_minutes = 30 ");
        let with_standing = CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap();
        let world = World::with(backend, course(&[]), rigid()).await;
        let (student, made) = finds_out(&world).await;
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        let apply = move |conn: &mut db::Conn<'_>| db::save_course(conn, &with_standing as &Course);
        world.app.db.write::<_, DbError, _>("apply", apply).await.unwrap();
        let world = world.with_faults(rigid(), Faults::none(), 2);
        world.cloud.put_lease("course-nodes", &slot("2025-02-08T00:00", "2025-02-15T00:00"), &[]).unwrap();
        let (student, made) = active(&world, "gg222", "10").await;
        world.end_at(&student, &made.id, hours_more(&made, 1)).await.unwrap();
        world.work().await;
        assert_eq!(world.view(&student, &made.id).await.booking.slot.end(), hours_more(&made, 1));
    }

    async fn pages_and_programs_say_so(backend: Backend) {
        let world = World::with(backend, course(&[]), rigid()).await;
        staff(&world, "ta77").await;
        let served = serve(&world);
        let (student, made) = active(&world, "ff524", "08").await;
        let visitor = Visitor::sign_in(&client(), &served.url, "ff524").await;
        let assistant = Visitor::sign_in(&client(), &served.url, "ta77").await;
        let page = async |who: &Visitor, path: &str| {
            let response = who.get(path).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            response.text().await.unwrap()
        };
        let (path, api) = (format!("/bookings/{}", made.id), format!("/api/v1/bookings/{}", made.id));
        let shown = page(&visitor, &path).await;
        assert!(text_of(&shown, "#extend").is_some() && text_of(&shown, "#earlier").is_some());
        let asked: Value = visitor.get(&api).await.json().await.unwrap();
        assert_eq!(asked.get("end_fixed"), None);
        assert!(page(&assistant, "/sites").await.contains("nobody has asked it lately"));
        assert_eq!(visitor.patch(&api, &json!({"hours": 3})).await.status(), StatusCode::OK);
        world.work().await;

        let shown = page(&visitor, &path).await;
        assert!(text_of(&shown, "#extend").is_none() && text_of(&shown, "#earlier").is_none(), "{shown}");
        let acts = text_of(&shown, ".acts").unwrap();
        assert!(acts.contains(TOLD) && acts.contains("Release now"), "{acts}");
        let asked: Value = visitor.get(&api).await.json().await.unwrap();
        assert_eq!((&asked["end_fixed"]["code"], &asked["end_fixed"]["words"]), (&"end_fixed".into(), &WORDS.into()));
        let refused = visitor.patch(&api, &json!({"hours": 3})).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(refused["violations"][0]["code"], "end_fixed");
        assert!(refused["violations"][0]["message"].as_str().unwrap().starts_with(TOLD), "{refused}");

        let sites = "/sites/kvm-tacc/extending";
        for (who, can_try, known) in [(&visitor, false, "It says"), (&assistant, true, "is asked again from Sat Feb 15, 10:00 on")] {
            let shown = page(who, "/sites").await;
            let told = text_of(&shown, ".site").unwrap();
            assert!(told.contains(TOLD) && told.contains(known), "{told}");
            assert_eq!(text_of(&shown, &format!("form[action='{sites}']")).is_some(), can_try);
        }
        let told: Value = visitor.get("/api/v1/sites").await.json().await.unwrap();
        assert_eq!(told["sites"][0]["extends"], false);
        assert_eq!(visitor.post(sites, &[]).await.status(), StatusCode::NOT_FOUND, "staff only");
        assert_eq!(assistant.with_token("0").post(sites, &[]).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(assistant.post(sites, &[]).await.status(), StatusCode::SEE_OTHER);
        assert!(text_of(&page(&visitor, &path).await, "#extend").is_some(), "it can be asked for again");
        assert!(world.view(&student, &made.id).await.ends.fixed.is_none());
    }
}

#[test]
fn a_site_without_leases_has_nothing_to_say_of_them() {
    let text = EXAMPLE.replace("leases = true ", "extends = false\nleases = false ");
    let errors = CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap_err();
    assert!(
        errors.0.iter().any(|it| it.contains("site.kvm-tacc.extends: the site has no leases")),
        "{errors:?}"
    );
}
