//! Each minute: a sweep of the reaper, and apart from it the end of what is over, which waits for no site.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, reaping};

/// Sweeps, and says what it did in a line.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let (plan, done) = reaping::sweep(&app).await?;
    for skipped in &plan.skipped {
        tracing::warn!(site = %skipped.site, reason = skipped.reason, "the reaper skipped a site");
    }
    let failed = done.iter().filter(|done| done.failed).count();
    Ok(format!("{} actions, {failed} of them failed, {} skipped", done.len(), plan.skipped.len()))
}

/// Ends bookings whose time is over.
pub async fn expire(app: Arc<App>) -> Result<String, DbError> {
    Ok(format!("{} ended", reaping::end_what_is_over(&app).await?))
}
