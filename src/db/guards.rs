//! What staff have told the reaper: what to leave alone, and when to stop. What is taken back stays in the tables.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::dialect;
use super::schema::{exemptions, pauses};
use super::types::Ts;
use crate::domain::ids::{ExemptionId, PauseId};
use crate::domain::marked::{Exemption, Pause};

/// What staff have said, with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<Id, What> {
    /// Its id.
    pub id: Id,
    /// What they said.
    pub what: What,
    /// When.
    pub at: DateTime<Utc>,
    /// Who took it back and when, if someone did.
    pub ended: Option<(String, DateTime<Utc>)>,
}

/// An exemption with its history.
pub type SaidExemption = Said<ExemptionId, Exemption>;

/// A pause with its history.
pub type SaidPause = Said<PauseId, Pause>;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = exemptions)]
struct ExemptionRow {
    id: String,
    what: String,
    reason: String,
    by: String,
    at: Ts,
    until: Ts,
    ended_by: Option<String>,
    ended_at: Option<Ts>,
}

impl TryFrom<ExemptionRow> for SaidExemption {
    type Error = DbError;
    fn try_from(row: ExemptionRow) -> Result<Self, DbError> {
        let what = Exemption {
            what: serde_json::from_str(&row.what).map_err(DbError::corrupt)?,
            reason: row.reason,
            by: row.by,
            until: row.until.0,
        };
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            what,
            at: row.at.0,
            ended: row.ended_by.zip(row.ended_at.map(|at| at.0)),
        })
    }
}

/// More exemptions and pauses than are in force at a time.
const MOST: i64 = 5_000;

/// Adds an exemption.
pub fn insert_exemption(
    conn: &mut Conn<'_>,
    id: &ExemptionId,
    exemption: &Exemption,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = ExemptionRow {
        id: id.to_string(),
        what: serde_json::to_string(&exemption.what).map_err(DbError::corrupt)?,
        reason: exemption.reason.clone(),
        by: exemption.by.clone(),
        at: Ts(now),
        until: Ts(exemption.until),
        ended_by: None,
        ended_at: None,
    };
    on!(conn, |c| diesel::insert_into(exemptions::table).values(&row).execute(c))?;
    Ok(())
}

/// The exemptions that hold at `now`, the first to end first.
pub fn exemptions(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<SaidExemption>, DbError> {
    let rows: Vec<ExemptionRow> = on!(conn, |c| exemptions::table
        .filter(exemptions::until.gt(Ts(now)))
        .filter(exemptions::ended_at.is_null())
        .order((exemptions::until, exemptions::id))
        .limit(MOST)
        .select(ExemptionRow::as_select())
        .load(c))?;
    rows.into_iter().map(SaidExemption::try_from).collect()
}

/// An exemption, whether it holds or not.
pub fn exemption(conn: &mut Conn<'_>, id: &ExemptionId) -> Result<Option<SaidExemption>, DbError> {
    let row: Option<ExemptionRow> = on!(conn, |c| exemptions::table
        .find(id.as_str())
        .select(ExemptionRow::as_select())
        .first(c)
        .optional())?;
    row.map(SaidExemption::try_from).transpose()
}

/// Exemptions that do not hold any more at `now`, the last to end first, from `offset` on.
pub fn past_exemptions(
    conn: &mut Conn<'_>,
    now: DateTime<Utc>,
    offset: i64,
    limit: i64,
) -> Result<Vec<SaidExemption>, DbError> {
    let rows: Vec<ExemptionRow> = on!(conn, |c| exemptions::table
        .filter(exemptions::until.le(Ts(now)).or(exemptions::ended_at.is_not_null()))
        .order((exemptions::until.desc(), exemptions::id))
        .offset(offset)
        .limit(limit)
        .select(ExemptionRow::as_select())
        .load(c))?;
    rows.into_iter().map(SaidExemption::try_from).collect()
}

/// Takes an exemption back. False if there is none of this id, or it was taken back before.
pub fn end_exemption(
    conn: &mut Conn<'_>,
    id: &ExemptionId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let ended = on!(conn, |c| diesel::update(exemptions::table.find(id.as_str()))
        .filter(exemptions::ended_at.is_null())
        .set((exemptions::ended_by.eq(by), exemptions::ended_at.eq(Ts(now))))
        .execute(c))?;
    Ok(ended == 1)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = pauses)]
struct PauseRow {
    id: String,
    site_id: Option<String>,
    reason: String,
    by: String,
    at: Ts,
    until: Option<Ts>,
    ended_by: Option<String>,
    ended_at: Option<Ts>,
}

impl TryFrom<PauseRow> for SaidPause {
    type Error = DbError;
    fn try_from(row: PauseRow) -> Result<Self, DbError> {
        let what = Pause {
            site: row.site_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            reason: row.reason,
            by: row.by,
            until: row.until.map(|until| until.0),
        };
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            what,
            at: row.at.0,
            ended: row.ended_by.zip(row.ended_at.map(|at| at.0)),
        })
    }
}

/// Lets nobody else add a pause until the transaction is over: of two who look whether there is one, the second waits.
pub fn lock_pauses(conn: &mut Conn<'_>) -> Result<(), DbError> {
    Ok(dialect::lock_pauses(conn)?)
}

/// Adds a pause.
pub fn insert_pause(
    conn: &mut Conn<'_>,
    id: &PauseId,
    pause: &Pause,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = PauseRow {
        id: id.to_string(),
        site_id: pause.site.as_ref().map(ToString::to_string),
        reason: pause.reason.clone(),
        by: pause.by.clone(),
        at: Ts(now),
        until: pause.until.map(Ts),
        ended_by: None,
        ended_at: None,
    };
    on!(conn, |c| diesel::insert_into(pauses::table).values(&row).execute(c))?;
    Ok(())
}

/// The pauses that hold at `now`, the first of them first.
pub fn pauses(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<SaidPause>, DbError> {
    let rows: Vec<PauseRow> = on!(conn, |c| pauses::table
        .filter(pauses::ended_at.is_null())
        .filter(pauses::until.is_null().or(pauses::until.gt(Ts(now))))
        .order((pauses::at, pauses::id))
        .limit(MOST)
        .select(PauseRow::as_select())
        .load(c))?;
    rows.into_iter().map(SaidPause::try_from).collect()
}

/// The `limit` latest pauses, those included that are over.
pub fn latest_pauses(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<SaidPause>, DbError> {
    let rows: Vec<PauseRow> = on!(conn, |c| pauses::table
        .order((pauses::at.desc(), pauses::id))
        .limit(limit)
        .select(PauseRow::as_select())
        .load(c))?;
    rows.into_iter().map(SaidPause::try_from).collect()
}

/// Ends a pause. False if there is none of this id, or it was ended before.
pub fn end_pause(conn: &mut Conn<'_>, id: &PauseId, by: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    let ended = on!(conn, |c| diesel::update(pauses::table.find(id.as_str()))
        .filter(pauses::ended_at.is_null())
        .set((pauses::ended_by.eq(by), pauses::ended_at.eq(Ts(now))))
        .execute(c))?;
    Ok(ended == 1)
}
