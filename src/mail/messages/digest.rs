//! The daily digest.

use askama::Template;
use chrono::{DateTime, Utc};

use super::{Message, Surroundings};
use crate::domain::calendar;

/// Something that gathered.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The subject line that it had as a mail of its own.
    pub subject: &'a str,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// Its text, with its footer.
    pub body: &'a str,
}

impl Item<'_> {
    fn written(&self, it: &Surroundings<'_>) -> String {
        it.with_utc(self.at)
    }

    /// Without its footer: the digest has one of its own.
    fn text(&self) -> &str {
        self.body.split_once("\n--\n").map_or(self.body, |(text, _)| text).trim()
    }
}

#[derive(Template)]
#[template(path = "mail/digest.txt", escape = "none")]
struct Digest<'a> {
    it: Surroundings<'a>,
    first: &'a str,
    items: &'a [Item<'a>],
}

/// "Digest": all that gathered, the oldest first, each with its whole text.
pub fn digest(it: Surroundings<'_>, items: &[Item<'_>]) -> Result<Message, askama::Error> {
    let day = calendar::date(calendar::local_date(it.zone, it.now));
    let (what, first) = match items.len() {
        1 => ("1 thing".to_owned(), "One thing has gathered for you.".to_owned()),
        many => (format!("{many} things"), format!("{many} things have gathered for you.")),
    };
    Ok(Message {
        subject: format!("Digest of {day}: {what} - {}", it.course),
        body: Digest { it, first: &first, items }.render()?,
        calendar: None,
    })
}
