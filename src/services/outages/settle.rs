//! Dealing with the bookings that an outage hits, each in its own transaction; and giving time back when it is over.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{OutageError, tell};
use crate::db::{self, Concerned, Conn, DbError};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::calendar;
use crate::domain::ids::{BookingId, OutageId, PersonId};
use crate::domain::interval::Interval;
use crate::domain::outage::{Fate, Hit, Outage, Remedy};
use crate::policy::outage::{self as policy, Meets};
use crate::policy::{admission, availability};
use crate::services::App;
use crate::services::booking::{self, BookingError, Wish};
use crate::services::extending;
use crate::services::places;
use crate::services::receipts::Decided;
use crate::services::situation::Situation;
use crate::services::waitlist;

/// How many bookings one round looks up.
const BATCH: i64 = 100;

/// Among how many slots one may choose.
pub(super) const CHOICES: usize = 3;

/// Who it is in the logs of bookings.
const ACTOR: &str = "fairlease";

/// Goes on with all outages of which something is left to do. Says how much it did.
pub async fn step(app: &Arc<App>) -> Result<usize, OutageError> {
    let mut done = 0;
    for outage in app.db.read("outages: open", db::open_outages).await? {
        done += match (outage.settled_at, &outage.ended) {
            (None, _) => begin(app, &outage).await?,
            (Some(_), Some(_)) => finish(app, &outage).await?,
            (Some(_), None) => 0,
        };
    }
    Ok(done)
}

/// Deals with what an outage hits; once nothing is left of that, tells whose it is, and then everyone.
async fn begin(app: &Arc<App>, outage: &Outage) -> Result<usize, OutageError> {
    let (it, now) = (outage.clone(), app.now());
    let hit: Vec<BookingId> = app
        .db
        .read("outage: bookings", move |conn| {
            let (Some(course), Some(window)) = (db::course(conn)?, it.window()) else {
                return Ok(Vec::new());
            };
            let concerned = Concerned::by(&it.away, &course);
            let found = db::bookings_to_settle(conn, &concerned, &window, Some(&it.id), now, BATCH)?;
            Ok::<_, DbError>(found.into_iter().map(|(booking, _)| booking.id).collect())
        })
        .await?;
    for id in &hit {
        settle(app, outage, id).await?;
    }
    if !hit.is_empty() {
        return Ok(hit.len());
    }
    told(app, outage, false).await
}

/// Gives time back to what still runs; once that is done, tells whose it is, and then everyone.
async fn finish(app: &Arc<App>, outage: &Outage) -> Result<usize, OutageError> {
    let id = outage.id.clone();
    let running = app.db.read("outage: running", move |conn| db::running_hits(conn, &id, BATCH)).await?;
    for hit in &running {
        let (inner, it, hit) = (app.clone(), outage.clone(), hit.clone());
        app.db.write("outage: time back", move |conn| give_back(&inner, conn, &it, &hit)).await?;
    }
    if !running.is_empty() {
        return Ok(running.len());
    }
    told(app, outage, true).await
}

/// Tells one batch of people; if there is nobody left, publishes the announcement and is done.
async fn told(app: &Arc<App>, outage: &Outage, over: bool) -> Result<usize, OutageError> {
    let id = outage.id.clone();
    let people = app.db.read("outage: people", move |conn| db::people_to_tell(conn, &id, BATCH)).await?;
    let count = people.len();
    if count > 0 {
        let (inner, id) = (app.clone(), outage.id.clone());
        app.db.write("outage: tell", move |conn| tell_all(&inner, conn, &id, &people, over)).await?;
        return Ok(count);
    }
    let (inner, id) = (app.clone(), outage.id.clone());
    app.db.write("outage: done", move |conn| tell::publish(&inner, conn, &id, over)).await?;
    app.wake.call();
    Ok(1)
}

fn tell_all(
    app: &App,
    conn: &mut Conn<'_>,
    outage: &OutageId,
    people: &[PersonId],
    over: bool,
) -> Result<(), OutageError> {
    let Some(outage) = db::outage(conn, outage)? else { return Ok(()) };
    people.iter().try_for_each(|person| tell::tell(app, conn, &outage, person, over))
}

