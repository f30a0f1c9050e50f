//! `/labs/{lab}`: the week of starts, and booking one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{page, page_once};
use crate::domain::calendar;
use crate::domain::ids::{BookingId, LabId};
use crate::domain::interval::Interval;
use crate::policy::admission::Violation;
use crate::policy::availability::Verdict;
use crate::services::booking::{self, BookingError, Refusal, Wish};
use crate::services::labs::{self, Choice, LabView, Look};
use crate::web::context::{Done, SignedIn};
use crate::web::error::{WebError, refusal_status};
use crate::web::pages::lab::{LabPage, Length, Moving, NoWeek, Panel, Refused};
use crate::web::pages::layout::{LabState, Link, Problem, Section};
use crate::web::present;

mod week;

/// What the reader chose.
#[derive(Debug, Default, Deserialize)]
pub struct Query {
    week: Option<NaiveDate>,
    day: Option<NaiveDate>,
    /// The booking that is to be moved; never of the address's query.
    #[serde(skip)]
    pub(super) moving: Option<BookingId>,
    #[serde(default, deserialize_with = "start_of_link")]
    start: Option<DateTime<Utc>>,
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
    let lab = lab_page(&who, &path, &query).await?;
    Ok(page_once(&request, lab.render()?))
}

pub(super) async fn lab_page(who: &SignedIn, lab: &LabId, query: &Query) -> Result<LabPage, WebError> {
    let app = who.context.app().clone();
    let (db, person, id) = (app.db.clone(), who.session.person.clone(), lab.clone());
    let look = Look { date: query.week.or(query.day), chosen: query.start, moving: query.moving.clone() };
    let view = db
        .read("lab", move |conn| labs::lab(&app, conn, &person, &id, &look))
        .await?
        .ok_or(WebError::NotFound)?;
    Ok(compose(who, &view, query))
}

fn compose(who: &SignedIn, view: &LabView, query: &Query) -> LabPage {
    let (lab, zone) = (&view.setting.lab, view.setting.zone);
    let (state, state_text) = present::lab_state(lab, view.now);
    let needs_key = who.session.person.ssh_public_key.is_none();
    let no_week = no_week(view, state);
    let links = lab.manual.iter().map(|href| Link::new(href.clone(), "Instructions")).collect();
    LabPage {
        layout: who.context.layout(&lab.title, Section::Labs),
        id: lab.id.to_string(),
        title: lab.title.clone(),
        staff: present::staff_link(&who.session.person, &lab.id),
        state,
        state_text,
        rule: view.week.rule.clone(),
        rule_more: None,
        about: lab.summary.split("\n\n").filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        expected: lab.expected_minutes.map(expected),
        links,
        reading: lab.reading.iter().map(|it| Link::new(it.url.clone(), it.title.clone())).collect(),
        gets: gets(view),
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
        week: no_week.is_none().then(|| week::compose(view, query.day)),
        panel: view
            .choice
            .as_ref()
            .filter(|_| no_week.is_none())
            .map(|choice| panel(who, view, choice, needs_key)),
        no_week,
    }
}

/// "Expect about 5 h of work."
fn expected(minutes: i32) -> String {
    format!("Expect about {} h of work.", hours_text(minutes.into()))
}

