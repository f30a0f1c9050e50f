//! Tokens: what programs sign in with. A secret is shown once, and stored as a hash.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::App;
use super::audit::{self, Entry};
use super::people::hash;
use crate::auth::permissions::Scope;
use crate::db::{self, Conn, DbError, MaybeDbError, StoredToken};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::ids::{PersonId, TokenId};
use crate::domain::person::Person;

/// How a secret begins, so that whoever finds one knows what it is.
pub const PREFIX: &str = "fairlease_";

/// The longest that a token lasts: a year, after which whoever needs it makes another.
pub const LONGEST_DAYS: i64 = 366;

/// The most tokens of one person that sign in at a time.
pub const MOST: usize = 20;

/// A token that was used so shortly before is not written down again.
const USED: TimeDelta = TimeDelta::minutes(5);

/// The longest name of a token.
const MOST_OF_NAME: usize = 60;

/// Why a token was not made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It has no name, or one that is too long.
    #[error("a token needs a name of 1 to {MOST_OF_NAME} characters, so that it is known again")]
    BadName,
    /// It would be for nothing.
    #[error("say what the token is for: it may do nothing else")]
    NoScope,
    /// It would end too late, or has ended.
    #[error("a token lasts from 1 to {LONGEST_DAYS} days, not {0}")]
    BadLength(i64),
    /// Whoever it is of may do nothing of what it would be for.
    #[error("whoever it is of may do nothing of what {} is for, so no token of theirs can", .0.word())]
    Beyond(Scope),
    /// Another one that signs in is called the same.
    #[error("there is a token \"{0}\" that signs in already: give this one another name, or revoke that one")]
    SameName(String),
    /// Nobody is here whose it could be.
    #[error("whoever it would be of is not in the course")]
    NotHere,
    /// There are as many as anyone may have.
    #[error("there are {MOST} tokens that sign in already: revoke one first")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for TokenError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// A token that is to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it is: what it does is theirs.
    pub person: PersonId,
    /// What to call it.
    pub name: String,
    /// What it is for.
    pub scopes: Vec<Scope>,
    /// How many days it lasts.
    pub days: i64,
    /// Who makes it.
    pub by: PersonId,
}

/// A token that was just made.
#[derive(Debug)]
pub struct Made {
    /// What is stored of it.
    pub token: StoredToken,
    /// What the program holds: shown now and never again.
    pub secret: SecretString,
}

impl Made {
    /// The secret, to be shown to whoever made it.
    pub fn tell(&self) -> &str {
        self.secret.expose_secret()
    }
}

/// A token as it signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenCard {
    /// What people name it by.
    pub id: TokenId,
    /// What its maker calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was last used, to within some minutes.
    pub used_at: Option<DateTime<Utc>>,
}

/// Makes a token that is for no more than what whoever it is of may do now. What it reaches is asked again each time that
/// it signs in.
pub fn issue(app: &App, conn: &mut Conn<'_>, doer: &Doer, wanted: &NewToken) -> Result<Made, TokenError> {
    let now = app.now();
    db::lock_person_at_once(conn, &wanted.person)?;
    let person = db::person(conn, &wanted.person)?.filter(|person| person.belongs(now));
    let person = person.ok_or(TokenError::NotHere)?;
    if let Some(scope) = wanted.scopes.iter().find(|scope| !scope.is_open_to(&person)) {
        return Err(TokenError::Beyond(*scope));
    }
    let (held, name) = (db::tokens_of(conn, &person.id)?, wanted.name.trim());
    if held.iter().any(|token| token.name == name && signs_in(token, now)) {
        return Err(TokenError::SameName(name.to_owned()));
    }
    make(app, conn, doer, wanted)
}

