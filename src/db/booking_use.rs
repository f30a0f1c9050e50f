//! What is known of the use of bookings, and which active ones nobody has used.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{booking_use, bookings, people};
use super::types::Ts;
use crate::domain::ids::{BookingId, LabId, NetId, PoolId};
use crate::domain::interval::Interval;
use crate::domain::reaper::NoShowSignal;

/// What is known of the use of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    /// When its student first looked at its page while it was active.
    pub opened_at: Option<DateTime<Utc>>,
    /// When a sweep first saw one of its servers run.
    pub server_ran_at: Option<DateTime<Utc>>,
    /// From when on the grace counts after which it is released, if its student was told so.
    pub no_show_warned_at: Option<DateTime<Utc>>,
}

/// When it was opened, a server of it ran, and its student was warned.
type UseRow = (Option<Ts>, Option<Ts>, Option<Ts>);

impl Use {
    fn read((opened, ran, warned): UseRow) -> Self {
        let instant = |ts: Option<Ts>| ts.map(|ts| ts.0);
        Self { opened_at: instant(opened), server_ran_at: instant(ran), no_show_warned_at: instant(warned) }
    }
}

/// What is known of the use of this booking.
pub fn booking_use(conn: &mut Conn<'_>, id: &BookingId) -> Result<Use, DbError> {
    let row: Option<UseRow> = on!(conn, |c| booking_use::table
        .find(id.as_str())
        .select((booking_use::opened_at, booking_use::server_ran_at, booking_use::no_show_warned_at))
        .first(c)
        .optional())?;
    Ok(row.map(Use::read).unwrap_or_default())
}

/// How many bookings one statement is about: SQLite takes no more values at a time.
const AT_ONCE: usize = 500;

/// Makes a row for each of these bookings that has none.
fn ensure_rows(conn: &mut Conn<'_>, ids: &[&str]) -> Result<(), DbError> {
    let rows: Vec<_> = ids.iter().map(|id| booking_use::booking_id.eq(*id)).collect();
    on!(conn, |c| diesel::insert_into(booking_use::table).values(&rows).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// Notes that the booking's student looks at its page. False if that was noted before.
pub fn note_opened(conn: &mut Conn<'_>, id: &BookingId, now: DateTime<Utc>) -> Result<bool, DbError> {
    ensure_rows(conn, &[id.as_str()])?;
    let noted = on!(conn, |c| diesel::update(booking_use::table.find(id.as_str()))
        .filter(booking_use::opened_at.is_null())
        .set(booking_use::opened_at.eq(Ts(now)))
        .execute(c))?;
    Ok(noted == 1)
}

/// Notes that the booking's student is told, `at` the beginning of the grace. False if that was noted before.
pub fn note_no_show_warned(conn: &mut Conn<'_>, id: &BookingId, at: DateTime<Utc>) -> Result<bool, DbError> {
    ensure_rows(conn, &[id.as_str()])?;
    let noted = on!(conn, |c| diesel::update(booking_use::table.find(id.as_str()))
        .filter(booking_use::no_show_warned_at.is_null())
        .set(booking_use::no_show_warned_at.eq(Ts(at)))
        .execute(c))?;
    Ok(noted == 1)
}

/// Notes that servers of these bookings run, of which that was not noted before.
pub fn note_servers_ran<'a>(
    conn: &mut Conn<'_>,
    ids: impl Iterator<Item = &'a BookingId>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<&str> = ids.map(BookingId::as_str).collect();
    for some in ids.chunks(AT_ONCE) {
        ensure_rows(conn, some)?;
        on!(conn, |c| diesel::update(booking_use::table)
            .filter(booking_use::booking_id.eq_any(some.iter().copied()))
            .filter(booking_use::server_ran_at.is_null())
            .set(booking_use::server_ran_at.eq(Ts(now)))
            .execute(c))?;
    }
    Ok(())
}

/// An active booking that nobody has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Its id.
    pub id: BookingId,
    /// Whose it is.
    pub net_id: NetId,
    /// Its lab.
    pub lab: LabId,
    /// The pool that it is in.
    pub pool: PoolId,
    /// Its slot.
    pub slot: Interval,
    /// When it became active.
    pub since: DateTime<Utc>,
    /// What is known of its use.
    pub usage: Use,
}

type UnusedRow = ((String, String, String, String), (Ts, Ts, Option<Ts>), UseRow);

/// More bookings than are active at a time.
const MOST: i64 = 50_000;

/// The active bookings that end after `now` and that nobody has used, by this signal; those that end first come first.
pub fn unused_bookings(
    conn: &mut Conn<'_>,
    signal: NoShowSignal,
    now: DateTime<Utc>,
) -> Result<Vec<Unused>, DbError> {
    let rows: Vec<UnusedRow> = on!(conn, |c| {
        let query = bookings::table
            .inner_join(people::table)
            .left_join(booking_use::table)
            .filter(bookings::seat.is_not_null())
            .filter(bookings::end_at.gt(Ts(now)))
            .filter(bookings::state.eq("active"))
            .order((bookings::end_at, bookings::id))
            .limit(MOST)
            .select((
                (bookings::id, people::net_id, bookings::lab_id, bookings::pool_id),
                (bookings::start_at, bookings::end_at, bookings::ready_at),
                (
                    booking_use::opened_at.nullable(),
                    booking_use::server_ran_at.nullable(),
                    booking_use::no_show_warned_at.nullable(),
                ),
            ))
            .into_boxed();
        let query = match signal {
            NoShowSignal::NotOpened => query.filter(booking_use::opened_at.is_null()),
            NoShowSignal::NoServer => query.filter(booking_use::server_ran_at.is_null()),
        };
        query.load(c)
    })?;
    rows.into_iter().map(read).collect()
}

fn read(((id, net_id, lab, pool), (start, end, ready), usage): UnusedRow) -> Result<Unused, DbError> {
    Ok(Unused {
        id: id.parse().map_err(DbError::corrupt)?,
        net_id: net_id.parse().map_err(DbError::corrupt)?,
        lab: lab.parse().map_err(DbError::corrupt)?,
        pool: pool.parse().map_err(DbError::corrupt)?,
        slot: Interval::new(start.0, end.0).ok_or_else(|| DbError::corrupt("an empty slot"))?,
        since: ready.ok_or_else(|| DbError::corrupt("when an active booking became active"))?.0,
        usage: Use::read(usage),
    })
}
