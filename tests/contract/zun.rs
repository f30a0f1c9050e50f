//! The contract of containers on a server that answers as Zun's API reference says. **Nothing real stands behind it**: the
//! services that the tests run on have no Zun. What it says is taken from the reference and its samples, and where these
//! are silent from Zun's own checks of requests, so these cases show that the client keeps to what is published.

mod site;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fairlease::clock::SystemClock;
use fairlease::cloud::openstack::{CloudEntry, Credential, Interface, Limits, OpenStackCloud, Trust};
use fairlease::cloud::port::{Progress, Released, Scope, SiteObject};
use fairlease::domain::blueprint::{HeldBy, Kind, Reserved, Spec, sole_key};
use fairlease::domain::fitness::SiteService;
use fairlease::domain::resource::SiteFacts;

use self::site::Site;
use super::containers::container;
use super::{Bench, assert_same, key};

fn bench(site: &Site, page: usize) -> Bench {
    let entry = CloudEntry {
        name: "edge".to_owned(),
        auth_url: format!("{}/identity", site.url),
        credential: Credential::Application { id: "id".to_owned(), secret: "secret".to_owned().into() },
        region: None,
        interface: Interface::Public,
        trust: Trust::System,
    };
    let clock = Arc::new(SystemClock);
    let limits = Limits { page, ..Limits::default() };
    Bench {
        cloud: Arc::new(OpenStackCloud::new(entry, limits, clock.clone()).unwrap()),
        clock,
        // What the site does it does between two looks.
        pause: Arc::new(|| Duration::ZERO),
        image: String::new(),
        flavor: String::new(),
        external: "public".to_owned(),
        shared_network: site::NETWORK.to_owned(),
        volume_type: String::new(),
        services: BTreeSet::from([SiteService::Compute, SiteService::Network, SiteService::Container]),
        run: 1,
    }
}

#[tokio::test]
async fn a_container_comes_up_and_goes() {
    let site = Site::start();
    super::a_container_comes_up_and_goes(&bench(&site, 500)).await;
    assert_eq!(site.containers(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_gone() {
    let site = Site::start();
    let bench = bench(&site, 500);
    let released = bench.cloud.release(Kind::Container, "00000000-1111-4222-8333-444444444444").await;
    assert_eq!(released, Ok(Released::Gone));
}

#[tokio::test]
async fn every_page_of_a_listing_is_read() {
    let site = Site::start();
    let bench = bench(&site, 2);
    let mut labs: Vec<_> = (1..=4).map(|number| bench.lab(18, number)).collect();
    let (edge, spec) = container(&bench);
    for lab in &mut labs {
        lab.make(&edge, &spec).await;
        assert_same(&lab.listed().await, &lab.made);
    }
    let all = bench.cloud.list(&Scope::Instance(labs[0].instance.clone()), &bench.services).await.unwrap();
    assert_eq!(all.len(), labs.len());
    for lab in labs {
        lab.clear().await;
    }
    assert_eq!(site.containers(), 0);
}

/// A container on a device is told by a hint which reservation it may use.
#[tokio::test]
async fn a_device_is_used_by_its_reservation() {
    let site = Site::start();
    let bench = bench(&site, 500);
    let mut lab = bench.lab(19, 1);
    let (edge, spec) = container(&bench);
    let Spec::Container(mut spec) = spec else { unreachable!() };
    let device = [("machine_name".to_owned(), "raspberrypi5".to_owned())].into();
    let reservation = (Reserved::Device(device), "5d1c0c55".to_owned());
    let Reserved::Device(device) = &reservation.0 else { unreachable!() };
    (spec.device, spec.held_by) = (Some(device.clone()), HeldBy::OwnLease);
    let spec = Spec::Container(spec);
    let early = lab.ensure(&edge, &spec).await.unwrap_err();
    assert_eq!(early.class(), "conflict", "there is no lease yet: {early}");
    let facts = SiteFacts { reservations: vec![reservation], ..SiteFacts::default() };
    let lease = SiteObject { kind: Kind::Lease, site_ref: "lease".to_owned(), facts };
    lab.made.insert(sole_key(Kind::Lease), lease);
    lab.make(&edge, &spec).await;
    assert_eq!(site.asked_for()["hints"]["reservation"], "5d1c0c55");
    assert_eq!(site.asked_for()["hints"]["platform_version"], "2");
    lab.clear().await;
}

/// Zun refuses to delete a container that is being made. That is no failure for good: it is asked again.
#[tokio::test]
async fn one_that_is_being_made_goes_once_it_is_there() {
    let site = Site::start();
    let bench = bench(&site, 500);
    let lab = bench.lab(28, 1);
    let (edge, spec) = container(&bench);
    let made = lab.ensure(&edge, &spec).await.unwrap();
    assert_eq!(made.progress, Progress::Working);
    assert_eq!(bench.cloud.release(Kind::Container, &made.object.site_ref).await, Ok(Released::Going));
    lab.clear().await;
    assert_eq!(site.containers(), 0);
}

#[tokio::test]
async fn what_breaks_says_why() {
    let site = Site::start();
    let bench = bench(&site, 500);
    let lab = bench.lab(29, 1);
    let (edge, Spec::Container(mut spec)) = container(&bench) else { unreachable!() };
    site::NO_SUCH_IMAGE.clone_into(&mut spec.image);
    let spec = Spec::Container(spec);
    let fate = bench.until("the container coming up or not".to_owned(), async || {
        match lab.ensure(&edge, &spec).await.unwrap().progress {
            Progress::Working => None,
            told => Some(told),
        }
    });
    assert_eq!(fate.await, Progress::Broken(site::PULL_FAILED.to_owned()));
    lab.clear().await;
}

/// What the site finds wrong with a request comes back in its words.
#[tokio::test]
async fn a_refusal_is_told_in_the_sites_words() {
    let site = Site::start();
    let bench = bench(&site, 500);
    let lab = bench.lab(30, 1);
    let (edge, spec) = container(&bench);
    let mut desired = lab.desired(&edge, spec);
    desired.name = format!("-{}", desired.name);
    let refused = bench.cloud.ensure(&desired).await.unwrap_err();
    assert_eq!(refused.class(), "permanent", "{refused}");
    assert!(refused.to_string().ends_with("Invalid input for field 'name'"), "{refused}");
    assert_eq!(key("edge"), edge);
}
