//! Bookings that nobody uses: told, kept if someone comes, released if not.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fairlease::cloud::port::Cloud as _;
use fairlease::cloud::simulated::{Object, Profile};
use fairlease::config::course_file::CourseFile;
use fairlease::db::{self, DbError, Use};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::booking::{Booking, EndReason};
use fairlease::domain::ids::{BookingId, ExemptionId, PauseId};
use fairlease::domain::interval::Interval;
use fairlease::domain::marked::{Exempt, Exemption, Pause};
use fairlease::domain::notice::{Topic, Way};
use fairlease::domain::person::{Choices, Person};
use fairlease::domain::reaper::{NoShowRule, NoShowSignal};
use fairlease::domain::su::Su;
use fairlease::domain::survey::Backing;
use fairlease::services::booking::BookingError;
use fairlease::services::{booking, courses, people, reaping};
use reqwest::StatusCode;

use crate::sites::{serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{Backend, EXAMPLE, World, course, local, on_both_databases, slot};

/// The example's course with one cluster, whose bookings count as not used after half an hour and a quarter of grace.
fn looked_for(signal: NoShowSignal) -> fairlease::domain::course::Course {
    let mut course = course(&[("capacity = 30 ", "capacity = 1 ")]);
    course.reaper.no_show = Some(NoShowRule { minutes: 30, grace_minutes: 15, signal });
    course
}

/// A booking that is active from half past nine on.
async fn active(backend: Backend, signal: NoShowSignal) -> (World, Person, Booking) {
    let world = World::with(backend, looked_for(signal), Profile::instant()).await;
    let student = world.student("ff524").await;
    let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T14:30")).await;
    world.work_until(&student, &made.id, "active").await;
    (world, student, made)
}

/// What a sweep at this time did, each with what came of it.
async fn sweep(world: &World, at: &str) -> Vec<String> {
    world.clock.set(local(at));
    let (_, done) = reaping::sweep(&world.app).await.unwrap();
    done.iter().map(|done| format!("{}: {}", done.action.what(), done.outcome)).collect()
}

async fn usage(world: &World, booking: &Booking) -> Use {
    let id = booking.id.clone();
    world.app.db.read::<_, DbError, _>("use", move |conn| db::booking_use(conn, &id)).await.unwrap()
}

fn warned(booking: &Booking, at: &str) -> String {
    format!(
        "warn ff524 of releasing booking {} (k8s): its student is told that it is released at {at}",
        booking.id
    )
}

fn released(booking: &Booking) -> String {
    format!("release booking {} of ff524 (k8s): released: its resources are being deleted", booking.id)
}

/// Lets the mail go out and returns what began with these words.
async fn mails(world: &World, words: &str) -> Vec<fairlease::domain::notice::Notice> {
    world.work().await;
    let mails = world.postbox.mails.lock().unwrap();
    mails.iter().filter(|mail| mail.subject.starts_with(words)).cloned().collect()
}

async fn exempt(world: &World, what: Exempt) {
    let exemption =
        Exemption { what, reason: "ill".into(), by: "ta77".to_owned(), until: local("2025-02-09T00:00") };
    let now = world.app.now();
    let insert = move |conn: &mut db::Conn<'_>| {
        db::insert_exemption(conn, &ExemptionId::from_bits(1), &exemption, now)
    };
    world.app.db.write::<_, DbError, _>("exempt", insert).await.unwrap();
}

async fn pause(world: &World) {
    let pause = Pause {
        site: Some("kvm-tacc".parse().unwrap()),
        reason: "outage".into(),
        by: "ta77".to_owned(),
        until: None,
    };
    let now = world.app.now();
    let insert = move |conn: &mut db::Conn<'_>| db::insert_pause(conn, &PauseId::from_bits(1), &pause, now);
    world.app.db.write::<_, DbError, _>("pause", insert).await.unwrap();
}

async fn set_rule(world: &World, rule: Option<NoShowRule>) {
    let mut course = looked_for(NoShowSignal::NotOpened);
    course.reaper.no_show = rule;
    let now = world.app.now();
    world.app.db.write("apply", move |conn| courses::apply(conn, &course, now)).await.unwrap();
}

async fn open(world: &World, student: &Person, id: &BookingId) {
    let mut view = world.view(student, id).await;
    booking::note_opened(&world.app, student, &mut view).await;
}

/// What may come between a plan and its act.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Opened,
    GivenBack,
    ExemptPerson,
    ExemptLab,
    Paused,
    NoRule,
    AnotherSweep,
}

