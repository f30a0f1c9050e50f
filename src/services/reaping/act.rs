//! Acting: each act of a plan is checked again just before it is done.

use std::sync::Arc;

use super::{Done, limit, no_show, nothing_came};
use crate::cloud::port::Released;
use crate::db::{self, DbError};
use crate::domain::blueprint::Kind;
use crate::domain::booking::{Booking, EndReason};
use crate::domain::ids::{BookingId, SiteId};
use crate::policy::reaping::{Action, Plan};
use crate::services::App;
use crate::services::booking::{self, BookingError};

/// Carries out a plan. Each action is checked again just before it acts.
pub async fn carry_out(app: &Arc<App>, plan: &Plan) -> Vec<Done> {
    let mut done = Vec::new();
    for action in &plan.actions {
        let outcome = match action {
            Action::EndBooking { booking, .. } => end_booking(app, booking).await,
            Action::WarnNoShow { booking, release_at, .. } => no_show::warn(app, booking, *release_at).await,
            Action::ReleaseNoShow { booking, .. } => no_show::release(app, booking).await,
            Action::DeleteOrphan { site, kind, site_ref, booking, .. } => {
                delete_orphan(app, site, *kind, site_ref, booking).await
            }
            // Plans are made of our own objects only so far: see `observe`.
            _ => Err("nothing here carries it out".to_owned()),
        };
        let outcome = outcome.unwrap_or_else(|error| format!("failed: {error}"));
        tracing::info!(?action, outcome, "reaped");
        done.push(Done { action: action.clone(), outcome });
    }
    app.wake.call();
    done
}

async fn end_booking(app: &Arc<App>, id: &BookingId) -> Result<String, String> {
    let (inner, id) = (app.clone(), id.clone());
    let ended = app
        .db
        .write::<_, BookingError, _>("reap: end", move |conn| {
            let Some(booking) = db::booking_locked(conn, &id)? else { return Ok(false) };
            if !booking.state.is_live() || booking.slot.end() > inner.now() {
                return Ok(false);
            }
            booking::log(&inner, conn, &booking, "fairlease", "Its time is over.")?;
            match why_never_ready(&booking) {
                Some(why) => booking::fail(&inner, conn, booking, why)?,
                None => booking::end(&inner, conn, booking, EndReason::Expired, None).map(|_| ())?,
            }
            Ok(true)
        })
        .await
        .map_err(|error| error.to_string())?;
    Ok(if ended {
        "its resources are being deleted"
    } else {
        "left alone: it was ended or extended meanwhile"
    }
    .to_owned())
}

/// Why a booking whose time is over has failed its student, if it was never ready.
fn why_never_ready(booking: &Booking) -> Option<String> {
    if booking.state.ready_at().is_some() {
        return None;
    }
    let last = booking.trouble.as_ref().map(|trouble| format!(" The latest was: {trouble}"));
    Some(format!("It was not ready before its time was over.{}", last.unwrap_or_default()))
}

async fn delete_orphan(
    app: &Arc<App>,
    site: &SiteId,
    kind: Kind,
    site_ref: &str,
    booking: &BookingId,
) -> Result<String, String> {
    let id = booking.clone();
    let in_hand = app
        .db
        .read::<_, DbError, _>("reap: re-check", move |conn| {
            Ok(db::states(conn, std::slice::from_ref(&id))?.iter().any(|(_, ended)| !ended))
        })
        .await
        .map_err(|error| error.to_string())?;
    if in_hand {
        return Ok("left alone: its booking is in hand".to_owned());
    }
    let Some(cloud) = app.clouds.get(site) else {
        return Err("this process has no way to reach the site".to_owned());
    };
    let limit = limit(app);
    match tokio::time::timeout(limit, cloud.release(kind, site_ref)).await {
        Ok(Ok(Released::Gone)) => Ok("gone".to_owned()),
        Ok(Ok(Released::Going)) => Ok("being deleted".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(nothing_came(limit)),
    }
}
