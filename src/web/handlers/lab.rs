//! `/labs/{lab}`: the week of starts, and booking one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use self::find::Asked;
pub(in crate::web) use self::find::length_options;
use super::{announcements, page, page_once};
use crate::domain::calendar;
pub(in crate::web) use crate::domain::calendar::hours_text;
use crate::domain::ids::{BookingId, LabId};
use crate::domain::interval::Interval;
use crate::services::booking::{self, BookingError, Refusal, Wish};
use crate::services::labs::{self, LabView, Look};
use crate::web::context::{Done, SignedIn};
use crate::web::error::{WebError, refusal_status};
use crate::web::pages::announcements::Announced;
use crate::web::pages::lab::{LabPage, Moving, NoWeek, Refused, ViewLink};
use crate::web::pages::layout::{LabState, Link, Problem, Section};
use crate::web::present;

mod find;
mod gets;
mod list;
mod panel;
mod week;

/// What the reader chose.
#[derive(Debug, Default, Deserialize)]
pub struct Query {
    week: Option<NaiveDate>,
    day: Option<NaiveDate>,
    #[serde(default)]
    view: View,
    /// The length that was chosen with the start, as forms write it.
    hours: Option<String>,
    /// The booking that is to be moved; never of the address's query.
    #[serde(skip)]
    pub(super) moving: Option<BookingId>,
    #[serde(default, deserialize_with = "start_of_link")]
    start: Option<DateTime<Utc>>,
}

/// How the times are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum View {
    /// A grid of a week.
    #[default]
    Week,
    /// The same as a list.
    List,
    /// The first slots that fit.
    Find,
}

/// Links write starts as forms do.
fn start_of_link<'de, D: Deserializer<'de>>(link: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(link)?;
    read_start(&text).map(Some).map_err(|problem| D::Error::custom(problem.text))
}

/// Shows the lab.
pub async fn show(
    who: SignedIn,
    path: web::Path<LabId>,
    query: web::Query<Query>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let lab = lab_page(&who, &path, &query, request.query_string()).await?;
    Ok(page_once(&request, lab.render()?))
}

/// The page as `query` wants it. What is looked for stands in `typed`, which is the whole query as it was typed.
pub(super) async fn lab_page(
    who: &SignedIn,
    lab: &LabId,
    query: &Query,
    typed: &str,
) -> Result<LabPage, WebError> {
    let app = who.context.app().clone();
    let (db, person, id) = (app.db.clone(), who.caller.person.clone(), lab.clone());
    let asked = (query.view == View::Find).then(|| Asked::read(typed, who.context.zone()));
    let look = Look {
        date: query.week.or(query.day),
        chosen: query.start,
        moving: query.moving.clone(),
        wanted: asked.as_ref().and_then(Asked::wanted),
    };
    let view = db
        .read("lab", move |conn| labs::lab(&app, conn, &person, &id, &look))
        .await?
        .ok_or(WebError::NotFound)?;
    let announced = announcements::latest(who, Some(lab.clone())).await?;
    Ok(LabPage { announced, ..compose(who, &view, query, asked.as_ref()) })
}

