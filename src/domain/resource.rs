//! One cloud object of a booking: what it is to be, and what is known of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::blueprint::{Kind, Probe, Reserved, Spec};
use super::ids::{BookingId, InstanceId, ResourceKey, SiteId};
use super::survey::Survey;

/// Where an object is on its way. `Making` and `Deleting` are written **before** the cloud is called, so that after a
/// crash it is known that there may be something to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceState {
    /// Nothing was asked of the cloud yet.
    Planned,
    /// The cloud was asked, or is about to be. It may or may not exist.
    Making,
    /// It exists and can be used.
    Ready,
    /// Its deletion was asked for, or is about to be.
    Deleting,
    /// The cloud said that it is not there.
    Gone,
}

impl ResourceState {
    const ALL: [Self; 5] = [Self::Planned, Self::Making, Self::Ready, Self::Deleting, Self::Gone];

    /// The state in a word, as stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Making => "making",
            Self::Ready => "ready",
            Self::Deleting => "deleting",
            Self::Gone => "gone",
        }
    }

    /// Reads what [`ResourceState::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What the site tells of an object beyond its id. What does not apply is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteFacts {
    /// Where it is reached: a server's private address, a floating IP's public one, what mounts a share, a volume's device, the
    /// name of a bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// A lease's reservations: what each is of, and the site's id of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reservations: Vec<(Reserved, String)>,
    /// Whether a lease can be used: the site has begun it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_force: bool,
    /// When the site will take a lease back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_end: Option<DateTime<Utc>>,
    /// Whether what is behind a floating IP was seen to answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub answers: bool,
}

/// One cloud object of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The booking that holds it.
    pub booking: BookingId,
    /// Its name within the booking.
    pub key: ResourceKey,
    /// Its place in the order of making.
    pub position: i32,
    /// What it is to be.
    pub spec: Spec,
    /// Where it is on its way.
    pub state: ResourceState,
    /// The site's own id of it, once known.
    pub site_ref: Option<String>,
    /// What the site tells of it.
    pub facts: SiteFacts,
    /// How often the cloud was asked in vain since it last did what was asked.
    pub failures: i32,
    /// How often it was replaced because it came up broken.
    pub replacements: i32,
    /// When it entered its state.
    pub since: DateTime<Utc>,
    /// The site at which it is being made on bare metal, as long as it is: what it takes of that site's limit.
    pub building_at: Option<SiteId>,
}

impl Resource {
    /// A resource of which nothing was asked yet.
    pub fn planned(
        booking: BookingId,
        key: ResourceKey,
        position: i32,
        spec: Spec,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            booking,
            key,
            position,
            spec,
            state: ResourceState::Planned,
            site_ref: None,
            facts: SiteFacts::default(),
            failures: 0,
            replacements: 0,
            since: now,
            building_at: None,
        }
    }

    /// The kind of object.
    pub fn kind(&self) -> Kind {
        self.spec.kind()
    }

    /// By kind and name: "server node1"; "lease", of which a booking has one; "subnet private", of the network.
    pub fn in_words(&self) -> String {
        let (kind, key) = (self.kind(), self.key.as_str());
        let of_network = matches!(kind, Kind::Subnet | Kind::Router);
        let rest = key.strip_prefix(kind.word()).and_then(|rest| rest.strip_prefix('-'));
        let name = rest.filter(|_| of_network).unwrap_or(key);
        let kind = kind.word();
        if name.replace('-', " ") == kind { kind.to_owned() } else { format!("{kind} {name}") }
    }

    /// Whether it is a server on bare metal.
    pub fn is_bare_metal(&self) -> bool {
        matches!(&self.spec, Spec::Server(server) if server.machine.is_bare_metal())
    }

    /// How it is seen that what it leads to can be used, if that is to be looked at.
    pub fn probe(&self) -> Option<&Probe> {
        match &self.spec {
            Spec::FloatingIp { probe, .. } if self.may_exist() => probe.as_ref(),
            _ => None,
        }
    }

    /// Whether the cloud may hold something of it.
    pub fn may_exist(&self) -> bool {
        !matches!(self.state, ResourceState::Planned | ResourceState::Gone)
    }
}

/// Says whose an object is. Every object that we create carries it: in its name from the first instant, since a name is
/// all that a lease or a keypair has, and in metadata, a description or tags where the kind has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The installation that made it.
    pub instance: InstanceId,
    /// The booking that holds it.
    pub booking: BookingId,
    /// Its name within the booking.
    pub key: ResourceKey,
}

const SEPARATOR: &str = "--";

impl Mark {
    /// The object's name at the site: first what a person looks for, then whose it is. `label` says in a word or two
    /// what it is for, such as `k8s-ff524`.
    pub fn name(&self, label: &str) -> String {
        let Self { instance, booking, key } = self;
        [key.as_str(), label, booking.as_str(), instance.as_str()].join(SEPARATOR)
    }

    /// What ends every name of one booking's objects, and no other name.
    pub fn suffix(instance: &InstanceId, booking: &BookingId) -> String {
        format!("{SEPARATOR}{booking}{SEPARATOR}{instance}")
    }

    /// Reads a mark from a name that [`Mark::name`] made; `None` for any other name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut parts = name.rsplitn(3, SEPARATOR);
        let (instance, booking, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let key = rest.split(SEPARATOR).next()?;
        Some(Self {
            instance: instance.parse().ok()?,
            booking: booking.parse().ok()?,
            key: key.parse().ok()?,
        })
    }
}

/// An object that a site's listing has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The kind of object.
    pub kind: Kind,
    /// The site's own id of it.
    pub site_ref: String,
    /// Its name at the site; for a floating IP its address.
    pub name: String,
    /// Whose it is, if it carries a mark.
    pub mark: Option<Mark>,
    /// When it was made, if the site tells.
    pub created_at: Option<DateTime<Utc>>,
    /// What else the site tells, in a listing of the whole project.
    pub survey: Survey,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark {
            instance: InstanceId::from_bits(7),
            booking: BookingId::from_bits(99),
            key: "node1".parse().unwrap(),
        }
    }

    #[test]
    fn a_name_carries_the_mark() {
        let name = mark().name("k8s-ff524");
        assert_eq!(name, "node1--k8s-ff524--000000000033--000000000007");
        assert_eq!(Mark::from_name(&name), Some(mark()));
        assert!(name.ends_with(&Mark::suffix(&mark().instance, &mark().booking)));
        assert!(name.len() <= 63, "a server's name becomes its host name");
    }

    #[test]
    fn names_of_others_carry_none() {
        for name in ["node1-cloud-ff524", "", "--", "a--b--c", "node1-project0", "x--y--000000000033--i"] {
            assert_eq!(Mark::from_name(name), None, "{name}");
        }
    }
}
