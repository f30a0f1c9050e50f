//! What a lab's booking gets, and the specification of each cloud object that this takes.

mod filled;
mod objects;
mod probe;
mod quota;
mod reserved;
mod spec;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::filled::{NAMES, Values, names};
pub use self::objects::{Order, lease_key, lease_of_instead, sole_key};
pub use self::probe::{BadProbe, PATIENCE, Probe};
pub use self::quota::Quota;
pub use self::reserved::{Machine, Reserved};
pub use self::spec::{ContainerSpec, HeldBy, Joined, Kind, ServerSpec, Spec};

use self::reserved::counted;
use super::ids::ResourceKey;

/// The resources of one booking, as staff write them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Blueprint {
    /// The account that the image's cloud-init gives the student's key to, such as `cc`.
    pub login: String,
    /// What user data can name beside the values of the booking.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Private networks.
    #[serde(default)]
    pub networks: Vec<NetworkPlan>,
    /// TCP ports that a security group of the booking opens to the world; without them it has no group of its own, as at
    /// sites that have no security groups.
    #[serde(default)]
    pub open_tcp_ports: Option<Vec<u16>>,
    /// Security groups of the project that servers are in, too, by name.
    #[serde(default)]
    pub shared_groups: Vec<String>,
    /// The external network of floating IPs, by name or id, such as `public`.
    #[serde(default)]
    pub external: String,
    /// Whether floating IPs are reserved in the lease.
    #[serde(default)]
    pub reserve_floating_ips: bool,
    /// Servers.
    #[serde(default)]
    pub servers: Vec<ServerPlan>,
    /// Containers.
    #[serde(default)]
    pub containers: Vec<ContainerPlan>,
    /// Volumes that are attached to servers.
    #[serde(default)]
    pub volumes: Vec<VolumePlan>,
    /// Shared directories.
    #[serde(default)]
    pub shares: Vec<SharePlan>,
    /// Buckets of the object store.
    #[serde(default)]
    pub buckets: Vec<ResourceKey>,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPlan {
    /// Its key within the booking and its host name.
    pub name: ResourceKey,
    /// The image, by name or id.
    pub image: String,
    /// What it runs on.
    pub machine: Machine,
    /// What it may run on instead if it comes up broken again and again, in order of preference.
    #[serde(default)]
    pub alternatives: Vec<Machine>,
    /// The networks that it is on, by name: the blueprint's own or the site's. Without any all of the blueprint's own.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Its address on the first of its networks, if it is to have a certain one.
    pub address: Option<std::net::Ipv4Addr>,
    /// Whether it gets a floating IP, on the first of its networks.
    pub floating_ip: bool,
    /// How it is seen that it can be used, by its floating IP.
    #[serde(default)]
    pub probe: Option<Probe>,
    /// The size in GiB of the volume that it boots from; none to boot from its own disk.
    #[serde(default)]
    pub boot_volume_gib: Option<u32>,
    /// cloud-init user data, as plain text, with names to be filled in: see [`Values`].
    pub user_data: Option<String>,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerPlan {
    /// Its key within the booking.
    pub name: ResourceKey,
    /// The image, as a registry names it.
    pub image: String,
    /// The command, if not the image's own.
    #[serde(default)]
    pub command: Vec<String>,
    /// Variables of its environment, with names to be filled in.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// TCP ports that it offers.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The networks that it is on, by name; none for the site's usual one.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Properties of the device that it runs on, if it is to be a reserved one.
    #[serde(default)]
    pub device: Option<BTreeMap<String, String>>,
    /// Whether it gets a floating IP.
    #[serde(default)]
    pub floating_ip: bool,
    /// How it is seen that it can be used, by its floating IP.
    #[serde(default)]
    pub probe: Option<Probe>,
}

/// A private network, behind a router of its own if it leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkPlan {
    /// Its key within the booking.
    pub name: ResourceKey,
    /// The subnet's range, such as `192.168.1.0/24`.
    pub cidr: String,
    /// The external network that its router leads to, by name or id, such as `public`; none for a network without one.
    pub external: Option<String>,
}

/// A volume that is attached to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumePlan {
    /// Its key within the booking.
    pub name: ResourceKey,
    /// Its size in GiB.
    pub size_gib: u32,
    /// Its type, by name; none for the site's usual one.
    pub volume_type: Option<String>,
    /// The server.
    pub server: ResourceKey,
}

/// A shared directory, by NFS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharePlan {
    /// Its key within the booking.
    pub name: ResourceKey,
    /// Its size in GiB.
    pub size_gib: u32,
    /// Its type, by name; none for the site's usual one.
    pub share_type: Option<String>,
    /// The ranges of addresses that may mount it.
    pub access_from: Vec<String>,
}

impl Blueprint {
    /// How many servers and containers there are.
    pub fn server_count(&self) -> i32 {
        i32::try_from(self.servers.len() + self.containers.len()).unwrap_or(i32::MAX)
    }

    /// How many servers there are of each machine, in the order in which they first appear.
    pub fn machines(&self) -> Vec<(Machine, u32)> {
        counted(self.servers.iter().map(|server| server.machine.clone()))
    }

    /// How many floating IPs there are.
    pub fn floating_ips(&self) -> usize {
        let servers = self.servers.iter().filter(|server| server.floating_ip).count();
        servers + self.containers.iter().filter(|container| container.floating_ip).count()
    }

    /// What the lease of a booking reserves, and how many of each.
    pub fn reservations(&self) -> Vec<(Reserved, u32)> {
        let servers = self.servers.iter().map(|server| server.machine.reserved());
        let devices = self.containers.iter().filter_map(|it| it.device.clone().map(Reserved::Device));
        let addresses = if self.reserve_floating_ips { self.floating_ips() } else { 0 };
        let address = Reserved::FloatingIp(self.external.clone());
        counted(servers.chain(devices).chain(std::iter::repeat_n(address, addresses)))
    }

    /// Whether anything of it is kept on volumes, shares or in buckets, which go with all that is on them.
    pub fn stores_data(&self) -> bool {
        !(self.volumes.is_empty() && self.shares.is_empty() && self.buckets.is_empty())
    }
}
