//! What a student does with a booking: make it, change it, give it back.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::App;
use super::extending;
use super::lead::{self, Outlook};
use crate::auth::permissions::{Permission, Relation};
use crate::db::{self, Conn, DbError, LabSetting, MaybeDbError};
use crate::domain::blueprint::{Kind as ResourceKind, Spec};
use crate::domain::booking::{Booking, Event, State, WrongState};
use crate::domain::health::Health;
use crate::domain::ids::{BookingId, LabId, ResourceKey};
use crate::domain::interval::Interval;
use crate::domain::outage::Hit;
use crate::domain::person::Person;
use crate::domain::resource::Resource;
use crate::policy::admission::{self, Violation};
use crate::policy::availability;

mod book;
mod change;
mod later;
mod release;
mod usage;

pub use book::{Wish, book, explain};
pub(in crate::services) use book::{free_seat, grant, new_booking, plan_resources};
use change::place_without;
pub(in crate::services) use change::{
    ask_end, drop_wanted_slot, extend_lease, take_wanted_end, take_wanted_slot,
};
pub use change::{change, change_if};
pub(in crate::services) use later::{Extension, against_end, extension};
use release::gift;
pub use release::{Gift, release, release_if};
pub(in crate::services) use release::{end, fail};
use usage::usage;
pub use usage::{ToldUnused, Usage, note_opened};

/// Why a wish was not met.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    /// There is no such lab.
    #[error("there is no lab \"{0}\"")]
    NoSuchLab(LabId),
    /// There is no such booking, or it is not this person's.
    #[error("there is no booking \"{0}\"")]
    NoSuchBooking(BookingId),
    /// The person has no SSH public key yet, without which nobody could use the servers.
    #[error("there is no SSH public key to put on the servers")]
    NoKey,
    /// Rules are broken.
    #[error("{} rules are broken", .0.violations.len())]
    Refused(Refusal),
    /// It has begun, and only its end can be another.
    #[error("the booking has begun: its end can be another, its start can't")]
    Begun,
    /// It is not what the person saw of it when they decided; nothing was done.
    #[error("the booking has changed since it was looked at")]
    Changed,
    /// The booking is not in a state in which that can be done.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for BookingError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// What someone saw of a booking when they decided to change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// They did not look, or it is all the same to them.
    Anything,
    /// A booking with one of these marks ([`Booking::mark`]).
    OneOf(Vec<String>),
}

impl Seen {
    fn check(&self, booking: &Booking) -> Result<(), BookingError> {
        match self {
            Self::OneOf(marks) if !marks.contains(&booking.mark()) => Err(BookingError::Changed),
            _ => Ok(()),
        }
    }
}

/// Every rule that is broken, and what would be accepted instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rules. Never empty.
    pub violations: Vec<Violation>,
    /// The legal slots nearest to the wish, nearest first.
    pub nearest: Vec<Interval>,
    /// The course's zone, for the sentences.
    pub zone: Tz,
}

pub(in crate::services) fn log(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    actor: &str,
    what: &str,
) -> Result<(), DbError> {
    db::log_event(conn, &booking.id, &Event { at: app.now(), actor: actor.to_owned(), what: what.to_owned() })
}

pub(super) fn log_by(
    app: &App,
    conn: &mut Conn<'_>,
    id: &BookingId,
    actor: &str,
    what: &str,
) -> Result<(), BookingError> {
    let event = Event { at: app.now(), actor: actor.to_owned(), what: what.to_owned() };
    Ok(db::log_event(conn, id, &event)?)
}

/// A booking as its page shows it.
#[derive(Debug, Clone)]
pub struct BookingView {
    /// The booking.
    pub booking: Booking,
    /// Whose it is, if it is somebody else's than the viewer's.
    pub of_other: Option<Person>,
    /// Its resources, in the order of making.
    pub resources: Vec<Resource>,
    /// Its lab with its surroundings.
    pub setting: LabSetting,
    /// What happened, oldest first.
    pub events: Vec<Event>,
    /// Other ends that it may have now.
    pub ends: OtherEnds,
    /// When it begins to be prepared, and whether that is likely in time.
    pub outlook: Outlook,
    /// What giving it back now would leave to others, while it is live.
    pub gift: Option<Gift>,
    /// What is known of its use, while it is active.
    pub usage: Option<Usage>,
    /// How the site does; nothing if it was not seen yet.
    pub health: Option<Health>,
    /// The `ssh` command that leads to it, once there is one.
    pub ssh: Option<String>,
    /// What an outage did to it, if one hit it.
    pub hit: Option<Hit>,
    /// The booking in whose place it is, which an outage hit.
    pub replaces: Option<Hit>,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// Ends that a booking may have in the place of its own, in order; none before it has begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherEnds {
    /// Later ones.
    pub later: Vec<DateTime<Utc>>,
    /// Earlier ones.
    pub earlier: Vec<DateTime<Utc>>,
    /// What stands against any other end: its site changes none.
    pub fixed: Option<Violation>,
}

