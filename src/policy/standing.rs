//! How a person stands to a lab: what the rules need to know of them.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::domain::booking::Booking;
use crate::domain::course::Lab;
use crate::domain::ids::BookingId;
use crate::domain::interval::Interval;
use crate::domain::person::Parity;
use crate::domain::su::Su;

/// What a person is, has and had, as far as it matters for one lab. The order of lists does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Their parity, if they have one.
    pub parity: Option<Parity>,
    /// Whether they take the course at present.
    pub enrolled: bool,
    /// Their live bookings of the lab, each up to its end or the later one that was asked for.
    pub own: Vec<Interval>,
    /// Their live bookings of the other parts of its series.
    pub other_parts: Vec<Interval>,
    /// All times that they have had it or will have it.
    pub spans: Vec<Interval>,
    /// The named nodes of the booking that is about to be another: it keeps them.
    pub nodes: Vec<String>,
    /// Hours that count which they have used of it or have booked.
    #[serde(with = "seconds")]
    pub used: TimeDelta,
    /// Bookings of it with such hours.
    pub used_bookings: i32,
    /// Service units that they have used of it or have booked.
    pub used_su: Su,
    /// The same of all labs of the course.
    pub used_su_in_all: Su,
}

impl Standing {
    /// That of someone enrolled who has nothing booked.
    pub fn blank(parity: Option<Parity>) -> Self {
        Self {
            parity,
            enrolled: true,
            own: Vec::new(),
            other_parts: Vec::new(),
            spans: Vec::new(),
            nodes: Vec::new(),
            used: TimeDelta::zero(),
            used_bookings: 0,
            used_su: Su::ZERO,
            used_su_in_all: Su::ZERO,
        }
    }

    /// By all bookings of the person, as if `except` were not among them: it is about to be another.
    #[must_use]
    pub fn with(mut self, lab: &Lab, zone: Tz, bookings: &[Booking], except: Option<&BookingId>) -> Self {
        for booking in bookings {
            if Some(&booking.id) == except {
                self.nodes.clone_from(&booking.nodes);
            } else {
                self.add(lab, zone, booking);
            }
        }
        self
    }

    fn add(&mut self, lab: &Lab, zone: Tz, booking: &Booking) {
        self.used_su_in_all = self.used_su_in_all + booking.su();
        let live = [Some(booking.span()), booking.wanted_slot].into_iter().flatten();
        let live = live.filter(|_| booking.state.is_live());
        if lab.other_parts.contains(&booking.lab) {
            self.other_parts.extend(live);
        } else if booking.lab == lab.id {
            self.own.extend(live);
            self.used_su = self.used_su + booking.su();
            if let Some(span) = booking.charged() {
                self.spans.push(span);
                let counted = lab.policy.counted(zone, &span);
                self.used += counted;
                self.used_bookings += i32::from(counted > TimeDelta::zero());
            }
        }
    }
}

/// A length of time in whole seconds.
mod seconds {
    use chrono::TimeDelta;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(length: &TimeDelta, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(length.num_seconds())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TimeDelta, D::Error> {
        i64::deserialize(from).map(TimeDelta::seconds)
    }
}
