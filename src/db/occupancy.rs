//! Units held, by pool and grid cell: the table that refuses to overbook.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::connection::{Conn, on};
use super::schema::occupancy;
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::course::Pool;
use crate::domain::ids::{PersonId, PoolId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::{Cell, Occupancy};

/// The cells of the pool that `span` touches: one range scan.
pub fn occupancy(conn: &mut Conn<'_>, pool: &Pool, span: &Interval) -> Result<Occupancy, DbError> {
    let rows: Vec<(Ts, i32, i32)> = on!(conn, |c| occupancy::table
        .filter(occupancy::pool_id.eq(pool.id.as_str()))
        .filter(occupancy::cell.ge(Ts(pool.floor(span.start()))))
        .filter(occupancy::cell.lt(Ts(span.end())))
        .select((occupancy::cell, occupancy::capacity, occupancy::booked))
        .load(c))?;
    Ok(Occupancy::from_cells(
        rows.into_iter().map(|(at, capacity, booked)| (at.0, Cell { capacity, booked })),
    ))
}

/// Makes concurrent bookings of this person and of this pool wait until the transaction is over.
pub fn lock_for_booking(conn: &mut Conn<'_>, person: &PersonId, pool: &PoolId) -> Result<(), DbError> {
    Ok(dialect::lock_for_booking(conn, person.as_str(), pool.as_str())?)
}

/// Adds `units` to each cell that `span` touches. [`DbError::OverCapacity`] if one would hold more than it may.
pub fn hold(conn: &mut Conn<'_>, pool: &Pool, span: &Interval, units: i32) -> Result<(), DbError> {
    for cell in pool.cells(span) {
        let row = (
            occupancy::pool_id.eq(pool.id.as_str()),
            occupancy::cell.eq(Ts(cell)),
            occupancy::capacity.eq(pool.capacity),
            occupancy::booked.eq(units),
        );
        on!(conn, |c| diesel::insert_into(occupancy::table)
            .values(row)
            .on_conflict((occupancy::pool_id, occupancy::cell))
            .do_update()
            .set(occupancy::booked.eq(occupancy::booked + excluded(occupancy::booked)))
            .execute(c))?;
    }
    Ok(())
}

/// Takes `units` from each cell that lies in `span`: one statement.
pub fn give_back(conn: &mut Conn<'_>, pool: &Pool, span: &Interval, units: i32) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(occupancy::table)
        .filter(occupancy::pool_id.eq(pool.id.as_str()))
        .filter(occupancy::cell.ge(Ts(pool.floor(span.start()))))
        .filter(occupancy::cell.lt(Ts(span.end())))
        .set(occupancy::booked.eq(occupancy::booked - units))
        .execute(c))?;
    Ok(())
}

/// Gives the cells from `from` on the pool's present capacity; a cell that holds more already may hold that and no more.
pub fn set_capacity(conn: &mut Conn<'_>, pool: &Pool, from: DateTime<Utc>) -> Result<(), DbError> {
    let cells = || {
        occupancy::table.filter(occupancy::pool_id.eq(pool.id.as_str())).filter(occupancy::cell.ge(Ts(from)))
    };
    on!(conn, |c| diesel::update(cells().filter(occupancy::booked.le(pool.capacity)))
        .set(occupancy::capacity.eq(pool.capacity))
        .execute(c))?;
    on!(conn, |c| diesel::update(cells().filter(occupancy::booked.gt(pool.capacity)))
        .set(occupancy::capacity.eq(occupancy::booked))
        .execute(c))?;
    Ok(())
}
