//! What a listing of a site's whole project tells of an object beyond its id: what the reaper judges it by. An adapter leaves
//! out what its site does not tell, and nothing is ever deleted on the strength of something that was not told.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::interval::Interval;

/// What a site tells of an object, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Survey {
    /// Whose project it belongs to, and whether others use it.
    pub belongs: Belongs,
    /// Texts that may say whose it is, beside its name.
    pub hints: Hints,
    /// How it is.
    pub condition: Option<Condition>,
    /// The site's ids of what it is attached to or joins, empty if it is attached to nothing: a floating IP's port or server,
    /// a volume's servers, a port's device and floating IPs, a server's ports, a router's subnets, a subnet's network, a
    /// share's rules of access.
    pub attached: Option<Vec<String>>,
    /// Of a network: how many ports are on it that are not the network's own (its routers', its DHCP's).
    pub ports: Option<u32>,
    /// Of a server or container: what capacity it runs on.
    pub backing: Backing,
    /// Of a lease: the site's ids of its reservations.
    pub reservations: Vec<String>,
    /// Of a lease: from when up to when it is to hold.
    pub span: Option<Interval>,
    /// What the site charges for it: names of flavors or node types, and how many of each. For a lease what it reserves.
    pub charged: Vec<(String, u32)>,
    /// Whether it is a machine of its own.
    pub bare_metal: bool,
    /// Its tags.
    pub tags: Vec<String>,
    /// Since when nothing has used it, as far as the site tells.
    pub idle_since: Option<DateTime<Utc>>,
}

/// Whose an object is, as far as projects go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Belongs {
    /// The site does not tell.
    #[default]
    Untold,
    /// To the course's project alone.
    Project,
    /// To the project, as what every project has: the security group `default`.
    Standard,
    /// Other projects use it, too: a shared or an external network.
    Shared,
    /// To another project.
    Others,
}

/// Texts that may name a person, by where they stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// Metadata, name by name.
    pub metadata: Vec<(String, String)>,
    /// The key pair's name.
    pub key: Option<String>,
    /// The names and ids by which the site knows the account that made it.
    pub creator: Vec<String>,
    /// Its description.
    pub description: Option<String>,
}

/// How an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "says")]
pub enum Condition {
    /// It works: a server that runs, a lease in force, a floating IP that leads to something.
    InUse,
    /// It is there and serves nothing at present.
    Idle,
    /// A server that is shut off and keeps its machine.
    Stopped,
    /// A server that was put aside, with what it holds, and keeps no machine.
    Shelved,
    /// It is broken, in the site's words.
    Broken(String),
    /// It is being made, changed or deleted.
    Changing,
}

/// The capacity that a server runs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "reservation")]
pub enum Backing {
    /// The site does not tell.
    #[default]
    Untold,
    /// No reservation.
    Nothing,
    /// The reservation with this id.
    Reservation(String),
}
