//! What a booking takes of the project's quota.

use serde::{Deserialize, Serialize};

use super::Blueprint;

/// Counts of what a project may have a bounded number of. Cores and memory follow from the flavors, which the site knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quota {
    /// Servers.
    pub servers: u32,
    /// Containers.
    pub containers: u32,
    /// Floating IPs.
    pub floating_ips: u32,
    /// Networks, and subnets.
    pub networks: u32,
    /// Routers.
    pub routers: u32,
    /// Security groups.
    pub security_groups: u32,
    /// Volumes.
    pub volumes: u32,
    /// Their size in GiB.
    pub volume_gib: u32,
    /// Shares.
    pub shares: u32,
    /// Their size in GiB.
    pub share_gib: u32,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Blueprint {
    /// What one booking takes.
    pub fn quota(&self) -> Quota {
        let boot_volumes = || self.servers.iter().filter_map(|server| server.boot_volume_gib);
        let volumes = self.volumes.iter().map(|volume| volume.size_gib);
        Quota {
            servers: count(self.servers.len()),
            containers: count(self.containers.len()),
            floating_ips: count(self.floating_ips()),
            networks: count(self.networks.len()),
            routers: count(self.networks.iter().filter(|network| network.external.is_some()).count()),
            security_groups: self.open_tcp_ports.is_some().into(),
            volumes: count(self.volumes.len() + boot_volumes().count()),
            volume_gib: volumes.chain(boot_volumes()).fold(0, u32::saturating_add),
            shares: count(self.shares.len()),
            share_gib: self.shares.iter().map(|share| share.size_gib).fold(0, u32::saturating_add),
        }
    }
}

impl Quota {
    /// What so many bookings take.
    #[must_use]
    pub fn times(self, bookings: u32) -> Self {
        let times = |count: u32| count.saturating_mul(bookings);
        Self {
            servers: times(self.servers),
            containers: times(self.containers),
            floating_ips: times(self.floating_ips),
            networks: times(self.networks),
            routers: times(self.routers),
            security_groups: times(self.security_groups),
            volumes: times(self.volumes),
            volume_gib: times(self.volume_gib),
            shares: times(self.shares),
            share_gib: times(self.share_gib),
        }
    }

    /// Each count with its name, in a fixed order.
    pub fn entries(&self) -> [(&'static str, u32); 10] {
        [
            ("servers", self.servers),
            ("containers", self.containers),
            ("floating IPs", self.floating_ips),
            ("networks", self.networks),
            ("routers", self.routers),
            ("security groups", self.security_groups),
            ("volumes", self.volumes),
            ("GiB of volumes", self.volume_gib),
            ("shares", self.shares),
            ("GiB of shares", self.share_gib),
        ]
    }
}
