//! Each rule, with the course's real dates in New York.

use super::*;
use crate::domain::calendar::DailyWindow;
use crate::domain::course::{Closure, FarRule, GapRule, StackingRule};
use crate::domain::person::Parity;
use crate::domain::su::Su;
use crate::policy::sentences::tests::{Fixture, local};

fn codes(fixture: &Fixture, now: &str, start: &str, end: &str) -> Vec<&'static str> {
    let slot = Interval::new(local(start), local(end)).unwrap();
    judge(&fixture.case(local(now)), &slot).iter().map(Violation::code).collect()
}

/// Case 1 of the course's facts: due Thu 2025-02-13, `ff524` may use 2/8, 2/10, 2/12; an odd net ID the others.
#[test]
fn the_origins_week_before_the_due_date() {
    let days = |net_id: &str| {
        let fixture = Fixture::origin(net_id);
        let legal = |day: &u32| {
            codes(
                &fixture,
                "2025-02-06T12:00",
                &format!("2025-02-{day:02}T10:00"),
                &format!("2025-02-{day:02}T15:00"),
            )
            .is_empty()
        };
        (7..=13).filter(legal).collect::<Vec<_>>()
    };
    assert_eq!(days("ff524"), [8, 10, 12]);
    assert_eq!(days("ff523"), [7, 9, 11, 13]);
}

#[test]
fn the_next_week_is_swapped() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.due = Some(local("2025-02-20T23:59"));
    let on =
        |day: &str| codes(&fixture, "2025-02-13T00:00", &format!("{day}T10:00"), &format!("{day}T12:00"));
    assert_eq!(on("2025-02-15"), ["wrong_day"]);
    assert_eq!(on("2025-02-14"), Vec::<&str>::new());
}

#[test]
fn every_broken_rule_is_named() {
    let fixture = Fixture::origin("ff524");
    let now = "2025-02-08T12:00";
    assert_eq!(codes(&fixture, now, "2025-02-08T13:00", "2025-02-08T21:00"), Vec::<&str>::new());
    assert_eq!(codes(&fixture, now, "2025-02-08T13:00", "2025-02-08T21:30"), ["over_cap"]);
    assert_eq!(codes(&fixture, now, "2025-02-08T13:07", "2025-02-08T15:00"), ["off_grid"]);
    assert_eq!(codes(&fixture, now, "2025-02-08T11:30", "2025-02-08T15:00"), ["in_past"]);
    assert_eq!(codes(&fixture, now, "2025-02-12T20:00", "2025-02-13T04:00"), Vec::<&str>::new());
    assert_eq!(
        codes(&fixture, now, "2025-02-13T20:00", "2025-02-14T05:00"),
        ["past_due", "wrong_day", "over_cap"]
    );
    assert_eq!(
        codes(&fixture, now, "2025-01-20T20:07", "2025-01-20T23:00"),
        ["off_grid", "in_past", "not_open", "wrong_day"]
    );
}

#[test]
fn the_day_of_the_due_date_ends_at_midnight() {
    let fixture = Fixture::origin("ff523");
    assert_eq!(
        codes(&fixture, "2025-02-13T12:00", "2025-02-13T22:00", "2025-02-14T00:00"),
        Vec::<&str>::new()
    );
    assert_eq!(codes(&fixture, "2025-02-13T12:00", "2025-02-13T22:00", "2025-02-14T00:30"), ["past_due"]);
}

/// Case 3: a net ID that ends in a letter is refused with a clear reason.
#[test]
fn no_final_digit_is_refused_with_its_reason() {
    let fixture = Fixture::origin("abcd");
    let slot = Interval::new(local("2025-02-08T13:00"), local("2025-02-08T14:00")).unwrap();
    let violations = judge(&fixture.case(local("2025-02-08T12:00")), &slot);
    assert_eq!(violations, [Violation::NoParity]);
    assert!(violations[0].sentence(fixture.zone).contains("does not end in a digit"));
}

