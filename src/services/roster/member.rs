//! One person of the course, as staff see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{App, RosterError, departures, hours, list};
use crate::db::{self, Conn, DbError, Enrolment};
use crate::domain::audit::{Action, Doer};
use crate::domain::booking::Booking;
use crate::domain::exception::Exception;
use crate::domain::ids::{LabId, PersonId};
use crate::domain::notice::Bounce;
use crate::domain::person::Parity;
use crate::services::audit::{self, Entry};

/// Bookings of a person that their page lists.
const BOOKINGS: i64 = 20;

/// All that staff see of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// What is kept of them.
    pub enrolment: Enrolment,
    /// Their parity at present, whatever lab it is.
    pub parity: Option<Parity>,
    /// Whether staff set it.
    pub parity_is_set: bool,
    /// Their exceptions that were not taken back, accommodations among them, latest first.
    pub exceptions: Vec<Exception>,
    /// Their latest bookings, latest start first.
    pub bookings: Vec<Booking>,
    /// What labs are called.
    pub labs: BTreeMap<LabId, String>,
    /// That mail to them comes back, if it does.
    pub bounce: Option<Bounce>,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// A person of the course, who is in it or was.
pub fn member(app: &App, conn: &mut Conn<'_>, id: &PersonId) -> Result<Option<MemberView>, DbError> {
    let Some(enrolment) = db::enrolment(conn, id)? else { return Ok(None) };
    let now = app.now();
    let exceptions = db::exceptions_of_person(conn, id)?;
    let holding = exceptions.iter().filter(|it| it.until.is_none_or(|until| now < until)).cloned().collect();
    let set = list::parities(holding).remove(id);
    let bookings = db::latest_bookings(conn, Some(&enrolment.net_id), BOOKINGS)?;
    Ok(Some(MemberView {
        parity: set.or_else(|| Parity::of(&enrolment.net_id)),
        parity_is_set: set.is_some(),
        exceptions,
        bookings: bookings.into_iter().map(|(booking, _)| booking).collect(),
        labs: db::lab_titles(conn)?,
        bounce: db::bounce_of(conn, id, &enrolment.mail)?,
        enrolment,
        now,
    }))
}

/// Someone drops the course, by a word of staff: what they have booked ends so many hours later. Who has dropped it already
/// keeps the time that they were told. False if nobody in the course has this id.
pub async fn drop_out(
    app: &Arc<App>,
    id: PersonId,
    after_hours: i64,
    doer: Doer,
) -> Result<bool, RosterError> {
    let after = hours(after_hours)?;
    let inner = app.clone();
    app.db
        .write::<_, RosterError, _>("roster: drop", move |conn| {
            let Some(person) = db::person(conn, &id)?.filter(|person| person.role.is_some()) else {
                return Ok(false);
            };
            if person.enrolled {
                departures::leave(&inner, conn, &person, after)?;
                let entry = Entry::new(Action::Dropped).about(&id).after(json!({"hours": after_hours}));
                audit::record(&inner, conn, &doer, entry)?;
            }
            Ok(true)
        })
        .await
}

/// Someone takes the course again, with what they still have. False if nobody who was in the course has this id.
pub async fn take_back(app: &Arc<App>, id: PersonId, doer: Doer) -> Result<bool, DbError> {
    let inner = app.clone();
    app.db
        .write::<_, DbError, _>("roster: take back", move |conn| {
            let Some(person) = db::person(conn, &id)?.filter(|person| person.role.is_some()) else {
                return Ok(false);
            };
            if !person.enrolled {
                db::set_dropped(conn, &id, None)?;
                audit::record(&inner, conn, &doer, Entry::new(Action::Enrolled).about(&id))?;
            }
            Ok(true)
        })
        .await
}
