//! Neutron: routers, with their gateway and their interface on the booking's subnet.

use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::Service;
use super::neutron::{Collection, Object};
use super::{OpenStackCloud, made, ready};
use crate::cloud::port::{CloudError, Desired, Observed, Released};
use crate::domain::blueprint::Kind;
use crate::domain::ids::ResourceKey;

#[derive(Debug, Deserialize)]
struct Router {
    external_gateway_info: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Ports {
    ports: Vec<Port>,
}

#[derive(Debug, Deserialize)]
struct Port {
    id: String,
    #[serde(default)]
    device_owner: String,
    #[serde(default)]
    fixed_ips: Vec<FixedIp>,
}

#[derive(Debug, Deserialize)]
struct FixedIp {
    subnet_id: String,
}

impl Port {
    /// Whether it leads to a subnet: a router has others, such as its gateway.
    fn is_interface(&self) -> bool {
        let owner = &self.device_owner;
        owner.starts_with("network:router_interface") || owner == "network:ha_router_replicated_interface"
    }
}

impl OpenStackCloud {
    pub(super) async fn ensure_router(
        &self,
        desired: &Desired,
        subnet: &ResourceKey,
        external: &str,
    ) -> Result<Observed, CloudError> {
        let of = Collection::ROUTERS;
        let subnet = &made(desired, subnet)?.site_ref;
        let found: Option<Object<Router>> = self.find_marked(of, desired).await?;
        let router = if let Some(router) = found {
            router
        } else {
            let gateway = json!({"network_id": self.external_network(external).await?});
            self.make_marked(of, desired, json!({"external_gateway_info": gateway})).await?
        };
        if router.own.external_gateway_info.is_none() {
            let gateway = json!({"network_id": self.external_network(external).await?});
            let body = json!({"router": {"external_gateway_info": gateway}});
            self.session.put::<Value>(Service::Network, &[of.many, &router.id], &body).await?;
        }
        self.ensure_interface(&router.id, subnet).await?;
        self.keep_marks(of, &router, desired).await?;
        Ok(ready(Kind::Router, router.id))
    }

    async fn ensure_interface(&self, router: &str, subnet: &str) -> Result<(), CloudError> {
        let leads_there = |port: &Port| port.fixed_ips.iter().any(|ip| ip.subnet_id == subnet);
        if self.router_ports(router).await?.iter().any(leads_there) {
            return Ok(());
        }
        let path = ["routers", router, "add_router_interface"];
        self.session.put::<Value>(Service::Network, &path, &json!({"subnet_id": subnet})).await.map(|_| ())
    }

    async fn router_ports(&self, router: &str) -> Result<Vec<Port>, CloudError> {
        let query = [("device_id", router)];
        let found: Ports = self.session.get(Service::Network, &["ports"], &query).await?;
        Ok(found.ports)
    }

    /// A router can be deleted once nothing is joined to it.
    pub(super) async fn release_router(&self, router: &str) -> Result<Released, CloudError> {
        for port in self.router_ports(router).await?.into_iter().filter(Port::is_interface) {
            let path = ["routers", router, "remove_router_interface"];
            let body = json!({"port_id": port.id});
            match self.session.put::<Value>(Service::Network, &path, &body).await {
                Ok(_) | Err(CloudError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.delete_and_look(Service::Network, &["routers", router]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_told_from_a_routers_other_ports() {
        let is = |owner: &str| {
            let port: Port = serde_json::from_value(json!({"id": "p", "device_owner": owner})).unwrap();
            port.is_interface()
        };
        assert!(is("network:router_interface"));
        assert!(is("network:router_interface_distributed"));
        assert!(is("network:ha_router_replicated_interface"));
        assert!(!is("network:router_gateway") && !is("network:router_centralized_snat") && !is(""));
    }
}
