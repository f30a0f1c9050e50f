//! People, and what each is in the course.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::connection::{Conn, on};
use super::schema::{bookings, bounces, courses, labs, memberships, people};
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::ids::{BookingId, CourseId, NetId, PersonId};
use crate::domain::person::{Choices, Person, Role, Team};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = people)]
pub(super) struct PeopleRow {
    id: String,
    net_id: String,
    name: String,
    mail: String,
    admin: i32,
    ssh_public_key: Option<String>,
    choices: String,
    created_at: Ts,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = memberships)]
pub(super) struct MemberRow {
    role: String,
    section: Option<String>,
    team: Option<String>,
    dropped_at: Option<Ts>,
    bookings_end_at: Option<Ts>,
}

/// Someone with what they are in the course that is served.
pub(super) type PersonRow = (PeopleRow, Option<MemberRow>);

/// Everyone, each with what they are in the course that is served.
macro_rules! persons {
    () => {
        $crate::db::schema::people::table.left_join(
            $crate::db::schema::memberships::table.on($crate::db::schema::memberships::person_id
                .eq($crate::db::schema::people::id)
                .and(
                    $crate::db::schema::memberships::course_id.nullable().eq(
                        $crate::db::schema::courses::table
                            .order($crate::db::schema::courses::id)
                            .select($crate::db::schema::courses::id)
                            .limit(1)
                            .single_value(),
                    ),
                )),
        )
    };
}
pub(super) use persons;

pub(super) fn read_choices(text: &str) -> Result<Choices, DbError> {
    serde_json::from_str(text).map_err(DbError::corrupt)
}

fn written_choices(choices: &Choices) -> Result<String, DbError> {
    serde_json::to_string(choices).map_err(DbError::corrupt)
}

impl TryFrom<PersonRow> for Person {
    type Error = DbError;
    fn try_from((row, member): PersonRow) -> Result<Self, DbError> {
        let role = member.as_ref().map(|member| read_role(&member.role)).transpose()?;
        let enrolled = member.as_ref().is_some_and(|member| member.dropped_at.is_none());
        let bookings_end_at = member.as_ref().and_then(|member| member.bookings_end_at).map(|at| at.0);
        let team = member.and_then(|member| Some(Team { name: member.team?, section: member.section }));
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            net_id: row.net_id.parse().map_err(DbError::corrupt)?,
            name: row.name,
            mail: row.mail,
            admin: row.admin != 0,
            role,
            team,
            enrolled,
            bookings_end_at,
            ssh_public_key: row.ssh_public_key,
            choices: read_choices(&row.choices)?,
        })
    }
}

pub(super) fn read_role(word: &str) -> Result<Role, DbError> {
    Role::from_word(word).ok_or_else(|| DbError::corrupt(format!("a role {word}")))
}

/// The id of the course that this installation serves, if one was applied.
pub fn served_course(conn: &mut Conn<'_>) -> Result<Option<CourseId>, DbError> {
    let id: Option<String> =
        on!(conn, |c| courses::table.order(courses::id).select(courses::id).first(c).optional())?;
    id.map(|id| id.parse().map_err(DbError::corrupt)).transpose()
}

