//! Booking, from the wish to the end, as the use cases see it.

use chrono::TimeDelta;
use fairlease::domain::booking::{EndReason, State};
use fairlease::domain::exception::Grant;
use fairlease::services::booking::{self, BookingError};
use fairlease::services::{courses, exceptions, notices};

use crate::world::{World, local, on_both_databases, slot, ta};

on_both_databases! {
    async fn a_booking_is_made_provisioned_and_expires(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        assert_eq!(made.state, State::Held);

        world.work().await;
        assert_eq!(world.state(&student, &made.id).await, State::Booked);
        let kinds: Vec<_> = world.held().into_values().map(|object| object.spec.kind().word()).collect();
        assert_eq!(kinds, ["lease"], "the place is the student's from the moment of booking on, and nothing else is made yet");
        assert_eq!(world.subjects(), ["Booked: Sat Feb 8, 10:00 to 14:00 - Deploy a machine learning service on..."]);
        let invitation = world.postbox.mails.lock().unwrap()[0].calendar.clone().unwrap();
        for line in ["METHOD:REQUEST", "DTSTART:20250208T150000Z", "DTEND:20250208T190000Z"] {
            assert!(invitation.contains(line), "{line} in\n{invitation}");
        }

        world.clock.set(local("2025-02-08T09:29"));
        world.work().await;
        assert_eq!(world.state(&student, &made.id).await, State::Booked, "the lead has not begun");
        world.clock.set(local("2025-02-08T09:30"));
        world.work().await;
        let view = world.view(&student, &made.id).await;
        assert_eq!(view.booking.state, State::Active { ready_at: local("2025-02-08T09:30") });
        assert_eq!(view.ssh.as_deref(), Some("ssh cc@203.0.113.10"));
        assert_eq!(world.held().len(), 10, "lease, keypair, network, subnet, router, security group, three servers, address");
        assert!(world.subjects()[1].starts_with("Ready until 14:00: "));
        assert!(world.subjects()[1].ends_with(" - ssh cc@203.0.113.10"));

        world.clock.set(local("2025-02-08T13:45"));
        assert_eq!(notices::remind(&world.app).await.unwrap(), 1);
        assert_eq!(notices::remind(&world.app).await.unwrap(), 0, "once");
        fairlease::services::reaping::sweep(&world.app).await.unwrap();
        world.work().await;
        assert!(matches!(world.state(&student, &made.id).await, State::Active { .. }), "not before its end");

        world.clock.set(local("2025-02-08T14:00"));
        fairlease::services::reaping::sweep(&world.app).await.unwrap();
        world.work().await;
        let State::Ended { reason, .. } = world.state(&student, &made.id).await else { panic!("not ended") };
        assert_eq!(reason, EndReason::Expired);
        assert!(world.held().is_empty());
        let subjects = world.subjects();
        assert!(subjects[2].starts_with("Ends at 14:00: ") && subjects[3].starts_with("Ended, everything deleted: "), "{subjects:?}");
        assert_eq!(subjects.len(), 4);
    }

    async fn what_is_deleted_goes_in_order_and_the_lease_last(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T14:00")).await;
        world.work_until(&student, &made.id, "active").await;
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        // The simulated cloud refuses what is in use, as real ones do; the order shows in what was tried in vain: nothing.
        let failures: i32 = world.view(&student, &made.id).await.resources.iter().map(|r| r.failures).sum();
        assert_eq!(failures, 0);
        assert!(world.held().is_empty());
    }

    async fn giving_back_frees_the_rest_of_the_slot_at_once(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        assert_eq!((world.booked_at("2025-02-08T09:00").await, world.booked_at("2025-02-08T09:30").await), (0, 1), "the lead");
        assert_eq!((world.booked_at("2025-02-08T13:30").await, world.booked_at("2025-02-08T14:00").await), (1, 0));
        world.clock.set(local("2025-02-08T11:10"));
        world.work_until(&student, &made.id, "active").await;
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        assert_eq!((world.booked_at("2025-02-08T11:00").await, world.booked_at("2025-02-08T11:30").await), (1, 0));
        world.work_until(&student, &made.id, "ended").await;
        assert_eq!(world.state(&student, &made.id).await.reason(), Some(EndReason::Released));
    }

    async fn giving_back_tells_how_scarce_the_time_is(backend: Backend) {
        let course = crate::world::course(&[("capacity = 30 ", "capacity = 3 ")]);
        let world = World::with(backend, course, fairlease::cloud::simulated::Profile::instant()).await;
        let (student, others) = (world.student("ff524").await, [world.student("gg222").await, world.student("hh444").await]);
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let gift = async || world.view(&student, &made.id).await.gift.map(|gift| (gift.length, gift.fullest));
        assert_eq!(gift().await, Some((TimeDelta::hours(4), Some((1, 3)))));
        world.book(&others[0], slot("2025-02-08T10:30", "2025-02-08T12:00")).await;
        world.book(&others[1], slot("2025-02-08T11:30", "2025-02-08T13:00")).await;
        assert_eq!(gift().await, Some((TimeDelta::hours(4), Some((3, 3)))), "all of them at 11:30");
        world.clock.set(local("2025-02-08T12:10"));
        world.work_until(&student, &made.id, "active").await;
        world.clock.set(local("2025-02-08T12:40"));
        assert_eq!(gift().await, Some((TimeDelta::minutes(80), Some((1, 3)))), "from the next grid time on");
        world.clock.set(local("2025-02-08T13:40"));
        assert_eq!(gift().await, Some((TimeDelta::minutes(20), None)), "nobody can have what is left");
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        assert_eq!(gift().await, None);
    }

    async fn a_booking_called_off_takes_its_calendar_event_back(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        world.work().await;
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        assert_eq!(world.state(&student, &made.id).await.reason(), Some(EndReason::Cancelled));
        let mails = world.postbox.mails.lock().unwrap();
        assert!(mails[1].subject.starts_with("Cancelled: Mon Feb 10, 10:00 to 14:00"));
        assert!(mails[1].calendar.as_ref().unwrap().contains("METHOD:CANCEL"));
        assert!(world.held().is_empty());
    }

    async fn extending_moves_the_end_once_the_site_agrees(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        let offered = world.view(&student, &made.id).await.ends.later;
        assert_eq!(offered.last(), Some(&local("2025-02-08T17:30")), "eight hours in all");
        world.end_at(&student, &made.id, local("2025-02-08T14:00")).await.unwrap();
        assert_eq!(world.booked_at("2025-02-08T13:30").await, 1, "held while the site is asked");
        world.work().await;
        let view = world.view(&student, &made.id).await;
        assert_eq!((view.booking.slot.end(), view.booking.wanted_end), (local("2025-02-08T14:00"), None));
        let lease = world.held().into_values().find(|object| object.spec.kind().word() == "lease").unwrap();
        assert_eq!(lease.facts.lease_end, Some(local("2025-02-08T14:00")));
        let over = world.end_at(&student, &made.id, local("2025-02-08T18:00")).await;
        let Err(BookingError::Refused(refusal)) = over else { panic!("{over:?}") };
        assert_eq!(refusal.violations[0].code(), "over_cap");
    }

    async fn a_wish_repeated_with_its_key_is_one_booking(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let mut wish = World::wish(&student, slot("2025-02-08T10:00", "2025-02-08T12:00"));
        wish.idempotency_key = Some("once".to_owned());
        let first = booking::book(&world.app, wish.clone()).await.unwrap();
        let second = booking::book(&world.app, wish).await.unwrap();
        assert_eq!(first.id, second.id);
        assert_eq!(world.booked_at("2025-02-08T10:00").await, 1);
    }

    async fn a_refusal_names_every_rule_and_the_nearest_slots(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let wish = World::wish(&student, slot("2025-02-09T10:07", "2025-02-09T20:00"));
        let Err(BookingError::Refused(refusal)) = booking::book(&world.app, wish).await else { panic!("accepted") };
        let codes: Vec<_> = refusal.violations.iter().map(fairlease::policy::admission::Violation::code).collect();
        assert_eq!(codes, ["off_grid", "wrong_day", "over_cap"]);
        assert_eq!(refusal.nearest.len(), 3);
        let next = refusal.nearest[0];
        assert_eq!(next.length(), TimeDelta::hours(8));
        world.book(&student, next).await;
    }

    async fn others_bookings_are_not_there(backend: Backend) {
        let world = World::new(backend).await;
        let (owner, other) = (world.student("ff524").await, world.student("gg222").await);
        let made = world.book(&owner, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        let released = booking::release(&world.app, other.clone(), made.id.clone()).await;
        assert!(matches!(released, Err(BookingError::NoSuchBooking(_))));
        let extended = world.end_at(&other, &made.id, local("2025-02-08T13:00")).await;
        assert!(matches!(extended, Err(BookingError::NoSuchBooking(_))));
        assert_eq!(world.state(&owner, &made.id).await, State::Held);
    }

    async fn what_live_bookings_stand_on_stays_when_a_course_is_applied(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        let apply = async |from: &str, to: &str| {
            let changed = crate::world::course(&[(from, to)]);
            let now = world.app.now();
            world.app.db.write("apply", move |conn| courses::apply(conn, &changed, now)).await
        };
        for (from, to, key) in [
            ("grid_minutes = 30 ", "grid_minutes = 15 ", "pool.kvm-clusters.grid_minutes"),
            ("cloud = \"simulated\"", "cloud = \"elsewhere\"", "site.kvm-tacc.cloud"),
            ("leases = true", "leases = false", "site.kvm-tacc.leases"),
        ] {
            let error = apply(from, to).await.unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key}: ")) && error.contains("1 live bookings"), "{error}");
        }
        apply("capacity = 30 ", "capacity = 0 ").await.unwrap();
        assert!(matches!(world.state(&student, &made.id).await, State::Held), "less capacity ends nobody's booking");
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
        apply("grid_minutes = 30 ", "grid_minutes = 15 ").await.unwrap();
    }

    async fn a_budget_is_charged_when_booked_and_refunded_when_given_back(backend: Backend) {
        let course = crate::world::course(&[("bookings_ahead = 2", "budget_hours = 5\nbookings_ahead = 3")]);
        let world = World::with(backend, course, fairlease::cloud::simulated::Profile::instant()).await;
        let student = world.student("ff524").await;
        let first = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let wish = World::wish(&student, slot("2025-02-10T10:00", "2025-02-10T12:00"));
        let refused = booking::book(&world.app, wish.clone()).await;
        let Err(BookingError::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.violations[0].code(), "over_budget");
        world.clock.set(local("2025-02-08T11:00"));
        world.work_until(&student, &first.id, "active").await;
        booking::release(&world.app, student.clone(), first.id.clone()).await.unwrap();
        world.book(&student, wish.slot).await;
        let third = World::wish(&student, slot("2025-02-12T10:00", "2025-02-12T12:30"));
        let Err(BookingError::Refused(refusal)) = booking::book(&world.app, third).await else { panic!("accepted") };
        assert_eq!(refusal.violations[0].sentence(refusal.zone), "You asked for 2 h 30 min; of your 5 h in this lab 2 h is left.");
    }

    async fn blocks_hold_their_margin_and_give_all_of_it_back(backend: Backend) {
        let course = crate::world::course(&[
            ("lead_minutes = 30 ", "end_margin_minutes = 5\ncleaning_minutes = 40\nlead_minutes = 0 "),
            ("bookings_ahead = 2", "lengths_hours = [2, 3]\nbookings_ahead = 2"),
        ]);
        let world = World::with(backend, course, fairlease::cloud::simulated::Profile::instant()).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T11:55")).await;
        let held = async || {
            let mut cells = Vec::new();
            for cell in ["09:30", "10:00", "11:30", "12:00", "12:30", "13:00", "13:30"] {
                cells.push(world.booked_at(&format!("2025-02-08T{cell}")).await);
            }
            cells
        };
        assert_eq!(held().await, [0, 1, 1, 1, 1, 0, 0], "forty minutes after 11:55 reach into the cell of 12:30");
        world.clock.set(local("2025-02-08T10:00"));
        world.work_until(&student, &made.id, "active").await;
        let view = world.view(&student, &made.id).await;
        assert_eq!(view.ends.later, [local("2025-02-08T12:55")]);
        let lease = world.held().into_values().find(|object| object.spec.kind().word() == "lease").unwrap();
        assert_eq!(lease.facts.lease_end, Some(local("2025-02-08T11:55")), "the site has the margin for itself");
        world.end_at(&student, &made.id, local("2025-02-08T12:55")).await.unwrap();
        world.work().await;
        assert_eq!(held().await, [0, 1, 1, 1, 1, 1, 1]);
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        assert_eq!(held().await, [0, 0, 0, 0, 0, 0, 0]);
    }

    async fn a_plan_says_what_would_change_and_for_whom(backend: Backend) {
        let world = World::new(backend).await;
        let (one, two) = (world.student("ff524").await, world.student("gg222").await);
        world.book(&one, slot("2025-02-08T10:00", "2025-02-08T18:00")).await;
        world.book(&two, slot("2025-02-08T10:00", "2025-02-08T12:00")).await;
        let plan = async |replace: &[(&str, &str)]| {
            let changed = crate::world::course(replace);
            world.app.db.read("plan", move |conn| courses::plan(conn, &changed)).await.unwrap()
        };
        let same = plan(&[]).await;
        assert_eq!((same.changes.len(), same.affected.len()), (0, 0), "{same:?}");
        let shorter = plan(&[("cap_hours = 8 ", "cap_hours = 6 "), ("due = 2025-02-13T23:59", "# due =")]).await;
        assert_eq!(
            shorter.changes,
            ["lab.k8s.due: \"2025-02-14T04:59:00Z\" -> null", "lab.k8s.policy.cap_minutes: 480 -> 360"]
        );
        let [affected] = &shorter.affected[..] else { panic!("{shorter:?}") };
        assert_eq!((affected.net_id.as_str(), affected.why.join(" ").as_str()), ("ff524", "You asked for 8 h; at most 6 h at once."));
        let other = plan(&[("id = \"k8s\"", "id = \"kubernetes\"")]).await;
        assert_eq!(other.changes, ["lab.k8s is no longer there", "lab.kubernetes is new"]);
        assert_eq!(other.affected.len(), 2);
        let renamed = plan(&[("Spring 2025", "Spring"), ("expected_hours = 5 ", "expected_hours = 6 ")]).await;
        assert_eq!(
            renamed.changes,
            ["course.term.name: \"Spring 2025\" -> \"Spring\"", "lab.k8s.expected_minutes: 300 -> 360"]
        );
    }

    async fn a_plan_judges_each_booking_by_what_its_student_has_and_was_granted(backend: Backend) {
        let world = World::new(backend).await;
        let (one, two) = (world.student("ff524").await, world.student("gg222").await);
        let granted = exceptions::NewException {
            net_id: "gg222".parse().unwrap(),
            lab: None,
            grant: Grant::CapMinutes(600),
            until: Some(local("2025-02-08T09:30")),
            reason: "was ill".into(),
            accommodation: false,
        };
        exceptions::grant(&world.app, &ta(), granted).await.unwrap();
        let first = world.book(&one, slot("2025-02-08T10:00", "2025-02-08T18:00")).await;
        world.book(&one, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
        world.book(&two, slot("2025-02-08T10:00", "2025-02-08T20:00")).await;
        world.clock.set(local("2025-02-08T09:35"));
        let plan = async |replace: &[(&str, &str)]| {
            let changed = crate::world::course(replace);
            world.app.db.read("plan", move |conn| courses::plan(conn, &changed)).await.unwrap().affected
        };
        let shorter = plan(&[("cap_hours = 8 ", "cap_hours = 7 ")]).await;
        let [affected] = &shorter[..] else { panic!("{shorter:?}") };
        assert_eq!(affected.booking, first.id, "the other has ten hours by an exception, though it ended since");
        let fewer: Vec<_> = plan(&[("bookings_ahead = 2", "bookings_ahead = 1")]).await;
        let told: Vec<_> = fewer.iter().map(|it| (it.net_id.as_str(), it.why.concat())).collect();
        let why = "You have a booking of this lab already, and may have one at a time.".to_owned();
        assert_eq!(told, [("ff524", why.clone()), ("ff524", why)]);
    }

    async fn without_a_key_nothing_is_booked(backend: Backend) {
        let world = World::new(backend).await;
        let mut student = world.student("ff524").await;
        student.ssh_public_key = None;
        let wish = World::wish(&student, slot("2025-02-08T10:00", "2025-02-08T12:00"));
        assert!(matches!(booking::book(&world.app, wish).await, Err(BookingError::NoKey)));
        assert_eq!(world.booked_at("2025-02-08T10:00").await, 0);
    }
}
