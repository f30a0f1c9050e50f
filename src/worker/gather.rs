//! Writes the digests that are due. That is once a day for each person, and looked at each minute: so those that were missed
//! while no worker ran are written as soon as one does.

use std::sync::Arc;

use crate::db::DbError;
use crate::services::{App, digest};

/// Writes them.
pub async fn run(app: Arc<App>) -> Result<String, DbError> {
    Ok(match digest::tell(&app).await? {
        0 => "nothing to tell".to_owned(),
        1 => "1 digest written".to_owned(),
        many => format!("{many} digests written"),
    })
}
