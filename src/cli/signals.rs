//! Stopping when told to.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Failure;

/// Says true once the process is told to stop (Ctrl-C or SIGTERM).
pub fn stop() -> Result<watch::Receiver<bool>, Failure> {
    let (said, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        said.send_replace(true);
        said.closed().await;
    });
    Ok(stop)
}
