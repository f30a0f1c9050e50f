//! The contract on real OpenStack services, and what only they can show. `FAIRLEASE_TEST_BED` is the `bed.json` that
//! `tests/openstack/bed` writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fairlease::clock::{Clock, ManualClock, SystemClock};
use fairlease::cloud::openstack::{CloudEntry, Credential, Limits, OpenStackCloud, load};
use fairlease::cloud::port::{Cloud, CloudError, Progress, Scope};
use fairlease::domain::blueprint::{HeldBy, Joined, Kind, Reserved, Spec, sole_key};
use fairlease::domain::fitness::SiteService;
use fairlease::domain::ids::InstanceId;
use fairlease::entropy::{Entropy as _, OsEntropy};
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::survey::Hand as _;
use super::survey::by_api::ByApi;
use super::{Bench, key, racing};
use crate::support::bed::Bed;

/// The clouds that the bed has, or a sentence on how to get one.
#[allow(clippy::disallowed_methods, reason = "the bed is named in the environment")]
fn clouds_yaml() -> PathBuf {
    let bed = std::env::var("FAIRLEASE_TEST_BED").unwrap_or_else(|_| {
        panic!(
            "FAIRLEASE_TEST_BED does not say where real OpenStack services are: run the tests by tests/run"
        )
    });
    Path::new(&bed).with_file_name("clouds.yaml")
}

/// The bed's entry `cloud`.
fn entry(cloud: &str) -> CloudEntry {
    load(&[clouds_yaml()], cloud).unwrap_or_else(|error| panic!("{error}"))
}

fn connect(entry: CloudEntry, limits: Limits) -> Arc<OpenStackCloud> {
    Arc::new(OpenStackCloud::new(entry, limits, Arc::new(SystemClock)).unwrap())
}

/// `FAIRLEASE_LOG=fairlease=debug` and `--nocapture` show every call and how long it took.
fn log_calls() {
    let filter = tracing_subscriber::EnvFilter::from_env("FAIRLEASE_LOG");
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}

fn bench(limits: Limits) -> Bench {
    log_calls();
    Bench {
        cloud: connect(entry("course"), limits),
        clock: Arc::new(SystemClock),
        pause: Arc::new(|| Duration::from_millis(700)),
        image: "CC-Ubuntu24.04".to_owned(),
        flavor: "m1.medium".to_owned(),
        external: "public".to_owned(),
        shared_network: "sharednet1".to_owned(),
        volume_type: "ceph-ssd".to_owned(),
        // There is no Zun.
        services: SiteService::ALL.into_iter().filter(|service| *service != SiteService::Container).collect(),
        run: OsEntropy.bits() >> 12,
    }
}

