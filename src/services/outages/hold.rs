//! Where the reaper holds off for an outage: nobody is reaped for what they can't release.

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::calendar::FURTHER_NOTICE;
use crate::domain::course::Course;
use crate::domain::ids::OutageId;
use crate::domain::marked::{Exempt, Exemption, Pause};
use crate::domain::outage::{Away, Outage};

/// What the reaper leaves alone for one outage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The outage.
    pub outage: OutageId,
    /// The site, if one is away.
    pub pause: Option<Pause>,
    /// The labs that need the service that is away.
    pub exemptions: Vec<Exemption>,
}

/// Who it is that holds off, where lists say who of staff did.
const BY: &str = "fairlease";

/// What the reaper leaves alone at `now` since something is away, or was until a short while ago.
pub fn holds(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<Hold>, DbError> {
    let outages = db::outages_holding(conn, now)?;
    if outages.is_empty() {
        return Ok(Vec::new());
    }
    let Some(course) = db::course(conn)? else { return Ok(Vec::new()) };
    Ok(outages.iter().filter_map(|outage| hold(&course, outage, now)).collect())
}

fn hold(course: &Course, outage: &Outage, now: DateTime<Utc>) -> Option<Hold> {
    let until = outage.holds_off(now)?;
    let reason = format!("an outage: {}", outage.reason);
    let hold = Hold { outage: outage.id.clone(), pause: None, exemptions: Vec::new() };
    Some(match &outage.away {
        Away::Site(site) => {
            let pause = Pause { site: Some(site.clone()), reason, by: BY.to_owned(), until };
            Hold { pause: Some(pause), ..hold }
        }
        Away::Service(name) => {
            let labs = course.labs.iter().filter(|lab| lab.needs.contains(name));
            let exemption = |what| Exemption {
                what,
                reason: reason.clone(),
                by: BY.to_owned(),
                until: until.unwrap_or(FURTHER_NOTICE),
            };
            Hold { exemptions: labs.map(|lab| exemption(Exempt::Lab(lab.id.clone()))).collect(), ..hold }
        }
    })
}
