//! A notice as a MIME message: its text, the same as HTML, and the calendar objects that go with it.

use lettre::Message;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, ContentTypeErr, HeaderName, HeaderValue,
};
use lettre::message::{Attachment, Body, Mailbox, MessageBuilder, MultiPart, SinglePart};

use super::{calendar, html};
use crate::domain::notice::Notice;

/// Why a notice can't be made a message.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// An address is none for mail.
    #[error("no mail address: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// The calendar object names a method that no header can hold.
    #[error("the calendar object has no method: {0}")]
    Method(#[from] ContentTypeErr),
    /// The HTML can't be written.
    #[error("the mail can't be written as HTML: {0}")]
    Html(#[from] askama::Error),
    /// It can't be put together.
    #[error("the mail can't be put together: {0}")]
    Message(#[from] lettre::error::Error),
}

/// What the head of a mail tells, besides from whom and to whom it is and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The course that it is from.
    pub course: Option<From>,
    /// The address at which mails of its kind can be turned off, if they can: by a POST, as RFC 8058 has it.
    pub unsubscribe: Option<String>,
}

/// From what course a mail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// What tells it from others of the same sender: letters, digits and hyphens.
    pub label: String,
    /// Its title.
    pub title: String,
    /// The address that answers go to.
    pub contact: String,
}

/// The notice as a message. Its Message-ID comes from the notice's id alone.
pub fn message(from: &Mailbox, notice: &Notice, head: &Head) -> Result<Message, EnvelopeError> {
    let recipient: Mailbox = notice.recipient.parse()?;
    let builder = Message::builder()
        .message_id(Some(format!("<{}@{}>", notice.id, from.email.domain())))
        .date(notice.created_at.into())
        .from(from.clone())
        .to(recipient)
        .subject(&notice.subject);
    let builder = with_head(builder, from, head);
    let written = MultiPart::alternative()
        .singlepart(SinglePart::plain(notice.body.clone()))
        .singlepart(SinglePart::html(html::of(&notice.subject, &notice.body)?));
    let objects = notice.calendar.as_deref().map(calendar::objects).unwrap_or_default();
    let Some(first) = objects.first() else { return Ok(builder.multipart(written)?) };
    let mut all = MultiPart::mixed().multipart(written.singlepart(calendar_part(first)?));
    for (at, object) in objects.iter().enumerate() {
        all = all.singlepart(attached(object, at)?);
    }
    Ok(builder.multipart(all)?)
}

