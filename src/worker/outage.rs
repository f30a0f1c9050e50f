//! Deals with what outages hit, booking by booking, beside all else.

use std::sync::Arc;

use tokio::sync::watch;

use super::wait;
use crate::services::{App, outages};

/// Works until told to stop, then finishes the booking in hand.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut calls = app.wake.listen();
    loop {
        if step(&app).await > 0 && !*stop.borrow() {
            continue;
        }
        if !wait(&mut calls, &mut stop).await {
            return;
        }
    }
}

/// Goes on with what is left, and says how much it did. A failure is left for the next look: what is done is written down.
pub async fn step(app: &Arc<App>) -> usize {
    outages::step(app).await.unwrap_or_else(|error| {
        tracing::error!(%error, "what an outage hits could not be dealt with");
        0
    })
}
