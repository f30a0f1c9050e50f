//! From a blueprint to the objects of one booking.

use std::net::Ipv4Addr;

use super::{
    Blueprint, ContainerPlan, ContainerSpec, HeldBy, Joined, Kind, NetworkPlan, ServerPlan, ServerSpec, Spec,
    Values,
};
use crate::domain::ids::ResourceKey;
use crate::domain::interval::Interval;

/// What one booking brings to a blueprint.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The span that a lease of the booking covers.
    pub in_use: Interval,
    /// What holds the capacity for its servers.
    pub held_by: &'a HeldBy,
    /// The nodes that it has, and the property by which the site knows a node. They are given to the servers on bare metal,
    /// one after another.
    pub nodes: (&'a str, &'a [String]),
    /// The student's SSH public key, in OpenSSH's one-line form.
    pub public_key: &'a str,
    /// What is filled into user data.
    pub values: &'a Values,
}

fn key(text: &str) -> ResourceKey {
    text.parse().unwrap_or_else(|_| unreachable!("keys made of keys are well-formed"))
}

fn part_of(what: &str, name: &ResourceKey) -> ResourceKey {
    key(&format!("{what}-{name}"))
}

/// The key of the one object of a kind of which a booking has one.
pub fn sole_key(kind: Kind) -> ResourceKey {
    key(&kind.word().to_ascii_lowercase().replace(' ', "-"))
}

/// The key of a booking's `number`-th lease, from 1 on: one that is moved gets another.
pub fn lease_key(number: usize) -> ResourceKey {
    if number <= 1 { sole_key(Kind::Lease) } else { key(&format!("lease-{number}")) }
}

/// The key of the lease of what a server runs on instead.
pub fn lease_of_instead(server: &ResourceKey) -> ResourceKey {
    part_of("lease-of", server)
}

impl Blueprint {
    /// Every object that a booking of this blueprint takes, each after those that it needs.
    pub fn objects(&self, order: &Order<'_>) -> Vec<(ResourceKey, Spec)> {
        let blueprint = self.with_nodes(order);
        let mut objects = blueprint.lease(order);
        objects.push((
            sole_key(Kind::Keypair),
            Spec::Keypair { public_key: order.public_key.trim().to_owned() },
        ));
        objects.extend(blueprint.open_tcp_ports.as_ref().map(|ports| {
            (sole_key(Kind::SecurityGroup), Spec::SecurityGroup { open_tcp_ports: ports.clone() })
        }));
        objects.extend(blueprint.networks.iter().flat_map(NetworkPlan::objects));
        objects.extend(blueprint.stores());
        let values = blueprint.values(order);
        for server in &blueprint.servers {
            objects.extend(server.boot_volume());
            objects.push((server.name.clone(), blueprint.server(server, order, &values)));
        }
        for container in &blueprint.containers {
            objects.push((container.name.clone(), blueprint.container(container, order, &values)));
        }
        objects.extend(blueprint.volumes.iter().map(|volume| {
            let attach_to = Some(volume.server.clone());
            let (size_gib, volume_type) = (volume.size_gib, volume.volume_type.clone());
            (volume.name.clone(), Spec::Volume { size_gib, volume_type, image: None, attach_to })
        }));
        objects.extend(blueprint.addresses(order));
        objects
    }

    /// With the booking's nodes named.
    fn with_nodes(&self, order: &Order<'_>) -> Self {
        let mut named = self.clone();
        let (property, nodes) = order.nodes;
        let bare_metal = named.servers.iter_mut().filter(|server| server.machine.is_bare_metal());
        for (server, node) in bare_metal.zip(nodes) {
            server.machine.node.insert(property.to_owned(), node.clone());
        }
        named
    }

