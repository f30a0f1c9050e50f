//! What a lab's page is given: the week, what each length would leave, and other times where there is none.

use chrono::TimeDelta;
use fairlease::cloud::simulated::Profile;
use fairlease::domain::ids::BookingId;
use fairlease::domain::person::Person;
use fairlease::policy::admission::Violation;
use fairlease::policy::search::Wanted;
use fairlease::services::booking;
use fairlease::services::labs::{self, LabView, Look, Spread};

use crate::world::{World, course, local, on_both_databases, slot};

async fn look(world: &World, person: &Person, look: Look) -> LabView {
    let (app, person) = (world.app.clone(), person.clone());
    let seen =
        world.app.db.read("lab", move |conn| labs::lab(&app, conn, &person, &"k8s".parse().unwrap(), &look));
    seen.await.unwrap().unwrap()
}

fn starts(view: &LabView) -> Vec<String> {
    let start = |slot: &fairlease::domain::interval::Interval| {
        fairlease::domain::calendar::span(view.setting.zone, slot)
    };
    view.found.iter().map(start).collect()
}

on_both_databases! {
    /// Saturday, Monday and Wednesday of the week are taken; of the week after it, in which the days are swapped, nothing is.
    async fn a_week_with_nothing_free_names_other_days_that_can_be_booked(backend: Backend) {
        let small = course(&[
            ("capacity = 30 ", "capacity = 1 "), ("cap_hours = 8 ", "cap_hours = 168 "), ("lead_minutes = 30 ", "lead_minutes = 0 "),
            ("due = 2025-02-13T23:59", "due = 2025-02-28T23:59"),
        ]);
        let world = World::with(backend, small, Profile::instant()).await;
        for (net_id, from, to) in [
            ("aa0", "2025-02-08T09:30", "2025-02-09T00:00"), ("ab0", "2025-02-10T00:00", "2025-02-11T00:00"),
            ("ac0", "2025-02-12T00:00", "2025-02-13T00:00"),
        ] {
            let other = world.student(net_id).await;
            world.book(&other, slot(from, to)).await;
        }
        let student = world.student("ff524").await;
        let view = look(&world, &student, Look::default()).await;
        assert_eq!(
            starts(&view),
            ["Fri Feb 14, 00:00 to 00:30", "Sun Feb 16, 00:00 to 00:30", "Tue Feb 18, 00:00 to 00:30"]
        );
        let next = Look { date: Some("2025-02-14".parse().unwrap()), ..Look::default() };
        assert!(look(&world, &student, next).await.found.is_empty(), "a week with free starts speaks for itself");
        world.book(&student, view.found[0]).await;
    }

    async fn each_length_tells_what_to_mind(backend: Backend) {
        let gaps = course(&[
            ("capacity = 30 ", "capacity = 1 "), ("lead_minutes = 30 ", "lead_minutes = 0 "),
            ("bookings_ahead = 2 ", "bookings_ahead = 2 \ngaps = { shorter_than_hours = 1, then = \"warn\" } "),
        ]);
        let world = World::with(backend, gaps, Profile::instant()).await;
        let other = world.student("aa0").await;
        world.book(&other, slot("2025-02-08T14:00", "2025-02-08T16:00")).await;
        let student = world.student("ff524").await;
        let chosen = Look { chosen: Some(local("2025-02-08T12:00")), ..Look::default() };
        let choice = look(&world, &student, chosen).await.choice.unwrap();
        let told: Vec<_> = choice
            .lengths
            .iter()
            .map(|(length, warnings)| (length.num_minutes(), warnings.iter().map(Violation::code).collect::<Vec<_>>()))
            .collect();
        assert_eq!(told, [(30, vec![]), (60, vec![]), (90, vec!["gap"]), (120, vec![])]);
    }

    async fn a_search_for_another_place_sees_the_own_one_as_free(backend: Backend) {
        let one = course(&[("capacity = 30 ", "capacity = 1 "), ("lead_minutes = 30 ", "lead_minutes = 0 ")]);
        let world = World::with(backend, one, Profile::instant()).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let wanted = Wanted {
            length: TimeDelta::hours(3), earliest: Some(local("2025-02-08T11:00")), latest: None, days: None, hours: None,
        };
        let find = |moving: Option<BookingId>| Look { moving, wanted: Some((wanted.clone(), Spread::all(1))), ..Look::default() };
        assert_eq!(starts(&look(&world, &student, find(None)).await), ["Sat Feb 8, 14:00 to 17:00"]);
        let found = look(&world, &student, find(Some(made.id.clone()))).await;
        assert_eq!(starts(&found), ["Sat Feb 8, 11:00 to 14:00"]);
        world.work_until(&student, &made.id, "booked").await;
        booking::change(&world.app, student.clone(), made.id.clone(), found.found[0]).await.unwrap();
    }
}
