//! What is kept of the reaper's sweeps.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::ids::{BookingId, NetId, SweepId};
use super::marked::{Predicate, Target};
use super::su::Su;

/// A sweep, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// Its id.
    pub id: SweepId,
    /// As of when it was planned.
    pub at: DateTime<Utc>,
    /// How long it took from looking to acting, in milliseconds.
    pub took_ms: i64,
    /// How many objects the sites listed.
    pub listed: i32,
    /// How many acts it came to.
    pub acts: i32,
    /// How many of them failed.
    pub failed: i32,
    /// How many marked objects waited for their next step.
    pub waiting: i32,
    /// How many objects were kept since somebody wished so.
    pub kept: i32,
    /// How many objects were reported only.
    pub reported: i32,
    /// Where nothing, or not everything, was done for trouble, and why, in a sentence each. Pauses and quiet hours are none.
    pub skipped: Vec<String>,
}

/// One act of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What was done, in a few words.
    pub what: String,
    /// By which predicate; nothing for taking a mark away.
    pub predicate: Option<Predicate>,
    /// Whose the object or the booking is, if somebody's.
    pub net_id: Option<NetId>,
    /// The booking that it is about.
    pub booking: Option<BookingId>,
    /// The object that it is about.
    pub target: Option<Target>,
    /// Why, with its numbers.
    pub reason: String,
    /// What came of it.
    pub outcome: String,
    /// Whether it failed.
    pub failed: bool,
    /// What it saves, if it deletes what someone made by hand.
    pub saved: Option<Savings>,
}

/// What deletions save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Savings {
    /// Minutes for which servers would have gone on.
    pub server_minutes: i64,
    /// Service units that would have been charged, as far as prices are known.
    pub su: Su,
}

impl Savings {
    /// For how long servers would have gone on.
    pub fn servers(&self) -> TimeDelta {
        TimeDelta::minutes(self.server_minutes)
    }
}
