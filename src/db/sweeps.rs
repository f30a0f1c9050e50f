//! The history of the reaper's sweeps. What they did stays; sweeps that did nothing are forgotten after a while.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::marks::{read_kind, read_predicate};
use super::schema::{sweep_acts, sweeps};
use super::types::Ts;
use crate::domain::ids::SweepId;
use crate::domain::marked::Target;
use crate::domain::su::Su;
use crate::domain::sweep::{Act, Savings, Sweep};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sweeps)]
struct SweepRow {
    id: String,
    at: Ts,
    took_ms: i64,
    listed: i32,
    acts: i32,
    failed: i32,
    waiting: i32,
    kept: i32,
    reported: i32,
    skipped: String,
}

impl TryFrom<SweepRow> for Sweep {
    type Error = DbError;
    fn try_from(row: SweepRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            at: row.at.0,
            took_ms: row.took_ms,
            listed: row.listed,
            acts: row.acts,
            failed: row.failed,
            waiting: row.waiting,
            kept: row.kept,
            reported: row.reported,
            skipped: serde_json::from_str(&row.skipped).map_err(DbError::corrupt)?,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sweep_acts)]
struct ActRow {
    sweep_id: String,
    number: i32,
    at: Ts,
    what: String,
    predicate: Option<String>,
    net_id: Option<String>,
    booking_id: Option<String>,
    site_id: Option<String>,
    kind: Option<String>,
    site_ref: Option<String>,
    name: Option<String>,
    reason: String,
    outcome: String,
    failed: i32,
    server_minutes: Option<i64>,
    su: Option<i64>,
}

impl ActRow {
    fn of(sweep: &SweepId, number: usize, act: &Act) -> Self {
        let target = act.target.as_ref();
        Self {
            sweep_id: sweep.to_string(),
            number: i32::try_from(number).unwrap_or(i32::MAX),
            at: Ts(act.at),
            what: act.what.clone(),
            predicate: act.predicate.map(|predicate| predicate.code().to_owned()),
            net_id: act.net_id.as_ref().map(ToString::to_string),
            booking_id: act.booking.as_ref().map(ToString::to_string),
            site_id: target.map(|target| target.site.to_string()),
            kind: target.map(|target| target.kind.word().to_owned()),
            site_ref: target.map(|target| target.site_ref.clone()),
            name: target.map(|target| target.name.clone()),
            reason: act.reason.clone(),
            outcome: act.outcome.clone(),
            failed: act.failed.into(),
            server_minutes: act.saved.map(|saved| saved.server_minutes),
            su: act.saved.map(|saved| saved.su.micro()),
        }
    }
}

fn target(row: &ActRow) -> Result<Option<Target>, DbError> {
    let (Some(site), Some(kind), Some(site_ref)) = (&row.site_id, &row.kind, &row.site_ref) else {
        return Ok(None);
    };
    Ok(Some(Target {
        site: site.parse().map_err(DbError::corrupt)?,
        kind: read_kind(kind)?,
        site_ref: site_ref.clone(),
        name: row.name.clone().unwrap_or_default(),
    }))
}

impl TryFrom<ActRow> for Act {
    type Error = DbError;
    fn try_from(row: ActRow) -> Result<Self, DbError> {
        let saved = row
            .server_minutes
            .map(|server_minutes| Savings { server_minutes, su: Su::from_micro(row.su.unwrap_or(0)) });
        Ok(Self {
            at: row.at.0,
            target: target(&row)?,
            what: row.what,
            predicate: row.predicate.as_deref().map(read_predicate).transpose()?,
            net_id: row.net_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            booking: row.booking_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            reason: row.reason,
            outcome: row.outcome,
            failed: row.failed != 0,
            saved,
        })
    }
}

/// How many rows one statement adds: SQLite takes no more values at a time.
const ROWS_AT_ONCE: usize = 500;

/// Adds a sweep with its acts. `plan` is what it saw, as text; what the one before it saw is forgotten.
pub fn insert_sweep(conn: &mut Conn<'_>, sweep: &Sweep, acts: &[Act], plan: &str) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(sweeps::table.filter(sweeps::plan.is_not_null()))
        .set(sweeps::plan.eq(None::<String>))
        .execute(c))?;
    let row = SweepRow {
        id: sweep.id.to_string(),
        at: Ts(sweep.at),
        took_ms: sweep.took_ms,
        listed: sweep.listed,
        acts: sweep.acts,
        failed: sweep.failed,
        waiting: sweep.waiting,
        kept: sweep.kept,
        reported: sweep.reported,
        skipped: serde_json::to_string(&sweep.skipped).map_err(DbError::corrupt)?,
    };
    on!(conn, |c| diesel::insert_into(sweeps::table).values((&row, sweeps::plan.eq(Some(plan)))).execute(c))?;
    let rows: Vec<ActRow> =
        acts.iter().enumerate().map(|(number, act)| ActRow::of(&sweep.id, number, act)).collect();
    for some in rows.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| diesel::insert_into(sweep_acts::table).values(some).execute(c))?;
    }
    Ok(())
}

