//! When a site counts as degraded, as down, and as up again.
//!
//! Only failures in a row count, so a site at which one thing fails and another works is not down: its bookings are tried
//! again, and given up, each by itself. A site that is degraded or down is up again only after some answers in a row, so
//! that one that answers now and then does not flap.

use chrono::TimeDelta;

use crate::domain::health::{Condition, Health, Sighting};

/// Failures in a row after which a site is degraded.
pub const DEGRADED_AFTER: i32 = 3;
/// Failures in a row after which it is down, if they have gone on for [`DOWN_AFTER_TIME`].
pub const DOWN_AFTER: i32 = 6;
/// For how long a site fails before it is down. A booking has several calls at once, and all of them fail in one hiccup.
pub const DOWN_AFTER_TIME: TimeDelta = TimeDelta::seconds(60);
/// Answers in a row after which it is up again. A site that was down is degraded from the first one on, and worked with.
pub const UP_AFTER: i32 = 3;

/// How the site does once `sighting` is known, too.
#[must_use]
pub fn after(mut health: Health, sighting: &Sighting) -> Health {
    match &sighting.fault {
        None => {
            health.failures = 0;
            health.failing_since = None;
            health.successes = health.successes.saturating_add(1);
            health.last_ok = health.last_ok.max(Some(sighting.at));
        }
        Some(fault) => {
            health.successes = 0;
            health.failures = health.failures.saturating_add(1);
            health.failing_since.get_or_insert(sighting.at);
            health.last_fault = Some((sighting.at, fault.clone()));
        }
    }
    let next = condition(&health, sighting);
    if next != health.condition {
        health.since = health.failing_since.unwrap_or(sighting.at);
        health.condition = next;
    }
    health
}

fn condition(health: &Health, sighting: &Sighting) -> Condition {
    let failing = health.failing_since.map_or(TimeDelta::zero(), |since| sighting.at - since);
    match health.condition {
        Condition::Up | Condition::Degraded
            if health.failures >= DOWN_AFTER && failing >= DOWN_AFTER_TIME =>
        {
            Condition::Down
        }
        Condition::Up if health.failures >= DEGRADED_AFTER => Condition::Degraded,
        Condition::Degraded if health.successes >= UP_AFTER => Condition::Up,
        Condition::Down if health.successes > 0 => Condition::Degraded,
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::health::Fault;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn seen(seconds: i64, answered: bool) -> Sighting {
        let fault = Fault { class: "transient".to_owned(), message: format!("503 at {seconds}") };
        Sighting { at: at(seconds), fault: (!answered).then_some(fault) }
    }

    /// What a site comes to: `.` is an answer and `x` a failure, one each ten seconds from 0 on.
    fn story(calls: &str) -> Health {
        (0..)
            .zip(calls.chars())
            .fold(Health::unseen(at(0)), |health, (n, call)| after(health, &seen(n * 10, call == '.')))
    }

    #[test]
    fn a_site_gets_worse_and_better_by_what_comes_in_a_row() {
        use Condition::{Degraded, Down, Up};
        for (calls, condition, since) in [
            ("", Up, 0),
            ("xx", Up, 0),
            ("xx.xx.xx.xx", Up, 0),
            ("..xxx", Degraded, 20),
            ("xxxxxx", Degraded, 0),
            ("xxxxxxx", Down, 0),
            (".xxxxxxxxxxx", Down, 10),
            ("xxxxxxx.", Degraded, 70),
            ("xxxxxxx.x.x.x..x", Degraded, 70),
            ("xxxxxxx.xxxxxxx", Down, 80),
            ("xxxxxxx...", Up, 90),
            ("xxx..", Degraded, 0),
            ("xxx...", Up, 50),
        ] {
            let health = story(calls);
            assert_eq!((health.condition, health.since), (condition, at(since)), "{calls}");
        }
    }

    #[test]
    fn many_failures_at_one_moment_do_not_make_it_down() {
        let burst = |health, second| (0..20).fold(health, |health, _| after(health, &seen(second, false)));
        let health = burst(Health::unseen(at(0)), 5);
        assert_eq!(health.condition, Condition::Degraded);
        assert_eq!(burst(health.clone(), 64).condition, Condition::Degraded);
        let down = burst(health, 65);
        assert_eq!((down.condition, down.since, down.failures), (Condition::Down, at(5), 40));
        assert_eq!(down.last_fault.unwrap().1.message, "503 at 65");
    }

    proptest! {
        #[test]
        fn whatever_happens_the_end_decides(calls in "[.x]{0,40}") {
            let up = story(&format!("{calls}...."));
            prop_assert_eq!(up.condition, Condition::Up);
            prop_assert!(up.failures == 0 && up.failing_since.is_none());
            let down = story(&format!("{calls}xxxxxxx"));
            prop_assert_eq!(down.condition, Condition::Down);
            prop_assert_eq!(Some(down.since), down.failing_since);
        }

        #[test]
        fn it_moves_one_step_at_a_time_towards_what_was_seen(calls in "[.x]{1,40}") {
            let mut health = Health::unseen(at(0));
            for (n, call) in (0..).zip(calls.chars()) {
                let next = after(health.clone(), &seen(n * 10, call == '.'));
                match call {
                    '.' => prop_assert!(next.condition <= health.condition && next.failures == 0),
                    _ => prop_assert!(next.condition >= health.condition && next.successes == 0),
                }
                prop_assert!(next.since <= at(n * 10));
                prop_assert!(next.since == health.since || next.condition != health.condition);
                health = next;
            }
        }
    }
}
