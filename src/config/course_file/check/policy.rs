//! A lab's rules.

use super::{Check, all_right, whole_minutes};
use crate::config::course_file::naive_date;
use crate::config::course_file::places::PoolTable;
use crate::config::course_file::policy::{ParityTable, PolicyTable, WindowTable};
use crate::domain::calendar::{self, DailyWindow};
use crate::domain::course::{FarRule, GapRule, ParityRule, Policy, StackingRule, bounds};

impl Check<'_> {
    pub(super) fn policy(
        &mut self,
        key: &str,
        pool: Option<&PoolTable>,
        table: &PolicyTable,
    ) -> Option<Policy> {
        let grid = pool.map_or(1, |pool| pool.grid_minutes.max(1));
        let cap_minutes = self.cap(&format!("{key}.cap_hours"), grid, table.cap_hours);
        let counted =
            table.counted_hours.as_ref().map(|hours| self.window(&format!("{key}.counted_hours"), hours));
        let lengths: Vec<_> = table
            .lengths_hours
            .iter()
            .map(|hours| self.length(&format!("{key}.lengths_hours"), grid, *hours))
            .collect();
        if let Some(minutes) = table.starts_every_minutes
            && (minutes < grid || minutes % grid != 0 || 1440 % minutes.max(1) != 0)
        {
            let what =
                format!("{minutes} is no multiple of the pool's grid of {grid} minutes that divides a day");
            self.error(&format!("{key}.starts_every_minutes"), what);
        }
        let budget = table.budget_hours.map(|hours| {
            let minutes = whole_minutes((hours * 60.0).round());
            let minutes = minutes.filter(|minutes| bounds::BUDGET_MINUTES.contains(minutes));
            if minutes.is_none() {
                self.error(
                    &format!("{key}.budget_hours"),
                    format!("{hours} is not more than 0 and at most 1666"),
                );
            }
            minutes
        });
        if let Some(days) = table.horizon_days {
            self.range(&format!("{key}.horizon_days"), days, bounds::HORIZON_DAYS);
        }
        self.range(&format!("{key}.bookings_ahead"), table.bookings_ahead, bounds::BOOKINGS_AHEAD);
        if let Some(bookings) = table.budget_bookings {
            self.range(&format!("{key}.budget_bookings"), bookings, bounds::BUDGET_BOOKINGS);
        }
        let budget_su = table.budget_su.map(|su| self.su(&format!("{key}.budget_su"), su));
        if let Some(far) = &table.far {
            self.range(&format!("{key}.far.beyond_hours"), far.beyond_hours, 1..=8784);
            self.range(&format!("{key}.far.bookings"), far.bookings, 0..=100);
        }
        let gaps = table.gaps.as_ref().map(|gaps| {
            let minutes =
                self.length(&format!("{key}.gaps.shorter_than_hours"), grid, gaps.shorter_than_hours)?;
            Some(GapRule { shorter_than_minutes: minutes, then: gaps.then })
        });
        if let Some(stacking) = &table.stacking {
            self.range(&format!("{key}.stacking.within_hours"), stacking.within_hours, 1..=8784);
            self.range(&format!("{key}.stacking.percent"), stacking.percent, 1..=100);
        }
        let parity = table.parity.as_ref().map(|parity| self.parity(&format!("{key}.parity"), parity));
        Some(Policy {
            cap_minutes: cap_minutes?,
            counted: all_right(counted)?,
            bookings_ahead: table.bookings_ahead,
            lengths_minutes: lengths.into_iter().collect::<Option<_>>()?,
            starts_every_minutes: table.starts_every_minutes,
            budget_minutes: all_right(budget)?,
            budget_bookings: table.budget_bookings,
            budget_su: all_right(budget_su)?,
            horizon_days: table.horizon_days,
            far: table
                .far
                .as_ref()
                .map(|far| FarRule { beyond_hours: far.beyond_hours, bookings: far.bookings }),
            gaps: all_right(gaps)?,
            stacking: table.stacking.as_ref().map(|stacking| StackingRule {
                within_hours: stacking.within_hours,
                percent: stacking.percent,
            }),
            parity: all_right(parity)?,
        })
    }

    fn cap(&mut self, key: &str, grid: i32, hours: f64) -> Option<i32> {
        let minutes = whole_minutes((hours * 60.0).round());
        let minutes = minutes.filter(|minutes| bounds::CAP_MINUTES.contains(minutes));
        match minutes {
            None => self.error(key, format!("{hours} is not more than 0 and at most 168")),
            Some(minutes) if minutes < grid => {
                self.error(key, format!("it is less than the pool's grid of {grid} minutes"));
            }
            Some(_) => {}
        }
        minutes
    }

    fn length(&mut self, key: &str, grid: i32, hours: f64) -> Option<i32> {
        let minutes =
            whole_minutes((hours * 60.0).round()).filter(|minutes| *minutes > 0 && minutes % grid == 0);
        if minutes.is_none() {
            self.error(key, format!("{hours} is no length of whole grid cells of {grid} minutes"));
        }
        minutes
    }

    fn window(&mut self, key: &str, table: &WindowTable) -> Option<DailyWindow> {
        let (from, to) = (calendar::minute_of_day(&table.from), calendar::minute_of_day(&table.to));
        match (from, to) {
            (Some(from), Some(to)) if from < to => Some(DailyWindow { from, to }),
            _ => {
                let WindowTable { from, to } = table;
                self.error(
                    key,
                    format!("from \"{from}\" to \"{to}\" are no hours of a day such as 08:00 to 24:00"),
                );
                None
            }
        }
    }

    fn parity(&mut self, key: &str, table: &ParityTable) -> Option<ParityRule> {
        let anchor = table.swap_weekly_from.map(|at| at.date.and_then(naive_date));
        if anchor == Some(None) {
            self.error(&format!("{key}.swap_weekly_from"), "it is not a date such as 2025-02-07");
            return None;
        }
        for (name, days) in [("even", table.even), ("odd", table.odd)] {
            if days.is_empty() {
                self.error(&format!("{key}.{name}"), "it has no day: these students could never start");
            }
        }
        Some(ParityRule {
            even: table.even,
            odd: table.odd,
            swap_weekly_from: anchor.flatten(),
            judges: table.judges,
        })
    }
}
