//! What a course needs of one of its sites.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::domain::blueprint::{Blueprint, ContainerPlan, HeldBy, Machine, ServerPlan};
use crate::domain::course::{Course, Lab, Pool, Site};
use crate::domain::fitness::{Boot, Counted, Draw, LeaseNeed, Named, SiteNeeds, SiteService};
use crate::domain::ids::LabId;

/// What the labs that draw on the site's pools need of it.
pub fn needs(course: &Course, site: &Site) -> SiteNeeds {
    let mut needs = SiteNeeds { capacity: site.capacity.map(i32::unsigned_abs), ..SiteNeeds::default() };
    let of_pool = |lab: &&Lab, pool: &Pool| lab.pool == pool.id;
    for pool in course.pools.iter().filter(|pool| pool.site == site.id) {
        for lab in course.labs.iter().filter(|lab| of_pool(lab, pool)) {
            needs.add(site, pool, lab);
        }
    }
    needs
}

fn note(named: &mut Named, name: &str, lab: &LabId) {
    named.entry(name.to_owned()).or_default().insert(lab.clone());
}

impl SiteNeeds {
    fn add(&mut self, site: &Site, pool: &Pool, lab: &Lab) {
        let blueprint = &lab.blueprint;
        self.until = self.until.max(lab.closes(pool));
        self.add_lease(site, pool, lab);
        self.add_services(blueprint, &lab.id);
        self.add_names(blueprint, &lab.id);
        blueprint.servers.iter().for_each(|server| self.add_server(server, &lab.id));
        self.boots.extend(blueprint.servers.iter().flat_map(boots).collect::<Vec<_>>());
        self.boots.sort_unstable();
        self.boots.dedup();
        self.draws.push(Draw {
            pool: pool.id.clone(),
            lab: lab.id.clone(),
            capacity: pool.largest_capacity().unsigned_abs(),
            units: lab.units.unsigned_abs().max(1),
            takes: takes(blueprint),
            servers: blueprint
                .machines()
                .into_iter()
                .map(|(machine, count)| (machine.flavor, count))
                .collect(),
        });
    }

    fn add_lease(&mut self, site: &Site, pool: &Pool, lab: &Lab) {
        match pool.held_by(site) {
            HeldBy::Nothing => return,
            HeldBy::StandingLease(name) => {
                note(&mut self.standing_leases, &name, &lab.id);
                self.renewals.extend(pool.renewal.map(|renewal| (name, renewal)));
            }
            HeldBy::OwnLease => self.own_leases.push(LeaseNeed {
                lab: lab.id.clone(),
                length: longest(lab) + pool.lead(),
                bare_metal: lab.blueprint.servers.iter().any(|server| server.machine.is_bare_metal()),
            }),
        }
        self.need(SiteService::Reservation, &lab.id);
    }

    fn need(&mut self, service: SiteService, lab: &LabId) {
        self.services.entry(service).or_default().insert(lab.clone());
    }

    fn add_services(&mut self, blueprint: &Blueprint, lab: &LabId) {
        // A keypair is made for each booking, whatever else is.
        self.need(SiteService::Compute, lab);
        let boot_volumes = blueprint.servers.iter().any(|server| server.boot_volume_gib.is_some());
        for (service, needed) in [
            (SiteService::Image, !blueprint.servers.is_empty()),
            (SiteService::Network, !(blueprint.servers.is_empty() && blueprint.containers.is_empty())),
            (SiteService::Block, boot_volumes || !blueprint.volumes.is_empty()),
            (SiteService::Share, !blueprint.shares.is_empty()),
            (SiteService::Object, !blueprint.buckets.is_empty()),
            (SiteService::Container, !blueprint.containers.is_empty()),
        ] {
            if needed {
                self.need(service, lab);
            }
        }
    }

