//! The course with its sites, pools and labs. Definitions are JSON of the domain's own types.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::upsert::excluded;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::DbError;
use super::connection::{Conn, on};
use super::deferrals::Amendments;
use super::schema::{courses, labs, pools, sites};
use crate::domain::course::{Course, Lab, Pool, Site};
use crate::domain::fair_share::{FairSharePolicy, WaitlistPolicy};
use crate::domain::ids::{CourseId, LabId, PoolId, SiteId};
use crate::domain::reaper::ReaperPolicy;

fn json(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(DbError::corrupt)
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(DbError::corrupt)
}

/// Writes the course as given, over what was there. Sites, pools and labs that it no longer has stay in the tables,
/// since bookings refer to them; a lab that is not in the newest file is no longer listed.
pub fn save_course(conn: &mut Conn<'_>, course: &Course) -> Result<(), DbError> {
    let row = (
        courses::id.eq(course.id.as_str()),
        courses::title.eq(&course.title),
        courses::zone.eq(course.zone.name()),
        courses::contact.eq(&course.contact),
        courses::term.eq(course.term.as_ref().map(json).transpose()?),
        courses::reaper.eq(json(&course.reaper)?),
        courses::fair_share.eq(json(&course.fair_share)?),
        courses::waitlist.eq(json(&course.waitlist)?),
    );
    on!(conn, |c| diesel::insert_into(courses::table)
        .values(row)
        .on_conflict(courses::id)
        .do_update()
        .set((
            courses::title.eq(excluded(courses::title)),
            courses::zone.eq(excluded(courses::zone)),
            courses::contact.eq(excluded(courses::contact)),
            courses::term.eq(excluded(courses::term)),
            courses::reaper.eq(excluded(courses::reaper)),
            courses::fair_share.eq(excluded(courses::fair_share)),
            courses::waitlist.eq(excluded(courses::waitlist)),
        ))
        .execute(c))?;
    for site in &course.sites {
        save_site(conn, &course.id, site)?;
    }
    for pool in &course.pools {
        save_pool(conn, pool)?;
    }
    retire_labs(conn, &course.id)?;
    for (position, lab) in (0..).zip(&course.labs) {
        save_lab(conn, &course.id, position, lab)?;
    }
    Ok(())
}

/// Where a lab stands that the course no longer has.
const RETIRED: i32 = -1;

fn retire_labs(conn: &mut Conn<'_>, course: &CourseId) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(labs::table.filter(labs::course_id.eq(course.as_str())))
        .set(labs::position.eq(RETIRED))
        .execute(c))?;
    Ok(())
}

fn save_site(conn: &mut Conn<'_>, course: &CourseId, site: &Site) -> Result<(), DbError> {
    let row = (
        sites::id.eq(site.id.as_str()),
        sites::course_id.eq(course.as_str()),
        sites::definition.eq(json(site)?),
    );
    on!(conn, |c| diesel::insert_into(sites::table)
        .values(row)
        .on_conflict(sites::id)
        .do_update()
        .set(sites::definition.eq(excluded(sites::definition)))
        .execute(c))?;
    Ok(())
}

fn save_pool(conn: &mut Conn<'_>, pool: &Pool) -> Result<(), DbError> {
    let row = (
        pools::id.eq(pool.id.as_str()),
        pools::site_id.eq(pool.site.as_str()),
        pools::definition.eq(json(pool)?),
    );
    on!(conn, |c| diesel::insert_into(pools::table)
        .values(row)
        .on_conflict(pools::id)
        .do_update()
        .set(
            (pools::site_id.eq(excluded(pools::site_id)), pools::definition.eq(excluded(pools::definition)),)
        )
        .execute(c))?;
    Ok(())
}

fn save_lab(conn: &mut Conn<'_>, course: &CourseId, position: i32, lab: &Lab) -> Result<(), DbError> {
    let row = (
        labs::id.eq(lab.id.as_str()),
        labs::course_id.eq(course.as_str()),
        labs::pool_id.eq(lab.pool.as_str()),
        labs::position.eq(position),
        labs::definition.eq(json(lab)?),
    );
    on!(conn, |c| diesel::insert_into(labs::table)
        .values(row)
        .on_conflict(labs::id)
        .do_update()
        .set((
            labs::pool_id.eq(excluded(labs::pool_id)),
            labs::position.eq(excluded(labs::position)),
            labs::definition.eq(excluded(labs::definition)),
        ))
        .execute(c))?;
    Ok(())
}

