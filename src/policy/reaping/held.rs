//! What of a site counts as its people's usage, beside their bookings: what they made by hand and have at present, whether the
//! reaper may act on it or not.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::given::Known;
use super::owner::{self, Owner, People};
use super::running::may_be_on;
use super::sight::Sight;
use crate::domain::blueprint::Kind;
use crate::domain::interval::Interval;
use crate::domain::resource::Found;
use crate::domain::su::Su;
use crate::domain::survey::{Backing, Belongs, Condition};
use crate::domain::usage::{Rate, Source};
use crate::policy::fair_share::by_hand::{Held, Holding};

/// What counts, by a trusted listing.
pub(super) fn holding(people: &People<'_>, sight: &Sight<'_>) -> Holding {
    let bookings = Bookings::of(sight);
    let mut holding = Holding::default();
    for found in sight
        .objects
        .iter()
        .filter(|found| matches!(found.kind, Kind::Server | Kind::Container | Kind::Lease))
    {
        let Some(known) = student(people, found).filter(|_| !bookings.has(found)) else { continue };
        let source = Source::by_hand(sight.site, found.kind, &found.site_ref);
        if found.survey.condition == Some(Condition::Changing) {
            holding.unsettled.insert(source);
        } else if let Some((since, rate)) = counts(sight, found) {
            holding.held.insert(source, Held { person: known.person.clone(), since, rate });
        }
    }
    holding
}

/// Whose usage an object is: what staff have, what is of a project and what is nobody's is no student's.
fn student<'p>(people: &People<'p>, found: &Found) -> Option<&'p Known> {
    let by_hand =
        found.mark.is_none() && !owner::is_renamed(found) && found.survey.belongs == Belongs::Project;
    if !by_hand || owner::project(found).is_some() {
        return None;
    }
    match people.owner(found) {
        Owner::Of(known) if !known.staff => Some(known),
        Owner::Of(_) | Owner::Nobody(_) => None,
    }
}

/// Since when it counts, as far as that is told, and what it holds; nothing if that is nothing.
fn counts(sight: &Sight<'_>, found: &Found) -> Option<(Option<DateTime<Utc>>, Rate)> {
    let rate = |servers, su_per_hour| Rate { units: 0, servers, su_per_hour };
    let price = || sight.price(found).unwrap_or(Su::ZERO);
    if found.kind == Kind::Lease {
        let start = in_force(sight, found)?.start();
        return Some((Some(start), rate(0, price()))).filter(|(_, rate)| rate.su_per_hour != Su::ZERO);
    }
    // One that is stopped keeps its machine, one that is shelved does not, and of one that is broken nobody has anything.
    if matches!(found.survey.condition, Some(Condition::Shelved | Condition::Broken(_))) {
        return None;
    }
    // What is on a lease, or may be, is charged with that.
    let su = if found.survey.backing == Backing::Nothing { price() } else { Su::ZERO };
    Some((found.created_at, rate(1, su)))
}

/// The span of a lease that is not one of the course's, while it holds something.
fn in_force(sight: &Sight<'_>, lease: &Found) -> Option<Interval> {
    let is_in_use = matches!(lease.survey.condition, None | Some(Condition::InUse));
    let is_the_courses = sight.view.standing_leases.contains(&lease.name);
    lease.survey.span.filter(|span| is_in_use && !is_the_courses && span.contains(sight.view.looked_at))
}

/// Leases of bookings. What is on them is charged with the booking, whoever made it.
struct Bookings<'a> {
    leases: Vec<&'a Found>,
    reservations: BTreeSet<&'a str>,
}

impl<'a> Bookings<'a> {
    fn of(sight: &Sight<'a>) -> Self {
        let leases = sight.objects.iter().filter(|found| found.kind == Kind::Lease && found.mark.is_some());
        let leases: Vec<&Found> = leases.copied().collect();
        let reservations =
            leases.iter().flat_map(|lease| lease.survey.reservations.iter().map(String::as_str));
        Self { reservations: reservations.collect(), leases }
    }

    /// Whether something is on a booking's lease, or may be.
    fn has(&self, found: &Found) -> bool {
        match &found.survey.backing {
            Backing::Reservation(id) => self.reservations.contains(id.as_str()),
            Backing::Untold if found.kind != Kind::Lease => {
                self.leases.iter().any(|lease| may_be_on(found, lease))
            }
            Backing::Untold | Backing::Nothing => false,
        }
    }
}
