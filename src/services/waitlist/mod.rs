//! Those who wait for a place: joining the line, going through it when something has become free, and answering offers.
//!
//! An offer is a booking in the state `offered`: it holds its units, its student's seat and its charge like any other, so
//! nobody else can have it and no rule is forgotten. Whoever goes through a line holds its pools' locks, and whoever joins,
//! leaves or answers takes its pool's too: so two processes never give one place twice, and an offer that is taken in the
//! moment in which it is over ends one way.
//!
//! Whatever gives units back notes it in the same transaction (`db::call_waitlist`). While such a note stands, nobody books
//! directly what someone in line may have ([`claims`]); whoever goes through the line takes the note.

mod answer;
mod choices;
mod give;
mod join;
mod line;
mod outlook;
mod receipt;
mod turn;

pub(in crate::services) use self::answer::decline;
pub use self::answer::{accept, pass};
pub use self::choices::{Choices, Part, choices};
pub use self::join::{join, leave};
pub use self::outlook::{MyWait, Outlook, Waiter, in_line, mine, outlook};
pub use self::receipt::{Finding, Replay, Replayed, TURN, receipts_of, replay};
pub(in crate::services) use self::turn::claims;
pub use self::turn::{go_through_all, step};

use crate::db::{DbError, MaybeDbError};
use crate::domain::ids::{BookingId, LabId, WaitId};
use crate::policy::admission::Violation;
use crate::services::booking::BookingError;

/// Why something about waiting was not done.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// There is no such lab.
    #[error("there is no lab \"{0}\"")]
    NoSuchLab(LabId),
    /// The person has no such place in line that is open.
    #[error("you do not wait in the line \"{0}\"")]
    NoSuchWait(WaitId),
    /// There is no such offer, or it is not this person's.
    #[error("there is no offer \"{0}\"")]
    NoSuchOffer(BookingId),
    /// The person waits for the lab already.
    #[error("you wait for this lab already, as {0}: leave that line first, or change nothing")]
    AlreadyWaiting(WaitId),
    /// What was asked for makes no sense.
    #[error("{0}")]
    BadWish(String),
    /// These rules stand against every slot that was asked for, whatever becomes free. Never empty.
    #[error("{} rules stand against every slot that was asked for", .violations.len())]
    Never {
        /// The rules.
        violations: Vec<Violation>,
        /// The course's zone, for the sentences.
        zone: chrono_tz::Tz,
    },
    /// The person has no SSH public key, without which nobody could use the servers.
    #[error("there is no SSH public key to put on the servers")]
    NoKey,
    /// The offer was passed, was not answered in time, or its booking is over.
    #[error("the offer is over")]
    OfferOver,
    /// The booking could not be made.
    #[error(transparent)]
    Booking(BookingError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<BookingError> for WaitError {
    fn from(error: BookingError) -> Self {
        match error {
            BookingError::Db(error) => Self::Db(error),
            BookingError::NoKey => Self::NoKey,
            BookingError::NoSuchLab(lab) => Self::NoSuchLab(lab),
            BookingError::NoSuchBooking(id) => Self::NoSuchOffer(id),
            other => Self::Booking(other),
        }
    }
}

impl MaybeDbError for WaitError {
    fn lost_a_race(&self) -> bool {
        match self {
            Self::Db(error) => error.lost_a_race(),
            Self::Booking(error) => error.lost_a_race(),
            _ => false,
        }
    }
}
