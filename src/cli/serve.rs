//! `fairlease serve`

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;
use ipnet::IpNet;

use super::{Failure, Options, assemble, metrics, signals};
use crate::web::{self, Proxies, WebState};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, env = "FAIRLEASE_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The file that says who signs people in; without one, nobody can
    #[arg(long, env = "FAIRLEASE_IDENTITY_FILE", value_name = "FILE")]
    identity_file: Option<PathBuf>,
    #[command(flatten)]
    proxies: ProxyArgs,
    #[command(flatten)]
    metrics: metrics::MetricsArgs,
}

/// Who may say on whose behalf a request comes.
#[derive(Debug, ClapArgs)]
pub(super) struct ProxyArgs {
    /// A proxy, or a network of proxies, whose X-Forwarded-For is believed; may be given several times [default: none]
    #[arg(
        long = "trusted-proxy",
        env = "FAIRLEASE_TRUSTED_PROXIES",
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = read_network
    )]
    trusted: Vec<IpNet>,
}

impl ProxyArgs {
    pub(super) fn proxies(&self) -> Proxies {
        Proxies::new(self.trusted.clone())
    }
}

/// `10.0.0.0/8`, or the address of one proxy.
fn read_network(text: &str) -> Result<IpNet, String> {
    let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
    let network = text.parse().ok().or_else(one);
    network.ok_or_else(|| format!("\"{text}\" is not a network such as 10.0.0.0/8, or an address"))
}

pub(super) async fn run(options: &Options, args: &Args) -> Result<(), Failure> {
    let (listener, url) = bind(args.listen, "--listen")?;
    let for_metrics = args.metrics.bind()?;
    let app = assemble::app(options, &url).await?;
    let providers = Arc::new(assemble::providers(args.identity_file.as_deref(), &app.clock)?);
    let stop = signals::stop()?;
    metrics::serve(for_metrics, &app, &stop);
    let state = WebState { providers, proxies: args.proxies.proxies(), ..WebState::new(app, stop) };
    Ok(web::serve(listener, state).await?)
}

/// Listens on `address`, which was given with `option`, and tells the URL of it.
pub(super) fn bind(address: SocketAddr, option: &str) -> Result<(TcpListener, String), Failure> {
    let listener = TcpListener::bind(address).map_err(|error| {
        Failure(format!("{address} can't be listened on ({error}): choose another with {option} ADDR:PORT"))
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}
