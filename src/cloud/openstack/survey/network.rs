//! Neutron's part of a survey: what the project has, and by its ports what hangs on what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{found, told};
use crate::cloud::openstack::identity::Service;
use crate::cloud::openstack::neutron::{Collection, Object};
use crate::cloud::openstack::session::Listed;
use crate::cloud::openstack::{OpenStackCloud, time};
use crate::cloud::port::{CloudError, Found};
use crate::domain::blueprint::Kind;
use crate::domain::survey::{Belongs, Condition, Hints, Survey};

/// What the project has of Neutron's kinds, and all ports that it sees: also those of others on its networks.
#[derive(Debug, Default)]
pub(super) struct Network {
    project: String,
    networks: Vec<Object<OfNetwork>>,
    subnets: Vec<Object<OfSubnet>>,
    routers: Vec<Object<Named>>,
    groups: Vec<Object<OfGroup>>,
    addresses: Vec<Object<OfAddress>>,
    ports: Vec<Object<OfPort>>,
    /// What a rule shares with other projects; `None` if the site does not tell.
    shared: Option<BTreeSet<String>>,
    /// Ports by their devices.
    by_device: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct OfNetwork {
    #[serde(default)]
    name: String,
    #[serde(default)]
    shared: bool,
    #[serde(default, rename = "router:external")]
    external: bool,
}

#[derive(Debug, Deserialize)]
struct OfSubnet {
    #[serde(default)]
    name: String,
    network_id: String,
}

#[derive(Debug, Deserialize)]
struct OfGroup {
    #[serde(default)]
    name: String,
    #[serde(default)]
    shared: bool,
}

#[derive(Debug, Deserialize)]
struct OfAddress {
    floating_ip_address: String,
    port_id: Option<String>,
    router_id: Option<String>,
    #[serde(default)]
    status: String,
    #[serde(default, deserialize_with = "time::optional")]
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct OfPort {
    #[serde(default)]
    name: String,
    #[serde(default)]
    project_id: String,
    network_id: String,
    #[serde(default)]
    device_id: String,
    #[serde(default)]
    device_owner: String,
    #[serde(default)]
    fixed_ips: Vec<FixedIp>,
    #[serde(default, deserialize_with = "time::optional")]
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct FixedIp {
    subnet_id: String,
}

/// A rule by which another project may use something.
#[derive(Debug, Deserialize)]
struct Rule {
    id: String,
    object_id: String,
    #[serde(alias = "target_project")]
    target_tenant: Option<String>,
}

impl Listed for Rule {
    fn marker(&self) -> &str {
        &self.id
    }
}

impl OfPort {
    /// Whether it is a router's, DHCP's or another one that Neutron keeps for a network.
    fn is_the_networks_own(&self) -> bool {
        self.device_owner.starts_with("network:")
    }

    fn is_interface(&self) -> bool {
        let owner = &self.device_owner;
        owner.starts_with("network:router_interface") || owner == "network:ha_router_replicated_interface"
    }
}

impl Network {
    /// The ports of a server.
    pub(super) fn ports_of(&self, device: &str) -> Vec<String> {
        self.by_device.get(device).cloned().unwrap_or_default()
    }

    fn ports_by_device(ports: &[Object<OfPort>]) -> BTreeMap<String, Vec<String>> {
        let mut by_device: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for port in ports.iter().filter(|port| !port.own.device_id.is_empty()) {
            by_device.entry(port.own.device_id.clone()).or_default().push(port.id.clone());
        }
        by_device
    }

    /// Whose something is that the project has and may have shared.
    fn belongs(&self, id: &str, shared: bool) -> Belongs {
        match &self.shared {
            _ if shared => Belongs::Shared,
            Some(ids) if ids.contains(id) => Belongs::Shared,
            Some(_) => Belongs::Project,
            None => Belongs::Untold,
        }
    }

    pub(super) fn found(mut self) -> Vec<Found> {
        let whose: BTreeMap<String, Belongs> = self
            .networks
            .iter()
            .map(|it| (it.id.clone(), self.belongs(&it.id, it.own.shared || it.own.external)))
            .collect();
        let mut all = self.found_addresses();
        all.extend(self.found_groups());
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut subnets: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let bound = addresses_by_port(&self.addresses);
        for port in std::mem::take(&mut self.ports) {
            if port.own.is_interface() {
                let behind = port.own.fixed_ips.iter().map(|ip| ip.subnet_id.clone());
                subnets.entry(port.own.device_id.clone()).or_default().extend(behind);
            }
            if port.own.is_the_networks_own() {
                continue;
            }
            *counts.entry(port.own.network_id.clone()).or_default() += 1;
            if port.own.project_id == self.project {
                all.push(found_port(port, &bound));
            }
        }
        let networks = std::mem::take(&mut self.networks).into_iter().map(|network| {
            let survey = Survey {
                belongs: whose.get(&network.id).copied().unwrap_or_default(),
                ports: Some(counts.get(&network.id).copied().unwrap_or_default()),
                ..Survey::default()
            };
            plain(Kind::Network, network, |own| own.name, survey)
        });
        all.extend(networks);
        let of_subnet = std::mem::take(&mut self.subnets).into_iter().map(|subnet| {
            let survey = Survey {
                belongs: whose.get(&subnet.own.network_id).copied().unwrap_or(Belongs::Project),
                attached: Some(vec![subnet.own.network_id.clone()]),
                ..Survey::default()
            };
            plain(Kind::Subnet, subnet, |own| own.name, survey)
        });
        all.extend(of_subnet);
        let routers = std::mem::take(&mut self.routers).into_iter().map(|router| {
            let attached = Some(subnets.remove(&router.id).unwrap_or_default());
            let survey = Survey { belongs: Belongs::Project, attached, ..Survey::default() };
            plain(Kind::Router, router, |own| own.name, survey)
        });
        all.extend(routers);
        all
    }

    fn found_groups(&mut self) -> Vec<Found> {
        let groups = std::mem::take(&mut self.groups).into_iter().map(|group| {
            let belongs = match group.own.name.as_str() {
                "default" => Belongs::Standard,
                _ => self.belongs(&group.id, group.own.shared),
            };
            plain(Kind::SecurityGroup, group, |own| own.name, Survey { belongs, ..Survey::default() })
        });
        groups.collect()
    }

    fn found_addresses(&self) -> Vec<Found> {
        let devices: BTreeMap<&str, &str> = self
            .ports
            .iter()
            .filter(|port| !port.own.device_id.is_empty())
            .map(|port| (port.id.as_str(), port.own.device_id.as_str()))
            .collect();
        self.addresses.iter().map(|address| found_address(address, &devices)).collect()
    }
}

/// Floating IPs by the ports that they lead to.
fn addresses_by_port(addresses: &[Object<OfAddress>]) -> BTreeMap<String, Vec<String>> {
    let mut bound: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for address in addresses {
        if let Some(port) = &address.own.port_id {
            bound.entry(port.clone()).or_default().push(address.id.clone());
        }
    }
    bound
}

/// An object of which no more is told than all have.
fn plain<T>(kind: Kind, object: Object<T>, name: impl Fn(T) -> String, survey: Survey) -> Found {
    let hints = Hints { description: told(object.description), ..Hints::default() };
    let name = name(object.own);
    let survey = Survey { hints, tags: object.tags, ..survey };
    found(kind, object.id, name.clone(), &name, object.created_at, survey)
}

/// A port is used by its device, and by the floating IPs that lead to it though it has none.
fn found_port(port: Object<OfPort>, bound: &BTreeMap<String, Vec<String>>) -> Found {
    let mut attached = bound.get(&port.id).cloned().unwrap_or_default();
    attached.extend(Some(port.own.device_id.clone()).filter(|device| !device.is_empty()));
    let idle = attached.is_empty();
    let survey = Survey {
        belongs: Belongs::Project,
        condition: Some(if idle { Condition::Idle } else { Condition::InUse }),
        idle_since: port.own.updated_at.filter(|_| idle),
        attached: Some(attached),
        ..Survey::default()
    };
    plain(Kind::Port, port, |own| own.name, survey)
}

/// A floating IP leads to a device, to a port that has none, or by a router's rules to several.
fn found_address(address: &Object<OfAddress>, devices: &BTreeMap<&str, &str>) -> Found {
    let own = &address.own;
    let to = own.port_id.as_deref().map(|port| devices.get(port).copied().unwrap_or(port));
    let to = to.or(own.router_id.as_deref());
    let condition = match own.status.as_str() {
        "ERROR" => Condition::Broken("the floating IP is in ERROR".to_owned()),
        "ACTIVE" => Condition::InUse,
        _ if to.is_some() => Condition::InUse,
        _ => Condition::Idle,
    };
    let survey = Survey {
        belongs: Belongs::Project,
        hints: Hints { description: told(address.description.clone()), ..Hints::default() },
        idle_since: own.updated_at.filter(|_| condition == Condition::Idle),
        condition: Some(condition),
        attached: Some(to.into_iter().map(str::to_owned).collect()),
        tags: address.tags.clone(),
        ..Survey::default()
    };
    let (name, marked) =
        (own.floating_ip_address.clone(), address.description.as_deref().unwrap_or_default());
    found(Kind::FloatingIp, address.id.clone(), name, marked, address.created_at, survey)
}

/// What every kind is asked for.
const FIELDS: [&str; 5] = ["id", "name", "description", "tags", "created_at"];

impl OpenStackCloud {
    pub(super) async fn surveyed_network(&self, project: &str) -> Result<Network, CloudError> {
        let own = [("project_id", project)];
        let address = ["floating_ip_address", "port_id", "router_id", "status", "updated_at"];
        let port = ["project_id", "network_id", "device_id", "device_owner", "fixed_ips", "updated_at"];
        let (networks, subnets, routers, groups, addresses, ports, shared) = tokio::try_join!(
            self.surveyed(Collection::NETWORKS, &own, &["shared", "router:external"]),
            self.surveyed(Collection::SUBNETS, &own, &["network_id"]),
            self.surveyed(Collection::ROUTERS, &own, &[]),
            self.surveyed(Collection::SECURITY_GROUPS, &own, &["shared"]),
            self.surveyed(Collection::FLOATING_IPS, &own, &address),
            self.surveyed(Collection::PORTS, &[], &port),
            self.shared_by_rules(project),
        )?;
        let by_device = Network::ports_by_device(&ports);
        let project = project.to_owned();
        Ok(Network { project, networks, subnets, routers, groups, addresses, ports, shared, by_device })
    }

    async fn surveyed<T: serde::de::DeserializeOwned>(
        &self,
        of: Collection,
        only: &[(&str, &str)],
        fields: &[&str],
    ) -> Result<Vec<Object<T>>, CloudError> {
        // Floating IPs have no name, and Neutron does not mind.
        let fields = FIELDS.iter().chain(fields).map(|field| ("fields", *field));
        let query: Vec<_> = only.iter().copied().chain(fields).collect();
        self.neutron_pages(of, &query).await
    }

    /// What rules share with other projects. A site without such rules shares nothing by them; of one that does not show them
    /// it is not known.
    async fn shared_by_rules(&self, project: &str) -> Result<Option<BTreeSet<String>>, CloudError> {
        let path = ["rbac-policies"];
        match self.session.get::<IgnoredAny>(Service::Network, &path, &[("limit", "1")]).await {
            Ok(_) => {}
            Err(CloudError::NotFound(_)) => return Ok(Some(BTreeSet::new())),
            Err(CloudError::Unauthorised(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
        let query = [("project_id", project)];
        let rules: Vec<Rule> = self.session.pages(Service::Network, &path, &query, "rbac_policies").await?;
        let with_others = rules.into_iter().filter(|rule| rule.target_tenant.as_deref() != Some(project));
        Ok(Some(with_others.map(|rule| rule.object_id).collect()))
    }
}

#[cfg(test)]
mod tests;
