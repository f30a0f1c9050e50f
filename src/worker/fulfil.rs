//! Takes bookings on as they come due, several at once.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::wait;
use crate::db::DbError;
use crate::domain::ids::{BookingId, ClaimToken};
use crate::services::{App, fulfil};

/// Bookings that one worker has in hand at once: enough to keep a site busy while each waits for it.
const AT_ONCE: usize = 16;

/// Room for so many is worth a claim, which is a transaction.
const WORTH_A_CLAIM: usize = AT_ONCE / 2;

/// Works until told to stop, then finishes what is in hand.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut calls = app.wake.listen();
    let mut in_hand = JoinSet::new();
    loop {
        while in_hand.try_join_next().is_some() {}
        let room = room(&in_hand);
        let more = match take_on(&app, &mut in_hand).await {
            Ok(count) => count == room,
            Err(error) => {
                tracing::error!(%error, "bookings can't be claimed");
                false
            }
        };
        let go_on = tokio::select! {
            go_on = wait(&mut calls, &mut stop) => go_on,
            () = room_again(&mut in_hand), if more => true,
        };
        if !go_on {
            break;
        }
    }
    while in_hand.join_next().await.is_some() {}
}

fn room(in_hand: &JoinSet<()>) -> usize {
    AT_ONCE.saturating_sub(in_hand.len())
}

/// Returns once there is room for more.
async fn room_again(in_hand: &mut JoinSet<()>) {
    while room(in_hand) < WORTH_A_CLAIM {
        in_hand.join_next().await;
    }
}

async fn take_on(app: &Arc<App>, in_hand: &mut JoinSet<()>) -> Result<usize, DbError> {
    let room = i64::try_from(room(in_hand)).unwrap_or(0);
    if room == 0 {
        return Ok(0);
    }
    let claimed = fulfil::claim(app, room).await?;
    let count = claimed.len();
    for (id, token) in claimed {
        in_hand.spawn(advance(app.clone(), id, token));
    }
    Ok(count)
}

/// A failure is left for the next worker: the claim runs out by itself.
async fn advance(app: Arc<App>, id: BookingId, token: ClaimToken) {
    if let Err(error) = fulfil::advance(&app, &id, &token).await {
        tracing::error!(booking = %id, %error, "a booking could not be taken further");
    }
}

/// Takes on what is due now, once, and waits for it. Says how many bookings that were.
pub async fn step(app: &Arc<App>) -> Result<usize, DbError> {
    let mut in_hand = JoinSet::new();
    let count = take_on(app, &mut in_hand).await?;
    while in_hand.join_next().await.is_some() {}
    Ok(count)
}
