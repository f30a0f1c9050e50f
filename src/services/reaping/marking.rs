//! Marks: writing them and telling their owners is one transaction, so that a crash leaves both or none.

use std::sync::Arc;

use super::observe::Observation;
use super::tell::{Mails, Tale};
use super::{Done, tell};
use crate::db::{self, Conn, DbError};
use crate::domain::marked::{Marked, Stage};
use crate::mail::messages::reaper::Told;
use crate::policy::reaping::{Action, Unmarked};
use crate::services::App;

/// How many marks one transaction writes.
const AT_ONCE: usize = 200;

/// Writes what is to be remembered of objects at one site, and the mails about it.
pub(super) async fn write(app: &Arc<App>, seen: &Observation, actions: &[&Action]) -> Vec<Done> {
    let mut done = Vec::new();
    for some in actions.chunks(AT_ONCE) {
        let (inner, basis) = (app.clone(), seen.basis.clone());
        let planned: Vec<Action> = some.iter().map(|action| (*action).clone()).collect();
        let written = app
            .db
            .write::<_, DbError, _>("reap: mark", move |conn| {
                let outdated = basis.outdated(conn, inner.now())?;
                let mut mails = Mails::default();
                let outcomes = planned
                    .iter()
                    .map(|action| one(&inner, conn, outdated, action, &mut mails))
                    .collect::<Result<Vec<_>, _>>()?;
                tell::enqueue(&inner, conn, &mails)?;
                Ok(outcomes)
            })
            .await;
        match written {
            Ok(outcomes) => done.extend(
                some.iter().zip(outcomes).map(|(action, outcome)| Done::of(action, Ok(outcome.to_owned()))),
            ),
            Err(error) => done.extend(some.iter().map(|action| Done::of(action, Err(error.to_string())))),
        }
    }
    done
}

fn one(
    app: &App,
    conn: &mut Conn<'_>,
    outdated: Option<&'static str>,
    action: &Action,
    mails: &mut Mails,
) -> Result<&'static str, DbError> {
    match (action, outdated) {
        (Action::Unmark { mark, why, .. }, _) => unmark(conn, mark, *why, mails),
        (Action::Warn { .. }, Some(why)) => Ok(why),
        (Action::Warn { mark, next, staff, reason }, None) => {
            let known = db::mark(conn, &mark.target.site, mark.target.kind, &mark.target.site_ref)?;
            let was = known.map(|known| known.marked.stage);
            let may = match was {
                None => true,
                Some(Stage::Restored { until }) => until <= app.now(),
                Some(_) => false,
            };
            if !may || !db::save_mark(conn, was.as_ref(), mark, reason)? {
                return Ok("left alone: another sweep has marked it");
            }
            let tale = Tale { mark: mark.clone(), reason: reason.clone(), next: *next };
            mails.add(Told::Warned, *staff, tale);
            Ok(if mark.net_id.is_some() { "its owner is told" } else { "staff are told" })
        }
        _ => Ok("nothing to remember"),
    }
}

/// A deletion is confirmed by a listing that no longer has the object.
fn unmark(
    conn: &mut Conn<'_>,
    mark: &Marked,
    why: Unmarked,
    mails: &mut Mails,
) -> Result<&'static str, DbError> {
    let target = &mark.target;
    let known = db::mark(conn, &target.site, target.kind, &target.site_ref)?;
    if !db::forget_mark(conn, mark)? {
        return Ok("left alone: another sweep has changed its mark");
    }
    let deleted = why == Unmarked::Gone && matches!(mark.stage, Stage::Deleting { .. });
    if deleted {
        let reason = known.map(|known| known.reason).unwrap_or_default();
        mails.add(Told::Deleted, false, Tale { mark: mark.clone(), reason, next: None });
        return Ok(match mark.net_id {
            Some(_) => "it is gone, and its owner is told",
            None => "it is gone, and staff are told",
        });
    }
    Ok("forgotten")
}
