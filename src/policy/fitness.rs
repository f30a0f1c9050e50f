//! Whether a site fits a course: what the course needs there, and what is to be said of what was seen.

mod access;
mod judge;
mod learned;
mod needs;
mod quotas;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use judge::judge;
pub use learned::learned;
pub use needs::needs;

use crate::domain::fitness::Users;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it should be.
    Pass,
    /// It works, and could be better or will not always.
    Warn,
    /// Bookings will fail.
    Fail,
    /// The site does not tell.
    CantTell,
}

impl Verdict {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::CantTell => "can't tell",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What would be right, if it is not.
    pub right: Option<String>,
}

impl Check {
    fn pass(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Pass, found: found.into(), right: None }
    }

    fn warn(what: impl Into<String>, found: impl Into<String>, right: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, right: Some(right.into()), ..Self::pass(what, found) }
    }

    fn fail(what: impl Into<String>, found: impl Into<String>, right: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, right: Some(right.into()), ..Self::pass(what, found) }
    }

    /// `why` are the site's words.
    fn cant_tell(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { verdict: Verdict::CantTell, ..Self::pass(what, why) }
    }
}

/// "k8s, gpu".
fn listed(labs: &Users) -> String {
    labs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
