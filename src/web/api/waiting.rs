//! Waiting for a place: what to expect, joining, leaving, and answering an offer.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{answer, booking_json, marked, ok, rfc3339};
use crate::domain::ids::{BookingId, LabId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::waitlist::{Asked, Outcome, Wait, WaitState};
use crate::policy::waitlist::order::Priority;
use crate::services::explain::Slot;
use crate::services::waitlist::{self, MyWait, Outlook};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::lab::{read_hours, read_start};
use crate::web::handlers::wait::Wish;
use crate::web::pages::layout::Problem;
use crate::web::table::routes;

routes! {
    /// Waiting for a place.
    ROWS in "/api/v1", routes:
    get "/labs/{lab}/wait", Book => outlook;
    post "/labs/{lab}/wait", Book => join;
    get "/waits", Book => mine;
    delete "/waits/{wait}", Book => leave;
    post "/bookings/{booking}/accept", ChangeBooking => accept;
    post "/bookings/{booking}/pass", ChangeBooking => pass;
}

/// What a wait would come to, for the query of the page.
async fn outlook(
    who: SignedIn,
    path: web::Path<LabId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let zone = who.context.zone();
    let pairs: Vec<_> = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let wish = Wish::read(&pairs, zone).of_form();
    let asked = wish.asked().ok_or(WebError::BadInput(wish.problems))?;
    let app = who.context.app().clone();
    let (db, person, lab) = (app.db.clone(), who.caller.person.clone(), path.clone());
    let outlook = db
        .read("outlook", move |conn| waitlist::outlook(&app, conn, &person, &lab, &asked))
        .await
        .map_err(|error| WebError::of_wait(error, Some(&path)))?;
    Ok(ok(&outlook_json(zone, &outlook)))
}

fn outlook_json(zone: Tz, outlook: &Outlook) -> Value {
    let forecast = &outlook.forecast;
    json!({
        "position": forecast.position,
        "odds": forecast.odds,
        "early": forecast.early.map(|at| rfc3339(zone, at)),
        "late": forecast.late.map(|at| rfc3339(zone, at)),
        "until": rfc3339(zone, outlook.until),
        "freed": forecast.seen.freed,
        "observed_minutes": forecast.seen.observed_minutes,
        "free_now": outlook.free_now.iter().map(|slot| Slot::of(slot, zone)).collect::<Vec<_>>(),
        "priority": priority_json(&outlook.priority),
    })
}

fn priority_json(priority: &Priority) -> Value {
    json!({
        "points": priority.points(),
        "weights": priority.weights,
        "fair_share": priority.fair_share.number(),
        "age": priority.age.number(),
        "due": priority.due.number(),
    })
}

/// A place in line that is wanted.
#[derive(Debug, Deserialize)]
struct NewWait {
    hours: f64,
    #[serde(default)]
    windows: Vec<Window>,
    #[serde(default)]
    auto_accept: bool,
}

#[derive(Debug, Deserialize)]
struct Window {
    start: String,
    end: String,
}

impl NewWait {
    /// What is asked for, or everything that is wrong with it.
    fn asked(&self) -> Result<Asked, WebError> {
        let mut problems = Vec::new();
        let length = read_hours(&format!("{:.4}", self.hours)).map_err(|problem| problems.push(problem));
        let windows = self.windows.iter().map(Window::read);
        let windows = windows.filter_map(|window| window.map_err(|problem| problems.push(problem)).ok());
        let windows = windows.collect();
        match length {
            Ok(length) if problems.is_empty() => {
                Ok(Asked { length_minutes: length.num_minutes(), windows, auto_accept: self.auto_accept })
            }
            _ => Err(WebError::BadInput(problems)),
        }
    }
}

impl Window {
    fn read(&self) -> Result<Interval, Problem> {
        let (start, end) = (read_start(&self.start)?, read_start(&self.end)?);
        let wrong = || Problem::with_field("windows", "A window ends after it starts.");
        Interval::new(start, end).ok_or_else(wrong)
    }
}

async fn join(
    who: SignedIn,
    path: web::Path<LabId>,
    body: web::Json<NewWait>,
) -> Result<HttpResponse, WebError> {
    let asked = body.asked()?;
    let wait = waitlist::join(who.context.app(), who.caller.person.clone(), path.clone(), asked)
        .await
        .map_err(|error| WebError::of_wait(error, Some(&path)))?;
    Ok(answer(StatusCode::CREATED, &wait_json(who.context.zone(), &wait)))
}

fn wait_json(zone: Tz, wait: &Wait) -> Value {
    let (state, booking) = match &wait.state {
        WaitState::Waiting => ("waiting", None),
        WaitState::Offered(booking) => ("offered", Some(booking)),
        WaitState::Ended { outcome: Outcome::Served(booking), .. } => ("served", Some(booking)),
        WaitState::Ended { outcome: Outcome::Left, .. } => ("left", None),
        WaitState::Ended { outcome: Outcome::Unanswered, .. } => ("unanswered", None),
        WaitState::Ended { outcome: Outcome::Over, .. } => ("over", None),
    };
    json!({
        "id": wait.id,
        "lab": wait.lab,
        "length_minutes": wait.asked.length_minutes,
        "windows": wait.asked.windows.iter().map(|it| Slot::of(it, zone)).collect::<Vec<_>>(),
        "auto_accept": wait.asked.auto_accept,
        "joined_at": rfc3339(zone, wait.joined_at),
        "state": state,
        "booking": booking,
    })
}

async fn mine(who: SignedIn) -> Result<HttpResponse, WebError> {
    let app = who.context.app().clone();
    let (db, person, zone) = (app.db.clone(), who.caller.person.clone(), who.context.zone());
    let mine = db.read("waits", move |conn| waitlist::mine(&app, conn, &person)).await?;
    let waits: Vec<Value> = mine.iter().map(|it| mine_json(zone, it)).collect();
    Ok(ok(&json!({"waits": waits})))
}

fn mine_json(zone: Tz, mine: &MyWait) -> Value {
    let mut body = wait_json(zone, &mine.wait);
    if let Some(fields) = body.as_object_mut() {
        let outlook = mine.outlook.as_ref().map(|outlook| outlook_json(zone, outlook));
        fields.insert("outlook".to_owned(), json!(outlook));
        let offer = mine.offer.as_ref().map(|offer| {
            let until = offer.state.offered_until().map(|at| rfc3339(zone, at));
            json!({"booking": booking_json(zone, offer), "until": until})
        });
        fields.insert("offer".to_owned(), json!(offer));
    }
    body
}

async fn leave(who: SignedIn, path: web::Path<WaitId>) -> Result<HttpResponse, WebError> {
    waitlist::leave(who.context.app(), who.caller.person.clone(), path.into_inner())
        .await
        .map_err(|error| WebError::of_wait(error, None))?;
    Ok(HttpResponse::NoContent().finish())
}

async fn accept(who: SignedIn, path: web::Path<BookingId>) -> Result<HttpResponse, WebError> {
    let taken = waitlist::accept(who.context.app(), who.caller.person.clone(), path.into_inner())
        .await
        .map_err(|error| WebError::of_wait(error, None))?;
    Ok(marked(&taken, ok(&booking_json(who.context.zone(), &taken))))
}

async fn pass(who: SignedIn, path: web::Path<BookingId>) -> Result<HttpResponse, WebError> {
    waitlist::pass(who.context.app(), who.caller.person.clone(), path.into_inner())
        .await
        .map_err(|error| WebError::of_wait(error, None))?;
    Ok(HttpResponse::NoContent().finish())
}
