//! A later end for a booking that has begun: how far it may go, and what stands against it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{BookingError, other_ends, place_without};
use crate::db::{self, Conn, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::interval::Interval;
use crate::domain::person::Person;
use crate::domain::resource::Resource;
use crate::policy::admission::{self, Violation};
use crate::services::extending;

/// By how much a mail offers to extend.
const OFFERED: TimeDelta = TimeDelta::hours(1);

/// Whether a booking can be extended at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::services) enum Extension {
    /// It can, up to this end: an hour later, or as near to that as the rules, the room and the grid allow.
    To(DateTime<Utc>),
    /// It is to have this other end already.
    Asked(DateTime<Utc>),
    /// These rules stand against even the nearest later end.
    No(Vec<Violation>),
}

/// How far the person's booking can be extended by a link.
pub(in crate::services) fn extension(
    conn: &mut Conn<'_>,
    person: &Person,
    booking: &Booking,
    resources: &[Resource],
    now: DateTime<Utc>,
) -> Result<Extension, BookingError> {
    if let Some(end) = booking.wanted_end {
        return Ok(Extension::Asked(end));
    }
    let later = other_ends(conn, person, booking, resources, now)?.later;
    let hour = booking.slot.end() + OFFERED;
    let within = later.iter().take_while(|end| **end <= hour).last();
    // On a grid of more than an hour the nearest end is further.
    if let Some(end) = within.or(later.first()) {
        return Ok(Extension::To(*end));
    }
    let grid = db::pool(conn, &booking.pool)?.grid();
    Ok(Extension::No(against_end(conn, person, booking, resources, booking.slot.end() + grid, now)?))
}

/// Every rule that stands against this later end of the person's booking.
pub(in crate::services) fn against_end(
    conn: &mut Conn<'_>,
    person: &Person,
    booking: &Booking,
    resources: &[Resource],
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Violation>, BookingError> {
    let whole = Interval::new(booking.slot.start(), end).unwrap_or(booking.slot);
    let span = |setting: &LabSetting| admission::span_to_know(&setting.lab, &setting.pool, &whole);
    let (situation, occupancy) = place_without(conn, person, booking, span, now)?;
    let mut violations = admission::judge_extension(&situation.case(&occupancy, now), &booking.slot, end);
    violations.extend(extending::refusal(conn, booking, resources, now)?);
    Ok(violations)
}
