//! What students make by hand counts as their usage, once, from when it was made until it is gone.

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::port::{Cloud as _, CloudError};
use fairlease::cloud::simulated::{Fault, Object};
use fairlease::db::{self, DbError};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::person::Person;
use fairlease::domain::usage::{Source, UsageLine, Why};
use fairlease::services::fair_share::{self, Mine};
use fairlease::services::reaping;
use futures_util::future::join_all;

use crate::world::{World, local, on_both_databases};

const NINE: &str = "2025-02-08T09:00";

fn put(world: &World, id: &str, name: &str, made: &str) {
    world.cloud.put(&Object::by_hand(Kind::Server, id, name, local(made))).unwrap();
}

async fn delete(world: &World, id: &str) {
    world.cloud.release(Kind::Server, id).await.unwrap();
}

async fn sweep(world: &World, at: &str) {
    world.clock.set(local(at));
    reaping::sweep(&world.app).await.unwrap();
}

async fn mine(world: &World, person: &Person) -> Mine {
    let (person, now) = (person.clone(), world.app.now());
    let mine = world.app.db.read("mine", move |conn| fair_share::mine(conn, &person, now)).await;
    mine.unwrap()
}

/// From when up to when each line counts, the first first.
fn spans(lines: &[UsageLine]) -> Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    lines.iter().rev().map(|line| (line.from, line.until)).collect()
}

/// What counts, in server-hours; hours fade by less than a twentieth in a day.
async fn usage(world: &World, person: &Person) -> f64 {
    mine(world, person).await.usage as f64 / 1e6
}

async fn assert_agrees(world: &World) {
    let now = world.app.now();
    let wrong = world.app.db.read("check", move |conn| fair_share::check(conn, now)).await.unwrap();
    assert_eq!(wrong, []);
}

