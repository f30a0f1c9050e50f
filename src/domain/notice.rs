//! Messages to people.

use chrono::{DateTime, Utc};

use super::ids::{NoticeId, PersonId};

/// One message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id, which also makes its Message-ID.
    pub id: NoticeId,
    /// Says what it is about. There is never a second notice with the same one.
    pub dedupe_key: String,
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
