//! `fairlease worker`

use clap::Args as ClapArgs;

use super::{Failure, Options, assemble, metrics, presence, signals};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    metrics: metrics::MetricsArgs,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let for_metrics = args.metrics.bind()?;
    let app = assemble::app(options, "http://127.0.0.1:8080").await?;
    let _presence = presence::enter(&app.db).await?;
    let stop = signals::stop()?;
    metrics::serve(for_metrics, &app, &stop);
    tracing::info!(database = %app.db.url(), sites = app.clouds.len(), "working");
    Ok(crate::worker::run(app, stop).await?)
}
