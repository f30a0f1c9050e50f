//! What a student does with a booking: make it, extend it, give it back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::App;
use super::notices::{self, Kind};
use super::places;
use super::standing::{Standing, case};
use crate::db::{self, Conn, DbError, LabSetting, MaybeDbError};
use crate::domain::blueprint::Spec;
use crate::domain::booking::{Booking, EndReason, Event, State, WrongState};
use crate::domain::calendar;
use crate::domain::ids::{BookingId, LabId};
use crate::domain::interval::Interval;
use crate::domain::person::Person;
use crate::domain::resource::Resource;
use crate::policy::admission::{self, Violation};
use crate::policy::availability;

/// Why a wish was not met.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    /// There is no such lab.
    #[error("there is no lab \"{0}\"")]
    NoSuchLab(LabId),
    /// There is no such booking, or it is not this person's.
    #[error("there is no booking \"{0}\"")]
    NoSuchBooking(BookingId),
    /// The person has no SSH public key yet, without which nobody could use the servers.
    #[error("there is no SSH public key to put on the servers")]
    NoKey,
    /// Rules are broken.
    #[error("{} rules are broken", .0.violations.len())]
    Refused(Refusal),
    /// The booking is not in a state in which that can be done.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for BookingError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// Every rule that is broken, and what would be accepted instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rules. Never empty.
    pub violations: Vec<Violation>,
    /// The legal slots nearest to the wish, nearest first.
    pub nearest: Vec<Interval>,
    /// The course's zone, for the sentences.
    pub zone: Tz,
}

/// A student's wish for a new booking.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Who wishes.
    pub person: Person,
    /// The lab.
    pub lab: LabId,
    /// The slot.
    pub slot: Interval,
    /// Makes a repeated wish harmless: the booking that the first one made is the answer.
    pub idempotency_key: Option<String>,
}

/// Makes a booking, or says everything that stands against it.
pub async fn book(app: &Arc<App>, wish: Wish) -> Result<Booking, BookingError> {
    let made = {
        let (app, wish) = (app.clone(), wish.clone());
        let db = app.db.clone();
        db.write("book", move |conn| book_in(&app, conn, &wish)).await
    };
    let refused_by = match made {
        Ok(booking) => {
            app.wake.call();
            return Ok(booking);
        }
        Err(BookingError::Refused(refusal)) => RefusedBy::Rules(refusal.violations),
        Err(BookingError::Db(DbError::OverCapacity)) => {
            RefusedBy::Guard(Violation::Full { at: wish.slot.start() })
        }
        Err(BookingError::Db(DbError::Duplicate(_))) => {
            RefusedBy::Guard(Violation::Overlap { other: wish.slot })
        }
        Err(error) => return Err(error),
    };
    Err(refused(app, wish, refused_by).await)
}

/// What stood against a wish.
enum RefusedBy {
    /// These rules.
    Rules(Vec<Violation>),
    /// A constraint of the database: someone was quicker than the rules could see. What they see now is told, or else this.
    Guard(Violation),
}

/// The refusal with what would be accepted instead, which is looked for outside of the transaction for which others wait.
async fn refused(app: &Arc<App>, wish: Wish, by: RefusedBy) -> BookingError {
    let now = app.now();
    let seen = app
        .db
        .read::<_, BookingError, _>("book: explain", move |conn| {
            let setting = setting(conn, &wish.lab)?;
            let standing = Standing::load(conn, &setting, &wish.person.id)?;
            let violations = match by {
                RefusedBy::Rules(violations) => violations,
                RefusedBy::Guard(told) => {
                    let seen = judge(conn, &setting, &standing, &wish, now)?;
                    if seen.is_empty() { vec![told] } else { seen }
                }
            };
            let nearest = nearest(conn, &setting, &standing, &wish, now)?;
            Ok(Refusal { violations, nearest, zone: setting.zone })
        })
        .await;
    seen.map_or_else(|error| error, BookingError::Refused)
}

fn setting(conn: &mut Conn<'_>, lab: &LabId) -> Result<LabSetting, BookingError> {
    db::lab_setting(conn, lab)?.ok_or_else(|| BookingError::NoSuchLab(lab.clone()))
}

