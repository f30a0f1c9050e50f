//! What a site has, as it was seen. Facts only: [`policy::fitness`](crate::policy::fitness) judges them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Counted, SiteService};

/// Something that the site told, or its words on why it did not.
pub type Told<T> = Result<T, String>;
/// What was found under each name that was looked for; `None` for what the site does not have.
pub type Lookup<T> = Told<BTreeMap<String, Option<T>>>;

/// What was seen of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteReport {
    /// As whom we came, and how.
    pub access: Access,
    /// Services that the site has.
    pub services: BTreeSet<SiteService>,
    /// Flavors that were looked for.
    pub flavors: Lookup<FlavorFacts>,
    /// Images that were looked for.
    pub images: Lookup<ImageFacts>,
    /// Networks that were looked for, external ones among them.
    pub networks: Lookup<NetworkFacts>,
    /// Security groups of the project that were looked for.
    pub security_groups: Lookup<()>,
    /// Types of volumes that were looked for.
    pub volume_types: Lookup<()>,
    /// Types of shares that were looked for.
    pub share_types: Lookup<()>,
    /// The project's leases.
    pub leases: Told<Vec<LeaseFacts>>,
    /// How much of each the project may have, where that was asked.
    pub limits: BTreeMap<Counted, Told<Limit>>,
}

/// As whom we came to a site, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// As whom.
    pub credential: CredentialFacts,
    /// The roles that this gives in the project.
    pub roles: BTreeSet<String>,
    /// When the token ends that we have got, in UTC, if there are tokens.
    pub token_ends: Option<DateTime<Utc>>,
    /// By how much the site's clock is ahead of ours, to about a second; negative if it is behind.
    pub clock_ahead: Option<TimeDelta>,
    /// By which way.
    pub transport: Transport,
}

/// As whom we came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialFacts {
    /// The site is part of this process and asks for none.
    NoneNeeded,
    /// An application credential.
    Application {
        /// Whether it may do less than its account: make no trusts, for one. Nothing if the site does not say.
        restricted: Option<bool>,
        /// When it ends, in UTC, if it does.
        ends: Told<Option<DateTime<Utc>>>,
    },
    /// An account's password.
    Password,
}

/// How calls go to the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// Whether certificates are checked.
    pub verified: bool,
    /// Addresses on other machines that are called without TLS.
    pub plain: BTreeSet<String>,
}

/// A flavor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlavorFacts {
    /// Virtual processors.
    pub cores: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disk in GiB; 0 means as large as the image.
    pub disk_gib: u64,
}

/// An image: of several with one name the newest that can be used, or if there is none the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// The site's word for how far it is: `active` if it can be used.
    pub status: String,
    /// Who sees it, in the site's word.
    pub visibility: String,
    /// The least disk in GiB on which it boots: what its owner says, or its own size if that is more.
    pub needs_disk_gib: u64,
    /// The least memory in MiB with which it boots.
    pub needs_memory_mib: u64,
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkFacts {
    /// Whether routers can lead to it and floating IPs come from it.
    pub external: bool,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseFacts {
    /// Its name.
    pub name: String,
    /// Whether servers can be made from it now.
    pub in_force: bool,
    /// The site's word for how far it is.
    pub status: String,
    /// When it ends, in UTC.
    pub ends: DateTime<Utc>,
}

/// How much there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The most; nothing if there is no bound.
    pub most: Option<u64>,
    /// How much there is, whoever made it, if the site says so.
    pub used: Option<u64>,
}
