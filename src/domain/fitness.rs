//! Whether a site fits a course: what the course needs of it, and what it has.

mod needs;
mod report;

use serde::{Deserialize, Serialize};

use super::blueprint::Kind;

pub use self::needs::{Boot, Draw, LeaseNeed, Named, SiteNeeds, Users};
pub use self::report::{
    Access, CredentialFacts, FlavorFacts, ImageFacts, LeaseFacts, Limit, Lookup, NetworkFacts, SiteReport,
    Told, Transport,
};

/// Services of a site that a course may need, besides the one that lets us in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteService {
    /// Servers: Nova.
    Compute,
    /// Networks: Neutron.
    Network,
    /// Images: Glance.
    Image,
    /// Leases: Blazar.
    Reservation,
    /// Volumes: Cinder.
    Block,
    /// Shares: Manila.
    Share,
    /// Buckets: Swift.
    Object,
    /// Containers: Zun.
    Container,
}

impl SiteService {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Compute,
        Self::Network,
        Self::Image,
        Self::Reservation,
        Self::Block,
        Self::Share,
        Self::Object,
        Self::Container,
    ];

    /// The one that has objects of this kind.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Lease => Self::Reservation,
            Kind::Keypair | Kind::Server => Self::Compute,
            Kind::Network
            | Kind::Subnet
            | Kind::Router
            | Kind::SecurityGroup
            | Kind::FloatingIp
            | Kind::Port => Self::Network,
            Kind::Volume => Self::Block,
            Kind::Share => Self::Share,
            Kind::Bucket => Self::Object,
            Kind::Container => Self::Container,
        }
    }

    /// What it is for, and the name by which those who run a site know it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Compute => "servers (Nova)",
            Self::Network => "networks (Neutron)",
            Self::Image => "images (Glance)",
            Self::Reservation => "leases (Blazar)",
            Self::Block => "volumes (Cinder)",
            Self::Share => "shares (Manila)",
            Self::Object => "buckets (Swift)",
            Self::Container => "containers (Zun)",
        }
    }
}

/// What a project or an account may have a bounded number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Servers.
    Servers,
    /// Their virtual processors.
    Cores,
    /// Their memory in MiB.
    MemoryMib,
    /// Keypairs, of which an account has a number.
    Keypairs,
    /// Floating IPs.
    FloatingIps,
    /// Networks.
    Networks,
    /// Subnets.
    Subnets,
    /// Routers.
    Routers,
    /// Ports.
    Ports,
    /// Security groups.
    SecurityGroups,
    /// Their rules.
    SecurityGroupRules,
    /// Volumes.
    Volumes,
    /// Their size in GiB.
    VolumeGib,
    /// Shares.
    Shares,
    /// Their size in GiB.
    ShareGib,
}

impl Counted {
    /// Every one, in the order in which they are shown.
    pub const ALL: [Self; 15] = [
        Self::Servers,
        Self::Cores,
        Self::MemoryMib,
        Self::Keypairs,
        Self::FloatingIps,
        Self::Networks,
        Self::Subnets,
        Self::Routers,
        Self::Ports,
        Self::SecurityGroups,
        Self::SecurityGroupRules,
        Self::Volumes,
        Self::VolumeGib,
        Self::Shares,
        Self::ShareGib,
    ];

    /// Its name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Cores => "cores",
            Self::MemoryMib => "MiB of memory",
            Self::Keypairs => "keypairs",
            Self::FloatingIps => "floating IPs",
            Self::Networks => "networks",
            Self::Subnets => "subnets",
            Self::Routers => "routers",
            Self::Ports => "ports",
            Self::SecurityGroups => "security groups",
            Self::SecurityGroupRules => "security group rules",
            Self::Volumes => "volumes",
            Self::VolumeGib => "GiB of volumes",
            Self::Shares => "shares",
            Self::ShareGib => "GiB of shares",
        }
    }
}
