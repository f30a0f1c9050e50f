//! The roster: bringing one, seeing what it changes, and having it applied.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer, ok, rfc3339};
use crate::domain::ids::ImportId;
use crate::roster::{MOST_BYTES, Refused};
use crate::services::roster::{self, BOOKINGS_END_AFTER, RosterError, Shown, Wanted};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::roster::refused;
use crate::web::pages::layout::Problem;
use crate::web::table::routes;

routes! {
    /// The roster.
    ROWS in "/api/v1", routes:
    post "/roster/imports", KeepRoster => bring;
    get "/roster/imports/{import}", KeepRoster => show;
    post "/roster/imports/{import}/confirm", KeepRoster => confirm;
    delete "/roster/imports/{import}", KeepRoster => discard;
}

/// What a file does not say by itself.
#[derive(Debug, Deserialize)]
struct About {
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    mail_domain: Option<String>,
    #[serde(default)]
    drop: Option<bool>,
    /// Parted by `;`.
    #[serde(default)]
    only_sections: String,
    #[serde(default)]
    hours: Option<i64>,
}

/// Takes the file that is the body, and answers what it changes.
async fn bring(
    who: SignedIn,
    about: web::Query<About>,
    body: web::Payload,
) -> Result<HttpResponse, WebError> {
    let wanted = read(&who, &about, whole(body).await?)?;
    let app = who.context.app();
    match roster::preview(app, wanted, who.doer()).await {
        Ok(import) => Ok(answer(StatusCode::CREATED, &found(&who, import.id).await?)),
        Err(RosterError::Refused(Refused { errors, more })) => {
            let told = errors.into_iter().map(|error| error.to_string());
            let more = (more > 0).then(|| format!("and {more} more"));
            let problem = |text: String| Problem { code: None, text, field: None };
            Err(WebError::BadInput(told.chain(more).map(problem).collect()))
        }
        Err(error @ RosterError::BadHours(_)) => Err(bad("hours", &error)),
        Err(error) => Err(refused(error)),
    }
}

async fn whole(mut body: web::Payload) -> Result<Vec<u8>, WebError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| WebError::unreadable(&error))?);
        if bytes.len() > MOST_BYTES {
            let what = format!("the body has more than {MOST_BYTES} bytes");
            return Err(WebError::unreadable(&what));
        }
    }
    Ok(bytes)
}

fn bad(field: &str, error: &dyn std::fmt::Display) -> WebError {
    WebError::BadInput(vec![Problem::with_field(field, format!("{error}."))])
}

fn read(who: &SignedIn, about: &About, bytes: Vec<u8>) -> Result<Wanted, WebError> {
    let format = about.format.as_deref().map(str::parse).transpose();
    let mail_domain = about.mail_domain.as_deref().map(str::parse).transpose();
    let sections = about.only_sections.split(';').map(str::trim).filter(|name| !name.is_empty());
    Ok(Wanted {
        bytes,
        file_name: about.file_name.clone().unwrap_or_else(|| "body".to_owned()),
        format: format.map_err(|error| bad("format", &error))?,
        mail_domain: mail_domain.map_err(|error| bad("mail_domain", &error))?,
        drop: about.drop.unwrap_or(true),
        only_sections: sections.map(str::to_owned).collect(),
        hours: about.hours.unwrap_or_else(|| BOOKINGS_END_AFTER.num_hours()),
        by: Some(who.caller.owner().id.clone()),
    })
}

async fn found(who: &SignedIn, id: ImportId) -> Result<Value, WebError> {
    let db = &who.context.app().db;
    let shown = db.read("roster: import", move |conn| roster::shown(conn, &id)).await.map_err(refused)?;
    Ok(import_json(who, &shown.ok_or(WebError::NotFound)?))
}

async fn show(who: SignedIn, path: web::Path<ImportId>) -> Result<HttpResponse, WebError> {
    Ok(ok(&found(&who, path.into_inner()).await?))
}

/// Whether so many drops are meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sure {
    sure: bool,
}

async fn confirm(
    who: SignedIn,
    path: web::Path<ImportId>,
    query: web::Query<Sure>,
) -> Result<HttpResponse, WebError> {
    let id = path.into_inner();
    roster::confirm(who.context.app(), id.clone(), query.sure, who.doer()).await.map_err(refused)?;
    Ok(answer(StatusCode::ACCEPTED, &found(&who, id).await?))
}

async fn discard(who: SignedIn, path: web::Path<ImportId>) -> Result<HttpResponse, WebError> {
    let id = path.into_inner();
    if roster::discard(who.context.app(), id.clone()).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    found(&who, id).await?;
    Err(WebError::WrongState("it was confirmed, so it can't be discarded any more".to_owned()))
}

fn import_json(who: &SignedIn, Shown { import, stored, by, stale }: &Shown) -> Value {
    let zone = who.context.zone();
    json!({
        "id": import.id, "state": import.state, "stale": stale, "file_name": import.file_name,
        "format": import.format, "by": by, "at": rfc3339(zone, import.at), "total": import.total,
        "done": import.done, "finished_at": import.finished_at.map(|at| rfc3339(zone, at)),
        "drop": stored.drop, "only_sections": stored.only_sections, "hours": stored.hours,
        "looks_wrong": stored.plan.looks_wrong(), "plan": stored.plan,
    })
}
