//! Reads the mail that [`super::delivery::FileMailer`] wrote, as a mail client would.

use std::path::Path;

use chrono::{DateTime, Utc};
use mail_parser::{MessageParser, MimeHeaders};

use crate::domain::ids::NoticeId;

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
    /// The content types of its other parts.
    pub attachments: Vec<String>,
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

fn parse(id: NoticeId, bytes: &[u8]) -> Option<Mail> {
    let message = MessageParser::default().parse(bytes)?;
    let address = |list: Option<&mail_parser::Address<'_>>| {
        let first = list.and_then(mail_parser::Address::first);
        first.and_then(|address| address.address()).unwrap_or_default().to_owned()
    };
    let attachments = message.parts.iter().filter_map(|part| part.content_type()).filter_map(|kind| {
        let name = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
        (name == "text/calendar")
            .then(|| format!("{name}, {}", kind.attribute("method").unwrap_or("no method")))
    });
    Some(Mail {
        id,
        from: address(message.from()),
        to: address(message.to()),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: DateTime::from_timestamp(message.date()?.to_timestamp(), 0)?,
        text: message.body_text(0)?.into_owned(),
        attachments: attachments.collect(),
    })
}
