//! `/me`: the person's own page.

use askama::Template;

use super::layout::{Layout, Link, Problem, Section, When};
use super::reaper::{MarkState, Thing};
use super::tokens::{TokenState, Tokens};

mod sessions;

pub use sessions::{SessionLine, SessionsPart};

/// Who the course takes the reader for, and the SSH key that servers let in.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "me.html")]
pub struct MePage {
    /// The frame.
    pub layout: Layout,
    /// The university's id.
    pub net_id: String,
    /// `even` or `odd`.
    pub parity: String,
    /// Why: `Its last digit is 4.`
    pub parity_reason: String,
    /// What follows from it this week and the next, in a sentence.
    pub parity_days: String,
    /// Where mails go.
    pub mail: String,
    /// What they made by hand and the reaper has marked, if there is something.
    pub by_hand: Option<ByHandPart>,
    /// The key that is saved.
    pub key: Option<SavedKey>,
    /// What was typed, when it was refused; never a private key, which must not travel back.
    pub key_text: String,
    /// Why it was refused; the field's id is `public_key`.
    pub problems: Vec<Problem>,
    /// What one has used.
    pub usage: Usage,
    /// Which mails come.
    pub mails: MailChoices,
    /// The address of one's calendar.
    pub calendar: CalendarPart,
    /// That of the course's, for staff.
    pub course_calendar: Option<CalendarPart>,
    /// Where one is signed in.
    pub sessions: SessionsPart,
    /// The tokens of one's programs, if one may have some.
    pub tokens: Option<Tokens>,
    /// Whether one says what services there are.
    pub appoints: bool,
}

/// The secret address of a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CalendarPart {
    /// When it was made, if there is one.
    pub made: Option<When>,
}

/// What one made by hand and the reaper has marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHandPart {
    /// What that means, in a sentence or two.
    pub text: String,
    /// The objects, the first due first.
    pub rows: Vec<Thing>,
}

impl ByHandPart {
    fn sample() -> Self {
        let told = Thing { whose: None, exempt: None, ..Thing::sample() };
        let restored = Thing {
            name: "volume data-with-a-long-name-cloud-ff524".to_owned(),
            state: Some(MarkState::Restored),
            next: None,
            note: Some("It was taken back, and is left alone until today 22:00.".to_owned()),
            restore: None,
            ..told.clone()
        };
        Self {
            text: "You made these yourself at a site, outside of a booking. Restore leaves one alone for some hours.".to_owned(),
            rows: vec![told, restored],
        }
    }
}

/// What one has used or booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// A line a lab.
    pub rows: Vec<UsageRow>,
    /// What the labs come to, if the course bounds that.
    pub in_all: Option<String>,
}

/// What one has used or booked of a lab, and of how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The lab.
    pub lab: Link,
    /// `4 h of 10 h`.
    pub hours: String,
    /// `2 of 5`.
    pub bookings: String,
    /// `1.5 SU of 20 SU`.
    pub su: String,
    /// `1 of 2`.
    pub ahead: String,
}

impl Usage {
    fn sample() -> Self {
        let row = |id: &str, title: &str, hours: &str, bookings: &str, su: &str, ahead: &str| UsageRow {
            lab: Link::new(format!("/labs/{id}"), title),
            hours: hours.to_owned(),
            bookings: bookings.to_owned(),
            su: su.to_owned(),
            ahead: ahead.to_owned(),
        };
        let k8s = "Deploy a machine learning service on Kubernetes";
        Self {
            rows: vec![
                row("k8s", k8s, "4 h 30 min of 10 h", "2 of 5", "0.96 SU of 20 SU", "1 of 2"),
                row("gpu", "Train on a GPU", "0 h", "0", "0 SU", "0 of 1"),
            ],
            in_all: Some("In all labs together you have used or booked 0.96 SU of 40 SU.".to_owned()),
        }
    }
}

/// Which mails come, of those that may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailChoices {
    /// When one may be warned of a booking's end; any number of them.
    pub reminders: Vec<Reminder>,
    /// The others, each with the ways to hear of it.
    pub topics: Vec<TopicChoice>,
    /// That mail to their address comes back, if it does.
    pub bounce: Option<Returned>,
}

/// How one hears of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicChoice {
    /// The topic's word, under which the form sends the way.
    pub name: &'static str,
    /// What it is about.
    pub label: &'static str,
    /// The ways that it has.
    pub ways: Vec<WayOption>,
}

/// A way to hear of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOption {
    /// What the form sends.
    pub value: &'static str,
    /// What it is called.
    pub text: &'static str,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// That mail to someone comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// From which address.
    pub address: String,
    /// Since when.
    pub since: When,
    /// The mail server's words.
    pub words: String,
}

