//! The rules.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Case, Violation};
use crate::domain::course::{Closure, GapRule, Strictness};
use crate::domain::interval::Interval;
use crate::domain::su::Su;

pub(super) fn off_grid(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let every = case.lab.policy.starts_every_minutes.unwrap_or(case.pool.grid_minutes);
    let starts_right = slot.start().timestamp().rem_euclid(i64::from(every.max(1)) * 60) == 0;
    let ends_right = case.pool.on_grid(slot.end() + case.pool.end_margin());
    (!starts_right || !ends_right).then(|| off_grid_here(case))
}

pub(super) fn off_grid_here(case: &Case<'_>) -> Violation {
    let grid_minutes = case.pool.grid_minutes;
    let starts_minutes = case.lab.policy.starts_every_minutes.unwrap_or(grid_minutes);
    Violation::OffGrid { starts_minutes, grid_minutes, margin_minutes: case.pool.end_margin_minutes }
}

pub(super) fn bad_length(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let asked = slot.length() + case.pool.end_margin();
    let lengths: Vec<_> =
        case.lab.policy.lengths_minutes.iter().map(|minutes| TimeDelta::minutes((*minutes).into())).collect();
    (!lengths.is_empty() && !lengths.contains(&asked)).then_some(Violation::BadLength { asked, lengths })
}

pub(super) fn in_past(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    (slot.start() < case.now).then_some(Violation::InPast { now: case.now })
}

pub(super) fn not_open(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    (slot.start() < case.lab.open).then_some(Violation::NotOpen { open: case.lab.open })
}

pub(super) fn past_due(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let due = case.lab.due?;
    (slot.end() > case.pool.ceil(due)).then_some(Violation::PastDue { due })
}

/// A due date lies in the term, but for an extension that staff gave knowingly.
pub(super) fn past_term(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let end = case.lab.term_end.filter(|_| case.lab.due.is_none())?;
    let term = case.lab.term.clone().unwrap_or_default();
    (slot.end() > end).then_some(Violation::PastTerm { term, end })
}

pub(super) fn too_far(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let horizon_days = case.lab.policy.horizon_days?;
    let latest = case.now + TimeDelta::days(horizon_days.into());
    (slot.start() > latest).then_some(Violation::TooFar { horizon_days, latest })
}

/// The pool's, and the outages that hit the lab.
fn closures<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Closure> + use<'a> {
    case.pool.closures.iter().chain(&case.lab.outages)
}

pub(super) fn closed(case: &Case<'_>, held: &Interval) -> Option<Violation> {
    let closure = closures(case).find(|closure| closure.span.overlaps(held))?;
    Some(Violation::Closed { span: closure.span, reason: closure.reason.clone() })
}

pub(super) fn wrong_day(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let rule = case.lab.policy.parity.as_ref()?;
    let Some(parity) = case.standing.parity else { return Some(Violation::NoParity) };
    let date = case.lab.policy.wrong_day(case.zone, parity, slot)?;
    Some(Violation::WrongDay { date, parity, days: rule.days(parity, date), first: rule.first_day() })
}

pub(super) fn over_cap(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let policy = &case.lab.policy;
    let (asked, cap) = (policy.counted(case.zone, slot), policy.cap());
    (asked > cap).then_some(Violation::OverCap { asked, cap, counted: policy.counted })
}

pub(super) fn over_budget(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let budget = TimeDelta::minutes(case.lab.policy.budget_minutes?.into());
    let asked = case.lab.policy.counted(case.zone, slot);
    let left = (budget - case.standing.used).max(TimeDelta::zero());
    (asked > left).then_some(Violation::OverBudget { asked, left, budget })
}

/// A slot without hours that count is free here, too.
pub(super) fn over_bookings(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let budget = case.lab.policy.budget_bookings?;
    let counts = case.lab.policy.counted(case.zone, slot) > TimeDelta::zero();
    (counts && case.standing.used_bookings >= budget).then_some(Violation::OverBookings { budget })
}

/// A site charges for the lease, which begins with the lead. The lab's budget is told before the course's.
pub(super) fn over_su(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let asked = case.lab.su_per_hour.for_length(case.pool.in_use(slot).length());
    let over = |budget: Option<Su>, used: Su, of_course: bool| {
        let budget = budget?;
        let left = (budget - used).max(Su::ZERO);
        (asked > left).then_some(Violation::OverSu { asked, left, budget, of_course })
    };
    over(case.lab.policy.budget_su, case.standing.used_su, false)
        .or_else(|| over(case.lab.course_budget_su, case.standing.used_su_in_all, true))
}

