//! Walking the chain of the audit log: is each record there, unchanged, and next to the one that it was made after?

use std::fmt;

use serde::Serialize;

use super::{hash, hash_of_details};
use crate::db::{self, Db, DbError, Kept};
use crate::domain::audit::{Head, NOTHING};

/// How many records are read at a time.
pub const BATCH: i64 = 1_000;

/// What does not fit, at the first record where something does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The record.
    pub number: i64,
    /// Why.
    pub why: Why,
}

/// Why a record does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is not there, though one with a higher number is.
    Missing,
    /// It does not have the hash of the one before it.
    Unlinked,
    /// Its hash is not that of what it says.
    Altered,
    /// Its details are not those whose hash it has.
    DetailsAltered,
    /// Its details are gone, though nobody was erased whom it is about.
    DetailsMissing,
    /// The chain ends before it, though it was there once.
    Cut,
    /// It is another than the one that was there once.
    Replaced,
}

impl Why {
    /// The reason in a word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unlinked => "unlinked",
            Self::Altered => "altered",
            Self::DetailsAltered => "details_altered",
            Self::DetailsMissing => "details_missing",
            Self::Cut => "cut",
            Self::Replaced => "replaced",
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        match self.why {
            Why::Missing => write!(f, "record {number} is missing, though later ones are there"),
            Why::Unlinked => write!(
                f,
                "record {number} does not have the hash of the one before it: one of the two was changed or put there later"
            ),
            Why::Altered => write!(f, "record {number} was changed: its hash is not that of what it says"),
            Why::DetailsAltered => {
                write!(f, "the details of record {number} were changed: they are not those whose hash it has")
            }
            Why::DetailsMissing => {
                write!(f, "the details of record {number} are missing, and it is about nobody who was erased")
            }
            Why::Cut => {
                write!(f, "the log ends before record {number}, which was there: its end was cut off")
            }
            Why::Replaced => {
                write!(f, "record {number} is another than the one that was there: the log was written anew")
            }
        }
    }
}

/// A log in which everything fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The last record; nothing if there is none yet.
    pub head: Option<Head>,
    /// How many records have no details any more, because whom they are about was erased.
    pub without_details: i64,
}

/// Why a log was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something does not fit.
    #[error("{0}")]
    Misfit(Misfit),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Walks the whole chain, some records at a time, and tells `progress` how far it is. `expected` is a head that was noted
/// before: the chain has to go through it. Records that are added meanwhile are walked, too.
pub async fn verify(
    db: &Db,
    expected: Option<&Head>,
    mut progress: impl FnMut(i64),
) -> Result<Verified, VerifyError> {
    let mut last = Head { number: 0, hash: NOTHING.to_owned() };
    let mut without_details = 0;
    loop {
        let from = last.number;
        let some =
            db.read::<_, DbError, _>("audit: verify", move |conn| db::audit_chain(conn, from, BATCH)).await?;
        if some.is_empty() {
            break;
        }
        for (kept, erased) in &some {
            check(&last, kept, *erased, expected).map_err(VerifyError::Misfit)?;
            last = Head { number: kept.record.number, hash: kept.hash.clone() };
            without_details += i64::from(kept.details.is_none());
        }
        progress(last.number);
    }
    if let Some(expected) = expected.filter(|expected| last.number < expected.number) {
        return Err(VerifyError::Misfit(Misfit { number: expected.number, why: Why::Cut }));
    }
    let head = Some(last).filter(|last| last.number > 0);
    Ok(Verified { head, without_details })
}

/// Whether a record follows `last` and is what it was.
fn check(last: &Head, kept: &Kept, erased: bool, expected: Option<&Head>) -> Result<(), Misfit> {
    let Kept { record, hash: stored, details } = kept;
    let because = |why| Err(Misfit { number: record.number, why });
    if record.number != last.number + 1 {
        return Err(Misfit { number: last.number + 1, why: Why::Missing });
    }
    if record.previous_hash != last.hash {
        return because(Why::Unlinked);
    }
    if hash(record) != *stored {
        return because(Why::Altered);
    }
    match details {
        Some(details) if hash_of_details(details) != record.details_hash => {
            return because(Why::DetailsAltered);
        }
        None if !erased => return because(Why::DetailsMissing),
        _ => {}
    }
    match expected {
        Some(expected) if expected.number == record.number && expected.hash != *stored => {
            because(Why::Replaced)
        }
        _ => Ok(()),
    }
}