impl Returned {
    /// One that came back.
    fn sample() -> Self {
        Self {
            address: "ff524@example.edu".to_owned(),
            since: When::new("2026-11-23T14:02-05:00", "yesterday 14:02"),
            words: "permanent error (550): 5.1.1 <ff524@example.edu>: no such mailbox".to_owned(),
        }
    }
}

/// One time to be warned at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// What the form sends.
    pub value: String,
    /// `15 minutes before`.
    pub text: String,
    /// Whether the person wants it.
    pub chosen: bool,
}

impl MailChoices {
    fn sample() -> Self {
        let reminder = |value: &str, text: &str, chosen| Reminder {
            value: value.to_owned(),
            text: text.to_owned(),
            chosen,
        };
        let way = |value, text, chosen| WayOption { value, text, chosen };
        Self {
            reminders: vec![
                reminder("15", "15 minutes before", true),
                reminder("30", "30 minutes before", false),
                reminder("60", "60 minutes before", true),
            ],
            topics: vec![
                TopicChoice {
                    name: "ready",
                    label: "My servers are ready, and how to get in",
                    ways: vec![way("at_once", "at once", true), way("never", "not at all", false)],
                },
                TopicChoice {
                    name: "ended",
                    label: "A booking is over and everything is deleted",
                    ways: vec![
                        way("at_once", "at once", false),
                        way("digest", "in one mail a day, at 08:00", true),
                        way("never", "not at all", false),
                    ],
                },
            ],
            bounce: None,
        }
    }
}

/// A saved SSH public key, as one recognises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedKey {
    /// `ssh-ed25519`.
    pub kind: String,
    /// `ff524@laptop`; may be empty.
    pub comment: String,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl MePage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let none = Self {
            layout: Layout::sample("Me", Section::Me),
            net_id: "ff524".to_owned(),
            parity: "even".to_owned(),
            parity_reason: "Its last digit is 4.".to_owned(),
            parity_days: "This week you may start on Sat, Mon or Wed; next week on Sun, Tue or Thu."
                .to_owned(),
            mail: "ff524@example.edu".to_owned(),
            by_hand: None,
            key: None,
            key_text: String::new(),
            problems: Vec::new(),
            usage: Usage { rows: Vec::new(), in_all: None },
            mails: MailChoices::sample(),
            calendar: CalendarPart::default(),
            course_calendar: None,
            sessions: SessionsPart::sample(),
            tokens: Some(Tokens::sample_of_none("/me/tokens")),
            appoints: false,
        };
        let saved = Self {
            key: Some(SavedKey {
                kind: "ssh-ed25519".to_owned(),
                comment: "ff524@laptop".to_owned(),
                fingerprint: "SHA256:jXcGmUbTzkqO1m7q2TfHn0gVQdR8h5yLhJ4oTqkPZ5c".to_owned(),
            }),
            usage: Usage::sample(),
            calendar: CalendarPart { made: Some(When::new("2026-11-20T09:12-05:00", "Fri Nov 20, 09:12")) },
            tokens: Some(Tokens::sample("/me/tokens")),
            ..none.clone()
        };
        let invalid = Self {
            key_text: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJq4T0 ff524@laptop".to_owned(),
            problems: vec![Problem::with_field(
                "public_key",
                "The key is cut off: after ssh-ed25519 there should be 68 letters and digits, here are 31. Copy all of it.",
            )],
            ..none.clone()
        };
        let private = Self {
            problems: vec![Problem::with_field(
                "public_key",
                "This is a private key. It was not saved; never send it to anyone. Paste the file that ends in .pub.",
            )],
            ..none.clone()
        };
        let looked_at = Self {
            layout: Layout::sample_of_looking("Me", Section::Me),
            sessions: SessionsPart { hidden: true, rows: Vec::new(), ..SessionsPart::sample() },
            ..saved.clone()
        };
        let by_hand = Self { by_hand: Some(ByHandPart::sample()), ..saved.clone() };
        let token_refused = Self { tokens: Some(Tokens::sample_of_refused("/me/tokens")), ..saved.clone() };
        let of_staff = Layout::sample_of_staff("Me", Section::Me);
        let course_calendar = Some(CalendarPart::default());
        let instructor = Self { layout: of_staff, appoints: true, course_calendar, ..saved.clone() };
        let returned = MailChoices { bounce: Some(Returned::sample()), ..MailChoices::sample() };
        let returned = Self { mails: returned, ..saved.clone() };
        vec![
            ("me_mail_returned", returned),
            ("me_token_refused", token_refused),
            ("me_instructor", instructor),
            ("me_no_key", none),
            ("me_saved", saved),
            ("me_looked_at", looked_at),
            ("me_by_hand", by_hand),
            ("me_invalid", invalid),
            ("me_private", private),
        ]
    }
}
