//! Signing in: what was begun, and who someone is to an identity provider.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};

use super::DbError;
use super::connection::{Conn, on};
use super::people::{PersonRow, persons};
use super::schema::{identities, people, sign_ins};
use super::types::Ts;
use crate::domain::ids::{PersonId, ProviderId};
use crate::domain::person::Person;

/// A sign-in that was begun: what is kept until the browser comes back.
#[derive(Debug, Clone)]
pub struct PendingSignIn {
    /// Of what the browser holds.
    pub browser_hash: String,
    /// Where it was sent.
    pub provider: ProviderId,
    /// What the provider's token has to say.
    pub nonce: SecretString,
    /// What goes with the code.
    pub verifier: SecretString,
    /// Where to go afterwards.
    pub return_to: Option<String>,
    /// When it is over.
    pub expires_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_ins)]
struct SignInRow {
    state_hash: String,
    browser_hash: String,
    provider: String,
    nonce: String,
    verifier: String,
    return_to: Option<String>,
    expires_at: Ts,
}

impl TryFrom<SignInRow> for PendingSignIn {
    type Error = DbError;
    fn try_from(row: SignInRow) -> Result<Self, DbError> {
        Ok(Self {
            browser_hash: row.browser_hash,
            provider: row.provider.parse().map_err(DbError::corrupt)?,
            nonce: row.nonce.into(),
            verifier: row.verifier.into(),
            return_to: row.return_to,
            expires_at: row.expires_at.0,
        })
    }
}

/// Keeps a sign-in: `state_hash` is the hash of what comes back with the browser.
pub fn insert_sign_in(conn: &mut Conn<'_>, state_hash: &str, pending: &PendingSignIn) -> Result<(), DbError> {
    let row = SignInRow {
        state_hash: state_hash.to_owned(),
        browser_hash: pending.browser_hash.clone(),
        provider: pending.provider.to_string(),
        nonce: pending.nonce.expose_secret().to_owned(),
        verifier: pending.verifier.expose_secret().to_owned(),
        return_to: pending.return_to.clone(),
        expires_at: Ts(pending.expires_at),
    };
    on!(conn, |c| diesel::insert_into(sign_ins::table).values(&row).execute(c))?;
    Ok(())
}

/// Takes a sign-in away, and returns it to the one who took it.
pub fn take_sign_in(conn: &mut Conn<'_>, state_hash: &str) -> Result<Option<PendingSignIn>, DbError> {
    let row: Option<SignInRow> =
        on!(conn, |c| sign_ins::table.find(state_hash).select(SignInRow::as_select()).first(c).optional())?;
    let taken = on!(conn, |c| diesel::delete(sign_ins::table.find(state_hash)).execute(c))?;
    row.filter(|_| taken == 1).map(PendingSignIn::try_from).transpose()
}

/// Forgets the sign-ins that are over.
pub fn delete_old_sign_ins(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<usize, DbError> {
    let old = sign_ins::table.filter(sign_ins::expires_at.le(Ts(now)));
    Ok(on!(conn, |c| diesel::delete(old).execute(c))?)
}

/// Who is this subject of this issuer.
pub fn person_by_identity(
    conn: &mut Conn<'_>,
    issuer: &str,
    subject: &str,
) -> Result<Option<Person>, DbError> {
    let row: Option<PersonRow> = on!(conn, |c| persons!()
        .inner_join(identities::table.on(identities::person_id.eq(people::id)))
        .filter(identities::issuer.eq(issuer))
        .filter(identities::subject.eq(subject))
        .select(PersonRow::as_select())
        .first(c)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// Says that a subject of an issuer is this person. If either is linked already, it is a [`DbError::Duplicate`].
pub fn link_identity(
    conn: &mut Conn<'_>,
    issuer: &str,
    subject: &str,
    person: &PersonId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let row = (
        identities::issuer.eq(issuer),
        identities::subject.eq(subject),
        identities::person_id.eq(person.as_str()),
        identities::linked_at.eq(Ts(now)),
    );
    on!(conn, |c| diesel::insert_into(identities::table).values(row).execute(c))?;
    Ok(())
}

/// Whether a person is linked to some subject of an issuer.
pub fn is_linked(conn: &mut Conn<'_>, person: &PersonId, issuer: &str) -> Result<bool, DbError> {
    let theirs = identities::table
        .filter(identities::person_id.eq(person.as_str()))
        .filter(identities::issuer.eq(issuer));
    Ok(on!(conn, |c| diesel::select(diesel::dsl::exists(theirs)).get_result(c))?)
}

/// Takes away what links a person to subjects. Says how many there were.
pub fn unlink_identities(conn: &mut Conn<'_>, person: &PersonId) -> Result<usize, DbError> {
    let theirs = identities::table.filter(identities::person_id.eq(person.as_str()));
    Ok(on!(conn, |c| diesel::delete(theirs).execute(c))?)
}
