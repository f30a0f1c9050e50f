//! Shares: where each student stands in the tree of course, sections and teams.

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::DbError;
use super::connection::{Conn, on};
use super::people::{persons, served_course};
use super::schema::{memberships, people, share_groups};
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::Role;

/// More people than any university has.
const EVERYONE: i64 = 500_000;

/// Someone who has shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shareholder {
    /// Who.
    pub person: PersonId,
    /// Their net ID.
    pub net_id: NetId,
    /// Their section, if they have one.
    pub section: Option<String>,
    /// Their team in it, or in the course if they have no section.
    pub team: Option<String>,
    /// Their shares among those of the same team, section or course.
    pub shares: i32,
}

/// The shares of a section, or of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareGroup {
    /// The section; nothing for a team that is in none.
    pub section: Option<String>,
    /// The team; nothing for the section itself.
    pub team: Option<String>,
    /// Its shares among its siblings.
    pub shares: i32,
}

/// Whoever is in no course has no shares.
type Row = (String, String, Option<String>, Option<String>, Option<i32>);

/// The students who take the course, by their net IDs.
pub fn shareholders(conn: &mut Conn<'_>) -> Result<Vec<Shareholder>, DbError> {
    let rows: Vec<Row> = on!(conn, |c| persons!()
        .filter(memberships::role.eq(Role::Student.word()))
        .filter(memberships::dropped_at.is_null())
        .order(people::net_id)
        .limit(EVERYONE)
        .select((
            people::id,
            people::net_id,
            memberships::section.nullable(),
            memberships::team.nullable(),
            memberships::shares.nullable(),
        ))
        .load(c))?;
    rows.into_iter().map(read).collect()
}

/// Where a person stands, whether they have shares at present or not.
pub fn shareholder(conn: &mut Conn<'_>, person: &PersonId) -> Result<Option<Shareholder>, DbError> {
    let row: Option<Row> = on!(conn, |c| persons!()
        .filter(people::id.eq(person.as_str()))
        .select((
            people::id,
            people::net_id,
            memberships::section.nullable(),
            memberships::team.nullable(),
            memberships::shares.nullable(),
        ))
        .first(c)
        .optional())?;
    row.map(read).transpose()
}

fn read((id, net_id, section, team, shares): Row) -> Result<Shareholder, DbError> {
    Ok(Shareholder {
        person: id.parse().map_err(DbError::corrupt)?,
        net_id: net_id.parse().map_err(DbError::corrupt)?,
        section,
        team,
        shares: shares.unwrap_or_default(),
    })
}

/// Sets where a person stands in the course that is served, and their shares there.
pub fn place_person(
    conn: &mut Conn<'_>,
    person: &PersonId,
    section: Option<&str>,
    team: Option<&str>,
    shares: i32,
) -> Result<(), DbError> {
    let Some(course) = served_course(conn)? else { return Ok(()) };
    on!(conn, |c| diesel::update(memberships::table.find((course.as_str(), person.as_str())))
        .set((memberships::section.eq(section), memberships::team.eq(team), memberships::shares.eq(shares)))
        .execute(c))?;
    Ok(())
}

/// The groups whose shares were set. One that is not among them has one.
pub fn share_groups(conn: &mut Conn<'_>) -> Result<Vec<ShareGroup>, DbError> {
    let rows: Vec<(String, String, i32)> = on!(conn, |c| share_groups::table
        .order((share_groups::section, share_groups::team))
        .limit(EVERYONE)
        .load(c))?;
    let named = |text: String| (!text.is_empty()).then_some(text);
    Ok(rows
        .into_iter()
        .map(|(section, team, shares)| ShareGroup { section: named(section), team: named(team), shares })
        .collect())
}

/// Sets the shares of a group.
pub fn save_share_group(conn: &mut Conn<'_>, group: &ShareGroup) -> Result<(), DbError> {
    let row = (
        share_groups::section.eq(group.section.as_deref().unwrap_or_default()),
        share_groups::team.eq(group.team.as_deref().unwrap_or_default()),
        share_groups::shares.eq(group.shares),
    );
    on!(conn, |c| diesel::insert_into(share_groups::table)
        .values(row)
        .on_conflict((share_groups::section, share_groups::team))
        .do_update()
        .set(share_groups::shares.eq(excluded(share_groups::shares)))
        .execute(c))?;
    Ok(())
}
