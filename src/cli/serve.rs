//! `fairlease serve`

use std::net::{SocketAddr, TcpListener};

use clap::Args as ClapArgs;

use super::{Failure, Options, assemble, signals};
use crate::web::{self, WebState};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, env = "FAIRLEASE_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let (listener, url) = bind(args.listen)?;
    let app = assemble::app(options, &url).await?;
    let state = WebState { app, demo: None, stop: signals::stop()? };
    Ok(web::serve(listener, state).await?)
}

/// Listens on `address`, and tells the URL of it.
pub(super) fn bind(address: SocketAddr) -> Result<(TcpListener, String), Failure> {
    let listener = TcpListener::bind(address).map_err(|error| {
        Failure(format!("{address} can't be listened on ({error}): choose another with --listen ADDR:PORT"))
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}
