//! `/staff/outages`: staff declare that something is away, say more of it, that it is over, and when labs are due.

mod form;
mod write;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::page_once;
use crate::auth::permissions::Permission;
use crate::db::HitLine;
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::course::Course;
use crate::domain::ids::{HintId, OutageId};
use crate::domain::interval::Interval;
use crate::domain::outage::{Away, CARE, Fate, Outage};
use crate::services::outage_hints;
use crate::services::outages::{self, Detail, OutageError, Overview};
use crate::web::context::{Done, Staff};
use crate::web::error::WebError;
use crate::web::pages::layout::{Link, Section};
use crate::web::pages::outages::{
    HitRow, LabLine, OutageLine, OutagePage, OutageState, OutagesPage, SuggestionLine,
};
use crate::web::present;
use crate::web::table::routes;

routes! {
    /// Outages, and when labs are due.
    ROWS in "", routes:
    get "/staff/outages", SeeCourse => show;
    post "/staff/outages", RunOutages => write::declare;
    get "/staff/outages/new", RunOutages => write::begin;
    post "/staff/outages/hints/{hint}/dismiss", RunOutages => dismiss;
    get "/staff/outages/{outage}", SeeCourse => one;
    get "/staff/outages/{outage}/change", RunOutages => write::begin_change;
    post "/staff/outages/{outage}/change", RunOutages => write::change;
    get "/staff/outages/{outage}/end", RunOutages => write::begin_end;
    post "/staff/outages/{outage}/end", RunOutages => write::end;
    get "/staff/labs/{lab}/due", RunOutages => write::begin_due;
    post "/staff/labs/{lab}/due", RunOutages => write::due;
}

const LIST: &str = "/staff/outages";

/// How many bookings a page of an outage has.
const PAGE: i64 = 100;

impl From<OutageError> for WebError {
    fn from(error: OutageError) -> Self {
        match error {
            OutageError::Db(error) => error.into(),
            OutageError::NoSuchOutage(_) | OutageError::NoSuchLab(_) | OutageError::NoCourse => {
                Self::NotFound
            }
            other => Self::WrongState(other.to_string()),
        }
    }
}

async fn show(who: Staff, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let app = who.0.context.app().clone();
    let now = app.now();
    let view = app.db.read("outages", move |conn| outages::overview(conn, now)).await?;
    let zone = view.course.zone;
    let shown = OutagesPage {
        layout: who.0.context.layout("Outages", Section::Outages),
        answer: answer(&view, now),
        suggestions: suggestions(&view, now),
        rows: view.outages.iter().map(|it| line(&view.course, it, now)).collect(),
        labs: view
            .course
            .labs
            .iter()
            .map(|lab| LabLine {
                title: lab.title.clone(),
                due: lab.due.map(|due| present::when(zone, now, due)),
                deferred: lab.deferred.as_ref().map(|it| {
                    let from = it.from.map(|from| format!(" from {}", calendar::date_and_time(zone, from)));
                    format!("put off{}: {}", from.unwrap_or_default(), it.reason)
                }),
                href: format!("/staff/labs/{}/due", lab.id),
            })
            .collect(),
        declares: who.0.caller.sees_all(Permission::RunOutages),
    };
    Ok(page_once(&request, shown.render()?))
}

/// Puts aside what a site announced.
async fn dismiss(who: Staff, path: web::Path<HintId>) -> Result<HttpResponse, WebError> {
    if outage_hints::dismiss(who.0.context.app(), &who.0.doer(), path.into_inner()).await? {
        Ok(who.0.context.done(LIST, Done::HintDismissed))
    } else {
        Err(WebError::WrongState("there is no such hint, or it was put aside before".to_owned()))
    }
}

