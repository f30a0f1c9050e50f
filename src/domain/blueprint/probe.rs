//! How it is seen that a server can be used: more than that the site calls it active.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A look at a server from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Probe {
    /// It greets as an SSH server does, on port 22.
    Ssh,
    /// It takes a connection on this port.
    Tcp(u16),
    /// It answers a request with a status below 500. Who answers "not allowed" is there.
    Http {
        /// Whether by TLS. The server is new and signs for itself, so its certificate is not checked.
        tls: bool,
        /// The port.
        port: u16,
        /// The path, from its slash on.
        path: String,
    },
}

/// How long a server that the site calls ready is given to answer.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(20);

/// As a course file has it: `ssh`, `tcp:6443`, `http:80/health` or `https:6443/readyz`.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh => f.write_str("ssh"),
            Self::Tcp(port) => write!(f, "tcp:{port}"),
            Self::Http { tls, port, path } => {
                write!(f, "{}:{port}{path}", if *tls { "https" } else { "http" })
            }
        }
    }
}

/// What is wrong with the text of a probe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not ssh, tcp:PORT, http:PORT/PATH or https:PORT/PATH, such as https:6443/readyz")]
pub struct BadProbe(String);

impl FromStr for Probe {
    type Err = BadProbe;

    fn from_str(text: &str) -> Result<Self, BadProbe> {
        read(text).ok_or_else(|| BadProbe(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Probe> {
    let Some((scheme, rest)) = text.split_once(':') else { return (text == "ssh").then_some(Probe::Ssh) };
    let (port, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let plain = |c: char| c.is_ascii_graphic();
    match scheme {
        "tcp" if path.is_empty() => Some(Probe::Tcp(port)),
        "http" | "https" if path.chars().all(plain) => {
            let path = if path.is_empty() { "/" } else { path };
            Some(Probe::Http { tls: scheme == "https", port, path: path.to_owned() })
        }
        _ => None,
    }
}

impl TryFrom<String> for Probe {
    type Error = BadProbe;
    fn try_from(text: String) -> Result<Self, BadProbe> {
        text.parse()
    }
}

impl From<Probe> for String {
    fn from(probe: Probe) -> Self {
        probe.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_written_as_it_is_read() {
        for text in ["ssh", "tcp:6443", "http:80/", "https:6443/readyz?verbose"] {
            assert_eq!(text.parse::<Probe>().map(|probe| probe.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("http:8080".parse(), Ok(Probe::Http { tls: false, port: 8080, path: "/".to_owned() }));
        for text in ["", "tcp", "tcp:0", "tcp:70000", "tcp:22/x", "ftp:21", "https:443/a b", "ssh:22"] {
            assert!(text.parse::<Probe>().is_err(), "{text}");
        }
    }
}
