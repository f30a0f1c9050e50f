//! The history of sweeps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::Done;
use super::observe::Observation;
use crate::db::{self, DbError};
use crate::domain::su::Su;
use crate::domain::sweep::{Act, Savings, Sweep};
use crate::policy::reaping::Plan;
use crate::services::App;

/// How many lines of each list of a plan are kept for the pages.
const KEPT_LINES: usize = 500;
/// How long sweeps are remembered that did nothing.
const REMEMBER_IDLE: TimeDelta = TimeDelta::days(14);
/// How long notes of steps are of use: longer than any sweep takes.
const REMEMBER_STEPS: TimeDelta = TimeDelta::days(1);

/// Writes down what a sweep saw and did.
pub(super) async fn record(
    app: &Arc<App>,
    seen: &Observation,
    done: &[Done],
    began: DateTime<Utc>,
) -> Result<(), DbError> {
    let now = app.now();
    let plan = &seen.plan;
    let sweep = Sweep {
        id: app.sweep_id(),
        at: plan.at,
        took_ms: (now - began).num_milliseconds(),
        listed: number(seen.listed),
        acts: number(done.len()),
        failed: number(done.iter().filter(|done| done.failed).count()),
        waiting: number(plan.waiting.len()),
        kept: number(plan.kept.len()),
        reported: number(plan.reported.len()),
        skipped: plan
            .skipped
            .iter()
            .filter(|skip| skip.why.is_trouble())
            .map(|skip| format!("{}: {}", skip.site, skip.reason))
            .collect(),
    };
    let acts: Vec<Act> = done.iter().map(|done| act(done, now)).collect();
    let seen =
        serde_json::to_string(&shortened(plan)).map_err(|error| DbError::Corrupt(error.to_string()))?;
    app.db
        .write::<_, DbError, _>("reap: record", move |conn| {
            db::insert_sweep(conn, &sweep, &acts, &seen)?;
            db::forget_idle_sweeps(conn, now - REMEMBER_IDLE)?;
            db::forget_steps(conn, now - REMEMBER_STEPS)?;
            Ok(())
        })
        .await
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn act(done: &Done, now: DateTime<Utc>) -> Act {
    let action = &done.action;
    Act {
        at: now,
        what: action.what(),
        predicate: action.predicate(),
        net_id: action.net_id().cloned(),
        booking: action.booking().cloned(),
        target: action.target(),
        reason: action.reason().to_owned(),
        outcome: done.outcome.clone(),
        failed: done.failed,
        saved: done
            .saved
            .map(|saved| Savings { server_minutes: saved.server_minutes, su: saved.su.unwrap_or(Su::ZERO) }),
    }
}

/// What is kept of a plan for the pages: of long lists the beginning.
fn shortened(plan: &Plan) -> Plan {
    Plan {
        at: plan.at,
        actions: beginning(&plan.actions),
        waiting: beginning(&plan.waiting),
        kept: beginning(&plan.kept),
        reported: beginning(&plan.reported),
        skipped: plan.skipped.clone(),
        wholes: plan.wholes.clone(),
        // Remembered elsewhere.
        idle: BTreeMap::new(),
        held: BTreeMap::new(),
        ran: BTreeSet::new(),
    }
}

fn beginning<T: Clone>(lines: &[T]) -> Vec<T> {
    lines.iter().take(KEPT_LINES).cloned().collect()
}
