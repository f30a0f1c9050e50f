//! Looking at a server from outside: whether what runs on it answers.

use std::time::Duration;

use reqwest::Client;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::errors::{Effect, no_answer};
use crate::cloud::port::CloudError;
use crate::domain::blueprint::Probe;

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at servers. It sends no secrets, and believes no more of an answer than that there is one.
#[derive(Debug)]
pub(super) struct Prober {
    client: Client,
}

impl Prober {
    pub(super) fn new() -> Result<Self, CloudError> {
        let client = Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .tls_danger_accept_invalid_certs(true)
            .build();
        Ok(Self { client: client.map_err(|error| no_answer(&error, Effect::None))? })
    }

    pub(super) async fn answers(&self, address: &str, probe: &Probe) -> bool {
        match probe {
            Probe::Ssh => timeout(PATIENCE, greets(address, 22)).await.unwrap_or(false),
            Probe::Tcp(port) => {
                timeout(PATIENCE, TcpStream::connect((address, *port))).await.is_ok_and(|it| it.is_ok())
            }
            Probe::Http { tls, port, path } => {
                let url = format!("{}://{address}:{port}{path}", if *tls { "https" } else { "http" });
                let answer = self.client.get(url).send().await;
                answer.is_ok_and(|answer| !answer.status().is_server_error())
            }
        }
    }
}

/// An SSH server speaks first.
async fn greets(address: &str, port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((address, port)).await else { return false };
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).await.is_ok() && greeting == *b"SSH-"
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// A server that says this to everyone who connects; by HTTP to everyone who asks. Its port.
    async fn server(says: &'static str) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if says.starts_with("HTTP") {
                    let _ = stream.read(&mut [0; 4096]).await;
                }
                let _ = stream.write_all(says.as_bytes()).await;
            }
        });
        port
    }

    async fn answers(probe: Probe) -> bool {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Prober::new().unwrap().answers("127.0.0.1", &probe).await
    }

    fn http(port: u16) -> Probe {
        Probe::Http { tls: false, port, path: "/".to_owned() }
    }

    #[tokio::test]
    async fn what_answers_is_told_from_what_does_not() {
        let nobody = {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            listener.local_addr().unwrap().port()
        };
        assert!(!answers(Probe::Tcp(nobody)).await && !answers(http(nobody)).await);
        let (ssh, other) = (server("SSH-2.0-OpenSSH_9.6\r\n").await, server("220 mail\r\n").await);
        assert!(greets("127.0.0.1", ssh).await && !greets("127.0.0.1", other).await);
        assert!(answers(Probe::Tcp(other)).await);
        let not_allowed = server("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
        let failing = server("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n").await;
        assert!(answers(http(not_allowed)).await && !answers(http(failing)).await);
    }
}
