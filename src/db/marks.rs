//! What the reaper remembers of objects from sweep to sweep.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::connection::{Conn, on};
use super::schema::{marks, object_steps, site_listings};
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::blueprint::Kind;
use crate::domain::ids::{NetId, SiteId};
use crate::domain::marked::{Marked, Predicate, Stage, Target, Whole};

/// A mark, with why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The mark.
    pub marked: Marked,
    /// Why, with its numbers, as it was when its stage began.
    pub reason: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = marks)]
struct MarkRow {
    site_id: String,
    kind: String,
    site_ref: String,
    name: String,
    predicate: String,
    net_id: Option<String>,
    stage: String,
    restores: i32,
    reason: String,
}

impl MarkRow {
    fn of(marked: &Marked, reason: &str) -> Result<Self, DbError> {
        let target = &marked.target;
        Ok(Self {
            site_id: target.site.to_string(),
            kind: target.kind.word().to_owned(),
            site_ref: target.site_ref.clone(),
            name: target.name.clone(),
            predicate: marked.predicate.code().to_owned(),
            net_id: marked.net_id.as_ref().map(ToString::to_string),
            stage: written(&marked.stage)?,
            restores: marked.restores,
            reason: reason.to_owned(),
        })
    }
}

fn written(stage: &Stage) -> Result<String, DbError> {
    serde_json::to_string(stage).map_err(DbError::corrupt)
}

pub(super) fn read_kind(word: &str) -> Result<Kind, DbError> {
    Kind::from_word(word).ok_or_else(|| DbError::corrupt(format!("a kind {word}")))
}

pub(super) fn read_predicate(code: &str) -> Result<Predicate, DbError> {
    Predicate::from_code(code).ok_or_else(|| DbError::corrupt(format!("a predicate {code}")))
}

impl TryFrom<MarkRow> for Mark {
    type Error = DbError;
    fn try_from(row: MarkRow) -> Result<Self, DbError> {
        let target = Target {
            site: row.site_id.parse().map_err(DbError::corrupt)?,
            kind: read_kind(&row.kind)?,
            site_ref: row.site_ref,
            name: row.name,
        };
        let marked = Marked {
            target,
            predicate: read_predicate(&row.predicate)?,
            net_id: row.net_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            stage: serde_json::from_str(&row.stage).map_err(DbError::corrupt)?,
            restores: row.restores,
        };
        Ok(Self { marked, reason: row.reason })
    }
}

/// More marks than there ever are: of every site every object.
const MOST: i64 = 200_000;

/// All marks, by site and kind.
pub fn marks(conn: &mut Conn<'_>) -> Result<Vec<Mark>, DbError> {
    let rows: Vec<MarkRow> = on!(conn, |c| marks::table
        .order((marks::site_id, marks::kind, marks::site_ref))
        .limit(MOST)
        .select(MarkRow::as_select())
        .load(c))?;
    rows.into_iter().map(Mark::try_from).collect()
}

/// The marks of what is this person's.
pub fn marks_of_person(conn: &mut Conn<'_>, net_id: &NetId) -> Result<Vec<Mark>, DbError> {
    let rows: Vec<MarkRow> = on!(conn, |c| marks::table
        .filter(marks::net_id.eq(net_id.as_str()))
        .order((marks::site_id, marks::kind, marks::site_ref))
        .limit(MOST)
        .select(MarkRow::as_select())
        .load(c))?;
    rows.into_iter().map(Mark::try_from).collect()
}

/// The mark of an object, if it has one.
pub fn mark(conn: &mut Conn<'_>, site: &SiteId, kind: Kind, site_ref: &str) -> Result<Option<Mark>, DbError> {
    let row: Option<MarkRow> = on!(conn, |c| marks::table
        .find((site.as_str(), kind.word(), site_ref))
        .select(MarkRow::as_select())
        .first(c)
        .optional())?;
    row.map(Mark::try_from).transpose()
}

