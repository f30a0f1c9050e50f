//! Links in mails: what one does for its person, who need not be signed in to follow it.

use chrono::{DateTime, TimeDelta, Utc};

use super::blueprint::Kind;
use super::ids::{BookingId, SiteId};
use super::marked::{Marked, Stage};
use super::notice::Topic;

/// For how long after the end of its booking, or of its offer, a link still says what became of it.
const AFTER_THE_END: TimeDelta = TimeDelta::hours(24);

/// For how long an object can be taken back by a link. Most are deleted long before.
const RESTORABLE: TimeDelta = TimeDelta::days(14);

/// For how long after a mail its kind can be turned off from it.
const TURNED_OFF: TimeDelta = TimeDelta::days(60);

/// What a link does. Each names the state that it acts on, so that it does its thing once: afterwards that state is not
/// there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Gives a booking a later end.
    Extend {
        /// The booking.
        booking: BookingId,
        /// The end that it has. With another the link does nothing.
        from: DateTime<Utc>,
        /// The end that it gets.
        to: DateTime<Utc>,
    },
    /// Gives a booking back. It does nothing once that is over.
    Release {
        /// The booking.
        booking: BookingId,
        /// The end that it has when the link is made: the link lasts a little longer.
        end: DateTime<Utc>,
    },
    /// Takes a booking that is offered.
    Accept {
        /// The booking.
        booking: BookingId,
        /// Up to when it is offered. Once it is not, the link does nothing.
        until: DateTime<Utc>,
    },
    /// Does not want a booking that is offered, so that somebody else can have it.
    Pass {
        /// The booking.
        booking: BookingId,
        /// Up to when it is offered. Once it is not, the link does nothing.
        until: DateTime<Utc>,
    },
    /// Takes back an object that the reaper has warned of, whether it is stopped by now or not.
    Restore {
        /// The site that has it.
        site: SiteId,
        /// Its kind.
        kind: Kind,
        /// The site's id of it.
        site_ref: String,
        /// When its owner was told. If it is marked anew after it was taken back, the link does nothing.
        warned_at: DateTime<Utc>,
    },
    /// Turns mails of a kind off, that one may do without. It does nothing once they are off.
    TurnOff {
        /// What they are about.
        topic: Topic,
    },
}

impl Link {
    /// The link that takes an object back, as long as it can be taken back.
    pub fn restore(marked: &Marked) -> Option<Self> {
        let warned_at = match marked.stage {
            Stage::Warned { at } => at,
            Stage::Stopped { warned_at, .. } => warned_at,
            Stage::Deleting { .. } | Stage::Restored { .. } => return None,
        };
        let target = &marked.target;
        Some(Self::Restore {
            site: target.site.clone(),
            kind: target.kind,
            site_ref: target.site_ref.clone(),
            warned_at,
        })
    }

    /// From when on it is refused, if it is made at `now`.
    pub fn expires_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Extend { from: end, .. } | Self::Release { end, .. } => *end + AFTER_THE_END,
            Self::Accept { until, .. } | Self::Pass { until, .. } => *until + AFTER_THE_END,
            Self::Restore { .. } => now + RESTORABLE,
            Self::TurnOff { .. } => now + TURNED_OFF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::marked::{Predicate, Target};

    #[test]
    fn only_what_is_warned_of_or_stopped_can_be_taken_back_and_both_by_one_link() {
        let at = |hours| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        let marked = |stage| Marked {
            restores: 0,
            target: Target {
                site: "kvm-tacc".parse().unwrap(),
                kind: Kind::Server,
                site_ref: "s-1".to_owned(),
                name: "node1".to_owned(),
            },
            predicate: Predicate::OverCap,
            net_id: None,
            stage,
        };
        let link = |stage| Link::restore(&marked(stage));
        let warned = link(Stage::Warned { at: at(0) });
        assert!(warned.is_some());
        assert_eq!(link(Stage::Stopped { warned_at: at(0), at: at(1) }), warned);
        assert_ne!(link(Stage::Warned { at: at(2) }), warned);
        assert_eq!(link(Stage::Deleting { warned_at: at(0), at: at(1) }), None);
        assert_eq!(link(Stage::Restored { until: at(3) }), None);
    }
}
