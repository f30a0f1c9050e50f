//! What trusted listings show of the servers of bookings.

use std::collections::{BTreeMap, BTreeSet};

use super::given::{LiveBooking, Situation};
use super::site::trusted;
use crate::domain::blueprint::Kind;
use crate::domain::ids::{BookingId, InstanceId, SiteId};
use crate::domain::reaper::NoShowSignal;
use crate::domain::resource::Found;
use crate::domain::survey::{Backing, Condition};

/// Bookings whose servers run.
#[derive(Default)]
pub(super) struct Running<'a> {
    /// Sites whose listings tell.
    sites: BTreeSet<&'a SiteId>,
    /// A server runs or has run that carries the booking's mark, or is on a reservation of its lease.
    ran: BTreeSet<&'a BookingId>,
    /// A server runs of which the site does not tell what it is on, and it may be the booking's lease.
    may_run: BTreeSet<&'a BookingId>,
}

impl<'a> Running<'a> {
    pub(super) fn of(given: &Situation<'a>) -> Self {
        let mut running = Self::default();
        if given.policy.no_show.is_none_or(|rule| rule.signal != NoShowSignal::NoServer) {
            return running;
        }
        for (site, view) in given.sites {
            if let Ok(found) = trusted(given, site, view) {
                running.sites.insert(site);
                running.note(given.instance, found);
            }
        }
        running
    }

    fn note(&mut self, instance: &InstanceId, found: &'a [Found]) {
        let booking = |object: &'a Found| {
            object.mark.as_ref().filter(|mark| mark.instance == *instance).map(|mark| &mark.booking)
        };
        let leases = found.iter().filter(|object| object.kind == Kind::Lease);
        let leases: Vec<(&Found, &BookingId)> =
            leases.filter_map(|lease| Some((lease, booking(lease)?))).collect();
        let reservations: BTreeMap<&str, &BookingId> = leases
            .iter()
            .flat_map(|(lease, of)| lease.survey.reservations.iter().map(move |id| (id.as_str(), *of)))
            .collect();
        for server in found.iter().filter(|object| has_run(object)) {
            match (booking(server), &server.survey.backing) {
                (Some(of), _) => {
                    self.ran.insert(of);
                }
                (None, Backing::Reservation(id)) => self.ran.extend(reservations.get(id.as_str())),
                (None, Backing::Untold) => {
                    let may = leases.iter().filter(|(lease, _)| may_be_on(server, lease));
                    self.may_run.extend(may.map(|(_, of)| *of));
                }
                (None, Backing::Nothing) => {}
            }
        }
    }

    /// Whether the listings are no reason to take a booking for used, where it counts whether its servers ran.
    pub(super) fn leaves_unused(&self, given: &Situation<'_>, booking: &LiveBooking) -> bool {
        let Some(activity) = &booking.activity else { return false };
        let by_servers = given.policy.no_show.is_some_and(|rule| rule.signal == NoShowSignal::NoServer);
        let told = self.sites.contains(&activity.site);
        let runs = self.ran.contains(&booking.id) || self.may_run.contains(&booking.id);
        !by_servers || told && !runs
    }

    /// Bookings of which no earlier sweep has seen a server run.
    pub(super) fn first_seen(&self, given: &Situation<'_>) -> BTreeSet<BookingId> {
        let unseen = given.live.iter().filter(|it| it.activity.as_ref().is_some_and(|it| !it.server_ran));
        unseen.filter(|it| self.ran.contains(&it.id)).map(|it| it.id.clone()).collect()
    }
}

/// Whether a server or container runs, or a server has run: one that is stopped or shelved has.
fn has_run(found: &Found) -> bool {
    match found.survey.condition {
        Some(Condition::InUse) => matches!(found.kind, Kind::Server | Kind::Container),
        Some(Condition::Stopped | Condition::Shelved) => found.kind == Kind::Server,
        _ => false,
    }
}

/// Whether a server of which the site does not tell may be on a lease: it was made since that began.
pub(super) fn may_be_on(server: &Found, lease: &Found) -> bool {
    let began = lease.survey.span.map(|span| span.start()).or(lease.created_at);
    server.created_at.zip(began).is_none_or(|(made, began)| made >= began)
}