/// Makes a token.
pub fn make(app: &App, conn: &mut Conn<'_>, doer: &Doer, wanted: &NewToken) -> Result<Made, TokenError> {
    let now = app.now();
    check(wanted)?;
    let held = db::tokens_of(conn, &wanted.person)?;
    if held.iter().filter(|token| signs_in(token, now)).count() >= MOST {
        return Err(TokenError::TooMany);
    }
    let secret = format!("{PREFIX}{}", app.entropy.secret());
    let token = StoredToken {
        id: app.token_id(),
        name: wanted.name.trim().to_owned(),
        scopes: Scope::ALL
            .into_iter()
            .filter(|scope| wanted.scopes.contains(scope))
            .map(|scope| scope.word().to_owned())
            .collect(),
        made_by: wanted.by.clone(),
        made_at: now,
        expires_at: now + TimeDelta::days(wanted.days),
        used_at: None,
        revoked_at: None,
    };
    db::insert_token(conn, &wanted.person, &hash(&secret), &token)?;
    let entry = entry(Action::MadeToken, &wanted.person, &token.id).after(told(&token));
    audit::record(app, conn, doer, entry)?;
    Ok(Made { token, secret: secret.into() })
}

fn entry(action: Action, person: &PersonId, id: &TokenId) -> Entry {
    Entry::new(action).about(person).to(Object::Token(id.clone()))
}

/// A token as the audit log has it: nothing of its secret.
fn told(token: &StoredToken) -> Value {
    json!({"name": token.name, "scopes": token.scopes, "expires_at": token.expires_at})
}

fn check(wanted: &NewToken) -> Result<(), TokenError> {
    let name = wanted.name.trim();
    if !(1..=MOST_OF_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(TokenError::BadName);
    }
    if wanted.scopes.is_empty() {
        return Err(TokenError::NoScope);
    }
    if !(1..=LONGEST_DAYS).contains(&wanted.days) {
        return Err(TokenError::BadLength(wanted.days));
    }
    Ok(())
}

/// Whether a token signs in at an instant.
pub fn signs_in(token: &StoredToken, now: DateTime<Utc>) -> bool {
    token.revoked_at.is_none() && now < token.expires_at
}

/// Whose the token of this secret is, if it signs in.
pub fn of_secret(
    app: &App,
    conn: &mut Conn<'_>,
    secret: &str,
) -> Result<Option<(Person, TokenCard)>, DbError> {
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    let found = db::token(conn, &hash(secret), app.now())?;
    Ok(found.map(|(person, token)| {
        let scopes = token.scopes.iter().filter_map(|word| Scope::from_word(word)).collect();
        (person, TokenCard { id: token.id, name: token.name, scopes, used_at: token.used_at })
    }))
}

/// Whether it is to be written down that the token is used now.
pub fn is_stale(token: &TokenCard, now: DateTime<Utc>) -> bool {
    token.used_at.is_none_or(|used| now - used >= USED)
}

/// Revokes a token, and says whose it was. Nothing if there is none of this id that was not revoked before.
pub fn revoke_any(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    id: &TokenId,
) -> Result<Option<PersonId>, DbError> {
    let Some(person) = db::owner_of_token(conn, id)? else { return Ok(None) };
    Ok(revoke(app, conn, doer, &person, id)?.then_some(person))
}

/// Revokes a token of a person: it signs in no more. False if they have none of this id that does.
pub fn revoke(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: &PersonId,
    id: &TokenId,
) -> Result<bool, DbError> {
    let token = db::tokens_of(conn, person)?.into_iter().find(|token| token.id == *id);
    let revoked = db::revoke_token(conn, person, id, app.now())?;
    if let (true, Some(token)) = (revoked, token) {
        let entry = entry(Action::RevokedToken, person, id).before(told(&token));
        audit::record(app, conn, doer, entry)?;
    }
    Ok(revoked)
}

/// Revokes every token of a person that signs in.
pub(super) fn revoke_all(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: &PersonId,
) -> Result<(), DbError> {
    let (held, now) = (db::tokens_of(conn, person)?, app.now());
    held.iter().filter(|token| signs_in(token, now)).try_for_each(|token| {
        revoke(app, conn, doer, person, &token.id)?;
        Ok(())
    })
}
