//! Putting mails into the outbox, in the transaction of what they tell.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::App;
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::ids::{BookingId, PersonId};
use crate::domain::notice::Notice;
use crate::domain::person::{Choices, Person};
use crate::domain::reaper::NoShowSignal;
use crate::mail::messages::{self, Message, Occurrence};
use crate::policy::reminders;

/// Which mail about a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The place is the student's.
    Booked,
    /// It has another slot now.
    Moved,
    /// The servers can be used, by this command.
    Ready(Option<&'a str>),
    /// The end is near.
    EndingSoon,
    /// Nobody uses it: it is released then, unless this tells that someone does.
    NotUsed {
        /// When.
        release_at: DateTime<Utc>,
        /// What keeps it.
        signal: NoShowSignal,
    },
    /// The cloud could not provide it.
    Failed,
    /// It is over and everything is deleted.
    Ended,
}

impl Kind<'_> {
    /// There is one mail of each kind about a booking; of "moved" and "ending soon", one about each slot or end that it gets.
    fn dedupe_key(&self, booking: &Booking) -> String {
        let id = &booking.id;
        match self {
            Self::Booked => format!("booked/{id}"),
            Self::Moved => format!("moved/{id}/{}", booking.slot.start().timestamp()),
            Self::Ready(_) => format!("ready/{id}"),
            Self::EndingSoon => format!("ending-soon/{id}/{}", booking.slot.end().timestamp()),
            Self::NotUsed { .. } => format!("not-used/{id}"),
            Self::Failed => format!("failed/{id}"),
            Self::Ended => format!("ended/{id}"),
        }
    }

    /// What carries an invitation is always wanted, and what tells of a loss. When one is reminded is for [`remind`] to know.
    fn is_wanted(&self, choices: &Choices, booking: &Booking) -> bool {
        match self {
            Self::Booked | Self::Moved | Self::EndingSoon | Self::NotUsed { .. } | Self::Failed => true,
            Self::Ready(_) => choices.ready,
            Self::Ended => reminders::ended_is_wanted(choices, &booking.state),
        }
    }
}

/// Puts a mail about the booking into the outbox, unless it is there already or its person does not want it. Says whether
/// it did.
pub fn tell(
    app: &App,
    conn: &mut Conn<'_>,
    kind: &Kind<'_>,
    booking: &Booking,
    setting: &LabSetting,
) -> Result<bool, DbError> {
    let Some(person) = db::person(conn, &booking.person)? else { return Ok(false) };
    if !kind.is_wanted(&person.choices, booking) {
        return Ok(false);
    }
    let Some(course) = db::course_card(conn)? else { return Ok(false) };
    let occurrence = Occurrence {
        booking,
        person: &person,
        lab: &setting.lab.title,
        course: &course.title,
        contact: &course.contact,
        zone: setting.zone,
        public_url: &app.public_url,
        now: app.now(),
    };
    let message = match kind {
        Kind::Booked => messages::booked(occurrence),
        Kind::Moved => messages::moved(occurrence),
        Kind::Ready(ssh) => messages::ready(occurrence, *ssh),
        Kind::EndingSoon => messages::ending_soon(occurrence),
        Kind::NotUsed { release_at, signal } => messages::not_used(occurrence, *release_at, *signal),
        Kind::Failed => messages::failed(occurrence),
        Kind::Ended => messages::ended(occurrence),
    };
    let message = written(message)?;
    db::enqueue(conn, &notice(app, Some(person.id), person.mail, kind.dedupe_key(booking), message))
}

/// Puts a mail to this person into the outbox, unless it is there already. Says whether it did.
pub(super) fn tell_one(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    key: &str,
    message: Result<Message, askama::Error>,
) -> Result<bool, DbError> {
    let message = written(message)?;
    let (id, mail) = (person.id.clone(), person.mail.clone());
    db::enqueue(conn, &notice(app, Some(id), mail, format!("{key}/{}", person.id), message))
}

/// Puts a mail to each of the staff into the outbox, or to the course's own address while there are none: one to each about
/// what `key` says. Says whether any of them is new.
pub(super) fn tell_staff(
    app: &App,
    conn: &mut Conn<'_>,
    key: &str,
    message: Result<Message, askama::Error>,
) -> Result<bool, DbError> {
    let message = written(message)?;
    let mut told = false;
    let staff = db::staff(conn)?;
    if staff.is_empty()
        && let Some(course) = db::course_card(conn)?
    {
        told =
            db::enqueue(conn, &notice(app, None, course.contact, format!("{key}/contact"), message.clone()))?;
    }
    for person in staff {
        let dedupe_key = format!("{key}/{}", person.id);
        told |= db::enqueue(conn, &notice(app, Some(person.id), person.mail, dedupe_key, message.clone()))?;
    }
    Ok(told)
}

fn written(message: Result<Message, askama::Error>) -> Result<Message, DbError> {
    message.map_err(|error| DbError::Corrupt(format!("a mail can't be written: {error}")))
}

fn notice(
    app: &App,
    person: Option<PersonId>,
    recipient: String,
    dedupe_key: String,
    message: Message,
) -> Notice {
    Notice {
        id: app.notice_id(),
        dedupe_key,
        person,
        recipient,
        subject: message.subject,
        body: message.body,
        calendar: message.calendar,
        created_at: app.now(),
        attempts: 0,
    }
}

/// How many bookings one transaction looks at.
const BATCH: usize = 500;

/// Writes the "ending soon" mails that are due, and says how many were new.
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
        if reminders::ending_soon_is_due(choices, booking.slot.end(), now)
            && let Some(setting) = db::lab_setting(conn, &booking.lab)?
        {
            told += usize::from(tell(app, conn, &Kind::EndingSoon, booking, &setting)?);
        }
    }
    let last = ending.get(BATCH - 1).map(|(booking, _)| (booking.slot.end(), booking.id.clone()));
    Ok(Batch { told, last })
}
