//! What a course needs of a site.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Counted, SiteService};
use crate::domain::ids::{LabId, PoolId};
use crate::domain::renewal::Renewal;

/// The labs that need something.
pub type Users = BTreeSet<LabId>;
/// Things that are needed, by the name or id under which the course has them, and who needs each.
pub type Named = BTreeMap<String, Users>;

/// What a course needs of one site, over all labs that draw on the site's pools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SiteNeeds {
    /// Services.
    pub services: BTreeMap<SiteService, Users>,
    /// Flavors, those of alternatives among them.
    pub flavors: Named,
    /// Images.
    pub images: Named,
    /// Networks that are to be there already.
    pub networks: Named,
    /// External networks.
    pub external_networks: Named,
    /// Security groups that are to be there already.
    pub security_groups: Named,
    /// Types of volumes.
    pub volume_types: Named,
    /// Types of shares.
    pub share_types: Named,
    /// Leases that staff hold.
    pub standing_leases: Named,
    /// How those of them are renewed that the service renews.
    pub renewals: BTreeMap<String, Renewal>,
    /// Labs whose bookings are backed by a lease of their own.
    pub own_leases: Vec<LeaseNeed>,
    /// What servers boot from.
    pub boots: Vec<Boot>,
    /// How much each lab takes at full use.
    pub draws: Vec<Draw>,
    /// Units that all pools of the site together can hold at one instant, if that is bounded.
    pub capacity: Option<u32>,
    /// The last instant at which one of the labs can be used, in UTC; nothing if that is open.
    pub until: Option<DateTime<Utc>>,
}

/// The longest lease that a booking of a lab may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseNeed {
    /// The lab.
    pub lab: LabId,
    /// From the first to the last instant: the lead and the longest slot.
    pub length: TimeDelta,
    /// Whether it reserves whole nodes.
    pub bare_metal: bool,
}

/// An image on what it boots on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Boot {
    /// The image, by name or id.
    pub image: String,
    /// The flavor of a virtual machine, by name or id.
    pub flavor: String,
    /// The size in GiB of the volume that it boots from; none if it boots from the flavor's disk.
    pub volume_gib: Option<u32>,
}

/// A lab's draw on its pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The pool.
    pub pool: PoolId,
    /// The lab.
    pub lab: LabId,
    /// The most units that the pool ever holds at one instant.
    pub capacity: u32,
    /// Units that one booking takes, at least 1.
    pub units: u32,
    /// What one booking takes besides what follows from flavors.
    pub takes: BTreeMap<Counted, u64>,
    /// Servers of one booking by flavor.
    pub servers: Vec<(String, u32)>,
}
