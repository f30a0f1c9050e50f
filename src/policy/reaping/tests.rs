//! Each predicate and each step, with the course's real dates in New York. Case numbers are those of the facts on the course
//! and its cloud.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;

use super::*;
use crate::domain::blueprint::Kind;
use crate::domain::calendar::DailyWindow;
use crate::domain::course::Lab;
use crate::domain::ids::{BookingId, InstanceId, SiteId};
use crate::domain::interval::Interval;
use crate::domain::marked::{Exempt, Exemption, Marked, Pause, Stage, Target};
use crate::domain::person::Parity;
use crate::domain::reaper::{
    ByHand, NoShowRule, NoShowSignal, ProjectRule, QuietHours, ReaperPolicy, StopBy,
};
use crate::domain::resource::{Found, Mark};
use crate::domain::su::Su;
use crate::domain::survey::{Backing, Belongs, Condition, Hints, Survey};
use crate::policy::sentences::tests::{Fixture, local};

pub(super) fn site() -> SiteId {
    "kvm".parse().unwrap()
}

pub(super) fn instance() -> InstanceId {
    InstanceId::from_bits(1)
}

pub(super) fn known(net_id: &str, staff: bool) -> Known {
    let net_id: crate::domain::ids::NetId = net_id.parse().unwrap();
    let parity = Parity::of(&net_id);
    Known { cloud_users: vec![format!("{net_id}@example.edu")], net_id, staff, parity, labs: Vec::new() }
}

/// An object of the project's, made by hand.
pub(super) fn made(kind: Kind, name: &str, created: DateTime<Utc>) -> Found {
    Found {
        kind,
        site_ref: format!("ref-{name}"),
        name: name.to_owned(),
        mark: None,
        created_at: Some(created),
        survey: Survey { belongs: Belongs::Project, ..Survey::default() },
    }
}

/// A server that runs.
fn server(name: &str, created: &str) -> Found {
    let mut server = made(Kind::Server, name, local(created));
    server.survey.condition = Some(Condition::InUse);
    server.survey.backing = Backing::Nothing;
    server
}

/// A floating IP that serves nothing.
fn address(created: &str) -> Found {
    let mut address = made(Kind::FloatingIp, "203.0.113.7", local(created));
    address.survey.condition = Some(Condition::Idle);
    address.survey.hints.description = Some("of ff524".to_owned());
    address
}

/// A lease of three m1.medium.
fn lease(name: &str, from: &str, to: &str) -> Found {
    let mut lease = made(Kind::Lease, name, local(from));
    lease.survey.condition = Some(Condition::InUse);
    lease.survey.span = Interval::new(local(from), local(to));
    lease.survey.reservations = vec![format!("r-{name}")];
    lease.survey.charged = vec![("m1.medium".to_owned(), 3)];
    lease
}

pub(super) struct Scene {
    pub(super) policy: ReaperPolicy,
    pub(super) now: DateTime<Utc>,
    pub(super) found: Vec<Found>,
    pub(super) view: SiteView,
    pub(super) people: Vec<Known>,
    pub(super) marked: Vec<Marked>,
    pub(super) exemptions: Vec<Exemption>,
    pub(super) pauses: Vec<Pause>,
    pub(super) live: Vec<LiveBooking>,
    pub(super) standing: BTreeMap<BookingId, Standing>,
}

impl Scene {
    /// The origin's lab at a site without leases; staff want things deleted.
    pub(super) fn new(now: &str, found: Vec<Found>) -> Self {
        let policy = ReaperPolicy { by_hand: ByHand::Delete, ..ReaperPolicy::default() };
        let mut view = SiteView::of(Look::Whole(Vec::new()), local(now));
        view.labs = vec![Fixture::origin("ff524").lab];
        view.prices = BTreeMap::from([("m1.medium".to_owned(), Su::from_number(0.04).unwrap())]);
        Self {
            policy,
            now: local(now),
            found,
            view,
            people: vec![known("ff524", false), known("gg777", false), known("tt1", true)],
            marked: Vec::new(),
            exemptions: Vec::new(),
            pauses: Vec::new(),
            live: Vec::new(),
            standing: BTreeMap::new(),
        }
    }

    /// The rule of 4 February: nights are free.
    fn with_free_nights(mut self) -> Self {
        self.lab().policy.counted = Some(DailyWindow { from: 8 * 60, to: 24 * 60 });
        self
    }

    fn lab(&mut self) -> &mut Lab {
        &mut self.view.labs[0]
    }

    fn at(&mut self, now: &str) -> &mut Self {
        self.now = local(now);
        self.view.looked_at = self.now;
        self
    }

    pub(super) fn plan(&self) -> Plan {
        let mut view = self.view.clone();
        if matches!(view.look, Look::Whole(_)) {
            view.look = Look::Whole(self.found.clone());
        }
        plan(&Situation {
            now: self.now,
            zone: New_York,
            instance: &instance(),
            policy: &self.policy,
            live: &self.live,
            standing: &self.standing,
            sites: &BTreeMap::from([(site(), view)]),
            people: &self.people,
            marked: &self.marked,
            exemptions: &self.exemptions,
            pauses: &self.pauses,
        })
    }

    /// What would be done, each as "what: predicate".
    fn does(&self) -> Vec<String> {
        let told = |action: &Action| match action {
            Action::Unmark { why, .. } => format!("{}: {why:?}", action.what()),
            _ => format!("{}: {}", action.what(), action.predicate().unwrap().code()),
        };
        self.plan().actions.iter().map(told).collect()
    }