fn compose(who: &SignedIn, view: &LabView, query: &Query, asked: Option<&Asked>) -> LabPage {
    let (lab, zone) = (&view.setting.lab, view.setting.zone);
    let (state, state_text) = present::lab_state(lab, view.now);
    let needs_key = who.caller.person.ssh_public_key.is_none();
    let no_week = no_week(view, state);
    let shown = |shown| no_week.is_none() && query.view == shown;
    let links = lab.manual.iter().map(|href| Link::new(href.clone(), "Instructions")).collect();
    LabPage {
        layout: who.context.layout(&lab.title, Section::Labs),
        id: lab.id.to_string(),
        title: lab.title.clone(),
        staff: present::staff_link(&who.caller.person, &lab.id),
        state,
        state_text,
        rule: view.week.rule.clone(),
        rule_more: view.next_week.clone(),
        about: lab.summary.split("\n\n").filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        expected: lab.expected_minutes.map(expected),
        links,
        reading: lab.reading.iter().map(|it| Link::new(it.url.clone(), it.title.clone())).collect(),
        gets: gets::gets(view),
        bookings: view
            .bookings
            .iter()
            .map(|booking| present::booking_line(zone, view.now, booking))
            .collect(),
        needs_key,
        rules: view.rules.clone(),
        moving: view.moving.as_ref().map(|booking| Moving {
            from: calendar::span(zone, &booking.slot),
            href: format!("/bookings/{}", booking.id),
        }),
        refused: None,
        announced: Announced::default(),
        views: if no_week.is_none() { views(view, query) } else { Vec::new() },
        week: shown(View::Week).then(|| week::compose(view, query.day)),
        list: shown(View::List).then(|| list::compose(view)),
        find: asked.filter(|_| shown(View::Find)).map(|asked| find::compose(view, asked)),
        panel: view
            .choice
            .as_ref()
            .filter(|_| no_week.is_none())
            .map(|choice| panel::compose(who, view, choice, query)),
        site: present::site_notice(zone, view.now, &view.setting.site.title, view.health.as_ref()),
        no_week,
    }
}

/// The ways to look at the times of the shown week.
fn views(view: &LabView, query: &Query) -> Vec<ViewLink> {
    let (path, week) = (view.path(), view.week.first);
    let link = |shown, text: &str, href: String| ViewLink {
        link: Link::new(href, text),
        current: query.view == shown,
    };
    vec![
        link(View::Week, "Week", format!("{path}?week={week}")),
        link(View::List, "List", format!("{path}?view=list&week={week}")),
        link(View::Find, "Find a slot", format!("{path}?view=find")),
    ]
}

/// "Expect about 5 h of work."
fn expected(minutes: i32) -> String {
    format!("Expect about {} h of work.", hours_text(minutes.into()))
}

fn no_week(view: &LabView, state: LabState) -> Option<NoWeek> {
    let lab = &view.setting.lab;
    match (state, lab.due) {
        (LabState::Closed, Some(due)) => Some(NoWeek {
            title: "This lab is over".to_owned(),
            text: format!(
                "It was due on {}. Nothing can be booked any more.",
                calendar::date_and_time(view.setting.zone, due)
            ),
        }),
        _ => None,
    }
}

/// "4", "1.5" or "0.3333" as a length, to the nearest minute.
pub(in crate::web) fn read_hours(text: &str) -> Result<TimeDelta, Problem> {
    let problem =
        || Problem::with_field("hours", format!("\"{text}\" is not a length in hours such as 4 or 1.5."));
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let digits =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole, 4) || !digits(part, 6) {
        return Err(problem());
    }
    let whole: i64 = whole.parse().map_err(|_| problem())?;
    let scale = 10_i64.pow(u32::try_from(part.len()).map_err(|_| problem())?);
    let part: i64 = part.parse().map_err(|_| problem())?;
    let minutes = whole * 60 + (part * 120 + scale) / (2 * scale);
    if minutes == 0 { Err(problem()) } else { Ok(TimeDelta::minutes(minutes)) }
}

/// "2026-11-24T14:00-05:00" as an instant.
pub(in crate::web) fn read_start(text: &str) -> Result<DateTime<Utc>, Problem> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"))
        .ok()
        .map(|at| at.to_utc())
        .filter(|at| calendar::is_plausible(*at))
        .ok_or_else(|| {
            Problem::with_field("start", format!("\"{text}\" is not a start such as 2026-11-24T14:00-05:00."))
        })
}

/// The slot that a form asks for, or everything that is wrong with it.
pub(in crate::web) fn read_slot(start: &str, hours: &str) -> Result<Interval, WebError> {
    match (read_start(start), read_hours(hours)) {
        (Ok(start), Ok(length)) => {
            Interval::new(start, start + length).ok_or_else(|| WebError::unreadable(&"the slot is empty"))
        }
        (start, length) => Err(WebError::BadInput(start.err().into_iter().chain(length.err()).collect())),
    }
}

