//! Lengths of time and hours of the day, as several tables have them.

use std::ops::RangeInclusive;

use super::{Check, whole_minutes};
use crate::config::course_file::reaper::QuietTable;
use crate::domain::calendar;
use crate::domain::reaper::QuietHours;

/// Minutes in an hour, and what several are called.
pub(super) const HOURS: (f64, &str) = (60.0, "hours");
/// The same of days.
pub(super) const DAYS: (f64, &str) = (1440.0, "days");

impl Check<'_> {
    /// A time in minutes; `usual` if it is left out.
    pub(super) fn time(
        &mut self,
        key: &str,
        number: Option<f64>,
        (unit, name): (f64, &str),
        range: RangeInclusive<i32>,
        usual: i32,
    ) -> Option<i32> {
        let Some(number) = number else { return Some(usual) };
        // The longest time is longer than what is read without a bound.
        let minutes = whole_minutes((number * unit / 10.0).round()).map(|_| (number * unit).round());
        let minutes = minutes.and_then(in_range(range.clone()));
        if minutes.is_none() {
            let [least, most] = [range.start(), range.end()].map(|it| f64::from(*it) / unit);
            let least = (least * 1000.0).round() / 1000.0;
            self.error(key, format!("{number} is not from {least} to {most} {name}"));
        }
        minutes
    }

    /// Hours of the day in which nobody is disturbed.
    pub(super) fn quiet(&mut self, key: &str, table: &QuietTable) -> Option<QuietHours> {
        let minute = |text: &str| calendar::minute_of_day(text).map(|minute| minute % 1440);
        match (minute(&table.from), minute(&table.to)) {
            (Some(from), Some(to)) if from != to => Some(QuietHours { from, to }),
            _ => {
                let QuietTable { from, to } = table;
                let what = format!("from \"{from}\" to \"{to}\" are no part of a day such as 22:00 to 08:00");
                self.error(key, what);
                None
            }
        }
    }
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked first")]
fn in_range(range: RangeInclusive<i32>) -> impl Fn(f64) -> Option<i32> {
    move |minutes| {
        let inside = (f64::from(*range.start())..=f64::from(*range.end())).contains(&minutes);
        inside.then_some(minutes as i32)
    }
}
