//! How mail leaves: by SMTP, or into a directory that the demo's mailbox page shows.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::{AsyncSmtpTransport, PoolConfig};
use lettre::{AsyncFileTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::sync::Semaphore;

use super::dkim::Seal;
use super::envelope::{self, Head};
use super::refusal::Refusal;
use crate::domain::notice::Notice;

/// Why a mail did not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// What was refused.
    pub refusal: Refusal,
    /// The mail server's words, or what kept us from it. They may hold an address: they are not for the log.
    pub reason: String,
}

impl SendError {
    /// This mail can't be sent, however often it is tried.
    pub fn permanent(reason: impl std::fmt::Display) -> Self {
        Self { refusal: Refusal::Message, reason: reason.to_string() }
    }

    /// It can't be sent now.
    pub fn passing(reason: impl std::fmt::Display) -> Self {
        Self { refusal: Refusal::Passing, reason: reason.to_string() }
    }

    /// No mail can be sent to its address.
    pub fn address(reason: impl std::fmt::Display) -> Self {
        Self { refusal: Refusal::Address, reason: reason.to_string() }
    }
}

/// Takes mail away.
#[async_trait]
pub trait Mailer: Send + Sync + Debug {
    /// Hands one notice over. Sending it again is harmless: its Message-ID stays the same.
    async fn send(&self, notice: &Notice, head: &Head) -> Result<(), SendError>;

    /// How many notices it is given at once.
    fn at_once(&self) -> usize {
        1
    }
}

/// From whom mail comes.
#[derive(Debug, Clone)]
pub struct Sender {
    mailbox: Mailbox,
    seal: Option<Arc<Seal>>,
}

impl Sender {
    /// Reads `Name <address>` or a bare address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mailbox = text.parse().map_err(|_| {
            format!("\"{text}\" is not a mail address such as \"Fairlease <fairlease@example.edu>\"")
        })?;
        Ok(Self { mailbox, seal: None })
    }

    /// The same, whose mail is signed for its domain.
    #[must_use]
    pub fn sealing(self, seal: Seal) -> Self {
        Self { seal: Some(Arc::new(seal)), ..self }
    }

    /// The domain of its address.
    pub fn domain(&self) -> &str {
        self.mailbox.email.domain()
    }

    /// The notice as it leaves: with a signature, if this sender has a key.
    fn signed(&self, notice: &Notice, head: &Head) -> Result<Message, SendError> {
        let mut message = self.message(notice, head)?;
        if let Some(seal) = &self.seal {
            seal.sign(&mut message);
        }
        Ok(message)
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
    /// The pool keeps so many connections, but opens more if it is asked to.
    free: Semaphore,
    connections: u8,
}

/// How long the mail server may take for one command.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

/// How many connections a mail server gets where nobody says.
pub const CONNECTIONS: u8 = 4;

impl SmtpMailer {
    /// Reads `smtp://host:port`, `smtps://user:password@host`, or `smtp://host?tls=required`. It has so many `connections` at a
    /// time, at least one.
    pub fn connect(url: &str, connections: u8, sender: Sender) -> Result<Self, String> {
        let connections = connections.max(1);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| format!("the mail server's URL is not right ({error}): write smtp://host:25 or smtps://user:password@host"))?
            .timeout(Some(SMTP_TIMEOUT))
            .pool_config(PoolConfig::new().max_size(connections.into()))
            .build();
        Ok(Self { sender, transport, free: Semaphore::new(connections.into()), connections })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, notice: &Notice, head: &Head) -> Result<(), SendError> {
        let message = self.sender.signed(notice, head)?;
        let _connection = self.free.acquire().await.map_err(SendError::passing)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }

    /// One is at hand for each connection as soon as that has sent the one before.
    fn at_once(&self) -> usize {
        usize::from(self.connections) * 2
    }
}

fn refused(error: &lettre::transport::smtp::Error) -> SendError {
    let reason = error.to_string();
    let code = error.status().and_then(|code| code.to_string().parse().ok());
    SendError { refusal: code.map_or(Refusal::Passing, |code| Refusal::of(code, &reason)), reason }
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
        let message = self.sender.signed(notice, head)?;
        let transport = AsyncFileTransport::<Tokio1Executor>::new(&self.directory);
        let name = transport.send(message).await.map_err(SendError::passing)?;
        let path = |name: &str| self.directory.join(format!("{name}.eml"));
        tokio::fs::rename(path(&name), path(notice.id.as_str())).await.map_err(SendError::passing)
    }
}
