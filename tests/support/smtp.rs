//! A real SMTP server, and the mail that it took.

use std::path::{Path, PathBuf};
use std::process::Command;

use mail_parser::{Message, MessageParser, MimeHeaders as _};
use tempfile::TempDir;

use super::process::{Ending, Process};
use super::{PATIENCE, given, until};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/smtp_server.py");

/// A mail server that keeps what it is sent.
pub(crate) struct MailServer {
    server: Option<Process>,
    directory: TempDir,
    port: u16,
}

/// A mail as the server received it.
#[derive(Debug)]
pub(crate) struct Mail {
    /// The subject line.
    pub(crate) subject: String,
    /// The text.
    pub(crate) text: String,
    /// The Message-ID, without its brackets.
    pub(crate) id: String,
    /// The calendar object, with the method that the part's header names.
    pub(crate) calendar: Option<Invite>,
    /// To whom.
    pub(crate) to: String,
}

/// A calendar object that came with a mail.
#[derive(Debug)]
pub(crate) struct Invite {
    /// `REQUEST`, `CANCEL`: what the header of the part says.
    pub(crate) method: String,
    /// The object.
    pub(crate) text: String,
}

impl MailServer {
    /// Starts one on a free port, with the python that `FAIRLEASE_TEST_PYTHON` names.
    pub(crate) async fn start() -> Self {
        Self::planning(&[]).await
    }

    /// The same, which does to each mail that comes what is next in the plan; `smtp_server.py` has the words.
    pub(crate) async fn planning(plan: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("plan"), plan.join("\n")).unwrap();
        let mut this = Self { server: None, directory, port: 0 };
        this.start_again().await;
        this
    }

    /// Starts it again, on the port that it had and with what is left of the plan.
    pub(crate) async fn start_again(&mut self) {
        let mut command = Command::new(given("FAIRLEASE_TEST_PYTHON"));
        command.arg(SERVER).arg(self.directory.path()).arg(self.port.to_string());
        let mut server = Process::start("the mail server", &mut command, Ending::Killed);
        self.port = server.hear(|line| line.strip_prefix("port ")?.parse().ok()).await;
        self.server = Some(server);
    }

    /// Kills it, whatever it is at.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// From now on it answers each mail with this, such as "451 4.3.0 come back later"; nothing makes it take mail again.
    pub(crate) fn refuse(&self, answer: Option<&str>) {
        self.tell("refuse", answer);
    }

    /// From now on it refuses recipients, by lines such as "ab1@example.edu 550 5.1.1 no such mailbox".
    pub(crate) fn refuse_to(&self, lines: Option<&str>) {
        self.tell("refuse-to", lines);
    }

    fn tell(&self, name: &str, words: Option<&str>) {
        let file = self.directory.path().join(name);
        match words {
            Some(words) => std::fs::write(file, words).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
    }

    /// What it did with the mails that it took, in order: the word of the plan and the Message-ID, without its brackets.
    pub(crate) fn log(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let line = |line: &str| {
            let mut parts = line.split(' ');
            let (word, id) = (parts.next()?, parts.next()?);
            Some((word.to_owned(), bare(id)))
        };
        text.lines().filter_map(line).collect()
    }

    /// The files of all mail so far, the oldest first.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|extension| extension == "eml")).collect();
        files.sort();
        files
    }

    /// All mail so far, the oldest first.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.files().iter().map(|file| read(file)).collect()
    }

    /// Waits for the mail to `net_id` whose subject begins so.
    pub(crate) async fn received(&self, net_id: &str, subject: &str) -> Mail {
        let to = format!("{net_id}@example.edu");
        let wanted = |mail: &Mail| mail.to == to && mail.subject.starts_with(subject);
        let found = until(|| async { self.mails().into_iter().find(wanted) }).await;
        found.unwrap_or_else(|| {
            let mails = self.mails();
            panic!("no mail \"{subject}...\" to {to} within {PATIENCE:?}; there are {mails:#?}")
        })
    }
}

/// A Message-ID without its brackets.
fn bare(id: &str) -> String {
    id.trim_matches(['<', '>']).to_owned()
}

fn read(file: &Path) -> Mail {
    let bytes = std::fs::read(file).unwrap();
    let message = MessageParser::default().parse(&bytes).unwrap();
    Mail {
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message.body_text(0).unwrap_or_default().replace("\r\n", "\n"),
        id: bare(message.message_id().unwrap_or_default()),
        calendar: calendar(&message),
        to: message.to().and_then(|to| to.first()?.address()).unwrap_or_default().to_owned(),
    }
}

fn calendar(message: &Message<'_>) -> Option<Invite> {
    message.parts.iter().find_map(|part| {
        let kind = part.content_type().filter(|kind| kind.subtype() == Some("calendar"))?;
        let method = kind.attribute("method").unwrap_or_default().to_owned();
        Some(Invite { method, text: part.text_contents()?.to_owned() })
    })
}