/// That no person wrote it, of what list it is, whom to answer, and how to get no more of its kind.
fn with_head(mut builder: MessageBuilder, from: &Mailbox, head: &Head) -> MessageBuilder {
    builder = builder.raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
    if let Some(course) = &head.course {
        let list = format!("{} <{}.{}>", phrase(&course.title), course.label, from.email.domain());
        builder = builder.raw_header(header("List-Id", list));
        // A course without an address for mail is still heard.
        if let Ok(contact) = course.contact.parse() {
            builder = builder.reply_to(contact);
        }
    }
    if let Some(address) = &head.unsubscribe {
        builder = builder.raw_header(header("List-Unsubscribe", format!("<{address}>")));
        let one_click = "List-Unsubscribe=One-Click".to_owned();
        builder = builder.raw_header(header("List-Unsubscribe-Post", one_click));
    }
    builder
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Words as a header may have them before an address in angle brackets.
fn phrase(words: &str) -> String {
    let plain = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    plain.collect::<Vec<_>>().join(" ")
}

/// Mail clients offer to answer an invitation if the part's method is that of the object in it.
fn calendar_part(object: &str) -> Result<SinglePart, EnvelopeError> {
    let kind = format!("text/calendar; charset=utf-8; method={}", calendar::method(object));
    Ok(SinglePart::builder().header(ContentType::parse(&kind)?).body(object.to_owned()))
}

/// The same as a file, for programs that look for one there: the only place of a second object.
fn attached(object: &str, at: usize) -> Result<SinglePart, EnvelopeError> {
    let method = calendar::method(object);
    let word = if method == "CANCEL" { "cancelled" } else { "invite" };
    let number = if at == 0 { String::new() } else { format!("-{}", at + 1) };
    let name = format!("{word}{number}.ics");
    let kind = format!("application/ics; charset=utf-8; method={method}; name=\"{name}\"");
    // As bytes, so that nothing on the way takes its line ends for a text's.
    let body = Body::new_with_encoding(object.as_bytes().to_vec(), ContentTransferEncoding::Base64);
    let body = body.unwrap_or_else(Body::new);
    Ok(Attachment::new(name).body(body, ContentType::parse(&kind)?))
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders as _};

    use super::*;
    use crate::domain::ids::NoticeId;
    use crate::domain::notice::Topic;

    fn object(method: &str, uid: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    fn notice(calendar: Option<String>) -> Notice {
        Notice {
            id: NoticeId::from_bits(5),
            dedupe_key: "of a test".to_owned(),
            topic: Topic::Ready,
            person: None,
            recipient: "ff524@example.edu".to_owned(),
            subject: "Übungen: Sat Feb 8".to_owned(),
            body: "It is über.\n\nYour booking: https://f/b\n\n--\nBecause.".to_owned(),
            calendar,
            created_at: "2025-02-08T15:00:00Z".parse().unwrap(),
            stale_at: None,
            attempts: 0,
        }
    }

    fn sent(calendar: Option<String>, head: &Head) -> String {
        let from = "Fairlease <fairlease@example.edu>".parse().unwrap();
        String::from_utf8(message(&from, &notice(calendar), head).unwrap().formatted()).unwrap()
    }

    #[test]
    fn of_several_objects_the_first_is_shown_and_each_is_a_file() {
        let two = format!("{}{}", object("CANCEL", "one"), object("REQUEST", "two"));
        assert_eq!(calendar::objects(&two), [object("CANCEL", "one"), object("REQUEST", "two")]);
        let sent = sent(Some(two), &Head::default());
        let read = MessageParser::default().parse(&sent).unwrap();
        let shown = read.parts.iter().find(|part| part.is_content_type("text", "calendar")).unwrap();
        assert_eq!(shown.text_contents().unwrap().trim(), object("CANCEL", "one").trim());
        let files: Vec<_> = read.attachments().filter_map(|part| part.attachment_name()).collect();
        assert_eq!(files, ["cancelled.ics", "invite-2.ics"]);
        let second = read.attachments().find(|part| part.attachment_name() == Some("invite-2.ics")).unwrap();
        assert_eq!(second.contents(), object("REQUEST", "two").as_bytes());
        assert_eq!(second.content_type().unwrap().attribute("method"), Some("REQUEST"));
    }

    #[test]
    fn without_an_object_there_are_two_ways_to_read_it() {
        let sent = sent(None, &Head::default());
        let read = MessageParser::default().parse(&sent).unwrap();
        assert!(read.is_content_type("multipart", "alternative"));
        assert_eq!(read.body_text(0).unwrap().replace("\r\n", "\n"), notice(None).body);
        assert!(read.body_html(0).unwrap().contains("<a href=\"https://f/b\""));
        assert_eq!((read.text_body_count(), read.attachment_count()), (1, 0));
        assert!(!sent.contains("List-"), "{sent}");
    }

    #[test]
    fn a_head_holds_any_title_and_a_long_address() {
        let address = format!("https://fairlease.example.edu/links/{}", "aB3-_".repeat(60));
        let course = From {
            label: "00ab12".to_owned(),
            title: "Übungen <und>, \"mehr\"\r\nBcc: x@example.edu".to_owned(),
            contact: "course-staff@example.edu".to_owned(),
        };
        let sent = sent(None, &Head { course: Some(course), unsubscribe: Some(address.clone()) });
        let read = MessageParser::default().parse(&sent).unwrap();
        assert!(read.bcc().is_none(), "{sent}");
        assert_eq!(read.header_raw("List-Unsubscribe").unwrap().trim(), format!("<{address}>"));
        assert_eq!(read.header_raw("List-Unsubscribe-Post").unwrap().trim(), "List-Unsubscribe=One-Click");
        assert!(read.header_raw("List-Id").unwrap().trim().ends_with("<00ab12.example.edu>"), "{sent}");
        assert_eq!(read.reply_to().unwrap().first().unwrap().address(), Some("course-staff@example.edu"));
    }
}
