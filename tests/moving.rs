//! Moving, shortening and exceptions, as the use cases see them.

use chrono::TimeDelta;
use fairlease::cloud::port::CloudError;
use fairlease::cloud::simulated::{Fault, Faults, Profile};
use fairlease::domain::booking::State;
use fairlease::domain::exception::Grant;
use fairlease::domain::person::Parity;
use fairlease::policy::admission::Violation;
use fairlease::services::booking::{self, BookingError};
use fairlease::services::exceptions::{self, NewException};

use crate::world::{World, local, on_both_databases, slot, ta};

/// Names of the leases that the cloud holds.
fn leases(world: &World) -> Vec<String> {
    world.held().into_values().filter(|it| it.spec.kind().word() == "lease").map(|it| it.name).collect()
}

on_both_databases! {
    async fn a_move_gives_the_old_place_up_once_it_has_the_new_one(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        let there = slot("2025-02-12T12:00", "2025-02-12T15:00");
        booking::change(&world.app, student.clone(), made.id.clone(), there).await.unwrap();
        assert_eq!((world.booked_at("2025-02-10T10:00").await, world.booked_at("2025-02-12T12:00").await), (1, 1), "both, until the site agrees");
        let again = booking::change(&world.app, student.clone(), made.id.clone(), slot("2025-02-12T08:00", "2025-02-12T09:00")).await;
        assert!(matches!(again, Err(BookingError::WrongState(_))), "{again:?}");
        world.work().await;
        let view = world.view(&student, &made.id).await;
        assert_eq!((view.booking.slot, view.booking.state, view.booking.wanted_slot), (there, State::Booked, None));
        assert_eq!((world.booked_at("2025-02-10T10:00").await, world.booked_at("2025-02-12T12:00").await), (0, 1));
        let leases = leases(&world);
        assert!(leases.len() == 1 && leases[0].starts_with("lease-2--k8s-ff524--"), "{leases:?}");
        assert_eq!(world.subjects()[1], "Moved: Wed Feb 12, 12:00 to 15:00 - Deploy a machine learning service on...");
        world.clock.set(local("2025-02-12T12:00"));
        world.work_until(&student, &made.id, "active").await;
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        assert!(world.held().is_empty());
        assert_eq!(world.booked_at("2025-02-12T14:00").await, 0);
    }

    async fn a_move_may_overlap_the_old_place_and_is_judged_without_it(backend: Backend) {
        let course = crate::world::course(&[("capacity = 30", "capacity = 1"), ("bookings_ahead = 2", "bookings_ahead = 1\nbudget_hours = 4")]);
        let world = World::with(backend, course, Profile::instant()).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        let there = slot("2025-02-10T12:00", "2025-02-10T16:00");
        booking::change(&world.app, student.clone(), made.id.clone(), there).await.unwrap();
        world.work().await;
        assert_eq!(world.view(&student, &made.id).await.booking.slot, there);
        let mut held = Vec::new();
        for cell in ["09:30", "11:00", "11:30", "15:30", "16:00"] {
            held.push(world.booked_at(&format!("2025-02-10T{cell}")).await);
        }
        assert_eq!(held, [0, 0, 1, 1, 0]);
    }

    async fn a_move_that_rules_forbid_changes_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        let sunday = slot("2025-02-09T10:00", "2025-02-09T14:00");
        let refused = booking::change(&world.app, student.clone(), made.id.clone(), sunday).await;
        let Err(BookingError::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.violations.iter().map(Violation::code).collect::<Vec<_>>(), ["wrong_day"]);
        assert_eq!(refusal.nearest.len(), 3);
        let stranger = world.student("gg222").await;
        let other = booking::change(&world.app, stranger, made.id.clone(), slot("2025-02-12T10:00", "2025-02-12T14:00")).await;
        assert!(matches!(other, Err(BookingError::NoSuchBooking(_))));
        assert_eq!(world.view(&student, &made.id).await.booking.slot, made.slot);
        assert_eq!((world.booked_at("2025-02-10T10:00").await, world.booked_at("2025-02-09T10:00").await), (1, 0));
    }

    async fn a_site_that_refuses_leaves_the_booking_where_it_is(backend: Backend) {
        let base = World::new(backend).await;
        let world = base.with_faults(Profile::instant(), Faults::at(1, Fault::Refuse(CloudError::Capacity("Not enough hosts available".into()))), 1);
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        assert_eq!(world.state(&student, &made.id).await, State::Booked);
        let there = slot("2025-02-12T12:00", "2025-02-12T15:00");
        booking::change(&world.app, student.clone(), made.id.clone(), there).await.unwrap();
        world.work().await;
        let view = world.view(&student, &made.id).await;
        assert_eq!((view.booking.slot, view.booking.state), (made.slot, State::Booked));
        assert!(view.events.iter().any(|it| it.what.starts_with("It could not be moved and stays where it is:")), "{:?}", view.events);
        assert_eq!((world.booked_at("2025-02-10T10:00").await, world.booked_at("2025-02-12T12:00").await), (1, 0));
        let leases = leases(&world);
        assert!(leases.len() == 1 && leases[0].starts_with("lease--"), "{leases:?}");
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        assert!(world.held().is_empty());
    }

    async fn calling_off_a_move_in_the_making_gives_both_places_back(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        booking::change(&world.app, student.clone(), made.id.clone(), slot("2025-02-12T12:00", "2025-02-12T15:00")).await.unwrap();
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        assert_eq!((world.booked_at("2025-02-10T10:00").await, world.booked_at("2025-02-12T12:00").await), (0, 0));
        world.work_until(&student, &made.id, "ended").await;
        assert!(world.held().is_empty());
    }

    async fn an_earlier_end_is_free_for_others_and_shortens_the_lease(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T16:00")).await;
        world.clock.set(local("2025-02-08T11:10"));
        world.work_until(&student, &made.id, "active").await;
        let view = world.view(&student, &made.id).await;
        assert_eq!(view.ends.earlier.first(), Some(&local("2025-02-08T11:30")));
        let begun = booking::change(&world.app, student.clone(), made.id.clone(), slot("2025-02-08T12:00", "2025-02-08T16:00")).await;
        assert!(matches!(begun, Err(BookingError::Begun)), "{begun:?}");
        world.end_at(&student, &made.id, local("2025-02-08T13:00")).await.unwrap();
        assert_eq!(world.booked_at("2025-02-08T13:00").await, 1, "until the site agrees");
        world.work().await;
        assert_eq!(world.view(&student, &made.id).await.booking.slot.end(), local("2025-02-08T13:00"));
        assert_eq!((world.booked_at("2025-02-08T12:30").await, world.booked_at("2025-02-08T13:00").await), (1, 0));
        let lease = world.held().into_values().find(|it| it.spec.kind().word() == "lease").unwrap();
        assert_eq!(lease.facts.lease_end, Some(local("2025-02-08T13:00")));
        world.clock.set(local("2025-02-08T13:00"));
        fairlease::services::reaping::sweep(&world.app).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
    }

    async fn a_start_that_comes_before_the_site_agrees_keeps_the_booking(backend: Backend) {
        let base = World::new(backend).await;
        let faults = Faults::after(1, &Fault::Refuse(CloudError::Transient { message: "503".into(), retry_after: None }));
        let world = base.with_faults(Profile::instant(), faults, 1);
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        world.work().await;
        booking::change(&world.app, student.clone(), made.id.clone(), slot("2025-02-08T18:00", "2025-02-08T20:00")).await.unwrap();
        world.work().await;
        world.clock.advance(TimeDelta::minutes(21));
        world.work().await;
        let view = world.view(&student, &made.id).await;
        assert_eq!((view.booking.slot, view.booking.wanted_slot), (made.slot, None), "{view:#?}");
        assert_eq!(world.booked_at("2025-02-08T18:00").await, 0);
    }

    async fn an_exception_holds_for_one_person_one_lab_and_a_time(backend: Backend) {
        let world = World::new(backend).await;
        let (student, other) = (world.student("ff524").await, world.student("gg222").await);
        let sunday = slot("2025-02-09T10:00", "2025-02-09T12:00");
        let grant = |grant: Grant, until: Option<&str>| NewException {
            net_id: "ff524".parse().unwrap(),
            lab: Some("k8s".parse().unwrap()),
            grant,
            until: until.map(local),
            reason: "was ill on Saturday".to_owned(),
            accommodation: false,
        };
        let refused = |result: Result<_, BookingError>| matches!(result, Err(BookingError::Refused(_)));
        assert!(refused(booking::book(&world.app, World::wish(&student, sunday)).await));
        let id = exceptions::grant(&world.app, &ta(), grant(Grant::AnyDay, Some("2025-02-09T00:00"))).await.unwrap().id;
        world.book(&student, sunday).await;
        assert!(refused(booking::book(&world.app, World::wish(&other, sunday)).await));
        assert!(exceptions::revoke(&world.app, &ta(), id.clone()).await.unwrap());
        assert!(!exceptions::revoke(&world.app, &ta(), id).await.unwrap(), "once");
        let later = slot("2025-02-09T14:00", "2025-02-09T16:00");
        assert!(refused(booking::book(&world.app, World::wish(&student, later)).await));
        let unknown = NewException { net_id: "zz999".parse().unwrap(), ..grant(Grant::AnyDay, None) };
        assert!(exceptions::grant(&world.app, &ta(), unknown).await.is_err());
        let no_reason = NewException { reason: "  ".to_owned(), ..grant(Grant::AnyDay, None) };
        assert!(exceptions::grant(&world.app, &ta(), no_reason).await.is_err());
    }

    async fn staff_set_the_parity_of_an_id_without_a_digit(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("abcd").await;
        let saturday = slot("2025-02-08T10:00", "2025-02-08T12:00");
        let refused = booking::book(&world.app, World::wish(&student, saturday)).await;
        assert!(matches!(refused, Err(BookingError::Refused(_))));
        let even = NewException {
            net_id: "abcd".parse().unwrap(),
            lab: None,
            grant: Grant::Parity(Parity::Even),
            until: None,
            reason: "the ID has no digit".to_owned(),
            accommodation: false,
        };
        exceptions::grant(&world.app, &ta(), even).await.unwrap();
        world.book(&student, saturday).await;
    }
}
