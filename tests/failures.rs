//! Bookings that a site could not provide: the student hears at once, and staff in one mail an hour.

use chrono::TimeDelta;
use fairlease::cloud::simulated::Profile;
use fairlease::domain::booking::{Booking, EndReason};
use fairlease::domain::notice::Notice;
use fairlease::domain::person::Person;
use fairlease::worker::{self, cron};

use crate::sites::{serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{World, course, local, on_both_databases, slot};

/// A site without room for a single lease.
async fn full(backend: crate::world::Backend) -> World {
    let course = course(&[("capacity = 30 ", "capacity = 100 ")]);
    let world = World::with(backend, course, Profile { lease_capacity: 0, ..Profile::instant() }).await;
    staff(&world, "ta77").await;
    world
}

/// So many students whose bookings fail, the first of them with this number.
async fn fail(world: &World, first: usize, count: usize) -> Vec<(Person, Booking)> {
    let mut failed = Vec::new();
    for number in first..first + count {
        let student = world.student(&format!("gg{}", number * 2)).await;
        let booking = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        failed.push((student, booking));
    }
    world.work().await;
    failed
}

/// Ticks for so many minutes, and sends what mail there is.
async fn minutes(world: &World, count: i64) {
    for _ in 0..count {
        world.clock.advance(TimeDelta::minutes(1));
        cron::minute(&world.app).await;
        world.work().await;
    }
}

/// The mails that went to the teaching assistant.
fn to_staff(world: &World) -> Vec<Notice> {
    let mails = world.postbox.mails.lock().unwrap();
    mails.iter().filter(|mail| mail.recipient == "ta77@example.edu").cloned().collect()
}

on_both_databases! {
    async fn a_student_hears_at_once_why_that_nothing_is_charged_and_what_to_do(backend: Backend) {
        let world = full(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "ended").await;
        world.work().await;
        let mails = world.postbox.mails.lock().unwrap().clone();
        let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["Could not be provided: Deploy a machine learning service on Kubernetes"]);
        let lab = "https://fairlease.example.edu/labs/k8s";
        for part in [
            "The cloud could not provide your booking: Sat Feb 8, 10:00 to 14:00, New York time (EST).",
            "What went wrong: The lease could not be made: the site has no room: Not enough hosts available",
            "Nothing is counted for it, neither hours nor service units",
            "write to course-staff@example.edu",
            lab,
        ] {
            assert!(mails[0].body.contains(part), "{part}: {}", mails[0].body);
        }
        assert!(mails[0].calendar.as_ref().unwrap().contains("METHOD:CANCEL"));
        assert_eq!(world.view(&student, &made.id).await.booking.charged(), None);
    }

    async fn that_it_failed_does_not_wait_for_what_is_to_be_deleted(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let breaking = fairlease::cloud::simulated::Faults::none().breaking("node2--").breaking("node2--");
        let slow = Profile { shutdown: TimeDelta::minutes(5), ..Profile::instant() };
        let world = world.with_faults(slow, breaking, 2);
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "releasing").await;
        assert_eq!(world.state(&student, &made.id).await.reason(), Some(EndReason::Failed));
        world.work().await;
        let mail = world.postbox.mails.lock().unwrap().last().unwrap().clone();
        assert!(mail.subject.starts_with("Could not be provided: ") && mail.body.contains("node2 came up broken twice"));
        assert_eq!(world.state(&student, &made.id).await.word(), "releasing");
    }

    async fn staff_hear_of_a_booking_with_all_that_matters(backend: Backend) {
        let world = full(backend).await;
        let (_, booking) = fail(&world, 1, 1).await.remove(0);
        assert!(to_staff(&world).is_empty());
        minutes(&world, 3).await;
        let mails = to_staff(&world);
        assert_eq!(mails.len(), 1, "{mails:#?}");
        assert_eq!(mails[0].subject, "Failed at KVM@TACC: Deploy a machine learning service on Kubernetes of gg2");
        for part in [
            "A booking could not be provided at KVM@TACC.",
            "Deploy a machine learning service on Kubernetes, gg2 (A student), Sat Feb 8, 10:00 to 14:00",
            "the site has no room: Not enough hosts available",
            "  Asked    once, given up Sat Feb 8, 09:10 (14:10 UTC)",
            "https://fairlease.example.edu/sites",
            &format!("https://fairlease.example.edu/bookings/{}", booking.id),
        ] {
            assert!(mails[0].body.contains(part), "{part}: {}", mails[0].body);
        }
    }

    async fn staff_read_a_booking_that_failed_and_change_none(backend: Backend) {
        let world = full(backend).await;
        let (_, failed) = fail(&world, 1, 1).await.remove(0);
        let student = world.student("ff524").await;
        let ahead = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
        let served = serve(&world);
        let page = async |net_id: &str, booking: &Booking| {
            let visitor = Visitor::sign_in(&client(), &served.url, net_id).await;
            let answer = visitor.get(&format!("/bookings/{}", booking.id)).await;
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let (status, shown) = page("ta77", &failed).await;
        assert!(status == 200 && shown.contains("Not enough hosts available"), "{shown}");
        assert!(!shown.contains("/release"), "nothing can be done to it: {shown}");
        let (status, shown) = page("ta77", &ahead).await;
        assert!(status == 200 && !shown.contains("/release"), "{shown}");
        assert_eq!(page("ff524", &failed).await.0, 404);
        assert_eq!(page("ff524", &ahead).await.0, 200);
    }

    async fn many_that_fail_are_one_mail_an_hour(backend: Backend) {
        let world = full(backend).await;
        fail(&world, 1, 1).await;
        minutes(&world, 1).await;
        fail(&world, 2, 60).await;
        minutes(&world, 59).await;
        assert_eq!(to_staff(&world).len(), 1, "not within the hour");
        minutes(&world, 1).await;
        let mails = to_staff(&world);
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[1].subject, "60 bookings failed at KVM@TACC");
        assert_eq!(mails[1].body.matches("/bookings/").count(), 50);
        assert!(mails[1].body.contains("And 10 more"), "{}", mails[1].body);
        minutes(&world, 120).await;
        assert_eq!(to_staff(&world).len(), 2, "each is told once");
        assert!(world.app.now() > local("2025-02-08T12:00"));
    }

    async fn of_two_workers_one_tells(backend: Backend) {
        let world = full(backend).await;
        fail(&world, 1, 3).await;
        let other = world.beside();
        let tell = fairlease::services::failures::tell;
        let (one, two) = tokio::join!(tell(&world.app), tell(&other));
        assert_eq!(one.unwrap() + two.unwrap(), 3);
        worker::step(&world.app).await.unwrap();
        assert_eq!(to_staff(&world).len(), 1);
    }
}
