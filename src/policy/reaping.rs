//! What a sweep of the reaper does. Its predicate, in full:
//!
//! 1. A booking is **ended** if it is live and its end is not later than now.
//! 2. An object is **deleted** if it carries this installation's mark, its booking is unknown or has ended, and it was made
//!    at least [`YOUNG`] ago (a site that does not tell when, an object is taken as old). Objects of a booking that is being
//!    released are left to its release.
//! 3. Nothing else. A site whose listing failed is skipped, and said to be.
//!
//! The dry run and the real run are given the same [`Plan`].

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::domain::ids::{BookingId, LabId, NetId, SiteId};
use crate::domain::interval::Interval;
use crate::domain::resource::Found;

/// An object younger than this is left alone: its booking's own release may be at work on it.
pub const YOUNG: TimeDelta = TimeDelta::minutes(5);

/// How many objects one sweep may delete at most. More than this at once is more likely a mistake than a leak.
pub const MAX_DELETIONS: usize = 50;

/// A live booking, as the sweep sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBooking {
    /// Its id.
    pub id: BookingId,
    /// Whose it is.
    pub net_id: NetId,
    /// Its lab.
    pub lab: LabId,
    /// Its slot.
    pub slot: Interval,
}

/// What is known of the booking that an object's mark names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is live, or its resources are being deleted.
    InHand,
    /// It has ended.
    Ended,
}

/// What a site's listing gave: the objects with this installation's mark, or why there is none.
pub type Listing = Result<Vec<Found>, String>;

/// What a sweep is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// As of when it was made.
    pub at: DateTime<Utc>,
    /// What to do, bookings first.
    pub actions: Vec<Action>,
    /// What was looked at and left alone for a reason that staff should know.
    pub skipped: Vec<Skipped>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// End a booking whose time is over, and delete its resources.
    EndBooking {
        /// The booking.
        booking: BookingId,
        /// Whose it is.
        net_id: NetId,
        /// Its lab.
        lab: LabId,
        /// When it was to end.
        end: DateTime<Utc>,
        /// Why, with its numbers.
        reason: String,
    },
    /// Delete an object that carries our mark and has no booking.
    DeleteOrphan {
        /// The site that has it.
        site: SiteId,
        /// Its kind, in words.
        kind: &'static str,
        /// The site's id of it.
        site_ref: String,
        /// Its name at the site.
        name: String,
        /// The booking that its mark names.
        booking: BookingId,
        /// Why, with its numbers.
        reason: String,
    },
}

/// Something left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The site.
    pub site: SiteId,
    /// Why.
    pub reason: String,
}

/// The plan of a sweep: `live` are the live bookings, `listings` what each site said, `standing` what is known of each
/// booking that an object in a listing names.
pub fn plan(
    now: DateTime<Utc>,
    live: &[LiveBooking],
    listings: &BTreeMap<SiteId, Listing>,
    standing: &BTreeMap<BookingId, Standing>,
) -> Plan {
    let mut actions: Vec<Action> = live.iter().filter_map(|booking| overdue(now, booking)).collect();
    let mut skipped = Vec::new();
    let mut deletions = 0;
    for (site, listing) in listings {
        match listing {
            Err(error) => {
                skipped.push(Skipped { site: site.clone(), reason: format!("the listing failed: {error}") });
            }
            Ok(found) => {
                let mut found: Vec<&Found> = found.iter().collect();
                found.sort_by_key(|object| object.kind.deleting_rank());
                let orphans: Vec<_> =
                    found.into_iter().filter_map(|object| orphan(now, site, object, standing)).collect();
                if deletions + orphans.len() > MAX_DELETIONS {
                    let reason = format!(
                        "{} objects without a booking, and a sweep deletes at most {MAX_DELETIONS}: none was deleted",
                        orphans.len()
                    );
                    skipped.push(Skipped { site: site.clone(), reason });
                } else {
                    deletions += orphans.len();
                    actions.extend(orphans);
                }
            }
        }
    }
    Plan { at: now, actions, skipped }
}