on_both_databases! {
    async fn a_server_counts_once_from_when_it_was_made_until_it_is_gone(backend: Backend) {
        let world = World::new(backend).await;
        let (ada, ben) = (world.student("ff524").await, world.student("gg777").await);
        put(&world, "hers", "node1-cloud-ff524", NINE);
        put(&world, "nobodys", "test", NINE);
        put(&world, "projects", "ff524-project51", NINE);
        sweep(&world, "2025-02-08T10:00").await;
        let seen = mine(&world, &ada).await;
        assert_eq!(spans(&seen.lines), [(local(NINE), None)]);
        let line = &seen.lines[0];
        assert_eq!((line.why, line.number, line.rate.servers), (Why::ByHand, 1, 1));
        assert_eq!(line.source, Source::ByHand("kvm-tacc server hers".to_owned()));
        assert!((0.99..=1.0).contains(&usage(&world, &ada).await));
        world.clock.set(local("2025-02-08T12:59"));
        let hours = usage(&world, &ada).await;
        assert!((3.9..4.0).contains(&hours), "it runs on without a sweep: {hours}");
        sweep(&world, "2025-02-08T13:00").await;
        sweep(&world, "2025-02-08T13:01").await;
        assert_eq!(mine(&world, &ada).await.lines, seen.lines, "nothing new is written");

        delete(&world, "hers").await;
        sweep(&world, "2025-02-08T13:02").await;
        let ended = mine(&world, &ada).await.lines;
        assert_eq!(spans(&ended), [(local(NINE), Some(local("2025-02-08T13:01")))]);
        sweep(&world, "2025-02-08T18:00").await;
        let over = mine(&world, &ada).await;
        assert_eq!(over.lines, ended);
        assert!((3.8..4.1).contains(&usage(&world, &ada).await), "{over:?}");
        assert!(usage(&world, &ben).await < 1e-9);
        let (first, last) = (fair_share_of(&world, &ben).await, fair_share_of(&world, &ada).await);
        assert!(first > last, "who made nothing comes first: {first} {last}");
        assert_agrees(&world).await;
    }

    async fn a_listing_that_failed_or_shrank_ends_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let ada = world.student("ff524").await;
        for number in 0..6 {
            put(&world, &format!("s{number}"), &format!("node{number}-ff524"), NINE);
        }
        sweep(&world, "2025-02-08T10:00").await;
        let before = mine(&world, &ada).await.lines;
        assert_eq!(before.len(), 6);
        world.cloud.faults().suffer(Some(Fault::Refuse(CloudError::Permanent("500".into()))));
        sweep(&world, "2025-02-08T10:01").await;
        world.cloud.faults().suffer(None);
        for number in 0..6 {
            delete(&world, &format!("s{number}")).await;
        }
        sweep(&world, "2025-02-08T10:02").await;
        assert_eq!(mine(&world, &ada).await.lines, before, "all of it at once is more than is believed");
        sweep(&world, "2025-02-08T18:00").await;
        let after = mine(&world, &ada).await.lines;
        let ten = Some(local("2025-02-08T10:00"));
        assert!(after.len() == 6 && after.iter().all(|line| line.until == ten), "as it was last seen: {after:?}");
    }

    async fn what_turns_out_to_be_anothers_goes_on_as_theirs(backend: Backend) {
        let world = World::new(backend).await;
        let (ada, ben) = (world.student("ff524").await, world.student("gg777").await);
        put(&world, "s", "node1-ff524", NINE);
        sweep(&world, "2025-02-08T10:00").await;
        put(&world, "s", "node1-gg777", NINE);
        sweep(&world, "2025-02-08T11:00").await;
        let eleven = local("2025-02-08T11:00");
        assert_eq!(spans(&mine(&world, &ada).await.lines), [(local(NINE), Some(eleven))]);
        assert_eq!(spans(&mine(&world, &ben).await.lines), [(eleven, None)]);
        delete(&world, "s").await;
        sweep(&world, "2025-02-08T11:01").await;
        put(&world, "s", "node1-gg777", NINE);
        sweep(&world, "2025-02-08T14:00").await;
        let spans = spans(&mine(&world, &ben).await.lines);
        assert_eq!(spans.last(), Some(&(local("2025-02-08T14:00"), None)), "{spans:?}: not for the time between");
        assert_agrees(&world).await;
    }

    async fn sweeps_at_once_begin_and_end_each_line_once(backend: Backend) {
        let world = World::new(backend).await;
        let ada = world.student("ff524").await;
        let names: Vec<_> = (0..12).map(|number| format!("node{number}-ff524")).collect();
        for name in &names {
            put(&world, name, name, NINE);
        }
        put(&world, "course", "course", NINE);
        let apps: Vec<_> = (0..4).map(|_| world.beside()).collect();
        let sweep_all = async |at: DateTime<Utc>| {
            world.clock.set(at);
            let sweeps = apps.clone().into_iter().map(|app| tokio::spawn(async move { reaping::sweep(&app).await }));
            for swept in join_all(sweeps).await {
                swept.unwrap().unwrap();
            }
        };
        sweep_all(local("2025-02-08T10:00")).await;
        assert_eq!(mine(&world, &ada).await.lines.len(), 12);
        for name in names.iter().take(4) {
            delete(&world, name).await;
        }
        sweep_all(local("2025-02-08T10:01")).await;
        sweep_all(local("2025-02-08T10:02")).await;
        let lines = mine(&world, &ada).await.lines;
        let ended = lines.iter().filter(|line| line.until == Some(local("2025-02-08T10:00"))).count();
        assert_eq!((lines.len(), ended), (12, 4));
    }

    /// What is remembered of a listing is remembered as a whole, and a line that runs stands alone.
    async fn a_line_that_runs_is_refused_a_second(backend: Backend) {
        let world = World::new(backend).await;
        let ada = world.student("ff524").await;
        put(&world, "s", "node1-ff524", NINE);
        sweep(&world, "2025-02-08T10:00").await;
        let line = mine(&world, &ada).await.lines[0].clone();
        let again = world.app.db.write::<_, DbError, _>("again", move |conn| db::begin_by_hand(conn, &line)).await;
        assert!(matches!(again, Err(DbError::Duplicate(_))), "{again:?}");
        sweep(&world, "2025-02-08T10:00").await;
        assert_eq!(mine(&world, &ada).await.lines.len(), 1, "the same instant is no later listing");
        world.clock.advance(TimeDelta::hours(1));
        assert!((1.9..2.0).contains(&usage(&world, &ada).await));
    }
}

async fn fair_share_of(world: &World, person: &Person) -> f64 {
    let (id, now) = (person.id.clone(), world.app.now());
    let standings = world.app.db.read("standings", move |conn| fair_share::standings(conn, now)).await;
    standings.unwrap().factor(&id)
}
