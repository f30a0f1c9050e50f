//! The command `fairlease`: parse the command line, dispatch.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use fairlease::cli::{self, Cli};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(&cli);
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::warn!("another TLS provider was installed first");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime can't be started: {error}")),
    };
    match runtime.block_on(cli::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure.0),
    }
}

#[allow(clippy::print_stderr, reason = "this is what the person at the terminal is told")]
fn fail(why: &str) -> ExitCode {
    eprintln!("fairlease: {why}");
    ExitCode::FAILURE
}

fn log_to_stderr(cli: &Cli) {
    let quiet = if cli.is_service() { "warn,fairlease=info" } else { "warn" };
    let filter = EnvFilter::try_from_env("FAIRLEASE_LOG").unwrap_or_else(|_| EnvFilter::new(quiet));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(io::stderr().is_terminal());
    if cli.options().log_json {
        registry.with(layer.json()).init();
    } else {
        registry.with(layer).init();
    }
}
