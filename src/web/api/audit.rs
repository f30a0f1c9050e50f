//! `/api/v1/audit`: who did what.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{ok, read_instant};
use crate::db::{AuditFilter, AuditOrder};
use crate::domain::audit::Action;
use crate::domain::ids::PersonId;
use crate::services::audit::told;
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::audit::{How, sight, taken_out};
use crate::web::pages::layout::Problem;
use crate::web::table::routes;

routes! {
    /// Who did what.
    ROWS in "/api/v1", routes:
    get "/audit", SeeAudit => search;
    get "/audit/export", SeeAudit => export;
}

/// Which records: people by their ids, times with their offsets.
#[derive(Debug, Deserialize)]
struct Query {
    about: Option<PersonId>,
    actor: Option<PersonId>,
    action: Option<String>,
    since: Option<String>,
    until: Option<String>,
    before: Option<i64>,
    limit: Option<i64>,
}

/// Records in an answer, if nobody says how many; and the most.
const USUAL: i64 = 100;
const MOST: i64 = 1_000;

impl Query {
    fn filter(&self) -> Result<AuditFilter, WebError> {
        let instant = |field: &str, text: &Option<String>| {
            text.as_deref().map(|text| read_instant(field, text)).transpose()
        };
        let action = match self.action.as_deref() {
            None => None,
            Some(word) => Some(Action::from_word(word).ok_or_else(|| {
                WebError::BadInput(vec![Problem::with_field("action", "There is no such action.")])
            })?),
        };
        Ok(AuditFilter {
            about: self.about.clone(),
            actor: self.actor.clone(),
            action,
            since: instant("since", &self.since)?,
            until: instant("until", &self.until)?,
        })
    }
}

/// All records that fit, as a file, the first first.
async fn export(
    who: SignedIn,
    query: web::Query<Query>,
    how: web::Query<How>,
) -> Result<HttpResponse, WebError> {
    taken_out(who, query.filter()?, how.format()?).await
}

/// The records that fit, the latest first; `next` is what `before` is to be for those after them.
async fn search(who: SignedIn, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let (filter, sight) = (query.filter()?, sight(&who.caller));
    let (order, limit) = (AuditOrder::LatestFirst(query.before), query.limit.unwrap_or(USUAL).clamp(1, MOST));
    let db = &who.context.app().db;
    let mut lines = db.read("audit", move |conn| told::lines(conn, &filter, order, limit + 1, sight)).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = lines.len() > limit;
    lines.truncate(limit);
    let next = lines.last().filter(|_| more).map(|last| last.number);
    Ok(ok(&json!({"records": lines, "next": next})))
}
