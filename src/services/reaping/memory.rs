//! What sweeps remember of sites: how much they held, what nothing used, and which bookings' servers ran.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::db::{self, Conn, DbError};
use crate::domain::ids::SiteId;
use crate::domain::marked::Idle;
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

/// Remembers what a plan saw. What another sweep has seen later at a site stays.
pub(super) async fn remember(app: &Arc<App>, plan: &Plan) -> Result<(), DbError> {
    let (inner, wholes, idle, ran) = (app.clone(), plan.wholes.clone(), plan.idle.clone(), plan.ran.clone());
    app.db
        .write("reap: remember", move |conn| {
            db::note_servers_ran(conn, ran.iter(), inner.now())?;
            let (listings, before) = (db::listings(conn)?, db::idle(conn)?);
            let newer = wholes
                .iter()
                .filter(|(site, whole)| listings.get(*site).is_none_or(|known| known.at < whole.at));
            for (site, whole) in newer {
                if let Some(idle) = idle.get(site) {
                    let none = Idle::new();
                    db::save_idle(conn, site, before.get(site).unwrap_or(&none), idle)?;
                    db::save_listing(conn, site, whole)?;
                }
            }
            Ok(())
        })
        .await
}
