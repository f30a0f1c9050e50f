//! What waits to be done, for staff and for metrics.

use std::sync::Arc;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use super::App;
use super::health::{self, SiteView};
use super::renewal::{self, StandingLease};
use crate::db::{self, Conn, DbError, Waiting};
use crate::domain::health::{CallTally, Condition};
use crate::metrics::{Due, Gauges, MetricsError};

/// A step that has been due for so long is overdue: workers look each second.
const OVERDUE: TimeDelta = TimeDelta::minutes(1);

/// What waits.
#[derive(Debug, Clone)]
pub struct Queue {
    /// For each site, the bookings whose next step is due, and how many have been so for a minute.
    pub due: Vec<(SiteView, Waiting, i64)>,
    /// Mails that are to be sent.
    pub outbox: Waiting,
}

/// What waits now.
pub fn queue(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Queue, DbError> {
    let mut due = db::bookings_due(conn, now)?;
    let overdue = db::bookings_due(conn, now - OVERDUE)?;
    let of_site = |view: SiteView| {
        let waiting = due.remove(&view.site.id).unwrap_or_default();
        let late = overdue.get(&view.site.id).map_or(0, |late| late.count);
        (view, waiting, late)
    };
    let due = health::sites(conn)?.into_iter().map(of_site).collect();
    Ok(Queue { due, outbox: db::outbox(conn)? })
}

/// How many steps of five minutes a report covers: an hour.
pub const STEPS: i32 = 12;

/// What staff see of all sites.
#[derive(Debug, Clone)]
pub struct Report {
    /// What waits.
    pub queue: Queue,
    /// What calls came to since then, by site, operation and time.
    pub calls: Vec<CallTally>,
    /// When the first of the steps began.
    pub since: DateTime<Utc>,
    /// The leases that staff hold.
    pub leases: Vec<StandingLease>,
}

/// The last hour up to now, of which the last step is not over yet.
pub fn report(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Report, DbError> {
    let since = now.duration_trunc(health::STEP).unwrap_or(now) - health::STEP * (STEPS - 1);
    let (queue, leases) = (queue(conn, now)?, renewal::standing_leases(conn)?);
    Ok(Report { queue, calls: db::calls_since(conn, since)?, since, leases })
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// They could not be written.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// The figures of this process and of the database, as text.
pub async fn metrics(app: &Arc<App>) -> Result<String, ScrapeError> {
    let now = app.now();
    let gauges = app.db.read::<_, DbError, _>("metrics", move |conn| gauges(conn, now)).await?;
    Ok(app.watch.metrics.text(&gauges)?)
}

fn gauges(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Gauges, DbError> {
    let Queue { due, outbox } = queue(conn, now)?;
    let age = |waiting: &Waiting| waiting.oldest.map_or(0.0, |at| (now - at).as_seconds_f64().max(0.0));
    let condition = |view: &SiteView| view.health.as_ref().map_or(Condition::Up, |health| health.condition);
    Ok(Gauges {
        sites: due.iter().map(|(view, ..)| (view.site.id.to_string(), condition(view).word())).collect(),
        conditions: Condition::ALL.map(Condition::word).to_vec(),
        bookings: db::unended_bookings_by_state(conn)?.into_iter().collect(),
        due: due
            .iter()
            .map(|(view, waiting, overdue)| Due {
                site: view.site.id.to_string(),
                due: waiting.count,
                overdue: *overdue,
                oldest: age(waiting),
            })
            .collect(),
        outbox: outbox.count,
        outbox_oldest: age(&outbox),
        given_up: db::outbox_counts(conn)?.1,
    })
}
