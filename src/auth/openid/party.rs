//! One provider: what is known of it, and what is asked of it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{CoreClientAuthMethod, CoreErrorResponseType};
use openidconnect::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, ConfigurationError, DiscoveryError, IssuerUrl,
    OAuth2TokenResponse as _, PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl, RequestTokenError,
    SubjectIdentifier, UserInfoError,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::client::{Client, ErrorResponse, TokenResponse, UserInfo};
use super::errors::{OpenIdError, WrongToken};
use super::http::{Http, HttpError};
use super::{Answer, Ended, Pending, SignedInAs, claims, id_token, logout};
use crate::clock::Clock;
use crate::domain::identity::{Provider, is_private};

/// How old a provider's description and keys may be.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// How old they may be when someone is sent to it: that it is down is to be said here, and not by their browser.
const SEEN_LATELY: TimeDelta = TimeDelta::minutes(1);

/// One provider.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) provider: Provider,
    secret: SecretString,
    http: Http,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Arc<Known>>>,
}

/// A provider's description of itself, with its keys.
#[derive(Debug)]
pub(super) struct Known {
    metadata: ProviderMetadataWithLogout,
    since: DateTime<Utc>,
}

impl Known {
    /// Where people are sent who sign out.
    pub(super) fn end_session_endpoint(&self) -> Option<Url> {
        let endpoint = self.metadata.additional_metadata().end_session_endpoint.as_ref()?;
        is_safe(endpoint.url()).then(|| endpoint.url().clone())
    }

    /// How we show who we are: with the secret in a header, unless the provider knows only the form.
    fn auth_type(&self) -> AuthType {
        let methods = self.metadata.token_endpoint_auth_methods_supported();
        let knows = |wanted| methods.is_none_or(|methods| methods.contains(&wanted));
        if !knows(CoreClientAuthMethod::ClientSecretBasic) && knows(CoreClientAuthMethod::ClientSecretPost) {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        }
    }
}

impl Party {
    pub(super) fn new(provider: Provider, secret: SecretString, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self { provider, secret, http, clock, known: Mutex::new(None) }
    }

    /// What is known of it, fetched if that is more than an hour old.
    pub(super) async fn known(&self) -> Result<Arc<Known>, OpenIdError> {
        self.known_within(FRESH).await
    }

    /// What is known of it, fetched if it was not seen in the last minute.
    pub(super) async fn known_lately(&self) -> Result<Arc<Known>, OpenIdError> {
        self.known_within(SEEN_LATELY).await
    }

    async fn known_within(&self, age: TimeDelta) -> Result<Arc<Known>, OpenIdError> {
        let now = self.clock.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known.filter(|known| now - known.since < age) {
            Some(known) => Ok(known),
            None => self.fetch(now).await,
        }
    }

