//! What mails say. The first line repeats the fact of the subject; then the links that matter; then the details; then
//! why one gets this. Plain text, written as such.

pub mod announcement;
pub mod departure;
pub mod digest;
pub mod ending;
pub mod outage;
pub mod reaper;
pub mod samples;
pub mod staff;
pub mod waitlist;

#[cfg(test)]
mod tests;

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::calendar::{self as ics, Occasion};
use crate::domain::booking::{Booking, State};
use crate::domain::calendar;
use crate::domain::person::Person;
use crate::domain::reaper::NoShowSignal;

/// A mail before it has a recipient's envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// A calendar object that goes with it.
    pub calendar: Option<String>,
}

/// The most characters of a subject line that programs show.
const LONGEST_SUBJECT: usize = 78;

/// A subject line around a title, which is shortened at a word if the whole would be too long: the first word stays.
fn titled(before: &str, title: &str, after: &str) -> String {
    let room = LONGEST_SUBJECT.saturating_sub(before.chars().count() + after.chars().count());
    if title.chars().count() <= room {
        return format!("{before}{title}{after}");
    }
    let mut words = title.split_whitespace();
    let mut short = words.next().unwrap_or_default().to_owned();
    for word in words {
        if short.chars().count() + 1 + word.chars().count() + "...".len() > room {
            break;
        }
        short.push(' ');
        short.push_str(word);
    }
    format!("{before}{short}...{after}")
}

/// What every mail about a booking needs.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// The booking.
    pub booking: &'a Booking,
    /// Whose it is.
    pub person: &'a Person,
    /// The lab's title.
    pub lab: &'a str,
    /// The course's title.
    pub course: &'a str,
    /// The course's contact address.
    pub contact: &'a str,
    /// The course's zone.
    pub zone: Tz,
    /// Where the service's pages are, without a slash at the end.
    pub public_url: &'a str,
    /// When the mail is written.
    pub now: DateTime<Utc>,
}

impl Occurrence<'_> {
    fn booking_url(&self) -> String {
        format!("{}/bookings/{}", self.public_url, self.booking.id)
    }

    fn lab_url(&self) -> String {
        format!("{}/labs/{}", self.public_url, self.booking.lab)
    }

    fn slot(&self) -> String {
        let zone = calendar::zone_name(self.zone, self.booking.slot.start());
        format!("{}, {zone}", calendar::span(self.zone, &self.booking.slot))
    }

    /// The slot as the cloud's own pages show it.
    fn slot_utc(&self) -> String {
        format!("{} UTC", calendar::span(Tz::UTC, &self.booking.slot))
    }

    fn time(&self, at: DateTime<Utc>) -> String {
        calendar::date_and_time(self.zone, at)
    }

    fn zone_name(&self) -> String {
        calendar::zone_name(self.zone, self.booking.slot.end())
    }

    fn end_utc(&self) -> String {
        format!("{} UTC", calendar::date_and_time(Tz::UTC, self.booking.slot.end()))
    }

    /// "Sat Feb 8, 14:00 (19:00 UTC)".
    fn with_utc(&self, at: DateTime<Utc>) -> String {
        with_utc(self.zone, at)
    }

    fn footer(&self) -> String {
        format!(
            "You get this because you booked this lab in {}.\nQuestions: {}. Quote booking {}.",
            self.course, self.contact, self.booking.id
        )
    }

    /// Under what one can do without.
    fn choosing_footer(&self) -> String {
        format!("{}\nWhich mails you get: {}/me#mail", self.footer(), self.public_url)
    }

    fn calendar(&self, make: fn(&Occasion<'_>) -> String) -> String {
        make(&Occasion {
            booking: self.booking,
            title: self.lab,
            attendee: &self.person.mail,
            organizer: self.contact,
            url: &self.booking_url(),
            now: self.now,
        })
    }
}

/// What every mail needs that is not about one booking.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The course's title.
    pub course: &'a str,
    /// The course's zone.
    pub zone: Tz,
    /// Where the service's pages are, without a slash at the end.
    pub public_url: &'a str,
    /// When the mail is written.
    pub now: DateTime<Utc>,
}

impl Surroundings<'_> {
    fn time(&self, at: DateTime<Utc>) -> String {
        calendar::date_and_time(self.zone, at)
    }

    /// "Sat Feb 8, 14:00 (19:00 UTC)".
    fn with_utc(&self, at: DateTime<Utc>) -> String {
        with_utc(self.zone, at)
    }

    /// The same of when the mail is written.
    fn written(&self) -> String {
        self.with_utc(self.now)
    }

    fn zone_name(&self) -> String {
        calendar::zone_name(self.zone, self.now)
    }
}

