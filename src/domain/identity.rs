//! Who signs people in, and what they say of whom they signed in.

use std::net::IpAddr;

use super::ids::{NetId, ProviderId};

/// An OpenID Connect provider, as `identity.toml` describes it. Its secret is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its id here.
    pub id: ProviderId,
    /// What stands on its button, such as NYU.
    pub name: String,
    /// Its address, exactly as its tokens have it. Over TLS, or on this machine.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// What we ask for, besides `openid`.
    pub scopes: Vec<String>,
    /// Which of its claims mean what.
    pub claims: ClaimMap,
    /// What follows the net ID in its claim, such as `@nyu.edu`. Who has no such claim is not let in.
    pub net_id_domain: Option<String>,
    /// Groups of which one must be had, if there are any.
    pub required_groups: Vec<String>,
    /// Groups whose members look after the whole installation.
    pub admin_groups: Vec<String>,
}

impl Provider {
    /// Whether the groups that someone is in decide anything.
    pub fn asks_for_groups(&self) -> bool {
        !self.required_groups.is_empty() || !self.admin_groups.is_empty()
    }

    /// Whether someone in `groups` looks after the whole installation.
    pub fn makes_admin(&self, groups: &[String]) -> bool {
        self.admin_groups.iter().any(|admin| groups.contains(admin))
    }
}

/// The names of a provider's claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMap {
    /// Has the net ID.
    pub net_id: String,
    /// Has the mail address.
    pub mail: String,
    /// Has what to call someone.
    pub name: String,
    /// Has the groups, as a list of texts or as one.
    pub groups: String,
}

impl Default for ClaimMap {
    fn default() -> Self {
        let [net_id, mail, name, groups] =
            ["preferred_username", "email", "name", "groups"].map(str::to_owned);
        Self { net_id, mail, name, groups }
    }
}

/// Someone whom a provider signed in. Issuer and subject together are theirs for ever; all else may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who says so.
    pub issuer: String,
    /// What the issuer calls them, at most 255 characters.
    pub subject: String,
    /// What the issuer calls their session there (`sid`), if it tells.
    pub session: Option<String>,
    /// Their university id.
    pub net_id: NetId,
    /// Where their mail goes.
    pub mail: String,
    /// What to call them.
    pub name: String,
    /// The groups they are in, if any were asked for.
    pub groups: Vec<String>,
}

/// Whether nobody on the way can listen to what is sent to an address: over TLS, or on this machine.
pub fn is_private(scheme: &str, host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    scheme == "https" || (scheme == "http" && here)
}
