//! Signing in with OpenID Connect: people are sent to a provider that knows them, come back with a code, and the code
//! is exchanged for a signed statement of who they are.
//!
//! It is the code flow with PKCE, as OpenID Connect Core 1.0 has it. A provider's description and keys are fetched when
//! they are needed, so the service starts while a provider is down.

use std::sync::Arc;

use chrono::TimeDelta;
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::party::Party;
use crate::clock::Clock;
use crate::domain::identity::{Identity, Provider};
use crate::domain::ids::ProviderId;
use crate::entropy::Entropy;

mod claims;
mod client;
mod errors;
mod http;
mod id_token;
mod logout;
mod party;

pub use self::errors::{ClaimFault, OpenIdError, WrongToken};

/// How far a provider's clock may be from ours, either way.
pub const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);

/// How long ago a token may have been made when it is brought.
pub const OLDEST_TOKEN: TimeDelta = TimeDelta::minutes(10);

/// Those who sign people in.
#[derive(Debug, Default)]
pub struct Providers(Vec<Party>);

/// What someone is sent to a provider with.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser is to go.
    pub to: Url,
    /// Comes back with the browser. A secret.
    pub state: String,
    /// Comes back in the token. A secret.
    pub nonce: String,
    /// Goes with the code, and with nothing else.
    pub verifier: SecretString,
}

/// A sign-in that was begun.
#[derive(Debug, Clone, Copy)]
pub struct Pending<'a> {
    /// Where the browser was to come back to.
    pub callback: &'a str,
    /// What is to be in the token.
    pub nonce: &'a str,
    /// What goes with the code.
    pub verifier: &'a SecretString,
}

/// What a browser came back with.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What the token is had for, once.
    pub code: &'a str,
    /// Who says so (`iss`, RFC 9207), if the provider says it.
    pub issuer: Option<&'a str>,
}

/// Someone who is who they are.
#[derive(Debug)]
pub struct SignedInAs {
    /// Who.
    pub identity: Identity,
    /// The provider's statement: it is asked for when they sign out there.
    pub id_token: SecretString,
}

/// A session that has ended at the provider. At least one of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whose sessions have ended: all of them, if no session is named.
    pub subject: Option<String>,
    /// Which session has ended.
    pub session: Option<String>,
}

impl Providers {
    /// Nobody signs anyone in.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those providers, each with the secret that it gave us. Nothing is sent yet.
    ///
    /// # Errors
    /// If there is no TLS on this machine.
    pub fn new(
        providers: Vec<(Provider, SecretString)>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let http = http::Http::new()?;
        let party = |(provider, secret)| Party::new(provider, secret, http.clone(), clock.clone());
        Ok(Self(providers.into_iter().map(party).collect()))
    }

    /// All of them, in the order of their buttons.
    pub fn list(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter().map(|party| &party.provider)
    }

    /// One of them.
    pub fn get(&self, id: &ProviderId) -> Result<&Provider, OpenIdError> {
        self.party(id).map(|party| &party.provider)
    }

    fn party(&self, id: &ProviderId) -> Result<&Party, OpenIdError> {
        let found = self.0.iter().find(|party| party.provider.id == *id);
        found.ok_or_else(|| OpenIdError::NoSuchProvider(id.clone()))
    }

    /// Where to send someone who wants to sign in and is to come back to `callback`.
    pub async fn begin(
        &self,
        id: &ProviderId,
        callback: &str,
        entropy: &dyn Entropy,
    ) -> Result<Begun, OpenIdError> {
        let party = self.party(id)?;
        let known = party.known_lately().await?;
        let client = party.client(&known, callback)?;
        let verifier = PkceCodeVerifier::new(entropy.secret());
        let (state, nonce) = (entropy.secret(), entropy.secret());
        let request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(party.provider.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let (to, state, nonce) = request.url();
        Ok(Begun {
            to,
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret().into(),
        })
    }

    /// Who came back.
    pub async fn finish(
        &self,
        id: &ProviderId,
        pending: Pending<'_>,
        answer: Answer<'_>,
    ) -> Result<SignedInAs, OpenIdError> {
        self.party(id)?.finish(pending, answer).await
    }

    /// What a provider means that sent someone back with `code` in place of theirs, such as `access_denied`.
    pub fn refused(&self, id: &ProviderId, code: &str) -> OpenIdError {
        self.party(id).map_or_else(|error| error, |party| party.refused(code))
    }

    /// Where to send someone who signs out, so that they are signed out at the provider, too, and come back to `back_to`;
    /// nothing if the provider has no such place.
    ///
    /// The token goes with them only if it does not say who they are: addresses are kept by browsers and in logs. Without
    /// it the provider asks them first.
    pub async fn logout_url(
        &self,
        id: &ProviderId,
        id_token: &SecretString,
        back_to: &str,
    ) -> Result<Option<Url>, OpenIdError> {
        let party = self.party(id)?;
        let known = party.known().await?;
        let Some(mut to) = known.end_session_endpoint() else { return Ok(None) };
        let hint = id_token.expose_secret();
        let mut query = to.query_pairs_mut();
        query.append_pair("client_id", &party.provider.client_id);
        query.append_pair("post_logout_redirect_uri", back_to);
        if !claims::says_who(&party.provider.claims, hint) {
            query.append_pair("id_token_hint", hint);
        }
        drop(query);
        Ok(Some(to))
    }

    /// Which session has ended at the provider, as its back channel says (OpenID Connect Back-Channel Logout 1.0).
    pub async fn ended(&self, id: &ProviderId, logout_token: &str) -> Result<Ended, OpenIdError> {
        self.party(id)?.ended(logout_token).await
    }
}
