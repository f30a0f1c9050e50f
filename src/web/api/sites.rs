//! How sites do.

use actix_web::HttpResponse;
use chrono_tz::Tz;
use serde::Serialize;

use super::{ok, rfc3339};
use crate::auth::permissions::Permission;
use crate::db::DbError;
use crate::domain::health::Health;
use crate::domain::ids::{PoolId, SiteId};
use crate::domain::renewal::Outlook;
use crate::policy::extending::Extending;
use crate::services::health::{self, SiteView};
use crate::services::renewal::{self, StandingLease};
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
    /// For staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    standing_leases: Option<Vec<LeaseJson>>,
}

/// A lease that staff hold for a pool.
#[derive(Debug, Serialize)]
struct LeaseJson {
    name: String,
    pool: PoolId,
    state: &'static str,
    ends: Option<String>,
    renew_at: Option<String>,
    booked_until: Option<String>,
    trouble: Option<TroubleJson>,
    seen_at: Option<String>,
    renewed_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct TroubleJson {
    code: &'static str,
    message: String,
}

#[derive(Debug, Serialize)]
struct FaultJson {
    at: String,
    class: String,
    message: String,
}

pub(super) async fn all(who: SignedIn) -> Result<HttpResponse, WebError> {
    let is_staff = who.caller.sees_all(Permission::SeeCourse);
    let (sites, leases) = who
        .context
        .app()
        .db
        .read::<_, DbError, _>("sites", move |conn| {
            let leases = is_staff.then(|| renewal::standing_leases(conn)).transpose()?;
            Ok((health::sites(conn)?, leases))
        })
        .await?;
    let sites: Vec<SiteJson> =
        sites.into_iter().map(|view| site_json(&who, view, leases.as_deref())).collect();
    Ok(ok(&serde_json::json!({ "sites": sites })))
}

fn site_json(
    who: &SignedIn,
    SiteView { site, health, extending }: SiteView,
    leases: Option<&[StandingLease]>,
) -> SiteJson {
    let here = |lease: &&StandingLease| lease.pool.site == site.id;
    let of_site = |leases: &[StandingLease]| {
        leases.iter().filter(here).map(|lease| lease_json(who.context.zone(), lease)).collect()
    };
    let standing_leases = leases.map(of_site);
    let zone = who.context.zone();
    let is_staff = who.caller.sees_all(Permission::SeeCourse);
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
        standing_leases,
    }
}

fn lease_json(zone: Tz, lease: &StandingLease) -> LeaseJson {
    let time = |at| rfc3339(zone, at);
    let sight = lease.sight.as_ref();
    let (state, renew_at, trouble) = match sight.map(|sight| &sight.outlook) {
        None => ("unknown", None, None),
        Some(Outlook::Idle) => ("idle", None, None),
        Some(Outlook::Stands { renew_at }) => ("stands", *renew_at, None),
        Some(Outlook::Tried(words)) => {
            ("tried", None, Some(TroubleJson { code: "tried", message: words.clone() }))
        }
        Some(Outlook::Trouble(trouble)) => {
            let message = trouble.sentence(zone);
            ("trouble", None, Some(TroubleJson { code: trouble.kind(), message }))
        }
    };
    LeaseJson {
        name: lease.name.clone(),
        pool: lease.pool.id.clone(),
        state,
        ends: sight.and_then(|sight| sight.last_end).map(time),
        renew_at: renew_at.map(time),
        booked_until: lease.need.booked_until.map(time),
        trouble,
        seen_at: sight.map(|sight| time(sight.seen_at)),
        renewed_at: sight.and_then(|sight| sight.renewed_at).map(time),
    }
}
