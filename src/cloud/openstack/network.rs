//! Neutron: networks, subnets and floating IPs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::Service;
use super::neutron::{Collection, Object, Plain, only};
use super::{OpenStackCloud, missing, other, ready};
use crate::cloud::port::{CloudError, Desired, Observed, Progress, SiteObject};
use crate::domain::blueprint::Kind;
use crate::domain::ids::ResourceKey;
use crate::domain::resource::SiteFacts;

#[derive(Debug, Deserialize)]
struct Ids {
    #[serde(alias = "networks", alias = "ports")]
    objects: Vec<Id>,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

#[derive(Debug, Deserialize)]
struct FloatingIp {
    floating_ip_address: String,
    port_id: Option<String>,
}

impl OpenStackCloud {
    pub(super) async fn ensure_network(&self, desired: &Desired) -> Result<Observed, CloudError> {
        let of = Collection::NETWORKS;
        let network: Object<Plain> = match self.find_marked(of, desired).await? {
            Some(network) => network,
            None => self.make_marked(of, desired, json!({})).await?,
        };
        self.keep_marks(of, &network, desired).await?;
        Ok(ready(Kind::Network, network.id))
    }

    pub(super) async fn ensure_subnet(&self, desired: &Desired, cidr: &str) -> Result<Observed, CloudError> {
        let of = Collection::SUBNETS;
        let found: Option<Object<Plain>> = self.find_marked(of, desired).await?;
        let subnet = if let Some(subnet) = found {
            subnet
        } else {
            let network = other(desired, Kind::Network).ok_or_else(|| missing(Kind::Network))?;
            let fields = json!({"network_id": network.site_ref, "cidr": cidr, "ip_version": 4});
            self.make_marked(of, desired, fields).await?
        };
        self.keep_marks(of, &subnet, desired).await?;
        Ok(ready(Kind::Subnet, subnet.id))
    }

    /// A floating IP of our own making only. One that is bound to nothing looks free, but the project is shared: it may
    /// be another's, put aside for a moment.
    pub(super) async fn ensure_floating_ip(
        &self,
        desired: &Desired,
        external: &str,
        server: &ResourceKey,
    ) -> Result<Observed, CloudError> {
        let of = Collection::FLOATING_IPS;
        let port = self.port_of(desired, server).await?;
        let found: Option<Object<FloatingIp>> = self.find_marked(of, desired).await?;
        let address = match found {
            Some(address) if address.own.port_id.as_ref() == Some(&port) => address,
            Some(address) => self.bind(&address.id, &port).await?,
            None => {
                let network = self.external_network(external).await?;
                let fields = json!({"floating_network_id": network, "port_id": port});
                self.make_marked(of, desired, fields).await?
            }
        };
        self.keep_marks(of, &address, desired).await?;
        let facts = SiteFacts { address: Some(address.own.floating_ip_address), ..SiteFacts::default() };
        let bound = address.own.port_id == Some(port);
        Ok(Observed {
            object: SiteObject { kind: Kind::FloatingIp, site_ref: address.id, facts },
            progress: if bound { Progress::Ready } else { Progress::Working },
        })
    }

    async fn bind(&self, address: &str, port: &str) -> Result<Object<FloatingIp>, CloudError> {
        let path = [Collection::FLOATING_IPS.many, address];
        let body = json!({"floatingip": {"port_id": port}});
        let bound: BTreeMap<String, _> = self.session.put(Service::Network, &path, &body).await?;
        only(bound)
    }

    /// The server's port on the booking's network.
    async fn port_of(&self, desired: &Desired, server: &ResourceKey) -> Result<String, CloudError> {
        let server = desired.others.get(server).ok_or_else(|| missing(Kind::Server))?;
        let mut query = vec![("device_id", server.site_ref.as_str()), ("fields", "id")];
        query.extend(other(desired, Kind::Network).map(|net| ("network_id", net.site_ref.as_str())));
        let ports: Ids = self.session.get(Service::Network, &["ports"], &query).await?;
        let first = ports.objects.into_iter().next();
        first
            .map(|port| port.id)
            .ok_or_else(|| CloudError::Conflict(format!("server {} has no port yet", server.site_ref)))
    }

    /// The id of an external network, by name or id.
    pub(super) async fn external_network(&self, external: &str) -> Result<String, CloudError> {
        for by in ["name", "id"] {
            let query = [(by, external), ("router:external", "True"), ("fields", "id")];
            let found: Ids = self.session.get(Service::Network, &["networks"], &query).await?;
            if let Some(network) = found.objects.into_iter().next() {
                return Ok(network.id);
            }
        }
        Err(CloudError::NotFound(format!("no external network \"{external}\"")))
    }

    /// Whether Neutron answers.
    pub(super) async fn network_answers(&self) -> Result<(), CloudError> {
        let query = [("limit", "1"), ("fields", "id")];
        self.session.get::<Value>(Service::Network, &["networks"], &query).await.map(|_| ())
    }
}
