//! `/me/bookings`: what the person has had.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::domain::booking::{Booking, EndReason};
use crate::domain::calendar;
use crate::services::history::{self, Before};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::page;
use crate::web::pages::layout::Section;
use crate::web::pages::my_bookings::{MyBookingsPage, PastBooking};
use crate::web::present;

/// Where the page begins.
#[derive(Debug, Deserialize)]
pub struct Query {
    before: Option<String>,
}

/// Shows the person's bookings that are over, latest first.
pub async fn past_bookings(who: SignedIn, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let before: Option<Before> = query.before.as_deref().map(str::parse).transpose()?;
    let (app, id) = (who.context.app(), who.caller.person.id.clone());
    let from = before.clone();
    let found = app.db.read("past bookings", move |conn| history::past(conn, &id, from.as_ref())).await?;
    let (zone, now) = (who.context.zone(), app.now());
    let shown = MyBookingsPage {
        layout: who.context.layout("Past bookings", Section::Me),
        latest: before.is_none(),
        bookings: found.bookings.iter().map(|(booking, lab)| line(zone, now, booking, lab)).collect(),
        older: found.older.map(|older| format!("/me/bookings?before={older}")),
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

fn line(zone: Tz, now: DateTime<Utc>, booking: &Booking, lab: &str) -> PastBooking {
    let slot = &booking.slot;
    PastBooking {
        href: format!("/bookings/{}", booking.id),
        start: present::when(zone, now, slot.start()),
        end: present::end(zone, slot.start(), slot.end()),
        length: calendar::in_words(slot.length()),
        lab: lab.to_owned(),
        state: present::booking_state(booking),
        how: how(booking).unwrap_or_default(),
    }
}

/// How it ended, in a few words; nothing if it did not.
fn how(booking: &Booking) -> Option<String> {
    let reason = booking.state.reason()?;
    let had = booking.charged().filter(|_| booking.state.ready_at().is_some());
    let had = had.map(|span| calendar::in_words(span.length()));
    Some(match (reason, had) {
        (EndReason::Expired, Some(_)) => "used to its end".to_owned(),
        (EndReason::Expired, None) => "over before it was ready".to_owned(),
        (EndReason::Released, Some(had)) => format!("given back after {had}"),
        (EndReason::Released, None) => "given back before its start".to_owned(),
        (EndReason::NoShow, Some(had)) => format!("not used, released after {had}"),
        (EndReason::NoShow, None) => "not used".to_owned(),
        (EndReason::Cancelled, _) => "called off".to_owned(),
        (EndReason::Failed, _) => "could not be provided".to_owned(),
        (EndReason::Passed, _) => "offered, and passed".to_owned(),
        (EndReason::Lapsed, _) => "offered, and not answered".to_owned(),
        (EndReason::Displaced, _) => "called off for an outage, without charge".to_owned(),
        (EndReason::Dropped, Some(had)) => format!("ended after {had}, since you dropped the course"),
        (EndReason::Dropped, None) => "ended, since you dropped the course".to_owned(),
    })
}
