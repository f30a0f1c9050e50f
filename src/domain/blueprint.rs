//! What a lab's booking gets, and the specification of each cloud object that this takes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::ResourceKey;
use super::interval::Interval;

/// The resources of one booking, as staff write them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// Servers; those of one flavor share a reservation.
    pub servers: Vec<ServerPlan>,
    /// The private network that joins them.
    pub network: NetworkPlan,
    /// TCP ports that the security group opens to the world.
    pub open_tcp_ports: Vec<u16>,
    /// The account that the image's cloud-init gives the student's key to, such as `cc`.
    pub login: String,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPlan {
    /// Its key within the booking and its host name.
    pub name: ResourceKey,
    /// The image, by name or id.
    pub image: String,
    /// The flavor, by name or id.
    pub flavor: String,
    /// Its address on the private network, if it is to have a certain one.
    pub address: Option<std::net::Ipv4Addr>,
    /// Whether it gets a floating IP.
    pub floating_ip: bool,
    /// cloud-init user data, as plain text.
    pub user_data: Option<String>,
}

/// A private network behind a router of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkPlan {
    /// The subnet's range, such as `192.168.1.0/24`.
    pub cidr: String,
    /// The external network that the router and floating IPs use, such as `public`.
    pub external: String,
}

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
    /// A Nova server.
    Server,
    /// A Neutron floating IP on a server's port.
    FloatingIp,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Lease,
        Self::Keypair,
        Self::Network,
        Self::Subnet,
        Self::Router,
        Self::SecurityGroup,
        Self::Server,
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
            Self::Server => "server",
            Self::FloatingIp => "floating IP",
        }
    }

    /// Reads what [`Kind::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// When it is made: kinds of one rank need nothing of each other, only of lower ranks.
    pub fn making_rank(self) -> u8 {
        match self {
            Self::Lease => 0,
            Self::Keypair | Self::Network | Self::SecurityGroup => 1,
            Self::Subnet => 2,
            Self::Router => 3,
            Self::Server => 4,
            Self::FloatingIp => 5,
        }
    }

    /// When it is deleted: the floating IP first, the lease last.
    pub fn deleting_rank(self) -> u8 {
        match self {
            Self::FloatingIp => 0,
            Self::Server => 1,
            Self::Router => 2,
            Self::Subnet => 3,
            Self::Network | Self::SecurityGroup | Self::Keypair => 4,
            Self::Lease => 5,
        }
    }
}

/// What one cloud object is to be. Other objects of the booking are named by their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Spec {
    /// A lease with one flavor reservation for each entry.
    Lease {
        /// When the site holds the capacity for us.
        start: DateTime<Utc>,
        /// When the site takes it back, whatever we do.
        end: DateTime<Utc>,
        /// Flavors and how many servers of each.
        flavors: Vec<(String, u32)>,
    },
    /// The student's SSH public key.
    Keypair {
        /// In OpenSSH's one-line form.
        public_key: String,
    },
    /// The private network.
    Network,
    /// Its subnet.
    Subnet {
        /// The range.
        cidr: String,
    },
    /// The router between the subnet and the external network.
    Router {
        /// The external network, by name.
        external: String,
    },
    /// The security group.
    SecurityGroup {
        /// TCP ports open to the world. Within the group everything is open.
        open_tcp_ports: Vec<u16>,
    },
    /// A server on the private network, with the keypair and the security group.
    Server {
        /// Image, by name or id.
        image: String,
        /// Flavor, by name or id. With a lease, the reservation for this flavor is used.
        flavor: String,
        /// Fixed address, if it is to have a certain one.
        address: Option<std::net::Ipv4Addr>,
        /// cloud-init user data, as plain text.
        user_data: Option<String>,
    },
    /// A floating IP.
    FloatingIp {
        /// The external network, by name.
        external: String,
        /// The server that it leads to.
        server: ResourceKey,
    },
}

