//! Bookings that nobody uses: their students are told, and what stays unused is released. Each act looks again, in the
//! transaction in which it is done, whether it is still due: a student may have come, or staff have said otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::calendar;
use crate::domain::ids::BookingId;
use crate::domain::person::Person;
use crate::domain::reaper::NoShowRule;
use crate::policy::reaping::{self, Action, Activity, Known, LiveBooking, Situation};
use crate::services::booking::{self, BookingError};
use crate::services::notices::{self, Kind};
use crate::services::{App, outages};

const LEFT_ALONE: &str = "left alone: it is used, is over or is to be kept meanwhile";

/// Tells the student of a booking that nobody uses that it is released at `release_at`, or once the whole grace is over if
/// that is later. Says what came of it.
pub(super) async fn warn(
    app: &Arc<App>,
    id: &BookingId,
    release_at: DateTime<Utc>,
) -> Result<String, String> {
    let (inner, id) = (app.clone(), id.clone());
    app.db
        .write("reap: warn of release", move |conn| warn_in(&inner, conn, &id, release_at))
        .await
        .map_err(|error| error.to_string())
}

fn warn_in(
    app: &App,
    conn: &mut Conn<'_>,
    id: &BookingId,
    release_at: DateTime<Utc>,
) -> Result<String, BookingError> {
    let Some(Due { booking, rule, action: Action::WarnNoShow { release_at: earliest, .. } }) =
        due(app, conn, id)?
    else {
        return Ok(LEFT_ALONE.to_owned());
    };
    let Some(setting) = db::lab_setting(conn, &booking.lab)? else {
        return Err(BookingError::NoSuchLab(booking.lab));
    };
    let release_at = release_at.max(earliest);
    if !db::note_no_show_warned(conn, id, release_at - rule.grace())? {
        return Ok(LEFT_ALONE.to_owned());
    }
    notices::tell(app, conn, &Kind::NotUsed { release_at, signal: rule.signal }, &booking, &setting)?;
    let at = calendar::date_and_time(setting.zone, release_at);
    booking::log(
        app,
        conn,
        &booking,
        "fairlease",
        &format!("Nobody has used it: it is to be released at {at}."),
    )?;
    db::touch_booking(conn, id)?;
    Ok(format!("its student is told that it is released at {at}"))
}

/// Releases a booking that nobody uses and whose student was told so. Its time is free for others from the next grid time on;
/// the mail that it has ended goes out once nothing of it is left. Says what came of it.
pub(super) async fn release(app: &Arc<App>, id: &BookingId) -> Result<String, String> {
    let (inner, id) = (app.clone(), id.clone());
    app.db
        .write("reap: release", move |conn| release_in(&inner, conn, &id))
        .await
        .map_err(|error| error.to_string())
}

fn release_in(app: &App, conn: &mut Conn<'_>, id: &BookingId) -> Result<String, BookingError> {
    let Some(Due { booking, action: Action::ReleaseNoShow { .. }, .. }) = due(app, conn, id)? else {
        return Ok(LEFT_ALONE.to_owned());
    };
    booking::log(app, conn, &booking, "fairlease", "Nobody has used it: released.")?;
    booking::end(app, conn, booking, EndReason::NoShow, None)?;
    Ok("released: its resources are being deleted".to_owned())
}

/// What is due for a booking now.
struct Due {
    booking: Booking,
    rule: NoShowRule,
    action: Action,
}

/// What is due for a booking that nobody else may change until the transaction is over. What its site shows of it was judged
/// by the plan, and remembered before it is acted on.
fn due(app: &App, conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<Due>, DbError> {
    let (now, policy) = (app.now(), db::reaper_policy(conn)?.unwrap_or_default());
    let (Some(rule), Some(course)) = (policy.no_show, db::course_card(conn)?) else { return Ok(None) };
    let Some(booking) = db::booking_locked(conn, id)?.filter(|booking| now < booking.slot.end()) else {
        return Ok(None);
    };
    let State::Active { ready_at } = booking.state else { return Ok(None) };
    let Some(person) = db::person(conn, &booking.person)? else { return Ok(None) };
    let mut exemptions: Vec<_> = db::exemptions(conn, now)?.into_iter().map(|said| said.what).collect();
    let mut pauses: Vec<_> = db::pauses(conn, now)?.into_iter().map(|said| said.what).collect();
    for hold in outages::holds(conn, now)? {
        pauses.extend(hold.pause);
        exemptions.extend(hold.exemptions);
    }
    let live = live_booking(conn, &booking, &person, ready_at)?;
    let given = Situation {
        now,
        zone: course.zone,
        instance: &app.instance,
        policy: &policy,
        live: &[],
        standing: &BTreeMap::new(),
        sites: &BTreeMap::new(),
        people: &[known(person)],
        marked: &[],
        idle: &BTreeMap::new(),
        exemptions: &exemptions,
        pauses: &pauses,
    };
    Ok(reaping::no_show(&given, &live).map(|action| Due { booking, rule, action }))
}

fn live_booking(
    conn: &mut Conn<'_>,
    booking: &Booking,
    person: &Person,
    since: DateTime<Utc>,
) -> Result<LiveBooking, DbError> {
    let usage = db::booking_use(conn, &booking.id)?;
    let activity = Activity {
        site: db::pool(conn, &booking.pool)?.site,
        since,
        server_ran: usage.server_ran_at.is_some(),
        opened: usage.opened_at.is_some(),
        warned_at: usage.no_show_warned_at,
    };
    Ok(LiveBooking {
        id: booking.id.clone(),
        net_id: person.net_id.clone(),
        lab: booking.lab.clone(),
        slot: booking.slot,
        activity: Some(activity),
    })
}

fn known(person: Person) -> Known {
    Known {
        staff: person.is_staff(),
        person: person.id,
        net_id: person.net_id,
        cloud_users: Vec::new(),
        parity: None,
        terms: Vec::new(),
    }
}
