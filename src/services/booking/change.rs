//! Another slot for a booking: moving one that is ahead, extending or shortening one that has begun.
//!
//! What a booking has it keeps until it has what it wants. The units of the new place are taken in the transaction of the
//! wish. Where there is a lease the worker gets the new place from the site first - a lease ahead can't be given other dates
//! on Blazar without losing it, so a second one is made - and only then gives the old one up. If the site refuses, the
//! booking is as it was.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{BookingError, Refusal, Seen, log, log_by, own_booking};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::blueprint::{Kind as ResourceKind, Spec, lease_key};
use crate::domain::booking::{Booking, State, WrongState};
use crate::domain::calendar;
use crate::domain::course::Pool;
use crate::domain::ids::BookingId;
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::domain::resource::{Resource, ResourceState};
use crate::policy::admission::{self, Violation};
use crate::policy::availability;
use crate::services::App;
use crate::services::extending;
use crate::services::notices::{self, Kind};
use crate::services::places;
use crate::services::situation::Situation;
use crate::services::waitlist;

/// The student wants their booking to be at `slot`. One that is ahead moves there; one that has begun keeps its start and is
/// extended or shortened. A refusal says what would be accepted, and changes nothing.
pub async fn change(
    app: &Arc<App>,
    person: Person,
    id: BookingId,
    slot: Interval,
) -> Result<(), BookingError> {
    change_if(app, person, id, slot, Seen::Anything).await
}

/// The same if the booking is still what the student saw, else [`BookingError::Changed`]. Asking again for what was asked
/// for already changes nothing.
pub async fn change_if(
    app: &Arc<App>,
    person: Person,
    id: BookingId,
    slot: Interval,
    seen: Seen,
) -> Result<(), BookingError> {
    let (inner, who, key) = (app.clone(), person.clone(), id.clone());
    let changed = app.db.write("change", move |conn| change_in(&inner, conn, &who, &key, &slot, &seen)).await;
    let violations = match changed {
        Ok(()) => {
            app.wake.call();
            return Ok(());
        }
        Err(BookingError::Refused(refusal)) => refusal.violations,
        Err(BookingError::Db(DbError::OverCapacity)) => vec![Violation::Full { at: slot.start() }],
        Err(error) => return Err(error),
    };
    let inner = app.clone();
    let refusal = app
        .db
        .read("change: explain", move |conn| explain(&inner, conn, &person, &id, &slot, violations))
        .await?;
    Err(BookingError::Refused(refusal))
}

fn change_in(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
    slot: &Interval,
    seen: &Seen,
) -> Result<(), BookingError> {
    let known = own_booking(person, db::booking(conn, id)?, id)?;
    db::lock_for_booking(conn, &person.id, &known.pool)?;
    let booking = own_booking(person, db::booking_locked(conn, id)?, id)?;
    if booking.state.is_live() && booking.goal() == *slot {
        return Ok(());
    }
    seen.check(&booking)?;
    if booking.wanted_end.is_some() || booking.wanted_slot.is_some() {
        return Err(WrongState { from: "being changed", to: "changed again" }.into());
    }
    match booking.state {
        State::Booked => relocate(app, conn, person, booking, slot),
        State::Preparing | State::Active { .. } if booking.slot.start() == slot.start() => {
            resize(app, conn, person, booking, slot.end())
        }
        State::Preparing | State::Active { .. } => Err(BookingError::Begun),
        other => Err(WrongState { from: other.word(), to: "changed" }.into()),
    }
}

/// The person's situation and the pool as if `booking` were not there: what moving it is judged by. Occupancy is known over
/// `span`.
pub(super) fn place_without(
    conn: &mut Conn<'_>,
    person: &Person,
    booking: &Booking,
    span: impl FnOnce(&LabSetting) -> Interval,
    now: DateTime<Utc>,
) -> Result<(Situation, Occupancy), BookingError> {
    let mut situation = Situation::load(conn, &booking.lab, person, Some(&booking.id), now)?
        .ok_or_else(|| BookingError::NoSuchLab(booking.lab.clone()))?;
    // A booking stays in the pool that it was made in, wherever its lab may be by now.
    situation.setting.pool = db::pool(conn, &booking.pool)?;
    let pool = &situation.setting.pool;
    let occupancy = db::occupancy(conn, pool, &span(&situation.setting))?;
    let without = places::without(occupancy, pool, booking);
    Ok((situation, without))
}

fn refused(violations: Vec<Violation>, setting: &LabSetting) -> BookingError {
    BookingError::Refused(Refusal { violations, nearest: Vec::new(), zone: setting.zone })
}

