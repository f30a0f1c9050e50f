//! `/staff/mail`: what waits to be sent, and what was given up.

use askama::Template;

use super::layout::{Layout, Link, Section, When};

/// Mails that stand in one way, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "outbox.html")]
pub struct OutboxPage {
    /// The frame.
    pub layout: Layout,
    /// How many there are, in a sentence.
    pub answer: String,
    /// What becomes of them.
    pub lead: &'static str,
    /// The ways in which mails stand.
    pub tabs: Vec<Tab>,
    /// The mails.
    pub rows: Vec<OutboxRow>,
    /// Where the form goes that has all of them tried again, if they were given up.
    pub retry_all: Option<String>,
    /// The oldest of them, if this is not the first page.
    pub oldest: Option<String>,
    /// The page after this one, if there is one.
    pub newer: Option<String>,
}

/// A way in which mails stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// The page of them.
    pub link: Link,
    /// How many they are.
    pub count: i64,
    /// Whether it is this page.
    pub chosen: bool,
}

/// A mail in some lines: never its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its id, which its Message-ID has, too.
    pub id: String,
    /// When it was written.
    pub at: When,
    /// Whom it is for; nobody in particular if it goes to the course's own address.
    pub whom: Option<Link>,
    /// What it is about, in a word or two.
    pub topic: &'static str,
    /// Its subject line.
    pub subject: String,
    /// When it is tried next, or told in a digest, if not now.
    pub next: Option<When>,
    /// `Tried 3 times`.
    pub attempts: Option<String>,
    /// The mail server's last words.
    pub words: Option<String>,
    /// Where the form goes that has it tried again, if it was given up.
    pub retry: Option<String>,
}

impl OutboxPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let tab = |name: &str, count, chosen| Tab {
            link: Link::new(format!("/staff/mail?show={}", name.to_lowercase().replace(' ', "_")), name),
            count,
            chosen,
        };
        let tabs = |chosen: &str| {
            [("Waiting", 2), ("Given up", 2), ("Out of date", 1), ("For digests", 0)]
                .map(|(name, count)| tab(name, count, name == chosen))
                .to_vec()
        };
        let waiting = Self {
            layout: Layout::sample_of_staff("Mail", Section::Elsewhere),
            answer: "2 mails wait to be sent.".to_owned(),
            lead: "What is urgent goes first. What could not be sent is tried again after some seconds, then minutes, then each hour.",
            tabs: tabs("Waiting"),
            rows: OutboxRow::samples(),
            retry_all: None,
            oldest: None,
            newer: Some("/staff/mail?show=waiting&after=0123456789ab".to_owned()),
        };
        let retry = |row: OutboxRow| OutboxRow {
            next: None,
            attempts: Some("Tried 60 times".to_owned()),
            retry: Some(format!("/staff/mail/{}/retry", row.id)),
            ..row
        };
        let given_up = Self {
            answer: "2 mails were given up.".to_owned(),
            lead: "The mail server refused them for good, or for two days. Once what it says is mended, have them tried again.",
            tabs: tabs("Given up"),
            rows: OutboxRow::samples().into_iter().map(retry).collect(),
            retry_all: Some("/staff/mail/retry".to_owned()),
            oldest: Some("/staff/mail?show=given_up".to_owned()),
            newer: None,
            ..waiting.clone()
        };
        let none = Self {
            answer: "No mail waits to be sent.".to_owned(),
            tabs: tabs("Waiting").into_iter().map(|tab| Tab { count: 0, ..tab }).collect(),
            rows: Vec::new(),
            newer: None,
            ..waiting.clone()
        };
        vec![("outbox", waiting), ("outbox_given_up", given_up), ("outbox_empty", none)]
    }
}

impl OutboxRow {
    fn samples() -> Vec<Self> {
        let put_off = Self {
            id: "0123456789ab".to_owned(),
            at: When::new("2026-11-24T14:02-05:00", "today 14:02"),
            whom: Some(Link::new("/staff/people/0123456789ab", "ff524")),
            topic: "booking",
            subject: "Booked: Sat Nov 28, 10:00 to 18:00 - Deploy a machine learning service on Kubernetes"
                .to_owned(),
            next: Some(When::new("2026-11-24T15:02-05:00", "today 15:02")),
            attempts: Some("Tried 3 times".to_owned()),
            words: Some("transient error (451): 4.3.0 come back later".to_owned()),
            retry: None,
        };
        let fresh = Self {
            id: "ba9876543210".to_owned(),
            whom: None,
            topic: "failures, for staff",
            subject: "Could not be provided at KVM@TACC: 2 bookings".to_owned(),
            next: None,
            attempts: None,
            words: None,
            ..put_off.clone()
        };
        vec![put_off, fresh]
    }
}
