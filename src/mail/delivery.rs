//! How mail leaves: by SMTP, or into a directory that the demo's mailbox page shows.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncFileTransport, AsyncTransport, Message, Tokio1Executor};

use super::envelope::{self, Head};
use crate::domain::notice::Notice;

/// Why a mail did not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// Whether trying again would not help.
    pub permanent: bool,
    /// The mail server's words, or what kept us from it.
    pub reason: String,
}

impl SendError {
    fn permanent(reason: impl std::fmt::Display) -> Self {
        Self { permanent: true, reason: reason.to_string() }
    }
}

/// Takes mail away.
#[async_trait]
pub trait Mailer: Send + Sync + Debug {
    /// Hands one notice over. Sending it again is harmless: its Message-ID stays the same.
    async fn send(&self, notice: &Notice, head: &Head) -> Result<(), SendError>;
}

/// From whom mail comes.
#[derive(Debug, Clone)]
pub struct Sender {
    mailbox: Mailbox,
}

impl Sender {
    /// Reads `Name <address>` or a bare address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mailbox = text.parse().map_err(|_| {
            format!("\"{text}\" is not a mail address such as \"Fairlease <fairlease@example.edu>\"")
        })?;
        Ok(Self { mailbox })
    }

    /// The notice as a message from there.
    fn message(&self, notice: &Notice, head: &Head) -> Result<Message, SendError> {
        envelope::message(&self.mailbox, notice, head).map_err(SendError::permanent)
    }
}

/// A real mail server.
#[derive(Debug)]
pub struct SmtpMailer {
    sender: Sender,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// How long the mail server may take for one command.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

impl SmtpMailer {
    /// Reads `smtp://host:port`, `smtps://user:password@host`, or `smtp://host?tls=required`.
    pub fn connect(url: &str, sender: Sender) -> Result<Self, String> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| format!("the mail server's URL is not right ({error}): write smtp://host:25 or smtps://user:password@host"))?
            .timeout(Some(SMTP_TIMEOUT))
            .build();
        Ok(Self { sender, transport })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, notice: &Notice, head: &Head) -> Result<(), SendError> {
        let message = self.sender.message(notice, head)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(SendError { permanent: error.is_permanent(), reason: error.to_string() }),
        }
    }
}

/// A directory of `.eml` files, which the mailbox page shows.
#[derive(Debug)]
pub struct FileMailer {
    sender: Sender,
    directory: PathBuf,
}

impl FileMailer {
    /// Mail goes into `directory`, which is made if it is not there.
    pub fn open(directory: PathBuf, sender: Sender) -> Result<Self, String> {
        std::fs::create_dir_all(&directory)
            .map_err(|error| format!("{} can't be made: {error}", directory.display()))?;
        Ok(Self { sender, directory })
    }
}

#[async_trait]
impl Mailer for FileMailer {
    /// The file is called after the notice, so a notice that is sent twice is one mail.
    async fn send(&self, notice: &Notice, head: &Head) -> Result<(), SendError> {
        let message = self.sender.message(notice, head)?;
        let passing =
            |error: &dyn std::fmt::Display| SendError { permanent: false, reason: error.to_string() };
        let transport = AsyncFileTransport::<Tokio1Executor>::new(&self.directory);
        let name = transport.send(message).await.map_err(|error| passing(&error))?;
        let path = |name: &str| self.directory.join(format!("{name}.eml"));
        tokio::fs::rename(path(&name), path(notice.id.as_str())).await.map_err(|error| passing(&error))
    }
}
