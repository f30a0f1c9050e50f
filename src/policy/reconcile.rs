//! What is to be done next for one booking: desired against known, as of now. Level-triggered: it looks at what is, not
//! at what happened, so a worker that takes over after a crash decides the same.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::blueprint::{Kind, Spec};
use crate::domain::booking::{Booking, State};
use crate::domain::course::Pool;
use crate::domain::ids::ResourceKey;
use crate::domain::resource::{Resource, ResourceState};

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make these, or see how far they are. They need nothing of each other.
    Ensure(Vec<ResourceKey>),
    /// See whether the lease is in force.
    AwaitLease(ResourceKey),
    /// Delete these, or see whether they are gone. They need nothing of each other.
    Release(Vec<ResourceKey>),
    /// See what the site holds of the booking: some ids are not known, or all that is known is gone. If the site holds
    /// nothing either, the booking has ended.
    Look,
    /// Change the booking's state.
    Become(Transition),
    /// Nothing until then; nothing ever if there is no time.
    Wait(Option<DateTime<Utc>>),
}

/// A change of the booking's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The site has confirmed the place.
    Book,
    /// Begin to make the resources.
    Prepare,
    /// Everything is ready.
    Activate,
    /// The site holds the capacity up to the later end: it is the booking's end now.
    Extend,
    /// The site holds the other place that was asked for: it is the booking's place now.
    Move,
    /// The site has not given the other place in time: the booking stays where it is.
    Stay,
}

/// What to do next for `booking`, which draws on `pool` and has `resources`.
pub fn next(booking: &Booking, resources: &[Resource], pool: &Pool, now: DateTime<Utc>) -> Step {
    match booking.state {
        State::Held => held(resources),
        State::Booked => booked(booking, resources, pool, now),
        State::Preparing => preparing(resources),
        State::Active { .. } => active(booking, resources),
        State::Releasing { .. } => releasing(resources),
        State::Ended { .. } => Step::Wait(None),
    }
}

/// The lease that counts: of those that are not on their way out, the newest.
fn lease(resources: &[Resource]) -> Option<&Resource> {
    let standing = |r: &&Resource| !matches!(r.state, ResourceState::Deleting | ResourceState::Gone);
    let leases = resources.iter().filter(|resource| resource.kind() == Kind::Lease).filter(standing);
    leases.max_by_key(|lease| lease.position)
}

fn held(resources: &[Resource]) -> Step {
    match lease(resources) {
        Some(lease) if lease.state != ResourceState::Ready => Step::Ensure(vec![lease.key.clone()]),
        _ => Step::Become(Transition::Book),
    }
}

fn booked(booking: &Booking, resources: &[Resource], pool: &Pool, now: DateTime<Utc>) -> Step {
    let begin = booking.slot.start() - pool.lead();
    let surplus: Vec<_> = keys(resources.iter().filter(|r| r.state == ResourceState::Deleting));
    match (booking.wanted_slot, lease(resources)) {
        (Some(_), _) if begin <= now => Step::Become(Transition::Stay),
        (Some(_), Some(lease)) if lease.state != ResourceState::Ready => {
            Step::Ensure(vec![lease.key.clone()])
        }
        (Some(_), _) => Step::Become(Transition::Move),
        (None, _) if !surplus.is_empty() => Step::Release(surplus),
        (None, _) if begin <= now => Step::Become(Transition::Prepare),
        (None, _) => Step::Wait(Some(begin)),
    }
}

fn preparing(resources: &[Resource]) -> Step {
    let broken: Vec<_> = keys(resources.iter().filter(|r| r.state == ResourceState::Deleting));
    if !broken.is_empty() {
        return Step::Release(broken);
    }
    let done = |r: &Resource| matches!(r.state, ResourceState::Ready | ResourceState::Gone);
    let waiting = || resources.iter().filter(|r| !done(r));
    let rank = waiting().map(|r| r.kind().making_rank()).min();
    match (rank, lease(resources)) {
        (None, _) => Step::Become(Transition::Activate),
        // Nothing needs the lease before the servers do, so the network is made while the site begins it.
        (Some(rank), Some(lease)) if rank == Kind::Server.making_rank() && !lease.facts.in_force => {
            Step::AwaitLease(lease.key.clone())
        }
        (Some(rank), _) => Step::Ensure(keys(waiting().filter(|r| r.kind().making_rank() == rank))),
    }
}

