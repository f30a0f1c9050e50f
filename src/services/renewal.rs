//! Leases that staff hold for pools: looked at each hour, renewed when it is time, and told of when something is wrong.
//!
//! Nothing is remembered between two looks but what the page shows: each look begins with the lease as the site tells it.
//! So a look that is cut short, or made twice, does no harm: an end that was moved already is left where it is.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::{App, health, notices};
use crate::cloud::port::{Cloud, CloudError};
use crate::db::{self, Conn, DbError};
use crate::domain::course::Pool;
use crate::domain::notice::Topic;
use crate::domain::renewal::{HeldLease, Outlook, Sight, Trouble};
use crate::mail::messages::Surroundings;
use crate::mail::messages::staff::{self, LeaseTrouble};
use crate::policy::renewal::{self, Case, Need, Step};

/// A lease that staff hold for a pool, and on which labs or bookings draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingLease {
    /// The pool.
    pub pool: Pool,
    /// What people call its site.
    pub site_title: String,
    /// The lease's name.
    pub name: String,
    /// For how long it is needed.
    pub need: Need,
    /// What was last seen of it; nothing if it was not looked at yet.
    pub sight: Option<Sight>,
}

/// The standing leases of the course, by their pools.
pub fn standing_leases(conn: &mut Conn<'_>) -> Result<Vec<StandingLease>, DbError> {
    let Some(course) = db::course(conn)? else { return Ok(Vec::new()) };
    let mut sights = db::sights(conn)?;
    let mut leases = Vec::new();
    for pool in &course.pools {
        let Some(name) = pool.standing_lease.clone() else { continue };
        let booked_until = db::booked_until(conn, &pool.id)?;
        if let Some(need) = Need::of(&course, pool, booked_until) {
            let sight = sights.remove(&pool.id).filter(|sight| sight.name == name);
            let site = course.sites.iter().find(|site| site.id == pool.site);
            let site_title = site.map_or(pool.site.to_string(), |site| site.title.clone());
            leases.push(StandingLease { pool: pool.clone(), site_title, name, need, sight });
        }
    }
    Ok(leases)
}

/// Looks at every standing lease, renews those that it is time to renew, and tells staff what is wrong. Says in a line what
/// came of it.
pub async fn look(app: &Arc<App>) -> Result<String, DbError> {
    let leases = app.db.read("renewal: read", in_reach).await?;
    let looks = leases.iter().map(async |held| {
        let sight = sight(app, held).await;
        health::record(app).await;
        match sight {
            Some(sight) => record(app, held, sight).await.map(Some),
            None => Ok(None),
        }
    });
    let seen: Vec<Option<bool>> = join_all(looks).await.into_iter().collect::<Result<_, _>>()?;
    let renewed = seen.iter().flatten().filter(|renewed| **renewed).count();
    Ok(format!("{} of {} leases seen, {renewed} renewed", seen.iter().flatten().count(), seen.len()))
}

/// Those at sites that answer.
fn in_reach(conn: &mut Conn<'_>) -> Result<Vec<StandingLease>, DbError> {
    let down = db::sites_that_are_down(conn)?;
    let leases = standing_leases(conn)?;
    Ok(leases.into_iter().filter(|lease| !down.contains(&lease.pool.site)).collect())
}

/// What there is to be seen of the lease, once what is to be done about it is done. Nothing if the site did not answer for a
/// reason that may pass: what was seen before stays.
async fn sight(app: &App, held: &StandingLease) -> Option<Sight> {
    let Some(cloud) = app.clouds.get(&held.pool.site) else {
        tracing::warn!(site = %held.pool.site, "this worker has no way to reach a standing lease's site");
        return None;
    };
    let now = app.now();
    let case = Case { renewal: held.pool.renewal, need: held.need, now };
    let mut sight = Sight {
        name: held.name.clone(),
        lease: None,
        last_end: held.sight.as_ref().and_then(|before| before.last_end),
        outlook: Outlook::Idle,
        seen_at: now,
        renewed_at: held.sight.as_ref().and_then(|before| before.renewed_at),
    };
    match limited(app, cloud.held_lease(&held.name)).await {
        Ok(lease) => {
            let (lease, outlook) = brought_up(app, cloud.as_ref(), &case, lease, &mut sight.renewed_at).await;
            sight.last_end = lease.as_ref().map(|lease| lease.ends).or(sight.last_end);
            (sight.lease, sight.outlook) = (lease, outlook);
        }
        Err(error) if error.is_fault_of_site() => {
            tracing::warn!(pool = %held.pool.id, %error, "a standing lease could not be looked at");
            return None;
        }
        Err(error) => sight.outlook = Outlook::Trouble(Trouble::Untold(error.to_string())),
    }
    Some(sight)
}

