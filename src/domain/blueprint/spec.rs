//! What each cloud object of a booking is to be, and in which order objects are made and deleted.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::probe::Probe;
use super::reserved::{Machine, Reserved};
use crate::domain::ids::ResourceKey;

/// Kinds of cloud objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A Blazar lease.
    Lease,
    /// A Nova keypair.
    Keypair,
    /// A Neutron network.
    Network,
    /// A Neutron subnet.
    Subnet,
    /// A Neutron router with its interface on the subnet.
    Router,
    /// A Neutron security group with its rules.
    SecurityGroup,
    /// A Cinder volume, attached to a server or booted from.
    Volume,
    /// A Manila share.
    Share,
    /// A Swift container: what everyone else calls a bucket.
    Bucket,
    /// A Nova server.
    Server,
    /// A Zun container.
    Container,
    /// A Neutron floating IP on a port of a server or a container.
    FloatingIp,
    /// A Neutron port that someone made apart from a server. No booking has one: its servers' ports go with them.
    Port,
}

impl Kind {
    /// Every kind that a booking may have.
    pub const ALL: [Self; 12] = [
        Self::Lease,
        Self::Keypair,
        Self::Network,
        Self::Subnet,
        Self::Router,
        Self::SecurityGroup,
        Self::Volume,
        Self::Share,
        Self::Bucket,
        Self::Server,
        Self::Container,
        Self::FloatingIp,
    ];

    /// The kind in a word or two, as stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lease => "lease",
            Self::Keypair => "keypair",
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::Router => "router",
            Self::SecurityGroup => "security group",
            Self::Volume => "volume",
            Self::Share => "share",
            Self::Bucket => "bucket",
            Self::Server => "server",
            Self::Container => "container",
            Self::FloatingIp => "floating IP",
            Self::Port => "port",
        }
    }

    /// Reads what [`Kind::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Port]).find(|kind| kind.word() == word)
    }

    /// When it is deleted: the floating IP first, the lease last. Kinds of one rank need nothing of each other.
    pub fn deleting_rank(self) -> u8 {
        match self {
            Self::FloatingIp => 0,
            Self::Server | Self::Container => 1,
            Self::Port => 2,
            Self::Router | Self::Volume | Self::Share | Self::Bucket => 3,
            Self::Subnet => 4,
            Self::Network | Self::SecurityGroup | Self::Keypair => 5,
            Self::Lease => 6,
        }
    }
}

/// What one cloud object is to be. Other objects of the booking are named by their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Spec {
    /// A lease with its reservations.
    Lease {
        /// When the site holds the capacity for us.
        start: DateTime<Utc>,
        /// When the site takes it back, whatever we do.
        end: DateTime<Utc>,
        /// What is reserved, and how many of each: no two alike.
        reservations: Vec<(Reserved, u32)>,
    },
    /// The student's SSH public key.
    Keypair {
        /// In OpenSSH's one-line form.
        public_key: String,
    },
    /// A private network.
    Network,
    /// The subnet of a private network.
    Subnet {
        /// The network.
        network: ResourceKey,
        /// The range.
        cidr: String,
    },
    /// The router between a subnet and an external network.
    Router {
        /// The subnet.
        subnet: ResourceKey,
        /// The external network, by name or id.
        external: String,
    },
    /// A security group. Within it everything is open.
    SecurityGroup {
        /// TCP ports open to the world.
        open_tcp_ports: Vec<u16>,
    },
    /// A volume.
    Volume {
        /// Its size in GiB.
        size_gib: u32,
        /// Its type, by name; none for the site's usual one.
        volume_type: Option<String>,
        /// The image, by name or id, that it holds at first.
        image: Option<String>,
        /// The server that it is attached to. A server that boots from it names it instead.
        attach_to: Option<ResourceKey>,
    },
    /// A shared directory, by NFS.
    Share {
        /// Its size in GiB.
        size_gib: u32,
        /// Its type, by name; none for the site's usual one.
        share_type: Option<String>,
        /// The ranges of addresses that may mount it.
        access_from: Vec<String>,
    },
    /// A place for objects in the object store.
    Bucket,
    /// A server.
    Server(Box<ServerSpec>),
    /// A container.
    Container(Box<ContainerSpec>),
    /// A floating IP.
    FloatingIp {
        /// The external network, by name or id.
        external: String,
        /// The server or container that it leads to.
        server: ResourceKey,
        /// The network on which it leads there; none for the only one.
        #[serde(default)]
        network: Option<Joined>,
        /// The router that leads there, if it is the booking's own.
        #[serde(default)]
        router: Option<ResourceKey>,
        /// Which of the lease's reserved addresses it is, from 0; none if it is not reserved.
        #[serde(default)]
        reserved: Option<usize>,
        /// How it is seen that what it leads to can be used.
        #[serde(default)]
        probe: Option<Probe>,
    },
}

