//! What the reaper is about to act on, as lists of a page.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::calendar;
use crate::domain::ids::{NetId, SiteId};
use crate::domain::marked::{Marked, Predicate, Stage, Target};
use crate::domain::reaper::ReaperPolicy;
use crate::domain::sweep::Sweep;
use crate::policy::reaping::{Action, NextStep as Step, Plan, Told, Waiting};
use crate::services::sweeps::Overview;
use crate::web::pages::layout::Link;
use crate::web::pages::reaper::{MarkState, NextStep, Taken, Thing, Things};
use crate::web::present;

/// A clause as a sentence.
pub(in crate::web::handlers) fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if clause.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// What people call a site.
pub(in crate::web::handlers) fn place(view: &Overview, site: &SiteId) -> String {
    title(&view.sites, site)
}

fn title(sites: &[(String, String)], site: &SiteId) -> String {
    let known = sites.iter().find(|(id, _)| id == site.as_str());
    known.map_or_else(|| site.to_string(), |(_, title)| title.clone())
}

/// How far the reaper is with a marked object.
pub(in crate::web::handlers) fn state_of(stage: &Stage) -> MarkState {
    match stage {
        Stage::Warned { .. } => MarkState::Told,
        Stage::Stopped { .. } => MarkState::Stopped,
        Stage::Deleting { .. } => MarkState::Deleting,
        Stage::Restored { .. } => MarkState::Restored,
    }
}

impl NextStep {
    /// The next step, with how long it is until then.
    pub(in crate::web::handlers) fn of(zone: Tz, now: DateTime<Utc>, next: Step, at: DateTime<Utc>) -> Self {
        let left = at - now;
        Self {
            done: next.done(),
            at: present::when(zone, now, at),
            left: if left.num_seconds() > 0 {
                format!("in {}", calendar::in_words(left))
            } else {
                "with the next sweep".to_owned()
            },
        }
    }
}

impl Taken {
    /// What names a marked object, if it can be taken back.
    pub(in crate::web::handlers) fn of(mark: &Marked) -> Option<Self> {
        matches!(mark.stage, Stage::Warned { .. } | Stage::Stopped { .. }).then(|| Self {
            site: mark.target.site.to_string(),
            kind: mark.target.kind.word().to_owned(),
            site_ref: mark.target.site_ref.clone(),
        })
    }
}

/// `server node1`, or with its id if it has no name.
pub(in crate::web::handlers) fn called(target: &Target) -> String {
    let name = if target.name.is_empty() { &target.site_ref } else { &target.name };
    format!("{} {name}", target.kind.word())
}

/// The form that exempts an object, filled with what names it.
fn exempt(target: &Target) -> String {
    let value = present::escape(&target.site_ref);
    format!("/staff/reaper/exemptions?what=object&site={}&value={value}#add", target.site)
}

struct Lines<'a> {
    view: &'a Overview,
}

impl Lines<'_> {
    fn object(&self, target: &Target, predicate: Predicate, reason: &str) -> Thing {
        Thing {
            name: called(target),
            place: title(&self.view.sites, &target.site),
            whose: None,
            state: None,
            next: None,
            why: sentence(reason),
            code: predicate.code(),
            note: None,
            restore: None,
            exempt: Some(exempt(target)),
        }
    }

    fn waiting(&self, it: &Waiting) -> Thing {
        let (zone, now) = (self.view.zone, self.view.now);
        Thing {
            whose: Some(whose(it.mark.net_id.as_ref())),
            state: Some(state_of(&it.mark.stage)),
            next: Some(NextStep::of(zone, now, it.next, it.at)),
            restore: Taken::of(&it.mark),
            ..self.object(&it.mark.target, it.mark.predicate, &it.reason)
        }
    }

    fn told(&self, it: &Told) -> Thing {
        Thing { whose: Some(whose(it.net_id.as_ref())), ..self.object(&it.target, it.predicate, &it.reason) }
    }

    fn due(&self, action: &Action) -> Thing {
        let what = sentence(&action.what());
        let name = what.trim_end_matches('.').to_owned();
        let (target, place) = match action {
            Action::EndBooking { lab, .. }
            | Action::WarnNoShow { lab, .. }
            | Action::ReleaseNoShow { lab, .. } => (None, lab.to_string()),
            Action::DeleteOrphan { site, kind, site_ref, name, .. } => {
                let (site, site_ref, name) = (site.clone(), site_ref.clone(), name.clone());
                let place = title(&self.view.sites, &site);
                (Some(Target { site, kind: *kind, site_ref, name }), place)
            }
            Action::Unmark { mark, .. } => (None, title(&self.view.sites, &mark.target.site)),
            Action::Warn { mark, .. } | Action::Stop { mark, .. } | Action::Delete { mark, .. } => {
                (Some(mark.target.clone()), title(&self.view.sites, &mark.target.site))
            }
        };
        Thing {
            name,
            place,
            whose: None,
            state: None,
            next: None,
            why: sentence(action.reason()),
            code: action.predicate().map_or("unmark", Predicate::code),
            note: None,
            restore: None,
            exempt: target.as_ref().map(exempt),
        }
    }
}

