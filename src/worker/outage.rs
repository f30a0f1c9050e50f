//! Deals with what outages hit, booking by booking, beside all else.

use std::sync::Arc;

use tokio::sync::watch;

use super::keep_at;
use crate::services::{App, outages};

/// Works until told to stop, then finishes the booking in hand.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    keep_at(&app, stop, || step(&app)).await;
}

/// Goes on with what is left, and says how much it did. A failure is left for the next look: what is done is written down.
pub async fn step(app: &Arc<App>) -> usize {
    outages::step(app).await.unwrap_or_else(|error| {
        tracing::error!(%error, "what an outage hits could not be dealt with");
        0
    })
}
