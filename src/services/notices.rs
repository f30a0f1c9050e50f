//! Putting mails into the outbox, in the transaction of what they tell.

use super::App;
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::notice::Notice;
use crate::domain::person::Person;
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
            Self::Ended => format!("ended/{id}"),
        }
    }
}

/// Puts a mail about the booking into the outbox, unless it is there already. Says whether it did.
pub fn tell(
    app: &App,
    conn: &mut Conn<'_>,
    kind: &Kind<'_>,
    booking: &Booking,
    setting: &LabSetting,
) -> Result<bool, DbError> {
    let Some(person) = db::person(conn, &booking.person)? else { return Ok(false) };
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
        Kind::Ended => messages::ended(occurrence),
    };
    let message = message.map_err(|error| DbError::Corrupt(format!("a mail can't be written: {error}")))?;
    db::enqueue(conn, &notice(app, &person, kind.dedupe_key(booking), message))
}

fn notice(app: &App, person: &Person, dedupe_key: String, message: Message) -> Notice {
    Notice {
        id: app.notice_id(),
        dedupe_key,
        person: person.id.clone(),
        recipient: person.mail.clone(),
        subject: message.subject,
        body: message.body,
        calendar: message.calendar,
        created_at: app.now(),
        attempts: 0,
    }
}

/// How many bookings one tick reminds of.
const BATCH: i64 = 500;

/// Writes the "ending soon" mails that are due, and says how many were new.
pub async fn remind(app: &std::sync::Arc<App>) -> Result<usize, DbError> {
    let app = app.clone();
    let db = app.db.clone();
    db.write("remind", move |conn| {
        let now = app.now();
        let mut told = 0;
        for (booking, _) in db::live_bookings_ending(conn, now + reminders::ENDING_SOON, BATCH)? {
            let active = booking.state.word() == "active";
            if active
                && reminders::ending_soon_is_due(booking.slot.end(), now)
                && let Some(setting) = db::lab_setting(conn, &booking.lab)?
            {
                told += usize::from(tell(&app, conn, &Kind::EndingSoon, &booking, &setting)?);
            }
        }
        Ok(told)
    })
    .await
}
