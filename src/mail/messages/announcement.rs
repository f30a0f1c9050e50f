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
    first: String,
    personal: &'a [String],
    text: String,
    why: String,
}

/// What an announcement is for one reader alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Personal {
    /// The fact, in a few words: it begins the subject and the mail.
    pub headline: String,
    /// Paragraphs, which they read first.
    pub paragraphs: Vec<String>,
    /// What their calendar has to know.
    pub calendar: Option<String>,
}

/// An announcement. `about` is what its lab or its course is called, and stands first in the subject so that mails about it sort
/// together, unless there is something `personal`.
pub fn announced(
    it: Surroundings<'_>,
    contact: &str,
    about: &str,
    announcement: &Announcement,
    url: &str,
    personal: Option<&Personal>,
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
    let title = &announcement.title;
    let (subject, first) = match personal {
        None => (subject(about, title), format!("{} announces", it.course)),
        Some(own) => (titled(&format!("{}: ", own.headline), title, ""), own.headline.clone()),
    };
    let calendar = personal.and_then(|own| own.calendar.clone());
    let personal = personal.map_or(&[][..], |own| &own.paragraphs);
    let body = Announced { it, contact, announcement, url, first, personal, text, why };
    Ok(Message { subject, body: body.render()?, calendar })
}

/// What it is about comes first, unless there is no room for both.
fn subject(about: &str, title: &str) -> String {
    let whole = format!("{about}: {title}");
    if whole.chars().count() <= LONGEST_SUBJECT { whole } else { titled("", title, "") }
}
