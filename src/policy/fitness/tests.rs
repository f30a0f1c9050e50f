use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Check, Verdict, judge, needs};
use crate::domain::blueprint::{Blueprint, Machine, NetworkPlan, ServerPlan, VolumePlan};
use crate::domain::course::{CloudName, Course, Lab, Pool, Site};
use crate::domain::fair_share::{FairSharePolicy, WaitlistPolicy};
use crate::domain::fitness::{
    Access, Counted, CredentialFacts, FlavorFacts, ImageFacts, LeaseFacts, Limit, NetworkFacts, SiteReport,
    SiteService, Transport,
};
use crate::domain::reaper::ReaperPolicy;
use crate::domain::renewal::Renewal;
use crate::policy::sentences::tests::{Fixture, local};

fn server(name: &str) -> ServerPlan {
    ServerPlan {
        name: name.parse().unwrap(),
        image: "CC-Ubuntu24.04".to_owned(),
        machine: Machine::of_flavor("m1.medium"),
        alternatives: Vec::new(),
        networks: Vec::new(),
        address: None,
        floating_ip: name == "node1",
        probe: None,
        boot_volume_gib: None,
        user_data: None,
    }
}

/// The origin's cluster: three servers on a network of their own.
fn cluster() -> Blueprint {
    Blueprint {
        login: "cc".to_owned(),
        networks: vec![NetworkPlan {
            name: "private".parse().unwrap(),
            cidr: "192.168.1.0/24".to_owned(),
            external: Some("public".to_owned()),
        }],
        open_tcp_ports: Some(vec![22, 80]),
        external: "public".to_owned(),
        servers: ["node1", "node2", "node3"].map(server).into(),
        ..Blueprint::default()
    }
}

/// A course with a pool of three clusters at a site with Blazar, and what the site says when all is well.
struct Case {
    course: Course,
    report: SiteReport,
}

fn now() -> DateTime<Utc> {
    local("2025-01-30T12:00")
}

impl Case {
    fn new() -> Self {
        let Fixture { lab, pool, zone, .. } = Fixture::origin("ff524");
        let site = Site {
            id: pool.site.clone(),
            title: "KVM".to_owned(),
            cloud: CloudName::OpenStack("course".to_owned()),
            leases: true,
            dashboard: None,
            outage_feed: None,
            capacity: None,
            extends: None,
            bare_metal_at_once: 2,
            su_per_hour: BTreeMap::new(),
        };
        let course = Course {
            id: "c".parse().unwrap(),
            title: "C".to_owned(),
            zone,
            contact: String::new(),
            term: None,
            sites: vec![site],
            pools: vec![pool],
            labs: vec![Lab { blueprint: cluster(), ..lab }],
            reaper: ReaperPolicy::default(),
            fair_share: FairSharePolicy::default(),
            waitlist: WaitlistPolicy::default(),
        };
        Self { course, report: all_is_well() }
    }

    fn lab(&mut self) -> &mut Lab {
        &mut self.course.labs[0]
    }

    fn limit(&mut self, of: Counted, most: u64, used: u64) {
        self.report.limits.insert(of, Ok(Limit { most: Some(most), used: Some(used) }));
    }

    /// Another lab, on a pool of its own if that is named.
    fn another(&mut self, id: &str, pool: Option<&str>, units: i32, blueprint: Blueprint) {
        let (first, first_pool) = (self.course.labs[0].clone(), self.course.pools[0].clone());
        let pool = pool.map_or(first.pool.clone(), |pool| pool.parse().unwrap());
        if pool != first.pool {
            self.course.pools.push(Pool { id: pool.clone(), ..first_pool });
        }
        self.course.labs.push(Lab { id: id.parse().unwrap(), pool, units, blueprint, ..first });
    }

    fn checks(&self) -> Vec<Check> {
        judge(&needs(&self.course, &self.course.sites[0]), &Ok(self.report.clone()), now())
    }

    fn check(&self, what: &str) -> Check {
        let checks = self.checks();
        let found = checks.iter().find(|check| check.what == what);
        found.unwrap_or_else(|| panic!("{what} is not among {checks:#?}")).clone()
    }

    fn verdict(&self, what: &str) -> Verdict {
        self.check(what).verdict
    }
}