    /// Takes the marks over that the plan has made.
    fn carry_out(&mut self) -> Vec<String> {
        let does = self.does();
        for action in self.plan().actions {
            match action {
                Action::Warn { mark, .. } | Action::Stop { mark, .. } | Action::Delete { mark, .. } => {
                    self.marked.retain(|old| old.target != mark.target);
                    self.marked.push(mark);
                }
                Action::Unmark { mark, .. } => self.marked.retain(|old| *old != mark),
                _ => {}
            }
        }
        does
    }

    fn skips(&self) -> Vec<Skip> {
        self.plan().skipped.iter().map(|skipped| skipped.why).collect()
    }

    fn reported(&self) -> Vec<(&'static str, String)> {
        self.plan().reported.iter().map(|told| (told.predicate.code(), told.reason.clone())).collect()
    }
}

fn exemption(what: Exempt, until: &str) -> Exemption {
    Exemption { what, reason: "demo on Friday".into(), by: "tt1".parse().unwrap(), until: local(until) }
}

const NAME: &str = "node1-cloud-ff524";

/// Case 4: of 22:00 to 09:00 three hours count where nights are free; without that it is overdue. Eight hours are not.
#[test]
fn case_4_hours_are_counted_by_the_labs_window() {
    let night = || Scene::new("2025-02-09T09:00", vec![server(NAME, "2025-02-08T22:00")]);
    assert_eq!(night().with_free_nights().does(), Vec::<String>::new());
    assert_eq!(night().does(), ["warn ff524 of server node1-cloud-ff524 at kvm: over_cap"]);
    assert_eq!(
        night().plan().actions[0].reason(),
        "it has been there since Sat Feb 8, 22:00, for 11 h; Kubernetes allows 8 h"
    );
    let day = |now: &str| Scene::new(now, vec![server(NAME, "2025-02-08T10:00")]);
    assert_eq!(day("2025-02-08T18:00").does(), Vec::<String>::new(), "exactly eight hours");
    let mut over = day("2025-02-08T18:00");
    over.now += TimeDelta::seconds(1);
    assert_eq!(over.does().len(), 1);
    let mut long = day("2025-02-09T17:00").with_free_nights();
    assert!(long.does()[0].ends_with("over_cap"));
    long.lab().policy.parity = None;
    assert!(
        long.plan().actions[0]
            .reason()
            .contains("of which 23 h lie between 08:00 and 24:00; Kubernetes allows 8 h"),
        "{:?}",
        long.plan().actions
    );
}

/// Case 5, of the reaper: the night on which clocks go forward has seven hours, and a day's cap is of hours that pass.
#[test]
fn case_5_hours_are_hours_that_pass() {
    let scene = |now: &str| {
        let mut scene = Scene::new(now, vec![server(NAME, "2025-03-08T23:00")]);
        scene.lab().policy.parity = None;
        scene.does().len()
    };
    assert_eq!((scene("2025-03-09T08:00"), scene("2025-03-09T08:01")), (0, 1));
}

#[test]
fn a_wrong_day_is_its_owners_and_is_known_as_soon_as_it_counts() {
    let sunday = |name: &str| Scene::new("2025-02-09T12:00", vec![server(name, "2025-02-09T10:00")]);
    let scene = sunday(NAME);
    assert_eq!(scene.does(), ["warn ff524 of server node1-cloud-ff524 at kvm: wrong_day"]);
    assert_eq!(
        scene.plan().actions[0].reason(),
        "it has been there since Sun Feb 9, 10:00, and Sun Feb 9 is none of its owner's days: Kubernetes allows even net \
         IDs Sat, Mon or Wed that week"
    );
    assert_eq!(sunday("node1-cloud-gg777").does(), Vec::<String>::new());
    assert_eq!(sunday("node1").does(), Vec::<String>::new(), "nobody has no day");
    assert_eq!(sunday("node1").reported(), []);
    let night = Scene::new("2025-02-09T07:00", vec![server(NAME, "2025-02-09T05:00")]);
    assert_eq!(night.with_free_nights().does(), Vec::<String>::new());
}

#[test]
fn the_lab_that_allows_most_judges() {
    let mut scene = Scene::new("2025-02-08T20:00", vec![server(NAME, "2025-02-08T10:00")]);
    let mut long = scene.lab().clone();
    (long.id, long.policy.cap_minutes) = ("project-week".parse().unwrap(), 24 * 60);
    scene.view.labs.push(long.clone());
    assert_eq!(scene.does(), Vec::<String>::new(), "the other lab allows it");
    scene.policy.judged_by = vec!["k8s".parse().unwrap()];
    assert_eq!(scene.does().len(), 1);
    scene.people[0].labs = vec![Lab { id: "k8s".parse().unwrap(), ..long }];
    assert_eq!(scene.does(), Vec::<String>::new(), "the person's own terms");
    scene.people[0].labs.clear();
    scene.exemptions = vec![exemption(Exempt::Lab("k8s".parse().unwrap()), "2025-02-09T00:00")];
    assert_eq!(scene.does(), Vec::<String>::new(), "the lab is exempt");
    scene.view.labs.clear();
    scene.exemptions.clear();
    assert_eq!(scene.does(), Vec::<String>::new(), "no lab is there to judge");
}

