//! Waiting for a place: what a student waits for, and what came of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{BookingId, LabId, PersonId, WaitId};
use super::interval::Interval;

/// The most windows of one wait.
pub const MOST_WINDOWS: usize = 50;

/// Offers that went by unanswered one after the other, after which a wait is over.
pub const MOST_LAPSES: i32 = 3;

/// The most slots that a wait remembers as not wanted.
pub const MOST_PASSED: usize = 50;

/// What a student waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How long the slot is to be, in whole minutes.
    pub length_minutes: i64,
    /// Where it is to lie: within one of these, soonest first and apart from each other. Without any, whenever the lab can be used.
    pub windows: Vec<Interval>,
    /// Whether it is booked at once, in the place of an offer.
    pub auto_accept: bool,
}

impl Asked {
    /// How long the slot is to be.
    pub fn length(&self) -> TimeDelta {
        TimeDelta::minutes(self.length_minutes)
    }
}

/// One student's place in line for a lab. A student waits for a lab once at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Its id.
    pub id: WaitId,
    /// Who waits.
    pub person: PersonId,
    /// The lab.
    pub lab: LabId,
    /// For what.
    pub asked: Asked,
    /// Since when.
    pub joined_at: DateTime<Utc>,
    /// From when on its age counts: since it was joined, or since an offer was passed or not answered.
    pub age_from: DateTime<Utc>,
    /// Offers in a row that were not answered.
    pub lapses: i32,
    /// Slots that were offered and not taken: they are not offered again.
    pub passed: Vec<Interval>,
    /// What is at present.
    pub state: WaitState,
}

/// How a wait is at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitState {
    /// In line.
    Waiting,
    /// This booking is offered.
    Offered(BookingId),
    /// It is over.
    Ended {
        /// When.
        at: DateTime<Utc>,
        /// How.
        outcome: Outcome,
    },
}

/// How a wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With this booking.
    Served(BookingId),
    /// The student does not wait any more.
    Left,
    /// Too many offers went by unanswered.
    Unanswered,
    /// No slot that was asked for can come any more.
    Over,
}

impl Wait {
    /// Whether it is in line or has an offer.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, WaitState::Ended { .. })
    }
}
