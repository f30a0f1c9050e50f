//! Sending what is in the outbox: at least once, and once if the mail server answers.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{App, heads};
use crate::db::{self, DbError};
use crate::domain::notice::{Delivery, Notice};
use crate::mail::delivery::SendError;

/// How many notices one step sends.
const BATCH: i64 = 20;
/// A notice that the mail server has refused for a passing reason this often is given up: some two days.
const MAX_ATTEMPTS: i32 = 60;

/// Sends notices that are due, and says how many it tried.
pub async fn step(app: &Arc<App>) -> Result<usize, DbError> {
    let token = app.claim_token();
    let (claimed, course) = {
        let (app, token) = (app.clone(), token.clone());
        let db = app.db.clone();
        db.write("delivery: claim", move |conn| {
            let now = app.now();
            let claimed = db::claim_due_notices(conn, &token, now, now + app.claim, BATCH)?;
            Ok::<_, DbError>((claimed, db::course_card(conn)?))
        })
        .await?
    };
    let tried = claimed.len();
    for notice in claimed {
        let head = heads::of(app, course.as_ref(), &notice);
        let delivery = outcome(app, &notice, app.mailer.send(&notice, &head).await);
        let (app, token) = (app.clone(), token.clone());
        let db = app.db.clone();
        db.write::<_, DbError, _>("delivery: record", move |conn| {
            db::record_delivery(conn, &notice.id, &token, &delivery, app.now())
        })
        .await?;
    }
    Ok(tried)
}

fn outcome(app: &App, notice: &Notice, sent: Result<(), SendError>) -> Delivery {
    match sent {
        Ok(()) => Delivery::Sent,
        Err(error) if error.permanent || notice.attempts + 1 >= MAX_ATTEMPTS => {
            tracing::error!(notice = %notice.id, %error, "a notice was given up");
            Delivery::Dead { error: error.reason }
        }
        Err(error) => {
            tracing::warn!(notice = %notice.id, attempts = notice.attempts + 1, %error, "a notice waits");
            let at = app.now() + backoff(notice.attempts + 1);
            Delivery::Later { error: error.reason, at }
        }
    }
}

/// 5, 10, 20 ... seconds, up to an hour.
fn backoff(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.clamp(1, 11) - 1).unwrap_or(0);
    TimeDelta::seconds((5 * 2_i64.pow(doublings)).min(3600))
}
