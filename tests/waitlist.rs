//! Those who wait: who is offered what, and what becomes of it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::simulated::Profile;
use fairlease::db::{self, Db, DbError};
use fairlease::domain::booking::{Booking, EndReason, State};
use fairlease::domain::ids::{BookingId, WaitId};
use fairlease::domain::interval::Interval;
use fairlease::domain::person::Person;
use fairlease::domain::waitlist::{Asked, Outcome, Wait, WaitState};
use fairlease::services::booking::{self, BookingError};
use fairlease::services::waitlist::{self, WaitError};
use fairlease::services::{App, fair_share};
use fairlease::worker;
use futures_util::future::join_all;

use crate::world::{World, course, local, on_both_databases, slot};

/// So many places, and nobody who has to sleep.
fn places(count: i32) -> fairlease::domain::course::Course {
    course(&[("capacity = 30 ", &format!("capacity = {count} "))])
}

/// Saturday from ten to two.
fn saturday() -> Interval {
    slot("2025-02-08T10:00", "2025-02-08T14:00")
}

fn asked(windows: &[Interval]) -> Asked {
    Asked { length_minutes: 240, windows: windows.to_vec(), auto_accept: false }
}

async fn join(world: &World, person: &Person, asked: Asked) -> Wait {
    waitlist::join(&world.app, person.clone(), "k8s".parse().unwrap(), asked).await.unwrap()
}

async fn wait(world: &World, id: &WaitId) -> Wait {
    let id = id.clone();
    world.app.db.read::<_, DbError, _>("wait", move |conn| db::wait(conn, &id)).await.unwrap().unwrap()
}

async fn booking_of(world: &World, id: &BookingId) -> Booking {
    let id = id.clone();
    world.app.db.read::<_, DbError, _>("booking", move |conn| db::booking(conn, &id)).await.unwrap().unwrap()
}

/// What is offered to this wait at present.
async fn offer(world: &World, id: &WaitId) -> Option<Booking> {
    match wait(world, id).await.state {
        WaitState::Offered(booking) => Some(booking_of(world, &booking).await),
        _ => None,
    }
}

async fn factor(world: &World, person: &Person) -> f64 {
    let (id, now) = (person.id.clone(), world.app.now());
    let found =
        world.app.db.read::<_, DbError, _>("standing", move |conn| fair_share::standings(conn, now)).await;
    found.unwrap().factor(&id)
}

/// The decisions about a booking, made again.
async fn replayed(world: &World, booking: Booking) -> waitlist::Replay {
    let made = world.app.db.read::<_, DbError, _>("replay", move |conn| {
        let receipts = waitlist::receipts_of(conn, &booking)?;
        waitlist::replay(conn, &receipts)
    });
    made.await.unwrap()
}

/// What counts of this person, in server-hours.
async fn usage(world: &World, person: &Person) -> f64 {
    let (person, now) = (person.clone(), world.app.now());
    let mine =
        world.app.db.read::<_, DbError, _>("mine", move |conn| fair_share::mine(conn, &person, now)).await;
    f64::from(u32::try_from(mine.unwrap().usage).unwrap()) / 1e6
}

/// The world's app and a second one with connections of its own, as another process would have.
fn two_apps(world: &World) -> Vec<Arc<App>> {
    let other = Arc::try_unwrap(world.beside());
    let other = other.map(|app| App { db: Db::open(&world.database_url()).unwrap(), ..app });
    vec![world.app.clone(), Arc::new(other.unwrap())]
}

