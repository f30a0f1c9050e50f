//! `/bookings/{booking}`: one booking, live.

use std::time::Duration;

use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::stream;
use secrecy::SecretString;

use super::page_once;
use crate::db::{self, Conn, DbError};
use crate::domain::booking::State;
use crate::domain::calendar;
use crate::domain::ids::BookingId;
use crate::mail::calendar::{self as ics, Occasion};
use crate::services::booking::{self, BookingError, BookingView};
use crate::services::sessions;
use crate::web::caller::Caller;
use crate::web::context::{SignedIn, session_token};
use crate::web::error::WebError;
use crate::web::limits::{Limits, Stream};
use crate::web::pages::booking::BookingPage;
use crate::web::pages::layout::{Link, Section};
use crate::web::present;

mod change;
mod offer;
mod outage;
mod stores;
mod timeline;
mod whose;

use change::Asked;
pub use change::{extend, places, release, relocate, shorten};
pub use offer::{accept, pass};

/// How often an open page asks whether the booking has changed.
const LOOK: Duration = Duration::from_millis(700);
/// After this many looks without a change the page is sent again all the same: times have moved on, and a proxy sees that
/// the connection lives.
const QUIET_LOOKS: u32 = 30;
/// The same while the cloud works: seconds are shown then.
const QUIET_LOOKS_AT_WORK: u32 = 3;

async fn view(who: &SignedIn, id: &BookingId) -> Result<BookingView, WebError> {
    let app = who.context.app().clone();
    let (db, person, id) = (app.db.clone(), who.caller.person.clone(), id.clone());
    db.read("booking", move |conn| booking::view(&app, conn, &person, &id))
        .await
        .map_err(|error| WebError::of_booking(error, None))
}

/// Notes that its student looks at it. Whoever looks with their eyes is not them.
pub(in crate::web) async fn note_opened(who: &SignedIn, view: &mut BookingView) {
    if who.caller.looks_as().is_none() {
        booking::note_opened(who.context.app(), &who.caller.person, view).await;
    }
}

/// Shows the booking.
pub async fn show(
    who: SignedIn,
    path: web::Path<BookingId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let mut view = view(&who, &path).await?;
    note_opened(&who, &mut view).await;
    let mut shown = compose(&who, &view, None);
    let moves = matches!(view.booking.state, State::Held | State::Preparing | State::Releasing { .. });
    shown.layout.refresh_seconds = moves.then_some(5);
    Ok(page_once(&request, shown.render()?))
}

/// The page. What a form asked for in vain stays chosen.
fn compose(who: &SignedIn, view: &BookingView, kept: Option<&Asked>) -> BookingPage {
    let (zone, slot, state) = (view.setting.zone, view.booking.slot, view.booking.state);
    let over = matches!(state, State::Ended { .. });
    let start = present::when(zone, view.now, slot.start());
    BookingPage {
        layout: who.context.layout(&format!("{}, {}", view.setting.lab.title, start.text), Section::Labs),
        changed: None,
        whose: whose::sentence(who, view),
        id: view.booking.id.to_string(),
        lab: Link::new(format!("/labs/{}", view.booking.lab), view.setting.lab.title.clone()),
        start,
        end: present::end(zone, slot.start(), slot.end()),
        length: calendar::in_words(slot.length()),
        printed: printed(view),
        nodes: present::nodes(&view.booking.nodes),
        outage: outage::note(view),
        live: !over,
        timeline: timeline::compose(who, view, kept),
        calendar: view.of_other.is_none() && state.is_live() && !matches!(state, State::Offered { .. }),
    }
}

fn printed(view: &BookingView) -> String {
    let (setting, slot) = (&view.setting, calendar::span(view.setting.zone, &view.booking.slot));
    let nodes = present::nodes(&view.booking.nodes).map(|nodes| format!(" on {nodes}")).unwrap_or_default();
    format!("{} at {}{nodes}, {slot}", setting.lab.title, setting.site.title)
}