/// Deals with one booking. If the place that it was to move to went to someone else meanwhile, it is called off instead.
async fn settle(app: &Arc<App>, outage: &Outage, id: &BookingId) -> Result<(), OutageError> {
    let once = async |remedy| {
        let (inner, it, id) = (app.clone(), outage.clone(), id.clone());
        app.db.write("outage: settle", move |conn| settle_in(&inner, conn, &it, remedy, &id)).await
    };
    match once(outage.remedy).await {
        Err(OutageError::Booking(BookingError::Db(DbError::OverCapacity))) => once(Remedy::Offer).await?,
        other => other?,
    }
    app.wake.call();
    Ok(())
}

fn settle_in(
    app: &App,
    conn: &mut Conn<'_>,
    outage: &Outage,
    remedy: Remedy,
    id: &BookingId,
) -> Result<(), OutageError> {
    let Some(known) = db::booking(conn, id)? else { return Ok(()) };
    db::lock_for_booking(conn, &known.person, &known.pool)?;
    let (Some(booking), Some(window)) = (db::booking_locked(conn, id)?, outage.window()) else {
        return Ok(());
    };
    if db::hit(conn, &outage.id, id)?.is_some() {
        return Ok(());
    }
    let fate = match policy::meets(&booking, &window) {
        None => return Ok(()),
        Some(Meets::Untaken) => {
            booking::log(
                app,
                conn,
                &booking,
                ACTOR,
                &format!("An outage came in its way: {}.", outage.reason),
            )?;
            return Ok(waitlist::decline(app, conn, booking, EndReason::Displaced)?);
        }
        Some(Meets::Wanted) => return Ok(stay(app, conn, booking, outage)?),
        Some(Meets::Running) => waive(app, conn, booking.clone(), outage, Fate::Running)?,
        Some(Meets::Over) => waive(app, conn, booking.clone(), outage, Fate::Free)?,
        Some(Meets::Ahead) => displace(app, conn, booking.clone(), outage, remedy)?,
    };
    Ok(save(app, conn, outage, &booking, fate)?)
}

fn save(
    app: &App,
    conn: &mut Conn<'_>,
    outage: &Outage,
    booking: &Booking,
    fate: Fate,
) -> Result<(), DbError> {
    let (outage, person) = (outage.id.clone(), booking.person.clone());
    db::save_hit(conn, &Hit { outage, booking: booking.id.clone(), person, fate }, app.now())
}

/// The booking has a place outside of the outage and wanted one in it: it stays where it is.
fn stay(app: &App, conn: &mut Conn<'_>, mut booking: Booking, outage: &Outage) -> Result<(), BookingError> {
    booking::drop_wanted_slot(app, conn, &mut booking, &format!("an outage, {}.", outage.reason))?;
    Ok(db::save_booking(conn, &booking, app.now())?)
}

/// It ran while the outage was there: it costs nothing.
fn waive(
    app: &App,
    conn: &mut Conn<'_>,
    mut booking: Booking,
    outage: &Outage,
    fate: Fate,
) -> Result<Fate, BookingError> {
    booking.waived = true;
    db::save_booking(conn, &booking, app.now())?;
    let what = format!("An outage hit it: {}. It costs nothing.", outage.reason);
    booking::log(app, conn, &booking, ACTOR, &what)?;
    Ok(fate)
}

/// It can't begin: it is called off without charge, and gets what the outage's remedy says.
fn displace(
    app: &App,
    conn: &mut Conn<'_>,
    booking: Booking,
    outage: &Outage,
    remedy: Remedy,
) -> Result<Fate, OutageError> {
    let ended = booking::end(app, conn, booking, EndReason::Displaced, None)?;
    let fate = instead(app, conn, &ended, remedy)?;
    let zone = db::course_card(conn)?.map(|course| course.zone).unwrap_or_default();
    let what = match &fate {
        Fate::Moved { slot, .. } => {
            format!("Another booking is in its place: {}.", calendar::span(zone, slot))
        }
        _ => "It was called off without charge.".to_owned(),
    };
    booking::log(app, conn, &ended, ACTOR, &format!("An outage came in its way: {}. {what}", outage.reason))?;
    Ok(fate)
}

