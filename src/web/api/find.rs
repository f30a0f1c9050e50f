//! `/api/v1/labs/{lab}/slots`: the first slots that fit. `/api/v1/labs/{lab}/explanation`: what the rules make of one.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::ok;
use crate::domain::ids::LabId;
use crate::policy::search::Wanted;
use crate::services::booking::{self, Wish};
use crate::services::explain::{Explanation, Slot};
use crate::services::labs::{self, Spread};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::lab::{read_hours, read_slot, read_start};
use crate::web::pages::layout::Problem;

/// What someone looks for, as it is typed: what can't be read is told with its field.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    hours: String,
    earliest: Option<String>,
    latest: Option<String>,
    days: Option<String>,
    between: Option<String>,
    count: Option<String>,
}

/// How many slots are found if nobody says how many, and at most.
const USUAL: usize = 5;
const MOST: usize = 100;

/// Finds them.
pub(super) async fn slots(
    who: SignedIn,
    path: web::Path<LabId>,
    query: web::Query<Query>,
) -> Result<HttpResponse, WebError> {
    let (wanted, count) = read(&query)?;
    let app = who.context.app().clone();
    let (db, person, lab) = (app.db.clone(), who.caller.person.clone(), path.into_inner());
    let found = db
        .read("slots", move |conn| labs::search(&app, conn, &person, &lab, &wanted, Spread::all(count)))
        .await?
        .ok_or(WebError::NotFound)?;
    let zone = who.context.zone();
    let slots: Vec<_> = found.iter().map(|slot| Slot::of(slot, zone)).collect();
    Ok(ok(&json!({"slots": slots})))
}

/// A slot that someone asks about, as it is typed.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    start: String,
    #[serde(default)]
    hours: String,
}

/// Says whether it would be accepted now; nothing is booked.
pub(super) async fn explanation(
    who: SignedIn,
    path: web::Path<LabId>,
    query: web::Query<Asked>,
) -> Result<HttpResponse, WebError> {
    let slot = read_slot(&query.start, &query.hours)?;
    let lab = path.into_inner();
    let wish = Wish { person: who.caller.person.clone(), lab: lab.clone(), slot, idempotency_key: None };
    let (db, now) = (who.context.app().db.clone(), who.context.app().now());
    let judgement = db
        .read("explain", move |conn| booking::explain(conn, &wish, now))
        .await
        .map_err(|error| WebError::of_booking(error, Some(&lab)))?;
    Ok(ok(&Explanation::of(&judgement)))
}

/// What is wanted and how many of it, or everything that is wrong with it.
fn read(query: &Query) -> Result<(Wanted, usize), WebError> {
    let mut problems = Vec::new();
    let length = keep(read_hours(&query.hours).map(Some), &mut problems);
    let wanted = Wanted {
        length: length.unwrap_or_default(),
        earliest: read_part(query.earliest.as_deref(), |text| time("earliest", text), &mut problems),
        latest: read_part(query.latest.as_deref(), |text| time("latest", text), &mut problems),
        days: read_part(query.days.as_deref(), |text| parsed("days", text), &mut problems),
        hours: read_part(query.between.as_deref(), |text| parsed("between", text), &mut problems),
    };
    let number = read_part(query.count.as_deref(), count, &mut problems);
    if problems.is_empty() {
        Ok((wanted, number.unwrap_or(USUAL)))
    } else {
        Err(WebError::BadInput(problems))
    }
}

fn read_part<T>(
    text: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, Problem>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    keep(text.map(read).transpose(), problems)
}

fn keep<T>(part: Result<Option<T>, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    part.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}

fn time(field: &str, text: &str) -> Result<DateTime<Utc>, Problem> {
    read_start(text).map_err(|_| {
        Problem::with_field(field, format!("\"{text}\" is not a time such as 2026-11-24T14:00-05:00."))
    })
}

fn parsed<T: std::str::FromStr<Err = String>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::with_field(field, format!("{error}.")))
}

fn count(text: &str) -> Result<usize, Problem> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| {
        Problem::with_field("count", format!("\"{text}\" is not a number of slots from 1 to {MOST}."))
    })
}
