//! What sweeps remember of sites: how much they held, what nothing used, what counts as people's usage, and which bookings'
//! servers ran.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::usage;
use crate::db::{self, Conn, DbError};
use crate::domain::ids::{BookingId, SiteId};
use crate::domain::marked::{Idle, Whole};
use crate::policy::fair_share::by_hand::{Holding, Seen};
use crate::policy::reaping::{Plan, SiteView};
use crate::services::App;

/// Adds to each site how much its last trusted listing had, and says what nothing used then.
pub(super) fn recall(
    conn: &mut Conn<'_>,
    sites: &mut BTreeMap<SiteId, SiteView>,
) -> Result<BTreeMap<SiteId, Idle>, DbError> {
    let listings = db::listings(conn)?;
    for (site, view) in sites {
        view.last_whole = listings.get(site).copied();
    }
    db::idle(conn)
}

/// Remembers what a plan saw. What another sweep has seen later at a site stays; sweeps that remember at once take turns, so
/// that each goes by what the one before it wrote.
pub(super) async fn remember(app: &Arc<App>, plan: &Plan) -> Result<(), DbError> {
    let (inner, plan) = (app.clone(), Remembered::of(plan));
    app.db
        .write("reap: remember", move |conn| {
            db::lock_listings(conn)?;
            db::note_servers_ran(conn, plan.ran.iter(), inner.now())?;
            let (listings, before) = (db::listings(conn)?, db::idle(conn)?);
            let running = db::running_by_hand(conn)?;
            let none = Idle::new();
            for (site, whole) in &plan.wholes {
                let last = listings.get(site).map(|known| known.at);
                let (Some(idle), Some(held)) = (plan.idle.get(site), plan.held.get(site)) else { continue };
                if last.is_none_or(|last| last < whole.at) {
                    db::save_idle(conn, site, before.get(site).unwrap_or(&none), idle)?;
                    let seen = Seen { at: whole.at, before: last };
                    usage::follow(conn, site, held, seen, &running)?;
                    db::save_listing(conn, site, whole)?;
                }
            }
            Ok(())
        })
        .await
}

/// What of a plan is remembered.
struct Remembered {
    wholes: BTreeMap<SiteId, Whole>,
    idle: BTreeMap<SiteId, Idle>,
    held: BTreeMap<SiteId, Holding>,
    ran: BTreeSet<BookingId>,
}

impl Remembered {
    fn of(plan: &Plan) -> Self {
        let (wholes, idle) = (plan.wholes.clone(), plan.idle.clone());
        Self { wholes, idle, held: plan.held.clone(), ran: plan.ran.clone() }
    }
}
