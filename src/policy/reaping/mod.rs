//! What a sweep of the reaper does. Its predicates, in full. Each has a code ([`Predicate`]), and
//! `docs/reaper.md` says the same for staff.
//!
//! # What is ours
//!
//! - `past_end`: a booking is **ended** if it is live and its end is not later than now. Neither exemptions nor pauses nor
//!   quiet hours keep it: the time is another's.
//! - `orphan`: an object is **deleted** if it carries this installation's mark, its booking is unknown or has ended, it was
//!   made at least [`YOUNG`] ago (a site that does not tell when, an object is taken as old), and the site does not say that it
//!   is of another project or shared. Objects of a booking that is being released are left to its release.
//! - `no_show`: an active booking is **warned** if it has been active for the set time within its slot and, by choice, none of
//!   its servers has ever been seen to run (and a trusted listing of its site shows that now) or its page was never opened;
//!   and **released** if that still holds when the grace after the warning is over. Not one of staff's.
//!
//! # What people made by hand
//!
//! An object is judged if it carries no installation's mark and no booking's metadata, the site says that it belongs to the
//! course's project alone, it is told when it was made, that is at least [`YOUNG`] ago, and it is not being made, changed or
//! deleted. Then:
//!
//! - `broken_server`: a server or container in error, in whatever words.
//! - `over_cap`: a server or container that has been there for longer than **every** lab allows that judges there: of the time
//!   since it was made, the hours that count are more than the cap. Labs judge that staff named for it, else all whose pools
//!   are at the site; each with the owner's personal terms. Exactly the cap is not over it. What its owner has shelved is not
//!   judged.
//! - `wrong_day`: the same, where a lab's weekday rule is broken before the cap is: as a booking of this time would break it.
//!   Whoever has no parity is not judged by it.
//! - `server_without_lease`: the site needs leases, and says that the server runs on no reservation.
//! - `lease_without_server`: the lease is in its span, nothing is on any of its reservations (nor may be: servers of which the
//!   site does not tell), and that for the set time; for a class slot for a quarter of its length, if that is less. Leases that
//!   staff hold for a pool are not judged.
//! - `long_lease`: the lease is longer than is set, if that is set.
//! - `idle_floating_ip`: the site says that the floating IP serves nothing, it is attached to nothing, has neither the tag
//!   `blazar` nor one that begins with `reservation:`, and all that for the set time.
//! - `leftover`: a port without a device, a router behind whose subnets nothing is, a network without ports but its own, a
//!   volume, share or bucket that is attached to nothing: for the set time. Without a time for data, volumes, shares and
//!   buckets are reported and never deleted.
//! - `over_project_hours`: a server whose name or description ends in `project` and a number that is not 0, for longer than
//!   projects may have one. Of what is so named, only servers, floating IPs (by the shorter of both times) and leases without
//!   servers are judged, and nothing where no such rule is set, nor of `project0`.
//!
//! What is idle is so since the latest of these: it was made, its lease began, the site tells so, a sweep first saw it without
//! use, and if none has yet, the listing before this one: then it was used, or not there (`idle`).
//!
//! Of what a predicate covers, this is **kept**: what is staff's, what is exempted, what its owner took back for a time.
//! This is **reported** only: everything, if staff want that; what is nobody's (see `owner`), but for what a project has
//! too long and for kinds that staff named. All else is marked, and its owner told, once (`steps`): after a grace a server is
//! stopped or shelved, and after another deleted; what can't be stopped is deleted after the grace. Each sweep judges anew, and a
//! mark whose object is in order now, exempted or gone is forgotten.
//!
//! # Where nothing is done
//!
//! At a site that is down, whose listing failed, is not whole, is older than [`STALE`], has shrunk against the last one,
//! or is empty while objects are marked; and where staff have paused the reaper. In quiet hours nobody is warned, and nothing
//! that people made is stopped or deleted. More than a sweep may do of one class is not done at all.
//!
//! # What counts as usage
//!
//! Of each trusted listing, paused or not: a server or container that is not shelved or broken, and a lease in force that the site
//! charges for, if it is a student's by the rules above, of no project, and neither a booking's nor on a booking's lease, nor may
//! be. A server on a lease counts no service units: the lease does (`held`, and
//! [`fair_share::by_hand`](crate::policy::fair_share::by_hand)).
//!
//! The dry run and the real run are given the same [`Plan`].

mod allowed;
mod bookings;
mod given;
mod held;
mod idle;
mod judge;
mod owner;
mod planned;
mod running;
mod sight;
mod site;
mod steps;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use crate::domain::marked::{NextStep, Predicate, Whole};

pub use self::given::{
    Activity, Known, LiveBooking, Look, SAVED_AT_MOST, STALE, SiteView, Situation, Standing, YOUNG,
};
pub use self::planned::{Action, Plan, Saved, Skip, Skipped, Told, Unmarked, Waiting};

use self::owner::People;
use self::running::Running;

/// The plan of a sweep. It depends on nothing but what is given, and not on the order in which that is listed.
pub fn plan(given: &Situation<'_>) -> Plan {
    let people = People::of(given.people);
    let running = Running::of(given);
    let mut plan = Plan {
        at: given.now,
        actions: bookings::actions(given, &people, &running),
        waiting: Vec::new(),
        kept: Vec::new(),
        reported: Vec::new(),
        skipped: Vec::new(),
        wholes: BTreeMap::new(),
        idle: BTreeMap::new(),
        held: BTreeMap::new(),
        ran: running.first_seen(given),
    };
    for (site, view) in given.sites {
        site::add(given, &people, site, view, &mut plan);
    }
    plan
}

/// What is due for an active booking that nobody uses, by what is stored of it: whether it still is, before it is done.
pub fn no_show(given: &Situation<'_>, booking: &LiveBooking) -> Option<Action> {
    bookings::no_show(given, &People::of(given.people), booking)
}
