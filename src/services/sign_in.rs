//! Signing in at an identity provider: what is remembered while someone is there, and who they are here once they are
//! back. Whoever is not on the roster gets in nowhere, and nothing is made for them.

use std::sync::Arc;

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::App;
use super::audit::{self, Entry};
use super::people::{self, hash};
use super::sessions::{self, NewSession};
use crate::auth::openid::{Answer, Begun, OpenIdError, Pending, Providers, SignedInAs};
use crate::db::{self, Conn, DbError, MaybeDbError, Origin, PendingSignIn};
use crate::domain::audit::{Action, Doer};
use crate::domain::identity::{Identity, Provider};
use crate::domain::ids::{NetId, ProviderId};
use crate::domain::person::{Person, Role};

/// How long someone may take at the provider.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// It was begun by nobody, by another browser, too long ago, or it is finished.
    #[error("this sign-in is over, or was begun in another browser")]
    Stale,
    /// The provider did not sign them in.
    #[error(transparent)]
    Provider(#[from] OpenIdError),
    /// Nobody here is who they are, or the course is over for them.
    #[error("you are not on the roster of this course")]
    NotOnRoster,
    /// The one they would be is somebody else at this provider.
    #[error("your net ID belongs to another account of {0}")]
    OtherAccount(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for SignInError {
    fn lost_a_race(&self) -> bool {
        // Someone's first two sign-ins at once: the second finds what the first linked.
        matches!(self, Self::Db(error) if error.lost_a_race() || matches!(error, DbError::Duplicate(_)))
    }
}

/// A browser that wants to sign in.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where.
    pub provider: ProviderId,
    /// The secret that the browser holds: nobody else can finish what it begins.
    pub browser: String,
    /// Where to go afterwards: a path of ours.
    pub return_to: Option<String>,
}

/// A browser that came back from a provider.
#[derive(Debug, Clone)]
pub struct Return {
    /// From where.
    pub provider: ProviderId,
    /// What it was sent there with.
    pub state: String,
    /// The secret that it holds.
    pub browser: Option<String>,
    /// The code that it brings, or the provider's word for why it brings none.
    pub outcome: Result<String, String>,
    /// Who the answer says that it is from.
    pub issuer: Option<String>,
    /// What it calls itself.
    pub agent: String,
    /// The secret of the session that it had before.
    pub before: Option<SecretString>,
}

/// Someone who is signed in.
#[derive(Debug)]
pub struct Finished {
    /// Their session.
    pub session: NewSession,
    /// Where they wanted to go.
    pub return_to: Option<String>,
}

/// The address that a provider sends browsers back to.
pub fn callback(app: &App, provider: &ProviderId) -> String {
    format!("{}/sign-in/{provider}/callback", app.public_url)
}

/// Remembers that a browser wants to sign in, and says where to send it.
pub async fn begin(app: &App, providers: &Providers, wish: Wish) -> Result<Url, SignInError> {
    let Wish { provider, browser, return_to } = wish;
    let callback = callback(app, &provider);
    let begun = providers.begin(&provider, &callback, app.entropy.as_ref()).await?;
    let Begun { to, state, nonce, verifier } = begun;
    let now = app.now();
    let pending = PendingSignIn {
        browser_hash: hash(&browser),
        provider,
        nonce: nonce.into(),
        verifier,
        return_to,
        expires_at: now + PATIENCE,
    };
    app.db
        .write::<_, DbError, _>("sign-in: begin", move |conn| {
            db::insert_sign_in(conn, &hash(&state), &pending)
        })
        .await?;
    Ok(to)
}

/// Someone whom a provider has signed in, and who may be anyone here.
#[derive(Debug)]
pub struct Arrived {
    provider: Provider,
    identity: Identity,
    sign_in: sessions::SignIn,
    return_to: Option<String>,
}

impl Arrived {
    /// Who they are by the provider's word.
    pub fn net_id(&self) -> &NetId {
        &self.identity.net_id
    }
}

/// Asks the provider who came back. What was remembered is gone then, whatever comes of it.
pub async fn arrive(app: &App, providers: &Providers, back: Return) -> Result<Arrived, SignInError> {
    let described = providers.get(&back.provider)?.clone();
    let pending = take(app, &back).await?.ok_or(SignInError::Stale)?;
    let code = back.outcome.map_err(|code| providers.refused(&back.provider, &code))?;
    let callback = callback(app, &back.provider);
    let began =
        Pending { callback: &callback, nonce: pending.nonce.expose_secret(), verifier: &pending.verifier };
    let answer = Answer { code: &code, issuer: back.issuer.as_deref() };
    let SignedInAs { identity, id_token } = providers.finish(&back.provider, began, answer).await?;
    let sign_in = sign_in(&described, &identity, id_token, back.agent, back.before);
    Ok(Arrived { provider: described, identity, sign_in, return_to: pending.return_to })
}

/// Begins a session of whoever arrived. That somebody whom a provider knows is nobody here is recorded, too.
pub async fn enter(app: &Arc<App>, doer: &Doer, arrived: Arrived) -> Result<Finished, SignInError> {
    let Arrived { provider, identity, sign_in, return_to } = arrived;
    let (inner, by, to) = (app.clone(), doer.clone(), identity.clone());
    let begun = app
        .db
        .write("sign-in: finish", move |conn| {
            let (person, by) = whoever(&inner, conn, &by, &provider, &to)?;
            Ok(sessions::begin(&inner, conn, &by, &person.id, &sign_in)?)
        })
        .await;
    if let Err(error @ (SignInError::NotOnRoster | SignInError::OtherAccount(_))) = &begun {
        let (inner, by, why) = (app.clone(), doer.clone(), error.to_string());
        let refused = move |conn: &mut Conn<'_>| record_refusal(&inner, conn, &by, &identity, &why);
        app.db.write::<_, DbError, _>("sign-in: refused", refused).await?;
    }
    Ok(Finished { session: begun?, return_to })
}

/// Of somebody who is nobody here no name is kept: there would be nobody to erase.
fn record_refusal(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    identity: &Identity,
    why: &str,
) -> Result<(), DbError> {
    let entry = Entry::new(Action::RefusedSignIn).because(why);
    let entry = match db::person_by_net_id(conn, &identity.net_id)? {
        Some(person) => entry.about(&person.id),
        None => entry,
    };
    audit::record(app, conn, doer, entry)
}

fn sign_in(
    provider: &Provider,
    identity: &Identity,
    id_token: SecretString,
    agent: String,
    before: Option<SecretString>,
) -> sessions::SignIn {
    let origin = Origin {
        provider: provider.id.clone(),
        subject: identity.subject.clone(),
        session: identity.session.clone(),
        id_token,
    };
    sessions::SignIn { agent, admin: provider.makes_admin(&identity.groups), origin: Some(origin), before }
}

/// Takes what was remembered, if it is this browser's, of this provider, and not over.
async fn take(app: &App, back: &Return) -> Result<Option<PendingSignIn>, DbError> {
    let state_hash = hash(&back.state);
    let taken = app.db.write("sign-in: take", move |conn| db::take_sign_in(conn, &state_hash)).await?;
    let browser_hash = back.browser.as_deref().map(hash).unwrap_or_default();
    let now = app.now();
    Ok(taken.filter(|pending| {
        let same: bool = pending.browser_hash.as_bytes().ct_eq(browser_hash.as_bytes()).into();
        same && pending.provider == back.provider && now < pending.expires_at
    }))
}

/// Who an identity is here: whom it was linked to, or else who has its net ID, who is linked to it now. And they as who does
/// this.
fn whoever(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    provider: &Provider,
    identity: &Identity,
) -> Result<(Person, Doer), SignInError> {
    let admin = provider.makes_admin(&identity.groups);
    let by = |person: &Person| doer.clone().being(person.id.clone());
    if let Some(person) = db::person_by_identity(conn, &identity.issuer, &identity.subject)? {
        let by = by(&person);
        return Ok((admit(app, conn, &by, person, identity, admin)?, by));
    }
    let person = match db::person_by_net_id(conn, &identity.net_id)? {
        Some(person) => person,
        None if admin => administrator(app, conn, identity)?,
        None => return Err(SignInError::NotOnRoster),
    };
    if db::is_linked(conn, &person.id, &identity.issuer)? {
        return Err(SignInError::OtherAccount(provider.name.clone()));
    }
    let by = by(&person);
    let person = admit(app, conn, &by, person, identity, admin)?;
    db::link_identity(conn, &identity.issuer, &identity.subject, &person.id, app.now())?;
    let entry = Entry::new(Action::LinkedIdentity).about(&person.id).after(provider.id.as_str());
    audit::record(app, conn, &by, entry)?;
    Ok((person, by))
}

/// Lets in who has anything to do here, with the name and the address that the provider has of them.
fn admit(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    person: Person,
    identity: &Identity,
    admin: bool,
) -> Result<Person, SignInError> {
    let is_program = person.role == Some(Role::Service);
    if is_program || !admin && !person.belongs(app.now()) {
        return Err(SignInError::NotOnRoster);
    }
    people::set_contact(app, conn, doer, &person, &identity.name, &identity.mail)?;
    Ok(person)
}

/// Who looks after the installation may come before any roster does.
fn administrator(app: &App, conn: &mut Conn<'_>, identity: &Identity) -> Result<Person, DbError> {
    let (name, mail) = (identity.name.clone(), identity.mail.clone());
    let member = Person::new(app.person_id(), identity.net_id.clone(), name, mail, Role::Student);
    let person = Person { role: None, enrolled: false, ..member };
    db::insert_person(conn, &person, app.now())?;
    Ok(person)
}

/// Ends the sessions of which a provider says in its back channel that they have ended.
pub async fn ended(
    app: &Arc<App>,
    providers: &Providers,
    provider: ProviderId,
    logout_token: &str,
    doer: Doer,
) -> Result<(), SignInError> {
    let ended = providers.ended(&provider, logout_token).await?;
    let inner = app.clone();
    let end = move |conn: &mut Conn<'_>| {
        let (subject, session) = (ended.subject.as_deref(), ended.session.as_deref());
        for person in db::delete_sessions_from(conn, &provider, subject, session)? {
            let entry =
                Entry::new(Action::RevokedSession).about(&person).because("they ended at the provider");
            audit::record(&inner, conn, &doer, entry)?;
        }
        Ok(())
    };
    Ok(app.db.write::<_, DbError, _>("sign-in: ended", end).await?)
}

/// Why someone's links were not taken away.
#[derive(Debug, thiserror::Error)]
pub enum UnlinkError {
    /// Nobody has this net ID.
    #[error("nobody here has the net ID {0}")]
    NoSuchPerson(NetId),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for UnlinkError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// Takes away what links a person to accounts of providers, and ends their sessions: their net ID decides anew at their
/// next sign-in. Says how many links there were.
pub fn unlink(app: &App, conn: &mut Conn<'_>, doer: &Doer, net_id: &NetId) -> Result<usize, UnlinkError> {
    let person = db::person_by_net_id(conn, net_id)?;
    let person = person.ok_or_else(|| UnlinkError::NoSuchPerson(net_id.clone()))?;
    sessions::revoke_all(app, conn, doer, &person.id, None)?;
    let links = db::unlink_identities(conn, &person.id)?;
    if links > 0 {
        let entry = Entry::new(Action::UnlinkedIdentity).about(&person.id).before(json!({ "links": links }));
        audit::record(app, conn, doer, entry)?;
    }
    Ok(links)
}
