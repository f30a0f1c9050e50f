//! Which mails a student gets of those that may be left out, and when one is reminded.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::booking::{EndReason, State};
use crate::domain::person::Choices;

/// How many minutes before a booking's end one may choose to hear of it, the latest first.
pub const ENDING_SOON_MINUTES: [i32; 3] = [15, 30, 60];

/// Nobody is reminded earlier than this before the end.
pub const EARLIEST: TimeDelta = TimeDelta::minutes(60);

/// Whether the reminder of a booking that ends at `end` is to be sent at `now`: not too early, and not once it is over.
/// A missed tick is caught up by the next one, since this looks at a span, not at a minute.
pub fn ending_soon_is_due(choices: &Choices, end: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    choices
        .ending_soon_minutes
        .is_some_and(|minutes| end - TimeDelta::minutes(minutes.into()) <= now && now < end)
}

/// Whether someone hears that their booking is over. Always if it never was theirs to use, since that mail takes the event in
/// their calendar back, and if it was taken from them since nobody used it.
pub fn ended_is_wanted(choices: &Choices, state: &State) -> bool {
    choices.ended || state.ready_at().is_none() || state.reason() == Some(EndReason::NoShow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn reminded(minutes: Option<i32>) -> Choices {
        Choices { ending_soon_minutes: minutes, ..Choices::default() }
    }

    #[test]
    fn the_reminder_is_due_in_the_minutes_that_were_chosen() {
        let end = at(10_000);
        let due = |choices: Choices| {
            [3601, 3600, 901, 900, 1, 0, -1]
                .map(|before| ending_soon_is_due(&choices, end, end - TimeDelta::seconds(before)))
        };
        assert_eq!(due(Choices::default()), [false, false, false, true, true, false, false]);
        assert_eq!(due(reminded(Some(60))), [false, true, true, true, true, false, false]);
        assert_eq!(due(reminded(None)), [false; 7]);
    }

    #[test]
    fn nobody_may_choose_to_be_reminded_before_anyone_is() {
        assert!(ENDING_SOON_MINUTES.iter().all(|minutes| TimeDelta::minutes((*minutes).into()) <= EARLIEST));
        let default = Choices::default().ending_soon_minutes.unwrap();
        assert!(ENDING_SOON_MINUTES.contains(&default));
    }

    #[test]
    fn that_something_is_called_off_is_always_told() {
        let quiet = Choices { ended: false, ..Choices::default() };
        let active = State::Active { ready_at: at(0) };
        let wanted = |choices: &Choices, state: State, reason| {
            ended_is_wanted(choices, &state.release(reason, at(60)).unwrap())
        };
        assert!(!wanted(&quiet, active, EndReason::Expired));
        assert!(wanted(&quiet, active, EndReason::NoShow));
        assert!(wanted(&Choices::default(), active, EndReason::Expired));
        assert!(wanted(&quiet, State::Booked, EndReason::Cancelled));
    }
}
