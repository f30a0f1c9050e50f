//! Making a booking.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{BookingError, Refusal, log};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::blueprint::{HeldBy, Order, Values};
use crate::domain::booking::{Booking, State};
use crate::domain::calendar;
use crate::domain::ids::LabId;
use crate::domain::interval::Interval;
use crate::domain::person::Person;
use crate::domain::resource::Resource;
use crate::policy::admission::{self, Violation};
use crate::policy::availability;
use crate::services::App;
use crate::services::explain::{Judgement, judged};
use crate::services::fair_share;
use crate::services::notices::{self, Kind};
use crate::services::places;
use crate::services::receipts::{self, Decided};
use crate::services::situation::Situation;
use crate::services::waitlist;

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
    let (now, id) = (app.now(), wish.person.id.clone());
    let seen = app
        .db
        .read::<_, BookingError, _>("book: explain", move |conn| {
            let situation = situation(conn, &wish, now)?;
            let (seen, decided) = judge(conn, &situation, &wish, now)?;
            let violations = match by {
                RefusedBy::Rules(violations) => violations,
                RefusedBy::Guard(told) if seen.is_empty() => vec![told],
                RefusedBy::Guard(_) => seen.clone(),
            };
            let nearest = nearest(conn, &situation, &wish, now)?;
            let zone = situation.setting.zone;
            Ok((Refusal { violations, nearest, zone }, situation, decided, seen))
        })
        .await;
    let (refusal, situation, decided, seen) = match seen {
        Ok(seen) => seen,
        Err(error) => return error,
    };
    let inner = app.clone();
    let kept = app.db.write::<_, DbError, _>("book: refusal", move |conn| {
        receipts::of_refusal(&inner, conn, &id, &situation, &decided, &seen)
    });
    if let Err(error) = kept.await {
        tracing::warn!(%error, "why a wish was refused could not be kept");
    }
    BookingError::Refused(refusal)
}

fn situation(conn: &mut Conn<'_>, wish: &Wish, now: DateTime<Utc>) -> Result<Situation, BookingError> {
    Situation::load(conn, &wish.lab, &wish.person, None, now)?
        .ok_or_else(|| BookingError::NoSuchLab(wish.lab.clone()))
}

