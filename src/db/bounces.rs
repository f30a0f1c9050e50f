//! Addresses from which mail comes back.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::bounces;
use super::types::Ts;
use crate::domain::ids::PersonId;
use crate::domain::notice::Bounce;

/// Notes that mail to this address of the person came back, with the mail server's words. If it did before, it stays noted
/// since then.
pub fn note_bounce(
    conn: &mut Conn<'_>,
    person: &PersonId,
    address: &str,
    words: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let noted = on!(conn, |c| diesel::update(bounces::table.find(person.as_str()))
        .filter(bounces::address.eq(address))
        .set(bounces::words.eq(words))
        .execute(c))?;
    if noted == 1 {
        return Ok(());
    }
    let values = (bounces::address.eq(address), bounces::since.eq(Ts(now)), bounces::words.eq(words));
    on!(conn, |c| diesel::insert_into(bounces::table)
        .values((bounces::person_id.eq(person.as_str()), values))
        .on_conflict(bounces::person_id)
        .do_update()
        .set(values)
        .execute(c))?;
    Ok(())
}

/// Forgets that mail to these addresses of these people came back: some was taken.
pub fn clear_bounces(conn: &mut Conn<'_>, taken: &[(&PersonId, &str)]) -> Result<(), DbError> {
    let people = taken.iter().map(|(person, _)| person.as_str());
    let noted: Vec<(String, String)> = on!(conn, |c| bounces::table
        .filter(bounces::person_id.eq_any(people))
        .select((bounces::person_id, bounces::address))
        .load(c))?;
    for (person, address) in noted {
        if taken.iter().any(|(of, to)| of.as_str() == person && *to == address) {
            on!(conn, |c| diesel::delete(bounces::table.find(&person)).execute(c))?;
        }
    }
    Ok(())
}

/// Since when and with which words mail to the person comes back from this address, if it does.
pub fn bounce_of(conn: &mut Conn<'_>, person: &PersonId, address: &str) -> Result<Option<Bounce>, DbError> {
    let noted: Option<(String, Ts, String)> = on!(conn, |c| bounces::table
        .find(person.as_str())
        .filter(bounces::address.eq(address))
        .select((bounces::address, bounces::since, bounces::words))
        .first(c)
        .optional())?;
    Ok(noted.map(|(address, since, words)| Bounce { address, since: since.0, words }))
}
