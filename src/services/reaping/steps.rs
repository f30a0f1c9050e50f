//! Steps on objects: only what a second look at the site plans, too, and each only if nothing was said or done since.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::observe::{Basis, Observation, observe_again};
use super::tell::{Mails, Tale};
use super::{Done, limit, nothing_came, restore, tell};
use crate::cloud::port::{Cloud, CloudError, Progress, Released};
use crate::db::{self, Conn, DbError};
use crate::domain::ids::{BookingId, SiteId};
use crate::domain::marked::{Marked, NextStep, Stage, Target};
use crate::domain::reaper::StopBy;
use crate::mail::messages::reaper::Told;
use crate::policy::reaping::Action;
use crate::services::App;

/// How long after a look its steps may begin. What is left waits for the next sweep.
const FRESH: TimeDelta = TimeDelta::minutes(2);

/// A server that was stopped, and when it is to be deleted.
type Stopped = (Marked, DateTime<Utc>, String);

/// Takes the steps that are due at one site, one after the other.
pub(super) async fn take(app: &Arc<App>, seen: &Observation, site: &SiteId, due: &[&Action]) -> Vec<Done> {
    if due.is_empty() {
        return Vec::new();
    }
    let again = match observe_again(app, site).await {
        Ok(again) => again,
        Err(error) => return due.iter().map(|action| Done::of(action, Err(error.to_string()))).collect(),
    };
    let looked_at = again.plan.wholes.get(site).map_or(seen.plan.at, |whole| whole.at);
    let from = app.now();
    let later: BTreeMap<Target, &Action> =
        again.plan.actions.iter().filter_map(|later| Some((later.target()?, later))).collect();
    let (mut done, mut stopped) = (Vec::new(), Vec::new());
    for action in due {
        let later = action.target().and_then(|target| later.get(&target));
        let planned = later.is_some_and(|later| action.is_same_step(later));
        done.push(if !planned {
            Done::of(action, Ok(not_again(&again, site)))
        } else if app.now() - from > FRESH {
            Done::of(action, Ok("left for the next sweep: this one has taken too long".to_owned()))
        } else {
            one(app, &again.basis, looked_at, action, &mut stopped).await
        });
    }
    if let Err(error) = record_stopped(app, stopped).await {
        tracing::error!(%site, %error, "what was stopped could not be recorded; the next sweep looks again");
    }
    done
}

fn not_again(again: &Observation, site: &SiteId) -> String {
    match again.plan.skipped.iter().find(|skipped| skipped.site == *site) {
        Some(skipped) => format!("left alone: at a second look, {}", skipped.reason),
        None => "left alone: at a second look it was otherwise".to_owned(),
    }
}

async fn one(
    app: &Arc<App>,
    basis: &Basis,
    looked_at: DateTime<Utc>,
    action: &Action,
    stopped: &mut Vec<Stopped>,
) -> Done {
    let Some(target) = action.target() else {
        return Done::of(action, Err("it is about no object".to_owned()));
    };
    let Some(cloud) = app.clouds.get(&target.site) else {
        return Done::of(action, Err("this process has no way to reach the site".to_owned()));
    };
    let (inner, basis, planned, at) = (app.clone(), basis.clone(), action.clone(), target.clone());
    let begun =
        app.db.write("reap: begin", move |conn| begin(&inner, conn, &basis, looked_at, &planned, &at));
    let was = match begun.await {
        Ok(Begun::Yes(was)) => was,
        Ok(Begun::No(why)) => return Done::of(action, Ok(why.to_owned())),
        Err(error) => return Done::of(action, Err(DbError::to_string(&error))),
    };
    match action {
        Action::Stop { mark, how, delete_at, reason } => {
            let outcome = stop(app, cloud.as_ref(), &target, *how).await;
            if matches!(outcome, Stopping::Done(_)) {
                stopped.push((mark.clone(), *delete_at, reason.clone()));
            }
            Done::of(action, outcome.into_words())
        }
        Action::Delete { mark, saved, reason } => {
            let outcome = release(app, cloud.as_ref(), &target).await;
            let first = !matches!(was, Some(Stage::Deleting { .. }));
            if let (Err(Refused::ForSure(_)), Some(was)) = (&outcome, &was) {
                take_back(app, mark, was, reason).await;
            }
            let done = Done::of(action, outcome.map_err(Refused::into_words));
            Done { saved: (first && !done.failed).then_some(*saved), ..done }
        }
        _ => Done::of(action, release(app, cloud.as_ref(), &target).await.map_err(Refused::into_words)),
    }
}

