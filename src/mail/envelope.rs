//! A notice as a MIME message.

use lettre::Message;
use lettre::message::header::{ContentType, ContentTypeErr};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::domain::notice::Notice;

/// Why a notice can't be made a message.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The recipient is not a mail address.
    #[error("the recipient has no mail address: {0}")]
    Recipient(#[from] lettre::address::AddressError),
    /// The calendar object names a method that no header can hold.
    #[error("the calendar object has no method: {0}")]
    Method(#[from] ContentTypeErr),
    /// It can't be put together.
    #[error("the mail can't be put together: {0}")]
    Message(#[from] lettre::error::Error),
}

/// The notice as a message. Its Message-ID comes from the notice's id alone.
pub fn message(from: &Mailbox, notice: &Notice) -> Result<Message, EnvelopeError> {
    let recipient: Mailbox = notice.recipient.parse()?;
    let builder = Message::builder()
        .message_id(Some(format!("<{}@{}>", notice.id, from.email.domain())))
        .date(notice.created_at.into())
        .from(from.clone())
        .to(recipient)
        .subject(&notice.subject);
    let built = match &notice.calendar {
        None => builder.singlepart(SinglePart::plain(notice.body.clone())),
        Some(calendar) => builder.multipart(
            MultiPart::alternative()
                .singlepart(SinglePart::plain(notice.body.clone()))
                .singlepart(calendar_part(calendar)?),
        ),
    };
    Ok(built?)
}

/// Mail clients offer to answer an invitation if the part's method is that of the object in it.
fn calendar_part(calendar: &str) -> Result<SinglePart, EnvelopeError> {
    let method = calendar.lines().find_map(|line| line.strip_prefix("METHOD:")).unwrap_or("PUBLISH");
    let header = ContentType::parse(&format!("text/calendar; charset=utf-8; method={method}"))?;
    Ok(SinglePart::builder().header(header).body(calendar.to_owned()))
}
