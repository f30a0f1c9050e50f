//! What a simulated site has, and how long it takes.

use chrono::TimeDelta;

/// What the simulated site has and how long it takes.
#[derive(Debug, Clone)]
pub struct Profile {
    /// How long a server takes to come up.
    pub boot: TimeDelta,
    /// How long a server takes to go away.
    pub shutdown: TimeDelta,
    /// How long after its start a lease comes into force.
    pub lease_lag: TimeDelta,
    /// How long each call takes.
    pub latency: TimeDelta,
    /// How long after a server is ready what runs on it answers.
    pub answering: TimeDelta,
    /// Of each thing that can be reserved, how many leases may hold at one instant.
    pub lease_capacity: u32,
    /// Whether the end of a lease that has begun can be changed. Blazar as it comes can't for leases of flavors.
    pub extends: bool,
    /// Images that there are.
    pub images: Vec<String>,
    /// Flavors that there are.
    pub flavors: Vec<String>,
    /// Types of volumes that there are.
    pub volume_types: Vec<String>,
    /// Networks that there are for everyone.
    pub networks: Vec<String>,
    /// Security groups of the project.
    pub security_groups: Vec<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            boot: TimeDelta::seconds(8),
            shutdown: TimeDelta::seconds(2),
            lease_lag: TimeDelta::seconds(2),
            latency: TimeDelta::milliseconds(300),
            answering: TimeDelta::seconds(2),
            lease_capacity: 1000,
            extends: true,
            images: ["CC-Ubuntu24.04", "CC-Ubuntu22.04"].map(str::to_owned).to_vec(),
            flavors: ["m1.tiny", "m1.small", "m1.medium", "m1.large", "m1.xlarge", "baremetal"]
                .map(str::to_owned)
                .to_vec(),
            volume_types: vec!["ceph-ssd".to_owned()],
            networks: ["public", "sharednet1"].map(str::to_owned).to_vec(),
            security_groups: ["allow-ssh", "allow-http-80"].map(str::to_owned).to_vec(),
        }
    }
}

impl Profile {
    /// A site that answers and finishes at once.
    pub fn instant() -> Self {
        let zero = TimeDelta::zero();
        Self {
            boot: zero,
            shutdown: zero,
            lease_lag: zero,
            latency: zero,
            answering: zero,
            ..Self::default()
        }
    }
}
