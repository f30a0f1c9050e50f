//! What is said of outages and of labs that are put off: announcements as they are drafted from the facts, and what each student
//! reads of their own bookings.

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Message, Surroundings, titled, with_utc};
use crate::domain::booking::Booking;
use crate::domain::calendar;
use crate::domain::ids::OutageId;
use crate::domain::interval::Interval;
use crate::domain::outage::{Fate, Outage, Remedy};

/// A lab whose due date staff change, as an announcement tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOff {
    /// Its title.
    pub title: String,
    /// Its due date up to now; nothing while it is to be announced.
    pub before: Option<DateTime<Utc>>,
    /// Its due date from now on.
    pub after: Option<DateTime<Utc>>,
    /// The course's zone.
    pub zone: Tz,
}

impl PutOff {
    fn before(&self) -> String {
        self.before
            .map_or_else(|| "to be announced".to_owned(), |due| calendar::date_and_time(self.zone, due))
    }

    fn after(&self) -> Option<String> {
        self.after.map(|due| calendar::date_and_time(self.zone, due))
    }

    /// "Kubernetes is deferred" or "Kubernetes is due Thu Feb 13, 23:59", after what comes before it; not longer than a subject.
    fn headline(&self, before: &str) -> String {
        let after = self.after().map_or_else(|| " is deferred".to_owned(), |due| format!(" is due {due}"));
        titled(before, &self.title, &after)
    }
}

/// After what is no longer than this there is room for a lab's title.
const SHORT: usize = 24;

/// What is known of an outage when it is announced.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What people call what is away.
    pub what: &'a str,
    /// From when on.
    pub from: DateTime<Utc>,
    /// When it is expected back, or when it was back.
    pub until: Option<DateTime<Utc>>,
    /// What happened, in a few words.
    pub reason: &'a str,
    /// What becomes of bookings ahead.
    pub remedy: Remedy,
    /// Labs whose due dates change.
    pub put_off: &'a [PutOff],
    /// The course's zone.
    pub zone: Tz,
    /// When it is written.
    pub now: DateTime<Utc>,
}

impl Facts<'_> {
    fn from(&self) -> String {
        with_utc(self.zone, self.from)
    }

    fn until(&self) -> Option<String> {
        self.until.map(|until| with_utc(self.zone, until))
    }

    fn zone_name(&self) -> String {
        calendar::zone_name(self.zone, self.from)
    }

    fn is_ahead(&self) -> bool {
        self.from > self.now
    }

    /// What is away or back, and what that does to labs.
    fn headline(&self, what: String) -> String {
        match self.put_off {
            [] => what,
            [one] => {
                let whole = one.headline(&format!("{what}; "));
                // A lab's title of which a word is left says nothing.
                if whole.contains(&one.title) || what.chars().count() < SHORT {
                    whole
                } else {
                    format!("{what}; a due date changes")
                }
            }
            many => format!("{what}; {} due dates change", many.len()),
        }
    }
}

/// A title and a text in Markdown, for staff to look at and change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted {
    /// The title.
    pub title: String,
    /// The text.
    pub text: String,
}

#[derive(Template)]
#[template(path = "mail/outage.md", escape = "none")]
struct Begins<'a> {
    it: Facts<'a>,
    moves: bool,
    offers: bool,
}

/// What is announced when an outage is declared.
pub fn begins(it: Facts<'_>) -> Result<Drafted, askama::Error> {
    let title = if it.is_ahead() {
        format!("{} will be away from {}", it.what, calendar::date_and_time(it.zone, it.from))
    } else {
        format!("{} is away", it.what)
    };
    let (moves, offers) = (it.remedy == Remedy::Move, it.remedy == Remedy::Offer);
    let title = it.headline(title);
    Ok(Drafted { title, text: Begins { it, moves, offers }.render()? })
}

#[derive(Template)]
#[template(path = "mail/outage_over.md", escape = "none")]
struct Over<'a> {
    it: Facts<'a>,
    reaper: String,
}

/// What is announced when an outage is over. `reaper` is when the reaper goes on.
pub fn over(it: Facts<'_>, reaper: DateTime<Utc>) -> Result<Drafted, askama::Error> {
    let title = it.headline(format!("{} is back", it.what));
    Ok(Drafted { title, text: Over { it, reaper: with_utc(it.zone, reaper) }.render()? })
}

#[derive(Template)]
#[template(path = "mail/put_off.md", escape = "none")]
struct PutOffText<'a> {
    it: &'a PutOff,
    reason: &'a str,
}

