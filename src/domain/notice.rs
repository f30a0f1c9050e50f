//! Messages to people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{NoticeId, PersonId};

/// What a notice is about. By this its reader chooses what to get and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// What has gathered since the day before.
    Digest,
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
    pub const ALL: [Self; 15] = [
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
        Self::Digest,
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
            Self::Digest => "digest",
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

    /// The topic as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Ready => "ready",
            Self::Ending => "ends soon",
            Self::Unused => "not used",
            Self::Ended => "ended",
            Self::Failed => "not provided",
            Self::Waiting => "waiting line",
            Self::Reaper => "reaper",
            Self::Enrolment => "enrolment",
            Self::Announcement => "announcement",
            Self::Digest => "digest",
            Self::Failures => "failures, for staff",
            Self::Outage => "outage, for staff",
            Self::Lease => "lease, for staff",
            Self::ReaperReport => "reaper report, for staff",
        }
    }

    /// The ways in which its reader may have it told; the first is what they have who never chose. One that asks for an answer,
    /// keeps a calendar right or tells of a loss is required: told at once, whatever its reader says. (Of [`Topic::Ending`] one
    /// chooses the times, and may choose none.) What staff say to the course may wait for a digest, and nobody can turn it off.
    /// What is of no use the day after has no digest.
    pub fn ways(self) -> &'static [Way] {
        match self {
            Self::Ready => &[Way::AtOnce, Way::Never],
            Self::Ended | Self::ReaperReport => &[Way::AtOnce, Way::Digest, Way::Never],
            Self::Announcement | Self::Failures => &[Way::AtOnce, Way::Digest],
            Self::Booking
            | Self::Ending
            | Self::Unused
            | Self::Failed
            | Self::Waiting
            | Self::Reaper
            | Self::Enrolment
            | Self::Digest
            | Self::Outage
            | Self::Lease => &[Way::AtOnce],
        }
    }

    /// Whether it is told at once, whatever its reader says.
    pub fn is_required(self) -> bool {
        self.ways() == [Way::AtOnce]
    }

    /// Whether a digest may take it.
    pub fn may_gather(self) -> bool {
        self.ways().contains(&Way::Digest)
    }

    /// Whether it goes before others: what someone has to act on, or what a calendar has to know.
    pub fn is_urgent(self) -> bool {
        match self {
            Self::Booking
            | Self::Ready
            | Self::Ending
            | Self::Unused
            | Self::Failed
            | Self::Waiting
            | Self::Reaper
            | Self::Enrolment => true,
            Self::Ended
            | Self::Announcement
            | Self::Digest
            | Self::Failures
            | Self::Outage
            | Self::Lease
            | Self::ReaperReport => false,
        }
    }
}

/// How someone wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// As it happens.
    AtOnce,
    /// Once a day, with what else has gathered.
    Digest,
    /// Not at all.
    Never,
}

impl Way {
    /// Every way, the promptest first.
    pub const ALL: [Self; 3] = [Self::AtOnce, Self::Digest, Self::Never];

    /// The way in a word, as stored and as forms send it.
    pub fn word(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Digest => "digest",
            Self::Never => "never",
        }
    }

    /// Reads what [`Way::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.word() == word)
    }
}

/// How a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It is to be sent, now or at its next attempt.
    Waiting,
    /// It waits for the next digest of its person.
    Gathering,
    /// A digest took it.
    InDigest,
    /// The mail server took it.
    Sent,
    /// It was given up. Staff can have it tried again.
    GivenUp,
    /// It was not sent: its time was over before it could be.
    OutOfDate,
}

impl Standing {
    /// Every one, in the order in which pages show them.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::GivenUp, Self::OutOfDate, Self::Gathering, Self::InDigest, Self::Sent];

    /// It in a word, as stored and as programs read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Gathering => "gathering",
            Self::InDigest => "in_digest",
            Self::Sent => "sent",
            Self::GivenUp => "given_up",
            Self::OutOfDate => "out_of_date",
        }
    }

    /// Reads what [`Standing::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.word() == word)
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
    /// From then on it is of no use to anyone, and is not sent any more.
    pub stale_at: Option<DateTime<Utc>>,
    /// How often it was tried in vain.
    pub attempts: i32,
}

impl Notice {
    /// Whether it goes before others: by its topic, or since a calendar has to know.
    pub fn is_urgent(&self) -> bool {
        self.topic.is_urgent() || self.calendar.is_some()
    }

    /// Whether a digest may take it: a calendar object can't be told in one.
    pub fn may_gather(&self) -> bool {
        self.topic.may_gather() && self.calendar.is_none() && self.person.is_some()
    }

    /// Whether its time is over.
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        self.stale_at.is_some_and(|at| at <= now)
    }
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
    /// It is given up: the mail server will never take it, or was asked often enough.
    Dead {
        /// The mail server's words.
        error: String,
        /// Whether it is the address that it refuses.
        bounced: bool,
    },
}

/// An address from which mail comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// The address.
    pub address: String,
    /// Since when, without a mail in between that was taken.
    pub since: DateTime<Utc>,
    /// The mail server's words.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written_and_stored_the_same_way() {
        for topic in Topic::ALL {
            assert_eq!(Topic::from_word(topic.word()), Some(topic));
            assert_eq!(serde_json::to_value(topic).unwrap(), topic.word());
        }
        for way in Way::ALL {
            assert_eq!(Way::from_word(way.word()), Some(way));
            assert_eq!(serde_json::to_value(way).unwrap(), way.word());
        }
        for standing in Standing::ALL {
            assert_eq!(Standing::from_word(standing.word()), Some(standing));
        }
    }

    #[test]
    fn what_is_required_is_told_at_once_and_what_is_urgent_never_gathers() {
        for topic in Topic::ALL {
            assert_eq!(topic.ways().first(), Some(&Way::AtOnce), "{topic:?}");
            assert!(!(topic.is_urgent() && topic.may_gather()), "{topic:?}");
        }
        let required = Topic::ALL.into_iter().filter(|topic| topic.is_required()).map(Topic::word);
        assert_eq!(
            required.collect::<Vec<_>>(),
            [
                "booking",
                "ending",
                "unused",
                "failed",
                "waiting",
                "reaper",
                "enrolment",
                "digest",
                "outage",
                "lease"
            ]
        );
        assert!(!Topic::Announcement.ways().contains(&Way::Never));
    }
}