/// Of all spans of the rule's length, the one that is covered most begins or ends with a booking.
pub(super) fn stacked(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let rule = case.lab.policy.stacking?;
    let spans: Vec<Interval> = case.standing.spans.iter().copied().chain([*slot]).collect();
    let windows = spans.iter().flat_map(|span| {
        [
            Interval::new(span.start(), span.start() + rule.within()),
            Interval::new(span.end() - rule.within(), span.end()),
        ]
    });
    let covered =
        |window: &Interval| 100 * covered(&spans, window).num_seconds() / rule.within().num_seconds().max(1);
    let worst = windows.flatten().filter(|window| window.overlaps(slot)).max_by_key(|window| {
        // Of equals the earliest: what is told does not depend on the order of bookings.
        (covered(window), std::cmp::Reverse(window.start()))
    })?;
    let covered = covered(&worst);
    (covered >= rule.percent.into()).then_some(Violation::Stacked {
        span: worst,
        covered,
        limit: rule.percent,
    })
}

/// How much of `window` at least one of `spans` covers.
fn covered(spans: &[Interval], window: &Interval) -> TimeDelta {
    let mut inside: Vec<Interval> = spans.iter().filter_map(|span| span.shared(window)).collect();
    inside.sort();
    let mut reached = window.start();
    let mut total = TimeDelta::zero();
    for span in inside {
        total += (span.end() - span.start().max(reached)).max(TimeDelta::zero());
        reached = reached.max(span.end());
    }
    total
}

pub(super) fn not_enrolled(case: &Case<'_>) -> Option<Violation> {
    (!case.standing.enrolled).then_some(Violation::NotEnrolled)
}

pub(super) fn overlap(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    first_overlap(&case.standing.own, slot).map(|other| Violation::Overlap { other })
}

pub(super) fn other_part(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    first_overlap(&case.standing.other_parts, slot).map(|other| Violation::OtherPart { other })
}

fn first_overlap(others: &[Interval], slot: &Interval) -> Option<Interval> {
    others.iter().filter(|other| other.overlaps(slot)).min().copied()
}

pub(super) fn too_many_ahead(case: &Case<'_>) -> Option<Violation> {
    let limit = case.lab.policy.bookings_ahead;
    (count(&case.standing.own) >= limit).then_some(Violation::TooManyAhead { limit })
}

pub(super) fn too_many_far(case: &Case<'_>, slot: &Interval) -> Option<Violation> {
    let rule = case.lab.policy.far?;
    let far = case.now + TimeDelta::hours(rule.beyond_hours.into());
    let have = count(case.standing.own.iter().filter(|own| own.start() > far));
    let broken = slot.start() > far && have >= rule.bookings;
    broken.then_some(Violation::TooManyFar { limit: rule.bookings, beyond_hours: rule.beyond_hours })
}

fn count<'a>(bookings: impl IntoIterator<Item = &'a Interval>) -> i32 {
    i32::try_from(bookings.into_iter().count()).unwrap_or(i32::MAX)
}

/// A stretch between what a booking would hold and the next cell that is closed or full, too short for anybody.
pub(super) fn gap(case: &Case<'_>, held: &Interval, then: Strictness) -> Option<Violation> {
    let rule = case.lab.policy.gaps.filter(|rule| rule.then == then)?;
    let (first, end) = (case.pool.floor(held.start()), case.pool.ceil(held.end()));
    let before = || {
        let cell = |n: i32| first - case.pool.grid() * (n + 1);
        let cells = stretch(case, rule, first, cell)?;
        Interval::new(first - case.pool.grid() * cells, first)
    };
    let after = || {
        let cell = |n: i32| end + case.pool.grid() * n;
        let cells = stretch(case, rule, end - case.pool.grid(), cell)?;
        Interval::new(end, end + case.pool.grid() * cells)
    };
    before().or_else(after).map(|span| Violation::Gap { span, shortest: rule.shortest() })
}

/// How many of the cells that `cell` gives, one after the other, are free before one is not, if they are too few to be of
/// use, and if the booking's own outermost cell, `edge`, would be full: else the stretch goes on there. What is over is no
/// stretch: time goes on.
fn stretch(
    case: &Case<'_>,
    rule: GapRule,
    edge: DateTime<Utc>,
    cell: impl Fn(i32) -> DateTime<Utc>,
) -> Option<i32> {
    let units = case.lab.units;
    if case.occupancy.free(case.pool, edge) >= 2 * units {
        return None;
    }
    let grid = case.pool.grid();
    let most = i32::try_from(rule.shortest().num_seconds() / grid.num_seconds().max(1)).unwrap_or(i32::MAX);
    let open = |at: DateTime<Utc>| {
        let span = Interval::new(at, at + grid);
        let closed = span.is_some_and(|span| closures(case).any(|it| it.span.overlaps(&span)));
        !closed && case.occupancy.free(case.pool, at) >= units
    };
    let free = (0..most).take_while(|n| open(cell(*n))).count();
    let free = i32::try_from(free).unwrap_or(i32::MAX);
    let over = cell(free.saturating_sub(1)) < case.pool.floor(case.now);
    (free > 0 && free < most && !over).then_some(free)
}

pub(super) fn full(case: &Case<'_>, held: &Interval) -> Option<Violation> {
    let nodes = &case.standing.nodes;
    case.occupancy.first_full_for(case.pool, held, case.lab.units, nodes).map(|at| Violation::Full { at })
}