/// Every rule that the wish breaks, and all that this was decided from.
fn judge(
    conn: &mut Conn<'_>,
    situation: &Situation,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<(Vec<Violation>, Decided), BookingError> {
    let LabSetting { lab, pool, .. } = &situation.setting;
    let occupancy = db::occupancy(conn, pool, &admission::span_to_know(lab, pool, &wish.slot))?;
    let mut violations = admission::judge(&situation.case(&occupancy, now), &wish.slot);
    let others_first = violations.is_empty()
        && waitlist::claims(conn, situation, &wish.person.id, &occupancy, &wish.slot, now)?;
    violations.extend(others_first.then_some(Violation::WaitedFor));
    Ok((violations, Decided { at: now, slot: wish.slot, occupancy, others_first }))
}

/// What would be accepted instead: one range scan of the pool, over weeks.
fn nearest(
    conn: &mut Conn<'_>,
    situation: &Situation,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<Vec<Interval>, BookingError> {
    let LabSetting { lab, pool, .. } = &situation.setting;
    let occupancy = db::occupancy(conn, pool, &availability::nearest_span(lab, pool, &wish.slot, now))?;
    Ok(availability::nearest(&situation.case(&occupancy, now), &wish.slot, 3))
}

/// What the rules make of a wish as of `now`.
pub fn explain(conn: &mut Conn<'_>, wish: &Wish, now: DateTime<Utc>) -> Result<Judgement, BookingError> {
    let situation = situation(conn, wish, now)?;
    let (violations, decided) = judge(conn, &situation, wish, now)?;
    let case = situation.case(&decided.occupancy, now);
    judged(&case, &wish.slot, violations, || nearest(conn, &situation, wish, now))
}

fn book_in(app: &App, conn: &mut Conn<'_>, wish: &Wish) -> Result<Booking, BookingError> {
    let Some(pool) = db::lab_setting(conn, &wish.lab)?.map(|setting| setting.pool) else {
        return Err(BookingError::NoSuchLab(wish.lab.clone()));
    };
    db::lock_for_booking(conn, &wish.person.id, &pool.id)?;
    if let Some(key) = &wish.idempotency_key
        && let Some(made) = db::booking_by_key(conn, &wish.person.id, key)?
    {
        return Ok(made);
    }
    let situation = situation(conn, wish, app.now())?;
    let decided = admit(app, conn, &situation, wish)?;
    let booking = grant(app, conn, &situation, &decided, wish)?;
    let setting = &situation.setting;
    let what = format!("Asked for {}.", calendar::span(setting.zone, &booking.slot));
    log(app, conn, &booking, wish.person.net_id.as_str(), &what)?;
    if booking.state == State::Booked {
        notices::tell(app, conn, &Kind::Booked, &booking, setting)?;
    }
    Ok(booking)
}

/// Makes the booking of a wish that was decided to be legal. Its person and pool are locked. Who hears of it is for the caller
/// to say.
pub(in crate::services) fn grant(
    app: &App,
    conn: &mut Conn<'_>,
    situation: &Situation,
    decided: &Decided,
    wish: &Wish,
) -> Result<Booking, BookingError> {
    fair_share::fold(conn, &wish.person.id, app.now())?;
    let setting = &situation.setting;
    let key = wish.person.ssh_public_key.as_deref().ok_or(BookingError::NoKey)?;
    let mut booking = new_booking(app, setting, wish);
    let seat = free_seat(conn, setting, wish)?;
    let held = setting.pool.held(&wish.slot);
    places::take(conn, &setting.pool, &mut booking, &held)?;
    db::insert_booking(conn, &booking, seat, wish.idempotency_key.as_deref())?;
    plan_resources(app, conn, setting, &booking, &wish.person, key)?;
    receipts::of_grant(app, conn, situation, decided, &booking)?;
    Ok(booking)
}

/// Refuses without looking for what would be accepted: others wait for this transaction.
fn admit(
    app: &App,
    conn: &mut Conn<'_>,
    situation: &Situation,
    wish: &Wish,
) -> Result<Decided, BookingError> {
    let (violations, decided) = judge(conn, situation, wish, app.now())?;
    if violations.is_empty() {
        return Ok(decided);
    }
    Err(BookingError::Refused(Refusal { violations, nearest: Vec::new(), zone: situation.setting.zone }))
}

pub(in crate::services) fn new_booking(app: &App, setting: &LabSetting, wish: &Wish) -> Booking {
    let leased = setting.pool.held_by(&setting.site) == HeldBy::OwnLease;
    let state = if leased { State::Held } else { State::Booked };
    Booking {
        id: app.booking_id(),
        person: wish.person.id.clone(),
        lab: wish.lab.clone(),
        pool: setting.pool.id.clone(),
        label: crate::domain::booking::label(&wish.lab, &wish.person.net_id),
        units: setting.lab.units,
        servers: setting.lab.blueprint.server_count(),
        nodes: Vec::new(),
        slot: wish.slot,
        held_from: setting.pool.held(&wish.slot).start(),
        wanted_end: None,
        wanted_slot: None,
        su_per_hour: setting.lab.su_per_hour,
        preparing_at: None,
        state,
        trouble: None,
        waived: false,
        version: 1,
        created_at: app.now(),
        next_step_at: Some(app.now()),
    }
}

/// The lowest seat that none of the person's live bookings of the lab takes.
pub(in crate::services) fn free_seat(
    conn: &mut Conn<'_>,
    setting: &LabSetting,
    wish: &Wish,
) -> Result<i32, BookingError> {
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

pub(in crate::services) fn plan_resources(
    app: &App,
    conn: &mut Conn<'_>,
    setting: &LabSetting,
    booking: &Booking,
    person: &Person,
    public_key: &str,
) -> Result<(), DbError> {
    let LabSetting { lab, pool, site, .. } = setting;
    let values = Values::none()
        .with("booking", booking.id.as_str())
        .with("lab", lab.id.as_str())
        .with("net_id", person.net_id.as_str())
        .with("secret", app.entropy.secret());
    let objects = lab.blueprint.objects(&Order {
        in_use: pool.in_use(&booking.slot),
        held_by: &pool.held_by(site),
        nodes: (&pool.node_property, &booking.nodes),
        public_key,
        values: &values,
    });
    for (position, (key, spec)) in (0..).zip(objects) {
        let resource = Resource::planned(booking.id.clone(), key, position, spec, app.now());
        db::insert_resource(conn, &resource)?;
    }
    Ok(())
}
