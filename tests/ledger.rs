//! Whether the ledger of usage agrees is looked at, and what nobody asks for any more is forgotten.

use chrono::TimeDelta;
use fairlease::db::{self, DbError};
use fairlease::domain::interval::Interval;
use fairlease::domain::person::Person;
use fairlease::domain::usage::{Rate, Source, UsageLine, UsageTotal, Why};
use fairlease::policy::fitness::{Check, Verdict};
use fairlease::services::receipts::{self, REFUSALS_FOR};
use fairlease::services::{booking, doctor};
use fairlease::worker;

use crate::world::{World, on_both_databases, slot};

async fn looked_at(world: &World) -> Vec<Check> {
    let now = world.app.now();
    world.app.db.read("doctor", move |conn| doctor::ledger(conn, now)).await.unwrap()
}

async fn failed(world: &World) -> Vec<String> {
    let checks = looked_at(world).await.into_iter();
    let failed = checks.filter(|check| check.verdict == Verdict::Fail);
    failed.map(|check| format!("{}: {}", check.what, check.found)).collect()
}

fn saturday() -> Interval {
    slot("2025-02-08T10:00", "2025-02-08T14:00")
}

async fn kinds(world: &World, person: &Person) -> Vec<String> {
    let id = person.id.clone();
    let kept = world.app.db.read("kept", move |conn| db::receipts_of_person(conn, &id)).await.unwrap();
    kept.into_iter().map(|receipt| receipt.kind).collect()
}

on_both_databases! {
    async fn a_line_or_a_total_that_somebody_changed_is_found(backend: Backend) {
        let world = World::new(backend).await;
        let (ada, ben) = (world.student("ff524").await, world.student("gg777").await);
        let kept = world.book(&ada, saturday()).await;
        let given_back = world.book(&ada, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        booking::release(&world.app, ada.clone(), given_back.id.clone()).await.unwrap();
        let checks = looked_at(&world).await;
        assert!(checks.iter().all(|check| check.verdict == Verdict::Pass), "{checks:?}");
        assert_eq!(checks[1].found, "agrees with all 2 bookings");

        let extra = UsageLine {
            source: Source::Booking(given_back.id.clone()),
            number: 0,
            person: ada.id.clone(),
            why: Why::Changed,
            at: world.app.now(),
            gives_back: false,
            from: saturday().start(),
            until: Some(saturday().end()),
            rate: Rate::of(&given_back),
        };
        let to_ben = UsageLine {
            source: Source::Booking(kept.id.clone()),
            person: ben.id.clone(),
            until: Some(saturday().start() + TimeDelta::minutes(1)),
            ..extra.clone()
        };
        let total = UsageTotal { at: world.app.now(), server_hours_micro: 5_000_000, su_micro: 0 };
        world.app.db.write::<_, DbError, _>("tamper", move |conn| {
            db::begin_by_hand(conn, &extra)?;
            db::begin_by_hand(conn, &to_ben)?;
            db::fold(conn, &ben.id, &total, &[])
        }).await.unwrap();
        let failed = failed(&world).await;
        assert_eq!(failed.len(), 3, "{failed:?}");
        assert!(failed[0].starts_with("usage of gg777: the total comes to 5.05 server-hours"), "{failed:?}");
        let (one, two) = (format!("usage of booking {} of ff524: ", kept.id), format!("usage of booking {} of ff524: ", given_back.id));
        assert!(failed.iter().any(|said| said.starts_with(&one)), "{failed:?}");
        assert!(failed.contains(&format!("{two}its lines come to 12 server-hours")), "{failed:?}");
    }

    async fn refusals_are_forgotten_after_their_time_and_grants_are_not(backend: Backend) {
        let world = World::new(backend).await;
        let ada = world.student("ff524").await;
        world.book(&ada, saturday()).await;
        let wish = World::wish(&ada, slot("2025-02-07T10:00", "2025-02-07T14:00"));
        booking::book(&world.app, wish).await.unwrap_err();
        assert_eq!(kinds(&world, &ada).await.len(), 2);
        world.clock.advance(REFUSALS_FOR);
        assert_eq!(receipts::forget(&world.app).await.unwrap(), 0, "to the day");
        world.clock.advance(TimeDelta::hours(1));
        worker::cron::hour(&world.app).await;
        assert_eq!(kinds(&world, &ada).await, [receipts::GRANTED]);
        assert_eq!(receipts::forget(&world.app).await.unwrap(), 0);
    }

    async fn no_more_is_forgotten_at_once_than_is_asked(backend: Backend) {
        let world = World::new(backend).await;
        let ada = world.student("ff524").await;
        for _ in 0..3 {
            let wish = World::wish(&ada, slot("2025-02-07T10:00", "2025-02-07T14:00"));
            booking::book(&world.app, wish).await.unwrap_err();
        }
        let before = world.app.now() + TimeDelta::seconds(1);
        let forget = move |conn: &mut db::Conn<'_>| db::forget_receipts(conn, receipts::REFUSED, before, 2);
        for (times, forgotten) in [2, 1, 0].into_iter().enumerate() {
            let some = world.app.db.write::<_, DbError, _>("forget", forget).await.unwrap();
            assert_eq!(some, forgotten, "the {}. time", times + 1);
        }
    }
}
