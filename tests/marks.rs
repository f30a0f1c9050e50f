//! What people made by hand, sweep by sweep: told once, stopped, deleted, confirmed; and all that keeps it.

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::simulated::{Object, Profile};
use fairlease::db::{self, DbError};
use fairlease::domain::audit::Doer;
use fairlease::domain::blueprint::Kind;
use fairlease::domain::marked::{Exempt, Exemption, Pause, Stage};
use fairlease::domain::sweep::{Act, Savings};
use fairlease::policy::reaping::Plan;
use fairlease::services::reaping::{self, Done, RestoreError, digest};

use crate::world::{Backend, World, course, local, on_both_databases};

/// Saturday, ff524's day, after more than the eight hours that the example's lab allows.
const EVENING: &str = "2025-02-08T18:00";
/// When students launched what the tests are about.
const MORNING: &str = "2025-02-08T09:30";

/// A world in which what people made by hand is deleted in the end.
async fn strict(backend: Backend) -> World {
    reaped(backend, "by_hand = \"delete\"", Profile::instant()).await
}

async fn reaped(backend: Backend, reaper: &str, profile: Profile) -> World {
    let course = course(&[("[course]", &format!("[reaper]\n{reaper}\n\n[course]"))]);
    let world = World::with(backend, course, profile).await;
    world.student("ff524").await;
    world.clock.set(local(EVENING));
    world
}

fn put(world: &World, kind: Kind, id: &str, name: &str) {
    world.cloud.put(&Object::by_hand(kind, id, name, local(MORNING))).unwrap();
}

async fn sweep(world: &World) -> (Plan, Vec<Done>) {
    let swept = reaping::sweep(&world.app).await.unwrap();
    world.work().await;
    swept
}

async fn stages(world: &World) -> Vec<(String, Stage)> {
    let marks = world.app.db.read("marks", db::marks).await.unwrap();
    marks.into_iter().map(|mark| (mark.marked.target.site_ref, mark.marked.stage)).collect()
}

async fn acts(world: &World) -> Vec<Act> {
    world.app.db.read("acts", |conn| db::latest_acts(conn, None, 100)).await.unwrap()
}

async fn say(world: &World, exempt: Exempt) {
    let (app, exemption) = (world.app.clone(), exemption(exempt, local("2025-02-20T00:00")));
    let said = world.app.db.write::<_, DbError, _>("exempt", move |conn| {
        db::insert_exemption(conn, &app.exemption_id(), &exemption, app.now())
    });
    said.await.unwrap();
}

fn exemption(what: Exempt, until: DateTime<Utc>) -> Exemption {
    Exemption { what, reason: "a paper is due".to_owned(), by: "ta1".to_owned(), until }
}

fn object(id: &str) -> Exempt {
    Exempt::Object("kvm-tacc".parse().unwrap(), id.to_owned())
}

async fn restore(world: &World, id: &str, of: &str) -> Result<reaping::Restored, RestoreError> {
    let site = "kvm-tacc".parse().unwrap();
    reaping::restore(&world.app, &Doer::itself(), &site, Kind::Server, id, Some(&of.parse().unwrap())).await
}

fn outcomes(done: &[Done]) -> Vec<String> {
    done.iter().map(|done| format!("{}: {}", done.action.what(), done.outcome)).collect()
}

fn is_stopped(world: &World, id: &str) -> bool {
    world.cloud.objects().unwrap().into_iter().any(|it| it.site_ref == id && it.stopped.is_some())
}

fn mails(world: &World) -> Vec<(String, String)> {
    let mails = world.postbox.mails.lock().unwrap();
    mails.iter().map(|mail| (mail.recipient.clone(), mail.subject.clone())).collect()
}

