//! What runs by itself: bookings are fulfilled, what has become free is offered to those who wait, announcements are mailed, what outages hit is dealt with, mail is sent, the reaper sweeps, reminders are written, sites are looked at,
//! standing leases are renewed, rosters that staff confirmed are applied, what those have ends who dropped the course, old refusals are forgotten, what has gathered is told
//! in digests, staff hear of what failed and, each morning, of what the reaper only reports.
//!
//! All that is to be done is in the database; cron only says that it is time to look. Several workers may run at once:
//! rows are claimed, and each tick of a recurring job is claimed as `(job, scheduled_at)`.

pub mod announce;
pub mod cron;
pub mod deliver;
pub mod depart;
pub mod digest;
pub mod forget;
pub mod fulfil;
pub mod gather;
pub mod hasten;
pub mod head;
pub mod look;
pub mod offer;
pub mod outage;
pub mod outage_feeds;
pub mod reap;
pub mod remind;
pub mod renew;
pub mod report;
pub mod roster;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::watch;

use crate::db::DbError;
use crate::services::App;

/// Runs until `stop` says true, then finishes what is in hand.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) -> Result<(), String> {
    let mut scheduler = cron::start(&app).await?;
    // Ticks that were missed while no worker ran are caught up by looking once now. A site that hangs must not keep bookings
    // waiting for the end of it.
    let catching_up = tokio::spawn(cron::catch_up(app.clone()));
    let delivering = tokio::spawn(deliver::run(app.clone(), stop.clone()));
    let offering = tokio::spawn(offer::run(app.clone(), stop.clone()));
    let enrolling = tokio::spawn(roster::run(app.clone(), stop.clone()));
    let settling = tokio::spawn(outage::run(app.clone(), stop.clone()));
    let announcing = tokio::spawn(announce::run(app.clone(), stop.clone()));
    fulfil::run(app, stop).await;
    catching_up.abort();
    if let Err(error) = scheduler.shutdown().await {
        tracing::warn!(%error, "the cron scheduler did not stop cleanly");
    }
    offering.await.map_err(|error| format!("nobody is offered anything any more: {error}"))?;
    settling.await.map_err(|error| format!("outages are not dealt with any more: {error}"))?;
    announcing.await.map_err(|error| format!("nothing is announced any more: {error}"))?;
    enrolling.await.map_err(|error| format!("rosters are not applied any more: {error}"))?;
    delivering.await.map_err(|error| format!("the delivery of mail stopped: {error}"))
}

/// Does everything that is due now, once: for tests and commands that can't wait for a worker. Says whether there was
/// anything.
pub async fn step(app: &Arc<App>) -> Result<bool, DbError> {
    crate::services::health::look_again(app).await?;
    let offered = crate::services::waitlist::step(app).await?;
    let enrolled = roster::step(app).await;
    let settled = outage::step(app).await;
    let announced = announce::step(app).await;
    let fulfilled = fulfil::step(app).await?;
    let tried = crate::services::delivery::step(app).await?;
    Ok(offered + enrolled + settled + announced + fulfilled + tried > 0)
}

/// Works piece by piece until told to stop: at once while there is something to do, else whenever the worker is called.
async fn keep_at<F>(app: &Arc<App>, mut stop: watch::Receiver<bool>, work: impl Fn() -> F)
where
    F: Future<Output = usize>,
{
    let mut calls = app.wake.listen();
    loop {
        if work().await > 0 && !*stop.borrow() {
            continue;
        }
        if !wait(&mut calls, &mut stop).await {
            return;
        }
    }
}

/// Waits until the worker is called, or told to stop. False once it is to stop.
pub(crate) async fn wait(calls: &mut watch::Receiver<()>, stop: &mut watch::Receiver<bool>) -> bool {
    if *stop.borrow() {
        return false;
    }
    tokio::select! {
        _ = stop.changed() => !*stop.borrow(),
        heard = calls.changed() => heard.is_ok(),
    }
}

/// How long finished runs of recurring jobs are remembered.
pub(crate) const REMEMBER: TimeDelta = TimeDelta::days(2);
