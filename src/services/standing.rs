//! How a person stands to a lab: what the rules need to know of them.

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::ids::{LabId, PersonId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::policy::admission::{Case, OwnBooking};

/// The case of this person and lab.
pub(super) fn case<'a>(
    setting: &'a LabSetting,
    person: &Person,
    own: &'a [OwnBooking],
    occupancy: &'a Occupancy,
    now: DateTime<Utc>,
) -> Case<'a> {
    Case {
        lab: &setting.lab,
        pool: &setting.pool,
        zone: setting.zone,
        parity: person.parity(),
        own,
        occupancy,
        now,
    }
}

/// What the rules need to know of these bookings of one lab.
pub(super) fn own_of_lab(bookings: &[Booking]) -> Vec<OwnBooking> {
    let span = |booking: &Booking| Interval::new(booking.slot.start(), booking.held_until());
    bookings
        .iter()
        .filter_map(|booking| Some(OwnBooking { id: booking.id.clone(), slot: span(booking)? }))
        .collect()
}

/// The person's live bookings of this lab.
pub(super) fn own(conn: &mut Conn<'_>, person: &PersonId, lab: &LabId) -> Result<Vec<OwnBooking>, DbError> {
    let live = db::live_bookings(conn, person)?;
    Ok(own_of_lab(&live.into_iter().filter(|booking| booking.lab == *lab).collect::<Vec<_>>()))
}
