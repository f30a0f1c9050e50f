//! Whether a token says that a session has ended at its provider: OpenID Connect Back-Channel Logout 1.0, section 2.6.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::WrongToken;
use super::id_token::{ALGORITHMS, is_of_now};
use super::{CLOCK_SKEW, Ended};
use crate::domain::identity::Provider;

/// The event that a token must have.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Characters of a token. Real ones have some hundred.
const LONGEST: usize = 8192;

#[derive(Deserialize)]
struct Header {
    alg: Value,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: OneOrMore,
    iat: i64,
    exp: Option<i64>,
    sub: Option<String>,
    sid: Option<String>,
    events: Option<HashMap<String, Value>>,
    nonce: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// What `token` says has ended, if it can be believed at `now`.
pub(super) fn verified(
    provider: &Provider,
    keys: &CoreJsonWebKeySet,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Ended, WrongToken> {
    if token.len() > LONGEST {
        return Err(WrongToken::Unreadable);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(WrongToken::Unreadable)?;
    let (header, payload) = signed.split_once('.').ok_or(WrongToken::Unreadable)?;
    let header: Header = part(header)?;
    check_signature(&header, keys, signed, signature)?;
    let claims: Claims = part(payload)?;
    check_claims(provider, &claims, now)?;
    Ok(Ended { subject: claims.sub, session: claims.sid })
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, WrongToken> {
    let bytes = BASE64.decode(text).map_err(|_| WrongToken::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| WrongToken::Unreadable)
}

fn check_signature(
    header: &Header,
    keys: &CoreJsonWebKeySet,
    signed: &str,
    signature: &str,
) -> Result<(), WrongToken> {
    if header.alg == "none" {
        return Err(WrongToken::Unsigned);
    }
    let algorithm: CoreJwsSigningAlgorithm =
        serde_json::from_value(header.alg.clone()).map_err(|_| WrongToken::Algorithm)?;
    if !ALGORITHMS.contains(&algorithm) {
        return Err(WrongToken::Algorithm);
    }
    let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
    let fits = matches!(kind.as_deref(), None | Some("logout+jwt" | "application/logout+jwt" | "jwt"));
    if !fits || header.crit.is_some() {
        return Err(WrongToken::NoLogout);
    }
    let signature = BASE64.decode(signature).map_err(|_| WrongToken::Signature)?;
    let meant = |id: Option<&str>| header.kid.as_deref().is_none_or(|kid| id == Some(kid));
    let by = keys
        .keys()
        .iter()
        .filter(|key| meant(key.key_id().map(|id| id.as_str())))
        .any(|key| key.verify_signature(&algorithm, signed.as_bytes(), &signature).is_ok());
    if by { Ok(()) } else { Err(WrongToken::Signature) }
}

fn check_claims(provider: &Provider, claims: &Claims, now: DateTime<Utc>) -> Result<(), WrongToken> {
    if claims.iss != provider.issuer {
        return Err(WrongToken::Issuer);
    }
    let for_us = match &claims.aud {
        OneOrMore::One(one) => *one == provider.client_id,
        OneOrMore::More(more) => more.contains(&provider.client_id),
    };
    if !for_us {
        return Err(WrongToken::Audience);
    }
    let instant = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(WrongToken::Unreadable);
    is_of_now(instant(claims.iat)?, now)?;
    if let Some(over) = claims.exp.map(instant).transpose()?
        && over <= now - CLOCK_SKEW
    {
        return Err(WrongToken::Expired);
    }
    let event = claims.events.as_ref().is_some_and(|events| events.get(EVENT).is_some_and(Value::is_object));
    // A nonce would make it an answer to a sign-in, which it must never be taken for, nor the other way round.
    if !event || claims.nonce.is_some() || (claims.sub.is_none() && claims.sid.is_none()) {
        return Err(WrongToken::NoLogout);
    }
    Ok(())
}