/// The refusal with what would be accepted instead of a place to move to.
fn explain(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
    slot: &Interval,
    violations: Vec<Violation>,
) -> Result<Refusal, BookingError> {
    let (booking, now) = (own_booking(person, db::booking(conn, id)?, id)?, app.now());
    let around = |setting: &LabSetting| availability::nearest_span(&setting.lab, &setting.pool, slot, now);
    let (situation, occupancy) = place_without(conn, person, &booking, around, now)?;
    let nearest = match booking.state {
        State::Booked => availability::nearest(&situation.case(&occupancy, now), slot, 3),
        _ => Vec::new(),
    };
    Ok(Refusal { violations, nearest, zone: situation.setting.zone })
}

fn relocate(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    mut booking: Booking,
    slot: &Interval,
) -> Result<(), BookingError> {
    let now = app.now();
    let span = |setting: &LabSetting| admission::span_to_know(&setting.lab, &setting.pool, slot);
    let (situation, occupancy) = place_without(conn, person, &booking, span, now)?;
    let setting = &situation.setting;
    let mut violations = admission::judge(&situation.case(&occupancy, now), slot);
    if violations.is_empty() && waitlist::claims(conn, &situation, &person.id, &occupancy, slot, now)? {
        violations.push(Violation::WaitedFor);
    }
    if !violations.is_empty() {
        return Err(refused(violations, setting));
    }
    let pool = &setting.pool;
    for span in pool.cells_held(slot).without(&pool.cells_held(&booking.slot)) {
        places::take_more(conn, pool, &booking, &span)?;
    }
    booking.wanted_slot = Some(*slot);
    booking.next_step_at = Some(now);
    let what = format!("Asked to move it to {}.", calendar::span(setting.zone, slot));
    log_by(app, conn, &booking.id, person.net_id.as_str(), &what)?;
    if plan_lease(conn, pool, &booking, slot, now)? {
        Ok(db::save_booking(conn, &booking, now)?)
    } else {
        take_wanted_slot(app, conn, &mut booking, setting)
    }
}

/// Plans a second lease like the first, for the new slot. False if the booking has none.
fn plan_lease(
    conn: &mut Conn<'_>,
    pool: &Pool,
    booking: &Booking,
    slot: &Interval,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let resources = db::resources(conn, &booking.id)?;
    let leases = resources.iter().filter(|resource| resource.kind() == ResourceKind::Lease);
    let (count, first) = (leases.clone().count(), leases.clone().next());
    let Some(Spec::Lease { reservations, .. }) = first.map(|lease| &lease.spec) else { return Ok(false) };
    let in_use = pool.in_use(slot);
    let reservations = reservations.clone();
    let spec = Spec::Lease { start: in_use.start(), end: in_use.end(), reservations };
    let position = i32::try_from(resources.len()).unwrap_or(i32::MAX);
    let planned = Resource::planned(booking.id.clone(), lease_key(count + 1), position, spec, now);
    db::insert_resource(conn, &planned)?;
    Ok(true)
}

/// The booking is at the slot that it wanted: the old place is given up.
pub(in crate::services) fn take_wanted_slot(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &mut Booking,
    setting: &LabSetting,
) -> Result<(), BookingError> {
    let Some(slot) = booking.wanted_slot.take() else { return Ok(()) };
    let pool = db::pool(conn, &booking.pool)?;
    for span in pool.cells_held(&booking.slot).without(&pool.cells_held(&slot)) {
        places::give_back(conn, &pool, booking, &span)?;
    }
    give_up_lease(conn, &booking.id, |lease, newest| lease != newest, app.now())?;
    booking.slot = slot;
    booking.held_from = pool.held(&slot).start();
    db::save_booking(conn, booking, app.now())?;
    // The invitation of the mail replaces the one before by its sequence number, which is the stored version.
    booking.version += 1;
    log(app, conn, booking, "fairlease", &format!("Moved to {}.", calendar::span(setting.zone, &slot)))?;
    notices::tell(app, conn, &Kind::Moved, booking, setting)?;
    Ok(())
}

/// The booking stays where it is: what was held of the place that it wanted is given back.
pub(in crate::services) fn drop_wanted_slot(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &mut Booking,
    reason: &str,
) -> Result<(), BookingError> {
    let Some(slot) = booking.wanted_slot.take() else { return Ok(()) };
    let pool = db::pool(conn, &booking.pool)?;
    for span in pool.cells_held(&slot).without(&pool.cells_held(&booking.slot)) {
        places::give_back(conn, &pool, booking, &span)?;
    }
    give_up_lease(conn, &booking.id, |lease, newest| lease == newest, app.now())?;
    log(app, conn, booking, "fairlease", &format!("It could not be moved and stays where it is: {reason}"))
        .map_err(BookingError::from)
}

