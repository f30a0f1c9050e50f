//! When bookings begin to be prepared: as early as it takes by what is known, and not earlier.

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::Clock;
use fairlease::cloud::simulated::{Faults, Profile};
use fairlease::db::{self, DbError};
use fairlease::domain::booking::Booking;
use fairlease::domain::person::Person;
use fairlease::policy::lead;
use fairlease::services::{lead as leads, staff};
use fairlease::worker;

use crate::sites as pages;
use crate::support::visitor::{Visitor, client};
use crate::world::{World, course, local, on_both_databases, slot};

/// A site at which a booking is ready so many minutes after preparing began.
fn takes(minutes: i64) -> Profile {
    Profile { boot: TimeDelta::minutes(minutes), ..Profile::instant() }
}

/// Works from one local time of 8 February to another, a step each ten seconds. Nothing is due before.
async fn work(world: &World, from: &str, to: &str) {
    let (from, to) = (format!("2025-02-08T{from}"), format!("2025-02-08T{to}"));
    world.clock.set(local(&from));
    while world.clock.now() < local(&to) {
        world.work().await;
        world.clock.advance(TimeDelta::seconds(10));
    }
    world.work().await;
}

/// Bookings of others at this time of 8 February, as many as it takes to learn from.
async fn others(world: &World, start: &str, end: &str) -> Vec<(Person, Booking)> {
    let mut made = Vec::new();
    for n in 0..lead::TRUSTED {
        let student = world.student(&format!("gg{}", n * 2)).await;
        let slot = slot(&format!("2025-02-08T{start}"), &format!("2025-02-08T{end}"));
        made.push((student.clone(), world.book(&student, slot).await));
    }
    made
}

/// When the booking was due to be prepared and when it was ready, in minutes before its start.
async fn prepared(world: &World, student: &Person, made: &Booking) -> (i64, Option<i64>) {
    let booking = world.view(student, &made.id).await.booking;
    let before = |at: DateTime<Utc>| (booking.slot.start() - at).num_minutes();
    (before(booking.preparing_at.expect("it was due")), booking.state.ready_at().map(before))
}

