//! `/links/{token}`: links in mails. Opening one says what it will do, the button on its page does it, and neither needs a
//! session.
//!
//! The form carries no CSRF token, and needs none: what permits it is the token in its address, which another site can
//! neither know nor have a browser add.

mod offers;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::page;
use crate::domain::booking::EndReason;
use crate::domain::calendar;
use crate::domain::ids::BookingId;
use crate::domain::link::Link as Does;
use crate::domain::marked::Stage;
use crate::domain::notice::Topic;
use crate::domain::resource::Resource;
use crate::services::booking::Refusal;
use crate::services::links::{self, Answer, Done, Object, OfBooking, Offer};
use crate::web::context::Context;
use crate::web::error::{WebError, refusal_status};
use crate::web::pages::layout::{Layout, Link, Section};
use crate::web::pages::link::{Action, LinkPage};
use crate::web::present;

/// Says what the link will do. Mail servers open links to look at what is behind them, so this changes nothing.
pub async fn show(context: Context, token: web::Path<String>) -> Result<HttpResponse, WebError> {
    let answer = links::look(context.app(), &token).await;
    shown(&context, answer.map_err(|error| WebError::of_booking(error, None))?)
}

/// Does what the link does, and says what came of it.
pub async fn follow(context: Context, token: web::Path<String>) -> Result<HttpResponse, WebError> {
    let answer = links::follow(context.app(), &context.doer(), &token).await;
    shown(&context, answer.map_err(|error| WebError::of_booking(error, None))?)
}

fn shown(context: &Context, answer: Answer) -> Result<HttpResponse, WebError> {
    let status = status(&answer);
    let writer = Writer { context, zone: context.zone(), now: context.app().now() };
    Ok(page(status, writer.page(answer).render()?))
}

fn status(answer: &Answer) -> StatusCode {
    match answer {
        Answer::Offer(_) | Answer::Done(_) | Answer::IsOff(_) => StatusCode::OK,
        Answer::Refused(_, _, refusal) | Answer::NotToBeHad(_, refusal) => refusal_status(refusal),
        Answer::NeedsKey(..) => StatusCode::UNPROCESSABLE_ENTITY,
        Answer::OtherEnd(..)
        | Answer::Over(_)
        | Answer::OfferOver(_)
        | Answer::OfferTaken(_)
        | Answer::TakenBack(..)
        | Answer::TooLate(_)
        | Answer::Often(_)
        | Answer::NotMarked
        | Answer::Expired(_) => StatusCode::GONE,
        Answer::Unknown => StatusCode::NOT_FOUND,
    }
}

const NOT_YET: &str = "Nothing is done before you press the button.";
const NOTHING: &str = "Nothing was changed.";

/// Words answers as pages.
struct Writer<'a> {
    context: &'a Context,
    zone: Tz,
    now: DateTime<Utc>,
}

