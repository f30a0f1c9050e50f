//! Outages: what has failed, or is planned to be away, and from when to when; and what becomes of what it hits.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::calendar;
use super::course::{Closure, Lab, Pool};
use super::ids::{AnnouncementId, BookingId, LabId, OutageId, PersonId, SiteId};
use super::interval::Interval;

/// For how long after an outage the reaper still holds off: what people could not release they can release then.
pub const CARE: TimeDelta = TimeDelta::hours(2);

/// What is away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Away {
    /// A site, with all that is there.
    Site(SiteId),
    /// A service outside of the sites that labs need, as `course.toml` names it: `JupyterHub`.
    Service(String),
}

impl Away {
    /// Whether a lab can't be used while this is away.
    pub fn hits(&self, lab: &Lab, pool: &Pool) -> bool {
        match self {
            Self::Site(site) => pool.site == *site,
            Self::Service(service) => lab.needs.contains(service),
        }
    }
}

/// `site:kvm-tacc` or `service:JupyterHub`, as forms and commands have it.
impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(site) => write!(f, "site:{site}"),
            Self::Service(service) => write!(f, "service:{service}"),
        }
    }
}

impl std::str::FromStr for Away {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not site:ID or service:NAME");
        match text.split_once(':') {
            Some(("site", id)) => id.parse().map(Self::Site).map_err(|_| wrong()),
            Some(("service", name)) if !name.trim().is_empty() => Ok(Self::Service(name.trim().to_owned())),
            _ => Err(wrong()),
        }
    }
}

/// What becomes of bookings that it hits and that have not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Each gets the nearest legal slot; one for which there is none is called off.
    Move,
    /// Each is called off, and its student may choose among the nearest legal slots.
    Offer,
    /// Each is called off.
    Cancel,
}

impl Remedy {
    /// All of them, in the order in which pages show them.
    pub const ALL: [Self; 3] = [Self::Move, Self::Offer, Self::Cancel];

    /// The remedy in a word, as stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Offer => "offer",
            Self::Cancel => "cancel",
        }
    }

    /// Reads what [`Remedy::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|remedy| remedy.word() == word)
    }
}

/// What has failed or is planned to be away, with what staff decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Its id.
    pub id: OutageId,
    /// What is away.
    pub away: Away,
    /// From when on.
    pub from: DateTime<Utc>,
    /// When it is expected to be back, if that is known.
    pub until: Option<DateTime<Utc>>,
    /// What happened, in a few words for students.
    pub reason: String,
    /// What becomes of bookings ahead.
    pub remedy: Remedy,
    /// Who of staff declared it: a net ID, or the name that a command was told.
    pub declared_by: String,
    /// When they did.
    pub declared_at: DateTime<Utc>,
    /// Whether everyone is to hear of it by mail once its bookings are dealt with, and not only those whose bookings it hits.
    pub to_all: bool,
    /// The announcement of it.
    pub announcement: Option<AnnouncementId>,
    /// When all bookings that it hits were dealt with and their students told.
    pub settled_at: Option<DateTime<Utc>>,
    /// How it ended, if it did.
    pub ended: Option<Ended>,
}

/// The end of an outage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When what was away was back.
    pub at: DateTime<Utc>,
    /// Who of staff said so.
    pub by: String,
    /// The announcement of it.
    pub announcement: Option<AnnouncementId>,
    /// When those were told whose bookings ran meanwhile.
    pub settled_at: Option<DateTime<Utc>>,
}

impl Outage {
    /// The time for which nothing of it can be used, as far as it is known; none if it was called off before it began.
    pub fn window(&self) -> Option<Interval> {
        let end = self.ended.as_ref().map(|ended| ended.at).or(self.until);
        Interval::new(self.from, end.unwrap_or(calendar::FURTHER_NOTICE))
    }

    /// The same as labs are closed meanwhile.
    pub fn closure(&self) -> Option<Closure> {
        self.window().map(|span| Closure { span, reason: self.reason.clone() })
    }

