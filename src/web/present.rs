//! How facts are worded on pages: times, links, broken rules.

use actix_web::HttpResponse;
use actix_web::http::header;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::handlers::lab::hours_text;
use super::pages::layout::{BookingLine, BookingState, LabState, Link, NearestStart, Problem, When};
use crate::auth::permissions::{Permission, Relation};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::calendar;
use crate::domain::course::Lab;
use crate::domain::health::{Condition, Health};
use crate::domain::ids::LabId;
use crate::domain::interval::Interval;
use crate::domain::person::Person;
use crate::policy::admission::Violation;
use crate::services::booking::Refusal;
use crate::services::waitlist::Part;

/// `2026-11-24T14:00-05:00`: an instant with its offset, short enough for links.
pub fn iso(zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).format("%Y-%m-%dT%H:%M%:z").to_string()
}

/// `today 14:00`, `tomorrow 14:00`, `Sat Nov 28, 14:00`.
pub fn when(zone: Tz, now: DateTime<Utc>, at: DateTime<Utc>) -> When {
    let days = (calendar::local_date(zone, at) - calendar::local_date(zone, now)).num_days();
    let text = match days {
        -1 => format!("yesterday {}", calendar::time(zone, at)),
        0 => format!("today {}", calendar::time(zone, at)),
        1 => format!("tomorrow {}", calendar::time(zone, at)),
        _ => calendar::date_and_time(zone, at),
    };
    When::new(iso(zone, at), text)
}

/// The end of something that starts at `start`: `18:00`, `24:00`, or with its day if that is another one.
pub fn end(zone: Tz, start: DateTime<Utc>, at: DateTime<Utc>) -> When {
    let date = calendar::local_date(zone, start);
    let text = if calendar::local_date(zone, at) == date {
        calendar::time(zone, at)
    } else if at == calendar::day(zone, date).end() {
        "24:00".to_owned()
    } else {
        at.with_timezone(&zone).format("%a %H:%M").to_string()
    };
    When::new(iso(zone, at), text)
}

/// `gpu-01`, `gpu-01 and gpu-02`, `gpu-01, gpu-02 and gpu-03`; nothing if there are none.
pub fn nodes(names: &[String]) -> Option<String> {
    let (last, others) = names.split_last()?;
    if others.is_empty() {
        return Some(last.clone());
    }
    Some(format!("{} and {last}", others.join(", ")))
}

