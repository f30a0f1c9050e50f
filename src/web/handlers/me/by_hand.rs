//! What people made by hand and the reaper has marked: when what happens, why, and how to take it back.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::back;
use crate::db::{self, Conn, DbError, SaidPause};
use crate::domain::ids::NetId;
use crate::domain::marked::{RESTORES, Stage};
use crate::domain::reaper::ByHand;
use crate::services::sweeps::{self, Follows};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::reaper::{self, Restore, called, sentence, state_of};
use crate::web::pages::me::ByHandPart;
use crate::web::pages::reaper::{NextStep, Taken, Thing};
use crate::web::present;

/// What of one person is marked, and what there is to know of it.
#[derive(Debug, Clone)]
pub(super) struct Mine {
    marked: Vec<Follows>,
    sites: Vec<(String, String)>,
    by_hand: ByHand,
    pauses: Vec<SaidPause>,
}

/// Reads it; nothing if nothing is marked.
pub(super) fn of(conn: &mut Conn<'_>, net_id: &NetId, now: DateTime<Utc>) -> Result<Option<Mine>, DbError> {
    let marked = sweeps::marked(conn, Some(net_id))?;
    if marked.is_empty() {
        return Ok(None);
    }
    let sites = db::sites(conn)?.into_iter().map(|site| (site.id.to_string(), site.title)).collect();
    let by_hand = db::course(conn)?.map_or(ByHand::Report, |course| course.reaper.by_hand);
    Ok(Some(Mine { marked, sites, by_hand, pauses: db::pauses(conn, now)? }))
}

/// The part of the page.
pub(super) fn part(zone: Tz, now: DateTime<Utc>, mine: &Mine) -> ByHandPart {
    let text = match mine.by_hand {
        ByHand::Delete => {
            "You made these yourself at a site, outside of a booking. Restore leaves one alone for some hours, and starts it if \
             it was stopped; save what you need meanwhile."
        }
        ByHand::Report | ByHand::Warn => {
            "You made these yourself at a site, outside of a booking. Nothing is stopped or deleted by itself: please tidy up."
        }
    };
    ByHandPart {
        text: text.to_owned(),
        rows: mine.marked.iter().map(|follows| row(zone, now, mine, follows)).collect(),
    }
}

fn row(zone: Tz, now: DateTime<Utc>, mine: &Mine, follows: &Follows) -> Thing {
    let target = &follows.marked.target;
    let site = mine.sites.iter().find(|(id, _)| id == target.site.as_str());
    Thing {
        name: called(target),
        place: site.map_or_else(|| target.site.to_string(), |(_, title)| title.clone()),
        whose: None,
        state: Some(state_of(&follows.marked.stage)),
        next: follows.next.map(|(next, at)| NextStep::of(zone, now, next, at)),
        why: sentence(&follows.reason),
        code: follows.marked.predicate.code(),
        note: note(zone, now, mine, follows),
        restore: Taken::of(&follows.marked).filter(|_| follows.marked.restores < RESTORES),
        exempt: None,
    }
}

/// What else is to know of it.
fn note(zone: Tz, now: DateTime<Utc>, mine: &Mine, follows: &Follows) -> Option<String> {
    match follows.marked.stage {
        Stage::Restored { until } if now < until => {
            let until = present::when(zone, now, until).text;
            Some(format!("It was taken back, and is left alone until {until}."))
        }
        Stage::Restored { .. } => Some("It was taken back, and is judged anew by the next sweep.".to_owned()),
        _ if mine.pauses.iter().any(|pause| pause.what.holds(&follows.marked.target.site, now)) => {
            Some("Staff have paused the reaper: nothing happens to it until they resume it.".to_owned())
        }
        _ if follows.marked.restores >= RESTORES => Some(
            "You have taken it back before: if you need it for longer, ask the course's staff.".to_owned(),
        ),
        _ => None,
    }
}

/// Takes back what is the person's own. Of what is another's there is no more to see than of what is not there.
pub async fn restore(who: SignedIn, form: web::Form<Restore>) -> Result<HttpResponse, WebError> {
    let of = who.caller.person.net_id.clone();
    let restored = form.carry_out(&who.context, Some(&of)).await?;
    Ok(back(&who, reaper::told(&restored)))
}
