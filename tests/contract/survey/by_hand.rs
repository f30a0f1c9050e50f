//! Objects put into the simulated site.

use std::sync::Arc;

use chrono::TimeDelta;
use fairlease::clock::Clock;
use fairlease::cloud::simulated::{Object, SimulatedCloud};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::interval::Interval;
use fairlease::domain::survey::{Backing, Belongs};

use super::Hand;

/// Someone at the simulated site.
pub(crate) struct ByHand {
    pub(crate) cloud: Arc<SimulatedCloud>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) flavor: String,
}

impl ByHand {
    fn put(&self, kind: Kind, name: &str, change: impl FnOnce(&mut Object)) -> String {
        let mut object = Object::by_hand(kind, &format!("{}-{name}", kind.word()), name, self.clock.now());
        change(&mut object);
        self.cloud.put(&object).unwrap();
        object.site_ref
    }
}

fn owner() -> Vec<(String, String)> {
    vec![("owner".to_owned(), "ff524".to_owned())]
}

impl Hand for ByHand {
    async fn network(&self, name: &str) -> [String; 2] {
        let network = self.put(Kind::Network, name, |_| {});
        let subnet = self.put(Kind::Subnet, name, |it| it.survey.attached = Some(vec![network.clone()]));
        [network, subnet]
    }

    async fn shared_network(&self, name: &str) -> String {
        self.put(Kind::Network, name, |it| it.survey.belongs = Belongs::Shared)
    }

    async fn theirs(&self, name: &str) -> String {
        self.put(Kind::Network, name, |it| it.survey.belongs = Belongs::Others)
    }

    async fn clear_theirs(&self, _network: &str) {}

    async fn router(&self, name: &str, subnet: &str) -> String {
        self.put(Kind::Router, name, |it| it.uses = vec![subnet.to_owned()])
    }

    async fn port(&self, name: &str, network: &str) -> String {
        self.put(Kind::Port, name, |it| it.uses = vec![network.to_owned()])
    }

    async fn floating_ip(&self, description: &str, tag: &str) -> String {
        self.put(Kind::FloatingIp, "203.0.113.5", |it| {
            it.survey.hints.description = Some(description.to_owned());
            it.survey.tags = vec![tag.to_owned()];
        })
    }

    async fn volume(&self, name: &str) -> String {
        self.put(Kind::Volume, name, |it| it.survey.hints.metadata = owner())
    }

    async fn lease(&self, name: &str) -> [String; 2] {
        let (now, reservation) = (self.clock.now(), "reservation".to_owned());
        let lease = self.put(Kind::Lease, name, |it| {
            it.survey.span = Interval::new(now, now + TimeDelta::hours(2));
            it.survey.reservations = vec![reservation.clone()];
            it.survey.charged = vec![(self.flavor.clone(), 1)];
        });
        [lease, reservation]
    }

    async fn key(&self, name: &str) -> String {
        self.put(Kind::Keypair, name, |it| name.clone_into(&mut it.site_ref))
    }

    async fn server(&self, name: &str, key: &str, reservation: &str, network: &str) -> String {
        let server = self.put(Kind::Server, name, |it| {
            it.survey.hints.metadata = owner();
            it.survey.hints.key = Some(key.to_owned());
            it.survey.hints.creator = vec!["u1".to_owned()];
            it.survey.backing = Backing::Reservation(reservation.to_owned());
        });
        self.put(Kind::Port, "", |it| {
            it.uses = vec![network.to_owned()];
            it.survey.attached = Some(vec![server.clone()]);
        });
        server
    }
}
