//! Reads the mail that [`super::delivery::FileMailer`] wrote, and samples, as a mail client would.

use std::path::Path;

use chrono::{DateTime, Utc};
use mail_parser::{MessageParser, MessagePart, MimeHeaders};

use super::envelope::{self, Head};
use super::messages::samples::Sample;
use crate::domain::ids::NoticeId;
use crate::domain::notice::Notice;

/// A mail that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The notice that it was.
    pub id: NoticeId,
    /// From whom, as written.
    pub from: String,
    /// To whom, as written.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// When it was written.
    pub date: DateTime<Utc>,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// The files that came with it.
    pub files: Vec<File>,
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What it is called.
    pub name: String,
    /// Its type, and of a calendar object what it asks.
    pub kind: String,
    /// How long it is, in bytes.
    pub size: usize,
}

/// The latest `limit` mails in `directory`, latest first. What is not a mail is passed over.
pub fn latest(directory: &Path, limit: usize) -> std::io::Result<Vec<Mail>> {
    let mut mails = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let Some(id) = id
            && let Some(mail) = parse(id, &std::fs::read(&path)?)
        {
            mails.push(mail);
        }
    }
    mails.sort_by(|a, b| (b.date, &b.id).cmp(&(a.date, &a.id)));
    mails.truncate(limit);
    Ok(mails)
}

/// One mail in `directory`.
pub fn read(directory: &Path, id: &NoticeId) -> std::io::Result<Option<Mail>> {
    match std::fs::read(directory.join(format!("{id}.eml"))) {
        Ok(bytes) => Ok(parse(id.clone(), &bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A sample as it would arrive.
pub fn of_sample(sample: &Sample, from: &str) -> Result<Mail, String> {
    let id = NoticeId::from_bits(0);
    let text = |error: &dyn std::fmt::Display| format!("the sample {} is no mail: {error}", sample.name);
    let recipient = if sample.to_staff { "ta77@example.edu" } else { "ff524@example.edu" };
    let notice = Notice {
        id: id.clone(),
        dedupe_key: sample.name.to_owned(),
        topic: sample.topic,
        person: None,
        recipient: recipient.to_owned(),
        subject: sample.message.subject.clone(),
        body: sample.message.body.clone(),
        calendar: sample.message.calendar.clone(),
        created_at: sample.written_at,
        stale_at: None,
        attempts: 0,
    };
    let from = from.parse().map_err(|error| text(&error))?;
    let message = envelope::message(&from, &notice, &Head::default()).map_err(|error| text(&error))?;
    parse(id, &message.formatted()).ok_or_else(|| text(&"it can't be read"))
}

fn parse(id: NoticeId, bytes: &[u8]) -> Option<Mail> {
    let message = MessageParser::default().parse(bytes)?;
    let address = |list: Option<&mail_parser::Address<'_>>| {
        let first = list.and_then(mail_parser::Address::first);
        first.and_then(|address| address.address()).unwrap_or_default().to_owned()
    };
    Some(Mail {
        id,
        from: address(message.from()),
        to: address(message.to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: DateTime::from_timestamp(message.date()?.to_timestamp(), 0)?,
        text: message.body_text(0)?.into_owned(),
        // Without a part of its own the reader makes HTML of the text.
        html: message
            .html_bodies()
            .find(|part| part.is_text_html())
            .and_then(|part| part.text_contents().map(str::to_owned)),
        files: message.parts.iter().filter_map(file).collect(),
    })
}

fn file(part: &MessagePart<'_>) -> Option<File> {
    let name = part.attachment_name()?.to_owned();
    let kind = part.content_type()?;
    let method = kind.attribute("method").map(|method| format!(", {method}")).unwrap_or_default();
    let kind = format!("{}/{}{method}", kind.ctype(), kind.subtype().unwrap_or_default());
    Some(File { name, kind, size: part.len() })
}
