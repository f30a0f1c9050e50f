//! Personal exceptions. What is taken back stays in the table.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{exceptions, people};
use super::types::Ts;
use crate::domain::exception::Exception;
use crate::domain::ids::{ExceptionId, LabId, NetId, PersonId};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = exceptions)]
struct ExceptionRow {
    id: String,
    person_id: String,
    lab_id: Option<String>,
    definition: String,
    until: Option<Ts>,
    reason: String,
    accommodation: i32,
    granted_by: String,
    granted_at: Ts,
}

impl TryFrom<ExceptionRow> for Exception {
    type Error = DbError;
    fn try_from(row: ExceptionRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            person: row.person_id.parse().map_err(DbError::corrupt)?,
            lab: row.lab_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            grant: serde_json::from_str(&row.definition).map_err(DbError::corrupt)?,
            until: row.until.map(|until| until.0),
            reason: row.reason,
            accommodation: row.accommodation != 0,
            granted_by: row.granted_by,
            granted_at: row.granted_at.0,
        })
    }
}

/// Adds an exception.
pub fn insert_exception(conn: &mut Conn<'_>, exception: &Exception) -> Result<(), DbError> {
    let row = ExceptionRow {
        id: exception.id.to_string(),
        person_id: exception.person.to_string(),
        lab_id: exception.lab.as_ref().map(ToString::to_string),
        definition: serde_json::to_string(&exception.grant).map_err(DbError::corrupt)?,
        until: exception.until.map(Ts),
        reason: exception.reason.clone(),
        accommodation: i32::from(exception.accommodation),
        granted_by: exception.granted_by.clone(),
        granted_at: Ts(exception.granted_at),
    };
    on!(conn, |c| diesel::insert_into(exceptions::table).values(&row).execute(c))?;
    Ok(())
}

/// More exceptions than anyone gets; the latest count.
const MOST_OF_ONE: i64 = 200;

/// How many people one statement asks for, and the most rows of them.
const PEOPLE_AT_ONCE: usize = 100;
const MOST_OF_SOME: i64 = 100 * MOST_OF_ONE;

/// The exceptions of one person that were not taken back, latest first.
pub fn exceptions_of_person(conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<Exception>, DbError> {
    let rows: Vec<ExceptionRow> = on!(conn, |c| exceptions::table
        .filter(exceptions::person_id.eq(person.as_str()))
        .filter(exceptions::revoked_at.is_null())
        .order((exceptions::granted_at.desc(), exceptions::id))
        .limit(MOST_OF_ONE)
        .select(ExceptionRow::as_select())
        .load(c))?;
    rows.into_iter().map(Exception::try_from).collect()
}

/// The exceptions of these people that were not taken back.
pub fn exceptions_of_people(conn: &mut Conn<'_>, people: &[&PersonId]) -> Result<Vec<Exception>, DbError> {
    let mut found = Vec::new();
    for some in people.chunks(PEOPLE_AT_ONCE) {
        let rows: Vec<ExceptionRow> = on!(conn, |c| exceptions::table
            .filter(exceptions::person_id.eq_any(some.iter().map(|id| id.as_str())))
            .filter(exceptions::revoked_at.is_null())
            .order((exceptions::person_id, exceptions::granted_at.desc(), exceptions::id))
            .limit(MOST_OF_SOME)
            .select(ExceptionRow::as_select())
            .load(c))?;
        found.extend(rows.into_iter().map(Exception::try_from));
    }
    found.into_iter().collect()
}

/// An exception, unless it was taken back.
pub fn exception(conn: &mut Conn<'_>, id: &ExceptionId) -> Result<Option<Exception>, DbError> {
    let row: Option<ExceptionRow> = on!(conn, |c| exceptions::table
        .find(id.as_str())
        .filter(exceptions::revoked_at.is_null())
        .select(ExceptionRow::as_select())
        .first(c)
        .optional())?;
    row.map(Exception::try_from).transpose()
}

/// More exceptions than are in force at a time.
const MOST_IN_FORCE: i64 = 200_000;

/// The exceptions of everyone that hold at `now`, person by person.
pub fn exceptions_in_force(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<Exception>, DbError> {
    let rows: Vec<ExceptionRow> = on!(conn, |c| exceptions::table
        .filter(exceptions::revoked_at.is_null())
        .filter(exceptions::until.is_null().or(exceptions::until.gt(Ts(now))))
        .order((exceptions::person_id, exceptions::granted_at.desc(), exceptions::id))
        .limit(MOST_IN_FORCE)
        .select(ExceptionRow::as_select())
        .load(c))?;
    rows.into_iter().map(Exception::try_from).collect()
}

/// The `limit` latest exceptions of everyone that were not taken back, with their people.
pub fn latest_exceptions(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<(Exception, NetId)>, DbError> {
    let rows: Vec<(ExceptionRow, String)> = on!(conn, |c| exceptions::table
        .inner_join(people::table)
        .filter(exceptions::revoked_at.is_null())
        .order((exceptions::granted_at.desc(), exceptions::id))
        .limit(limit)
        .select((ExceptionRow::as_select(), people::net_id))
        .load(c))?;
    with_people(rows)
}

fn with_people(rows: Vec<(ExceptionRow, String)>) -> Result<Vec<(Exception, NetId)>, DbError> {
    rows.into_iter()
        .map(|(row, net_id)| Ok((row.try_into()?, net_id.parse().map_err(DbError::corrupt)?)))
        .collect()
}

/// The `limit` latest exceptions for this lab or for all labs that were not taken back, with their people.
pub fn exceptions_of_lab(
    conn: &mut Conn<'_>,
    lab: &LabId,
    limit: i64,
) -> Result<Vec<(Exception, NetId)>, DbError> {
    let rows: Vec<(ExceptionRow, String)> = on!(conn, |c| exceptions::table
        .inner_join(people::table)
        .filter(exceptions::revoked_at.is_null())
        .filter(exceptions::lab_id.eq(lab.as_str()).or(exceptions::lab_id.is_null()))
        .order((exceptions::granted_at.desc(), exceptions::id))
        .limit(limit)
        .select((ExceptionRow::as_select(), people::net_id))
        .load(c))?;
    with_people(rows)
}

/// Takes an exception back. False if there is none of this id, or it was taken back before.
pub fn revoke_exception(
    conn: &mut Conn<'_>,
    id: &ExceptionId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let revoked = on!(conn, |c| diesel::update(exceptions::table.find(id.as_str()))
        .filter(exceptions::revoked_at.is_null())
        .set((exceptions::revoked_by.eq(by), exceptions::revoked_at.eq(Ts(now))))
        .execute(c))?;
    Ok(revoked == 1)
}
