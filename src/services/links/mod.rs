//! Links in mails that do one thing for one person without a session: the token in the address is the permission.
//!
//! A token is stateless: signed, bound to a person, with an end, and to the state that it acts on ([`Link`]). Who holds one
//! can act only as that person may, and only while what it is about is theirs. Of a token that this installation has not
//! signed nothing is said, so nobody learns from it what exists.

mod offers;
mod token;
mod topics;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::offers::Way;
use self::token::Ticket;
use super::App;
use super::booking::{self, BookingError, BookingView, Refusal, Seen};
use super::reaping::{self, RestoreError};
use crate::db::{self, Conn, DbError, Mark};
use crate::domain::audit::Doer;
use crate::domain::ids::{BookingId, PersonId};
use crate::domain::interval::Interval;
use crate::domain::link::Link;
use crate::domain::marked::{RESTORES, Stage};
use crate::domain::notice::Topic;
use crate::domain::person::{Choices, Person};

/// The address that does this for this person. Nothing is written, and nothing asked of the database.
pub fn url(app: &App, person: &PersonId, link: &Link) -> String {
    let ticket =
        Ticket { person: person.clone(), expires_at: link.expires_at(app.now()), link: link.clone() };
    format!("{}/links/{}", app.public_url, token::write(&app.link_key, &ticket))
}

/// Whether mails about this can be turned off by a link.
pub fn may_turn_off(topic: Topic) -> bool {
    topics::is_on(&Choices::default(), topic).is_some()
}

/// Whose a link is, if this installation has made it. Nothing is asked of the database.
pub fn whose(app: &App, token: &str) -> Option<PersonId> {
    token::read(&app.link_key, token).map(|ticket| ticket.person)
}

/// What there is to say to someone who follows a link.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The link can be followed, and would do this.
    Offer(Offer),
    /// It was followed just now.
    Done(Done),
    /// A rule stands against this later end at present. Nothing was done.
    Refused(Box<OfBooking>, DateTime<Utc>, Refusal),
    /// The booking has another end than the link says, or is to have one: this later end, if the link was used.
    OtherEnd(Box<OfBooking>, DateTime<Utc>),
    /// The booking is over.
    Over(Box<OfBooking>),
    /// The offer was passed on, or not answered in time.
    OfferOver(OfferOver),
    /// The offer was taken before: the booking is the person's.
    OfferTaken(Box<OfBooking>),
    /// The offer stands up to this instant, but the person has no SSH key, without which nobody could use the servers.
    NeedsKey(Box<OfBooking>, DateTime<Utc>),
    /// A rule stands against taking what is offered. Nothing was done.
    NotToBeHad(Box<OfBooking>, Refusal),
    /// The object was taken back before, and is left alone up to this instant.
    TakenBack(Box<Object>, DateTime<Utc>),
    /// The object's deletion was asked for.
    TooLate(Box<Object>),
    /// It was taken back before, by its owner: more is staff's to decide.
    Often(Box<Object>),
    /// The person has no such object marked (any more).
    NotMarked,
    /// Mails about this are off already.
    IsOff(Topic),
    /// The link is too old.
    Expired(Link),
    /// This installation did not make the link, or it is not for this person to do (any more).
    Unknown,
}

/// What a link would do.
#[derive(Debug, Clone)]
pub enum Offer {
    /// Give a booking this later end.
    Extend(Box<OfBooking>, DateTime<Utc>),
    /// Give it back.
    Release(Box<OfBooking>),
    /// Take a booking that is offered up to this instant.
    Accept(Box<OfBooking>, DateTime<Utc>),
    /// Pass it on.
    Pass(Box<OfBooking>, DateTime<Utc>),
    /// Take an object back, which is then left alone for this long.
    Restore(Box<Object>, TimeDelta),
    /// Send this person no more mails about this.
    TurnOff(Box<Person>, Topic),
}

/// What a link has done.
#[derive(Debug, Clone)]
pub enum Done {
    /// A booking is to have this later end.
    Extended(Box<OfBooking>, DateTime<Utc>),
    /// A booking is given back.
    Released(Box<OfBooking>),
    /// What was offered is the person's.
    Accepted(Box<OfBooking>),
    /// What was offered is for others to have.
    Passed(Box<OfBooking>),
    /// An object is left alone up to this instant.
    Restored(Box<Object>, DateTime<Utc>, NotStarted),
    /// No more mails about this are sent.
    TurnedOff(Topic),
}

