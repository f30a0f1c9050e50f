//! Giving a slot to whoever comes next: as an offer, or booked at once.

use super::WaitError;
use super::line::{Line, Member};
use super::receipt;
use crate::db::{self, Conn};
use crate::domain::booking::{Booking, State};
use crate::domain::calendar;
use crate::domain::waitlist::{Outcome, WaitState};
use crate::policy::waitlist::turn::{How, Turn};
use crate::services::App;
use crate::services::booking::{self, Wish};
use crate::services::notices::{self, Kind};
use crate::services::places;

/// Carries out a turn of the line, whose pools and whose person are locked.
pub(super) fn give(app: &App, conn: &mut Conn<'_>, line: &Line, turn: &Turn) -> Result<WaitState, WaitError> {
    let Some(member) = line.members.get(turn.index) else { return Ok(WaitState::Waiting) };
    let booking = hold(app, conn, member, turn)?;
    let mut wait = member.wait.clone();
    wait.state = match turn.how {
        How::AtOnce => {
            book_at_once(app, conn, member, &booking)?;
            wait.lapses = 0;
            WaitState::Ended { at: line.now, outcome: Outcome::Served(booking.id.clone()) }
        }
        How::Offered { until, tell_at } => {
            let zone = member.situation.setting.zone;
            let what = format!(
                "Offered to whoever comes first in line, until {}.",
                calendar::date_and_time(zone, until)
            );
            booking::log(app, conn, &booking, ACTOR, &what)?;
            let not_before = (tell_at > line.now).then_some(tell_at);
            let others = line.members.iter().filter(|it| it.wait.state == WaitState::Waiting).count();
            notices::tell_offer(
                app,
                conn,
                &booking,
                &member.situation.setting,
                until,
                not_before,
                others.saturating_sub(1),
            )?;
            WaitState::Offered(booking.id.clone())
        }
    };
    db::save_wait(conn, &wait)?;
    receipt::of_turn(app, conn, line, turn, &booking)?;
    Ok(wait.state)
}

/// Who does it, in the log.
pub(super) const ACTOR: &str = "fairlease";

/// The booking with its seat, its units and its charge.
fn hold(app: &App, conn: &mut Conn<'_>, member: &Member, turn: &Turn) -> Result<Booking, WaitError> {
    let setting = &member.situation.setting;
    let wish = wish(member, turn);
    let mut booking = booking::new_booking(app, setting, &wish);
    if let How::Offered { until, .. } = turn.how {
        booking.state = State::Offered { until };
        booking.next_step_at = None;
    }
    let seat = booking::free_seat(conn, setting, &wish)?;
    places::take(conn, &setting.pool, &mut booking, &setting.pool.held(&turn.slot))?;
    db::insert_booking(conn, &booking, seat, None)?;
    Ok(booking)
}

fn wish(member: &Member, turn: &Turn) -> Wish {
    Wish {
        person: member.person.clone(),
        lab: member.wait.lab.clone(),
        slot: turn.slot,
        idempotency_key: None,
    }
}

fn book_at_once(app: &App, conn: &mut Conn<'_>, member: &Member, booking: &Booking) -> Result<(), WaitError> {
    let setting = &member.situation.setting;
    let key = member.person.ssh_public_key.as_deref().ok_or(WaitError::NoKey)?;
    booking::plan_resources(app, conn, setting, booking, &member.person, key)?;
    let what = format!("Booked for {}, as asked for in line.", calendar::span(setting.zone, &booking.slot));
    booking::log(app, conn, booking, ACTOR, &what)?;
    if booking.state == State::Booked {
        notices::tell(app, conn, &Kind::BookedFromLine, booking, setting)?;
    }
    Ok(())
}
