//! What the heads of mails tell programs: of which course they are, and how to get no more of a kind.

use super::{App, links};
use crate::db::CourseCard;
use crate::domain::link::Link;
use crate::domain::notice::Notice;
use crate::mail::envelope::{From, Head};

/// The head of the mail that this notice is, made as it leaves: a link in it lasts from then on.
pub(super) fn of(app: &App, course: Option<&CourseCard>, notice: &Notice) -> Head {
    let link = Link::TurnOff { topic: notice.topic };
    // What keeps a calendar right comes in any case.
    let optional = links::may_turn_off(notice.topic) && notice.calendar.is_none();
    let person = notice.person.as_ref().filter(|_| optional);
    Head {
        course: course.map(|course| From {
            label: app.instance.to_string(),
            title: course.title.clone(),
            contact: course.contact.clone(),
        }),
        unsubscribe: person.map(|person| links::url(app, person, &link)),
    }
}