impl Writer<'_> {
    fn page(&self, answer: Answer) -> LinkPage {
        match answer {
            Answer::Offer(offer) => self.offer(&offer),
            Answer::Done(done) => self.done(&done),
            Answer::Refused(of, to, refusal) => self.refused(&of, to, &refusal),
            Answer::OtherEnd(of, to) => self.other_end(&of, to),
            Answer::Over(of) => self.over(&of),
            Answer::OfferOver(over) => self.offer_over(&over),
            Answer::OfferTaken(of) => self.offer_taken(&of),
            Answer::NeedsKey(of, until) => self.needs_key(&of, until),
            Answer::NotToBeHad(of, refusal) => self.not_to_be_had(&of, &refusal),
            Answer::TakenBack(object, until) => {
                let lead = format!("It is left alone until {}.", self.date(until));
                self.of_object(&object, "This link has been used.", lead)
            }
            Answer::TooLate(object) => {
                let lead = "It is being deleted, and can't be brought back.".to_owned();
                self.of_object(&object, "It is too late.", lead)
            }
            Answer::Often(object) => {
                let lead = "If you need it for longer, write to the address below.".to_owned();
                self.of_object(&object, "You have taken it back before.", lead)
            }
            Answer::NotMarked => self.plain(
                "There is nothing to take back.",
                "The reaper has nothing of yours marked by this name: it may keep the rules by now, or be gone."
                    .to_owned(),
            ),
            Answer::IsOff(topic) => self.about_mails(
                "These mails are off.",
                format!("You get no mails {}. You can have them again: sign in and open \"Me\".", about(topic)),
            ),
            Answer::Expired(link) => self.expired(&link),
            Answer::Unknown => {
                let lead = "It is cut off or altered, or it is not for you any more. Copy all of the address from the \
                            mail, or sign in and open your booking: there you can do the same.";
                self.plain("This link leads nowhere.", lead.to_owned())
            }
        }
    }

    fn date(&self, at: DateTime<Utc>) -> String {
        calendar::date_and_time(self.zone, at)
    }

    /// `15:00`, or with its day if that is not today.
    fn time(&self, at: DateTime<Utc>) -> String {
        let date = |at| calendar::local_date(self.zone, at);
        if date(at) == date(self.now) { calendar::time(self.zone, at) } else { self.date(at) }
    }

    fn plain(&self, title: &str, lead: String) -> LinkPage {
        let layout = self.context.layout(title, Section::Elsewhere);
        LinkPage {
            // Whoever is signed in here may be another than the one for whom the link acts.
            layout: Layout { viewer: None, csrf: String::new(), flash: None, ..layout },
            title: title.to_owned(),
            lead,
            facts: Vec::new(),
            effect: None,
            problems: Vec::new(),
            action: None,
            next: vec![Link::new("/", "My labs")],
        }
    }

    fn of_booking(&self, of: &OfBooking, title: &str, lead: String) -> LinkPage {
        let OfBooking { person, view } = of;
        let slot = &view.booking.slot;
        let mut page = self.plain(title, lead);
        page.facts = vec![
            ("Lab", view.setting.lab.title.clone()),
            ("Of", person.net_id.to_string()),
            (
                if view.booking.state.is_untaken() { "Offered" } else { "Booked" },
                calendar::span(self.zone, slot),
            ),
            ("In UTC", calendar::span(Tz::UTC, slot)),
        ];
        page.next.insert(0, Link::new(format!("/bookings/{}", view.booking.id), "Open the booking"));
        page
    }

    fn of_object(&self, object: &Object, title: &str, lead: String) -> LinkPage {
        let mut page = self.plain(title, lead);
        page.facts = vec![
            ("What", called(object)),
            ("Site", object.site.clone()),
            ("Of", object.person.net_id.to_string()),
            ("Why", object.mark.reason.clone()),
        ];
        page
    }

    fn offer(&self, offer: &Offer) -> LinkPage {
        let (mut page, text, danger) = match offer {
            Offer::Extend(of, to) => {
                let (from, text) = (of.view.booking.slot.end(), self.time(*to));
                let lead = format!("It ends {} now, and would end {}.", self.date(from), self.date(*to));
                let title = format!("Extend your booking to {text}?");
                (self.of_booking(of, &title, lead), format!("Extend to {text}"), false)
            }
            Offer::Release(of) => {
                let end = self.date(of.view.booking.slot.end());
                let lead = format!(
                    "Everything of it is deleted at once, and can't be brought back. It would last until {end}."
                );
                let mut page = self.of_booking(of, "Give your booking back now?", lead);
                let there = of.view.resources.iter().filter(|resource| resource.may_exist());
                let lost: Vec<String> = there.map(Resource::in_words).collect();
                if !lost.is_empty() {
                    page.facts.push(("Is lost", lost.join(", ")));
                }
                (page, "Give it back now".to_owned(), true)
            }
            Offer::Accept(of, until) => (self.accept(of, *until), "Take it".to_owned(), false),
            Offer::Pass(of, until) => (self.pass(of, *until), "Pass it on".to_owned(), false),
            Offer::Restore(object, length) => {
                let until = self.date(self.now + *length);
                let lead = match object.mark.marked.stage {
                    Stage::Stopped { .. } => format!(
                        "It is stopped, and is to be deleted. If you keep it, it is started again and left alone until {until}."
                    ),
                    _ => {
                        format!("The reaper is to act on it. If you keep it, it is left alone until {until}.")
                    }
                };
                (
                    self.of_object(object, &format!("Keep {}?", called(object)), lead),
                    "Keep it".to_owned(),
                    false,
                )
            }
            Offer::TurnOff(person, topic) => {
                let lead = format!("{} gets no more mails {} then.", person.net_id, about(*topic));
                (self.about_mails("Turn these mails off?", lead), "Turn them off".to_owned(), false)
            }
        };
        page.effect = Some(NOT_YET.to_owned());
        page.action = Some(Action { text, danger });
        page
    }

    fn done(&self, done: &Done) -> LinkPage {
        match done {
            Done::Extended(of, to) => {
                let title = format!("Your booking is to end at {}.", self.time(*to));
                let lead = "The later end is asked for, and holds as soon as the site agrees: the booking's page shows it.";
                self.of_booking(of, &title, lead.to_owned())
            }
            Done::Released(of) => {
                let lead = "Everything of it is being deleted: the booking's page shows when nothing is left. Thank you: \
                            somebody else can have its place.";
                self.of_booking(of, "Your booking is given back.", lead.to_owned())
            }
            Done::Accepted(of) => self.accepted(of),
            Done::Passed(of) => self.passed(of),
            Done::Restored(object, until, not_started) => {
                let lead = match not_started {
                    None => "The reaper does nothing to it before then.".to_owned(),
                    Some(words) => {
                        format!("It could not be started again: {words}. Start it yourself at the site.")
                    }
                };
                let title = format!("It is left alone until {}.", self.date(*until));
                self.of_object(object, &title, lead)
            }
            Done::TurnedOff(topic) => self.about_mails(
                "These mails are off now.",
                format!(
                    "You get no more mails {}. You can have them again: sign in and open \"Me\".",
                    about(*topic)
                ),
            ),
        }
    }

    fn about_mails(&self, title: &str, lead: String) -> LinkPage {
        let mut page = self.plain(title, lead);
        page.next.insert(0, Link::new("/me#mail", "Which mails you get"));
        page
    }

    fn refused(&self, of: &OfBooking, to: DateTime<Utc>, refusal: &Refusal) -> LinkPage {
        let title = format!("Your booking can't be extended to {} at present.", self.time(to));
        let lead = format!("It ends {}.", self.date(of.view.booking.slot.end()));
        let mut page = self.of_booking(of, &title, lead);
        page.problems = present::problems(refusal);
        page.effect = Some(NOTHING.to_owned());
        page
    }

    /// The later end is there or asked for, by this link or on a page; or another one is.
    fn other_end(&self, of: &OfBooking, to: DateTime<Utc>) -> LinkPage {
        let booking = &of.view.booking;
        let (goal, asked) = (booking.goal().end(), booking.wanted_end.is_some());
        let is = if asked { "is to end" } else { "now ends" };
        let lead = format!("The booking {is} {}.", self.date(goal));
        let title = if goal == to {
            "This link has been used."
        } else {
            "The booking has another end than this link was made for."
        };
        self.of_booking(of, title, lead)
    }

    fn over(&self, of: &OfBooking) -> LinkPage {
        let state = &of.view.booking.state;
        let what = match state.reason() {
            Some(EndReason::Released) => "You gave it back",
            Some(EndReason::Cancelled) => "You called it off",
            Some(EndReason::Failed) => "The site could not provide it",
            Some(EndReason::NoShow) => "Nobody used it",
            Some(EndReason::Passed) => "You passed this offer",
            Some(EndReason::Lapsed) => "This offer went by unanswered",
            Some(EndReason::Dropped) => "You have dropped the course",
            Some(EndReason::Displaced) => "An outage came in its way",
            Some(EndReason::Expired) | None => "Its time was over",
        };
        let when = state.released_at().map(|at| format!(", {}", self.date(at))).unwrap_or_default();
        self.of_booking(of, "This booking is over.", format!("{what}{when}."))
    }

    fn expired(&self, link: &Does) -> LinkPage {
        let title = "This link is too old.";
        let of_booking = |booking: &BookingId, lead: &str| {
            let mut page = self.plain(title, lead.to_owned());
            page.next.insert(0, Link::new(format!("/bookings/{booking}"), "Open the booking"));
            page
        };
        match link {
            Does::Extend { booking, .. } | Does::Release { booking, .. } => {
                of_booking(booking, "It worked for a day after the end of its booking.")
            }
            Does::Accept { booking, .. } | Does::Pass { booking, .. } => {
                of_booking(booking, "It was for an offer that is over for more than a day.")
            }
            Does::Restore { .. } => {
                self.plain(title, "It worked for two weeks. Write to the address below.".to_owned())
            }
            Does::TurnOff { .. } => {
                self.about_mails(title, "Sign in, and choose which mails you get.".to_owned())
            }
        }
    }
}

/// "when your servers are ready": what mails of a kind are about.
fn about(topic: Topic) -> &'static str {
    match topic {
        Topic::Ready => "when your servers are ready",
        Topic::Ending => "before your bookings end",
        Topic::Ended => "when a booking that you used is over",
        _ => "of this kind",
    }
}

/// "server node1-cloud-ff524".
fn called(object: &Object) -> String {
    let target = &object.mark.marked.target;
    let name = if target.name.is_empty() { &target.site_ref } else { &target.name };
    format!("{} {name}", target.kind.word())
}
