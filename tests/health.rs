//! Sites that fail: bookings there wait, bookings elsewhere go on, and whoever looks sees the same.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::cloud::port::CloudError;
use fairlease::cloud::simulated::{Fault, Faults, Profile, SimulatedCloud};
use fairlease::db::{self, DbError};
use fairlease::domain::booking::Booking;
use fairlease::domain::course::Course;
use fairlease::domain::health::{CallTally, Condition, Health};
use fairlease::domain::person::Person;
use fairlease::entropy::SeededEntropy;
use fairlease::policy::reconcile::MAX_FAILURES;
use fairlease::services::booking::{self, Wish};
use fairlease::services::{fulfil, health, reaping};
use fairlease::worker;
use tokio::sync::watch;

use crate::support::until;
use crate::world::{World, course, gpu_lab, on_both_databases, slot};

const OTHER_SITE: &str = r#"
[[site]]
id = "chi-uc"
title = "CHI@UC"
cloud = "simulated"
leases = true
"#;

pub(crate) fn two_sites() -> Course {
    course(&[("\n[[lab]]", &(OTHER_SITE.to_owned() + &gpu_lab("chi-uc")))])
}

fn transient() -> Fault {
    Fault::Refuse(CloudError::Transient { message: "503 Service Unavailable".into(), retry_after: None })
}

async fn site(world: &World, id: &str) -> Option<Health> {
    let id = id.parse().unwrap();
    world.app.db.read::<_, DbError, _>("health", move |conn| db::site_health(conn, &id)).await.unwrap()
}

async fn condition(world: &World) -> Condition {
    site(world, "kvm-tacc").await.map_or(Condition::Up, |health| health.condition)
}

/// A booking on the GPU at the other site.
async fn book_gpu(world: &World, person: &Person) -> Booking {
    let slot = slot("2025-02-08T10:00", "2025-02-08T14:00");
    let wish = Wish { person: person.clone(), lab: "gpu".parse().unwrap(), slot, idempotency_key: None };
    booking::book(&world.app, wish).await.unwrap()
}

/// Works for so long, a step each ten seconds.
async fn work_for(world: &World, minutes: i64) {
    for _ in 0..minutes * 6 {
        worker::step(&world.app).await.unwrap();
        world.clock.advance(TimeDelta::seconds(10));
    }
}

/// The most failures in a row that a resource of the booking has.
async fn failures(world: &World, person: &Person, booking: &Booking) -> i32 {
    world.view(person, &booking.id).await.resources.iter().map(|resource| resource.failures).max().unwrap()
}

