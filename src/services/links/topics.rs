//! Links that turn mails of a kind off, of those that one may do without.

use std::sync::Arc;

use super::{Answer, Done, Offer};
use crate::db::{self, DbError};
use crate::domain::notice::{Topic, Way};
use crate::domain::person::{Choices, Person};
use crate::services::App;
use crate::services::booking::BookingError;

/// Whether someone gets mails about this; nothing if that is not for them to choose.
pub(super) fn is_on(choices: &Choices, topic: Topic) -> Option<bool> {
    match topic {
        Topic::Ending => Some(!choices.ending_soon_minutes.is_empty()),
        _ if topic.ways().contains(&Way::Never) => Some(choices.way(topic) != Way::Never),
        _ => None,
    }
}

/// The same choices without mails about this.
fn without(choices: &Choices, topic: Topic) -> Choices {
    match topic {
        Topic::Ending => Choices { ending_soon_minutes: Vec::new(), ..choices.clone() },
        _ => choices.clone().with(topic, Way::Never),
    }
}

/// What a link does that turns this off.
pub(super) fn would_turn_off(person: Person, topic: Topic) -> Answer {
    match is_on(&person.choices, topic) {
        Some(true) => Answer::Offer(Offer::TurnOff(Box::new(person), topic)),
        Some(false) => Answer::IsOff(topic),
        None => Answer::Unknown,
    }
}

/// Turns it off. What else its person has chosen meanwhile stays.
pub(super) async fn turn_off(app: &Arc<App>, person: &Person, topic: Topic) -> Result<Answer, BookingError> {
    let id = person.id.clone();
    let turn_off = move |conn: &mut db::Conn<'_>| {
        let Some(person) = db::person(conn, &id)? else { return Ok(()) };
        db::set_choices(conn, &id, &without(&person.choices, topic))
    };
    app.db.write::<_, DbError, _>("link: turn off", turn_off).await?;
    Ok(Answer::Done(Done::TurnedOff(topic)))
}
