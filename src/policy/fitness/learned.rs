//! What was learned of a site from bookings there. What was not seen yet is not mentioned.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Check;
use crate::domain::calendar;
use crate::domain::course::Site;
use crate::domain::ids::LabId;
use crate::policy::extending::{self, Extending};
use crate::policy::lead::Finding;

/// What is to be said of what was learned at `now`, in the course's zone: how long preparing takes for labs, and whether the
/// site changes the end of a lease.
pub fn learned(
    site: &Site,
    extending: &Extending<'_>,
    preparing: &[(LabId, Finding)],
    zone: Tz,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let leads = preparing.iter().map(|(lab, Finding { found, right })| {
        let what = format!("preparing {lab}");
        match right {
            Some(right) => Check::warn(what, found, right),
            None => Check::pass(what, found),
        }
    });
    another_end(site, extending, zone, now).into_iter().chain(leads).collect()
}

fn another_end(site: &Site, extending: &Extending<'_>, zone: Tz, now: DateTime<Utc>) -> Option<Check> {
    let Extending::Known(known) = extending else { return None };
    let what = "another end of a lease";
    let at = |instant| calendar::date_and_time(zone, instant);
    if known.works {
        return Some(Check::pass(what, format!("given since {}", at(known.since))));
    }
    let words = known.words.as_deref().unwrap_or_default();
    let found = format!("refused on {}: {words}", at(known.last));
    let days = (extending::tried_again(known) - now).num_days() + 1;
    let right = format!(
        "extends = false for {} if that stays so; it is tried again within {days} days, or when staff say so on /sites",
        site.id
    );
    Some(Check::warn(what, found, right))
}
