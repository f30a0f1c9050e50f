//! Brings bookings to what they are to be, on the cloud: record, decide, write the intent, call.
//!
//! [`policy::reconcile`](crate::policy::reconcile) says what is next; this module carries it out. Each turn of
//! [`advance`] is one transaction and the calls to the cloud that follow it. The transaction renews the claim, records what
//! came of the calls before, decides, and writes down what is about to be done. Killed at any point, the next worker decides
//! the same from what is stored.

mod decide;
mod instead;
mod record;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;

use super::booking::BookingError;
use super::{App, health};
use crate::cloud::port::{Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::blueprint::{Kind, Probe};
use crate::domain::fitness::SiteService;
use crate::domain::ids::{BookingId, ClaimToken, ResourceKey, SiteId};

/// Who does what the service does by itself, in a booking's log.
const ACTOR: &str = "fairlease";

/// A booking on which a worker has a claim.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The booking.
    pub id: BookingId,
    /// The claim.
    pub token: ClaimToken,
    /// At which site its resources are.
    pub site: SiteId,
}

/// Claims bookings whose next step is due, of each site up to as many as `room` says.
pub async fn claim<F>(app: &Arc<App>, room: F) -> Result<Vec<Claimed>, DbError>
where
    F: Fn(&SiteId) -> usize + Send + 'static,
{
    let token = app.claim_token();
    let (inner, fence) = (app.clone(), token.clone());
    let ids = app
        .db
        .write("fulfil: claim", move |conn| {
            let now = inner.now();
            db::claim_due_bookings(conn, &fence, now, now + inner.claim, &room)
        })
        .await?;
    Ok(ids.into_iter().map(|(id, site)| Claimed { id, token: token.clone(), site }).collect())
}

/// Takes the booking on which the caller has a claim as far as it goes now, and gives the claim up.
pub async fn advance(app: &Arc<App>, id: &BookingId, token: &ClaimToken) -> Result<(), BookingError> {
    let mut outcomes = Vec::new();
    loop {
        let (inner, key, fence) = (app.clone(), id.clone(), token.clone());
        let next =
            app.db.write("fulfil: turn", move |conn| turn(&inner, conn, &key, &fence, &outcomes)).await?;
        match next {
            Some(calls) => {
                outcomes = carry_out(app, calls).await;
                health::record(app).await;
            }
            None => return Ok(()),
        }
    }
}

/// The transaction of a turn, after calls that had these outcomes. Says which calls follow, if any. Nothing is written if the
/// claim was lost.
fn turn(
    app: &App,
    conn: &mut Conn<'_>,
    id: &BookingId,
    token: &ClaimToken,
    outcomes: &[Outcome],
) -> Result<Option<Calls>, BookingError> {
    if !db::renew_claim(conn, id, token, app.now() + app.claim)? {
        if !outcomes.is_empty() {
            tracing::warn!(booking = %id, "a claim was lost during a call: its outcome is left to be looked up");
        }
        return Ok(None);
    }
    if !outcomes.is_empty() && !record::record(app, conn, id, token, outcomes)? {
        return Ok(None);
    }
    loop {
        match decide::decide(app, conn, id, token)? {
            Turn::Rest => return Ok(None),
            Turn::Again => {}
            Turn::Call(calls) => return Ok(Some(*calls)),
        }
    }
}

/// What is to happen after a decision.
#[derive(Debug)]
enum Turn {
    /// Nothing now.
    Rest,
    /// The state has changed: decide again.
    Again,
    /// These calls.
    Call(Box<Calls>),
}

/// Calls to one site that need nothing of each other.
#[derive(Debug)]
struct Calls {
    setting: LabSetting,
    calls: Vec<Call>,
}

#[derive(Debug, Clone)]
enum Call {
    Ensure(Box<Desired>),
    AwaitLease(ResourceKey, String),
    Probe(ResourceKey, String, Probe),
    Release(ResourceKey, Kind, String),
    Look(Scope, BTreeSet<SiteService>),
}

/// What came of a call.
#[derive(Debug, Clone)]
enum Outcome {
    Ensured(ResourceKey, Result<Observed, CloudError>),
    Lease(ResourceKey, Result<Progress, CloudError>),
    Probed(ResourceKey, Result<bool, CloudError>),
    Released(ResourceKey, Result<Released, CloudError>),
    Looked(Result<Vec<Found>, CloudError>),
}

/// Carries calls out, each within three quarters of the claim: none outlasts the right to make it.
async fn carry_out(app: &App, calls: Calls) -> Vec<Outcome> {
    let site = &calls.setting.site.id;
    let Some(cloud) = app.clouds.get(site) else {
        let message = format!("this worker has no way to reach the site {site}");
        let error = CloudError::Transient { message, retry_after: None };
        return calls.calls.into_iter().map(|call| failed(call, error.clone())).collect();
    };
    let limit = (app.claim * 3 / 4).to_std().unwrap_or_default();
    let limited = calls.calls.into_iter().map(async |call| {
        let outcome = carry_out_one(cloud.as_ref(), call.clone());
        tokio::time::timeout(limit, outcome).await.unwrap_or_else(|_| {
            let message = format!("nothing came of it within {} s", limit.as_secs());
            failed(call, CloudError::OutcomeUnknown(message))
        })
    });
    join_all(limited).await
}

async fn carry_out_one(cloud: &dyn Cloud, call: Call) -> Outcome {
    match call {
        Call::Ensure(desired) => Outcome::Ensured(desired.mark.key.clone(), cloud.ensure(&desired).await),
        Call::AwaitLease(key, site_ref) => Outcome::Lease(key, cloud.lease_in_force(&site_ref).await),
        Call::Probe(key, address, probe) => Outcome::Probed(key, cloud.answers(&address, &probe).await),
        Call::Release(key, kind, site_ref) => Outcome::Released(key, cloud.release(kind, &site_ref).await),
        Call::Look(scope, needed) => Outcome::Looked(cloud.list(&scope, &needed).await),
    }
}

fn failed(call: Call, error: CloudError) -> Outcome {
    match call {
        Call::Ensure(desired) => Outcome::Ensured(desired.mark.key.clone(), Err(error)),
        Call::AwaitLease(key, _) => Outcome::Lease(key, Err(error)),
        Call::Probe(key, ..) => Outcome::Probed(key, Err(error)),
        Call::Release(key, ..) => Outcome::Released(key, Err(error)),
        Call::Look(..) => Outcome::Looked(Err(error)),
    }
}
