//! The reaper: what it has marked, what it does next, and what staff say to it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer, ok, read_instant, rfc3339};
use crate::auth::permissions::Permission;
use crate::db::{self, DbError, SaidExemption, SaidPause};
use crate::domain::ids::{ExemptionId, NetId, SiteId};
use crate::domain::marked::Exempt;
use crate::services::guards::{self, GuardError};
use crate::services::sweeps;
use crate::web::context::{SignedIn, Staff};
use crate::web::error::WebError;
use crate::web::handlers::reaper::{Restore, guard_problem};
use crate::web::table::routes;

routes! {
    /// What the reaper has marked, and what staff say to it.
    ROWS in "/api/v1", routes:
    get "/reaper/marks", SeeMarks => marks;
    post "/reaper/marks/restore", Restore => restore;
    get "/reaper/plan", SeeCourse => plan;
    post "/reaper/pause", RunReaper => pause;
    post "/reaper/resume", RunReaper => resume;
    get "/reaper/exemptions", SeeCourse => exemptions;
    post "/reaper/exemptions", RunReaper => exempt;
    delete "/reaper/exemptions/{exemption}", RunReaper => revoke;
}

/// Whose things someone may see: their own, or as staff everybody's.
fn of(who: &SignedIn) -> Option<NetId> {
    (!who.caller.sees_all(Permission::SeeMarks)).then(|| who.caller.person.net_id.clone())
}

async fn marks(who: SignedIn) -> Result<HttpResponse, WebError> {
    let of = of(&who);
    let db = &who.context.app().db;
    let all = db.read::<_, DbError, _>("marks", move |conn| sweeps::marked(conn, of.as_ref())).await?;
    let zone = who.context.zone();
    let all: Vec<Value> = all.iter().map(|it| sweeps::mark_json(zone, it)).collect();
    Ok(ok(&json!({ "marks": all })))
}

async fn restore(who: SignedIn, body: web::Json<Restore>) -> Result<HttpResponse, WebError> {
    let restored = body.carry_out(&who.context, of(&who).as_ref()).await?;
    let until = rfc3339(who.context.zone(), restored.until);
    Ok(ok(&json!({"restored": restored.marked.target, "until": until, "not_started": restored.not_started})))
}

async fn plan(who: Staff) -> Result<HttpResponse, WebError> {
    let latest = who.0.context.app().db.read::<_, DbError, _>("plan", sweeps::latest).await?;
    let (sweep, plan) = latest.map_or((None, None), |(sweep, plan)| (Some(sweep), plan));
    Ok(ok(&json!({"sweep": sweep, "plan": plan})))
}

#[derive(Debug, Deserialize)]
struct NewPause {
    site: Option<SiteId>,
    #[serde(default)]
    reason: String,
    until: Option<String>,
}

async fn pause(who: Staff, body: web::Json<NewPause>) -> Result<HttpResponse, WebError> {
    let zone = who.0.context.zone();
    let NewPause { site, reason, until } = body.into_inner();
    let until = until.as_deref().map(read_until).transpose()?;
    let wanted = guards::NewPause { site, reason, until };
    let said = guards::pause(who.0.context.app(), &who.0.doer(), wanted)
        .await
        .map_err(|error| refused(zone, error))?;
    Ok(answer(StatusCode::CREATED, &pause_json(zone, &said)))
}

#[derive(Debug, Deserialize)]
struct Where {
    site: Option<SiteId>,
}

async fn resume(who: Staff, body: web::Json<Where>) -> Result<HttpResponse, WebError> {
    let zone = who.0.context.zone();
    let ended = guards::resume_at(who.0.context.app(), &who.0.doer(), body.into_inner().site)
        .await
        .map_err(|error| refused(zone, error))?;
    let ended: Vec<Value> = ended.iter().map(|said| pause_json(zone, said)).collect();
    Ok(ok(&json!({ "resumed": ended })))
}

fn pause_json(zone: Tz, said: &SaidPause) -> Value {
    json!({
        "id": said.id, "site": said.what.site, "reason": said.what.reason, "by": said.what.by,
        "at": rfc3339(zone, said.at), "until": said.what.until.map(|until| rfc3339(zone, until)),
    })
}

async fn exemptions(who: Staff) -> Result<HttpResponse, WebError> {
    let (app, zone) = (who.0.context.app(), who.0.context.zone());
    let now = app.now();
    let held = app.db.read("exemptions", move |conn| db::exemptions(conn, now)).await?;
    let held: Vec<Value> = held.iter().map(|said| exemption_json(zone, said)).collect();
    Ok(ok(&json!({ "exemptions": held })))
}

/// An exemption to add: `what` is one of `{"object": [SITE, ID]}`, `{"names_from": TEXT}`, `{"person": NETID}`, `{"lab": ID}`.
#[derive(Debug, Deserialize)]
struct NewExemption {
    what: Exempt,
    #[serde(default)]
    reason: String,
    until: String,
}

async fn exempt(who: Staff, body: web::Json<NewExemption>) -> Result<HttpResponse, WebError> {
    let zone = who.0.context.zone();
    let NewExemption { what, reason, until } = body.into_inner();
    let wanted = guards::NewExemption { what, reason, until: read_until(&until)? };
    let said = guards::exempt(who.0.context.app(), &who.0.doer(), wanted)
        .await
        .map_err(|error| refused(zone, error))?;
    Ok(answer(StatusCode::CREATED, &exemption_json(zone, &said)))
}

fn exemption_json(zone: Tz, said: &SaidExemption) -> Value {
    json!({
        "id": said.id, "what": said.what.what, "effect": guards::effect(&said.what.what),
        "reason": said.what.reason, "by": said.what.by, "at": rfc3339(zone, said.at),
        "until": rfc3339(zone, said.what.until),
    })
}

async fn revoke(who: Staff, path: web::Path<ExemptionId>) -> Result<HttpResponse, WebError> {
    if guards::revoke(who.0.context.app(), &who.0.doer(), path.into_inner()).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(WebError::NotFound)
    }
}

fn read_until(text: &str) -> Result<DateTime<Utc>, WebError> {
    read_instant("until", text)
}

/// What staff said, refused: 409 if it is the state of things, else the field that is wrong.
fn refused(zone: Tz, error: GuardError) -> WebError {
    match error {
        GuardError::Db(error) => error.into(),
        GuardError::Paused(_) | GuardError::NotPaused => WebError::WrongState(error.to_string()),
        other => WebError::BadInput(vec![guard_problem(zone, &other)]),
    }
}
