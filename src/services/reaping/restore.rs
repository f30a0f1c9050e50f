//! Taking back what the reaper has warned of or stopped.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use serde_json::json;

use super::{limit, nothing_came};
use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::blueprint::Kind;
use crate::domain::ids::{NetId, SiteId};
use crate::domain::marked::{Marked, RESTORES, Stage};
use crate::services::App;
use crate::services::audit::{self, Entry};

/// What came of taking an object back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Its mark as it is now.
    pub marked: Marked,
    /// Up to when it is left alone.
    pub until: DateTime<Utc>,
    /// Why a server that was stopped does not run again, in the site's words. It is left alone all the same.
    pub not_started: Option<String>,
}

/// Why an object can't be taken back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It has no mark (any more), or is somebody else's: which of both, a stranger is not told.
    #[error("the reaper has nothing of yours marked by this name: it may have been taken back or be gone")]
    NotMarked,
    /// Its deletion was asked for.
    #[error("it is being deleted: it is too late to take it back")]
    TooLate,
    /// It was taken back before.
    #[error("it was taken back before, and is left alone until {0}")]
    Before(DateTime<Utc>),
    /// Its owner has taken it back as often as they may.
    #[error("you have taken it back before: if you need it for longer, ask the course's staff")]
    Often,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for RestoreError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// Takes back an object that is marked, so that the reaper leaves it alone for the time that staff have set; a server that it
/// stopped is started. `of` is who asks, unless that is staff: then it has to be theirs, and they may once. Whoever restores twice is told so.
pub async fn restore(
    app: &Arc<App>,
    doer: &Doer,
    site: &SiteId,
    kind: Kind,
    site_ref: &str,
    of: Option<&NetId>,
) -> Result<Restored, RestoreError> {
    let (inner, doer, of) = (app.clone(), doer.clone(), of.cloned());
    let (id, object) = (site.clone(), site_ref.to_owned());
    let (was, marked, until) = app
        .db
        .write("reap: restore", move |conn| {
            let done = restore_in(&inner, conn, &id, kind, &object, of.as_ref())?;
            record(&inner, conn, &doer, &done)?;
            Ok::<_, RestoreError>(done)
        })
        .await?;
    let stopped = matches!(was, Stage::Stopped { .. });
    let not_started = if stopped { start(app, site, site_ref).await.err() } else { None };
    Ok(Restored { marked, until, not_started })
}

fn restore_in(
    app: &App,
    conn: &mut Conn<'_>,
    site: &SiteId,
    kind: Kind,
    site_ref: &str,
    of: Option<&NetId>,
) -> Result<(Stage, Marked, DateTime<Utc>), RestoreError> {
    let mark = db::mark(conn, site, kind, site_ref)?.ok_or(RestoreError::NotMarked)?;
    if of.is_some() && of != mark.marked.net_id.as_ref() {
        return Err(RestoreError::NotMarked);
    }
    let was = mark.marked.stage;
    match was {
        Stage::Warned { .. } | Stage::Stopped { .. } => {}
        Stage::Deleting { .. } => return Err(RestoreError::TooLate),
        Stage::Restored { until } => return Err(RestoreError::Before(until)),
    }
    if of.is_some() && mark.marked.restores >= RESTORES {
        return Err(RestoreError::Often);
    }
    let until = app.now() + db::reaper_policy(conn)?.unwrap_or_default().restored();
    let restores = mark.marked.restores + i32::from(of.is_some());
    let marked = Marked { stage: Stage::Restored { until }, restores, ..mark.marked };
    if db::save_mark(conn, Some(&was), &marked, &mark.reason)? {
        Ok((was, marked, until))
    } else {
        Err(RestoreError::NotMarked)
    }
}

/// What the site calls the object is not told: it may say whose it is.
fn record(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    (was, marked, until): &(Stage, Marked, DateTime<Utc>),
) -> Result<(), DbError> {
    let target = &marked.target;
    let owner = match &marked.net_id {
        Some(net_id) => db::person_by_net_id(conn, net_id)?,
        None => None,
    };
    let entry = Entry::new(Action::Restored)
        .to(Object::Site(target.site.clone()))
        .before(json!({"kind": target.kind.word(), "id": target.site_ref, "stage": was}))
        .after(json!({"left_alone_until": until}));
    let entry = match owner {
        Some(owner) => entry.about(&owner.id),
        None => entry,
    };
    audit::record(app, conn, doer, entry)
}

pub(super) async fn start(app: &Arc<App>, site: &SiteId, server: &str) -> Result<(), String> {
    let cloud = app.clouds.get(site).ok_or("this process has no way to reach the site")?;
    let limit = limit(app);
    match tokio::time::timeout(limit, cloud.start(server)).await {
        Ok(started) => started.map(|_| ()).map_err(|error| error.to_string()),
        Err(_) => Err(nothing_came(limit)),
    }
}
