//! The same course in another term.

use chrono::{DateTime, Days, NaiveDate, Utc};
use toml::value::Datetime;

use super::{CourseFile, naive_date};

impl CourseFile {
    /// The same course that many fortnights later: weekdays, parity weeks and local times stay.
    #[must_use]
    pub fn later_by_fortnights(mut self, fortnights: u64) -> Self {
        let shift = |at: &mut Datetime| {
            if let Some(date) = at.date.as_mut().and_then(|d| naive_date(*d).map(|naive| (d, naive))) {
                let later = date.1 + Days::new(14 * fortnights);
                *date.0 = toml_date(later);
            }
        };
        if let Some(term) = &mut self.course.term {
            shift(&mut term.from);
            shift(&mut term.to);
        }
        for closure in self.pool.iter_mut().flat_map(|pool| &mut pool.closure) {
            shift(&mut closure.from);
            shift(&mut closure.to);
        }
        for change in self.pool.iter_mut().flat_map(|pool| &mut pool.change) {
            shift(&mut change.at);
        }
        for lab in &mut self.lab {
            shift(&mut lab.open);
            lab.due.as_mut().map(shift);
            lab.policy.parity.as_mut().and_then(|parity| parity.swap_weekly_from.as_mut()).map(shift);
        }
        self
    }

    /// How many fortnights the course is to move for its last due date to lie at least `days` days after `now`.
    pub fn fortnights_behind(&self, now: DateTime<Utc>, days: u64) -> u64 {
        let last = self.lab.iter().filter_map(|lab| lab.due.as_ref()?.date.and_then(naive_date)).max();
        let Some(last) = last else { return 0 };
        let wanted = now.date_naive() + Days::new(days);
        u64::try_from((wanted - last).num_days().max(0)).unwrap_or(0).div_ceil(14)
    }
}

fn toml_date(date: NaiveDate) -> toml::value::Date {
    use chrono::Datelike as _;
    toml::value::Date {
        year: u16::try_from(date.year()).unwrap_or(u16::MAX),
        month: u8::try_from(date.month()).unwrap_or(1),
        day: u8::try_from(date.day()).unwrap_or(1),
    }
}
