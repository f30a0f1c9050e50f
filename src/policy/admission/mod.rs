//! Whether a person may have a slot: each rule a small function with a stable code, a sentence and its numbers.
//!
//! The rules are those that the course from which this project comes has really used; `docs/policy.md` tells each with its
//! bounds and its history. A rule reads the [`Case`] and the slot, and nothing else. What is different for one person is
//! in the case already: [`exceptions::terms`](super::exceptions::terms) puts it there. A booking that is being changed is
//! judged as if it were not there: its standing and occupancy are those [without](Occupancy::without) it.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::standing::Standing;
use crate::domain::course::{Lab, Pool, Strictness};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;

mod rules;
mod violation;

pub use violation::{Number, Violation};

/// Everything that a decision about one person, lab and moment needs.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The lab that the slot is for, with the person's own terms.
    pub lab: &'a Lab,
    /// The lab's pool.
    pub pool: &'a Pool,
    /// The course's zone.
    pub zone: Tz,
    /// How the person stands to the lab.
    pub standing: &'a Standing,
    /// What the pool holds, at least over [`span_to_know`] of the slot that is judged.
    pub occupancy: &'a Occupancy,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// The span over which occupancy must be known to judge `slot`: what it would hold, and around that as far as a gap is
/// looked for.
pub fn span_to_know(lab: &Lab, pool: &Pool, slot: &Interval) -> Interval {
    let held = pool.held(slot);
    let around = lab.policy.gaps.map_or(TimeDelta::zero(), |gaps| gaps.shortest());
    Interval::new(pool.floor(held.start()) - around, pool.ceil(held.end()) + around).unwrap_or(held)
}

/// Every rule that `slot` breaks as a booking; none means that it is accepted.
pub fn judge(case: &Case<'_>, slot: &Interval) -> Vec<Violation> {
    let held = case.pool.held(slot);
    [
        rules::not_enrolled(case),
        rules::off_grid(case, slot),
        rules::bad_length(case, slot),
        rules::in_past(case, slot),
        rules::not_open(case, slot),
        rules::past_due(case, slot),
        rules::past_term(case, slot),
        rules::too_far(case, slot),
        rules::wrong_day(case, slot),
        rules::over_cap(case, slot),
        rules::over_budget(case, slot),
        rules::over_bookings(case, slot),
        rules::over_su(case, slot),
        rules::stacked(case, slot),
        rules::closed(case, &held),
        rules::overlap(case, slot),
        rules::other_part(case, slot),
        rules::too_many_ahead(case),
        rules::too_many_far(case, slot),
        rules::full(case, &held),
        rules::gap(case, &held, Strictness::Refuse),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a rule is broken that looks at no slot: then none is accepted.
pub fn refuses_all(case: &Case<'_>) -> bool {
    rules::not_enrolled(case).is_some() || rules::too_many_ahead(case).is_some()
}

/// Every rule that is broken if the booking of `slot`, which the case is without, ends at `new_end`, later than now, instead.
/// A weekday rule judges the start, which stays.
pub fn judge_extension(case: &Case<'_>, slot: &Interval, new_end: DateTime<Utc>) -> Vec<Violation> {
    let Some(whole) = Interval::new(slot.start(), new_end).filter(|whole| whole.end() > slot.end()) else {
        return vec![rules::off_grid_here(case)];
    };
    let added = case.pool.added(slot, new_end);
    let over = (slot.end() <= case.now).then_some(Violation::InPast { now: case.now });
    [
        rules::not_enrolled(case),
        rules::off_grid(case, &whole),
        rules::bad_length(case, &whole),
        over,
        rules::past_due(case, &whole),
        rules::past_term(case, &whole),
        rules::over_cap(case, &whole),
        rules::over_budget(case, &whole),
        rules::over_su(case, &whole),
        rules::stacked(case, &whole),
        added.and_then(|added| rules::closed(case, &added)),
        rules::overlap(case, &whole),
        rules::other_part(case, &whole),
        added.and_then(|added| rules::full(case, &added)),
        rules::gap(case, &case.pool.held(&whole), Strictness::Refuse),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every rule that is broken if the booking of `slot`, which the case is without, ends at `new_end`, earlier than now,
/// instead. Giving time back breaks no rule about time that is had; the rest has to be a slot still.
pub fn judge_shortening(case: &Case<'_>, slot: &Interval, new_end: DateTime<Utc>) -> Vec<Violation> {
    let Some(rest) = Interval::new(slot.start(), new_end).filter(|rest| rest.end() < slot.end()) else {
        return vec![rules::off_grid_here(case)];
    };
    let over = (new_end <= case.now).then_some(Violation::InPast { now: case.now });
    [
        rules::off_grid(case, &rest),
        rules::bad_length(case, &rest),
        over,
        rules::gap(case, &case.pool.held(&rest), Strictness::Refuse),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the student should know of a slot that is accepted all the same.
pub fn warnings(case: &Case<'_>, slot: &Interval) -> Vec<Violation> {
    rules::gap(case, &case.pool.held(slot), Strictness::Warn).into_iter().collect()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod properties;
