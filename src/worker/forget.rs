//! Each hour: what nobody asks for any more is forgotten.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, receipts, roster};

/// Forgets old refusals, and rosters that nobody confirmed, and says in a line how many.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let forgotten = receipts::forget(&app).await?;
    let rosters = roster::forget(&app).await?;
    Ok(format!("forgot {forgotten} refusals and {rosters} rosters"))
}
