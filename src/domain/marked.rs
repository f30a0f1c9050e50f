//! What the reaper remembers from sweep to sweep: which objects it has marked and how far each is on its way, and what staff
//! have told it to leave alone.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::blueprint::Kind;
use super::ids::{LabId, NetId, SiteId};

/// An object at a site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The site that has it.
    pub site: SiteId,
    /// Its kind, told in words.
    #[serde(with = "kind_in_words")]
    pub kind: Kind,
    /// The site's id of it.
    pub site_ref: String,
    /// Its name at the site.
    pub name: String,
}

/// A kind told in words: "floating IP".
pub mod kind_in_words {
    use super::{Deserialize, Deserializer, Kind, Serializer, de};

    /// Writes it.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
    pub fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.word())
    }

    /// Reads what was written.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        let word = String::deserialize(from)?;
        Kind::from_word(&word).ok_or_else(|| de::Error::custom(format!("no kind is called \"{word}\"")))
    }
}

/// "server node1-cloud-ff524 at kvm-tacc".
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = if self.name.is_empty() { &self.site_ref } else { &self.name };
        write!(f, "{} {called} at {}", self.kind.word(), self.site)
    }
}

/// Why the reaper acts on something. Each is stated in [`policy::reaping`](crate::policy::reaping).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// A booking whose end is over.
    PastEnd,
    /// A booking that nobody uses.
    NoShow,
    /// An object of ours without a live booking.
    Orphan,
    /// A server for longer than a lab allows.
    OverCap,
    /// A server on a day that is not its owner's.
    WrongDay,
    /// A server that is broken.
    BrokenServer,
    /// A server on no lease, at a site with leases.
    ServerWithoutLease,
    /// A lease on which no server is.
    LeaseWithoutServer,
    /// A lease longer than people may make by hand.
    LongLease,
    /// A floating IP that leads nowhere.
    IdleFloatingIp,
    /// Something that nothing uses.
    Leftover,
    /// A project's server for longer than projects may have one.
    OverProjectHours,
}

impl Predicate {
    /// Every one.
    pub const ALL: [Self; 12] = [
        Self::PastEnd,
        Self::NoShow,
        Self::Orphan,
        Self::OverCap,
        Self::WrongDay,
        Self::BrokenServer,
        Self::ServerWithoutLease,
        Self::LeaseWithoutServer,
        Self::LongLease,
        Self::IdleFloatingIp,
        Self::Leftover,
        Self::OverProjectHours,
    ];

    /// Its code, as stored and shown. It stays.
    pub fn code(self) -> &'static str {
        match self {
            Self::PastEnd => "past_end",
            Self::NoShow => "no_show",
            Self::Orphan => "orphan",
            Self::OverCap => "over_cap",
            Self::WrongDay => "wrong_day",
            Self::BrokenServer => "broken_server",
            Self::ServerWithoutLease => "server_without_lease",
            Self::LeaseWithoutServer => "lease_without_server",
            Self::LongLease => "long_lease",
            Self::IdleFloatingIp => "idle_floating_ip",
            Self::Leftover => "leftover",
            Self::OverProjectHours => "over_project_hours",
        }
    }

    /// Reads what [`Predicate::code`] wrote.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|predicate| predicate.code() == code)
    }
}

/// An object that people made by hand and that the reaper has begun to act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// The object. At one site an id is of one object of its kind.
    pub target: Target,
    /// Why.
    pub predicate: Predicate,
    /// Whose it is, if somebody's.
    pub net_id: Option<NetId>,
    /// How far it is.
    pub stage: Stage,
    /// How often its owner has taken it back: once is theirs to decide, more is staff's ([`RESTORES`]).
    #[serde(default)]
    pub restores: i32,
}

/// How often an owner may take one object back. Without a bound it would be there for good, ten hours at a time.
pub const RESTORES: i32 = 1;

/// How far a marked object is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Stage {
    /// Its owner was told, once.
    Warned {
        /// When.
        at: DateTime<Utc>,
    },
    /// It is stopped or shelved, and can be taken back.
    Stopped {
        /// When its owner was told.
        warned_at: DateTime<Utc>,
        /// When it was stopped.
        at: DateTime<Utc>,
    },
    /// Its deletion was asked for, and is asked for again until the site says that it is not there.
    Deleting {
        /// When its owner was told.
        warned_at: DateTime<Utc>,
        /// When it was first asked for.
        at: DateTime<Utc>,
    },
    /// Its owner took it back. It is left alone up to an instant, and then judged as if nobody had been told.
    Restored {
        /// Up to when.
        until: DateTime<Utc>,
    },
}

/// What comes next for a marked object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// It is stopped or shelved.
    Stop,
    /// It is deleted.
    Delete,
}

impl NextStep {
    /// "stopped" or "deleted".
    pub fn done(self) -> &'static str {
        match self {
            Self::Stop => "stopped",
            Self::Delete => "deleted",
        }
    }
}

impl Stage {
    /// When its owner was told, if nobody has taken it back since.
    pub fn warned_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Warned { at } => Some(*at),
            Self::Stopped { warned_at, .. } | Self::Deleting { warned_at, .. } => Some(*warned_at),
            Self::Restored { .. } => None,
        }
    }
}

/// Something that staff have told the reaper to leave alone for a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Exemption {
    /// What.
    pub what: Exempt,
    /// Why, in a few words.
    pub reason: String,
    /// Who of staff said so: a net ID, or the name that a command was told.
    pub by: String,
    /// Up to when.
    pub until: DateTime<Utc>,
}

/// What an exemption covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exempt {
    /// One object, by the site's id of it.
    Object(SiteId, String),
    /// Every object whose name begins so, and is longer than nothing.
    NamesFrom(String),
    /// Everything that is a person's.
    Person(NetId),
    /// Everything that is judged by a lab, and its bookings' not being used.
    Lab(LabId),
}

/// Staff have stopped the reaper.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pause {
    /// At one site, or at all.
    pub site: Option<SiteId>,
    /// Why, in a few words.
    pub reason: String,
    /// Who of staff said so: a net ID, or the name that a command was told.
    pub by: String,
    /// Up to when, if not until someone ends it.
    pub until: Option<DateTime<Utc>>,
}

impl Pause {
    /// Whether it holds at a site at `now`.
    pub fn holds(&self, site: &SiteId, now: DateTime<Utc>) -> bool {
        self.site.as_ref().is_none_or(|only| only == site) && self.until.is_none_or(|until| now < until)
    }
}

/// Objects of a site that nothing uses, by kind and the site's id, and since when that is so.
pub type Idle = BTreeMap<(Kind, String), DateTime<Utc>>;

/// How much a site held when it was last listed whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// How many objects that are no booking's.
    pub count: usize,
    /// When.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_written_and_as_they_are_serialized() {
        for predicate in Predicate::ALL {
            assert_eq!(Predicate::from_code(predicate.code()), Some(predicate));
            assert_eq!(serde_json::to_value(predicate).unwrap(), predicate.code());
        }
    }
}
