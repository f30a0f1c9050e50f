//! Calls to a site's services: the token that they need, the time they may take, and what their answers mean.
//!
//! One call is sent once. It is sent a second time only if the site says that the token is no longer good (401), which
//! means that nothing happened. Whether to try again after anything else is the caller's to decide.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::clouds_yaml::CloudEntry;
use super::errors::{Effect, unreadable};
use super::http::{Answer, Http, Limits, Path, Query, address};
use super::identity::{Service, Token, token_request, versioned};
use crate::clock::Clock;
use crate::cloud::port::CloudError;

/// An object in a listing.
pub(super) trait Listed: DeserializeOwned {
    /// What the next page's `marker` names it by.
    fn marker(&self) -> &str;
}

/// A site, as one credential sees it.
#[derive(Debug)]
pub(super) struct Session {
    http: Http,
    entry: CloudEntry,
    limits: Limits,
    clock: Arc<dyn Clock>,
    token: Mutex<Option<Arc<Token>>>,
    newest_compute: OnceCell<String>,
}

/// Nova's API version for all calls but one: pages of keypairs came with it, in 2016.
const COMPUTE_VERSION: &str = "compute 2.35";
/// Nova's API version that lets a server's host name differ from its name.
pub(super) const COMPUTE_VERSION_HOSTNAME: &str = "compute 2.90";
/// One with paths of its own for rules of access, which a share's are read from.
const SHARE_VERSION: &str = "2.60";
/// Commands are lists from 1.20 on, and ports can be told from 1.24 on.
const CONTAINER_VERSION: &str = "container 1.40";

/// How often a listing is read that changes while it is.
const READINGS: usize = 3;
/// How long to leave a site alone whose catalog lacks a service: what was hidden is not shown again in seconds.
const CATALOG_PAUSE: Duration = Duration::from_mins(1);

struct Call<'a> {
    method: Method,
    service: Service,
    path: Path<'a>,
    query: Query<'a>,
    body: Option<&'a Value>,
    headers: &'a [(&'a str, &'a str)],
    compute_version: &'a str,
}

impl Session {
    /// A session for `entry`. Makes no call yet.
    pub(super) fn new(entry: CloudEntry, limits: Limits, clock: Arc<dyn Clock>) -> Result<Self, CloudError> {
        let http = Http::new(&entry.trust, limits, Arc::clone(&clock))?;
        Ok(Self { http, entry, limits, clock, token: Mutex::new(None), newest_compute: OnceCell::new() })
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The project's id.
    pub(super) async fn project(&self) -> Result<String, CloudError> {
        Ok(self.token().await?.project.clone())
    }

    /// Whether the catalog has the service.
    pub(super) async fn has(&self, service: Service) -> Result<bool, CloudError> {
        Ok(self.address_of(service).await?.is_some())
    }

    /// An error that may pass if the catalog lacks any of these services: it names all that are lacking.
    pub(super) async fn require(&self, services: &[Service]) -> Result<(), CloudError> {
        let token = self.token().await?;
        let mut lacking = Vec::new();
        for service in services {
            if self.endpoint(&token, *service)?.is_none() {
                lacking.push(*service);
            }
        }
        if lacking.is_empty() { Ok(()) } else { Err(self.not_in(&token, &lacking).await) }
    }

    /// The entry of `clouds.yaml` by which we come.
    pub(super) fn entry(&self) -> &CloudEntry {
        &self.entry
    }

    /// The address of a service, if the site has it.
    pub(super) async fn address_of(&self, service: Service) -> Result<Option<Url>, CloudError> {
        let token = self.token().await?;
        self.endpoint(&token, service)
    }

    /// A new token, and by how much the site's clock is ahead of ours.
    pub(super) async fn new_token(&self) -> Result<(Arc<Token>, Option<TimeDelta>), CloudError> {
        let mut kept = self.token.lock().await;
        let asked = self.clock.now();
        let token = self.fetch_token(&mut kept).await?;
        let halfway = asked + (self.clock.now() - asked) / 2;
        // Keystone tells the second in which it made the token: on average it was half over.
        let ahead = token.issued_at.map(|issued| issued + TimeDelta::milliseconds(500) - halfway);
        Ok((token, ahead))
    }

    /// Whether a server can be told its host name.
    pub(super) async fn names_hosts(&self) -> Result<bool, CloudError> {
        self.speaks(COMPUTE_VERSION_HOSTNAME).await
    }

    /// Whether Nova knows this version of its API.
    pub(super) async fn speaks(&self, compute_version: &str) -> Result<bool, CloudError> {
        let known = self.newest_compute.get_or_try_init(async || {
            let about: Option<Value> = self.find(Service::Compute, &[""]).await?;
            let newest = about.as_ref().and_then(|about| about.pointer("/version/version"));
            Ok::<_, CloudError>(newest.and_then(Value::as_str).unwrap_or_default().to_owned())
        });
        Ok(at_least(known.await?, compute_version))
    }

    /// Reads one object.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        service: Service,
        path: Path<'_>,
        query: Query<'_>,
    ) -> Result<T, CloudError> {
        let answer = self.send(&call(Method::GET, service, path, query, None)).await?;
        answer.read(path, Effect::None)
    }