/// Why a server that was stopped does not run again, in the site's words.
pub type NotStarted = Option<String>;

/// A booking, and whose it is.
#[derive(Debug, Clone)]
pub struct OfBooking {
    /// Its person.
    pub person: Person,
    /// The booking, as its page shows it.
    pub view: BookingView,
}

/// An offer that can't be taken any more.
#[derive(Debug, Clone)]
pub struct OfferOver {
    /// Its booking.
    pub of: Box<OfBooking>,
    /// Up to when it stood.
    pub until: DateTime<Utc>,
    /// Whether its person waits for the lab now.
    pub waits: bool,
}

/// An object that the reaper has marked, and whose it is.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its owner.
    pub person: Person,
    /// Its mark.
    pub mark: Mark,
    /// What people call its site.
    pub site: String,
}

/// What following a link would do now. Changes nothing: programs that look through mails open links, too.
pub async fn look(app: &Arc<App>, token: &str) -> Result<Answer, BookingError> {
    let (inner, token) = (app.clone(), token.to_owned());
    app.db.read("link: look", move |conn| look_in(&inner, conn, &token)).await
}

/// Follows a link: does what it offers, if it offers anything. Following it again does nothing.
pub async fn follow(app: &Arc<App>, doer: &Doer, token: &str) -> Result<Answer, BookingError> {
    match look(app, token).await? {
        Answer::Offer(Offer::Extend(of, to)) => extend(app, token, *of, to).await,
        Answer::Offer(Offer::Release(of)) => release(app, token, *of).await,
        Answer::Offer(Offer::Accept(of, until)) => offers::accept(app, token, of, until).await,
        Answer::Offer(Offer::Pass(of, until)) => offers::pass(app, token, of, until).await,
        Answer::Offer(Offer::Restore(object, _)) => restore(app, doer, *object).await,
        Answer::Offer(Offer::TurnOff(person, topic)) => topics::turn_off(app, &person, topic).await,
        other => Ok(other),
    }
}

fn look_in(app: &App, conn: &mut Conn<'_>, token: &str) -> Result<Answer, BookingError> {
    let Some(ticket) = token::read(&app.link_key, token) else { return Ok(Answer::Unknown) };
    if ticket.expires_at <= app.now() {
        return Ok(Answer::Expired(ticket.link));
    }
    let Some(person) = db::person(conn, &ticket.person)? else { return Ok(Answer::Unknown) };
    match ticket.link {
        Link::Extend { booking, from, to } => match live(app, conn, person, &booking)? {
            Ok(of) => extension(conn, of, from, to),
            Err(answer) => Ok(answer),
        },
        Link::Release { booking, .. } => {
            let live = live(app, conn, person, &booking)?;
            Ok(live.map_or_else(|answer| answer, |of| Answer::Offer(Offer::Release(of))))
        }
        Link::Accept { booking, until } => offers::would(app, conn, person, &booking, until, Way::Accept),
        Link::Pass { booking, until } => offers::would(app, conn, person, &booking, until, Way::Pass),
        Link::Restore { site, kind, site_ref, warned_at } => {
            let mark = db::mark(conn, &site, kind, &site_ref)?;
            Ok(object(conn, person, mark, warned_at)?)
        }
        Link::TurnOff { topic } => Ok(topics::would_turn_off(person, topic)),
    }
}

/// The booking, if it is this person's and not over, else what to say. Staff see bookings of others on their pages, but act
/// on none by links.
fn live(
    app: &App,
    conn: &mut Conn<'_>,
    person: Person,
    id: &BookingId,
) -> Result<Result<Box<OfBooking>, Answer>, BookingError> {
    let view = match booking::view(app, conn, &person, id) {
        Ok(view) if view.booking.person == person.id => view,
        Ok(_) | Err(BookingError::NoSuchBooking(_)) => return Ok(Err(Answer::Unknown)),
        Err(error) => return Err(error),
    };
    let is_live = view.booking.state.is_live();
    let of = Box::new(OfBooking { person, view });
    Ok(if is_live { Ok(of) } else { Err(Answer::Over(of)) })
}

