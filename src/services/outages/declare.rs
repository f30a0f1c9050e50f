//! Declaring an outage, saying that more is known of it, and that it is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Draft, NewDue, OutageError, Post, defer, tell};
use crate::db::{self, Conn};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::course::Course;
use crate::domain::ids::{LabId, OutageId};
use crate::domain::outage::{Ended, Outage};
use crate::services::App;
use crate::services::audit::{self, Entry};

/// Declares an outage: from then on its labs are closed for its time, and due dates are what the draft says. The bookings that it
/// hits are dealt with by a worker ([`super::step`]), and the announcement leaves after that.
pub async fn declare(app: &Arc<App>, doer: &Doer, draft: Draft, post: Post) -> Result<OutageId, OutageError> {
    let (inner, doer) = (app.clone(), doer.clone());
    let id =
        app.db.write("outage: declare", move |conn| declare_in(&inner, conn, &doer, &draft, &post)).await?;
    app.wake.call();
    Ok(id)
}

fn declare_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    draft: &Draft,
    post: &Post,
) -> Result<OutageId, OutageError> {
    // Whoever books at this moment is done before it is declared, or sees it.
    db::lock_occupancy(conn)?;
    let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
    let now = app.now();
    if let Some(wrong) = draft.check(&course, now).into_iter().next() {
        return Err(wrong);
    }
    not_twice(conn, draft)?;
    let mut outage = Outage {
        id: app.outage_id(),
        away: draft.away.clone(),
        from: draft.from,
        until: draft.until,
        reason: draft.reason.trim().trim_end_matches('.').to_owned(),
        remedy: draft.remedy,
        declared_by: audit::name(conn, doer)?,
        declared_at: now,
        to_all: post.to_all,
        announcement: None,
        settled_at: None,
        ended: None,
    };
    db::insert_outage(conn, &course, &outage)?;
    put_off(app, conn, doer, &course, &outage, &draft.dues)?;
    outage.announcement = Some(tell::post(app, conn, doer, &course, &outage, post)?);
    db::save_outage(conn, &outage)?;
    let entry = Entry::new(Action::DeclaredOutage).to(Object::Outage(outage.id.clone()));
    audit::record(app, conn, doer, entry.because(&outage.reason).after(told(&outage)))?;
    Ok(outage.id)
}

fn not_twice(conn: &mut Conn<'_>, draft: &Draft) -> Result<(), OutageError> {
    let open = db::open_outages(conn)?;
    let twice = open.iter().filter(|it| it.ended.is_none() && it.away == draft.away).find(|it| {
        let both = it.window().zip(draft.window());
        both.is_some_and(|(one, other)| one.overlaps(&other))
    });
    twice.map_or(Ok(()), |it| Err(OutageError::Declared(it.id.clone())))
}

fn put_off(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    course: &Course,
    outage: &Outage,
    dues: &BTreeMap<LabId, NewDue>,
) -> Result<(), OutageError> {
    for (id, due) in dues {
        let lab = course.labs.iter().find(|lab| lab.id == *id);
        let lab = lab.ok_or_else(|| OutageError::NoSuchLab(id.clone()))?;
        defer::put_off(app, conn, doer, lab, *due, Some(&outage.id), &outage.reason)?;
    }
    Ok(())
}

/// What more is known of an outage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When it is expected back, if that is known.
    pub until: Option<DateTime<Utc>>,
    /// What happened, in a few words for students.
    pub reason: String,
    /// Due dates from now on.
    pub dues: BTreeMap<LabId, NewDue>,
    /// What the announcement says from now on. Everyone who gets it by mail gets it again.
    pub post: Post,
}

/// Says that an outage lasts longer or shorter, or what it is. What it hits now and did not hit before is dealt with.
pub async fn change(app: &Arc<App>, doer: &Doer, id: OutageId, change: Change) -> Result<(), OutageError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db
        .write("outage: change", move |conn| {
            db::lock_occupancy(conn)?;
            let (course, mut outage) = in_force(conn, &id)?;
            let before = told(&outage);
            if change.reason.trim().is_empty() {
                return Err(OutageError::NoReason);
            }
            if change.until.is_some_and(|until| until <= outage.from.max(inner.now())) {
                return Err(OutageError::EndsBeforeItBegins);
            }
            outage.until = change.until;
            change.reason.trim().trim_end_matches('.').clone_into(&mut outage.reason);
            outage.to_all = change.post.to_all;
            outage.settled_at = None;
            check_dues(&course, &change.dues, inner.now())?;
            put_off(&inner, conn, &doer, &course, &outage, &change.dues)?;
            tell::post_again(&inner, conn, &doer, &outage, &change.post)?;
            db::save_outage(conn, &outage)?;
            let entry = Entry::new(Action::ChangedOutage).to(Object::Outage(id.clone())).before(before);
            Ok::<_, OutageError>(audit::record(&inner, conn, &doer, entry.after(told(&outage)))?)
        })
        .await?;
    app.wake.call();
    Ok(())
}

/// Says that an outage is over since `at`, or will not come. Labs are open again at once; a worker gives running bookings their
/// time back, and the announcement leaves after that.
pub async fn end(
    app: &Arc<App>,
    doer: &Doer,
    id: OutageId,
    at: DateTime<Utc>,
    dues: BTreeMap<LabId, NewDue>,
    post: Post,
) -> Result<(), OutageError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db
        .write("outage: end", move |conn| {
            let (course, mut outage) = in_force(conn, &id)?;
            let before = told(&outage);
            let at = at.min(inner.now());
            check_dues(&course, &dues, inner.now())?;
            put_off(&inner, conn, &doer, &course, &outage, &dues)?;
            let announcement = Some(tell::post(&inner, conn, &doer, &course, &outage, &post)?);
            let by = audit::name(conn, &doer)?;
            outage.ended = Some(Ended { at, by, announcement, settled_at: None });
            db::save_outage(conn, &outage)?;
            for pool in &course.pools {
                db::call_waitlist(conn, &pool.id, outage.id.as_str())?;
            }
            let entry = Entry::new(Action::EndedOutage).to(Object::Outage(id.clone())).before(before);
            Ok::<_, OutageError>(audit::record(&inner, conn, &doer, entry.after(told(&outage)))?)
        })
        .await?;
    app.wake.call();
    Ok(())
}

fn in_force(conn: &mut Conn<'_>, id: &OutageId) -> Result<(Course, Outage), OutageError> {
    let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
    let outage = db::outage_locked(conn, id)?.ok_or_else(|| OutageError::NoSuchOutage(id.clone()))?;
    if outage.ended.is_some() { Err(OutageError::Ended) } else { Ok((course, outage)) }
}

fn check_dues(
    course: &Course,
    dues: &BTreeMap<LabId, NewDue>,
    now: DateTime<Utc>,
) -> Result<(), OutageError> {
    for (id, due) in dues {
        let lab = course.labs.iter().find(|lab| lab.id == *id);
        defer::check(lab.ok_or_else(|| OutageError::NoSuchLab(id.clone()))?, *due, course, now)?;
    }
    Ok(())
}

/// An outage as the audit log has it.
fn told(it: &Outage) -> Value {
    json!({
        "away": it.away.to_string(), "from": it.from, "until": it.until, "remedy": it.remedy, "reason": it.reason,
        "over": it.ended.as_ref().map(|ended| ended.at),
    })
}
