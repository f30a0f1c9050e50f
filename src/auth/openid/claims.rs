//! What a provider's claims mean here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Map, Value};

use super::errors::{ClaimFault, OpenIdError};
use crate::domain::identity::{ClaimMap, Identity, Provider};
use crate::domain::ids::NetId;

/// Characters of a name, and of a mail address.
const LONGEST: usize = 254;

/// Characters of a subject, as OpenID Connect Core 1.0 has it, and of a session.
const LONGEST_ID: usize = 255;

/// Whether a claim that is needed is not there.
pub(super) fn lacks(provider: &Provider, claims: &Map<String, Value>) -> bool {
    let map = &provider.claims;
    let groups = provider.asks_for_groups().then_some(&map.groups);
    [&map.net_id, &map.mail, &map.name].into_iter().chain(groups).any(|name| !claims.contains_key(name))
}

/// Whether a token says who someone is in words that people use, and not only what the provider calls them.
pub(super) fn says_who(map: &ClaimMap, token: &str) -> bool {
    let payload = token.split('.').nth(1).and_then(|payload| BASE64.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice::<Map<String, Value>>(&payload).ok());
    claims.is_none_or(|claims| {
        [&map.net_id, &map.mail, &map.name].into_iter().any(|name| claims.contains_key(name))
    })
}

/// Who the claims are about.
pub(super) fn identity(provider: &Provider, claims: &Map<String, Value>) -> Result<Identity, OpenIdError> {
    let read = Reading { provider, claims };
    let map = &provider.claims;
    let identity = Identity {
        issuer: provider.issuer.clone(),
        subject: read.text("sub", "subject", LONGEST_ID)?.to_owned(),
        session: claims
            .get("sid")
            .map(|_| read.text("sid", "session", LONGEST_ID))
            .transpose()?
            .map(str::to_owned),
        net_id: read.net_id(&map.net_id)?,
        mail: read.mail(&map.mail)?,
        name: read.text(&map.name, "name", LONGEST)?.to_owned(),
        groups: read.groups(&map.groups)?,
    };
    let required = &provider.required_groups;
    if required.is_empty() || required.iter().any(|group| identity.groups.contains(group)) {
        Ok(identity)
    } else {
        Err(OpenIdError::NotInGroups { provider: provider.name.clone(), groups: required.clone() })
    }
}

struct Reading<'a> {
    provider: &'a Provider,
    claims: &'a Map<String, Value>,
}

impl<'a> Reading<'a> {
    fn fault(&self, claim: &str, meaning: &'static str, why: ClaimFault) -> OpenIdError {
        OpenIdError::Claim { provider: self.provider.name.clone(), claim: claim.to_owned(), meaning, why }
    }

    /// A claim that is a text of one line.
    fn text(&self, claim: &str, meaning: &'static str, longest: usize) -> Result<&'a str, OpenIdError> {
        let value = self.claims.get(claim).ok_or_else(|| self.fault(claim, meaning, ClaimFault::Missing))?;
        let text = value.as_str().map(str::trim).filter(|text| {
            !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
        });
        text.ok_or_else(|| self.fault(claim, meaning, ClaimFault::Unreadable))
    }

    fn net_id(&self, claim: &str) -> Result<NetId, OpenIdError> {
        let meaning = "net ID";
        let text = self.text(claim, meaning, LONGEST)?.to_lowercase();
        let id = match &self.provider.net_id_domain {
            Some(domain) => text.strip_suffix(&domain.to_lowercase()),
            None => Some(text.as_str()),
        };
        let id = id.ok_or_else(|| self.fault(claim, meaning, ClaimFault::Domain))?;
        NetId::typed(id).map_err(|_| self.fault(claim, meaning, ClaimFault::Unreadable))
    }

    fn mail(&self, claim: &str) -> Result<String, OpenIdError> {
        let meaning = "mail address";
        let text = self.text(claim, meaning, LONGEST)?;
        // OpenID Connect says of one claim alone whether it was verified.
        let unverified = self.claims.get("email_verified") == Some(&Value::Bool(false));
        if claim == "email" && unverified {
            return Err(self.fault(claim, meaning, ClaimFault::Unverified));
        }
        let whole = text.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty());
        if !whole || text.contains(char::is_whitespace) {
            return Err(self.fault(claim, meaning, ClaimFault::Unreadable));
        }
        Ok(text.to_owned())
    }