on_both_databases! {
    async fn the_eleventh_begins_as_early_as_ten_before_it_took(backend: Backend) {
        let world = World::with(backend, course(&[]), takes(7)).await;
        let first = others(&world, "10:00", "12:00").await;
        let (student, late) = (world.student("ff524").await, world.student("ff526").await);
        work(&world, "09:25", "09:40").await;
        let patient = world.student("ff528").await;
        let same = world.book(&patient, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        work(&world, "09:40", "10:05").await;
        assert_eq!(prepared(&world, &patient, &same).await, (20, Some(13)), "of those that start with it nothing is learned");
        for (student, made) in &first {
            assert_eq!(prepared(&world, student, made).await, (30, Some(23)), "nothing is known: all of the lead is used");
        }
        let made = world.book(&student, slot("2025-02-08T16:00", "2025-02-08T18:00")).await;
        let begin = world.view(&student, &made.id).await.outlook.begin;
        let before = made.slot.start() - begin;
        assert!([8, 9].contains(&before.num_minutes()), "{before}");
        work(&world, "15:45", "15:55").await;
        let now = world.book(&late, slot("2025-02-08T16:00", "2025-02-08T18:00")).await;
        work(&world, "15:55", "16:05").await;
        let (minutes, ready) = prepared(&world, &student, &made).await;
        assert_eq!(minutes, before.num_minutes());
        assert!(ready.is_some_and(|ready| (0..=2).contains(&ready)), "{ready:?}");
        assert_eq!(prepared(&world, &late, &now).await, (5, Some(-2)), "what is for now is prepared at once");
    }

    async fn who_waits_is_prepared_earlier_once_it_takes_longer(backend: Backend) {
        let fast = World::with(backend, course(&[]), takes(7)).await;
        others(&fast, "10:00", "12:00").await;
        work(&fast, "09:25", "10:05").await;
        let slow = fast.with_faults(takes(25), Faults::none(), 2);
        let (student, patient) = (slow.student("ff524").await, slow.student("ff526").await);
        let made = slow.book(&student, slot("2025-02-08T20:00", "2025-02-08T22:00")).await;
        let later = slow.book(&patient, slot("2025-02-08T23:00", "2025-02-09T01:00")).await;
        others(&slow, "19:30", "21:30").await;
        work(&slow, "18:55", "19:40").await;
        let waiting = slow.view(&student, &made.id).await.booking;
        let planned = waiting.next_step_at.unwrap();
        assert!(planned > local("2025-02-08T19:50"), "{planned}");
        assert_eq!(leads::hasten(&slow.app).await.unwrap(), 0, "nothing has changed yet");
        work(&slow, "19:40", "19:47").await;
        let still = slow.view(&student, &made.id).await.booking;
        assert_eq!((still.state.word(), still.version), ("booked", waiting.version), "nobody looks at it meanwhile");
        assert_eq!(leads::hasten(&slow.app).await.unwrap(), 1, "it is the only one whose place is its own by now");
        slow.work().await;
        assert_eq!(slow.state(&student, &made.id).await.word(), "preparing");
        assert_eq!(leads::hasten(&slow.app).await.unwrap(), 0, "once");
        work(&slow, "22:20", "22:25").await;
        for _ in 0..35 {
            worker::cron::minute(&slow.app).await;
            slow.work().await;
            slow.clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(prepared(&slow, &patient, &later).await, (28, Some(3)), "the ticker sees to it by itself");
    }

    async fn a_lead_that_is_too_short_is_told(backend: Backend) {
        let world = World::with(backend, course(&[("lead_minutes = 30 ", "lead_minutes = 5 ")]), takes(7)).await;
        let finding = async || {
            let app = world.app.clone();
            let lab = "k8s".parse().unwrap();
            let read = move |conn: &mut db::Conn<'_>| staff::lab(&app, conn, &lab);
            world.app.db.read::<_, DbError, _>("staff", read).await.unwrap().unwrap().preparing
        };
        let unknown = finding().await;
        assert_eq!(unknown.found, "begins 5 min before the start; how long it takes is told after 10 bookings, and there were 0");
        others(&world, "10:00", "12:00").await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T16:00", "2025-02-08T18:00")).await;
        assert_eq!(world.view(&student, &made.id).await.outlook.late, None, "nothing is known");
        work(&world, "09:50", "10:05").await;
        let outlook = world.view(&student, &made.id).await.outlook;
        assert_eq!(outlook.begin, local("2025-02-08T15:55"), "never before the place is its own");
        let late = outlook.late.unwrap() - made.slot.start();
        assert!([2, 3].contains(&late.num_minutes()), "{late}");
        let known = finding().await;
        assert!(known.found.ends_with(" at the 90th percentile of the latest 10; lead_minutes of kvm-clusters is 5"), "{known:?}");
        let right = known.right.unwrap();
        assert!(right.starts_with("lead_minutes = 8") || right.starts_with("lead_minutes = 9"), "{right}");

        pages::staff(&world, "ta77").await;
        let served = pages::serve(&world);
        let visitor = Visitor::sign_in(&client(), &served.url, "ff524").await;
        let assistant = Visitor::sign_in(&client(), &served.url, "ta77").await;
        for (who, path, told) in [
            (&visitor, format!("/bookings/{}", made.id), "Lately preparing took longer than its lead: it is likely ready today 16:02."),
            (&visitor, "/labs/k8s?start=2025-02-08T20:00-05:00".to_owned(), "Preparing begins at 19:55. Going by the latest bookings, it is ready at 20:02."),
            (&assistant, "/staff/labs/k8s".to_owned(), right.as_str()),
        ] {
            let page = who.get(&path).await.text().await.unwrap();
            assert!(page.contains(told), "{told}: {page}");
        }
        work(&world, "15:57", "16:10").await;
        assert_eq!(prepared(&world, &student, &made).await, (5, Some(-4)), "that nobody worked until 15:57 counts");
    }
}
