//! A standing lease on the page of sites.

use super::{Icon, When};

/// A lease that staff hold for a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseLine {
    /// Its name.
    pub name: String,
    /// The pool that draws on it.
    pub pool: String,
    /// How it is.
    pub state: LeaseState,
    /// When it ends, if it was ever there.
    pub ends: Option<When>,
    /// What is to come of it, in sentences.
    pub text: String,
    /// What is wrong and what to do about it, in sentences.
    pub trouble: Option<String>,
    /// When it was last looked at.
    pub seen: Option<When>,
    /// When the service last renewed it.
    pub renewed: Option<When>,
}

/// How a standing lease is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// Nothing was seen of it yet.
    Unseen,
    /// Nobody needs it now.
    Idle,
    /// It is as it is to be.
    Good,
    /// Renewing it failed, and is tried again.
    Tried,
    /// Staff have to do something.
    Trouble,
}

impl LeaseState {
    /// The state in a few words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unseen => "not looked at yet",
            Self::Idle => "not needed now",
            Self::Good => "stands",
            Self::Tried => "not renewed yet",
            Self::Trouble => "needs you",
        }
    }

    /// The name of the style.
    pub fn class(self) -> &'static str {
        match self {
            Self::Unseen | Self::Idle => "calm",
            Self::Good => "good",
            Self::Tried => "work",
            Self::Trouble => "bad",
        }
    }

    /// The shape that says the same as the colour.
    pub fn icon(self) -> Icon {
        match self {
            Self::Unseen | Self::Idle => Icon("circle-dashed"),
            Self::Good => Icon("circle-check"),
            Self::Tried => Icon("triangle-alert"),
            Self::Trouble => Icon("circle-x"),
        }
    }
}

impl LeaseLine {
    pub(super) fn good() -> Self {
        Self {
            name: "course-nodes".to_owned(),
            pool: "gpus".to_owned(),
            state: LeaseState::Good,
            ends: Some(When::new("2026-11-29T12:00-05:00", "Sun Nov 29, 12:00")),
            text: "It is renewed Fri Nov 27, 12:00, for 7 days from then on. Bookings reach beyond its end, up to Tue Dec 1, 18:00."
                .to_owned(),
            trouble: None,
            seen: Some(When::new("2026-11-24T14:07-05:00", "today 14:07")),
            renewed: Some(When::new("2026-11-22T12:07-05:00", "Sun Nov 22, 12:07")),
        }
    }

    pub(super) fn trouble() -> Self {
        Self {
            name: "course-cpus".to_owned(),
            state: LeaseState::Trouble,
            text: String::new(),
            trouble: Some(
                "It could not be renewed: the site has no room: Not enough hosts available. Extend it at the site by \
                 hand, or make a new lease with the same name for the time after it. Renewing is tried again each hour."
                    .to_owned(),
            ),
            renewed: None,
            ..Self::good()
        }
    }
}
