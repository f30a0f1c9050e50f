//! The contract on the simulated cloud.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fairlease::clock::{Clock as _, SystemClock};
use fairlease::cloud::simulated::{Faults, Profile, SimulatedCloud};
use fairlease::domain::blueprint::{HeldBy, Reserved};
use fairlease::domain::fitness::SiteService;
use fairlease::domain::interval::Interval;
use fairlease::entropy::SeededEntropy;

use super::Bench;
use super::racing;
use super::survey::Hand as _;
use super::survey::by_hand::ByHand;

/// A cloud that takes its time, though less than a real one.
fn bench() -> Bench {
    with_faults(Faults::none())
}

fn with_faults(faults: Faults) -> Bench {
    bench_of(site(faults))
}

fn site(faults: Faults) -> Arc<SimulatedCloud> {
    site_of(profile(), faults)
}

fn profile() -> Profile {
    Profile {
        boot: TimeDelta::milliseconds(60),
        shutdown: TimeDelta::milliseconds(30),
        lease_lag: TimeDelta::milliseconds(30),
        latency: TimeDelta::zero(),
        ..Profile::default()
    }
}

fn site_of(profile: Profile, faults: Faults) -> Arc<SimulatedCloud> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SeededEntropy::new(1)));
    let cloud = SimulatedCloud::in_memory(profile, faults, clock.clone(), entropy);
    let in_days = |from, to| {
        let now = clock.now();
        Interval::new(now + TimeDelta::days(from), now + TimeDelta::days(to)).unwrap()
    };
    cloud.put_lease("course", &in_days(-1, 1), &[]).unwrap();
    cloud.put_lease("ahead", &in_days(1, 2), &[]).unwrap();
    Arc::new(cloud)
}

fn bench_of(cloud: Arc<SimulatedCloud>) -> Bench {
    Bench {
        cloud,
        clock: Arc::new(SystemClock),
        pause: Arc::new(|| Duration::from_millis(10)),
        image: "CC-Ubuntu24.04".to_owned(),
        flavor: "m1.medium".to_owned(),
        external: "public".to_owned(),
        shared_network: "sharednet1".to_owned(),
        volume_type: "ceph-ssd".to_owned(),
        services: SiteService::ALL.into(),
        run: 1,
    }
}

macro_rules! case {
    ($name:ident($($argument:expr),*)) => {
        #[tokio::test]
        async fn $name() {
            super::$name(&bench() $(, $argument)*).await;
        }
    };
}

case!(a_lab_comes_up_and_goes(&HeldBy::OwnLease));
case!(absence_is_told());
case!(what_is_missing_is_named());
case!(others_are_not_listed());
case!(what_is_in_use_stays());
case!(racing_workers_agree());
case!(a_moved_end_is_written_down());
case!(no_room_is_told());
case!(a_lease_can_be_made_ahead());
case!(a_lease_in_force_can_be_moved());
case!(a_servers_volumes_come_and_go());
case!(a_bucket_comes_up_and_goes());
case!(a_share_comes_up_and_goes());
case!(a_server_waits_for_a_standing_lease());
case!(what_the_project_has_is_used("course", "allow-ssh"));
case!(a_held_lease_is_prolonged("course", "ahead"));
case!(a_container_comes_up_and_goes());

#[tokio::test]
async fn a_lease_holds_all_kinds() {
    super::a_lease_holds_all_kinds(&bench(), "bm1", async |_| {}).await;
}

/// As at a site that has neither, or hides them for a while.
#[tokio::test]
async fn absence_is_told_by_services_only() {
    let hidden = [SiteService::Block, SiteService::Container];
    let faults = Faults::none();
    faults.hide(hidden);
    let mut bench = with_faults(faults);
    bench.services.retain(|service| !hidden.contains(service));
    super::absence_is_told(&bench).await;
    super::a_lab_comes_up_and_goes(&bench, &HeldBy::OwnLease).await;
}

#[tokio::test]
async fn what_people_made_is_told() {
    let cloud = site(Faults::none());
    let bench = bench_of(cloud.clone());
    let hand = ByHand { cloud, clock: bench.clock.clone(), flavor: bench.flavor.clone() };
    super::what_people_made_is_told(&bench, &hand).await;
}

/// Case 19.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_want_an_address_share_none() {
    let cloud = site(Faults::none());
    let bench = bench_of(cloud.clone());
    let hand = ByHand { cloud, clock: bench.clock.clone(), flavor: bench.flavor.clone() };
    let unbound = hand.floating_ip("of ff524", "owner=ff524").await;
    racing::two_who_want_an_address_share_none(&bench, 300, &unbound, async |_, _| {}).await;
    racing::is_unbound(&bench, &unbound).await;
}

/// Case 19, where there is one node.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_want_a_node_one_gets_it() {
    let bench = bench_of(site_of(Profile { lease_capacity: 1, ..profile() }, Faults::none()));
    let node = Reserved::Host([("node_type".to_owned(), "gpu_p100".to_owned())].into());
    racing::of_two_who_want_a_node_one_gets_it(&bench, 300, &node, true).await;
}
