//! Whether the ledger of usage agrees with the bookings, and whether the sites fit the course: what each has is asked of it,
//! what it needs follows from the course, and [`policy::fitness`](crate::policy::fitness) says what is to be said.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde::Serialize;

use crate::cloud::port::Cloud;
use crate::db::{self, Charged, Conn, DbError};
use crate::domain::capability::Capability;
use crate::domain::course::{Course, Site};
use crate::domain::fitness::{SiteNeeds, SiteReport, Told};
use crate::domain::ids::SiteId;
use crate::domain::usage::server_hours;
use crate::policy::extending::Extending;
use crate::policy::fair_share::ledger;
use crate::policy::fitness::{self, Check, Verdict};
use crate::policy::lead;
use crate::services::fair_share;

/// A site, or why it can't be asked.
pub type Reached = Told<Arc<dyn Cloud>>;

/// What was found at one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The site.
    pub site: SiteId,
    /// What people call it.
    pub title: String,
    /// How it is reached: an entry of `clouds.yaml`, or `simulated`.
    pub cloud: String,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// Looks at those of the course's sites that are in `clouds`, at the same time. Changes nothing.
pub async fn examine(
    course: &Course,
    clouds: &BTreeMap<SiteId, Reached>,
    now: DateTime<Utc>,
) -> Vec<Diagnosis> {
    let sites = course.sites.iter().filter_map(|site| Some((site, clouds.get(&site.id)?)));
    join_all(sites.map(async |(site, cloud)| diagnose(course, site, cloud, now).await)).await
}

/// What was learned of the course's sites from bookings there.
pub fn learned(
    conn: &mut Conn<'_>,
    course: &Course,
    now: DateTime<Utc>,
) -> Result<BTreeMap<SiteId, Vec<Check>>, DbError> {
    let asked = db::experiences(conn, Capability::Extend)?;
    let mut checks = BTreeMap::new();
    for site in &course.sites {
        let mut preparing = Vec::new();
        for pool in course.pools.iter().filter(|pool| pool.site == site.id) {
            for lab in course.labs.iter().filter(|lab| lab.pool == pool.id) {
                let took = db::latest_preparations(conn, &lab.id, &pool.id, now, lead::LATEST)?;
                preparing.extend(lead::learn(&took).map(|_| (lab.id.clone(), lead::finding(&took, pool))));
            }
        }
        let extending = Extending::of(site, asked.get(&site.id), now);
        checks.insert(site.id.clone(), fitness::learned(site, &extending, &preparing, course.zone, now));
    }
    Ok(checks)
}

async fn diagnose(course: &Course, site: &Site, cloud: &Reached, now: DateTime<Utc>) -> Diagnosis {
    let needs = fitness::needs(course, site);
    let report = ask(cloud, &needs).await;
    Diagnosis {
        site: site.id.clone(),
        title: site.title.clone(),
        cloud: site.cloud.to_string(),
        checks: fitness::judge(&needs, &report, now),
    }
}

async fn ask(cloud: &Reached, needs: &SiteNeeds) -> Told<SiteReport> {
    let cloud = cloud.as_ref().map_err(Clone::clone)?;
    cloud.examine(needs).await.map_err(|error| error.to_string())
}

/// How many bookings are read at a time.
const BOOKINGS_AT_ONCE: i64 = 500;

/// How many bookings that are wrong are named; of more there is the number.
const NAMED: usize = 50;

/// Whether the ledger of usage agrees with itself and with the bookings: totals with lines, lines with what bookings held.
pub fn ledger(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<Check>, DbError> {
    let mut checks = totals(conn, now)?;
    checks.extend(lines(conn)?);
    Ok(checks)
}

fn totals(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<Check>, DbError> {
    let wrong = fair_share::check(conn, now)?;
    let hours = |micro: i64| server_hours(micro.saturating_mul(60) / 1_000_000);
    let each = wrong.iter().map(|it| Check {
        what: format!("usage of {}", it.net_id),
        verdict: Verdict::Fail,
        found: format!("the total comes to {}", hours(it.told)),
        right: Some(format!("{}: what all lines come to", hours(it.right))),
    });
    Ok(each.chain(wrong.is_empty().then(|| agree("totals of usage", "with everyone's lines"))).collect())
}

fn lines(conn: &mut Conn<'_>) -> Result<Vec<Check>, DbError> {
    let (mut looked_at, mut wrong): (usize, Vec<Check>) = (0, Vec::new());
    let mut last = None;
    loop {
        let some = db::charged_bookings(conn, last.as_ref(), BOOKINGS_AT_ONCE)?;
        let Some(end) = some.last() else { break };
        last = Some(end.booking.id.clone());
        looked_at += some.len();
        wrong.extend(some.iter().filter_map(disagrees));
    }
    if wrong.is_empty() {
        return Ok(vec![agree("ledger of usage", &format!("with all {looked_at} bookings"))]);
    }
    let more = wrong.len().saturating_sub(NAMED);
    wrong.truncate(NAMED);
    wrong.extend((more > 0).then(|| Check {
        what: "usage of more bookings".to_owned(),
        verdict: Verdict::Fail,
        found: format!("of {more}, too, the ledger says something else"),
        right: None,
    }));
    Ok(wrong)
}

fn agree(what: &str, with: &str) -> Check {
    Check { what: what.to_owned(), verdict: Verdict::Pass, found: format!("agrees {with}"), right: None }
}

/// What is wrong with what is written down of a booking's usage.
fn disagrees(it: &Charged) -> Option<Check> {
    let usage = it.booking.usage();
    if it.charged == usage && ledger::agrees(&it.booking, &it.lines) {
        return None;
    }
    let minutes = usage.map_or(0, |usage| usage.length().num_minutes()) * i64::from(it.booking.servers);
    let told = ledger::server_minutes(&it.lines);
    let found = if told == minutes {
        "its lines do not say when it held what, or whose it is".to_owned()
    } else {
        format!("its lines come to {}", server_hours(told))
    };
    Some(Check {
        what: format!("usage of booking {} of {}", it.booking.id, it.net_id),
        verdict: Verdict::Fail,
        found,
        right: Some(format!("{}: what it held", server_hours(minutes))),
    })
}