    fn lease(&self, order: &Order<'_>) -> Vec<(ResourceKey, Spec)> {
        let (start, end) = (order.in_use.start(), order.in_use.end());
        let lease = || Spec::Lease { start, end, reservations: self.reservations() };
        let own = *order.held_by == HeldBy::OwnLease;
        own.then(|| (sole_key(Kind::Lease), lease())).into_iter().collect()
    }

    fn stores(&self) -> impl Iterator<Item = (ResourceKey, Spec)> {
        let shares = self.shares.iter().map(|share| {
            let (share_type, access_from) = (share.share_type.clone(), share.access_from.clone());
            (share.name.clone(), Spec::Share { size_gib: share.size_gib, share_type, access_from })
        });
        shares.chain(self.buckets.iter().map(|bucket| (bucket.clone(), Spec::Bucket)))
    }

    fn values(&self, order: &Order<'_>) -> Values {
        let public_key = order.public_key.trim();
        let values = order.values.clone().with("login", &self.login).with("public_key", public_key);
        let values = self.values.iter().fold(values, |values, (name, value)| values.with(name, value));
        self.servers
            .iter()
            .filter_map(|server| Some((&server.name, server.address?)))
            .fold(values, |values, (name, address)| {
                values.with(&format!("address.{name}"), address.to_string())
            })
    }

    fn server(&self, plan: &ServerPlan, order: &Order<'_>, values: &Values) -> Spec {
        let values = values.clone().with("name", plan.name.as_str());
        Spec::Server(Box::new(ServerSpec {
            image: plan.image.clone(),
            machine: plan.machine.clone(),
            alternatives: plan.alternatives.clone(),
            held_by: order.held_by.clone(),
            networks: self.joined(&plan.networks, plan.address),
            keypair: sole_key(Kind::Keypair),
            security_group: self.open_tcp_ports.as_ref().map(|_| sole_key(Kind::SecurityGroup)),
            shared_groups: self.shared_groups.clone(),
            boot_volume: plan.boot_volume_gib.map(|_| part_of("disk", &plan.name)),
            user_data: plan.user_data.as_ref().map(|text| values.fill(text)),
        }))
    }

    fn container(&self, plan: &ContainerPlan, order: &Order<'_>, values: &Values) -> Spec {
        let values = values.clone().with("name", plan.name.as_str());
        let fill = |(name, value): (&String, &String)| (name.clone(), values.fill(value));
        Spec::Container(Box::new(ContainerSpec {
            image: plan.image.clone(),
            command: plan.command.clone(),
            environment: plan.environment.iter().map(fill).collect(),
            ports: plan.ports.clone(),
            networks: if plan.networks.is_empty() { Vec::new() } else { self.joined(&plan.networks, None) },
            device: plan.device.clone(),
            held_by: if plan.device.is_some() { order.held_by.clone() } else { HeldBy::Nothing },
        }))
    }

    /// The networks with these names, or all of the blueprint's own if there are none. `address` is that on the first.
    fn joined(&self, names: &[String], address: Option<Ipv4Addr>) -> Vec<Joined> {
        let all = || self.networks.iter().map(|network| network.name.to_string()).collect();
        let names = if names.is_empty() { all() } else { names.to_vec() };
        let addresses = std::iter::once(address).chain(std::iter::repeat(None));
        names.into_iter().zip(addresses).map(|(name, address)| self.join(name, address)).collect()
    }

    fn join(&self, name: String, address: Option<Ipv4Addr>) -> Joined {
        match self.own_network(&name) {
            Some(own) => {
                Joined::Own { network: own.name.clone(), subnet: part_of("subnet", &own.name), address }
            }
            None => Joined::Existing(name),
        }
    }

    /// The blueprint's own network with this name.
    pub fn own_network(&self, name: &str) -> Option<&NetworkPlan> {
        self.networks.iter().find(|network| network.name.as_str() == name)
    }

