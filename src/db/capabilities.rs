//! What sites were found to be able to do, or not.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::site_capabilities;
use super::types::Ts;
use crate::domain::capability::{Capability, Experience};
use crate::domain::ids::SiteId;

type Row = (String, String, Ts, Ts, Option<String>);

const WORKS: &str = "works";
const REFUSED: &str = "refused";

fn read((site, outcome, since, last, said): Row) -> Result<(SiteId, Experience), DbError> {
    let works = match outcome.as_str() {
        WORKS => true,
        REFUSED => false,
        other => return Err(DbError::corrupt(format!("what site {site} can do: {other}"))),
    };
    let site = site.parse().map_err(DbError::corrupt)?;
    Ok((site, Experience { works, since: since.0, last: last.0, words: said }))
}

macro_rules! columns {
    () => {
        (
            site_capabilities::site_id,
            site_capabilities::outcome,
            site_capabilities::since,
            site_capabilities::last_at,
            site_capabilities::words,
        )
    };
}

/// What the site made of it; nothing if it was not asked yet.
pub fn experience(conn: &mut Conn<'_>, site: &SiteId, of: Capability) -> Result<Option<Experience>, DbError> {
    let row: Option<Row> = on!(conn, |c| site_capabilities::table
        .find((site.as_str(), of.word()))
        .select(columns!())
        .first(c)
        .optional())?;
    Ok(row.map(read).transpose()?.map(|(_, experience)| experience))
}

/// What each site made of it that was asked.
pub fn experiences(conn: &mut Conn<'_>, of: Capability) -> Result<BTreeMap<SiteId, Experience>, DbError> {
    let rows: Vec<Row> = on!(conn, |c| site_capabilities::table
        .filter(site_capabilities::capability.eq(of.word()))
        .select(columns!())
        .load(c))?;
    rows.into_iter().map(read).collect()
}

/// Writes what the site made of it, over what was known before.
pub fn save_experience(
    conn: &mut Conn<'_>,
    site: &SiteId,
    of: Capability,
    experience: &Experience,
) -> Result<(), DbError> {
    let found = (
        site_capabilities::outcome.eq(if experience.works { WORKS } else { REFUSED }),
        site_capabilities::since.eq(Ts(experience.since)),
        site_capabilities::last_at.eq(Ts(experience.last)),
        site_capabilities::words.eq(&experience.words),
    );
    on!(conn, |c| diesel::insert_into(site_capabilities::table)
        .values((
            site_capabilities::site_id.eq(site.as_str()),
            site_capabilities::capability.eq(of.word()),
            found,
        ))
        .on_conflict((site_capabilities::site_id, site_capabilities::capability))
        .do_update()
        .set(found)
        .execute(c))?;
    Ok(())
}

/// Forgets what the site made of it: it is asked again. False if nothing was known.
pub fn forget_experience(conn: &mut Conn<'_>, site: &SiteId, of: Capability) -> Result<bool, DbError> {
    let forgotten =
        on!(conn, |c| diesel::delete(site_capabilities::table.find((site.as_str(), of.word()))).execute(c))?;
    Ok(forgotten > 0)
}
