//! Each minute: what failed is told to staff, at most once an hour for each site.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, failures};

/// Writes the mails that are due, and says in a line of how many bookings they tell.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    let told = failures::tell(&app).await?;
    if told > 0 {
        app.wake.call();
    }
    Ok(format!("{told} failed bookings"))
}
