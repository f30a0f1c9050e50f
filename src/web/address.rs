//! Where a request comes from. Behind a proxy the peer is always the proxy; who is before it stands in `X-Forwarded-For`,
//! to which each proxy adds whom it saw. Whoever asks can begin that list as they like, so only what a proxy of ours has
//! added counts, and without such proxies nothing of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, web};
use ipnet::IpNet;

use super::context::WebState;

/// The networks of the proxies that are ours.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

/// So many proxies stand behind one another at most.
const MOST_HOPS: usize = 16;

impl Proxies {
    /// Those of these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who asks, if `peer` is connected to us and says this: the last address that is no proxy of ours.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let mut before = forwarded(headers).into_iter().rev().take(MOST_HOPS);
        while self.trusts(client) {
            // What is not an address can't be followed: then it is the proxy that counts.
            let Some(Some(address)) = before.next() else { break };
            client = address;
        }
        client
    }
}

/// The addresses of the header in their order, which may stand in several lines.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all("X-Forwarded-For").filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(read).collect()
}

/// Some proxies write the port, too.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Where a request comes from.
pub fn of(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    match request.app_data::<web::Data<WebState>>() {
        Some(state) => state.proxies.client(peer, request.headers()),
        None => peer,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(networks: &[&str], peer: &str, lines: &[&'static str]) -> String {
        let proxies = Proxies::new(networks.iter().map(|network| network.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(line));
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_stranger_is_who_is_connected_whatever_they_say() {
        assert_eq!(client(&[], "198.51.100.7", &["203.0.113.9"]), "198.51.100.7");
        assert_eq!(client(&["10.0.0.0/8"], "198.51.100.7", &["203.0.113.9"]), "198.51.100.7");
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:198.51.100.7", &[]), "198.51.100.7");
    }

    #[test]
    fn of_what_a_proxy_of_ours_hands_on_the_last_stranger_counts() {
        let ours = ["10.0.0.0/8", "2001:db8:1::/48"];
        assert_eq!(client(&ours, "10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            client(&ours, "10.0.0.1", &["203.0.113.9, 198.51.100.7"]),
            "198.51.100.7",
            "the first is made up"
        );
        assert_eq!(client(&ours, "10.0.0.1", &["1.2.3.4", "198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(client(&ours, "2001:db8:1::5", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(client(&ours, "10.0.0.1", &["[2001:db8:9::1]:4711"]), "2001:db8:9::1");
        assert_eq!(client(&ours, "::ffff:10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
    }

    #[test]
    fn what_says_nothing_leaves_the_proxy() {
        let ours = ["10.0.0.0/8"];
        assert_eq!(client(&ours, "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(&ours, "10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(
            client(&ours, "10.0.0.1", &["10.0.0.3, 10.0.0.2"]),
            "10.0.0.3",
            "someone of the network itself"
        );
    }
}
