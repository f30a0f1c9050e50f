//! Warnings before the end of bookings.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Kind, tell, warnings};
use crate::db::{self, Conn, DbError};
use crate::domain::booking::Booking;
use crate::domain::ids::BookingId;
use crate::domain::link::Link;
use crate::domain::person::Choices;
use crate::domain::resource::Resource;
use crate::mail::messages::Occurrence;
use crate::mail::messages::ending::{Later, Ways};
use crate::policy::reminders;
use crate::services::booking::{self, BookingError, Extension};
use crate::services::{App, links};

/// How many bookings one transaction looks at.
const BATCH: usize = 500;

/// Writes the warnings that are due, and says how many were new.
pub async fn remind(app: &Arc<App>) -> Result<usize, DbError> {
    let (mut told, mut after) = (0, None);
    loop {
        let (inner, from) = (app.clone(), after.clone());
        let batch = app.db.write("remind", move |conn| remind_batch(&inner, conn, from.as_ref())).await?;
        told += batch.told;
        if batch.last.is_none() {
            return Ok(told);
        }
        after = batch.last;
    }
}

/// What came of one batch of bookings.
struct Batch {
    told: usize,
    /// Where the next one begins, if there may be one.
    last: Option<(DateTime<Utc>, BookingId)>,
}

fn remind_batch(
    app: &App,
    conn: &mut Conn<'_>,
    after: Option<&(DateTime<Utc>, BookingId)>,
) -> Result<Batch, DbError> {
    let now = app.now();
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let ending = db::active_bookings_ending(conn, now, now + reminders::EARLIEST, after, limit)?;
    let mut told = 0;
    for (booking, choices) in &ending {
        if let Some(minutes) = due(conn, booking, choices, now)?
            && let Some(setting) = db::lab_setting(conn, &booking.lab)?
        {
            told += usize::from(tell(app, conn, &Kind::EndingSoon(minutes), booking, &setting)?);
        }
    }
    let last = ending.get(BATCH - 1).map(|(booking, _)| (booking.slot.end(), booking.id.clone()));
    Ok(Batch { told, last })
}

/// The warning that is due, in minutes before the end. Only if one is by what the booking tells is the outbox asked.
fn due(
    conn: &mut Conn<'_>,
    booking: &Booking,
    choices: &Choices,
    now: DateTime<Utc>,
) -> Result<Option<i32>, DbError> {
    let (end, ready_at) = (booking.slot.end(), booking.state.ready_at().unwrap_or(booking.slot.start()));
    if reminders::warning_due(choices, ready_at, end, now).is_none() {
        return Ok(None);
    }
    let warned_at = db::last_notice_at(conn, &warnings(&booking.id))?;
    Ok(reminders::warning_due(choices, warned_at.map_or(ready_at, |at| at.max(ready_at)), end, now))
}

/// The resources of a booking whose end is near, and what its person can do.
pub(super) fn ways(
    app: &App,
    conn: &mut Conn<'_>,
    it: &Occurrence<'_>,
) -> Result<(Vec<Resource>, Ways), DbError> {
    let (booking, person) = (it.booking, &it.person.id);
    let resources = db::resources(conn, &booking.id)?;
    let end = booking.slot.end();
    let found = booking::extension(conn, it.person, booking, &resources, it.now);
    let later = match found.map_err(unexpected)? {
        Extension::To(to) => {
            let link = Link::Extend { booking: booking.id.clone(), from: end, to };
            Later::To(to, links::url(app, person, &link))
        }
        Extension::Asked(end) => Later::Asked(end),
        Extension::No(violations) => {
            Later::No(violations.iter().map(|violation| violation.sentence(it.zone)).collect())
        }
    };
    let release = Link::Release { booking: booking.id.clone(), end };
    Ok((resources, Ways { later, release_url: links::url(app, person, &release) }))
}

fn unexpected(error: BookingError) -> DbError {
    match error {
        BookingError::Db(error) => error,
        other => DbError::Corrupt(other.to_string()),
    }
}
