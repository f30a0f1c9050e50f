//! What programs sign in with. Of each secret only the hash is stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::people::{PersonRow, persons};
use super::schema::{api_tokens, people};
use super::types::Ts;
use crate::domain::ids::{PersonId, TokenId};
use crate::domain::person::Person;

/// A token as it is stored, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// What people name it by.
    pub id: TokenId,
    /// What its maker calls it.
    pub name: String,
    /// What it may be used for, in the words of `auth::permissions::Scope`.
    pub scopes: Vec<String>,
    /// Who made it.
    pub made_by: PersonId,
    /// When.
    pub made_at: DateTime<Utc>,
    /// From then on it signs nobody in.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to within some minutes.
    pub used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
struct TokenRow {
    id: String,
    name: String,
    scopes: String,
    made_by: String,
    made_at: Ts,
    expires_at: Ts,
    used_at: Option<Ts>,
    revoked_at: Option<Ts>,
}

impl TryFrom<TokenRow> for StoredToken {
    type Error = DbError;
    fn try_from(row: TokenRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            name: row.name,
            scopes: serde_json::from_str(&row.scopes).map_err(DbError::corrupt)?,
            made_by: row.made_by.parse().map_err(DbError::corrupt)?,
            made_at: row.made_at.0,
            expires_at: row.expires_at.0,
            used_at: row.used_at.map(|at| at.0),
            revoked_at: row.revoked_at.map(|at| at.0),
        })
    }
}

/// Adds a token of a person: `secret_hash` is the hash of what the program holds.
pub fn insert_token(
    conn: &mut Conn<'_>,
    person: &PersonId,
    secret_hash: &str,
    token: &StoredToken,
) -> Result<(), DbError> {
    let row = (
        api_tokens::id.eq(token.id.as_str()),
        api_tokens::secret_hash.eq(secret_hash),
        api_tokens::person_id.eq(person.as_str()),
        api_tokens::name.eq(&token.name),
        api_tokens::scopes.eq(serde_json::to_string(&token.scopes).map_err(DbError::corrupt)?),
        api_tokens::made_by.eq(token.made_by.as_str()),
        api_tokens::made_at.eq(Ts(token.made_at)),
        api_tokens::expires_at.eq(Ts(token.expires_at)),
    );
    on!(conn, |c| diesel::insert_into(api_tokens::table).values(row).execute(c))?;
    Ok(())
}

/// The token of a secret that still signs in, with its person.
pub fn token(
    conn: &mut Conn<'_>,
    secret_hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Person, StoredToken)>, DbError> {
    let row: Option<(PersonRow, TokenRow)> = on!(conn, |c| persons!()
        .inner_join(api_tokens::table.on(api_tokens::person_id.eq(people::id)))
        .filter(api_tokens::secret_hash.eq(secret_hash))
        .filter(api_tokens::expires_at.gt(Ts(now)))
        .filter(api_tokens::revoked_at.is_null())
        .select((PersonRow::as_select(), TokenRow::as_select()))
        .first(c)
        .optional())?;
    row.map(|(person, token)| Ok((person.try_into()?, token.try_into()?))).transpose()
}

/// Writes that a token was used.
pub fn touch_token(conn: &mut Conn<'_>, id: &TokenId, now: DateTime<Utc>) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(api_tokens::table.find(id.as_str()))
        .set(api_tokens::used_at.eq(Ts(now)))
        .execute(c))?;
    Ok(())
}

/// More tokens than anyone has; the latest are shown.
const MOST: i64 = 200;

/// The tokens of a person, the latest first, those that are over among them.
pub fn tokens_of(conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<StoredToken>, DbError> {
    let rows: Vec<TokenRow> = on!(conn, |c| api_tokens::table
        .filter(api_tokens::person_id.eq(person.as_str()))
        .order((api_tokens::made_at.desc(), api_tokens::id))
        .limit(MOST)
        .select(TokenRow::as_select())
        .load(c))?;
    rows.into_iter().map(StoredToken::try_from).collect()
}

/// How many people one statement asks for.
const AT_ONCE: usize = 200;

/// The tokens of these people, the latest first, each with whose it is.
pub fn tokens_of_each(
    conn: &mut Conn<'_>,
    people: &[&PersonId],
) -> Result<Vec<(PersonId, StoredToken)>, DbError> {
    let mut found = Vec::new();
    for people in people.chunks(AT_ONCE) {
        let ids: Vec<&str> = people.iter().map(|id| id.as_str()).collect();
        let rows: Vec<(String, TokenRow)> = on!(conn, |c| api_tokens::table
            .filter(api_tokens::person_id.eq_any(&ids))
            .order((api_tokens::made_at.desc(), api_tokens::id))
            .limit(MOST * i64::try_from(AT_ONCE).unwrap_or(1))
            .select((api_tokens::person_id, TokenRow::as_select()))
            .load(c))?;
        for (person, token) in rows {
            found.push((person.parse().map_err(DbError::corrupt)?, token.try_into()?));
        }
    }
    Ok(found)
}

/// The most tokens that a list of everybody's has.
const MOST_IN_ALL: i64 = 1000;

/// Everybody's tokens that sign in, the first to end first, each with whose it is.
pub fn tokens_that_sign_in(
    conn: &mut Conn<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<(Person, StoredToken)>, DbError> {
    let rows: Vec<(PersonRow, TokenRow)> = on!(conn, |c| persons!()
        .inner_join(api_tokens::table.on(api_tokens::person_id.eq(people::id)))
        .filter(api_tokens::expires_at.gt(Ts(now)))
        .filter(api_tokens::revoked_at.is_null())
        .order((api_tokens::expires_at, api_tokens::id))
        .limit(MOST_IN_ALL)
        .select((PersonRow::as_select(), TokenRow::as_select()))
        .load(c))?;
    rows.into_iter().map(|(person, token)| Ok((person.try_into()?, token.try_into()?))).collect()
}

/// Whose the token of this id is, whether it signs in or not.
pub fn owner_of_token(conn: &mut Conn<'_>, id: &TokenId) -> Result<Option<PersonId>, DbError> {
    let owner: Option<String> =
        on!(conn, |c| api_tokens::table.find(id.as_str()).select(api_tokens::person_id).first(c).optional())?;
    owner.map(|id| id.parse().map_err(DbError::corrupt)).transpose()
}

/// Revokes a token of a person. False if they have none of this id that was not revoked before.
pub fn revoke_token(
    conn: &mut Conn<'_>,
    person: &PersonId,
    id: &TokenId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let one = api_tokens::table
        .filter(api_tokens::id.eq(id.as_str()))
        .filter(api_tokens::person_id.eq(person.as_str()))
        .filter(api_tokens::revoked_at.is_null());
    let set = api_tokens::revoked_at.eq(Ts(now));
    Ok(on!(conn, |c| diesel::update(one).set(set).execute(c))? > 0)
}