/// The person with this net ID.
pub fn person_by_net_id(conn: &mut Conn<'_>, net_id: &NetId) -> Result<Option<Person>, DbError> {
    let row: Option<PersonRow> = on!(conn, |c| persons!()
        .filter(people::net_id.eq(net_id.as_str()))
        .select(PersonRow::as_select())
        .first(c)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// The person with this id.
pub fn person(conn: &mut Conn<'_>, id: &PersonId) -> Result<Option<Person>, DbError> {
    let row: Option<PersonRow> = on!(conn, |c| persons!()
        .filter(people::id.eq(id.as_str()))
        .select(PersonRow::as_select())
        .first(c)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// Whose a booking of the course that is served is. One of another course is nobody's here.
pub fn owner_of_booking(conn: &mut Conn<'_>, booking: &BookingId) -> Result<Option<Person>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(None) };
    let row: Option<PersonRow> = on!(conn, |c| persons!()
        .inner_join(bookings::table.on(bookings::person_id.eq(people::id)))
        .inner_join(labs::table.on(labs::id.eq(bookings::lab_id)))
        .filter(bookings::id.eq(booking.as_str()))
        .filter(labs::course_id.eq(course.as_str()))
        .select(PersonRow::as_select())
        .first(c)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// How many people one statement asks for.
const AT_ONCE: usize = 500;

/// Those of these people that exist.
pub fn people(conn: &mut Conn<'_>, ids: &[&PersonId]) -> Result<Vec<Person>, DbError> {
    let mut found = Vec::new();
    for some in ids.chunks(AT_ONCE) {
        let rows: Vec<PersonRow> = on!(conn, |c| persons!()
            .filter(people::id.eq_any(some.iter().map(|id| id.as_str())))
            .order(people::id)
            .select(PersonRow::as_select())
            .load(c))?;
        found.extend(rows.into_iter().map(Person::try_from));
    }
    found.into_iter().collect()
}

/// How many people a sweep knows at most: more than any university has.
const EVERYONE: i64 = 500_000;

/// Someone in the course, as a sweep needs to know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: PersonId,
    /// Their net ID.
    pub net_id: NetId,
    /// Whether they run the course.
    pub staff: bool,
    /// Names and ids by which sites know them.
    pub cloud_users: Vec<String>,
}

/// All who take or run the course or have, by their net IDs.
pub fn everyone(conn: &mut Conn<'_>) -> Result<Vec<Member>, DbError> {
    let rows: Vec<(String, String, Option<String>, Option<String>)> = on!(conn, |c| persons!()
        .filter(people::erased_at.is_null())
        .order(people::net_id)
        .limit(EVERYONE)
        .select((people::id, people::net_id, memberships::role.nullable(), people::cloud_users))
        .load(c))?;
    let read = |(id, net_id, role, accounts): (String, String, Option<String>, Option<String>)| {
        let role = role.as_deref().map(read_role).transpose()?;
        Ok(Member {
            id: id.parse().map_err(DbError::corrupt)?,
            net_id: net_id.parse().map_err(DbError::corrupt)?,
            staff: role.is_some_and(Role::is_staff),
            cloud_users: accounts.as_deref().map(read_accounts).transpose()?.unwrap_or_default(),
        })
    };
    rows.into_iter().map(read).collect()
}

pub(super) fn read_accounts(text: &str) -> Result<Vec<String>, DbError> {
    serde_json::from_str(text).map_err(DbError::corrupt)
}

pub(super) fn written_accounts(accounts: &[String]) -> Result<Option<String>, DbError> {
    let written = serde_json::to_string(accounts).map_err(DbError::corrupt)?;
    Ok((!accounts.is_empty()).then_some(written))
}

/// Sets the names and ids by which sites know the person, in the place of those before.
pub fn set_cloud_users(conn: &mut Conn<'_>, id: &PersonId, accounts: &[String]) -> Result<(), DbError> {
    let written = written_accounts(accounts)?;
    on!(conn, |c| diesel::update(people::table.find(id.as_str()))
        .set(people::cloud_users.eq(&written))
        .execute(c))?;
    Ok(())
}

/// The staff of the course, by their net IDs.
pub fn staff(conn: &mut Conn<'_>) -> Result<Vec<Person>, DbError> {
    let roles = Role::ALL.into_iter().filter(|role| role.is_staff()).map(Role::word);
    let rows: Vec<PersonRow> = on!(conn, |c| persons!()
        .filter(memberships::role.eq_any(roles))
        .filter(memberships::dropped_at.is_null())
        .order(people::net_id)
        .select(PersonRow::as_select())
        .load(c))?;
    rows.into_iter().map(Person::try_from).collect()
}

/// Who runs the course or the installation, and the course's services, by their net IDs.
pub fn people_with_roles(conn: &mut Conn<'_>) -> Result<Vec<Person>, DbError> {
    let special = Role::ALL.into_iter().filter(|role| *role != Role::Student).map(Role::word);
    let rows: Vec<PersonRow> = on!(conn, |c| persons!()
        .filter(
            people::admin
                .eq(1)
                .nullable()
                .or(memberships::role.eq_any(special).and(memberships::dropped_at.is_null()).nullable())
        )
        .order(people::net_id)
        .limit(EVERYONE)
        .select(PersonRow::as_select())
        .load(c))?;
    rows.into_iter().map(Person::try_from).collect()
}

/// The most services that a course has.
const MOST_SERVICES: i64 = 200;

/// The services of the course, by their names.
pub fn services(conn: &mut Conn<'_>) -> Result<Vec<Person>, DbError> {
    let rows: Vec<PersonRow> = on!(conn, |c| persons!()
        .filter(memberships::role.eq(Role::Service.word()))
        .filter(memberships::dropped_at.is_null())
        .order(people::net_id)
        .limit(MOST_SERVICES)
        .select(PersonRow::as_select())
        .load(c))?;
    rows.into_iter().map(Person::try_from).collect()
}

/// Makes others who want to say who is what in a course wait until the transaction is over.
pub fn lock_roles(conn: &mut Conn<'_>, course: &CourseId) -> Result<(), DbError> {
    Ok(dialect::lock_course(conn, course.as_str())?)
}

/// Adds a person, and what they are in the course that is served. One with the same net ID is a [`DbError::Duplicate`].
pub fn insert_person(conn: &mut Conn<'_>, person: &Person, now: DateTime<Utc>) -> Result<(), DbError> {
    let row = PeopleRow {
        id: person.id.to_string(),
        net_id: person.net_id.to_string(),
        name: person.name.clone(),
        mail: person.mail.clone(),
        admin: i32::from(person.admin),
        ssh_public_key: person.ssh_public_key.clone(),
        choices: written_choices(&person.choices)?,
        created_at: Ts(now),
    };
    on!(conn, |c| diesel::insert_into(people::table).values(&row).execute(c))?;
    if let Some(role) = person.role {
        let course = served_course(conn)?
            .ok_or_else(|| DbError::Unusable("there is no course to be in: apply one first".to_owned()))?;
        insert_membership(conn, &course, &person.id, role, now)?;
    }
    Ok(())
}

/// Makes someone who is known a member of a course, as one who was added by hand.
pub fn insert_membership(
    conn: &mut Conn<'_>,
    course: &CourseId,
    person: &PersonId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        memberships::course_id.eq(course.as_str()),
        memberships::person_id.eq(person.as_str()),
        memberships::role.eq(role.word()),
        memberships::shares.eq(1),
        memberships::by_hand.eq(1),
        memberships::joined_at.eq(Ts(now)),
    );
    on!(conn, |c| diesel::insert_into(memberships::table).values(row).execute(c))?;
    Ok(())
}

/// What someone is in a course, if they are in it at present.
pub fn role_in(conn: &mut Conn<'_>, course: &CourseId, person: &PersonId) -> Result<Option<Role>, DbError> {
    let word: Option<String> = on!(conn, |c| memberships::table
        .find((course.as_str(), person.as_str()))
        .filter(memberships::dropped_at.is_null())
        .select(memberships::role)
        .first(c)
        .optional())?;
    word.as_deref().map(read_role).transpose()
}

/// Sets what someone is in a course.
pub fn set_role(
    conn: &mut Conn<'_>,
    course: &CourseId,
    person: &PersonId,
    role: Role,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(memberships::table.find((course.as_str(), person.as_str())))
        .set(memberships::role.eq(role.word()))
        .execute(c))?;
    Ok(())
}

/// Sets whether someone runs the installation.
pub fn set_admin(conn: &mut Conn<'_>, person: &PersonId, admin: bool) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(people::table.find(person.as_str()))
        .set(people::admin.eq(i32::from(admin)))
        .execute(c))?;
    Ok(())
}

/// When someone dropped a course, and when what they have booked in it ends; nothing if they are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// From then on they book nothing.
    pub at: DateTime<Utc>,
    /// From then on they have nothing here. If there is no time, what they have booked goes on to its end.
    pub bookings_end_at: Option<DateTime<Utc>>,
}

/// Writes that the person is in the course that is served, or has dropped it.
pub fn set_dropped(conn: &mut Conn<'_>, id: &PersonId, dropped: Option<Dropped>) -> Result<(), DbError> {
    let Some(course) = served_course(conn)? else { return Ok(()) };
    let end = dropped.and_then(|dropped| dropped.bookings_end_at);
    on!(conn, |c| diesel::update(memberships::table.find((course.as_str(), id.as_str())))
        .set((
            memberships::dropped_at.eq(dropped.map(|dropped| Ts(dropped.at))),
            memberships::bookings_end_at.eq(end.map(Ts)),
        ))
        .execute(c))?;
    Ok(())
}

/// Sets what to call the person, and where their mail goes. Whether mail to another address came back says nothing of this one.
pub fn set_contact(conn: &mut Conn<'_>, id: &PersonId, name: &str, mail: &str) -> Result<(), DbError> {
    let another = bounces::table.find(id.as_str()).filter(bounces::address.ne(mail));
    on!(conn, |c| diesel::delete(another).execute(c))?;
    on!(conn, |c| diesel::update(people::table.find(id.as_str()))
        .set((people::name.eq(name), people::mail.eq(mail)))
        .execute(c))?;
    Ok(())
}

/// Sets the person's SSH public key.
pub fn set_ssh_public_key(conn: &mut Conn<'_>, id: &PersonId, key: &str) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(people::table.find(id.as_str()))
        .set(people::ssh_public_key.eq(key))
        .execute(c))?;
    Ok(())
}

/// Sets which mails the person wants.
pub fn set_choices(conn: &mut Conn<'_>, id: &PersonId, choices: &Choices) -> Result<(), DbError> {
    let choices = written_choices(choices)?;
    on!(conn, |c| diesel::update(people::table.find(id.as_str()))
        .set(people::choices.eq(&choices))
        .execute(c))?;
    Ok(())
}
