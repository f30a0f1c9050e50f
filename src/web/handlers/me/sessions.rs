//! Where the person is signed in, and how to sign out there.

use actix_web::{HttpResponse, web};

use super::back;
use crate::db::{Conn, StoredSession};
use crate::domain::ids::SessionId;
use crate::services::sessions;
use crate::web::agent;
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::me::{SessionLine, SessionsPart};
use crate::web::present;

/// The part of the page. Who looks with someone else's eyes does not see where that one is signed in.
pub(super) fn part(who: &SignedIn, all: &[StoredSession]) -> SessionsPart {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    let this = who.caller.session().map(|session| &session.stored.id);
    let line = |session: &StoredSession| SessionLine {
        id: session.id.to_string(),
        browser: agent::words(&session.agent),
        signed_in: present::when(zone, now, session.created_at),
        last_used: present::when(zone, now, session.seen_at),
        this: Some(&session.id) == this,
    };
    SessionsPart {
        csrf: who.caller.csrf().to_owned(),
        hidden: who.caller.looks_as().is_some(),
        rows: all.iter().map(line).collect(),
    }
}

/// Signs out in one place. A session of somebody else is not there.
pub async fn end_session(who: SignedIn, path: web::Path<SessionId>) -> Result<HttpResponse, WebError> {
    let (app, doer) = (who.context.app().clone(), who.doer());
    let (db, person, id) = (app.db.clone(), who.caller.person.id.clone(), path.into_inner());
    let end = move |conn: &mut Conn<'_>| sessions::revoke(&app, conn, &doer, &person, &id);
    let ended: bool = db.write("end session", end).await?;
    if ended { Ok(back(&who, Done::SessionsEnded)) } else { Err(WebError::NotFound) }
}

/// Signs out everywhere but here.
pub async fn end_other_sessions(who: SignedIn) -> Result<HttpResponse, WebError> {
    let (app, doer) = (who.context.app().clone(), who.doer());
    let (db, person) = (app.db.clone(), who.caller.person.id.clone());
    let this = who.caller.session().map(|session| session.stored.id.clone());
    let end = move |conn: &mut Conn<'_>| sessions::revoke_all(&app, conn, &doer, &person, this.as_ref());
    db.write("end sessions", end).await?;
    Ok(back(&who, Done::SessionsEnded))
}