impl Spec {
    /// What is known of an object that a lost answer left behind: its kind. It is only ever deleted.
    pub fn of_stray(kind: Kind) -> Self {
        match kind {
            Kind::Lease => {
                Self::Lease { start: DateTime::UNIX_EPOCH, end: DateTime::UNIX_EPOCH, flavors: Vec::new() }
            }
            Kind::Keypair => Self::Keypair { public_key: String::new() },
            Kind::Network => Self::Network,
            Kind::Subnet => Self::Subnet { cidr: String::new() },
            Kind::Router => Self::Router { external: String::new() },
            Kind::SecurityGroup => Self::SecurityGroup { open_tcp_ports: Vec::new() },
            Kind::Server => {
                Self::Server { image: String::new(), flavor: String::new(), address: None, user_data: None }
            }
            Kind::FloatingIp => Self::FloatingIp { external: String::new(), server: sole_key(Kind::Server) },
        }
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
            Self::Server { .. } => Kind::Server,
            Self::FloatingIp { .. } => Kind::FloatingIp,
        }
    }
}

fn key(text: &str) -> ResourceKey {
    text.parse().unwrap_or_else(|_| unreachable!("fixed keys are well-formed"))
}

/// The key of the one object of a kind of which a booking has one.
pub fn sole_key(kind: Kind) -> ResourceKey {
    key(match kind {
        Kind::Lease => "lease",
        Kind::Keypair => "keypair",
        Kind::Network => "network",
        Kind::Subnet => "subnet",
        Kind::Router => "router",
        Kind::SecurityGroup => "security-group",
        Kind::Server => "server",
        Kind::FloatingIp => "floating-ip",
    })
}

/// The key of a booking's `number`-th lease, from 1 on: one that is moved gets another.
pub fn lease_key(number: usize) -> ResourceKey {
    if number <= 1 { sole_key(Kind::Lease) } else { key(&format!("lease-{number}")) }
}

impl Blueprint {
    /// Every object that a booking of this blueprint takes, in the order in which they are made. `in_use` is the span that
    /// a lease covers; without `leases` there is none.
    pub fn specs(&self, in_use: &Interval, leases: bool, public_key: &str) -> Vec<(ResourceKey, Spec)> {
        let lease = Spec::Lease { start: in_use.start(), end: in_use.end(), flavors: self.flavors() };
        let mut specs = if leases { vec![(sole_key(Kind::Lease), lease)] } else { Vec::new() };
        specs.extend([
            (sole_key(Kind::Keypair), Spec::Keypair { public_key: public_key.to_owned() }),
            (sole_key(Kind::Network), Spec::Network),
            (
                sole_key(Kind::SecurityGroup),
                Spec::SecurityGroup { open_tcp_ports: self.open_tcp_ports.clone() },
            ),
            (sole_key(Kind::Subnet), Spec::Subnet { cidr: self.network.cidr.clone() }),
            (sole_key(Kind::Router), Spec::Router { external: self.network.external.clone() }),
        ]);
        specs.extend(self.servers.iter().map(|server| (server.name.clone(), server.spec())));
        specs.extend(self.servers.iter().filter(|server| server.floating_ip).map(|server| {
            let external = self.network.external.clone();
            (key(&format!("ip-{}", server.name)), Spec::FloatingIp { external, server: server.name.clone() })
        }));
        specs
    }

    /// How many servers of each flavor, in the order in which flavors first appear.
    pub fn flavors(&self) -> Vec<(String, u32)> {
        let mut flavors: Vec<(String, u32)> = Vec::new();
        for server in &self.servers {
            match flavors.iter_mut().find(|(name, _)| *name == server.flavor) {
                Some((_, count)) => *count += 1,
                None => flavors.push((server.flavor.clone(), 1)),
            }
        }
        flavors
    }
}

impl ServerPlan {
    fn spec(&self) -> Spec {
        Spec::Server {
            image: self.image.clone(),
            flavor: self.flavor.clone(),
            address: self.address,
            user_data: self.user_data.clone(),
        }
    }
}
