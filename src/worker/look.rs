//! Twice a minute: a look at each site.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, health};

/// Looks, and says how many sites answered in a line.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    health::look(&app).await
}
