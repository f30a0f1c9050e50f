//! `clouds.yaml`, the file in which OpenStack's tools keep what is needed to reach a cloud. Read as those tools write
//! it; of what it may hold, this takes the address, the credential, the region, the interface and the trust in TLS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

const FILE: &str = "clouds.yaml";

/// How to reach one site, and as whom.
#[derive(Debug, Clone)]
pub struct CloudEntry {
    /// The entry's name in the file.
    pub name: String,
    /// Keystone's address, with or without `/v3`.
    pub auth_url: String,
    /// As whom.
    pub credential: Credential,
    /// The region whose endpoints are used; without one, the first that the catalog has.
    pub region: Option<String>,
    /// Which of each service's endpoints is used.
    pub interface: Interface,
    /// Whose TLS certificates are believed.
    pub trust: Trust,
}

/// As whom we come.
#[derive(Debug, Clone)]
pub enum Credential {
    /// What a course uses: bound to one project, revocable by itself, and worthless for signing in to a dashboard.
    Application {
        /// Its id.
        id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// A person's password, for one project.
    Password {
        /// The account's name.
        username: String,
        /// Its password.
        password: SecretString,
        /// The domain of the account.
        user_domain: String,
        /// The project.
        project: String,
        /// The domain of the project.
        project_domain: String,
    },
}

/// Which of a service's endpoints is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// For everyone.
    #[default]
    Public,
    /// For those inside the site's own network.
    Internal,
    /// For its operators.
    Admin,
}

impl Interface {
    /// Its name in a catalog.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// Whose TLS certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those of the machine's authorities.
    System,
    /// Those of the authorities in this PEM file only.
    Authorities(PathBuf),
    /// Anyone's (`verify: false`).
    Anyone,
}

/// Why an entry can't be used. Never shows the file's content, which holds secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudsYamlError {
    /// There is no file at any of the places.
    #[error("no clouds.yaml found; looked at {}", list(.0))]
    NoFile(Vec<PathBuf>),
    /// The file can't be read.
    #[error("{}: cannot be read: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is no clouds.yaml.
    #[error("{}{}: not a clouds.yaml: {reason}", file.display(), line.map(|n| format!(":{n}")).unwrap_or_default())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where.
        line: Option<u64>,
        /// What is wrong there.
        reason: String,
    },
    /// The file has no such entry.
    #[error("{}: has no cloud \"{wanted}\"; it has {}", file.display(), if has.is_empty() { "none".to_owned() } else { has.join(", ") })]
    NoCloud {
        /// The file.
        file: PathBuf,
        /// The name that was asked for.
        wanted: String,
        /// The names that it has.
        has: Vec<String>,
    },
    /// Something is missing.
    #[error("{}: clouds.{cloud}.{key} is missing", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
        /// The entry.
        cloud: String,
        /// The key within the entry.
        key: &'static str,
    },
    /// Something is there that we can't do.
    #[error("{}: clouds.{cloud}.{key} is \"{value}\"; {expected}", file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// The entry.
        cloud: String,
        /// The key within the entry.
        key: &'static str,
        /// What it says.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The places where `clouds.yaml` is looked for, in order. `explicit` is `OS_CLIENT_CONFIG_FILE` or an option of ours:
/// if it is given it is the only place. `config_home` is the user's, such as `~/.config`.
pub fn places(explicit: Option<&Path>, config_home: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = explicit {
        return vec![path.to_owned()];
    }
    let mut places = vec![PathBuf::from(FILE)];
    places.extend(config_home.map(|home| home.join("openstack").join(FILE)));
    places.push(Path::new("/etc/openstack").join(FILE));
    places
}

/// Reads the entry `cloud` from the first file that there is.
pub fn load(places: &[PathBuf], cloud: &str) -> Result<CloudEntry, CloudsYamlError> {
    let file =
        places.iter().find(|path| path.is_file()).ok_or_else(|| CloudsYamlError::NoFile(places.to_vec()))?;
    let text = std::fs::read_to_string(file)
        .map_err(|error| CloudsYamlError::Unreadable { file: file.clone(), reason: error.to_string() })?;
    parse(file, &text, cloud)
}

