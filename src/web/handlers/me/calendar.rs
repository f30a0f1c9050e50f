//! The addresses of calendars, and the calendars themselves.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::back;
use crate::domain::feed::Feed;
use crate::services::calendar;
use crate::web::context::{Done, SignedIn, WebState};
use crate::web::error::WebError;
use crate::web::handlers::page;
use crate::web::pages::calendar_address::CalendarAddressPage;
use crate::web::pages::layout::Section;
use crate::web::present;

/// Makes a new address for the person's own calendar and shows it. The answer is the page itself: the address is nowhere
/// else.
pub async fn renew_calendar(who: SignedIn) -> Result<HttpResponse, WebError> {
    renew(&who, Feed::Own).await
}

/// The same for the course's calendar.
pub async fn renew_course_calendar(who: SignedIn) -> Result<HttpResponse, WebError> {
    renew(&who, Feed::Course).await
}

async fn renew(who: &SignedIn, feed: Feed) -> Result<HttpResponse, WebError> {
    let (app, id) = (who.context.app().clone(), who.caller.person.id.clone());
    let (db, public_url) = (app.db.clone(), app.public_url.clone());
    let secret = db.write("renew calendar", move |conn| calendar::renew(&app, conn, &id, feed)).await?;
    let https = format!("{public_url}/calendar/{secret}.ics");
    let host = https.split_once("://").map_or("", |(_, rest)| rest);
    let shown = CalendarAddressPage {
        layout: who.context.layout("Your calendar's address", Section::Me),
        of_course: feed == Feed::Course,
        webcal: format!("webcal://{host}"),
        feed: format!("{public_url}/feeds/{secret}.atom"),
        https,
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

/// Someone comes back to where an address was shown.
pub async fn to_calendar(_: SignedIn) -> HttpResponse {
    present::redirect("/me#calendar")
}

/// The address of the person's own calendar leads nowhere from now on.
pub async fn stop_calendar(who: SignedIn) -> Result<HttpResponse, WebError> {
    stop(&who, Feed::Own).await
}

/// That of the course's leads nowhere from now on.
pub async fn stop_course_calendar(who: SignedIn) -> Result<HttpResponse, WebError> {
    stop(&who, Feed::Course).await
}

async fn stop(who: &SignedIn, feed: Feed) -> Result<HttpResponse, WebError> {
    let id = who.caller.person.id.clone();
    who.context.app().db.write("stop calendar", move |conn| calendar::stop(conn, &id, feed)).await?;
    Ok(back(who, Done::CalendarStopped))
}

/// The calendar, for whoever has its address.
pub async fn read_calendar(
    state: web::Data<WebState>,
    path: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (app, secret) = (state.app.clone(), path.into_inner());
    let db = app.db.clone();
    let text = db.read("calendar", move |conn| calendar::read(&app, conn, &secret)).await?;
    let text = text.ok_or(WebError::NotFound)?;
    Ok(HttpResponse::Ok().content_type("text/calendar; charset=utf-8").body(text))
}
