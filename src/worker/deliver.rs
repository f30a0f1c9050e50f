//! Sends mail as it comes, beside the fulfilling of bookings: a slow mail server delays mail and nothing else.

use std::sync::Arc;

use tokio::sync::watch;

use super::wait;
use crate::services::{App, delivery};

/// Sends until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut calls = app.wake.listen();
    loop {
        match delivery::step_while(&app, || !*stop.borrow()).await {
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "mail can't be sent"),
        }
        if !wait(&mut calls, &mut stop).await {
            return;
        }
    }
}
