//! A worker that dies at any call to the cloud leaks nothing: the next one finishes what it began.

use chrono::TimeDelta;
use fairlease::cloud::port::CloudError;
use fairlease::cloud::simulated::{Fault, Faults, Object, Profile};
use fairlease::domain::ids::BookingId;
use fairlease::domain::person::Person;
use fairlease::services::booking;
use fairlease::services::fulfil::{self, Claimed};

use crate::world::{Backend, World, course, on_both_databases, slot};

/// A world with room for one life after another in the same slot.
async fn roomy(backend: Backend) -> World {
    World::with(backend, course(&[("capacity = 30 ", "capacity = 1000 ")]), Profile::instant()).await
}

/// A booking whose preparation begins at once.
async fn book(world: &World, student: &Person) -> BookingId {
    world.book(student, slot("2025-02-08T09:30", "2025-02-08T12:00")).await.id
}

/// Works as one worker that dies when a call hangs: what it was doing is dropped in the middle, and its claims stand
/// until they run out.
async fn work_until_death(world: &World) {
    loop {
        let due = fulfil::claim(&world.app, |_| 10).await.unwrap();
        if due.is_empty() {
            return;
        }
        for Claimed { id, token, .. } in due {
            tokio::select! {
                biased;
                done = fulfil::advance(&world.app, &id, &token) => done.unwrap(),
                () = world.cloud.faults().hung() => {
                    world.clock.advance(world.app.claim + TimeDelta::seconds(1));
                    return;
                }
            }
        }
    }
}

/// The whole life of a booking, with a death wherever the faults say so; ends with an assertion that nothing is left.
async fn live_and_end(world: &World, student: &Person, what: &str) {
    let id = book(world, student).await;
    work_until_death(world).await;
    world.work_until(student, &id, "active").await;
    let held = world.held();
    assert_eq!(held.len(), 10, "{what}: one object of each name: {:?}", held.keys());
    assert_eq!(world.cloud.objects().unwrap().len(), 10, "{what}: nothing twice");
    booking::release(&world.app, student.clone(), id.clone()).await.unwrap();
    work_until_death(world).await;
    world.work_until(student, &id, "ended").await;
    assert!(world.held().is_empty(), "{what}: {:?}", world.held().keys());
}

async fn calls_of_a_life(world: &World, student: &Person) -> usize {
    let counting = world.with_faults(Profile::instant(), Faults::none(), 2);
    live_and_end(&counting, student, "no fault").await;
    counting.cloud.faults().calls()
}

on_both_databases! {
    async fn a_death_before_or_after_any_call_leaks_nothing(backend: Backend) {
        let world = roomy(backend).await;
        let start = fairlease::clock::Clock::now(world.clock.as_ref());
        let student = world.student("ff524").await;
        let calls = calls_of_a_life(&world, &student).await;
        assert!(calls > 20, "a life takes {calls} calls");
        for call in 0..calls {
            for (when, fault) in [("before", Fault::HangBefore(None)), ("after", Fault::HangAfter(None))] {
                world.clock.set(start);
                let doomed = world.with_faults(Profile::instant(), Faults::at(call, fault), 10 + call as u64 * 2 + u64::from(when == "after"));
                live_and_end(&doomed, &student, &format!("death {when} call {call}")).await;
            }
        }
    }

    async fn a_lost_answer_or_a_passing_error_at_any_call_leaks_nothing(backend: Backend) {
        let world = roomy(backend).await;
        let start = fairlease::clock::Clock::now(world.clock.as_ref());
        let student = world.student("ff524").await;
        let calls = calls_of_a_life(&world, &student).await;
        let passing = CloudError::Transient { message: "503".to_owned(), retry_after: None };
        for call in 0..calls {
            for (n, fault) in [(0, Fault::LoseAnswer), (1, Fault::Refuse(passing.clone()))] {
                world.clock.set(start);
                let faulty = world.with_faults(Profile::instant(), Faults::at(call, fault.clone()), 1000 + call as u64 * 2 + n);
                live_and_end(&faulty, &student, &format!("{fault:?} at call {call}")).await;
            }
        }
    }

    async fn what_comes_late_and_stands_in_the_way_goes_too(backend: Backend) {
        let world = roomy(backend).await;
        let student = world.student("ff524").await;
        let id = book(&world, &student).await;
        world.work_until(&student, &id, "active").await;
        let late = world.held().into_values().find(|object| object.name.starts_with("node2--")).unwrap();
        booking::release(&world.app, student.clone(), id.clone()).await.unwrap();
        world.cloud.put(&Object { site_ref: "made-late".to_owned(), ..late }).unwrap();
        world.work_until(&student, &id, "ended").await;
        assert!(world.held().is_empty(), "{:?}", world.held().keys());
    }

    async fn given_back_while_the_worker_is_dead_leaks_nothing(backend: Backend) {
        let world = roomy(backend).await;
        let start = fairlease::clock::Clock::now(world.clock.as_ref());
        let student = world.student("ff524").await;
        let counting = world.with_faults(Profile::instant(), Faults::none(), 3);
        let id = book(&counting, &student).await;
        counting.work_until(&student, &id, "active").await;
        let calls_until_active = counting.cloud.faults().calls();
        booking::release(&counting.app, student.clone(), id).await.unwrap();
        counting.work().await;
        for call in 0..calls_until_active {
            world.clock.set(start);
            let doomed = world.with_faults(Profile::instant(), Faults::at(call, Fault::HangAfter(None)), 5000 + call as u64);
            let id = book(&doomed, &student).await;
            work_until_death(&doomed).await;
            booking::release(&doomed.app, student.clone(), id.clone()).await.unwrap();
            doomed.work_until(&student, &id, "ended").await;
            assert!(doomed.held().is_empty(), "call {call}: {:?}", doomed.held().keys());
        }
    }
}