/// Lines of a booking's log that its page shows.
const LOG_LINES: i64 = 200;

/// A booking that this person may see, with all that its page shows; what may be done to it only if it is their own.
/// [`BookingError::NoSuchBooking`] if they may not see it.
pub fn view(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
) -> Result<BookingView, BookingError> {
    let (booking, of_other) = shown_to(conn, person, id)?;
    let setting =
        db::lab_setting(conn, &booking.lab)?.ok_or_else(|| BookingError::NoSuchLab(booking.lab.clone()))?;
    let resources = db::resources(conn, id)?;
    let now = app.now();
    let ends = match of_other {
        None => other_ends(conn, person, &booking, &resources, now)?,
        Some(_) => OtherEnds::default(),
    };
    let outlook = lead::outlook(conn, &booking, now)?;
    let gift = gift(conn, &booking, now)?;
    let usage = usage(conn, &booking)?;
    let health = db::site_health(conn, &setting.site.id)?;
    let ssh = ssh_command(&setting, &resources);
    let (hit, replaces) = (db::hit_of_booking(conn, id)?, db::hit_replaced_by(conn, id)?);
    let events = db::events(conn, id, LOG_LINES)?;
    Ok(BookingView {
        booking,
        of_other,
        resources,
        setting,
        events,
        ends,
        outlook,
        gift,
        usage,
        health,
        ssh,
        hit,
        replaces,
        now,
    })
}

/// Later and earlier ends that a booking which has begun may have now.
fn other_ends(
    conn: &mut Conn<'_>,
    person: &Person,
    booking: &Booking,
    resources: &[Resource],
    now: DateTime<Utc>,
) -> Result<OtherEnds, BookingError> {
    let begun = matches!(booking.state, State::Preparing | State::Active { .. });
    if !begun || booking.wanted_end.is_some() {
        return Ok(OtherEnds::default());
    }
    if let Some(fixed) = extending::refusal(conn, booking, resources, now)? {
        return Ok(OtherEnds { fixed: Some(fixed), ..OtherEnds::default() });
    }
    let reach = |setting: &LabSetting| {
        let length = setting.lab.policy.longest().max(booking.slot.length());
        let whole = Interval::new(booking.slot.start(), booking.slot.start() + length);
        admission::span_to_know(&setting.lab, &setting.pool, &whole.unwrap_or(booking.slot))
    };
    let (situation, occupancy) = place_without(conn, person, booking, reach, now)?;
    let case = situation.case(&occupancy, now);
    Ok(OtherEnds {
        later: availability::extensions(&case, &booking.slot),
        earlier: availability::shortenings(&case, &booking.slot),
        fixed: None,
    })
}

/// `ssh cc@203.0.113.9`: the first floating IP of a server, and the account that the image gives the key to.
pub(super) fn ssh_command(setting: &LabSetting, resources: &[Resource]) -> Option<String> {
    let is_server = |key: &ResourceKey| {
        resources.iter().any(|resource| resource.key == *key && resource.kind() == ResourceKind::Server)
    };
    let address = resources
        .iter()
        .filter(|resource| matches!(&resource.spec, Spec::FloatingIp { server, .. } if is_server(server)))
        .find_map(|resource| resource.facts.address.as_deref())?;
    Some(format!("ssh {}@{address}", setting.lab.blueprint.login))
}

/// A booking that the person may see, with whose it is if it is not their own.
fn shown_to(
    conn: &mut Conn<'_>,
    person: &Person,
    id: &BookingId,
) -> Result<(Booking, Option<Person>), BookingError> {
    let none = || BookingError::NoSuchBooking(id.clone());
    let booking = db::booking(conn, id)?.ok_or_else(none)?;
    if booking.person == person.id {
        return Ok((booking, None));
    }
    let owner = db::person(conn, &booking.person)?.ok_or_else(none)?;
    if Permission::SeeBooking.allows(person, Relation::of(person, &owner)) {
        Ok((booking, Some(owner)))
    } else {
        Err(none())
    }
}

fn own_booking(person: &Person, booking: Option<Booking>, id: &BookingId) -> Result<Booking, BookingError> {
    booking
        .filter(|booking| booking.person == person.id)
        .ok_or_else(|| BookingError::NoSuchBooking(id.clone()))
}
