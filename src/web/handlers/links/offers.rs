//! Words for links that answer an offer to someone who waits for a place.

use chrono::{DateTime, Utc};

use super::{NOTHING, Writer};
use crate::domain::booking::{EndReason, State};
use crate::domain::calendar;
use crate::services::booking::Refusal;
use crate::services::links::{OfBooking, OfferOver};
use crate::web::pages::layout::Link;
use crate::web::pages::link::LinkPage;
use crate::web::present;

impl Writer<'_> {
    /// With the way to the line.
    fn of_offer(&self, of: &OfBooking, title: &str, lead: String, line: &str) -> LinkPage {
        let mut page = self.of_booking(of, title, lead);
        page.next.insert(1, Link::new(format!("/labs/{}", of.view.booking.lab), line));
        page
    }

    /// The same of one that stands: what it costs, and up to when it can be taken.
    fn of_standing(&self, of: &OfBooking, title: &str, lead: String, until: DateTime<Utc>) -> LinkPage {
        let mut page = self.of_offer(of, title, lead, "Your place in line");
        page.facts.extend([("Costs", of.view.booking.cost()), ("Held until", self.date(until))]);
        page
    }

    pub(super) fn accept(&self, of: &OfBooking, until: DateTime<Utc>) -> LinkPage {
        let lead = format!(
            "It is held for you until {}. If you take it, it is your booking, and you wait for this lab no more.",
            self.time(until)
        );
        self.of_standing(of, "Take this place?", lead, until)
    }

    pub(super) fn pass(&self, of: &OfBooking, until: DateTime<Utc>) -> LinkPage {
        let lead = "Somebody else can have it then, and it is not offered to you again. You stay in line for another \
                    time, and your waiting counts anew.";
        self.of_standing(of, "Pass this place on?", lead.to_owned(), until)
    }

    pub(super) fn accepted(&self, of: &OfBooking) -> LinkPage {
        let booking = &of.view.booking;
        let (title, lead) = match booking.state {
            State::Held => (
                "You have taken the place.".to_owned(),
                "The site is asked for it now. Once it agrees we write to you with an invitation for your calendar.",
            ),
            _ => (
                format!("The place is yours: {}.", calendar::span(self.zone, &booking.slot)),
                "We write to you with an invitation for your calendar, and again when the servers are ready.",
            ),
        };
        self.of_booking(of, &title, lead.to_owned())
    }

    pub(super) fn passed(&self, of: &OfBooking) -> LinkPage {
        let lead = "Thank you: somebody else can have it. You stay in line for another time.".to_owned();
        self.of_offer(of, "You have passed it on.", lead, "Your place in line")
    }

    pub(super) fn offer_taken(&self, of: &OfBooking) -> LinkPage {
        let lead = "The place is yours. If you don't need it any more, give it back on the booking's page.";
        self.of_booking(of, "You took this offer.", lead.to_owned())
    }

    pub(super) fn offer_over(&self, over: &OfferOver) -> LinkPage {
        let OfferOver { of, until, waits } = over;
        let state = &of.view.booking.state;
        let (title, what) = match (state.reason(), state.released_at()) {
            (Some(EndReason::Passed), Some(at)) => {
                ("You have passed it on.", format!("That was {}.", self.date(at)))
            }
            _ => ("This offer is over.", format!("It stood until {}, and went on.", self.date(*until))),
        };
        let (still, line) = if *waits {
            ("You are still in line.", "Your place in line")
        } else {
            ("You don't wait for this lab any more.", "Wait again")
        };
        self.of_offer(of, title, format!("{what} {still}"), line)
    }

    pub(super) fn needs_key(&self, of: &OfBooking, until: DateTime<Utc>) -> LinkPage {
        let lead = format!(
            "Without one nobody could use the servers. Add yours, and open this link again: the place is held until {}.",
            self.date(until)
        );
        let mut page = self.of_standing(of, "You need an SSH key first.", lead, until);
        page.effect = Some(NOTHING.to_owned());
        page.next.insert(0, Link::new("/me#key", "Add my SSH key"));
        page
    }

    pub(super) fn not_to_be_had(&self, of: &OfBooking, refusal: &Refusal) -> LinkPage {
        let lead = "A rule stands against it now.".to_owned();
        let mut page = self.of_offer(of, "You can't take this place at present.", lead, "The lab");
        page.problems = present::problems(refusal);
        page.effect = Some(NOTHING.to_owned());
        page
    }
}
