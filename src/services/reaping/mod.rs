//! The reaper: observe, plan, carry out. [`policy::reaping`](crate::policy::reaping) states what it may do.

mod act;
mod known;
mod memory;
mod no_show;
mod observe;
mod restore;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use self::act::carry_out;
pub use self::observe::observe;
pub use self::restore::{RestoreError, Restored, restore};
use super::App;
use crate::db::DbError;
use crate::policy::reaping::{Action, Plan};

/// What a sweep did with one action of its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// What came of it, in a word or a sentence.
    pub outcome: String,
}

/// A sweep from looking to acting.
pub async fn sweep(app: &Arc<App>) -> Result<(Plan, Vec<Done>), DbError> {
    let plan = observe(app).await?;
    memory::remember(app, &plan).await?;
    let done = carry_out(app, &plan).await;
    Ok((plan, done))
}

/// How long a call to a site may take here: as long as in fulfilling.
fn limit(app: &App) -> Duration {
    (app.claim * 3 / 4).to_std().unwrap_or_default()
}

fn nothing_came(limit: Duration) -> String {
    format!("nothing came of it within {} s", limit.as_secs())
}