/// What is away now, in a sentence.
fn answer(view: &Overview, now: DateTime<Utc>) -> String {
    let away: Vec<String> = view
        .outages
        .iter()
        .filter(|it| matches!(state(it, now), OutageState::Here | OutageState::Late | OutageState::Settling))
        .filter(|it| it.ended.is_none() && it.from <= now)
        .map(|it| outages::title(&view.course, &it.away))
        .collect();
    match away.split_last() {
        None => "Nothing is away.".to_owned(),
        Some((last, [])) => format!("{last} is away."),
        Some((last, others)) => format!("{} and {last} are away.", others.join(", ")),
    }
}

fn suggestions(view: &Overview, now: DateTime<Utc>) -> Vec<SuggestionLine> {
    let zone = view.course.zone;
    let down = view.down.iter().map(|(site, health)| {
        let away = Away::Site(site.clone());
        let name = outages::title(&view.course, &away);
        let since = calendar::date_and_time(zone, health.since);
        SuggestionLine {
            text: format!("{name} is down since {since}."),
            href: form::suggestion_href(&away, zone, health.since, "the site does not answer"),
            more: Some(Link::new("/sites", "How the sites do")),
            dismiss: None,
        }
    });
    let hints = view.hints.iter().map(|hint| {
        let away = Away::Site(hint.site.clone());
        let at = calendar::date_and_time(zone, hint.published_at);
        SuggestionLine {
            text: format!(
                "{} announced on {at}: {}. {}",
                outages::title(&view.course, &away),
                hint.title,
                hint.summary
            ),
            href: form::suggestion_href(&away, zone, now, &hint.title),
            more: hint.link.as_ref().map(|link| Link::new(link.clone(), "What it says")),
            dismiss: Some(format!("{LIST}/hints/{}/dismiss", hint.id)),
        }
    });
    down.chain(hints).collect()
}

fn state(it: &Outage, now: DateTime<Utc>) -> OutageState {
    match (&it.ended, it.settled_at) {
        (Some(ended), _) if ended.settled_at.is_some() => OutageState::Over,
        (Some(_), _) | (None, None) => OutageState::Settling,
        _ if it.from > now => OutageState::Planned,
        _ if it.until.is_some_and(|until| until <= now) => OutageState::Late,
        _ => OutageState::Here,
    }
}

fn line(course: &Course, it: &Outage, now: DateTime<Utc>) -> OutageLine {
    let until = it.ended.as_ref().map(|ended| ended.at).or(it.until);
    OutageLine {
        href: format!("{LIST}/{}", it.id),
        what: outages::title(course, &it.away),
        state: state(it, now),
        from: present::when(course.zone, now, it.from),
        until: until.map(|until| present::when(course.zone, now, until)),
        reason: it.reason.clone(),
    }
}

/// Where a page of bookings begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Paged {
    page: Option<i64>,
}

async fn one(
    who: Staff,
    path: web::Path<OutageId>,
    query: web::Query<Paged>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (app, id) = (who.0.context.app().clone(), path.into_inner());
    let (now, number) = (app.now(), query.page.unwrap_or(1).clamp(1, 1_000_000));
    let offset = (number - 1) * PAGE;
    let view = app.db.read("outage", move |conn| outages::detail(conn, &id, offset, PAGE)).await?;
    let runs = who.0.caller.sees_all(Permission::RunOutages) && view.outage.ended.is_none();
    let address = format!("{LIST}/{}", view.outage.id);
    let link = |number: i64, text: &str| Link::new(format!("{address}?page={number}"), text);
    let before = (number > 1).then(|| link(number - 1, "Before"));
    let after = (offset + PAGE < view.hits).then(|| link(number + 1, "After"));
    let what = outages::title(&view.course, &view.outage.away);
    let shown = OutagePage {
        layout: who.0.context.layout(&format!("Outage of {what}"), Section::Outages),
        answer: headline(&view, &what, now),
        state: state(&view.outage, now),
        facts: facts(&view, now),
        progress: progress(&view),
        change: runs.then(|| format!("{address}/change")),
        end: runs.then(|| format!("{address}/end")),
        announcements: view
            .announcements
            .iter()
            .map(|it| Link::new(format!("/staff/announcements/{}", it.id), it.title.clone()))
            .collect(),
        rows: view.lines.iter().map(|it| row(&view.course, it)).collect(),
        pages: before.into_iter().chain(after).collect(),
    };
    Ok(page_once(&request, shown.render()?))
}

