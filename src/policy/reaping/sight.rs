//! What a trusted listing of one site shows of how its objects hang together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::given::SiteView;
use crate::domain::blueprint::Kind;
use crate::domain::ids::SiteId;
use crate::domain::interval::Interval;
use crate::domain::marked::Target;
use crate::domain::resource::Found;
use crate::domain::su::Su;
use crate::domain::survey::{Backing, Condition};

/// A site as its listing shows it.
pub(super) struct Sight<'a> {
    pub(super) site: &'a SiteId,
    pub(super) view: &'a SiteView,
    /// Its objects, each once, in the order in which they would be deleted.
    pub(super) objects: Vec<&'a Found>,
    /// Reservations on which something is.
    used: BTreeSet<&'a str>,
    /// When the latest server or container was made of which the site does not tell what it runs on; the end of time if it
    /// does not tell that either.
    untold: Option<DateTime<Utc>>,
    /// The spans of leases, by their reservations.
    spans: BTreeMap<&'a str, Interval>,
    /// How many ports of others there are on each network.
    ports: BTreeMap<&'a str, u32>,
    /// The network of each subnet.
    networks: BTreeMap<&'a str, &'a str>,
}

impl<'a> Sight<'a> {
    pub(super) fn of(site: &'a SiteId, view: &'a SiteView, found: &'a [Found]) -> Self {
        let mut objects: Vec<&Found> = found.iter().collect();
        objects.sort_by_key(|object| (object.kind.deleting_rank(), *object));
        objects.dedup_by_key(|object| (object.kind, &object.site_ref));
        let mut sight = Self {
            site,
            view,
            used: BTreeSet::new(),
            untold: None,
            spans: BTreeMap::new(),
            ports: BTreeMap::new(),
            networks: BTreeMap::new(),
            objects: Vec::new(),
        };
        for object in &objects {
            sight.note(object);
        }
        Self { objects, ..sight }
    }

    fn note(&mut self, object: &'a Found) {
        let survey = &object.survey;
        match object.kind {
            Kind::Server | Kind::Container => match &survey.backing {
                Backing::Untold => {
                    self.untold =
                        self.untold.max(Some(object.created_at.unwrap_or(DateTime::<Utc>::MAX_UTC)));
                }
                Backing::Nothing => {}
                Backing::Reservation(id) => {
                    self.used.insert(id);
                }
            },
            Kind::FloatingIp if survey.condition == Some(Condition::InUse) => {
                self.used.extend(survey.tags.iter().filter_map(|tag| tag.strip_prefix("reservation:")));
            }
            Kind::Lease => {
                let span = survey.span.into_iter();
                self.spans.extend(
                    span.flat_map(|span| survey.reservations.iter().map(move |id| (id.as_str(), span))),
                );
            }
            Kind::Network => self.ports.extend(survey.ports.map(|ports| (object.site_ref.as_str(), ports))),
            Kind::Subnet => {
                let network = survey.attached.iter().flatten().next();
                self.networks.extend(network.map(|network| (object.site_ref.as_str(), network.as_str())));
            }
            _ => {}
        }
    }

    pub(super) fn target(&self, found: &Found) -> Target {
        Target {
            site: self.site.clone(),
            kind: found.kind,
            site_ref: found.site_ref.clone(),
            name: found.name.clone(),
        }
    }

    /// Whether something is on a lease, or may be: a server of which the site does not tell, made since the lease began.
    pub(super) fn is_used(&self, lease: &Found, start: DateTime<Utc>) -> bool {
        let on_it = lease.survey.reservations.iter().any(|id| self.used.contains(id.as_str()));
        on_it || self.untold.is_some_and(|at| at >= start)
    }

    /// The end of the lease that a server is on, if it is on one that is known.
    pub(super) fn lease_end(&self, server: &Found) -> Option<DateTime<Utc>> {
        match &server.survey.backing {
            Backing::Reservation(id) => self.spans.get(id.as_str()).map(Interval::end),
            _ => None,
        }
    }

    /// Whether no port of others is on a network: nothing that was not told counts as none.
    pub(super) fn is_bare(&self, network: &str) -> bool {
        self.ports.get(network) == Some(&0)
    }

    /// Whether nothing is behind a router with these subnets.
    pub(super) fn leads_nowhere(&self, subnets: &[String]) -> bool {
        subnets.iter().all(|subnet| self.networks.get(subnet.as_str()).is_some_and(|it| self.is_bare(it)))
    }

    /// What the site charges an hour for an object, if it charges and all its prices are known.
    pub(super) fn price(&self, found: &Found) -> Option<Su> {
        let charged = &found.survey.charged;
        let each = charged.iter().map(|(what, count)| Some(self.view.prices.get(what)?.times(*count)));
        each.sum::<Option<Su>>().filter(|_| !charged.is_empty())
    }
}
