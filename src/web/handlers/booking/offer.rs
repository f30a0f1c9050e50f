//! The two answers to an offer. If it is over by then, nothing is done, and the page says so.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{compose, view};
use crate::domain::ids::BookingId;
use crate::services::waitlist::{self, WaitError};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::handlers::page;
use crate::web::pages::booking::Changed;
use crate::web::pages::layout::Link;

/// Takes what is offered.
pub async fn accept(who: SignedIn, path: web::Path<BookingId>) -> Result<HttpResponse, WebError> {
    match waitlist::accept(who.context.app(), who.caller.person.clone(), path.clone()).await {
        Ok(_) => Ok(who.context.done(&format!("/bookings/{path}"), Done::Accepted)),
        Err(error) => too_late(&who, &path, "to accept it", error).await,
    }
}

/// Leaves it to whoever comes next.
pub async fn pass(who: SignedIn, path: web::Path<BookingId>) -> Result<HttpResponse, WebError> {
    match waitlist::pass(who.context.app(), who.caller.person.clone(), path.clone()).await {
        Ok(()) => Ok(who.context.done(&format!("/bookings/{path}"), Done::Passed)),
        Err(error) => too_late(&who, &path, "to pass it", error).await,
    }
}

async fn too_late(
    who: &SignedIn,
    id: &BookingId,
    asked: &str,
    error: WaitError,
) -> Result<HttpResponse, WebError> {
    if !matches!(error, WaitError::OfferOver) {
        return Err(WebError::of_wait(error, None));
    }
    let view = view(who, id).await?;
    let mut shown = compose(who, &view, None);
    let again = Link::new(format!("/labs/{}/wait", view.booking.lab), "See your place in line");
    shown.changed = Some(Changed {
        asked: asked.to_owned(),
        now: shown.timeline.answer.clone(),
        again: (!view.booking.state.is_live()).then_some(again),
    });
    Ok(page(StatusCode::CONFLICT, shown.render()?))
}
