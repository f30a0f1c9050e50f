//! What the rules say of a slot, for people and programs: the page, the API and the command line give the same.

use std::collections::BTreeMap;
use std::convert::Infallible;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::booking::Refusal;
use crate::domain::calendar;
use crate::domain::course::Course;
use crate::domain::ids::{LabId, NetId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Parity;
use crate::policy::admission::{self, Case, Number, Violation};
use crate::policy::availability;
use crate::policy::standing::Standing;

/// What the rules make of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It would be accepted.
    Accepted {
        /// What the student should know of it all the same.
        warnings: Vec<Violation>,
        /// The course's zone, for the sentences.
        zone: Tz,
    },
    /// It would not.
    Refused(Refusal),
}

/// Whether a slot is accepted, and if not why, and what would be. Instants carry the zone's offset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Whether it is.
    pub accepted: bool,
    /// Every rule that it breaks.
    pub violations: Vec<Broken>,
    /// What to know of it, although it is accepted.
    pub warnings: Vec<Broken>,
    /// The nearest slots that would be accepted, nearest first.
    pub nearest: Vec<Slot>,
}

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Broken {
    /// Its stable code.
    pub code: &'static str,
    /// What is wrong and what would be right, in a sentence.
    pub message: String,
    /// The numbers of it, by name.
    #[serde(flatten)]
    pub numbers: BTreeMap<&'static str, Number>,
}

/// A slot, in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// Its start.
    pub start: String,
    /// Its end.
    pub end: String,
}

impl Explanation {
    /// That of a judgement.
    pub fn of(judgement: &Judgement) -> Self {
        match judgement {
            Judgement::Accepted { warnings, zone } => Self {
                accepted: true,
                violations: Vec::new(),
                warnings: all_broken(warnings, *zone),
                nearest: Vec::new(),
            },
            Judgement::Refused(refusal) => Self::of_refusal(refusal),
        }
    }

    /// That of a refusal.
    pub fn of_refusal(refusal: &Refusal) -> Self {
        Self {
            accepted: false,
            violations: all_broken(&refusal.violations, refusal.zone),
            warnings: Vec::new(),
            nearest: refusal.nearest.iter().map(|slot| Slot::of(slot, refusal.zone)).collect(),
        }
    }
}

fn all_broken(violations: &[Violation], zone: Tz) -> Vec<Broken> {
    violations.iter().map(|it| Broken::of(it, zone)).collect()
}

impl Broken {
    /// The rule with times in `zone`.
    pub fn of(violation: &Violation, zone: Tz) -> Self {
        let numbers = violation.numbers(zone).into_iter().collect();
        Self { code: violation.code(), message: violation.sentence(zone), numbers }
    }
}

impl Slot {
    /// The slot with the offset of `zone`.
    pub fn of(slot: &Interval, zone: Tz) -> Self {
        Self { start: calendar::rfc3339(zone, slot.start()), end: calendar::rfc3339(zone, slot.end()) }
    }
}

/// What a course's rules alone say of a slot for someone with this net ID and nothing booked, on pools that are empty.
/// Nothing if the course has no such lab.
pub fn by_the_rules(
    course: &Course,
    net_id: &NetId,
    lab: &LabId,
    slot: &Interval,
    now: DateTime<Utc>,
) -> Option<Judgement> {
    let lab = course.labs.iter().find(|known| known.id == *lab)?;
    let pool = course.pools.iter().find(|pool| pool.id == lab.pool)?;
    let occupancy = Occupancy::default();
    let standing = Standing::blank(Parity::of(net_id));
    let case = Case { lab, pool, zone: course.zone, standing: &standing, occupancy: &occupancy, now };
    let nearest = || Ok::<_, Infallible>(availability::nearest(&case, slot, 3));
    judged(&case, slot, admission::judge(&case, slot), nearest).ok()
}

/// The judgement of a slot that breaks these rules; what would be accepted instead is looked for only if it is refused.
pub(super) fn judged<E>(
    case: &Case<'_>,
    slot: &Interval,
    violations: Vec<Violation>,
    nearest: impl FnOnce() -> Result<Vec<Interval>, E>,
) -> Result<Judgement, E> {
    let zone = case.zone;
    if violations.is_empty() {
        return Ok(Judgement::Accepted { warnings: admission::warnings(case, slot), zone });
    }
    Ok(Judgement::Refused(Refusal { violations, nearest: nearest()?, zone }))
}