/// Reads the entry `cloud` from `text`, the content of `file`.
pub fn parse(file: &Path, text: &str, cloud: &str) -> Result<CloudEntry, CloudsYamlError> {
    let mut clouds = read(file, text)?.clouds;
    let Some(raw) = clouds.remove(cloud) else {
        return Err(CloudsYamlError::NoCloud {
            file: file.to_owned(),
            wanted: cloud.to_owned(),
            has: clouds.into_keys().collect(),
        });
    };
    Reader { file, cloud }.entry(raw)
}

fn read(file: &Path, text: &str) -> Result<RawFile, CloudsYamlError> {
    serde_saphyr::from_str(text).map_err(|error| {
        // The whole error shows the lines around the mistake, and with them perhaps a secret.
        CloudsYamlError::Malformed {
            file: file.to_owned(),
            line: error.location().map(|location| location.line()),
            reason: "a mapping `clouds:` of entries was expected, each with `auth:`".to_owned(),
        }
    })
}

#[derive(Deserialize)]
struct RawFile {
    clouds: BTreeMap<String, RawCloud>,
}

#[derive(Deserialize)]
struct RawCloud {
    auth_type: Option<String>,
    #[serde(default)]
    auth: RawAuth,
    region_name: Option<String>,
    interface: Option<Interface>,
    verify: Option<bool>,
    cacert: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
struct RawAuth {
    auth_url: Option<String>,
    application_credential_id: Option<String>,
    application_credential_secret: Option<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    user_domain_name: Option<String>,
    project_name: Option<String>,
    project_domain_name: Option<String>,
}

/// Knows which file and entry are being read, for the errors.
struct Reader<'a> {
    file: &'a Path,
    cloud: &'a str,
}

