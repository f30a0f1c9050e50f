//! Zun: containers, such as those on devices at the edge.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::compute::metadata;
use super::identity::Service;
use super::session::Listed;
use super::{OpenStackCloud, insert, oldest, time};
use crate::cloud::port::{CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject};
use crate::domain::blueprint::{ContainerSpec, Kind, Reserved};
use crate::domain::resource::SiteFacts;

#[derive(Debug, Deserialize)]
struct Container {
    uuid: String,
    #[serde(default)]
    name: Option<String>,
    status: String,
    #[serde(default)]
    status_reason: Option<String>,
    #[serde(default)]
    addresses: Option<BTreeMap<String, Vec<Address>>>,
    #[serde(default, deserialize_with = "time::optional")]
    created_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct Address {
    addr: String,
    #[serde(default)]
    version: u8,
}

impl Listed for Container {
    fn marker(&self) -> &str {
        &self.uuid
    }
}

impl Container {
    fn progress(&self) -> Progress {
        match self.status.as_str() {
            "Running" => Progress::Ready,
            "Error" | "Dead" | "Stopped" | "Deleted" => Progress::Broken(
                self.status_reason
                    .clone()
                    .unwrap_or_else(|| format!("the container's status is {}", self.status)),
            ),
            _ => Progress::Working,
        }
    }

    fn observed(self) -> Observed {
        let progress = self.progress();
        let mut addresses: Vec<_> =
            self.addresses.into_iter().flat_map(BTreeMap::into_values).flatten().collect();
        // Floating IPs lead to IPv4 addresses.
        addresses.sort_by_key(|address| address.version != 4);
        let address = addresses.into_iter().next().map(|address| address.addr);
        let facts = SiteFacts { address, ..SiteFacts::default() };
        Observed { object: SiteObject { kind: Kind::Container, site_ref: self.uuid, facts }, progress }
    }
}

/// Which of the edge's two ways to run containers: the one that has device reservations.
const PLATFORM: &str = "2";

impl OpenStackCloud {
    pub(super) async fn ensure_container(
        &self,
        desired: &Desired,
        spec: &ContainerSpec,
    ) -> Result<Observed, CloudError> {
        let mut named = self.containers().await?;
        named.retain(|container| container.name.as_ref() == Some(&desired.name));
        if let Some(container) = oldest(named, |container| container.created_at) {
            return Ok(container.observed());
        }
        let device = match &spec.device {
            Some(device) => {
                self.reservation(desired, &spec.held_by, &Reserved::Device(device.clone())).await?
            }
            None => None,
        };
        let mut nets = Vec::new();
        for joined in &spec.networks {
            nets.push(json!({"network": self.joined_network(desired, joined).await?}));
        }
        let body = request(desired, spec, &nets, device.as_deref());
        let (path, run) = (["containers"], [("run", "true")]);
        let made: Container = self.session.post_with(Service::Container, &path, &run, &body).await?;
        Ok(made.observed())
    }

    async fn containers(&self) -> Result<Vec<Container>, CloudError> {
        self.session.pages(Service::Container, &["containers"], &[], "containers").await
    }

    pub(super) async fn list_containers(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let found = |container: Container| {
            let name = container.name.unwrap_or_default();
            super::found(scope, Kind::Container, &name, container.uuid, name.clone(), container.created_at)
        };
        Ok(self.containers().await?.into_iter().filter_map(found).collect())
    }

    /// One that runs is stopped first, in the same call. One that is on its way somewhere can't be deleted yet.
    pub(super) async fn release_container(&self, id: &str) -> Result<Released, CloudError> {
        let path = ["containers", id];
        match self.session.find::<Container>(Service::Container, &path).await? {
            None => return Ok(Released::Gone),
            Some(container) if container.progress() == Progress::Working => return Ok(Released::Going),
            Some(_) => {}
        }
        let was_there = self.session.delete_with(Service::Container, &path, &[("stop", "true")]).await?;
        let is_there = was_there && self.session.find::<Value>(Service::Container, &path).await?.is_some();
        Ok(if is_there { Released::Going } else { Released::Gone })
    }
}

fn request(desired: &Desired, spec: &ContainerSpec, nets: &[Value], device: Option<&str>) -> Value {
    let ports: BTreeMap<String, Value> =
        spec.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    let mut body = json!({
        "name": desired.name,
        "image": spec.image,
        "labels": metadata(desired),
    });
    if !spec.command.is_empty() {
        insert(&mut body, "command", json!(spec.command));
    }
    if !spec.environment.is_empty() {
        insert(&mut body, "environment", json!(spec.environment));
    }
    if !ports.is_empty() {
        insert(&mut body, "exposed_ports", json!(ports));
    }
    if !nets.is_empty() {
        insert(&mut body, "nets", json!(nets));
    }
    if let Some(reservation) = device {
        let hints = json!({"reservation": reservation, "platform_version": PLATFORM});
        insert(&mut body, "hints", hints);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::tests::desired;
    use super::*;
    use crate::domain::blueprint::Spec;

    fn spec() -> ContainerSpec {
        let Some(Spec::Container(spec)) = Spec::of_stray(Kind::Container) else { unreachable!() };
        ContainerSpec { image: "python:3.12".to_owned(), ..*spec }
    }

    #[test]
    fn a_container_is_asked_for_with_what_it_has() {
        let desired = desired("edge", Spec::Container(Box::new(spec())), &[]);
        let plain = request(&desired, &spec(), &[], None);
        assert_eq!((&plain["image"], &plain["name"]), (&json!("python:3.12"), &json!(desired.name)));
        for absent in ["run", "command", "environment", "exposed_ports", "nets", "hints"] {
            assert!(plain.get(absent).is_none(), "{absent}");
        }
        let full = ContainerSpec { ports: vec![80], command: vec!["sh".to_owned()], ..spec() };
        let full = request(&desired, &full, &[json!({"network": "n1"})], Some("r1"));
        assert_eq!(full["exposed_ports"], json!({"80/tcp": {}}));
        assert_eq!(full["hints"], json!({"reservation": "r1", "platform_version": "2"}));
        assert_eq!(full["nets"], json!([{"network": "n1"}]));
    }

    #[test]
    fn how_far_a_container_is() {
        let told = |status: &str| -> Container {
            let addresses = json!({"n1": [{"addr": "10.0.0.5", "version": 4}]});
            let told = json!({"uuid": "c1", "name": "n", "status": status, "addresses": addresses});
            serde_json::from_value(told).unwrap()
        };
        assert_eq!(told("Creating").progress(), Progress::Working);
        let running = told("Running").observed();
        assert_eq!(running.progress, Progress::Ready);
        assert_eq!(running.object.facts.address.as_deref(), Some("10.0.0.5"));
        assert!(matches!(told("Error").progress(), Progress::Broken(_)));
    }
}
