//! The reaper: observe, plan, carry out. [`policy::reaping`](crate::policy::reaping) states what it may do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use futures_util::future::join_all;
use serde::Serialize;

use super::booking::{self, BookingError};
use super::{App, health};
use crate::cloud::port::{Released, Scope};
use crate::db::{self, DbError};
use crate::domain::blueprint::Kind;
use crate::domain::booking::{Booking, EndReason};
use crate::domain::course::{Course, Site};
use crate::domain::fitness::SiteService;
use crate::domain::ids::{BookingId, SiteId};
use crate::domain::reaper::ReaperPolicy;
use crate::policy::fitness;
use crate::policy::reaping::{self, Action, LiveBooking, Look, Plan, SiteView, Situation, Standing};

/// How many bookings that are over one sweep looks at; the next takes the rest.
const BATCH: i64 = 500;

/// What a sweep did with one action of its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// What came of it, in a word or a sentence.
    pub outcome: String,
}

/// Looks at the database and at every site, and plans a sweep. Changes nothing.
pub async fn observe(app: &Arc<App>) -> Result<Plan, DbError> {
    let sites = list_sites(app, &needed_services(app).await?).await;
    let ids = bookings_named(&sites);
    let inner = app.clone();
    // Read after the listing: a booking that is made meanwhile is known, one that ends meanwhile is still in hand.
    app.db
        .read("reap: observe", move |conn| {
            let now = inner.now();
            let live: Vec<LiveBooking> = db::live_bookings_ending(conn, now, BATCH)?
                .into_iter()
                .map(|(booking, net_id)| LiveBooking {
                    id: booking.id,
                    net_id,
                    lab: booking.lab,
                    slot: booking.slot,
                    activity: None,
                })
                .collect();
            let mut standing = BTreeMap::new();
            for chunk in ids.chunks(500) {
                for (id, ended) in db::states(conn, chunk)? {
                    standing.insert(id, if ended { Standing::Ended } else { Standing::InHand });
                }
            }
            let course = db::course(conn)?;
            let (zone, policy) = course.map_or((Tz::UTC, ReaperPolicy::default()), |it| (it.zone, it.reaper));
            Ok(reaping::plan(&Situation {
                now,
                zone,
                instance: &inner.instance,
                policy: &policy,
                live: &live,
                standing: &standing,
                sites: &sites,
                people: &[],
                marked: &[],
                exemptions: &[],
                pauses: &[],
            }))
        })
        .await
}

/// The bookings that the marks of listed objects name, each once.
fn bookings_named(sites: &BTreeMap<SiteId, SiteView>) -> Vec<BookingId> {
    let listed = sites.values().filter_map(|view| match &view.look {
        Look::Whole(found) => Some(found),
        _ => None,
    });
    let named: BTreeSet<_> =
        listed.flatten().filter_map(|found| Some(&found.mark.as_ref()?.booking)).collect();
    named.into_iter().cloned().collect()
}

/// The services of each site in which the course's labs have objects: without one of them a listing would say too little.
async fn needed_services(app: &Arc<App>) -> Result<BTreeMap<SiteId, BTreeSet<SiteService>>, DbError> {
    let course = app.db.read("reap: course", db::course).await?;
    let needs = |course: &Course, site: &Site| {
        let services = fitness::needs(course, site).services.into_keys();
        services.filter(|service| *service != SiteService::Image).collect()
    };
    Ok(course.map_or_else(BTreeMap::new, |course| {
        course.sites.iter().map(|site| (site.id.clone(), needs(&course, site))).collect()
    }))
}

/// Lists all sites at once, each within three quarters of a claim: one that hangs keeps no other waiting.
async fn list_sites(
    app: &Arc<App>,
    needed: &BTreeMap<SiteId, BTreeSet<SiteService>>,
) -> BTreeMap<SiteId, SiteView> {
    let limit = limit(app);
    let (scope, none) = (Scope::Instance(app.instance.clone()), BTreeSet::new());
    let listings = app.clouds.iter().map(async |(site, cloud)| {
        let looked_at = app.now();
        let listing = cloud.list(&scope, needed.get(site).unwrap_or(&none));
        let look = match tokio::time::timeout(limit, listing).await {
            Ok(Ok(found)) => Look::Whole(found),
            Ok(Err(error)) => Look::Failed(error.to_string()),
            Err(_) => Look::Failed(nothing_came(limit)),
        };
        (site.clone(), SiteView::of(look, looked_at))
    });
    let listings = join_all(listings).await.into_iter().collect();
    health::record(app).await;
    listings
}

/// How long a call to a site may take here: as long as in fulfilling.
fn limit(app: &App) -> Duration {
    (app.claim * 3 / 4).to_std().unwrap_or_default()
}

fn nothing_came(limit: Duration) -> String {
    format!("nothing came of it within {} s", limit.as_secs())
}

/// Carries out a plan. Each action is checked again just before it acts.
pub async fn carry_out(app: &Arc<App>, plan: &Plan) -> Vec<Done> {
    let mut done = Vec::new();
    for action in &plan.actions {
        let outcome = match action {
            Action::EndBooking { booking, .. } => end_booking(app, booking).await,
            Action::DeleteOrphan { site, kind, site_ref, booking, .. } => {
                delete_orphan(app, site, kind, site_ref, booking).await
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

/// A sweep from looking to acting.
pub async fn sweep(app: &Arc<App>) -> Result<(Plan, Vec<Done>), DbError> {
    let plan = observe(app).await?;
    let done = carry_out(app, &plan).await;
    Ok((plan, done))
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
    kind: &str,
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
    let (Some(cloud), Some(kind)) = (app.clouds.get(site), Kind::from_word(kind)) else {
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
