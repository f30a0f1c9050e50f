//! Each predicate and each step, with the course's real dates in New York. Case numbers are those of the facts on the course
//! and its cloud.

mod guards;
mod held;
mod idle;
mod marks;
mod memory;
mod own;
mod running;
mod servers;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;

use super::*;
use crate::domain::blueprint::Kind;
use crate::domain::calendar::DailyWindow;
use crate::domain::course::Lab;
use crate::domain::ids::{BookingId, InstanceId, PersonId, SiteId};
use crate::domain::interval::Interval;
use crate::domain::marked::{Exempt, Exemption, Idle, Marked, Pause, Stage, Target};
use crate::domain::person::Parity;
use crate::domain::reaper::{
    ByHand, NoShowRule, NoShowSignal, ProjectRule, QuietHours, ReaperPolicy, StopBy,
};
use crate::domain::resource::{Found, Mark};
use crate::domain::su::Su;
use crate::domain::survey::{Backing, Belongs, Condition, Hints, Survey};
use crate::policy::exceptions::Terms;
use crate::policy::sentences::tests::{Fixture, local};

pub(super) fn site() -> SiteId {
    "kvm".parse().unwrap()
}

pub(super) fn instance() -> InstanceId {
    InstanceId::from_bits(1)
}

/// Of each net ID another, by its letters and digits.
pub(super) fn person(net_id: &str) -> PersonId {
    PersonId::from_bits(net_id.bytes().fold(0, |bits, byte| bits << 8 | u64::from(byte)))
}

pub(super) fn known(net_id: &str, staff: bool) -> Known {
    let net_id: crate::domain::ids::NetId = net_id.parse().unwrap();
    let parity = Parity::of(&net_id);
    Known {
        person: person(net_id.as_str()),
        cloud_users: vec![format!("{net_id}@example.edu")],
        net_id,
        staff,
        parity,
        terms: Vec::new(),
    }
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
pub(super) fn server(name: &str, created: &str) -> Found {
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
    pub(super) idle: BTreeMap<SiteId, Idle>,
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
            idle: BTreeMap::new(),
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
            idle: &self.idle,
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

pub(super) const NAME: &str = "node1-cloud-ff524";
