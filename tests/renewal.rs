//! Leases that staff hold: renewed in time by whoever is there to do it, and told of once when something is wrong.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::cloud::port::Cloud as _;
use fairlease::cloud::simulated::{Fault, Faults, Profile};
use fairlease::db::{self, DbError};
use fairlease::domain::blueprint::{Kind, Reserved};
use fairlease::domain::course::Course;
use fairlease::domain::interval::Interval;
use fairlease::domain::renewal::{Outlook, Sight, Trouble};
use fairlease::services::{App, health, renewal};
use fairlease::worker::{self, cron};
use serde_json::{Value, json};

use crate::sites::{goes_down, serve, staff};
use crate::support::visitor::{Visitor, client};
use crate::world::{World, course, local, on_both_databases, slot};

const NAME: &str = "course-nodes";

/// The example on a standing lease. With `renew`, the service renews it in the usual way.
fn on_a_lease(renew: bool) -> Course {
    let keys =
        format!("standing_lease = \"{NAME}\"\n{}lead_minutes = 30 ", if renew { "renew = {}\n" } else { "" });
    course(&[("lead_minutes = 30 ", &keys)])
}

/// A world with a lease that ends so many hours after its clock's first instant.
async fn with_lease(backend: crate::world::Backend, renew: bool, ends: i64) -> World {
    let world = World::with(backend, on_a_lease(renew), Profile::instant()).await;
    put(&world, ends);
    world
}

/// From so many hours from now on up to so many hours.
fn hours(world: &World, from: i64, to: i64) -> Interval {
    let now = world.app.now();
    Interval::new(now + TimeDelta::hours(from), now + TimeDelta::hours(to)).unwrap()
}

/// Puts the lease there, which began two days ago and ends in so many hours.
fn put(world: &World, ends: i64) {
    world.cloud.put_lease(NAME, &hours(world, -48, ends), &[]).unwrap();
}

async fn sight(world: &World) -> Sight {
    let seen = world.app.db.read::<_, DbError, _>("sights", db::sights).await.unwrap();
    seen.into_values().next().unwrap()
}

async fn outlook(world: &World) -> Outlook {
    sight(world).await.outlook
}

/// In how many hours the lease ends.
async fn hours_left(world: &World) -> i64 {
    let lease = world.cloud.held_lease(NAME).await.unwrap().unwrap();
    (lease.ends - world.app.now()).num_hours()
}

/// Lets an hour pass, looks, and sends what mail there is.
async fn hour(world: &World) {
    world.clock.advance(TimeDelta::hours(1));
    cron::hour(&world.app).await;
    worker::step(&world.app).await.unwrap();
}

/// Recipients and subjects of the mails about leases.
fn told(world: &World) -> Vec<(String, String)> {
    let mails = world.postbox.mails.lock().unwrap();
    let about = mails.iter().filter(|mail| mail.subject.starts_with("Lease "));
    about.map(|mail| (mail.recipient.clone(), mail.subject.clone())).collect()
}

async fn looks(app: &Arc<App>) -> String {
    renewal::look(app).await.unwrap()
}

