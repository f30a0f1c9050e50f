//! When a student is reminded.

use chrono::{DateTime, TimeDelta, Utc};

/// How long before its end a student hears that a booking ends.
pub const ENDING_SOON: TimeDelta = TimeDelta::minutes(15);

/// Whether the reminder of a booking that ends at `end` is to be sent at `now`: not too early, and not once it is over.
/// A missed tick is caught up by the next one, since this looks at a span, not at a minute.
pub fn ending_soon_is_due(end: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    end - ENDING_SOON <= now && now < end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reminder_is_due_in_the_last_quarter_hour() {
        let end = DateTime::from_timestamp(10_000, 0).unwrap();
        let due = |before: i64| ending_soon_is_due(end, end - TimeDelta::seconds(before));
        assert_eq!([901, 900, 1, 0, -1].map(due), [false, true, true, false, false]);
    }
}
