//! What becomes of an offer: it is taken, passed, or not answered.

use std::sync::Arc;

use super::turn::go_through;
use super::{WaitError, receipt};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::blueprint::HeldBy;
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::calendar;
use crate::domain::ids::{BookingId, PoolId};
use crate::domain::person::Person;
use crate::domain::waitlist::{MOST_LAPSES, MOST_PASSED, Outcome, Wait, WaitState};
use crate::services::App;
use crate::services::booking::{self, BookingError};
use crate::services::notices::{self, Kind};

/// The student takes what is offered: from then on it is a booking like any other. Taking again what was taken changes nothing.
pub async fn accept(app: &Arc<App>, person: Person, id: BookingId) -> Result<Booking, WaitError> {
    let inner = app.clone();
    let taken = app.db.write("offer: accept", move |conn| accept_in(&inner, conn, &person, &id)).await?;
    app.wake.call();
    Ok(taken)
}

fn accept_in(app: &App, conn: &mut Conn<'_>, person: &Person, id: &BookingId) -> Result<Booking, WaitError> {
    let (mut booking, wait) = locked(conn, person, id)?;
    let now = app.now();
    match booking.state {
        State::Offered { until } if now < until => {}
        State::Offered { .. } => return Err(WaitError::OfferOver),
        state if state.is_live() => return Ok(booking),
        _ => return Err(WaitError::OfferOver),
    }
    let setting = setting(conn, &booking)?;
    let key = person.ssh_public_key.as_deref().ok_or(WaitError::NoKey)?;
    let leased = setting.pool.held_by(&setting.site) == HeldBy::OwnLease;
    booking.state = booking.state.accept(leased).map_err(BookingError::from)?;
    booking.next_step_at = Some(now);
    db::save_booking(conn, &booking, now)?;
    booking::plan_resources(app, conn, &setting, &booking, person, key)?;
    let what = format!("Took what was offered: {}.", calendar::span(setting.zone, &booking.slot));
    booking::log(app, conn, &booking, person.net_id.as_str(), &what)?;
    notices::withdraw_offer(app, conn, id)?;
    if let Some(mut wait) = wait {
        wait.state = WaitState::Ended { at: now, outcome: Outcome::Served(id.clone()) };
        db::save_wait(conn, &wait)?;
        receipt::of_answer(app, conn, &booking, &wait, "accepted")?;
    }
    if booking.state == State::Booked {
        notices::tell(app, conn, &Kind::BookedFromLine, &booking, &setting)?;
    }
    Ok(booking)
}

/// The student does not want what is offered: it goes to whoever comes next, and they stay in line, with their age counting
/// anew. Passing again what was passed changes nothing.
pub async fn pass(app: &Arc<App>, person: Person, id: BookingId) -> Result<(), WaitError> {
    let inner = app.clone();
    let passed = app.db.write("offer: pass", move |conn| pass_in(&inner, conn, &person, &id)).await?;
    if let Some(pool) = passed {
        go_through(app, &pool).await;
    }
    Ok(())
}

fn pass_in(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
) -> Result<Option<PoolId>, WaitError> {
    let (booking, _) = locked(conn, person, id)?;
    match booking.state {
        State::Offered { .. } => {}
        State::Ended { reason: EndReason::Passed, .. } => return Ok(None),
        _ => return Err(WaitError::OfferOver),
    }
    let pool = booking.pool.clone();
    booking::log(app, conn, &booking, person.net_id.as_str(), "Passed what was offered.")?;
    decline(app, conn, booking, EndReason::Passed)?;
    Ok(Some(pool))
}

/// Ends an offer that nobody answered in time, and says in which pool; nothing if it was answered meanwhile.
pub(super) async fn lapse(app: &Arc<App>, id: BookingId) -> Result<Option<PoolId>, WaitError> {
    let inner = app.clone();
    app.db.write("offer: lapse", move |conn| lapse_in(&inner, conn, &id)).await
}

