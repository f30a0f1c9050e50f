//! Sessions: who a browser belongs to, and for how long.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use serde_json::json;

use super::audit::{self, Entry};
use super::people::hash;
use super::{App, looking};
use crate::db::{self, Conn, DbError, Origin, StoredSession};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::ids::{PersonId, SessionId};
use crate::domain::person::{Person, Role};

/// How long a session lasts that nobody uses: a day at the desk with its breaks.
pub const IDLE: TimeDelta = TimeDelta::hours(12);

/// How long a session lasts, however much it is used.
pub const LONGEST: TimeDelta = TimeDelta::days(7);

/// A session that was used so shortly before is not written down again.
const SEEN: TimeDelta = TimeDelta::minutes(5);

/// How much is kept of what a browser calls itself.
const MOST_OF_AGENT: usize = 200;

/// What a browser holds once it is signed in.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The secret in the cookie. Only its hash is stored.
    pub token: SecretString,
}

/// A browser that is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// With whose eyes the pages are seen: the person's own, or those of a student if staff look as one.
    pub person: Person,
    /// Who looks with the eyes of `person`. Nothing can be changed meanwhile.
    pub looking: Option<Person>,
    /// What is stored of it.
    pub stored: StoredSession,
}

impl Session {
    /// Whose session it is.
    pub fn owner(&self) -> &Person {
        self.looking.as_ref().unwrap_or(&self.person)
    }

    /// Whether it looked with someone's eyes until that was over, which nobody has recorded yet.
    pub fn has_looked(&self) -> bool {
        self.looking.is_none() && self.stored.acting_as.is_some()
    }
}

/// How someone signed in.
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    /// What the browser calls itself.
    pub agent: String,
    /// Whether the identity provider says that they run the installation.
    pub admin: bool,
    /// Where they signed in; nothing in the demo.
    pub origin: Option<Origin>,
    /// The secret of the session that the browser had before: it ends, so that nobody's but their own goes on.
    pub before: Option<SecretString>,
}

fn hash_of(token: &SecretString) -> String {
    hash(token.expose_secret())
}

/// Begins a session of the person, with a secret that nobody has seen before. `doer` is who asks, as whom they have turned out
/// to be.
pub fn begin(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: &PersonId,
    sign_in: &SignIn,
) -> Result<NewSession, DbError> {
    let now = app.now();
    if let Some(before) = &sign_in.before {
        db::delete_session(conn, &hash_of(before))?;
    }
    let token = SecretString::from(app.entropy.secret());
    let stored = StoredSession {
        id: app.session_id(),
        csrf: app.entropy.secret().into(),
        created_at: now,
        seen_at: now,
        expires_at: now + LONGEST,
        agent: sign_in.agent.chars().filter(|c| !c.is_control()).take(MOST_OF_AGENT).collect(),
        admin: sign_in.admin,
        acting_as: None,
        origin: sign_in.origin.clone(),
    };
    db::insert_session(conn, &hash_of(&token), person, &stored)?;
    let provider = stored.origin.as_ref().map(|origin| origin.provider.as_str());
    let entry = Entry::new(Action::SignedIn)
        .about(person)
        .to(Object::Session(stored.id.clone()))
        .after(json!({"provider": provider, "admin": stored.admin, "agent": stored.agent}));
    audit::record(app, conn, doer, entry)?;
    Ok(NewSession { token })
}

/// The session of a browser's secret, if it has not ended. A service has none: it signs in with tokens alone.
pub fn of_token(app: &App, conn: &mut Conn<'_>, token: &SecretString) -> Result<Option<Session>, DbError> {
    let now = app.now();
    let Some((mut owner, stored)) = db::session(conn, &hash_of(token), now, now - IDLE)? else {
        return Ok(None);
    };
    if owner.role == Some(Role::Service) {
        return Ok(None);
    }
    owner.admin |= stored.admin;
    let seen_as = looking::seen_as(conn, &owner, stored.acting_as.as_ref(), now)?;
    Ok(Some(match seen_as {
        Some(person) => Session { person, looking: Some(owner), stored },
        None => Session { person: owner, looking: None, stored },
    }))
}

/// Whether it is to be written down that the session is used now.
pub fn is_stale(session: &StoredSession, now: DateTime<Utc>) -> bool {
    now - session.seen_at >= SEEN
}

/// Ends the session of a browser's secret, and says what it was.
pub fn end(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    token: &SecretString,
) -> Result<Option<StoredSession>, DbError> {
    let ended = db::delete_session(conn, &hash_of(token))?;
    if let Some(session) = &ended {
        let entry = Entry::new(Action::SignedOut).to(Object::Session(session.id.clone()));
        audit::record(app, conn, doer, entry)?;
    }
    Ok(ended)
}

/// The sessions of a person that have not ended, the latest used first.
pub fn of_person(app: &App, conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<StoredSession>, DbError> {
    let now = app.now();
    db::sessions_of(conn, person, now, now - IDLE)
}

/// Ends one session of a person. False if they have none of this id.
pub fn revoke(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: &PersonId,
    id: &SessionId,
) -> Result<bool, DbError> {
    let ended = db::delete_session_of(conn, person, id)?;
    if ended {
        let entry = Entry::new(Action::RevokedSession).about(person).to(Object::Session(id.clone()));
        audit::record(app, conn, doer, entry)?;
    }
    Ok(ended)
}

/// Ends the sessions of a person, all but the one that is to stay. Says how many.
pub fn revoke_all(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: &PersonId,
    but: Option<&SessionId>,
) -> Result<usize, DbError> {
    let ended = db::delete_sessions_of(conn, person, but)?;
    if ended > 0 {
        let entry = Entry::new(Action::RevokedSession).about(person);
        audit::record(app, conn, doer, entry.after(json!({"ended": ended, "kept": but})))?;
    }
    Ok(ended)
}
