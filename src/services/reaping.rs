//! The reaper: observe, plan, carry out. [`policy::reaping`](crate::policy::reaping) states what it may do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use futures_util::future::join_all;
use serde::Serialize;

use super::booking::{self, BookingError};
use super::{App, health};
use crate::cloud::port::Released;
use crate::db::{self, DbError};
use crate::domain::blueprint::Kind;
use crate::domain::booking::{Booking, EndReason};
use crate::domain::course::{Course, Lab, Pool, Site};
use crate::domain::fitness::SiteService;
use crate::domain::ids::{BookingId, NetId, SiteId};
use crate::domain::person::{Parity, Role};
use crate::domain::reaper::ReaperPolicy;
use crate::policy::fitness;
use crate::policy::reaping::{self, Action, Known, LiveBooking, Look, Plan, SiteView, Situation, Standing};

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
    let course = app.db.read("reap: course", db::course).await?;
    let sites = survey_sites(app, course.as_ref()).await;
    let ids = bookings_named(&sites);
    let inner = app.clone();
    // Read after the listing: a booking that is made meanwhile is known, one that ends meanwhile is still in hand.
    app.db
        .read("reap: observe", move |conn| {
            let now = inner.now();
            let live = db::live_bookings_ending(conn, now, BATCH)?;
            let live: Vec<LiveBooking> =
                live.into_iter().map(|(booking, net_id)| live_booking(booking, net_id)).collect();
            let mut standing = BTreeMap::new();
            for chunk in ids.chunks(500) {
                for (id, ended) in db::states(conn, chunk)? {
                    standing.insert(id, if ended { Standing::Ended } else { Standing::InHand });
                }
            }
            let people: Vec<Known> =
                db::everyone(conn)?.into_iter().map(|(net_id, role)| known(net_id, role)).collect();
            let (zone, policy) = course.map_or((Tz::UTC, ReaperPolicy::default()), |it| (it.zone, it.reaper));
            Ok(reaping::plan(&Situation {
                now,
                zone,
                instance: &inner.instance,
                policy: &policy,
                live: &live,
                standing: &standing,
                sites: &sites,
                people: &people,
                marked: &[],
                exemptions: &[],
                pauses: &[],
            }))
        })
        .await
}

fn live_booking(booking: Booking, net_id: NetId) -> LiveBooking {
    LiveBooking { id: booking.id, net_id, lab: booking.lab, slot: booking.slot, activity: None }
}

fn known(net_id: NetId, role: Role) -> Known {
    let parity = Parity::of(&net_id);
    Known { net_id, cloud_users: Vec::new(), staff: role == Role::Staff, parity, labs: Vec::new() }
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

/// Surveys all sites at once, each within three quarters of a claim: one that hangs keeps no other waiting.
async fn survey_sites(app: &Arc<App>, course: Option<&Course>) -> BTreeMap<SiteId, SiteView> {
    let limit = limit(app);
    let surveys = app.clouds.iter().map(async |(id, cloud)| {
        let looked_at = app.now();
        let site = course.and_then(|course| Some((course, course.sites.iter().find(|it| it.id == *id)?)));
        let needed = site.map(|(course, site)| needed_services(course, site)).unwrap_or_default();
        let look = match tokio::time::timeout(limit, cloud.survey(&needed)).await {
            Ok(Ok(found)) => Look::Whole(found),
            Ok(Err(error)) => Look::Failed(error.to_string()),
            Err(_) => Look::Failed(nothing_came(limit)),
        };
        let view = SiteView::of(look, looked_at);
        let view = match site {
            Some((course, site)) => described(view, course, site),
            None => view,
        };
        (id.clone(), view)
    });
    let sites = join_all(surveys).await.into_iter().collect();
    health::record(app).await;
    sites
}

/// The services of a site in which the course's labs have objects: without one of them a listing would say too little.
fn needed_services(course: &Course, site: &Site) -> BTreeSet<SiteService> {
    let services = fitness::needs(course, site).services.into_keys();
    services.filter(|service| *service != SiteService::Image).collect()
}

/// With what the course says of the site.
fn described(view: SiteView, course: &Course, site: &Site) -> SiteView {
    let pools: Vec<&Pool> = course.pools.iter().filter(|pool| pool.site == site.id).collect();
    let is_here = |lab: &&Lab| pools.iter().any(|pool| pool.id == lab.pool);
    SiteView {
        needs_leases: site.leases,
        prices: site.su_per_hour.clone(),
        standing_leases: pools.iter().filter_map(|pool| pool.standing_lease.clone()).collect(),
        labs: course.labs.iter().filter(is_here).cloned().collect(),
        ..view
    }
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