/// Every rule that the wish breaks.
fn judge(
    conn: &mut Conn<'_>,
    setting: &LabSetting,
    standing: &Standing,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<Vec<Violation>, BookingError> {
    let occupancy = db::occupancy(conn, &setting.pool, &setting.pool.held(&wish.slot))?;
    Ok(admission::judge(&case(setting, &wish.person, standing, &occupancy, now), &wish.slot))
}

/// What would be accepted instead: one range scan of the pool, over weeks.
fn nearest(
    conn: &mut Conn<'_>,
    setting: &LabSetting,
    standing: &Standing,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<Vec<Interval>, BookingError> {
    let around = availability::nearest_span(&setting.lab, &setting.pool, &wish.slot, now);
    let occupancy = db::occupancy(conn, &setting.pool, &around)?;
    Ok(availability::nearest(&case(setting, &wish.person, standing, &occupancy, now), &wish.slot, 3))
}

/// What the rules make of a wish as of `now`; a refusal without violations is none.
pub fn explain(conn: &mut Conn<'_>, wish: &Wish, now: DateTime<Utc>) -> Result<Refusal, BookingError> {
    let setting = setting(conn, &wish.lab)?;
    let standing = Standing::load(conn, &setting, &wish.person.id)?;
    let violations = judge(conn, &setting, &standing, wish, now)?;
    let nearest =
        if violations.is_empty() { Vec::new() } else { nearest(conn, &setting, &standing, wish, now)? };
    Ok(Refusal { violations, nearest, zone: setting.zone })
}

fn book_in(app: &App, conn: &mut Conn<'_>, wish: &Wish) -> Result<Booking, BookingError> {
    let setting = setting(conn, &wish.lab)?;
    db::lock_for_booking(conn, &wish.person.id, &setting.pool.id)?;
    if let Some(key) = &wish.idempotency_key
        && let Some(made) = db::booking_by_key(conn, &wish.person.id, key)?
    {
        return Ok(made);
    }
    admit(app, conn, &setting, wish)?;
    let key = wish.person.ssh_public_key.as_deref().ok_or(BookingError::NoKey)?;
    let mut booking = new_booking(app, &setting, wish);
    let seat = free_seat(conn, &setting, wish)?;
    let held = setting.pool.held(&wish.slot);
    places::take(conn, &setting.pool, &mut booking, &held)?;
    db::insert_booking(conn, &booking, seat, held.start(), wish.idempotency_key.as_deref())?;
    plan_resources(conn, &setting, &booking, key, app.now())?;
    let what = format!("Asked for {}.", calendar::span(setting.zone, &booking.slot));
    log(app, conn, &booking, wish.person.net_id.as_str(), &what)?;
    if booking.state == State::Booked {
        notices::tell(app, conn, &Kind::Booked, &booking, &setting)?;
    }
    Ok(booking)
}

/// Refuses without looking for what would be accepted: others wait for this transaction.
fn admit(app: &App, conn: &mut Conn<'_>, setting: &LabSetting, wish: &Wish) -> Result<(), BookingError> {
    let standing = Standing::load(conn, setting, &wish.person.id)?;
    let violations = judge(conn, setting, &standing, wish, app.now())?;
    if violations.is_empty() {
        return Ok(());
    }
    Err(BookingError::Refused(Refusal { violations, nearest: Vec::new(), zone: setting.zone }))
}

fn new_booking(app: &App, setting: &LabSetting, wish: &Wish) -> Booking {
    let state = if setting.site.leases { State::Held } else { State::Booked };
    Booking {
        id: app.booking_id(),
        person: wish.person.id.clone(),
        lab: wish.lab.clone(),
        pool: setting.pool.id.clone(),
        label: crate::domain::booking::label(&wish.lab, &wish.person.net_id),
        units: setting.lab.units,
        nodes: Vec::new(),
        slot: wish.slot,
        extend_to: None,
        state,
        trouble: None,
        version: 1,
        created_at: app.now(),
        next_step_at: Some(app.now()),
    }
}

/// The lowest seat that none of the person's live bookings of the lab takes.
fn free_seat(conn: &mut Conn<'_>, setting: &LabSetting, wish: &Wish) -> Result<i32, BookingError> {
    let taken = db::seats_taken(conn, &wish.person.id, &wish.lab)?;
    let limit = setting.lab.policy.bookings_ahead;
    (1..=limit).find(|seat| !taken.contains(seat)).ok_or_else(|| {
        BookingError::Refused(Refusal {
            violations: vec![Violation::TooManyAhead { limit }],
            nearest: Vec::new(),
            zone: setting.zone,
        })
    })
}

fn plan_resources(
    conn: &mut Conn<'_>,
    setting: &LabSetting,
    booking: &Booking,
    public_key: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let specs =
        setting.lab.blueprint.specs(&setting.pool.in_use(&booking.slot), setting.site.leases, public_key);
    for (position, (key, spec)) in (0..).zip(specs) {
        db::insert_resource(conn, &Resource::planned(booking.id.clone(), key, position, spec, now))?;
    }
    Ok(())
}

pub(super) fn log(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    actor: &str,
    what: &str,
) -> Result<(), DbError> {
    db::log_event(conn, &booking.id, &Event { at: app.now(), actor: actor.to_owned(), what: what.to_owned() })
}

/// A booking as its page shows it.
#[derive(Debug, Clone)]
pub struct BookingView {
    /// The booking.
    pub booking: Booking,
    /// Its resources, in the order of making.
    pub resources: Vec<Resource>,
    /// Its lab with its surroundings.
    pub setting: LabSetting,
    /// What happened, oldest first.
    pub events: Vec<Event>,
    /// Later ends that it may have now, in order.
    pub extensions: Vec<DateTime<Utc>>,
    /// The `ssh` command that leads to it, once there is one.
    pub ssh: Option<String>,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// Lines of a booking's log that its page shows.
const LOG_LINES: i64 = 200;

/// The booking of this person with all that its page shows. [`BookingError::NoSuchBooking`] if it is someone else's.
pub fn view(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
) -> Result<BookingView, BookingError> {
    let booking = own_booking(person, db::booking(conn, id)?, id)?;
    let setting = setting(conn, &booking.lab)?;
    let resources = db::resources(conn, id)?;
    let now = app.now();
    let extensions = match booking.state {
        State::Preparing | State::Active { .. } if booking.extend_to.is_none() => {
            let standing = Standing::load(conn, &setting, &booking.person)?;
            let longest = setting.lab.policy.longest();
            let reach = Interval::new(booking.slot.start(), booking.slot.start() + longest);
            let occupancy = db::occupancy(conn, &setting.pool, &reach.unwrap_or(booking.slot))?;
            availability::extensions(&case(&setting, person, &standing, &occupancy, now), id, &booking.slot)
        }
        _ => Vec::new(),
    };
    let ssh = ssh_command(&setting, &resources);
    let events = db::events(conn, id, LOG_LINES)?;
    Ok(BookingView { booking, resources, setting, events, extensions, ssh, now })
}

/// `ssh cc@203.0.113.9`: the first floating IP, and the account that the image gives the key to.
pub(super) fn ssh_command(setting: &LabSetting, resources: &[Resource]) -> Option<String> {
    let address = resources
        .iter()
        .filter(|resource| matches!(resource.spec, Spec::FloatingIp { .. }))
        .find_map(|resource| resource.facts.address.as_deref())?;
    Some(format!("ssh {}@{address}", setting.lab.blueprint.login))
}

fn own_booking(person: &Person, booking: Option<Booking>, id: &BookingId) -> Result<Booking, BookingError> {
    booking
        .filter(|booking| booking.person == person.id)
        .ok_or_else(|| BookingError::NoSuchBooking(id.clone()))
}

/// The student gives the booking back: at once the place is free from the next grid time on, and the deletion of its
/// resources begins. Giving back what is being released already changes nothing.
pub async fn release(app: &Arc<App>, person: Person, id: BookingId) -> Result<(), BookingError> {
    let inner = app.clone();
    let db = app.db.clone();
    db.write("release", move |conn| {
        let booking = own_booking(&person, db::booking_locked(conn, &id)?, &id)?;
        if !booking.state.is_live() {
            return Ok(());
        }
        let reason = match booking.state {
            State::Held | State::Booked => EndReason::Cancelled,
            _ => EndReason::Released,
        };
        let what = match reason {
            EndReason::Cancelled => "Called it off.",
            _ => "Gave it back.",
        };
        end(&inner, conn, booking, reason, None)?;
        log_by(&inner, conn, &id, person.net_id.as_str(), what)
    })
    .await?;
    app.wake.call();
    Ok(())
}

fn log_by(
    app: &App,
    conn: &mut Conn<'_>,
    id: &BookingId,
    actor: &str,
    what: &str,
) -> Result<(), BookingError> {
    let event = Event { at: app.now(), actor: actor.to_owned(), what: what.to_owned() };
    Ok(db::log_event(conn, id, &event)?)
}

/// Ends a live booking: its units are free again in the pool that they were taken from, from the next grid time on, and its resources are next to be deleted.
pub(super) fn end(
    app: &App,
    conn: &mut Conn<'_>,
    mut booking: Booking,
    reason: EndReason,
    trouble: Option<String>,
) -> Result<(), BookingError> {
    let now = app.now();
    let pool = db::pool(conn, &booking.pool)?;
    let held_from = db::held_from(conn, &booking.id)?;
    let free_from = pool.ceil(now).max(pool.floor(held_from));
    let whole = Interval::new(booking.slot.start(), booking.held_until()).unwrap_or(booking.slot);
    if let Some(rest) = Interval::new(free_from, pool.held(&whole).end()) {
        places::give_back(conn, &pool, &booking, &rest)?;
    }
    booking.state = booking.state.release(reason, now)?;
    booking.extend_to = None;
    booking.trouble = trouble;
    booking.next_step_at = Some(now);
    Ok(db::save_booking(conn, &booking)?)
}

/// The student wants a later end. Without a lease it holds at once; with one, as soon as the site has agreed, and until
/// then the place is held.
pub async fn extend(
    app: &Arc<App>,
    person: Person,
    id: BookingId,
    new_end: DateTime<Utc>,
) -> Result<(), BookingError> {
    let inner = app.clone();
    let db = app.db.clone();
    db.write("extend", move |conn| extend_in(&inner, conn, &person, &id, new_end)).await?;
    app.wake.call();
    Ok(())
}

fn extend_in(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
    new_end: DateTime<Utc>,
) -> Result<(), BookingError> {
    let known = own_booking(person, db::booking(conn, id)?, id)?;
    db::lock_for_booking(conn, &person.id, &known.pool)?;
    let mut booking = own_booking(person, db::booking_locked(conn, id)?, id)?;
    let setting = setting(conn, &booking.lab)?;
    if !matches!(booking.state, State::Preparing | State::Active { .. }) || booking.extend_to.is_some() {
        return Err(WrongState { from: booking.state.word(), to: "extended" }.into());
    }
    let standing = Standing::load(conn, &setting, &person.id)?;
    let added = setting.pool.added(&booking.slot, new_end);
    let occupancy = db::occupancy(conn, &setting.pool, &added.unwrap_or(booking.slot))?;
    let case = case(&setting, person, &standing, &occupancy, app.now());
    let violations = admission::judge_extension(&case, id, &booking.slot, new_end);
    if !violations.is_empty() {
        return Err(BookingError::Refused(Refusal { violations, nearest: Vec::new(), zone: setting.zone }));
    }
    if let Some(added) = added {
        places::take_more(conn, &setting.pool, &booking, &added)?;
    }
    booking.extend_to = Some(new_end);
    booking.next_step_at = Some(app.now());
    extend_lease(conn, id, new_end)?;
    db::save_booking(conn, &booking)?;
    let what = format!("Asked to extend it to {}.", calendar::date_and_time(setting.zone, new_end));
    log_by(app, conn, id, person.net_id.as_str(), &what)
}

/// Writes what the lease's end is to be.
pub(super) fn extend_lease(
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