macro_rules! case {
    ($name:ident($($argument:expr),*)) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let bench = bench(Limits::default());
            super::$name(&bench $(, $argument)*).await;
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

/// Each reservation is of the right type, the servers are where they belong, and each has its own address.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_holds_all_kinds() {
    let (bench, bed, operator) = (bench(Limits::default()), Bed::given().await, Bed::as_operator().await);
    let made = super::a_lease_holds_all_kinds(&bench, "bm1", async |lab| {
        let made = |name: &str| lab.object(name);
        let lease = bed.get("reservation", &format!("leases/{}", made("lease").site_ref)).await;
        for (of, id) in &made("lease").facts.reservations {
            let kind = match of {
                Reserved::Flavor(_) => "flavor:instance",
                Reserved::Host(_) => "physical:host",
                Reserved::Device(_) => "device",
                Reserved::FloatingIp(_) => "virtual:floatingip",
            };
            let reservations = lease["lease"]["reservations"].as_array().unwrap();
            let told = reservations.iter().find(|told| told["id"] == **id).unwrap();
            assert_eq!(told["resource_type"], kind, "{lease:#}");
        }
        let host = async |server: &str| {
            let server = operator.get("compute", &format!("servers/{}", made(server).site_ref)).await;
            server["server"]["OS-EXT-SRV-ATTR:hypervisor_hostname"].clone()
        };
        assert_eq!((host("metal").await, host("node1").await), (json!("bm1"), json!("cn2")));
        let front = &made("front").site_ref;
        for (address, server, network) in [("ip-metal", "metal", None), ("ip-node1", "node1", Some(front))] {
            let port = port_of(&bed, &made(address).site_ref).await.expect("it is bound");
            let port = bed.get("network", &format!("v2.0/ports/{port}")).await;
            assert_eq!(port["port"]["device_id"], made(server).site_ref);
            assert!(network.is_none_or(|network| port["port"]["network_id"] == **network), "{port:#}");
        }
        let back = &made("back").site_ref;
        let ports = bed.get("network", &format!("v2.0/ports?device_id={}", made("node1").site_ref)).await;
        let ports = ports["ports"].as_array().unwrap();
        assert!(ports.len() == 2 && ports.iter().any(|port| port["network_id"] == **back), "{ports:#?}");
        lab.release(Kind::FloatingIp, &made("ip-node1").site_ref).await;
        assert_eq!(port_of(&bed, &made("ip-node1").site_ref).await, None, "it is let go of, and stays");
    });
    for address in made.await.values().filter(|object| object.kind == Kind::FloatingIp) {
        let path = format!("v2.0/floatingips/{}", address.site_ref);
        assert!(bed.lacks("network", &path).await, "{address:?} goes with its lease");
    }
}

/// The port that a floating IP is bound to.
async fn port_of(bed: &Bed, address: &str) -> Option<String> {
    let told = bed.get("network", &format!("v2.0/floatingips/{address}")).await;
    told["floatingip"]["port_id"].as_str().map(str::to_owned)
}

/// Makes a lease of one server for two hours, in so many hours from now, as staff do. Says its path.
async fn lease_by_hand(bench: &Bench, bed: &Bed, name: &str, in_hours: i64) -> String {
    let flavors = bed.get("compute", "flavors").await;
    let flavor = flavors["flavors"].as_array().unwrap().iter().find(|it| it["name"] == bench.flavor).unwrap();
    let time = |hours| (bench.clock.now() + TimeDelta::hours(hours)).format("%Y-%m-%d %H:%M").to_string();
    let start = if in_hours == 0 { "now".to_owned() } else { time(in_hours) };
    let reservation = json!({"resource_type": "flavor:instance", "flavor_id": flavor["id"], "amount": 1,
                             "affinity": null});
    let lease = json!({"name": name, "start_date": start, "end_date": time(in_hours + 2), "events": [],
                       "reservations": [reservation]});
    let lease = bed.post("reservation", "leases", &lease).await;
    format!("leases/{}", lease["lease"]["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lease_is_prolonged() {
    let (bench, bed) = (bench(Limits::default()), Bed::given().await);
    let names = ["held", "ahead"].map(|name| format!("{name}-{:x}", bench.run));
    let paths =
        [lease_by_hand(&bench, &bed, &names[0], 0).await, lease_by_hand(&bench, &bed, &names[1], 24).await];
    super::a_held_lease_is_prolonged(&bench, &names[0], &names[1]).await;
    for path in paths {
        bed.delete("reservation", &path).await;
    }
}

/// A lease and a security group made by hand, as staff make them.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_project_has_is_used() {
    let (bench, bed) = (bench(Limits::default()), Bed::given().await);
    let name = format!("course-{:x}", bench.run);
    let group = json!({"security_group": {"name": name}});
    let group = bed.post("network", "v2.0/security-groups", &group).await;
    let path = lease_by_hand(&bench, &bed, &name, 0).await;

    super::what_the_project_has_is_used(&bench, &name, &name).await;

    let id = |made: &Value, kind: &str| made[kind]["id"].as_str().unwrap().to_owned();
    assert_eq!(bed.get("reservation", &path).await["lease"]["status"], "ACTIVE", "it is not the booking's");
    bed.delete("reservation", &path).await;
    bed.delete("network", &format!("v2.0/security-groups/{}", id(&group, "security_group"))).await;
}

/// Two objects to a page: each listing has several.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_made_is_told() {
    let bench = bench(Limits { page: 2, ..Limits::default() });
    let hand = ByApi { bench: &bench, bed: Bed::given().await, neighbour: Bed::as_neighbour().await };
    super::what_people_made_is_told(&bench, &hand).await;
}

