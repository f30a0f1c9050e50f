//! The listener for metrics, which the commands have that go on until they are stopped.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use clap::Args as ClapArgs;
use tokio::sync::watch;

use super::{Failure, serve};
use crate::services::App;
use crate::web::{self, WebState};

#[derive(Debug, ClapArgs)]
pub(super) struct MetricsArgs {
    /// Serve /metrics for Prometheus on this address; keep it from the public [default: nowhere]
    #[arg(long, env = "FAIRLEASE_METRICS_LISTEN", value_name = "ADDR:PORT")]
    metrics_listen: Option<SocketAddr>,
}

impl MetricsArgs {
    /// Listens, if that is wanted. It is done first, so that an address that is taken stops the start.
    pub(super) fn bind(&self) -> Result<Option<TcpListener>, Failure> {
        self.metrics_listen.map(|address| Ok(serve::bind(address, "--metrics-listen")?.0)).transpose()
    }
}

/// Serves in the background until the process is told to stop.
pub(super) fn serve(listener: Option<TcpListener>, app: &Arc<App>, stop: &watch::Receiver<bool>) {
    let Some(listener) = listener else { return };
    let state = WebState::new(app.clone(), stop.clone());
    tokio::spawn(async move {
        if let Err(error) = web::serve_metrics(listener, state).await {
            tracing::error!(%error, "metrics are no longer served");
        }
    });
}
