//! Since when objects are without use, as sweeps have seen it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::marks::read_kind;
use super::schema::idle_objects;
use super::types::Ts;
use crate::domain::blueprint::Kind;
use crate::domain::ids::SiteId;
use crate::domain::marked::Idle;

/// More idle objects than there ever are: of every site every object.
const MOST: i64 = 200_000;

/// How many objects one statement is about: SQLite takes no more values at a time.
const AT_ONCE: usize = 500;

/// What nothing uses, site by site.
pub fn idle(conn: &mut Conn<'_>) -> Result<BTreeMap<SiteId, Idle>, DbError> {
    let rows: Vec<(String, String, String, Ts)> = on!(conn, |c| idle_objects::table.limit(MOST).load(c))?;
    let mut idle: BTreeMap<SiteId, Idle> = BTreeMap::new();
    for (site, kind, site_ref, since) in rows {
        let site = site.parse().map_err(DbError::corrupt)?;
        idle.entry(site).or_default().insert((read_kind(&kind)?, site_ref), since.0);
    }
    Ok(idle)
}

/// Makes what is remembered of a site `now` what was `before`: only what differs is written. Says how many rows that took.
pub fn save_idle(conn: &mut Conn<'_>, site: &SiteId, before: &Idle, now: &Idle) -> Result<usize, DbError> {
    let differs = |one: &Idle, other: &Idle| -> Vec<(Kind, String, DateTime<Utc>)> {
        let those = one.iter().filter(|(key, since)| other.get(*key) != Some(*since));
        those.map(|((kind, site_ref), since)| (*kind, site_ref.clone(), *since)).collect()
    };
    let (old, new) = (differs(before, now), differs(now, before));
    let mut gone: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    for (kind, site_ref, _) in &old {
        gone.entry(*kind).or_default().push(site_ref);
    }
    for (kind, refs) in gone {
        for some in refs.chunks(AT_ONCE) {
            on!(conn, |c| diesel::delete(idle_objects::table)
                .filter(idle_objects::site_id.eq(site.as_str()))
                .filter(idle_objects::kind.eq(kind.word()))
                .filter(idle_objects::site_ref.eq_any(some))
                .execute(c))?;
        }
    }
    for some in new.chunks(AT_ONCE) {
        let rows: Vec<_> = some
            .iter()
            .map(|(kind, site_ref, since)| {
                (
                    idle_objects::site_id.eq(site.as_str()),
                    idle_objects::kind.eq(kind.word()),
                    idle_objects::site_ref.eq(site_ref),
                    idle_objects::since.eq(Ts(*since)),
                )
            })
            .collect();
        on!(conn, |c| diesel::insert_into(idle_objects::table)
            .values(&rows)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(old.len() + new.len())
}
