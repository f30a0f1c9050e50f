//! A booking and its states: `held -> booked -> preparing -> active -> releasing -> ended`; one that someone waited for
//! begins as `offered`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{BookingId, LabId, NetId, PersonId, PoolId};
use super::interval::Interval;
use super::su::Su;
use super::usage::server_hours;

/// Why a booking came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The student gave it back.
    Released,
    /// The student called it off before anything was made.
    Cancelled,
    /// Its time was over.
    Expired,
    /// The cloud could not give what the blueprint asks for.
    Failed,
    /// Nobody used it, and its student was told so in time.
    NoShow,
    /// It was an offer, and the student did not want it.
    Passed,
    /// It was an offer, and the student did not answer in time.
    Lapsed,
    /// Its student had dropped the course, and was told so in time.
    Dropped,
    /// An outage hit it before it began.
    Displaced,
}

impl EndReason {
    const ALL: [Self; 9] = [
        Self::Released,
        Self::Cancelled,
        Self::Expired,
        Self::Failed,
        Self::NoShow,
        Self::Passed,
        Self::Lapsed,
        Self::Dropped,
        Self::Displaced,
    ];

    /// The reason in a word, as stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::NoShow => "no_show",
            Self::Passed => "passed",
            Self::Lapsed => "lapsed",
            Self::Dropped => "dropped",
            Self::Displaced => "displaced",
        }
    }

    /// Whether nothing is counted of a booking that came to this end.
    fn costs_nothing(self) -> bool {
        let nothing = [Self::Cancelled, Self::Failed, Self::Passed, Self::Lapsed, Self::Displaced];
        nothing.contains(&self)
    }

    /// Reads what [`EndReason::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// Where a booking is on its way, with what only that state knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The place is held for someone who waited for it, until they take it or the offer is over. Nothing is made of it yet.
    Offered {
        /// From when on it can't be taken any more.
        until: DateTime<Utc>,
    },
    /// The place is taken here; the site has not confirmed its lease yet.
    Held,
    /// The place is the student's.
    Booked,
    /// Resources are being made.
    Preparing,
    /// The student can use it.
    Active {
        /// When it became usable.
        ready_at: DateTime<Utc>,
    },
    /// Resources are being deleted, until the absence of each is confirmed.
    Releasing {
        /// When it became usable, if it ever did.
        ready_at: Option<DateTime<Utc>>,
        /// When the student lost the use of it.
        released_at: DateTime<Utc>,
        /// Why.
        reason: EndReason,
    },
    /// Nothing of it is left at the site.
    Ended {
        /// When it became usable, if it ever did.
        ready_at: Option<DateTime<Utc>>,
        /// When the student lost the use of it.
        released_at: DateTime<Utc>,
        /// Why.
        reason: EndReason,
        /// When the absence of the last resource was confirmed.
        ended_at: DateTime<Utc>,
    },
}

/// A transition that the present state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a booking that is {from} can't become {to}")]
pub struct WrongState {
    /// The present state.
    pub from: &'static str,
    /// The state that was wanted.
    pub to: &'static str,
}

