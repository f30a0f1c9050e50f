//! People as a sweep knows them: by their accounts at the site, and with their own terms.

use fairlease::cloud::simulated::Object;
use fairlease::domain::blueprint::Kind;
use fairlease::domain::exception::Grant;
use fairlease::domain::person::Parity;
use fairlease::domain::survey::Backing;
use fairlease::services::exceptions::{self, NewException};
use fairlease::services::{people, reaping};

use crate::world::{World, local, on_both_databases, ta};

/// A server that someone made by hand.
pub(crate) fn put_server(world: &World, name: &str, made_at: &str, creator: &str) {
    let mut server = Object::by_hand(Kind::Server, name, name, local(made_at));
    server.survey.hints.creator = vec![creator.to_owned()];
    server.survey.backing = Backing::Untold;
    world.cloud.put(&server).unwrap();
}

/// Whose servers a sweep reports, and by which predicates.
async fn reported(world: &World) -> Vec<(Option<String>, &'static str)> {
    let (plan, _) = reaping::sweep(&world.app).await.unwrap();
    let each = plan.reported.iter().filter(|told| told.target.kind == Kind::Server);
    each.map(|told| (told.net_id.as_ref().map(ToString::to_string), told.predicate.code())).collect()
}

fn of(net_id: &str, code: &'static str) -> (Option<String>, &'static str) {
    (Some(net_id.to_owned()), code)
}

fn exception(lab: Option<&str>, grant: Grant) -> NewException {
    NewException {
        net_id: "ff524".parse().unwrap(),
        lab: lab.map(|id| id.parse().unwrap()),
        grant,
        until: Some(local("2025-02-09T00:00")),
        reason: "was ill".to_owned(),
        accommodation: false,
    }
}

on_both_databases! {
    async fn an_account_tells_whose_a_server_is(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        put_server(&world, "node1", "2025-02-08T00:00", "F.Field@example.edu");
        assert_eq!(reported(&world).await, [(None, "over_cap")]);
        let set = async |net_id: &str, accounts: &[&str]| {
            let (net_id, accounts) = (net_id.parse().unwrap(), accounts.iter().map(ToString::to_string).collect::<Vec<_>>());
            let app = world.app.clone();
            let set = move |conn: &mut fairlease::db::Conn<'_>| {
                people::set_cloud_users(&app, conn, &ta(), &net_id, &accounts)
            };
            world.app.db.write("accounts", set).await
        };
        set("ff524", &["f.field@example.edu", "0a1b"]).await.unwrap();
        assert_eq!(reported(&world).await, [of("ff524", "over_cap")]);
        set("ff524", &[]).await.unwrap();
        assert_eq!(reported(&world).await, [(None, "over_cap")], "forgotten");
    }

    async fn whose_cap_staff_raised_is_judged_by_that(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        world.student("gg222").await;
        put_server(&world, "node1-cloud-ff524", "2025-02-08T00:00", "");
        put_server(&world, "node1-cloud-gg222", "2025-02-08T00:00", "");
        let both = [of("ff524", "over_cap"), of("gg222", "over_cap")];
        assert_eq!(reported(&world).await, both);
        let raised = exceptions::grant(&world.app, &ta(), exception(Some("k8s"), Grant::CapMinutes(1440))).await.unwrap();
        assert_eq!(reported(&world).await, both[1..]);
        exceptions::revoke(&world.app, &ta(), raised.id).await.unwrap();
        assert_eq!(reported(&world).await, both);
        exceptions::grant(&world.app, &ta(), exception(None, Grant::CapMinutes(1440))).await.unwrap();
        assert_eq!(reported(&world).await, both[1..], "in all labs");
        world.clock.set(local("2025-02-09T00:00"));
        assert_eq!(reported(&world).await, both, "it has run out");
    }

    async fn whose_parity_staff_set_is_judged_by_it(backend: Backend) {
        let world = World::new(backend).await;
        world.student("ff524").await;
        put_server(&world, "node1-cloud-ff524", "2025-02-08T08:00", "");
        assert_eq!(reported(&world).await, []);
        let odd = exceptions::grant(&world.app, &ta(), exception(None, Grant::Parity(Parity::Odd))).await.unwrap();
        assert_eq!(reported(&world).await, [of("ff524", "wrong_day")]);
        exceptions::revoke(&world.app, &ta(), odd.id).await.unwrap();
        exceptions::grant(&world.app, &ta(), exception(Some("k8s"), Grant::Parity(Parity::Odd))).await.unwrap();
        assert_eq!(reported(&world).await, [of("ff524", "wrong_day")], "in this lab");
    }
}
