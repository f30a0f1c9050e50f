//! `identity.toml`: who signs people in. It is read as a course file is: checked whole, and every error told at once.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, schema_for};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::document::report::Report;
use super::document::schema::without_null;
use crate::domain::identity::{ClaimMap, Provider, is_private};

/// Everything that is wrong with an identity file, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct IdentityErrors(pub Vec<String>);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IdentityFile {
    /// Who signs people in, in the order of their buttons.
    #[serde(default)]
    provider: Vec<ProviderTable>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ProviderTable {
    /// Its id: lower-case letters, digits and hyphens. It stands in the addresses that the provider is to know.
    id: String,
    /// What stands on its button.
    name: String,
    /// Its address, as its tokens have it.
    issuer: String,
    /// What it calls us.
    client_id: String,
    /// A file with the secret that it gave us, alone on its first line.
    client_secret_file: Option<PathBuf>,
    /// The secret itself. The file is better: whoever reads this one then learns nothing.
    #[schemars(with = "Option<String>")]
    client_secret: Option<SecretString>,
    /// What we ask for, besides `openid`; `profile` and `email` if it is left out.
    scopes: Option<Vec<String>>,
    /// Which of its claims mean what.
    claims: Option<ClaimsTable>,
    /// What follows the net ID in its claim, such as `@nyu.edu`.
    net_id_domain: Option<String>,
    /// Groups of which one must be had.
    #[serde(default)]
    required_groups: Vec<String>,
    /// Groups whose members look after the whole installation.
    #[serde(default)]
    admin_groups: Vec<String>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClaimsTable {
    /// Has the net ID; `preferred_username` if it is left out.
    net_id: Option<String>,
    /// Has the mail address; `email` if it is left out.
    mail: Option<String>,
    /// Has what to call someone; `name` if it is left out.
    name: Option<String>,
    /// Has the groups; `groups` if it is left out.
    groups: Option<String>,
}

/// The providers of an identity file, each with its secret, if nothing is wrong with them. `name` is what errors call
/// the file, and `read` reads the file of a secret.
pub fn parse(
    name: &str,
    text: &str,
    read: impl Fn(&Path) -> io::Result<String>,
) -> Result<Vec<(Provider, SecretString)>, IdentityErrors> {
    let mut check = Check { report: Report::new(name, text), read: &read };
    let providers = check.file(text);
    match providers {
        Some(providers) if check.report.is_empty() => Ok(providers),
        _ => Err(IdentityErrors(check.report.finish())),
    }
}

/// The schema that a file must have.
fn schema() -> Value {
    let mut schema = schema_for!(IdentityFile).to_value();
    without_null(&mut schema, false);
    for (_, table) in schema.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flatten() {
        without_null(table, false);
    }
    schema
}

struct Check<'a> {
    report: Report<'a>,
    read: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl Check<'_> {
    fn file(&mut self, text: &str) -> Option<Vec<(Provider, SecretString)>> {
        let table: toml::Table = toml::from_str(text).map_err(|error| self.report.syntax(&error)).ok()?;
        self.report.shape(&schema(), &table);
        if !self.report.is_empty() {
            return None;
        }
        let file: IdentityFile =
            table.try_into().map_err(|error: toml::de::Error| self.report.general(error.message())).ok()?;
        if file.provider.is_empty() {
            self.report.general("there is no [[provider]]: nobody could sign in");
        }
        self.unique(&file.provider);
        let providers: Vec<_> = file.provider.into_iter().map(|table| self.provider(table)).collect();
        providers.into_iter().collect()
    }

    fn error(&mut self, id: &str, key: &str, what: impl std::fmt::Display) {
        self.report.error(&["provider", id, key], what);
    }

    fn unique(&mut self, tables: &[ProviderTable]) {
        let mut seen = BTreeSet::new();
        for (number, table) in (1..).zip(tables) {
            if !seen.insert(table.id.as_str()) {
                let what = format!("there is another \"{}\" before it", table.id);
                self.report.error(&["provider", &number.to_string()], what);
            }
        }
    }

    fn provider(&mut self, table: ProviderTable) -> Option<(Provider, SecretString)> {
        let id = table.id.parse().map_err(|error| self.error(&table.id, "id", error)).ok();
        self.issuer(&table);
        self.filled(&table);
        let secret = self.secret(&table);
        let usual = ClaimMap::default();
        let claims = table.claims.unwrap_or_default();
        let scopes = table.scopes.unwrap_or_else(|| ["profile", "email"].map(str::to_owned).to_vec());
        let provider = Provider {
            id: id?,
            name: table.name,
            issuer: table.issuer,
            client_id: table.client_id,
            scopes: scopes.into_iter().filter(|scope| scope != "openid").collect(),
            claims: ClaimMap {
                net_id: claims.net_id.unwrap_or(usual.net_id),
                mail: claims.mail.unwrap_or(usual.mail),
                name: claims.name.unwrap_or(usual.name),
                groups: claims.groups.unwrap_or(usual.groups),
            },
            net_id_domain: table.net_id_domain,
            required_groups: table.required_groups,
            admin_groups: table.admin_groups,
        };
        Some((provider, secret?))
    }

    fn issuer(&mut self, table: &ProviderTable) {
        let url = Url::parse(&table.issuer).ok();
        let safe =
            url.as_ref().is_some_and(|url| is_private(url.scheme(), url.host_str().unwrap_or_default()));
        let bare = url.is_some_and(|url| url.query().is_none() && url.fragment().is_none());
        if !safe || !bare {
            let what = format!(
                "\"{}\" is not the address of an issuer: it begins with https:// (http:// only on this machine) and \
                 has no ? and no #",
                table.issuer
            );
            self.error(&table.id, "issuer", what);
        }
    }

    fn filled(&mut self, table: &ProviderTable) {
        for (key, text) in [("name", &table.name), ("client_id", &table.client_id)] {
            if text.trim().is_empty() {
                self.error(&table.id, key, "it is empty");
            }
        }
        if table.net_id_domain.as_ref().is_some_and(|domain| !domain.starts_with('@')) {
            self.error(&table.id, "net_id_domain", "it begins with @, such as @nyu.edu");
        }
    }

    fn secret(&mut self, table: &ProviderTable) -> Option<SecretString> {
        match (&table.client_secret_file, &table.client_secret) {
            (Some(file), None) => self.secret_of(&table.id, file),
            (None, Some(secret)) if secret.expose_secret().is_empty() => {
                self.error(&table.id, "client_secret", "it is empty");
                None
            }
            (None, Some(secret)) => Some(secret.clone()),
            (Some(_), Some(_)) => {
                self.error(
                    &table.id,
                    "client_secret",
                    "there is a client_secret_file, too: one of them is enough",
                );
                None
            }
            (None, None) => {
                self.error(&table.id, "client_secret_file", "it is missing");
                None
            }
        }
    }

    fn secret_of(&mut self, id: &str, file: &Path) -> Option<SecretString> {
        match (self.read)(file) {
            Ok(text) if text.trim().is_empty() => {
                self.error(id, "client_secret_file", format!("{} is empty", file.display()));
                None
            }
            Ok(text) => Some(text.trim().into()),
            Err(error) => {
                self.error(id, "client_secret_file", format!("{} can't be read: {error}", file.display()));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
