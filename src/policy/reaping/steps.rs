//! A mark's life: told, stopped, deleted, and forgotten as soon as what it was for holds no more.

use chrono::{DateTime, Utc};

use super::judge::Pace;
use crate::domain::marked::{NextStep, Stage};
use crate::domain::reaper::{ByHand, ReaperPolicy};

/// What is next for an object that a predicate covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Its owner is told; this comes next, if anything.
    Warn(Option<(NextStep, DateTime<Utc>)>),
    /// Nothing yet; if anything, this comes then.
    Wait(Option<(NextStep, DateTime<Utc>)>),
    /// It is stopped, and deleted at that time.
    Stop { warned_at: DateTime<Utc>, delete_at: DateTime<Utc> },
    /// It is deleted; if that was asked for before, then first at `asked_at`.
    Delete { warned_at: DateTime<Utc>, asked_at: Option<DateTime<Utc>> },
    /// Its owner took it back, until then.
    Keep(DateTime<Utc>),
}

/// The step of an object whose mark is at `stage`, if it has one.
pub(super) fn next(pace: Pace, stage: Option<Stage>, policy: &ReaperPolicy, now: DateTime<Utc>) -> Step {
    let follows = policy.by_hand == ByHand::Delete;
    match stage {
        Some(Stage::Restored { until }) if now < until => Step::Keep(until),
        None | Some(Stage::Restored { .. }) => {
            Step::Warn(after_warning(pace, now, policy).filter(|_| follows))
        }
        Some(_) if !follows => Step::Wait(None),
        Some(Stage::Warned { at: warned_at }) => match after_warning(pace, warned_at, policy) {
            Some((NextStep::Stop, at)) if at <= now => {
                Step::Stop { warned_at, delete_at: now + policy.delete_after() }
            }
            Some((NextStep::Delete, at)) if at <= now => Step::Delete { warned_at, asked_at: None },
            next => Step::Wait(next),
        },
        Some(Stage::Stopped { warned_at, at }) => {
            let delete_at = at + policy.delete_after();
            if delete_at <= now {
                Step::Delete { warned_at, asked_at: None }
            } else {
                Step::Wait(Some((NextStep::Delete, delete_at)))
            }
        }
        Some(Stage::Deleting { warned_at, at }) => Step::Delete { warned_at, asked_at: Some(at) },
    }
}

fn after_warning(
    pace: Pace,
    warned_at: DateTime<Utc>,
    policy: &ReaperPolicy,
) -> Option<(NextStep, DateTime<Utc>)> {
    match pace {
        Pace::StopFirst => Some((NextStep::Stop, warned_at + policy.stop_after())),
        Pace::DeleteAfter(grace) => Some((NextStep::Delete, warned_at + grace)),
        Pace::ReportOnly => None,
    }
}
