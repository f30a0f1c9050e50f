//! `/staff/reaper/sweeps`: what sweeps did.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::answer::{count, hours};
use super::{Paged, sentence};
use crate::db::{self, DbError};
use crate::domain::ids::SweepId;
use crate::domain::marked::Predicate;
use crate::domain::sweep::{Act, Sweep};
use crate::web::context::Staff;
use crate::web::error::WebError;
use crate::web::handlers::page;
use crate::web::pages::layout::Section;
use crate::web::pages::reaper::{ActLine, SweepLine, SweepPage, SweepsPage};
use crate::web::present;

/// How many sweeps a page has.
const SWEEPS: usize = 50;

/// How many acts a page has.
const ACTS: usize = 100;

/// Where the history begins: microseconds since 1970, as its links have it.
#[derive(Debug, Deserialize)]
pub(super) struct Before {
    before: Option<i64>,
}

/// Sweeps that did or skipped something, latest first.
pub(super) async fn history(who: Staff, query: web::Query<Before>) -> Result<HttpResponse, WebError> {
    let before = query.before.map(|micros| DateTime::from_timestamp_micros(micros).ok_or(WebError::NotFound));
    let before = before.transpose()?;
    let app = who.0.context.app();
    let one_more = i64::try_from(SWEEPS + 1).unwrap_or(i64::MAX);
    let mut found = app
        .db
        .read::<_, DbError, _>("sweeps", move |conn| db::eventful_sweeps(conn, before, one_more))
        .await?;
    let more = found.len() > SWEEPS;
    found.truncate(SWEEPS);
    let (zone, now) = (who.0.context.zone(), app.now());
    let last = found.last().filter(|_| more);
    let shown = SweepsPage {
        layout: who.0.context.layout("Sweeps", Section::Reaper),
        latest: before.is_none(),
        older: last.map(|sweep| format!("/staff/reaper/sweeps?before={}", sweep.at.timestamp_micros())),
        sweeps: found.iter().map(|sweep| line(zone, now, sweep)).collect(),
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

fn line(zone: Tz, now: DateTime<Utc>, sweep: &Sweep) -> SweepLine {
    SweepLine {
        href: format!("/staff/reaper/sweeps/{}", sweep.id),
        at: present::when(zone, now, sweep.at),
        acts: count(sweep.acts, "act"),
        failed: (sweep.failed > 0).then(|| format!("{} failed", sweep.failed)),
        skipped: sweep.skipped.iter().map(|text| sentence(text)).collect(),
    }
}

/// One sweep with its acts.
pub(super) async fn show(
    who: Staff,
    path: web::Path<SweepId>,
    query: web::Query<Paged>,
) -> Result<HttpResponse, WebError> {
    let (app, id) = (who.0.context.app(), path.into_inner());
    let from = i64::try_from(query.offset(ACTS)).unwrap_or(i64::MAX);
    let found = app
        .db
        .read::<_, DbError, _>("sweep", move |conn| {
            let one_more = i64::try_from(ACTS + 1).unwrap_or(i64::MAX);
            let Some(sweep) = db::sweep(conn, &id)? else { return Ok(None) };
            Ok(Some((sweep, db::acts_of_sweep(conn, &id, from, one_more)?)))
        })
        .await?;
    let (sweep, mut acts) = found.ok_or(WebError::NotFound)?;
    let more = acts.len() > ACTS;
    acts.truncate(ACTS);
    let shown = SweepPage {
        layout: who.0.context.layout("A sweep", Section::Reaper),
        at: present::when(who.0.context.zone(), app.now(), sweep.at),
        answer: answer(&sweep),
        figures: figures(&sweep),
        skipped: sweep.skipped.iter().map(|text| sentence(text)).collect(),
        acts: acts.iter().map(act_line).collect(),
        pages: query.links(&format!("/staff/reaper/sweeps/{}", sweep.id), more),
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

fn answer(sweep: &Sweep) -> String {
    match (sweep.acts, sweep.failed) {
        (0, _) => "Nothing was done.".to_owned(),
        (acts, 0) => format!("{}: all went well.", count(acts, "act")),
        (acts, failed) => format!("{failed} of {} failed.", count(acts, "act")),
    }
}

#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "a sweep takes no weeks")]
fn figures(sweep: &Sweep) -> String {
    format!(
        "It listed {} in {:.1} s. {} waited for their next step, {} were kept, {} were reported.",
        count(sweep.listed, "object"),
        sweep.took_ms as f64 / 1000.0,
        sweep.waiting,
        sweep.kept,
        sweep.reported
    )
}

fn act_line(act: &Act) -> ActLine {
    ActLine {
        what: sentence(&act.what).trim_end_matches('.').to_owned(),
        booking: act.booking.as_ref().map(|booking| format!("/bookings/{booking}")),
        why: sentence(&act.reason),
        code: act.predicate.map(Predicate::code),
        outcome: act.outcome.trim_end_matches('.').to_owned(),
        failed: act.failed,
        saved: act.saved.map(|saved| format!("{} of a server and {}", hours(saved), saved.su)),
    }
}
