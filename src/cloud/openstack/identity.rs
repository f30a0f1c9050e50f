//! Keystone: from a credential to a token, and from a token's catalog to the services' addresses.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::clouds_yaml::{Credential, Interface};
use super::time;
use crate::cloud::port::CloudError;

/// The services that we call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Keystone.
    Identity,
    /// Nova.
    Compute,
    /// Neutron.
    Network,
    /// Glance.
    Image,
    /// Blazar.
    Reservation,
    /// Cinder.
    Block,
    /// Manila.
    Share,
    /// Swift, or what speaks as it does.
    Object,
    /// Zun.
    Container,
}

impl Service {
    /// Its type in a catalog.
    pub(super) fn word(self) -> &'static str {
        self.words().first().copied().unwrap_or_default()
    }

    /// Its types in catalogs: the usual one first, then the official one where that is another.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["identity"],
            Self::Compute => &["compute"],
            Self::Network => &["network"],
            Self::Image => &["image"],
            Self::Reservation => &["reservation"],
            Self::Block => &["volumev3", "block-storage", "block-store"],
            Self::Share => &["sharev2", "shared-file-system"],
            Self::Object => &["object-store"],
            Self::Container => &["container", "application-container"],
        }
    }

    /// The version that we speak, which some catalogs leave out of the address.
    fn version(self) -> &'static str {
        match self {
            Self::Identity | Self::Block => "v3",
            Self::Compute => "v2.1",
            Self::Network => "v2.0",
            Self::Image | Self::Share => "v2",
            Self::Reservation | Self::Object | Self::Container => "v1",
        }
    }
}

/// A token a while before whose end a new one is fetched, so that it outlives a call which Nova passes on to Neutron.
const MARGIN: TimeDelta = TimeDelta::seconds(90);

/// A right to call the project's services, for a while.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) project: String,
    pub(super) holder: Holder,
    pub(super) issued_at: Option<DateTime<Utc>>,
    pub(super) expires_at: DateTime<Utc>,
    catalog: Vec<CatalogService>,
}

/// Whose a token is, and what it allows.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Holder {
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) roles: Vec<Role>,
    #[serde(default)]
    pub(super) application_credential: Option<Bounds>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Role {
    pub(super) name: String,
}

/// What an application credential may not do.
#[derive(Debug, Deserialize)]
pub(super) struct Bounds {
    pub(super) restricted: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct TokenBody {
    token: TokenFields,
}

#[derive(Debug, Deserialize)]
struct TokenFields {
    #[serde(default, deserialize_with = "time::optional")]
    issued_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    holder: Holder,
    #[serde(deserialize_with = "time::required")]
    expires_at: DateTime<Utc>,
    project: Option<Project>,
    #[serde(default)]
    catalog: Vec<CatalogService>,
}

#[derive(Debug, Deserialize)]
struct Project {
    id: String,
}

#[derive(Debug, Deserialize)]
struct CatalogService {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    interface: String,
    region: Option<String>,
    region_id: Option<String>,
    url: String,
}

impl Endpoint {
    fn is_in(&self, region: &str) -> bool {
        [&self.region, &self.region_id].into_iter().any(|own| own.as_deref() == Some(region))
    }
}

impl Token {
    /// Reads Keystone's answer.
    pub(super) fn read(secret: SecretString, body: &str) -> Result<Self, CloudError> {
        let TokenBody { token } = serde_json::from_str(body).map_err(|error| CloudError::Transient {
            message: format!("Keystone's answer is not a token: {error}"),
            retry_after: None,
        })?;
        let project = token.project.ok_or_else(|| {
            CloudError::Unauthorised(
                "the credential is for no project; one for a project is needed".to_owned(),
            )
        })?;
        Ok(Self {
            secret,
            project: project.id,
            holder: token.holder,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            catalog: token.catalog,
        })
    }

    /// Whether it will do for a call that starts at `now`.
    pub(super) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now + MARGIN < self.expires_at
    }

    /// The address of a service, with its version; `None` if the site does not have it there.
    pub(super) fn endpoint(
        &self,
        service: Service,
        region: Option<&str>,
        interface: Interface,
    ) -> Result<Option<Url>, CloudError> {
        let endpoint = self
            .catalog
            .iter()
            .filter(|entry| service.words().contains(&entry.kind.as_str()))
            .flat_map(|entry| &entry.endpoints)
            .find(|e| e.interface == interface.word() && region.is_none_or(|region| e.is_in(region)));
        endpoint.map(|endpoint| versioned(&endpoint.url, service)).transpose()
    }
}