fn all_is_well() -> SiteReport {
    let flavor = |cores, memory_mib, disk_gib| Some(FlavorFacts { cores, memory_mib, disk_gib });
    let image = ImageFacts {
        status: "active".to_owned(),
        visibility: "public".to_owned(),
        needs_disk_gib: 20,
        needs_memory_mib: 0,
    };
    let limit = |of| (of, Ok(Limit { most: Some(100_000), used: Some(0) }));
    SiteReport {
        access: Access {
            credential: CredentialFacts::Application { restricted: Some(false), ends: Ok(None) },
            roles: ["member", "reader"].map(str::to_owned).into(),
            token_ends: Some(now() + TimeDelta::hours(1)),
            clock_ahead: Some(TimeDelta::milliseconds(-400)),
            transport: Transport { verified: true, plain: BTreeSet::new() },
        },
        services: SiteService::ALL.into(),
        flavors: Ok([
            ("m1.medium".to_owned(), flavor(2, 4096, 40)),
            ("baremetal".to_owned(), flavor(1, 1, 1)),
            ("m1.gone".to_owned(), None),
        ]
        .into()),
        images: Ok([("CC-Ubuntu24.04".to_owned(), Some(image))].into()),
        networks: Ok([
            ("public".to_owned(), Some(NetworkFacts { external: true })),
            ("sharednet1".to_owned(), Some(NetworkFacts { external: false })),
        ]
        .into()),
        security_groups: Ok([("allow-ssh".to_owned(), None)].into()),
        volume_types: Ok(BTreeMap::new()),
        share_types: Ok(BTreeMap::new()),
        leases: Ok(Vec::new()),
        limits: Counted::ALL.into_iter().map(limit).collect(),
    }
}