on_both_databases! {
    async fn what_is_given_back_is_offered_to_who_used_least_and_booked_by_one_click(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, heavy, light) =
            (world.student("ho2").await, world.student("he2").await, world.student("li2").await);
        world.book(&heavy, slot("2025-02-10T10:00", "2025-02-10T14:00")).await;
        let held = world.book(&holder, saturday()).await;
        let first = join(&world, &heavy, asked(&[saturday()])).await;
        let second = join(&world, &light, asked(&[saturday()])).await;
        assert_eq!((&first.state, &second.state), (&WaitState::Waiting, &WaitState::Waiting));
        assert!(factor(&world, &light).await > factor(&world, &heavy).await);

        booking::release(&world.app, holder.clone(), held.id.clone()).await.unwrap();
        world.work().await;

        assert!(offer(&world, &first.id).await.is_none(), "who used more waits on, though they came first");
        let offered = offer(&world, &second.id).await.unwrap();
        assert_eq!((offered.slot, offered.person.clone()), (saturday(), light.id.clone()));
        assert_eq!(offered.state.offered_until(), Some(local("2025-02-08T09:30")), "it is held from then on, and an hour would be 10:10");
        assert!(world.subjects().iter().any(|subject| subject.contains("A place for you")), "{:?}", world.subjects());
        assert!((usage(&world, &light).await - 13.5).abs() < 1e-6, "it is charged while it is offered, its lead too");

        let taken = waitlist::accept(&world.app, light.clone(), offered.id.clone()).await.unwrap();
        assert!(taken.state.is_live() && taken.state.offered_until().is_none());
        assert_eq!(waitlist::accept(&world.app, light.clone(), offered.id.clone()).await.unwrap().id, taken.id);
        let state = wait(&world, &second.id).await.state;
        assert!(matches!(state, WaitState::Ended { outcome: Outcome::Served(_), .. }), "{state:?}");
        world.clock.advance(TimeDelta::hours(1));
        world.work_until(&light, &taken.id, "active").await;
    }

    async fn what_is_offered_in_an_outage_is_withdrawn_and_who_waits_keeps_their_age(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one) = (world.student("ho2").await, world.student("on2").await);
        let (monday, wednesday) =
            (slot("2025-02-10T10:00", "2025-02-10T14:00"), slot("2025-02-12T10:00", "2025-02-12T14:00"));
        let held = world.book(&holder, wednesday).await;
        world.book(&world.student("tw2").await, monday).await;
        let first = join(&world, &one, asked(&[monday, wednesday])).await;
        world.clock.advance(TimeDelta::minutes(1));
        booking::release(&world.app, holder, held.id).await.unwrap();
        world.work().await;
        let offered = offer(&world, &first.id).await.unwrap();
        crate::outages::declare(&world, "site:kvm-tacc", "2025-02-12T08:00", Some("2025-02-12T20:00")).await.unwrap();
        world.work().await;
        let taken_back = booking_of(&world, &offered.id).await;
        assert_eq!(taken_back.state.reason(), Some(EndReason::Displaced));
        let wait = wait(&world, &first.id).await;
        assert_eq!((&wait.state, wait.age_from, wait.lapses), (&WaitState::Waiting, first.age_from, 0));
        assert!(usage(&world, &one).await.abs() < 1e-6, "it costs nothing");
        assert!(offer(&world, &first.id).await.is_none(), "nothing is offered in an outage");
    }

    async fn what_is_passed_or_not_answered_goes_on_and_is_not_offered_again(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one, two) =
            (world.student("ho2").await, world.student("on2").await, world.student("tw2").await);
        let wednesday = slot("2025-02-12T10:00", "2025-02-12T14:00");
        let held = world.book(&holder, wednesday).await;
        let first = join(&world, &one, asked(&[wednesday])).await;
        world.clock.advance(TimeDelta::minutes(1));
        let second = join(&world, &two, asked(&[wednesday])).await;
        booking::release(&world.app, holder, held.id).await.unwrap();
        world.work().await;
        let offered = offer(&world, &first.id).await.unwrap();
        assert_eq!(offered.state.offered_until(), Some(world.app.now() + TimeDelta::hours(1)));

        waitlist::pass(&world.app, one.clone(), offered.id.clone()).await.unwrap();
        waitlist::pass(&world.app, one.clone(), offered.id.clone()).await.unwrap();
        assert!(usage(&world, &one).await.abs() < 1e-6, "what is passed costs nothing");
        let passed = wait(&world, &first.id).await;
        assert_eq!((passed.age_from, passed.passed.len()), (world.app.now(), 1));
        let next = offer(&world, &second.id).await.unwrap();
        let error = waitlist::accept(&world.app, one.clone(), offered.id.clone()).await.unwrap_err();
        assert!(matches!(error, WaitError::OfferOver), "{error}");
        let error = waitlist::accept(&world.app, one.clone(), next.id.clone()).await.unwrap_err();
        assert!(matches!(error, WaitError::NoSuchOffer(_)), "somebody else's: {error}");

        world.clock.advance(TimeDelta::hours(1));
        world.work().await;
        let lapsed = booking_of(&world, &next.id).await;
        assert_eq!(lapsed.state.reason(), Some(EndReason::Lapsed));
        assert!(matches!(lapsed.state, State::Ended { .. }), "nothing was made of it");
        assert_eq!(wait(&world, &second.id).await.lapses, 1);
        assert!(offer(&world, &first.id).await.is_none() && offer(&world, &second.id).await.is_none());
        assert_eq!(world.booked_at("2025-02-12T12:00").await, 0, "nobody wants it: it is free for everyone");
    }

    /// "50 waiters, 5 places freed at once, two workers: exactly 5 offers, to the right five."
    async fn of_50_who_wait_the_right_five_are_offered_five_places(backend: Backend) {
        let world = World::with(backend, places(5), Profile::instant()).await;
        let mut holders = Vec::new();
        for n in 0..5 {
            let holder = world.student(&format!("ho{n}2")).await;
            let held = world.book(&holder, saturday()).await;
            holders.push((holder, held.id));
        }
        let mut waiters = Vec::new();
        for n in 0..50_i64 {
            let student = world.student(&format!("wa{n}2")).await;
            // Whoever has a number that leaves 7 when divided by 10 has used nothing; the others have, the higher the more.
            if n % 10 != 7 {
                let group = n / 5;
                let day = if group < 6 { local("2025-02-10T00:00") } else { local("2025-02-12T00:00") };
                let start = day + TimeDelta::hours(4 * (group % 6));
                world.book(&student, Interval::new(start, start + TimeDelta::minutes(30 + 30 * (n % 7))).unwrap()).await;
            }
            waiters.push((n, join(&world, &student, asked(&[saturday()])).await));
        }
        let apps = two_apps(&world);
        let releasing = holders.into_iter().enumerate().map(|(n, (holder, id))| {
            let app = apps[n % 2].clone();
            tokio::spawn(async move { booking::release(&app, holder, id).await.unwrap() })
        });
        join_all(releasing).await.into_iter().for_each(Result::unwrap);
        let working = apps.iter().cycle().take(8).map(|app| {
            let app = app.clone();
            tokio::spawn(async move {
                worker::step(&app).await.unwrap();
                waitlist::go_through_all(&app).await.unwrap();
            })
        });
        join_all(working).await.into_iter().for_each(Result::unwrap);
        waitlist::go_through_all(&world.app).await.unwrap();

        let mut offered = Vec::new();
        for (n, waiting) in &waiters {
            offered.extend(offer(&world, &waiting.id).await.map(|_| *n));
        }
        assert_eq!(offered, [7, 17, 27, 37, 47]);
        for (_, waiting) in &waiters {
            if let Some(booking) = offer(&world, &waiting.id).await {
                let replay = replayed(&world, booking).await;
                assert!(replay.same(), "{replay:#?}");
            }
        }
        assert_eq!(world.booked_at("2025-02-08T12:00").await, 5);
        world.work().await;
        let mails = world.subjects().iter().filter(|subject| subject.contains("A place for you")).count();
        assert_eq!(mails, 5);
    }

    /// "An offer expiring at the moment of its acceptance ends one way, the same on both databases."
    async fn an_offer_that_is_taken_as_it_ends_ends_one_way(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one) = (world.student("ho2").await, world.student("on2").await);
        let mut ends = Vec::new();
        for day in [10, 12] {
            let there = slot(&format!("2025-02-{day}T10:00"), &format!("2025-02-{day}T14:00"));
            let held = world.book(&holder, there).await;
            let waiting = join(&world, &one, asked(&[there])).await;
            booking::release(&world.app, holder.clone(), held.id).await.unwrap();
            world.work().await;
            let offered = offer(&world, &waiting.id).await.unwrap();
            let until = offered.state.offered_until().unwrap();
            // A microsecond before it is over it can be taken, in the moment in which it is over it can't.
            let just = if day == 10 { until - TimeDelta::microseconds(1) } else { until };
            world.clock.advance(just - world.app.now());
            let apps = two_apps(&world);
            let (student, id) = (one.clone(), offered.id.clone());
            let (app, other) = (apps[0].clone(), apps[1].clone());
            let (taken, _) = tokio::join!(
                tokio::spawn(async move { waitlist::accept(&app, student, id).await }),
                tokio::spawn(async move { waitlist::step(&other).await.unwrap() }),
            );
            waitlist::step(&world.app).await.unwrap();
            let state = booking_of(&world, &offered.id).await.state;
            let is_live = state.is_live();
            assert_eq!(taken.unwrap().is_ok(), is_live, "{state:?}");
            if is_live {
                booking::release(&world.app, one.clone(), offered.id).await.unwrap();
            } else {
                assert_eq!(state.reason(), Some(EndReason::Lapsed));
            }
            world.work().await;
            ends.push(is_live);
        }
        assert_eq!(ends, [true, false]);
    }

    async fn nobody_books_directly_what_someone_in_line_may_have(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one, quick) =
            (world.student("ho2").await, world.student("on2").await, world.student("qu2").await);
        let held = world.book(&holder, saturday()).await;
        let waiting = join(&world, &one, asked(&[saturday()])).await;
        booking::release(&world.app, holder, held.id).await.unwrap();
        let refused = booking::book(&world.app, World::wish(&quick, saturday())).await.unwrap_err();
        let BookingError::Refused(refusal) = refused else { panic!("{refused}") };
        assert_eq!(refusal.violations.iter().map(fairlease::policy::admission::Violation::code).collect::<Vec<_>>(), ["waited_for"]);
        let beside = booking::book(&world.app, World::wish(&quick, slot("2025-02-08T14:30", "2025-02-08T15:30"))).await;
        beside.expect("what they do not want is free");
        assert_eq!(offer(&world, &waiting.id).await, None, "nothing was given yet");
        world.work().await;
        assert_eq!(offer(&world, &waiting.id).await.unwrap().slot, saturday());
    }

    async fn who_wants_it_so_is_booked_at_once(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one) = (world.student("ho2").await, world.student("on2").await);
        let held = world.book(&holder, saturday()).await;
        let waiting = join(&world, &one, Asked { auto_accept: true, ..asked(&[saturday()]) }).await;
        booking::release(&world.app, holder, held.id).await.unwrap();
        world.work().await;
        let state = wait(&world, &waiting.id).await.state;
        let WaitState::Ended { outcome: Outcome::Served(id), .. } = state else { panic!("{state:?}") };
        world.clock.advance(TimeDelta::minutes(50));
        world.work_until(&one, &id, "active").await;
    }

    /// What is held in less than five minutes is for whoever need not answer, and the receipt says why not for others.
    async fn what_leaves_no_time_to_answer_goes_to_whoever_need_not(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, asks, quick) =
            (world.student("ho2").await, world.student("as2").await, world.student("qu2").await);
        let held = world.book(&holder, saturday()).await;
        let first = join(&world, &asks, asked(&[saturday()])).await;
        world.clock.advance(TimeDelta::minutes(1));
        let second = join(&world, &quick, Asked { auto_accept: true, ..asked(&[saturday()]) }).await;
        world.clock.advance(local("2025-02-08T09:27") - world.app.now());
        booking::release(&world.app, holder, held.id).await.unwrap();
        world.work().await;
        assert!(offer(&world, &first.id).await.is_none());
        let state = wait(&world, &second.id).await.state;
        let WaitState::Ended { outcome: Outcome::Served(id), .. } = state else { panic!("{state:?}") };
        let replay = replayed(&world, booking_of(&world, &id).await).await;
        assert!(replay.same(), "{replay:#?}");
    }

    async fn one_may_leave_and_what_is_offered_then_goes_on(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one, two) =
            (world.student("ho2").await, world.student("on2").await, world.student("tw2").await);
        let held = world.book(&holder, saturday()).await;
        let first = join(&world, &one, asked(&[saturday()])).await;
        let twice = waitlist::join(&world.app, one.clone(), "k8s".parse().unwrap(), asked(&[saturday()])).await.unwrap_err();
        assert!(matches!(twice, WaitError::AlreadyWaiting(_)), "{twice}");
        world.clock.advance(TimeDelta::minutes(1));
        let second = join(&world, &two, asked(&[])).await;
        booking::release(&world.app, holder, held.id).await.unwrap();
        world.work().await;
        let offered = offer(&world, &first.id).await.unwrap();
        waitlist::leave(&world.app, one.clone(), first.id.clone()).await.unwrap();
        waitlist::leave(&world.app, one.clone(), first.id.clone()).await.unwrap();
        assert_eq!(booking_of(&world, &offered.id).await.state.reason(), Some(EndReason::Passed));
        assert!(matches!(wait(&world, &first.id).await.state, WaitState::Ended { outcome: Outcome::Left, .. }));
        assert!(offer(&world, &second.id).await.is_some());
        let others = waitlist::leave(&world.app, one, second.id).await.unwrap_err();
        assert!(matches!(others, WaitError::NoSuchWait(_)), "{others}");
    }

    async fn what_can_never_be_theirs_is_not_waited_for(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let odd = world.student("od1").await;
        let error = waitlist::join(&world.app, odd, "k8s".parse().unwrap(), asked(&[saturday()])).await.unwrap_err();
        let WaitError::Never { violations, .. } = error else { panic!("{error}") };
        assert_eq!(violations.iter().map(fairlease::policy::admission::Violation::code).collect::<Vec<_>>(), ["wrong_day"]);
    }

    async fn a_wait_ends_when_nothing_can_come_any_more_and_after_three_offers_unanswered(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one, two) =
            (world.student("ho2").await, world.student("on2").await, world.student("tw2").await);
        let held = world.book(&holder, saturday()).await;
        let short = join(&world, &one, asked(&[saturday()])).await;
        let long = join(&world, &two, asked(&[])).await;
        booking::release(&world.app, holder, held.id).await.unwrap();
        for _ in 0..4 {
            world.work().await;
            world.clock.advance(TimeDelta::hours(1));
        }
        world.work().await;
        waitlist::go_through_all(&world.app).await.unwrap();
        let state = wait(&world, &long.id).await.state;
        assert!(matches!(state, WaitState::Ended { outcome: Outcome::Unanswered, .. }), "{state:?}");
        world.clock.advance(TimeDelta::hours(8));
        waitlist::go_through_all(&world.app).await.unwrap();
        let state = wait(&world, &short.id).await.state;
        assert!(matches!(state, WaitState::Ended { outcome: Outcome::Over, .. }), "{state:?}");
    }

    /// Who sleeps while an offer has to be made loses that place, and nothing else.
    async fn who_could_only_answer_in_quiet_hours_keeps_their_place_in_line(backend: Backend) {
        let quiet = "[waitlist]\nquiet_hours = { from = \"22:00\", to = \"08:00\" }\n\n[course]";
        let course = course(&[("capacity = 30 ", "capacity = 1 "), ("[course]", quiet)]);
        let world = World::with(backend, course, Profile::instant()).await;
        let (holder, one) = (world.student("ho2").await, world.student("on2").await);
        let (night, later) = (slot("2025-02-10T03:00", "2025-02-10T07:00"), slot("2025-02-12T10:00", "2025-02-12T14:00"));
        let (early, late) = (world.book(&holder, night).await, world.book(&holder, later).await);
        let waiting = join(&world, &one, asked(&[night, later])).await;
        world.clock.advance(local("2025-02-10T00:30") - world.app.now());
        booking::release(&world.app, holder.clone(), early.id).await.unwrap();
        world.work().await;
        let until = offer(&world, &waiting.id).await.unwrap().state.offered_until().unwrap();
        assert_eq!(until, local("2025-02-10T01:30"), "there is no time until the morning");
        world.clock.advance(TimeDelta::hours(1));
        world.work().await;
        let kept = wait(&world, &waiting.id).await;
        assert_eq!((kept.lapses, kept.age_from, kept.passed.len()), (0, waiting.age_from, 1));

        booking::release(&world.app, holder, late.id).await.unwrap();
        let before = world.subjects().len();
        world.work().await;
        let until = offer(&world, &waiting.id).await.unwrap().state.offered_until().unwrap();
        assert_eq!(until, local("2025-02-10T09:00"), "an hour after the night");
        assert!(!world.subjects()[before..].iter().any(|it| it.contains("A place for you")), "nobody is woken");
        world.clock.advance(local("2025-02-10T08:00") - world.app.now());
        world.work().await;
        assert!(world.subjects()[before..].iter().any(|it| it.contains("A place for you")), "{:?}", world.subjects());
    }

    /// To book and cancel, to join and leave, and to pass, leaves one where one was, or behind.
    async fn holding_and_cancelling_gains_nothing(backend: Backend) {
        let world = World::with(backend, places(2), Profile::instant()).await;
        let (holder, plain, tricky) =
            (world.student("ho2").await, world.student("pl2").await, world.student("tr2").await);
        let wednesday = slot("2025-02-12T10:00", "2025-02-12T14:00");
        let first = world.book(&holder, wednesday).await;
        world.book(&world.student("hh2").await, wednesday).await;
        let waits = join(&world, &plain, asked(&[wednesday])).await;
        for hour in 0..8 {
            let start = local("2025-02-10T00:00") + TimeDelta::hours(hour);
            let held = world.book(&tricky, Interval::new(start, start + TimeDelta::hours(1)).unwrap()).await;
            booking::release(&world.app, tricky.clone(), held.id).await.unwrap();
            let joined = join(&world, &tricky, asked(&[wednesday])).await;
            waitlist::leave(&world.app, tricky.clone(), joined.id).await.unwrap();
            world.clock.advance(TimeDelta::minutes(1));
        }
        assert!(usage(&world, &tricky).await.abs() < 1e-6 && usage(&world, &plain).await.abs() < 1e-6);
        assert!((factor(&world, &tricky).await - factor(&world, &plain).await).abs() < 1e-9);
        let placed = join(&world, &tricky, asked(&[wednesday])).await;
        booking::release(&world.app, holder, first.id).await.unwrap();
        world.work().await;
        assert!(offer(&world, &waits.id).await.is_some() && offer(&world, &placed.id).await.is_none());
    }

    /// What is kept of a decision gives the same answer again, and a different one if it is tampered with.
    async fn decisions_can_be_made_again(backend: Backend) {
        let world = World::with(backend, places(1), Profile::instant()).await;
        let (holder, one, two) =
            (world.student("ho2").await, world.student("on2").await, world.student("tw2").await);
        let held = world.book(&holder, saturday()).await;
        join(&world, &two, asked(&[slot("2025-02-10T10:00", "2025-02-10T18:00")])).await;
        let waiting = join(&world, &one, asked(&[saturday()])).await;
        world.clock.advance(TimeDelta::seconds(1));
        booking::release(&world.app, holder, held.id.clone()).await.unwrap();
        world.work().await;
        world.clock.advance(TimeDelta::seconds(1));
        let offered = offer(&world, &waiting.id).await.unwrap();
        waitlist::accept(&world.app, one, offered.id.clone()).await.unwrap();
        for (id, kinds) in [(held.id, vec!["granted"]), (offered.id.clone(), vec!["joined", "turn", "accepted"])] {
            let replay = replayed(&world, booking_of(&world, &id).await).await;
            assert!(replay.same(), "{replay:#?}");
            assert_eq!(replay.decisions.iter().map(|it| it.kind.as_str()).collect::<Vec<_>>(), kinds);
        }
        let booking = booking_of(&world, &offered.id).await;
        let replay = world.app.db.read::<_, DbError, _>("replay", move |conn| {
            let mut receipts = waitlist::receipts_of(conn, &booking)?;
            for receipt in &mut receipts {
                receipt.inputs = receipt.inputs.replace("\"fair_share\":1.0", "\"fair_share\":0.25");
            }
            waitlist::replay(conn, &receipts)
        }).await.unwrap();
        assert!(!replay.same(), "{replay:#?}");
    }
}

