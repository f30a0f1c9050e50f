//! What is said of standing leases.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::calendar;
use crate::domain::renewal::{Outlook, Phase, Sight};
use crate::services::renewal::StandingLease;
use crate::web::pages::sites::{LeaseLine, LeaseState};
use crate::web::present;

pub(super) fn line(zone: Tz, now: DateTime<Utc>, lease: &StandingLease) -> LeaseLine {
    let when = |at: DateTime<Utc>| present::when(zone, now, at);
    let sight = lease.sight.as_ref();
    let trouble = match sight.map(|sight| &sight.outlook) {
        Some(Outlook::Trouble(trouble)) => Some(format!("{}. {}", trouble.sentence(zone), trouble.remedy())),
        Some(Outlook::Tried(words)) => {
            Some(format!("It could not be renewed, and that is tried again each hour: {words}"))
        }
        _ => None,
    };
    LeaseLine {
        name: lease.name.clone(),
        pool: lease.pool.id.to_string(),
        state: sight.map_or(LeaseState::Unseen, |sight| state(&sight.outlook)),
        ends: sight.and_then(|sight| sight.last_end).map(when),
        text: sight.map_or_else(
            || "It is looked at each hour once a worker runs.".to_owned(),
            |sight| to_come(zone, lease, sight),
        ),
        trouble,
        seen: sight.map(|sight| when(sight.seen_at)),
        renewed: sight.and_then(|sight| sight.renewed_at).map(when),
    }
}

fn state(outlook: &Outlook) -> LeaseState {
    match outlook {
        Outlook::Idle => LeaseState::Idle,
        Outlook::Stands { .. } => LeaseState::Good,
        Outlook::Tried(_) => LeaseState::Tried,
        Outlook::Trouble(_) => LeaseState::Trouble,
    }
}

/// What is to come of a lease with which nothing is wrong, in sentences.
fn to_come(zone: Tz, lease: &StandingLease, sight: &Sight) -> String {
    let time = |at| calendar::date_and_time(zone, at);
    let renewal = lease.pool.renewal;
    let first = match &sight.outlook {
        Outlook::Tried(_) | Outlook::Trouble(_) => return String::new(),
        Outlook::Idle => "No lab needs it now.".to_owned(),
        Outlook::Stands { renew_at: Some(at) } => {
            let days = renewal.map_or(0, |renewal| renewal.for_days);
            let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
            format!("It is renewed {}, for {days} from then on.", time(*at))
        }
        Outlook::Stands { renew_at: None } => {
            match (sight.lease.as_ref().map(|lease| lease.phase), renewal) {
                (Some(Phase::Ahead), _) => "It has not begun.".to_owned(),
                (_, Some(_)) => "It lasts for as long as it is needed.".to_owned(),
                (_, None) => "It is not renewed by itself.".to_owned(),
            }
        }
    };
    let beyond = lease.need.booked_until.filter(|booked| sight.last_end.is_some_and(|end| end < *booked));
    let beyond = beyond.map(|booked| format!(" Bookings reach beyond its end, up to {}.", time(booked)));
    first + &beyond.unwrap_or_default()
}
