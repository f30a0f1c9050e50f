//! What is known of sites that may or may not change the end of a lease in force, and learning it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use serde_json::json;

use super::App;
use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::blueprint::Kind;
use crate::domain::booking::Booking;
use crate::domain::capability::{Capability, Experience};
use crate::domain::course::Site;
use crate::domain::ids::SiteId;
use crate::domain::resource::Resource;
use crate::policy::admission::Violation;
use crate::policy::extending::Extending;

const EXTEND: Capability = Capability::Extend;

/// What stands against another end of a booking that has begun and has these resources, whatever end that is.
pub(super) fn refusal(
    conn: &mut Conn<'_>,
    booking: &Booking,
    resources: &[Resource],
    now: DateTime<Utc>,
) -> Result<Option<Violation>, DbError> {
    if !resources.iter().any(|resource| resource.kind() == Kind::Lease) {
        return Ok(None);
    }
    let site = db::site_of_pool(conn, &booking.pool)?;
    let known = db::experience(conn, &site.id, EXTEND)?;
    Ok(Extending::of(&site, known.as_ref(), now).refusal(&site))
}

/// Writes down what the site made of another end: `refused` are its words if it said that it can't.
pub(super) fn learn(
    conn: &mut Conn<'_>,
    site: &Site,
    refused: Option<String>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let before = db::experience(conn, &site.id, EXTEND)?;
    let after = Experience::after(before.as_ref(), refused, now);
    if before.as_ref().is_none_or(|before| before.works != after.works) {
        let works = after.works;
        tracing::info!(site = %site.id, works, words = after.words, "whether a lease's end can be changed is known");
    }
    db::save_experience(conn, &site.id, EXTEND, &after)
}

/// Forgets what was found at the site, so that the next wish for another end is tried. True if anything was known.
pub async fn forget(app: &Arc<App>, doer: &Doer, site: SiteId) -> Result<bool, DbError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db
        .write("extending: forget", move |conn| {
            let Some(known) = db::experience(conn, &site, EXTEND)? else { return Ok(false) };
            db::forget_experience(conn, &site, EXTEND)?;
            let entry = Entry::new(Action::TriedAgain).to(Object::Site(site.clone()));
            let entry = entry.before(json!({"works": known.works, "words": known.words}));
            audit::record(&inner, conn, &doer, entry)?;
            Ok(true)
        })
        .await
}
