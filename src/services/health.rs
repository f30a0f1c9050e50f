//! How sites do: what this process sees of them, written down where all processes see it, and looking at them.
//!
//! Each call to a site is heard by [`Watch`]. What was heard is written down at most every ten seconds for each site, or at
//! once if it changes how the site does. [`policy::health`](crate::policy::health) says what it comes to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use futures_util::future::join_all;

use super::App;
use crate::cloud::metered::{Call, Listener};
use crate::db::{self, Conn, DbError};
use crate::domain::capability::{Capability, Experience};
use crate::domain::course::Site;
use crate::domain::health::{CallTally, Condition, Health, Sighting};
use crate::domain::ids::SiteId;
use crate::metrics::{Metrics, MetricsError};
use crate::policy::health;

/// How often each site is looked at.
pub const LOOK_EVERY: TimeDelta = TimeDelta::seconds(30);
/// How long a site may take to answer a look: it is asked for little.
const LOOK_LIMIT: Duration = Duration::from_secs(10);
/// How often what was seen of a site is written down, if it changes nothing.
const WRITE_EVERY: TimeDelta = TimeDelta::seconds(10);
/// The steps in which calls are counted.
pub const STEP: TimeDelta = TimeDelta::minutes(5);
/// How long these counts are kept.
const KEEP: TimeDelta = TimeDelta::hours(24);
/// Calls of a site that are remembered one by one between two writes: more than decide anything.
const REMEMBERED: usize = 100;

/// What this process has seen of sites and has not written down yet, and its figures for metrics.
#[derive(Debug)]
pub struct Watch {
    /// The figures.
    pub metrics: Metrics,
    sites: Mutex<BTreeMap<SiteId, Notes>>,
}

#[derive(Debug, Default)]
struct Notes {
    unwritten: Unwritten,
    written_at: Option<DateTime<Utc>>,
    known: Option<Health>,
}

#[derive(Debug, Clone, Default)]
struct Unwritten {
    sightings: Vec<Sighting>,
    tallies: BTreeMap<(String, DateTime<Utc>), CallTally>,
}

impl Watch {
    /// Nothing seen yet.
    pub fn new() -> Result<Self, MetricsError> {
        Ok(Self { metrics: Metrics::new()?, sites: Mutex::default() })
    }

    /// Takes what is to be written down by now.
    fn take_due(&self, now: DateTime<Utc>) -> Vec<(SiteId, Unwritten)> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let due = sites.iter_mut().filter(|(_, notes)| notes.are_due(now));
        due.map(|(site, notes)| {
            notes.written_at = Some(now);
            (site.clone(), std::mem::take(&mut notes.unwritten))
        })
        .collect()
    }

    fn learn(&self, site: &SiteId, health: &Health) {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.entry(site.clone()).or_default().known = Some(health.clone());
    }
}

impl Notes {
    fn are_due(&self, now: DateTime<Utc>) -> bool {
        if self.unwritten.sightings.is_empty() {
            return false;
        }
        let rested = self.written_at.is_none_or(|at| now - at >= WRITE_EVERY);
        rested || self.known.as_ref().is_none_or(|known| self.unwritten.change(known))
    }
}

impl Unwritten {
    fn add(&mut self, call: Call) {
        if self.sightings.len() == REMEMBERED {
            self.sightings.remove(0);
        }
        let from = call.at.duration_trunc(STEP).unwrap_or(call.at);
        let took = i64::try_from(call.took.as_millis()).unwrap_or(i64::MAX);
        let tally = self.tallies.entry((call.operation.clone(), from)).or_insert_with(|| CallTally {
            site: call.site,
            operation: call.operation,
            from,
            calls: 0,
            failures: 0,
            total_ms: 0,
            max_ms: 0,
        });
        tally.calls += 1;
        tally.failures += i64::from(call.fault.is_some());
        tally.total_ms = tally.total_ms.saturating_add(took);
        tally.max_ms = tally.max_ms.max(took);
        self.sightings.push(Sighting { at: call.at, fault: call.fault });
    }

    fn on(&self, health: Health) -> Health {
        self.sightings.iter().fold(health, health::after)
    }

    fn change(&self, known: &Health) -> bool {
        self.on(known.clone()).condition != known.condition
    }
}

