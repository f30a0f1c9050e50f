//! Each hour: a look at the leases that staff hold.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, renewal};

/// Looks and renews, and says in a line what came of it.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    renewal::look(&app).await
}
