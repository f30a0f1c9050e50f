//! Each minute: "ending soon".

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, notices};

/// Writes the reminders that are due, and says how many in a line.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let told = notices::remind(&app).await?;
    if told > 0 {
        app.wake.call();
    }
    Ok(format!("{told} reminders"))
}