fn active(booking: &Booking, resources: &[Resource]) -> Step {
    // Its end is the reaper's to decide; whoever wants something of it before then says so.
    let Some(wanted) = booking.wanted_end else { return Step::Wait(None) };
    match lease(resources) {
        Some(lease) if lease.facts.lease_end != Some(wanted) => Step::Ensure(vec![lease.key.clone()]),
        _ => Step::Become(Transition::Extend),
    }
}

fn releasing(resources: &[Resource]) -> Step {
    let left = || resources.iter().filter(|r| r.may_exist());
    if left().any(|r| r.site_ref.is_none()) {
        return Step::Look;
    }
    let Some(rank) = left().map(|r| r.kind().deleting_rank()).min() else { return Step::Look };
    Step::Release(keys(left().filter(|r| r.kind().deleting_rank() == rank)))
}

fn keys<'a>(resources: impl Iterator<Item = &'a Resource>) -> Vec<ResourceKey> {
    resources.map(|resource| resource.key.clone()).collect()
}

/// How often a call that fails for a passing reason is tried before the booking is given up. With [`backoff`] that is
/// about half an hour: longer than a restart of a site's service, shorter than the shortest useful slot.
pub const MAX_FAILURES: i32 = 12;

/// How often a resource that came up broken is replaced.
pub const MAX_REPLACEMENTS: i32 = 1;

/// How long to wait after the `failures`-th failure in a row, before jitter: 2, 4, 8 ... up to 240 seconds.
pub fn backoff(failures: i32) -> TimeDelta {
    let doublings = u32::try_from(failures.clamp(1, 8)).unwrap_or(1);
    TimeDelta::seconds(2_i64.pow(doublings).min(240))
}

/// How long a server may take to come up, from the instant at which the site took the request. Beyond it the site is not
/// waited for: the server counts as broken. Virtual machines take a minute or two.
pub const SERVER_PATIENCE: TimeDelta = TimeDelta::minutes(30);

/// As [`SERVER_PATIENCE`], on bare metal: a node is booted twice and its disk is written.
pub const BARE_METAL_PATIENCE: TimeDelta = TimeDelta::minutes(60);

/// The flavor of every server on bare metal, by Chameleon's convention.
const BARE_METAL: &str = "baremetal";

/// Why a resource at which the site is still at work counts as broken; `None` if it does not. Only servers do.
pub fn overdue(resource: &Resource, now: DateTime<Utc>) -> Option<String> {
    let Spec::Server { flavor, .. } = &resource.spec else { return None };
    let patience = if flavor == BARE_METAL { BARE_METAL_PATIENCE } else { SERVER_PATIENCE };
    (now - resource.since >= patience)
        .then(|| format!("it was not up after {} minutes", patience.num_minutes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::BookingId;

    fn is_overdue(spec: Spec, minutes: i64) -> bool {
        let asked = DateTime::UNIX_EPOCH;
        let resource = Resource::planned(BookingId::from_bits(1), "node1".parse().unwrap(), 0, spec, asked);
        overdue(&resource, asked + TimeDelta::minutes(minutes)).is_some()
    }

    #[test]
    fn a_server_is_waited_for_so_long_and_bare_metal_longer() {
        let server = |flavor: &str| Spec::Server {
            image: "CC-Ubuntu24.04".to_owned(),
            flavor: flavor.to_owned(),
            address: None,
            user_data: None,
        };
        assert_eq!([29, 30].map(|minutes| is_overdue(server("m1.medium"), minutes)), [false, true]);
        assert_eq!([59, 60].map(|minutes| is_overdue(server("baremetal"), minutes)), [false, true]);
        assert!(!is_overdue(Spec::Network, 600), "nothing else takes long");
    }
}
