//! How a site does, from what its calls came to.

use chrono::{DateTime, Utc};

use super::ids::SiteId;

/// Whether a site can be worked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It answers.
    Up,
    /// It fails too often to rely on it; work goes on.
    Degraded,
    /// It does not answer; its bookings rest.
    Down,
}

impl Condition {
    /// Each of them, the best first.
    pub const ALL: [Self; 3] = [Self::Up, Self::Degraded, Self::Down];

    /// The condition in a word, as stored, in the API and in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }

    /// Reads what [`Condition::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.word() == word)
    }
}

/// A call that failed by a fault of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind of error in a word, such as `transient`.
    pub class: String,
    /// The site's own words, fit for staff.
    pub message: String,
}

/// What one call showed of a site: it answered, or failed by a fault of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// When the call ended.
    pub at: DateTime<Utc>,
    /// The fault; none if the site answered, be it to refuse.
    pub fault: Option<Fault>,
}

/// How a site does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it can be worked with.
    pub condition: Condition,
    /// Since when: of trouble, the first failure that led to it.
    pub since: DateTime<Utc>,
    /// Failures in a row, up to the latest call.
    pub failures: i32,
    /// Answers in a row, up to the latest call.
    pub successes: i32,
    /// The first of the failures in a row.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it last answered.
    pub last_ok: Option<DateTime<Utc>>,
    /// The latest fault, and when that was.
    pub last_fault: Option<(DateTime<Utc>, Fault)>,
}

impl Health {
    /// A site of which nothing was seen yet.
    pub fn unseen(now: DateTime<Utc>) -> Self {
        Self {
            condition: Condition::Up,
            since: now,
            failures: 0,
            successes: 0,
            failing_since: None,
            last_ok: None,
            last_fault: None,
        }
    }

    /// Whether its bookings are worked on.
    pub fn takes_work(&self) -> bool {
        self.condition != Condition::Down
    }
}

/// What the calls of one operation at one site came to in five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTally {
    /// The site.
    pub site: SiteId,
    /// The operation: `list`, `ensure_server`.
    pub operation: String,
    /// When the five minutes began.
    pub from: DateTime<Utc>,
    /// Calls that ended in them.
    pub calls: i64,
    /// How many of those failed by a fault of the site.
    pub failures: i64,
    /// How long they took together, in milliseconds.
    pub total_ms: i64,
    /// How long the longest took, in milliseconds.
    pub max_ms: i64,
}
