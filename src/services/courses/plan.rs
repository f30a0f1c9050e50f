//! What applying a course file would do, told before it is done.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ApplyError, refuse_what_is_in_use};
use crate::db::{self, Conn, DbError};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::course::{Course, Lab};
use crate::domain::exception::Exception;
use crate::domain::ids::{BookingId, LabId, NetId, PersonId};
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Parity;
use crate::policy::admission::{self, Case, Violation};
use crate::policy::exceptions;
use crate::policy::standing::Standing;

/// What applying a course would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What is stored and would be another: `lab.k8s.policy.cap_minutes: 480 -> 360`.
    pub changes: Vec<String>,
    /// Live bookings that would not be accepted under the new rules. They stay all the same.
    pub affected: Vec<Affected>,
}

/// A live booking that the new rules would not accept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// The booking.
    pub booking: BookingId,
    /// Whose it is.
    pub net_id: NetId,
    /// Its lab.
    pub lab: LabId,
    /// Its slot, in words.
    pub slot: String,
    /// Every rule that it would break and does not break now, in sentences.
    pub why: Vec<String>,
}

/// How many live bookings a plan looks at.
const MOST_BOOKINGS: i64 = 10_000;

/// What [`apply`] would do with the course. Refuses what it would refuse; changes nothing.
pub fn plan(conn: &mut Conn<'_>, course: &Course) -> Result<Plan, ApplyError> {
    refuse_what_is_in_use(conn, course)?;
    let filed = db::filed_course(conn)?;
    let before = filed.as_ref().map_or(Value::Null, outline);
    let mut changes = Vec::new();
    differences("", &before, &outline(course), &mut changes);
    let known = filed.map(|filed| db::amended(conn, filed)).transpose()?;
    let course = &db::amended(conn, course.clone())?;
    let live = db::live_bookings_ending(conn, DateTime::<Utc>::MAX_UTC, MOST_BOOKINGS)?;
    let people = People::load(conn, &live)?;
    let affected = live.iter().filter_map(|(booking, net_id)| {
        let why = people.why(known.as_ref(), course, booking, net_id);
        (!why.is_empty()).then(|| Affected {
            booking: booking.id.clone(),
            net_id: net_id.clone(),
            lab: booking.lab.clone(),
            slot: calendar::span(course.zone, &booking.slot),
            why,
        })
    });
    let affected = affected.collect();
    Ok(Plan { changes, affected })
}

/// The course as its tables and keys, for comparing.
fn outline(course: &Course) -> Value {
    let by_id = |entries: Vec<(&str, Value)>| {
        Value::Object(entries.into_iter().map(|(id, value)| (id.to_owned(), value)).collect())
    };
    json!({
        "course": {
            "id": course.id,
            "title": course.title,
            "zone": course.zone.name(),
            "contact": course.contact,
            "term": course.term,
        },
        "reaper": course.reaper,
        "fair_share": course.fair_share,
        "waitlist": course.waitlist,
        "site": by_id(course.sites.iter().map(|site| (site.id.as_str(), json!(site))).collect()),
        "pool": by_id(course.pools.iter().map(|pool| (pool.id.as_str(), json!(pool))).collect()),
        "lab": by_id(course.labs.iter().map(|lab| (lab.id.as_str(), lab_outline(lab))).collect()),
    })
}

/// The term is the course's: it is told there once.
fn lab_outline(lab: &Lab) -> Value {
    json!(Lab { term: None, term_end: None, deferred: None, outages: Vec::new(), ..lab.clone() })
}

fn differences(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let side = |side: &Map<String, Value>| side.get(key).cloned().unwrap_or(Value::Null);
                differences(&below(key), &side(before), &side(after), found);
            }
        }
        (before, after) if before == after => {}
        (Value::Null, Value::Object(_)) => found.push(format!("{path} is new").trim_start().to_owned()),
        (Value::Object(_), Value::Null) => found.push(format!("{path} is no longer there")),
        (before, after) => found.push(format!("{path}: {before} -> {after}")),
    }
}

/// What the people with live bookings have and had, and what staff granted them.
struct People {
    bookings: BTreeMap<PersonId, Vec<Booking>>,
    exceptions: BTreeMap<PersonId, Vec<Exception>>,
}

impl People {
    fn load(conn: &mut Conn<'_>, live: &[(Booking, NetId)]) -> Result<Self, DbError> {
        let people: BTreeSet<&PersonId> = live.iter().map(|(booking, _)| &booking.person).collect();
        let people: Vec<&PersonId> = people.into_iter().collect();
        let mut loaded = Self { bookings: BTreeMap::new(), exceptions: BTreeMap::new() };
        for booking in db::bookings_of_people(conn, &people)? {
            loaded.bookings.entry(booking.person.clone()).or_default().push(booking);
        }
        for exception in db::exceptions_of_people(conn, &people)? {
            loaded.exceptions.entry(exception.person.clone()).or_default().push(exception);
        }
        Ok(loaded)
    }

    /// What stands against the booking by the new course and does not by the one before, in sentences.
    fn why(&self, before: Option<&Course>, after: &Course, booking: &Booking, net_id: &NetId) -> Vec<String> {
        let Some(broken) = self.broken(after, booking, net_id) else {
            return vec![format!("The course has no lab {} any more.", booking.lab)];
        };
        let known = before.and_then(|before| self.broken(before, booking, net_id)).unwrap_or_default();
        broken.iter().filter(|it| !known.contains(it)).map(|it| it.sentence(after.zone)).collect()
    }

    /// Judged as of its start, since what is over or far ahead now was accepted when it was made, and by the exceptions that
    /// held then. Nothing if the course has no such lab.
    fn broken(&self, course: &Course, booking: &Booking, net_id: &NetId) -> Option<Vec<Violation>> {
        let lab = course.labs.iter().find(|lab| lab.id == booking.lab)?;
        let pool = course.pools.iter().find(|pool| pool.id == lab.pool)?;
        let of = |person| self.exceptions.get(person).map_or(&[][..], Vec::as_slice);
        let terms = exceptions::terms(lab, Parity::of(net_id), of(&booking.person), booking.created_at);
        let bookings = self.bookings.get(&booking.person).map_or(&[][..], Vec::as_slice);
        let standing =
            Standing::blank(terms.parity).with(&terms.lab, course.zone, bookings, Some(&booking.id));
        let case = Case {
            lab: &terms.lab,
            pool,
            zone: course.zone,
            standing: &standing,
            occupancy: &Occupancy::default(),
            now: booking.slot.start(),
        };
        Some(admission::judge(&case, &booking.slot))
    }
}
