//! Until when an offer stands, and when its mail is sent.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::fair_share::WaitlistPolicy;

/// The least time that anyone is given to answer. With less left before a slot is held, only who said beforehand that it be
/// booked at once can have it.
pub const LEAST: TimeDelta = TimeDelta::minutes(5);

/// Until when an offer stands that is made now, of a slot that is held from `held_from` on; nothing if less than [`LEAST`]
/// would be left.
///
/// It stands for the policy's time, and never beyond `held_from`. Quiet hours don't count, whether they hold now or begin
/// while it stands, as long as time allows: if they end at least [`LEAST`] before the slot is held. Where they don't, time
/// runs on through them, since the place would be lost for everybody.
pub fn deadline(
    policy: &WaitlistPolicy,
    zone: Tz,
    now: DateTime<Utc>,
    held_from: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if held_from - now < LEAST {
        return None;
    }
    let (mut at, mut left) = (now, policy.offer());
    while left > TimeDelta::zero() && at < held_from {
        match quiet_until(policy, zone, at) {
            None => {
                let step = up_to_the_minute(at).min(left);
                (at, left) = (at + step, left - step);
            }
            Some(end) if allows(end, held_from) => at = end,
            Some(_) => (at, left) = (at + left, TimeDelta::zero()),
        }
    }
    Some(at.min(held_from))
}

/// When the mail of an offer that is made now is sent: now, or at the end of the quiet hours that hold, where time allows.
pub fn tell_at(
    policy: &WaitlistPolicy,
    zone: Tz,
    now: DateTime<Utc>,
    held_from: DateTime<Utc>,
) -> DateTime<Utc> {
    quiet_until(policy, zone, now).filter(|end| allows(*end, held_from)).unwrap_or(now)
}

/// When the quiet hours end that hold at `at`, if any do.
fn quiet_until(policy: &WaitlistPolicy, zone: Tz, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let quiet = policy.quiet.filter(|quiet| quiet.hold(zone, at))?;
    Some(quiet.end(zone, at)).filter(|end| *end > at)
}

fn allows(end: DateTime<Utc>, held_from: DateTime<Utc>) -> bool {
    held_from - end >= LEAST
}

