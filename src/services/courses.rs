//! Applying a course file.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::explain;

use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::course::{Course, Lab, Pool, Site};
use crate::domain::ids::{BookingId, LabId, NetId};

/// Why a course can't be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Units are held by grid cell, and resources are where they were made: what live bookings stand on stays.
    #[error(
        "{key}: it can't change from {from} to {to} while {live} live bookings stand on it: wait until they have ended"
    )]
    InUse {
        /// The key in the course file.
        key: String,
        /// What it was.
        from: String,
        /// What it was to be.
        to: String,
        /// Live bookings, and those whose resources are being deleted.
        live: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for ApplyError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// Makes the course in the database what the file says, and gives cells from now on the capacities that their pools have then.
pub fn apply(conn: &mut Conn<'_>, course: &Course, now: DateTime<Utc>) -> Result<(), ApplyError> {
    refuse_what_is_in_use(conn, course)?;
    db::save_course(conn, course)?;
    db::lock_occupancy(conn)?;
    for pool in &course.pools {
        db::set_capacity(conn, pool, pool.floor(now))?;
    }
    for site in &course.sites {
        db::set_site_capacity(conn, site, now - LONGEST_CELL)?;
    }
    Ok(())
}

/// Whatever a pool's grid is, its current cell started within it.
const LONGEST_CELL: TimeDelta = TimeDelta::hours(1);

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
    /// Every rule that it would break, in sentences.
    pub why: Vec<String>,
}

/// How many live bookings a plan looks at.
const MOST_BOOKINGS: i64 = 10_000;

/// What [`apply`] would do with the course. Refuses what it would refuse; changes nothing.
pub fn plan(conn: &mut Conn<'_>, course: &Course) -> Result<Plan, ApplyError> {
    refuse_what_is_in_use(conn, course)?;
    let known = db::course(conn)?;
    let before = known.as_ref().map_or(Value::Null, outline);
    let mut changes = Vec::new();
    differences("", &before, &outline(course), &mut changes);
    let live = db::live_bookings_ending(conn, DateTime::<Utc>::MAX_UTC, MOST_BOOKINGS)?;
    let affected = live.iter().filter_map(|(booking, net_id)| affected(course, booking, net_id)).collect();
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
        "site": by_id(course.sites.iter().map(|site| (site.id.as_str(), json!(site))).collect()),
        "pool": by_id(course.pools.iter().map(|pool| (pool.id.as_str(), json!(pool))).collect()),
        "lab": by_id(course.labs.iter().map(|lab| (lab.id.as_str(), lab_outline(lab))).collect()),
    })
}

/// The term is the course's: it is told there once.
fn lab_outline(lab: &Lab) -> Value {
    json!(Lab { term: None, term_end: None, ..lab.clone() })
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

/// Judged as of its start, since what is over or far ahead now was accepted when it was made.
fn affected(course: &Course, booking: &Booking, net_id: &NetId) -> Option<Affected> {
    let why = match explain::by_the_rules(course, net_id, &booking.lab, &booking.slot, booking.slot.start()) {
        Some(refusal) => refusal.violations.iter().map(|it| it.sentence(refusal.zone)).collect(),
        None => vec![format!("The course has no lab {} any more.", booking.lab)],
    };
    let told = Affected {
        booking: booking.id.clone(),
        net_id: net_id.clone(),
        lab: booking.lab.clone(),
        slot: calendar::span(course.zone, &booking.slot),
        why,
    };
    (!told.why.is_empty()).then_some(told)
}

fn refuse_what_is_in_use(conn: &mut Conn<'_>, course: &Course) -> Result<(), ApplyError> {
    for site in &course.sites {
        keep_site(conn, site)?;
        keep_one_grid(conn, course, site)?;
    }
    course.pools.iter().try_for_each(|pool| keep_pool(conn, pool))
}

fn keep_pool(conn: &mut Conn<'_>, pool: &Pool) -> Result<(), ApplyError> {
    let Some(known) = db::known_pool(conn, &pool.id)? else { return Ok(()) };
    let key = |key: &str| format!("pool.{}.{key}", pool.id);
    let live = |conn: &mut Conn<'_>| db::unended_bookings_in_pools(conn, std::slice::from_ref(&pool.id));
    unless_in_use(conn, key("grid_minutes"), &known.grid_minutes, &pool.grid_minutes, live)?;
    unless_in_use(
        conn,
        key("end_margin_minutes"),
        &known.end_margin_minutes,
        &pool.end_margin_minutes,
        live,
    )?;
    let named = |pool: &Pool| if pool.nodes.is_empty() { "units without names" } else { "named nodes" };
    unless_in_use(conn, key("nodes"), &named(&known), &named(pool), live)?;
    unless_in_use(conn, key("cleaning_minutes"), &known.cleaning_minutes, &pool.cleaning_minutes, live)?;
    unless_in_use(conn, key("site"), &known.site, &pool.site, live)
}

fn keep_site(conn: &mut Conn<'_>, site: &Site) -> Result<(), ApplyError> {
    let Some(known) = db::sites(conn)?.into_iter().find(|known| known.id == site.id) else { return Ok(()) };
    let key = |key: &str| format!("site.{}.{key}", site.id);
    let live = |conn: &mut Conn<'_>| {
        let pools = db::pools_of_site(conn, &site.id)?;
        db::unended_bookings_in_pools(conn, &pools)
    };
    unless_in_use(conn, key("leases"), &known.leases, &site.leases, live)?;
    unless_in_use(conn, key("cloud"), &known.cloud, &site.cloud, live)
}

/// A site that bounds its pools counts what they hold by cells of one grid: that of a pool which the file no longer has, too,
/// while bookings stand on it.
fn keep_one_grid(conn: &mut Conn<'_>, course: &Course, site: &Site) -> Result<(), ApplyError> {
    let grid = course.pools.iter().find(|pool| pool.site == site.id).map(|pool| pool.grid_minutes);
    let (Some(_), Some(grid)) = (site.capacity, grid) else { return Ok(()) };
    for id in db::pools_of_site(conn, &site.id)? {
        if !course.pools.iter().any(|pool| pool.id == id) {
            let known = db::pool(conn, &id)?;
            let live = |conn: &mut Conn<'_>| db::unended_bookings_in_pools(conn, std::slice::from_ref(&id));
            unless_in_use(conn, format!("pool.{id}.grid_minutes"), &known.grid_minutes, &grid, live)?;
        }
    }
    Ok(())
}

fn unless_in_use<T: PartialEq + ToString>(
    conn: &mut Conn<'_>,
    key: String,
    from: &T,
    to: &T,
    live: impl Fn(&mut Conn<'_>) -> Result<i64, DbError>,
) -> Result<(), ApplyError> {
    if from == to {
        return Ok(());
    }
    match live(conn)? {
        0 => Ok(()),
        live => Err(ApplyError::InUse { key, from: from.to_string(), to: to.to_string(), live }),
    }
}
