//! Whether a predicate covers an object that someone made by hand.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::allowed;
use super::given::{Known, Situation, YOUNG};
use super::owner::{self, Project};
use super::sight::Sight;
use crate::domain::blueprint::Kind;
use crate::domain::calendar;
use crate::domain::course::Lab;
use crate::domain::interval::Interval;
use crate::domain::marked::{Exempt, Idle, Marked, Predicate, Stage};
use crate::domain::person::Parity;
use crate::domain::reaper::{ProjectRule, ReaperPolicy};
use crate::domain::resource::Found;
use crate::domain::su::Su;
use crate::domain::survey::{Backing, Belongs, Condition};

/// What is the matter with an object.
pub(super) struct Finding {
    pub(super) predicate: Predicate,
    /// In a sentence's first half, with its numbers.
    pub(super) clause: String,
    pub(super) pace: Pace,
    /// Whether staff hear of it beside the owner.
    pub(super) staff: bool,
}

/// How an object that was marked goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// It is stopped first, then deleted.
    StopFirst,
    /// It is deleted so long after the warning.
    DeleteAfter(TimeDelta),
    /// It is only reported: it may hold what nobody has elsewhere.
    ReportOnly,
}

/// Judges the objects of one site.
pub(super) struct Judge<'a> {
    pub(super) given: &'a Situation<'a>,
    pub(super) sight: &'a Sight<'a>,
    /// The marks of this site's objects.
    pub(super) marks: BTreeMap<(Kind, &'a str), &'a Marked>,
    /// What nothing uses here, and since when.
    pub(super) idle: &'a Idle,
}

impl<'a> Judge<'a> {
    /// Whether the reaper may have an opinion of it at all: of the project alone, carrying no mark, of an age that is told and
    /// not young, and not on its way to another state.
    pub(super) fn is_by_hand(&self, found: &Found) -> bool {
        let survey = &found.survey;
        found.mark.is_none()
            && !owner::is_renamed(found)
            && survey.belongs == Belongs::Project
            && survey.condition != Some(Condition::Changing)
            && found.created_at.is_some_and(|created| self.given.now - created >= YOUNG)
    }

    pub(super) fn finding(&self, found: &Found, owner: Option<&Known>) -> Option<Finding> {
        let created = found.created_at?;
        let project = owner::project(found);
        let rule = self.given.policy.project;
        match (project, rule) {
            (Some(Project::Kept), _) | (Some(Project::Students), None) => return None,
            (Some(Project::Students), Some(rule)) => {
                return match found.kind {
                    Kind::Server | Kind::Container => self.over_project_hours(found, created, rule),
                    Kind::FloatingIp => self.idle_floating_ip(found, Some(rule.longest(false))),
                    Kind::Lease => self.lease(found),
                    _ => None,
                };
            }
            (None, _) => {}
        }
        match found.kind {
            Kind::Server | Kind::Container => self
                .broken_server(found, created)
                .or_else(|| self.not_allowed(found, created, owner))
                .or_else(|| self.server_without_lease(found, created)),
            Kind::Lease => self.lease(found),
            Kind::FloatingIp => self.idle_floating_ip(found, None),
            Kind::Port | Kind::Router | Kind::Network | Kind::Volume | Kind::Share | Kind::Bucket => {
                self.leftover(found)
            }
            Kind::Subnet | Kind::SecurityGroup | Kind::Keypair => None,
        }
    }

