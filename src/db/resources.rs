//! The cloud objects of bookings.

use diesel::prelude::*;

use super::connection::{Conn, on};
use super::schema::resources;
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::ids::{BookingId, SiteId};
use crate::domain::resource::{Resource, ResourceState};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = resources, primary_key(booking_id, key), treat_none_as_null = true)]
struct ResourceRow {
    booking_id: String,
    key: String,
    position: i32,
    spec: String,
    state: String,
    site_ref: Option<String>,
    facts: String,
    failures: i32,
    replacements: i32,
    since: Ts,
    building_at: Option<String>,
}

impl ResourceRow {
    fn of(resource: &Resource) -> Result<Self, DbError> {
        Ok(Self {
            booking_id: resource.booking.to_string(),
            key: resource.key.to_string(),
            position: resource.position,
            spec: serde_json::to_string(&resource.spec).map_err(DbError::corrupt)?,
            state: resource.state.word().to_owned(),
            site_ref: resource.site_ref.clone(),
            facts: serde_json::to_string(&resource.facts).map_err(DbError::corrupt)?,
            failures: resource.failures,
            replacements: resource.replacements,
            since: Ts(resource.since),
            building_at: resource
                .building_at
                .as_ref()
                .filter(|_| resource.state == ResourceState::Making)
                .map(ToString::to_string),
        })
    }
}

impl TryFrom<ResourceRow> for Resource {
    type Error = DbError;
    fn try_from(row: ResourceRow) -> Result<Self, DbError> {
        Ok(Self {
            booking: row.booking_id.parse().map_err(DbError::corrupt)?,
            key: row.key.parse().map_err(DbError::corrupt)?,
            position: row.position,
            spec: serde_json::from_str(&row.spec).map_err(DbError::corrupt)?,
            state: ResourceState::from_word(&row.state)
                .ok_or_else(|| DbError::corrupt("a resource's state"))?,
            site_ref: row.site_ref,
            facts: serde_json::from_str(&row.facts).map_err(DbError::corrupt)?,
            failures: row.failures,
            replacements: row.replacements,
            since: row.since.0,
            building_at: row.building_at.map(|site| site.parse()).transpose().map_err(DbError::corrupt)?,
        })
    }
}

/// The booking's resources, in the order of making.
pub fn resources(conn: &mut Conn<'_>, booking: &BookingId) -> Result<Vec<Resource>, DbError> {
    let rows: Vec<ResourceRow> = on!(conn, |c| resources::table
        .filter(resources::booking_id.eq(booking.as_str()))
        .order((resources::position, resources::key))
        .select(ResourceRow::as_select())
        .load(c))?;
    rows.into_iter().map(Resource::try_from).collect()
}

/// How many servers are being made at the site on bare metal. Nobody else changes that until the transaction is over.
pub fn building_at(conn: &mut Conn<'_>, site: &SiteId) -> Result<usize, DbError> {
    dialect::lock_site(conn, site.as_str())?;
    let count: i64 = on!(conn, |c| resources::table
        .filter(resources::building_at.eq(site.as_str()))
        .count()
        .get_result(c))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Adds a resource.
pub fn insert_resource(conn: &mut Conn<'_>, resource: &Resource) -> Result<(), DbError> {
    let row = ResourceRow::of(resource)?;
    on!(conn, |c| diesel::insert_into(resources::table).values(&row).execute(c))?;
    Ok(())
}

/// Writes all of a resource.
pub fn save_resource(conn: &mut Conn<'_>, resource: &Resource) -> Result<(), DbError> {
    let row = ResourceRow::of(resource)?;
    on!(conn, |c| diesel::update(resources::table.find((resource.booking.as_str(), resource.key.as_str())))
        .set(&row)
        .execute(c))?;
    Ok(())
}
