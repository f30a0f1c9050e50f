//! `/mailbox` of the demo: the mails that a real course would have sent.

use askama::Template;

use super::layout::{Layout, Section, When};
use crate::mail::plain::{Piece, pieces};

/// The list of mails and, at `/mailbox/{id}`, the open one beside it.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "mailbox.html")]
pub struct MailboxPage {
    /// The frame.
    pub layout: Layout,
    /// The newest first.
    pub mails: Vec<MailRow>,
    /// The mail that is open.
    pub open: Option<Mail>,
    /// Whether these are samples of all mails that there are, and not mails that were sent.
    pub of_samples: bool,
}

/// A mail in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    /// `/mailbox/{id}`.
    pub href: String,
    /// Its subject.
    pub subject: String,
    /// Whom it went to.
    pub to: String,
    /// When it was sent.
    pub when: When,
    /// Whether it is the open one.
    pub current: bool,
}

/// A mail, open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its subject; the page's heading.
    pub subject: String,
    /// Who sent it.
    pub from: String,
    /// Whom it went to.
    pub to: String,
    /// When it was sent.
    pub when: When,
    /// Its Message-ID, without the angle brackets.
    pub message_id: String,
    /// Where its HTML is, for a frame.
    pub frame: Option<String>,
    /// The text, cut at its links; see [`pieces`].
    pub body: Vec<Piece>,
    /// What is attached.
    pub attachments: Vec<Attachment>,
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// `booking.ics`.
    pub name: String,
    /// `text/calendar`.
    pub kind: String,
    /// `1.2 kB`.
    pub size: String,
    /// Where it can be had, if anywhere.
    pub href: Option<String>,
}

impl MailboxPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let row = |id: &str, subject: &str, iso: &str, when: &str| MailRow {
            href: format!("/mailbox/{id}"),
            subject: subject.to_owned(),
            to: "ff524@example.edu".to_owned(),
            when: When::new(iso, when),
            current: false,
        };
        let list = Self {
            layout: Layout::sample("Mailbox", Section::Mailbox),
            mails: vec![
                row(
                    "4",
                    "Ending in 15 min: your Kubernetes cluster, at 18:00",
                    "2026-11-23T17:45:00-05:00",
                    "today 17:45",
                ),
                row(
                    "3",
                    "Your Kubernetes cluster is ready until 18:00 - ssh cc@203.0.113.9",
                    "2026-11-23T13:58:00-05:00",
                    "today 13:58",
                ),
                row(
                    "2",
                    "Booked: Kubernetes cluster, Sat Nov 28, 10:00-15:00",
                    "2026-11-22T21:03:00-05:00",
                    "yesterday 21:03",
                ),
                row(
                    "1",
                    "Booked: Kubernetes cluster, Mon Nov 23, 14:00-18:00",
                    "2026-11-22T21:01:00-05:00",
                    "yesterday 21:01",
                ),
            ],
            open: None,
            of_samples: false,
        };
        let mut open = list.clone();
        "Your Kubernetes cluster is ready until 18:00".clone_into(&mut open.layout.title);
        if let Some(row) = open.mails.get_mut(1) {
            row.current = true;
        }
        open.open = Some(Mail::sample());
        let all = Self { of_samples: true, ..list.clone() };
        let empty = Self { mails: Vec::new(), ..list.clone() };
        vec![
            ("mailbox_list", list),
            ("mailbox_open", open),
            ("mailbox_empty", empty),
            ("mailbox_samples", all),
        ]
    }
}

impl Mail {
    /// The mail that says that a cluster is ready.
    #[must_use]
    pub fn sample() -> Self {
        let text = "Your Kubernetes cluster is ready: ssh cc@203.0.113.9\n\n\
            The booking, with the time left: http://127.0.0.1:8080/bookings/b-7f3a\n\
            The lab and its instructions: http://127.0.0.1:8080/labs/k8s\n\n\
            It ends today at 18:00 (4 h, New York time). Then all three servers and what is on them are deleted, so \
            push your work before.\n\n  node1  203.0.113.9  192.168.1.11\n  node2               192.168.1.12\n  \
            node3               192.168.1.13\n\n\
            You get this because you booked it.\n";
        Self {
            subject: "Your Kubernetes cluster is ready until 18:00 - ssh cc@203.0.113.9".to_owned(),
            from: "Cloud Computing <no-reply@course.example.edu>".to_owned(),
            to: "ff524@example.edu".to_owned(),
            when: When::new("2026-11-23T13:58:00-05:00", "today 13:58"),
            message_id: "ready.b-7f3a@course.example.edu".to_owned(),
            frame: Some("/mailbox/3/html".to_owned()),
            body: pieces(text),
            attachments: vec![Attachment {
                name: "booking.ics".to_owned(),
                kind: "text/calendar".to_owned(),
                size: "1.2 kB".to_owned(),
                href: Some("/mailbox/3/booking.ics".to_owned()),
            }],
        }
    }
}
