//! The week of starts, as a list: for each day what follows what.

use chrono::{DateTime, Utc};

use super::week;
use crate::domain::calendar;
use crate::policy::availability::{Start, Verdict};
use crate::services::labs::{DayOfStarts, LabView};
use crate::web::pages::lab::{Free, List, ListDay, Run};

/// What links of the list keep of the query.
const AND: &str = "view=list&";

/// The shown week.
pub(super) fn compose(view: &LabView) -> List {
    let today = calendar::local_date(view.setting.zone, view.now);
    let day = |day: &DayOfStarts| {
        let head = week::column(view, day, today);
        let today = if head.today { ", today" } else { "" };
        ListDay {
            title: format!("{}{today}", calendar::date(day.date)),
            iso: head.iso,
            note: head.note,
            runs: runs(view, day),
        }
    };
    List { bar: week::bar(view, AND), days: view.week.days.iter().map(day).collect() }
}

/// A day that is closed as a whole says so once.
fn runs(view: &LabView, day: &DayOfStarts) -> Vec<Run> {
    if let Some(violation) = week::whole_day(day) {
        let why = violation.sentence(view.setting.zone);
        return vec![Run::Closed { span: String::new(), why }];
    }
    let mut runs = Runs { view, done: Vec::new(), closed: None };
    for start in &day.starts {
        runs.add(start);
    }
    runs.close();
    runs.done
}

struct Runs<'v> {
    view: &'v LabView,
    done: Vec<Run>,
    /// The starts that are being gathered that can't be chosen: from when to when, and why.
    closed: Option<(DateTime<Utc>, DateTime<Utc>, String)>,
}

impl Runs<'_> {
    fn add(&mut self, start: &Start) {
        let mine = week::mine(self.view, start.at);
        match (&start.verdict, mine) {
            (_, Some(mine)) => {
                self.close();
                if mine.first || self.done.is_empty() {
                    self.done.push(Run::Mine(mine));
                }
            }
            (Verdict::Free { units_left, .. }, None) => {
                self.close();
                let text = calendar::time(self.view.setting.zone, start.at);
                let free = Free { text, ..week::free(self.view, start.at, *units_left, AND) };
                match self.done.last_mut() {
                    Some(Run::Free(starts)) => starts.push(free),
                    _ => self.done.push(Run::Free(vec![free])),
                }
            }
            (Verdict::Refused(_), None) => self.refuse(start),
        }
    }

    fn refuse(&mut self, start: &Start) {
        let why = week::reason(start, self.view).unwrap_or_default();
        let end = start.at + self.view.setting.pool.grid();
        match &mut self.closed {
            Some((_, until, known)) if *known == why => *until = end,
            _ => {
                self.close();
                self.closed = Some((start.at, end, why));
            }
        }
    }

    fn close(&mut self) {
        let Some((from, to, why)) = self.closed.take() else { return };
        let time = |at| calendar::time(self.view.setting.zone, at);
        let to = time(to);
        let to = if to == "00:00" { "24:00" } else { to.as_str() };
        self.done.push(Run::Closed { span: format!("{} to {to}", time(from)), why });
    }
}
