//! Each minute: what those still have ends who dropped the course and were told so.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, roster};

/// Ends it, and says in a line of how many people.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    Ok(format!("{} people who dropped the course have nothing left", roster::end_due(&app).await?))
}
