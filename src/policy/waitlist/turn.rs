//! Whose turn it is, and what they are offered.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{offer, order};
use crate::domain::course::{Lab, Pool};
use crate::domain::fair_share::WaitlistPolicy;
use crate::domain::ids::{PoolId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::waitlist::{Asked, Wait, WaitState};
use crate::policy::admission::{self, Case, Violation};
use crate::policy::search::{self, Wanted};
use crate::policy::standing::Standing;

/// Someone who waits, with all that it takes to judge what they may have.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The wait.
    pub wait: &'a Wait,
    /// Its priority as of now.
    pub priority: order::Priority,
    /// The lab, with the person's own terms.
    pub lab: &'a Lab,
    /// Its pool.
    pub pool: &'a Pool,
    /// The course's zone.
    pub zone: Tz,
    /// How the person stands to the lab.
    pub standing: &'a Standing,
}

impl<'a> Candidate<'a> {
    /// What candidates are sorted by: the least comes first.
    fn key(&self) -> impl Ord + use<'a> {
        order::key(&self.priority, self.wait.joined_at, &self.wait.id)
    }
}

/// Who comes next, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which of the candidates, as they were listed.
    pub index: usize,
    /// The slot.
    pub slot: Interval,
    /// How they get it.
    pub how: How,
}

/// How a waiter gets a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is booked at once, as they wished beforehand.
    AtOnce,
    /// It is offered.
    Offered {
        /// Until when the offer stands.
        until: DateTime<Utc>,
        /// When its mail is sent.
        tell_at: DateTime<Utc>,
    },
}

