//! Observing: what the database knows and what each site has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::future::join_all;

use super::{known, limit, memory, nothing_came};
use crate::db::{self, Conn, DbError};
use crate::domain::booking::Booking;
use crate::domain::course::{Course, Lab, Pool, Site};
use crate::domain::fitness::SiteService;
use crate::domain::ids::{BookingId, ExemptionId, NetId, OutageId, PauseId, SiteId};
use crate::domain::marked::Marked;
use crate::domain::reaper::ReaperPolicy;
use crate::policy::fitness;
use crate::policy::reaping::{self, LiveBooking, Look, Plan, SiteView, Situation, Standing};
use crate::services::{App, health, outages};

/// How many bookings that are over one sweep looks at; the next takes the rest.
pub(super) const BATCH: i64 = 500;

/// What was seen, and what is to be done about it.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The plan.
    pub plan: Plan,
    /// By what staff had said it was made.
    pub(super) basis: Basis,
    /// How many objects were listed.
    pub(super) listed: usize,
}

/// What staff had said when a plan was made.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    policy: ReaperPolicy,
    exemptions: BTreeSet<ExemptionId>,
    pauses: BTreeSet<PauseId>,
    outages: BTreeSet<OutageId>,
}

impl Basis {
    /// Why nothing may be done by it any more, if staff have said something since. What merely ran out does not count.
    pub(super) fn outdated(
        &self,
        conn: &mut Conn<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<&'static str>, DbError> {
        let exempted = db::exemptions(conn, now)?.iter().any(|said| !self.exemptions.contains(&said.id));
        let paused = db::pauses(conn, now)?.iter().any(|said| !self.pauses.contains(&said.id));
        let outage = outages::holds(conn, now)?.iter().any(|hold| !self.outages.contains(&hold.outage));
        let policy = db::reaper_policy(conn)?.unwrap_or_default();
        Ok(if outage {
            Some("left alone: an outage was declared meanwhile")
        } else if exempted {
            Some("left alone: staff have exempted something meanwhile")
        } else if paused {
            Some("left alone: staff have paused the reaper meanwhile")
        } else if policy != self.policy {
            Some("left alone: staff have changed what the reaper does meanwhile")
        } else {
            None
        })
    }
}

/// Looks at the database and at every site, and plans a sweep. Changes nothing.
pub async fn observe(app: &Arc<App>) -> Result<Observation, DbError> {
    look(app, None).await
}

/// The same of one site only.
pub(super) async fn observe_again(app: &Arc<App>, site: &SiteId) -> Result<Observation, DbError> {
    look(app, Some(site)).await
}

async fn look(app: &Arc<App>, only: Option<&SiteId>) -> Result<Observation, DbError> {
    let course = app.db.read("reap: course", db::course).await?;
    let mut sites = survey_sites(app, course.as_ref(), only).await;
    let ids = bookings_named(&sites);
    let inner = app.clone();
    // Read after the listing: a booking that is made meanwhile is known, one that ends meanwhile is still in hand.
    app.db
        .read("reap: observe", move |conn| {
            let now = inner.now();
            let live = db::live_bookings_ending(conn, now, BATCH)?;
            let mut live: Vec<LiveBooking> =
                live.into_iter().map(|(booking, net_id)| live_booking(booking, net_id)).collect();
            live.extend(known::unused(conn, course.as_ref(), now)?);
            let mut standing = BTreeMap::new();
            for chunk in ids.chunks(500) {
                for (id, ended) in db::states(conn, chunk)? {
                    standing.insert(id, if ended { Standing::Ended } else { Standing::InHand });
                }
            }
            let people = known::people(conn, course.as_ref().map_or(&[], |course| &course.labs), now)?;
            let idle = memory::recall(conn, &mut sites)?;
            let (zone, policy) = course.map_or((Tz::UTC, ReaperPolicy::default()), |it| (it.zone, it.reaper));
            let marked: Vec<Marked> = db::marks(conn)?.into_iter().map(|mark| mark.marked).collect();
            let holds = outages::holds(conn, now)?;
            let (exemption_ids, mut exemptions): (BTreeSet<_>, Vec<_>) =
                db::exemptions(conn, now)?.into_iter().map(|said| (said.id, said.what)).unzip();
            let (pause_ids, mut pauses): (BTreeSet<_>, Vec<_>) =
                db::pauses(conn, now)?.into_iter().map(|said| (said.id, said.what)).unzip();
            let outages = holds.iter().map(|hold| hold.outage.clone()).collect();
            pauses.extend(holds.iter().filter_map(|hold| hold.pause.clone()));
            exemptions.extend(holds.into_iter().flat_map(|hold| hold.exemptions));
            let plan = reaping::plan(&Situation {
                now,
                zone,
                instance: &inner.instance,
                policy: &policy,
                live: &live,
                standing: &standing,
                sites: &sites,
                people: &people,
                marked: &marked,
                idle: &idle,
                exemptions: &exemptions,
                pauses: &pauses,
            });
            let basis = Basis { policy, exemptions: exemption_ids, pauses: pause_ids, outages };
            Ok(Observation { plan, basis, listed: listed(&sites) })
        })
        .await
}

fn live_booking(booking: Booking, net_id: NetId) -> LiveBooking {
    LiveBooking { id: booking.id, net_id, lab: booking.lab, slot: booking.slot, activity: None }
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

fn listed(sites: &BTreeMap<SiteId, SiteView>) -> usize {
    let counts = sites.values().map(|view| match &view.look {
        Look::Whole(found) => found.len(),
        _ => 0,
    });
    counts.sum()
}

/// Surveys all sites at once, each within three quarters of a claim: one that hangs keeps no other waiting.
async fn survey_sites(
    app: &Arc<App>,
    course: Option<&Course>,
    only: Option<&SiteId>,
) -> BTreeMap<SiteId, SiteView> {
    let limit = limit(app);
    let wanted = app.clouds.iter().filter(|(id, _)| only.is_none_or(|only| only == *id));
    let surveys = wanted.map(async |(id, cloud)| {
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
        // A site that can't says so when it is asked: then the server is shut off.
        can_shelve: true,
        prices: site.su_per_hour.clone(),
        standing_leases: pools.iter().filter_map(|pool| pool.standing_lease.clone()).collect(),
        labs: course.labs.iter().filter(is_here).cloned().collect(),
        ..view
    }
}
