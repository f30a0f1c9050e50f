//! How much a project may have, as each service tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::told;
use crate::cloud::openstack::OpenStackCloud;
use crate::cloud::openstack::identity::Service;
use crate::cloud::port::CloudError;
use crate::domain::fitness::{Counted, Limit, SiteService, Told};

type Limits = BTreeMap<Counted, Told<Limit>>;
type Names = &'static [(Counted, &'static str, &'static str)];

/// Nova's names for the most and for what is used. It does not tell how many keypairs there are.
const COMPUTE: Names = &[
    (Counted::Servers, "maxTotalInstances", "totalInstancesUsed"),
    (Counted::Cores, "maxTotalCores", "totalCoresUsed"),
    (Counted::MemoryMib, "maxTotalRAMSize", "totalRAMUsed"),
    (Counted::Keypairs, "maxTotalKeypairs", ""),
];
const BLOCK: Names = &[
    (Counted::Volumes, "maxTotalVolumes", "totalVolumesUsed"),
    (Counted::VolumeGib, "maxTotalVolumeGigabytes", "totalGigabytesUsed"),
];
const SHARE: Names = &[
    (Counted::Shares, "maxTotalShares", "totalSharesUsed"),
    (Counted::ShareGib, "maxTotalShareGigabytes", "totalShareGigabytesUsed"),
];
const NETWORK: [(Counted, &str); 7] = [
    (Counted::FloatingIps, "floatingip"),
    (Counted::Networks, "network"),
    (Counted::Subnets, "subnet"),
    (Counted::Routers, "router"),
    (Counted::Ports, "port"),
    (Counted::SecurityGroups, "security_group"),
    (Counted::SecurityGroupRules, "security_group_rule"),
];

#[derive(Debug, Deserialize)]
struct Absolute {
    limits: Inner,
}

#[derive(Debug, Deserialize)]
struct Inner {
    absolute: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Quotas {
    quota: BTreeMap<String, Quota>,
}

#[derive(Debug, Deserialize)]
struct Quota {
    limit: i64,
    used: i64,
}

impl OpenStackCloud {
    /// Those of the services that the site has.
    pub(super) async fn limits(&self, services: &BTreeSet<SiteService>) -> Limits {
        let (compute, network, block, share) = tokio::join!(
            self.absolute(services.contains(&SiteService::Compute), Service::Compute, COMPUTE),
            self.quotas(services.contains(&SiteService::Network)),
            self.absolute(services.contains(&SiteService::Block), Service::Block, BLOCK),
            self.absolute(services.contains(&SiteService::Share), Service::Share, SHARE),
        );
        [compute, network, block, share].into_iter().flatten().collect()
    }

    async fn absolute(&self, there: bool, service: Service, names: Names) -> Limits {
        if !there {
            return Limits::new();
        }
        let answer: Told<Absolute> = told(self.session.get(service, &["limits"], &[]).await);
        let read = |(of, most, used): &(Counted, &str, &str)| {
            let limit = answer.as_ref().map_err(Clone::clone).and_then(|answer| answer.limit(most, used));
            (*of, limit)
        };
        names.iter().map(read).collect()
    }

    async fn quotas(&self, there: bool) -> Limits {
        if !there {
            return Limits::new();
        }
        let answer = told(self.network_quotas().await);
        let read = |(of, name): (Counted, &str)| {
            let limit = answer.as_ref().map_err(Clone::clone).and_then(|answer| answer.limit(name));
            (of, limit)
        };
        NETWORK.into_iter().map(read).collect()
    }

    async fn network_quotas(&self) -> Result<Quotas, CloudError> {
        let project = self.session.project().await?;
        self.session.get(Service::Network, &["quotas", &project, "details.json"], &[]).await
    }
}

fn missing(name: &str) -> String {
    format!("the site's answer has no {name}")
}

/// A number below zero means that there is no bound.
fn bound(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

impl Absolute {
    fn limit(&self, most: &str, used: &str) -> Told<Limit> {
        let number = |name: &str| self.limits.absolute.get(name).and_then(Value::as_i64);
        let limit = number(most).ok_or_else(|| missing(most))?;
        Ok(Limit { most: bound(limit), used: number(used).and_then(bound) })
    }
}

impl Quotas {
    fn limit(&self, name: &str) -> Told<Limit> {
        let quota = self.quota.get(name).ok_or_else(|| missing(name))?;
        Ok(Limit { most: bound(quota.limit), used: bound(quota.used) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_the_services_write_them() {
        let text = r#"{"limits": {"rate": [], "absolute": {
            "maxTotalCores": 20, "totalCoresUsed": 4, "maxTotalKeypairs": -1}}}"#;
        let nova: Absolute = serde_json::from_str(text).unwrap();
        let limit = |most, used| Ok(Limit { most, used });
        assert_eq!(nova.limit("maxTotalCores", "totalCoresUsed"), limit(Some(20), Some(4)));
        assert_eq!(nova.limit("maxTotalKeypairs", ""), limit(None, None));
        assert!(nova.limit("maxTotalShares", "").unwrap_err().contains("maxTotalShares"));
        let text = r#"{"quota": {"router": {"limit": 10, "used": 3, "reserved": 0}}}"#;
        let neutron: Quotas = serde_json::from_str(text).unwrap();
        assert_eq!(neutron.limit("router"), limit(Some(10), Some(3)));
    }
}
