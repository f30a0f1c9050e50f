//! Sessions of browsers. Of each secret only the hash is stored.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};

use super::DbError;
use super::connection::{Conn, on};
use super::people::{PersonRow, persons};
use super::schema::{people, sessions};
use super::types::Ts;
use crate::domain::ids::{PersonId, ProviderId, SessionId};
use crate::domain::person::Person;

/// A session as it is stored, without its secret.
#[derive(Debug, Clone)]
pub struct StoredSession {
    /// What its person names it by.
    pub id: SessionId,
    /// What each form of it carries.
    pub csrf: SecretString,
    /// When its person signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to within some minutes.
    pub seen_at: DateTime<Utc>,
    /// When it ends, however much it is used.
    pub expires_at: DateTime<Utc>,
    /// What the browser called itself at sign-in.
    pub agent: String,
    /// Whether the identity provider said that they run the installation.
    pub admin: bool,
    /// As whom staff look at the pages, whether or not that is over.
    pub acting_as: Option<Acting>,
    /// Where they signed in; nothing in the demo.
    pub origin: Option<Origin>,
}

/// Staff look at the pages as someone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// As whom.
    pub person: PersonId,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// A sign-in as the identity provider knows it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The provider, as the configuration names it.
    pub provider: ProviderId,
    /// Who they are to it.
    pub subject: String,
    /// Its own session, if it names them.
    pub session: Option<String>,
    /// The token that it gave, with which it is told that the session ends.
    pub id_token: SecretString,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    token_hash: String,
    id: String,
    person_id: String,
    csrf: String,
    created_at: Ts,
    seen_at: Ts,
    expires_at: Ts,
    agent: String,
    admin: i32,
    acting_as: Option<String>,
    acting_until: Option<Ts>,
    provider: Option<String>,
    subject: Option<String>,
    provider_session: Option<String>,
    id_token: Option<String>,
}

impl TryFrom<SessionRow> for StoredSession {
    type Error = DbError;
    fn try_from(row: SessionRow) -> Result<Self, DbError> {
        let provider_session = row.provider_session;
        let provider = row.provider.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?;
        let origin = provider.zip(row.subject).zip(row.id_token);
        let acting = |(person, until): (String, Ts)| -> Result<Acting, DbError> {
            Ok(Acting { person: person.parse().map_err(DbError::corrupt)?, until: until.0 })
        };
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            csrf: row.csrf.into(),
            created_at: row.created_at.0,
            seen_at: row.seen_at.0,
            expires_at: row.expires_at.0,
            agent: row.agent,
            admin: row.admin != 0,
            acting_as: row.acting_as.zip(row.acting_until).map(acting).transpose()?,
            origin: origin.map(|((provider, subject), id_token)| Origin {
                provider,
                subject,
                session: provider_session,
                id_token: id_token.into(),
            }),
        })
    }
}

/// Begins a session: `token_hash` is the hash of what the browser holds.
pub fn insert_session(
    conn: &mut Conn<'_>,
    token_hash: &str,
    person: &PersonId,
    session: &StoredSession,
) -> Result<(), DbError> {
    let origin = session.origin.as_ref();
    let row = SessionRow {
        token_hash: token_hash.to_owned(),
        id: session.id.to_string(),
        person_id: person.to_string(),
        csrf: session.csrf.expose_secret().to_owned(),
        created_at: Ts(session.created_at),
        seen_at: Ts(session.seen_at),
        expires_at: Ts(session.expires_at),
        agent: session.agent.clone(),
        admin: i32::from(session.admin),
        acting_as: session.acting_as.as_ref().map(|acting| acting.person.to_string()),
        acting_until: session.acting_as.as_ref().map(|acting| Ts(acting.until)),
        provider: origin.map(|it| it.provider.to_string()),
        subject: origin.map(|it| it.subject.clone()),
        provider_session: origin.and_then(|it| it.session.clone()),
        id_token: origin.map(|it| it.id_token.expose_secret().to_owned()),
    };
    on!(conn, |c| diesel::insert_into(sessions::table).values(&row).execute(c))?;
    Ok(())
}

/// A session that has not ended and was used since `idle`, with its person.
pub fn session(
    conn: &mut Conn<'_>,
    token_hash: &str,
    now: DateTime<Utc>,
    idle: DateTime<Utc>,
) -> Result<Option<(Person, StoredSession)>, DbError> {
    let row: Option<(PersonRow, SessionRow)> = on!(conn, |c| persons!()
        .inner_join(sessions::table.on(sessions::person_id.eq(people::id)))
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(Ts(now)))
        .filter(sessions::seen_at.gt(Ts(idle)))
        .select((PersonRow::as_select(), SessionRow::as_select()))
        .first(c)
        .optional())?;
    row.map(|(person, session)| Ok((person.try_into()?, session.try_into()?))).transpose()
}

