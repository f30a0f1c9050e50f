//! How the reaper does, in sentences.

use chrono::TimeDelta;

use super::lists::{place, sentence};
use crate::domain::blueprint::Kind;
use crate::domain::calendar::{self, FURTHER_NOTICE};
use crate::domain::marked::{Exempt, Exemption};
use crate::domain::outage::CARE;
use crate::domain::reaper::ByHand;
use crate::domain::sweep::{Savings, Sweep};
use crate::policy::reaping::Waiting;
use crate::services::outages::Hold;
use crate::services::sweeps::{Overview, Saved};
use crate::web::pages::reaper::{LastSweep, ReaperState, SavedRow};
use crate::web::present;

/// Whether it runs.
pub(super) fn state(view: &Overview) -> ReaperState {
    match view.pauses.as_slice() {
        _ if view.is_late() => ReaperState::Silent,
        [] => ReaperState::Runs,
        pauses if pauses.iter().any(|it| it.what.site.is_none()) => ReaperState::Paused,
        _ => ReaperState::PartlyPaused,
    }
}

/// The sentence that the reader came for, and what to know beside it.
pub(super) fn answer(view: &Overview) -> (String, Option<String>) {
    let Some(sweep) = &view.sweep else {
        return ("No sweep has run yet.".to_owned(), Some(WORKERS.to_owned()));
    };
    let ago = ago(view.now - sweep.at);
    if view.is_late() {
        return (format!("The reaper does not run: the last sweep was {ago}."), Some(WORKERS.to_owned()));
    }
    if state(view) == ReaperState::Paused {
        let lead = "Bookings whose time is over still end. Nothing else happens.";
        return ("The reaper is paused at all sites.".to_owned(), Some(lead.to_owned()));
    }
    let (trouble, _) = skipped(view);
    let found: Vec<String> = [first_steps(view), reported(view)].into_iter().flatten().collect();
    if !found.is_empty() {
        return (sentence(&found.join(", and ")), None);
    }
    if !trouble.is_empty() {
        return ("The last sweep had trouble.".to_owned(), None);
    }
    let did = if sweep.acts == 0 { "found nothing to do" } else { "did what was due" };
    (format!("Nothing needs you: the last sweep, {ago}, {did}."), None)
}

const WORKERS: &str = "A sweep comes each minute where a worker runs. Look whether one does.";

/// "3 servers are stopped today 18:00": what falls due first, and how much comes after it.
fn first_steps(view: &Overview) -> Option<String> {
    let first = view.coming.first()?;
    let when = |it: &Waiting| present::when(view.zone, view.now, it.at).text;
    let at = when(first);
    let same: Vec<_> = view.coming.iter().filter(|it| it.next == first.next && when(it) == at).collect();
    let servers = same.iter().all(|it| it.mark.target.kind == Kind::Server);
    let what = match (same.len(), servers) {
        (1, _) => format!("1 {} is", first.mark.target.kind.word()),
        (many, true) => format!("{many} servers are"),
        (many, false) => format!("{many} things are"),
    };
    let later = match view.coming.len() - same.len() {
        0 => String::new(),
        1 => " (1 step comes later)".to_owned(),
        many => format!(" ({many} steps come later)"),
    };
    Some(format!("{what} {} {at}{later}", first.next.done()))
}

/// "2 things are nobody's": what is reported, if it is.
fn reported(view: &Overview) -> Option<String> {
    let told = view.plan.as_ref().map(|plan| plan.reported.as_slice()).unwrap_or_default();
    let all =
        usize::try_from(view.sweep.as_ref().map_or(0, |sweep| sweep.reported)).unwrap_or(0).max(told.len());
    let nobodys = told.iter().all(|it| it.net_id.is_none());
    match (all, nobodys) {
        (0, _) => None,
        (1, true) => Some("1 thing is nobody's".to_owned()),
        (many, true) => Some(format!("{many} things are nobody's")),
        (1, false) => Some("1 thing is reported".to_owned()),
        (many, false) => Some(format!("{many} things are reported")),
    }
}

