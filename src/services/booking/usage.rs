//! Whether a booking is used, as far as its page shows and tells of that.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::booking::{Booking, State};
use crate::domain::person::Person;
use crate::domain::reaper::NoShowSignal;
use crate::services::App;
use crate::services::booking::BookingView;

/// What is known of the use of an active booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Whether its student has looked at its page since it is active.
    pub opened: bool,
    /// What they were told, if they were told that it would be released.
    pub told: Option<ToldUnused>,
}

/// A student was told that a booking is released if nobody uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldUnused {
    /// When that is.
    pub release_at: DateTime<Utc>,
    /// What keeps it.
    pub signal: NoShowSignal,
    /// Whether that has happened.
    pub kept: bool,
}

/// The use of a booking, if it is active.
pub(super) fn usage(conn: &mut Conn<'_>, booking: &Booking) -> Result<Option<Usage>, DbError> {
    if !matches!(booking.state, State::Active { .. }) {
        return Ok(None);
    }
    let known = db::booking_use(conn, &booking.id)?;
    let opened = known.opened_at.is_some();
    let Some(warned_at) = known.no_show_warned_at else { return Ok(Some(Usage { opened, told: None })) };
    let told = db::reaper_policy(conn)?.and_then(|policy| policy.no_show).map(|rule| ToldUnused {
        release_at: warned_at + rule.grace(),
        signal: rule.signal,
        kept: match rule.signal {
            NoShowSignal::NotOpened => opened,
            NoShowSignal::NoServer => known.server_ran_at.is_some(),
        },
    });
    Ok(Some(Usage { opened, told }))
}

/// Notes, once, that a student looks at their booking while it is active: then it is used. Staff who look at it do not count.
/// A database that can't be written to keeps nobody from their page.
pub async fn note_opened(app: &Arc<App>, person: &Person, view: &mut BookingView) {
    let own = view.booking.person == person.id;
    let Some(usage) = view.usage.as_mut().filter(|usage| own && !usage.opened) else { return };
    let (inner, id) = (app.clone(), view.booking.id.clone());
    let noted = app
        .db
        .write::<_, DbError, _>("opened", move |conn| {
            let booking = db::booking_locked(conn, &id)?;
            let active = booking.is_some_and(|booking| matches!(booking.state, State::Active { .. }));
            let first = active && db::note_opened(conn, &id, inner.now())?;
            if first && db::booking_use(conn, &id)?.no_show_warned_at.is_some() {
                db::touch_booking(conn, &id)?;
            }
            Ok(first)
        })
        .await;
    match noted {
        Ok(_) => {
            usage.opened = true;
            if let Some(told) = usage.told.as_mut() {
                told.kept |= told.signal == NoShowSignal::NotOpened;
            }
        }
        Err(error) => {
            tracing::warn!(booking = %view.booking.id, %error, "that its page was opened is not noted");
        }
    }
}
