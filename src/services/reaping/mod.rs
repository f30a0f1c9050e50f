//! The reaper: observe, plan, carry out. [`policy::reaping`](crate::policy::reaping) states what it may do.

mod act;
pub mod digest;
mod known;
mod marking;
mod memory;
mod no_show;
mod observe;
mod record;
mod restore;
mod steps;
mod tell;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use self::act::{carry_out, end_what_is_over};
pub use self::observe::{Observation, observe};
pub use self::restore::{RestoreError, Restored, restore};
use super::App;
use crate::db::DbError;
use crate::policy::reaping::{Action, Plan, Saved};

/// What a sweep did with one action of its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// What came of it, in a word or a sentence.
    pub outcome: String,
    /// Whether it failed: the next sweep tries again.
    pub failed: bool,
    /// What it saves, if it is what first asked for a deletion.
    #[serde(skip)]
    pub(crate) saved: Option<Saved>,
}

impl Done {
    fn of(action: &Action, outcome: Result<String, String>) -> Self {
        let failed = outcome.is_err();
        let outcome = outcome.unwrap_or_else(|error| format!("failed: {error}"));
        // What it was may name whose it was; the history of sweeps has it.
        tracing::info!(failed, "reaped");
        tracing::debug!(?action, outcome, "reaped");
        Self { action: action.clone(), outcome, failed, saved: None }
    }
}

/// A sweep from looking to acting. What it did is kept in its history.
pub async fn sweep(app: &Arc<App>) -> Result<(Plan, Vec<Done>), DbError> {
    let began = app.now();
    let seen = observe(app).await?;
    memory::remember(app, &seen.plan).await?;
    let done = carry_out(app, &seen).await;
    record::record(app, &seen, &done, began).await?;
    Ok((seen.plan, done))
}

/// How long a call to a site may take here: as long as in fulfilling.
fn limit(app: &App) -> Duration {
    (app.claim * 3 / 4).to_std().unwrap_or_default()
}

fn nothing_came(limit: Duration) -> String {
    format!("nothing came of it within {} s", limit.as_secs())
}