#[test]
fn a_site_that_has_it_all_passes() {
    let checks = Case::new().checks();
    assert!(checks.len() > 20, "{checks:#?}");
    let others: Vec<_> = checks.iter().filter(|check| check.verdict != Verdict::Pass).collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn who_is_not_let_in_hears_why_and_nothing_else() {
    let case = Case::new();
    let refused = Err("the site refuses our credential: 401".to_owned());
    let checks = judge(&needs(&case.course, &case.course.sites[0]), &refused, now());
    assert_eq!(checks.len(), 1);
    assert_eq!((checks[0].verdict, checks[0].found.contains("401")), (Verdict::Fail, true));
}

#[test]
fn a_restricted_credential_fails_where_leases_are_made() {
    let mut case = Case::new();
    case.report.access.credential = CredentialFacts::Application { restricted: Some(true), ends: Ok(None) };
    let check = case.check("credential");
    assert_eq!(check.verdict, Verdict::Fail);
    assert!(check.right.unwrap().contains("--unrestricted"));
    case.course.sites[0].leases = false;
    assert_eq!(case.verdict("credential"), Verdict::Pass);
    case.report.access.credential = CredentialFacts::Application { restricted: None, ends: Ok(None) };
    assert_eq!(case.verdict("credential"), Verdict::CantTell);
    case.report.access.credential = CredentialFacts::Password;
    assert_eq!(case.verdict("credential"), Verdict::Warn);
}

#[test]
fn a_credential_lasts_until_the_last_lab_closes() {
    let mut case = Case::new();
    let closes = local("2025-02-14T00:00");
    let mut with_end = |ends, due| {
        case.report.access.credential = CredentialFacts::Application { restricted: Some(false), ends };
        case.lab().due = due;
        case.verdict("credential's end")
    };
    let due = Some(local("2025-02-13T23:59"));
    assert_eq!(with_end(Ok(Some(closes)), due), Verdict::Pass);
    assert_eq!(with_end(Ok(Some(closes - TimeDelta::minutes(1))), due), Verdict::Fail);
    assert_eq!(with_end(Ok(Some(now() + TimeDelta::days(29))), None), Verdict::Warn);
    assert_eq!(with_end(Ok(Some(now() + TimeDelta::days(31))), None), Verdict::Pass);
    assert_eq!(with_end(Err("forbidden".to_owned()), due), Verdict::CantTell);
}

#[test]
fn roles_clock_and_way_are_judged() {
    let mut case = Case::new();
    let mut with_roles = |roles: &[&str]| {
        case.report.access.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        case.verdict("roles")
    };
    assert_eq!(with_roles(&["reader"]), Verdict::Fail);
    assert_eq!(with_roles(&["member"]), Verdict::Warn);
    assert_eq!(with_roles(&["admin", "member", "reader"]), Verdict::Warn);
    let mut with_clock = |seconds: Option<i64>| {
        case.report.access.clock_ahead = seconds.map(TimeDelta::seconds);
        case.verdict("clock")
    };
    assert_eq!(
        [Some(5), Some(-6), Some(60), Some(-61), None].map(&mut with_clock),
        [Verdict::Pass, Verdict::Warn, Verdict::Warn, Verdict::Fail, Verdict::CantTell]
    );
    case.report.access.clock_ahead = Some(TimeDelta::seconds(-61));
    assert_eq!(case.check("clock").found, "the site's is 61 s behind ours");
    case.report.access.transport.verified = false;
    assert_eq!(case.verdict("TLS"), Verdict::Warn);
    case.report.access.transport.plain.insert("kvm.example.org:5000".to_owned());
    let plain = case.check("TLS");
    assert_eq!((plain.verdict, plain.found.contains("kvm.example.org:5000")), (Verdict::Fail, true));
    case.report.access.token_ends = Some(now() + TimeDelta::minutes(9));
    assert_eq!(case.verdict("token"), Verdict::Warn);
}

#[test]
fn a_quota_that_is_too_small_tells_how_many_bookings_fit() {
    let mut case = Case::new();
    case.limit(Counted::Cores, 17, 0);
    let check = case.check("quota of cores");
    assert_eq!(check.verdict, Verdict::Fail);
    assert_eq!(
        check.found,
        "limit 17, 0 in use now; 18 at full use (3 bookings of k8s, 6 each): 2 of 3 bookings fit"
    );
    assert_eq!(check.right.unwrap(), "a limit of 18, or less capacity in pool vms");
    case.limit(Counted::Cores, 18, 1);
    assert_eq!(case.verdict("quota of cores"), Verdict::Warn, "what is in use may be others'");
    case.limit(Counted::Cores, 18, 0);
    assert_eq!(case.verdict("quota of cores"), Verdict::Pass);
    case.report.limits.insert(Counted::Cores, Ok(Limit { most: None, used: Some(7) }));
    assert_eq!(case.verdict("quota of cores"), Verdict::Pass);
}

/// A number behind the words "limit ...;".
fn full_use(check: &Check) -> u64 {
    check.found.split_once("; ").unwrap().1.split_once(" at full use").unwrap().0.parse().unwrap()
}

#[test]
fn what_a_booking_takes_is_counted_in_full() {
    let case = Case::new();
    for (of, each) in [
        ("servers", 3),
        ("MiB of memory", 3 * 4096),
        ("keypairs", 1),
        ("floating IPs", 1),
        ("subnets", 1),
        // Three servers, the router, DHCP.
        ("ports", 5),
        // Two open ports, the group itself, two ways out.
        ("security group rules", 5),
    ] {
        assert_eq!(full_use(&case.check(&format!("quota of {of}"))), 3 * each, "{of}");
    }
    assert!(case.checks().iter().all(|check| !check.what.contains("volumes")), "none are needed");
}

#[test]
fn of_the_labs_of_a_pool_the_one_that_takes_most_counts() {
    let mut case = Case::new();
    case.course.pools[0].capacity = 7;
    // Two units a booking, so three at once, with four servers each: 12, where k8s has 7 times 3.
    let larger =
        Blueprint { servers: vec![server("node1"), server("a"), server("b"), server("c")], ..cluster() };
    case.another("larger", None, 2, larger);
    let servers = case.check("quota of servers");
    assert_eq!(full_use(&servers), 21);
    assert!(
        servers.found.contains("7 bookings of k8s, 3 each") && !servers.found.contains("larger"),
        "{servers:?}"
    );
    let volume = VolumePlan {
        name: "data".parse().unwrap(),
        size_gib: 100,
        volume_type: Some("ceph-ssd".to_owned()),
        server: "node1".parse().unwrap(),
    };
    case.course.labs[1].blueprint.volumes.push(volume);
    assert!(
        case.check("quota of GiB of volumes")
            .found
            .contains("300 at full use (3 bookings of larger, 100 each)")
    );
}

#[test]
fn all_pools_of_a_site_are_added_up_as_far_as_the_site_bears() {
    let mut case = Case::new();
    case.course.pools[0].capacity = 4;
    let one = Blueprint { servers: vec![server("node1")], ..cluster() };
    case.another("single", Some("singles"), 1, one);
    assert_eq!(full_use(&case.check("quota of servers")), 4 * 3 + 4);
    case.course.sites[0].capacity = Some(5);
    assert_eq!(full_use(&case.check("quota of servers")), 4 * 3 + 1, "those that take most come first");
    case.limit(Counted::Servers, 7, 0);
    assert!(case.check("quota of servers").found.ends_with("3 of 5 bookings fit"));
    case.course.pools[1].site = "elsewhere".parse().unwrap();
    assert_eq!(full_use(&case.check("quota of servers")), 4 * 3, "what is at another site is not this one's");
}

#[test]
fn what_is_missing_is_named_with_the_lab_that_needs_it() {
    let mut case = Case::new();
    case.lab().blueprint.servers[1].alternatives.push(Machine::of_flavor("m1.gone"));
    case.lab().blueprint.shared_groups.push("allow-ssh".to_owned());
    case.lab().blueprint.external = "sharednet1".to_owned();
    case.report.services.remove(&SiteService::Image);
    for what in [
        "flavor m1.gone",
        "security group allow-ssh",
        "external network sharednet1",
        "service for images (Glance)",
    ] {
        let check = case.check(what);
        assert_eq!(check.verdict, Verdict::Fail, "{what}");
        assert!(what.starts_with("external") || check.found.contains("k8s"), "{check:?}");
    }
    case.lab().blueprint.servers[0].networks = vec!["sharednet1".to_owned(), "private".to_owned()];
    assert_eq!(case.verdict("network sharednet1"), Verdict::Pass);
    assert!(case.checks().iter().all(|check| check.what != "network private"), "it is the booking's own");
}

#[test]
fn what_the_site_does_not_tell_is_neither_good_nor_bad() {
    let mut case = Case::new();
    let down = || "503 Service Unavailable".to_owned();
    (case.report.flavors, case.report.images) = (Err(down()), Err(down()));
    case.report.limits.insert(Counted::Ports, Err(down()));
    case.report.limits.remove(&Counted::Routers);
    for what in
        ["flavor m1.medium", "image CC-Ubuntu24.04", "quota of cores", "quota of ports", "quota of routers"]
    {
        assert_eq!(case.verdict(what), Verdict::CantTell, "{what}");
    }
    assert_eq!(case.verdict("quota of servers"), Verdict::Pass);
}

#[test]
fn an_image_has_to_be_active_and_to_fit() {
    let mut case = Case::new();
    let mut with = |status: &str, disk, memory| {
        let facts = ImageFacts {
            status: status.to_owned(),
            visibility: "private".to_owned(),
            needs_disk_gib: disk,
            needs_memory_mib: memory,
        };
        case.report.images = Ok([("CC-Ubuntu24.04".to_owned(), Some(facts))].into());
        let on = |check: &Check| check.what.starts_with("image CC-Ubuntu24.04 on m1.medium");
        (case.verdict("image CC-Ubuntu24.04"), case.checks().iter().any(on))
    };
    assert_eq!(with("active", 40, 4096), (Verdict::Pass, false));
    assert_eq!(with("queued", 40, 4096), (Verdict::Fail, false));
    assert_eq!(with("active", 41, 4096), (Verdict::Pass, true));
    assert_eq!(with("active", 40, 4097), (Verdict::Pass, true));
    with("active", 41, 0);
    for server in &mut case.lab().blueprint.servers {
        server.boot_volume_gib = Some(50);
    }
    assert!(
        case.checks().iter().all(|check| !check.what.contains(" on m1.medium")),
        "the volume is large enough"
    );
}

#[test]
fn bare_metal_is_leased_for_seven_days_at_most() {
    let mut case = Case::new();
    case.lab().policy.cap_minutes = 7 * 24 * 60;
    assert_eq!(case.verdict("length of leases"), Verdict::Pass, "virtual machines may be kept longer");
    let node = BTreeMap::from([("node_type".to_owned(), "gpu_p100".to_owned())]);
    case.lab().blueprint.servers[0].machine = Machine { flavor: "baremetal".to_owned(), node };
    let check = case.check("length of leases");
    assert_eq!((check.verdict, check.found.as_str()), (Verdict::Fail, "up to 168 h 30 min, for k8s"));
    case.lab().policy.cap_minutes -= 30;
    assert_eq!(case.verdict("length of leases"), Verdict::Pass);
    case.lab().policy.cap_minutes += 30;
    case.lab().policy.lengths_minutes = vec![120, 180];
    assert_eq!(case.check("length of leases").found, "up to 3 h 30 min, for k8s");
}

#[test]
fn a_standing_lease_has_to_be_in_force() {
    let mut case = Case::new();
    case.course.pools[0].standing_lease = Some("course-nodes".to_owned());
    assert_eq!(case.verdict("lease course-nodes"), Verdict::Fail);
    let mut with = |in_force, ends| {
        let name = "course-nodes".to_owned();
        case.report.leases = Ok(vec![LeaseFacts { name, in_force, status: "X".to_owned(), ends }]);
        case.verdict("lease course-nodes")
    };
    let closes = local("2025-02-14T00:00");
    assert_eq!(with(false, closes), Verdict::Fail);
    assert_eq!(with(true, closes - TimeDelta::hours(1)), Verdict::Warn);
    assert_eq!(with(true, closes), Verdict::Pass);
    case.course.pools[0].renewal = Some(Renewal { hours_before: 48, for_days: 7 });
    assert_eq!(case.verdict("lease course-nodes"), Verdict::Pass);
    let (name, ends) = ("course-nodes".to_owned(), local("2025-02-04T07:00"));
    case.report.leases = Ok(vec![LeaseFacts { name, in_force: true, status: "ACTIVE".to_owned(), ends }]);
    let check = case.check("lease course-nodes");
    let found = "ACTIVE, ends 2025-02-04 12:00 UTC; renewed 48 h before its end, for 7 days from then on";
    assert_eq!((check.verdict, check.found.as_str()), (Verdict::Pass, found));
    case.report.leases = Err("403".to_owned());
    assert_eq!(case.verdict("leases"), Verdict::Fail);
}
