//! Each day: the log of the process has the head of the audit log, so that it is noted where the database can't change it.

use std::sync::Arc;

use crate::db::{self, DbError};
use crate::services::App;

/// Says the head of the audit log.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let head = app.db.read::<_, DbError, _>("audit: head", db::audit_head).await?;
    let head = head.map_or_else(|| "nothing is recorded yet".to_owned(), |head| head.to_string());
    tracing::info!(head, "the head of the audit log");
    Ok(head)
}