impl State {
    /// The state in a word, as stored and shown.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Offered { .. } => "offered",
            Self::Held => "held",
            Self::Booked => "booked",
            Self::Preparing => "preparing",
            Self::Active { .. } => "active",
            Self::Releasing { .. } => "releasing",
            Self::Ended { .. } => "ended",
        }
    }

    fn refuse(self, to: &'static str) -> WrongState {
        WrongState { from: self.word(), to }
    }

    /// The student takes what is offered: at a site with leases it is held from then on, else it is booked.
    pub fn accept(self, leased: bool) -> Result<Self, WrongState> {
        match self {
            Self::Offered { .. } if leased => Ok(Self::Held),
            Self::Offered { .. } => Ok(Self::Booked),
            other => Err(other.refuse("booked")),
        }
    }

    /// The site has confirmed the place.
    pub fn confirm(self) -> Result<Self, WrongState> {
        match self {
            Self::Held => Ok(Self::Booked),
            other => Err(other.refuse("booked")),
        }
    }

    /// The making of its resources begins.
    pub fn prepare(self) -> Result<Self, WrongState> {
        match self {
            Self::Booked => Ok(Self::Preparing),
            other => Err(other.refuse("preparing")),
        }
    }

    /// Everything is ready.
    pub fn activate(self, now: DateTime<Utc>) -> Result<Self, WrongState> {
        match self {
            Self::Preparing => Ok(Self::Active { ready_at: now }),
            other => Err(other.refuse("active")),
        }
    }

    /// The student loses the use of it, and the deletion of its resources begins. Of an offer nothing was made: it ends at
    /// once.
    pub fn release(self, reason: EndReason, now: DateTime<Utc>) -> Result<Self, WrongState> {
        let ready_at = match self {
            Self::Offered { .. } => {
                return Ok(Self::Ended { ready_at: None, released_at: now, reason, ended_at: now });
            }
            Self::Held | Self::Booked | Self::Preparing => None,
            Self::Active { ready_at } => Some(ready_at),
            other => return Err(other.refuse("releasing")),
        };
        Ok(Self::Releasing { ready_at, released_at: now, reason })
    }

    /// The absence of its last resource is confirmed.
    pub fn end(self, now: DateTime<Utc>) -> Result<Self, WrongState> {
        match self {
            Self::Releasing { ready_at, released_at, reason } => {
                Ok(Self::Ended { ready_at, released_at, reason, ended_at: now })
            }
            other => Err(other.refuse("ended")),
        }
    }

    /// Whether the student still has it: not yet releasing.
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Releasing { .. } | Self::Ended { .. })
    }

    /// Why it came to its end, if it did.
    pub fn reason(&self) -> Option<EndReason> {
        match self {
            Self::Releasing { reason, .. } | Self::Ended { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// When it became usable, if it did.
    pub fn ready_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Active { ready_at } => Some(*ready_at),
            Self::Releasing { ready_at, .. } | Self::Ended { ready_at, .. } => *ready_at,
            _ => None,
        }
    }

    /// When the student lost the use of it, if they did.
    pub fn released_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Releasing { released_at, .. } | Self::Ended { released_at, .. } => Some(*released_at),
            _ => None,
        }
    }

    /// When nothing of it was left, if it came to that.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Ended { ended_at, .. } => Some(*ended_at),
            _ => None,
        }
    }

    /// Whether it is an offer, or was one that was not taken.
    pub fn is_untaken(&self) -> bool {
        let untaken = matches!(self.reason(), Some(EndReason::Passed | EndReason::Lapsed));
        untaken || matches!(self, Self::Offered { .. })
    }

    /// Up to when it can be taken, if it is an offer.
    pub fn offered_until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Offered { until } => Some(*until),
            _ => None,
        }
    }

    /// The state that the stored words and instants tell, or nothing if they contradict each other.
    pub fn from_parts(
        word: &str,
        offered_until: Option<DateTime<Utc>>,
        reason: Option<EndReason>,
        ready_at: Option<DateTime<Utc>>,
        released_at: Option<DateTime<Utc>>,
        ended_at: Option<DateTime<Utc>>,
    ) -> Option<Self> {
        Some(match word {
            "offered" => Self::Offered { until: offered_until? },
            "held" => Self::Held,
            "booked" => Self::Booked,
            "preparing" => Self::Preparing,
            "active" => Self::Active { ready_at: ready_at? },
            "releasing" => Self::Releasing { ready_at, released_at: released_at?, reason: reason? },
            "ended" => {
                Self::Ended { ready_at, released_at: released_at?, reason: reason?, ended_at: ended_at? }
            }
            _ => return None,
        })
    }
}

/// One student's claim on a slot for a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Its id.
    pub id: BookingId,
    /// Whose it is.
    pub person: PersonId,
    /// The lab that it is for.
    pub lab: LabId,
    /// The pool whose units it holds.
    pub pool: PoolId,
    /// What its cloud objects are called for people, such as `k8s-ff524`. It stays, whatever the net ID becomes: objects
    /// are looked for by their names.
    pub label: String,
    /// How many units.
    pub units: i32,
    /// How many servers, containers and machines of their own those come to.
    pub servers: i32,
    /// The named nodes that are its units, by name, if the pool's nodes have names. It keeps them for all of its time.
    pub nodes: Vec<String>,
    /// The time that is the student's.
    pub slot: Interval,
    /// From when on it holds units, and a lease where there is one.
    pub held_from: DateTime<Utc>,
    /// Another end that the student asked for and the site has not confirmed yet. Units are held up to the later of both.
    pub wanted_end: Option<DateTime<Utc>>,
    /// Another slot that the student asked for and the site has not confirmed yet. Units are held for both.
    pub wanted_slot: Option<Interval>,
    /// What its site charges for it an hour.
    pub su_per_hour: Su,
    /// Since when the making of its resources was due, if it came to that: a worker may have had others to make first.
    pub preparing_at: Option<DateTime<Utc>>,
    /// Where it is on its way.
    pub state: State,
    /// What went wrong last, in a sentence for the student, while it is being tried again or after it failed.
    pub trouble: Option<String>,
    /// Counts changes, so that a page can tell that it is out of date.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether it costs nothing, since an outage hit it while it ran.
    pub waived: bool,
    /// When a worker is to look at it next. Nothing once it has ended.
    pub next_step_at: Option<DateTime<Utc>>,
}

impl Booking {
    /// The slot that it has, or is to have once the site agrees.
    pub fn goal(&self) -> Interval {
        let other_end = self.wanted_end.and_then(|end| Interval::new(self.slot.start(), end));
        self.wanted_slot.or(other_end).unwrap_or(self.slot)
    }

