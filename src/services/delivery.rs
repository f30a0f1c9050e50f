//! Sending what is in the outbox: at least once, and once if the mail server answers.

mod turn;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use self::turn::{Outcome, turn};
use super::App;
use crate::db::DbError;
use crate::domain::ids::ClaimToken;
use crate::domain::notice::{Delivery, Notice};
use crate::mail::delivery::SendError;
use crate::mail::envelope::Head;
use crate::mail::refusal::Refusal;

/// A notice that the mail server has refused for a passing reason this often is given up: some two days.
const MAX_ATTEMPTS: i32 = 60;

/// Sends notices that are due until none is, and says how many it tried.
pub async fn step(app: &Arc<App>) -> Result<usize, DbError> {
    step_while(app, || true).await
}

/// The same while `go_on` says so; what is in hand then is finished.
///
/// The mailer has some notices in hand at a time, and each turn of the loop is one transaction: it records those that are done
/// and claims others in their place, the most urgent first. So what is urgent never waits behind more than those in hand, and
/// a worker that dies leaves no more than those untold.
pub async fn step_while(app: &Arc<App>, go_on: impl Fn() -> bool) -> Result<usize, DbError> {
    let token = app.claim_token();
    let mut calls = app.wake.listen();
    let (mut sending, mut done, mut tried) = (JoinSet::new(), Vec::new(), 0);
    loop {
        let room = if go_on() { app.mailer.at_once().saturating_sub(sending.len()) } else { 0 };
        let next = match turn(app, &token, Arc::new(std::mem::take(&mut done)), room).await {
            Ok(next) => next,
            Err(error) => {
                finish(app, &token, sending).await?;
                return Err(error);
            }
        };
        tried += next.claimed.len();
        for (notice, head) in next.claimed {
            sending.spawn(send(app.clone(), notice, head));
        }
        if sending.is_empty() {
            if next.put_aside == 0 || !go_on() {
                return Ok(tried);
            }
            continue;
        }
        // What others have written meanwhile is taken up if there is room, however slow those in hand are.
        tokio::select! {
            biased;
            Some(ended) = sending.join_next() => done.extend(outcome(ended)),
            Ok(()) = calls.changed(), if sending.len() < app.mailer.at_once() => {}
        }
        while let Some(ended) = sending.try_join_next() {
            done.extend(outcome(ended));
        }
    }
}

/// Waits for those in hand and records what came of them.
async fn finish(app: &Arc<App>, token: &ClaimToken, sending: JoinSet<Outcome>) -> Result<(), DbError> {
    let done = Arc::new(sending.join_all().await);
    turn(app, token, done, 0).await.map(|_| ())
}

/// A task that broke leaves its claim to lapse: the notice is sent again.
fn outcome(ended: Result<Outcome, tokio::task::JoinError>) -> Option<Outcome> {
    ended.inspect_err(|error| tracing::error!(%error, "the sending of a notice broke off")).ok()
}

/// Hands one notice to the mailer. That may take two thirds of the time for which it is claimed, and no longer: past that time
/// another worker takes it.
async fn send(app: Arc<App>, notice: Notice, head: Head) -> Outcome {
    let limit = (app.claim * 2 / 3).to_std().unwrap_or_default();
    let sent = tokio::time::timeout(limit, app.mailer.send(&notice, &head)).await;
    let sent = sent.unwrap_or_else(|_| {
        Err(SendError::passing(format!("the mail server took longer than {} s", limit.as_secs())))
    });
    let delivery = delivery(&app, &notice, sent);
    Outcome { notice, delivery }
}

/// The words of the server may hold an address: they are stored, and not logged.
fn delivery(app: &App, notice: &Notice, sent: Result<(), SendError>) -> Delivery {
    let attempts = notice.attempts + 1;
    match sent {
        Ok(()) => Delivery::Sent,
        Err(SendError { refusal, reason: error }) => {
            if refusal == Refusal::Passing && attempts < MAX_ATTEMPTS {
                tracing::warn!(notice = %notice.id, attempts, "a notice waits");
                return Delivery::Later { error, at: app.now() + backoff(attempts) };
            }
            tracing::error!(notice = %notice.id, attempts, ?refusal, "a notice was given up");
            Delivery::Dead { error, bounced: refusal == Refusal::Address }
        }
    }
}

/// 5, 10, 20 ... seconds, up to an hour.
fn backoff(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.clamp(1, 11) - 1).unwrap_or(0);
    TimeDelta::seconds((5 * 2_i64.pow(doublings)).min(3600))
}
