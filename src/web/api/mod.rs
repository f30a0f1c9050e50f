//! `/api/v1`: the same use cases as JSON. Errors are RFC 9457 problems. A program signs in with a token,
//! a browser's page with its session; then unsafe requests carry that session's token in `X-CSRF-Token`.

mod announcements;
pub(in crate::web) mod audit;
mod change;
mod fair_share;
mod find;
mod outages;
pub(in crate::web) mod reaper;
pub(in crate::web) mod roster;
mod sites;
pub(in crate::web) mod waiting;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, Header as _, HeaderValue, IfMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::SignedIn;
use super::error::WebError;
use super::handlers::booking::note_opened;
use super::handlers::lab::read_slot;
use super::pages::layout::Problem;
use super::table::routes;

use crate::domain::blueprint::Kind;
use crate::domain::booking::{Booking, EndReason};
use crate::domain::ids::{BookingId, LabId, NetId, ResourceKey};
use crate::domain::resource::Resource;
use crate::policy::availability::{Start, Verdict};
use crate::services::booking::{self, BookingView, Seen, Wish};
use crate::services::explain::{Broken, Slot};
use crate::services::labs::{self, Look};

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    served(config);
    waiting::routes(config);
    reaper::routes(config);
    roster::routes(config);
    audit::routes(config);
    config.default_service(web::to(|| async { Err::<HttpResponse, _>(WebError::NotFound) }));
}

routes! {
    /// Labs, bookings, shares and sites.
    ROWS in "/api/v1", served:
    get "/sites", SeeLabs => sites::all;
    get "/outages", SeeLabs => outages::all;
    get "/announcements", SeeLabs => announcements::all;
    get "/labs/{lab}/starts", SeeLabs => starts;
    get "/labs/{lab}/slots", SeeLabs => find::slots;
    get "/labs/{lab}/explanation", SeeLabs => find::explanation;
    post "/labs/{lab}/bookings", Book => book;
    get "/bookings/{booking}", SeeBooking => show;
    patch "/bookings/{booking}", ChangeBooking => change::change;
    delete "/bookings/{booking}", ChangeBooking => release;
    get "/fairshare", SeeUsage => fair_share::show;
}

fn answer(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}

fn ok(body: &impl Serialize) -> HttpResponse {
    answer(StatusCode::OK, body)
}

/// What the caller saw of a booking, if they say so.
fn if_match(request: &HttpRequest) -> Result<Seen, WebError> {
    if !request.headers().contains_key(header::IF_MATCH) {
        return Ok(Seen::Anything);
    }
    match IfMatch::parse(request).map_err(|error| WebError::unreadable(&error))? {
        IfMatch::Any => Ok(Seen::Anything),
        IfMatch::Items(tags) => {
            let strong = tags.iter().filter(|tag| !tag.weak);
            Ok(Seen::OneOf(strong.map(|tag| tag.tag().to_owned()).collect()))
        }
    }
}

#[derive(Debug, Deserialize)]
struct Week {
    week: Option<NaiveDate>,
}

async fn starts(
    who: SignedIn,
    path: web::Path<LabId>,
    query: web::Query<Week>,
) -> Result<HttpResponse, WebError> {
    let app = who.context.app().clone();
    let (db, person, lab) = (app.db.clone(), who.caller.person.clone(), path.into_inner());
    let look = Look { date: query.week, ..Look::default() };
    let view = db.read("starts", move |conn| labs::lab(&app, conn, &person, &lab, &look)).await?;
    let view = view.ok_or(WebError::NotFound)?;
    let zone = view.setting.zone;
    let starts: Vec<Value> =
        view.week.days.iter().flat_map(|day| &day.starts).map(|start| start_json(zone, start)).collect();
    Ok(ok(
        &json!({"lab": view.setting.lab.id, "week": view.week.first, "rule": view.week.rule, "starts": starts}),
    ))
}

fn rfc3339(zone: Tz, at: DateTime<Utc>) -> String {
    at.with_timezone(&zone).to_rfc3339()
}

fn read_instant(field: &str, text: &str) -> Result<DateTime<Utc>, WebError> {
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(|_| {
        let shown: String = text.chars().take(60).collect();
        let text = format!("\"{shown}\" is not an instant such as 2026-12-04T23:59:00-05:00.");
        WebError::BadInput(vec![Problem::with_field(field, text)])
    })
}

