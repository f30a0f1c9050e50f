//! How a person stands to a lab, with their own terms: all that the rules need to know but the pool.

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::exception::Exception;
use crate::domain::ids::{BookingId, LabId};
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::policy::admission::Case;
use crate::policy::exceptions;
use crate::policy::standing::Standing;

/// One person and one lab.
#[derive(Debug, Clone)]
pub struct Situation {
    /// The lab with its surroundings. Its rules are the person's own where staff granted an exception.
    pub setting: LabSetting,
    /// What the person has and had.
    pub standing: Standing,
}

impl Situation {
    /// By all exceptions and bookings of the person, as if the booking `except` were not among them.
    pub(super) fn of(
        mut setting: LabSetting,
        person: &Person,
        exceptions: &[Exception],
        bookings: &[Booking],
        except: Option<&BookingId>,
        now: DateTime<Utc>,
    ) -> Self {
        let terms = exceptions::terms(&setting.lab, person.parity(), exceptions, now);
        let standing = Standing { enrolled: person.enrolled, ..Standing::blank(terms.parity) };
        let standing = standing.with(&terms.lab, setting.zone, bookings, except);
        setting.lab = terms.lab;
        Self { setting, standing }
    }

    /// By what is stored; nothing if there is no such lab.
    pub(super) fn load(
        conn: &mut Conn<'_>,
        lab: &LabId,
        person: &Person,
        except: Option<&BookingId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, DbError> {
        let Some(setting) = db::lab_setting(conn, lab)? else { return Ok(None) };
        let exceptions = db::exceptions_of_person(conn, &person.id)?;
        let bookings = db::bookings_of_person(conn, &person.id)?;
        Ok(Some(Self::of(setting, person, &exceptions, &bookings, except, now)))
    }

    /// The case of this person and lab.
    pub(super) fn case<'a>(&'a self, occupancy: &'a Occupancy, now: DateTime<Utc>) -> Case<'a> {
        let LabSetting { lab, pool, zone, .. } = &self.setting;
        Case { lab, pool, zone: *zone, standing: &self.standing, occupancy, now }
    }
}