/// Marks leases for deletion: of those that are left, each that `which` picks when given its place and the newest's.
fn give_up_lease(
    conn: &mut Conn<'_>,
    id: &BookingId,
    which: impl Fn(i32, i32) -> bool,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut leases = db::resources(conn, id)?;
    leases.retain(|it| it.kind() == ResourceKind::Lease && it.state != ResourceState::Gone);
    let newest = leases.iter().map(|lease| lease.position).max().unwrap_or_default();
    for mut lease in leases.into_iter().filter(|lease| which(lease.position, newest)) {
        lease.state = ResourceState::Deleting;
        lease.since = now;
        db::save_resource(conn, &lease)?;
    }
    Ok(())
}

fn resize(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    booking: Booking,
    new_end: DateTime<Utc>,
) -> Result<(), BookingError> {
    let (now, slot) = (app.now(), booking.slot);
    let whole = Interval::new(slot.start(), new_end.max(slot.end())).unwrap_or(slot);
    let span = |setting: &LabSetting| admission::span_to_know(&setting.lab, &setting.pool, &whole);
    let (situation, occupancy) = place_without(conn, person, &booking, span, now)?;
    let (setting, case) = (&situation.setting, situation.case(&occupancy, now));
    let later = new_end > slot.end();
    let mut violations = if later {
        admission::judge_extension(&case, &slot, new_end)
    } else {
        admission::judge_shortening(&case, &slot, new_end)
    };
    let resources = db::resources(conn, &booking.id)?;
    violations.extend(extending::refusal(conn, &booking, &resources, now)?);
    if later
        && violations.is_empty()
        && waitlist::claims(conn, &situation, &person.id, &occupancy, &whole, now)?
    {
        violations.push(Violation::WaitedFor);
    }
    if !violations.is_empty() {
        return Err(refused(violations, setting));
    }
    ask_end(app, conn, setting, booking, new_end, person.net_id.as_str())
}

/// Asks the site for another end, which was judged to be legal: what it adds is held from now on.
pub(in crate::services) fn ask_end(
    app: &App,
    conn: &mut Conn<'_>,
    setting: &LabSetting,
    mut booking: Booking,
    new_end: DateTime<Utc>,
    actor: &str,
) -> Result<(), BookingError> {
    let (now, slot) = (app.now(), booking.slot);
    if let Some(added) = setting.pool.added(&slot, new_end) {
        places::take_more(conn, &setting.pool, &booking, &added)?;
    }
    booking.wanted_end = Some(new_end);
    booking.next_step_at = Some(now);
    extend_lease(conn, &booking.id, new_end)?;
    db::save_booking(conn, &booking, now)?;
    let word = if new_end > slot.end() { "extend" } else { "shorten" };
    let what = format!("Asked to {word} it to {}.", calendar::date_and_time(setting.zone, new_end));
    log_by(app, conn, &booking.id, actor, &what)
}

/// The booking has the end that it wanted; what it held beyond an earlier one is free from the next grid time on. Says what
/// happened.
pub(in crate::services) fn take_wanted_end(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &mut Booking,
    setting: &LabSetting,
) -> Result<String, BookingError> {
    let Some(end) = booking.wanted_end.take() else { return Ok("Nothing was to be changed.".to_owned()) };
    let slot = Interval::new(booking.slot.start(), end).unwrap_or(booking.slot);
    let pool = db::pool(conn, &booking.pool)?;
    let from_now = pool.ceil(app.now());
    for span in pool.cells_held(&booking.slot).without(&pool.cells_held(&slot)) {
        if let Some(rest) = Interval::new(span.start().max(from_now), span.end()) {
            places::give_back(conn, &pool, booking, &rest)?;
        }
    }
    let word = if end > booking.slot.end() { "Extended" } else { "Shortened" };
    booking.slot = slot;
    Ok(format!("{word} to {}.", calendar::date_and_time(setting.zone, end)))
}

/// Writes what the lease's end is to be.
pub(in crate::services) fn extend_lease(
    conn: &mut Conn<'_>,
    id: &BookingId,
    new_end: DateTime<Utc>,
) -> Result<(), DbError> {
    for mut resource in db::resources(conn, id)? {
        if let Spec::Lease { end, .. } = &mut resource.spec {
            *end = new_end;
            db::save_resource(conn, &resource)?;
        }
    }
    Ok(())
}
