//! Taking and giving back what a booking holds of its pool: units of each grid cell, and of a pool whose nodes have names
//! certain ones. All of it in the booking's own transaction.

use chrono::TimeDelta;

use crate::db::{self, Conn, DbError};
use crate::domain::booking::Booking;
use crate::domain::course::Pool;
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;

/// How far before and after a booking its nodes' free time is looked at to choose among them.
const AROUND: TimeDelta = TimeDelta::days(1);

/// Takes the units of `booking` over `span`, and chooses its nodes if the pool's have names. [`DbError::OverCapacity`] if
/// there is no room: then nothing is to be committed.
pub(super) fn take(
    conn: &mut Conn<'_>,
    pool: &Pool,
    booking: &mut Booking,
    span: &Interval,
) -> Result<(), DbError> {
    booking.nodes = choose(conn, pool, booking.units, span)?;
    take_more(conn, pool, booking, span)
}

/// Takes the units of `booking` over `span`, on the nodes that it has.
pub(super) fn take_more(
    conn: &mut Conn<'_>,
    pool: &Pool,
    booking: &Booking,
    span: &Interval,
) -> Result<(), DbError> {
    db::hold(conn, pool, span, booking.units)?;
    db::hold_nodes(conn, pool, span, &booking.id, &booking.nodes)
}

/// Gives the units and nodes of `booking` over `span` back, first of all to those who wait. The booking still tells which nodes
/// it had.
pub(super) fn give_back(
    conn: &mut Conn<'_>,
    pool: &Pool,
    booking: &Booking,
    span: &Interval,
) -> Result<(), DbError> {
    db::give_back(conn, pool, span, booking.units)?;
    db::call_waitlist(conn, &pool.id, booking.id.as_str())?;
    if booking.nodes.is_empty() {
        return Ok(());
    }
    db::give_nodes_back(conn, pool, span, &booking.id)
}

/// The occupancy as if `booking` were not there.
pub(super) fn without(occupancy: Occupancy, pool: &Pool, booking: &Booking) -> Occupancy {
    occupancy.without(pool, &pool.held(&booking.span()), booking.units, &booking.nodes)
}

fn choose(conn: &mut Conn<'_>, pool: &Pool, units: i32, span: &Interval) -> Result<Vec<String>, DbError> {
    if pool.nodes.is_empty() {
        return Ok(Vec::new());
    }
    let around = Interval::new(span.start() - AROUND, span.end() + AROUND).unwrap_or(*span);
    let occupancy = db::occupancy(conn, pool, &around)?;
    occupancy.choose(pool, span, units, &around).ok_or(DbError::OverCapacity)
}
