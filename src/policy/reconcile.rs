//! What is to be done next for one booking: desired against known, as of now. Level-triggered: it looks at what is, not
//! at what happened, so a worker that takes over after a crash decides the same.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::blueprint::{Kind, PATIENCE, Spec};
use crate::domain::booking::{Booking, State};
use crate::domain::ids::ResourceKey;
use crate::domain::resource::{Resource, ResourceState};

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make these, or see how far they are. They need nothing of each other.
    Ensure(Vec<ResourceKey>),
    /// See whether the lease is in force.
    AwaitLease(ResourceKey),
    /// See whether what is behind these floating IPs answers.
    Probe(Vec<ResourceKey>),
    /// Delete these, or see whether they are gone. They need nothing of each other.
    Release(Vec<ResourceKey>),
    /// The same after a deletion was refused or failed, and see what the site holds of the booking: a call whose effect came late
    /// may have made what stands in the way.
    ReleaseAndLook(Vec<ResourceKey>),
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

/// What to do next for `booking`, which has `resources`. One that waits is prepared from `begin` on: see [`lead`](super::lead).
pub fn next(booking: &Booking, resources: &[Resource], begin: DateTime<Utc>, now: DateTime<Utc>) -> Step {
    match booking.state {
        State::Held => held(resources),
        State::Booked => booked(booking, resources, begin, now),
        State::Preparing => preparing(resources, now),
        State::Active { .. } => active(booking, resources),
        State::Releasing { .. } => releasing(resources),
        State::Offered { .. } | State::Ended { .. } => Step::Wait(None),
    }
}

/// The leases that are not on their way out.
fn leases(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    let standing = |r: &&Resource| !matches!(r.state, ResourceState::Deleting | ResourceState::Gone);
    resources.iter().filter(|resource| resource.kind() == Kind::Lease).filter(standing)
}

/// The leases that the site has not accepted yet.
fn leases_to_make(resources: &[Resource]) -> Vec<ResourceKey> {
    keys(leases(resources).filter(|lease| lease.state != ResourceState::Ready))
}

fn held(resources: &[Resource]) -> Step {
    let to_make = leases_to_make(resources);
    if to_make.is_empty() { Step::Become(Transition::Book) } else { Step::Ensure(to_make) }
}

fn booked(booking: &Booking, resources: &[Resource], begin: DateTime<Utc>, now: DateTime<Utc>) -> Step {
    let surplus: Vec<_> = keys(resources.iter().filter(|r| r.state == ResourceState::Deleting));
    let to_make = leases_to_make(resources);
    match booking.wanted_slot {
        Some(_) if begin <= now => Step::Become(Transition::Stay),
        Some(_) if !to_make.is_empty() => Step::Ensure(to_make),
        Some(_) => Step::Become(Transition::Move),
        None if !surplus.is_empty() => Step::Release(surplus),
        None if begin <= now => Step::Become(Transition::Prepare),
        None => Step::Wait(Some(begin)),
    }
}

/// Everything is made as soon as what it needs is there, so that what needs nothing of each other is made side by side.
fn preparing(resources: &[Resource], now: DateTime<Utc>) -> Step {
    let broken: Vec<_> = keys(resources.iter().filter(|r| r.state == ResourceState::Deleting));
    if !broken.is_empty() {
        return Step::Release(broken);
    }
    let is_ready = |key: &&ResourceKey| {
        resources.iter().any(|other| other.key == **key && other.state == ResourceState::Ready)
    };
    let not_in_force = leases(resources).find(|lease| !lease.facts.in_force);
    let can_be_made = |r: &&Resource| {
        r.spec.needs().iter().all(is_ready) && !(r.spec.needs_lease() && not_in_force.is_some())
    };
    let waiting = || {
        let done = |r: &&Resource| matches!(r.state, ResourceState::Ready | ResourceState::Gone);
        resources.iter().filter(move |r| !done(r))
    };
    let next = keys(waiting().filter(can_be_made));
    match not_in_force {
        _ if !next.is_empty() => Step::Ensure(next),
        // Nothing but what runs needs the lease, so the network is made while the site begins it.
        Some(lease) => Step::AwaitLease(lease.key.clone()),
        None if waiting().next().is_some() => Step::Ensure(keys(waiting())),
        None => answering(resources, now),
    }
}

/// All is there: does it answer?
fn answering(resources: &[Resource], now: DateTime<Utc>) -> Step {
    let silent = keys(silent(resources).filter(|address| now < address.since + PATIENCE));
    if silent.is_empty() { Step::Become(Transition::Activate) } else { Step::Probe(silent) }
}

/// The addresses behind which something is to answer and has not yet.
pub fn silent(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    resources.iter().filter(|resource| resource.probe().is_some() && !resource.facts.answers)
}

fn active(booking: &Booking, resources: &[Resource]) -> Step {
    // Its end is the reaper's to decide; whoever wants something of it before then says so.
    let Some(wanted) = booking.wanted_end else { return Step::Wait(None) };
    let to_move = keys(leases(resources).filter(|lease| lease.facts.lease_end != Some(wanted)));
    if to_move.is_empty() { Step::Become(Transition::Extend) } else { Step::Ensure(to_move) }
}

fn releasing(resources: &[Resource]) -> Step {
    let left = || resources.iter().filter(|r| r.may_exist());
    if left().any(|r| r.site_ref.is_none()) {
        return Step::Look;
    }
    let Some(rank) = left().map(|r| r.kind().deleting_rank()).min() else { return Step::Look };
    let first = || left().filter(|r| r.kind().deleting_rank() == rank);
    if first().any(|r| r.failures > 0) {
        return Step::ReleaseAndLook(keys(first()));
    }
    Step::Release(keys(first()))
}

fn keys<'a>(resources: impl Iterator<Item = &'a Resource>) -> Vec<ResourceKey> {
    resources.map(|resource| resource.key.clone()).collect()
}

/// How often a call that fails for a passing reason is tried before the booking is given up. With [`backoff`] that is
/// about half an hour: longer than a restart of a site's service, shorter than the shortest useful slot.
pub const MAX_FAILURES: i32 = 12;

/// How often a resource that came up broken is replaced by one like it.
pub const MAX_REPLACEMENTS: i32 = 1;

/// How often a lease is asked for again that the site did not keep.
pub const MAX_LEASE_REPLACEMENTS: i32 = 2;

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

/// Why a resource at which the site is still at work counts as broken; `None` if it does not. Only what runs does.
pub fn overdue(resource: &Resource, now: DateTime<Utc>) -> Option<String> {
    let patience = match &resource.spec {
        Spec::Server(server) if server.machine.is_bare_metal() => BARE_METAL_PATIENCE,
        Spec::Server(_) | Spec::Container(_) => SERVER_PATIENCE,
        _ => return None,
    };
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
        let bare_metal = || {
            let Some(Spec::Server(mut server)) = Spec::of_stray(Kind::Server) else { unreachable!() };
            server.machine.node.insert("node_type".to_owned(), "gpu_p100".to_owned());
            Spec::Server(server)
        };
        let virtual_machine = || Spec::of_stray(Kind::Server).unwrap();
        assert_eq!([29, 30].map(|minutes| is_overdue(virtual_machine(), minutes)), [false, true]);
        assert_eq!([59, 60].map(|minutes| is_overdue(bare_metal(), minutes)), [false, true]);
        assert!(!is_overdue(Spec::Network, 600), "nothing else takes long");
    }
}