    /// Up to when the reaper holds off, if it does at `now`; without an end as long as the outage has none.
    pub fn holds_off(&self, now: DateTime<Utc>) -> Option<Option<DateTime<Utc>>> {
        let until = self.ended.as_ref().map(|ended| ended.at + CARE);
        (self.from <= now && until.is_none_or(|until| now < until)).then_some(until)
    }
}

/// What became of a booking that an outage hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It had not begun: another booking is in its place.
    Moved {
        /// That booking.
        to: BookingId,
        /// Its slot.
        slot: Interval,
    },
    /// It had not begun: it was called off, and its student may have one of these instead.
    Offered {
        /// Slots that were free and legal then, the nearest first.
        slots: Vec<Interval>,
    },
    /// It had not begun: it was called off.
    Cancelled,
    /// It runs: it costs nothing, and gets time back when the outage ends.
    Running,
    /// It ran and still does: it lasts longer by what it lost.
    Extended {
        /// Its end from then on.
        until: DateTime<Utc>,
    },
    /// It ran and got no time back, since it is over or others have the place after it. It costs nothing.
    Free,
}

impl Fate {
    /// The booking that is in its place, if one is.
    pub fn replacement(&self) -> Option<&BookingId> {
        match self {
            Self::Moved { to, .. } => Some(to),
            _ => None,
        }
    }
}

/// A booking that an outage hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The outage.
    pub outage: OutageId,
    /// The booking.
    pub booking: BookingId,
    /// Whose it is.
    pub person: PersonId,
    /// What became of it.
    pub fate: Fate,
}

/// Staff have put off a lab's due date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferral {
    /// The lab.
    pub lab: LabId,
    /// The outage that it was for, if it was for one.
    pub outage: Option<OutageId>,
    /// The due date of the course file in whose place this one is. While the file has another, it is not in force.
    pub instead_of: Option<DateTime<Utc>>,
    /// The due date; nothing while it is to be announced.
    pub due: Option<DateTime<Utc>>,
    /// Why, in a few words for students.
    pub reason: String,
    /// Who of staff did it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn outage(until: Option<DateTime<Utc>>, ended: Option<DateTime<Utc>>) -> Outage {
        let ended = ended.map(|at| Ended { at, by: "ta77".to_owned(), announcement: None, settled_at: None });
        Outage {
            id: OutageId::from_bits(1),
            away: Away::Service("JupyterHub".to_owned()),
            from: at(10),
            until,
            reason: "JupyterHub is down".to_owned(),
            remedy: Remedy::Move,
            declared_by: "ta77".to_owned(),
            declared_at: at(9),
            to_all: true,
            announcement: None,
            settled_at: None,
            ended,
        }
    }

    #[test]
    fn a_window_ends_when_the_outage_did_or_is_expected_to_or_not_at_all() {
        let end = |until, ended| outage(until, ended).window().map(|window| window.end());
        assert_eq!(end(Some(at(20)), Some(at(15))), Some(at(15)));
        assert_eq!(end(Some(at(20)), None), Some(at(20)));
        assert_eq!(end(None, None), Some(calendar::FURTHER_NOTICE));
        assert_eq!(end(None, Some(at(5))), None, "called off before it began");
    }

    #[test]
    fn the_reaper_holds_off_from_its_beginning_until_some_time_after_it() {
        let held = |ended, now| outage(Some(at(12)), ended).holds_off(at(now));
        assert_eq!([held(None, 9), held(None, 10), held(None, 30)], [None, Some(None), Some(None)]);
        assert_eq!(held(Some(at(15)), 16), Some(Some(at(17))));
        assert_eq!(held(Some(at(15)), 17), None);
    }

    #[test]
    fn what_is_away_is_read_as_it_is_written() {
        for away in [Away::Site("kvm-tacc".parse().unwrap()), Away::Service("JupyterHub".to_owned())] {
            assert_eq!(away.to_string().parse(), Ok(away));
        }
        assert!("kvm-tacc".parse::<Away>().is_err() && "service: ".parse::<Away>().is_err());
    }
}
