//! Units held by pool and grid cell, and by site and grid cell where a site bounds its pools: the tables that refuse to
//! overbook.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::connection::{Conn, on};
use super::schema::{node_cells, occupancy, pools, site_occupancy};
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::course::{Period, Pool, Site};
use crate::domain::ids::{BookingId, PersonId, PoolId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;

/// The cells of the pool that `span` touches: one range scan, one more if the site bounds its pools, and one more if the
/// pool's nodes have names.
pub fn occupancy(conn: &mut Conn<'_>, pool: &Pool, span: &Interval) -> Result<Occupancy, DbError> {
    let held: Vec<(Ts, i32)> = on!(conn, |c| occupancy::table
        .filter(occupancy::pool_id.eq(pool.id.as_str()))
        .filter(occupancy::cell.ge(Ts(pool.floor(span.start()))))
        .filter(occupancy::cell.lt(Ts(span.end())))
        .select((occupancy::cell, occupancy::booked))
        .load(c))?;
    let (of_site, taken) = (held_of_site(conn, pool, span)?, taken(conn, pool, span)?);
    Ok(Occupancy::of(instants(held)).with_site(instants(of_site)).with_taken(taken))
}

fn instants<T>(rows: Vec<(Ts, T)>) -> impl Iterator<Item = (DateTime<Utc>, T)> {
    rows.into_iter().map(|(at, what)| (at.0, what))
}

/// The same of the pool's site, if the site bounds its pools.
fn held_of_site(conn: &mut Conn<'_>, pool: &Pool, span: &Interval) -> Result<Vec<(Ts, i32)>, DbError> {
    if pool.site_capacity.is_none() {
        return Ok(Vec::new());
    }
    Ok(on!(conn, |c| site_occupancy::table
        .filter(site_occupancy::site_id.eq(pool.site.as_str()))
        .filter(site_occupancy::cell.ge(Ts(pool.floor(span.start()))))
        .filter(site_occupancy::cell.lt(Ts(span.end())))
        .select((site_occupancy::cell, site_occupancy::booked))
        .load(c))?)
}

/// The named nodes that are held in the cells that `span` touches.
fn taken(conn: &mut Conn<'_>, pool: &Pool, span: &Interval) -> Result<Vec<(DateTime<Utc>, String)>, DbError> {
    if pool.nodes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = on!(conn, |c| node_cells::table
        .filter(node_cells::pool_id.eq(pool.id.as_str()))
        .filter(node_cells::cell.ge(Ts(pool.floor(span.start()))))
        .filter(node_cells::cell.lt(Ts(span.end())))
        .select((node_cells::cell, node_cells::node))
        .load(c))?;
    Ok(instants(rows).collect())
}

/// Makes concurrent bookings of this person and of this pool wait until the transaction is over.
pub fn lock_for_booking(conn: &mut Conn<'_>, person: &PersonId, pool: &PoolId) -> Result<(), DbError> {
    Ok(dialect::lock_for_booking(conn, person.as_str(), pool.as_str())?)
}

/// Makes concurrent bookings in this pool wait until the transaction is over.
pub fn lock_pool(conn: &mut Conn<'_>, pool: &PoolId) -> Result<(), DbError> {
    Ok(dialect::lock_pool(conn, pool.as_str())?)
}

/// Makes concurrent bookings of this person wait until the transaction is over. [`DbError::TryAgain`] if one is being made.
pub fn lock_person_at_once(conn: &mut Conn<'_>, person: &PersonId) -> Result<(), DbError> {
    Ok(dialect::lock_person_at_once(conn, person.as_str())?)
}

/// Adds `units` to each cell that `span` touches. [`DbError::OverCapacity`] if one would hold more than it may.
pub fn hold(conn: &mut Conn<'_>, pool: &Pool, span: &Interval, units: i32) -> Result<(), DbError> {
    for cell in pool.cells(span) {
        let row = (
            occupancy::pool_id.eq(pool.id.as_str()),
            occupancy::cell.eq(Ts(cell)),
            occupancy::capacity.eq(pool.capacity_at(cell)),
            occupancy::booked.eq(units),
        );
        on!(conn, |c| diesel::insert_into(occupancy::table)
            .values(row)
            .on_conflict((occupancy::pool_id, occupancy::cell))
            .do_update()
            .set(occupancy::booked.eq(occupancy::booked + excluded(occupancy::booked)))
            .execute(c))?;
    }
    pool.site_capacity.map_or(Ok(()), |capacity| hold_of_site(conn, pool, span, units, capacity))
}

fn hold_of_site(
    conn: &mut Conn<'_>,
    pool: &Pool,
    span: &Interval,
    units: i32,
    capacity: i32,
) -> Result<(), DbError> {
    for cell in pool.cells(span) {
        let row = (
            site_occupancy::site_id.eq(pool.site.as_str()),
            site_occupancy::cell.eq(Ts(cell)),
            site_occupancy::capacity.eq(capacity),
            site_occupancy::booked.eq(units),
        );
        on!(conn, |c| diesel::insert_into(site_occupancy::table)
            .values(row)
            .on_conflict((site_occupancy::site_id, site_occupancy::cell))
            .do_update()
            .set(site_occupancy::booked.eq(site_occupancy::booked + excluded(site_occupancy::booked)))
            .execute(c))?;
    }
    Ok(())
}

/// Rows of one statement, well below what either backend can bind.
const ROWS_AT_ONCE: usize = 1000;

/// Takes these named nodes for the booking in each cell that `span` touches. [`DbError::OverCapacity`] if one is held there
/// already.
pub fn hold_nodes(
    conn: &mut Conn<'_>,
    pool: &Pool,
    span: &Interval,
    booking: &BookingId,
    nodes: &[String],
) -> Result<(), DbError> {
    let row = |cell, node| {
        (
            node_cells::pool_id.eq(pool.id.as_str()),
            node_cells::cell.eq(Ts(cell)),
            node_cells::node.eq(node),
            node_cells::booking_id.eq(booking.as_str()),
        )
    };
    let rows: Vec<_> =
        pool.cells(span).flat_map(|cell| nodes.iter().map(move |node| row(cell, node))).collect();
    for some in rows.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| diesel::insert_into(node_cells::table).values(some).execute(c))?;
    }
    Ok(())
}