/// "Sat Feb 8, 14:00 (19:00 UTC)", with the date there where that is another: "Sat Feb 8, 20:00 (Sun Feb 9, 01:00 UTC)".
fn with_utc(zone: Tz, at: DateTime<Utc>) -> String {
    let same_day = calendar::local_date(zone, at) == at.date_naive();
    let there = if same_day { calendar::time(Tz::UTC, at) } else { calendar::date_and_time(Tz::UTC, at) };
    format!("{} ({there} UTC)", calendar::date_and_time(zone, at))
}

#[derive(Template)]
#[template(path = "mail/booked.txt", escape = "none")]
struct Booked<'a> {
    it: Occurrence<'a>,
}

/// "Booked": the place is the student's. With an invitation.
pub fn booked(it: Occurrence<'_>) -> Result<Message, askama::Error> {
    Ok(Message {
        subject: titled(&format!("Booked: {} - ", calendar::span(it.zone, &it.booking.slot)), it.lab, ""),
        body: Booked { it }.render()?,
        calendar: Some(it.calendar(ics::invitation)),
    })
}

#[derive(Template)]
#[template(path = "mail/moved.txt", escape = "none")]
struct Moved<'a> {
    it: Occurrence<'a>,
}

/// "Moved": the booking has another slot. With the invitation brought up to date.
pub fn moved(it: Occurrence<'_>) -> Result<Message, askama::Error> {
    Ok(Message {
        subject: titled(&format!("Moved: {} - ", calendar::span(it.zone, &it.booking.slot)), it.lab, ""),
        body: Moved { it }.render()?,
        calendar: Some(it.calendar(ics::invitation)),
    })
}

#[derive(Template)]
#[template(path = "mail/ready.txt", escape = "none")]
struct Ready<'a> {
    it: Occurrence<'a>,
    ssh: Option<&'a str>,
}

/// "Ready": the servers can be used. `ssh` is the whole command, if one of them has a public address.
pub fn ready<'a>(it: Occurrence<'a>, ssh: Option<&'a str>) -> Result<Message, askama::Error> {
    let until = calendar::time(it.zone, it.booking.slot.end());
    Ok(Message {
        subject: match ssh {
            Some(ssh) => titled(&format!("Ready until {until}: "), it.lab, &format!(" - {ssh}")),
            None => titled(&format!("Ready until {until}: "), it.lab, ""),
        },
        body: Ready { it, ssh }.render()?,
        calendar: None,
    })
}

#[derive(Template)]
#[template(path = "mail/not_used.txt", escape = "none")]
struct NotUsed<'a> {
    it: Occurrence<'a>,
    /// Since when it could have been used.
    since: String,
    until: String,
    by_page: bool,
}

/// "Not used": when it is released, and what keeps it.
pub fn not_used(
    it: Occurrence<'_>,
    release_at: DateTime<Utc>,
    signal: NoShowSignal,
) -> Result<Message, askama::Error> {
    let since = it.time(it.booking.slot.start().max(it.booking.state.ready_at().unwrap_or(it.now)));
    let by_page = signal == NoShowSignal::NotOpened;
    let keeps = if by_page { "you open it" } else { "a server of it runs" };
    let (at, until) = (calendar::time(it.zone, release_at), it.time(release_at));
    Ok(Message {
        subject: titled(&format!("Not used: released at {at} unless {keeps} - "), it.lab, ""),
        body: NotUsed { it, since, until, by_page }.render()?,
        calendar: None,
    })
}

#[derive(Template)]
#[template(path = "mail/failed.txt", escape = "none")]
struct Failed<'a> {
    it: Occurrence<'a>,
    used: Option<String>,
    trouble: &'a str,
}

/// "Could not be provided": why, and what to do now. If its time had not come yet, its calendar event is taken back.
pub fn failed(it: Occurrence<'_>) -> Result<Message, askama::Error> {
    let used = used(&it.booking.state);
    let calendar = used.is_none().then(|| it.calendar(ics::cancellation));
    let trouble = it.booking.trouble.as_deref().unwrap_or("the cloud did not say why.");
    Ok(Message {
        subject: titled("Could not be provided: ", it.lab, ""),
        body: Failed { it, used, trouble }.render()?,
        calendar,
    })
}

fn used(state: &State) -> Option<String> {
    Some(calendar::in_words(state.released_at()? - state.ready_at()?))
}
