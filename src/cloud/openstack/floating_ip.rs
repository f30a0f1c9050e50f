//! Neutron: floating IPs, of the project's own making or reserved in a lease.
//!
//! A reserved one comes and goes with its lease, and carries the tag `reservation:<id>`. It is ours to bind: while it is
//! bound its description carries the mark.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::Service;
use super::neutron::{Collection, Object, Plain, only};
use super::{OpenStackCloud, made};
use crate::cloud::port::{CloudError, Desired, Observed, Progress, Released, SiteObject};
use crate::domain::blueprint::{HeldBy, Joined, Kind, Reserved};
use crate::domain::ids::ResourceKey;
use crate::domain::resource::SiteFacts;

#[derive(Debug, Deserialize)]
struct FloatingIp {
    floating_ip_address: String,
    port_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Ports {
    ports: Vec<Port>,
}

#[derive(Debug, Deserialize)]
struct Port {
    id: String,
}

const OF: Collection = Collection::FLOATING_IPS;

/// What Blazar tags its addresses with.
const BLAZARS: &str = "blazar";

impl OpenStackCloud {
    pub(super) async fn ensure_floating_ip(
        &self,
        desired: &Desired,
        external: &str,
        port: &str,
    ) -> Result<Observed, CloudError> {
        let found: Option<Object<FloatingIp>> = self.find_marked(OF, desired).await?;
        let address = match found {
            Some(address) if address.own.port_id.as_deref() == Some(port) => address,
            Some(address) => self.bind(&address.id, json!({"port_id": port})).await?,
            None => {
                let network = self.external_network(external).await?;
                let fields = json!({"floating_network_id": network, "port_id": port});
                self.make_marked(OF, desired, fields).await?
            }
        };
        self.keep_marks(OF, &address, desired).await?;
        Ok(observed(address, port))
    }

    /// Of the addresses that a lease of the booking reserves, the one with this number in the order of addresses: each of
    /// the booking's has another, whoever asks first.
    pub(super) async fn ensure_reserved_ip(
        &self,
        desired: &Desired,
        external: &str,
        port: &str,
        number: usize,
    ) -> Result<Observed, CloudError> {
        let of = Reserved::FloatingIp(external.to_owned());
        let reservation = self.reservation(desired, &HeldBy::OwnLease, &of).await?.unwrap_or_default();
        let tag = format!("reservation:{reservation}");
        let mut all: Vec<Object<FloatingIp>> = self.neutron_pages(OF, &[("tags", &tag)]).await?;
        all.sort_by(|a, b| a.own.floating_ip_address.cmp(&b.own.floating_ip_address));
        let address = all.into_iter().nth(number).ok_or_else(|| {
            CloudError::Conflict(format!(
                "reservation {reservation} has not brought its address {number} yet"
            ))
        })?;
        let bound = match &address.own.port_id {
            Some(to) if to == port => address,
            _ => self.bind(&address.id, json!({"port_id": port, "description": desired.name})).await?,
        };
        Ok(observed(bound, port))
    }

    async fn bind(&self, address: &str, fields: Value) -> Result<Object<FloatingIp>, CloudError> {
        let body = json!({"floatingip": fields});
        let bound: BTreeMap<String, _> =
            self.session.put(Service::Network, &[OF.many, address], &body).await?;
        only(bound)
    }

    /// The port by which a server or a container is reached, on a certain network if it is told.
    pub(super) async fn port_of(
        &self,
        desired: &Desired,
        target: &ResourceKey,
        network: Option<&Joined>,
    ) -> Result<String, CloudError> {
        let target = made(desired, target)?;
        let network = match network {
            Some(joined) => Some(self.joined_network(desired, joined).await?),
            None => None,
        };
        // The ports of containers are not theirs by id.
        let fixed = target.facts.address.as_ref().filter(|_| target.kind == Kind::Container);
        let fixed = fixed.map(|address| format!("ip_address={address}"));
        let mut query = vec![("fields", "id")];
        query.push(match &fixed {
            Some(fixed) => ("fixed_ips", fixed),
            None => ("device_id", &target.site_ref),
        });
        query.extend(network.as_deref().map(|network| ("network_id", network)));
        let found: Ports = self.session.get(Service::Network, &["ports"], &query).await?;
        let port = found.ports.into_iter().next().map(|port| port.id);
        port.ok_or_else(|| CloudError::Conflict(format!("{} has no port yet", target.site_ref)))
    }

    /// A reserved address is only let go of: it is the lease's, and goes with it.
    pub(super) async fn release_floating_ip(&self, address: &str) -> Result<Released, CloudError> {
        let path = [OF.many, address];
        let found: Option<BTreeMap<String, Object<Plain>>> =
            self.session.find(Service::Network, &path).await?;
        let Some(found) = found else { return Ok(Released::Gone) };
        if only(found)?.tags.iter().any(|tag| tag == BLAZARS) {
            let nobody = json!({"floatingip": {"port_id": null, "description": ""}});
            return match self.session.put::<Value>(Service::Network, &path, &nobody).await {
                Ok(_) | Err(CloudError::NotFound(_)) => Ok(Released::Gone),
                Err(error) => Err(error),
            };
        }
        self.delete_and_look(Service::Network, &path).await
    }
}

fn observed(address: Object<FloatingIp>, port: &str) -> Observed {
    let bound = address.own.port_id.as_deref() == Some(port);
    let facts = SiteFacts { address: Some(address.own.floating_ip_address), ..SiteFacts::default() };
    Observed {
        object: SiteObject { kind: Kind::FloatingIp, site_ref: address.id, facts },
        progress: if bound { Progress::Ready } else { Progress::Working },
    }
}