fn start_json(zone: Tz, start: &Start) -> Value {
    match &start.verdict {
        Verdict::Free { units_left, longest } => json!({
            "start": rfc3339(zone, start.at),
            "free": true,
            "units_left": units_left,
            "longest_minutes": longest.num_minutes(),
        }),
        Verdict::Refused(violations) => json!({
            "start": rfc3339(zone, start.at),
            "free": false,
            "violations": violations.iter().map(|it| Broken::of(it, zone)).collect::<Vec<_>>(),
        }),
    }
}

#[derive(Debug, Deserialize)]
struct NewBooking {
    start: String,
    hours: f64,
    idempotency_key: Option<String>,
}

async fn book(
    who: SignedIn,
    path: web::Path<LabId>,
    body: web::Json<NewBooking>,
) -> Result<HttpResponse, WebError> {
    let slot = read_slot(&body.start, &format!("{:.4}", body.hours))?;
    let wish = Wish {
        person: who.caller.person.clone(),
        lab: path.clone(),
        slot,
        idempotency_key: body.idempotency_key.clone(),
    };
    let made = booking::book(who.context.app(), wish)
        .await
        .map_err(|error| WebError::of_booking(error, Some(&path)))?;
    Ok(marked(&made, answer(StatusCode::CREATED, &booking_json(who.context.zone(), &made))))
}

/// A booking as the API gives it.
#[derive(Debug, Serialize)]
struct BookingJson {
    id: BookingId,
    /// Whose it is, if it is somebody else's than the caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<NetId>,
    lab: LabId,
    start: String,
    end: String,
    wanted_end: Option<String>,
    wanted_slot: Option<Slot>,
    state: &'static str,
    reason: Option<&'static str>,
    trouble: Option<String>,
    nodes: Vec<String>,
    version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_fixed: Option<Broken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<ResourceJson>,
}

#[derive(Debug, Serialize)]
struct ResourceJson {
    key: ResourceKey,
    kind: Kind,
    state: &'static str,
    address: Option<String>,
}

fn booking_json(zone: Tz, booking: &Booking) -> BookingJson {
    BookingJson {
        id: booking.id.clone(),
        of: None,
        lab: booking.lab.clone(),
        start: rfc3339(zone, booking.slot.start()),
        end: rfc3339(zone, booking.slot.end()),
        wanted_end: booking.wanted_end.map(|at| rfc3339(zone, at)),
        wanted_slot: booking.wanted_slot.map(|slot| Slot::of(&slot, zone)),
        state: booking.state.word(),
        reason: booking.state.reason().map(EndReason::word),
        trouble: booking.trouble.clone(),
        nodes: booking.nodes.clone(),
        version: booking.version,
        end_fixed: None,
        ssh: None,
        resources: Vec::new(),
    }
}

async fn view(who: &SignedIn, id: &BookingId) -> Result<BookingView, WebError> {
    let app = who.context.app().clone();
    let (db, person, id) = (app.db.clone(), who.caller.person.clone(), id.clone());
    db.read("booking", move |conn| booking::view(&app, conn, &person, &id))
        .await
        .map_err(|error| WebError::of_booking(error, None))
}

fn whole_booking(view: BookingView) -> HttpResponse {
    let mut body = booking_json(view.setting.zone, &view.booking);
    body.end_fixed = view.ends.fixed.as_ref().map(|fixed| Broken::of(fixed, view.setting.zone));
    body.of = view.of_other.map(|owner| owner.net_id);
    body.ssh = view.ssh;
    body.resources = view.resources.into_iter().map(resource_json).collect();
    marked(&view.booking, ok(&body))
}

/// The answer with the booking's mark as its `ETag`, for `If-Match`.
fn marked(booking: &Booking, mut answer: HttpResponse) -> HttpResponse {
    if let Ok(tag) = HeaderValue::try_from(EntityTag::new_strong(booking.mark()).to_string()) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

async fn show(who: SignedIn, path: web::Path<BookingId>) -> Result<HttpResponse, WebError> {
    let mut view = view(&who, &path).await?;
    note_opened(&who, &mut view).await;
    Ok(whole_booking(view))
}

fn resource_json(resource: Resource) -> ResourceJson {
    ResourceJson {
        kind: resource.kind(),
        key: resource.key,
        state: resource.state.word(),
        address: resource.facts.address,
    }
}

async fn release(
    who: SignedIn,
    path: web::Path<BookingId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let seen = if_match(&request)?;
    booking::release_if(who.context.app(), who.caller.person.clone(), path.into_inner(), seen)
        .await
        .map_err(|error| WebError::of_booking(error, None))?;
    Ok(HttpResponse::NoContent().finish())
}