/// A wish for a booking.
#[derive(Debug, Deserialize)]
pub struct Form {
    #[serde(default)]
    idempotency_key: String,
    pub(super) start: String,
    #[serde(default)]
    pub(super) hours: String,
}

/// Books, and leads to the booking. A refusal keeps the choice and says what would be accepted.
pub async fn book(
    who: SignedIn,
    path: web::Path<LabId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let slot = read_slot(&form.start, &form.hours)?;
    let key = Some(form.idempotency_key.chars().take(64).collect::<String>()).filter(|key| !key.is_empty());
    let wish = Wish { person: who.caller.person.clone(), lab: path.clone(), slot, idempotency_key: key };
    match booking::book(who.context.app(), wish).await {
        Ok(booking) => Ok(who.context.done(&format!("/bookings/{}", booking.id), Done::Booked)),
        Err(BookingError::Refused(refusal)) => refused(&who, &path, None, &slot, &refusal).await,
        Err(error) => Err(WebError::of_booking(error, Some(&path))),
    }
}

/// The lab's page again with the choice, every rule that it breaks, and what would be accepted.
pub(super) async fn refused(
    who: &SignedIn,
    lab: &LabId,
    moving: Option<BookingId>,
    slot: &Interval,
    refusal: &Refusal,
) -> Result<HttpResponse, WebError> {
    let path = moving.as_ref().map_or_else(|| format!("/labs/{lab}"), |id| format!("/bookings/{id}/move"));
    let done = if moving.is_some() { "moved there" } else { "booked" };
    let hours = Some(hours_text(slot.length().num_minutes()));
    let query = Query { start: Some(slot.start()), hours, moving, ..Query::default() };
    let mut again = lab_page(who, lab, &query, "").await?;
    again.refused = Some(Refused {
        title: format!(
            "{} for {} was not {done}",
            calendar::date_and_time(refusal.zone, slot.start()),
            calendar::in_words(slot.length())
        ),
        problems: present::problems(refusal),
        nearest: present::nearest(&path, refusal, who.context.app().now()),
        wait: present::is_full(&refusal.violations)
            .then(|| present::wait_href(lab, refusal.zone, slot.start(), Some(slot.length()))),
    });
    let status: StatusCode = refusal_status(refusal);
    Ok(page(status, again.render()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_and_read_back() {
        for minutes in 1..=10_080 {
            assert_eq!(read_hours(&hours_text(minutes)).unwrap(), TimeDelta::minutes(minutes), "{minutes}");
        }
        assert_eq!([60, 90, 20, 480].map(hours_text), ["1", "1.5", "0.3333", "8"]);
        assert_eq!(read_hours("1.5").unwrap(), TimeDelta::minutes(90));
        for bad in ["", "0", "x", "-1", "1,5", "1e3", "99999", "1.", ".5"] {
            assert!(read_hours(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn starts_are_read_as_links_write_them() {
        let query = web::Query::<Query>::from_query("start=2026-11-24T14:00-05:00").unwrap();
        assert_eq!(query.start.unwrap().to_rfc3339(), "2026-11-24T19:00:00+00:00");
        assert!(web::Query::<Query>::from_query("start=tomorrow").is_err());
        assert_eq!(web::Query::<Query>::from_query("week=2026-11-20").unwrap().start, None);
        assert_eq!(read_start("2026-11-24T14:00-05:00").unwrap().to_rfc3339(), "2026-11-24T19:00:00+00:00");
        assert!(read_start("2026-11-24T14:00:00Z").is_ok());
        assert!(read_start("+262142-12-31T23:59:00Z").is_err());
        assert!(read_start("tomorrow").unwrap_err().text.contains("such as"));
    }
}
