//! What can befall a call.

use super::step::Step;

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// It is answered with 500, and nothing was done.
    Error,
    /// It is answered with 503 and asked to come again in [`RETRY_AFTER`] seconds.
    Busy,
    /// It is answered with 409.
    Conflict,
    /// It is answered with 404.
    Missing,
    /// It is held until the caller gives up, and never reaches the site.
    TimeoutBefore,
    /// The site does it, and the answer is held until the caller gives up.
    TimeoutAfter,
    /// The connection breaks before the site hears of it.
    CutBefore,
    /// The site does it, and the connection breaks before the answer.
    CutAfter,
    /// The site does it, and the caller is killed before the answer.
    Killed,
    /// The token is refused as one that is over.
    Expired,
    /// The server that it makes is shown in BUILD for ever.
    Stuck,
    /// So is every one that replaces it.
    StuckTwice,
    /// Blazar's words for having no room.
    NoRoom,
}

/// Seconds.
pub(super) const RETRY_AFTER: u16 = 7;
/// What the answers that we make up say.
pub(super) const WORDS: &str = "this was put here by a test";
/// What Blazar says.
const NO_ROOM: &str = "Not enough hosts available";

impl Fault {
    /// What may befall every call that changes something.
    pub(super) const OF_CHANGES: [Self; 8] = [
        Self::Error,
        Self::Busy,
        Self::Conflict,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::CutBefore,
        Self::CutAfter,
        Self::Expired,
    ];
    /// What may befall every call that reads.
    pub(super) const OF_READINGS: [Self; 2] = [Self::Error, Self::CutBefore];

    /// The title of its column.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Error => "500",
            Self::Busy => "503, Retry-After",
            Self::Conflict => "409",
            Self::Missing => "404",
            Self::TimeoutBefore => "time-out before",
            Self::TimeoutAfter => "time-out after",
            Self::CutBefore => "cut before",
            Self::CutAfter => "cut after",
            Self::Killed => "killed after",
            Self::Expired => "401 once",
            Self::Stuck => "BUILD for ever",
            Self::StuckTwice => "BUILD for ever, twice",
            Self::NoRoom => "no room",
        }
    }

    /// Whether the site does what it was asked.
    pub(super) fn has_effect(self) -> bool {
        matches!(self, Self::TimeoutAfter | Self::CutAfter | Self::Killed | Self::Stuck)
    }

    /// Whether the caller waits in vain.
    pub(super) fn holds(self) -> bool {
        matches!(self, Self::TimeoutBefore | Self::TimeoutAfter | Self::Killed)
    }

    /// The answer that is made up, if one is: its status and its body.
    pub(super) fn answer(self) -> Option<(u16, String)> {
        let (status, words) = match self {
            Self::Error => (500, WORDS),
            Self::Busy => (503, WORDS),
            Self::Conflict => (409, WORDS),
            Self::Missing => (404, WORDS),
            Self::Expired => (401, WORDS),
            Self::NoRoom => (500, NO_ROOM),
            _ => return None,
        };
        Some((status, format!(r#"{{"error_message": "{words}"}}"#)))
    }

    /// Whether this is what a student is to read when it befalls `step`. What else went wrong at the same time may be told with
    /// it, and have them wait longer.
    pub(super) fn is_told_in(self, step: &Step, trouble: &str) -> bool {
        let words = self.is_told_as(step);
        let wait = || trouble.rsplit_once("Trying again in ")?.1.strip_suffix(" s.")?.parse().ok();
        words.is_none_or(|words| trouble.contains(&words))
            && (self != Self::Busy || wait().is_some_and(|wait: u16| wait >= RETRY_AFTER))
    }

    /// What the student is to read when it befalls `step`; `None` where nothing went wrong for them.
    pub(super) fn is_told_as(self, step: &Step) -> Option<String> {
        Some(match self {
            Self::Error | Self::Busy | Self::Conflict | Self::Missing => WORDS.to_owned(),
            Self::Expired if step.is_for_a_token() => WORDS.to_owned(),
            Self::Expired | Self::Killed => return None,
            Self::NoRoom => format!("the site has no room: {NO_ROOM}"),
            Self::Stuck => {
                "node1 came up broken (it was not up after 30 minutes); it is being replaced.".to_owned()
            }
            Self::StuckTwice => "node1 came up broken twice: it was not up after 30 minutes".to_owned(),
            _ if step.changes() && !step.is_for_a_token() => "the site did not answer: ".to_owned(),
            _ => "the site could not do it now: ".to_owned(),
        })
    }
}