/// Whether a step may be taken.
enum Begun {
    /// The object's mark was at this stage, if it has one.
    Yes(Option<Stage>),
    /// Why not.
    No(&'static str),
}

/// A deletion that the site has refused is not under way: its object can still be taken back.
async fn take_back(app: &Arc<App>, mark: &Marked, was: &Stage, reason: &str) {
    let (now, before, reason) = (mark.clone(), Marked { stage: *was, ..mark.clone() }, reason.to_owned());
    let written = app
        .db
        .write("reap: refused", move |conn| db::save_mark(conn, Some(&now.stage), &before, &reason))
        .await;
    if let Err(error) = written {
        tracing::error!(target = %mark.target, %error, "that a deletion was refused could not be recorded");
    }
}

/// Checks once more what the database knows, and writes down what is about to be done. Says why not, if it is not to be done.
fn begin(
    app: &App,
    conn: &mut Conn<'_>,
    basis: &Basis,
    looked_at: DateTime<Utc>,
    action: &Action,
    target: &Target,
) -> Result<Begun, DbError> {
    let now = app.now();
    if let Some(why) = basis.outdated(conn, now)? {
        return Ok(Begun::No(why));
    }
    let known = db::mark(conn, &target.site, target.kind, &target.site_ref)?;
    let was = known.map(|known| known.marked.stage);
    let as_planned = match action {
        Action::Stop { mark, .. } => {
            matches!(was, Some(Stage::Warned { at }) if Some(at) == mark.stage.warned_at())
        }
        Action::Delete { mark, .. } => {
            was.is_some_and(|was| was.warned_at().is_some() && was.warned_at() == mark.stage.warned_at())
        }
        Action::DeleteOrphan { booking, .. } => !is_in_hand(conn, booking)?,
        _ => false,
    };
    if !as_planned {
        return Ok(Begun::No("left alone: it was taken back, or its booking is in hand"));
    }
    if !db::claim_step(conn, target, looked_at, now)? {
        return Ok(Begun::No("left alone: another sweep is at it"));
    }
    if let Action::Delete { mark, reason, .. } = action {
        db::save_mark(conn, was.as_ref(), mark, reason)?;
    }
    Ok(Begun::Yes(was))
}

fn is_in_hand(conn: &mut Conn<'_>, booking: &BookingId) -> Result<bool, DbError> {
    Ok(db::states(conn, std::slice::from_ref(booking))?.iter().any(|(_, ended)| !ended))
}

/// Why a deletion did not begin.
enum Refused {
    /// The site has said no.
    ForSure(String),
    /// What came of it is not known.
    Perhaps(String),
}

impl Refused {
    fn into_words(self) -> String {
        match self {
            Self::ForSure(words) | Self::Perhaps(words) => words,
        }
    }
}

async fn release(app: &App, cloud: &dyn Cloud, target: &Target) -> Result<String, Refused> {
    let limit = limit(app);
    match tokio::time::timeout(limit, cloud.release(target.kind, &target.site_ref)).await {
        Ok(Ok(Released::Gone)) => Ok("gone".to_owned()),
        Ok(Ok(Released::Going)) => Ok("being deleted".to_owned()),
        Ok(Err(error @ CloudError::OutcomeUnknown(_))) => Err(Refused::Perhaps(error.to_string())),
        Ok(Err(error)) => Err(Refused::ForSure(error.to_string())),
        Err(_) => Err(Refused::Perhaps(nothing_came(limit))),
    }
}

/// What came of stopping a server.
enum Stopping {
    Done(&'static str),
    Working,
    Gone,
    Failed(String),
}

impl Stopping {
    fn into_words(self) -> Result<String, String> {
        match self {
            Self::Done(how) => Ok(how.to_owned()),
            Self::Working => Ok("being stopped".to_owned()),
            Self::Gone => Ok("gone".to_owned()),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Stops a server; where a site does not put servers aside, it is shut off.
async fn stop(app: &App, cloud: &dyn Cloud, target: &Target, how: StopBy) -> Stopping {
    let stopping = stop_by(app, cloud, target, how).await;
    match (how, stopping) {
        (StopBy::Shelve, Err(CloudError::Permanent(error) | CloudError::Unsupported(error))) => {
            tracing::info!(%target, error, "the site does not shelve it: it is shut off instead");
            words(stop_by(app, cloud, target, StopBy::Stop).await, StopBy::Stop)
        }
        (how, stopping) => words(stopping, how),
    }
}

async fn stop_by(app: &App, cloud: &dyn Cloud, target: &Target, how: StopBy) -> Result<Progress, CloudError> {
    let limit = limit(app);
    match tokio::time::timeout(limit, cloud.stop(&target.site_ref, how)).await {
        Ok(stopping) => stopping,
        Err(_) => Err(CloudError::OutcomeUnknown(nothing_came(limit))),
    }
}

fn words(stopping: Result<Progress, CloudError>, how: StopBy) -> Stopping {
    match stopping {
        Ok(Progress::Ready) => Stopping::Done(match how {
            StopBy::Stop => "stopped",
            StopBy::Shelve => "shelved",
        }),
        Ok(Progress::Working) => Stopping::Working,
        Ok(Progress::Broken(words)) => Stopping::Failed(words),
        Err(CloudError::NotFound(_)) => Stopping::Gone,
        Err(error) => Stopping::Failed(error.to_string()),
    }
}

/// Writes down what was stopped, and tells the owners. What was taken back meanwhile is started again.
async fn record_stopped(app: &Arc<App>, stopped: Vec<Stopped>) -> Result<(), DbError> {
    if stopped.is_empty() {
        return Ok(());
    }
    let inner = app.clone();
    let taken_back = app
        .db
        .write::<_, DbError, _>("reap: stopped", move |conn| {
            let (mut mails, mut taken_back) = (Mails::default(), Vec::new());
            for (mark, delete_at, reason) in &stopped {
                let was = mark.stage.warned_at().map(|at| Stage::Warned { at });
                if db::save_mark(conn, was.as_ref(), mark, reason)? {
                    let next = Some((NextStep::Delete, *delete_at));
                    let tale = Tale { mark: mark.clone(), reason: reason.clone(), next };
                    mails.add(Told::Stopped, false, tale);
                } else {
                    taken_back.push(mark.target.clone());
                }
            }
            tell::enqueue(&inner, conn, &mails)?;
            Ok(taken_back)
        })
        .await?;
    for target in taken_back {
        if let Err(error) = restore::start(app, &target.site, &target.site_ref).await {
            tracing::error!(%target, error, "a server that was taken back could not be started again");
        }
    }
    Ok(())
}
