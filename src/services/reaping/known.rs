//! What the database knows that a sweep weighs beside the listings: people with their own terms, and bookings that nobody uses.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError, Member, Unused};
use crate::domain::course::{Course, Lab};
use crate::domain::exception::Exception;
use crate::domain::ids::{PersonId, PoolId, SiteId};
use crate::domain::person::Parity;
use crate::policy::exceptions::{self, Terms};
use crate::policy::reaping::{Activity, Known, LiveBooking};

/// Everyone in the course, with what personal exceptions make of its labs for them.
pub(super) fn people(conn: &mut Conn<'_>, labs: &[Lab], now: DateTime<Utc>) -> Result<Vec<Known>, DbError> {
    let mut granted: BTreeMap<PersonId, Vec<Exception>> = BTreeMap::new();
    for exception in db::exceptions_in_force(conn, now)? {
        granted.entry(exception.person.clone()).or_default().push(exception);
    }
    let members = db::everyone(conn)?.into_iter();
    Ok(members.map(|member| known(granted.get(&member.id), member, labs, now)).collect())
}

fn known(granted: Option<&Vec<Exception>>, member: Member, labs: &[Lab], now: DateTime<Utc>) -> Known {
    let parity = Parity::of(&member.net_id);
    let own = |lab: &Lab| -> Option<Terms> {
        let terms = exceptions::terms(lab, parity, granted?, now);
        (terms.lab != *lab || terms.parity != parity).then_some(terms)
    };
    Known {
        terms: labs.iter().filter_map(own).collect(),
        person: member.id,
        net_id: member.net_id,
        cloud_users: member.cloud_users,
        staff: member.staff,
        parity,
    }
}

/// The active bookings that nobody has used, where the course looks for these.
pub(super) fn unused(
    conn: &mut Conn<'_>,
    course: Option<&Course>,
    now: DateTime<Utc>,
) -> Result<Vec<LiveBooking>, DbError> {
    let Some((course, rule)) = course.and_then(|course| Some((course, course.reaper.no_show?))) else {
        return Ok(Vec::new());
    };
    let sites: BTreeMap<&PoolId, &SiteId> = course.pools.iter().map(|pool| (&pool.id, &pool.site)).collect();
    let found = db::unused_bookings(conn, rule.signal, now)?.into_iter();
    // A booking of a pool that the course has no more is looked at no more, either.
    Ok(found.filter_map(|it| Some(live_booking(sites.get(&it.pool).copied()?, it))).collect())
}

fn live_booking(site: &SiteId, found: Unused) -> LiveBooking {
    let Unused { id, net_id, lab, slot, since, usage, .. } = found;
    let activity = Activity {
        site: site.clone(),
        since,
        server_ran: usage.server_ran_at.is_some(),
        opened: usage.opened_at.is_some(),
        warned_at: usage.no_show_warned_at,
    };
    LiveBooking { id, net_id, lab, slot, activity: Some(activity) }
}
