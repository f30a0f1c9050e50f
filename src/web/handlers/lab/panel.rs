//! The chosen start: how long, what it costs, what it leaves.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Query, View, hours_text, read_hours};
use crate::domain::calendar;
use crate::domain::interval::Interval;
use crate::domain::su::Su;
use crate::domain::usage::server_hours;
use crate::policy::admission::Violation;
use crate::policy::availability::Verdict;
use crate::policy::lead;
use crate::services::labs::{Choice, LabView};
use crate::web::context::SignedIn;
use crate::web::pages::lab::{Length, Panel};
use crate::web::pages::layout::Link;
use crate::web::present;

/// The panel of a start that was chosen.
pub(super) fn compose(who: &SignedIn, view: &LabView, choice: &Choice, query: &Query) -> Panel {
    let needs_key = who.caller.person.ssh_public_key.is_none();
    let (lab, pool, zone) = (&view.setting.lab, &view.setting.pool, view.setting.zone);
    let at = choice.start.at;
    let (free, lengths) = match &choice.start.verdict {
        Verdict::Free { units_left, .. } => (
            format!(
                "{} of {} free",
                units_left / lab.units.max(1),
                pool.capacity_at(pool.floor(at)) / lab.units.max(1)
            ),
            lengths(view, choice, query.hours.as_deref()),
        ),
        Verdict::Refused(_) => (String::new(), Vec::new()),
    };
    let (action, button) = match &view.moving {
        Some(booking) => (format!("{}?seen={}", view.path(), booking.mark()), "Move it there".to_owned()),
        None => (format!("{}/bookings", view.path()), "Book".to_owned()),
    };
    let have = i32::try_from(view.bookings.len()).unwrap_or(i32::MAX);
    let left = lab.policy.bookings_ahead - have - 1;
    Panel {
        action,
        button,
        csrf: who.caller.csrf().to_owned(),
        idempotency_key: who.context.app().booking_id().to_string(),
        start: present::when(zone, view.now, at),
        free,
        longest_because: longest_because(zone, choice),
        preparing: preparing(view, at),
        leaves: (!lengths.is_empty() && view.moving.is_none())
            .then(|| format!("Leaves you {} of {} bookings.", left.max(0), lab.policy.bookings_ahead)),
        lengths,
        close_href: close_href(view, query),
        wait: wait(view, choice),
        blocked: needs_key.then(|| Link::new("/me#key", "Add your SSH key first")),
    }
}

/// Where one waits for the start, if others have it.
fn wait(view: &LabView, choice: &Choice) -> Option<String> {
    let Verdict::Refused(violations) = &choice.start.verdict else { return None };
    let waits = view.moving.is_none() && present::is_full(violations);
    waits.then(|| present::wait_href(&view.setting.lab.id, view.setting.zone, choice.start.at, None))
}

/// The page without the choice.
fn close_href(view: &LabView, query: &Query) -> String {
    let as_list = if query.view == View::List { "view=list&" } else { "" };
    format!("{}?{as_list}week={}#week", view.path(), view.week.first)
}

/// What stands against the start, or against a longer slot from it.
fn longest_because(zone: Tz, choice: &Choice) -> String {
    match (&choice.start.verdict, &choice.stopper) {
        (Verdict::Refused(violations), _) => {
            violations.iter().map(|violation| violation.sentence(zone)).collect::<Vec<_>>().join(" ")
        }
        (Verdict::Free { .. }, Some(Violation::OverCap { cap, counted: None, .. })) => {
            format!("{} at once is the most.", calendar::in_words(*cap))
        }
        (_, Some(violation)) => violation.sentence(zone),
        (_, None) => String::new(),
    }
}