fn extension(
    conn: &mut Conn<'_>,
    of: Box<OfBooking>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Answer, BookingError> {
    let OfBooking { person, view } = &*of;
    if view.booking.slot.end() != from || view.booking.wanted_end.is_some() {
        return Ok(Answer::OtherEnd(of, to));
    }
    if view.ends.later.contains(&to) {
        return Ok(Answer::Offer(Offer::Extend(of, to)));
    }
    let violations = booking::against_end(conn, person, &view.booking, &view.resources, to, view.now)?;
    let zone = view.setting.zone;
    Ok(Answer::Refused(of, to, Refusal { violations, nearest: Vec::new(), zone }))
}

fn object(
    conn: &mut Conn<'_>,
    person: Person,
    mark: Option<Mark>,
    told_at: DateTime<Utc>,
) -> Result<Answer, DbError> {
    let Some(mark) = mark.filter(|mark| mark.marked.net_id.as_ref() == Some(&person.net_id)) else {
        return Ok(Answer::NotMarked);
    };
    let (stage, id) = (mark.marked.stage, &mark.marked.target.site);
    let site = db::sites(conn)?.into_iter().find(|site| site.id == *id);
    let site = site.map_or_else(|| id.to_string(), |site| site.title);
    let object = Box::new(Object { person, mark, site });
    Ok(match stage {
        Stage::Warned { at: warned_at } | Stage::Stopped { warned_at, .. } if warned_at == told_at => {
            if object.mark.marked.restores >= RESTORES {
                return Ok(Answer::Often(object));
            }
            let policy = db::reaper_policy(conn)?.unwrap_or_default();
            Answer::Offer(Offer::Restore(object, policy.restored()))
        }
        Stage::Deleting { warned_at, .. } if warned_at == told_at => Answer::TooLate(object),
        Stage::Restored { until } => Answer::TakenBack(object, until),
        _ => Answer::NotMarked,
    })
}

async fn extend(
    app: &Arc<App>,
    token: &str,
    of: OfBooking,
    to: DateTime<Utc>,
) -> Result<Answer, BookingError> {
    let OfBooking { person, view } = &of;
    let (id, seen) = (view.booking.id.clone(), Seen::OneOf(vec![view.booking.mark()]));
    let slot = Interval::new(view.booking.slot.start(), to).unwrap_or(view.booking.slot);
    match booking::change_if(app, person.clone(), id, slot, seen).await {
        Ok(()) => Ok(Answer::Done(Done::Extended(Box::new(of), to))),
        Err(BookingError::Refused(refusal)) => Ok(Answer::Refused(Box::new(of), to, refusal)),
        // Somebody was quicker: it is not what was offered any more.
        Err(BookingError::Changed | BookingError::WrongState(_)) => look(app, token).await,
        Err(error) => Err(error),
    }
}

async fn release(app: &Arc<App>, token: &str, of: OfBooking) -> Result<Answer, BookingError> {
    let OfBooking { person, view } = &of;
    let (id, seen) = (view.booking.id.clone(), Seen::OneOf(vec![view.booking.mark()]));
    match booking::release_if(app, person.clone(), id, seen).await {
        Ok(()) => Ok(Answer::Done(Done::Released(Box::new(of)))),
        Err(BookingError::Changed | BookingError::WrongState(_)) => look(app, token).await,
        Err(error) => Err(error),
    }
}

async fn restore(app: &Arc<App>, doer: &Doer, object: Object) -> Result<Answer, BookingError> {
    let target = &object.mark.marked.target;
    let of = Some(&object.person.net_id);
    let doer = doer.clone().being(object.person.id.clone());
    match reaping::restore(app, &doer, &target.site, target.kind, &target.site_ref, of).await {
        Ok(done) => Ok(Answer::Done(Done::Restored(Box::new(object), done.until, done.not_started))),
        Err(RestoreError::NotMarked) => Ok(Answer::NotMarked),
        Err(RestoreError::Often) => Ok(Answer::Often(Box::new(object))),
        Err(RestoreError::TooLate) => Ok(Answer::TooLate(Box::new(object))),
        Err(RestoreError::Before(until)) => Ok(Answer::TakenBack(Box::new(object), until)),
        Err(RestoreError::Db(error)) => Err(error.into()),
    }
}
