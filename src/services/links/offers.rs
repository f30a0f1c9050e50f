//! Links that answer an offer to someone who waits for a place.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Answer, Done, OfBooking, Offer, OfferOver, live, look};
use crate::db::{self, Conn, DbError};
use crate::domain::booking::State;
use crate::domain::ids::BookingId;
use crate::domain::person::Person;
use crate::services::App;
use crate::services::booking::BookingError;
use crate::services::waitlist::{self, WaitError};

/// What an answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Accept,
    Pass,
}

/// What a link does that answers the offer that stands up to `until`.
pub(super) fn would(
    app: &App,
    conn: &mut Conn<'_>,
    person: Person,
    id: &BookingId,
    until: DateTime<Utc>,
    way: Way,
) -> Result<Answer, BookingError> {
    let of = match live(app, conn, person, id)? {
        Ok(of) => of,
        Err(Answer::Over(of)) => {
            return Ok(if of.view.booking.state.is_untaken() {
                over(conn, of, until)?
            } else {
                Answer::Over(of)
            });
        }
        Err(answer) => return Ok(answer),
    };
    Ok(match of.view.booking.state {
        State::Offered { until: stands } if stands != until => Answer::Unknown,
        State::Offered { .. } if until <= of.view.now => over(conn, of, until)?,
        State::Offered { .. } if way == Way::Pass => Answer::Offer(Offer::Pass(of, until)),
        State::Offered { .. } if of.person.ssh_public_key.is_none() => Answer::NeedsKey(of, until),
        State::Offered { .. } => Answer::Offer(Offer::Accept(of, until)),
        _ => Answer::OfferTaken(of),
    })
}

fn over(conn: &mut Conn<'_>, of: Box<OfBooking>, until: DateTime<Utc>) -> Result<Answer, DbError> {
    let waits = db::open_wait(conn, &of.person.id, &of.view.booking.lab)?.is_some();
    Ok(Answer::OfferOver(OfferOver { of, until, waits }))
}

pub(super) async fn accept(
    app: &Arc<App>,
    token: &str,
    mut of: Box<OfBooking>,
    until: DateTime<Utc>,
) -> Result<Answer, BookingError> {
    let (person, id) = (of.person.clone(), of.view.booking.id.clone());
    match waitlist::accept(app, person, id).await {
        Ok(booking) => {
            of.view.booking = booking;
            Ok(Answer::Done(Done::Accepted(of)))
        }
        Err(WaitError::NoKey) => Ok(Answer::NeedsKey(of, until)),
        Err(WaitError::Booking(BookingError::Refused(refusal))) => Ok(Answer::NotToBeHad(of, refusal)),
        Err(error) => otherwise(app, token, of, until, error).await,
    }
}

pub(super) async fn pass(
    app: &Arc<App>,
    token: &str,
    of: Box<OfBooking>,
    until: DateTime<Utc>,
) -> Result<Answer, BookingError> {
    let (person, id) = (of.person.clone(), of.view.booking.id.clone());
    match waitlist::pass(app, person, id).await {
        Ok(()) => Ok(Answer::Done(Done::Passed(of))),
        Err(error) => otherwise(app, token, of, until, error).await,
    }
}

/// Somebody was quicker, or time was: it is not what was offered any more.
async fn otherwise(
    app: &Arc<App>,
    token: &str,
    of: Box<OfBooking>,
    until: DateTime<Utc>,
    error: WaitError,
) -> Result<Answer, BookingError> {
    match error {
        WaitError::OfferOver | WaitError::NoSuchOffer(_) => {}
        WaitError::Db(error) => return Err(error.into()),
        WaitError::Booking(error) => return Err(error),
        other => return Err(DbError::Corrupt(other.to_string()).into()),
    }
    match look(app, token).await? {
        // What is refused is not offered in the same breath.
        Answer::Offer(_) => Ok(Answer::OfferOver(OfferOver { of, until, waits: true })),
        answer => Ok(answer),
    }
}
