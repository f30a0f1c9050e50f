//! What becomes of bookings that an outage hits: which slot one gets in the place of its own.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::admission::{self, Case};
use super::availability;
use crate::domain::booking::{Booking, State};
use crate::domain::course::Lab;
use crate::domain::interval::Interval;

/// Nobody is moved to a slot that starts sooner than this from now, unless it starts no sooner than the one that they had.
pub const NOTICE: TimeDelta = TimeDelta::hours(12);

/// Nobody is moved out of the day into the night, if there is anything else: a start from this local time on, up to the later
/// one, is by day.
const DAY: (NaiveTime, NaiveTime) =
    (NaiveTime::from_hms_opt(7, 0, 0).unwrap(), NaiveTime::from_hms_opt(23, 0, 0).unwrap());

/// Of slots that one may choose among, each starts at least this long from every other.
const APART: TimeDelta = TimeDelta::hours(4);

/// How many slots around a booking are looked at.
const LOOKED_AT: usize = 300;

/// How an outage meets a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meets {
    /// It is an offer that nobody has taken yet.
    Untaken,
    /// It has not begun: its servers can't be made.
    Ahead,
    /// It runs.
    Running,
    /// It ran and is over.
    Over,
    /// Only the other slot that was asked for lies in the outage.
    Wanted,
}

/// How an outage over `window` meets a booking, if it does.
pub fn meets(booking: &Booking, window: &Interval) -> Option<Meets> {
    if !booking.slot.overlaps(window) {
        let wanted = booking.wanted_slot.is_some_and(|slot| slot.overlaps(window));
        return (wanted && booking.state.is_live()).then_some(Meets::Wanted);
    }
    Some(match booking.state {
        State::Offered { .. } => Meets::Untaken,
        State::Held | State::Booked | State::Preparing => Meets::Ahead,
        State::Active { .. } => Meets::Running,
        State::Releasing { .. } | State::Ended { .. } => Meets::Over,
    })
}

/// Up to `count` legal slots as long as `slot` in its place, the nearest first and those by day before those at night. The case
/// is without the booking of `slot`. Occupancy must be known over [`availability::nearest_span`].
pub fn instead(case: &Case<'_>, slot: &Interval, count: usize) -> Vec<Interval> {
    let earliest = (case.now + NOTICE).min(slot.start()).max(case.now);
    let with_notice = Case { now: earliest, ..*case };
    let mut found = availability::nearest(&with_notice, slot, LOOKED_AT);
    found.retain(|it| it.length() == slot.length() && admission::judge(case, it).is_empty());
    let (by_day, at_night): (Vec<_>, Vec<_>) = found.into_iter().partition(|it| is_by_day(case, slot, it));
    let mut chosen: Vec<Interval> = Vec::new();
    for slot in by_day.into_iter().chain(at_night) {
        if chosen.len() == count {
            break;
        }
        if chosen.iter().all(|other| (other.start() - slot.start()).abs() >= APART) {
            chosen.push(slot);
        }
    }
    chosen
}

/// Whoever had a slot at night may have another.
fn is_by_day(case: &Case<'_>, had: &Interval, slot: &Interval) -> bool {
    let day = |slot: &Interval| {
        let start = slot.start().with_timezone(&case.zone).time();
        DAY.0 <= start && start < DAY.1
    };
    day(slot) || !day(had)
}

/// How near a due date has to be to the end of an outage for it to be worth putting off.
const NEAR: TimeDelta = TimeDelta::days(3);

/// What a lab's due date should be because of an outage over `window`, or until nobody knows when: the same, `None` for to be
/// announced, or later by whole days if it lies in the outage or soon after it.
pub fn suggested_due(
    due: Option<DateTime<Utc>>,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Suggestion {
    let (Some(due), Some(until)) = (due.filter(|due| *due > now && *due > from), until) else {
        return match due {
            Some(due) if due > now && due > from => Suggestion::ToBeAnnounced,
            _ => Suggestion::Same,
        };
    };
    if due - NEAR > until {
        return Suggestion::Same;
    }
    let lost = until - from.max(now);
    let days = (lost + TimeDelta::days(1) - TimeDelta::seconds(1)).num_days().max(1);
    Suggestion::Later { days }
}

/// What is suggested for a due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suggestion {
    /// It stays.
    Same,
    /// It is to be announced.
    ToBeAnnounced,
    /// It is so many days later, at the same time of the day.
    Later {
        /// How many.
        days: i64,
    },
}

/// The end that a running booking gets back what it lost by: its end, later by what of it lies in `window`, on the pool's grid.
pub fn later_end(case: &Case<'_>, slot: &Interval, window: &Interval) -> Option<DateTime<Utc>> {
    let lost = slot.shared(window)?.length();
    let margin = case.pool.end_margin();
    let end = case.pool.ceil(slot.end() + margin + lost) - margin;
    let roomy = own_time(case, lost);
    let roomy = Case { lab: &roomy, ..*case };
    admission::judge_extension(&roomy, slot, end).is_empty().then_some(end)
}

