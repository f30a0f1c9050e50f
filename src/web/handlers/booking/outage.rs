//! What an outage did to a booking, on its page.

use crate::domain::calendar;
use crate::domain::interval::Interval;
use crate::domain::outage::{Fate, Hit};
use crate::services::booking::BookingView;
use crate::web::handlers::lab::hours_text;
use crate::web::pages::booking::OutageNote;
use crate::web::pages::layout::Link;
use crate::web::present;

/// The note, if one hit it or the one in whose place it is.
pub(super) fn note(view: &BookingView) -> Option<OutageNote> {
    let own = view.hit.as_ref().map(|hit| hit_by(view, hit));
    own.or_else(|| {
        let replaced = view.replaces.as_ref()?;
        let link = Link::new(format!("/bookings/{}", replaced.booking), "The booking that it replaces");
        let text = "It is in the place of a booking that an outage hit. Nothing else has changed.".to_owned();
        Some(OutageNote { text, links: vec![link] })
    })
}

fn hit_by(view: &BookingView, hit: &Hit) -> OutageNote {
    let zone = view.setting.zone;
    let book_again = || vec![Link::new(format!("/labs/{}", view.booking.lab), "Book again")];
    let (text, links) = match &hit.fate {
        Fate::Moved { to, slot } => (
            "An outage came in its way. It costs nothing, and another booking is in its place.",
            vec![Link::new(format!("/bookings/{to}"), calendar::span(zone, slot))],
        ),
        Fate::Offered { slots } => (
            "An outage came in its way. It costs nothing. These slots were free when it was called off:",
            slots.iter().map(|slot| Link::new(choice(view, slot), calendar::span(zone, slot))).collect(),
        ),
        Fate::Cancelled => ("An outage came in its way. It costs nothing.", book_again()),
        Fate::Running => (
            "An outage hits it. It costs nothing, and nothing is deleted for not being used; when the outage is over you get \
             the time back that you lost, if nobody has the place after you.",
            Vec::new(),
        ),
        Fate::Extended { .. } => {
            ("An outage hit it. It costs nothing, and it lasts longer by the time that you lost.", Vec::new())
        }
        Fate::Free => ("An outage hit it while it ran. It costs nothing.", book_again()),
    };
    OutageNote { text: text.to_owned(), links }
}

/// The lab's page with this slot chosen.
fn choice(view: &BookingView, slot: &Interval) -> String {
    let start = present::escape(&present::iso(view.setting.zone, slot.start()));
    format!("/labs/{}?start={start}&hours={}#book", view.booking.lab, hours_text(slot.length().num_minutes()))
}
