//! The contract on real OpenStack services, and what only they can show. `FAIRLEASE_BED` is the directory in which
//! `tests/openstack/bed` keeps them; without it these cases pass by.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fairlease::clock::{Clock, SystemClock};
use fairlease::cloud::openstack::{CloudEntry, Credential, Limits, OpenStackCloud, load};
use fairlease::cloud::port::{Cloud, CloudError, Scope};
use fairlease::domain::ids::InstanceId;
use fairlease::entropy::{Entropy as _, OsEntropy};

use super::Bench;

#[allow(clippy::disallowed_methods, reason = "the bed is named in the environment")]
fn clouds_yaml() -> Option<PathBuf> {
    let bed = std::env::var("FAIRLEASE_BED").ok()?;
    Some(Path::new(&bed).join("run/clouds.yaml"))
}

fn entry(cloud: &str) -> Option<CloudEntry> {
    let file = clouds_yaml()?;
    Some(load(&[file], cloud).unwrap_or_else(|error| panic!("{error}")))
}

fn connect(entry: CloudEntry, limits: Limits) -> Arc<OpenStackCloud> {
    Arc::new(OpenStackCloud::new(entry, limits, Arc::new(SystemClock)).unwrap())
}

/// `RUST_LOG=fairlease=debug` and `--nocapture` show every call and how long it took.
fn log_calls() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}

fn bench(limits: Limits) -> Option<Bench> {
    log_calls();
    Some(Bench {
        cloud: connect(entry("course")?, limits),
        clock: Arc::new(SystemClock),
        pause: Arc::new(|| Duration::from_millis(700)),
        image: "CC-Ubuntu24.04".to_owned(),
        flavor: "m1.medium".to_owned(),
        external: "public".to_owned(),
        run: OsEntropy.bits() >> 12,
    })
}

macro_rules! case {
    ($name:ident($($argument:expr),*)) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            if let Some(bench) = bench(Limits::default()) {
                super::$name(&bench $(, $argument)*).await;
            }
        }
    };
}

case!(a_lab_comes_up_and_goes(true));
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
    let Some(mut entry) = entry("course") else { return };
    let Credential::Application { secret, .. } = &mut entry.credential else { panic!("other credential") };
    *secret = "not-the-secret".to_owned().into();
    let refused = connect(entry, Limits::default()).health().await.unwrap_err();
    assert_eq!(refused.class(), "unauthorised", "{refused}");
}

#[tokio::test]
async fn a_credential_that_was_deleted_is_refused_as_that() {
    let Some(mut entry) = entry("course") else { return };
    let Credential::Application { id, .. } = &mut entry.credential else { panic!("other credential") };
    *id = "0123456789abcdef0123456789abcdef".to_owned();
    let refused = connect(entry, Limits::default()).health().await.unwrap_err();
    assert_eq!(refused.class(), "unauthorised", "{refused}");
}

#[tokio::test]
async fn a_password_is_accepted() {
    let Some(entry) = entry("demo") else { return };
    connect(entry, Limits::default()).health().await.unwrap();
}

#[tokio::test]
async fn another_projects_objects_are_not_listed() {
    let Some(bench) = bench(Limits::default()) else { return };
    let mut lab = bench.lab(20, 1);
    let network = fairlease::domain::blueprint::sole_key(fairlease::domain::blueprint::Kind::Network);
    lab.make(&network, &fairlease::domain::blueprint::Spec::Network).await;
    let scope = Scope::Instance(lab.instance.clone());
    for cloud in ["other", "admin"] {
        let seen = connect(entry(cloud).unwrap(), Limits::default()).list(&scope).await.unwrap();
        assert_eq!(seen, [], "{cloud} is another project");
    }
    lab.clear().await;
}

#[tokio::test]
async fn every_page_of_a_listing_is_read() {
    let Some(bench) = bench(Limits { page: 2, ..Limits::default() }) else { return };
    let mut labs: Vec<_> = (1..=5).map(|number| bench.lab(21, number)).collect();
    for lab in &mut labs {
        let specs = bench.blueprint().specs(&bench.soon(), false, super::KEY);
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

#[tokio::test]
async fn a_site_that_is_not_there_may_come_back() {
    let Some(mut entry) = entry("course") else { return };
    entry.auth_url = "http://127.0.0.1:9/v3".to_owned();
    let error = connect(entry, Limits::default()).health().await.unwrap_err();
    assert!(matches!(error, CloudError::Transient { .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_is_replaced_before_its_end() {
    let Some(entry) = entry("course") else { return };
    let clock = Arc::new(fairlease::clock::ManualClock::at(SystemClock.now()));
    let cloud = OpenStackCloud::new(entry, Limits::default(), clock.clone()).unwrap();
    cloud.health().await.unwrap();
    // By our clock the token is long over: a new one is fetched, although the site would still take the old one.
    clock.advance(chrono::TimeDelta::minutes(59));
    cloud.health().await.unwrap();
    let scope = Scope::Instance(InstanceId::from_bits(OsEntropy.bits()));
    assert_eq!(cloud.list(&scope).await.unwrap(), []);
}