fn whose(net_id: Option<&NetId>) -> String {
    net_id.map_or_else(|| "nobody's".to_owned(), ToString::to_string)
}

/// The first of each list of what the last sweep saw.
pub(super) fn stored(view: &Overview, first: usize) -> Vec<Things> {
    ["coming", "reported", "kept"]
        .into_iter()
        .filter_map(|key| whole(view, key))
        .map(|list| cut(list, first, true))
        .collect()
}

/// A whole list of what the last sweep saw, if there is one of this name.
pub(super) fn whole(view: &Overview, key: &str) -> Option<Things> {
    let lines = Lines { view };
    let plan = view.plan.as_ref();
    let seen = |of: fn(&Sweep) -> i32| view.sweep.as_ref().map_or(0, of);
    match key {
        "coming" => {
            let rows = view.coming.iter().map(|it| lines.waiting(it)).collect();
            let left_out = missing(seen(|it| it.waiting), plan.map_or(0, |plan| plan.waiting.len()));
            Some(coming(&view.policy, rows, left_out))
        }
        "reported" => {
            let told = plan.map(|plan| plan.reported.as_slice()).unwrap_or_default();
            let left_out = missing(seen(|it| it.reported), told.len());
            Some(reported(told.iter().map(|it| lines.told(it)).collect(), left_out))
        }
        "kept" => {
            let told = plan.map(|plan| plan.kept.as_slice()).unwrap_or_default();
            let left_out = missing(seen(|it| it.kept), told.len());
            Some(kept(told.iter().map(|it| lines.told(it)).collect(), left_out))
        }
        _ => None,
    }
}

/// How many the sweep saw that are not in its stored plan.
fn missing(seen: i32, stored: usize) -> usize {
    usize::try_from(seen).unwrap_or(0).saturating_sub(stored)
}

/// What a look just now came to.
pub(super) fn looked(view: &Overview, plan: &Plan, first: usize) -> Vec<Things> {
    let lines = Lines { view };
    let due = plan.actions.iter().map(|it| lines.due(it)).collect();
    let waiting = plan_waiting(plan).into_iter().map(|it| lines.waiting(it)).collect();
    let told = |all: &[Told]| all.iter().map(|it| lines.told(it)).collect();
    [
        list("due", "Due now", DUE, "Nothing is due.", due),
        list(
            "coming",
            "What comes next",
            "Marked objects whose next step is not due yet.",
            NOTHING_COMES,
            waiting,
        ),
        reported(told(&plan.reported), 0),
        kept(told(&plan.kept), 0),
    ]
    .into_iter()
    .map(|list| cut(list, first, false))
    .collect()
}

/// The first due first.
fn plan_waiting(plan: &Plan) -> Vec<&Waiting> {
    let mut waiting: Vec<_> = plan.waiting.iter().collect();
    waiting.sort_by_key(|it| (it.at, &it.mark.target));
    waiting
}

const NOTHING_COMES: &str = "Nothing that people made by hand waits for a next step.";

const DUE: &str = "The next sweep does this, within a minute.";

fn coming(policy: &ReaperPolicy, rows: Vec<Thing>, left_out: usize) -> Things {
    let hours = calendar::in_words(policy.restored());
    let text = format!(
        "As the last sweep saw it, the first due first. Restore leaves a thing alone for {hours}, and starts it if it was \
         stopped."
    );
    more_than(list("coming", "What comes next", &text, NOTHING_COMES, rows), left_out)
}

fn reported(rows: Vec<Thing>, left_out: usize) -> Things {
    let text = "Nothing is done about these unless someone does it by hand.";
    more_than(list("reported", "Reported only", text, "Nothing is reported.", rows), left_out)
}

fn kept(rows: Vec<Thing>, left_out: usize) -> Things {
    let text = "What would be acted on, and is left alone since someone wished so.";
    more_than(list("kept", "Kept", text, "Nothing is kept by anybody's wish.", rows), left_out)
}

fn list(key: &'static str, title: &str, text: &str, empty: &str, rows: Vec<Thing>) -> Things {
    let text = if rows.is_empty() { empty } else { text };
    Things { key, title: title.to_owned(), text: text.to_owned(), rows, more: None }
}

/// A list of a stored plan is cut: it says how many more the sweep saw.
fn more_than(mut list: Things, left_out: usize) -> Things {
    if left_out > 0 {
        list.text = format!("{} The sweep saw {left_out} more.", list.text);
    }
    list
}

/// The first of a list. The rest is on a page of its own, or `fairlease reap --dry-run` prints it.
fn cut(mut list: Things, first: usize, has_page: bool) -> Things {
    let all = list.rows.len();
    if all > first {
        list.rows.truncate(first);
        if has_page {
            list.more = Some(Link::new(format!("/staff/reaper/plan/{}", list.key), format!("All {all}")));
        } else {
            list.text = format!(
                "{} Here are the first {first} of {all}; fairlease reap --dry-run prints all.",
                list.text
            );
        }
    }
    list
}