/// Writes that a session was used.
pub fn touch_session(conn: &mut Conn<'_>, id: &SessionId, now: DateTime<Utc>) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(sessions::table.filter(sessions::id.eq(id.as_str())))
        .set(sessions::seen_at.eq(Ts(now)))
        .execute(c))?;
    Ok(())
}

/// Has a session look with someone's eyes, or with its own again.
pub fn set_acting_as(conn: &mut Conn<'_>, id: &SessionId, acting: Option<&Acting>) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(sessions::table.filter(sessions::id.eq(id.as_str())))
        .set((
            sessions::acting_as.eq(acting.map(|acting| acting.person.as_str())),
            sessions::acting_until.eq(acting.map(|acting| Ts(acting.until))),
        ))
        .execute(c))?;
    Ok(())
}

/// Ends the session of a secret.
pub fn delete_session(conn: &mut Conn<'_>, token_hash: &str) -> Result<Option<StoredSession>, DbError> {
    let row: Option<SessionRow> =
        on!(conn, |c| sessions::table.find(token_hash).select(SessionRow::as_select()).first(c).optional())?;
    on!(conn, |c| diesel::delete(sessions::table.find(token_hash)).execute(c))?;
    row.map(StoredSession::try_from).transpose()
}

/// More sessions than anyone has; the latest are shown.
const MOST: i64 = 100;

/// The sessions of a person that have not ended and were used since `idle`, the latest used first.
pub fn sessions_of(
    conn: &mut Conn<'_>,
    person: &PersonId,
    now: DateTime<Utc>,
    idle: DateTime<Utc>,
) -> Result<Vec<StoredSession>, DbError> {
    let rows: Vec<SessionRow> = on!(conn, |c| sessions::table
        .filter(sessions::person_id.eq(person.as_str()))
        .filter(sessions::expires_at.gt(Ts(now)))
        .filter(sessions::seen_at.gt(Ts(idle)))
        .order((sessions::seen_at.desc(), sessions::id))
        .limit(MOST)
        .select(SessionRow::as_select())
        .load(c))?;
    rows.into_iter().map(StoredSession::try_from).collect()
}

/// Ends one session of a person. False if they have none of this id.
pub fn delete_session_of(conn: &mut Conn<'_>, person: &PersonId, id: &SessionId) -> Result<bool, DbError> {
    let one =
        sessions::table.filter(sessions::id.eq(id.as_str())).filter(sessions::person_id.eq(person.as_str()));
    Ok(on!(conn, |c| diesel::delete(one).execute(c))? > 0)
}

/// Ends the sessions of a person, all but the one that is to stay. Says how many.
pub fn delete_sessions_of(
    conn: &mut Conn<'_>,
    person: &PersonId,
    but: Option<&SessionId>,
) -> Result<usize, DbError> {
    let but = but.map_or("", SessionId::as_str);
    let all = sessions::table.filter(sessions::person_id.eq(person.as_str())).filter(sessions::id.ne(but));
    Ok(on!(conn, |c| diesel::delete(all).execute(c))?)
}

/// Ends the sessions that were begun at a provider: by this subject, or within this session of the provider's; those of
/// both, if both are said. Nothing said ends none. Says whose they were.
pub fn delete_sessions_from(
    conn: &mut Conn<'_>,
    provider: &ProviderId,
    subject: Option<&str>,
    session: Option<&str>,
) -> Result<BTreeSet<PersonId>, DbError> {
    if subject.is_none() && session.is_none() {
        return Ok(BTreeSet::new());
    }
    let whose: Vec<String> = on!(conn, |c| {
        let mut those = sessions::table
            .filter(sessions::provider.eq(provider.as_str()))
            .select(sessions::token_hash)
            .into_boxed();
        if let Some(subject) = subject {
            those = those.filter(sessions::subject.eq(subject));
        }
        if let Some(session) = session {
            those = those.filter(sessions::provider_session.eq(session));
        }
        let those: Vec<String> = those.load(c)?;
        diesel::delete(sessions::table.filter(sessions::token_hash.eq_any(those)))
            .returning(sessions::person_id)
            .get_results(c)
    })?;
    whose.into_iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// Forgets the sessions that have ended, or were not used since `idle`.
pub fn delete_old_sessions(
    conn: &mut Conn<'_>,
    now: DateTime<Utc>,
    idle: DateTime<Utc>,
) -> Result<usize, DbError> {
    let old = sessions::table.filter(sessions::expires_at.le(Ts(now)).or(sessions::seen_at.le(Ts(idle))));
    Ok(on!(conn, |c| diesel::delete(old).execute(c))?)
}
