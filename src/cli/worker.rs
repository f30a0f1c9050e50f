//! `fairlease worker`

use super::{Failure, Options, assemble, presence, signals};

pub(super) async fn run(options: &Options) -> Result<(), Failure> {
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let _presence = presence::enter(&app.db).await?;
    tracing::info!(database = %app.db.url(), sites = app.clouds.len(), "working");
    Ok(crate::worker::run(app, signals::stop()?).await?)
}
