//! What staff hear once a day: what sweeps only report, and what they could not delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::tell;
use crate::db::{self, Conn, DbError};
use crate::domain::calendar;
use crate::domain::ids::SiteId;
use crate::domain::marked::Target;
use crate::domain::notice::Topic;
use crate::domain::sweep::Act;
use crate::mail::messages::Surroundings;
use crate::mail::messages::reaper::{self, Digest, MarkedObject};
use crate::policy::reaping::Told;
use crate::services::{App, notices, sweeps};

/// A sweep that is older says nothing of today.
const RECENT: TimeDelta = TimeDelta::hours(1);
/// For how long what failed is told, and how many acts are looked at.
const DAY: TimeDelta = TimeDelta::hours(24);
const ACTS: i64 = 2_000;

/// Writes the mail of today, if there is anything to tell. Says whether it did.
pub async fn tell(app: &Arc<App>) -> Result<bool, DbError> {
    let inner = app.clone();
    app.db.write("reap: digest", move |conn| tell_in(&inner, conn)).await
}

fn tell_in(app: &App, conn: &mut Conn<'_>) -> Result<bool, DbError> {
    let now = app.now();
    let Some(course) = db::course_card(conn)? else { return Ok(false) };
    let Some((sweep, Some(plan))) = sweeps::latest(conn)? else { return Ok(false) };
    if now - sweep.at > RECENT {
        return Ok(false);
    }
    let titles = tell::titles(conn)?;
    let reported: Vec<MarkedObject> = plan.reported.iter().map(|told| reported(told, &titles)).collect();
    let failed = failed(db::latest_acts(conn, None, ACTS)?.iter().filter(|act| now - act.at <= DAY), &titles);
    if reported.is_empty() && failed.is_empty() {
        return Ok(false);
    }
    let around = Surroundings { course: &course.title, zone: course.zone, public_url: &app.public_url, now };
    let of = usize::try_from(sweep.reported).unwrap_or(reported.len());
    let message = reaper::digest(around, &Digest { reported: &reported, of, failed: &failed });
    let key = format!("reaper/digest/{}", calendar::local_date(course.zone, now));
    notices::tell_staff(app, conn, Topic::ReaperReport, &key, message)
}

fn reported(told: &Told, titles: &BTreeMap<SiteId, String>) -> MarkedObject {
    MarkedObject {
        site: tell::title(titles, &told.target.site),
        target: told.target.clone(),
        owner: told.net_id.clone(),
        reason: told.reason.clone(),
        next: None,
        restore_url: None,
    }
}

/// What was tried in vain and not done since, each object once, as its latest act tells.
fn failed<'a>(
    latest_first: impl Iterator<Item = &'a Act>,
    titles: &BTreeMap<SiteId, String>,
) -> Vec<MarkedObject> {
    let mut seen: BTreeMap<&Target, &Act> = BTreeMap::new();
    for act in latest_first {
        if let Some(target) = &act.target {
            seen.entry(target).or_insert(act);
        }
    }
    let failed = seen.into_iter().filter(|(_, act)| act.failed);
    failed
        .map(|(target, act)| MarkedObject {
            site: tell::title(titles, &target.site),
            target: target.clone(),
            owner: act.net_id.clone(),
            reason: format!("{}: {}", act.what, act.outcome),
            next: None,
            restore_url: None,
        })
        .collect()
}
