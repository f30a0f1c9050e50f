//! What not every site can do, and what sites said when they were asked for it.

use chrono::{DateTime, Utc};

/// Something that not every site can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// To give a lease that is in force another end.
    Extend,
}

impl Capability {
    /// The capability in a word, as stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Extend => "extend",
        }
    }
}

/// What a site made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experience {
    /// Whether it did what it was asked for.
    pub works: bool,
    /// Since when it has been so, each time that it was asked.
    pub since: DateTime<Utc>,
    /// When it was asked last.
    pub last: DateTime<Utc>,
    /// Its words, where it said that it can't.
    pub words: Option<String>,
}

impl Experience {
    /// What is known after the site was asked once more at `now`. Without `refused` it did what it was asked for.
    #[must_use]
    pub fn after(before: Option<&Self>, refused: Option<String>, now: DateTime<Utc>) -> Self {
        let works = refused.is_none();
        let since = before.filter(|before| before.works == works).map_or(now, |before| before.since);
        Self { works, since, last: now, words: refused }
    }
}