    /// The groups, if they decide anything: a list of texts, or one.
    fn groups(&self, claim: &str) -> Result<Vec<String>, OpenIdError> {
        if !self.provider.asks_for_groups() {
            return Ok(Vec::new());
        }
        let unreadable = || self.fault(claim, "groups", ClaimFault::Unreadable);
        match self.claims.get(claim) {
            None => Err(self.fault(claim, "groups", ClaimFault::Missing)),
            Some(Value::String(one)) => Ok(vec![one.clone()]),
            Some(Value::Array(list)) => {
                list.iter().map(|group| group.as_str().map(str::to_owned).ok_or_else(unreadable)).collect()
            }
            Some(_) => Err(unreadable()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider() -> Provider {
        Provider {
            id: "nyu".parse().unwrap(),
            name: "NYU".to_owned(),
            issuer: "https://sso.example.edu".to_owned(),
            client_id: "fairlease".to_owned(),
            scopes: Vec::new(),
            claims: ClaimMap::default(),
            net_id_domain: None,
            required_groups: Vec::new(),
            admin_groups: Vec::new(),
        }
    }

    fn claims(changed: &Value) -> Map<String, Value> {
        let mut claims =
            json!({"sub": "a1", "preferred_username": "FF524", "email": "f@example.edu", "name": "Fraida"});
        let claims = claims.as_object_mut().unwrap();
        for (name, value) in changed.as_object().unwrap() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        claims.clone()
    }

    fn read(provider: &Provider, changed: &Value) -> Result<Identity, String> {
        identity(provider, &claims(changed)).map_err(|error| error.to_string())
    }

    #[test]
    fn claims_are_read_as_the_map_says() {
        let read = read(&provider(), &json!({"sid": "s1", "groups": ["x"]})).unwrap();
        assert_eq!((read.net_id.as_str(), read.subject.as_str()), ("ff524", "a1"));
        assert_eq!((read.mail.as_str(), read.name.as_str()), ("f@example.edu", "Fraida"));
        assert_eq!((read.session.as_deref(), read.groups.len()), (Some("s1"), 0));
    }

    #[test]
    fn what_is_missing_or_no_text_is_told_with_the_claim_and_its_meaning() {
        for (changed, told) in [
            (json!({"email": null}), "NYU's claim \"email\", which is to have the mail address, is missing"),
            (json!({"name": 7}), "\"name\", which is to have the name, can't be read"),
            (json!({"name": "a\nb"}), "\"name\", which is to have the name, can't be read"),
            (
                json!({"preferred_username": "f f"}),
                "\"preferred_username\", which is to have the net ID, can't be read",
            ),
            (json!({"preferred_username": "ff524@nyu.edu"}), "which is to have the net ID, can't be read"),
            (json!({"email": "f@"}), "which is to have the mail address, can't be read"),
            (json!({"email": "f@x\u{a0}y"}), "which is to have the mail address, can't be read"),
            (json!({"email_verified": false}), "which is to have the mail address, is not verified"),
        ] {
            let error = read(&provider(), &changed).unwrap_err();
            assert!(error.contains(told), "{changed}: {error}");
        }
        assert!(read(&provider(), &json!({"email_verified": true})).is_ok());
    }

    #[test]
    fn only_a_net_id_of_the_right_domain_is_taken() {
        let provider = Provider { net_id_domain: Some("@nyu.edu".to_owned()), ..provider() };
        let of = |claim: &str| read(&provider, &json!({"preferred_username": claim}));
        assert_eq!(of("ff524@NYU.edu").unwrap().net_id.as_str(), "ff524");
        for other in ["ff524@evil.example", "ff524", "ff524@nyu.edu.evil.example", "ff524@x.nyu.edu"] {
            assert!(of(other).is_err(), "{other}");
        }
    }

    #[test]
    fn groups_let_in_if_they_are_required() {
        let provider = Provider { required_groups: vec!["course".to_owned()], ..provider() };
        let of = |groups: Value| read(&provider, &json!({ "groups": groups }));
        assert!(of(json!(["x", "course"])).is_ok() && of(json!("course")).is_ok());
        assert!(of(json!(["x"])).unwrap_err().contains("one of these is: course"));
        assert!(of(json!(null)).unwrap_err().contains("\"groups\", which is to have the groups, is missing"));
        assert!(of(json!([7])).is_err());
    }

    #[test]
    fn a_token_that_has_a_net_id_says_who() {
        let token = |claims: Value| format!("e30.{}.x", BASE64.encode(claims.to_string()));
        let map = ClaimMap::default();
        assert!(!says_who(&map, &token(json!({"sub": "a1", "sid": "s"}))));
        assert!(says_who(&map, &token(json!({"sub": "a1", "preferred_username": "ff524"}))));
        assert!(says_who(&map, "no token"));
    }
}
