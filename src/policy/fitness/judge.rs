//! What is to be said of what was seen of a site.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Check, access, listed, quotas};
use crate::domain::fitness::{
    Boot, FlavorFacts, ImageFacts, LeaseFacts, LeaseNeed, Lookup, Named, SiteNeeds, SiteReport, SiteService,
    Told, Users,
};
use crate::domain::renewal::Renewal;

/// Chameleon's longest lease of bare metal. Blazar tells nobody what its limits are.
const LONGEST_BARE_METAL: TimeDelta = TimeDelta::days(7);
/// Chameleon's longest lease of anything else, about half a year.
const LONGEST: TimeDelta = TimeDelta::days(180);

/// Every check of a site at `now`, in a fixed order. A site that did not let us in told why instead of a report.
pub fn judge(needs: &SiteNeeds, report: &Told<SiteReport>, now: DateTime<Utc>) -> Vec<Check> {
    let report = match report {
        Ok(report) => report,
        Err(why) => {
            let right = "an entry of clouds.yaml whose address answers and whose credential is accepted";
            return vec![Check::fail("access", why.as_str(), right)];
        }
    };
    let mut checks = access::checks(needs, &report.access, now);
    checks.extend(services(needs, report));
    checks.extend(leases(needs, report));
    checks.extend(standing_leases(needs, report));
    checks.extend(flavors(needs, report));
    checks.extend(images(needs, report));
    checks.extend(networks(needs, report));
    for (kind, named, found) in [
        ("security group", &needs.security_groups, &report.security_groups),
        ("volume type", &needs.volume_types, &report.volume_types),
        ("share type", &needs.share_types, &report.share_types),
    ] {
        checks.extend(each(kind, named, found, |what, ()| Check::pass(what, "there")));
    }
    checks.extend(quotas::checks(needs, report));
    checks
}

fn services(needs: &SiteNeeds, report: &SiteReport) -> Vec<Check> {
    let one = |(service, labs): (&SiteService, &Users)| {
        let what = format!("service for {}", service.words());
        if report.services.contains(service) {
            return Check::pass(what, "in the catalog");
        }
        let right = if *service == SiteService::Reservation {
            "a site that has it, or leases = false for a site without"
        } else {
            "a site that has it, in the region and interface that clouds.yaml names"
        };
        Check::fail(what, format!("not in the catalog; {} needs it", listed(labs)), right)
    };
    needs.services.iter().map(one).collect()
}

fn leases(needs: &SiteNeeds, report: &SiteReport) -> Vec<Check> {
    let asked = needs.services.contains_key(&SiteService::Reservation);
    if !asked || !report.services.contains(&SiteService::Reservation) {
        return Vec::new();
    }
    let listing = match &report.leases {
        Ok(leases) => Check::pass("leases", format!("can be listed; the project has {}", leases.len())),
        Err(why) => Check::fail("leases", why.as_str(), "a role that may list and make the project's leases"),
    };
    let longest = needs.own_leases.iter().max_by_key(|need| (need.is_too_long(), need.length));
    std::iter::once(listing).chain(longest.map(lease_length)).collect()
}

impl LeaseNeed {
    fn longest(&self) -> TimeDelta {
        if self.bare_metal { LONGEST_BARE_METAL } else { LONGEST }
    }

    fn is_too_long(&self) -> bool {
        self.length > self.longest()
    }
}

fn lease_length(need: &LeaseNeed) -> Check {
    let what = "length of leases";
    let (hours, minutes) = (need.length.num_hours(), need.length.num_minutes() % 60);
    let found = format!("up to {hours} h {minutes} min, for {}", need.lab);
    if need.is_too_long() {
        let of = if need.bare_metal { "bare metal" } else { "virtual machines" };
        let days = need.longest().num_days();
        let right = format!(
            "at most {days} days ({} h) with the pool's lead, which is Chameleon's limit for {of}",
            days * 24
        );
        return Check::fail(what, found, right);
    }
    Check::pass(what, found)
}

fn standing_leases(needs: &SiteNeeds, report: &SiteReport) -> Vec<Check> {
    let Ok(leases) = &report.leases else { return Vec::new() };
    let one = |(name, labs): (&String, &Users)| {
        let mut same: Vec<&LeaseFacts> = leases.iter().filter(|lease| lease.name == *name).collect();
        same.sort_by_key(|lease| lease.in_force);
        standing_lease(needs, name, labs, same.last().copied())
    };
    needs.standing_leases.iter().map(one).collect()
}

