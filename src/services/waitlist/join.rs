//! Joining a line, and leaving it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::turn::{go_through, welcome};
use super::{WaitError, line, receipt};
use crate::db::{self, Conn, DbError};
use crate::domain::booking::State;
use crate::domain::ids::{LabId, PoolId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::domain::waitlist::{Asked, MOST_WINDOWS, Outcome, Wait, WaitState};
use crate::policy::waitlist::turn::{self, Never};
use crate::services::App;
use crate::services::booking::BookingError;
use crate::services::situation::Situation;

/// The longest slot that can be asked for.
const LONGEST: TimeDelta = TimeDelta::days(7);

/// Joins the line of a lab. If the person comes first for something that is free, they are offered it at once: the wait that is
/// returned says so.
pub async fn join(app: &Arc<App>, person: Person, lab: LabId, asked: Asked) -> Result<Wait, WaitError> {
    let asked = tidy(asked)?;
    if person.ssh_public_key.is_none() {
        return Err(WaitError::NoKey);
    }
    let inner = app.clone();
    let (wait, pool) =
        app.db.write("waitlist: join", move |conn| join_in(&inner, conn, &person, &lab, &asked)).await?;
    let id = wait.id.clone();
    welcome(app, &pool, &id).await;
    let now = app.db.read::<_, DbError, _>("waitlist: joined", move |conn| db::wait(conn, &id)).await?;
    Ok(now.unwrap_or(wait))
}

fn join_in(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    lab: &LabId,
    asked: &Asked,
) -> Result<(Wait, PoolId), WaitError> {
    let now = app.now();
    let no_such = || WaitError::NoSuchLab(lab.clone());
    let pool = db::lab_setting(conn, lab)?.ok_or_else(no_such)?.pool.id;
    db::lock_for_booking(conn, &person.id, &pool)?;
    if let Some(there) = db::open_wait(conn, &person.id, lab)? {
        return Err(WaitError::AlreadyWaiting(there.id));
    }
    let situation = Situation::load(conn, lab, person, None, now)?.ok_or_else(no_such)?;
    possible(&situation, asked, now)?;
    let wait = line::imagined(app.wait_id(), &person.id, lab, asked, now);
    db::insert_wait(conn, &wait)?;
    receipt::of_joining(app, conn, &wait)?;
    Ok((wait, pool))
}

/// Whether anything that is asked for could ever be this person's.
pub(super) fn possible(situation: &Situation, asked: &Asked, now: DateTime<Utc>) -> Result<(), WaitError> {
    let empty = Occupancy::default();
    match turn::could_ever(&situation.case(&empty, now), asked) {
        Ok(()) => Ok(()),
        Err(Never::Against(violations)) => Err(WaitError::Never { violations, zone: situation.setting.zone }),
        Err(Never::NoRoom) => Err(WaitError::BadWish(
            "no window is as long as the slot: ask for a shorter slot, or for a longer window".to_owned(),
        )),
    }
}

/// What is asked for, with its windows in order and apart from each other.
pub(super) fn tidy(mut asked: Asked) -> Result<Asked, WaitError> {
    let length = asked.length();
    if length <= TimeDelta::zero() || length > LONGEST {
        return Err(WaitError::BadWish(format!(
            "a slot of {} minutes can't be asked for: more than 0 and at most {} would do",
            asked.length_minutes,
            LONGEST.num_minutes()
        )));
    }
    asked.windows.sort_by_key(|window| (window.start(), window.end()));
    let mut apart: Vec<Interval> = Vec::new();
    for window in asked.windows {
        match apart.last_mut().filter(|last| window.start() <= last.end()) {
            Some(last) => *last = Interval::new(last.start(), last.end().max(window.end())).unwrap_or(*last),
            None => apart.push(window),
        }
    }
    if apart.len() > MOST_WINDOWS {
        return Err(WaitError::BadWish(format!(
            "these are {} windows: at most {MOST_WINDOWS} would do, or none for any time",
            apart.len()
        )));
    }
    asked.windows = apart;
    Ok(asked)
}

/// Leaves a line. What is offered at that moment is passed. Leaving again changes nothing.
pub async fn leave(app: &Arc<App>, person: Person, id: WaitId) -> Result<(), WaitError> {
    let inner = app.clone();
    let pool = app.db.write("waitlist: leave", move |conn| leave_in(&inner, conn, &person, &id)).await?;
    if let Some(pool) = pool {
        go_through(app, &pool).await;
    }
    Ok(())
}

fn leave_in(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    id: &WaitId,
) -> Result<Option<PoolId>, WaitError> {
    let own = |wait: Option<Wait>| {
        wait.filter(|wait| wait.person == person.id).ok_or_else(|| WaitError::NoSuchWait(id.clone()))
    };
    let known = own(db::wait(conn, id)?)?;
    let setting =
        db::lab_setting(conn, &known.lab)?.ok_or_else(|| WaitError::NoSuchLab(known.lab.clone()))?;
    db::lock_for_booking(conn, &person.id, &setting.pool.id)?;
    let wait = own(db::wait_locked(conn, id)?)?;
    let mut freed = None;
    if let WaitState::Offered(booking) = &wait.state
        && let Some(booking) = db::booking_locked(conn, booking)?
        && matches!(booking.state, State::Offered { .. })
    {
        freed = Some(booking.pool.clone());
        super::decline(app, conn, booking, crate::domain::booking::EndReason::Passed)
            .map_err(|error: BookingError| WaitError::from(error))?;
    }
    let mut wait = own(db::wait(conn, id)?)?;
    if wait.is_open() {
        wait.state = WaitState::Ended { at: app.now(), outcome: Outcome::Left };
        db::save_wait(conn, &wait)?;
        receipt::of_leaving(app, conn, &wait)?;
    }
    Ok(freed)
}
