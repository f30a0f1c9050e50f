//! `PATCH /api/v1/bookings/{booking}`: another slot for a booking.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::{if_match, view, whole_booking};
use crate::domain::booking::Booking;
use crate::domain::ids::BookingId;
use crate::domain::interval::Interval;
use crate::services::booking;
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::lab::{read_hours, read_start};
use crate::web::pages::layout::Problem;

/// What is to be different. What is not there stays.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    start: Option<String>,
    hours: Option<f64>,
}

/// Changes it.
pub(super) async fn change(
    who: SignedIn,
    path: web::Path<BookingId>,
    body: web::Json<Change>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let seen = if_match(&request)?;
    let before = view(&who, &path).await?.booking;
    let slot = wanted(&body, &before)?;
    booking::change_if(who.context.app(), who.caller.person.clone(), path.clone(), slot, seen)
        .await
        .map_err(|error| WebError::of_booking(error, Some(&before.lab)))?;
    Ok(whole_booking(view(&who, &path).await?))
}

/// The slot that is asked for, or everything that is wrong with it.
fn wanted(change: &Change, booking: &Booking) -> Result<Interval, WebError> {
    if change.start.is_none() && change.hours.is_none() {
        let nothing = Problem::with_field("start", "Say what is to change: start, hours, or both.");
        return Err(WebError::BadInput(vec![nothing]));
    }
    let start = change.start.as_deref().map_or(Ok(booking.slot.start()), read_start);
    let length = change.hours.map_or(Ok(booking.slot.length()), |hours| read_hours(&format!("{hours:.4}")));
    match (start, length) {
        (Ok(start), Ok(length)) => {
            Interval::new(start, start + length).ok_or_else(|| WebError::unreadable(&"the slot is empty"))
        }
        (start, length) => Err(WebError::BadInput(start.err().into_iter().chain(length.err()).collect())),
    }
}
