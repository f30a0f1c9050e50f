//! The contract on real OpenStack services, and what only they can show. `FAIRLEASE_TEST_BED` is the `bed.json` that
//! `tests/openstack/bed` writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use fairlease::clock::{Clock, ManualClock, SystemClock};
use fairlease::cloud::openstack::{CloudEntry, Credential, Limits, OpenStackCloud, load};
use fairlease::cloud::port::{Cloud, CloudError, Progress, Scope};
use fairlease::domain::blueprint::{HeldBy, Joined, Kind, Reserved, Spec, sole_key};
use fairlease::domain::ids::InstanceId;
use fairlease::entropy::{Entropy as _, OsEntropy};

use super::Bench;

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
        let seen = connect(entry(cloud), Limits::default()).list(&scope).await.unwrap();
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
    let all = bench.cloud.list(&Scope::Instance(labs[0].instance.clone())).await.unwrap();
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
            let left = left.await;
            assert_eq!(lab.make(&lease, &spec).await.site_ref, left.site_ref);
            assert_eq!(lab.listed().await.len(), 1, "it is not made twice");
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
    assert_eq!(cloud.list(&scope).await, Ok(Vec::new()));
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

/// Nova takes the request and says later that there is no place: the object is broken, not the call.
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
