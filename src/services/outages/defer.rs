//! Putting off when a lab is due.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{NewDue, OutageError, Post, tell};
use crate::db::{self, Conn, DbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::calendar;
use crate::domain::course::{Course, Lab};
use crate::domain::ids::{LabId, OutageId};
use crate::domain::outage::Deferral;
use crate::services::App;
use crate::services::audit::{self, Entry};

/// Whether a lab may be due then.
pub(super) fn check(lab: &Lab, due: NewDue, course: &Course, now: DateTime<Utc>) -> Result<(), OutageError> {
    let NewDue::At(at) = due else { return Ok(()) };
    let bad = |what: String| Err(OutageError::BadDue { lab: lab.id.clone(), what });
    let told = |at| calendar::date_and_time(course.zone, at);
    if at <= now {
        return bad(format!("a due date of {} is over: give a later one", told(at)));
    }
    if at <= lab.open {
        return bad(format!("it opens on {} only: give a later due date", told(lab.open)));
    }
    match lab.term_end {
        Some(end) if at > end => bad(format!("the term ends on {}: give an earlier due date", told(end))),
        _ => Ok(()),
    }
}

/// Puts a lab off, and says so.
pub async fn defer(
    app: &Arc<App>,
    doer: &Doer,
    lab: LabId,
    due: NewDue,
    reason: String,
    post: Post,
) -> Result<(), OutageError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db
        .write("defer", move |conn| {
            let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
            let found = course.labs.iter().find(|it| it.id == lab);
            let lab = found.ok_or_else(|| OutageError::NoSuchLab(lab.clone()))?;
            if reason.trim().is_empty() {
                return Err(OutageError::NoReason);
            }
            check(lab, due, &course, inner.now())?;
            if due.of(lab) == lab.due {
                let what = "it has this due date already".to_owned();
                return Err(OutageError::BadDue { lab: lab.id.clone(), what });
            }
            put_off(&inner, conn, &doer, lab, due, None, reason.trim())?;
            tell::post_deferral(&inner, conn, &doer, lab, &post)
        })
        .await?;
    app.wake.call();
    Ok(())
}

/// Puts a lab off in the caller's transaction, and records it. One that keeps its due date is left alone.
pub(super) fn put_off(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    lab: &Lab,
    due: NewDue,
    outage: Option<&OutageId>,
    reason: &str,
) -> Result<(), DbError> {
    let new = due.of(lab);
    if new == lab.due {
        return Ok(());
    }
    let deferral = Deferral {
        lab: lab.id.clone(),
        outage: outage.cloned(),
        instead_of: lab.deferred.as_ref().map_or(lab.due, |deferred| deferred.from),
        due: new,
        reason: reason.to_owned(),
        by: audit::name(conn, doer)?,
        at: app.now(),
    };
    db::insert_deferral(conn, &deferral)?;
    let entry = Entry::new(Action::DeferredLab).to(Object::Lab(lab.id.clone())).because(reason);
    audit::record(app, conn, doer, entry.before(json!({"due": lab.due})).after(json!({"due": new})))
}
