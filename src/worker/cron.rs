//! The ticker. It only wakes: once a second the loops, once or twice a minute or once an hour the recurring jobs.

use std::sync::Arc;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio_cron_scheduler::{Job, JobScheduler};

use super::{
    REMEMBER, depart, digest, forget, gather, hasten, head, look, offer, outage_feeds, reap, remind, renew,
    report,
};
use crate::db;
use crate::services::App;
use crate::services::health::LOOK_EVERY;

/// How often sites' outage feeds are read.
const QUARTER: TimeDelta = TimeDelta::minutes(15);

/// Starts the ticker.
pub async fn start(app: &Arc<App>) -> Result<JobScheduler, String> {
    start_ticker(app).await.map_err(|error| format!("the cron scheduler can't be started: {error}"))
}

async fn start_ticker(app: &Arc<App>) -> Result<JobScheduler, tokio_cron_scheduler::JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let second = app.clone();
    scheduler.add(Job::new("* * * * * *", move |_, _| second.wake.call())?).await?;
    let each_minute = app.clone();
    scheduler
        .add(Job::new_async("0 * * * * *", move |_, _| {
            let app = each_minute.clone();
            Box::pin(async move { minute(&app).await })
        })?)
        .await?;
    let each_look = app.clone();
    scheduler
        .add(Job::new_async("*/30 * * * * *", move |_, _| {
            let app = each_look.clone();
            Box::pin(async move { look(&app).await })
        })?)
        .await?;
    let each_hour = app.clone();
    scheduler
        .add(Job::new_async("30 7 * * * *", move |_, _| {
            let app = each_hour.clone();
            Box::pin(async move { hour(&app).await })
        })?)
        .await?;
    scheduler.start().await?;
    Ok(scheduler)
}

/// Runs the jobs of the present minute that no other worker has claimed.
pub async fn minute(app: &Arc<App>) {
    let now = app.now();
    let scheduled_at = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
    let quick = async {
        claimed(app, "expire", scheduled_at, reap::expire).await;
        claimed(app, "depart", scheduled_at, depart::run).await;
        claimed(app, "hasten", scheduled_at, hasten::run).await;
        claimed(app, "offer", scheduled_at, offer::minute).await;
        claimed(app, "remind", scheduled_at, remind::run).await;
        claimed(app, "report", scheduled_at, report::run).await;
        claimed(app, "gather", scheduled_at, gather::run).await;
        match digest::scheduled_at(app).await {
            Ok(Some(morning)) => claimed(app, "digest", morning, digest::run).await,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "when staff are to be told could not be read"),
        }
    };
    // A feed that hangs keeps nothing else waiting.
    let quarter = now.duration_trunc(QUARTER).unwrap_or(now);
    let feeds = claimed(app, "outage_feeds", quarter, outage_feeds::run);
    tokio::join!(quick, feeds, sweep(app, scheduled_at));
}

/// Sweeps, unless this process still does since an earlier minute: large sites take longer than a minute to list.
async fn sweep(app: &Arc<App>, scheduled_at: DateTime<Utc>) {
    let Ok(_alone) = app.sweeping.try_lock() else {
        return tracing::info!("the last sweep is still at work: this minute has none of its own");
    };
    claimed(app, "reap", scheduled_at, reap::run).await;
}

/// Renews standing leases and forgets what is old, unless another worker has in this hour; once a day also says the head of the
/// audit log.
pub async fn hour(app: &Arc<App>) {
    let now = app.now();
    let scheduled_at = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let today = now.duration_trunc(TimeDelta::days(1)).unwrap_or(now);
    tokio::join!(
        claimed(app, "audit_head", today, head::run),
        claimed(app, "renew", scheduled_at, renew::run),
        claimed(app, "forget", scheduled_at, forget::run)
    );
}

/// Looks at the sites, unless another worker does in this half of the minute.
pub async fn look(app: &Arc<App>) {
    let now = app.now();
    claimed(app, "look", now.duration_trunc(LOOK_EVERY).unwrap_or(now), look::run).await;
}

/// Runs every job of the present tick: each by itself, since any may have to wait for a site.
pub async fn catch_up(app: Arc<App>) {
    tokio::join!(minute(&app), look(&app), hour(&app));
}

async fn claimed<F>(
    app: &Arc<App>,
    job: &'static str,
    scheduled_at: DateTime<Utc>,
    run: impl FnOnce(Arc<App>) -> F,
) where
    F: Future<Output = Result<String, db::DbError>>,
{
    let inner = app.clone();
    let ours =
        app.db.write("job: claim", move |conn| db::claim_run(conn, job, scheduled_at, inner.now())).await;
    match ours {
        Ok(true) => {}
        Ok(false) => return,
        Err(error) => return tracing::error!(job, %error, "a tick could not be claimed"),
    }
    let result = run(app.clone()).await;
    app.watch.metrics.job(job, if result.is_ok() { "ok" } else { "failed" });
    let outcome = result.unwrap_or_else(|error| {
        tracing::error!(job, %error, "a job failed");
        format!("failed: {error}")
    });
    let inner = app.clone();
    let recorded = app
        .db
        .write("job: finish", move |conn| {
            db::finish_run(conn, job, scheduled_at, inner.now(), &outcome, scheduled_at - REMEMBER)
        })
        .await;
    if let Err(error) = recorded {
        tracing::error!(job, %error, "the end of a job could not be recorded");
    }
}