    async fn fetch(&self, now: DateTime<Utc>) -> Result<Arc<Known>, OpenIdError> {
        let issuer = IssuerUrl::new(self.provider.issuer.clone()).map_err(|error| self.unfit(error))?;
        let send = |request| self.http.exchange(request);
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &send).await;
        let metadata = metadata.map_err(|error| match error {
            DiscoveryError::Request(error) => self.http_error(error),
            DiscoveryError::Response(status, ..) => {
                self.unfit(format!("its description can't be had: it answers {}", status.as_u16()))
            }
            DiscoveryError::Validation(why) => self.unfit(why),
            error => self.unfit(error),
        })?;
        if !is_safe(metadata.authorization_endpoint().url()) {
            return Err(self.unfit("people would be sent to an address without TLS"));
        }
        let known = Arc::new(Known { metadata, since: now });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    /// Makes requests of it, for browsers that come back to `callback`.
    pub(super) fn client(&self, known: &Known, callback: &str) -> Result<Client, OpenIdError> {
        let callback = RedirectUrl::new(callback.to_owned()).map_err(|error| self.unfit(error))?;
        let client = Client::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(self.provider.client_id.clone()),
            Some(ClientSecret::new(self.secret.expose_secret().to_owned())),
        );
        Ok(client.set_auth_type(known.auth_type()).set_redirect_uri(callback))
    }

    /// Who came back.
    pub(super) async fn finish(
        &self,
        pending: Pending<'_>,
        answer: Answer<'_>,
    ) -> Result<SignedInAs, OpenIdError> {
        if answer.issuer.is_some_and(|issuer| issuer != self.provider.issuer) {
            return Err(self.wrong(WrongToken::Issuer));
        }
        let known = self.known().await?;
        let client = self.client(&known, pending.callback)?;
        let tokens = self.exchange(&client, pending, answer).await?;
        let token = tokens.extra_fields().id_token().ok_or_else(|| self.wrong(WrongToken::Missing))?;
        let now = self.clock.now();
        let mut found = id_token::verified(&client, token, tokens.access_token(), pending.nonce, now);
        if found == Err(WrongToken::Signature) {
            let known = self.known_within(TimeDelta::zero()).await?;
            let client = self.client(&known, pending.callback)?;
            found = id_token::verified(&client, token, tokens.access_token(), pending.nonce, now);
        }
        let mut found = found.map_err(|why| self.wrong(why))?;
        if claims::lacks(&self.provider, &found) {
            self.ask_more(&client, &tokens, &mut found).await?;
        }
        let identity = claims::identity(&self.provider, &found)?;
        Ok(SignedInAs { identity, id_token: token.to_string().into() })
    }

    async fn exchange(
        &self,
        client: &Client,
        pending: Pending<'_>,
        answer: Answer<'_>,
    ) -> Result<TokenResponse, OpenIdError> {
        let code = AuthorizationCode::new(answer.code.to_owned());
        let request = client.exchange_code(code).map_err(|error| self.lacks_endpoint(&error))?;
        let verifier = PkceCodeVerifier::new(pending.verifier.expose_secret().to_owned());
        let send = |request| self.http.exchange(request);
        let tokens = request.set_pkce_verifier(verifier).request_async(&send).await;
        tokens.map_err(|error| self.token_error(error))
    }

    /// Asks for the claims that the token has not. What the token says stands.
    async fn ask_more(
        &self,
        client: &Client,
        tokens: &TokenResponse,
        claims: &mut Map<String, Value>,
    ) -> Result<(), OpenIdError> {
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        let access = tokens.access_token().clone();
        let Ok(request) = client.user_info(access, Some(SubjectIdentifier::new(subject))) else {
            return Ok(());
        };
        let send = |request| self.http.exchange(request);
        let more: UserInfo = request.request_async(&send).await.map_err(|error| match error {
            UserInfoError::Request(error) => self.http_error(error),
            UserInfoError::ClaimsVerification(error) => self.wrong((&error).into()),
            UserInfoError::Response(status, ..) => {
                self.unfit(format!("it does not say who someone is: it answers {}", status.as_u16()))
            }
            _ => self.wrong(WrongToken::Unreadable),
        })?;
        if let Ok(Value::Object(more)) = serde_json::to_value(&more) {
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(())
    }

    /// Which session has ended there. Anybody may send such a token, so keys are fetched once a minute at most.
    pub(super) async fn ended(&self, token: &str) -> Result<Ended, OpenIdError> {
        let known = self.known().await?;
        let check =
            |known: &Known| logout::verified(&self.provider, known.metadata.jwks(), token, self.clock.now());
        let mut found = check(&known);
        if found == Err(WrongToken::Signature) {
            found = check(&*self.known_lately().await?);
        }
        found.map_err(|why| self.wrong(why))
    }

    fn http_error(&self, error: HttpError) -> OpenIdError {
        match error {
            HttpError::NoAnswer(_) | HttpError::Down(_) => {
                OpenIdError::Unreachable { provider: self.provider.name.clone(), why: error.to_string() }
            }
            error => self.unfit(error),
        }
    }

    fn token_error(&self, error: RequestTokenError<HttpError, ErrorResponse>) -> OpenIdError {
        match error {
            RequestTokenError::Request(error) => self.http_error(error),
            RequestTokenError::ServerResponse(answer) => {
                let code: &CoreErrorResponseType = answer.error();
                self.refused(code.as_ref())
            }
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => self.wrong(WrongToken::Unreadable),
        }
    }

    fn lacks_endpoint(&self, error: &ConfigurationError) -> OpenIdError {
        self.unfit(error)
    }

    fn unfit(&self, why: impl std::fmt::Display) -> OpenIdError {
        OpenIdError::Unfit { provider: self.provider.name.clone(), why: why.to_string() }
    }

    fn wrong(&self, why: WrongToken) -> OpenIdError {
        OpenIdError::WrongToken { provider: self.provider.name.clone(), why }
    }

    /// It said no. Of what it says only the code is kept, and of that only what codes are made of.
    pub(super) fn refused(&self, code: &str) -> OpenIdError {
        let code = code.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect();
        OpenIdError::Refused { provider: self.provider.name.clone(), code }
    }
}

/// Whether a browser may be sent there: nobody can listen on the way.
fn is_safe(url: &Url) -> bool {
    is_private(url.scheme(), url.host_str().unwrap_or_default())
}
