//! What was last seen of the leases that staff hold for pools.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::standing_leases;
use crate::domain::ids::PoolId;
use crate::domain::renewal::Sight;

/// Writes what was seen of the pool's standing lease.
pub fn save_sight(conn: &mut Conn<'_>, pool: &PoolId, sight: &Sight) -> Result<(), DbError> {
    let text = serde_json::to_string(sight).map_err(DbError::corrupt)?;
    on!(conn, |c| diesel::insert_into(standing_leases::table)
        .values((standing_leases::pool_id.eq(pool.as_str()), standing_leases::sight.eq(&text)))
        .on_conflict(standing_leases::pool_id)
        .do_update()
        .set(standing_leases::sight.eq(excluded(standing_leases::sight)))
        .execute(c))?;
    Ok(())
}

/// What was last seen of each pool's standing lease.
pub fn sights(conn: &mut Conn<'_>) -> Result<BTreeMap<PoolId, Sight>, DbError> {
    let rows: Vec<(String, String)> = on!(conn, |c| standing_leases::table.load(c))?;
    let read = |(pool, sight): (String, String)| {
        let pool = pool.parse().map_err(DbError::corrupt)?;
        Ok((pool, serde_json::from_str(&sight).map_err(DbError::corrupt)?))
    };
    rows.into_iter().map(read).collect()
}
