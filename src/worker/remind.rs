//! Each minute: "ending soon", and to staff that an outage should be over.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, notices, outages};

/// Writes the reminders that are due, and says how many in a line.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let told = notices::remind(&app).await? + outages::remind(&app).await?;
    if told > 0 {
        app.wake.call();
    }
    Ok(format!("{told} reminders"))
}