fn lapse_in(app: &App, conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<PoolId>, WaitError> {
    let Some(known) = db::booking(conn, id)? else { return Ok(None) };
    db::lock_for_booking(conn, &known.person, &known.pool)?;
    let Some(booking) = db::booking_locked(conn, id)? else { return Ok(None) };
    match booking.state {
        State::Offered { until } if until <= app.now() => {}
        _ => return Ok(None),
    }
    let pool = booking.pool.clone();
    booking::log(app, conn, &booking, super::give::ACTOR, "Nobody answered in time.")?;
    decline(app, conn, booking, EndReason::Lapsed)?;
    Ok(Some(pool))
}

/// Ends an offer that is not taken: its units and its charge are given back, and its student stays in line, with their age
/// counting anew, unless too many offers went by unanswered. The same slot is not offered to them again.
pub(in crate::services) fn decline(
    app: &App,
    conn: &mut Conn<'_>,
    booking: Booking,
    reason: EndReason,
) -> Result<(), BookingError> {
    let Some(setting) = db::lab_setting(conn, &booking.lab)? else {
        return Err(BookingError::NoSuchLab(booking.lab));
    };
    let asleep = reason == EndReason::Lapsed && stood_in_quiet_hours(conn, &booking, &setting)?;
    let booking = booking::end(app, conn, booking, reason, None)?;
    let Some(mut wait) = db::wait_of_booking(conn, &booking.id)? else { return Ok(()) };
    notices::withdraw_offer(app, conn, &booking.id)?;
    let unasked = asleep || reason == EndReason::Displaced;
    let goes_on = put_back(&mut wait, &booking, if unasked { None } else { Some(reason) }, app);
    db::save_wait(conn, &wait)?;
    receipt::of_answer(app, conn, &booking, &wait, reason.word())?;
    if reason == EndReason::Lapsed {
        notices::tell_lapsed(app, conn, &booking, &setting, goes_on)?;
    }
    Ok(())
}

/// Whether all of the time of an offer lay in hours in which nobody has to answer: there was none to wait for their end.
fn stood_in_quiet_hours(
    conn: &mut Conn<'_>,
    booking: &Booking,
    setting: &LabSetting,
) -> Result<bool, DbError> {
    let Some(quiet) = db::waitlist_policy(conn)?.quiet else { return Ok(false) };
    let (from, until) = (booking.created_at, booking.state.offered_until());
    let zone = setting.zone;
    Ok(until.is_some_and(|until| quiet.hold(zone, from) && until <= quiet.end(zone, from)))
}

/// Whether the wait goes on. Without an answer to go by, since the offer stood in quiet hours or an outage came in its way,
/// neither age nor lapses change.
fn put_back(wait: &mut Wait, booking: &Booking, answer: Option<EndReason>, app: &App) -> bool {
    let now = app.now();
    wait.passed.push(booking.slot);
    if wait.passed.len() > MOST_PASSED {
        wait.passed.remove(0);
    }
    if let Some(reason) = answer {
        wait.age_from = now;
        wait.lapses = if reason == EndReason::Lapsed { wait.lapses + 1 } else { 0 };
    }
    let goes_on = wait.lapses < MOST_LAPSES;
    wait.state =
        if goes_on { WaitState::Waiting } else { WaitState::Ended { at: now, outcome: Outcome::Unanswered } };
    goes_on
}

/// The offer and the place in line that it came of, with everything locked that an answer touches.
fn locked(
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
) -> Result<(Booking, Option<Wait>), WaitError> {
    let no_such = || WaitError::NoSuchOffer(id.clone());
    let own = |booking: Option<Booking>| booking.filter(|it| it.person == person.id).ok_or_else(no_such);
    let known = own(db::booking(conn, id)?)?;
    db::lock_for_booking(conn, &person.id, &known.pool)?;
    let booking = own(db::booking_locked(conn, id)?)?;
    let wait = db::wait_of_booking(conn, id)?;
    // What was booked directly was never offered.
    if wait.is_none() && !was_offered(&booking) {
        return Err(no_such());
    }
    Ok((booking, wait))
}

fn was_offered(booking: &Booking) -> bool {
    let not_taken = matches!(booking.state.reason(), Some(EndReason::Passed | EndReason::Lapsed));
    not_taken || matches!(booking.state, State::Offered { .. })
}

fn setting(conn: &mut Conn<'_>, booking: &Booking) -> Result<LabSetting, DbError> {
    let mut setting = db::lab_setting(conn, &booking.lab)?
        .ok_or_else(|| DbError::Corrupt(format!("there is no lab {}", booking.lab)))?;
    // It stays in the pool in which it is held, wherever its lab may be by now.
    setting.pool = db::pool(conn, &booking.pool)?;
    setting.site = db::site_of_pool(conn, &booking.pool)?;
    Ok(setting)
}