/// The columns of a course, in their order.
type CourseRow = (String, String, String, String, Option<String>, String, String, String);

/// The course, if one was applied: as its file says, with what staff have decided about outages and due dates.
pub fn course(conn: &mut Conn<'_>) -> Result<Option<Course>, DbError> {
    let Some(course) = filed_course(conn)? else { return Ok(None) };
    Ok(Some(amended(conn, course)?))
}

/// The course with what staff have decided apart from its file.
pub fn amended(conn: &mut Conn<'_>, course: Course) -> Result<Course, DbError> {
    let amendments = Amendments::load(conn)?;
    let pools = &course.pools;
    let amend = |lab: Lab| match pools.iter().find(|pool| pool.id == lab.pool) {
        Some(pool) => amendments.of(lab, pool),
        None => lab,
    };
    let labs = course.labs.into_iter().map(amend).collect();
    Ok(Course { labs, ..course })
}

/// The course as its file says, if one was applied.
pub fn filed_course(conn: &mut Conn<'_>) -> Result<Option<Course>, DbError> {
    let row: Option<CourseRow> = on!(conn, |c| courses::table.order(courses::id).first(c).optional())?;
    let Some((id, title, zone, contact, term, reaper, fair_share, waitlist)) = row else { return Ok(None) };
    let site_rows: Vec<String> = on!(conn, |c| sites::table
        .filter(sites::course_id.eq(&id))
        .order(sites::id)
        .select(sites::definition)
        .load(c))?;
    let sites: Vec<Site> = site_rows.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
    let pool_rows: Vec<(String, String)> = on!(conn, |c| pools::table
        .inner_join(sites::table)
        .filter(sites::course_id.eq(&id))
        .order(pools::id)
        .select((pools::definition, sites::definition))
        .load(c))?;
    let pools = pool_rows.iter().map(|(pool, site)| Ok(parse::<Pool>(pool)?.bounded_by(&parse(site)?)));
    let pools = pools.collect::<Result<_, DbError>>()?;
    let lab_rows: Vec<String> = on!(conn, |c| labs::table
        .filter(labs::course_id.eq(&id))
        .filter(labs::position.gt(RETIRED))
        .order(labs::position)
        .select(labs::definition)
        .load(c))?;
    Ok(Some(Course {
        id: id.parse().map_err(DbError::corrupt)?,
        title,
        zone: zone.parse().map_err(DbError::corrupt)?,
        contact,
        term: term.map(|text| parse(&text)).transpose()?,
        sites,
        pools,
        labs: lab_rows.iter().map(|text| parse(text)).collect::<Result<_, _>>()?,
        reaper: parse(&reaper)?,
        fair_share: parse(&fair_share)?,
        waitlist: parse(&waitlist)?,
    }))
}

/// What staff have decided of the reaper, if a course was applied.
pub fn reaper_policy(conn: &mut Conn<'_>) -> Result<Option<ReaperPolicy>, DbError> {
    let text: Option<String> =
        on!(conn, |c| courses::table.order(courses::id).select(courses::reaper).first(c).optional())?;
    text.map(|text| parse(&text)).transpose()
}

/// What staff have decided of fair share; the defaults if no course was applied.
pub fn fair_share_policy(conn: &mut Conn<'_>) -> Result<FairSharePolicy, DbError> {
    let text: Option<String> =
        on!(conn, |c| courses::table.order(courses::id).select(courses::fair_share).first(c).optional())?;
    text.map_or_else(|| Ok(FairSharePolicy::default()), |text| parse(&text))
}

/// What staff have decided of the waitlist; the defaults if no course was applied.
pub fn waitlist_policy(conn: &mut Conn<'_>) -> Result<WaitlistPolicy, DbError> {
    let text: Option<String> =
        on!(conn, |c| courses::table.order(courses::id).select(courses::waitlist).first(c).optional())?;
    text.map_or_else(|| Ok(WaitlistPolicy::default()), |text| parse(&text))
}

/// The course that a lab belongs to: retired labs too.
pub fn course_of_lab(conn: &mut Conn<'_>, lab: &LabId) -> Result<Option<CourseId>, DbError> {
    let id: Option<String> =
        on!(conn, |c| labs::table.find(lab.as_str()).select(labs::course_id).first(c).optional())?;
    id.map(|id| id.parse().map_err(DbError::corrupt)).transpose()
}

