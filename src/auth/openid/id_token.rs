//! Whether a token is a provider's statement to us about who came back just now.

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::CoreJwsSigningAlgorithm as Algorithm;
use openidconnect::{AccessToken, AccessTokenHash, Nonce};
use serde_json::{Map, Value};

use super::client::{Client, IdToken};
use super::errors::WrongToken;
use super::{CLOCK_SKEW, OLDEST_TOKEN};

/// How a token may be signed: by a key that only the provider has. With `HS256` and its like, everyone who has our
/// secret could sign.
pub(super) const ALGORITHMS: [Algorithm; 4] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPssSha256,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EdDsa,
];

/// All claims of `token`, which came with `access`, if it can be believed at `now`.
pub(super) fn verified(
    client: &Client,
    token: &IdToken,
    access: &AccessToken,
    nonce: &str,
    now: DateTime<Utc>,
) -> Result<Map<String, Value>, WrongToken> {
    let verifier =
        client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now - CLOCK_SKEW);
    let claims =
        token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|error| WrongToken::from(&error))?;
    if let Some(told) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| WrongToken::from(&error))?;
        let key = token.signing_key(&verifier).map_err(|error| WrongToken::from(&error))?;
        let hash =
            AccessTokenHash::from_token(access, algorithm, key).map_err(|_| WrongToken::AccessToken)?;
        if hash != *told {
            return Err(WrongToken::AccessToken);
        }
    }
    if claims.authorized_party().is_some_and(|party| party.as_str() != client.client_id().as_str()) {
        return Err(WrongToken::Party);
    }
    is_of_now(claims.issue_time(), now)?;
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err(WrongToken::Unreadable),
    }
}

/// Whether what was made at `made` was made just now.
pub(super) fn is_of_now(made: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), WrongToken> {
    let age: TimeDelta = now - made;
    if age < -CLOCK_SKEW {
        Err(WrongToken::TooNew)
    } else if age > OLDEST_TOKEN + CLOCK_SKEW {
        Err(WrongToken::TooOld)
    } else {
        Ok(())
    }
}
