//! Takes bookings on as they come due, several of each site at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::wait;
use crate::db::DbError;
use crate::domain::ids::SiteId;
use crate::services::fulfil::Claimed;
use crate::services::{App, fulfil};

/// Bookings of one site that a worker has in hand at once: enough to keep the site busy while each waits for it. Each site
/// has its own places, so one that hangs takes none from others.
const AT_ONCE: usize = 16;

/// Room for so many is worth a claim, which is a transaction.
const WORTH_A_CLAIM: usize = AT_ONCE / 2;

/// Works until told to stop, then finishes what is in hand.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut calls = app.wake.listen();
    let mut in_hand = InHand::default();
    loop {
        let full = match in_hand.take_on(&app).await {
            Ok(_) => in_hand.full_sites(),
            Err(error) => {
                tracing::error!(%error, "bookings can't be claimed");
                Vec::new()
            }
        };
        let go_on = tokio::select! {
            go_on = wait(&mut calls, &mut stop) => go_on,
            () = in_hand.room_again(&full), if !full.is_empty() => true,
        };
        if !go_on {
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
            self.has_done(done);
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

    fn has_done(&mut self, done: Result<(Id, ()), JoinError>) {
        self.sites.remove(&done.map_or_else(|error| error.id(), |(id, ())| id));
    }

    fn room(&self, site: &SiteId) -> usize {
        AT_ONCE.saturating_sub(self.sites.values().filter(|it| *it == site).count())
    }

    /// The sites all of whose places are taken: more may be due there.
    fn full_sites(&self) -> Vec<SiteId> {
        let all: BTreeSet<&SiteId> = self.sites.values().collect();
        all.into_iter().filter(|site| self.room(site) == 0).cloned().collect()
    }

    /// Returns once there is room for more at one of these sites.
    async fn room_again(&mut self, sites: &[SiteId]) {
        while sites.iter().all(|site| self.room(site) < WORTH_A_CLAIM) {
            match self.tasks.join_next_with_id().await {
                Some(done) => self.has_done(done),
                None => return,
            }
        }
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