/// The first in line for whom there is a slot, and their soonest. Those who have an offer, or don't wait any more, are passed
/// over, and so are those of whose pool no occupancy is given; it must be known over [`span_to_know`] of each of the others.
///
/// One is found at a time: what it holds, and what it is charged, may change the next turn. `passed_over` are not asked, and
/// whoever can have nothing is added to them: as long as only less becomes free, that stays so.
pub fn next(
    candidates: &[Candidate<'_>],
    occupancies: &BTreeMap<PoolId, Occupancy>,
    now: DateTime<Utc>,
    policy: &WaitlistPolicy,
    passed_over: &mut BTreeSet<WaitId>,
) -> Option<Turn> {
    let waits =
        |it: &Candidate<'_>| it.wait.state == WaitState::Waiting && !passed_over.contains(&it.wait.id);
    let waiting = candidates.iter().enumerate().filter(|(_, it)| waits(it));
    let mut line: Vec<(usize, &Candidate<'_>)> = waiting.collect();
    line.sort_by(|(_, one), (_, other)| one.key().cmp(&other.key()));
    line.into_iter().find_map(|(index, candidate)| {
        let occupancy = occupancies.get(&candidate.pool.id)?;
        let found = soonest(candidate, occupancy, now, policy);
        if found.is_none() {
            passed_over.insert(candidate.wait.id.clone());
        }
        found.map(|(slot, how)| Turn { index, slot, how })
    })
}

/// The soonest slot that this one may have, and how: as long as was asked for, within one of the windows, legal, not passed
/// before, and with time to answer if it is to be offered.
pub fn soonest(
    candidate: &Candidate<'_>,
    occupancy: &Occupancy,
    now: DateTime<Utc>,
    policy: &WaitlistPolicy,
) -> Option<(Interval, How)> {
    let Candidate { wait, lab, pool, zone, standing, .. } = *candidate;
    let case = Case { lab, pool, zone, standing, occupancy, now };
    if admission::refuses_all(&case) {
        return None;
    }
    wanted(&wait.asked).iter().find_map(|wanted| {
        // What is full is most of what is looked at, and is told with a few look-ups.
        let room = |slot: &Interval| occupancy.least_free(pool, &pool.held(slot)) >= lab.units;
        let fresh = wanted.slots(&case).filter(|slot| room(slot) && !was_passed(wait, slot));
        let mut legal = fresh.filter(|slot| admission::judge(&case, slot).is_empty());
        legal.find_map(|slot| Some((slot, how(&case, &wait.asked, &slot, policy)?)))
    })
}

/// The first `count` slots that are asked for and free and legal now: for these nobody has to wait.
pub fn free(case: &Case<'_>, asked: &Asked, count: usize) -> Vec<Interval> {
    let slots = wanted(asked).into_iter();
    slots.flat_map(|wanted| search::first(case, &wanted, count, TimeDelta::zero())).take(count).collect()
}

fn was_passed(wait: &Wait, slot: &Interval) -> bool {
    wait.passed.iter().any(|passed| passed.start() == slot.start())
}

fn how(case: &Case<'_>, asked: &Asked, slot: &Interval, policy: &WaitlistPolicy) -> Option<How> {
    if asked.auto_accept {
        return Some(How::AtOnce);
    }
    let held_from = case.pool.held(slot).start();
    let until = offer::deadline(policy, case.zone, case.now, held_from)?;
    Some(How::Offered { until, tell_at: offer::tell_at(policy, case.zone, case.now, held_from) })
}

/// What is looked for, window by window.
fn wanted(asked: &Asked) -> Vec<Wanted> {
    let within = |window: Option<&Interval>| Wanted {
        length: asked.length(),
        earliest: window.map(Interval::start),
        latest: window.map(Interval::end),
        days: None,
        hours: None,
    };
    if asked.windows.is_empty() {
        return vec![within(None)];
    }
    asked.windows.iter().map(|window| within(Some(window))).collect()
}

/// The span over which the pool's occupancy must be known to find a slot; nothing if there is none to look at any more.
pub fn span_to_know(asked: &Asked, lab: &Lab, pool: &Pool, now: DateTime<Utc>) -> Option<Interval> {
    let spans = wanted(asked).into_iter().filter_map(|wanted| wanted.span_to_know(lab, pool, now));
    spans.reduce(|one, other| {
        Interval::new(one.start().min(other.start()), one.end().max(other.end())).unwrap_or(one)
    })
}

/// Why no slot that is asked for can ever come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Never {
    /// Each breaks rules that don't come of what is booked at present. These are those of the slot that breaks the fewest,
    /// the soonest of such.
    Against(Vec<Violation>),
    /// No window is as long as the slot.
    NoRoom,
}

/// Whether some slot that is asked for would be legal at some time if nothing were booked: else there is nothing to wait for.
/// What is too far ahead comes nearer.
pub fn could_ever(case: &Case<'_>, asked: &Asked) -> Result<(), Never> {
    least_against(case, asked, |it| !it.is_contention() && !matches!(it, Violation::TooFar { .. }))
}

/// Whether nothing that is asked for can come any more, whatever the person or others release: it is past, due, or not
/// theirs. A budget that is used up is not the end, since what is released is given back.
pub fn is_over(case: &Case<'_>, asked: &Asked) -> bool {
    let lasting = |it: &Violation| {
        let passing = matches!(
            it,
            Violation::TooFar { .. }
                | Violation::OverBudget { .. }
                | Violation::OverBookings { .. }
                | Violation::OverSu { .. }
        );
        !passing && !it.is_contention()
    };
    least_against(case, asked, lasting).is_err()
}

fn least_against(case: &Case<'_>, asked: &Asked, counts: impl Fn(&Violation) -> bool) -> Result<(), Never> {
    let empty = Occupancy::default();
    let case = Case { occupancy: &empty, ..*case };
    let wanted = wanted(asked);
    let slots = wanted.iter().flat_map(|wanted| wanted.slots(&case));
    let first = wanted.iter().filter_map(|wanted| first_of(&case, wanted));
    let mut least: Option<Vec<Violation>> = None;
    for slot in slots.chain(first) {
        let against: Vec<_> = admission::judge(&case, &slot).into_iter().filter(&counts).collect();
        if against.is_empty() {
            return Ok(());
        }
        if least.as_ref().is_none_or(|least| against.len() < least.len()) {
            least = Some(against);
        }
    }
    Err(least.map_or(Never::NoRoom, Never::Against))
}

/// The first slot of the grid in a window, past or not, so that there is one to be told of.
fn first_of(case: &Case<'_>, wanted: &Wanted) -> Option<Interval> {
    let start = case.pool.ceil(wanted.earliest.unwrap_or(case.now));
    let slot = Interval::new(start, start + wanted.length)?;
    wanted.latest.is_none_or(|latest| slot.end() <= latest).then_some(slot)
}

/// The latest instant at which a slot that is asked for may start; nothing if that is open.
pub fn last_start(asked: &Asked, lab: &Lab, pool: &Pool) -> Option<DateTime<Utc>> {
    let windows = asked.windows.iter().map(Interval::end).max();
    let latest = [windows, lab.closes(pool)].into_iter().flatten().min()?;
    Some(latest - asked.length())
}

/// Whether two waits for one pool may come to want the same time.
pub fn compete(one: &Asked, other: &Asked) -> bool {
    let any = one.windows.is_empty() || other.windows.is_empty();
    any || one.windows.iter().any(|window| other.windows.iter().any(|it| it.overlaps(window)))
}

#[cfg(test)]
mod tests;
