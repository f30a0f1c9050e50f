//! Those who wait: each second offers that are over, and lines in which something has become free; each minute every line.

use std::sync::Arc;

use tokio::sync::watch;

use super::wait;
use crate::db::DbError;
use crate::services::{App, waitlist};

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut calls = app.wake.listen();
    loop {
        if let Err(error) = waitlist::step(&app).await {
            tracing::error!(%error, "lines can't be looked at");
        }
        if !wait(&mut calls, &mut stop).await {
            break;
        }
    }
}

/// Goes through every line, and says in a line how many were given something.
pub async fn minute(app: Arc<App>) -> Result<String, DbError> {
    Ok(format!("{} of those who wait were given something", waitlist::go_through_all(&app).await?))
}