/// A redirect after a form, or to the sign-in.
pub fn redirect(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// The sign-in that leads back to `return_to`.
pub fn sign_in_href(return_to: &str) -> String {
    format!("/sign-in?return_to={}", escape(return_to))
}

/// `text` as the value of a query.
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

/// The staff's page of a lab, for those who may see it.
pub fn staff_link(person: &Person, lab: &LabId) -> Option<Link> {
    let sees = Permission::SeeCourse.allows(person, Relation::Others);
    sees.then(|| Link::new(format!("/staff/labs/{lab}"), "Staff view"))
}

/// The page at `path` with a start chosen; its query begins with `and`, such as `view=list&`.
pub fn start_href(path: &str, zone: Tz, at: DateTime<Utc>, and: &str) -> String {
    format!("{path}?{and}start={}#book", escape(&iso(zone, at)))
}

/// The length of a slot as the beginning of a query that chooses it.
pub fn with_hours(slot: &Interval) -> String {
    format!("hours={}&", hours_text(slot.length().num_minutes()))
}

/// Whether others have what was asked for, so that waiting for it makes sense.
pub fn is_full(violations: &[Violation]) -> bool {
    let full = |it: &Violation| matches!(it, Violation::Full { .. } | Violation::WaitedFor);
    violations.iter().any(full) && violations.iter().all(Violation::is_contention)
}

/// Where one waits for a place like `slot`: its length, and the part of the day in which it starts, are chosen there.
pub fn wait_href(lab: &LabId, zone: Tz, start: DateTime<Utc>, length: Option<TimeDelta>) -> String {
    let date = calendar::local_date(zone, start);
    let part =
        Part::ALL.into_iter().find(|part| part.on(zone, date).is_some_and(|span| span.contains(start)));
    let hours =
        length.map(|length| format!("hours={}&", hours_text(length.num_minutes()))).unwrap_or_default();
    let at = part.map(|part| format!("at={date}.{}", part.word())).unwrap_or_default();
    format!("/labs/{lab}/wait?{hours}{at}")
}

/// Each broken rule in a sentence.
pub fn problems(refusal: &Refusal) -> Vec<Problem> {
    let problem = |violation: &Violation| Problem::rule(violation.code(), violation.sentence(refusal.zone));
    refusal.violations.iter().map(problem).collect()
}

/// The starts that would be accepted.
pub fn nearest(path: &str, refusal: &Refusal, now: DateTime<Utc>) -> Vec<NearestStart> {
    let start = |slot: &Interval| NearestStart {
        href: start_href(path, refusal.zone, slot.start(), &with_hours(slot)),
        start: when(refusal.zone, now, slot.start()),
        note: format!("for {}", calendar::in_words(slot.length())),
    };
    refusal.nearest.iter().map(start).collect()
}

/// Where a booking is, as pages word it.
pub fn booking_state(booking: &Booking) -> BookingState {
    match booking.state {
        State::Offered { .. } => BookingState::Offered,
        State::Held => BookingState::Held,
        State::Booked => BookingState::Booked,
        State::Preparing => BookingState::Preparing,
        State::Active { .. } => BookingState::Active,
        State::Releasing { .. } => BookingState::Releasing,
        State::Ended { reason: EndReason::Failed, .. } => BookingState::Failed,
        State::Ended { .. } => BookingState::Ended,
    }
}

/// A booking in a line.
pub fn booking_line(zone: Tz, now: DateTime<Utc>, booking: &Booking) -> BookingLine {
    let slot = &booking.slot;
    let note = match booking.state {
        State::Held | State::Booked | State::Preparing if now < slot.start() => {
            Some(format!("starts in {}", calendar::in_words(slot.start() - now)))
        }
        State::Offered { until } => Some(format!("take it by {}", when(zone, now, until).text)),
        State::Active { .. } => Some(format!("{} left", calendar::in_words(slot.end() - now))),
        _ => None,
    };
    BookingLine {
        href: format!("/bookings/{}", booking.id),
        start: when(zone, now, slot.start()),
        end: end(zone, slot.start(), slot.end()),
        length: calendar::in_words(slot.length()),
        state: booking_state(booking),
        note,
    }
}

/// `14:05`, or with its day if that is not today: how long a trouble lasts.
fn since(zone: Tz, now: DateTime<Utc>, at: DateTime<Utc>) -> String {
    if calendar::local_date(zone, at) == calendar::local_date(zone, now) {
        calendar::time(zone, at)
    } else {
        calendar::date_and_time(zone, at)
    }
}

/// What does not go well at a site, in a sentence without its end; nothing if it does its part.
pub fn site_trouble(zone: Tz, now: DateTime<Utc>, site: &str, health: Option<&Health>) -> Option<String> {
    let health = health?;
    let since = since(zone, now, health.since);
    let refuses = health.last_fault.as_ref().is_some_and(|(_, fault)| fault.class == "unauthorised");
    match health.condition {
        Condition::Up => None,
        Condition::Degraded => Some(format!("{site} has not answered reliably since {since}")),
        Condition::Down if refuses => Some(format!("{site} refuses to work for the course since {since}")),
        Condition::Down => Some(format!("{site} does not answer since {since}")),
    }
}

/// What that means for those who want to use it.
pub fn site_notice(zone: Tz, now: DateTime<Utc>, site: &str, health: Option<&Health>) -> Option<String> {
    let trouble = site_trouble(zone, now, site, health)?;
    Some(match health.map(|health| health.condition) {
        Some(Condition::Down) => {
            format!(
                "{trouble}; what you book is made as soon as it does. Servers that run already may well go on."
            )
        }
        _ => format!("{trouble}; making servers may take longer than usual."),
    })
}

/// Where a lab is on its way, and the same in words.
pub fn lab_state(lab: &Lab, now: DateTime<Utc>) -> (LabState, String) {
    if now < lab.open {
        return (LabState::Upcoming, format!("opens in {}", calendar::in_words(lab.open - now)));
    }
    let Some(due) = lab.due else {
        return (LabState::Deferred, "deferred: due date to be announced".to_owned());
    };
    let left = due - now;
    match left.num_days() {
        _ if due <= now => (LabState::Closed, "closed".to_owned()),
        0..=2 => (LabState::DueSoon, format!("due in {}", calendar::in_words(left))),
        days @ 3..=9 => (LabState::DueSoon, format!("due in {days} days")),
        days => (LabState::Open, format!("due in {days} days")),
    }
}
