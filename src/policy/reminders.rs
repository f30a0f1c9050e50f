//! Which mails a student gets of those that may be left out, and when one is warned that a booking ends.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::booking::{EndReason, State};
use crate::domain::notice::{Topic, Way};
use crate::domain::person::Choices;

/// How many minutes before a booking's end one may choose to be warned of it, the latest first.
pub const ENDING_SOON_MINUTES: [i32; 3] = [15, 30, 60];

/// Nobody is warned earlier than this before the end.
pub const EARLIEST: TimeDelta = TimeDelta::minutes(60);

/// A warning is left out if its person has read of the booking's end less than this before its time.
pub const JUST_TOLD: TimeDelta = TimeDelta::minutes(5);

/// The warning that is due at `now` of a booking that ends at `end`, in minutes before it: the latest of those chosen whose
/// time has come, and none once the booking is over. `told_at` is when its person was last told until when it lasts, by
/// "ready" or by a warning: so a short booking, or one that was extended just now, gets only the warnings that are news. This
/// looks at a span and not at a minute, so the next tick catches up on one that was missed.
pub fn warning_due(
    choices: &Choices,
    told_at: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<i32> {
    let is_due = |minutes: i32| {
        let time = end - TimeDelta::minutes(minutes.into());
        time <= now && now < end && told_at <= time - JUST_TOLD
    };
    choices.ending_soon_minutes.iter().copied().filter(|minutes| is_due(*minutes)).min()
}

/// How someone hears that their booking is over. At once if it never was theirs to use, since that mail takes the event in
/// their calendar back, and if it was taken from them since nobody used it; else as they chose.
pub fn way_of_ended(choices: &Choices, state: &State) -> Way {
    let told_anyway = state.ready_at().is_none() || state.reason() == Some(EndReason::NoShow);
    if told_anyway { Way::AtOnce } else { choices.way(Topic::Ended) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn warned(minutes: &[i32]) -> Choices {
        Choices { ending_soon_minutes: minutes.to_vec(), ..Choices::default() }
    }

    /// What is due so many minutes before an end, if one was last told so many minutes before it.
    fn due<const N: usize>(chosen: &[i32], told: i64, before: [i64; N]) -> [Option<i32>; N] {
        let end = at(100_000);
        before.map(|minutes| {
            let told_at = end - TimeDelta::minutes(told);
            warning_due(&warned(chosen), told_at, end, end - TimeDelta::minutes(minutes))
        })
    }

    #[test]
    fn the_latest_warning_whose_time_has_come_is_due() {
        let times = [61, 60, 31, 30, 16, 15, 1, 0, -1];
        let usual = Choices::default().ending_soon_minutes;
        assert_eq!(
            due(&usual, 240, times),
            [None, Some(60), Some(60), Some(60), Some(60), Some(15), Some(15), None, None]
        );
        assert_eq!(
            due(&[60, 15, 30], 240, times),
            [None, Some(60), Some(60), Some(30), Some(30), Some(15), Some(15), None, None]
        );
        assert_eq!(due(&[], 240, times), [None; 9]);
    }

    #[test]
    fn what_comes_just_after_ready_or_another_warning_is_left_out() {
        assert_eq!(due(&[15, 60], 65, [60, 15]), [Some(60), Some(15)], "five minutes before is early enough");
        assert_eq!(due(&[15, 60], 64, [60, 59, 16, 15]), [None, None, None, Some(15)]);
        assert_eq!(
            due(&[15, 60], 45, [45, 15]),
            [None, Some(15)],
            "a warning of the end before the extension"
        );
        assert_eq!(due(&[15, 60], 19, [15, 1]), [None, None]);
    }

    #[test]
    fn nobody_may_choose_to_be_warned_before_anyone_is() {
        assert!(ENDING_SOON_MINUTES.iter().all(|minutes| TimeDelta::minutes((*minutes).into()) <= EARLIEST));
        let default = Choices::default().ending_soon_minutes;
        assert!(default.iter().all(|minutes| ENDING_SOON_MINUTES.contains(minutes)));
    }

    #[test]
    fn that_something_is_called_off_is_always_told() {
        let quiet = Choices::default().with(Topic::Ended, Way::Never);
        let active = State::Active { ready_at: at(0) };
        let way = |choices: &Choices, state: State, reason| {
            way_of_ended(choices, &state.release(reason, at(60)).unwrap())
        };
        assert_eq!(way(&quiet, active, EndReason::Expired), Way::Never);
        assert_eq!(way(&quiet, active, EndReason::NoShow), Way::AtOnce);
        assert_eq!(way(&Choices::default(), active, EndReason::Expired), Way::AtOnce);
        assert_eq!(way(&quiet, State::Booked, EndReason::Cancelled), Way::AtOnce);
    }
}