/// Gives the booking's named nodes back in each cell that `span` touches: one statement.
pub fn give_nodes_back(
    conn: &mut Conn<'_>,
    pool: &Pool,
    span: &Interval,
    booking: &BookingId,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::delete(node_cells::table)
        .filter(node_cells::pool_id.eq(pool.id.as_str()))
        .filter(node_cells::cell.ge(Ts(pool.floor(span.start()))))
        .filter(node_cells::cell.lt(Ts(span.end())))
        .filter(node_cells::booking_id.eq(booking.as_str()))
        .execute(c))?;
    Ok(())
}

/// Takes `units` from each cell that lies in `span`: one statement, and one for a site that bounds its pools.
pub fn give_back(conn: &mut Conn<'_>, pool: &Pool, span: &Interval, units: i32) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(occupancy::table)
        .filter(occupancy::pool_id.eq(pool.id.as_str()))
        .filter(occupancy::cell.ge(Ts(pool.floor(span.start()))))
        .filter(occupancy::cell.lt(Ts(span.end())))
        .set(occupancy::booked.eq(occupancy::booked - units))
        .execute(c))?;
    if pool.site_capacity.is_none() {
        return Ok(());
    }
    on!(conn, |c| diesel::update(site_occupancy::table)
        .filter(site_occupancy::site_id.eq(pool.site.as_str()))
        .filter(site_occupancy::cell.ge(Ts(pool.floor(span.start()))))
        .filter(site_occupancy::cell.lt(Ts(span.end())))
        .set(site_occupancy::booked.eq(site_occupancy::booked - units))
        .execute(c))?;
    Ok(())
}

/// Makes whoever holds units or gives them back wait until the transaction is over. Rows of pools are to be locked before.
pub fn lock_occupancy(conn: &mut Conn<'_>) -> Result<(), DbError> {
    Ok(dialect::lock_occupancy(conn)?)
}

fn forget_site(conn: &mut Conn<'_>, site: &Site, from: DateTime<Utc>) -> Result<(), DbError> {
    on!(conn, |c| diesel::delete(site_occupancy::table)
        .filter(site_occupancy::site_id.eq(site.id.as_str()))
        .filter(site_occupancy::cell.ge(Ts(from)))
        .execute(c))?;
    Ok(())
}

/// Counts anew what the cells of the site hold from `from` on, and gives them its capacity; a cell that holds more already may
/// hold that and no more. A site that does not bound its pools has none. Needs [`lock_occupancy`].
pub fn set_site_capacity(conn: &mut Conn<'_>, site: &Site, from: DateTime<Utc>) -> Result<(), DbError> {
    let Some(capacity) = site.capacity else { return forget_site(conn, site, DateTime::UNIX_EPOCH) };
    forget_site(conn, site, from)?;
    let held: Vec<(Ts, Option<i64>)> = on!(conn, |c| occupancy::table
        .inner_join(pools::table)
        .filter(pools::site_id.eq(site.id.as_str()))
        .filter(occupancy::cell.ge(Ts(from)))
        .group_by(occupancy::cell)
        .select((occupancy::cell, diesel::dsl::sum(occupancy::booked)))
        .load(c))?;
    let row = |(cell, booked): (Ts, Option<i64>)| {
        let booked = i32::try_from(booked.unwrap_or_default()).unwrap_or(i32::MAX);
        (
            site_occupancy::site_id.eq(site.id.as_str()),
            site_occupancy::cell.eq(cell),
            site_occupancy::capacity.eq(capacity.max(booked)),
            site_occupancy::booked.eq(booked),
        )
    };
    let rows: Vec<_> = held.into_iter().map(row).collect();
    for some in rows.chunks(ROWS_AT_ONCE) {
        on!(conn, |c| diesel::insert_into(site_occupancy::table).values(some).execute(c))?;
    }
    Ok(())
}

/// Gives the cells from `from` on the pool's capacities as they now stand, two statements for each period; a cell that
/// holds more already may hold that and no more.
pub fn set_capacity(conn: &mut Conn<'_>, pool: &Pool, from: DateTime<Utc>) -> Result<(), DbError> {
    pool.periods(from).iter().try_for_each(|period| set_period(conn, pool, period))
}

fn set_period(conn: &mut Conn<'_>, pool: &Pool, period: &Period) -> Result<(), DbError> {
    let capacity = period.capacity;
    let to = Ts(period.to.unwrap_or(DateTime::<Utc>::MAX_UTC));
    let cells = || {
        occupancy::table
            .filter(occupancy::pool_id.eq(pool.id.as_str()))
            .filter(occupancy::cell.ge(Ts(period.from)))
            .filter(occupancy::cell.lt(to))
    };
    on!(conn, |c| diesel::update(cells().filter(occupancy::booked.le(capacity)))
        .set(occupancy::capacity.eq(capacity))
        .execute(c))?;
    on!(conn, |c| diesel::update(cells().filter(occupancy::booked.gt(capacity)))
        .set(occupancy::capacity.eq(occupancy::booked))
        .execute(c))?;
    Ok(())
}