impl Reader<'_> {
    fn entry(&self, raw: RawCloud) -> Result<CloudEntry, CloudsYamlError> {
        let auth_url = self.need("auth.auth_url", raw.auth.auth_url.clone())?;
        if !auth_url.starts_with("http://") && !auth_url.starts_with("https://") {
            let expected = "it must start with https:// or http://";
            return Err(self.unsupported("auth.auth_url", auth_url, expected));
        }
        Ok(CloudEntry {
            name: self.cloud.to_owned(),
            auth_url,
            credential: self.credential(raw.auth_type.as_deref(), raw.auth)?,
            region: raw.region_name,
            interface: raw.interface.unwrap_or_default(),
            trust: match (raw.verify, raw.cacert) {
                (Some(false), _) => Trust::Anyone,
                (_, Some(file)) => Trust::Authorities(file),
                (_, None) => Trust::System,
            },
        })
    }

    fn credential(&self, auth_type: Option<&str>, auth: RawAuth) -> Result<Credential, CloudsYamlError> {
        match auth_type {
            Some("v3applicationcredential") => self.application(auth),
            None if auth.application_credential_id.is_some() => self.application(auth),
            None | Some("password" | "v3password") => self.password(auth),
            Some(other) => {
                let expected = "known here are v3applicationcredential and v3password";
                Err(self.unsupported("auth_type", other.to_owned(), expected))
            }
        }
    }

    fn application(&self, auth: RawAuth) -> Result<Credential, CloudsYamlError> {
        Ok(Credential::Application {
            id: self.need("auth.application_credential_id", auth.application_credential_id)?,
            secret: self.need("auth.application_credential_secret", auth.application_credential_secret)?,
        })
    }

    fn password(&self, auth: RawAuth) -> Result<Credential, CloudsYamlError> {
        let domain = |name: Option<String>| name.unwrap_or_else(|| "Default".to_owned());
        Ok(Credential::Password {
            username: self.need("auth.username", auth.username)?,
            password: self.need("auth.password", auth.password)?,
            user_domain: domain(auth.user_domain_name),
            project: self.need("auth.project_name", auth.project_name)?,
            project_domain: domain(auth.project_domain_name),
        })
    }

    fn need<T>(&self, key: &'static str, value: Option<T>) -> Result<T, CloudsYamlError> {
        value.ok_or_else(|| CloudsYamlError::Missing {
            file: self.file.to_owned(),
            cloud: self.cloud.to_owned(),
            key,
        })
    }

    fn unsupported(&self, key: &'static str, value: String, expected: &'static str) -> CloudsYamlError {
        let (file, cloud) = (self.file.to_owned(), self.cloud.to_owned());
        CloudsYamlError::Unsupported { file, cloud, key, value, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    const TEXT: &str = r#"
clouds:
  course:
    auth_type: "v3applicationcredential"
    auth:
      auth_url: https://kvm.example.org:5000/v3
      application_credential_id: "0123"
      application_credential_secret: "s3cret"
    region_name: "KVM@TACC"
    interface: "public"
    identity_api_version: 3
  person:
    auth: {auth_url: "http://127.0.0.1/v3", username: demo, password: hunter2, project_name: CHI-1}
    verify: false
    interface: internal
  incomplete:
    auth_type: v3applicationcredential
    auth: {auth_url: "http://127.0.0.1/v3", application_credential_id: x}
  federated:
    auth_type: v3oidcaccesstoken
    auth: {auth_url: "http://127.0.0.1/v3"}
"#;

    fn entry(name: &str) -> Result<CloudEntry, CloudsYamlError> {
        parse(Path::new("/c/clouds.yaml"), TEXT, name)
    }

    #[test]
    fn an_application_credential_is_read_as_the_dashboard_writes_it() {
        let entry = entry("course").unwrap();
        assert_eq!(entry.region.as_deref(), Some("KVM@TACC"));
        assert_eq!((entry.interface, entry.trust), (Interface::Public, Trust::System));
        let Credential::Application { id, secret } = entry.credential else { panic!("other credential") };
        assert_eq!((id.as_str(), secret.expose_secret()), ("0123", "s3cret"));
    }

    #[test]
    fn a_password_is_read_with_the_usual_domains() {
        let entry = entry("person").unwrap();
        assert_eq!((entry.interface, entry.trust), (Interface::Internal, Trust::Anyone));
        let Credential::Password { user_domain, project, .. } = &entry.credential else {
            panic!("other credential")
        };
        assert_eq!((user_domain.as_str(), project.as_str()), ("Default", "CHI-1"));
    }

    #[test]
    fn what_is_wrong_is_named_by_file_and_key() {
        assert_eq!(
            entry("incomplete").unwrap_err().to_string(),
            "/c/clouds.yaml: clouds.incomplete.auth.application_credential_secret is missing"
        );
        assert!(
            entry("federated").unwrap_err().to_string().contains("clouds.federated.auth_type is \"v3oidc")
        );
        let missing = entry("nowhere").unwrap_err().to_string();
        assert!(missing.contains("has no cloud \"nowhere\"; it has course, federated"), "{missing}");
        let none = load(&places(Some(Path::new("/nowhere/c.yaml")), None), "x").unwrap_err().to_string();
        assert_eq!(none, "no clouds.yaml found; looked at /nowhere/c.yaml");
    }

    #[test]
    fn no_secret_shows_in_errors_or_logs() {
        let broken = "clouds:\n  course:\n    auth: {password: hunter2\n    verify: [";
        let error = parse(Path::new("c.yaml"), broken, "course").unwrap_err().to_string();
        assert!(error.starts_with("c.yaml:") && !error.contains("hunter2"), "{error}");
        for name in ["course", "person"] {
            let shown = format!("{:?}", entry(name).unwrap());
            assert!(!shown.contains("s3cret") && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn the_places_are_those_of_the_other_tools() {
        let home = Path::new("/home/ta/.config");
        let found = places(None, Some(home));
        assert_eq!(
            list(&found),
            "clouds.yaml, /home/ta/.config/openstack/clouds.yaml, /etc/openstack/clouds.yaml"
        );
        assert_eq!(places(Some(Path::new("/x")), Some(home)), vec![PathBuf::from("/x")]);
    }
}