    /// What a person decides upon when they change it, in a short text: whether it is ahead, has begun or is over, and
    /// [`Booking::goal`]. `version` would not do: it counts the worker's progress too, and nobody is to be refused because
    /// a server became ready or the site agreed to what they asked for.
    pub fn mark(&self) -> String {
        let stage = match self.state {
            State::Offered { .. } => "offered",
            State::Held | State::Booked => "ahead",
            State::Preparing | State::Active { .. } => "begun",
            State::Releasing { .. } | State::Ended { .. } => "over",
        };
        let goal = self.goal();
        format!("{stage}-{}-{}", goal.start().timestamp(), goal.end().timestamp())
    }

    /// The time that it counts for against a budget: its slot, or up to the later end that was asked for; what was given
    /// back does not count, nor does anything of a booking that was cancelled, failed or given back before it was ready, or that an outage hit. Of one
    /// that nobody used counts what it held up to its release: others could not have that.
    pub fn charged(&self) -> Option<Interval> {
        let end = match (self.state.reason(), self.state.released_at()) {
            _ if self.waived => return None,
            (Some(reason), _) if reason.costs_nothing() => return None,
            (Some(_), _) if self.state.ready_at().is_none() => return None,
            (Some(_), Some(released_at)) => released_at.min(self.slot.end()),
            _ => self.held_until(),
        };
        Interval::new(self.slot.start(), end)
    }

    /// The time that counts as usage: all that it holds from the moment it is made, less what is given back. It is that of
    /// [`Booking::charged`], with the lead; but one that nobody used counts up to its end, so that not to come costs more than
    /// to give back.
    pub fn usage(&self) -> Option<Interval> {
        let charged = self.charged()?;
        let end = match self.state.reason() {
            Some(EndReason::NoShow) => self.slot.end(),
            _ => charged.end(),
        };
        Interval::new(self.held_from, end)
    }

    /// What of [`Booking::charged`] its site charges for: the lead too, since it has a lease then.
    pub fn su(&self) -> Su {
        let span = self.charged().and_then(|charged| Interval::new(self.held_from, charged.end()));
        span.map_or(Su::ZERO, |span| self.su_per_hour.for_length(span.length()))
    }

    /// What it counts for, lead and all: "12.5 server-hours, 0.48 SU", without service units where its site charges none.
    pub fn cost(&self) -> String {
        let minutes = self.usage().map_or(0, |usage| usage.length().num_minutes()) * i64::from(self.servers);
        let hours = server_hours(minutes);
        match self.su() {
            Su::ZERO => hours,
            su => format!("{hours}, {su}"),
        }
    }

    /// Up to when units are held: the end, or the later one that was asked for.
    pub fn held_until(&self) -> DateTime<Utc> {
        self.wanted_end.map_or(self.slot.end(), |wanted| wanted.max(self.slot.end()))
    }

    /// From its start up to the end for which units are held.
    pub fn span(&self) -> Interval {
        Interval::new(self.slot.start(), self.held_until()).unwrap_or(self.slot)
    }
}

/// The label of a booking of this lab and person. With the longest, the name of its hundredth lease has 80 characters, which
/// is all that Blazar takes.
pub fn label(lab: &LabId, net_id: &NetId) -> String {
    const MOST: usize = 42;
    let room = MOST - 1 - net_id.as_str().len();
    format!("{}-{net_id}", lab.as_str().chars().take(room).collect::<String>())
}

/// One line of a booking's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it: a net ID, or `fairlease`.
    pub actor: String,
    /// What happened, in a sentence.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::InstanceId;
    use crate::domain::resource::Mark;

    #[test]
    fn the_longest_lease_name_has_80_characters() {
        let lab = "a".repeat(40).parse().unwrap();
        let net_id = "b".repeat(16).parse().unwrap();
        let mark = Mark {
            instance: InstanceId::from_bits(1),
            booking: BookingId::from_bits(2),
            key: "lease-99".parse().unwrap(),
        };
        assert_eq!(mark.name(&label(&lab, &net_id)).len(), 80);
        assert_eq!(label(&"k8s".parse().unwrap(), &"ff524".parse().unwrap()), "k8s-ff524");
    }

    #[test]
    fn states_go_one_way() {
        let now = DateTime::UNIX_EPOCH;
        let active =
            State::Held.confirm().and_then(State::prepare).and_then(|state| state.activate(now)).unwrap();
        let ended = active.release(EndReason::Expired, now).and_then(|state| state.end(now)).unwrap();
        assert_eq!((active.word(), ended.word()), ("active", "ended"));
        assert_eq!(
            ended.release(EndReason::Released, now).unwrap_err().to_string(),
            "a booking that is ended can't become releasing"
        );
        assert!(
            State::Held.prepare().is_err()
                && State::Booked.activate(now).is_err()
                && active.end(now).is_err()
        );
    }
}
