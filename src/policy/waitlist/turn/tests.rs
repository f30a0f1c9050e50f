use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::ids::{BookingId, WaitId};
use crate::domain::reaper::QuietHours;
use crate::policy::search;
use crate::policy::sentences::tests::{Fixture, local};

fn span(start: &str, end: &str) -> Interval {
    Interval::new(local(start), local(end)).unwrap()
}

fn asked(hours: i64, windows: &[(&str, &str)]) -> Asked {
    let windows = windows.iter().map(|(start, end)| span(start, end)).collect();
    Asked { length_minutes: hours * 60, windows, auto_accept: false }
}

fn wait(id: u64, joined: &str, asked: Asked) -> Wait {
    Wait {
        id: WaitId::from_bits(id),
        person: format!("p{id:011}").parse().unwrap(),
        lab: "k8s".parse().unwrap(),
        asked,
        joined_at: local(joined),
        age_from: local(joined),
        lapses: 0,
        passed: Vec::new(),
        state: WaitState::Waiting,
    }
}

/// Someone who waits, and their world.
struct Waiting {
    fixture: Fixture,
    wait: Wait,
    fair_share: f64,
}

impl Waiting {
    fn new(net_id: &str, wait: Wait) -> Self {
        Self { fixture: Fixture::origin(net_id), wait, fair_share: 0.5 }
    }

    fn candidate(&self, now: DateTime<Utc>) -> Candidate<'_> {
        let waiter = order::Waiter::of(&self.wait, self.fair_share, self.fixture.lab.due, now);
        Candidate {
            wait: &self.wait,
            priority: order::priority(&WaitlistPolicy::default(), &waiter, now),
            lab: &self.fixture.lab,
            pool: &self.fixture.pool,
            zone: self.fixture.zone,
            standing: &self.fixture.standing,
        }
    }

    fn soonest(&self, now: &str) -> Option<(Interval, How)> {
        let now = local(now);
        let occupancy = self.fixture.case(now).occupancy;
        soonest(&self.candidate(now), occupancy, now, &WaitlistPolicy::default())
    }

    fn slot(&self, now: &str) -> Option<Interval> {
        self.soonest(now).map(|(slot, _)| slot)
    }
}

const NOW: &str = "2025-02-08T09:00";

fn turn(waiting: &[&Waiting], occupancy: &Occupancy) -> Option<Turn> {
    let now = local(NOW);
    let candidates: Vec<_> = waiting.iter().map(|it| it.candidate(now)).collect();
    let occupancies = BTreeMap::from([(waiting[0].fixture.pool.id.clone(), occupancy.clone())]);
    next(&candidates, &occupancies, now, &WaitlistPolicy::default(), &mut BTreeSet::new())
}

#[test]
fn the_soonest_slot_within_the_windows_is_offered() {
    let windows = [("2025-02-08T14:10", "2025-02-08T16:00"), ("2025-02-10T10:00", "2025-02-10T14:00")];
    let mut waiting = Waiting::new("ff524", wait(1, "2025-02-07T12:00", asked(2, &windows)));
    let monday = span("2025-02-10T10:00", "2025-02-10T12:00");
    assert_eq!(
        waiting.slot(NOW),
        Some(monday),
        "the first window is too short from its first whole half hour on"
    );
    waiting.wait.passed.push(span("2025-02-10T10:00", "2025-02-10T11:00"));
    assert_eq!(
        waiting.slot(NOW),
        Some(span("2025-02-10T10:30", "2025-02-10T12:30")),
        "not the same start again"
    );
    waiting.fixture.fill("2025-02-10T11:30");
    assert_eq!(waiting.slot(NOW), None);
    waiting.wait.asked = asked(2, &[]);
    waiting.fixture.fill("2025-02-08T10:00");
    let (slot, how) = waiting.soonest(NOW).unwrap();
    assert_eq!(slot, span("2025-02-08T11:00", "2025-02-08T13:00"), "its lead begins after what is full");
    assert_eq!(how, How::Offered { until: local("2025-02-08T10:00"), tell_at: local(NOW) });
}

#[test]
fn what_can_not_be_answered_in_time_is_only_for_those_who_have_it_booked_at_once() {
    let mut waiting = Waiting::new("ff524", wait(1, "2025-02-07T12:00", asked(2, &[])));
    let (slot, how) = waiting.soonest("2025-02-08T09:26").unwrap();
    assert_eq!(slot.start(), local("2025-02-08T10:30"), "at 10:00 it would be held from 09:30 on");
    assert_eq!(how, How::Offered { until: local("2025-02-08T10:00"), tell_at: local("2025-02-08T09:26") });
    waiting.wait.asked.auto_accept = true;
    let (slot, how) = waiting.soonest("2025-02-08T09:26").unwrap();
    assert_eq!((slot.start(), how), (local("2025-02-08T09:30"), How::AtOnce));
}

