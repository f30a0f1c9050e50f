//! Applies the rosters that staff confirmed, batch by batch, beside all else.

use std::sync::Arc;

use tokio::sync::watch;

use super::keep_at;
use crate::services::{App, roster};

/// Works until told to stop, then finishes the batch in hand.
pub async fn run(app: Arc<App>, stop: watch::Receiver<bool>) {
    keep_at(&app, stop, || step(&app)).await;
}

/// Applies one batch, and says of how many people. A failure is left for the next look: the claim runs out by itself.
pub async fn step(app: &Arc<App>) -> usize {
    roster::step(app).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a roster could not be applied");
        0
    })
}
