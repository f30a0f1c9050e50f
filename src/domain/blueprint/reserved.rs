//! What servers run on, and what a lease reserves for them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a server runs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Machine {
    /// The flavor, by name or id. On bare metal the site's flavor for that, such as `baremetal`.
    pub flavor: String,
    /// For bare metal: the properties of the node, such as `node_type`. Without any it is a virtual machine.
    #[serde(default)]
    pub node: BTreeMap<String, String>,
}

impl Machine {
    /// A virtual machine of a flavor.
    pub fn of_flavor(flavor: &str) -> Self {
        Self { flavor: flavor.to_owned(), node: BTreeMap::new() }
    }

    /// Whether it is a whole node.
    pub fn is_bare_metal(&self) -> bool {
        !self.node.is_empty()
    }

    /// What a lease reserves for it.
    pub fn reserved(&self) -> Reserved {
        if self.is_bare_metal() {
            Reserved::Host(self.node.clone())
        } else {
            Reserved::Flavor(self.flavor.clone())
        }
    }

    /// Under which name a site's prices and limits have it: the node's type, or else the flavor.
    pub fn name(&self) -> &str {
        self.node.get("node_type").unwrap_or(&self.flavor)
    }
}

/// What one of a lease's reservations is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserved {
    /// Servers of a flavor, by name or id.
    Flavor(String),
    /// Whole nodes with these properties.
    Host(BTreeMap<String, String>),
    /// Devices at the edge with these properties.
    Device(BTreeMap<String, String>),
    /// Addresses of an external network, by name or id.
    FloatingIp(String),
}

/// What tells it from the others of its lease, such as `flavor m1.medium` or `host node_type=gpu_p100`.
impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let properties = |all: &BTreeMap<String, String>| {
            all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        match self {
            Self::Flavor(flavor) => write!(f, "flavor {flavor}"),
            Self::Host(node) => write!(f, "host {}", properties(node)),
            Self::Device(device) => write!(f, "device {}", properties(device)),
            Self::FloatingIp(external) => write!(f, "floating IP {external}"),
        }
    }
}

/// Counts equal ones together, in the order in which they first appear.
pub(super) fn counted<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<(T, u32)> {
    let mut counts: Vec<(T, u32)> = Vec::new();
    for one in all {
        match counts.iter_mut().find(|(known, _)| *known == one) {
            Some((_, count)) => *count += 1,
            None => counts.push((one, 1)),
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_are_told_apart() {
        let node = BTreeMap::from([("node_type".to_owned(), "gpu_p100".to_owned())]);
        let gpu = Machine { flavor: "baremetal".to_owned(), node };
        assert_eq!(gpu.reserved().to_string(), "host node_type=gpu_p100");
        assert_eq!((gpu.name(), gpu.is_bare_metal()), ("gpu_p100", true));
        let medium = Machine::of_flavor("m1.medium");
        assert_eq!(medium.reserved().to_string(), "flavor m1.medium");
        assert_eq!((medium.name(), medium.is_bare_metal()), ("m1.medium", false));
        assert_eq!(counted(["a", "b", "a"]), [("a", 2), ("b", 1)]);
    }
}
