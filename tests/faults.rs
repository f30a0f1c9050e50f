//! The cloud refuses, breaks or is short of room: the student hears what happened, and what comes next.

use chrono::TimeDelta;
use fairlease::cloud::port::CloudError;
use fairlease::cloud::simulated::{Fault, Faults, Profile};
use fairlease::domain::booking::EndReason;
use fairlease::domain::fitness::SiteService;
use fairlease::services::booking;
use fairlease::worker;

use crate::world::{World, course, on_both_databases, slot};

on_both_databases! {
    /// Case 15 of the course's facts, "Not enough hosts available": nothing is asked again and again.
    async fn no_room_at_the_site_ends_the_booking_at_once(backend: Backend) {
        let tight = Profile { lease_capacity: 2, ..Profile::instant() };
        let world = World::with(backend, course(&[]), tight).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "ended").await;
        let view = world.view(&student, &made.id).await;
        assert_eq!(view.booking.state.reason(), Some(EndReason::Failed));
        let trouble = view.booking.trouble.unwrap();
        assert!(trouble.contains("no room") && trouble.contains("Not enough hosts available"), "{trouble}");
        assert_eq!(world.cloud.faults().calls(), 2, "asked once, and looked once whether anything was left: no retry storm");
        assert_eq!(world.booked_at("2025-02-08T10:00").await, 0, "the place is free again");
        assert!(world.subjects()[0].starts_with("Could not be provided: "));
    }

    /// Case 16: the lease is in force and the server broken. It is replaced once.
    async fn a_broken_server_is_replaced_once(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let faulty = world.with_faults(Profile::instant(), Faults::none().breaking("node2--"), 2);
        let made = faulty.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        faulty.work_until(&student, &made.id, "active").await;
        let replaced: Vec<_> = faulty
            .view(&student, &made.id)
            .await
            .resources
            .into_iter()
            .filter(|resource| resource.replacements > 0)
            .map(|resource| resource.key.to_string())
            .collect();
        assert_eq!(replaced, ["node2"]);
        assert_eq!(faulty.held().len(), 10);
    }

    async fn a_lease_that_the_site_does_not_keep_is_asked_for_again(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let faulty = world.with_faults(Profile::instant(), Faults::none().breaking("lease--").breaking("lease--"), 2);
        let made = faulty.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        faulty.work_until(&student, &made.id, "active").await;
        let view = faulty.view(&student, &made.id).await;
        let told = view.events.iter().filter(|event| event.what.contains("did not keep the reserved place (it is in ERROR)"));
        assert_eq!(told.count(), 2);
        assert_eq!(faulty.held().len(), 10, "of the leases one is left");
    }

    async fn a_lease_that_the_site_never_keeps_ends_the_booking(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let breaking = (0..3).fold(Faults::none(), |faults, _| faults.breaking("lease--"));
        let faulty = world.with_faults(Profile::instant(), breaking, 2);
        let made = faulty.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        faulty.work_until(&student, &made.id, "ended").await;
        let view = faulty.view(&student, &made.id).await;
        assert_eq!(view.booking.state.reason(), Some(EndReason::Failed));
        assert!(view.booking.trouble.unwrap().contains("did not keep the reserved place"));
        assert!(faulty.held().is_empty());
    }

    /// Case 16, once more: then nobody waits any longer.
    async fn a_server_that_breaks_twice_ends_the_booking(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let faulty = world.with_faults(Profile::instant(), Faults::none().breaking("node2--").breaking("node2--"), 2);
        let made = faulty.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        faulty.work_until(&student, &made.id, "ended").await;
        let view = faulty.view(&student, &made.id).await;
        assert_eq!(view.booking.state.reason(), Some(EndReason::Failed));
        assert!(view.booking.trouble.unwrap().contains("node2 came up broken twice: No valid host was found."));
        assert!(faulty.held().is_empty());
    }

    async fn calls_that_fail_are_made_again_with_pauses_and_then_given_up(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let down = Fault::Refuse(CloudError::Transient { message: "503 Service Unavailable".into(), retry_after: None });
        let faulty = world.with_faults(Profile::instant(), Faults::first(12, &down), 2);
        let before = fairlease::clock::Clock::now(world.clock.as_ref());
        let made = faulty.book(&student, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        faulty.work().await;
        let trouble = faulty.view(&student, &made.id).await.booking.trouble.unwrap();
        assert!(trouble.contains("503 Service Unavailable") && trouble.contains("Trying again in"), "{trouble}");
        faulty.work_until(&student, &made.id, "ended").await;
        assert_eq!(faulty.view(&student, &made.id).await.booking.state.reason(), Some(EndReason::Failed));
        let patience = fairlease::clock::Clock::now(world.clock.as_ref()) - before;
        assert!((20..60).contains(&patience.num_minutes()), "{patience}");
    }

    async fn all_that_fails_at_the_same_time_is_told(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let refused = |words: &str| Fault::Refuse(CloudError::Transient { message: words.into(), retry_after: None });
        let both = Faults::at(1, refused("one is over")).and_at(2, refused("another is slow"));
        let faulty = world.with_faults(Profile::instant(), both, 2);
        let made = faulty.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        faulty.work().await;
        let trouble = faulty.view(&student, &made.id).await.booking.trouble.unwrap();
        assert!(trouble.contains("one is over; ") || trouble.contains("; the site could not do it now: one is over"), "{trouble}");
        assert!(trouble.contains("another is slow") && trouble.matches("Trying again in").count() == 1, "{trouble}");
    }

    async fn the_site_says_how_long_to_wait(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let wait = std::time::Duration::from_secs(100);
        let busy = Fault::Refuse(CloudError::Transient { message: "503".into(), retry_after: Some(wait) });
        let faulty = world.with_faults(Profile::instant(), Faults::at(0, busy), 2);
        let made = faulty.book(&student, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        faulty.work().await;
        let next = faulty.view(&student, &made.id).await.booking.next_step_at.unwrap();
        assert!(next - fairlease::clock::Clock::now(world.clock.as_ref()) >= TimeDelta::seconds(100));
    }

    async fn an_extension_that_the_site_refuses_leaves_the_end(backend: Backend) {
        let tight = Profile { lease_capacity: 3, ..Profile::instant() };
        let world = World::with(backend, course(&[]), tight).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        // Someone else's lease at the site, which our pool knows nothing of.
        let mut theirs = world.held().into_values().find(|object| object.spec.kind().word() == "lease").unwrap();
        theirs.name = "theirs".into();
        theirs.site_ref = "theirs".into();
        let (start, end) = (crate::world::local("2025-02-08T12:00"), crate::world::local("2025-02-08T18:00"));
        let fairlease::domain::blueprint::Spec::Lease { reservations, .. } = theirs.spec else { panic!() };
        theirs.spec = fairlease::domain::blueprint::Spec::Lease { start, end, reservations };
        world.cloud.put(&theirs).unwrap();

        world.end_at(&student, &made.id, crate::world::local("2025-02-08T14:00")).await.unwrap();
        world.work().await;
        let view = world.view(&student, &made.id).await;
        assert_eq!((view.booking.slot.end(), view.booking.wanted_end), (crate::world::local("2025-02-08T12:00"), None));
        assert!(view.events.iter().any(|event| event.what.starts_with("It could not be extended: the site has no room")), "{:?}", view.events);
        assert_eq!(world.booked_at("2025-02-08T12:00").await, 0, "what was held beyond the end is free again");
        assert_eq!(view.booking.state.word(), "active");
    }

    async fn mail_waits_for_its_server_and_leaves_once(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        *world.postbox.refusals.lock().unwrap() = 3;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
        world.work_until(&student, &made.id, "booked").await;
        assert!(world.subjects().is_empty());
        for _ in 0..60 {
            world.clock.advance(TimeDelta::seconds(1));
            worker::step(&world.app).await.unwrap();
        }
        assert_eq!(world.subjects().len(), 1);
    }

    async fn what_a_hidden_service_has_is_not_forgotten(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.cloud.faults().suffer(Some(Fault::LoseAnswer));
        worker::step(&world.app).await.unwrap();
        world.cloud.faults().suffer(None);
        assert_eq!(world.held().len(), 1, "a lease of which only the site knows");

        world.cloud.faults().hide([SiteService::Reservation]);
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        for _ in 0..120 {
            world.work().await;
            world.clock.advance(TimeDelta::seconds(1));
        }
        let view = world.view(&student, &made.id).await;
        assert_eq!(view.booking.state.word(), "releasing");
        assert!(view.booking.trouble.unwrap().contains("no service for leases (Blazar)"));
        assert_eq!(world.held().len(), 1);

        world.cloud.faults().hide([]);
        world.work_until(&student, &made.id, "ended").await;
        assert!(world.held().is_empty());
    }

    async fn a_booking_without_volumes_ends_while_volumes_are_hidden(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        world.cloud.faults().hide([SiteService::Block]);
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        assert!(world.held().is_empty());
    }
}
