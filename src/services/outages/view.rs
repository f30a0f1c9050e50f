//! What staff see of outages.

use chrono::{DateTime, TimeDelta, Utc};

use super::OutageError;
use crate::db::{self, Conn, DbError, HitLine};
use crate::domain::announcement::Announcement;
use crate::domain::course::Course;
use crate::domain::health::{Condition, Health};
use crate::domain::hint::Hint;
use crate::domain::ids::{OutageId, SiteId};
use crate::domain::outage::{Away, Outage};
use crate::services::outage_hints;

/// How long a site has to be down before it is suggested that staff declare an outage.
const SUGGEST_AFTER: TimeDelta = TimeDelta::minutes(15);

/// For how long outages that are over are listed.
const LISTED_FOR: TimeDelta = TimeDelta::days(200);

/// How many outages are listed.
const MOST: i64 = 200;

/// All that staff are to know at once.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The course.
    pub course: Course,
    /// Outages, the latest first.
    pub outages: Vec<Outage>,
    /// What sites' own feeds say, the latest first.
    pub hints: Vec<Hint>,
    /// Sites that are down, and no outage of them is declared: since when.
    pub down: Vec<(SiteId, Health)>,
}

/// What there is now.
pub fn overview(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Overview, OutageError> {
    let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
    let outages = db::outages_since(conn, now - LISTED_FOR, MOST)?;
    let mut down = Vec::new();
    for site in &course.sites {
        let declared = outages.iter().any(|it| it.ended.is_none() && it.away == Away::Site(site.id.clone()));
        let health = db::site_health(conn, &site.id)?;
        let long =
            |health: &Health| health.condition == Condition::Down && health.since + SUGGEST_AFTER <= now;
        if let Some(health) = health.filter(|health| !declared && long(health)) {
            down.push((site.id.clone(), health));
        }
    }
    let hints = outage_hints::open(conn, now)?;
    Ok(Overview { course, outages, hints, down })
}

/// One outage with what became of bookings.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The course.
    pub course: Course,
    /// The outage.
    pub outage: Outage,
    /// The bookings that it hit, the first to start first, from the offset on.
    pub lines: Vec<HitLine>,
    /// How many it hit.
    pub hits: i64,
    /// How many people are still to hear of it.
    pub untold: i64,
    /// The announcements of its beginning and of its end.
    pub announcements: Vec<Announcement>,
}

/// An outage, with up to `limit` bookings from `offset` on.
pub fn detail(conn: &mut Conn<'_>, id: &OutageId, offset: i64, limit: i64) -> Result<Detail, OutageError> {
    let course = db::course(conn)?.ok_or(OutageError::NoCourse)?;
    let outage = db::outage(conn, id)?.ok_or_else(|| OutageError::NoSuchOutage(id.clone()))?;
    let lines = db::hit_lines(conn, id, offset, limit)?;
    let (hits, untold) = db::hit_counts(conn, id)?;
    let ids = [outage.announcement.as_ref(), outage.ended.as_ref().and_then(|it| it.announcement.as_ref())];
    let announcements = ids.into_iter().flatten().map(|id| db::announcement(conn, id));
    let announcements = announcements.collect::<Result<Vec<_>, DbError>>()?.into_iter().flatten().collect();
    Ok(Detail { course, outage, lines, hits, untold, announcements })
}
