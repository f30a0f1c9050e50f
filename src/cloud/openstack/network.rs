//! Neutron: networks and subnets.

use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::Service;
use super::neutron::{Collection, Object, Plain};
use super::{OpenStackCloud, made, ready};
use crate::cloud::port::{CloudError, Desired, Observed};
use crate::domain::blueprint::{Joined, Kind};
use crate::domain::ids::ResourceKey;

#[derive(Debug, Deserialize)]
struct Ids {
    networks: Vec<Id>,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
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

    pub(super) async fn ensure_subnet(
        &self,
        desired: &Desired,
        network: &ResourceKey,
        cidr: &str,
    ) -> Result<Observed, CloudError> {
        let of = Collection::SUBNETS;
        let found: Option<Object<Plain>> = self.find_marked(of, desired).await?;
        let subnet = if let Some(subnet) = found {
            subnet
        } else {
            let network = made(desired, network)?;
            let fields = json!({"network_id": network.site_ref, "cidr": cidr, "ip_version": 4});
            self.make_marked(of, desired, fields).await?
        };
        self.keep_marks(of, &subnet, desired).await?;
        Ok(ready(Kind::Subnet, subnet.id))
    }

    /// The id of a network that a server is to be on.
    pub(super) async fn joined_network(
        &self,
        desired: &Desired,
        joined: &Joined,
    ) -> Result<String, CloudError> {
        match joined {
            Joined::Own { network, .. } => Ok(made(desired, network)?.site_ref.clone()),
            Joined::Existing(name) => self.network(name, &[]).await,
        }
    }

    /// The id of the external network with this name or id.
    pub(super) async fn external_network(&self, external: &str) -> Result<String, CloudError> {
        self.network(external, &[("router:external", "True")]).await
    }

    async fn network(&self, network: &str, with: &[(&str, &str)]) -> Result<String, CloudError> {
        for by in ["name", "id"] {
            let query = [&[(by, network), ("fields", "id")], with].concat();
            let found: Ids = self.session.get(Service::Network, &["networks"], &query).await?;
            if let Some(network) = found.networks.into_iter().next() {
                return Ok(network.id);
            }
        }
        let external = if with.is_empty() { "" } else { "external " };
        Err(CloudError::NotFound(format!("no {external}network \"{network}\"")))
    }

    /// Whether Neutron answers.
    pub(super) async fn network_answers(&self) -> Result<(), CloudError> {
        let query = [("limit", "1"), ("fields", "id")];
        self.session.get::<Value>(Service::Network, &["networks"], &query).await.map(|_| ())
    }
}
