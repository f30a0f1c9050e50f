//! Blueprints.

use std::net::Ipv4Addr;

use super::{Around, Check, all_right};
use crate::config::course_file::blueprint::{
    BlueprintTable, ContainerTable, MachineTable, NetworkTable, ServerTable, ShareTable, VolumeTable,
};
use crate::config::course_file::places::PoolTable;
use crate::domain::blueprint::{
    Blueprint, ContainerPlan, Kind, Machine, NAMES, NetworkPlan, Probe, ServerPlan, SharePlan, VolumePlan,
    names, sole_key,
};
use crate::domain::ids::ResourceKey;

/// Servers that one entry may stand for.
const MOST_SERVERS: i32 = 100;
/// GiB that a volume or a share may have.
const SIZES: std::ops::RangeInclusive<i32> = 1..=100_000;
/// How the names of a booking's own parts begin, beside those of one whole word.
const KEPT: [&str; 7] = ["lease-", "ip-", "stray-", "subnet-", "router-", "disk-", "lease-of-"];

impl Check<'_> {
    pub(super) fn blueprint(&mut self, key: &str, table: &BlueprintTable) -> Option<Blueprint> {
        if table.server.is_empty() && table.container.is_empty() {
            self.error(&format!("{key}.server"), "there is none, and no container");
        }
        let networks = self.networks(key, table);
        let servers = self.servers(key, table);
        let containers = self.containers(key, table);
        let volumes = self.volumes(key, table);
        let shares = self.shares(key, table);
        let buckets: Vec<_> = (1..)
            .zip(&table.buckets)
            .map(|(number, name)| self.part(&format!("{key}.buckets.{number}"), name))
            .collect();
        self.values(key, table);
        let blueprint = Blueprint {
            login: table.login.clone(),
            values: table.values.clone(),
            networks: networks?,
            open_tcp_ports: table.open_tcp_ports.clone(),
            shared_groups: table.security_groups.clone(),
            external: external(table).unwrap_or_default(),
            reserve_floating_ips: table.reserve_floating_ips,
            servers: servers?,
            containers: containers?,
            volumes: volumes?,
            shares: shares?,
            buckets: buckets.into_iter().collect::<Option<_>>()?,
        };
        self.whole(key, table, &blueprint);
        Some(blueprint)
    }

    /// A value of staff's has a name that no value of the booking has.
    fn values(&mut self, key: &str, table: &BlueprintTable) {
        for name in table.values.keys() {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
                let what = "it is not lower-case letters, digits and underscores, such as image_mirror";
                self.error(&format!("{key}.values.{name}"), what);
            }
            if NAMES.contains(&name.as_str()) {
                self.error(&format!("{key}.values.{name}"), "every booking has a value of this name already");
            }
        }
    }

    /// What can be wrong with the parts together.
    fn whole(&mut self, key: &str, table: &BlueprintTable, blueprint: &Blueprint) {
        let parts = blueprint.networks.iter().map(|it| &it.name);
        let parts = parts.chain(blueprint.servers.iter().map(|it| &it.name));
        let parts = parts.chain(blueprint.containers.iter().map(|it| &it.name));
        let parts = parts.chain(blueprint.volumes.iter().map(|it| &it.name));
        let parts = parts.chain(blueprint.shares.iter().map(|it| &it.name)).chain(&blueprint.buckets);
        let mut seen = Vec::new();
        for name in parts {
            if seen.contains(&name) {
                self.error(key, format!("two parts of it are called {name}: each has a name of its own"));
            }
            seen.push(name);
        }
        if blueprint.floating_ips() > 0 && external(table).is_none() {
            let what = "it is missing: say from which network floating IPs are, such as public";
            self.error(&format!("{key}.external"), what);
        }
        for network in &blueprint.networks {
            let on_it = |server: &&ServerPlan| {
                let own = || blueprint.networks.first().map(|own| own.name.as_str());
                server.networks.first().map(String::as_str).or_else(own) == Some(network.name.as_str())
            };
            let on_it: Vec<&ServerPlan> = blueprint.servers.iter().filter(on_it).collect();
            let fixed = on_it.iter().filter(|server| server.address.is_some()).count();
            if fixed != 0 && fixed != on_it.len() {
                self.error(
                    &format!("{key}.server"),
                    format!(
                        "on {} give each server an address or none: a free one might be given away first",
                        network.name
                    ),
                );
            }
        }
    }

    fn networks(&mut self, key: &str, table: &BlueprintTable) -> Option<Vec<NetworkPlan>> {
        let network = |check: &mut Self, table: &NetworkTable| {
            let key = format!("{key}.network.{}", table.name);
            check.cidr(&format!("{key}.cidr"), &table.cidr);
            Some(NetworkPlan {
                name: check.part(&format!("{key}.name"), &table.name)?,
                cidr: table.cidr.clone(),
                external: table.external.clone(),
            })
        };
        let networks: Vec<_> = table.network.iter().map(|table| network(self, table)).collect();
        networks.into_iter().collect()
    }

    fn servers(&mut self, key: &str, table: &BlueprintTable) -> Option<Vec<ServerPlan>> {
        let servers: Vec<_> = table.server.iter().map(|server| self.server(key, table, server)).collect();
        servers.into_iter().collect::<Option<Vec<_>>>().map(|servers| servers.concat())
    }

    /// The servers that one entry stands for.
    fn server(
        &mut self,
        blueprint_key: &str,
        blueprint: &BlueprintTable,
        table: &ServerTable,
    ) -> Option<Vec<ServerPlan>> {
        let key = format!("{blueprint_key}.server.{}", table.name);
        self.range(&format!("{key}.count"), table.count.into(), 1..=MOST_SERVERS);
        if table.networks.is_empty() && blueprint.network.is_empty() {
            let what = "it is missing, and the blueprint has no network of its own: name one of the site";
            self.error(&format!("{key}.networks"), what);
        }
        self.address(&key, blueprint, table);
        let probe = self.probe(&key, table.probe.as_ref(), table.floating_ip);
        if let Some(size) = table.boot_volume_gib {
            self.size(&format!("{key}.boot_volume_gib"), size);
        }
        let user_data = table.user_data.as_ref().or(blueprint.user_data.as_ref());
        if let Some(text) = user_data {
            let where_ = if table.user_data.is_some() { &key } else { blueprint_key };
            self.filled(&format!("{where_}.user_data"), blueprint, text);
        }
        let alternatives = table
            .alternative
            .iter()
            .map(|MachineTable { flavor, node }| Machine { flavor: flavor.clone(), node: node.clone() });
        let plan = ServerPlan {
            name: self.part(&format!("{key}.name"), &table.name)?,
            image: table.image.clone(),
            machine: Machine { flavor: table.flavor.clone(), node: table.node.clone() },
            alternatives: alternatives.collect(),
            networks: table.networks.clone(),
            address: table.address,
            floating_ip: table.floating_ip,
            probe: all_right(probe)?,
            boot_volume_gib: table.boot_volume_gib,
            user_data: user_data.map(|text| text.trim_start().to_owned()),
        };
        if table.count == 1 {
            return Some(vec![plan]);
        }
        let numbered = (0..table.count).map(|behind| {
            Some(ServerPlan {
                name: self.part(&format!("{key}.name"), &format!("{}{}", table.name, behind + 1))?,
                address: table.address.map(|first| later_by(first, behind)),
                ..plan.clone()
            })
        });
        numbered.collect()
    }

    /// A certain address can be had on a network of the blueprint only, within its range.
    fn address(&mut self, key: &str, blueprint: &BlueprintTable, table: &ServerTable) {
        let Some(address) = table.address else { return };
        let named = |name: &String| blueprint.network.iter().find(|network| network.name == *name);
        let first = table.networks.first().map_or_else(|| blueprint.network.first(), named);
        let last = later_by(address, table.count.saturating_sub(1));
        let key = format!("{key}.address");
        match first.map(|network| (network, network.cidr.parse::<ipnet::Ipv4Net>())) {
            None => self.error(&key, "its first network is not one of the blueprint, where it could choose"),
            Some((network, Ok(range))) if !(range.contains(&address) && range.contains(&last)) => {
                self.error(&key, format!("{address} is not in {}, the range of {}", range, network.name));
            }
            Some(_) => {}
        }
    }

    fn containers(&mut self, key: &str, table: &BlueprintTable) -> Option<Vec<ContainerPlan>> {
        let container = |check: &mut Self, container: &ContainerTable| {
            let key = format!("{key}.container.{}", container.name);
            for text in container.environment.values() {
                check.filled(&format!("{key}.environment"), table, text);
            }
            let probe = check.probe(&key, container.probe.as_ref(), container.floating_ip);
            Some(ContainerPlan {
                name: check.part(&format!("{key}.name"), &container.name)?,
                image: container.image.clone(),
                command: container.command.clone(),
                environment: container.environment.clone(),
                ports: container.ports.clone(),
                networks: container.networks.clone(),
                device: container.device.clone(),
                floating_ip: container.floating_ip,
                probe: all_right(probe)?,
            })
        };
        let containers: Vec<_> = table.container.iter().map(|it| container(self, it)).collect();
        containers.into_iter().collect()
    }

    fn volumes(&mut self, key: &str, table: &BlueprintTable) -> Option<Vec<VolumePlan>> {
        let single = |server: &&ServerTable| server.count == 1;
        let servers: Vec<_> = table.server.iter().filter(single).map(|server| &server.name).collect();
        let volume = |check: &mut Self, volume: &VolumeTable| {
            let key = format!("{key}.volume.{}", volume.name);
            if !servers.contains(&&volume.server) {
                let what = format!("there is no server \"{}\" that stands for itself", volume.server);
                check.error(&format!("{key}.server"), what);
            }
            check.size(&format!("{key}.size_gib"), volume.size_gib);
            Some(VolumePlan {
                name: check.part(&format!("{key}.name"), &volume.name)?,
                size_gib: volume.size_gib,
                volume_type: volume.volume_type.clone(),
                server: check.part(&format!("{key}.server"), &volume.server)?,
            })
        };
        let volumes: Vec<_> = table.volume.iter().map(|it| volume(self, it)).collect();
        volumes.into_iter().collect()
    }

    fn shares(&mut self, key: &str, table: &BlueprintTable) -> Option<Vec<SharePlan>> {
        let own = || table.network.iter().map(|network| network.cidr.clone()).collect();
        let share = |check: &mut Self, share: &ShareTable| {
            let key = format!("{key}.share.{}", share.name);
            let access_from = if share.access_from.is_empty() { own() } else { share.access_from.clone() };
            for range in &access_from {
                check.cidr(&format!("{key}.access_from"), range);
            }
            if access_from.is_empty() {
                let what = "it is missing: say which addresses may mount it, such as 10.0.0.0/8";
                check.error(&format!("{key}.access_from"), what);
            }
            check.size(&format!("{key}.size_gib"), share.size_gib);
            Some(SharePlan {
                name: check.part(&format!("{key}.name"), &share.name)?,
                size_gib: share.size_gib,
                share_type: share.share_type.clone(),
                access_from,
            })
        };
        let shares: Vec<_> = table.share.iter().map(|it| share(self, it)).collect();
        shares.into_iter().collect()
    }

    /// Whether what the blueprint needs of a lease is to be had from what backs the pool.
    pub(super) fn can_be_held(
        &mut self,
        around: &Around<'_>,
        pool: Option<&PoolTable>,
        lab: &str,
        blueprint: &Blueprint,
    ) -> bool {
        let Some(pool) = pool else { return false };
        let leases = around.file.site.iter().any(|site| site.id == pool.site && site.leases);
        let key = |field: &str| format!("lab.{lab}.blueprint.{field}");
        let on_hosts = blueprint.servers.iter().any(|server| server.machine.is_bare_metal());
        let on_devices = blueprint.containers.iter().any(|container| container.device.is_some());
        if !leases && pool.standing_lease.is_none() && (on_hosts || on_devices) {
            let what = format!(
                "it needs a lease, and pool {} has none: set leases of its site, or standing_lease",
                pool.id
            );
            self.error(&key(if on_hosts { "server" } else { "container" }), what);
            return false;
        }
        if blueprint.reserve_floating_ips && (!leases || pool.standing_lease.is_some()) {
            let what = format!("bookings of pool {} have no lease of their own to reserve them in", pool.id);
            self.error(&key("reserve_floating_ips"), what);
            return false;
        }
        true
    }

    /// The name of a part, which none of the booking's own parts has.
    fn part(&mut self, key: &str, name: &str) -> Option<ResourceKey> {
        let taken = Kind::ALL.iter().any(|kind| sole_key(*kind).as_str() == name);
        if taken || KEPT.iter().any(|kept| name.starts_with(kept)) {
            self.error(key, "it is kept for another part of a booking: choose a name such as node1");
            return None;
        }
        self.parse(key, name)
    }

    #[allow(clippy::option_option, reason = "as for `all_right`")]
    fn probe(&mut self, key: &str, text: Option<&String>, floating_ip: bool) -> Option<Option<Probe>> {
        let key = format!("{key}.probe");
        let text = text?;
        if !floating_ip {
            self.error(&key, "it is looked at from outside: that needs floating_ip = true");
        }
        Some(self.parse(&key, text))
    }

    fn size(&mut self, key: &str, gib: u32) {
        self.range(key, i32::try_from(gib).unwrap_or(i32::MAX), SIZES);
    }

    fn cidr(&mut self, key: &str, text: &str) {
        match text.parse::<ipnet::Ipv4Net>() {
            Ok(range) if range.trunc() == range => {}
            Ok(range) => {
                self.error(key, format!("{text} has bits beyond its prefix; {} has none", range.trunc()));
            }
            Err(_) => {
                self.error(key, format!("\"{text}\" is not a range of addresses such as 192.168.1.0/24"));
            }
        }
    }

    /// Every name that a text asks for has to be known.
    fn filled(&mut self, key: &str, blueprint: &BlueprintTable, text: &str) {
        let addresses = blueprint.server.iter().filter(|server| server.address.is_some());
        let addresses: Vec<String> = addresses
            .flat_map(|server| match server.count {
                1 => vec![format!("address.{}", server.name)],
                count => (1..=count).map(|number| format!("address.{}{number}", server.name)).collect(),
            })
            .collect();
        for name in names(text) {
            let own = blueprint.values.keys().chain(&addresses);
            if !NAMES.contains(&name) && !own.clone().any(|known| known == name) {
                let known = NAMES.iter().copied().chain(own.map(String::as_str));
                let known = known.collect::<Vec<_>>().join(", ");
                self.error(key, format!("@@{name}@@ is none of the values of a booking: {known}"));
            }
        }
    }
}

/// The external network of floating IPs.
fn external(table: &BlueprintTable) -> Option<String> {
    table.external.clone().or_else(|| table.network.first().and_then(|network| network.external.clone()))
}

fn later_by(address: Ipv4Addr, behind: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(address).saturating_add(behind.into()))
}
