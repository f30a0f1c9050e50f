//! What a plan says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::blueprint::Kind;
use crate::domain::ids::{BookingId, LabId, NetId, SiteId};
use crate::domain::marked::{Idle, Marked, NextStep, Predicate, Target, Whole, kind_in_words};
use crate::domain::reaper::StopBy;
use crate::domain::su::Su;
use crate::policy::fair_share::by_hand::Holding;

/// What a sweep is to do. The dry run prints it, the real run carries it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// As of when it was made.
    pub at: DateTime<Utc>,
    /// What to do, bookings first; then site by site, each kind after those that need it.
    pub actions: Vec<Action>,
    /// Marked objects whose next step is not due yet.
    pub waiting: Vec<Waiting>,
    /// What a predicate covers and is left alone, since staff or its owner said so.
    pub kept: Vec<Told>,
    /// What a predicate covers and is only reported.
    pub reported: Vec<Told>,
    /// Where nothing, or not everything, is done, and why.
    pub skipped: Vec<Skipped>,
    /// What to keep of each listing, to see by it whether the next has shrunk.
    pub wholes: BTreeMap<SiteId, Whole>,
    /// What nothing uses and since when, of each site whose listing was trusted. Of others what is remembered stays.
    #[serde(skip)]
    pub idle: BTreeMap<SiteId, Idle>,
    /// What counts as the usage of whoever made it by hand, at each site whose listing was trusted. Of others nothing is said.
    #[serde(skip)]
    pub held: BTreeMap<SiteId, Holding>,
    /// Bookings of which a server was seen to run for the first time, where no-shows are looked for by that.
    #[serde(skip)]
    pub ran: BTreeSet<BookingId>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// End a booking whose time is over, and delete its resources.
    EndBooking {
        /// The booking.
        booking: BookingId,
        /// Whose it is.
        net_id: NetId,
        /// Its lab.
        lab: LabId,
        /// When it was to end.
        end: DateTime<Utc>,
        /// Why, with its numbers.
        reason: String,
    },
    /// Tell a student that their booking is released if they do not use it.
    WarnNoShow {
        /// The booking.
        booking: BookingId,
        /// Whose it is.
        net_id: NetId,
        /// Its lab.
        lab: LabId,
        /// When it is released.
        release_at: DateTime<Utc>,
        /// Why, with its numbers.
        reason: String,
    },
    /// Release a booking that nobody uses.
    ReleaseNoShow {
        /// The booking.
        booking: BookingId,
        /// Whose it is.
        net_id: NetId,
        /// Its lab.
        lab: LabId,
        /// Why, with its numbers.
        reason: String,
    },
    /// Delete an object that carries our mark and has no booking.
    DeleteOrphan {
        /// The site that has it.
        site: SiteId,
        /// Its kind, told in words.
        #[serde(with = "kind_in_words")]
        kind: Kind,
        /// The site's id of it.
        site_ref: String,
        /// Its name at the site.
        name: String,
        /// The booking that its mark names.
        booking: BookingId,
        /// Why, with its numbers.
        reason: String,
    },
    /// Forget a mark: what it was for holds no more.
    Unmark {
        /// The mark as it was.
        mark: Marked,
        /// Why, in a word.
        why: Unmarked,
        /// Why, in a sentence.
        reason: String,
    },
    /// Mark an object and tell its owner, or staff if it has none.
    Warn {
        /// The mark as it then is.
        mark: Marked,
        /// What comes next, and when; nothing if staff want people to be told only.
        next: Option<(NextStep, DateTime<Utc>)>,
        /// Whether staff are told, too.
        staff: bool,
        /// Why, with its numbers.
        reason: String,
    },
    /// Stop or shelve a server.
    Stop {
        /// The mark as it then is.
        mark: Marked,
        /// How.
        how: StopBy,
        /// When it is deleted.
        delete_at: DateTime<Utc>,
        /// Why, with its numbers.
        reason: String,
    },
    /// Delete an object that someone made by hand.
    Delete {
        /// The mark as it then is.
        mark: Marked,
        /// What that saves.
        saved: Saved,
        /// Why, with its numbers.
        reason: String,
    },
}

impl Action {
    /// What is done, in a few words.
    pub fn what(&self) -> String {
        match self {
            Self::EndBooking { booking, net_id, lab, .. } => {
                format!("end booking {booking} of {net_id} ({lab})")
            }
            Self::WarnNoShow { booking, net_id, lab, .. } => {
                format!("warn {net_id} of releasing booking {booking} ({lab})")
            }
            Self::ReleaseNoShow { booking, net_id, lab, .. } => {
                format!("release booking {booking} of {net_id} ({lab})")
            }
            Self::DeleteOrphan { site, kind, name, .. } => format!("delete {} {name} at {site}", kind.word()),
            Self::Unmark { mark, .. } => format!("unmark {}", mark.target),
            Self::Warn { mark, .. } => match &mark.net_id {
                Some(net_id) => format!("warn {net_id} of {}", mark.target),
                None => format!("tell staff of {}", mark.target),
            },
            Self::Stop { mark, how: StopBy::Stop, .. } => format!("stop {}", mark.target),
            Self::Stop { mark, how: StopBy::Shelve, .. } => format!("shelve {}", mark.target),
            Self::Delete { mark, .. } => format!("delete {}", mark.target),
        }
    }

