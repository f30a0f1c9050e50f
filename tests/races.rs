//! Many at once: exactly as many win as there is room for.

use std::sync::Arc;

use fairlease::cloud::simulated::Profile;
use fairlease::db::{self, Db, DbError};
use fairlease::services::App;
use fairlease::services::booking::{self, BookingError, Wish};
use futures_util::future::join_all;

use crate::world::{World, course, on_both_databases, slot};

/// Outcomes of wishes made at the same time, each on one of the apps in turn.
async fn race(apps: &[Arc<App>], wishes: Vec<Wish>) -> Vec<Result<(), Vec<&'static str>>> {
    let racing = wishes.into_iter().enumerate().map(|(n, wish)| {
        let app = apps[n % apps.len()].clone();
        tokio::spawn(async move {
            match booking::book(&app, wish).await {
                Ok(_) => Ok(()),
                Err(BookingError::Refused(refusal)) => Err(refusal
                    .violations
                    .iter()
                    .map(fairlease::policy::admission::Violation::code)
                    .collect()),
                Err(other) => panic!("neither booked nor refused: {other}"),
            }
        })
    });
    join_all(racing).await.into_iter().map(Result::unwrap).collect()
}

/// The world's app and a second one with connections of its own, as another process would have.
fn two_apps(world: &World) -> Vec<Arc<App>> {
    let other = World::with_faults(world, Profile::instant(), fairlease::cloud::simulated::Faults::none(), 2);
    let other =
        Arc::try_unwrap(other.app).map(|app| App { db: Db::open(&world.database_url()).unwrap(), ..app });
    vec![world.app.clone(), Arc::new(other.unwrap())]
}

on_both_databases! {
    async fn of_300_for_the_last_unit_one_wins(backend: Backend) {
        let world = World::with(backend, course(&[("capacity = 30 ", "capacity = 1 ")]), Profile::instant()).await;
        let mut wishes = Vec::new();
        for n in 0..300 {
            let student = world.student(&format!("st{n}0")).await;
            wishes.push(World::wish(&student, slot("2025-02-08T10:00", "2025-02-08T14:00")));
        }
        let outcomes = race(&two_apps(&world), wishes).await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 299));
        assert!(lost.iter().all(|codes| *codes == Err(vec!["full"])), "{lost:?}");
        assert_eq!(world.booked_at("2025-02-08T13:30").await, 1);
    }

    async fn of_40_wishes_of_one_person_two_win(backend: Backend) {
        let world = World::new(backend).await;
        let student = world.student("ff524").await;
        let starts = (0..40).map(|n| format!("2025-02-{}T{:02}:{}0", 8 + n % 2 * 2, 10 + n / 4, n / 2 % 2 * 3));
        let wishes = starts.map(|start| {
            let start = crate::world::local(&start);
            let half_an_hour = chrono::TimeDelta::minutes(30);
            World::wish(&student, fairlease::domain::interval::Interval::new(start, start + half_an_hour).unwrap())
        });
        let outcomes = race(&two_apps(&world), wishes.collect()).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    }

    /// Case 19 of the course's facts: of those who want one node, one wins, and none shares it.
    async fn of_many_for_the_last_nodes_none_is_given_twice(backend: Backend) {
        let nodes = ("capacity = 30 ", "nodes = [\"a\", \"b\", \"c\", \"d\"] ");
        let world = World::with(backend, course(&[nodes]), Profile::instant()).await;
        let mut wishes = Vec::new();
        for n in 0..120 {
            let student = world.student(&format!("st{n}0")).await;
            let hour = 10 + n % 5;
            wishes.push(World::wish(&student, slot(&format!("2025-02-08T{hour}:00"), &format!("2025-02-08T{}:00", hour + 1 + n % 3))));
        }
        let outcomes = race(&two_apps(&world), wishes).await;
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().err().is_none_or(|codes| *codes == ["full"])), "{outcomes:?}");
        let made = world.app.db.read::<_, DbError, _>("made", |conn| db::latest_bookings(conn, None, 500)).await.unwrap();
        let pool = &course(&[nodes]).pools[0];
        assert!(made.len() >= 4 && made.iter().all(|(booking, _)| booking.nodes.len() == 1), "{made:?}");
        for (n, (one, _)) in made.iter().enumerate() {
            for (other, _) in &made[n + 1..] {
                let apart = !pool.held(&one.slot).overlaps(&pool.held(&other.slot));
                assert!(apart || one.nodes != other.nodes, "{one:?} and {other:?}");
            }
        }
    }

    async fn overlapping_slots_never_exceed_capacity(backend: Backend) {
        let world = World::with(backend, course(&[("capacity = 30 ", "capacity = 5 ")]), Profile::instant()).await;
        let mut wishes = Vec::new();
        for n in 0..60 {
            let student = world.student(&format!("st{n}0")).await;
            let hour = 10 + n % 6;
            wishes.push(World::wish(&student, slot(&format!("2025-02-08T{hour}:00"), &format!("2025-02-08T{}:00", hour + 3))));
        }
        let outcomes = race(&two_apps(&world), wishes).await;
        assert!(outcomes.iter().any(Result::is_ok));
        for half_hour in 18..38 {
            let cell = format!("2025-02-08T{:02}:{:02}", half_hour / 2, half_hour % 2 * 30);
            assert!(world.booked_at(&cell).await <= 5, "{cell}");
        }
    }
}
