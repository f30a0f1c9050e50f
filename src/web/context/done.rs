//! What a request did, told on the next page.

use actix_web::cookie::Cookie;
use actix_web::cookie::time::Duration;

use super::{FLASH, WebState};
use crate::web::pages::layout::{Flash, FlashKind};

/// What a request did, told on the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// A key was saved.
    KeySaved,
    /// It was chosen which mails come.
    ChoicesSaved,
    /// The address of the person's calendar was taken away.
    CalendarStopped,
    /// A booking was given back or called off.
    Released,
    /// An extension was asked for.
    Extended,
    /// An earlier end was asked for.
    Shortened,
    /// Another slot was asked for.
    Moved,
    /// A booking was made.
    Booked,
    /// Staff granted an exception.
    Granted,
    /// Staff took an exception back.
    TakenBack,
    /// Staff had it tried again whether a site changes ends.
    TriedAgain,
    /// Staff paused the reaper.
    Paused,
    /// Staff ended a pause.
    Resumed,
    /// Staff exempted something.
    Exempted,
    /// Staff took an exemption back.
    Unexempted,
    /// What the reaper had marked was taken back.
    Restored,
    /// The same, but the site did not start it.
    NotStarted,
    /// Someone joined a line.
    InLine,
    /// Someone joined a line, and a place was free for them.
    OfferedAtOnce,
    /// Someone waits no more.
    LeftLine,
    /// An offer was taken.
    Accepted,
    /// An offer was passed.
    Passed,
    /// Staff discarded a roster that was only shown.
    RosterDiscarded,
    /// Staff said where a student stands.
    Placed,
    /// Staff said by which accounts the sites know someone.
    AccountsSaved,
    /// Staff dropped someone.
    Dropped,
    /// Staff let someone take the course again.
    TakenIn,
    /// Sessions of someone are over.
    SessionsEnded,
    /// Staff see with their own eyes again.
    StoppedLooking,
    /// Mail is tried again.
    MailRetried,
    /// A token was revoked.
    TokenRevoked,
    /// A service was added.
    ServiceAdded,
    /// A service was dropped.
    ServiceDropped,
    /// It was said what someone is in the course.
    RoleSet,
    /// Something was announced.
    Announced,
    /// Something is going to be announced.
    Scheduled,
    /// A draft of an announcement was kept.
    Drafted,
    /// An announcement was edited.
    AnnouncementSaved,
    /// An announcement was taken back.
    AnnouncementWithdrawn,
    /// Staff declared an outage.
    OutageDeclared,
    /// Staff said more of an outage.
    OutageChanged,
    /// Staff said that an outage is over.
    OutageEnded,
    /// Staff put a lab off.
    PutOff,
    /// Staff put aside what a site announced.
    HintDismissed,
    /// A person was erased.
    Erased,
    /// Someone signed out.
    SignedOut,
}

