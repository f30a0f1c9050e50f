//! The course's roster: staff bring a file, see what it changes, confirm it, and a worker applies it.
//!
//! An import is a row. First it holds what the file would change, and a fingerprint of the course as it was then; nothing is
//! applied. Confirming it compares the fingerprint, so what is applied is what was shown. A worker applies it in batches, each
//! in one transaction with the count of what is done: whoever takes over goes on from there.

mod apply;
mod confirm;
mod departures;
mod list;
mod member;
mod preview;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

pub use apply::{BATCH, step};
pub use confirm::{confirm, discard, forget};
pub use departures::end_due;
pub(super) use departures::leave;
pub use list::{Filter, List, Listed, Who, export, list};
pub use member::{MemberView, drop_out, member, take_back};
pub use preview::{Wanted, preview};

use super::App;
use crate::db::{self, Conn, DbError, MaybeDbError, RosterImport};
use crate::domain::ids::{ImportId, NetId};
use crate::domain::roster::ImportState;
use crate::policy::roster::Plan;
use crate::roster::Refused;

/// How long after a drop its bookings end, if nothing else is said.
pub const BOOKINGS_END_AFTER: TimeDelta = TimeDelta::hours(48);
/// The most hours after a drop at which its bookings end.
pub const MOST_HOURS: i64 = 14 * 24;
/// How long a roster that was shown can be confirmed.
pub const SHOWN_FOR: TimeDelta = TimeDelta::days(1);
/// How long it is kept what a roster changed, once it is applied.
pub const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// Why a roster was not taken, or not applied.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// There is no course.
    #[error("there is no course yet: apply one first")]
    NoCourse,
    /// The file is not right.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Bookings can't end then.
    #[error("bookings of who drops the course can end 0 to {MOST_HOURS} hours later, not {0}")]
    BadHours(i64),
    /// There is no such import, or it was forgotten.
    #[error(
        "there is no roster \"{0}\" that could be applied: it may be forgotten, a day after it was brought"
    )]
    NoSuchImport(ImportId),
    /// The course is not as the import saw it.
    #[error("the course has changed since this was shown, so nothing was applied: bring the file again")]
    Stale,
    /// Another one is being applied.
    #[error("another roster is being applied: try again when it is done")]
    Busy,
    /// So many would be dropped that it looks like the wrong file.
    #[error(
        "this drops {drops} of {enrolled} students, which looks like the wrong file, so nothing was applied: say so \
         expressly if it is right"
    )]
    LooksWrong {
        /// Who would be dropped.
        drops: usize,
        /// Who is enrolled.
        enrolled: usize,
    },
    /// What is stored can't be read.
    #[error("what is stored of the roster can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for RosterError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// What is stored of an import: what it changes, and what staff said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// What it changes.
    pub plan: Plan,
    /// Whether who is not in the file is dropped.
    pub drop: bool,
    /// The sections of which the file is; all if there are none.
    pub only_sections: BTreeSet<String>,
    /// How many hours after a drop its bookings end.
    pub hours: i64,
}

/// An import as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its row.
    pub import: RosterImport,
    /// What it changes.
    pub stored: Stored,
    /// Who brought it; nobody if it was the command line.
    pub by: Option<NetId>,
    /// Whether the course has changed since, if it could still be confirmed.
    pub stale: bool,
}

/// An import with what it changes.
pub fn shown(conn: &mut Conn<'_>, id: &ImportId) -> Result<Option<Shown>, RosterError> {
    let Some(import) = db::roster_import(conn, id)? else { return Ok(None) };
    let by = match &import.person {
        Some(person) => db::person(conn, person)?.map(|person| person.net_id),
        None => None,
    };
    let stale = import.state == ImportState::Previewed
        && preview::fingerprint(&db::enrolments(conn)?)? != import.fingerprint;
    Ok(Some(Shown { stored: serde_json::from_str(&import.plan)?, import, by, stale }))
}

fn hours(hours: i64) -> Result<TimeDelta, RosterError> {
    let fits = (0..=MOST_HOURS).contains(&hours);
    fits.then(|| TimeDelta::hours(hours)).ok_or(RosterError::BadHours(hours))
}