#[test]
fn a_closed_pool_and_a_horizon_say_what_would_be_right() {
    let mut fixture = Fixture::origin("ff524");
    let span = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T18:00")).unwrap();
    fixture.pool.closures = vec![Closure { span, reason: "power maintenance".into() }];
    fixture.lab.policy.horizon_days = Some(3);
    let now = "2025-02-08T09:00";
    assert_eq!(codes(&fixture, now, "2025-02-08T10:00", "2025-02-08T14:00"), Vec::<&str>::new());
    assert_eq!(codes(&fixture, now, "2025-02-08T10:00", "2025-02-08T14:30"), ["closed"]);
    assert_eq!(codes(&fixture, now, "2025-02-08T18:00", "2025-02-08T20:00"), ["closed"], "its lead is");
    assert_eq!(codes(&fixture, now, "2025-02-08T18:30", "2025-02-08T20:00"), Vec::<&str>::new());
    assert_eq!(codes(&fixture, now, "2025-02-12T10:00", "2025-02-12T12:00"), ["too_far"]);
    let slot = Interval::new(local("2025-02-08T15:00"), local("2025-02-08T16:00")).unwrap();
    let sentences: Vec<_> =
        judge(&fixture.case(local(now)), &slot).iter().map(|it| it.sentence(fixture.zone)).collect();
    assert_eq!(sentences, ["Closed from Sat Feb 8, 14:00 to 18:00: power maintenance."]);
}

/// Case 9 of the course's facts: two blocks of two hours by day, and the night beside them.
#[test]
fn case_9_a_budget_counts_what_is_used_and_booked() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.policy.budget_minutes = Some(240);
    fixture.lab.policy.counted = Some(DailyWindow { from: 8 * 60, to: 24 * 60 });
    let now = "2025-02-08T07:00";
    let third = |fixture: &Fixture| codes(fixture, now, "2025-02-08T14:00", "2025-02-08T16:00");
    fixture.standing.used = TimeDelta::hours(2);
    assert_eq!(third(&fixture), Vec::<&str>::new());
    fixture.standing.used = TimeDelta::hours(4);
    assert_eq!(third(&fixture), ["over_budget"]);
    assert_eq!(codes(&fixture, now, "2025-02-10T01:00", "2025-02-10T07:00"), Vec::<&str>::new());
    let slot = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T16:00")).unwrap();
    let told = judge(&fixture.case(local(now)), &slot)[0].sentence(fixture.zone);
    assert_eq!(told, "You asked for 2 h; of your 4 h in this lab nothing is left.");
}

#[test]
fn extending_charges_only_what_is_added() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.policy.budget_minutes = Some(240);
    fixture.standing.used = TimeDelta::hours(1);
    let slot = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T16:00")).unwrap();
    let until =
        |end: &str| judge_extension(&fixture.case(local("2025-02-08T15:00")), &slot, local(end)).len();
    assert_eq!((until("2025-02-08T17:00"), until("2025-02-08T17:30")), (0, 1), "an hour is used elsewhere");
}

/// Case 8 of the course's facts: blocks of three hours that start on the hour and end at :55.
#[test]
fn case_8_blocks_have_their_shape_and_the_site_has_its_time_between_them() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.policy.parity = None;
    fixture.lab.policy.lengths_minutes = vec![180];
    fixture.pool.lead_minutes = 0;
    (fixture.pool.grid_minutes, fixture.pool.end_margin_minutes, fixture.pool.cleaning_minutes) = (60, 5, 5);
    let now = "2025-02-08T12:00";
    assert_eq!(codes(&fixture, now, "2025-02-08T14:00", "2025-02-08T16:55"), Vec::<&str>::new());
    assert_eq!(codes(&fixture, now, "2025-02-08T14:00", "2025-02-08T17:55"), ["bad_length"]);
    assert_eq!(codes(&fixture, now, "2025-02-08T14:00", "2025-02-08T17:00"), ["off_grid", "bad_length"]);
    assert_eq!(codes(&fixture, now, "2025-02-08T14:30", "2025-02-08T17:25"), ["off_grid"]);
    let slot = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T16:55")).unwrap();
    let next = local("2025-02-08T17:00");
    assert!(
        !fixture.pool.cells(&fixture.pool.held(&slot)).any(|cell| cell == next),
        "17:00 fits five minutes"
    );
    fixture.pool.cleaning_minutes = 10;
    assert!(fixture.pool.cells(&fixture.pool.held(&slot)).any(|cell| cell == next), "but not ten");
}

