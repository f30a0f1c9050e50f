//! How sites do.

use actix_web::HttpResponse;
use serde::Serialize;

use super::{ok, rfc3339};
use crate::db::DbError;
use crate::domain::health::Health;
use crate::domain::ids::SiteId;
use crate::domain::person::Role;
use crate::policy::extending::Extending;
use crate::services::health::{self, SiteView};
use crate::web::context::SignedIn;
use crate::web::error::WebError;

/// A site as the API gives it.
#[derive(Debug, Serialize)]
struct SiteJson {
    id: SiteId,
    title: String,
    state: &'static str,
    since: Option<String>,
    last_ok: Option<String>,
    extends: Option<bool>,
    /// For staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_fault: Option<FaultJson>,
}

#[derive(Debug, Serialize)]
struct FaultJson {
    at: String,
    class: String,
    message: String,
}

pub(super) async fn all(who: SignedIn) -> Result<HttpResponse, WebError> {
    let sites = who.context.app().db.read::<_, DbError, _>("sites", health::sites).await?;
    let sites: Vec<SiteJson> = sites.into_iter().map(|view| site_json(&who, view)).collect();
    Ok(ok(&serde_json::json!({ "sites": sites })))
}

fn site_json(who: &SignedIn, SiteView { site, health, extending }: SiteView) -> SiteJson {
    let zone = who.context.zone();
    let is_staff = who.session.person.role == Role::Staff;
    let fault = |health: &Health| {
        let (at, fault) = health.last_fault.clone().filter(|_| is_staff)?;
        Some(FaultJson { at: rfc3339(zone, at), class: fault.class, message: fault.message })
    };
    let health = health.as_ref();
    let extends = Extending::of(&site, extending.as_ref(), who.context.app().now()).works();
    SiteJson {
        id: site.id,
        title: site.title,
        state: health.map_or("unknown", |health| health.condition.word()),
        since: health.map(|health| rfc3339(zone, health.since)),
        last_ok: health.and_then(|health| health.last_ok).map(|at| rfc3339(zone, at)),
        extends,
        last_fault: health.and_then(fault),
    }
}
