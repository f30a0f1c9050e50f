//! What others have in the same project: made by hand, without our mark, or with the mark of another installation.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fairlease::clock::{Clock as _, SystemClock};
use fairlease::domain::ids::{BookingId, InstanceId};
use fairlease::domain::resource::Mark;
use fairlease::entropy::{Entropy as _, OsEntropy};
use serde_json::{Value, json};

use crate::support::bed::Bed;
use crate::support::until;
use crate::world::KEY;

/// One object of each kind.
pub(super) struct Others {
    /// Service, path of its collection and id, in the order in which they were made.
    made: Vec<(&'static str, &'static str, String)>,
}

impl Others {
    /// Makes them as someone would who has the site's own tools, and a network as another installation would.
    pub(super) async fn make(bed: &Bed) -> Self {
        let mut others = Self { made: Vec::new() };
        let name = format!("by-hand-{:08x}", OsEntropy.bits() >> 32);
        let network = json!({"network": {"name": name}});
        let network = others.add(bed, "network", "v2.0/networks", &network).await;
        let range = json!({"subnet": {"name": name, "network_id": network, "cidr": "192.168.1.0/24", "ip_version": 4}});
        others.add(bed, "network", "v2.0/subnets", &range).await;
        let group = json!({"security_group": {"name": name}});
        others.add(bed, "network", "v2.0/security-groups", &group).await;
        let router = json!({"router": {"name": name}});
        others.add(bed, "network", "v2.0/routers", &router).await;
        let outside =
            bed.objects().await["network"].iter().find(|it| it["name"] == "public").unwrap().clone();
        let address = json!({"floatingip": {"floating_network_id": outside["id"]}});
        others.add(bed, "network", "v2.0/floatingips", &address).await;
        let pair = json!({"keypair": {"name": name, "public_key": KEY}});
        others.add(bed, "compute", "os-keypairs", &pair).await;
        let image = bed.get("image", "v2/images?name=CC-Ubuntu24.04").await["images"][0]["id"].clone();
        let server = json!({"server": {"name": name, "flavorRef": "1", "imageRef": image, "networks": [{"uuid": network}]}});
        others.add(bed, "compute", "servers", &server).await;
        others.add(bed, "reservation", "leases", &lease(&name)).await;
        let theirs = Mark {
            instance: InstanceId::from_bits(OsEntropy.bits()),
            booking: BookingId::from_bits(OsEntropy.bits()),
            key: "network".parse().unwrap(),
        };
        let network = json!({"network": {"name": theirs.name("k8s-ff524")}});
        others.add(bed, "network", "v2.0/networks", &network).await;
        others
    }

    /// Their ids.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.made.iter().map(|(_, _, id)| id.clone()).collect()
    }

    async fn add(&mut self, bed: &Bed, service: &'static str, path: &'static str, body: &Value) -> String {
        let made = bed.post(service, path, body).await;
        let object = made.as_object().unwrap().values().next().unwrap();
        let id = object["id"].as_str().or_else(|| object["name"].as_str()).unwrap().to_owned();
        self.made.push((service, path, id.clone()));
        id
    }

    /// Deletes them, the last one first.
    pub(super) async fn remove(self, bed: &Bed) {
        for (service, path, id) in self.made.into_iter().rev() {
            let gone = until(|| async { bed.delete(service, &format!("{path}/{id}")).await.then_some(()) });
            gone.await.unwrap_or_else(|| panic!("{path}/{id} can't be deleted"));
        }
    }
}

/// One that begins in two days.
fn lease(name: &str) -> Value {
    let at = |hours| (SystemClock.now() + TimeDelta::hours(hours)).format("%Y-%m-%d %H:%M").to_string();
    json!({"name": name, "start_date": at(48), "end_date": at(50), "events": [], "reservations": [
        {"resource_type": "flavor:instance", "flavor_id": "1", "amount": 1, "affinity": null}]})
}
