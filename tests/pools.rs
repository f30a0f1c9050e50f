//! Pools whose capacity changes, and pools whose nodes have names: what pages show, what is given, and what the database
//! refuses whatever the code above it believes.

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::simulated::Profile;
use fairlease::db::{self, DbError};
use fairlease::domain::booking::Booking;
use fairlease::domain::course::Course;
use fairlease::domain::ids::BookingId;
use fairlease::domain::interval::Interval;
use fairlease::domain::occupancy::Occupancy;
use fairlease::domain::person::Person;
use fairlease::policy::admission::Violation;
use fairlease::policy::availability::Verdict;
use fairlease::services::booking::{self, BookingError};
use fairlease::services::{courses, labs};

use crate::world::{World, course, local, on_both_databases, slot};

const NO_LEAD: (&str, &str) = ("lead_minutes = 30 ", "lead_minutes = 0 ");

/// One unit until noon of 8 February, two until two o'clock, three until a quarter past four, and none after it.
fn changing() -> Course {
    let change = |at: &str, capacity: i32| format!("[[pool.change]]\nat = {at}\ncapacity = {capacity}\n");
    let changes = [("2025-02-08T12:00", 2), ("2025-02-08T14:00", 3), ("2025-02-08T16:15", 0)]
        .map(|(at, n)| change(at, n));
    course(&[
        ("capacity = 30 ", "capacity = 1 "),
        NO_LEAD,
        ("[[lab]]", &format!("{}\n[[lab]]", changes.concat())),
    ])
}

fn named(nodes: &str) -> Course {
    course(&[("capacity = 30 ", &format!("nodes = [{nodes}] ")), NO_LEAD])
}

async fn two_nodes(backend: crate::world::Backend) -> World {
    World::with(backend, named("\"gpu-01\", \"gpu-02\""), Profile::instant()).await
}

async fn apply(world: &World, course: &Course) -> Result<(), courses::ApplyError> {
    let (course, now) = (course.clone(), world.app.now());
    world.app.db.write("apply", move |conn| courses::apply(conn, &course, now)).await
}

/// What the pool holds on 8 February.
async fn occupancy(world: &World) -> Occupancy {
    let day = slot("2025-02-08T00:00", "2025-02-09T00:00");
    let read = world.app.db.read::<_, DbError, _>("occupancy", move |conn| {
        let pool = db::pool(conn, &"kvm-clusters".parse().unwrap())?;
        db::occupancy(conn, &pool, &day)
    });
    read.await.unwrap()
}

/// Units that the page shows as left at this start, and the longest slot from there in minutes; nothing if it is not free.
async fn shown(world: &World, person: &Person, at: &str) -> Option<(i32, i64)> {
    let (app, person) = (world.app.clone(), person.clone());
    let look = labs::Look { date: None, chosen: Some(local(at)), ..labs::Look::default() };
    let seen = world.app.db.read::<_, DbError, _>("lab", move |conn| {
        labs::lab(&app, conn, &person, &"k8s".parse().unwrap(), &look)
    });
    match seen.await.unwrap().unwrap().choice.unwrap().start.verdict {
        Verdict::Free { units_left, longest } => Some((units_left, longest.num_minutes())),
        Verdict::Refused(_) => None,
    }
}

/// The booking, or the codes of the rules that stand against it.
async fn wish(world: &World, person: &Person, from: &str, to: &str) -> Result<Booking, Vec<&'static str>> {
    match booking::book(&world.app, World::wish(person, slot(from, to))).await {
        Ok(made) => Ok(made),
        Err(BookingError::Refused(refusal)) => Err(refusal.violations.iter().map(Violation::code).collect()),
        Err(other) => panic!("neither booked nor refused: {other}"),
    }
}

async fn nodes(world: &World, net_id: &str, from: &str, to: &str) -> Result<Vec<String>, Vec<&'static str>> {
    let person = world.student(net_id).await;
    wish(world, &person, from, to).await.map(|made| made.nodes)
}