impl Listener for Watch {
    fn heard(&self, call: Call) {
        self.metrics.call(call.site.as_str(), &call.operation, call.outcome, call.took);
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        sites.entry(call.site.clone()).or_default().unwritten.add(call);
    }
}

/// Writes down what was seen, as far as it is time. A failure is logged and what was seen is lost: more is seen soon.
pub async fn record(app: &Arc<App>) {
    let due = app.watch.take_due(app.now());
    if due.is_empty() {
        return;
    }
    let now = app.now();
    let written = app.db.write("health: record", move |conn| {
        due.iter().map(|(site, seen)| write_down(conn, site, seen, now)).collect::<Result<Vec<_>, _>>()
    });
    match written.await {
        Ok(written) => written.iter().for_each(|change| tell(app, change)),
        Err(error) => tracing::warn!(%error, "what was seen of sites can't be written down"),
    }
}

struct Change {
    site: SiteId,
    before: Condition,
    health: Health,
}

fn write_down(
    conn: &mut Conn<'_>,
    site: &SiteId,
    seen: &Unwritten,
    now: DateTime<Utc>,
) -> Result<Change, DbError> {
    let known = db::site_health_locked(conn, site, now)?;
    let before = known.condition;
    let health = seen.on(known);
    db::save_site_health(conn, site, &health)?;
    seen.tallies.values().try_for_each(|tally| db::add_calls(conn, tally))?;
    Ok(Change { site: site.clone(), before, health })
}

fn tell(app: &App, Change { site, before, health }: &Change) {
    app.watch.learn(site, health);
    if health.condition == *before {
        return;
    }
    let (from, to) = (before.word(), health.condition.word());
    if let Some((_, fault)) = health.last_fault.as_ref().filter(|_| health.failures > 0) {
        tracing::warn!(%site, from, to, class = fault.class, error = fault.message, "a site does worse");
    } else {
        tracing::info!(%site, from, to, "a site does better");
    }
    app.wake.call();
}

/// Looks at every site that this process reaches, each by itself, and forgets counts that are old. Says how many answered
/// in a line.
pub async fn look(app: &Arc<App>) -> Result<String, DbError> {
    let sites: Vec<SiteId> = app.clouds.keys().cloned().collect();
    let answered = look_at(app, &sites).await?;
    let keep_from = app.now() - KEEP;
    app.db.write("health: forget", move |conn| db::forget_calls(conn, keep_from)).await?;
    Ok(format!("{answered} of {} sites answered", sites.len()))
}

/// Looks again at sites that are down, if that is due: for those who work without the ticker.
pub async fn look_again(app: &Arc<App>) -> Result<(), DbError> {
    let before = app.now() - LOOK_EVERY;
    let due = app.db.read("health: down", move |conn| db::sites_to_look_at(conn, before)).await?;
    if !due.is_empty() {
        look_at(app, &due).await?;
    }
    Ok(())
}

async fn look_at(app: &Arc<App>, sites: &[SiteId]) -> Result<usize, DbError> {
    let (now, looked_at) = (app.now(), sites.to_vec());
    app.db.write("health: look", move |conn| db::record_look(conn, &looked_at, now)).await?;
    let looks = sites.iter().filter_map(|site| app.clouds.get(site)).map(async |cloud| {
        let answer = tokio::time::timeout(LOOK_LIMIT, cloud.health()).await;
        record(app).await;
        matches!(answer, Ok(Ok(())))
    });
    Ok(join_all(looks).await.into_iter().filter(|answered| *answered).count())
}

/// A site and how it does.
#[derive(Debug, Clone)]
pub struct SiteView {
    /// The site.
    pub site: Site,
    /// How it does; nothing if it was not seen yet.
    pub health: Option<Health>,
    /// What it made of another end of a lease, if it was asked for one.
    pub extending: Option<Experience>,
}

/// The sites of the course.
pub fn sites(conn: &mut Conn<'_>) -> Result<Vec<SiteView>, DbError> {
    let mut health = db::all_site_health(conn)?;
    let mut extending = db::experiences(conn, Capability::Extend)?;
    let view = |site: Site| {
        let (health, extending) = (health.remove(&site.id), extending.remove(&site.id));
        SiteView { site, health, extending }
    };
    Ok(db::sites(conn)?.into_iter().map(view).collect())
}