/// What the last sweep did not do: for trouble, and by somebody's wish.
pub(super) fn skipped(view: &Overview) -> (Vec<String>, Vec<String>) {
    let failed = view.sweep.as_ref().map_or(0, |sweep| sweep.failed);
    let mut trouble: Vec<String> = match failed {
        0 => Vec::new(),
        1 => vec!["1 act of the last sweep failed: its page says why.".to_owned()],
        many => vec![format!("{many} acts of the last sweep failed: its page says why.")],
    };
    let Some(plan) = &view.plan else {
        let told = view.sweep.iter().flat_map(|sweep| &sweep.skipped);
        trouble.extend(told.map(|text| sentence(text)));
        return (trouble, Vec::new());
    };
    let mut undone = Vec::new();
    for it in &plan.skipped {
        let text = format!("{}: {}", place(view, &it.site), sentence(&it.reason));
        if it.why.is_trouble() { trouble.push(text) } else { undone.push(text) }
    }
    (trouble, undone)
}

/// What is done about what people make by hand.
pub(super) fn by_hand(by_hand: ByHand) -> &'static str {
    match by_hand {
        ByHand::Report => {
            "What people make by hand and may not have is reported here, and nothing else is done: by_hand is \"report\" in the \
             course file."
        }
        ByHand::Warn => {
            "What people make by hand and may not have is told to its owner, and nothing else is done: by_hand is \"warn\" in \
             the course file."
        }
        ByHand::Delete => {
            "What people make by hand and may not have is told to its owner, then stopped, then deleted."
        }
    }
}

/// The last sweep, if there was one.
pub(super) fn last(view: &Overview) -> Option<LastSweep> {
    let sweep = view.sweep.as_ref()?;
    Some(LastSweep {
        at: present::when(view.zone, view.now, sweep.at),
        ago: ago(view.now - sweep.at),
        text: format!("It listed {}, and {}.", count(sweep.listed, "object"), did(sweep)),
        href: (sweep.acts > 0 || !sweep.skipped.is_empty())
            .then(|| format!("/staff/reaper/sweeps/{}", sweep.id)),
    })
}

fn did(sweep: &Sweep) -> String {
    match sweep.acts {
        0 => "did nothing".to_owned(),
        acts => format!("did {}", count(acts, "thing")),
    }
}

/// `1 act`, `3 acts`.
pub(super) fn count(number: i32, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn ago(length: TimeDelta) -> String {
    match length.num_seconds() {
        seconds @ 0..60 => format!("{seconds} s ago"),
        _ => format!("{} ago", calendar::in_words(length)),
    }
}

/// What deletions have saved, a row each.
pub(super) fn saved(saved: &Saved) -> Vec<SavedRow> {
    let row = |name: &str, (number, savings): (usize, Savings)| SavedRow {
        name: name.to_owned(),
        deleted: count(i32::try_from(number).unwrap_or(i32::MAX), "deletion"),
        hours: hours(savings),
        su: savings.su.to_string(),
    };
    vec![row("Last 7 days", saved.week), row("Last 30 days", saved.month), row("Since it began", saved.ever)]
}

/// `340.5 h`.
pub(super) fn hours(savings: Savings) -> String {
    let tenths = savings.server_minutes / 6;
    match tenths % 10 {
        0 => format!("{} h", tenths / 10),
        rest => format!("{}.{rest} h", tenths / 10),
    }
}

/// Where it holds off for an outage, in a sentence.
pub(super) fn held(view: &Overview, hold: &Hold) -> String {
    let site = hold.pause.as_ref().and_then(|pause| pause.site.as_ref()).map(|site| place(view, site));
    let lab = |it: &Exemption| match &it.what {
        Exempt::Lab(lab) => Some(format!("lab {lab}")),
        _ => None,
    };
    let labs: Vec<String> = hold.exemptions.iter().filter_map(lab).collect();
    let what = site.unwrap_or_else(|| labs.join(", "));
    let until =
        match hold.pause.as_ref().map_or_else(|| hold.exemptions.first().map(|it| it.until), |it| it.until) {
            Some(until) if until < FURTHER_NOTICE => {
                format!("until {}", calendar::date_and_time(view.zone, until))
            }
            _ => format!("until {} h after it is over", CARE.num_hours()),
        };
    format!("{what}: left alone {until}, for an outage")
}