/// The time to the next whole minute: quiet hours begin on one.
fn up_to_the_minute(at: DateTime<Utc>) -> TimeDelta {
    let minute = TimeDelta::minutes(1);
    at.duration_trunc(minute).map_or(minute, |whole| minute - (at - whole))
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::reaper::QuietHours;
    use crate::policy::sentences::tests::local;

    fn policy(quiet: Option<(u32, u32)>, offer_minutes: i32) -> WaitlistPolicy {
        let quiet = quiet.map(|(from, to)| QuietHours { from, to });
        WaitlistPolicy { offer_minutes, quiet, ..WaitlistPolicy::default() }
    }

    fn at_night(now: &str, held_from: &str) -> Option<(String, String)> {
        let policy = policy(Some((22 * 60, 8 * 60)), 60);
        let (now, held_from) = (local(now), local(held_from));
        let show = |at: DateTime<Utc>| at.with_timezone(&New_York).format("%d %H:%M").to_string();
        let until = deadline(&policy, New_York, now, held_from)?;
        Some((show(until), show(tell_at(&policy, New_York, now, held_from))))
    }

    #[test]
    fn quiet_hours_do_not_count_where_time_allows() {
        let told = |until: &str, tell: &str| Some((until.to_owned(), tell.to_owned()));
        let held = "2025-02-09T12:00";
        assert_eq!(at_night("2025-02-08T12:00", held), told("08 13:00", "08 12:00"));
        assert_eq!(
            at_night("2025-02-08T21:30", held),
            told("09 08:30", "08 21:30"),
            "half of it after the night"
        );
        assert_eq!(at_night("2025-02-09T02:00", held), told("09 09:00", "09 08:00"));
        assert_eq!(at_night("2025-02-09T02:00", "2025-02-09T08:20"), told("09 08:20", "09 08:00"));
        assert_eq!(
            at_night("2025-02-09T02:00", "2025-02-09T08:04"),
            told("09 03:00", "09 02:00"),
            "it does not"
        );
        assert_eq!(at_night("2025-02-08T21:30", "2025-02-09T07:00"), told("08 22:30", "08 21:30"));
        assert_eq!(at_night("2025-02-08T12:00", "2025-02-08T12:05"), told("08 12:05", "08 12:00"));
        assert_eq!(at_night("2025-02-08T12:00", "2025-02-08T12:04"), None);
        assert_eq!(
            at_night("2025-03-08T23:00", "2025-03-09T12:00"),
            told("09 09:00", "09 08:00"),
            "a night of 9 h"
        );
    }

    #[test]
    fn hours_that_clocks_repeat_are_quiet_twice() {
        let policy = policy(Some((30, 90)), 60);
        let one = local("2025-11-02T01:30");
        let until = deadline(&policy, New_York, one, one + TimeDelta::days(1)).unwrap();
        assert_eq!(
            until - one,
            TimeDelta::minutes(30 + 30 + 30),
            "half an hour before they hold again, and after it"
        );
    }

    /// Any time around either change of clocks, to the second.
    fn instants() -> impl Strategy<Value = DateTime<Utc>> {
        (any::<bool>(), 0i64..3 * 86_400).prop_map(|(spring, seconds)| {
            local(if spring { "2025-03-08T00:00" } else { "2025-11-01T00:00" }) + TimeDelta::seconds(seconds)
        })
    }

    /// Quiet hours that end where clocks go back may end an hour later than the clock leaves them.
    const AN_HOUR: i64 = 61;

    proptest! {
        #[test]
        fn an_offer_stands_for_its_time_and_no_longer_than_it_can(
            now in instants(),
            ahead in 0i64..5000,
            from in 0u32..1440,
            length in 1u32..1439,
            offer in 5i32..=2880,
        ) {
            let policy = policy(Some((from, (from + length) % 1440)), offer);
            let held_from = now + TimeDelta::minutes(ahead);
            let tell = tell_at(&policy, New_York, now, held_from);
            let quiet = |at| policy.quiet.unwrap().hold(New_York, at);
            let Some(until) = deadline(&policy, New_York, now, held_from) else {
                prop_assert!(ahead < 5);
                return Ok(());
            };
            prop_assert!(now + LEAST <= until && until <= held_from);
            prop_assert!(tell == now || (quiet(now) && !quiet(tell)), "never later than the night's end");
            prop_assert!(tell + LEAST <= until, "who is told has time to answer");
            prop_assert!(until == held_from || until - now >= policy.offer());
            let awake = (0..(until - now).num_minutes()).filter(|n| !quiet(now + TimeDelta::minutes(*n))).count();
            prop_assert!(i64::try_from(awake).unwrap() <= i64::from(offer) + AN_HOUR, "no longer than it has to");
            let in_time = until == held_from || !quiet(until - TimeDelta::seconds(1));
            let night_ends = policy.quiet.unwrap().end(New_York, until - TimeDelta::seconds(1));
            prop_assert!(in_time || held_from - night_ends < LEAST, "it ends at night only if it has to");
        }

        /// A slot that is held later never leaves less time.
        #[test]
        fn more_time_is_never_less(now in instants(), ahead in 5i64..5000, more in 0i64..2000, from in 0u32..1440) {
            let policy = policy(Some((from, (from + 600) % 1440)), 60);
            let until = |minutes| deadline(&policy, New_York, now, now + TimeDelta::minutes(minutes)).unwrap();
            prop_assert!(until(ahead + more) >= until(ahead));
        }

        #[test]
        fn without_quiet_hours_it_is_plain(now in instants(), ahead in 5i64..5000, offer in 5i32..=2880) {
            let (policy, ahead) = (policy(None, offer), TimeDelta::minutes(ahead));
            prop_assert_eq!(deadline(&policy, New_York, now, now + ahead), Some(now + ahead.min(policy.offer())));
            prop_assert_eq!(tell_at(&policy, New_York, now, now + ahead), now);
        }
    }
}
