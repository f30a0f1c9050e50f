//! Putting mails into the outbox, in the transaction of what they tell.

mod line;
mod remind;

use chrono::{DateTime, Utc};

pub use self::line::{tell_lapsed, tell_offer, tell_wait_over, withdraw_offer};
pub use self::remind::remind;
use super::{App, digest};
use crate::db::{self, Conn, CourseCard, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::ids::{BookingId, PersonId};
use crate::domain::notice::{Notice, Topic, Way};
use crate::domain::person::{Choices, Person};
use crate::domain::reaper::NoShowSignal;
use crate::mail::messages::{self, Message, Occurrence};
use crate::policy::reminders;

/// Which mail about a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The place is the student's.
    Booked,
    /// The same of one that its student waited for. It takes the place of [`Kind::Booked`].
    BookedFromLine,
    /// It has another slot now.
    Moved,
    /// The servers can be used, by this command.
    Ready(Option<&'a str>),
    /// The end is near: the warning so many minutes before it.
    EndingSoon(i32),
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
    /// There is one mail of each kind about a booking; of "moved", one about each slot that it gets, and of warnings one of
    /// each about each end.
    fn dedupe_key(&self, booking: &Booking) -> String {
        let id = &booking.id;
        match self {
            Self::Booked | Self::BookedFromLine => format!("booked/{id}"),
            Self::Moved => format!("moved/{id}/{}", booking.slot.start().timestamp()),
            Self::Ready(_) => format!("ready/{id}"),
            Self::EndingSoon(minutes) => {
                format!("{}/{}/{minutes}", warnings(id), booking.slot.end().timestamp())
            }
            Self::NotUsed { .. } => format!("not-used/{id}"),
            Self::Failed => format!("failed/{id}"),
            Self::Ended => format!("ended/{id}"),
        }
    }

    fn topic(&self) -> Topic {
        match self {
            Self::Booked | Self::BookedFromLine | Self::Moved => Topic::Booking,
            Self::Ready(_) => Topic::Ready,
            Self::EndingSoon(_) => Topic::Ending,
            Self::NotUsed { .. } => Topic::Unused,
            Self::Failed => Topic::Failed,
            Self::Ended => Topic::Ended,
        }
    }

    /// How its person hears of it. When one is reminded is for [`remind`] to know.
    fn way(&self, choices: &Choices, booking: &Booking) -> Way {
        match self {
            Self::Ended => reminders::way_of_ended(choices, &booking.state),
            _ => choices.way(self.topic()),
        }
    }

    /// When it is of no use any more, if it ever is.
    fn stale_at(&self, booking: &Booking) -> Option<DateTime<Utc>> {
        match self {
            Self::Ready(_) | Self::EndingSoon(_) => Some(booking.slot.end()),
            Self::NotUsed { release_at, .. } => Some(*release_at),
            Self::Booked | Self::BookedFromLine | Self::Moved | Self::Failed | Self::Ended => None,
        }
    }
}

/// What the dedupe keys of all warnings about a booking begin with, up to a slash.
fn warnings(id: &BookingId) -> String {
    format!("ending-soon/{id}")
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
    let way = kind.way(&person.choices, booking);
    if way == Way::Never {
        return Ok(false);
    }
    let Some(course) = db::course_card(conn)? else { return Ok(false) };
    let occurrence = occurrence(app, booking, &person, setting, &course);
    let message = match kind {
        Kind::Booked => messages::booked(occurrence),
        Kind::BookedFromLine => messages::waitlist::booked_from_line(occurrence),
        Kind::Moved => messages::moved(occurrence),
        Kind::Ready(ssh) => messages::ready(occurrence, *ssh),
        Kind::EndingSoon(_) => {
            let (resources, ways) = remind::ways(app, conn, &occurrence)?;
            messages::ending::ending_soon(occurrence, &resources, &ways)
        }
        Kind::NotUsed { release_at, signal } => messages::not_used(occurrence, *release_at, *signal),
        Kind::Failed => messages::failed(occurrence),
        Kind::Ended => messages::ending::ended(occurrence, &db::resources(conn, &booking.id)?),
    };
    let mail = mail(app, &person, kind.topic(), kind.dedupe_key(booking), written(message)?);
    put(app, conn, way, &Notice { stale_at: kind.stale_at(booking), ..mail })
}

fn occurrence<'a>(
    app: &'a App,
    booking: &'a Booking,
    person: &'a Person,
    setting: &'a LabSetting,
    course: &'a CourseCard,
) -> Occurrence<'a> {
    Occurrence {
        booking,
        person,
        lab: &setting.lab.title,
        course: &course.title,
        contact: &course.contact,
        zone: setting.zone,
        public_url: &app.public_url,
        now: app.now(),
    }
}

/// Puts a notice into the outbox, to be told this way, unless it is there already or its person does not want it. Says whether
/// it did.
pub(super) fn put(app: &App, conn: &mut Conn<'_>, way: Way, notice: &Notice) -> Result<bool, DbError> {
    match way {
        Way::Never => Ok(false),
        Way::Digest if notice.may_gather() => {
            let due = digest::next_at(app, conn)?;
            db::enqueue_for_digest(conn, notice, due)
        }
        Way::AtOnce | Way::Digest => db::enqueue(conn, notice),
    }
}

/// Puts a mail to this person into the outbox, as they want it, unless it is there already. Says whether it did.
pub(super) fn tell_one(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    topic: Topic,
    key: &str,
    message: Result<Message, askama::Error>,
) -> Result<bool, DbError> {
    let mail = mail(app, person, topic, format!("{key}/{}", person.id), written(message)?);
    put(app, conn, person.choices.way(topic), &mail)
}

/// Puts a mail to each of the staff into the outbox, as they want it, or to the course's own address while there are none: one to each about
/// what `key` says. Says whether any of them is new.
pub(super) fn tell_staff(
    app: &App,
    conn: &mut Conn<'_>,
    topic: Topic,
    key: &str,
    message: Result<Message, askama::Error>,
) -> Result<bool, DbError> {
    let message = written(message)?;
    let mut told = false;
    let staff = db::staff(conn)?;
    if staff.is_empty()
        && let Some(course) = db::course_card(conn)?
    {
        told = db::enqueue(
            conn,
            &notice(app, None, course.contact, topic, format!("{key}/contact"), message.clone()),
        )?;
    }
    for person in staff {
        let mail = mail(app, &person, topic, format!("{key}/{}", person.id), message.clone());
        told |= put(app, conn, person.choices.way(topic), &mail)?;
    }
    Ok(told)
}

pub(super) fn written(message: Result<Message, askama::Error>) -> Result<Message, DbError> {
    message.map_err(|error| DbError::Corrupt(format!("a mail can't be written: {error}")))
}

/// A notice to this person.
pub(super) fn mail(app: &App, person: &Person, topic: Topic, dedupe_key: String, message: Message) -> Notice {
    notice(app, Some(person.id.clone()), person.mail.clone(), topic, dedupe_key, message)
}

fn notice(
    app: &App,
    person: Option<PersonId>,
    recipient: String,
    topic: Topic,
    dedupe_key: String,
    message: Message,
) -> Notice {
    Notice {
        id: app.notice_id(),
        dedupe_key,
        topic,
        person,
        recipient,
        subject: message.subject,
        body: message.body,
        calendar: message.calendar,
        created_at: app.now(),
        stale_at: None,
        attempts: 0,
    }
}
