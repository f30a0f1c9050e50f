//! Whether a weekday rule gives even and odd net IDs the same time before the due date.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::calendar;
use crate::domain::course::Lab;
use crate::domain::interval::Interval;
use crate::domain::person::Parity;

/// What one parity class can use between opening and due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Days on which its members may start at hours that count.
    pub days: usize,
    /// Hours that count on those days.
    pub hours: i64,
}

/// Both classes' shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Those with an even last digit.
    pub even: Share,
    /// Those with an odd one.
    pub odd: Share,
}

impl Balance {
    /// Whether one class has more than nine tenths as much as the other: a day more in two weeks is within that, a day more
    /// in one is not.
    pub fn is_fair(&self) -> bool {
        let (less, more) = (self.even.hours.min(self.odd.hours), self.even.hours.max(self.odd.hours));
        less * 10 >= more * 9
    }
}

/// The balance of the lab's weekday rule from `from` (or its opening) to its due date; nothing if it goes by no weekdays or
/// has no due date yet.
pub fn balance(lab: &Lab, zone: Tz, from: DateTime<Utc>) -> Option<Balance> {
    lab.policy.parity.as_ref()?;
    let usable = Interval::new(from.max(lab.open), lab.due?)?;
    Some(Balance {
        even: share(lab, zone, &usable, Parity::Even),
        odd: share(lab, zone, &usable, Parity::Odd),
    })
}

fn share(lab: &Lab, zone: Tz, usable: &Interval, parity: Parity) -> Share {
    let mine = |date: NaiveDate| {
        lab.policy.parity.as_ref().is_some_and(|rule| rule.days(parity, date).contains(date.weekday()))
    };
    let last = calendar::local_date(zone, usable.end());
    let first = calendar::local_date(zone, usable.start());
    let counted: Vec<TimeDelta> = std::iter::successors(Some(first), NaiveDate::succ_opt)
        .take_while(|date| *date <= last)
        .filter(|date| mine(*date))
        .filter_map(|date| Some(lab.policy.window().on(zone, date)?.shared(usable)?.length()))
        .collect();
    // Seconds are rounded to hours, since a lab that is due at 23:59 lacks a minute of its last day.
    let seconds: i64 = counted.iter().map(TimeDelta::num_seconds).sum();
    Share { days: counted.len(), hours: (seconds + 1800) / 3600 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sentences::tests::{Fixture, local};

    /// The origin's rule gave even net IDs three days of its last week, and odd ones four.
    #[test]
    fn the_origins_week_is_lopsided() {
        let fixture = Fixture::origin("ff524");
        let balance = balance(&fixture.lab, fixture.zone, local("2025-02-07T00:00")).unwrap();
        assert_eq!(balance.even, Share { days: 3, hours: 72 });
        assert_eq!(balance.odd, Share { days: 4, hours: 96 });
        assert!(!balance.is_fair());
    }

    #[test]
    fn with_the_swap_two_weeks_are_fair() {
        let fixture = Fixture::origin("ff524");
        let balance = balance(&fixture.lab, fixture.zone, local("2025-01-31T00:00")).unwrap();
        assert_eq!((balance.even.days, balance.odd.days), (7, 7));
        assert!(balance.is_fair());
    }

    #[test]
    fn without_weekdays_or_a_due_date_there_is_nothing_to_balance() {
        let mut fixture = Fixture::origin("ff524");
        fixture.lab.due = None;
        assert_eq!(balance(&fixture.lab, fixture.zone, local("2025-02-07T00:00")), None);
    }
}