/// Writes a mark if its object is still at the stage `was`, which is none for an object without a mark. False if another was
/// quicker: then nothing is written.
pub fn save_mark(
    conn: &mut Conn<'_>,
    was: Option<&Stage>,
    marked: &Marked,
    reason: &str,
) -> Result<bool, DbError> {
    let row = MarkRow::of(marked, reason)?;
    let written_rows = match was {
        None => {
            on!(conn, |c| diesel::insert_into(marks::table).values(&row).on_conflict_do_nothing().execute(c))?
        }
        Some(was) => {
            let was = written(was)?;
            on!(conn, |c| diesel::update(marks::table.find((&row.site_id, &row.kind, &row.site_ref)))
                .filter(marks::stage.eq(&was))
                .set((
                    marks::name.eq(&row.name),
                    marks::predicate.eq(&row.predicate),
                    marks::net_id.eq(&row.net_id),
                    marks::stage.eq(&row.stage),
                    marks::restores.eq(row.restores),
                    marks::reason.eq(&row.reason),
                ))
                .execute(c))?
        }
    };
    Ok(written_rows == 1)
}

/// Forgets a mark that is still at its stage. False if another was quicker.
pub fn forget_mark(conn: &mut Conn<'_>, marked: &Marked) -> Result<bool, DbError> {
    let (target, stage) = (&marked.target, written(&marked.stage)?);
    let key = (target.site.as_str(), target.kind.word(), target.site_ref.as_str());
    let gone =
        on!(conn, |c| diesel::delete(marks::table.find(key)).filter(marks::stage.eq(&stage)).execute(c))?;
    Ok(gone == 1)
}

/// Notes that a sweep acts on an object now, unless one has since `looked_at`: then what that saw is out of date, and the
/// answer is no.
pub fn claim_step(
    conn: &mut Conn<'_>,
    target: &Target,
    looked_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let key = (target.site.as_str(), target.kind.word(), target.site_ref.as_str());
    let added = on!(conn, |c| diesel::insert_into(object_steps::table)
        .values((
            object_steps::site_id.eq(key.0),
            object_steps::kind.eq(key.1),
            object_steps::site_ref.eq(key.2),
            object_steps::at.eq(Ts(now)),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    if added == 1 {
        return Ok(true);
    }
    let taken = on!(conn, |c| diesel::update(object_steps::table.find(key))
        .filter(object_steps::at.lt(Ts(looked_at)))
        .set(object_steps::at.eq(Ts(now)))
        .execute(c))?;
    Ok(taken == 1)
}

/// Forgets steps that were noted before this.
pub fn forget_steps(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::delete(object_steps::table).filter(object_steps::at.lt(Ts(before))).execute(c))?)
}

/// Makes other sweeps that want to remember what they saw wait until the transaction is over.
pub fn lock_listings(conn: &mut Conn<'_>) -> Result<(), DbError> {
    Ok(dialect::lock_listings(conn)?)
}

/// The last listing of each site that was whole and trusted.
pub fn listings(conn: &mut Conn<'_>) -> Result<BTreeMap<SiteId, Whole>, DbError> {
    let rows: Vec<(String, i32, Ts)> = on!(conn, |c| site_listings::table.load(c))?;
    let read = |(site, objects, at): (String, i32, Ts)| {
        let count = usize::try_from(objects).map_err(DbError::corrupt)?;
        Ok((site.parse().map_err(DbError::corrupt)?, Whole { count, at: at.0 }))
    };
    rows.into_iter().map(read).collect()
}

/// Writes the last listing of a site.
pub fn save_listing(conn: &mut Conn<'_>, site: &SiteId, whole: &Whole) -> Result<(), DbError> {
    let objects = i32::try_from(whole.count).unwrap_or(i32::MAX);
    on!(conn, |c| diesel::insert_into(site_listings::table)
        .values((
            site_listings::site_id.eq(site.as_str()),
            site_listings::objects.eq(objects),
            site_listings::at.eq(Ts(whole.at)),
        ))
        .on_conflict(site_listings::site_id)
        .do_update()
        .set((
            site_listings::objects.eq(excluded(site_listings::objects)),
            site_listings::at.eq(excluded(site_listings::at)),
        ))
        .execute(c))?;
    Ok(())
}