/// A lab with the course's zone, its pool and its site: retired labs too, since their bookings go on.
pub fn lab_setting(conn: &mut Conn<'_>, lab: &LabId) -> Result<Option<LabSetting>, DbError> {
    let row: Option<(String, String, String)> = on!(conn, |c| labs::table
        .find(lab.as_str())
        .select((labs::course_id, labs::pool_id, labs::definition))
        .first(c)
        .optional())?;
    let Some((course, pool, definition)) = row else { return Ok(None) };
    let zone: String = on!(conn, |c| courses::table.find(&course).select(courses::zone).first(c))?;
    let (pool, site) =
        pool_and_site(conn, &pool)?.ok_or_else(|| DbError::corrupt(format!("there is no pool {pool}")))?;
    let filed: Lab = parse(&definition)?;
    Ok(Some(LabSetting {
        lab: Amendments::of_lab(conn, &filed.id)?.of(filed, &pool),
        pool,
        site,
        zone: zone.parse().map_err(DbError::corrupt)?,
    }))
}

/// The pool as its site bounds it, and the site.
fn pool_and_site(conn: &mut Conn<'_>, id: &str) -> Result<Option<(Pool, Site)>, DbError> {
    let row: Option<(String, String)> = on!(conn, |c| pools::table
        .inner_join(sites::table)
        .filter(pools::id.eq(id))
        .select((pools::definition, sites::definition))
        .first(c)
        .optional())?;
    let Some((pool, site)) = row else { return Ok(None) };
    let (pool, site) = (parse::<Pool>(&pool)?, parse(&site)?);
    Ok(Some((pool.bounded_by(&site), site)))
}

/// A lab and what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabSetting {
    /// The lab.
    pub lab: Lab,
    /// Its pool.
    pub pool: Pool,
    /// Its pool's site.
    pub site: Site,
    /// The course's zone.
    pub zone: chrono_tz::Tz,
}

/// What labs are called: retired ones too.
pub fn lab_titles(conn: &mut Conn<'_>) -> Result<BTreeMap<LabId, String>, DbError> {
    let rows: Vec<String> = on!(conn, |c| labs::table.select(labs::definition).load(c))?;
    rows.iter().map(|text| parse::<Lab>(text).map(|lab| (lab.id, lab.title))).collect()
}

/// The sites of the course.
pub fn sites(conn: &mut Conn<'_>) -> Result<Vec<Site>, DbError> {
    let rows: Vec<String> = on!(conn, |c| sites::table.order(sites::id).select(sites::definition).load(c))?;
    rows.iter().map(|text| parse(text)).collect()
}

/// A pool that bookings refer to.
pub fn pool(conn: &mut Conn<'_>, id: &PoolId) -> Result<Pool, DbError> {
    known_pool(conn, id)?.ok_or_else(|| DbError::corrupt(format!("there is no pool {id}")))
}

/// The site of a pool that bookings refer to.
pub fn site_of_pool(conn: &mut Conn<'_>, id: &PoolId) -> Result<Site, DbError> {
    let found = pool_and_site(conn, id.as_str())?;
    found.map(|(_, site)| site).ok_or_else(|| DbError::corrupt(format!("there is no pool {id}")))
}

/// The pools that draw on this site.
pub fn pools_of_site(conn: &mut Conn<'_>, site: &SiteId) -> Result<Vec<PoolId>, DbError> {
    let ids: Vec<String> =
        on!(conn, |c| pools::table.filter(pools::site_id.eq(site.as_str())).select(pools::id).load(c))?;
    ids.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// The pool with this id, if there is one yet.
pub fn known_pool(conn: &mut Conn<'_>, id: &PoolId) -> Result<Option<Pool>, DbError> {
    Ok(pool_and_site(conn, id.as_str())?.map(|(pool, _)| pool))
}

/// What pages and mails say of the course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseCard {
    /// Its title.
    pub title: String,
    /// The address that students write to.
    pub contact: String,
    /// Its zone.
    pub zone: chrono_tz::Tz,
}

/// The course in short, if one was applied.
pub fn course_card(conn: &mut Conn<'_>) -> Result<Option<CourseCard>, DbError> {
    let row: Option<(String, String, String)> = on!(conn, |c| courses::table
        .order(courses::id)
        .select((courses::title, courses::contact, courses::zone))
        .first(c)
        .optional())?;
    row.map(|(title, contact, zone)| {
        Ok(CourseCard { title, contact, zone: zone.parse().map_err(DbError::corrupt)? })
    })
    .transpose()
}