impl Done {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::KeySaved, "key", "Your SSH key is saved. Servers that we make from now on get it."),
        (Self::ChoicesSaved, "choices", "Your choices are saved. They hold for every mail from now on."),
        (Self::CalendarStopped, "calendar", "The calendar's address leads nowhere any more."),
        (Self::Released, "released", "It is given back."),
        (Self::Extended, "extended", "The later end is asked for."),
        (Self::Shortened, "shortened", "The earlier end is asked for."),
        (
            Self::Moved,
            "moved",
            "The other time is asked for. Until it is yours, your booking stays where it is.",
        ),
        (Self::Booked, "booked", "Your booking is made."),
        (Self::Granted, "granted", "The exception is granted. It holds from now on."),
        (Self::TakenBack, "taken", "The exception is taken back. What was booked by it stays."),
        (
            Self::TriedAgain,
            "again",
            "Students can ask for other ends there again. What the site says then is kept.",
        ),
        (
            Self::MailRetried,
            "mail",
            "It is tried again at once. What is out of date by now is set aside instead.",
        ),
        (Self::Paused, "paused", "The reaper is paused. Bookings whose time is over still end."),
        (Self::Resumed, "resumed", "The pause is over. The next sweep goes on, within a minute."),
        (
            Self::Exempted,
            "exempted",
            "It is exempt from the next sweep on. If it is marked, the mark is forgotten then.",
        ),
        (
            Self::Unexempted,
            "unexempted",
            "The exemption is taken back. The next sweep judges again what it covered.",
        ),
        (Self::Restored, "restored", "It is taken back. The reaper leaves it alone for now."),
        (
            Self::NotStarted,
            "not-started",
            "It is taken back, but the site did not start it. Start it on the site's own page.",
        ),
        (
            Self::InLine,
            "in-line",
            "You are in line. When a place comes free for you, you get a mail, and it stands on My labs.",
        ),
        (Self::OfferedAtOnce, "offered", "A place is free for you already: it is yours if you accept it."),
        (Self::LeftLine, "left-line", "You do not wait any more."),
        (Self::Accepted, "accepted", "It is yours."),
        (Self::Passed, "passed", "You passed it. You keep waiting, and are not offered that time again."),
        (Self::RosterDiscarded, "discarded", "The roster is discarded. Nothing of it was applied."),
        (Self::Placed, "placed", "It is saved. It counts from the next look at the shares on."),
        (Self::AccountsSaved, "accounts", "The accounts are saved. The next sweep goes by them."),
        (
            Self::Dropped,
            "dropped",
            "They have dropped the course. Who has something booked gets a mail that says when it ends.",
        ),
        (Self::TakenIn, "taken-in", "They take the course again, with what they still have booked."),
        (Self::SessionsEnded, "sessions", "Whoever was signed in there has to sign in again."),
        (Self::StoppedLooking, "stopped", "You see the pages with your own eyes again."),
        (Self::TokenRevoked, "token", "The token is revoked: it signs in no more."),
        (Self::ServiceAdded, "service", "The service is added. Make a token for it."),
        (Self::ServiceDropped, "no-service", "The service is dropped, and its tokens are revoked."),
        (Self::RoleSet, "role", "It is saved. It holds from their next request on."),
        (Self::Announced, "announced", "It is announced. Mails, if any, go out within moments."),
        (Self::Scheduled, "scheduled", "It is published at its time. Nobody but staff sees it before."),
        (
            Self::OutageDeclared,
            "outage",
            "The outage is declared. Bookings are dealt with one by one, then everyone is told.",
        ),
        (
            Self::OutageChanged,
            "outage-changed",
            "It is saved. What it hits now is dealt with, then everyone is told.",
        ),
        (
            Self::OutageEnded,
            "outage-over",
            "The outage is over. What ran gets its time back, then everyone is told.",
        ),
        (Self::HintDismissed, "hint", "It is put aside."),
        (Self::PutOff, "put-off", "The due date is changed, and announced."),
        (Self::Drafted, "drafted", "The draft is kept. Nobody but staff sees it."),
        (Self::AnnouncementSaved, "announcement", "The announcement is saved."),
        (
            Self::AnnouncementWithdrawn,
            "withdrawn",
            "The announcement is taken back. Mails that had not left are not sent.",
        ),
        (Self::Erased, "erased", "The person is erased. What they used stays, without them."),
        (Self::SignedOut, "out", "You are signed out."),
    ];

    /// The cookie that carries it to the next page.
    pub fn cookie(self, state: &WebState) -> Cookie<'static> {
        let code = Self::ALL.iter().find(|(done, ..)| *done == self).map_or("", |(_, code, _)| code);
        state.cookie(FLASH, code).max_age(Duration::seconds(20)).finish()
    }

    pub(super) fn flash(code: &str) -> Option<Flash> {
        let (.., text) = Self::ALL.iter().find(|(_, known, _)| *known == code)?;
        Some(Flash { kind: FlashKind::Done, text: (*text).to_owned() })
    }
}