    /// The floating IPs, with the router behind which each leads if that is the booking's own.
    fn addresses(&self, order: &Order<'_>) -> Vec<(ResourceKey, Spec)> {
        let servers = self.servers.iter().filter(|server| server.floating_ip);
        let servers = servers.map(|it| (&it.name, it.networks.as_slice(), it.probe.clone()));
        let containers = self.containers.iter().filter(|container| container.floating_ip);
        let containers = containers.map(|it| (&it.name, it.networks.as_slice(), it.probe.clone()));
        let reserved = self.reserve_floating_ips && *order.held_by == HeldBy::OwnLease;
        let with_number = servers.chain(containers).enumerate();
        with_number
            .map(|(number, (name, networks, probe))| {
                let network = self.joined(networks, None).into_iter().next();
                let spec = Spec::FloatingIp {
                    external: self.external.clone(),
                    server: name.clone(),
                    router: network.as_ref().and_then(|network| self.router_of(network)),
                    network,
                    reserved: reserved.then_some(number),
                    probe,
                };
                (part_of("ip", name), spec)
            })
            .collect()
    }

    fn router_of(&self, network: &Joined) -> Option<ResourceKey> {
        let Joined::Own { network, .. } = network else { return None };
        let own = self.own_network(network.as_str()).filter(|own| own.external.is_some());
        own.map(|own| part_of("router", &own.name))
    }
}

impl NetworkPlan {
    fn objects(&self) -> Vec<(ResourceKey, Spec)> {
        let subnet = part_of("subnet", &self.name);
        let mut objects = vec![
            (self.name.clone(), Spec::Network),
            (subnet.clone(), Spec::Subnet { network: self.name.clone(), cidr: self.cidr.clone() }),
        ];
        objects.extend(
            self.external
                .clone()
                .map(|external| (part_of("router", &self.name), Spec::Router { subnet, external })),
        );
        objects
    }
}

