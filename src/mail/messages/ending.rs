//! Mails before and after the end of a booking.

use askama::Template;
use chrono::{DateTime, Utc};

use super::{Message, Occurrence, ics, titled, used};
use crate::domain::blueprint::Kind;
use crate::domain::booking::EndReason;
use crate::domain::calendar;
use crate::domain::resource::{Resource, ResourceState};

/// Whether the booking can be extended, as of the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Later {
    /// Up to this end, by the link at this address.
    To(DateTime<Utc>, String),
    /// It is to have this other end already.
    Asked(DateTime<Utc>),
    /// It can't: why, in sentences.
    No(Vec<String>),
}

/// What can be done before a booking ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    /// Whether it can be extended.
    pub later: Later,
    /// The address of the link that gives it back.
    pub release_url: String,
}

/// Whether people put something on it.
fn holds_work(resource: &Resource) -> bool {
    matches!(resource.kind(), Kind::Server | Kind::Container | Kind::Volume | Kind::Share | Kind::Bucket)
}

/// Most lines of things in a mail.
const LISTED: usize = 50;

#[derive(Template)]
#[template(path = "mail/ending_soon.txt", escape = "none")]
struct EndingSoon<'a> {
    it: Occurrence<'a>,
    left: String,
    /// The later end to be had, and the address of its link.
    until: Option<(String, &'a str)>,
    /// Another end that was asked for.
    asked: Option<String>,
    /// Why there is no later end.
    reasons: &'a [String],
    release_url: &'a str,
    lost: Vec<String>,
    more: usize,
    around: Option<String>,
}

/// "Ending soon": what will be deleted, and what to do before that. `resources` are the booking's.
pub fn ending_soon(
    it: Occurrence<'_>,
    resources: &[Resource],
    ways: &Ways,
) -> Result<Message, askama::Error> {
    let there = resources.iter().filter(|resource| resource.may_exist());
    let (work, around): (Vec<&Resource>, Vec<&Resource>) = there.partition(|resource| holds_work(resource));
    let around: Vec<String> = around.into_iter().map(Resource::in_words).collect();
    let (until, asked, reasons) = match &ways.later {
        Later::To(end, url) => (Some((it.time(*end), url.as_str())), None, [].as_slice()),
        Later::Asked(end) => (None, Some(it.time(*end)), [].as_slice()),
        Later::No(reasons) => (None, None, reasons.as_slice()),
    };
    let shown = EndingSoon {
        it,
        left: calendar::in_words(it.booking.slot.end() - it.now),
        until,
        asked,
        reasons,
        release_url: &ways.release_url,
        more: work.len().saturating_sub(LISTED),
        lost: work.into_iter().take(LISTED).map(Resource::in_words).collect(),
        around: (!around.is_empty()).then(|| around.join(", ")),
    };
    Ok(Message {
        subject: titled(&format!("Ends at {}: ", calendar::time(it.zone, it.booking.slot.end())), it.lab, ""),
        body: shown.render()?,
        calendar: None,
    })
}

#[derive(Template)]
#[template(path = "mail/ended.txt", escape = "none")]
struct Ended<'a> {
    it: Occurrence<'a>,
    what: &'static str,
    /// Whether one can do without: not if it keeps a calendar right.
    may_be_off: bool,
    deleted: Vec<String>,
    more: usize,
    ready: Option<String>,
    over: Option<String>,
    used: Option<String>,
}

/// "Ended": why, what was deleted and when, and what is kept. `resources` are the booking's. If its time had not come yet, its
/// calendar event is taken back.
pub fn ended(it: Occurrence<'_>, resources: &[Resource]) -> Result<Message, askama::Error> {
    let state = &it.booking.state;
    let what = match state.reason() {
        Some(EndReason::Released) => "You gave it back",
        Some(EndReason::Cancelled) => "You called it off",
        Some(EndReason::NoShow) => "Nobody used it, so it was released",
        Some(EndReason::Passed | EndReason::Lapsed) => "You did not take it",
        Some(EndReason::Dropped) => "You have dropped the course",
        Some(EndReason::Displaced) => "An outage came in its way",
        Some(EndReason::Expired | EndReason::Failed) | None => "Its time was over",
    };
    // What the site never had an id for was never there.
    let gone = |it: &&Resource| it.state == ResourceState::Gone && it.site_ref.is_some();
    let deleted: Vec<&Resource> = resources.iter().filter(gone).collect();
    let subject = match state.reason() {
        Some(EndReason::Cancelled) => {
            titled(&format!("Cancelled: {} - ", calendar::span(it.zone, &it.booking.slot)), it.lab, "")
        }
        _ => titled("Ended, everything deleted: ", it.lab, ""),
    };
    let used = used(state);
    let taken_back = used.is_none().then(|| it.calendar(ics::cancellation));
    let used = used.filter(|_| state.reason() != Some(EndReason::NoShow));
    let shown = Ended {
        it,
        what,
        may_be_off: taken_back.is_none(),
        more: deleted.len().saturating_sub(LISTED),
        deleted: deleted
            .into_iter()
            .take(LISTED)
            .map(|resource| format!("{}, {}", resource.in_words(), it.with_utc(resource.since)))
            .collect(),
        ready: state.ready_at().map(|at| it.with_utc(at)),
        over: state.released_at().map(|at| it.with_utc(at)),
        used,
    };
    Ok(Message { subject, body: shown.render()?, calendar: taken_back })
}
