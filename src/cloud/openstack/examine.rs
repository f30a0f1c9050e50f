//! What a site has of what a course needs. Every call here reads.

mod limits;
mod lookups;

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use reqwest::Url;
use serde::Deserialize;

use super::clouds_yaml::{Credential, Trust};
use super::identity::{Service, Token};
use super::{OpenStackCloud, time};
use crate::cloud::port::CloudError;
use crate::domain::fitness::{Access, CredentialFacts, SiteNeeds, SiteReport, SiteService, Told, Transport};

#[derive(Debug, Deserialize)]
struct OneCredential {
    application_credential: Lifetime,
}

#[derive(Debug, Deserialize)]
struct Lifetime {
    #[serde(default, deserialize_with = "time::optional")]
    expires_at: Option<DateTime<Utc>>,
}

pub(super) fn service(of: SiteService) -> Service {
    match of {
        SiteService::Compute => Service::Compute,
        SiteService::Network => Service::Network,
        SiteService::Image => Service::Image,
        SiteService::Reservation => Service::Reservation,
        SiteService::Block => Service::Block,
        SiteService::Share => Service::Share,
        SiteService::Object => Service::Object,
        SiteService::Container => Service::Container,
    }
}

/// What was told, or the words in which it was refused.
fn told<T>(answer: Result<T, CloudError>) -> Told<T> {
    answer.map_err(|error| error.to_string())
}

impl OpenStackCloud {
    pub(super) async fn report(&self, needs: &SiteNeeds) -> Result<SiteReport, CloudError> {
        let (token, clock_ahead) = self.session.new_token().await?;
        let (services, plain) = self.services().await?;
        let access = Access {
            credential: self.credential(&token).await,
            roles: token.holder.roles.iter().map(|role| role.name.clone()).collect(),
            token_ends: Some(token.expires_at),
            clock_ahead,
            transport: Transport { verified: self.session.entry().trust != Trust::Anyone, plain },
        };
        let (flavors, images, networks, security_groups) = tokio::join!(
            self.find_flavors(&needs.flavors),
            self.find_images(&needs.images),
            self.find_networks(needs),
            self.find_groups(&needs.security_groups),
        );
        let (volume_types, share_types, leases, limits) = tokio::join!(
            self.find_types(Service::Block, "volume_types", &needs.volume_types),
            self.find_types(Service::Share, "share_types", &needs.share_types),
            self.lease_facts(),
            self.limits(&services),
        );
        Ok(SiteReport {
            access,
            services,
            flavors: told(flavors),
            images: told(images),
            networks: told(networks),
            security_groups: told(security_groups),
            volume_types: told(volume_types),
            share_types: told(share_types),
            leases: told(leases),
            limits,
        })
    }

    /// The services that the site has, and which addresses, Keystone's among them, are other machines' without TLS.
    async fn services(&self) -> Result<(BTreeSet<SiteService>, BTreeSet<String>), CloudError> {
        let (mut services, mut plain) = (BTreeSet::new(), BTreeSet::new());
        plain.extend(self.session.address_of(Service::Identity).await?.as_ref().and_then(plain_host));
        for of in SiteService::ALL {
            if let Some(address) = self.session.address_of(service(of)).await? {
                services.insert(of);
                plain.extend(plain_host(&address));
            }
        }
        Ok((services, plain))
    }

    async fn credential(&self, token: &Token) -> CredentialFacts {
        match &self.session.entry().credential {
            Credential::Password { .. } => CredentialFacts::Password,
            Credential::Application { id, .. } => {
                let bounds = token.holder.application_credential.as_ref();
                let user = token.holder.user.as_ref().map_or("", |user| user.id.as_str());
                let ends = told(self.credential_ends(user, id).await);
                CredentialFacts::Application { restricted: bounds.and_then(|it| it.restricted), ends }
            }
        }
    }

    async fn credential_ends(&self, user: &str, id: &str) -> Result<Option<DateTime<Utc>>, CloudError> {
        let path = ["users", user, "application_credentials", id];
        let found: OneCredential = self.session.get(Service::Identity, &path, &[]).await?;
        Ok(found.application_credential.expires_at)
    }
}

/// The host and port of an address of another machine that is called without TLS.
fn plain_host(address: &Url) -> Option<String> {
    let host = address.host_str()?;
    let number: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let here = host == "localhost" || number.is_some_and(|it| it.is_loopback());
    let port = address.port_or_known_default()?;
    (address.scheme() == "http" && !here).then(|| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_in_the_clear_is_seen() {
        let plain = |address: &str| plain_host(&address.parse().unwrap());
        assert_eq!(plain("http://kvm.example.org:5000/v3").as_deref(), Some("kvm.example.org:5000"));
        assert_eq!(plain("http://10.0.0.1/v2.1").as_deref(), Some("10.0.0.1:80"));
        for safe in
            ["https://kvm.example.org:5000", "http://127.0.0.1:5000", "http://[::1]:1/", "http://localhost"]
        {
            assert_eq!(plain(safe), None, "{safe}");
        }
    }
}