    /// The object that it is about, unless it is about a booking.
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::EndBooking { .. } | Self::WarnNoShow { .. } | Self::ReleaseNoShow { .. } => None,
            Self::DeleteOrphan { site, kind, site_ref, name, .. } => Some(Target {
                site: site.clone(),
                kind: *kind,
                site_ref: site_ref.clone(),
                name: name.clone(),
            }),
            Self::Unmark { mark, .. }
            | Self::Warn { mark, .. }
            | Self::Stop { mark, .. }
            | Self::Delete { mark, .. } => Some(mark.target.clone()),
        }
    }

    /// The booking that it is about, or that an orphan's mark names.
    pub fn booking(&self) -> Option<&BookingId> {
        match self {
            Self::EndBooking { booking, .. }
            | Self::WarnNoShow { booking, .. }
            | Self::ReleaseNoShow { booking, .. }
            | Self::DeleteOrphan { booking, .. } => Some(booking),
            Self::Unmark { .. } | Self::Warn { .. } | Self::Stop { .. } | Self::Delete { .. } => None,
        }
    }

    /// Whose the booking or the object is, if somebody's.
    pub fn net_id(&self) -> Option<&NetId> {
        match self {
            Self::EndBooking { net_id, .. }
            | Self::WarnNoShow { net_id, .. }
            | Self::ReleaseNoShow { net_id, .. } => Some(net_id),
            Self::DeleteOrphan { .. } => None,
            Self::Unmark { mark, .. }
            | Self::Warn { mark, .. }
            | Self::Stop { mark, .. }
            | Self::Delete { mark, .. } => mark.net_id.as_ref(),
        }
    }

    /// Whether it does something to an object at its site.
    pub fn is_step(&self) -> bool {
        matches!(self, Self::DeleteOrphan { .. } | Self::Stop { .. } | Self::Delete { .. })
    }

    /// Whether `other`, planned by a later look, is the same step of the same object.
    pub fn is_same_step(&self, other: &Self) -> bool {
        let same = match (self, other) {
            (Self::Stop { mark, .. }, Self::Stop { mark: later, .. })
            | (Self::Delete { mark, .. }, Self::Delete { mark: later, .. }) => {
                mark.stage.warned_at() == later.stage.warned_at()
            }
            (Self::DeleteOrphan { .. }, Self::DeleteOrphan { .. }) => true,
            _ => false,
        };
        same && self.target() == other.target()
    }

    /// Why, with its numbers.
    pub fn reason(&self) -> &str {
        match self {
            Self::EndBooking { reason, .. }
            | Self::WarnNoShow { reason, .. }
            | Self::ReleaseNoShow { reason, .. }
            | Self::DeleteOrphan { reason, .. }
            | Self::Unmark { reason, .. }
            | Self::Warn { reason, .. }
            | Self::Stop { reason, .. }
            | Self::Delete { reason, .. } => reason,
        }
    }

    /// By which predicate it is done; nothing for taking a mark away.
    pub fn predicate(&self) -> Option<Predicate> {
        match self {
            Self::EndBooking { .. } => Some(Predicate::PastEnd),
            Self::WarnNoShow { .. } | Self::ReleaseNoShow { .. } => Some(Predicate::NoShow),
            Self::DeleteOrphan { .. } => Some(Predicate::Orphan),
            Self::Unmark { .. } => None,
            Self::Warn { mark, .. } | Self::Stop { mark, .. } | Self::Delete { mark, .. } => {
                Some(mark.predicate)
            }
        }
    }
}

/// Why a mark is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmarked {
    /// The site does not have the object any more.
    Gone,
    /// No predicate covers it any more: it was extended, is used again, or is in order otherwise.
    InOrder,
    /// Staff have exempted it.
    Exempt,
    /// It turned out to be staff's, or nobody's.
    NotTheirs,
    /// Staff want such things to be reported only.
    ReportOnly,
}

/// A marked object whose next step is not due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its mark.
    pub mark: Marked,
    /// What comes next.
    pub next: NextStep,
    /// When.
    pub at: DateTime<Utc>,
    /// Why and when, in the course's zone.
    pub reason: String,
}

/// Something that a predicate covers and on which nothing is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The object.
    pub target: Target,
    /// Which predicate.
    pub predicate: Predicate,
    /// Whose it is, if somebody's.
    pub net_id: Option<NetId>,
    /// What is the matter with it, with its numbers, and why nothing is done.
    pub reason: String,
}

/// Where nothing, or not everything, is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The site.
    pub site: SiteId,
    /// Why, in a word.
    pub why: Skip,
    /// Why, with its numbers.
    pub reason: String,
}

/// Why something was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// The site is down.
    Down,
    /// Its listing failed.
    Failed,
    /// Its listing is not whole.
    Partial,
    /// Its listing is old.
    Stale,
    /// Its listing is much smaller than the last.
    Shrunk,
    /// Its listing is empty, although there are marked objects.
    Empty,
    /// More than a sweep may do.
    TooMany,
    /// These are quiet hours.
    Quiet,
    /// Staff have stopped the reaper.
    Paused,
}

impl Skip {
    /// Whether staff should look at it: it is neither their own wish nor the time of day.
    pub fn is_trouble(self) -> bool {
        !matches!(self, Self::Quiet | Self::Paused)
    }
}

/// What a deletion saves, counted up to `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The end of its lease, or a week from now.
    pub until: DateTime<Utc>,
    /// Minutes for which a server would have gone on; 0 for what is no server.
    pub server_minutes: i64,
    /// Service units that would have been charged, if the prices are known: those of a server on a lease are the lease's.
    pub su: Option<Su>,
}
