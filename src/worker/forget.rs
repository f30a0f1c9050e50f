//! Each hour: what nobody asks for any more is forgotten.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::App;
use crate::services::privacy::{self, Forgotten};

/// Forgets what is old, and says in a line how much.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let Forgotten { refusals, mails, sessions, rosters } = privacy::forget(&app).await?;
    Ok(format!("forgot {refusals} refusals, {mails} mails, {sessions} sessions, {rosters} rosters"))
}
