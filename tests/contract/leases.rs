//! The contract of leases that hold more than servers of one flavor, and of what the project has before any booking.

use std::collections::BTreeMap;

use chrono::{DurationRound as _, TimeDelta};
use fairlease::cloud::port::{Progress, Released, SiteObject};
use fairlease::domain::blueprint::{
    Blueprint, HeldBy, Kind, Machine, NetworkPlan, Reserved, ServerPlan, sole_key,
};
use fairlease::domain::ids::ResourceKey;
use fairlease::domain::renewal::Phase;

use super::{Bench, Lab, assert_same, key};

/// A server on a whole node and the site's network, one of a flavor on two networks of the booking, and an address for each
/// that is reserved in the lease.
fn blueprint(bench: &Bench, node: &str) -> Blueprint {
    let one = bench.one_server();
    let machine = Machine {
        flavor: "baremetal".to_owned(),
        node: BTreeMap::from([("hypervisor_hostname".to_owned(), node.to_owned())]),
    };
    let network = |name: &str, cidr: &str, external: Option<&String>| NetworkPlan {
        name: key(name),
        cidr: cidr.to_owned(),
        external: external.cloned(),
    };
    let metal = ServerPlan { name: key("metal"), machine, floating_ip: true, ..one.servers[0].clone() };
    let networks = vec!["front".to_owned(), "back".to_owned()];
    let address = Some([192, 168, 5, 11].into());
    let node1 = ServerPlan { networks, address, floating_ip: true, ..one.servers[0].clone() };
    Blueprint {
        servers: vec![metal, node1],
        networks: vec![
            network("front", "192.168.5.0/24", Some(&bench.external)),
            network("back", "192.168.6.0/24", None),
        ],
        reserve_floating_ips: true,
        ..one
    }
}

/// A lease holds a node, servers of a flavor and addresses at once, and each server and address gets what is its own. An
/// address that is let go of can be bound again, and goes with the lease. `look` sees the site meanwhile.
pub(crate) async fn a_lease_holds_all_kinds(
    bench: &Bench,
    node: &str,
    look: impl AsyncFnOnce(&Lab<'_>),
) -> BTreeMap<ResourceKey, SiteObject> {
    let mut lab = bench.lab(14, 1);
    let blueprint = blueprint(bench, node);
    let specs = lab.make_all(&blueprint, &HeldBy::OwnLease).await;
    let reserved: Vec<Reserved> =
        lab.made[&sole_key(Kind::Lease)].facts.reservations.iter().map(|(of, _)| of.clone()).collect();
    assert_eq!(reserved, blueprint.reservations().into_iter().map(|(of, _)| of).collect::<Vec<_>>());
    assert_eq!(lab.object("node1").facts.address.as_deref(), Some("192.168.5.11"));
    assert_same(&lab.listed().await, &lab.made);
    look(&lab).await;

    let [metal, node1] = ["ip-metal", "ip-node1"].map(|address| lab.object(address));
    assert_ne!(metal.facts.address, node1.facts.address, "each server has an address of its own");
    lab.release(Kind::FloatingIp, &metal.site_ref).await;
    assert_eq!(bench.cloud.release(Kind::FloatingIp, &metal.site_ref).await, Ok(Released::Gone));
    let listed = lab.listed().await;
    assert!(listed.iter().all(|found| found.site_ref != metal.site_ref), "it is let go of: {listed:?}");
    for (key, spec) in &specs {
        let again = lab.ensure(key, spec).await.unwrap();
        assert_eq!(again.progress, Progress::Ready, "{key}");
        if spec.kind() != Kind::FloatingIp {
            assert_eq!(again.object.site_ref, lab.made[key].site_ref, "{key} is not made twice");
        }
    }
    let made = lab.made.clone();
    lab.clear().await;
    made
}

/// Servers are made from a lease that staff hold, on a network and in a security group that are there before. None of these
/// is listed, and none goes.
pub(crate) async fn what_the_project_has_is_used(bench: &Bench, lease: &str, group: &str) {
    let mut lab = bench.lab(15, 1);
    let blueprint = Blueprint { shared_groups: vec![group.to_owned()], ..bench.one_server() };
    let held_by = HeldBy::StandingLease(lease.to_owned());
    lab.make_all(&blueprint, &held_by).await;
    assert!(lab.object("node1").facts.address.is_some(), "the network gives it an address");
    assert_same(&lab.listed().await, &lab.made);
    let kinds: Vec<_> = lab.made.values().map(|object| object.kind).collect();
    assert_eq!(kinds, [Kind::Keypair, Kind::Server]);
    lab.clear().await;
}

/// A standing lease that is not there may come: the server waits.
pub(crate) async fn a_server_waits_for_a_standing_lease(bench: &Bench) {
    let mut lab = bench.lab(16, 1);
    let held_by = HeldBy::StandingLease("no-such-lease".to_owned());
    for (key, spec) in bench.objects(&bench.one_server(), &held_by) {
        if spec.kind() == Kind::Server {
            let early = lab.ensure(&key, &spec).await.unwrap_err();
            assert_eq!(early.class(), "conflict", "{early}");
            assert!(early.to_string().contains("no-such-lease"), "{early}");
        } else {
            lab.make(&key, &spec).await;
        }
    }
    lab.clear().await;
}

/// A lease that staff hold is found by its name. Its end moves later, to the minute, and never earlier. One that has not
/// begun is left as it is, and one that is not there is told as such.
pub(crate) async fn a_held_lease_is_prolonged(bench: &Bench, name: &str, ahead: &str) {
    let in_force = || {
        bench.until(format!("{name} being in force"), async || {
            bench.cloud.held_lease(name).await.unwrap().filter(|lease| lease.phase == Phase::InForce)
        })
    };
    let found = in_force().await;
    let later = found.ends.duration_trunc(TimeDelta::minutes(1)).unwrap() + TimeDelta::minutes(90);
    let prolong = async |end| bench.cloud.prolong_lease(&found.site_ref, end).await;
    let moved = prolong(later + TimeDelta::seconds(59)).await.unwrap();
    assert_eq!((moved.site_ref.as_str(), moved.ends), (found.site_ref.as_str(), later));
    for not_later in [found.ends, later] {
        assert_eq!(prolong(not_later).await.unwrap().ends, later);
    }
    assert_eq!(in_force().await.ends, later);

    let waiting = bench.cloud.held_lease(ahead).await.unwrap().unwrap();
    assert_eq!(waiting.phase, Phase::Ahead);
    let refused = bench.cloud.prolong_lease(&waiting.site_ref, waiting.ends + TimeDelta::hours(1)).await;
    assert_eq!(refused.unwrap_err().class(), "permanent");
    assert_eq!(bench.cloud.held_lease(ahead).await, Ok(Some(waiting)));

    assert_eq!(bench.cloud.held_lease("no-such-lease").await, Ok(None));
    let missing = bench.cloud.prolong_lease("00000000-1111-4222-8333-444444444444", later).await;
    assert_eq!(missing.unwrap_err().class(), "not_found");
}