/// What its student gets instead. The booking that ended does not count any more.
fn instead(app: &App, conn: &mut Conn<'_>, ended: &Booking, remedy: Remedy) -> Result<Fate, OutageError> {
    let now = app.now();
    let person = db::person(conn, &ended.person)?.filter(|person| person.ssh_public_key.is_some());
    let Some(person) = person.filter(|_| remedy != Remedy::Cancel) else { return Ok(Fate::Cancelled) };
    let Some(situation) = Situation::load(conn, &ended.lab, &person, Some(&ended.id), now)? else {
        return Ok(Fate::Cancelled);
    };
    let (lab, pool) = (&situation.setting.lab, &situation.setting.pool);
    let span = availability::nearest_span(lab, pool, &ended.slot, now);
    let occupancy = db::occupancy(conn, pool, &span)?;
    let slots = policy::instead(&situation.case(&occupancy, now), &ended.slot, CHOICES);
    match (remedy, slots.first()) {
        (_, None) => Ok(Fate::Cancelled),
        (Remedy::Move, Some(slot)) => {
            let occupancy = occupancy.over(&admission::span_to_know(lab, pool, slot));
            let decided = Decided { at: now, slot: *slot, occupancy, others_first: false };
            let wish = Wish { person, lab: ended.lab.clone(), slot: *slot, idempotency_key: None };
            rebook(app, conn, &situation, &decided, &wish)
        }
        (_, Some(_)) => Ok(Fate::Offered { slots }),
    }
}

/// Who lost a place comes before those who wait for one.
fn rebook(
    app: &App,
    conn: &mut Conn<'_>,
    situation: &Situation,
    decided: &Decided,
    wish: &Wish,
) -> Result<Fate, OutageError> {
    db::lock_for_booking(conn, &wish.person.id, &situation.setting.pool.id)?;
    let made = booking::grant(app, conn, situation, decided, wish)?;
    booking::log(app, conn, &made, ACTOR, "Booked in the place of one that an outage hit.")?;
    Ok(Fate::Moved { to: made.id, slot: made.slot })
}

/// The outage is over: what still runs lasts longer by what it lost, if nobody has the place.
fn give_back(app: &App, conn: &mut Conn<'_>, outage: &Outage, hit: &Hit) -> Result<(), OutageError> {
    let Some(known) = db::booking(conn, &hit.booking)? else { return Ok(()) };
    db::lock_for_booking(conn, &known.person, &known.pool)?;
    let standing = db::hit(conn, &hit.outage, &hit.booking)?;
    let (Some(booking), Some(Fate::Running)) =
        (db::booking_locked(conn, &hit.booking)?, standing.map(|it| it.fate))
    else {
        return Ok(());
    };
    let later = match outage.window() {
        Some(window) => later_end(app, conn, &booking, &window)?,
        None => None,
    };
    let fate = later.map_or(Fate::Free, |until| Fate::Extended { until });
    Ok(save(app, conn, outage, &booking, fate)?)
}

/// Asks for the later end that gives back what was lost; nothing if it can't be had.
fn later_end(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    window: &Interval,
) -> Result<Option<DateTime<Utc>>, OutageError> {
    let now = app.now();
    let runs = matches!(booking.state, State::Active { .. }) && now < booking.slot.end();
    let Some(person) = db::person(conn, &booking.person)?.filter(|_| runs && booking.wanted_end.is_none())
    else {
        return Ok(None);
    };
    let resources = db::resources(conn, &booking.id)?;
    if extending::refusal(conn, booking, &resources, now)?.is_some() {
        return Ok(None);
    }
    let Some(mut situation) = Situation::load(conn, &booking.lab, &person, Some(&booking.id), now)? else {
        return Ok(None);
    };
    situation.setting.pool = db::pool(conn, &booking.pool)?;
    let pool = &situation.setting.pool;
    let reach = booking.slot.end() + booking.slot.length();
    let whole = Interval::new(booking.slot.start(), reach).unwrap_or(booking.slot);
    let occupancy =
        db::occupancy(conn, pool, &admission::span_to_know(&situation.setting.lab, pool, &whole))?;
    let occupancy = places::without(occupancy, pool, booking);
    let Some(end) = policy::later_end(&situation.case(&occupancy, now), &booking.slot, window) else {
        return Ok(None);
    };
    booking::ask_end(app, conn, &situation.setting, booking.clone(), end, ACTOR)?;
    Ok(Some(end))
}
