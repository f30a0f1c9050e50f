//! How providers are spoken to: over TLS or on this machine, within bounds of time and size, and no further than the
//! address that was asked.

use std::time::Duration;

use openidconnect::http::Response;
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::{Client, Request, redirect};

use crate::domain::identity::is_private;

/// Until the connection stands.
const CONNECT: Duration = Duration::from_secs(5);

/// The whole exchange.
const CALL: Duration = Duration::from_secs(10);

/// Bytes of an answer. Keys and descriptions have some thousand.
const MOST: usize = 1 << 20;

/// Why there is no answer to use.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// Anybody on the way could listen.
    #[error("{0} is neither https:// nor on this machine")]
    Open(String),
    /// The answer did not come, or not whole.
    #[error("{}", told(.0))]
    NoAnswer(#[from] reqwest::Error),
    /// It says that it can't at present.
    #[error("it answers {0}")]
    Down(u16),
    /// It says more than anything that we ask for has.
    #[error("its answer has more than {MOST} bytes")]
    TooLong,
    /// The answer can't be handed on.
    #[error("its answer can't be read")]
    Unreadable(#[from] openidconnect::http::Error),
}

/// The kind of failure: the rest of the chain has addresses with codes in them.
fn told(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "there is no connection to it"
    } else {
        "its answer did not arrive"
    }
}

/// Sends requests.
#[derive(Debug, Clone)]
pub(super) struct Http(Client);

impl Http {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        // The first caller in the process decides; what a later one asks for is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(CALL)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("fairlease/", env!("CARGO_PKG_VERSION")));
        builder.build().map(Self)
    }

    /// Sends a request and takes the whole answer.
    pub(super) async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = Request::try_from(request)?;
        let url = request.url();
        if !is_private(url.scheme(), url.host_str().unwrap_or_default()) {
            return Err(HttpError::Open(url.origin().ascii_serialization()));
        }
        let mut response = self.0.execute(request).await?;
        let status = response.status();
        if status.is_server_error() {
            return Err(HttpError::Down(status.as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST {
                return Err(HttpError::TooLong);
            }
        }
        let mut answer = Response::builder().status(status);
        if let Some(headers) = answer.headers_mut() {
            headers.clone_from(response.headers());
        }
        Ok(answer.body(body)?)
    }
}