#[test]
fn who_comes_first_and_has_a_slot_has_the_turn() {
    let day = [("2025-02-08T12:00", "2025-02-08T18:00")];
    let first = Waiting::new("ff523", wait(1, "2025-02-05T12:00", asked(2, &day)));
    let second = Waiting::new("ff524", wait(2, "2025-02-06T12:00", asked(2, &day)));
    let mut third = Waiting::new("ff526", wait(3, "2025-02-07T12:00", asked(2, &day)));
    let empty = Occupancy::default();
    let index = |waiting: &[&Waiting]| turn(waiting, &empty).map(|turn| turn.index);
    assert_eq!(index(&[&third, &second, &first]), Some(1), "it is not the first one's day");
    third.fair_share = 1.0;
    assert_eq!(index(&[&third, &second, &first]), Some(0));
    third.wait.state = WaitState::Offered(BookingId::from_bits(1));
    assert_eq!(index(&[&third, &second, &first]), Some(1), "who has an offer is not offered another");
    third.wait.state = WaitState::Waiting;
    third.fixture.book("2025-02-10T12:00", "2025-02-10T14:00");
    third.fixture.book("2025-02-12T12:00", "2025-02-12T14:00");
    assert_eq!(index(&[&third, &second]), Some(1), "with as many bookings as one may have");
    let candidates = [second.candidate(local(NOW))];
    let unknown =
        next(&candidates, &BTreeMap::new(), local(NOW), &WaitlistPolicy::default(), &mut BTreeSet::new());
    assert_eq!(unknown, None, "nothing is offered of a pool of which nothing is known");
}

#[test]
fn an_offer_at_night_stands_till_morning() {
    let waiting = Waiting::new("ff524", wait(1, "2025-02-07T12:00", asked(2, &[])));
    let quiet = Some(QuietHours { from: 22 * 60, to: 8 * 60 });
    let policy = WaitlistPolicy { quiet, ..WaitlistPolicy::default() };
    let now = local("2025-02-08T02:00");
    let (_, how) = soonest(&waiting.candidate(now), &Occupancy::default(), now, &policy).unwrap();
    assert_eq!(
        how,
        How::Offered { until: local("2025-02-08T02:30"), tell_at: now },
        "the place would be lost"
    );
    let monday = asked(2, &[("2025-02-10T10:00", "2025-02-10T12:00")]);
    let waiting = Waiting { wait: wait(1, "2025-02-07T12:00", monday), ..waiting };
    let (_, how) = soonest(&waiting.candidate(now), &Occupancy::default(), now, &policy).unwrap();
    let morning = local("2025-02-08T08:00");
    assert_eq!(how, How::Offered { until: morning + TimeDelta::hours(1), tell_at: morning });
}

#[test]
fn what_can_never_come_is_not_waited_for() {
    let mut fixture = Fixture::origin("ff524");
    let never = |fixture: &Fixture, hours, windows: &[(&str, &str)]| {
        could_ever(&fixture.case(local(NOW)), &asked(hours, windows)).map_err(|never| match never {
            Never::NoRoom => vec!["no room"],
            Never::Against(rules) => rules.iter().map(Violation::code).collect(),
        })
    };
    let sunday = [("2025-02-09T08:00", "2025-02-09T20:00")];
    assert_eq!(never(&fixture, 2, &sunday), Err(vec!["wrong_day"]));
    assert_eq!(never(&fixture, 9, &sunday), Err(vec!["wrong_day", "over_cap"]));
    assert_eq!(never(&fixture, 9, &[]), Err(vec!["over_cap"]));
    assert_eq!(never(&fixture, 2, &[("2025-02-14T08:00", "2025-02-14T20:00")]), Err(vec!["past_due"]));
    assert_eq!(never(&fixture, 2, &[("2025-02-08T06:00", "2025-02-08T10:00")]), Err(vec!["in_past"]));
    assert_eq!(never(&fixture, 2, &[("2025-02-10T10:10", "2025-02-10T12:10")]), Err(vec!["no room"]));
    assert_eq!(never(&fixture, 2, &[("2025-02-10T10:00", "2025-02-10T12:00")]), Ok(()));
    fixture.lab.policy.horizon_days = Some(1);
    fixture.fill("2025-02-10T10:00");
    fixture.book("2025-02-10T10:00", "2025-02-10T12:00");
    fixture.book("2025-02-12T10:00", "2025-02-12T12:00");
    assert_eq!(
        never(&fixture, 2, &[("2025-02-10T10:00", "2025-02-10T12:00")]),
        Ok(()),
        "all of that may change"
    );
    fixture.lab.policy.budget_bookings = Some(0);
    assert_eq!(never(&fixture, 2, &[]), Err(vec!["over_bookings"]));
    let over = |fixture: &Fixture, now: &str| is_over(&fixture.case(local(now)), &asked(2, &[]));
    assert!(!over(&fixture, NOW), "they may release one");
    assert!(over(&fixture, "2025-02-13T22:30"), "due");
    fixture.standing.enrolled = false;
    assert!(over(&fixture, NOW));
}

