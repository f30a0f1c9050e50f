//! Messages to people.

use chrono::{DateTime, Utc};

use super::ids::{NoticeId, PersonId};

/// What a notice is about. By this its reader chooses what to get and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A booking is made, moved or taken back: what a calendar has to know.
    Booking,
    /// A booking can be used.
    Ready,
    /// A booking is about to end.
    Ending,
    /// Nobody uses a booking, so that it will be released.
    Unused,
    /// A booking that was used is over.
    Ended,
    /// A booking could not be provided.
    Failed,
    /// A place in line: something is offered, was not taken in time, or can't come any more.
    Waiting,
    /// The reaper acts on what one made by hand.
    Reaper,
    /// One is not on the roster any more.
    Enrolment,
    /// What staff have to say to the course or to a part of it.
    Announcement,
    /// For staff: bookings that sites could not provide.
    Failures,
    /// For staff: an outage that may be one, or that should be over.
    Outage,
    /// For staff: a lease that they hold needs them.
    Lease,
    /// For staff: what the reaper leaves to them.
    ReaperReport,
}

impl Topic {
    /// All of them, in the order in which pages show them.
    pub const ALL: [Self; 14] = [
        Self::Booking,
        Self::Ready,
        Self::Ending,
        Self::Unused,
        Self::Ended,
        Self::Failed,
        Self::Waiting,
        Self::Reaper,
        Self::Enrolment,
        Self::Announcement,
        Self::Failures,
        Self::Outage,
        Self::Lease,
        Self::ReaperReport,
    ];

    /// The topic in a word, as stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Ready => "ready",
            Self::Ending => "ending",
            Self::Unused => "unused",
            Self::Ended => "ended",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Reaper => "reaper",
            Self::Enrolment => "enrolment",
            Self::Announcement => "announcement",
            Self::Failures => "failures",
            Self::Outage => "outage",
            Self::Lease => "lease",
            Self::ReaperReport => "reaper_report",
        }
    }

    /// Reads what [`Topic::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.word() == word)
    }
}

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id, which also makes its Message-ID.
    pub id: NoticeId,
    /// Says what it is about. There is never a second notice with the same one.
    pub dedupe_key: String,
    /// What it is about.
    pub topic: Topic,
    /// Whom it is for; nobody in particular if it goes to the course's own address.
    pub person: Option<PersonId>,
    /// The address that it goes to.
    pub recipient: String,
    /// Its subject line.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// A calendar object that goes with it, as iCalendar text.
    pub calendar: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// How often it was tried in vain.
    pub attempts: i32,
}

/// What came of an attempt to send a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The mail server took it.
    Sent,
    /// Not now; try again then.
    Later {
        /// The mail server's words.
        error: String,
        /// When to try again.
        at: DateTime<Utc>,
    },
    /// The mail server will never take it.
    Dead {
        /// The mail server's words.
        error: String,
    },
}
