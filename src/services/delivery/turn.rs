//! One turn of the delivery: a transaction that records what is done and claims what is next.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::ids::{ClaimToken, PersonId};
use crate::domain::notice::{Delivery, Notice};
use crate::mail::envelope::Head;
use crate::policy::mail::{self, Fate};
use crate::services::{App, digest, heads};

/// A notice that was tried, and what came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) notice: Notice,
    pub(super) delivery: Delivery,
}

/// What a turn took from the outbox.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// To be sent now.
    pub(super) claimed: Vec<(Notice, Head)>,
    /// How many more were due that are not sent by themselves: out of date, or left to a digest.
    pub(super) put_aside: usize,
}

/// Records what is done and claims up to `room` others.
pub(super) async fn turn(
    app: &Arc<App>,
    token: &ClaimToken,
    done: Arc<Vec<Outcome>>,
    room: usize,
) -> Result<Taken, DbError> {
    if done.is_empty() && room == 0 {
        return Ok(Taken::default());
    }
    let (inner, token, told) = (app.clone(), token.clone(), done.clone());
    let work = move |conn: &mut Conn<'_>| {
        record(&inner, conn, &token, &done)?;
        claim(&inner, conn, &token, room)
    };
    let took = app.db.write("delivery: turn", work).await?;
    for Outcome { delivery, .. } in told.iter() {
        app.watch.metrics.mail(word(delivery));
    }
    Ok(took)
}

fn word(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Sent => "sent",
        Delivery::Later { .. } => "put_off",
        Delivery::Dead { .. } => "given_up",
    }
}

fn record(app: &App, conn: &mut Conn<'_>, token: &ClaimToken, done: &[Outcome]) -> Result<(), DbError> {
    let now = app.now();
    let mut accepted = Vec::new();
    for Outcome { notice, delivery } in done {
        let stands = db::record_delivery(conn, &notice.id, token, delivery, now)?;
        match (&notice.person, delivery) {
            (Some(person), Delivery::Sent) => accepted.push((person, notice.recipient.as_str())),
            (Some(person), Delivery::Dead { error, bounced: true }) if stands => {
                db::note_bounce(conn, person, &notice.recipient, error, now)?;
            }
            _ => {}
        }
    }
    if accepted.is_empty() { Ok(()) } else { db::clear_bounces(conn, &accepted) }
}

fn claim(app: &App, conn: &mut Conn<'_>, token: &ClaimToken, room: usize) -> Result<Taken, DbError> {
    if room == 0 {
        return Ok(Taken::default());
    }
    let now = app.now();
    let due = db::due_notices(conn, now, room)?;
    let mut recent = recent(conn, &due, now)?;
    let (mut claimed, mut stale, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for notice in due {
        let count = notice.person.as_ref().and_then(|person| recent.get_mut(person));
        match mail::fate(&notice, count.as_ref().map_or(0, |count| **count), now) {
            Fate::Send => {
                if let Some(count) = count {
                    *count += 1;
                }
                claimed.push(notice);
            }
            Fate::SetAside => stale.push(notice),
            Fate::Gather => many.push(notice),
        }
    }
    db::claim_notices(conn, &claimed, token, now + app.claim)?;
    db::set_notices_aside(conn, &stale)?;
    if !many.is_empty() {
        let next = digest::next_at(app, conn)?;
        db::gather_notices(conn, &many, next)?;
    }
    let put_aside = stale.len() + many.len();
    if claimed.is_empty() {
        return Ok(Taken { claimed: Vec::new(), put_aside });
    }
    let course = db::course_card(conn)?;
    let headed = |notice: Notice| {
        let head = heads::of(app, course.as_ref(), &notice);
        (notice, head)
    };
    Ok(Taken { claimed: claimed.into_iter().map(headed).collect(), put_aside })
}

/// How many that are not urgent each of those was sent lately to whom one may have to wait.
fn recent(
    conn: &mut Conn<'_>,
    due: &[Notice],
    now: DateTime<Utc>,
) -> Result<BTreeMap<PersonId, i64>, DbError> {
    let bounded = due.iter().filter(|notice| mail::is_bounded(notice));
    let people: Vec<&PersonId> = bounded.filter_map(|notice| notice.person.as_ref()).collect();
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut recent: BTreeMap<PersonId, i64> = people.iter().map(|id| ((*id).clone(), 0)).collect();
    recent.extend(db::recently_sent(conn, &people, now - TimeDelta::hours(1), now)?);
    Ok(recent)
}
