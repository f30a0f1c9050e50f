//! What is away.

use actix_web::HttpResponse;
use chrono_tz::Tz;
use serde::Serialize;

use super::{ok, rfc3339};
use crate::db::{self, DbError};
use crate::domain::ids::OutageId;
use crate::domain::outage::Outage;
use crate::web::context::SignedIn;
use crate::web::error::WebError;

/// An outage as the API gives it.
#[derive(Debug, Serialize)]
struct OutageJson {
    id: OutageId,
    away: String,
    from: String,
    until: Option<String>,
    reason: String,
}

#[derive(Debug, Serialize)]
struct OutagesJson {
    outages: Vec<OutageJson>,
}

/// The outages that are there or to come, the first to begin first.
pub(super) async fn all(who: SignedIn) -> Result<HttpResponse, WebError> {
    let zone = who.context.zone();
    let open = who.context.app().db.read::<_, DbError, _>("outages", db::open_outages).await?;
    let outages = open.iter().filter(|it| it.ended.is_none()).map(|it| line(zone, it)).collect();
    Ok(ok(&OutagesJson { outages }))
}

fn line(zone: Tz, it: &Outage) -> OutageJson {
    OutageJson {
        id: it.id.clone(),
        away: it.away.to_string(),
        from: rfc3339(zone, it.from),
        until: it.until.map(|until| rfc3339(zone, until)),
        reason: it.reason.clone(),
    }
}