    /// Reads one object; `None` if the site says that it is not there.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        service: Service,
        path: Path<'_>,
    ) -> Result<Option<T>, CloudError> {
        match self.get(service, path, &[]).await {
            Ok(found) => Ok(Some(found)),
            Err(CloudError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an object.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        service: Service,
        path: Path<'_>,
        body: &Value,
    ) -> Result<T, CloudError> {
        self.post_with(service, path, &[], body).await
    }

    /// As [`Session::post`], with a query.
    pub(super) async fn post_with<T: DeserializeOwned>(
        &self,
        service: Service,
        path: Path<'_>,
        query: Query<'_>,
        body: &Value,
    ) -> Result<T, CloudError> {
        let answer = self.send(&call(Method::POST, service, path, query, Some(body))).await?;
        answer.read(path, Effect::Possible)
    }

    /// As [`Session::post`], in another version of Nova's API.
    pub(super) async fn post_compute<T: DeserializeOwned>(
        &self,
        compute_version: &str,
        path: Path<'_>,
        body: &Value,
    ) -> Result<T, CloudError> {
        let call = Call { compute_version, ..call(Method::POST, Service::Compute, path, &[], Some(body)) };
        self.send(&call).await?.read(path, Effect::Possible)
    }

    /// Changes an object.
    pub(super) async fn put<T: DeserializeOwned>(
        &self,
        service: Service,
        path: Path<'_>,
        body: &Value,
    ) -> Result<T, CloudError> {
        let answer = self.send(&call(Method::PUT, service, path, &[], Some(body))).await?;
        answer.read(path, Effect::Possible)
    }

    /// Sends a `PUT` without a body, and with headers that say what it is about.
    pub(super) async fn put_bare(
        &self,
        service: Service,
        path: Path<'_>,
        headers: &[(&str, &str)],
    ) -> Result<(), CloudError> {
        let call = Call { headers, ..call(Method::PUT, service, path, &[], None) };
        self.send(&call).await.map(|_| ())
    }

    /// A `DELETE` with a query. False if it was not there.
    pub(super) async fn delete_with(
        &self,
        service: Service,
        path: Path<'_>,
        query: Query<'_>,
    ) -> Result<bool, CloudError> {
        match self.send(&call(Method::DELETE, service, path, query, None)).await {
            Ok(_) => Ok(true),
            Err(CloudError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object, and says whether it was there.
    pub(super) async fn delete(&self, service: Service, path: Path<'_>) -> Result<bool, CloudError> {
        self.delete_with(service, path, &[]).await
    }

    /// Reads a listing to its end. `key` is the field that holds the objects. Neutron answers 404 if an object of it goes while it
    /// is read: then it is read again.
    pub(super) async fn pages<T: Listed>(
        &self,
        service: Service,
        path: Path<'_>,
        query: Query<'_>,
        key: &str,
    ) -> Result<Vec<T>, CloudError> {
        self.pages_in(COMPUTE_VERSION, service, path, query, key).await
    }

    /// As [`Session::pages`], in another version of Nova's API.
    pub(super) async fn pages_in<T: Listed>(
        &self,
        compute_version: &str,
        service: Service,
        path: Path<'_>,
        query: Query<'_>,
        key: &str,
    ) -> Result<Vec<T>, CloudError> {
        let mut last = String::new();
        for _ in 0..READINGS {
            match self.pages_once(compute_version, service, path, query, key).await {
                Err(CloudError::NotFound(message)) => last = message,
                read => return read,
            }
        }
        let message = format!("the listing changed while it was read: {last}");
        Err(CloudError::Transient { message, retry_after: None })
    }

    async fn pages_once<T: Listed>(
        &self,
        compute_version: &str,
        service: Service,
        path: Path<'_>,
        query: Query<'_>,
        key: &str,
    ) -> Result<Vec<T>, CloudError> {
        let limit = self.limits.page.to_string();
        let (mut all, mut seen): (Vec<T>, BTreeSet<String>) = Default::default();
        let mut marker: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.push(("limit", &limit));
            query.extend(marker.as_deref().map(|marker| ("marker", marker)));
            let call = Call { compute_version, ..call(Method::GET, service, path, &query, None) };
            let page: Value = self.send(&call).await?.read(path, Effect::None)?;
            let (objects, more) =
                split_page::<T>(page, key).map_err(|e| unreadable(key, &e, Effect::None))?;
            let ends = objects.is_empty() || (!more && objects.len() < self.limits.page);
            if !ends && objects.last().map(T::marker) == marker.as_deref() {
                return Err(CloudError::Permanent(format!(
                    "the site gives the same page of {key} again and again"
                )));
            }
            marker = objects.last().map(|last| last.marker().to_owned());
            // What is made or moved while a listing is read may be on two of its pages.
            all.extend(objects.into_iter().filter(|object| seen.insert(object.marker().to_owned())));
            if ends {
                return Ok(all);
            }
        }
    }

    async fn send(&self, call: &Call<'_>) -> Result<Answer, CloudError> {
        let token = self.token().await?;
        let mut answer = self.send_with(call, &token).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            let token = self.token_after(&token).await?;
            answer = self.send_with(call, &token).await?;
        }
        answer.accepted(call.effect())
    }

    async fn send_with(&self, call: &Call<'_>, token: &Arc<Token>) -> Result<Answer, CloudError> {
        let Some(base) = self.endpoint(token, call.service)? else {
            return Err(self.not_in(token, &[call.service]).await);
        };
        let url = address(base, call.path, call.query)?;
        let mut request =
            self.http.client.request(call.method.clone(), url).header(ACCEPT, "application/json");
        request = request.header("X-Auth-Token", token.secret.expose_secret());
        if let Some((header, version)) = call.version() {
            request = request.header(header, version);
        }
        for (header, value) in call.headers {
            request = request.header(*header, *value);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        self.http.exchange(request, call.effect()).await
    }

    fn endpoint(&self, token: &Token, service: Service) -> Result<Option<Url>, CloudError> {
        if service == Service::Identity {
            return versioned(&self.entry.auth_url, service).map(Some);
        }
        token.endpoint(service, self.entry.region.as_deref(), self.entry.interface)
    }

    /// The catalog of this token lacks these services, as it may for a while: a site hides what it works on. The token is not
    /// used again, so that the next call sees a new catalog.
    async fn not_in(&self, token: &Arc<Token>, services: &[Service]) -> CloudError {
        self.drop_token(token).await;
        let words: Vec<&str> = services.iter().map(|service| service.word()).collect();
        let message = format!(
            "the site's catalog has no {} service with a {} address in region {}",
            words.join(", "),
            self.entry.interface.word(),
            self.entry.region.as_deref().unwrap_or("(any)"),
        );
        CloudError::Transient { message, retry_after: Some(CATALOG_PAUSE) }
    }

    /// A token that is good for a while. Of callers at the same time one fetches it, the others wait for it.
    async fn token(&self) -> Result<Arc<Token>, CloudError> {
        let mut kept = self.token.lock().await;
        match &*kept {
            Some(token) if token.is_fresh(self.clock.now()) => Ok(Arc::clone(token)),
            _ => self.fetch_token(&mut kept).await,
        }
    }

    /// A token other than `refused`, which a service did not accept.
    async fn token_after(&self, refused: &Arc<Token>) -> Result<Arc<Token>, CloudError> {
        let mut kept = self.token.lock().await;
        match &*kept {
            Some(token) if !Arc::ptr_eq(token, refused) => Ok(Arc::clone(token)),
            _ => self.fetch_token(&mut kept).await,
        }
    }

    async fn drop_token(&self, lacking: &Arc<Token>) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|token| Arc::ptr_eq(token, lacking)) {
            *kept = None;
        }
    }

    async fn fetch_token(&self, kept: &mut Option<Arc<Token>>) -> Result<Arc<Token>, CloudError> {
        *kept = None;
        let base = versioned(&self.entry.auth_url, Service::Identity)?;
        let url = address(base, &["auth", "tokens"], &[])?;
        let request = self.http.client.post(url).header(ACCEPT, "application/json");
        let request = request.json(&token_request(&self.entry.credential));
        // A token that was made and not received harms nobody: asking again is as good as reading.
        let answer = self.http.exchange(request, Effect::None).await?;
        let answer = answer.accepted(Effect::None).map_err(|error| match error {
            // So Keystone speaks of a credential that it does not know, such as one that was deleted.
            CloudError::NotFound(message) => CloudError::Unauthorised(message),
            other => other,
        })?;
        let secret = answer.header("X-Subject-Token").ok_or_else(|| CloudError::Transient {
            message: "Keystone answered without a token".to_owned(),
            retry_after: None,
        })?;
        let token = Arc::new(Token::read(SecretString::from(secret.to_owned()), &answer.body)?);
        *kept = Some(Arc::clone(&token));
        Ok(token)
    }
}

impl Call<'_> {
    /// The header that says which version of the service's API is spoken, where that is said in one.
    fn version(&self) -> Option<(&'static str, &str)> {
        match self.service {
            Service::Compute => Some(("OpenStack-API-Version", self.compute_version)),
            Service::Share => Some(("X-OpenStack-Manila-API-Version", SHARE_VERSION)),
            Service::Container => Some(("OpenStack-API-Version", CONTAINER_VERSION)),
            _ => None,
        }
    }

    fn effect(&self) -> Effect {
        if self.method == Method::GET { Effect::None } else { Effect::Possible }
    }
}

