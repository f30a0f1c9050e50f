//! What staff have to say, by mail.

use askama::Template;

use super::{LONGEST_SUBJECT, Message, Surroundings, titled};
use crate::domain::announcement::{Announcement, Audience};
use crate::markdown;

#[derive(Template)]
#[template(path = "mail/announced.txt", escape = "none")]
struct Announced<'a> {
    it: Surroundings<'a>,
    contact: &'a str,
    announcement: &'a Announcement,
    url: &'a str,
    personal: &'a [String],
    text: String,
    why: String,
}

/// An announcement. `about` is what its lab or its course is called, and stands first in the subject so that mails about it sort
/// together; `personal` are paragraphs for this one reader, which they read first.
pub fn announced(
    it: Surroundings<'_>,
    contact: &str,
    about: &str,
    announcement: &Announcement,
    url: &str,
    personal: &[String],
    calendar: Option<String>,
) -> Result<Message, askama::Error> {
    let why = match &announcement.audience {
        Audience::Course | Audience::Lab(_) => format!("you are in {}", it.course),
        Audience::Section(section) => {
            format!("you are in section {section} of {}, or staff of it", it.course)
        }
        Audience::Booked { .. } => {
            format!(
                "you have, or had, something booked in {} that this is about, or are staff of it",
                it.course
            )
        }
    };
    let text = markdown::plain(&announcement.text);
    Ok(Message {
        subject: subject(about, &announcement.title),
        body: Announced { it, contact, announcement, url, personal, text, why }.render()?,
        calendar,
    })
}

/// What it is about comes first, unless there is no room for both.
fn subject(about: &str, title: &str) -> String {
    let whole = format!("{about}: {title}");
    if whole.chars().count() <= LONGEST_SUBJECT { whole } else { titled("", title, "") }
}