/// When the servers are made.
fn preparing(view: &LabView, at: DateTime<Utc>) -> String {
    let (pool, zone) = (&view.setting.pool, view.setting.zone);
    let ready_by = calendar::time(zone, at);
    let held_from = at - pool.lead();
    let begin = lead::begin(at, held_from, view.learned.as_ref());
    if let Some(late) = lead::late(at, begin.max(view.now), view.learned.as_ref()) {
        let when = if begin <= view.now {
            "at once".to_owned()
        } else {
            format!("at {}", calendar::time(zone, begin))
        };
        let late = calendar::time(zone, late);
        format!("Preparing begins {when}. Going by the latest bookings, it is ready at {late}.")
    } else if begin <= view.now {
        format!("Preparing begins at once, so that it is ready at {ready_by}.")
    } else if pool.lead() > TimeDelta::zero() {
        format!("Preparing begins at {}, so that it is ready at {ready_by}.", calendar::time(zone, begin))
    } else {
        format!("Preparing begins at {ready_by} and takes a few minutes.")
    }
}

/// Whole hours, and the longest and the chosen one even if they are none; every length where the lab has set ones. People
/// think of a block with its end margin as of its whole hours.
fn lengths(view: &LabView, choice: &Choice, chosen: Option<&str>) -> Vec<Length> {
    let (at, margin) = (choice.start.at, view.setting.pool.end_margin());
    let set = !view.setting.lab.policy.lengths_minutes.is_empty();
    let chosen = chosen.and_then(|hours| read_hours(hours).ok());
    let whole = |length: &TimeDelta| (*length + margin).num_minutes() % 60 == 0;
    let longest = choice.lengths.last().map(|(length, _)| *length);
    let offered = || {
        choice
            .lengths
            .iter()
            .filter(|(length, _)| set || whole(length) || Some(*length) == longest || Some(*length) == chosen)
    };
    let all = || offered().map(|(length, _)| *length);
    let usual = all().filter(|length| *length <= USUAL).max().or_else(|| all().next());
    let first = chosen.filter(|chosen| all().any(|length| length == *chosen)).or(usual);
    offered()
        .map(|(length, warnings)| Length {
            hours: hours_text(length.num_minutes()),
            text: calendar::in_words(*length + margin),
            end: present::end(view.setting.zone, at, at + *length),
            cost: cost(view, view.setting.pool.lead() + *length),
            notes: budgets(view, at, *length)
                .into_iter()
                .chain(warnings.iter().map(|warning| warning.sentence(view.setting.zone)))
                .collect(),
            chosen: Some(*length) == first,
        })
        .collect()
}

/// `12 server-hours`, and the service units that the site charges, if it charges any: of all that is held, lead and slot, as
/// it counts once it is booked ([`Booking::cost`](crate::domain::booking::Booking::cost)).
fn cost(view: &LabView, held: TimeDelta) -> String {
    let lab = &view.setting.lab;
    let hours = server_hours(held.num_minutes() * i64::from(lab.blueprint.server_count()));
    match lab.su_per_hour.for_length(held) {
        Su::ZERO => hours,
        su => format!("{hours}, {su}"),
    }
}

/// What a slot would leave of each budget that the person has.
fn budgets(view: &LabView, at: DateTime<Utc>, length: TimeDelta) -> Vec<String> {
    let (lab, standing) = (&view.setting.lab, &view.standing);
    let counted = Interval::new(at, at + length).map(|slot| lab.policy.counted(view.setting.zone, &slot));
    let hours = lab.policy.budget_minutes.zip(counted).map(|(minutes, counted)| {
        let budget = TimeDelta::minutes(minutes.into());
        let left = (budget - standing.used - counted).max(TimeDelta::zero());
        let left = if left.is_zero() { "nothing".to_owned() } else { calendar::in_words(left) };
        format!("Leaves you {left} of {}.", calendar::in_words(budget))
    });
    let cost = lab.su_per_hour.for_length(length);
    let su = |budget: Option<Su>, used: Su, of: &str| {
        budget.map(|budget| format!("Leaves you {} of {budget}{of}.", (budget - used - cost).max(Su::ZERO)))
    };
    let of_lab = su(lab.policy.budget_su, standing.used_su, "");
    let of_course = su(lab.course_budget_su, standing.used_su_in_all, " in the course");
    [hours, of_lab, of_course].into_iter().flatten().collect()
}

/// The length that is chosen at first is the longest up to this.
const USUAL: TimeDelta = TimeDelta::hours(4);
