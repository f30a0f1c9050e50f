//! Whether a booking that has begun can be given another end. Fairlease's own places can at any time; a lease only if its
//! site changes the end of one that is in force, and not every site does. It is found out when somebody asks for it first.

use chrono::{DateTime, TimeDelta, Utc};

use super::admission::Violation;
use crate::domain::capability::Experience;
use crate::domain::course::Site;

/// How long a refusal is taken at its word. Sites are upgraded in the course of a term; after this the next wish is tried.
pub const TRY_AGAIN_AFTER: TimeDelta = TimeDelta::days(7);

/// What is known of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extending<'a> {
    /// It has no leases.
    NoLeases,
    /// The course file says whether it does.
    Told(bool),
    /// It has done so, or has refused, the last time not long ago.
    Known(&'a Experience),
    /// It was not asked yet, or so long ago that it is asked again.
    Unknown,
}

impl<'a> Extending<'a> {
    /// What is known at `now` of a site that made this of it, if it was asked.
    pub fn of(site: &Site, experience: Option<&'a Experience>, now: DateTime<Utc>) -> Self {
        match (site.leases, site.extends, experience) {
            (false, ..) => Self::NoLeases,
            (_, Some(told), _) => Self::Told(told),
            (.., Some(known)) if known.works || now < tried_again(known) => Self::Known(known),
            _ => Self::Unknown,
        }
    }

    /// Whether it changes the end of a lease; nothing while that is not known.
    pub fn works(&self) -> Option<bool> {
        match self {
            Self::NoLeases => Some(true),
            Self::Told(works) => Some(*works),
            Self::Known(experience) => Some(experience.works),
            Self::Unknown => None,
        }
    }

    /// What stands against another end of a lease at this site.
    pub fn refusal(&self, site: &Site) -> Option<Violation> {
        let words = match self {
            Self::Known(experience) => experience.words.clone(),
            _ => None,
        };
        (self.works() == Some(false)).then(|| Violation::EndFixed { site: site.title.clone(), words })
    }
}

/// From when on a site that has refused is asked again.
pub fn tried_again(experience: &Experience) -> DateTime<Utc> {
    experience.last + TRY_AGAIN_AFTER
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::course::CloudName;

    fn site(leases: bool, extends: Option<bool>) -> Site {
        Site {
            id: "kvm-tacc".parse().unwrap(),
            title: "KVM@TACC".to_owned(),
            cloud: CloudName::Simulated,
            leases,
            dashboard: None,
            outage_feed: None,
            capacity: None,
            extends,
            bare_metal_at_once: 2,
            su_per_hour: BTreeMap::new(),
        }
    }

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn works(site: &Site, known: Option<&Experience>, day: i64) -> Option<bool> {
        Extending::of(site, known, at(day)).works()
    }

    #[test]
    fn a_refusal_holds_for_a_week_and_a_success_for_good() {
        let refused = Experience::after(None, Some("not yet supported".to_owned()), at(0));
        let leased = site(true, None);
        assert_eq!(
            [0, 6, 7].map(|day| works(&leased, Some(&refused), day)),
            [Some(false), Some(false), None]
        );
        let again = Experience::after(Some(&refused), Some("still not".to_owned()), at(8));
        assert_eq!((again.since, works(&leased, Some(&again), 14)), (at(0), Some(false)));
        let mended = Experience::after(Some(&again), None, at(20));
        assert_eq!((mended.since, works(&leased, Some(&mended), 400)), (at(20), Some(true)));
        assert_eq!(works(&leased, None, 0), None);
    }

    #[test]
    fn what_the_course_file_says_counts_before_what_was_seen() {
        let refused = Experience::after(None, Some("not yet supported".to_owned()), at(0));
        assert_eq!(works(&site(true, Some(true)), Some(&refused), 1), Some(true));
        assert_eq!(works(&site(true, Some(false)), None, 1), Some(false));
        assert_eq!(works(&site(false, None), Some(&refused), 1), Some(true), "there is no lease to change");
    }

    #[test]
    fn the_student_reads_what_to_do_and_what_the_site_said() {
        let refused =
            Experience::after(None, Some("Updating leases is not yet supported.".to_owned()), at(0));
        let sentence = |site: &Site, known| {
            let broken = Extending::of(site, known, at(1)).refusal(site).unwrap();
            broken.sentence(chrono_tz::UTC)
        };
        let told = "KVM@TACC can't change the end of a booking that has begun: book another slot after it, or release it early.";
        assert_eq!(sentence(&site(true, Some(false)), None), told);
        assert_eq!(
            sentence(&site(true, None), Some(&refused)),
            format!("{told} It says: \"Updating leases is not yet supported.\"")
        );
    }
}