/// The timeline as it changes, as server-sent events: `timeline` with its markup, and `end` once it is over.
pub async fn events(
    who: SignedIn,
    path: web::Path<BookingId>,
    request: HttpRequest,
    limits: web::Data<Limits>,
) -> Result<HttpResponse, WebError> {
    let id = path.into_inner();
    view(&who, &id).await?;
    let place = limits.into_inner().open_stream(&who.caller.owner().id)?;
    let token = session_token(&who.context.state, &request);
    let watch =
        Watch { who, token, id, seen: None, quiet: 0, patience: QUIET_LOOKS, over: false, _place: place };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<_, actix_web::Error>(Bytes::from(event)), watch))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header(ContentEncoding::Identity)
        .streaming(events))
}

/// One open page.
struct Watch {
    who: SignedIn,
    /// The session that it was opened in. What is pushed after that is over, or as it sees by then, is for another page.
    token: Option<SecretString>,
    id: BookingId,
    seen: Option<i32>,
    quiet: u32,
    patience: u32,
    over: bool,
    _place: Stream,
}

impl Watch {
    /// The next event; nothing once it is over, or the server stops.
    async fn next(&mut self) -> Option<String> {
        if self.over {
            return None;
        }
        while !*self.who.context.state.stop.borrow() {
            let version = self.version().await?;
            if self.seen != Some(version) || self.quiet >= self.patience {
                self.seen = Some(version);
                self.quiet = 0;
                return self.event().await;
            }
            self.quiet += 1;
            tokio::time::sleep(LOOK).await;
        }
        None
    }

    async fn version(&self) -> Option<i32> {
        let id = self.id.clone();
        let version: Result<Option<i32>, DbError> =
            self.who.context.app().db.read("watch", move |conn| db::booking_version(conn, &id)).await;
        version.ok().flatten()
    }

    /// The booking as it is by now, while the session stands and sees with the same eyes.
    async fn view(&self) -> Result<Option<BookingView>, BookingError> {
        let Some(token) = self.token.clone() else { return Ok(None) };
        let (app, caller, id) = (self.who.context.app().clone(), self.who.caller.clone(), self.id.clone());
        let db = app.db.clone();
        let view = move |conn: &mut Conn<'_>| {
            let session = sessions::of_token(&app, conn, &token)?.map(Caller::from);
            let now = session.filter(|now| now.sees_with_eyes_of(&caller) && now.owner().belongs(app.now()));
            now.map(|now| booking::view(&app, conn, &now.person, &id)).transpose()
        };
        db.read("booking", view).await
    }

    async fn event(&mut self) -> Option<String> {
        let mut view = self.view().await.ok().flatten()?;
        note_opened(&self.who, &mut view).await;
        let at_work = matches!(view.booking.state, State::Preparing | State::Releasing { .. });
        self.patience = if at_work { QUIET_LOOKS_AT_WORK } else { QUIET_LOOKS };
        let html = timeline::compose(&self.who, &view, None).render().ok()?;
        let mut event = String::from("event: timeline\n");
        for line in html.lines() {
            event.push_str("data: ");
            event.push_str(line);
            event.push('\n');
        }
        event.push('\n');
        if matches!(view.booking.state, State::Ended { .. }) {
            event.push_str("event: end\ndata: over\n\n");
            self.over = true;
        }
        Some(event)
    }
}

/// The booking as a file for its student's calendar program.
pub async fn calendar(who: SignedIn, path: web::Path<BookingId>) -> Result<HttpResponse, WebError> {
    let view = view(&who, &path).await?;
    let contact = who.context.course.as_ref().map(|course| course.contact.clone()).unwrap_or_default();
    let text = ics::file(&Occasion {
        booking: &view.booking,
        title: &view.setting.lab.title,
        attendee: &who.caller.person.mail,
        organizer: &contact,
        url: &format!("{}/bookings/{}", who.context.app().public_url, view.booking.id),
        now: view.now,
    });
    Ok(HttpResponse::Ok()
        .content_type("text/calendar; charset=utf-8")
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}.ics\"", view.booking.lab),
        ))
        .body(text))
}
