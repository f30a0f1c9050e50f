//! The ticker. It only wakes: once a second the loops, once a minute the recurring jobs.

use std::sync::Arc;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio_cron_scheduler::{Job, JobScheduler};

use super::{REMEMBER, reap, remind};
use crate::db;
use crate::services::App;

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
    scheduler.start().await?;
    Ok(scheduler)
}

/// Runs the jobs of the present minute that no other worker has claimed.
pub async fn minute(app: &Arc<App>) {
    let now = app.now();
    let scheduled_at = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
    claimed(app, "reap", scheduled_at, reap::run).await;
    claimed(app, "remind", scheduled_at, remind::run).await;
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
    let outcome = run(app.clone()).await.unwrap_or_else(|error| {
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
