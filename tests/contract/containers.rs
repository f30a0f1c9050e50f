//! The contract of containers.

use std::collections::BTreeMap;

use fairlease::cloud::port::{Progress, Released};
use fairlease::domain::blueprint::{Blueprint, ContainerPlan, HeldBy, Kind, Spec};
use fairlease::domain::ids::ResourceKey;

use super::{Bench, assert_same, key};

/// A container with a command, variables and a port, on the site's network.
pub(crate) fn container(bench: &Bench) -> (ResourceKey, Spec) {
    let plan = ContainerPlan {
        name: key("edge"),
        image: "python:3.12".to_owned(),
        command: ["python", "-m", "http.server"].map(str::to_owned).to_vec(),
        environment: BTreeMap::from([("WHO".to_owned(), "@@name@@".to_owned())]),
        ports: vec![8000],
        networks: vec![bench.shared_network.clone()],
        device: None,
        floating_ip: false,
        probe: None,
    };
    let blueprint = Blueprint { containers: vec![plan], ..Blueprint::default() };
    let objects = bench.objects(&blueprint, &HeldBy::Nothing);
    objects.into_iter().find(|(_, spec)| spec.kind() == Kind::Container).expect("the blueprint has one")
}

/// A container that is asked for twice is one, has an address, is listed as ours, and goes while it runs.
pub(crate) async fn a_container_comes_up_and_goes(bench: &Bench) {
    let mut lab = bench.lab(17, 1);
    let (edge, spec) = container(bench);
    let made = lab.make(&edge, &spec).await;
    assert!(made.facts.address.is_some());
    let again = lab.ensure(&edge, &spec).await.unwrap();
    assert_eq!((&again.object, again.progress), (&made, Progress::Ready));
    assert_same(&lab.listed().await, &lab.made);
    lab.release(Kind::Container, &made.site_ref).await;
    assert_eq!(bench.cloud.release(Kind::Container, &made.site_ref).await, Ok(Released::Gone));
    assert_eq!(lab.listed().await, []);
}