/// What is announced when a lab is put off by itself.
pub fn put_off(it: &PutOff, reason: &str) -> Result<Drafted, askama::Error> {
    Ok(Drafted { title: it.headline(""), text: PutOffText { it, reason }.render()? })
}

/// A booking that an outage hit, as its student reads of it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The booking.
    pub booking: &'a Booking,
    /// Its lab's title.
    pub lab: &'a str,
    /// What became of it.
    pub fate: &'a Fate,
    /// The course's zone.
    pub zone: Tz,
    /// Where the service's pages are, without a slash at the end.
    pub public_url: &'a str,
}

impl Told<'_> {
    /// What became of it, in a few words.
    pub fn headline(&self) -> String {
        let at = |at| calendar::date_and_time(self.zone, at);
        match self.fate {
            Fate::Moved { slot, .. } => format!("Moved to {}", at(slot.start())),
            Fate::Offered { .. } => "Called off, choose another slot".to_owned(),
            Fate::Cancelled => "Called off".to_owned(),
            Fate::Running | Fate::Free => "Free of charge".to_owned(),
            Fate::Extended { until } => format!("Until {}", at(*until)),
        }
    }

    /// Paragraphs: what became of it, and where to go.
    pub fn paragraphs(&self) -> Vec<String> {
        let Told { booking, lab, .. } = self;
        let had = self.span(&booking.slot);
        let first = match self.fate {
            Fate::Moved { slot, .. } => format!(
                "Your booking of {lab} is moved: from {had} to {}. There is nothing to do. If the new time does not suit you, move \
                 it once more or cancel it on its page.",
                self.span(slot)
            ),
            Fate::Offered { .. } => format!(
                "Your booking of {lab}, {had}, can't take place, and costs nothing. Choose another slot; the nearest that are free:"
            ),
            Fate::Cancelled => format!(
                "Your booking of {lab}, {had}, can't take place, and costs nothing. No other slot was found for you: book again as \
                 soon as one suits you."
            ),
            Fate::Running => format!(
                "Your booking of {lab}, {had}, is hit while it runs. It costs nothing. When the outage is over you get the time \
                 back that you lost, if nobody has the place after you."
            ),
            Fate::Extended { until } => format!(
                "Your booking of {lab} lasts until {}: you get back the time that you lost. It costs nothing.",
                calendar::date_and_time(self.zone, *until)
            ),
            Fate::Free => format!(
                "Your booking of {lab}, {had}, costs nothing, since it was hit while it ran: what it used of your budget is yours again."
            ),
        };
        std::iter::once(first).chain(self.links()).collect()
    }

    fn span(&self, slot: &Interval) -> String {
        calendar::span(self.zone, slot)
    }

    fn links(&self) -> Vec<String> {
        let Told { booking, public_url, .. } = self;
        match self.fate {
            Fate::Moved { to, .. } => vec![format!("The booking: {public_url}/bookings/{to}")],
            Fate::Offered { slots } => {
                let link = |slot: &Interval| format!("{}: {}", self.span(slot), self.choice(slot));
                vec![slots.iter().map(link).collect::<Vec<_>>().join("\n")]
            }
            Fate::Cancelled | Fate::Free => vec![format!("Book again: {public_url}/labs/{}", booking.lab)],
            Fate::Running | Fate::Extended { .. } => {
                vec![format!("The booking: {public_url}/bookings/{}", booking.id)]
            }
        }
    }

    /// The lab's page with this slot chosen.
    fn choice(&self, slot: &Interval) -> String {
        let start = slot.start().with_timezone(&self.zone).format("%Y-%m-%dT%H:%M%:z");
        let hours = calendar::hours_text(slot.length().num_minutes());
        format!("{}/labs/{}?start={start}&hours={hours}#book", self.public_url, self.booking.lab)
    }
}

#[derive(Template)]
#[template(path = "mail/outage_late.txt", escape = "none")]
struct Late<'a> {
    it: Surroundings<'a>,
    what: &'a str,
    outage: &'a OutageId,
    reason: &'a str,
    since: String,
    until: String,
}

/// To staff: an outage should be over, and nobody has said so. `until` is when it was expected to be.
pub fn late(
    it: Surroundings<'_>,
    what: &str,
    outage: &Outage,
    until: DateTime<Utc>,
) -> Result<Message, askama::Error> {
    let subject = format!("Is {what} back? It was expected on {}", it.time(until));
    let (since, told) = (it.with_utc(outage.from), it.with_utc(until));
    let body = Late { it, what, outage: &outage.id, reason: &outage.reason, since, until: told };
    Ok(Message { subject, body: body.render()?, calendar: None })
}
