//! The addresses of calendars.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::DbError;
use super::connection::{Conn, on};
use super::people::{PersonRow, persons};
use super::schema::{calendar_addresses, people};
use super::types::Ts;
use crate::domain::feed::Feed;
use crate::domain::ids::PersonId;
use crate::domain::person::Person;

/// Sets the address at which a person's programs read a feed, in the place of the one before: `secret_hash` is the hash of
/// what is in it.
pub fn save_calendar_address(
    conn: &mut Conn<'_>,
    person: &PersonId,
    feed: Feed,
    secret_hash: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        calendar_addresses::person_id.eq(person.as_str()),
        calendar_addresses::feed.eq(feed.word()),
        calendar_addresses::secret_hash.eq(secret_hash),
        calendar_addresses::made_at.eq(Ts(now)),
    );
    on!(conn, |c| diesel::insert_into(calendar_addresses::table)
        .values(row)
        .on_conflict((calendar_addresses::person_id, calendar_addresses::feed))
        .do_update()
        .set((
            calendar_addresses::secret_hash.eq(excluded(calendar_addresses::secret_hash)),
            calendar_addresses::made_at.eq(excluded(calendar_addresses::made_at)),
        ))
        .execute(c))?;
    Ok(())
}

/// Takes the address of the person's feed away, if there is one.
pub fn delete_calendar_address(conn: &mut Conn<'_>, person: &PersonId, feed: Feed) -> Result<(), DbError> {
    let key = (person.as_str(), feed.word());
    on!(conn, |c| diesel::delete(calendar_addresses::table.find(key)).execute(c))?;
    Ok(())
}

/// When the address of the person's feed was made, if there is one.
pub fn calendar_address_made_at(
    conn: &mut Conn<'_>,
    person: &PersonId,
    feed: Feed,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let made_at: Option<Ts> = on!(conn, |c| calendar_addresses::table
        .find((person.as_str(), feed.word()))
        .select(calendar_addresses::made_at)
        .first(c)
        .optional())?;
    Ok(made_at.map(|at| at.0))
}

/// Whose feed has the address with this hash, and which it is.
pub fn person_of_calendar(conn: &mut Conn<'_>, secret_hash: &str) -> Result<Option<(Person, Feed)>, DbError> {
    let row: Option<(PersonRow, String)> = on!(conn, |c| persons!()
        .inner_join(calendar_addresses::table.on(calendar_addresses::person_id.eq(people::id)))
        .filter(calendar_addresses::secret_hash.eq(secret_hash))
        .select((PersonRow::as_select(), calendar_addresses::feed))
        .first(c)
        .optional())?;
    row.map(|(person, word)| {
        let feed = Feed::from_word(&word);
        let feed = feed.ok_or_else(|| DbError::Corrupt(format!("\"{word}\" is no feed")))?;
        Ok((Person::try_from(person)?, feed))
    })
    .transpose()
}
