//! `/me`: the person's own page.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::tokens::{Typed, part as in_list};
use super::{page, page_once};
use crate::auth::permissions::{Permission, Reach};
use crate::db::{self, DbError};
use crate::domain::feed::Feed;
use crate::services::people::{self, KeyCard};
use crate::services::{calendar as calendars, labs, sessions as all_sessions};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::{Problem, Section};
use crate::web::pages::me::{CalendarPart, MePage, SavedKey};
use crate::web::present;

mod bookings;
mod by_hand;
mod calendar;
mod mails;
mod sessions;
mod tokens;
mod usage;

pub use bookings::past_bookings;
pub use by_hand::restore;
pub use calendar::{
    read_calendar, renew_calendar, renew_course_calendar, stop_calendar, stop_course_calendar, to_calendar,
};
pub use mails::save_choices;
pub use sessions::{end_other_sessions, end_session};
pub use tokens::{make_token, revoke_token, to_tokens};

/// Shows who the person is to us, what they have used, and what they have chosen.
pub async fn show(who: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let me = me(&who, Kept::default()).await?;
    Ok(page_once(&request, me.render()?))
}

/// What was typed into a form of the page and refused.
#[derive(Debug, Default)]
struct Kept {
    key_text: String,
    key_problems: Vec<Problem>,
    token: Typed,
}

async fn me(who: &SignedIn, kept: Kept) -> Result<MePage, WebError> {
    let (app, person) = (who.context.app().clone(), who.caller.person.clone());
    let db = app.db.clone();
    let (cards, calendars_made_at, mine, held, signed_in, bounce) = db
        .read::<_, DbError, _>("me", move |conn| {
            let overview = labs::overview(&app, conn, &person)?;
            let mine = by_hand::of(conn, &person.net_id, app.now())?;
            let (cards, held) = (overview.map(|(_, cards)| cards), db::tokens_of(conn, &person.id)?);
            let signed_in = all_sessions::of_person(&app, conn, &person.id)?;
            let bounce = db::bounce_of(conn, &person.id, &person.mail)?;
            let mut made_at = |feed| calendars::made_at(conn, &person.id, feed);
            let calendars_made_at = (made_at(Feed::Own)?, made_at(Feed::Course)?);
            Ok((cards, calendars_made_at, mine, held, signed_in, bounce))
        })
        .await?;
    let person = &who.caller.person;
    let (parity, reason) = match (person.parity(), person.net_id.final_digit()) {
        (Some(parity), Some(digit)) => (parity.word().to_owned(), format!("Its last digit is {digit}.")),
        _ => ("none".to_owned(), "It does not end in a digit: ask staff to set your days.".to_owned()),
    };
    let (zone, now) = (who.context.zone(), who.context.app().now());
    let may = |permission| who.caller.reach(permission) != Reach::No;
    let made = |at: Option<_>| at.map(|at| present::when(zone, now, at));
    let own = who.caller.looks_as().is_none();
    let tokens = (own && may(Permission::KeepTokens))
        .then(|| in_list(&who.context, "/me/tokens", person, &held, &kept.token));
    Ok(MePage {
        layout: who.context.layout("Me", Section::Me),
        net_id: person.net_id.to_string(),
        parity,
        parity_reason: reason,
        parity_days: "The page of each lab tells which days that gives you.".to_owned(),
        mail: person.mail.clone(),
        by_hand: mine.map(|mine| by_hand::part(zone, now, &mine)),
        key: person.ssh_public_key.as_deref().and_then(|key| people::read_key(key).ok()).map(saved),
        key_text: kept.key_text,
        problems: kept.key_problems,
        usage: usage::usage(&cards.unwrap_or_default()),
        mails: mails::choices(who, bounce.as_ref()),
        calendar: CalendarPart { made: made(calendars_made_at.0) },
        course_calendar: may(Permission::SeeCourse).then(|| CalendarPart { made: made(calendars_made_at.1) }),
        sessions: sessions::part(who, &signed_in),
        tokens,
        appoints: may(Permission::AppointStaff),
    })
}

fn saved(card: KeyCard) -> SavedKey {
    SavedKey { kind: card.algorithm, comment: card.comment, fingerprint: card.fingerprint }
}

/// A key to save.
#[derive(Debug, Deserialize)]
pub struct Form {
    public_key: String,
}

/// Saves the person's SSH public key. A text that is refused comes back to be mended, unless it was a private key.
pub async fn save_key(who: SignedIn, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let card = match people::read_key(&form.public_key) {
        Ok(card) => card,
        Err(problem) => {
            let private = form.public_key.contains("PRIVATE KEY");
            let key_text = if private { String::new() } else { form.public_key.clone() };
            let key_problems = vec![Problem::with_field("public_key", problem)];
            let again = me(&who, Kept { key_text, key_problems, ..Kept::default() }).await?;
            return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, again.render()?));
        }
    };
    let (app, doer, id) = (who.context.app().clone(), who.doer(), who.caller.person.id.clone());
    let db = app.db.clone();
    db.write("save key", move |conn| people::set_key(&app, conn, &doer, &id, &card)).await?;
    Ok(back(&who, Done::KeySaved))
}

fn back(who: &SignedIn, done: Done) -> HttpResponse {
    who.context.done("/me", done)
}