on_both_databases! {
    async fn a_site_that_hangs_keeps_no_other_waiting(backend: Backend) {
        let world = World::with(backend, two_sites(), Profile::instant()).await;
        let entropy = Arc::new(SeededEntropy::new(2));
        let hanging = SimulatedCloud::in_memory(Profile::instant(), Faults::none(), world.clock.clone(), entropy);
        let hanging = Arc::new(hanging);
        hanging.faults().suffer(Some(Fault::HangBefore(None)));
        let world = world.reaching_also("chi-uc", hanging.clone());
        let student = world.student("ff524").await;
        for n in 0..20 {
            let other = world.student(&format!("gg{n}")).await;
            book_gpu(&world, &other).await;
        }
        let (_stop, stopped) = watch::channel(false);
        let working = tokio::spawn(worker::fulfil::run(world.app.clone(), stopped));
        until(async || (hanging.faults().calls() >= 16).then_some(())).await.expect("the site is asked");
        let made = world.book(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")).await;
        let booked = until(async || (world.state(&student, &made.id).await.word() == "booked").then_some(()));
        booked.await.expect("the booking at the other site goes on");
        assert_eq!(hanging.faults().calls(), 16, "the site that hangs has its own places and no more");
        working.abort();
    }

    async fn a_booking_waits_for_a_site_that_is_down(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        world.cloud.faults().suffer(Some(transient()));
        let made = world.book(&student, slot("2025-02-08T11:00", "2025-02-08T15:00")).await;
        work_for(&world, 3).await;
        assert_eq!(condition(&world).await, Condition::Down);
        let (calls, before) = (world.cloud.faults().calls(), failures(&world, &student, &made).await);
        work_for(&world, 60).await;
        assert_eq!(world.cloud.faults().calls(), calls, "nothing is asked of it but whether it answers");
        assert_eq!(failures(&world, &student, &made).await, before);
        assert!(before < MAX_FAILURES, "{before}");
        assert_eq!(world.state(&student, &made.id).await.word(), "held");

        world.cloud.faults().suffer(None);
        work_for(&world, 1).await;
        assert_eq!(world.state(&student, &made.id).await.word(), "booked");
        world.work_until(&student, &made.id, "active").await;
        assert_eq!(condition(&world).await, Condition::Up, "many calls were answered");
    }

    async fn what_is_to_be_deleted_waits_likewise(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        world.cloud.faults().suffer(Some(transient()));
        booking::release(&world.app, student.clone(), made.id.clone()).await.unwrap();
        work_for(&world, 3).await;
        assert_eq!(condition(&world).await, Condition::Down);
        let calls = world.cloud.faults().calls();
        work_for(&world, 10).await;
        assert_eq!(world.cloud.faults().calls(), calls);
        world.cloud.faults().suffer(None);
        world.work_until(&student, &made.id, "ended").await;
        assert!(world.held().is_empty());
    }

    async fn looks_alone_tell_and_every_process_sees_the_same(backend: Backend) {
        let world = World::new(backend).await;
        let other = world.beside();
        let student = world.student("ff524").await;
        world.book(&student, slot("2025-02-08T12:00", "2025-02-08T16:00")).await;
        assert_eq!(health::look(&world.app).await.unwrap(), "1 of 1 sites answered");
        assert_eq!(site(&world, "kvm-tacc").await.unwrap().last_ok, Some(world.app.now()));
        world.cloud.faults().suffer(Some(Fault::Refuse(CloudError::Unauthorised("401".into()))));
        let began = world.app.now() + TimeDelta::seconds(30);
        for n in 0..6 {
            world.clock.advance(TimeDelta::seconds(30));
            let looker = if n % 2 == 0 { &other } else { &world.app };
            assert_eq!(health::look(looker).await.unwrap(), "0 of 1 sites answered");
        }
        let down = site(&world, "kvm-tacc").await.unwrap();
        assert_eq!((down.condition, down.since, down.failures), (Condition::Down, began, 6));
        assert_eq!(down.last_fault.unwrap().1.class, "unauthorised");
        for app in [&world.app, &other] {
            assert!(fulfil::claim(app, |_| 16).await.unwrap().is_empty());
        }
        world.cloud.faults().suffer(None);
        world.clock.advance(TimeDelta::seconds(30));
        health::look(&world.app).await.unwrap();
        assert_eq!(condition(&world).await, Condition::Degraded);
        assert_eq!(fulfil::claim(&other, |_| 16).await.unwrap().len(), 1);
    }

    async fn calls_are_counted_and_forgotten_after_a_day(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let made = world.book(&student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await;
        world.work_until(&student, &made.id, "active").await;
        world.clock.advance(TimeDelta::seconds(30));
        let ended = reaping::observe(&world.app).await.unwrap().plan;
        assert!(ended.actions.is_empty());
        let counted = async || {
            let since = world.app.now() - TimeDelta::days(2);
            world.app.db.read::<_, DbError, _>("calls", move |conn| db::calls_since(conn, since)).await.unwrap()
        };
        let calls: i64 = counted().await.iter().map(|tally| tally.calls).sum();
        assert_eq!(usize::try_from(calls).unwrap(), world.cloud.faults().calls(), "each is counted once");
        let of = |operation: &'static str| move |tally: &&CallTally| tally.operation == operation;
        let servers: i64 = counted().await.iter().filter(of("ensure_server")).map(|tally| tally.calls).sum();
        assert!(servers >= 3, "{servers}");
        world.clock.advance(TimeDelta::hours(25));
        health::look(&world.app).await.unwrap();
        let left: Vec<_> = counted().await.into_iter().map(|tally| (tally.operation, tally.calls)).collect();
        assert_eq!(left, [("health".to_owned(), 1)]);
    }
}
