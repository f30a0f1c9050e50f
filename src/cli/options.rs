//! Options that every subcommand takes.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use directories::ProjectDirs;

use super::Failure;
use crate::db::DbUrl;
use crate::mail::delivery::CONNECTIONS;

/// Options that every subcommand takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where the service keeps its files [default: fairlease in the user's data directory; demo has one of its own]
    #[arg(long, global = true, env = "FAIRLEASE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// <sqlite:///path/to/file> or <postgres://user:password@host/name> [default: a file in the data directory]
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<DbUrl>,
    /// The file with the clouds' addresses and credentials [default: where OpenStack's own tools look]
    #[arg(long, global = true, env = "OS_CLIENT_CONFIG_FILE", value_name = "FILE")]
    pub clouds_file: Option<PathBuf>,
    /// The mail server, such as <smtp://localhost:25> [default: mail goes into mailbox/ in the data directory]
    #[arg(long, global = true, env = "FAIRLEASE_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<String>,
    /// From whom mail comes
    #[arg(
        long,
        global = true,
        env = "FAIRLEASE_MAIL_FROM",
        value_name = "ADDRESS",
        default_value = "Fairlease <fairlease@localhost.localdomain>"
    )]
    pub mail_from: String,
    /// How many connections to the mail server are open at a time
    #[arg(long, global = true, env = "FAIRLEASE_MAIL_CONNECTIONS", value_name = "COUNT", default_value_t = CONNECTIONS, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub mail_connections: u8,
    #[command(flatten)]
    pub(super) dkim: Dkim,
    /// Where people reach the pages, for links in mails [default: the address that is listened on]
    #[arg(long, global = true, env = "FAIRLEASE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// How long a worker that died keeps others from its bookings, in seconds
    #[arg(long, global = true, env = "FAIRLEASE_CLAIM_SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..))]
    pub claim_seconds: u16,
    /// Log as JSON lines
    #[arg(long, global = true, env = "FAIRLEASE_LOG_JSON")]
    pub log_json: bool,
    /// The simulated cloud answers and finishes at once
    #[arg(long, global = true, hide = true)]
    pub simulate_instantly: bool,
    /// The simulated cloud hangs at the call with this number: `7:before=FILE` or `7:after=FILE`; FILE is made then
    #[arg(long, global = true, hide = true, value_name = "FAULT")]
    pub simulate_hang: Option<String>,
}

/// What mail is signed with, so that receivers know it for the domain's own (DKIM).
#[derive(Debug, Clone, Args)]
pub struct Dkim {
    /// The key that signs mail, as PEM: RSA or Ed25519; only its owner may read the file [default: mail is not signed]
    #[arg(
        long = "dkim-key-file",
        global = true,
        env = "FAIRLEASE_DKIM_KEY_FILE",
        value_name = "FILE",
        requires = "selector"
    )]
    pub key_file: Option<PathBuf>,
    /// Under which name in the DNS its public half is: SELECTOR._domainkey.DOMAIN
    #[arg(
        long = "dkim-selector",
        global = true,
        env = "FAIRLEASE_DKIM_SELECTOR",
        value_name = "SELECTOR",
        requires = "key_file"
    )]
    pub selector: Option<String>,
    /// For which domain it signs [default: that of the address that mail comes from]
    #[arg(
        long = "dkim-domain",
        global = true,
        env = "FAIRLEASE_DKIM_DOMAIN",
        value_name = "DOMAIN",
        requires = "key_file"
    )]
    pub domain: Option<String>,
}

impl Dkim {
    /// The selector and the key's file, if mail is to be signed.
    pub fn given(&self) -> Option<(&str, &Path)> {
        self.selector.as_deref().zip(self.key_file.as_deref())
    }
}

impl Options {
    /// The data directory, made if it is not there.
    pub fn data_dir(&self) -> Result<PathBuf, Failure> {
        let directory = match &self.data_dir {
            Some(directory) => directory.clone(),
            None => default_data_dir("fairlease")?,
        };
        make(&directory)?;
        Ok(directory)
    }

    /// Where the database is.
    pub fn database_url(&self) -> Result<DbUrl, Failure> {
        match &self.database_url {
            Some(url) => Ok(url.clone()),
            None => Ok(DbUrl::Sqlite(self.data_dir()?.join("fairlease.sqlite").display().to_string())),
        }
    }
}

/// The directory in which this user keeps the data of a program called `name`.
pub fn default_data_dir(name: &str) -> Result<PathBuf, Failure> {
    let project = ProjectDirs::from("", "", name)
        .ok_or_else(|| Failure("there is no home directory: say where with --data-dir DIR".to_owned()))?;
    Ok(project.data_dir().to_owned())
}

/// Only this user may look in: it holds everybody's bookings and keys.
fn make(directory: &Path) -> Result<(), Failure> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        Failure(format!("the data directory {} can't be made: {error}", directory.display()))
    })
}
