//! What a server runs on instead, if it came up broken again and again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::blueprint::{HeldBy, Reserved, Spec, lease_of_instead};
use crate::domain::booking::Booking;
use crate::domain::ids::ResourceKey;
use crate::domain::resource::{Resource, ResourceState};

/// Gives a server the next machine that its blueprint allows. False if there is none.
pub(super) fn take(resource: &mut Resource) -> bool {
    let Spec::Server(server) = &mut resource.spec else { return false };
    if server.alternatives.is_empty() {
        return false;
    }
    server.machine = server.alternatives.remove(0);
    resource.replacements = 0;
    true
}

/// Plans a lease for what a server runs on, if the booking has leases and none of them has it.
pub(super) fn plan_lease(
    conn: &mut Conn<'_>,
    booking: &Booking,
    resources: &mut BTreeMap<ResourceKey, Resource>,
    key: &ResourceKey,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let Some(wanted) = resources.get(key).and_then(wanted) else { return Ok(()) };
    let has = |resource: &Resource| matches!(&resource.spec, Spec::Lease { reservations, .. } if reservations.iter().any(|(of, _)| *of == wanted));
    let lease_key = lease_of_instead(key);
    if resources.values().any(has) || resources.contains_key(&lease_key) {
        return Ok(());
    }
    let spec = Spec::Lease { start: now, end: booking.held_until(), reservations: vec![(wanted, 1)] };
    let position = i32::try_from(resources.len()).unwrap_or(i32::MAX);
    let lease = Resource::planned(booking.id.clone(), lease_key.clone(), position, spec, now);
    db::insert_resource(conn, &lease)?;
    resources.insert(lease_key, lease);
    Ok(())
}

/// What the lease of a server that is on its way out has to reserve for its successor.
fn wanted(resource: &Resource) -> Option<Reserved> {
    match &resource.spec {
        Spec::Server(server)
            if server.held_by == HeldBy::OwnLease && resource.state == ResourceState::Deleting =>
        {
            Some(server.machine.reserved())
        }
        _ => None,
    }
}
