//! The forms that change a booking. Each carries the mark of what its page showed: if the booking is another by now, nothing is
//! done, and the page comes back with what it is and with what was asked for. A form that is sent twice is answered twice
//! alike: what it asks for is so already.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{compose, view};
use crate::domain::booking::State;
use crate::domain::calendar;
use crate::domain::ids::BookingId;
use crate::domain::interval::Interval;
use crate::services::booking::{self, BookingError, BookingView, Seen};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::handlers::lab::{self, read_start};
use crate::web::handlers::{page, page_once};
use crate::web::pages::booking::Changed;
use crate::web::pages::layout::Link;
use crate::web::present;

/// What a form asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// To give it back, or to call it off.
    Release,
    /// Another end.
    End(DateTime<Utc>),
    /// Another slot.
    Slot(Interval),
}

/// The mark of what the page showed. None fits a form without one.
#[derive(Debug, Deserialize)]
pub struct Shown {
    #[serde(default)]
    seen: String,
}

impl Shown {
    fn seen(&self) -> Seen {
        Seen::OneOf(vec![self.seen.clone()])
    }
}

/// What every form of the page carries.
#[derive(Debug, Deserialize)]
pub struct Form {
    #[serde(flatten)]
    shown: Shown,
}

/// Gives the booking back.
pub async fn release(
    who: SignedIn,
    path: web::Path<BookingId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (app, person) = (who.context.app(), who.caller.person.clone());
    match booking::release_if(app, person, path.clone(), form.shown.seen()).await {
        Ok(()) => Ok(back(&who, &path, Done::Released)),
        Err(BookingError::Changed) => changed(&who, &path, Asked::Release).await,
        Err(error) => Err(WebError::of_booking(error, None)),
    }
}

/// Another end.
#[derive(Debug, Deserialize)]
pub struct NewEnd {
    #[serde(flatten)]
    shown: Shown,
    end: String,
}

/// Extends the booking.
pub async fn extend(
    who: SignedIn,
    path: web::Path<BookingId>,
    form: web::Form<NewEnd>,
) -> Result<HttpResponse, WebError> {
    end_at(&who, &path, &form, Done::Extended).await
}

/// Lets the booking end earlier.
pub async fn shorten(
    who: SignedIn,
    path: web::Path<BookingId>,
    form: web::Form<NewEnd>,
) -> Result<HttpResponse, WebError> {
    end_at(&who, &path, &form, Done::Shortened).await
}

async fn end_at(who: &SignedIn, id: &BookingId, form: &NewEnd, done: Done) -> Result<HttpResponse, WebError> {
    let end = read_start(&form.end).map_err(|problem| WebError::BadInput(vec![problem]))?;
    let before = view(who, id).await?.booking;
    let slot = Interval::new(before.slot.start(), end)
        .ok_or_else(|| WebError::WrongState("that end is before its start".to_owned()))?;
    let (app, person) = (who.context.app(), who.caller.person.clone());
    match booking::change_if(app, person, id.clone(), slot, form.shown.seen()).await {
        Ok(()) => Ok(back(who, id, done)),
        Err(BookingError::Changed) => changed(who, id, Asked::End(end)).await,
        Err(error) => Err(WebError::of_booking(error, Some(&before.lab))),
    }
}

/// Shows where the booking could be moved to.
pub async fn places(
    who: SignedIn,
    path: web::Path<BookingId>,
    query: web::Query<lab::Query>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    if !is_movable(&view) {
        return Ok(present::redirect(&format!("/bookings/{}", *path)));
    }
    let mut query = query.into_inner();
    query.moving = Some(path.clone());
    let shown = lab::lab_page(&who, &view.booking.lab, &query, request.query_string()).await?;
    Ok(page_once(&request, shown.render()?))
}

/// Moves the booking. A refusal keeps the choice and says what would be accepted.
pub async fn relocate(
    who: SignedIn,
    path: web::Path<BookingId>,
    shown: web::Query<Shown>,
    form: web::Form<lab::Form>,
) -> Result<HttpResponse, WebError> {
    let slot = lab::read_slot(&form.start, &form.hours)?;
    let (app, person) = (who.context.app(), who.caller.person.clone());
    match booking::change_if(app, person, path.clone(), slot, shown.seen()).await {
        Ok(()) => Ok(back(&who, &path, Done::Moved)),
        Err(BookingError::Changed) => changed(&who, &path, Asked::Slot(slot)).await,
        Err(BookingError::Refused(refusal)) => {
            let view = view(&who, &path).await?;
            lab::refused(&who, &view.booking.lab, Some(path.clone()), &slot, &refusal).await
        }
        Err(error) => Err(WebError::of_booking(error, None)),
    }
}

/// Whether it is ahead, and not on its way to another time already.
pub(super) fn is_movable(view: &BookingView) -> bool {
    view.booking.state == State::Booked && view.booking.wanted_slot.is_none()
}

fn back(who: &SignedIn, id: &BookingId, done: Done) -> HttpResponse {
    who.context.done(&format!("/bookings/{id}"), done)
}

/// The page as it is by now, with what was asked for where that still can be had.
async fn changed(who: &SignedIn, id: &BookingId, asked: Asked) -> Result<HttpResponse, WebError> {
    let view = view(who, id).await?;
    let mut shown = compose(who, &view, Some(&asked));
    let zone = view.setting.zone;
    let again = match asked {
        Asked::Slot(slot) if is_movable(&view) => {
            let href = present::start_href(
                &format!("/bookings/{id}/move"),
                zone,
                slot.start(),
                &present::with_hours(&slot),
            );
            Some(Link::new(href, "Choose that time again"))
        }
        _ => None,
    };
    let asked = match asked {
        Asked::Release => "to end it".to_owned(),
        Asked::End(end) => format!("that it ends {}", present::when(zone, view.now, end).text),
        Asked::Slot(slot) => format!("to move it to {}", calendar::span(zone, &slot)),
    };
    shown.changed = Some(Changed { asked, now: as_it_is(&view, &shown.timeline.answer), again });
    Ok(page(StatusCode::CONFLICT, shown.render()?))
}

/// What it is now, in a sentence.
fn as_it_is(view: &BookingView, answer: &str) -> String {
    let (zone, goal) = (view.setting.zone, view.booking.goal());
    match view.booking.state {
        State::Held | State::Booked => format!("It is for {} now.", calendar::span(zone, &goal)),
        State::Preparing | State::Active { .. } => {
            let end = present::when(zone, view.now, goal.end()).text;
            format!("It has begun, and ends {end} now.")
        }
        State::Offered { .. } | State::Releasing { .. } | State::Ended { .. } => answer.to_owned(),
    }
}