#[test]
fn own_bookings_and_full_cells_are_contention() {
    let mut fixture = Fixture::origin("ff524");
    fixture.book("2025-02-08T14:00", "2025-02-08T16:00");
    fixture.fill("2025-02-08T20:00");
    let now = "2025-02-08T12:00";
    assert_eq!(codes(&fixture, now, "2025-02-08T15:00", "2025-02-08T17:00"), ["overlap"]);
    assert_eq!(codes(&fixture, now, "2025-02-08T16:00", "2025-02-08T17:00"), Vec::<&str>::new());
    assert_eq!(codes(&fixture, now, "2025-02-08T18:00", "2025-02-08T20:30"), ["full"]);
    assert_eq!(
        codes(&fixture, now, "2025-02-08T20:30", "2025-02-08T21:00"),
        ["full"],
        "the lead holds units, too"
    );
    assert_eq!(codes(&fixture, now, "2025-02-08T21:00", "2025-02-08T22:00"), Vec::<&str>::new());
    fixture.book("2025-02-10T14:00", "2025-02-10T16:00");
    assert_eq!(codes(&fixture, now, "2025-02-08T18:00", "2025-02-08T20:00"), ["too_many_ahead"]);
}

#[test]
fn extending_judges_the_whole_and_counts_only_what_is_added() {
    let mut fixture = Fixture::origin("ff524");
    fixture.fill("2025-02-08T14:00");
    fixture.fill("2025-02-08T20:00");
    let slot = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T16:00")).unwrap();
    let case = fixture.case(local("2025-02-08T15:00"));
    let until =
        |end: &str| judge_extension(&case, &slot, local(end)).iter().map(Violation::code).collect::<Vec<_>>();
    assert_eq!(until("2025-02-08T20:00"), Vec::<&str>::new());
    assert_eq!(until("2025-02-08T20:30"), ["full"]);
    assert_eq!(until("2025-02-08T22:30"), ["over_cap", "full"]);
    assert_eq!(until("2025-02-08T16:00"), ["off_grid"]);
}

#[test]
fn shortening_leaves_a_slot_and_time_that_is_not_over() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.due = Some(local("2025-02-08T12:00"));
    let slot = Interval::new(local("2025-02-08T10:00"), local("2025-02-08T16:00")).unwrap();
    let until = |fixture: &Fixture, end: &str| {
        let case = fixture.case(local("2025-02-08T13:10"));
        judge_shortening(&case, &slot, local(end)).iter().map(Violation::code).collect::<Vec<_>>()
    };
    assert_eq!(until(&fixture, "2025-02-08T13:30"), Vec::<&str>::new(), "although the lab was due meanwhile");
    assert_eq!(until(&fixture, "2025-02-08T13:00"), ["in_past"]);
    assert_eq!(until(&fixture, "2025-02-08T13:40"), ["off_grid"]);
    assert_eq!(until(&fixture, "2025-02-08T16:00"), ["off_grid"]);
    fixture.lab.policy.lengths_minutes = vec![240, 360];
    assert_eq!(until(&fixture, "2025-02-08T14:00"), Vec::<&str>::new());
    assert_eq!(until(&fixture, "2025-02-08T14:30"), ["bad_length"]);
}

