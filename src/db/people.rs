//! People, their sessions and the addresses of their calendars.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{calendar_addresses, people, sessions};
use super::types::Ts;
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::{Choices, Person, Role};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = people)]
struct PersonRow {
    id: String,
    net_id: String,
    name: String,
    mail: String,
    role: String,
    dropped_at: Option<Ts>,
    ssh_public_key: Option<String>,
    choices: String,
    shares: i32,
    created_at: Ts,
}

pub(super) fn read_choices(text: &str) -> Result<Choices, DbError> {
    serde_json::from_str(text).map_err(DbError::corrupt)
}

fn written_choices(choices: &Choices) -> Result<String, DbError> {
    serde_json::to_string(choices).map_err(DbError::corrupt)
}

impl TryFrom<PersonRow> for Person {
    type Error = DbError;
    fn try_from(row: PersonRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            net_id: row.net_id.parse().map_err(DbError::corrupt)?,
            name: row.name,
            mail: row.mail,
            role: Role::from_word(&row.role).ok_or_else(|| DbError::corrupt("a role"))?,
            enrolled: row.dropped_at.is_none(),
            ssh_public_key: row.ssh_public_key,
            choices: read_choices(&row.choices)?,
        })
    }
}

/// The person with this net ID.
pub fn person_by_net_id(conn: &mut Conn<'_>, net_id: &NetId) -> Result<Option<Person>, DbError> {
    let row: Option<PersonRow> = on!(conn, |c| people::table
        .filter(people::net_id.eq(net_id.as_str()))
        .select(PersonRow::as_select())
        .first(c)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// The person with this id.
pub fn person(conn: &mut Conn<'_>, id: &PersonId) -> Result<Option<Person>, DbError> {
    let row: Option<PersonRow> =
        on!(conn, |c| people::table.find(id.as_str()).select(PersonRow::as_select()).first(c).optional())?;
    row.map(Person::try_from).transpose()
}

/// How many people one statement asks for.
const AT_ONCE: usize = 500;

/// Those of these people that exist.
pub fn people(conn: &mut Conn<'_>, ids: &[&PersonId]) -> Result<Vec<Person>, DbError> {
    let mut found = Vec::new();
    for some in ids.chunks(AT_ONCE) {
        let rows: Vec<PersonRow> = on!(conn, |c| people::table
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
    /// What they may do.
    pub role: Role,
    /// Names and ids by which sites know them.
    pub cloud_users: Vec<String>,
}

/// All who take or run the course or have, by their net IDs.
pub fn everyone(conn: &mut Conn<'_>) -> Result<Vec<Member>, DbError> {
    let rows: Vec<(String, String, String, Option<String>)> = on!(conn, |c| people::table
        .order(people::net_id)
        .limit(EVERYONE)
        .select((people::id, people::net_id, people::role, people::cloud_users))
        .load(c))?;
    let read = |(id, net_id, role, accounts): (String, String, String, Option<String>)| {
        Ok(Member {
            id: id.parse().map_err(DbError::corrupt)?,
            net_id: net_id.parse().map_err(DbError::corrupt)?,
            role: Role::from_word(&role).ok_or_else(|| DbError::corrupt(format!("a role {role}")))?,
            cloud_users: accounts.as_deref().map(read_accounts).transpose()?.unwrap_or_default(),
        })
    };
    rows.into_iter().map(read).collect()
}

fn read_accounts(text: &str) -> Result<Vec<String>, DbError> {
    serde_json::from_str(text).map_err(DbError::corrupt)
}

/// Sets the names and ids by which sites know the person, in the place of those before.
pub fn set_cloud_users(conn: &mut Conn<'_>, id: &PersonId, accounts: &[String]) -> Result<(), DbError> {
    let written = serde_json::to_string(accounts).map_err(DbError::corrupt)?;
    let written = (!accounts.is_empty()).then_some(written);
    on!(conn, |c| diesel::update(people::table.find(id.as_str()))
        .set(people::cloud_users.eq(&written))
        .execute(c))?;
    Ok(())
}

/// The staff of the course, by their net IDs.
pub fn staff(conn: &mut Conn<'_>) -> Result<Vec<Person>, DbError> {
    let rows: Vec<PersonRow> = on!(conn, |c| people::table
        .filter(people::role.eq(Role::Staff.word()))
        .filter(people::dropped_at.is_null())
        .order(people::net_id)
        .select(PersonRow::as_select())
        .load(c))?;
    rows.into_iter().map(Person::try_from).collect()
}

/// Adds a person. One with the same net ID is a [`DbError::Duplicate`].
pub fn insert_person(conn: &mut Conn<'_>, person: &Person, now: DateTime<Utc>) -> Result<(), DbError> {
    let row = PersonRow {
        id: person.id.to_string(),
        net_id: person.net_id.to_string(),
        name: person.name.clone(),
        mail: person.mail.clone(),
        role: person.role.word().to_owned(),
        dropped_at: (!person.enrolled).then_some(Ts(now)),
        ssh_public_key: person.ssh_public_key.clone(),
        choices: written_choices(&person.choices)?,
        shares: 1,
        created_at: Ts(now),
    };
    on!(conn, |c| diesel::insert_into(people::table).values(&row).execute(c))?;
    Ok(())
}

/// Writes that the person takes the course, or has dropped it at this time.
pub fn set_dropped_at(
    conn: &mut Conn<'_>,
    id: &PersonId,
    dropped_at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(people::table.find(id.as_str()))
        .set(people::dropped_at.eq(dropped_at.map(Ts)))
        .execute(c))?;
    Ok(())
}

/// Sets what to call the person, and where their mail goes.
pub fn set_contact(conn: &mut Conn<'_>, id: &PersonId, name: &str, mail: &str) -> Result<(), DbError> {
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

/// Begins a session: `token_hash` is the hash of what the browser holds.
pub fn insert_session(
    conn: &mut Conn<'_>,
    token_hash: &str,
    person: &PersonId,
    csrf: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(token_hash),
            sessions::person_id.eq(person.as_str()),
            sessions::csrf.eq(csrf),
            sessions::created_at.eq(Ts(now)),
            sessions::expires_at.eq(Ts(expires_at)),
        ))
        .execute(c))?;
    Ok(())
}

/// The person of a session that has not expired, and the session's CSRF token.
pub fn session(
    conn: &mut Conn<'_>,
    token_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Person, String)>, DbError> {
    let row: Option<(PersonRow, String)> = on!(conn, |c| sessions::table
        .inner_join(people::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(Ts(now)))
        .select((PersonRow::as_select(), sessions::csrf))
        .first(c)
        .optional())?;
    row.map(|(person, csrf)| Ok((person.try_into()?, csrf))).transpose()
}

/// Ends a session.
pub fn delete_session(conn: &mut Conn<'_>, token_hash: &str) -> Result<(), DbError> {
    on!(conn, |c| diesel::delete(sessions::table.find(token_hash)).execute(c))?;
    Ok(())
}

/// Forgets the sessions that have expired.
pub fn delete_expired_sessions(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<usize, DbError> {
    Ok(on!(conn, |c| diesel::delete(sessions::table.filter(sessions::expires_at.le(Ts(now)))).execute(c))?)
}

/// Sets the address of the person's calendar, in the place of the one before: `secret_hash` is the hash of what is in it.
pub fn save_calendar_address(
    conn: &mut Conn<'_>,
    person: &PersonId,
    secret_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        calendar_addresses::person_id.eq(person.as_str()),
        calendar_addresses::secret_hash.eq(secret_hash),
        calendar_addresses::made_at.eq(Ts(now)),
    );
    on!(conn, |c| diesel::insert_into(calendar_addresses::table)
        .values(row)
        .on_conflict(calendar_addresses::person_id)
        .do_update()
        .set((
            calendar_addresses::secret_hash.eq(excluded(calendar_addresses::secret_hash)),
            calendar_addresses::made_at.eq(excluded(calendar_addresses::made_at)),
        ))
        .execute(c))?;
    Ok(())
}

/// Takes the address of the person's calendar away, if there is one.
pub fn delete_calendar_address(conn: &mut Conn<'_>, person: &PersonId) -> Result<(), DbError> {
    on!(conn, |c| diesel::delete(calendar_addresses::table.find(person.as_str())).execute(c))?;
    Ok(())
}

/// When the address of the person's calendar was made, if there is one.
pub fn calendar_address_made_at(
    conn: &mut Conn<'_>,
    person: &PersonId,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let made_at: Option<Ts> = on!(conn, |c| calendar_addresses::table
        .find(person.as_str())
        .select(calendar_addresses::made_at)
        .first(c)
        .optional())?;
    Ok(made_at.map(|at| at.0))
}

/// Whose calendar has the address with this hash.
pub fn person_of_calendar(conn: &mut Conn<'_>, secret_hash: &str) -> Result<Option<Person>, DbError> {
    let row: Option<PersonRow> = on!(conn, |c| calendar_addresses::table
        .inner_join(people::table)
        .filter(calendar_addresses::secret_hash.eq(secret_hash))
        .select(PersonRow::as_select())
        .first(c)
        .optional())?;
    row.map(Person::try_from).transpose()
}
