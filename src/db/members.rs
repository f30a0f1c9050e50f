//! Who is in the course that is served or was, with all that a roster says of them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::people::{read_accounts, read_role, served_course, written_accounts};
use super::schema::{bookings, memberships, people, waits};
use super::types::Ts;
use crate::domain::ids::{CourseId, NetId, PersonId};
use crate::domain::person::Role;

/// More people than any university has.
const EVERYONE: i64 = 500_000;

/// Someone who is in the course or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Who.
    pub person: PersonId,
    /// Their net ID.
    pub net_id: NetId,
    /// What to call them.
    pub name: String,
    /// Where their mail goes.
    pub mail: String,
    /// Names and ids by which sites know them.
    pub cloud_users: Vec<String>,
    /// What they are in the course.
    pub role: Role,
    /// Their section, if they have one.
    pub section: Option<String>,
    /// Their team in it, or in the course if they have no section.
    pub team: Option<String>,
    /// Their shares there.
    pub shares: i32,
    /// Whether they were added by hand: a roster does not drop them.
    pub by_hand: bool,
    /// Since when they are in the course.
    pub joined_at: DateTime<Utc>,
    /// From when on they book nothing, if they dropped it.
    pub dropped_at: Option<DateTime<Utc>>,
    /// When what they have booked ends, if it ends for that.
    pub bookings_end_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = people)]
struct PersonPart {
    id: String,
    net_id: String,
    name: String,
    mail: String,
    cloud_users: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = memberships)]
struct MemberPart {
    role: String,
    section: Option<String>,
    team: Option<String>,
    shares: i32,
    by_hand: i32,
    joined_at: Ts,
    dropped_at: Option<Ts>,
    bookings_end_at: Option<Ts>,
}

fn read((person, member): (PersonPart, MemberPart)) -> Result<Enrolment, DbError> {
    Ok(Enrolment {
        person: person.id.parse().map_err(DbError::corrupt)?,
        net_id: person.net_id.parse().map_err(DbError::corrupt)?,
        name: person.name,
        mail: person.mail,
        cloud_users: person.cloud_users.as_deref().map(read_accounts).transpose()?.unwrap_or_default(),
        role: read_role(&member.role)?,
        section: member.section,
        team: member.team,
        shares: member.shares,
        by_hand: member.by_hand != 0,
        joined_at: member.joined_at.0,
        dropped_at: member.dropped_at.map(|at| at.0),
        bookings_end_at: member.bookings_end_at.map(|at| at.0),
    })
}

/// All who are in the course or were, by their net IDs.
pub fn enrolments(conn: &mut Conn<'_>) -> Result<Vec<Enrolment>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(Vec::new()) };
    let rows = on!(conn, |c| memberships::table
        .inner_join(people::table)
        .filter(memberships::course_id.eq(course.as_str()))
        .filter(people::erased_at.is_null())
        .order(people::net_id)
        .limit(EVERYONE)
        .select((PersonPart::as_select(), MemberPart::as_select()))
        .load(c))?;
    rows.into_iter().map(read).collect()
}

/// Someone who is in the course or was.
pub fn enrolment(conn: &mut Conn<'_>, person: &PersonId) -> Result<Option<Enrolment>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(None) };
    let row = on!(conn, |c| memberships::table
        .inner_join(people::table)
        .filter(memberships::course_id.eq(course.as_str()))
        .filter(memberships::person_id.eq(person.as_str()))
        .filter(people::erased_at.is_null())
        .select((PersonPart::as_select(), MemberPart::as_select()))
        .first(c)
        .optional())?;
    row.map(read).transpose()
}

/// Adds a student whom a roster names to a course, or makes one of somebody who is in it already.
pub fn enrol_by_roster(
    conn: &mut Conn<'_>,
    course: &CourseId,
    person: &PersonId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        memberships::course_id.eq(course.as_str()),
        memberships::person_id.eq(person.as_str()),
        memberships::role.eq(Role::Student.word()),
        memberships::shares.eq(1),
        memberships::by_hand.eq(0),
        memberships::joined_at.eq(Ts(now)),
    );
    on!(conn, |c| diesel::insert_into(memberships::table)
        .values(row)
        .on_conflict((memberships::course_id, memberships::person_id))
        .do_nothing()
        .execute(c))?;
    Ok(())
}

/// Sets all that a roster says of someone who is in a course: they are in it from then on, if they were not.
pub fn save_enrolment(
    conn: &mut Conn<'_>,
    course: &CourseId,
    person: &PersonId,
    (name, mail): (&str, &str),
    (section, team, shares): (Option<&str>, Option<&str>, i32),
    cloud_users: &[String],
) -> Result<(), DbError> {
    let accounts = written_accounts(cloud_users)?;
    on!(conn, |c| diesel::update(people::table.find(person.as_str()))
        .set((people::name.eq(name), people::mail.eq(mail), people::cloud_users.eq(&accounts)))
        .execute(c))?;
    on!(conn, |c| diesel::update(memberships::table.find((course.as_str(), person.as_str())))
        .set((
            memberships::section.eq(section),
            memberships::team.eq(team),
            memberships::shares.eq(shares),
            memberships::dropped_at.eq(None::<Ts>),
            memberships::bookings_end_at.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(())
}

/// Up to `limit` people who have dropped the course, whose bookings are to have ended by now, and who still have a live one or
/// wait for one. Longest due first.
pub fn departures_due(conn: &mut Conn<'_>, now: DateTime<Utc>, limit: i64) -> Result<Vec<PersonId>, DbError> {
    let with_bookings: Vec<String> = on!(conn, |c| memberships::table
        .inner_join(people::table)
        .inner_join(bookings::table.on(bookings::person_id.eq(memberships::person_id)))
        .filter(memberships::bookings_end_at.le(Ts(now)))
        .filter(bookings::seat.is_not_null())
        .order(memberships::bookings_end_at)
        .limit(limit)
        .select(memberships::person_id)
        .load(c))?;
    let with_waits: Vec<String> = on!(conn, |c| memberships::table
        .inner_join(people::table)
        .inner_join(waits::table.on(waits::person_id.eq(memberships::person_id)))
        .filter(memberships::bookings_end_at.le(Ts(now)))
        .filter(waits::ended_at.is_null())
        .order(memberships::bookings_end_at)
        .limit(limit)
        .select(memberships::person_id)
        .load(c))?;
    let mut people: Vec<String> = with_bookings.into_iter().chain(with_waits).collect();
    people.sort();
    people.dedup();
    people.into_iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}
