//! Each minute: bookings that wait for their preparing to begin, and should not any more.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, lead};

/// Has them looked at, and says how many in a line.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    Ok(format!("{} bookings are prepared earlier", lead::hasten(&app).await?))
}
