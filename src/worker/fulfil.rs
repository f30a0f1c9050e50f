//! Takes bookings on as they come due, several of each site at once.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::wait;
use crate::db::DbError;
use crate::domain::ids::SiteId;
use crate::services::fulfil::Claimed;
use crate::services::{App, fulfil};

/// Bookings of one site that a worker has in hand at once: enough to keep the site busy while each waits for it. Each site
/// has its own places, so one that hangs takes none from others.
const AT_ONCE: usize = 16;

/// Works until told to stop, then finishes what is in hand.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut calls = app.wake.listen();
    let mut in_hand = InHand::default();
    loop {
        match in_hand.take_on(&app).await {
            Ok(0) => {}
            Ok(_) if !*stop.borrow() => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "bookings can't be claimed"),
        }
        if !wait(&mut calls, &mut stop).await {
            break;
        }
    }
    in_hand.finish().await;
}

/// The bookings that a worker is at, and at which site each of them is.
#[derive(Debug, Default)]
struct InHand {
    tasks: JoinSet<()>,
    sites: HashMap<Id, SiteId>,
}

impl InHand {
    /// Takes on what is due and has a place, and says how many bookings that were.
    async fn take_on(&mut self, app: &Arc<App>) -> Result<usize, DbError> {
        while let Some(done) = self.tasks.try_join_next_with_id() {
            self.sites.remove(&done.map_or_else(|error| error.id(), |(id, ())| id));
        }
        let taken: Vec<SiteId> = self.sites.values().cloned().collect();
        let room = move |site: &SiteId| AT_ONCE.saturating_sub(taken.iter().filter(|it| *it == site).count());
        let claimed = fulfil::claim(app, room).await?;
        let count = claimed.len();
        for claimed in claimed {
            let site = claimed.site.clone();
            let id = self.tasks.spawn(advance(app.clone(), claimed)).id();
            self.sites.insert(id, site);
        }
        Ok(count)
    }

    async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A failure is left for the next worker: the claim runs out by itself.
async fn advance(app: Arc<App>, Claimed { id, token, .. }: Claimed) {
    if let Err(error) = fulfil::advance(&app, &id, &token).await {
        tracing::error!(booking = %id, %error, "a booking could not be taken further");
    }
}

/// Takes on what is due now, once, and waits for it. Says how many bookings that were.
pub async fn step(app: &Arc<App>) -> Result<usize, DbError> {
    let mut in_hand = InHand::default();
    let count = in_hand.take_on(app).await?;
    in_hand.finish().await;
    Ok(count)
}
