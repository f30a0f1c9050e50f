//! By the services' own interfaces, without the code that is tested.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::Bench;
use super::Hand;
use crate::support::bed::Bed;

/// Someone in the course's project and someone in another.
pub(crate) struct ByApi<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) bed: Bed,
    pub(crate) neighbour: Bed,
}

fn id(made: &Value, kind: &str) -> String {
    made[kind]["id"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned()
}

impl ByApi<'_> {
    /// The id of the object with this name in a listing.
    async fn named(&self, service: &str, path: &str, list: &str, name: &str) -> String {
        let all = self.bed.get(service, path).await;
        let found = all[list].as_array().unwrap().iter().find(|it| it["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {path}"))["id"].as_str().unwrap().to_owned()
    }

    async fn external(&self) -> String {
        self.named("network", "v2.0/networks", "networks", &self.bench.external).await
    }
}

impl Hand for ByApi<'_> {
    async fn network(&self, name: &str) -> [String; 2] {
        let network = self.bed.post("network", "v2.0/networks", &json!({"network": {"name": name}})).await;
        let network = id(&network, "network");
        let subnet = json!({"subnet": {"name": name, "network_id": network, "cidr": "192.168.7.0/24", "ip_version": 4}});
        let subnet = self.bed.post("network", "v2.0/subnets", &subnet).await;
        [network, id(&subnet, "subnet")]
    }

    async fn shared_network(&self, name: &str) -> String {
        let of_neighbour = self.neighbour.get("network", "v2.0/security-groups").await;
        let with = of_neighbour["security_groups"][0]["project_id"].clone();
        let network = self.bed.post("network", "v2.0/networks", &json!({"network": {"name": name}})).await;
        let network = id(&network, "network");
        let rule = json!({"object_type": "network", "object_id": network, "action": "access_as_shared", "target_tenant": with});
        self.bed.post("network", "v2.0/rbac-policies", &json!({"rbac_policy": rule})).await;
        network
    }

    async fn theirs(&self, name: &str) -> String {
        let network = json!({"network": {"name": name}});
        id(&self.neighbour.post("network", "v2.0/networks", &network).await, "network")
    }

    async fn clear_theirs(&self, network: &str) {
        self.neighbour.delete("network", &format!("v2.0/networks/{network}")).await;
    }

    async fn router(&self, name: &str, subnet: &str) -> String {
        let gateway = json!({"network_id": self.external().await});
        let router = json!({"router": {"name": name, "external_gateway_info": gateway}});
        let router = id(&self.bed.post("network", "v2.0/routers", &router).await, "router");
        let path = format!("v2.0/routers/{router}/add_router_interface");
        let interface = self.bed.ask(Method::PUT, "network", &path).json(&json!({"subnet_id": subnet}));
        interface.send().await.unwrap().error_for_status().unwrap();
        router
    }

    async fn port(&self, name: &str, network: &str) -> String {
        let port = json!({"port": {"name": name, "network_id": network}});
        id(&self.bed.post("network", "v2.0/ports", &port).await, "port")
    }

    async fn floating_ip(&self, description: &str, tag: &str) -> String {
        let wish = json!({"floating_network_id": self.external().await, "description": description});
        let made = self.bed.post("network", "v2.0/floatingips", &json!({"floatingip": wish})).await;
        let address = id(&made, "floatingip");
        let path = format!("v2.0/floatingips/{address}/tags");
        let tags = self.bed.ask(Method::PUT, "network", &path).json(&json!({"tags": [tag]}));
        tags.send().await.unwrap().error_for_status().unwrap();
        address
    }

    async fn volume(&self, name: &str) -> String {
        let volume = json!({"volume": {"name": name, "size": 1, "metadata": {"owner": "ff524"}}});
        id(&self.bed.post("block-storage", "volumes", &volume).await, "volume")
    }

    async fn lease(&self, name: &str) -> [String; 2] {
        let flavor = self.named("compute", "flavors", "flavors", &self.bench.flavor).await;
        let end = self.bench.clock.now() + TimeDelta::minutes(121);
        let reservation =
            json!({"resource_type": "flavor:instance", "flavor_id": flavor, "amount": 1, "affinity": null});
        let lease = json!({"name": name, "start_date": "now", "end_date": end.format("%Y-%m-%d %H:%M").to_string(),
                           "events": [], "reservations": [reservation]});
        let lease = self.bed.post("reservation", "leases", &lease).await;
        let reservation = lease["lease"]["reservations"][0]["id"].as_str().unwrap().to_owned();
        let lease = id(&lease, "lease");
        let in_force = self.bench.until("the lease coming into force".to_owned(), async || {
            let told = self.bed.get("reservation", &format!("leases/{lease}")).await;
            (told["lease"]["status"] == "ACTIVE").then_some(())
        });
        in_force.await;
        [lease, reservation]
    }

    async fn key(&self, name: &str) -> String {
        let pair = json!({"keypair": {"name": name, "public_key": super::super::KEY}});
        let made = self.bed.post("compute", "os-keypairs", &pair).await;
        made["keypair"]["name"].as_str().unwrap().to_owned()
    }

    async fn server(&self, name: &str, key: &str, reservation: &str, network: &str) -> String {
        let images = format!("v2/images?name={}", self.bench.image);
        let image = self.named("image", &images, "images", &self.bench.image).await;
        let server = json!({"server": {"name": name, "imageRef": image, "flavorRef": reservation, "key_name": key,
                                       "networks": [{"uuid": network}], "metadata": {"owner": "ff524"}}});
        id(&self.bed.post("compute", "servers", &server).await, "server")
    }
}