/// A line for each thing that a booking gets.
fn gets(view: &LabView) -> Vec<String> {
    let blueprint = &view.setting.lab.blueprint;
    let mut lines: Vec<String> = blueprint
        .flavors()
        .into_iter()
        .map(|(flavor, count)| format!("{count} {}, {flavor}", if count == 1 { "server" } else { "servers" }))
        .collect();
    lines.push(format!("a private network, {}", blueprint.network.cidr));
    let public =
        blueprint.servers.iter().filter(|server| server.floating_ip).map(|server| server.name.to_string());
    let public: Vec<String> = public.collect();
    if !public.is_empty() {
        lines.push(format!("a public address on {}", public.join(", ")));
    }
    lines
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

fn panel(who: &SignedIn, view: &LabView, choice: &Choice, needs_key: bool) -> Panel {
    let (lab, pool, zone) = (&view.setting.lab, &view.setting.pool, view.setting.zone);
    let at = choice.start.at;
    let (free, lengths) = match &choice.start.verdict {
        Verdict::Free { units_left, .. } => (
            format!(
                "{} of {} free",
                units_left / lab.units.max(1),
                pool.capacity_at(pool.floor(at)) / lab.units.max(1)
            ),
            lengths(view, choice),
        ),
        Verdict::Refused(_) => (String::new(), Vec::new()),
    };
    let because = match (&choice.start.verdict, &choice.stopper) {
        (Verdict::Refused(violations), _) => {
            violations.iter().map(|violation| violation.sentence(zone)).collect::<Vec<_>>().join(" ")
        }
        (Verdict::Free { .. }, Some(Violation::OverCap { cap, counted: None, .. })) => {
            format!("{} at once is the most.", calendar::in_words(*cap))
        }
        (_, Some(violation)) => violation.sentence(zone),
        (_, None) => String::new(),
    };
    let ready_by = calendar::time(zone, at);
    let begin = at - pool.lead();
    let preparing = if begin <= view.now {
        format!("Preparing begins at once, so that it is ready at {ready_by}.")
    } else if pool.lead() > TimeDelta::zero() {
        format!("Preparing begins at {}, so that it is ready at {ready_by}.", calendar::time(zone, begin))
    } else {
        format!("Preparing begins at {ready_by} and takes a few minutes.")
    };
    let (action, button) = match &view.moving {
        Some(booking) => (format!("{}?seen={}", view.path(), booking.mark()), "Move it there".to_owned()),
        None => (format!("{}/bookings", view.path()), "Book".to_owned()),
    };
    let have = i32::try_from(view.bookings.len()).unwrap_or(i32::MAX);
    let left = lab.policy.bookings_ahead - have - 1;
    Panel {
        action,
        button,
        warnings: choice.warnings.iter().map(|it| it.sentence(zone)).collect(),
        csrf: who.session.csrf.clone(),
        idempotency_key: who.context.app().booking_id().to_string(),
        start: present::when(zone, view.now, at),
        free,
        longest_because: because,
        preparing,
        leaves: (!lengths.is_empty() && view.moving.is_none())
            .then(|| format!("Leaves you {} of {} bookings.", left.max(0), lab.policy.bookings_ahead)),
        lengths,
        close_href: format!("{}?week={}#week", view.path(), view.week.first),
        blocked: needs_key.then(|| Link::new("/me#key", "Add your SSH key first")),
    }
}

/// Whole hours, and the longest even if it is none; every length where the lab has set ones. People think of a block with
/// its end margin as of its whole hours.
fn lengths(view: &LabView, choice: &Choice) -> Vec<Length> {
    let (at, margin) = (choice.start.at, view.setting.pool.end_margin());
    let servers = i64::try_from(view.setting.lab.blueprint.servers.len()).unwrap_or(0);
    let set = !view.setting.lab.policy.lengths_minutes.is_empty();
    let whole = |length: &TimeDelta| (*length + margin).num_minutes() % 60 == 0;
    let longest = choice.lengths.last();
    let offered: Vec<TimeDelta> = choice
        .lengths
        .iter()
        .copied()
        .filter(|length| set || whole(length) || Some(length) == longest)
        .collect();
    let usual = offered.iter().copied().filter(|length| *length <= USUAL).max().or(offered.first().copied());
    offered
        .iter()
        .map(|length| Length {
            hours: hours_text(length.num_minutes()),
            text: calendar::in_words(*length + margin),
            end: present::end(view.setting.zone, at, at + *length),
            cost: format!("{} server-hours", hours_text((*length + margin).num_minutes() * servers)),
            chosen: Some(*length) == usual,
        })
        .collect()
}

/// The length that is chosen at first is the longest up to this.
const USUAL: TimeDelta = TimeDelta::hours(4);

/// "4", "1.5" or "0.3333": hours as a form sends them, exact to the minute.
pub(in crate::web) fn hours_text(minutes: i64) -> String {
    let ten_thousandths = (minutes % 60 * 10_000 + 30) / 60;
    let text = format!("{}.{ten_thousandths:04}", minutes / 60);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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
    pub(super) csrf: String,
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
    who.check_csrf(&form.csrf)?;
    let slot = read_slot(&form.start, &form.hours)?;
    let key = Some(form.idempotency_key.chars().take(64).collect::<String>()).filter(|key| !key.is_empty());
    let wish = Wish { person: who.session.person.clone(), lab: path.clone(), slot, idempotency_key: key };
    match booking::book(who.context.app(), wish).await {
        Ok(booking) => {
            let mut response = present::redirect(&format!("/bookings/{}", booking.id));
            if let Err(error) = response.add_cookie(&Done::Booked.cookie()) {
                tracing::warn!(%error, "a cookie can't be set");
            }
            Ok(response)
        }
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
    let query = Query { start: Some(slot.start()), moving, ..Query::default() };
    let mut again = lab_page(who, lab, &query).await?;
    again.refused = Some(Refused {
        title: format!(
            "{} for {} was not {done}",
            calendar::date_and_time(refusal.zone, slot.start()),
            calendar::in_words(slot.length())
        ),
        problems: present::problems(refusal),
        nearest: present::nearest(&path, refusal, who.context.app().now()),
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
