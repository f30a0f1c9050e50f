//! Carrying out a plan: bookings first, then all sites at once, so that one that hangs keeps no other waiting.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use super::observe::Observation;
use super::{Done, marking, no_show, steps};
use crate::db::{self, DbError};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::ids::{BookingId, SiteId};
use crate::policy::reaping::Action;
use crate::services::App;
use crate::services::booking::{self, BookingError};
use crate::services::waitlist;

/// Carries out a plan. Each action is checked again just before it acts.
pub async fn carry_out(app: &Arc<App>, seen: &Observation) -> Vec<Done> {
    let mut done = Vec::new();
    let mut sites: BTreeMap<SiteId, Vec<&Action>> = BTreeMap::new();
    for action in &seen.plan.actions {
        match action.target() {
            Some(target) => sites.entry(target.site).or_default().push(action),
            None => done.push(of_booking(app, action).await),
        }
    }
    let at_sites = sites.iter().map(|(site, actions)| at_site(app, seen, site, actions));
    done.extend(join_all(at_sites).await.into_iter().flatten());
    app.wake.call();
    done
}

/// What is only remembered and told comes first, and waits for nothing.
async fn at_site(app: &Arc<App>, seen: &Observation, site: &SiteId, actions: &[&Action]) -> Vec<Done> {
    let (due, marks): (Vec<&Action>, Vec<&Action>) =
        actions.iter().copied().partition(|action| action.is_step());
    let mut done = marking::write(app, seen, &marks).await;
    done.extend(steps::take(app, seen, site, &due).await);
    done
}

async fn of_booking(app: &Arc<App>, action: &Action) -> Done {
    let outcome = match action {
        Action::EndBooking { booking, .. } => end_booking(app, booking).await.map(in_words),
        Action::WarnNoShow { booking, release_at, .. } => no_show::warn(app, booking, *release_at).await,
        Action::ReleaseNoShow { booking, .. } => no_show::release(app, booking).await,
        _ => Err("nothing here carries it out".to_owned()),
    };
    Done::of(action, outcome)
}

/// Ends the bookings whose time is over, without a look at any site, and says how many it ended: they do not wait for a
/// site that hangs.
pub async fn end_what_is_over(app: &Arc<App>) -> Result<usize, DbError> {
    let inner = app.clone();
    let over = app
        .db
        .read("reap: over", move |conn| db::live_bookings_ending(conn, inner.now(), super::observe::BATCH))
        .await?;
    let mut ended = 0;
    for (booking, _) in over {
        match end_booking(app, &booking.id).await {
            Ok(is_ended) => ended += usize::from(is_ended),
            Err(error) => tracing::error!(booking = %booking.id, error, "a booking could not be ended"),
        }
    }
    app.wake.call();
    Ok(ended)
}

/// Ends a booking whose time is over. False if that is not so any more.
async fn end_booking(app: &Arc<App>, id: &BookingId) -> Result<bool, String> {
    let (inner, id) = (app.clone(), id.clone());
    app.db
        .write::<_, BookingError, _>("reap: end", move |conn| {
            let Some(booking) = db::booking_locked(conn, &id)? else { return Ok(false) };
            if !booking.state.is_live() || booking.slot.end() > inner.now() {
                return Ok(false);
            }
            if matches!(booking.state, State::Offered { .. }) {
                waitlist::decline(&inner, conn, booking, EndReason::Lapsed)?;
                return Ok(true);
            }
            booking::log(&inner, conn, &booking, "fairlease", "Its time is over.")?;
            match why_never_ready(&booking) {
                Some(why) => booking::fail(&inner, conn, booking, why)?,
                None => booking::end(&inner, conn, booking, EndReason::Expired, None).map(|_| ())?,
            }
            Ok(true)
        })
        .await
        .map_err(|error| error.to_string())
}

fn in_words(ended: bool) -> String {
    let words = if ended {
        "its resources are being deleted"
    } else {
        "left alone: it was ended or extended meanwhile"
    };
    words.to_owned()
}

/// Why a booking whose time is over has failed its student, if it was never ready.
fn why_never_ready(booking: &Booking) -> Option<String> {
    if booking.state.ready_at().is_some() {
        return None;
    }
    let last = booking.trouble.as_ref().map(|trouble| format!(" The latest was: {trouble}"));
    Some(format!("It was not ready before its time was over.{}", last.unwrap_or_default()))
}