impl Meanwhile {
    const ALL: [Self; 7] = [
        Self::Opened,
        Self::GivenBack,
        Self::ExemptPerson,
        Self::ExemptLab,
        Self::Paused,
        Self::NoRule,
        Self::AnotherSweep,
    ];

    async fn happens(self, world: &World, student: &Person, made: &Booking) {
        match self {
            Self::Opened => open(world, student, &made.id).await,
            Self::GivenBack => {
                booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
            }
            Self::ExemptPerson => exempt(world, Exempt::Person(student.net_id.clone())).await,
            Self::ExemptLab => exempt(world, Exempt::Lab(made.lab.clone())).await,
            Self::Paused => pause(world).await,
            Self::NoRule => set_rule(world, None).await,
            Self::AnotherSweep => {
                reaping::sweep(&world.app).await.unwrap();
            }
        }
    }
}

on_both_databases! {
    async fn it_is_told_once_and_released_after_the_grace_and_others_have_its_time(backend: Backend) {
        let (world, student, made) = active(backend, NoShowSignal::NotOpened).await;
        let choices = Choices::default().with(Topic::Ended, Way::Never);
        let id = student.id.clone();
        world.app.db.write::<_, DbError, _>("choices", move |conn| people::set_choices(conn, &id, &choices)).await.unwrap();
        assert_eq!(sweep(&world, "2025-02-08T09:59").await, Vec::<String>::new());
        assert_eq!(sweep(&world, "2025-02-08T10:00").await, [warned(&made, "Sat Feb 8, 10:15")]);
        let told = mails(&world, "Not used").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].subject, "Not used: released at 10:15 unless you open it - Deploy a machine learning...");
        let link = format!("Open it, and it stays yours: https://fairlease.example.edu/bookings/{}", made.id);
        let since = "Nobody has used your booking since Sat Feb 8, 09:30. It is released at Sat Feb 8, 10:15 unless";
        assert!(told[0].body.contains(&link) && told[0].body.starts_with(since), "{}", told[0].body);

        let other = world.student("gg777778").await;
        let rest = slot("2025-02-08T11:00", "2025-02-08T13:00");
        let full = booking::book(&world.app, World::wish(&other, rest)).await;
        assert!(matches!(full, Err(BookingError::Refused(_))), "{full:?}");
        assert_eq!(sweep(&world, "2025-02-08T10:14").await, Vec::<String>::new());
        assert_eq!(sweep(&world, "2025-02-08T10:15").await, [released(&made)]);
        world.book(&other, rest).await;

        world.work_until(&student, &made.id, "ended").await;
        let booking = world.view(&student, &made.id).await.booking;
        assert_eq!(booking.state.reason(), Some(EndReason::NoShow));
        assert_eq!(booking.charged(), Some(slot("2025-02-08T09:30", "2025-02-08T10:15")), "what it held counts");
        let ended = mails(&world, "Ended").await;
        assert_eq!(ended.len(), 1, "whoever wants no such mail gets this one all the same");
        assert!(ended[0].body.starts_with("Nobody used it, so it was released, and nothing of it is left"), "{}", ended[0].body);
        assert!(!ended[0].body.contains("Used "), "{}", ended[0].body);
        assert_eq!(mails(&world, "Not used").await.len(), 1, "told once");
    }

    async fn what_is_charged_in_service_units_is_what_it_held(backend: Backend) {
        let (world, student, made) = active(backend, NoShowSignal::NotOpened).await;
        sweep(&world, "2025-02-08T10:00").await;
        sweep(&world, "2025-02-08T10:20").await;
        let booking = world.view(&student, &made.id).await.booking;
        let held = Interval::new(booking.held_from, local("2025-02-08T10:20")).unwrap();
        let priced = Booking { su_per_hour: Su::from_number(1.0).unwrap(), ..booking };
        assert_eq!(priced.su(), priced.su_per_hour.for_length(held.length()), "with its lead");
    }

    async fn whoever_opens_its_page_keeps_it(backend: Backend) {
        let (world, student, made) = active(backend, NoShowSignal::NotOpened).await;
        sweep(&world, "2025-02-08T10:00").await;
        let server = serve(&world);
        let visitor = Visitor::sign_in_without_key(&client(), &server.url, "ff524").await;
        let stranger = Visitor::sign_in_without_key(&client(), &server.url, "gg222").await;
        let page = format!("/bookings/{}", made.id);
        assert_eq!(stranger.get(&page).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(usage(&world, &made).await.opened_at, None);
        let version = world.view(&student, &made.id).await.booking.version;
        world.clock.set(local("2025-02-08T10:14"));
        let shown = visitor.get(&page).await.text().await.unwrap();
        let kept = "It was to be released today 10:15, since nobody had opened this page. You have: it stays yours.";
        assert!(shown.contains(kept), "{shown}");
        assert_eq!(usage(&world, &made).await.opened_at, Some(local("2025-02-08T10:14")));
        assert!(world.view(&student, &made.id).await.booking.version > version, "other open pages hear of it");
        assert_eq!(sweep(&world, "2025-02-08T10:15").await, Vec::<String>::new());
        visitor.get(&page).await;
        assert_eq!(usage(&world, &made).await.opened_at, Some(local("2025-02-08T10:14")), "written once");
        assert_eq!(sweep(&world, "2025-02-08T14:00").await, Vec::<String>::new());
    }

    async fn a_look_by_a_program_counts_and_one_before_it_is_active_does_not(backend: Backend) {
        let world = World::with(backend, looked_for(NoShowSignal::NotOpened), Profile::instant()).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:30")).await;
        let server = serve(&world);
        let visitor = Visitor::sign_in_without_key(&client(), &server.url, "ff524").await;
        visitor.get(&format!("/bookings/{}", made.id)).await;
        assert_eq!(usage(&world, &made).await, Use::default());
        world.work_until(&student, &made.id, "active").await;
        let answer = visitor.get(&format!("/api/v1/bookings/{}", made.id)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(usage(&world, &made).await.opened_at.is_some());
        assert_eq!(sweep(&world, "2025-02-08T11:00").await, Vec::<String>::new());
    }

    async fn nothing_is_done_on_an_old_plan(backend: Backend) {
        for meanwhile in Meanwhile::ALL {
            for warned_before in [false, true] {
                let (world, student, made) = active(backend, NoShowSignal::NotOpened).await;
                if warned_before {
                    sweep(&world, "2025-02-08T10:00").await;
                    mails(&world, "Not used").await;
                    world.clock.set(local("2025-02-08T10:15"));
                } else {
                    world.clock.set(local("2025-02-08T10:00"));
                }
                let before = usage(&world, &made).await;
                let seen = reaping::observe(&world.app).await.unwrap();
                meanwhile.happens(&world, &student, &made).await;
                let done = reaping::carry_out(&world.app, &seen).await;
                assert_eq!(done.len(), 1, "{meanwhile:?}");
                assert!(done[0].outcome.starts_with("left alone: it is used"), "{meanwhile:?}: {done:?}");
                let other = matches!(meanwhile, Meanwhile::AnotherSweep);
                let after = usage(&world, &made).await;
                assert_eq!(after.no_show_warned_at == before.no_show_warned_at, warned_before || !other);
                let live = world.state(&student, &made.id).await.is_live();
                let gone = matches!(meanwhile, Meanwhile::GivenBack) || other && warned_before;
                assert_eq!(live, !gone, "{meanwhile:?}");
                assert_eq!(mails(&world, "Not used").await.len(), usize::from(warned_before || other));
            }
        }
    }

    async fn the_grace_is_whole_however_late_the_warning_goes_out(backend: Backend) {
        let (world, _, made) = active(backend, NoShowSignal::NotOpened).await;
        world.clock.set(local("2025-02-08T10:00"));
        let seen = reaping::observe(&world.app).await.unwrap();
        world.clock.set(local("2025-02-08T10:20"));
        let done = reaping::carry_out(&world.app, &seen).await;
        assert_eq!(done[0].outcome, "its student is told that it is released at Sat Feb 8, 10:35");
        assert_eq!(sweep(&world, "2025-02-08T10:34").await, Vec::<String>::new());
        assert_eq!(sweep(&world, "2025-02-08T10:35").await, [released(&made)]);
    }

    async fn a_server_that_was_seen_to_run_once_is_remembered(backend: Backend) {
        let (world, student, made) = active(backend, NoShowSignal::NoServer).await;
        reaping::observe(&world.app).await.unwrap();
        assert_eq!(usage(&world, &made).await, Use::default(), "a dry run remembers nothing");
        assert_eq!(sweep(&world, "2025-02-08T09:31").await, Vec::<String>::new());
        assert_eq!(usage(&world, &made).await.server_ran_at, Some(local("2025-02-08T09:31")));
        delete_servers(&world).await;
        assert_eq!(sweep(&world, "2025-02-08T11:00").await, Vec::<String>::new());
        assert_eq!(world.state(&student, &made.id).await.word(), "active");
    }

    async fn without_a_server_it_is_told_until_one_runs_on_its_lease(backend: Backend) {
        let (world, student, made) = active(backend, NoShowSignal::NoServer).await;
        delete_servers(&world).await;
        assert_eq!(sweep(&world, "2025-02-08T10:00").await, [warned(&made, "Sat Feb 8, 10:15")]);
        let told = mails(&world, "Not used").await;
        assert_eq!(told[0].subject, "Not used: released at 10:15 unless a server of it runs - Deploy a machine...");
        open(&world, &student, &made.id).await;
        let server = serve(&world);
        let visitor = Visitor::sign_in_without_key(&client(), &server.url, "ff524").await;
        let page = async || visitor.get(&format!("/bookings/{}", made.id)).await.text().await.unwrap();
        let said = page().await;
        assert!(said.contains("None of its servers has run: it is released today 10:15 unless one runs by then."), "{said}");

        world.cloud.put(&on_its_lease(&world).await).unwrap();
        assert_eq!(sweep(&world, "2025-02-08T10:15").await, Vec::<String>::new());
        assert_eq!(usage(&world, &made).await.server_ran_at, Some(local("2025-02-08T10:15")));
        let said = page().await;
        assert!(said.contains("One has: it stays yours."), "{said}");
    }

    async fn pages_and_programs_say_how_it_ended(backend: Backend) {
        let (world, student, made) = active(backend, NoShowSignal::NotOpened).await;
        sweep(&world, "2025-02-08T10:00").await;
        sweep(&world, "2025-02-08T10:15").await;
        world.work_until(&student, &made.id, "ended").await;
        let server = serve(&world);
        let visitor = Visitor::sign_in_without_key(&client(), &server.url, "ff524").await;
        let text = async |path: String| visitor.get(&path).await.text().await.unwrap();
        let page = text(format!("/bookings/{}", made.id)).await;
        for part in ["Nobody used it, so it was released.", "Not used", "It was kept for you for", "<dt>Held</dt>"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(text("/me/bookings".to_owned()).await.contains("not used, released after 45 min"));
        assert!(text(format!("/api/v1/bookings/{}", made.id)).await.contains("\"reason\":\"no_show\""));
        assert_eq!(usage(&world, &made).await.opened_at, None, "it is over: nobody opened it in time");
    }

    async fn staffs_own_bookings_are_left_to_them(backend: Backend) {
        let world = World::with(backend, looked_for(NoShowSignal::NotOpened), Profile::instant()).await;
        staff(&world, "ta222").await;
        let person = world.student("ta222").await;
        let made = world.book(&person, slot("2025-02-08T09:30", "2025-02-08T14:30")).await;
        world.work_until(&person, &made.id, "active").await;
        assert_eq!(sweep(&world, "2025-02-08T11:00").await, Vec::<String>::new());
    }

    async fn a_course_file_may_ask_for_it(backend: Backend) {
        let world = World::new(backend).await;
        let text = format!("{EXAMPLE}\n[reaper]\nno_show = {{ minutes = 30, signal = \"no_server\" }}\n");
        let asked = CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap();
        let (now, rule) = (world.app.now(), asked.reaper.no_show);
        world.app.db.write("apply", move |conn| courses::apply(conn, &asked, now)).await.unwrap();
        let kept = world.app.db.read::<_, DbError, _>("policy", db::reaper_policy).await.unwrap().unwrap();
        assert_eq!(kept.no_show, rule);
        assert!(rule.is_some());
    }
}

/// Deletes the booking's servers behind its back.
async fn delete_servers(world: &World) {
    for server in world.held().into_values().filter(|object| object.kind == Kind::Server) {
        world.cloud.release(Kind::Server, &server.site_ref).await.unwrap();
    }
    world.clock.advance(TimeDelta::seconds(1));
    assert!(
        world.held().into_values().all(|object| object.kind != Kind::Server || object.deleted_at.is_some())
    );
}

/// A server that its student makes by hand on the booking's lease.
async fn on_its_lease(world: &World) -> Object {
    let listed = world.cloud.survey(&BTreeSet::new()).await.unwrap();
    let lease = listed.iter().find(|found| found.kind == Kind::Lease).unwrap();
    let mut server = Object::by_hand(Kind::Server, "mine", "mine-ff524", world.app.now());
    server.survey.backing = Backing::Reservation(lease.survey.reservations[0].clone());
    server
}
