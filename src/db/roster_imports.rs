//! Rosters that staff brought, and how far each is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::connection::{Conn, on};
use super::people::served_course;
use super::schema::{people, roster_imports};
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::ids::{ClaimToken, ImportId, NetId, PersonId};
use crate::domain::roster::{Format, ImportState};

/// A roster that was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterImport {
    /// Its id.
    pub id: ImportId,
    /// Who brought it; nobody if it was the command line.
    pub person: Option<PersonId>,
    /// When.
    pub at: DateTime<Utc>,
    /// The file's name.
    pub file_name: String,
    /// Its format.
    pub format: Format,
    /// What it changes, as JSON.
    pub plan: String,
    /// Of the course as the plan was made from it.
    pub fingerprint: String,
    /// How far it is.
    pub state: ImportState,
    /// Of how many people it changes something.
    pub total: i32,
    /// Of how many of them that is done.
    pub done: i32,
    /// When it was all done.
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = roster_imports)]
struct ImportRow {
    id: String,
    person_id: Option<String>,
    at: Ts,
    file_name: String,
    format: String,
    plan: String,
    fingerprint: String,
    state: String,
    total: i32,
    done: i32,
    finished_at: Option<Ts>,
}

impl TryFrom<ImportRow> for RosterImport {
    type Error = DbError;
    fn try_from(row: ImportRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            person: row.person_id.map(|id| id.parse().map_err(DbError::corrupt)).transpose()?,
            at: row.at.0,
            file_name: row.file_name,
            format: row.format.parse().map_err(DbError::corrupt)?,
            plan: row.plan,
            fingerprint: row.fingerprint,
            state: read_state(&row.state)?,
            total: row.total,
            done: row.done,
            finished_at: row.finished_at.map(|at| at.0),
        })
    }
}

fn read_state(word: &str) -> Result<ImportState, DbError> {
    ImportState::from_word(word).ok_or_else(|| DbError::corrupt(format!("a state {word} of an import")))
}

/// Lets nobody else confirm a roster until the transaction is over: of two who look whether one is being applied, the second
/// waits.
pub fn lock_roster_imports(conn: &mut Conn<'_>) -> Result<(), DbError> {
    Ok(dialect::lock_roster_imports(conn)?)
}

/// Adds an import to the course that is served.
pub fn insert_roster_import(conn: &mut Conn<'_>, import: &RosterImport) -> Result<(), DbError> {
    let course = served_course(conn)?
        .ok_or_else(|| DbError::Unusable("there is no course to be in: apply one first".to_owned()))?;
    let row = (
        roster_imports::id.eq(import.id.as_str()),
        roster_imports::course_id.eq(course.as_str()),
        roster_imports::person_id.eq(import.person.as_ref().map(PersonId::as_str)),
        roster_imports::at.eq(Ts(import.at)),
        roster_imports::file_name.eq(&import.file_name),
        roster_imports::format.eq(import.format.word()),
        roster_imports::plan.eq(&import.plan),
        roster_imports::fingerprint.eq(&import.fingerprint),
        roster_imports::state.eq(import.state.word()),
        roster_imports::total.eq(import.total),
        roster_imports::done.eq(import.done),
    );
    on!(conn, |c| diesel::insert_into(roster_imports::table).values(row).execute(c))?;
    Ok(())
}

/// An import of the course that is served.
pub fn roster_import(conn: &mut Conn<'_>, id: &ImportId) -> Result<Option<RosterImport>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(None) };
    let row: Option<ImportRow> = on!(conn, |c| roster_imports::table
        .find(id.as_str())
        .filter(roster_imports::course_id.eq(course.as_str()))
        .select(ImportRow::as_select())
        .first(c)
        .optional())?;
    row.map(RosterImport::try_from).transpose()
}

/// A line of the list of imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportLine {
    /// Its id.
    pub id: ImportId,
    /// The net ID of who brought it; nobody if it was the command line.
    pub by: Option<NetId>,
    /// When.
    pub at: DateTime<Utc>,
    /// The file's name.
    pub file_name: String,
    /// How far it is.
    pub state: ImportState,
    /// Of how many people it changes something.
    pub total: i32,
    /// Of how many of them that is done.
    pub done: i32,
}