/// What a server is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// The image, by name or id. With a boot volume that holds it.
    pub image: String,
    /// What it runs on.
    pub machine: Machine,
    /// What it may run on instead if it comes up broken again and again, in order of preference.
    #[serde(default)]
    pub alternatives: Vec<Machine>,
    /// Whose reservation it uses, if any.
    #[serde(default)]
    pub held_by: HeldBy,
    /// The networks that it is on, at least one.
    pub networks: Vec<Joined>,
    /// The student's key.
    pub keypair: ResourceKey,
    /// The booking's security group, if it has one.
    pub security_group: Option<ResourceKey>,
    /// Security groups that the project has, by name.
    #[serde(default)]
    pub shared_groups: Vec<String>,
    /// The volume that it boots from, if not from its own disk.
    #[serde(default)]
    pub boot_volume: Option<ResourceKey>,
    /// cloud-init user data, as plain text.
    pub user_data: Option<String>,
}

/// What a container is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The image, as a registry names it.
    pub image: String,
    /// The command, if not the image's own.
    pub command: Vec<String>,
    /// Variables of its environment.
    pub environment: BTreeMap<String, String>,
    /// TCP ports that it offers.
    pub ports: Vec<u16>,
    /// The networks that it is on; none for the site's usual one.
    pub networks: Vec<Joined>,
    /// Properties of the device that it runs on, if it is to be a reserved one.
    pub device: Option<BTreeMap<String, String>>,
    /// Whose reservation it uses, if any.
    #[serde(default)]
    pub held_by: HeldBy,
}

/// A network that a server is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joined {
    /// One of the booking's own.
    Own {
        /// The network.
        network: ResourceKey,
        /// Its subnet.
        subnet: ResourceKey,
        /// The address on it, if it is to be a certain one.
        address: Option<Ipv4Addr>,
    },
    /// One that the site has, by name or id, such as `sharednet1`.
    Existing(String),
}

/// What holds the capacity for a server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// Nothing: it is made if the site has room then.
    #[default]
    Nothing,
    /// A lease of the booking.
    OwnLease,
    /// A lease that staff hold for the course, by name.
    StandingLease(String),
}

