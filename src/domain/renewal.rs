//! Leases that staff hold for a pool: what the site tells of one, and how it is kept alive.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar;

/// How a pool's standing lease is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// How long before its end it may be renewed, in hours (2 to 168).
    pub hours_before: i32,
    /// How long from that moment on it then lasts, in days (1 to 180). Longer than `hours_before`.
    pub for_days: i32,
}

impl Renewal {
    /// How long before its end it may be renewed.
    pub fn before(&self) -> TimeDelta {
        TimeDelta::hours(self.hours_before.into())
    }

    /// How long it lasts from the moment of its renewal on.
    pub fn length(&self) -> TimeDelta {
        TimeDelta::days(self.for_days.into())
    }
}

/// How far a lease is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Servers can be made from it.
    InForce,
    /// The site is at work on it: ask again.
    Changing,
    /// It has not begun.
    Ahead,
    /// It is in error.
    Broken,
    /// It is over.
    Over,
}

/// A lease as the site tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldLease {
    /// The site's id of it.
    pub site_ref: String,
    /// How far it is.
    pub phase: Phase,
    /// The site's own word for that.
    pub status: String,
    /// When it ends, in UTC.
    pub ends: DateTime<Utc>,
}

impl HeldLease {
    /// The one that counts of several with one name: what can be used, and of that what lasts longest.
    pub fn of_several(leases: impl IntoIterator<Item = Self>) -> Option<Self> {
        let rank = |phase| match phase {
            Phase::InForce => 4,
            Phase::Changing => 3,
            Phase::Ahead => 2,
            Phase::Broken => 1,
            Phase::Over => 0,
        };
        leases.into_iter().max_by_key(|lease| (rank(lease.phase), lease.ends))
    }
}

/// What is wrong with a standing lease, such that staff have to do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The site has no lease of that name.
    NotThere,
    /// It is over.
    Over,
    /// The site says that it is in error.
    Broken,
    /// Bookings reach beyond its end, up to this instant, and it will not be renewed by itself.
    Short(DateTime<Utc>),
    /// The site does not renew it, in its own words.
    Refused(String),
    /// The site does not say how it is, in its own words.
    Untold(String),
}

impl Trouble {
    /// The kind of trouble in a word: there is one mail of each kind about one end of a lease.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotThere => "not_there",
            Self::Over => "over",
            Self::Broken => "broken",
            Self::Short(_) => "short",
            Self::Refused(_) => "refused",
            Self::Untold(_) => "untold",
        }
    }

    /// What is wrong, as a sentence for staff without its full stop.
    pub fn sentence(&self, zone: Tz) -> String {
        match self {
            Self::NotThere => "The site has no lease of that name".to_owned(),
            Self::Over => "It is over".to_owned(),
            Self::Broken => "The site says that it is in error".to_owned(),
            Self::Short(until) => format!(
                "Bookings reach beyond its end, up to {}, and it is not renewed by itself",
                calendar::date_and_time(zone, *until)
            ),
            Self::Refused(words) => format!("It could not be renewed: {words}"),
            Self::Untold(words) => format!("The site does not say how it is: {words}"),
        }
    }

    /// What staff can do about it, in a sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotThere => "Make a lease with this name at the site, or name another in the course file.",
            Self::Over | Self::Broken => "Make a new lease with the same name at the site.",
            Self::Short(_) => "Extend it at the site, or move the bookings.",
            Self::Refused(_) => {
                "Extend it at the site by hand, or make a new lease with the same name for the time after it. \
                 Renewing is tried again each hour."
            }
            Self::Untold(_) => "Look at the site's own pages, and at the credential that the service uses.",
        }
    }
}

/// What is to come of a standing lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// Nobody needs it now.
    Idle,
    /// It is as it is to be.
    Stands {
        /// When it is to be renewed; nothing if it will not be.
        renew_at: Option<DateTime<Utc>>,
    },
    /// It is time to renew it, and that failed for a reason that may pass, in the site's words. It is tried again each hour.
    Tried(String),
    /// Staff have to do something.
    Trouble(Trouble),
}

/// What was last seen of a pool's standing lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Its name.
    pub name: String,
    /// What the site told of it; nothing if the site has none of that name.
    pub lease: Option<HeldLease>,
    /// Its end when it was last there, in UTC.
    pub last_end: Option<DateTime<Utc>>,
    /// What is to come of it.
    pub outlook: Outlook,
    /// When it was looked at, in UTC.
    pub seen_at: DateTime<Utc>,
    /// When it was last renewed by the service, in UTC.
    pub renewed_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_one_that_lasts_longest_of_those_in_force_counts() {
        let at = |hour: i64| DateTime::from_timestamp(hour * 3600, 0).unwrap();
        let lease = |site_ref: &str, phase, hour| HeldLease {
            site_ref: site_ref.to_owned(),
            phase,
            status: String::new(),
            ends: at(hour),
        };
        let several = [
            lease("over", Phase::Over, 9),
            lease("short", Phase::InForce, 1),
            lease("long", Phase::InForce, 2),
            lease("ahead", Phase::Ahead, 8),
            lease("broken", Phase::Broken, 9),
        ];
        let of = |leases: &[HeldLease]| HeldLease::of_several(leases.to_vec()).map(|lease| lease.site_ref);
        assert_eq!(of(&several).as_deref(), Some("long"));
        assert_eq!(of(&[several[0].clone(), several[3].clone()]).as_deref(), Some("ahead"));
        assert_eq!(of(&[]), None);
    }
}