/// Case 19: Neutron shows each address on the server of the one who asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_want_an_address_share_none() {
    let bench = bench(Limits::default());
    let hand = ByApi { bench: &bench, bed: Bed::given().await, neighbour: Bed::as_neighbour().await };
    let unbound = hand.floating_ip("of nobody who races", "case=19").await;
    racing::two_who_want_an_address_share_none(&bench, 12, &unbound, async |address, server| {
        let port = port_of(&hand.bed, &address.site_ref).await.expect("it is bound");
        let port = hand.bed.get("network", &format!("v2.0/ports/{port}")).await;
        assert_eq!(port["port"]["device_id"], server.site_ref, "{port:#}");
    })
    .await;
    racing::is_unbound(&bench, &unbound).await;
}

/// Case 19, where there is one node. Of two who ask at the same moment Blazar gives it to both, so they are kept apart before:
/// see `races::of_many_for_the_last_nodes_none_is_given_twice`.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_want_a_node_one_gets_it() {
    let node = Reserved::Host([("hypervisor_hostname".to_owned(), "bm2".to_owned())].into());
    racing::of_two_who_want_a_node_one_gets_it(&bench(Limits::default()), 3, &node, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bucket_is_emptied_and_goes() {
    let (bench, bed) = (bench(Limits::default()), Bed::given().await);
    let mut lab = bench.lab(26, 1);
    let bucket = lab.make(&key("bucket"), &Spec::Bucket).await.site_ref;
    let names =
        ["plain", "a/b", "/begins", "ends/", "two words", "100%", "%2F", "what?", "a&b=c", "Übung", "#1"];
    let names: Vec<_> =
        (0..450).map(|number| format!("{number:03} {}", names[number % names.len()])).collect();
    for some in names.chunks(30) {
        let puts = some.iter().map(|name| {
            let name = name.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
            bed.ask(Method::PUT, "object-store", &format!("{bucket}/{name}")).body("x").send()
        });
        for put in try_join_all(puts).await.unwrap() {
            put.error_for_status().unwrap();
        }
    }
    assert_eq!(bed.get("object-store", &bucket).await.as_array().unwrap().len(), names.len());
    lab.release(Kind::Bucket, &bucket).await;
    assert!(bed.lacks("object-store", &bucket).await);
    assert_eq!(lab.listed().await, []);
}

/// Rules of access that are asked for again while the site is at work on them are there once.
#[tokio::test(flavor = "multi_thread")]
async fn a_shares_rules_are_made_once() {
    let (bench, bed) = (bench(Limits::default()), Bed::given().await);
    let mut lab = bench.lab(27, 1);
    let share = key("share");
    let spec = |access_from: &[&str]| Spec::Share {
        size_gib: 1,
        share_type: None,
        access_from: access_from.iter().map(|range| (*range).to_owned()).collect(),
    };
    let made = lab.make(&share, &spec(&[])).await;
    let ranges = spec(&["10.0.0.0/24", "10.0.1.0/24"]);
    for _ in 0..2 {
        assert_eq!(lab.ensure(&share, &ranges).await.unwrap().object.site_ref, made.site_ref);
    }
    lab.make(&share, &ranges).await;
    let rules = bed.get("sharev2", &format!("share-access-rules?share_id={}", made.site_ref)).await;
    let rules = rules["access_list"].as_array().unwrap();
    assert!(rules.len() == 2 && rules.iter().all(|rule| rule["state"] == "active"), "{rules:#?}");
    lab.clear().await;
}

#[tokio::test]
async fn a_wrong_secret_is_refused_as_that() {
    let mut entry = entry("course");
    let Credential::Application { secret, .. } = &mut entry.credential else { panic!("other credential") };
    *secret = "not-the-secret".to_owned().into();
    let refused = connect(entry, Limits::default()).health().await.unwrap_err();
    assert_eq!(refused.class(), "unauthorised", "{refused}");
}

#[tokio::test]
async fn a_credential_that_was_deleted_is_refused_as_that() {
    let mut entry = entry("course");
    let Credential::Application { id, .. } = &mut entry.credential else { panic!("other credential") };
    *id = "0123456789abcdef0123456789abcdef".to_owned();
    let refused = connect(entry, Limits::default()).health().await.unwrap_err();
    assert_eq!(refused.class(), "unauthorised", "{refused}");
}

#[tokio::test]
async fn a_password_is_accepted() {
    let entry = entry("demo");
    connect(entry, Limits::default()).health().await.unwrap();
}

#[tokio::test]
async fn another_projects_objects_are_not_listed() {
    let bench = bench(Limits::default());
    let mut lab = bench.lab(20, 1);
    lab.make(&sole_key(Kind::Network), &Spec::Network).await;
    let scope = Scope::Instance(lab.instance.clone());
    for cloud in ["other", "admin"] {
        let seen = connect(entry(cloud), Limits::default()).list(&scope, &bench.services).await.unwrap();
        assert_eq!(seen, [], "{cloud} is another project");
    }
    lab.clear().await;
}

#[tokio::test]
async fn every_page_of_a_listing_is_read() {
    let bench = bench(Limits { page: 2, ..Limits::default() });
    let mut labs: Vec<_> = (1..=5).map(|number| bench.lab(21, number)).collect();
    for lab in &mut labs {
        let specs = bench.objects(&bench.blueprint(), &HeldBy::Nothing);
        for (key, spec) in specs.iter().take(3) {
            lab.make(key, spec).await;
        }
    }
    let all = bench.cloud.list(&Scope::Instance(labs[0].instance.clone()), &bench.services).await.unwrap();
    assert_eq!(all.len(), 15, "keypairs, networks and security groups of five bookings");
    for lab in labs {
        lab.clear().await;
    }
}

/// A caller that does not wait long enough loses the answer to a request that the site carries out. What it made is found
/// by the next one who asks, and not made again.
#[tokio::test]
async fn what_a_lost_answer_left_is_found() {
    let bench = bench(Limits::default());
    let lease = sole_key(Kind::Lease);
    let mut lost = 0;
    for (number, wait) in (1..).zip([60, 100, 160, 250, 400]) {
        let limits = Limits { call: Duration::from_millis(wait), ..Limits::default() };
        let hasty = connect(entry("course"), limits);
        let mut lab = bench.lab(22, number);
        let span = bench.soon();
        let spec = Spec::Lease { start: span.start(), end: span.end(), reservations: bench.reserve(1) };
        let answer = hasty.ensure(&lab.desired(&lease, spec.clone())).await;
        if let Err(CloudError::OutcomeUnknown(_)) = answer {
            let left =
                bench.until("the lease being there after all".to_owned(), async || lab.listed().await.pop());
            left.await;
            // Not always that which was seen: Blazar shows a lease while it looks for room, and takes it back if it fails.
            let made = lab.make(&lease, &spec).await;
            let listed: Vec<_> = lab.listed().await.into_iter().map(|found| found.site_ref).collect();
            assert_eq!(listed, [made.site_ref], "it is not made twice");
            lost += 1;
        }
        lab.clear().await;
    }
    assert!(lost > 0, "no answer was lost: the waits no longer fit the site's speed");
}

#[tokio::test]
async fn a_site_that_is_not_there_may_come_back() {
    let mut entry = entry("course");
    entry.auth_url = "http://127.0.0.1:9/v3".to_owned();
    let error = connect(entry, Limits::default()).health().await.unwrap_err();
    assert!(matches!(error, CloudError::Transient { .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_is_replaced_before_its_end() {
    let entry = entry("course");
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let cloud = OpenStackCloud::new(entry, Limits::default(), clock.clone()).unwrap();
    cloud.health().await.unwrap();
    // By our clock the token is long over: a new one is fetched, although the site would still take the old one.
    clock.advance(TimeDelta::minutes(59));
    cloud.health().await.unwrap();
    let scope = Scope::Instance(InstanceId::from_bits(OsEntropy.bits()));
    assert_eq!(cloud.list(&scope, &BTreeSet::new()).await, Ok(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_without_a_lease_comes_up_and_goes() {
    let bench = bench(Limits::default());
    super::a_lab_comes_up_and_goes(&bench, &HeldBy::Nothing).await;
}

#[tokio::test]
async fn a_lease_of_two_flavors_tells_which_reservation_is_whose() {
    let bench = bench(Limits::default());
    let mut lab = bench.lab(23, 1);
    let start = bench.clock.now() + TimeDelta::days(2);
    let reservations: Vec<_> = [("m1.medium", 2), ("m1.small", 1)]
        .map(|(of, count)| (Reserved::Flavor(of.to_owned()), count))
        .into();
    let spec = Spec::Lease { start, end: start + TimeDelta::hours(3), reservations: reservations.clone() };
    let lease = lab.make(&sole_key(Kind::Lease), &spec).await;
    let told: Vec<_> = lease.facts.reservations.iter().map(|(of, _)| of).collect();
    assert_eq!(told, [&reservations[0].0, &reservations[1].0]);
    assert_ne!(lease.facts.reservations[0].1, lease.facts.reservations[1].1);
    assert_eq!(lab.make(&sole_key(Kind::Lease), &spec).await.facts, lease.facts, "found is as made");
    lab.clear().await;
}

/// Case 16. Nova takes the request and says later that there is no place: the object is broken, not the call.
#[tokio::test]
async fn a_server_over_what_is_reserved_comes_up_broken() {
    let bench = bench(Limits::default());
    let mut lab = bench.lab(24, 1);
    let mut blueprint = bench.blueprint();
    blueprint.servers.truncate(1);
    lab.make_all(&blueprint, &HeldBy::OwnLease).await;
    let one_more = blueprint.servers[0].name.as_str().replace('1', "9").parse().unwrap();
    let mut spec = bench.server(&HeldBy::OwnLease);
    for joined in &mut spec.networks {
        let Joined::Own { address, .. } = joined else { unreachable!() };
        *address = None;
    }
    let spec = Spec::Server(Box::new(spec));
    let fate = bench.until("the server coming up or not".to_owned(), async || {
        let desired = lab.desired(&one_more, spec.clone());
        match bench.cloud.ensure(&desired).await.unwrap().progress {
            Progress::Working => None,
            told => Some(told),
        }
    });
    let fate = fate.await;
    assert!(matches!(&fate, Progress::Broken(why) if why.contains("No valid host")), "{fate:?}");
    lab.clear().await;
}

/// A server that is made before its lease is in force has to wait, and is not made from a flavor of everyone's.
#[tokio::test]
async fn a_server_waits_for_its_lease() {
    let bench = bench(Limits::default());
    let mut lab = bench.lab(25, 1);
    let start = bench.clock.now() + TimeDelta::days(3);
    let lease = Spec::Lease { start, end: start + TimeDelta::hours(3), reservations: bench.reserve(1) };
    lab.make(&sole_key(Kind::Lease), &lease).await;
    let server = Spec::Server(Box::new(bench.server(&HeldBy::OwnLease)));
    let key = "node1".parse().unwrap();
    let early = bench.cloud.ensure(&lab.desired(&key, server)).await.unwrap_err();
    assert_eq!(early.class(), "conflict", "{early}");
    lab.clear().await;
}
