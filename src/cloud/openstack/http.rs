//! One HTTP exchange with a site: sent once, answered in full or not at all, and logged.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;

use super::clouds_yaml::Trust;
use super::errors::{Effect, Refusal, no_answer, retry_after, unreadable};
use crate::clock::Clock;
use crate::cloud::port::CloudError;

/// How long calls may take, and how much one page of a listing holds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the connection stands.
    pub connect: Duration,
    /// The whole call. Blazar's API gives up on its manager after 60 s and says so: wait for that.
    pub call: Duration,
    /// Objects in one page of a listing.
    pub page: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), call: Duration::from_secs(75), page: 500 }
    }
}

/// What is put after a service's address. Each segment may hold any character.
pub(super) type Path<'a> = &'a [&'a str];
/// What is put after the `?`.
pub(super) type Query<'a> = &'a [(&'a str, &'a str)];

/// What a site answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
    headers: HeaderMap,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn request_id(&self) -> Option<&str> {
        self.header("x-openstack-request-id").or_else(|| self.header("x-compute-request-id"))
    }

    /// The answer, if it says yes.
    pub(super) fn accepted(self, effect: Effect) -> Result<Self, CloudError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let refusal = Refusal {
            status: self.status,
            retry_after: self.header(RETRY_AFTER.as_str()).and_then(retry_after),
            request_id: self.request_id().map(str::to_owned),
            body: self.body,
        };
        Err(refusal.classify(effect))
    }

    /// What it says, of what was asked about `path`.
    pub(super) fn read<T: DeserializeOwned>(&self, path: Path<'_>, effect: Effect) -> Result<T, CloudError> {
        // Some answers that say yes say nothing else.
        let body = if self.body.trim().is_empty() { "null" } else { &self.body };
        serde_json::from_str(body).map_err(|error| unreadable(&path.join("/"), &error, effect))
    }
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) client: Client,
    clock: Arc<dyn Clock>,
}

impl Http {
    pub(super) fn new(trust: &Trust, limits: Limits, clock: Arc<dyn Clock>) -> Result<Self, CloudError> {
        // The first caller in the process decides; what a later one asks for is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .connect_timeout(limits.connect)
            .timeout(limits.call)
            // A POST that is redirected becomes a GET: an address that has moved is to be corrected, not followed.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("fairlease/", env!("CARGO_PKG_VERSION")));
        let builder = match trust {
            Trust::System => builder,
            Trust::Authorities(file) => builder.tls_certs_only(authorities(file)?),
            Trust::Anyone => builder.tls_danger_accept_invalid_certs(true),
        };
        let client = builder.build().map_err(|error| no_answer(&error, Effect::None))?;
        Ok(Self { client, clock })
    }

    /// Sends a request and takes the whole answer.
    pub(super) async fn exchange(
        &self,
        request: RequestBuilder,
        effect: Effect,
    ) -> Result<Answer, CloudError> {
        let (client, request) = request.build_split();
        let request = request.map_err(|error| no_answer(&error, effect))?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let began = self.clock.now();
        let answer = match client.execute(request).await {
            Ok(response) => whole(response).await,
            Err(error) => Err(error),
        };
        let took_ms = (self.clock.now() - began).num_milliseconds();
        match answer {
            Ok(answer) => {
                let request_id = answer.request_id().unwrap_or_default();
                let status = answer.status.as_u16();
                tracing::debug!(%method, path, status, took_ms, request_id, "site answered");
                Ok(answer)
            }
            Err(error) => {
                tracing::debug!(%method, path, took_ms, %error, "site did not answer");
                Err(no_answer(&error, effect))
            }
        }
    }
}

async fn whole(response: Response) -> Result<Answer, reqwest::Error> {
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, body: response.text().await? })
}

/// The address of something at a service.
pub(super) fn address(mut base: Url, path: Path<'_>, query: Query<'_>) -> Result<Url, CloudError> {
    let whole = base.clone();
    let bad = |()| CloudError::Permanent(format!("{whole} is no address of a service"));
    base.path_segments_mut().map_err(bad)?.extend(path);
    if !query.is_empty() {
        base.query_pairs_mut().extend_pairs(query);
    }
    Ok(base)
}

fn authorities(file: &FilePath) -> Result<Vec<Certificate>, CloudError> {
    let bad = |reason: String| CloudError::Permanent(format!("cacert {}: {reason}", file.display()));
    let pem = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
    Certificate::from_pem_bundle(&pem).map_err(|error| bad(error.to_string()))
}