/// Case 10: the servers are gone and the lease goes on. It says how much that costs.
#[test]
fn case_10_a_lease_without_servers_is_told_and_deleted_sooner_in_a_class_slot() {
    let slot = || lease("lease1_cloud_ff524", "2025-02-08T10:00", "2025-02-08T18:00");
    let mut scene = Scene::new("2025-02-08T11:59", vec![slot()]);
    assert_eq!(scene.does(), Vec::<String>::new());
    let told = scene.at("2025-02-08T12:00").plan();
    assert_eq!(
        told.actions[0].reason(),
        "no server is on it since Sat Feb 8, 10:00, for 2 h, and it is charged until Sat Feb 8, 18:00: 0.12 SU an hour, \
         0.24 SU so far and 0.72 SU more"
    );
    assert_eq!(scene.carry_out(), ["warn ff524 of lease lease1_cloud_ff524 at kvm: lease_without_server"]);
    assert_eq!(scene.at("2025-02-08T12:59").does(), Vec::<String>::new());
    let waiting = scene.plan().waiting;
    assert_eq!((waiting[0].next, waiting[0].at), (Next::Delete, local("2025-02-08T13:00")));
    assert!(waiting[0].reason.ends_with("; it is deleted at Sat Feb 8, 13:00"), "{waiting:?}");
    let plan = scene.at("2025-02-08T13:00").plan();
    let [Action::Delete { saved, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(
        (saved.server_minutes, saved.su, saved.until),
        (0, Su::from_number(0.6), local("2025-02-08T18:00"))
    );
    let mut used = server("node1", "2025-02-08T12:30");
    used.survey.backing = Backing::Reservation("r-lease1_cloud_ff524".into());
    scene.found.push(used);
    assert_eq!(scene.does(), ["unmark lease lease1_cloud_ff524 at kvm: InOrder"], "it is used again");
}

#[test]
fn a_long_lease_without_servers_has_six_and_nine_hours() {
    let found = lease("x-ff524", "2025-02-08T10:00", "2025-02-09T10:00");
    let mut scene = Scene::new("2025-02-08T15:59", vec![found]);
    assert_eq!(scene.does(), Vec::<String>::new());
    assert_eq!(scene.at("2025-02-08T16:00").carry_out().len(), 1);
    assert_eq!(scene.at("2025-02-08T18:59").does(), Vec::<String>::new());
    assert!(scene.at("2025-02-08T19:00").does()[0].starts_with("delete lease"));
    scene.marked.clear();
    scene.found[0].survey.idle_since = Some(local("2025-02-08T14:00"));
    assert_eq!(scene.does(), Vec::<String>::new(), "idle for five hours only");
}

#[test]
fn a_lease_is_judged_only_by_what_is_told() {
    let change = |change: fn(&mut Scene)| {
        let found = lease("x-ff524", "2025-02-08T10:00", "2025-02-09T10:00");
        let mut scene = Scene::new("2025-02-08T20:00", vec![found]);
        change(&mut scene);
        scene.does().len()
    };
    assert_eq!(change(|_| {}), 1);
    assert_eq!(change(|it| it.found[0].survey.reservations.clear()), 0);
    assert_eq!(change(|it| it.found[0].survey.span = None), 0);
    assert_eq!(change(|it| it.found[0].survey.condition = Some(Condition::Changing)), 0);
    assert_eq!(change(|it| it.view.standing_leases.push("x-ff524".into())), 0, "staff hold it");
    let pending = |it: &mut Scene| {
        it.found[0].survey.span = Interval::new(local("2025-02-08T20:30"), local("2025-02-09T10:00"));
    };
    assert_eq!(change(pending), 0);
    let untold = |created: &'static str| {
        move |it: &mut Scene| {
            let mut server = server("node1", created);
            server.survey.backing = Backing::Untold;
            it.found.push(server);
        }
    };
    let with = |untold: &dyn Fn(&mut Scene)| {
        let mut scene =
            Scene::new("2025-02-08T20:00", vec![lease("x-ff524", "2025-02-08T10:00", "2025-02-09T10:00")]);
        untold(&mut scene);
        scene.does().len()
    };
    assert_eq!(with(&untold("2025-02-08T19:00")), 0, "it may be on the lease");
    assert_eq!(with(&untold("2025-02-08T09:00")), 1, "it is older than the lease");
}

/// Case 12: 6 d 23 h 59 min passes, 7 d 1 min does not.
#[test]
fn case_12_a_lease_may_be_bounded() {
    let long = |to: &str| {
        let mut scene = Scene::new("2025-02-01T12:00", vec![lease("x-ff524", "2025-02-01T10:00", to)]);
        scene.policy.leases.longest_minutes = Some(7 * 24 * 60);
        scene.does()
    };
    assert_eq!(long("2025-02-08T09:59"), Vec::<String>::new());
    assert_eq!(long("2025-02-08T10:00"), Vec::<String>::new());
    assert_eq!(long("2025-02-08T10:01"), ["warn ff524 of lease x-ff524 at kvm: long_lease"]);
}

/// Case 16: a broken server is told to its owner and to staff, then goes; its lease stays until it is judged by itself.
#[test]
fn case_16_a_broken_server_goes_and_its_lease_stays() {
    let mut broken = server(NAME, "2025-02-08T10:00");
    broken.survey.condition = Some(Condition::Broken(String::new()));
    broken.survey.backing = Backing::Reservation("r-l-ff524".into());
    let found = vec![lease("l-ff524", "2025-02-08T10:00", "2025-02-09T10:00"), broken];
    let mut scene = Scene::new("2025-02-08T10:30", found);
    let plan = scene.plan();
    let [Action::Warn { staff: true, reason, mark, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(reason, "it is broken (the site does not say why); it was made Sat Feb 8, 10:00");
    assert_eq!(mark.predicate, Predicate::BrokenServer);
    scene.carry_out();
    let does = scene.at("2025-02-08T20:00").carry_out();
    assert_eq!(does, ["delete server node1-cloud-ff524 at kvm: broken_server"]);
    scene.found.truncate(1);
    scene.found[0].survey.idle_since = Some(local("2025-02-08T20:01"));
    assert_eq!(scene.at("2025-02-08T20:05").carry_out(), ["unmark server node1-cloud-ff524 at kvm: Gone"]);
    assert_eq!(
        scene.at("2025-02-09T02:01").does(),
        ["warn ff524 of lease l-ff524 at kvm: lease_without_server"]
    );
}

#[test]
fn a_server_without_a_lease_is_judged_where_the_site_needs_one_and_tells() {
    let mut scene = Scene::new("2025-02-08T10:30", vec![server(NAME, "2025-02-08T10:00")]);
    assert_eq!(scene.does(), Vec::<String>::new());
    scene.view.needs_leases = true;
    assert_eq!(scene.does(), ["warn ff524 of server node1-cloud-ff524 at kvm: server_without_lease"]);
    scene.found[0].survey.backing = Backing::Untold;
    assert_eq!(scene.does(), Vec::<String>::new());
}

/// Case 17: a project's server and its address have the project's own hours; `project0` is spared.
#[test]
fn case_17_projects_have_their_own_hours() {
    let mut idle = address("2025-02-07T09:00");
    idle.survey.hints.description = Some("node1-project51".into());
    let mut bare = server("gpu-project51", "2025-02-08T02:00");
    bare.survey.bare_metal = true;
    let found = vec![
        server("node1-project51", "2025-02-07T09:00"),
        server("node2-project51", "2025-02-08T02:00"),
        server("node1-project0", "2025-01-07T09:00"),
        bare,
        idle,
    ];
    let mut scene = Scene::new("2025-02-08T09:00", found);
    assert_eq!(
        (scene.does(), scene.reported()),
        (vec![], vec![]),
        "left alone unless staff say what they may do"
    );
    scene.policy.project = Some(ProjectRule { minutes: 1440, bare_metal_minutes: 360 });
    assert_eq!(scene.does(), ["tell staff of server gpu-project51 at kvm: over_project_hours"]);
    assert_eq!(scene.reported()[0].0, "idle_floating_ip", "nobody's, so it is reported");
    scene.policy.nobodys = vec![Kind::FloatingIp];
    scene.at("2025-02-08T09:01");
    assert_eq!(
        scene.does(),
        [
            "tell staff of floating IP 203.0.113.7 at kvm: idle_floating_ip",
            "tell staff of server gpu-project51 at kvm: over_project_hours",
            "tell staff of server node1-project51 at kvm: over_project_hours",
        ]
    );
}

/// Case 18: what is tagged, in use or young is kept; else it goes, to its owner's knowledge, or without one if staff say so.
#[test]
fn case_18_a_floating_ip_is_reaped_when_idle_for_a_week() {
    let with = |change: fn(&mut Survey)| {
        let mut address = address("2025-02-01T10:00");
        change(&mut address.survey);
        Scene::new("2025-02-08T10:00", vec![address])
    };
    let does = |change| with(change).does().len();
    assert_eq!(with(|_| {}).does(), ["warn ff524 of floating IP 203.0.113.7 at kvm: idle_floating_ip"]);
    assert_eq!(does(|it| it.tags.push("blazar".into())), 0);
    assert_eq!(does(|it| it.tags.push("reservation:1".into())), 0);
    assert_eq!(does(|it| it.condition = Some(Condition::InUse)), 0);
    assert_eq!(does(|it| it.condition = None), 0, "not told");
    assert_eq!(does(|it| it.attached = Some(vec!["port".into()])), 0);
    assert_eq!(does(|it| it.idle_since = Some(local("2025-02-01T10:01"))), 0);
    let young = Scene::new("2025-02-08T09:59", vec![address("2025-02-01T10:00")]);
    assert_eq!(young.does(), Vec::<String>::new());
    let mut nobodys = with(|it| it.hints = Hints::default());
    let (code, reason) = nobodys.reported().remove(0);
    assert_eq!(code, "idle_floating_ip");
    assert!(reason.ends_with("; nothing says whose it is"), "{reason}");
    assert_eq!(nobodys.does(), Vec::<String>::new());
    nobodys.policy.nobodys = vec![Kind::FloatingIp];
    assert_eq!(nobodys.carry_out(), ["tell staff of floating IP 203.0.113.7 at kvm: idle_floating_ip"]);
    assert!(nobodys.at("2025-02-08T12:00").does()[0].starts_with("delete floating IP"));
}

/// Case 20: what is gone already is forgotten, and a network that still has ports is not tried.
#[test]
fn case_20_what_is_gone_is_forgotten_and_a_network_in_use_is_left() {
    let created = local("2025-01-01T10:00");
    let mut network = made(Kind::Network, "private_cloud_net_ff524", created);
    network.survey.ports = Some(1);
    let mut subnet = made(Kind::Subnet, "subnet-ff524", created);
    subnet.survey.attached = Some(vec![network.site_ref.clone()]);
    let mut router = made(Kind::Router, "router-ff524", created);
    router.survey.attached = Some(vec![subnet.site_ref.clone()]);
    let mut port = made(Kind::Port, "port-ff524", created);
    port.survey.attached = Some(Vec::new());
    let mut scene = Scene::new("2025-02-08T10:00", vec![subnet, network, router, port]);
    assert_eq!(scene.does(), ["warn ff524 of port port-ff524 at kvm: leftover"]);
    scene.found[1].survey.ports = None;
    assert_eq!(scene.does().len(), 1, "how many ports there are is not told");
    scene.found[1].survey.ports = Some(0);
    let leftover = [
        "warn ff524 of port port-ff524 at kvm: leftover",
        "warn ff524 of router router-ff524 at kvm: leftover",
        "warn ff524 of network private_cloud_net_ff524 at kvm: leftover",
    ];
    assert_eq!(scene.carry_out(), leftover);
    let deleted = leftover.map(|line| line.replace("warn ff524 of", "delete"));
    assert_eq!(scene.at("2025-02-09T12:00").carry_out(), deleted);
    assert_eq!(scene.at("2025-02-09T12:01").does(), deleted, "asked for again until it is gone");
    scene.found.retain(|it| it.kind == Kind::Network || it.kind == Kind::Subnet);
    let forgotten = ["router router-ff524", "port port-ff524"].map(|it| format!("unmark {it} at kvm: Gone"));
    let rest = "delete network private_cloud_net_ff524 at kvm: leftover".to_owned();
    assert_eq!(scene.carry_out(), [forgotten[0].clone(), forgotten[1].clone(), rest]);
    assert_eq!(scene.marked.len(), 1);
}

#[test]
fn what_holds_data_is_reported_unless_staff_set_a_time() {
    let mut volume = made(Kind::Volume, "data-ff524", local("2025-01-01T10:00"));
    volume.survey.attached = Some(Vec::new());
    let mut scene = Scene::new("2025-02-08T10:00", vec![volume]);
    assert_eq!(scene.does(), Vec::<String>::new());
    let (_, reason) = scene.reported().remove(0);
    let told =
        "nothing uses it since Wed Jan 1, 10:00, for 38 d; 14 d is the limit; such things are only reported";
    assert_eq!(reason, told);
    scene.policy.idle.data_minutes = Some(39 * 1440);
    assert_eq!((scene.does().len(), scene.reported().len()), (0, 0));
    scene.policy.idle.data_minutes = Some(38 * 1440);
    assert_eq!(scene.does(), ["warn ff524 of volume data-ff524 at kvm: leftover"]);
    scene.found[0].survey.attached = Some(vec!["server".into()]);
    assert_eq!(scene.does(), Vec::<String>::new());
}

#[test]
fn a_server_is_told_once_then_stopped_then_deleted() {
    let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
    scene.found[0].survey.charged = vec![("m1.medium".into(), 1)];
    let plan = scene.plan();
    let [Action::Warn { next, staff: false, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!(*next, Some((Next::Stop, local("2025-02-08T21:00"))));
    scene.carry_out();
    for quiet in ["2025-02-08T19:01", "2025-02-08T20:59"] {
        assert_eq!(scene.at(quiet).does(), Vec::<String>::new(), "told once");
    }
    assert_eq!(scene.at("2025-02-08T21:00").carry_out(), ["stop server node1-cloud-ff524 at kvm: over_cap"]);
    scene.found[0].survey.condition = Some(Condition::Stopped);
    assert_eq!(scene.at("2025-02-09T20:59").does(), Vec::<String>::new());
    let plan = scene.at("2025-02-09T21:00").plan();
    let [Action::Delete { saved, mark, .. }] = &plan.actions[..] else { panic!("{plan:?}") };
    assert_eq!((saved.server_minutes, saved.su), (7 * 24 * 60, Su::from_number(6.72)));
    let warned_at = local("2025-02-08T19:00");
    assert_eq!(mark.stage, Stage::Deleting { warned_at, at: scene.now });
}

#[test]
fn shelving_is_for_virtual_machines_where_the_site_can() {
    let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
    scene.policy.stop_by = StopBy::Shelve;
    scene.carry_out();
    let stops = |scene: &Scene| scene.does()[0].split(' ').next().unwrap().to_owned();
    scene.at("2025-02-08T21:00");
    assert_eq!(stops(&scene), "stop");
    scene.view.can_shelve = true;
    assert_eq!(stops(&scene), "shelve");
    scene.found[0].survey.bare_metal = true;
    assert_eq!(stops(&scene), "stop");
    scene.found[0].survey.bare_metal = false;
    scene.found[0].survey.condition = Some(Condition::Shelved);
    assert_eq!(scene.does(), ["unmark server node1-cloud-ff524 at kvm: InOrder"], "its owner shelved it");
    scene.found[0].survey.condition = Some(Condition::InUse);
    scene.carry_out();
    scene.found[0].survey.condition = Some(Condition::Shelved);
    assert_eq!(scene.at("2025-02-08T21:01").does(), Vec::<String>::new());
    assert!(scene.at("2025-02-09T21:00").does()[0].starts_with("delete server"), "the reaper shelved it");
}

#[test]
fn what_is_extended_exempted_restored_or_staffs_is_kept() {
    let stopped = || {
        let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
        scene.carry_out();
        scene.at("2025-02-08T21:00").carry_out();
        scene.at("2025-02-09T21:00");
        assert!(scene.does()[0].starts_with("delete"));
        scene
    };
    let mut extended = stopped();
    extended.lab().policy.cap_minutes = 48 * 60;
    assert_eq!(extended.carry_out(), ["unmark server node1-cloud-ff524 at kvm: InOrder"]);
    assert_eq!(extended.marked, []);
    for what in [
        Exempt::Object(site(), format!("ref-{NAME}")),
        Exempt::NamesFrom("node1-cloud".into()),
        Exempt::Person("ff524".parse().unwrap()),
    ] {
        let mut exempt = stopped();
        exempt.exemptions = vec![exemption(what.clone(), "2025-02-09T21:00")];
        assert!(exempt.does()[0].starts_with("delete"), "it is over: {what:?}");
        exempt.exemptions = vec![exemption(what, "2025-02-09T21:01")];
        assert_eq!(exempt.does(), ["unmark server node1-cloud-ff524 at kvm: Exempt"]);
        let kept = exempt.plan().kept.remove(0);
        assert!(kept.reason.ends_with("; tt1 has exempted it: demo on Friday"), "{kept:?}");
    }
    let mut nothing = stopped();
    nothing.exemptions = vec![exemption(Exempt::NamesFrom(String::new()), "2026-01-01T00:00")];
    assert!(nothing.does()[0].starts_with("delete"), "every name begins with nothing");
    let mut restored = stopped();
    restored.marked[0].stage = Stage::Restored { until: local("2025-02-10T05:00") };
    assert_eq!(restored.at("2025-02-10T04:59").does(), Vec::<String>::new());
    assert!(restored.plan().kept[0].reason.ends_with("took it back until Mon Feb 10, 05:00"));
    assert!(restored.at("2025-02-10T05:00").does()[0].starts_with("warn ff524"), "told anew");
    let mut staffs = stopped();
    staffs.people[0].staff = true;
    assert_eq!(staffs.does(), ["unmark server node1-cloud-ff524 at kvm: NotTheirs"]);
    let mut report = stopped();
    report.policy.by_hand = ByHand::Report;
    assert_eq!(
        (report.does(), report.reported().len()),
        (vec![format!("unmark server {NAME} at kvm: ReportOnly")], 1)
    );
    let mut warn = stopped();
    warn.policy.by_hand = ByHand::Warn;
    assert_eq!(warn.carry_out(), Vec::<String>::new());
    warn.marked.clear();
    let plan = warn.plan();
    assert!(matches!(&plan.actions[..], [Action::Warn { next: None, .. }]), "{plan:?}");
}

#[test]
fn what_may_be_others_is_never_judged() {
    let with = |change: fn(&mut Found)| {
        let mut found = server(NAME, "2025-02-01T10:00");
        change(&mut found);
        let plan = Scene::new("2025-02-08T19:00", vec![found]).plan();
        plan.actions.len() + plan.reported.len()
    };
    assert_eq!(with(|_| {}), 1);
    for belongs in [Belongs::Untold, Belongs::Standard, Belongs::Shared, Belongs::Others] {
        let mut found = server(NAME, "2025-02-01T10:00");
        found.survey.belongs = belongs;
        let plan = Scene::new("2025-02-08T19:00", vec![found]).plan();
        assert_eq!((plan.actions.len(), plan.reported.len()), (0, 0), "{belongs:?}");
    }
    let marked = |it: &mut Found| {
        let (instance, booking) = (InstanceId::from_bits(2), BookingId::from_bits(1));
        it.mark = Some(Mark { instance, booking, key: "node1".parse().unwrap() });
    };
    assert_eq!(with(marked), 0, "another installation's");
    let renamed = |it: &mut Found| it.survey.hints.metadata.push(("fairlease_booking".into(), "x".into()));
    assert_eq!(with(renamed), 0, "a booking's, under another name");
    assert_eq!(with(|it| it.created_at = None), 0, "its age is not told");
    assert_eq!(with(|it| it.survey.condition = Some(Condition::Changing)), 0);
    assert_eq!(with(|it| it.created_at = Some(local("2025-02-08T18:56"))), 0, "young");
    assert_eq!(with(|it| it.survey.condition = Some(Condition::Shelved)), 0, "it holds no machine");
}

fn orphan(booking: u64, created: Option<DateTime<Utc>>) -> Found {
    let mark =
        Mark { instance: instance(), booking: BookingId::from_bits(booking), key: "node1".parse().unwrap() };
    let name = mark.name("k8s-ff524");
    Found {
        mark: Some(mark),
        created_at: created,
        survey: Survey::default(),
        ..made(Kind::Server, &name, local("2025-02-01T10:00"))
    }
}

#[test]
fn only_marked_old_objects_without_a_booking_are_deleted_as_ours() {
    let scene = |found| {
        let mut scene = Scene::new("2025-02-08T10:00", vec![found]);
        scene.standing.insert(BookingId::from_bits(1), Standing::InHand);
        scene.standing.insert(BookingId::from_bits(2), Standing::Ended);
        scene.policy = ReaperPolicy::default();
        scene
    };
    let deleted = |found| scene(found).does().len();
    let old = Some(local("2025-02-08T08:00"));
    assert_eq!(deleted(orphan(1, old)), 0, "its booking is in hand");
    assert_eq!(deleted(orphan(2, old)), 1, "its booking has ended");
    assert_eq!(deleted(orphan(3, old)), 1, "its booking is unknown");
    assert_eq!(deleted(orphan(3, None)), 1, "of unknown age");
    assert_eq!(deleted(orphan(3, Some(local("2025-02-08T09:56")))), 0, "young");
    assert_eq!(deleted(Found { mark: None, ..orphan(3, old) }), 0, "not ours");
    let mut others = orphan(3, old);
    others.survey.belongs = Belongs::Others;
    assert_eq!(deleted(others), 0);
    let mut exempt = scene(orphan(3, old));
    exempt.exemptions = vec![exemption(Exempt::NamesFrom("node1--".into()), "2026-01-01T00:00")];
    assert_eq!((exempt.does().len(), exempt.plan().kept.len()), (0, 1));
}

#[test]
fn what_a_sweep_may_do_is_bounded_by_class() {
    let mut scene = Scene::new("2025-02-08T19:00", (0..51).map(|n| orphan(n + 10, None)).collect());
    assert_eq!((scene.does().len(), scene.skips()), (0, vec![Skip::TooMany]));
    scene.found.pop();
    assert_eq!((scene.does().len(), scene.skips()), (50, vec![]));
    let servers = |count: usize| (0..count).map(|n| server(&format!("n{n}-ff524"), "2025-02-08T10:00"));
    scene.found.extend(servers(50));
    assert_eq!(scene.carry_out().len(), 100, "warnings are not bounded");
    scene.found.drain(..49);
    assert_eq!(scene.at("2025-02-08T21:00").skips(), [Skip::TooMany], "50 of 51 are more than half");
    assert!(scene.plan().skipped[0].reason.starts_with("50 of 51 objects are to be stopped or deleted"));
    assert_eq!(scene.does().len(), 1, "the other class goes on");
    scene.policy.limits.percent = 100;
    assert_eq!((scene.does().len(), scene.skips()), (51, vec![]));
    scene.policy.limits.most = 49;
    assert_eq!((scene.does().len(), scene.skips()), (1, vec![Skip::TooMany]));
    let mut small = Scene::new("2025-02-08T19:00", servers(19).collect());
    small.carry_out();
    assert_eq!(small.at("2025-02-08T21:00").does().len(), 19, "all of a small listing");
    small.found.extend(servers(1).map(|it| Found { site_ref: "more".into(), name: "x".into(), ..it }));
    assert_eq!(small.skips(), [Skip::TooMany], "95 percent");
}

#[test]
fn nothing_is_done_on_a_listing_that_is_not_to_be_trusted() {
    let due = || {
        let mut scene =
            Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00"), orphan(9, None)]);
        scene.carry_out();
        scene.at("2025-02-08T21:00");
        assert_eq!(scene.does().len(), 2);
        scene
    };
    for (look, why) in [
        (Look::Failed("503".into()), Skip::Failed),
        (Look::Partial("no page 2 of servers".into()), Skip::Partial),
        (Look::Down("since 20:00".into()), Skip::Down),
    ] {
        let mut scene = due();
        scene.view.look = look;
        assert_eq!((scene.does(), scene.skips()), (vec![], vec![why]));
    }
    let mut stale = due();
    stale.view.looked_at -= STALE + TimeDelta::seconds(1);
    assert_eq!((stale.does(), stale.skips()), (vec![], vec![Skip::Stale]));
    let mut empty = due();
    empty.found.clear();
    assert_eq!((empty.does(), empty.skips()), (vec![], vec![Skip::Empty]), "no mark is forgotten");
    let mut shrunk = due();
    let last = Whole { count: 5, at: local("2025-02-08T20:01") };
    shrunk.view.last_whole = Some(last);
    assert_eq!((shrunk.does(), shrunk.skips()), (vec![], vec![Skip::Shrunk]));
    assert_eq!(shrunk.plan().wholes[&site()], last, "what is compared with stays");
    shrunk.view.last_whole = Some(Whole { count: 4, ..last });
    assert_eq!(shrunk.skips(), [], "half is not less than half");
    shrunk.view.last_whole = Some(Whole { at: local("2025-02-08T20:00"), ..last });
    assert_eq!(shrunk.does().len(), 2, "an hour later the site holds less");
    assert_eq!(shrunk.plan().wholes[&site()], Whole { count: 2, at: shrunk.now });
}

#[test]
fn pauses_and_quiet_hours_keep_what_is_not_a_booking() {
    let due = || {
        let mut scene =
            Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00"), orphan(9, None)]);
        scene.carry_out();
        scene.at("2025-02-08T22:30");
        scene.live = vec![booking("2025-02-08T22:00", None)];
        assert_eq!(scene.does().len(), 3);
        scene
    };
    let pause = |at: Option<&str>| Pause {
        site: at.map(|site| site.parse().unwrap()),
        reason: "moving hosts".into(),
        by: "tt1".parse().unwrap(),
        until: Some(local("2025-02-08T23:00")),
    };
    for (at, does) in [(None, 1), (Some("kvm"), 1), (Some("chi"), 3)] {
        let mut paused = due();
        paused.pauses = vec![pause(at)];
        assert_eq!(paused.does().len(), does, "{at:?}");
        assert!(paused.does()[0].starts_with("end booking"));
        assert_eq!(paused.at("2025-02-08T23:00").does().len(), 3, "it is over");
    }
    let mut quiet = due();
    quiet.policy.quiet = Some(QuietHours { from: 22 * 60, to: 8 * 60 });
    let plan = quiet.plan();
    assert_eq!(
        plan.actions.iter().map(Action::predicate).collect::<Vec<_>>(),
        [Some(Predicate::PastEnd), Some(Predicate::Orphan)]
    );
    assert_eq!(plan.skipped[0].reason, "1 steps wait until Sun Feb 9, 08:00: quiet hours are 22:00 to 08:00");
    assert!(!plan.skipped[0].why.is_trouble());
    quiet.marked.clear();
    assert_eq!(quiet.does().len(), 2, "nobody is warned");
    assert_eq!(quiet.at("2025-02-09T08:00").does().len(), 3);
}

fn booking(end: &str, activity: Option<Activity>) -> LiveBooking {
    LiveBooking {
        id: BookingId::from_bits(5),
        net_id: "ff524".parse().unwrap(),
        lab: "k8s".parse().unwrap(),
        slot: Interval::new(local("2025-02-08T10:00"), local(end)).unwrap(),
        activity,
    }
}

#[test]
fn bookings_end_at_their_end_and_not_before() {
    let mut scene = Scene::new("2025-02-08T12:00", Vec::new());
    scene.live = vec![booking("2025-02-08T12:00", None)];
    let Action::EndBooking { reason, .. } = scene.plan().actions.remove(0) else { panic!() };
    assert_eq!(reason, "its time was over at Sat Feb 8, 12:00, 0 s ago");
    assert_eq!(scene.at("2025-02-08T12:01").does().len(), 1);
    assert_eq!(scene.at("2025-02-08T11:59").does(), Vec::<String>::new());
}

/// Case 14, of the reaper: what counts is our own warning. It goes out once, and the release waits for it.
#[test]
fn case_14_a_no_show_is_warned_by_us_and_then_released() {
    let mut scene = Scene::new("2025-02-08T10:29", Vec::new());
    let activity = Activity {
        site: site(),
        since: local("2025-02-08T09:50"),
        server_ran: true,
        opened: false,
        warned_at: None,
    };
    scene.live = vec![booking("2025-02-08T18:00", Some(activity))];
    assert_eq!(scene.at("2025-02-08T17:00").does(), Vec::<String>::new(), "staff have not asked for it");
    let rule = |signal| Some(NoShowRule { minutes: 30, grace_minutes: 15, signal });
    scene.policy.no_show = rule(NoShowSignal::NoServer);
    assert_eq!(scene.does(), Vec::<String>::new(), "its servers ran");
    scene.policy.no_show = rule(NoShowSignal::NotOpened);
    assert_eq!(scene.at("2025-02-08T10:29").does(), Vec::<String>::new(), "its slot began at 10:00");
    scene.at("2025-02-08T10:30");
    assert_eq!(scene.does(), ["warn ff524 of releasing booking 000000000005 (k8s): no_show"]);
    assert_eq!(
        scene.plan().actions[0].reason(),
        "it is active since Sat Feb 8, 10:00, for 30 min, and its page was never opened; it is released at Sat Feb 8, 10:45"
    );
    let change = |scene: &mut Scene, change: &dyn Fn(&mut Activity)| {
        scene.live.iter_mut().filter_map(|it| it.activity.as_mut()).for_each(change);
    };
    change(&mut scene, &|it| it.warned_at = Some(local("2025-02-08T10:30")));
    assert_eq!(scene.at("2025-02-08T10:44").does(), Vec::<String>::new());
    assert_eq!(scene.at("2025-02-08T10:45").does(), ["release booking 000000000005 of ff524 (k8s): no_show"]);
    for what in [Exempt::Person("ff524".parse().unwrap()), Exempt::Lab("k8s".parse().unwrap())] {
        scene.exemptions = vec![exemption(what, "2025-02-09T00:00")];
        assert_eq!(scene.does(), Vec::<String>::new());
    }
    scene.exemptions.clear();
    scene.people[0].staff = true;
    assert_eq!(scene.does(), Vec::<String>::new());
    scene.people[0].staff = false;
    change(&mut scene, &|it| it.opened = true);
    assert_eq!(scene.does(), Vec::<String>::new(), "it was opened meanwhile");
}

#[test]
fn a_plan_is_told_to_programs_with_its_codes() {
    let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
    let told = serde_json::to_value(scene.plan()).unwrap();
    let action = &told["actions"][0];
    assert_eq!((&action["action"], &action["mark"]["predicate"]), (&"warn".into(), &"over_cap".into()));
    assert_eq!(action["mark"]["target"]["kind"], "server");
    assert_eq!(action["mark"]["stage"]["is"], "warned");
    assert_eq!(action["next"][0], "stop");
    scene.policy.by_hand = ByHand::Report;
    assert_eq!(serde_json::to_value(scene.plan()).unwrap()["reported"][0]["net_id"], "ff524");
}

#[test]
fn an_object_that_two_pages_have_is_acted_on_once() {
    let mut scene = Scene::new("2025-02-08T19:00", vec![server(NAME, "2025-02-08T10:00")]);
    scene.found.push(scene.found[0].clone());
    assert_eq!(scene.does().len(), 1);
    let target = Target { site: site(), kind: Kind::Server, site_ref: "ref-x".into(), name: String::new() };
    assert_eq!(target.to_string(), "server ref-x at kvm");
}