/// What counts of a booking falls from its start on, and what is given back early counts no more at once.
#[tokio::test(flavor = "multi_thread")]
async fn giving_back_early_restores_ones_standing_at_once() {
    let world = World::with(crate::world::Backend::Sqlite, places(3), Profile::instant()).await;
    let (one, other) = (world.student("on2").await, world.student("ot2").await);
    let booked = world.book(&one, saturday()).await;
    assert!(
        (usage(&world, &one).await - 13.5).abs() < 1e-6,
        "four hours and half an hour before, three servers"
    );
    assert!(factor(&world, &one).await < factor(&world, &other).await);
    world.clock.advance(TimeDelta::minutes(20));
    world.work_until(&one, &booked.id, "active").await;
    let until: DateTime<Utc> = local("2025-02-08T11:00");
    world.clock.advance(until - world.app.now());
    booking::release(&world.app, one.clone(), booked.id).await.unwrap();
    let left = usage(&world, &one).await;
    assert!((4.4..4.5).contains(&left), "an hour and a half of three servers, a little decayed: {left}");
    world.clock.advance(TimeDelta::days(7));
    let week = usage(&world, &one).await;
    assert!((week - left / 2.0).abs() < 1e-3, "half after a week: {week} of {left}");
    let wrong = world.app.db.read::<_, DbError, _>("check", {
        let now = world.app.now();
        move |conn| fair_share::check(conn, now)
    });
    assert_eq!(wrong.await.unwrap(), []);
}