/// Another end for a booking.
async fn extend(
    world: &World,
    person: &Person,
    booking: &Booking,
    end: DateTime<Utc>,
) -> Result<(), BookingError> {
    let slot = Interval::new(booking.slot.start(), end).unwrap();
    booking::change(&world.app, person.clone(), booking.id.clone(), slot).await
}

on_both_databases! {
    async fn capacity_rises_and_falls(backend: Backend) {
        let world = World::with(backend, changing(), Profile::instant()).await;
        let reader = world.student("ff524").await;
        for (at, expected) in [
            ("2025-02-08T10:00", Some((1, 360))),
            ("2025-02-08T12:00", Some((2, 240))),
            ("2025-02-08T14:00", Some((3, 120))),
            ("2025-02-08T15:30", Some((3, 30))),
            ("2025-02-08T16:00", None),
            ("2025-02-10T10:00", None),
        ] {
            assert_eq!(shown(&world, &reader, at).await, expected, "{at}");
        }
        let (one, two, three) = ("2025-02-08T11:00", "2025-02-08T12:00", "2025-02-08T14:00");
        let end = "2025-02-08T16:00";
        assert!(nodes(&world, "aa0", one, end).await.is_ok());
        assert_eq!(nodes(&world, "ab0", one, end).await, Err(vec!["full"]));
        assert!(nodes(&world, "ac0", two, end).await.is_ok());
        assert_eq!(nodes(&world, "ad0", two, end).await, Err(vec!["full"]));
        assert!(nodes(&world, "ae0", three, end).await.is_ok());
        assert_eq!(nodes(&world, "af0", three, end).await, Err(vec!["full"]));
        assert_eq!(nodes(&world, "ag0", "2025-02-08T16:00", "2025-02-08T16:30").await, Err(vec!["full"]), "the least in the cell");
        assert_eq!(shown(&world, &reader, "2025-02-08T10:00").await, Some((1, 60)));
    }

    async fn the_database_refuses_more_than_each_period_has(backend: Backend) {
        let world = World::with(backend, changing(), Profile::instant()).await;
        let hold = async |from: &str, to: &str, units: i32| {
            let span = slot(from, to);
            let held = world.app.db.write::<_, DbError, _>("hold", move |conn| {
                let pool = db::pool(conn, &"kvm-clusters".parse().unwrap())?;
                db::hold(conn, &pool, &span, units)
            });
            held.await
        };
        assert!(matches!(hold("2025-02-08T11:30", "2025-02-08T12:30", 2).await, Err(DbError::OverCapacity)));
        assert!(matches!(hold("2025-02-08T16:00", "2025-02-08T16:30", 1).await, Err(DbError::OverCapacity)));
        hold("2025-02-08T12:00", "2025-02-08T16:00", 2).await.unwrap();
        assert!(matches!(hold("2025-02-08T13:30", "2025-02-08T14:30", 1).await, Err(DbError::OverCapacity)));
        hold("2025-02-08T14:00", "2025-02-08T16:00", 1).await.unwrap();
    }

    async fn applying_sets_each_period_and_twice_is_once(backend: Backend) {
        let world = World::with(backend, course(&[("capacity = 30 ", "capacity = 2 "), NO_LEAD]), Profile::instant()).await;
        for net_id in ["aa0", "ab0"] {
            nodes(&world, net_id, "2025-02-08T11:00", "2025-02-08T17:00").await.unwrap();
        }
        apply(&world, &changing()).await.unwrap();
        let once = occupancy(&world).await;
        apply(&world, &changing()).await.unwrap();
        assert_eq!(occupancy(&world).await, once);
        let plan = world.app.db.read("plan", |conn| courses::plan(conn, &changing())).await.unwrap();
        assert!(plan.changes.is_empty(), "{plan:?}");
        let free = [("2025-02-08T11:30", 0), ("2025-02-08T12:00", 0), ("2025-02-08T14:00", 1), ("2025-02-08T16:00", 0)];
        let pool = &changing().pools[0];
        for (cell, left) in free {
            assert_eq!(once.free(pool, local(cell)), left, "{cell}");
        }
        assert_eq!(nodes(&world, "ac0", "2025-02-08T14:00", "2025-02-08T16:30").await, Err(vec!["full"]));
        assert!(nodes(&world, "ac0", "2025-02-08T14:00", "2025-02-08T16:00").await.is_ok());
    }

    async fn a_plan_shows_changes_of_capacity_and_names(backend: Backend) {
        let world = World::with(backend, course(&[("capacity = 30 ", "capacity = 1 "), NO_LEAD]), Profile::instant()).await;
        let plan = world.app.db.read("plan", |conn| courses::plan(conn, &changing())).await.unwrap();
        let [change] = &plan.changes[..] else { panic!("{plan:?}") };
        assert!(change.starts_with("pool.kvm-clusters.changes: [] -> [{") && change.contains("\"2025-02-08T17:00:00Z\""), "{change}");
        let named = named("\"gpu-01\"");
        let plan = world.app.db.read("plan", move |conn| courses::plan(conn, &named)).await.unwrap();
        assert_eq!(plan.changes, ["pool.kvm-clusters.nodes: [] -> [\"gpu-01\"]"]);
    }

    async fn two_bookings_get_two_nodes_and_what_is_given_back_is_free(backend: Backend) {
        let world = two_nodes(backend).await;
        let (from, to) = ("2025-02-08T10:00", "2025-02-08T14:00");
        let first = world.student("aa0").await;
        let made = wish(&world, &first, from, to).await.unwrap();
        assert_eq!(made.nodes, ["gpu-01"]);
        assert_eq!(nodes(&world, "ab0", from, to).await, Ok(vec!["gpu-02".to_owned()]));
        assert_eq!(nodes(&world, "ac0", from, to).await, Err(vec!["full"]));
        assert_eq!(world.view(&first, &made.id).await.booking.nodes, ["gpu-01"]);
        booking::release(&world.app, first.clone(), made.id.clone()).await.unwrap();
        assert_eq!(nodes(&world, "ac0", from, to).await, Ok(vec!["gpu-01".to_owned()]));
        assert_eq!(world.view(&first, &made.id).await.booking.nodes, ["gpu-01"], "it still tells which it had");
    }

    async fn a_booking_given_back_early_frees_its_node_from_then_on(backend: Backend) {
        let world = World::with(backend, named("\"gpu-01\""), Profile::instant()).await;
        let first = world.student("aa0").await;
        let made = wish(&world, &first, "2025-02-08T10:00", "2025-02-08T14:00").await.unwrap();
        world.clock.set(local("2025-02-08T11:10"));
        world.work_until(&first, &made.id, "active").await;
        booking::release(&world.app, first.clone(), made.id.clone()).await.unwrap();
        let pool = &named("\"gpu-01\"").pools[0];
        let held = occupancy(&world).await;
        assert_eq!((held.free(pool, local("2025-02-08T11:00")), held.free(pool, local("2025-02-08T11:30"))), (0, 1));
        assert_eq!(nodes(&world, "ab0", "2025-02-08T11:30", "2025-02-08T14:00").await, Ok(vec!["gpu-01".to_owned()]));
    }

    /// Each cell has a free node, and no node is free all the time.
    async fn one_node_has_to_be_free_all_the_time(backend: Backend) {
        let world = two_nodes(backend).await;
        let helper = world.student("aa0").await;
        assert_eq!(nodes(&world, "ab0", "2025-02-08T10:00", "2025-02-08T12:00").await.unwrap(), ["gpu-01"]);
        let held = wish(&world, &helper, "2025-02-08T12:00", "2025-02-08T14:00").await.unwrap();
        assert_eq!(held.nodes, ["gpu-01"], "next to what is taken, so that the other stays whole");
        assert_eq!(nodes(&world, "ac0", "2025-02-08T12:00", "2025-02-08T14:00").await.unwrap(), ["gpu-02"]);
        booking::release(&world.app, helper.clone(), held.id).await.unwrap();

        let reader = world.student("ff524").await;
        assert_eq!(shown(&world, &reader, "2025-02-08T10:00").await, Some((1, 120)));
        assert_eq!(shown(&world, &reader, "2025-02-08T11:30").await, Some((1, 30)));
        assert_eq!(shown(&world, &reader, "2025-02-08T12:00").await, Some((1, 480)));
        assert_eq!(nodes(&world, "ad0", "2025-02-08T10:00", "2025-02-08T14:00").await, Err(vec!["full"]));
        assert_eq!(nodes(&world, "ad0", "2025-02-08T11:00", "2025-02-08T12:30").await, Err(vec!["full"]));
        assert_eq!(nodes(&world, "ad0", "2025-02-08T10:00", "2025-02-08T12:00").await.unwrap(), ["gpu-02"]);
        assert_eq!(nodes(&world, "ae0", "2025-02-08T12:00", "2025-02-08T14:00").await.unwrap(), ["gpu-01"]);
    }

    async fn a_lab_of_two_units_gets_two_nodes(backend: Backend) {
        let course = course(&[("capacity = 30 ", "nodes = [\"c\", \"b\", \"a\"] "), NO_LEAD, ("units = 1", "units = 2")]);
        let world = World::with(backend, course, Profile::instant()).await;
        let (from, to) = ("2025-02-08T10:00", "2025-02-08T14:00");
        assert_eq!(nodes(&world, "aa0", from, to).await.unwrap(), ["a", "b"]);
        assert_eq!(nodes(&world, "ab0", from, to).await, Err(vec!["full"]));
    }

    async fn extending_needs_the_bookings_own_node(backend: Backend) {
        let world = two_nodes(backend).await;
        let (first, next) = (world.student("aa0").await, world.student("ab0").await);
        let made = wish(&world, &first, "2025-02-08T09:30", "2025-02-08T12:00").await.unwrap();
        let behind = wish(&world, &next, "2025-02-08T12:30", "2025-02-08T14:00").await.unwrap();
        assert_eq!((&made.nodes, &behind.nodes), (&vec!["gpu-01".to_owned()], &vec!["gpu-01".to_owned()]));
        world.work_until(&first, &made.id, "active").await;
        assert_eq!(world.view(&first, &made.id).await.ends.later, [local("2025-02-08T12:30")], "gpu-02 is of no use to it");
        let refused = extend(&world, &first, &made, local("2025-02-08T13:00")).await;
        let Err(BookingError::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.violations[0].code(), "full");

        booking::release(&world.app, next, behind.id).await.unwrap();
        extend(&world, &first, &made, local("2025-02-08T14:00")).await.unwrap();
        world.work().await;
        assert_eq!(world.view(&first, &made.id).await.booking.slot.end(), local("2025-02-08T14:00"));
        assert_eq!(nodes(&world, "ac0", "2025-02-08T13:00", "2025-02-08T14:00").await.unwrap(), ["gpu-02"]);
        assert_eq!(nodes(&world, "ad0", "2025-02-08T13:30", "2025-02-08T14:30").await, Err(vec!["full"]));
    }

    async fn a_booking_that_moves_keeps_its_node(backend: Backend) {
        let world = two_nodes(backend).await;
        let student = world.student("aa0").await;
        let made = wish(&world, &student, "2025-02-08T10:00", "2025-02-08T12:00").await.unwrap();
        assert_eq!(nodes(&world, "ab0", "2025-02-08T13:00", "2025-02-08T14:00").await.unwrap(), ["gpu-01"]);
        world.work_until(&student, &made.id, "booked").await;
        let change = async |from: &str, to: &str| {
            booking::change(&world.app, student.clone(), made.id.clone(), slot(from, to)).await
        };
        let refused = change("2025-02-08T11:30", "2025-02-08T13:30").await;
        let Err(BookingError::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.violations[0].code(), "full");
        change("2025-02-08T11:00", "2025-02-08T13:00").await.unwrap();
        world.work().await;
        let moved = world.view(&student, &made.id).await.booking;
        assert_eq!((moved.slot, moved.nodes), (slot("2025-02-08T11:00", "2025-02-08T13:00"), vec!["gpu-01".to_owned()]));
        assert_eq!(nodes(&world, "ac0", "2025-02-08T10:00", "2025-02-08T11:00").await.unwrap(), ["gpu-01"], "the old place is free");
        assert_eq!(nodes(&world, "ad0", "2025-02-08T11:00", "2025-02-08T13:00").await.unwrap(), ["gpu-02"]);
        assert_eq!(nodes(&world, "ae0", "2025-02-08T12:30", "2025-02-08T13:00").await, Err(vec!["full"]));
    }

    async fn an_extension_that_the_site_refuses_gives_the_node_back(backend: Backend) {
        let tight = Profile { lease_capacity: 3, ..Profile::instant() };
        let world = World::with(backend, named("\"gpu-01\""), tight).await;
        let student = world.student("aa0").await;
        let made = wish(&world, &student, "2025-02-08T09:30", "2025-02-08T12:00").await.unwrap();
        world.work_until(&student, &made.id, "active").await;
        let mut theirs = world.held().into_values().find(|object| object.spec.kind().word() == "lease").unwrap();
        (theirs.name, theirs.site_ref) = ("theirs".into(), "theirs".into());
        let (start, end) = (local("2025-02-08T12:00"), local("2025-02-08T18:00"));
        let fairlease::domain::blueprint::Spec::Lease { reservations, .. } = theirs.spec else { panic!() };
        theirs.spec = fairlease::domain::blueprint::Spec::Lease { start, end, reservations };
        world.cloud.put(&theirs).unwrap();
        extend(&world, &student, &made, local("2025-02-08T14:00")).await.unwrap();
        world.work().await;
        let seen = world.view(&student, &made.id).await.booking;
        assert_eq!((seen.slot.end(), seen.nodes), (local("2025-02-08T12:00"), vec!["gpu-01".to_owned()]));
        assert_eq!(nodes(&world, "ab0", "2025-02-08T12:00", "2025-02-08T14:00").await.unwrap(), ["gpu-01"]);
        assert_eq!(nodes(&world, "ac0", "2025-02-08T11:00", "2025-02-08T12:00").await, Err(vec!["full"]), "its own time stays");
    }

    async fn the_database_refuses_a_node_that_is_held(backend: Backend) {
        let world = two_nodes(backend).await;
        let student = world.student("aa0").await;
        let made = wish(&world, &student, "2025-02-08T10:00", "2025-02-08T12:00").await.unwrap();
        let hold = async |from: &str, booking: &BookingId| {
            let span = Interval::new(local(from), local(from) + TimeDelta::hours(1)).unwrap();
            let booking = booking.clone();
            let held = world.app.db.write::<_, DbError, _>("hold", move |conn| {
                let pool = db::pool(conn, &"kvm-clusters".parse().unwrap())?;
                db::hold_nodes(conn, &pool, &span, &booking, &["gpu-01".to_owned()])
            });
            held.await
        };
        assert!(matches!(hold("2025-02-08T11:30", &made.id).await, Err(DbError::OverCapacity)));
        hold("2025-02-08T12:00", &made.id).await.unwrap();
        assert!(hold("2025-02-08T14:00", &BookingId::from_bits(5)).await.is_err(), "no booking holds it");
    }

    async fn names_may_change_but_not_come_or_go_under_a_booking(backend: Backend) {
        let world = two_nodes(backend).await;
        let student = world.student("aa0").await;
        let made = wish(&world, &student, "2025-02-08T10:00", "2025-02-08T12:00").await.unwrap();
        let refused = apply(&world, &course(&[NO_LEAD])).await.unwrap_err().to_string();
        assert!(refused.starts_with("pool.kvm-clusters.nodes: it can't change from named nodes to"), "{refused}");
        apply(&world, &named("\"gpu-02\", \"gpu-03\"")).await.unwrap();
        assert_eq!(world.view(&student, &made.id).await.booking.nodes, ["gpu-01"], "it stays on the node that was taken out");
        assert_eq!(nodes(&world, "ab0", "2025-02-08T10:00", "2025-02-08T12:00").await.unwrap(), ["gpu-02"]);
        world.clock.set(local("2025-02-08T10:00"));
        world.work_until(&student, &made.id, "active").await;
        assert!(world.view(&student, &made.id).await.ends.later.is_empty(), "which it can't have for longer");
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        world.work_until(&student, &made.id, "ended").await;
    }
}
