//! Each quarter of an hour: what sites say of their outages.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, outage_hints};

/// Reads the feeds, and says in a line what came of it.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    outage_hints::read(&app).await
}