impl Spec {
    /// What is known of an object that a lost answer left behind: its kind. It is only ever deleted. Nothing of a kind that no
    /// booking has.
    pub fn of_stray(kind: Kind) -> Option<Self> {
        let nobody = super::sole_key;
        let nothing = String::new;
        Some(match kind {
            Kind::Lease => {
                let at = DateTime::UNIX_EPOCH;
                Self::Lease { start: at, end: at, reservations: Vec::new() }
            }
            Kind::Keypair => Self::Keypair { public_key: nothing() },
            Kind::Network => Self::Network,
            Kind::Subnet => Self::Subnet { network: nobody(Kind::Network), cidr: nothing() },
            Kind::Router => Self::Router { subnet: nobody(Kind::Subnet), external: nothing() },
            Kind::SecurityGroup => Self::SecurityGroup { open_tcp_ports: Vec::new() },
            Kind::Volume => Self::Volume { size_gib: 0, volume_type: None, image: None, attach_to: None },
            Kind::Share => Self::Share { size_gib: 0, share_type: None, access_from: Vec::new() },
            Kind::Bucket => Self::Bucket,
            Kind::Server => Self::Server(Box::new(ServerSpec {
                image: nothing(),
                machine: Machine::of_flavor(""),
                alternatives: Vec::new(),
                held_by: HeldBy::Nothing,
                networks: Vec::new(),
                keypair: nobody(Kind::Keypair),
                security_group: None,
                shared_groups: Vec::new(),
                boot_volume: None,
                user_data: None,
            })),
            Kind::Container => Self::Container(Box::new(ContainerSpec {
                image: nothing(),
                command: Vec::new(),
                environment: BTreeMap::new(),
                ports: Vec::new(),
                networks: Vec::new(),
                device: None,
                held_by: HeldBy::Nothing,
            })),
            Kind::FloatingIp => Self::FloatingIp {
                external: nothing(),
                server: nobody(Kind::Server),
                network: None,
                router: None,
                reserved: None,
                probe: None,
            },
            Kind::Port => return None,
        })
    }

    /// The kind of object.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Lease { .. } => Kind::Lease,
            Self::Keypair { .. } => Kind::Keypair,
            Self::Network => Kind::Network,
            Self::Subnet { .. } => Kind::Subnet,
            Self::Router { .. } => Kind::Router,
            Self::SecurityGroup { .. } => Kind::SecurityGroup,
            Self::Volume { .. } => Kind::Volume,
            Self::Share { .. } => Kind::Share,
            Self::Bucket => Kind::Bucket,
            Self::Server(_) => Kind::Server,
            Self::Container(_) => Kind::Container,
            Self::FloatingIp { .. } => Kind::FloatingIp,
        }
    }

    /// The objects of the booking that have to be there before it can be made. A lease is not among them: see
    /// [`Spec::needs_lease`].
    pub fn needs(&self) -> Vec<&ResourceKey> {
        match self {
            Self::Subnet { network, .. } => vec![network],
            Self::Router { subnet, .. } => vec![subnet],
            Self::Volume { attach_to, .. } => attach_to.iter().collect(),
            Self::Server(server) => {
                let own = server.networks.iter().flat_map(Joined::needs);
                own.chain([&server.keypair])
                    .chain(&server.security_group)
                    .chain(&server.boot_volume)
                    .collect()
            }
            Self::Container(container) => container.networks.iter().flat_map(Joined::needs).collect(),
            Self::FloatingIp { server, router, .. } => [server].into_iter().chain(router).collect(),
            Self::Lease { .. }
            | Self::Keypair { .. }
            | Self::Network
            | Self::SecurityGroup { .. }
            | Self::Share { .. }
            | Self::Bucket => Vec::new(),
        }
    }

    /// Whether it can be made only while a lease of the booking is in force.
    pub fn needs_lease(&self) -> bool {
        match self {
            Self::Server(server) => server.held_by == HeldBy::OwnLease,
            Self::Container(container) => container.held_by == HeldBy::OwnLease,
            Self::FloatingIp { reserved, .. } => reserved.is_some(),
            _ => false,
        }
    }
}

impl Joined {
    fn needs(&self) -> impl Iterator<Item = &ResourceKey> {
        match self {
            Self::Own { network, subnet, .. } => vec![network, subnet],
            Self::Existing(_) => Vec::new(),
        }
        .into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_is_of_its_kind_and_needs_no_lease() {
        for kind in Kind::ALL {
            let stray = Spec::of_stray(kind).unwrap();
            assert_eq!((stray.kind(), Kind::from_word(kind.word())), (kind, Some(kind)));
            assert!(!stray.needs_lease());
            let text = serde_json::to_string(&stray).unwrap();
            assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), stray, "{text}");
        }
    }
}