fn call<'a>(
    method: Method,
    service: Service,
    path: Path<'a>,
    query: Query<'a>,
    body: Option<&'a Value>,
) -> Call<'a> {
    Call { method, service, path, query, body, headers: &[], compute_version: COMPUTE_VERSION }
}

/// The objects of a page, and whether the site says that there are more.
fn split_page<T: DeserializeOwned>(page: Value, key: &str) -> Result<(Vec<T>, bool), serde_json::Error> {
    let links = page.get(format!("{key}_links")).and_then(Value::as_array);
    let is_next = |link: &Value| link.get("rel").and_then(Value::as_str) == Some("next");
    let more = links.is_some_and(|links| links.iter().any(is_next))
        || page.get("next").is_some_and(Value::is_string);
    let objects = match page {
        Value::Object(mut fields) => fields.remove(key).unwrap_or_default(),
        _ => Value::Null,
    };
    Ok((serde_json::from_value(objects)?, more))
}

/// Whether the API version `newest`, such as `2.104`, is at least `wanted`, such as `compute 2.90`.
fn at_least(newest: &str, wanted: &str) -> bool {
    fn parts(text: &str) -> Option<(u32, u32)> {
        let (major, minor) = text.rsplit(' ').next()?.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
    parts(newest).zip(parts(wanted)).is_some_and(|(newest, wanted)| newest >= wanted)
}

#[cfg(test)]
mod tests;
