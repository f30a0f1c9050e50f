//! How a person stands to a lab: what the rules need to know of them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::ids::PersonId;
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::policy::admission::{Case, OwnBooking};

/// What a person has and had of a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Their live bookings of it.
    pub own: Vec<OwnBooking>,
    /// Hours that count which they have used of it or have booked.
    pub used: TimeDelta,
}

impl Standing {
    /// By all bookings of the person, of which those of this lab are looked at.
    pub(super) fn of(setting: &LabSetting, bookings: &[Booking]) -> Self {
        let of_lab = || bookings.iter().filter(|booking| booking.lab == setting.lab.id);
        let span = |booking: &Booking| Interval::new(booking.slot.start(), booking.held_until());
        let own = of_lab()
            .filter(|booking| booking.state.is_live())
            .filter_map(|booking| {
                Some(OwnBooking {
                    id: booking.id.clone(),
                    slot: span(booking)?,
                    nodes: booking.nodes.clone(),
                })
            })
            .collect();
        let counted = |span: Interval| setting.lab.policy.counted(setting.zone, &span);
        Self { own, used: of_lab().filter_map(Booking::charged).map(counted).sum() }
    }

    /// By what is stored.
    pub(super) fn load(
        conn: &mut Conn<'_>,
        setting: &LabSetting,
        person: &PersonId,
    ) -> Result<Self, DbError> {
        Ok(Self::of(setting, &db::bookings_of_person(conn, person)?))
    }
}

/// The case of this person and lab.
pub(super) fn case<'a>(
    setting: &'a LabSetting,
    person: &Person,
    standing: &'a Standing,
    occupancy: &'a Occupancy,
    now: DateTime<Utc>,
) -> Case<'a> {
    Case {
        lab: &setting.lab,
        pool: &setting.pool,
        zone: setting.zone,
        parity: person.parity(),
        own: &standing.own,
        used: standing.used,
        occupancy,
        now,
    }
}