on_both_databases! {
    async fn a_server_over_the_cap_is_told_of_stopped_deleted_and_confirmed_each_once(backend: Backend) {
        let world = strict(backend).await;
        put(&world, Kind::Server, "hers", "node1-cloud-ff524");
        put(&world, Kind::Server, "nobodys", "test");
        let (plan, done) = sweep(&world).await;
        assert_eq!(outcomes(&done), ["warn ff524 of server node1-cloud-ff524 at kvm-tacc: its owner is told"]);
        assert_eq!(plan.reported.len(), 1, "nobody is known whose the other one is");
        let warned_at = local(EVENING);
        assert_eq!(stages(&world).await, [("hers".to_owned(), Stage::Warned { at: warned_at })]);
        for _ in 0..3 {
            world.clock.advance(TimeDelta::minutes(39));
            let (plan, done) = sweep(&world).await;
            assert_eq!((outcomes(&done), plan.waiting.len()), (vec![], 1));
        }
        assert_eq!(mails(&world).len(), 1, "{:?}", mails(&world));

        world.clock.set(local("2025-02-08T20:00"));
        let (_, done) = sweep(&world).await;
        assert_eq!(outcomes(&done), ["stop server node1-cloud-ff524 at kvm-tacc: stopped"]);
        assert!(is_stopped(&world, "hers") && !is_stopped(&world, "nobodys"));
        let stopped = Stage::Stopped { warned_at, at: local("2025-02-08T20:00") };
        assert_eq!(stages(&world).await, [("hers".to_owned(), stopped)]);
        world.clock.set(local("2025-02-09T19:59"));
        assert!(sweep(&world).await.1.is_empty());

        world.clock.set(local("2025-02-09T20:00"));
        let (_, done) = sweep(&world).await;
        assert_eq!(outcomes(&done), ["delete server node1-cloud-ff524 at kvm-tacc: gone"]);
        world.clock.advance(TimeDelta::minutes(1));
        let (_, done) = sweep(&world).await;
        assert_eq!(
            outcomes(&done),
            ["unmark server node1-cloud-ff524 at kvm-tacc: it is gone, and its owner is told"]
        );
        world.clock.advance(TimeDelta::minutes(1));
        assert!(sweep(&world).await.1.is_empty());
        assert_eq!(stages(&world).await, []);
        assert_eq!(world.held().into_keys().collect::<Vec<_>>(), ["test"]);
        let mails = mails(&world);
        assert_eq!(mails.len(), 3, "{mails:?}");
        assert!(mails.iter().all(|(to, _)| to.starts_with("ff524@")), "{mails:?}");
        let acts = acts(&world).await;
        assert_eq!(acts.len(), 4);
        let saved: Vec<_> = acts.iter().filter_map(|act| act.saved).collect();
        assert_eq!(saved, [Savings { server_minutes: 7 * 24 * 60, ..Savings::default() }]);
    }

    async fn what_is_in_order_again_is_forgotten(backend: Backend) {
        let world = strict(backend).await;
        let mut lease = Object::by_hand(Kind::Lease, "lease", "lease1-ff524", local(MORNING));
        lease.survey.span = fairlease::domain::interval::Interval::new(local(MORNING), local("2025-02-08T21:30"));
        lease.survey.reservations = vec!["reserved".to_owned()];
        world.cloud.put(&lease).unwrap();
        let (_, done) = sweep(&world).await;
        assert_eq!(done.len(), 1, "no server is on it for hours: {done:?}");
        let mut server = Object::by_hand(Kind::Server, "server", "node1-ff524", world.app.now());
        server.survey.backing = fairlease::domain::survey::Backing::Reservation("reserved".to_owned());
        world.cloud.put(&server).unwrap();
        world.clock.set(local("2025-02-08T21:00"));
        let (_, done) = sweep(&world).await;
        assert_eq!(outcomes(&done), ["unmark lease lease1-ff524 at kvm-tacc: forgotten"]);
        assert_eq!(stages(&world).await, []);
        assert_eq!(world.held().len(), 2);
    }

    async fn what_staff_say_between_the_plan_and_the_act_counts(backend: Backend) {
        let world = strict(backend).await;
        for id in ["one", "two"] {
            put(&world, Kind::Server, id, &format!("node-{id}-ff524"));
        }
        let seen = reaping::observe(&world.app).await.unwrap();
        say(&world, object("one")).await;
        let done = reaping::carry_out(&world.app, &seen).await;
        assert!(done.iter().all(|done| done.outcome.starts_with("left alone: staff have exempted")), "{done:?}");
        assert_eq!(stages(&world).await, []);
        sweep(&world).await;
        assert_eq!(stages(&world).await.len(), 1, "only what is not exempt");

        world.clock.set(local("2025-02-08T20:00"));
        let seen = reaping::observe(&world.app).await.unwrap();
        assert_eq!(seen.plan.actions.len(), 1);
        let app = world.app.clone();
        let pause = Pause { site: None, reason: "look first".to_owned(), by: "ta1".to_owned(), until: None };
        let said = world.app.db.write::<_, DbError, _>("pause", move |conn| {
            db::insert_pause(conn, &app.pause_id(), &pause, app.now())
        });
        said.await.unwrap();
        let done = reaping::carry_out(&world.app, &seen).await;
        assert!(done[0].outcome.starts_with("left alone"), "{done:?}");
        assert!(!is_stopped(&world, "two"));
        world.clock.set(local("2025-02-10T20:00"));
        let (plan, done) = sweep(&world).await;
        assert_eq!((done.len(), plan.skipped.len()), (0, 1), "paused, however long it was due");
        assert_eq!(world.held().len(), 2);
    }

    async fn what_its_owner_takes_back_runs_again_and_is_left_alone_for_a_while(backend: Backend) {
        let world = strict(backend).await;
        world.student("gg777").await;
        put(&world, Kind::Server, "hers", "node1-cloud-ff524");
        sweep(&world).await;
        world.clock.set(local("2025-02-08T20:00"));
        sweep(&world).await;
        assert!(is_stopped(&world, "hers"));
        let strangers = restore(&world, "hers", "gg777").await.unwrap_err();
        assert!(matches!(strangers, RestoreError::NotMarked), "{strangers}");
        let restored = restore(&world, "hers", "ff524").await.unwrap();
        assert_eq!((restored.until, restored.not_started), (local("2025-02-09T04:00"), None));
        assert!(!is_stopped(&world, "hers"));
        assert!(matches!(restore(&world, "hers", "ff524").await, Err(RestoreError::Before(_))));
        world.clock.set(local("2025-02-09T03:59"));
        assert_eq!(sweep(&world).await.1, []);
        world.clock.set(local("2025-02-09T04:00"));
        sweep(&world).await;
        let told = Stage::Warned { at: local("2025-02-09T04:00") };
        assert_eq!(stages(&world).await, [("hers".to_owned(), told)], "as if nobody had been told");
        assert!(matches!(restore(&world, "hers", "ff524").await, Err(RestoreError::Often)));
        let site = "kvm-tacc".parse().unwrap();
        let by_staff = reaping::restore(&world.app, &Doer::itself(), &site, Kind::Server, "hers", None).await.unwrap();
        assert_eq!(by_staff.until, local("2025-02-09T12:00"));
    }

    async fn a_deletion_that_a_site_refuses_is_tried_again_and_can_still_be_stopped(backend: Backend) {
        let world = reaped(backend, "by_hand = \"delete\"\nidle = { network_days = 1 }", Profile::instant()).await;
        let long_ago = local("2025-02-01T09:00");
        world.cloud.put(&Object::by_hand(Kind::Network, "net", "net-ff524", long_ago)).unwrap();
        sweep(&world).await;
        world.clock.advance(TimeDelta::hours(26));
        let seen = reaping::observe(&world.app).await.unwrap();
        assert_eq!(seen.plan.actions.len(), 1, "{:?}", seen.plan);
        let mut port = Object::by_hand(Kind::Port, "port", "port-ff524", world.app.now());
        port.uses = vec!["net".to_owned()];
        port.survey.attached = Some(vec!["a-server".to_owned()]);
        world.cloud.put(&port).unwrap();
        let done = reaping::carry_out(&world.app, &seen).await;
        assert!(done[0].outcome.starts_with("left alone: at a second look"), "{done:?}");
        assert!(world.held().contains_key("net-ff524"));
    }

    async fn two_sweeps_at_once_take_each_step_once(backend: Backend) {
        let world = strict(backend).await;
        for number in 0..10 {
            put(&world, Kind::Server, &format!("s{number}"), &format!("node{number}-ff524"));
        }
        put(&world, Kind::Server, "course", "course");
        let beside = world.beside();
        let mut done = Vec::new();
        for at in ["2025-02-08T18:00", "2025-02-08T20:00", "2025-02-09T20:00", "2025-02-09T20:01"] {
            world.clock.set(local(at));
            let (one, two) = tokio::join!(reaping::sweep(&world.app), reaping::sweep(&beside));
            done.extend([one.unwrap().1, two.unwrap().1].concat());
            world.work().await;
        }
        for step in ["warn", "stop", "delete", "unmark"] {
            let of_step = done.iter().filter(|done| done.action.what().starts_with(step));
            let taken = of_step.filter(|done| !done.outcome.starts_with("left alone")).count();
            assert_eq!(taken, 10, "{step}: {:?}", outcomes(&done));
        }
        assert_eq!(world.held().into_keys().collect::<Vec<_>>(), ["course"]);
        let mails = world.postbox.mails.lock().unwrap().clone();
        for number in 0..10 {
            let name = format!("node{number}-ff524");
            let tell = mails.iter().filter(|mail| mail.body.contains(&name)).count();
            assert_eq!(tell, 3, "of {name}: told, stopped, deleted");
        }
        assert_eq!(stages(&world).await, []);
    }

    async fn staff_hear_once_a_morning_of_what_is_left_to_them(backend: Backend) {
        let world = strict(backend).await;
        put(&world, Kind::Server, "nobodys", "test");
        sweep(&world).await;
        assert!(digest::tell(&world.app).await.unwrap());
        assert!(!digest::tell(&world.app).await.unwrap(), "once a day");
        world.work().await;
        let mail = world.postbox.mails.lock().unwrap().last().cloned().unwrap();
        assert_eq!(mail.subject, "Left to you: 1 object");
        assert!(mail.body.contains("server test at KVM@TACC, nobody's"), "{}", mail.body);
        world.clock.advance(TimeDelta::hours(2));
        world.clock.set(local("2025-02-09T08:00"));
        assert!(!digest::tell(&world.app).await.unwrap(), "no sweep says how it is today");
        sweep(&world).await;
        assert!(digest::tell(&world.app).await.unwrap());
    }

    async fn a_server_that_was_shelved_is_deleted_in_its_turn(backend: Backend) {
        let world = reaped(backend, "by_hand = \"delete\"\nstop_by = \"shelve\"", Profile::instant()).await;
        put(&world, Kind::Server, "hers", "node1-ff524");
        sweep(&world).await;
        world.clock.set(local("2025-02-08T20:00"));
        let (_, done) = sweep(&world).await;
        assert_eq!(outcomes(&done), ["shelve server node1-ff524 at kvm-tacc: shelved"]);
        world.clock.set(local("2025-02-09T20:00"));
        let (_, done) = sweep(&world).await;
        assert_eq!(outcomes(&done), ["delete server node1-ff524 at kvm-tacc: gone"], "shelved by us, not by its owner");
    }
}