fn standing_lease(needs: &SiteNeeds, name: &str, labs: &Users, lease: Option<&LeaseFacts>) -> Check {
    let what = format!("lease {name}");
    let Some(lease) = lease else {
        return Check::fail(
            what,
            format!("not there; {} draws on it", listed(labs)),
            "a lease with this name",
        );
    };
    let found = format!("{}, ends {}", lease.status, lease.ends.format("%Y-%m-%d %H:%M UTC"));
    if !lease.in_force {
        return Check::fail(what, found, "a lease in force: nothing is made from it before and after");
    }
    if let Some(Renewal { for_days, hours_before }) = needs.renewals.get(name) {
        let how =
            format!("{found}; renewed {hours_before} h before its end, for {for_days} days from then on");
        return Check::pass(what, how);
    }
    match needs.until {
        Some(until) if lease.ends < until => {
            let right = format!("one until the last lab closes, {}", until.format("%Y-%m-%d %H:%M UTC"));
            Check::warn(what, found, right)
        }
        _ => Check::pass(what, found),
    }
}

/// A check of each thing that is needed by name; `judge` is given those that are there.
fn each<T>(kind: &str, named: &Named, found: &Lookup<T>, judge: impl Fn(String, &T) -> Check) -> Vec<Check> {
    let one = |(name, labs): (&String, &Users)| {
        let what = format!("{kind} {name}");
        match found.as_ref().map(|found| found.get(name)) {
            Err(why) => Check::cant_tell(what, why.as_str()),
            Ok(None) => Check::cant_tell(what, "it was not looked for"),
            Ok(Some(Some(facts))) => judge(what, facts),
            Ok(Some(None)) => {
                let found = format!("not there; {} needs it", listed(labs));
                let article = if kind.starts_with(['e', 'i']) { "an" } else { "a" };
                Check::fail(what, found, format!("the name or id of {article} {kind} that the project sees"))
            }
        }
    };
    named.iter().map(one).collect()
}

fn flavors(needs: &SiteNeeds, report: &SiteReport) -> Vec<Check> {
    each("flavor", &needs.flavors, &report.flavors, |what, flavor| {
        let FlavorFacts { cores, memory_mib, disk_gib } = flavor;
        Check::pass(what, format!("cores {cores}, memory {memory_mib} MiB, disk {disk_gib} GiB"))
    })
}

fn images(needs: &SiteNeeds, report: &SiteReport) -> Vec<Check> {
    let mut checks = each("image", &needs.images, &report.images, |what, image| {
        let found = format!("{}, {}", image.status, image.visibility);
        if image.status == "active" {
            Check::pass(what, found)
        } else {
            Check::fail(what, found, "an image that is active")
        }
    });
    checks.extend(needs.boots.iter().filter_map(|boot| too_small(boot, report)));
    checks
}

/// What an image can't boot on, if that can be told.
fn too_small(boot: &Boot, report: &SiteReport) -> Option<Check> {
    let image: &ImageFacts = report.images.as_ref().ok()?.get(&boot.image)?.as_ref()?;
    let flavor: &FlavorFacts = report.flavors.as_ref().ok()?.get(&boot.flavor)?.as_ref()?;
    let disk = boot.volume_gib.map_or(flavor.disk_gib, u64::from);
    // A flavor's disk of 0 is as large as the image.
    let no_disk = disk > 0 && image.needs_disk_gib > disk;
    if !no_disk && image.needs_memory_mib <= flavor.memory_mib {
        return None;
    }
    let on = boot.volume_gib.map_or_else(String::new, |gib| format!(" with a volume of {gib} GiB"));
    let what = format!("image {} on {}{on}", boot.image, boot.flavor);
    let (memory, wants) = (flavor.memory_mib, image.needs_memory_mib);
    let found = format!(
        "{disk} GiB of disk, {memory} MiB of memory; it needs {} GiB, {wants} MiB",
        image.needs_disk_gib
    );
    Some(Check::fail(what, found, "a larger flavor, or boot_volume_gib"))
}

fn networks(needs: &SiteNeeds, report: &SiteReport) -> Vec<Check> {
    let found = &report.networks;
    let mut checks = each("network", &needs.networks, found, |what, _| Check::pass(what, "there"));
    checks.extend(each("external network", &needs.external_networks, found, |what, network| {
        if network.external {
            return Check::pass(what, "there, and external");
        }
        Check::fail(what, "there, but not external", "the network from which floating IPs come")
    }));
    checks
}