/// Case 13 of the course's facts, in days: seven days each, at most nine tenths of three weeks.
#[test]
fn case_13_stacking() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.policy.parity = None;
    fixture.lab.policy.cap_minutes = 7 * 24 * 60;
    (fixture.lab.policy.bookings_ahead, fixture.lab.due) = (10, None);
    fixture.lab.policy.stacking = Some(StackingRule { within_hours: 21 * 24, percent: 90 });
    let day = |day: u32| format!("2025-02-{:02}T00:00", day + 1);
    let third = |before: [(u32, u32); 2], (from, to): (u32, u32)| {
        let lab = fixture.lab.clone();
        let mut fixture = Fixture::origin("ff524");
        fixture.lab = lab;
        for (from, to) in before {
            fixture.book(&day(from), &day(to));
        }
        codes(&fixture, "2025-02-01T00:00", &day(from), &day(to))
    };
    assert_eq!(third([(0, 7), (7, 14)], (14, 21)), ["stacked"]);
    assert_eq!(third([(14, 21), (0, 7)], (7, 14)), ["stacked"], "whatever the order");
    assert_eq!(third([(0, 7), (14, 21)], (21, 27)), Vec::<&str>::new());
    let parallel = third([(0, 7), (0, 7)], (0, 7));
    assert!(!parallel.contains(&"stacked"), "{parallel:?}");
}

#[test]
fn a_budget_of_bookings_counts_those_by_day() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.policy.budget_bookings = Some(2);
    fixture.lab.policy.counted = Some(DailyWindow { from: 8 * 60, to: 24 * 60 });
    fixture.standing.used_bookings = 2;
    let now = "2025-02-08T07:00";
    assert_eq!(codes(&fixture, now, "2025-02-08T14:00", "2025-02-08T16:00"), ["over_bookings"]);
    assert_eq!(codes(&fixture, now, "2025-02-10T01:00", "2025-02-10T07:00"), Vec::<&str>::new());
}

/// Case 11 of the course's facts: a budget of 50, 21 of it used, 60 asked for: 29 are left.
#[test]
fn case_11_service_units_are_charged_with_the_lead() {
    let mut fixture = Fixture::origin("ff524");
    let su = |number| Su::from_number(number).unwrap();
    (fixture.lab.su_per_hour, fixture.lab.course_budget_su) = (su(10.0), Some(su(50.0)));
    fixture.standing.used_su_in_all = su(21.0);
    let slot = |end: &str| Interval::new(local("2025-02-08T10:00"), local(end)).unwrap();
    let case = fixture.case(local("2025-02-08T09:00"));
    assert_eq!(judge(&case, &slot("2025-02-08T12:00")), [], "with its lead of half an hour 25");
    let told = judge(&case, &slot("2025-02-08T15:30"));
    assert_eq!(
        told.iter().map(|it| it.sentence(fixture.zone)).collect::<Vec<_>>(),
        ["It costs 60 SU; of your 50 SU in this course 29 SU are left."]
    );
    fixture.lab.policy.budget_su = Some(su(20.0));
    let told = judge(&fixture.case(local("2025-02-08T09:00")), &slot("2025-02-08T15:30"));
    assert!(matches!(told[..], [Violation::OverSu { of_course: false, .. }]), "{told:?}");
}

#[test]
fn far_ahead_there_is_room_for_one_and_near_for_all() {
    let mut fixture = Fixture::origin("ff524");
    fixture.lab.policy.bookings_ahead = 10;
    fixture.lab.policy.far = Some(FarRule { beyond_hours: 24, bookings: 1 });
    let now = "2025-02-10T09:00";
    assert_eq!(codes(&fixture, now, "2025-02-12T10:00", "2025-02-12T12:00"), Vec::<&str>::new());
    fixture.book("2025-02-12T10:00", "2025-02-12T12:00");
    fixture.book("2025-02-10T10:00", "2025-02-10T12:00");
    assert_eq!(codes(&fixture, now, "2025-02-12T14:00", "2025-02-12T16:00"), ["too_many_far"]);
    assert_eq!(codes(&fixture, now, "2025-02-10T14:00", "2025-02-10T16:00"), Vec::<&str>::new());
    let a_day_later = "2025-02-11T14:00";
    assert_eq!(codes(&fixture, a_day_later, "2025-02-12T14:00", "2025-02-12T16:00"), Vec::<&str>::new());
}