/// The lease once its end is where it is to be, or why it is not, and what is to come of it.
async fn brought_up(
    app: &App,
    cloud: &dyn Cloud,
    case: &Case,
    lease: Option<HeldLease>,
    renewed_at: &mut Option<DateTime<Utc>>,
) -> (Option<HeldLease>, Outlook) {
    let (to, lease) = match (renewal::decide(case, lease.as_ref()), lease) {
        (Step::Leave(outlook), lease) => return (lease, outlook),
        (Step::Renew(_), None) => return (None, Outlook::Trouble(Trouble::NotThere)),
        (Step::Renew(to), Some(lease)) => (to, lease),
    };
    match limited(app, cloud.prolong_lease(&lease.site_ref, to)).await {
        Ok(moved) => {
            if moved.ends > lease.ends {
                tracing::info!(lease = moved.site_ref, until = %moved.ends, "a standing lease was renewed");
                *renewed_at = Some(case.now);
            }
            let outlook = renewal::renewed(case, &moved);
            (Some(moved), outlook)
        }
        Err(error) => {
            tracing::warn!(lease = lease.site_ref, class = error.class(), %error, "a standing lease was not renewed");
            let outlook = renewal::refused(case, &lease, error.may_pass(), error.to_string());
            (Some(lease), outlook)
        }
    }
}

/// A call that is given as long as a worker's other calls.
async fn limited<T>(app: &App, call: impl Future<Output = Result<T, CloudError>>) -> Result<T, CloudError> {
    let limit = (app.claim * 3 / 4).to_std().unwrap_or_default();
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        Err(CloudError::OutcomeUnknown(format!("nothing came of it within {} s", limit.as_secs())))
    })
}

/// Writes down what was seen, with the mail to staff if something is wrong. Says whether the lease was renewed by this look.
async fn record(app: &Arc<App>, held: &StandingLease, sight: Sight) -> Result<bool, DbError> {
    let renewed = sight.renewed_at == Some(sight.seen_at);
    let (inner, held) = (app.clone(), held.clone());
    let told = app
        .db
        .write("renewal: record", move |conn| {
            db::save_sight(conn, &held.pool.id, &sight)?;
            match &sight.outlook {
                Outlook::Trouble(trouble) => tell(&inner, conn, &held, &sight, trouble),
                Outlook::Idle | Outlook::Stands { .. } | Outlook::Tried(_) => Ok(false),
            }
        })
        .await?;
    if told {
        app.wake.call();
    }
    Ok(renewed)
}

/// Tells staff, once about each kind of trouble with each end of a lease.
fn tell(
    app: &App,
    conn: &mut Conn<'_>,
    held: &StandingLease,
    sight: &Sight,
    trouble: &Trouble,
) -> Result<bool, DbError> {
    let Some(course) = db::course_card(conn)? else { return Ok(false) };
    let around = Surroundings {
        course: &course.title,
        zone: course.zone,
        public_url: &app.public_url,
        now: app.now(),
    };
    let lease = LeaseTrouble {
        site: &held.site_title,
        name: &sight.name,
        pool: &held.pool.id,
        ends: sight.last_end,
        booked_until: held.need.booked_until,
        trouble,
    };
    let end = sight.last_end.map_or("never".to_owned(), |end| end.timestamp().to_string());
    let key = format!("lease/{}/{}/{end}/{}", held.pool.id, sight.name, trouble.kind());
    notices::tell_staff(app, conn, Topic::Lease, &key, staff::lease_trouble(around, lease))
}