impl ServerPlan {
    fn boot_volume(&self) -> Option<(ResourceKey, Spec)> {
        let image = Some(self.image.clone());
        let spec = |size_gib| Spec::Volume { size_gib, volume_type: None, image, attach_to: None };
        Some((part_of("disk", &self.name), self.boot_volume_gib.map(spec)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::blueprint::{Machine, Reserved, SharePlan, VolumePlan};

    fn server(name: &str) -> ServerPlan {
        ServerPlan {
            name: key(name),
            image: "CC-Ubuntu24.04".to_owned(),
            machine: Machine::of_flavor("m1.medium"),
            alternatives: Vec::new(),
            networks: Vec::new(),
            address: None,
            floating_ip: false,
            probe: None,
            boot_volume_gib: None,
            user_data: Some("@@net_id@@ on @@name@@, first is @@address.node1@@".to_owned()),
        }
    }

    fn everything() -> Blueprint {
        let network = |name: &str, external: Option<&str>| NetworkPlan {
            name: key(name),
            cidr: "192.168.1.0/24".to_owned(),
            external: external.map(str::to_owned),
        };
        let node = BTreeMap::from([("node_type".to_owned(), "gpu_p100".to_owned())]);
        Blueprint {
            login: "cc".to_owned(),
            networks: vec![network("private", Some("public")), network("back", None)],
            open_tcp_ports: Some(vec![22]),
            external: "public".to_owned(),
            reserve_floating_ips: true,
            servers: vec![
                ServerPlan { address: Some([192, 168, 1, 11].into()), floating_ip: true, ..server("node1") },
                ServerPlan { boot_volume_gib: Some(200), ..server("node2") },
                ServerPlan {
                    machine: Machine { flavor: "baremetal".to_owned(), node },
                    networks: vec!["sharednet1".to_owned()],
                    floating_ip: true,
                    ..server("gpu")
                },
            ],
            volumes: vec![VolumePlan {
                name: key("data"),
                size_gib: 2,
                volume_type: None,
                server: key("node1"),
            }],
            shares: vec![SharePlan {
                name: key("home"),
                size_gib: 10,
                share_type: None,
                access_from: vec!["192.168.1.0/24".to_owned()],
            }],
            buckets: vec![key("objects")],
            ..Blueprint::default()
        }
    }

    fn objects(held_by: &HeldBy) -> Vec<(ResourceKey, Spec)> {
        let in_use =
            Interval::new("2026-02-10T14:00:00Z".parse().unwrap(), "2026-02-10T22:00:00Z".parse().unwrap());
        let (nodes, values) = (["P3-GPU-005".to_owned()], Values::none().with("net_id", "ff524"));
        everything().objects(&Order {
            in_use: in_use.unwrap(),
            held_by,
            nodes: ("node_name", &nodes),
            public_key: "ssh-ed25519 AAAA\n",
            values: &values,
        })
    }

    #[test]
    fn each_object_comes_after_those_that_it_needs() {
        let objects = objects(&HeldBy::OwnLease);
        for (at, (name, spec)) in objects.iter().enumerate() {
            for needed in spec.needs() {
                assert!(objects.iter().take(at).any(|(key, _)| key == needed), "{name} needs {needed}");
            }
            assert_eq!(objects.iter().filter(|(key, _)| key == name).count(), 1, "{name} is there once");
        }
        assert_eq!(objects.first().map(|(key, _)| key.as_str()), Some("lease"));
    }

    #[test]
    fn a_lease_reserves_all_that_is_scarce() {
        let Spec::Lease { reservations, .. } = objects(&HeldBy::OwnLease).remove(0).1 else { panic!() };
        let node = BTreeMap::from([
            ("node_name".to_owned(), "P3-GPU-005".to_owned()),
            ("node_type".to_owned(), "gpu_p100".to_owned()),
        ]);
        assert_eq!(
            reservations,
            [
                (Reserved::Flavor("m1.medium".to_owned()), 2),
                (Reserved::Host(node), 1),
                (Reserved::FloatingIp("public".to_owned()), 2)
            ]
        );
        assert!(objects(&HeldBy::Nothing).iter().all(|(_, spec)| spec.kind() != Kind::Lease));
    }

    #[test]
    fn a_server_is_told_where_it_belongs() {
        let objects = objects(&HeldBy::StandingLease("course-nodes".to_owned()));
        let spec = |name: &str| objects.iter().find(|(key, _)| key.as_str() == name).unwrap().1.clone();
        let Spec::Server(node1) = spec("node1") else { panic!() };
        assert_eq!(node1.user_data.as_deref(), Some("ff524 on node1, first is 192.168.1.11"));
        let own = |name: &str, address: Option<Ipv4Addr>| Joined::Own {
            network: key(name),
            subnet: key(&format!("subnet-{name}")),
            address,
        };
        assert_eq!(node1.networks, [own("private", Some([192, 168, 1, 11].into())), own("back", None)]);
        let Spec::Server(node2) = spec("node2") else { panic!() };
        assert_eq!(node2.boot_volume, Some(key("disk-node2")));
        let Spec::Server(gpu) = spec("gpu") else { panic!() };
        assert_eq!(gpu.networks, [Joined::Existing("sharednet1".to_owned())]);
        let Spec::FloatingIp { router, reserved, .. } = spec("ip-node1") else { panic!() };
        assert_eq!((router, reserved), (Some(key("router-private")), None));
        let Spec::FloatingIp { router, .. } = spec("ip-gpu") else { panic!() };
        assert_eq!(router, None);
    }

    #[test]
    fn what_it_takes_of_the_quota() {
        let quota = everything().quota().times(2);
        let taken: Vec<_> = quota.entries().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            taken,
            [
                ("servers", 6),
                ("floating IPs", 4),
                ("networks", 4),
                ("routers", 2),
                ("security groups", 2),
                ("volumes", 4),
                ("GiB of volumes", 404),
                ("shares", 2),
                ("GiB of shares", 20)
            ]
        );
    }
}
