//! `/standing`: how one stands when places are scarce. For staff `/staff/fair-share`, how everyone does, and
//! `/staff/waitlist`, who waits.

use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::page_once;
use crate::auth::permissions::Permission;
use crate::db::DbError;
use crate::domain::fair_share::Measure;
use crate::services::fair_share::{self, Mine};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::pages::layout::{Link, Section};
use crate::web::pages::spread::{FEWEST, Spread};
use crate::web::pages::standing::StandingPage;

mod ledger;
mod staff;
mod why;

pub(in crate::web) use ledger::micro;
pub(in crate::web) use staff::place;
pub use staff::{everyone, lines};

/// Shows how the person stands.
pub async fn show(who: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let (db, person, now) =
        (who.context.app().db.clone(), who.caller.person.clone(), who.context.app().now());
    let mine = db.read::<_, DbError, _>("standing", move |conn| fair_share::mine(conn, &person, now)).await?;
    Ok(page_once(&request, compose(&who, &mine).render()?))
}

fn compose(who: &SignedIn, mine: &Mine) -> StandingPage {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    let (answer, lead) = why::answer(mine);
    let shown = mine.of >= FEWEST;
    let own = mine.own.as_ref().map(|_| mine.usage);
    let spread = Spread::new(&mine.spread, own, unit(mine.measure), &fading(mine)).filter(|_| shown);
    let staff = who.caller.sees_all(Permission::SeeCourse);
    StandingPage {
        layout: who.context.layout("My share", Section::Share),
        answer,
        lead,
        why: why::sentences(mine, zone, now),
        no_spread: spread.is_none().then(|| no_spread(shown)),
        spread,
        levels: why::levels(mine),
        unit: heading(mine.measure).to_owned(),
        lines: mine.lines.iter().map(|line| ledger::line(zone, now, mine.measure, line)).collect(),
        more_lines: mine.lines.len() >= fair_share::LINES,
        staff: staff.then(|| Link::new("/staff/fair-share", "Everyone's share")),
    }
}

fn no_spread(shown: bool) -> String {
    if shown {
        "Nobody has used anything that still counts, so there is no picture of it.".to_owned()
    } else {
        format!(
            "What everyone has used is shown once the course has {FEWEST} students: a picture of fewer would say who."
        )
    }
}

/// What is counted, after a number.
pub(in crate::web) fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::ServerHours => "server-hours",
        Measure::Su => "service units",
    }
}

fn heading(measure: Measure) -> &'static str {
    match measure {
        Measure::ServerHours => "Server-hours",
        Measure::Su => "Service units",
    }
}

fn fading(mine: &Mine) -> String {
    format!("those of {} ago count half", why::length(mine.half_life))
}