/// The `limit` latest imports of the course that is served.
pub fn latest_roster_imports(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<ImportLine>, DbError> {
    type Line = (String, Option<String>, Ts, String, String, i32, i32);
    let Some(course) = served_course(conn)? else { return Ok(Vec::new()) };
    let rows: Vec<Line> = on!(conn, |c| roster_imports::table
        .left_join(people::table)
        .filter(roster_imports::course_id.eq(course.as_str()))
        .order((roster_imports::at.desc(), roster_imports::id))
        .limit(limit)
        .select((
            roster_imports::id,
            people::net_id.nullable(),
            roster_imports::at,
            roster_imports::file_name,
            roster_imports::state,
            roster_imports::total,
            roster_imports::done,
        ))
        .load(c))?;
    let read = |(id, by, at, file_name, state, total, done): Line| {
        Ok(ImportLine {
            id: id.parse().map_err(DbError::corrupt)?,
            by: by.map(|by| by.parse().map_err(DbError::corrupt)).transpose()?,
            at: at.0,
            file_name,
            state: read_state(&state)?,
            total,
            done,
        })
    };
    rows.into_iter().map(read).collect()
}

/// The import of the course that is being applied, if one is.
pub fn import_at_work(conn: &mut Conn<'_>) -> Result<Option<ImportId>, DbError> {
    let id: Option<String> = on!(conn, |c| roster_imports::table
        .filter(roster_imports::state.eq(ImportState::Confirmed.word()))
        .order(roster_imports::at)
        .select(roster_imports::id)
        .first(c)
        .optional())?;
    id.map(|id| id.parse().map_err(DbError::corrupt)).transpose()
}

/// Writes that an import which was only shown is to be applied. False if that is not so any more.
pub fn confirm_roster_import(conn: &mut Conn<'_>, id: &ImportId) -> Result<bool, DbError> {
    let confirmed = on!(conn, |c| diesel::update(roster_imports::table.find(id.as_str()))
        .filter(roster_imports::state.eq(ImportState::Previewed.word()))
        .set(roster_imports::state.eq(ImportState::Confirmed.word()))
        .execute(c))?;
    Ok(confirmed == 1)
}

/// Claims an import that is to be applied and on which nobody has a claim, the longest confirmed first.
pub fn claim_roster_import(
    conn: &mut Conn<'_>,
    token: &ClaimToken,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<ImportId>, DbError> {
    let Some(id) = import_at_work(conn)? else { return Ok(None) };
    let claimed = on!(conn, |c| diesel::update(roster_imports::table.find(id.as_str()))
        .filter(roster_imports::state.eq(ImportState::Confirmed.word()))
        .filter(roster_imports::claim_until.is_null().or(roster_imports::claim_until.le(Ts(now))))
        .set((roster_imports::claim_token.eq(token.as_str()), roster_imports::claim_until.eq(Ts(until))))
        .execute(c))?;
    Ok((claimed == 1).then_some(id))
}

/// Renews a claim, and says how many steps are done. Nothing if it was lost to somebody else meanwhile: then nothing may be
/// written on its strength. Locks the import until the transaction is over.
pub fn renew_import_claim(
    conn: &mut Conn<'_>,
    id: &ImportId,
    token: &ClaimToken,
    until: DateTime<Utc>,
) -> Result<Option<i32>, DbError> {
    let renewed = on!(conn, |c| diesel::update(roster_imports::table.find(id.as_str()))
        .filter(roster_imports::claim_token.eq(token.as_str()))
        .set(roster_imports::claim_until.eq(Ts(until)))
        .execute(c))?;
    if renewed == 0 {
        return Ok(None);
    }
    Ok(on!(conn, |c| roster_imports::table
        .find(id.as_str())
        .select(roster_imports::done)
        .first(c)
        .optional())?)
}

/// Writes how many steps of an import are done.
pub fn advance_import(conn: &mut Conn<'_>, id: &ImportId, done: i32) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(roster_imports::table.find(id.as_str()))
        .set(roster_imports::done.eq(done))
        .execute(c))?;
    Ok(())
}

/// Writes that an import is applied.
pub fn finish_import(conn: &mut Conn<'_>, id: &ImportId, now: DateTime<Utc>) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(roster_imports::table.find(id.as_str()))
        .set((
            roster_imports::state.eq(ImportState::Done.word()),
            roster_imports::finished_at.eq(Ts(now)),
            roster_imports::claim_token.eq(None::<&str>),
            roster_imports::claim_until.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(())
}

/// Forgets an import that was only shown. False if there is none such.
pub fn discard_import(conn: &mut Conn<'_>, id: &ImportId) -> Result<bool, DbError> {
    let gone = on!(conn, |c| diesel::delete(roster_imports::table.find(id.as_str()))
        .filter(roster_imports::state.eq(ImportState::Previewed.word()))
        .execute(c))?;
    Ok(gone == 1)
}

/// Forgets imports that were brought up to `shown` and not confirmed, or applied up to `done`, and says how many.
pub fn forget_imports(
    conn: &mut Conn<'_>,
    shown: DateTime<Utc>,
    done: DateTime<Utc>,
) -> Result<usize, DbError> {
    let unconfirmed = on!(conn, |c| diesel::delete(roster_imports::table)
        .filter(roster_imports::state.eq(ImportState::Previewed.word()))
        .filter(roster_imports::at.le(Ts(shown)))
        .execute(c))?;
    let applied = on!(conn, |c| diesel::delete(roster_imports::table)
        .filter(roster_imports::state.eq(ImportState::Done.word()))
        .filter(roster_imports::finished_at.le(Ts(done)))
        .execute(c))?;
    Ok(unconfirmed + applied)
}

/// Gives the claim on an import up.
pub fn give_import_back(conn: &mut Conn<'_>, id: &ImportId) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(roster_imports::table.find(id.as_str()))
        .set((roster_imports::claim_token.eq(None::<&str>), roster_imports::claim_until.eq(None::<Ts>)))
        .execute(c))?;
    Ok(())
}

/// Gives up every claim on imports, and says how many there were.
pub(super) fn drop_import_claims(conn: &mut Conn<'_>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::update(roster_imports::table)
        .filter(roster_imports::claim_token.is_not_null())
        .set((roster_imports::claim_token.eq(None::<&str>), roster_imports::claim_until.eq(None::<Ts>)))
        .execute(c))?)
}