on_both_databases! {
    async fn a_lease_is_renewed_again_and_again_until_the_last_lab_closes(backend: Backend) {
        let world = with_lease(backend, true, 50).await;
        let closes = local("2025-02-14T00:00");
        let mut ends = Vec::new();
        for _ in 0..24 * 8 {
            hour(&world).await;
            let end = world.cloud.held_lease(NAME).await.unwrap().unwrap().ends;
            assert!(end > world.app.now() || world.app.now() >= closes, "there is always a lease");
            if ends.last() != Some(&end) {
                ends.push(end);
            }
        }
        assert_eq!(ends, [local("2025-02-10T11:10"), closes], "never later than the last lab needs it");
        assert_eq!(outlook(&world).await, Outlook::Idle, "it is over, and nobody minds");
        assert_eq!(told(&world), []);
    }

    async fn a_course_that_goes_on_has_a_lease_that_goes_on(backend: Backend) {
        let text = [("due = 2025-02-13T23:59", "# due"), ("lead_minutes = 30 ", "standing_lease = \"course-nodes\"\nrenew = {}\nlead_minutes = 30 ")];
        let world = World::with(backend, course(&text), Profile::instant()).await;
        let span = slot("2025-02-06T09:00", "2025-02-10T09:00");
        world.cloud.put_lease(NAME, &span, &[]).unwrap();
        for _ in 0..24 * 21 {
            hour(&world).await;
            assert!((48..=168).contains(&hours_left(&world).await), "{}", hours_left(&world).await);
        }
        let seen = sight(&world).await;
        assert!(matches!(seen.outlook, Outlook::Stands { renew_at: Some(at) } if at > world.app.now()), "{seen:?}");
        assert_eq!(told(&world), []);
    }

    async fn two_workers_renew_once_and_a_lost_answer_does_no_harm(backend: Backend) {
        let world = with_lease(backend, true, 47).await;
        let other = world.beside();
        tokio::join!(cron::hour(&world.app), cron::hour(&other));
        assert_eq!(world.cloud.faults().calls(), 2, "one of them looked and renewed");
        assert_eq!(hours_left(&world).await, 134, "up to the end of the lab");
        tokio::join!(looks(&world.app), looks(&other));
        assert_eq!(hours_left(&world).await, 134);

        // The site moves the end, and its answer is lost.
        let lost = world.with_faults(Profile::instant(), Faults::at(1, Fault::LoseAnswer), 2);
        let now = lost.app.now();
        put(&lost, 40);
        looks(&lost.app).await;
        assert!(matches!(outlook(&lost).await, Outlook::Tried(_)));
        assert_eq!((hours_left(&lost).await, sight(&lost).await.last_end), (134, Some(now + TimeDelta::hours(40))));
        hour(&lost).await;
        assert_eq!(outlook(&lost).await, Outlook::Stands { renew_at: None });
        assert_eq!(sight(&lost).await.last_end, Some(local("2025-02-14T00:00")));
        assert_eq!(told(&lost), []);
    }

    async fn a_worker_that_dies_between_the_call_and_its_record_leaves_it_to_the_next(backend: Backend) {
        let world = with_lease(backend, true, 40).await;
        let dying = world.with_faults(Profile::instant(), Faults::at(1, Fault::HangAfter(None)), 3);
        put(&dying, 40);
        let app = dying.app.clone();
        let working = tokio::spawn(async move { cron::hour(&app).await });
        dying.cloud.faults().hung().await;
        working.abort();
        assert!(working.await.is_err());
        assert_eq!(hours_left(&dying).await, 134);
        let seen = dying.app.db.read::<_, DbError, _>("sights", db::sights).await.unwrap();
        assert!(seen.is_empty(), "nothing was written down");
        hour(&dying).await;
        assert_eq!(outlook(&dying).await, Outlook::Stands { renew_at: None });
        assert_eq!(told(&dying), []);
    }

    async fn staff_are_told_of_a_refusal_once(backend: Backend) {
        let profile = Profile { lease_capacity: 1, ..Profile::instant() };
        let world = World::with(backend, on_a_lease(true), profile).await;
        let server = [(Reserved::Flavor("m1.medium".to_owned()), 1)];
        world.cloud.put_lease(NAME, &hours(&world, -48, 40), &server).unwrap();
        let theirs = world.cloud.put_lease("theirs", &hours(&world, 45, 60), &server).unwrap();
        for net_id in ["ta77", "ta78"] {
            staff(&world, net_id).await;
        }
        world.student("ff524").await;
        for _ in 0..5 {
            hour(&world).await;
            let words = "the site has no room: Not enough hosts available".to_owned();
            assert_eq!(outlook(&world).await, Outlook::Trouble(Trouble::Refused(words)));
        }
        let subject = "Lease course-nodes at KVM@TACC: could not be renewed";
        let mut all = told(&world);
        all.sort_unstable();
        assert_eq!(all, ["ta77", "ta78"].map(|to| (format!("{to}@example.edu"), subject.to_owned())));
        let body = world.postbox.mails.lock().unwrap().last().unwrap().body.clone();
        for part in ["Not enough hosts available", "Pool    kvm-clusters", "Mon Feb 10, 01:10", "/sites", "Extend it at the site by hand"] {
            assert!(body.contains(part), "{part}: {body}");
        }
        world.cloud.release(Kind::Lease, &theirs).await.unwrap();
        hour(&world).await;
        assert_eq!(outlook(&world).await, Outlook::Stands { renew_at: None });
        assert_eq!((sight(&world).await.renewed_at, told(&world).len()), (Some(world.app.now()), 2));
    }

    async fn each_kind_of_trouble_and_each_end_is_told_anew(backend: Backend) {
        let world = World::with(backend, on_a_lease(false), Profile::instant()).await;
        let student = world.student("ff524").await;
        hour(&world).await;
        hour(&world).await;
        assert_eq!(outlook(&world).await, Outlook::Trouble(Trouble::NotThere));
        let id = world.cloud.put_lease(NAME, &slot("2025-02-08T09:00", "2025-02-10T11:00"), &[]).unwrap();
        hour(&world).await;
        assert_eq!(outlook(&world).await, Outlook::Stands { renew_at: None });
        world.book(&student, slot("2025-02-10T10:00", "2025-02-10T12:00")).await;
        hour(&world).await;
        hour(&world).await;
        assert_eq!(outlook(&world).await, Outlook::Trouble(Trouble::Short(local("2025-02-10T12:00"))));
        world.cloud.prolong_lease(&id, local("2025-02-10T13:00")).await.unwrap();
        hour(&world).await;
        assert_eq!(outlook(&world).await, Outlook::Stands { renew_at: None });
        world.cloud.prolong_lease(&id, local("2025-02-10T14:00")).await.unwrap();
        for _ in 0..50 {
            hour(&world).await;
        }
        assert_eq!(outlook(&world).await, Outlook::Trouble(Trouble::Over));
        world.cloud.release(Kind::Lease, &id).await.unwrap();
        hour(&world).await;
        let told: Vec<_> = told(&world).into_iter().map(|(to, subject)| {
            assert_eq!(to, "course-staff@example.edu", "there is nobody of the staff");
            subject.strip_prefix("Lease course-nodes at KVM@TACC: ").unwrap().to_owned()
        }).collect();
        assert_eq!(told, ["not there", "ends before its bookings", "over", "not there"]);
    }

    async fn a_site_that_does_not_answer_is_no_trouble_of_the_lease(backend: Backend) {
        let world = with_lease(backend, true, 100).await;
        hour(&world).await;
        let before = sight(&world).await;
        goes_down(&world).await;
        let calls = world.cloud.faults().calls();
        hour(&world).await;
        assert_eq!(world.cloud.faults().calls(), calls, "a site that is down is left alone");
        assert_eq!((sight(&world).await, told(&world)), (before, Vec::new()));
        world.cloud.faults().suffer(None);
        for _ in 0..3 {
            health::look(&world.app).await.unwrap();
        }
        let silent = world.with_faults(Profile::instant(), Faults::first(1, &Fault::LoseAnswer), 2);
        hour(&silent).await;
        assert_eq!((silent.cloud.faults().calls(), told(&silent)), (1, Vec::new()));
        assert!(sight(&silent).await.lease.is_some(), "what was seen before stays");
    }

    async fn staff_see_leases_on_the_page_of_sites(backend: Backend) {
        let world = with_lease(backend, true, 60).await;
        staff(&world, "ta77").await;
        let served = serve(&world);
        let assistant = Visitor::sign_in(&client(), &served.url, "ta77").await;
        let student = Visitor::sign_in(&client(), &served.url, "ff524").await;
        let page = async |who: &Visitor| who.get("/sites").await.text().await.unwrap();
        assert!(page(&assistant).await.contains("It is looked at each hour once a worker runs."));
        world.book(&world.student("ff524").await, slot("2025-02-12T10:00", "2025-02-12T12:00")).await;
        renewal::look(&world.app).await.unwrap();
        let shown = page(&assistant).await;
        for part in [
            "Lease course-nodes, pool kvm-clusters",
            "It is renewed Sat Feb 8, 21:10, for 7 days from then on. Bookings reach beyond its end, up to Wed Feb 12, 12:00.",
            "Mon Feb 10, 21:10",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!page(&student).await.contains("course-nodes"), "for staff only");
        let told = async |who: &Visitor| {
            let told: Value = who.get("/api/v1/sites").await.json().await.unwrap();
            told["sites"][0].get("standing_leases").cloned()
        };
        assert_eq!(told(&student).await, None);
        let leases = told(&assistant).await.unwrap();
        let wanted = json!([{
            "name": "course-nodes", "pool": "kvm-clusters", "state": "stands", "ends": "2025-02-10T21:10:00-05:00",
            "renew_at": "2025-02-08T21:10:00-05:00", "booked_until": "2025-02-12T12:00:00-05:00", "trouble": null,
            "seen_at": "2025-02-08T09:10:00-05:00", "renewed_at": null,
        }]);
        assert_eq!(leases, wanted);
        world.clock.advance(TimeDelta::hours(61));
        renewal::look(&world.app).await.unwrap();
        let assistant = Visitor::sign_in(&client(), &served.url, "ta77").await;
        let shown = page(&assistant).await;
        assert!(shown.contains("It is over. Make a new lease with the same name at the site."), "{shown}");
        let leases = told(&assistant).await.unwrap();
        assert_eq!((&leases[0]["state"], &leases[0]["trouble"]["code"]), (&json!("trouble"), &json!("over")));
    }
}