#[test]
fn one_part_of_a_series_at_a_time() {
    let mut fixture = Fixture::origin("ff524");
    let other = Interval::new(local("2025-02-08T14:00"), local("2025-02-08T16:00")).unwrap();
    fixture.standing.other_parts = vec![other];
    let now = "2025-02-08T12:00";
    assert_eq!(codes(&fixture, now, "2025-02-08T15:00", "2025-02-08T17:00"), ["other_part"]);
    assert_eq!(codes(&fixture, now, "2025-02-08T16:00", "2025-02-08T17:00"), Vec::<&str>::new());
}

#[test]
fn who_is_not_enrolled_books_nothing() {
    let mut fixture = Fixture::origin("ff524");
    fixture.standing.enrolled = false;
    assert_eq!(codes(&fixture, "2025-02-08T12:00", "2025-02-08T13:00", "2025-02-08T14:00"), ["not_enrolled"]);
}

/// One node with a booking up to 12:00 and one from 18:00 on; stretches below two hours are of use to nobody.
#[test]
fn a_gap_is_refused_or_warned_of() {
    let mut fixture = Fixture::origin("ff524");
    (fixture.pool.capacity, fixture.pool.lead_minutes) = (1, 0);
    fixture.lab.policy.gaps = Some(GapRule { shorter_than_minutes: 120, then: Strictness::Refuse });
    for cell in ["11:00", "11:30", "18:00"] {
        fixture.fill(&format!("2025-02-08T{cell}"));
    }
    let span = Interval::new(local("2025-02-08T21:00"), local("2025-02-08T23:00")).unwrap();
    fixture.pool.closures = vec![Closure { span, reason: "maintenance".into() }];
    let on = |fixture: &Fixture, start: &str, end: &str| {
        codes(fixture, "2025-02-08T09:00", &format!("2025-02-08T{start}"), &format!("2025-02-08T{end}"))
    };
    let none = Vec::<&str>::new();
    assert_eq!(on(&fixture, "12:00", "14:00"), none, "next to the one before");
    assert_eq!(on(&fixture, "13:00", "14:00"), ["gap"], "an hour after it");
    assert_eq!(on(&fixture, "14:00", "16:00"), none, "two hours on either side");
    assert_eq!(on(&fixture, "14:00", "17:00"), ["gap"], "an hour before the next");
    assert_eq!(
        on(&fixture, "19:30", "21:00"),
        ["gap"],
        "up to the closure, but an hour after what is before"
    );
    assert_eq!(on(&fixture, "18:30", "20:00"), ["gap"], "an hour before the closure");
    assert_eq!(on(&fixture, "09:30", "11:00"), none, "half an hour that is over soon is no gap");
    fixture.pool.capacity = 2;
    assert_eq!(on(&fixture, "13:00", "14:00"), none, "another unit is free beside it");
    fixture.pool.capacity = 1;
    fixture.lab.policy.gaps = Some(GapRule { shorter_than_minutes: 120, then: Strictness::Warn });
    assert_eq!(on(&fixture, "13:00", "14:00"), none);
    let slot = Interval::new(local("2025-02-08T13:00"), local("2025-02-08T14:00")).unwrap();
    let told = warnings(&fixture.case(local("2025-02-08T09:00")), &slot);
    assert_eq!(
        told[0].sentence(fixture.zone),
        "It leaves Sat Feb 8, 12:00 to 13:00 free, which is of use to nobody: leave nothing there, or at least 2 h."
    );
}

#[test]
fn staff_give_a_parity_to_an_id_without_a_digit() {
    let mut fixture = Fixture::origin("abcd");
    fixture.standing.parity = Some(Parity::Odd);
    let on = |day: u32| {
        let at = |hour: u32| format!("2025-02-{day:02}T{hour}:00");
        codes(&fixture, "2025-02-06T12:00", &at(10), &at(12))
    };
    assert_eq!((on(7), on(8)), (Vec::new(), vec!["wrong_day"]));
}