fn headline(view: &Detail, what: &str, now: DateTime<Utc>) -> String {
    let (it, zone) = (&view.outage, view.course.zone);
    let from = present::when(zone, now, it.from).text;
    match &it.ended {
        Some(ended) if ended.at <= it.from => format!("{what} was to be away from {from}, and will not be."),
        Some(ended) => format!("{what} was away from {from} to {}.", present::when(zone, now, ended.at).text),
        None if it.from > now => format!("{what} will be away from {from}."),
        None => format!("{what} is away since {from}."),
    }
}

fn facts(view: &Detail, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let (it, zone) = (&view.outage, view.course.zone);
    let at = |at| present::when(zone, now, at).text;
    let until = it.until.map_or_else(|| "nobody knows".to_owned(), at);
    let reaper = match it.holds_off(now) {
        Some(None) => "leaves alone what needs it, until 2 h after the end".to_owned(),
        Some(Some(until)) => format!("leaves alone what needs it until {}", at(until)),
        None if it.ended.is_some() => "goes on".to_owned(),
        None => format!("leaves alone what needs it from {} on", at(it.from)),
    };
    let mut facts = vec![
        ("What happened", it.reason.clone()),
        ("Expected back", until),
        ("Bookings ahead", form::remedy_words(it.remedy).to_lowercase()),
        ("Declared", format!("by {}, {}", it.declared_by, at(it.declared_at))),
        ("Reaper", reaper),
    ];
    if let Some(ended) = &it.ended {
        facts
            .push(("Over", format!("said by {}; the reaper went on {} h after", ended.by, CARE.num_hours())));
    }
    facts
}

fn progress(view: &Detail) -> String {
    let hits = match view.hits {
        0 => "No booking was hit".to_owned(),
        1 => "1 booking was hit".to_owned(),
        many => format!("{many} bookings were hit"),
    };
    let open = view.outage.settled_at.is_none()
        || view.outage.ended.as_ref().is_some_and(|ended| ended.settled_at.is_none());
    match (open, view.untold, view.hits) {
        (true, untold, _) => format!("{hits} so far; {untold} people are still to hear of it."),
        (false, _, 0) => format!("{hits}."),
        (false, ..) => format!("{hits}, and everyone concerned was told."),
    }
}

fn row(course: &Course, it: &HitLine) -> HitRow {
    let zone = course.zone;
    let (fate, instead) = match &it.hit.fate {
        Fate::Moved { to, slot } => {
            ("moved to".to_owned(), Some(Link::new(format!("/bookings/{to}"), calendar::span(zone, slot))))
        }
        Fate::Offered { .. } => ("called off; other slots are offered".to_owned(), None),
        Fate::Cancelled => ("called off without charge".to_owned(), None),
        Fate::Running => ("runs; costs nothing, and gets time back".to_owned(), None),
        Fate::Extended { until } => {
            (format!("lasts until {}; costs nothing", calendar::date_and_time(zone, *until)), None)
        }
        Fate::Free => ("ran; costs nothing".to_owned(), None),
    };
    hit_row(course, it.net_id.as_str(), &it.booking, fate, instead)
}

fn hit_row(course: &Course, who: &str, booking: &Booking, fate: String, instead: Option<Link>) -> HitRow {
    let lab = course.labs.iter().find(|lab| lab.id == booking.lab);
    HitRow {
        who: who.to_owned(),
        lab: lab.map_or_else(|| booking.lab.to_string(), |lab| lab.title.clone()),
        had: Link::new(format!("/bookings/{}", booking.id), calendar::span(course.zone, &booking.slot)),
        fate,
        instead,
    }
}

/// Slots in words, one after the other.
fn slots(course: &Course, slots: &[Interval]) -> String {
    slots.iter().map(|slot| calendar::span(course.zone, slot)).collect::<Vec<_>>().join("; ")
}
