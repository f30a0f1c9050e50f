//! Whether the sites fit the course: what each has is asked of it, what it needs follows from the course, and
//! [`policy::fitness`](crate::policy::fitness) says what is to be said.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde::Serialize;

use crate::cloud::port::Cloud;
use crate::db::{self, Conn, DbError};
use crate::domain::capability::Capability;
use crate::domain::course::{Course, Site};
use crate::domain::fitness::{SiteNeeds, SiteReport, Told};
use crate::domain::ids::SiteId;
use crate::policy::extending::Extending;
use crate::policy::fitness::{self, Check, Verdict};
use crate::policy::lead;

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

impl Diagnosis {
    /// How many checks came out like this.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }
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