/// An address that ends in the service's version. A catalog may have it, or a project's id after it, or neither.
pub(super) fn versioned(address: &str, service: Service) -> Result<Url, CloudError> {
    let bad =
        || CloudError::Permanent(format!("\"{address}\" is no address of a {} service", service.word()));
    let mut url = Url::parse(address).map_err(|_| bad())?;
    let has_version = url.path_segments().is_some_and(|mut segments| segments.any(is_version));
    let mut segments = url.path_segments_mut().map_err(|()| bad())?;
    segments.pop_if_empty();
    if !has_version {
        segments.push(service.version());
    }
    drop(segments);
    Ok(url)
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The request for a token.
pub(super) fn token_request(credential: &Credential) -> Value {
    match credential {
        Credential::Application { id, secret } => json!({"auth": {"identity": {
            "methods": ["application_credential"],
            "application_credential": {"id": id, "secret": secret.expose_secret()},
        }}}),
        Credential::Password { username, password, user_domain, project, project_domain } => json!({"auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {
                    "name": username,
                    "domain": {"name": user_domain},
                    "password": password.expose_secret(),
                }},
            },
            "scope": {"project": {"name": project, "domain": {"name": project_domain}}},
        }}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        let endpoint = |interface: &str, region: &str, url: &str| json!({"interface": interface, "region": region, "region_id": region, "url": url, "id": "x"});
        let body = json!({"token": {
            "expires_at": "2026-02-10T15:00:00.000000Z",
            "project": {"id": "p1", "name": "CHI-1", "domain": {"id": "default"}},
            "catalog": [
                {"type": "network", "name": "neutron", "endpoints": [
                    endpoint("internal", "UC", "http://in.uc:9696"),
                    endpoint("public", "TACC", "https://tacc:9696/"),
                    endpoint("public", "UC", "https://uc:9696"),
                ]},
                {"type": "compute", "endpoints": [endpoint("public", "UC", "https://uc:8774/v2.1/p1")]},
            ],
        }});
        Token::read("secret".to_owned().into(), &body.to_string()).unwrap()
    }

    fn endpoint(service: Service, region: Option<&str>) -> Option<String> {
        token().endpoint(service, region, Interface::Public).unwrap().map(String::from)
    }

    #[test]
    fn an_endpoint_is_found_by_type_region_and_interface() {
        assert_eq!(endpoint(Service::Network, Some("UC")).unwrap(), "https://uc:9696/v2.0");
        assert_eq!(endpoint(Service::Network, None).unwrap(), "https://tacc:9696/v2.0");
        assert_eq!(endpoint(Service::Compute, Some("UC")).unwrap(), "https://uc:8774/v2.1/p1");
        assert_eq!(endpoint(Service::Compute, Some("TACC")), None);
        assert_eq!(endpoint(Service::Reservation, Some("UC")), None);
    }

    #[test]
    fn a_token_is_replaced_before_it_ends() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(token().is_fresh(at("2026-02-10T14:58:00Z")));
        assert!(!token().is_fresh(at("2026-02-10T14:58:30Z")));
        assert_eq!(token().project, "p1");
    }

    #[test]
    fn a_token_without_a_project_is_refused() {
        let body = json!({"token": {"expires_at": "2026-02-10T15:00:00.000000Z"}}).to_string();
        let refused = Token::read("secret".to_owned().into(), &body).unwrap_err();
        assert_eq!(refused.class(), "unauthorised");
    }

    #[test]
    fn a_token_is_asked_for_as_the_credential_needs() {
        let application =
            token_request(&Credential::Application { id: "i".to_owned(), secret: "s".to_owned().into() });
        let identity = &application["auth"]["identity"];
        assert_eq!(identity["application_credential"], json!({"id": "i", "secret": "s"}));
        assert!(
            application["auth"].get("scope").is_none(),
            "an application credential brings its own project"
        );
        let password = token_request(&Credential::Password {
            username: "demo".to_owned(),
            password: "p".to_owned().into(),
            user_domain: "Default".to_owned(),
            project: "CHI-1".to_owned(),
            project_domain: "Default".to_owned(),
        });
        assert_eq!(password["auth"]["scope"]["project"]["name"], "CHI-1");
    }

    #[test]
    fn an_address_gets_a_version_only_if_it_has_none() {
        let with = |address| versioned(address, Service::Identity).map(String::from);
        assert_eq!(with("http://h:5000").unwrap(), "http://h:5000/v3");
        assert_eq!(with("http://h/identity/v3/").unwrap(), "http://h/identity/v3");
        assert_eq!(with("mailto:x").unwrap_err().class(), "permanent");
    }
}
