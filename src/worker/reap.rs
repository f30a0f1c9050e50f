//! Each minute: a sweep of the reaper.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, reaping};

/// Sweeps, and says what it did in a line.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let (plan, done) = reaping::sweep(&app).await?;
    for skipped in &plan.skipped {
        tracing::warn!(site = %skipped.site, reason = skipped.reason, "the reaper skipped a site");
    }
    Ok(format!("{} actions, {} skipped", done.len(), plan.skipped.len()))
}