/// The latest sweep and what it saw, if there was one.
pub fn latest_plan(conn: &mut Conn<'_>) -> Result<Option<(Sweep, String)>, DbError> {
    let row: Option<(SweepRow, Option<String>)> = on!(conn, |c| sweeps::table
        .filter(sweeps::plan.is_not_null())
        .order(sweeps::at.desc())
        .select((SweepRow::as_select(), sweeps::plan))
        .first(c)
        .optional())?;
    row.map(|(sweep, plan)| Ok((sweep.try_into()?, plan.unwrap_or_default()))).transpose()
}

/// The `limit` latest sweeps that did or skipped something, earlier than `before` if that is given, latest first.
pub fn eventful_sweeps(
    conn: &mut Conn<'_>,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Sweep>, DbError> {
    let before = Ts(before.unwrap_or(DateTime::<Utc>::MAX_UTC));
    let rows: Vec<SweepRow> = on!(conn, |c| sweeps::table
        .filter(sweeps::at.lt(before))
        .filter(sweeps::acts.gt(0).or(sweeps::skipped.ne("[]")))
        .order((sweeps::at.desc(), sweeps::id))
        .limit(limit)
        .select(SweepRow::as_select())
        .load(c))?;
    rows.into_iter().map(Sweep::try_from).collect()
}

/// A sweep, if it is remembered.
pub fn sweep(conn: &mut Conn<'_>, id: &SweepId) -> Result<Option<Sweep>, DbError> {
    let row: Option<SweepRow> =
        on!(conn, |c| sweeps::table.find(id.as_str()).select(SweepRow::as_select()).first(c).optional())?;
    row.map(Sweep::try_from).transpose()
}

/// What a sweep did, in order, from `offset` on.
pub fn acts_of_sweep(
    conn: &mut Conn<'_>,
    id: &SweepId,
    offset: i64,
    limit: i64,
) -> Result<Vec<Act>, DbError> {
    let rows: Vec<ActRow> = on!(conn, |c| sweep_acts::table
        .filter(sweep_acts::sweep_id.eq(id.as_str()))
        .order(sweep_acts::number)
        .offset(offset)
        .limit(limit)
        .select(ActRow::as_select())
        .load(c))?;
    rows.into_iter().map(Act::try_from).collect()
}

/// The `limit` latest acts before `before`, latest first.
pub fn latest_acts(
    conn: &mut Conn<'_>,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Act>, DbError> {
    let before = Ts(before.unwrap_or(DateTime::<Utc>::MAX_UTC));
    let rows: Vec<ActRow> = on!(conn, |c| sweep_acts::table
        .filter(sweep_acts::at.lt(before))
        .order((sweep_acts::at.desc(), sweep_acts::sweep_id, sweep_acts::number))
        .limit(limit)
        .select(ActRow::as_select())
        .load(c))?;
    rows.into_iter().map(Act::try_from).collect()
}

/// How many acts saved something since `from`, and what they saved together.
pub fn saved_since(conn: &mut Conn<'_>, from: DateTime<Utc>) -> Result<(usize, Savings), DbError> {
    let rows: Vec<(Option<i64>, Option<i64>)> = on!(conn, |c| sweep_acts::table
        .filter(sweep_acts::at.ge(Ts(from)))
        .filter(sweep_acts::server_minutes.is_not_null())
        .limit(MOST_SAVING)
        .select((sweep_acts::server_minutes, sweep_acts::su))
        .load(c))?;
    let server_minutes = rows.iter().filter_map(|(minutes, _)| *minutes).sum();
    let su = Su::from_micro(rows.iter().filter_map(|(_, su)| *su).sum());
    Ok((rows.len(), Savings { server_minutes, su }))
}

/// More deletions than a term has.
const MOST_SAVING: i64 = 200_000;

/// Forgets sweeps before this that did and skipped nothing.
pub fn forget_idle_sweeps(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::delete(sweeps::table)
        .filter(sweeps::at.lt(Ts(before)))
        .filter(sweeps::plan.is_null())
        .filter(sweeps::acts.eq(0))
        .filter(sweeps::skipped.eq("[]"))
        .execute(c))?)
}