    fn add_names(&mut self, blueprint: &Blueprint, lab: &LabId) {
        let routed = blueprint.networks.iter().filter_map(|network| network.external.as_ref());
        let addresses = (blueprint.floating_ips() > 0).then_some(&blueprint.external);
        routed.chain(addresses).for_each(|name| note(&mut self.external_networks, name, lab));
        let servers = blueprint.servers.iter().flat_map(|server| &server.networks);
        let joined = servers.chain(blueprint.containers.iter().flat_map(|container| &container.networks));
        let existing = joined.filter(|name| blueprint.own_network(name).is_none());
        existing.for_each(|name| note(&mut self.networks, name, lab));
        blueprint.shared_groups.iter().for_each(|name| note(&mut self.security_groups, name, lab));
        let volume_types = blueprint.volumes.iter().filter_map(|volume| volume.volume_type.as_ref());
        volume_types.for_each(|name| note(&mut self.volume_types, name, lab));
        let share_types = blueprint.shares.iter().filter_map(|share| share.share_type.as_ref());
        share_types.for_each(|name| note(&mut self.share_types, name, lab));
    }

    fn add_server(&mut self, server: &ServerPlan, lab: &LabId) {
        note(&mut self.images, &server.image, lab);
        machines(server).for_each(|machine| note(&mut self.flavors, &machine.flavor, lab));
    }
}

fn machines(server: &ServerPlan) -> impl Iterator<Item = &Machine> {
    std::iter::once(&server.machine).chain(&server.alternatives)
}

/// What a server boots from. On bare metal the site's flavor does not tell what the node has.
fn boots(server: &ServerPlan) -> impl Iterator<Item = Boot> {
    machines(server).filter(|machine| !machine.is_bare_metal()).map(|machine| Boot {
        image: server.image.clone(),
        flavor: machine.flavor.clone(),
        volume_gib: server.boot_volume_gib,
    })
}

/// No slot of the lab is longer.
fn longest(lab: &Lab) -> TimeDelta {
    let offered = lab.policy.lengths_minutes.iter().max();
    let offered = offered.map_or(TimeDelta::MAX, |minutes| TimeDelta::minutes(i64::from(*minutes)));
    lab.policy.longest().min(offered)
}

/// What one booking takes besides cores and memory.
fn takes(blueprint: &Blueprint) -> BTreeMap<Counted, u64> {
    let quota = blueprint.quota();
    let mut takes = BTreeMap::from([
        (Counted::Keypairs, 1),
        (Counted::Ports, ports(blueprint)),
        (Counted::SecurityGroupRules, rules(blueprint)),
    ]);
    takes.extend(
        [
            (Counted::Servers, quota.servers),
            (Counted::FloatingIps, quota.floating_ips),
            (Counted::Networks, quota.networks),
            (Counted::Subnets, quota.networks),
            (Counted::Routers, quota.routers),
            (Counted::SecurityGroups, quota.security_groups),
            (Counted::Volumes, quota.volumes),
            (Counted::VolumeGib, quota.volume_gib),
            (Counted::Shares, quota.shares),
            (Counted::ShareGib, quota.share_gib),
        ]
        .map(|(of, count)| (of, u64::from(count))),
    );
    takes
}

/// One for each network of a server or a container, and for each private network its router's and its DHCP server's.
/// Those of gateways and floating IPs are nobody's.
fn ports(blueprint: &Blueprint) -> u64 {
    let own = blueprint.networks.len();
    let of_server =
        |server: &ServerPlan| if server.networks.is_empty() { own } else { server.networks.len() };
    let of_container = |container: &ContainerPlan| container.networks.len().max(1);
    let servers: usize = blueprint.servers.iter().map(of_server).sum();
    let containers: usize = blueprint.containers.iter().map(of_container).sum();
    let routers = blueprint.networks.iter().filter(|network| network.external.is_some()).count();
    u64::try_from(servers + containers + routers + own).unwrap_or(u64::MAX)
}

/// One for each open port, one for the group itself, and the two by which everything may leave it.
fn rules(blueprint: &Blueprint) -> u64 {
    let open = blueprint.open_tcp_ports.as_ref().map(|ports| ports.len() + 3);
    u64::try_from(open.unwrap_or(0)).unwrap_or(u64::MAX)
}
