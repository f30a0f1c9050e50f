//! `/labs/{lab}/wait`: waiting for a place, and what of it other pages tell.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use url::form_urlencoded;

pub(in crate::web) use self::asked::Wish;
use self::compose::Shown;
pub(in crate::web) use self::words::{left, offer, wait_line};
use super::{page, page_once};
use crate::domain::ids::{LabId, WaitId};
use crate::domain::waitlist::{Outcome, Wait, WaitState};
use crate::services::waitlist::{self, Choices, MyWait, Outlook, WaitError};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::present;

mod asked;
mod compose;
mod words;

/// Shows the form and, for a query, what a wait would come to; or the place in line of who waits.
pub async fn show(
    who: SignedIn,
    path: web::Path<LabId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let wish = Wish::read(&pairs(request.query_string()), who.context.zone());
    let shown = load(&who, &path, wish).await?;
    Ok(page_once(&request, compose::compose(&who, &shown).render()?))
}

fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

type Answer = Result<Outlook, WaitError>;

async fn load(who: &SignedIn, lab: &LabId, wish: Wish) -> Result<Shown, WebError> {
    let app = who.context.app().clone();
    let (db, person, lab) = (app.db.clone(), who.caller.person.clone(), lab.clone());
    let asked = wish.asked();
    let (choices, mine, answer) = db
        .read::<_, WaitError, _>("wait", move |conn| {
            let choices: Option<Choices> = waitlist::choices(&app, conn, &person, &lab)?;
            let mine = waitlist::mine(&app, conn, &person)?;
            let mine: Option<MyWait> = mine.into_iter().find(|it| it.wait.lab == lab);
            let asked = asked.filter(|_| mine.is_none() && choices.is_some());
            let answer: Option<Answer> =
                asked.map(|asked| waitlist::outlook(&app, conn, &person, &lab, &asked));
            Ok((choices, mine, answer))
        })
        .await
        .map_err(|error| WebError::of_wait(error, None))?;
    Shown::of(choices.ok_or(WebError::NotFound)?, mine, wish, answer)
}

/// Joins the line.
pub async fn join(
    who: SignedIn,
    path: web::Path<LabId>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, WebError> {
    let wish = Wish::read(&form, who.context.zone());
    let Some(asked) = wish.asked() else { return again(&who, &path, wish).await };
    match waitlist::join(who.context.app(), who.caller.person.clone(), path.clone(), asked).await {
        Ok(wait) => Ok(joined(&who, &path, &wait)),
        Err(WaitError::AlreadyWaiting(_)) => Ok(present::redirect(&format!("/labs/{path}/wait"))),
        Err(WaitError::Never { .. } | WaitError::BadWish(_)) => again(&who, &path, wish).await,
        Err(error) => Err(WebError::of_wait(error, Some(&path))),
    }
}

/// The page again, with what stands against what was asked for.
async fn again(who: &SignedIn, lab: &LabId, wish: Wish) -> Result<HttpResponse, WebError> {
    let shown = load(who, lab, wish.of_form()).await?;
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, compose::compose(who, &shown).render()?))
}

fn joined(who: &SignedIn, lab: &LabId, wait: &Wait) -> HttpResponse {
    let told = |to: &str, done| who.context.done(to, done);
    match &wait.state {
        WaitState::Waiting => told(&format!("/labs/{lab}/wait"), Done::InLine),
        WaitState::Offered(booking) => told(&format!("/bookings/{booking}"), Done::OfferedAtOnce),
        WaitState::Ended { outcome: Outcome::Served(booking), .. } => {
            told(&format!("/bookings/{booking}"), Done::Booked)
        }
        WaitState::Ended { .. } => present::redirect(&format!("/labs/{lab}/wait")),
    }
}

/// Which wait is to end.
#[derive(Debug, Deserialize)]
pub struct Leave {
    wait: String,
}

/// Leaves the line.
pub async fn leave(
    who: SignedIn,
    path: web::Path<LabId>,
    form: web::Form<Leave>,
) -> Result<HttpResponse, WebError> {
    let id: WaitId = form.wait.parse()?;
    waitlist::leave(who.context.app(), who.caller.person.clone(), id)
        .await
        .map_err(|error| WebError::of_wait(error, Some(&path)))?;
    Ok(who.context.done(&format!("/labs/{path}/wait"), Done::LeftLine))
}