#[test]
fn who_waits_for_other_times_is_not_ahead() {
    let of = |windows: &[(&str, &str)]| asked(2, windows);
    let (morning, noon) =
        (("2025-02-10T08:00", "2025-02-10T12:00"), ("2025-02-10T11:00", "2025-02-10T14:00"));
    let evening = ("2025-02-10T14:00", "2025-02-10T22:00");
    assert!(compete(&of(&[morning]), &of(&[evening, noon])) && compete(&of(&[]), &of(&[noon])));
    assert!(!compete(&of(&[noon, morning]), &of(&[evening])));
    let fixture = Fixture::origin("ff524");
    let last = |windows: &[(&str, &str)]| last_start(&of(windows), &fixture.lab, &fixture.pool);
    assert_eq!(last(&[morning, evening]), Some(local("2025-02-10T20:00")));
    assert_eq!(last(&[]), Some(local("2025-02-13T22:00")), "due at midnight");
}

proptest! {
    /// Whatever is offered is legal, in a window, new and answerable; and with no window it is what a search finds.
    #[test]
    fn what_is_offered_is_what_was_asked_for(
        digit in 0u32..10,
        hours in 1i64..9,
        windows in proptest::collection::vec((0i64..300, 1i64..40), 0..4),
        taken in proptest::collection::vec(0i64..300, 0..40),
        passed in proptest::collection::vec(0i64..300, 0..20),
        auto_accept in any::<bool>(),
        late in 0i64..60,
    ) {
        let base = local("2025-02-07T00:00");
        let cells = |from: i64, count: i64| {
            Interval::new(base + TimeDelta::minutes(30 * from), base + TimeDelta::minutes(30 * (from + count)))
        };
        let mut windows: Vec<_> = windows.iter().filter_map(|(from, count)| cells(*from, *count)).collect();
        windows.sort();
        let now = base + TimeDelta::minutes(late);
        let mut waiting = Waiting::new(&format!("ff{digit}"), wait(1, "2025-02-06T00:00", asked(hours, &[])));
        (waiting.wait.asked.windows, waiting.wait.asked.auto_accept) = (windows.clone(), auto_accept);
        waiting.wait.passed = passed.iter().filter_map(|from| cells(*from, 2)).collect();
        for cell in taken {
            waiting.fixture.fill_at(base + TimeDelta::minutes(cell * 30));
        }
        let case = waiting.fixture.case(now);
        let found = soonest(&waiting.candidate(now), case.occupancy, now, &WaitlistPolicy::default());
        if windows.is_empty() && passed.is_empty() && auto_accept {
            let first = search::first(&case, &wanted(&waiting.wait.asked)[0], 1, TimeDelta::zero());
            prop_assert_eq!(found.map(|(slot, _)| slot), first.first().copied());
        }
        let Some((slot, how)) = found else { return Ok(()) };
        prop_assert!(could_ever(&case, &waiting.wait.asked).is_ok());
        prop_assert!(!is_over(&case, &waiting.wait.asked));
        prop_assert!(admission::judge(&case, &slot).is_empty());
        prop_assert_eq!(slot.length(), TimeDelta::hours(hours));
        prop_assert!(windows.is_empty() || windows.iter().any(|it| it.shared(&slot) == Some(slot)));
        prop_assert!(waiting.wait.passed.iter().all(|it| it.start() != slot.start()));
        let known = span_to_know(&waiting.wait.asked, case.lab, case.pool, now).unwrap();
        let needed = admission::span_to_know(case.lab, case.pool, &slot);
        prop_assert_eq!(known.shared(&needed), Some(needed));
        let last = last_start(&waiting.wait.asked, case.lab, case.pool).unwrap();
        prop_assert!(slot.start() <= last);
        match how {
            How::AtOnce => prop_assert!(auto_accept),
            How::Offered { until, tell_at } => {
                prop_assert!(!auto_accept && now <= tell_at && tell_at + offer::LEAST <= until);
                prop_assert!(until <= case.pool.held(&slot).start());
            }
        }
    }
}