/// Predicate 1.
fn overdue(now: DateTime<Utc>, booking: &LiveBooking) -> Option<Action> {
    let end = booking.slot.end();
    (end <= now).then(|| Action::EndBooking {
        booking: booking.id.clone(),
        net_id: booking.net_id.clone(),
        lab: booking.lab.clone(),
        end,
        reason: format!("its time was over {} s ago", (now - end).num_seconds()),
    })
}

/// Predicate 2.
fn orphan(
    now: DateTime<Utc>,
    site: &SiteId,
    object: &Found,
    standing: &BTreeMap<BookingId, Standing>,
) -> Option<Action> {
    let mark = object.mark.as_ref()?;
    let why = match standing.get(&mark.booking) {
        Some(Standing::InHand) => return None,
        Some(Standing::Ended) => "its booking has ended",
        None => "its booking is unknown",
    };
    let age = object.created_at.map(|created| now - created);
    if age.is_some_and(|age| age < YOUNG) {
        return None;
    }
    let reason = match age {
        Some(age) => format!("{why}; made {} s ago", age.num_seconds()),
        None => why.to_owned(),
    };
    Some(Action::DeleteOrphan {
        site: site.clone(),
        kind: object.kind.word(),
        site_ref: object.site_ref.clone(),
        name: object.name.clone(),
        booking: mark.booking.clone(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blueprint::Kind;
    use crate::domain::ids::InstanceId;
    use crate::domain::resource::Mark;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    fn found(booking: u64, marked: bool, created: Option<i64>) -> Found {
        let mark = Mark {
            instance: InstanceId::from_bits(1),
            booking: BookingId::from_bits(booking),
            key: "node1".parse().unwrap(),
        };
        Found {
            kind: Kind::Server,
            site_ref: format!("ref-{booking}"),
            name: mark.name("k8s-ff524"),
            mark: marked.then_some(mark),
            created_at: created.map(at),
        }
    }

    fn sweep(listing: Listing) -> Plan {
        let standing = BTreeMap::from([
            (BookingId::from_bits(1), Standing::InHand),
            (BookingId::from_bits(2), Standing::Ended),
        ]);
        plan(at(0), &[], &BTreeMap::from([("kvm".parse().unwrap(), listing)]), &standing)
    }

    #[test]
    fn only_marked_old_objects_without_a_booking_are_deleted() {
        let deleted = |object| sweep(Ok(vec![object])).actions.len();
        assert_eq!(deleted(found(1, true, Some(-9000))), 0, "its booking is in hand");
        assert_eq!(deleted(found(2, true, Some(-9000))), 1, "its booking has ended");
        assert_eq!(deleted(found(3, true, Some(-9000))), 1, "its booking is unknown");
        assert_eq!(deleted(found(3, true, None)), 1, "of unknown age");
        assert_eq!(deleted(found(3, true, Some(-299))), 0, "young");
        assert_eq!(deleted(found(3, false, Some(-9000))), 0, "not ours");
    }

    #[test]
    fn a_failed_listing_and_a_flood_are_skipped_and_said_so() {
        let failed = sweep(Err("503".into()));
        assert_eq!((failed.actions.len(), failed.skipped.len()), (0, 1));
        let flood = sweep(Ok((10..=60).map(|n| found(n, true, Some(-9000))).collect()));
        assert_eq!((flood.actions.len(), flood.skipped.len()), (0, 1));
        let many = sweep(Ok((10..60).map(|n| found(n, true, Some(-9000))).collect()));
        assert_eq!((many.actions.len(), many.skipped.len()), (50, 0));
    }

    #[test]
    fn bookings_end_at_their_end_and_not_before() {
        let booking = |end| LiveBooking {
            id: BookingId::from_bits(5),
            net_id: "ff524".parse().unwrap(),
            lab: "k8s".parse().unwrap(),
            slot: Interval::new(at(-7200), at(end)).unwrap(),
        };
        let ended = |end| plan(at(0), &[booking(end)], &BTreeMap::new(), &BTreeMap::new()).actions.len();
        assert_eq!([ended(-1), ended(0), ended(1)], [1, 1, 0]);
    }
}