    fn policy(&self) -> &'a ReaperPolicy {
        self.given.policy
    }

    fn at(&self, at: DateTime<Utc>) -> String {
        calendar::date_and_time(self.given.zone, at)
    }

    fn ago(&self, at: DateTime<Utc>) -> String {
        calendar::in_words(self.given.now - at)
    }

    /// A server can be stopped; a container that is stopped has lost what it did.
    fn stop_first(&self, found: &Found) -> Pace {
        let policy = self.policy();
        if found.kind == Kind::Server {
            Pace::StopFirst
        } else {
            Pace::DeleteAfter(policy.stop_after() + policy.delete_after())
        }
    }

    fn over_project_hours(
        &self,
        found: &Found,
        created: DateTime<Utc>,
        rule: ProjectRule,
    ) -> Option<Finding> {
        let longest = rule.longest(found.survey.bare_metal);
        (self.given.now - created > longest).then(|| Finding {
            predicate: Predicate::OverProjectHours,
            clause: format!(
                "it has been there since {}, for {}; a project may have it for {}",
                self.at(created),
                self.ago(created),
                calendar::in_words(longest)
            ),
            pace: self.stop_first(found),
            staff: true,
        })
    }

    /// The lease of a broken server stays: it is judged by itself once nothing is on it.
    fn broken_server(&self, found: &Found, created: DateTime<Utc>) -> Option<Finding> {
        let Some(Condition::Broken(says)) = &found.survey.condition else { return None };
        let says = if says.trim().is_empty() { "the site does not say why" } else { says.trim() };
        Some(Finding {
            predicate: Predicate::BrokenServer,
            clause: format!("it is broken ({says}); it was made {}", self.at(created)),
            pace: Pace::DeleteAfter(self.policy().stop_after()),
            staff: true,
        })
    }

    /// A server that its owner has shelved holds no machine and is not judged; one that the reaper has shelved is: else its
    /// mark would be forgotten.
    fn not_allowed(&self, found: &Found, created: DateTime<Utc>, owner: Option<&Known>) -> Option<Finding> {
        let shelved = found.survey.condition == Some(Condition::Shelved);
        if shelved && !self.is_stopped_by_us(found) {
            return None;
        }
        let labs = self.labs(owner);
        if labs.iter().any(|(lab, _)| self.is_lab_exempt(lab)) {
            return None;
        }
        let span = Interval::new(created, self.given.now)?;
        let breach = allowed::breach(&labs, self.given.zone, &span)?;
        Some(Finding {
            predicate: breach.predicate,
            clause: breach.clause,
            pace: self.stop_first(found),
            staff: false,
        })
    }

    pub(super) fn mark(&self, found: &Found) -> Option<&'a Marked> {
        self.marks.get(&(found.kind, found.site_ref.as_str())).copied()
    }

    fn is_stopped_by_us(&self, found: &Found) -> bool {
        let stage = self.mark(found).map(|mark| mark.stage);
        matches!(stage, Some(Stage::Stopped { .. } | Stage::Deleting { .. }))
    }

    fn is_lab_exempt(&self, lab: &Lab) -> bool {
        let covers = |what: &Exempt| matches!(what, Exempt::Lab(id) if *id == lab.id);
        self.given.exemptions.iter().any(|it| self.given.now < it.until && covers(&it.what))
    }

    /// The labs that judge a server here, each with the parity that its owner has in it: those that staff named, or all at the
    /// site; with the person's own terms.
    fn labs<'l>(&self, owner: Option<&'l Known>) -> Vec<(&'l Lab, Option<Parity>)>
    where
        'a: 'l,
    {
        let here = &self.sight.view.labs;
        let mut labs: Vec<&Lab> =
            here.iter().filter(|lab| self.policy().judged_by.contains(&lab.id)).collect();
        if labs.is_empty() {
            labs = here.iter().collect();
        }
        let own = |lab: &Lab| owner.and_then(|known| known.terms.iter().find(|own| own.lab.id == lab.id));
        let usual = owner.and_then(|known| known.parity);
        labs.into_iter().map(|lab| own(lab).map_or((lab, usual), |own| (&own.lab, own.parity))).collect()
    }

    fn server_without_lease(&self, found: &Found, created: DateTime<Utc>) -> Option<Finding> {
        let without = self.sight.view.needs_leases && found.survey.backing == Backing::Nothing;
        without.then(|| Finding {
            predicate: Predicate::ServerWithoutLease,
            clause: format!("it runs on no lease since {}, and this site needs one", self.at(created)),
            pace: self.stop_first(found),
            staff: false,
        })
    }

    fn lease(&self, found: &Found) -> Option<Finding> {
        if self.sight.view.standing_leases.contains(&found.name) {
            return None;
        }
        let span = found.survey.span?;
        self.lease_without_server(found, &span).or_else(|| self.long_lease(&span))
    }

    fn lease_without_server(&self, found: &Found, span: &Interval) -> Option<Finding> {
        let now = self.given.now;
        let since = self.idle_since(found)?;
        let rule = self.policy().leases;
        if now - since < rule.warn_after(span.length()) {
            return None;
        }
        let charged = match self.sight.price(found) {
            None => String::new(),
            Some(price) => format!(
                ": {price} an hour, {} so far and {} more",
                price.for_length(now - span.start()),
                price.for_length(span.end() - now)
            ),
        };
        Some(Finding {
            predicate: Predicate::LeaseWithoutServer,
            clause: format!(
                "no server is on it since {}, for {}, and it is charged until {}{charged}",
                self.at(since),
                self.ago(since),
                self.at(span.end())
            ),
            pace: Pace::DeleteAfter(rule.grace(span.length())),
            staff: false,
        })
    }

    fn long_lease(&self, span: &Interval) -> Option<Finding> {
        let longest = self.policy().leases.longest()?;
        (span.length() > longest && self.given.now < span.end()).then(|| Finding {
            predicate: Predicate::LongLease,
            clause: format!(
                "it is to hold from {} to {}, for {}; a lease may hold for {}",
                self.at(span.start()),
                self.at(span.end()),
                calendar::in_words(span.length()),
                calendar::in_words(longest)
            ),
            pace: Pace::DeleteAfter(self.policy().stop_after()),
            staff: true,
        })
    }

    fn idle_floating_ip(&self, found: &Found, at_most: Option<TimeDelta>) -> Option<Finding> {
        let usual = self.policy().idle.after(Kind::FloatingIp);
        let clause = self.idle(found, at_most.map_or(usual, |most| most.min(usual)))?;
        Some(Finding {
            predicate: Predicate::IdleFloatingIp,
            clause: format!("it leads nowhere {clause}"),
            pace: Pace::DeleteAfter(self.policy().stop_after()),
            staff: false,
        })
    }

    fn leftover(&self, found: &Found) -> Option<Finding> {
        let rule = self.policy().idle;
        let clause = self.idle(found, rule.after(found.kind))?;
        let holds_data = matches!(found.kind, Kind::Volume | Kind::Share | Kind::Bucket);
        let pace = if holds_data && rule.data_minutes.is_none() {
            Pace::ReportOnly
        } else {
            Pace::DeleteAfter(self.policy().stop_after() + self.policy().delete_after())
        };
        let clause = format!("nothing uses it {clause}");
        Some(Finding { predicate: Predicate::Leftover, clause, pace, staff: false })
    }

    /// Since when nothing uses an object, if that is so.
    fn idle_since(&self, found: &Found) -> Option<DateTime<Utc>> {
        self.idle.get(&(found.kind, found.site_ref.clone())).copied()
    }

    /// "since Sat Feb 1, 10:00, for 7 d; 7 d are allowed", once that is so.
    fn idle(&self, found: &Found, allowed: TimeDelta) -> Option<String> {
        let since = self.idle_since(found)?;
        (self.given.now - since >= allowed).then(|| {
            let (at, ago) = (self.at(since), self.ago(since));
            format!("since {at}, for {ago}; {} is the limit", calendar::in_words(allowed))
        })
    }
}

/// What a site charges from `now` up to `until` for an object, if that is known.
pub(super) fn charge(price: Option<Su>, now: DateTime<Utc>, until: DateTime<Utc>) -> Option<Su> {
    price.map(|price| price.for_length((until - now).max(TimeDelta::zero())))
}
