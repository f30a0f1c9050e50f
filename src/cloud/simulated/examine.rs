//! What the simulated site says of itself: it has what its profile has, every service, and no quotas.

use std::collections::{BTreeMap, BTreeSet};

use super::SimulatedCloud;
use crate::domain::fitness::{
    Access, Counted, CredentialFacts, FlavorFacts, ImageFacts, Limit, Named, NetworkFacts, SiteNeeds,
    SiteReport, SiteService, Transport,
};

/// Cores, memory in MiB and disk in GiB of Chameleon's flavors.
const SIZES: [(&str, u64, u64, u64); 5] = [
    ("m1.tiny", 1, 512, 1),
    ("m1.small", 1, 2048, 20),
    ("m1.medium", 2, 4096, 40),
    ("m1.large", 4, 8192, 40),
    ("m1.xlarge", 8, 16384, 40),
];

fn flavor(name: &str) -> FlavorFacts {
    let known = SIZES.iter().find(|(known, ..)| *known == name);
    let (_, cores, memory_mib, disk_gib) = known.copied().unwrap_or((name, 1, 1024, 40));
    FlavorFacts { cores, memory_mib, disk_gib }
}

impl SimulatedCloud {
    pub(super) fn examine_now(&self, needs: &SiteNeeds) -> SiteReport {
        let image = |_: &str| ImageFacts {
            status: "active".to_owned(),
            visibility: "public".to_owned(),
            needs_disk_gib: 0,
            needs_memory_mib: 0,
        };
        let mut networks = every(&needs.networks, &NetworkFacts { external: false });
        networks.extend(every(&needs.external_networks, &NetworkFacts { external: true }));
        SiteReport {
            access: Access {
                credential: CredentialFacts::NoneNeeded,
                roles: BTreeSet::new(),
                token_ends: None,
                clock_ahead: None,
                transport: Transport { verified: true, plain: BTreeSet::new() },
            },
            services: SiteService::ALL.into(),
            flavors: Ok(those(&needs.flavors, &self.profile.flavors, flavor)),
            images: Ok(those(&needs.images, &self.profile.images, image)),
            networks: Ok(networks),
            security_groups: Ok(every(&needs.security_groups, &())),
            volume_types: Ok(every(&needs.volume_types, &())),
            share_types: Ok(every(&needs.share_types, &())),
            leases: self.leases_now().map_err(|error| error.to_string()),
            limits: Counted::ALL.into_iter().map(|of| (of, Ok(Limit { most: None, used: None }))).collect(),
        }
    }
}

fn those<T>(wanted: &Named, has: &[String], facts: impl Fn(&str) -> T) -> BTreeMap<String, Option<T>> {
    wanted.keys().map(|name| (name.clone(), has.contains(name).then(|| facts(name)))).collect()
}

fn every<T: Clone>(wanted: &Named, facts: &T) -> BTreeMap<String, Option<T>> {
    wanted.keys().map(|name| (name.clone(), Some(facts.clone()))).collect()
}