/// The lab with so much more time for the one who lost it: what they get back is not judged by how much one may have.
fn own_time(case: &Case<'_>, lost: TimeDelta) -> Lab {
    let mut lab = case.lab.clone();
    let minutes = i32::try_from(lost.num_minutes()).unwrap_or(i32::MAX);
    lab.policy.cap_minutes =
        lab.policy.cap_minutes.saturating_add(minutes).saturating_add(case.pool.grid_minutes);
    lab.policy.lengths_minutes.clear();
    lab.policy.budget_minutes = None;
    lab.policy.budget_su = None;
    lab.course_budget_su = None;
    lab.policy.stacking = None;
    lab.policy.gaps = None;
    lab
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar;
    use crate::domain::course::Closure;
    use crate::policy::sentences::tests::{Fixture, local};

    fn slot(from: &str, to: &str) -> Interval {
        Interval::new(local(from), local(to)).unwrap()
    }

    fn closed(fixture: &mut Fixture, from: &str, to: &str) {
        let closure = Closure { span: slot(from, to), reason: "JupyterHub is down".to_owned() };
        fixture.lab.outages.push(closure);
    }

    fn told(fixture: &Fixture, now: &str, had: &Interval, count: usize) -> Vec<String> {
        let case = fixture.case(local(now));
        instead(&case, had, count).iter().map(|slot| calendar::span(fixture.zone, slot)).collect()
    }

    #[test]
    fn one_is_moved_to_the_nearest_legal_slot_by_day() {
        let mut fixture = Fixture::origin("ff524");
        closed(&mut fixture, "2025-02-08T08:00", "2025-02-08T20:00");
        let had = slot("2025-02-08T10:00", "2025-02-08T14:00");
        assert_eq!(told(&fixture, "2025-02-07T12:00", &had, 1), ["Sat Feb 8, 20:30 to Sun Feb 9, 00:30"]);
        let at_night = slot("2025-02-08T06:00", "2025-02-08T10:00");
        assert_eq!(
            told(&fixture, "2025-02-07T12:00", &at_night, 1),
            ["Sat Feb 8, 04:00 to 08:00"],
            "who had one that began at night may have another"
        );
    }

    #[test]
    fn nobody_is_moved_ahead_without_notice() {
        let mut fixture = Fixture::origin("ff524");
        closed(&mut fixture, "2025-02-08T14:00", "2025-02-09T00:00");
        let had = slot("2025-02-08T15:00", "2025-02-08T19:00");
        assert_eq!(
            told(&fixture, "2025-02-08T07:30", &had, 1),
            ["Mon Feb 10, 07:00 to 11:00"],
            "the same morning would be nearer, and too soon"
        );
        assert_eq!(told(&fixture, "2025-02-07T20:00", &had, 1), ["Sat Feb 8, 10:00 to 14:00"]);
    }

    #[test]
    fn slots_to_choose_from_are_apart_and_legal_and_of_the_same_length() {
        let mut fixture = Fixture::origin("ff524");
        closed(&mut fixture, "2025-02-08T00:00", "2025-02-09T00:00");
        let had = slot("2025-02-08T10:00", "2025-02-08T14:00");
        let told = told(&fixture, "2025-02-07T12:00", &had, 3);
        assert_eq!(
            told,
            ["Mon Feb 10, 07:00 to 11:00", "Mon Feb 10, 11:00 to 15:00", "Mon Feb 10, 15:00 to 19:00"]
        );
    }

    #[test]
    fn a_due_date_is_put_off_by_what_the_outage_takes_if_it_is_near() {
        let (from, due) = (local("2025-01-31T09:00"), Some(local("2025-02-06T23:59")));
        let suggested = |due, until: Option<&str>| suggested_due(due, from, until.map(local), from);
        assert_eq!(suggested(due, None), Suggestion::ToBeAnnounced);
        assert_eq!(
            suggested(due, Some("2025-02-03T10:00")),
            Suggestion::Same,
            "more than three days are left"
        );
        assert_eq!(suggested(due, Some("2025-02-04T10:00")), Suggestion::Later { days: 5 });
        assert_eq!(suggested(None, None), Suggestion::Same);
        assert_eq!(suggested(Some(local("2025-01-30T23:59")), None), Suggestion::Same, "it is over");
    }

    #[test]
    fn what_was_lost_comes_back_beyond_the_cap_but_not_beyond_a_full_pool() {
        let mut fixture = Fixture::origin("ff524");
        let window = slot("2025-02-08T12:00", "2025-02-08T13:40");
        let had = slot("2025-02-08T10:00", "2025-02-08T18:00");
        let end = |fixture: &Fixture| {
            later_end(&fixture.case(local("2025-02-08T13:40")), &had, &window)
                .map(|end| calendar::time(fixture.zone, end))
        };
        assert_eq!(end(&fixture).as_deref(), Some("20:00"), "1 h 40 on the grid of half hours");
        fixture.fill("2025-02-08T19:00");
        assert_eq!(end(&fixture), None);
    }
}
