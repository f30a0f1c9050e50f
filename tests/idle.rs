//! What sweeps remember of things that nothing uses, by whole sweeps.

use std::collections::BTreeMap;

use fairlease::cloud::port::{Cloud as _, CloudError};
use fairlease::cloud::simulated::{Fault, Object};
use fairlease::db::{self, DbError};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::ids::SiteId;
use fairlease::domain::marked::{Idle, Whole};
use fairlease::domain::survey::Backing;
use fairlease::services::reaping;

use crate::world::{World, local, on_both_databases, slot};

fn kvm() -> SiteId {
    "kvm-tacc".parse().unwrap()
}

/// A lease of a day that began at four in the morning, and a server on it.
fn lease_and_server(world: &World) {
    let span = slot("2025-02-08T04:00", "2025-02-09T04:00");
    let mut lease = Object::by_hand(Kind::Lease, "lease", "lease-ff524", span.start());
    lease.survey.span = Some(span);
    lease.survey.reservations = vec!["r-1".to_owned()];
    world.cloud.put(&lease).unwrap();
    // Without these a listing would have shrunk too much once the lease is gone.
    for key in ["key-1", "key-2"] {
        world.cloud.put(&Object::by_hand(Kind::Keypair, key, key, span.start())).unwrap();
    }
    put_server(world);
}

fn put_server(world: &World) {
    let mut server = Object::by_hand(Kind::Server, "server", "node1-cloud-ff524", local("2025-02-08T09:00"));
    server.survey.backing = Backing::Reservation("r-1".to_owned());
    world.cloud.put(&server).unwrap();
}

async fn delete_server(world: &World) {
    world.cloud.release(Kind::Server, "server").await.unwrap();
}

/// What a sweep at this time reports of leases.
async fn sweep(world: &World, at: &str) -> Vec<String> {
    world.clock.set(local(at));
    let (plan, _) = reaping::sweep(&world.app).await.unwrap();
    let leases = plan.reported.iter().filter(|told| told.target.kind == Kind::Lease);
    leases.map(|told| told.reason.clone()).collect()
}

async fn remembered(world: &World) -> (Idle, Option<Whole>) {
    let read = |conn: &mut db::Conn<'_>| Ok((db::idle(conn)?, db::listings(conn)?));
    let (idle, listings) = world.app.db.read::<_, DbError, _>("memory", read).await.unwrap();
    (idle.get(&kvm()).cloned().unwrap_or_default(), listings.get(&kvm()).copied())
}

fn since(at: &str) -> Idle {
    BTreeMap::from([((Kind::Lease, "lease".to_owned()), local(at))])
}

on_both_databases! {
    async fn a_lease_is_without_a_server_since_a_sweep_saw_none(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        lease_and_server(&world);
        assert_eq!(sweep(&world, "2025-02-08T10:00").await, Vec::<String>::new());
        delete_server(&world).await;
        assert_eq!(sweep(&world, "2025-02-08T10:01").await, Vec::<String>::new(), "it began six hours ago");
        assert_eq!(remembered(&world).await.0, since("2025-02-08T10:00"));
        assert_eq!(sweep(&world, "2025-02-08T15:59").await, Vec::<String>::new());
        let told = sweep(&world, "2025-02-08T16:00").await;
        assert!(told[0].starts_with("no server is on it since Sat Feb 8, 10:00, for 6 h"), "{told:?}");

        put_server(&world);
        assert_eq!(sweep(&world, "2025-02-08T16:01").await, Vec::<String>::new());
        assert_eq!(remembered(&world).await.0, Idle::new());
        delete_server(&world).await;
        assert_eq!(sweep(&world, "2025-02-08T16:02").await, Vec::<String>::new(), "its time begins anew");
        assert_eq!(remembered(&world).await.0, since("2025-02-08T16:01"));
        world.cloud.release(Kind::Lease, "lease").await.unwrap();
        sweep(&world, "2025-02-08T16:03").await;
        assert_eq!(remembered(&world).await.0, Idle::new(), "what is gone is forgotten");
    }

    async fn the_first_sweep_of_all_goes_by_what_the_site_tells(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        lease_and_server(&world);
        delete_server(&world).await;
        let told = sweep(&world, "2025-02-08T10:00").await;
        assert!(told[0].starts_with("no server is on it since Sat Feb 8, 04:00, for 6 h"), "{told:?}");
    }

    async fn looking_remembers_nothing_and_a_listing_that_failed_forgets_nothing(backend: Backend) {
        let world = World::new(backend).await;
        lease_and_server(&world);
        delete_server(&world).await;
        reaping::observe(&world.app).await.unwrap();
        assert_eq!(remembered(&world).await, (Idle::new(), None));
        sweep(&world, "2025-02-08T10:00").await;
        let before = remembered(&world).await;
        assert_eq!((&before.0, before.1.unwrap().at), (&since("2025-02-08T04:00"), local("2025-02-08T10:00")));
        world.cloud.faults().suffer(Some(Fault::Refuse(CloudError::Permanent("500".into()))));
        put_server(&world);
        sweep(&world, "2025-02-08T10:01").await;
        assert_eq!(remembered(&world).await, before);
    }

    async fn only_what_differs_is_written(backend: Backend) {
        let world = World::new(backend).await;
        let many = |from: usize, to: usize, at: &str| -> Idle {
            (from..to).map(|n| ((Kind::Port, format!("port-{n}")), local(at))).collect()
        };
        let first = many(0, 1200, "2025-02-08T10:00");
        let mut later = many(600, 1199, "2025-02-08T10:00");
        later.extend(many(1199, 1300, "2025-02-08T11:00"));
        let save = async |before: &Idle, now: &Idle| {
            let (before, now) = (before.clone(), now.clone());
            let save = move |conn: &mut db::Conn<'_>| db::save_idle(conn, &kvm(), &before, &now);
            world.app.db.write::<_, DbError, _>("idle", save).await.unwrap()
        };
        assert_eq!(save(&Idle::new(), &first).await, 1200);
        assert_eq!(remembered(&world).await.0, first);
        assert_eq!(save(&first, &first).await, 0, "what is as it was costs nothing");
        assert_eq!(save(&first, &later).await, 601 + 101, "forgotten, and learned or learned anew");
        assert_eq!(remembered(&world).await.0, later);
    }

    async fn servers_that_run_are_not_written_down(backend: Backend) {
        let world = World::new(backend).await;
        for number in 0..300 {
            let name = format!("node-{number}");
            world.cloud.put(&Object::by_hand(Kind::Server, &name, &name, local("2025-02-08T09:00"))).unwrap();
        }
        sweep(&world, "2025-02-08T10:00").await;
        let (idle, whole) = remembered(&world).await;
        assert_eq!((idle, whole.unwrap().count), (Idle::new(), 300));
    }
}
