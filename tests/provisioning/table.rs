//! The table of fault, step and outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use chrono::TimeDelta;

use super::fault::Fault;
use super::step::{Phase, Step};
use crate::support::named;

/// What came of a fault at a step.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    /// The state that the booking came to, or why it failed.
    pub(super) state: String,
    /// How often something was tried again.
    pub(super) retries: usize,
    /// How long it was until nothing was wrong any more.
    pub(super) took: TimeDelta,
    /// What should not have been.
    pub(super) complaints: Vec<String>,
}

impl Outcome {
    fn text(&self) -> String {
        let retries = match self.retries {
            0 => String::new(),
            1 => ", 1 retry".to_owned(),
            more => format!(", {more} retries"),
        };
        let wrong = if self.complaints.is_empty() { "" } else { " **WRONG**" };
        let took = match self.took.num_seconds() {
            0 => String::new(),
            seconds => format!(", {seconds} s"),
        };
        format!("{}{retries}{took}{wrong}", self.state)
    }
}

/// Outcomes by step and fault.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<Step, BTreeMap<Fault, Outcome>>);

impl Table {
    pub(super) fn insert(&mut self, step: Step, fault: Fault, outcome: Outcome) {
        self.0.entry(step).or_default().insert(fault, outcome);
    }

    pub(super) fn cells(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// What should not have been, cell by cell.
    pub(super) fn complaints(&self) -> Vec<String> {
        let cells =
            self.0.iter().flat_map(|(step, row)| row.iter().map(move |(fault, cell)| (step, fault, cell)));
        let each = cells.flat_map(|(step, fault, cell)| {
            cell.complaints.iter().map(move |what| format!("{} at {step}: {what}", fault.title()))
        });
        each.collect()
    }

    /// The rows of one kind of calls, as Markdown.
    fn part(&self, title: &str, is_in: impl Fn(&Step) -> bool) -> String {
        let rows: Vec<_> = self.0.iter().filter(|(step, _)| is_in(step)).collect();
        let faults: BTreeSet<_> = rows.iter().flat_map(|(_, row)| row.keys()).collect();
        let mut text = format!("\n## {title}\n\n| call |");
        for fault in &faults {
            write!(text, " {} |", fault.title()).unwrap();
        }
        writeln!(text, "\n|---|{}", "---|".repeat(faults.len())).unwrap();
        for (step, row) in rows {
            write!(text, "| {step} |").unwrap();
            for fault in &faults {
                write!(text, " {} |", row.get(fault).map(Outcome::text).unwrap_or_default()).unwrap();
            }
            text.push('\n');
        }
        text
    }

    /// All of it, as Markdown.
    pub(super) fn text(&self) -> String {
        let mut text = "# What befell each call, and what came of it\n".to_owned();
        for (phase, title) in [(Phase::Making, "coming up"), (Phase::Deleting, "going")] {
            for (changes, what) in [(true, "Changes"), (false, "Readings")] {
                let is_in = |step: &Step| step.phase == phase && step.changes() == changes;
                if self.0.keys().any(is_in) {
                    text.push_str(&self.part(&format!("{what} while a booking is {title}"), is_in));
                }
            }
        }
        text
    }

    /// Prints it, and keeps it with what the tests leave behind.
    pub(super) fn publish(&self, file: &str, heading: &str) {
        let text = format!("{}\n{heading}\n", self.text());
        eprintln!("{text}");
        if let Some(directory) = named("FAIRLEASE_TEST_ARTIFACTS") {
            std::fs::write(Path::new(&directory).join(file), text).unwrap();
        }
    }
}
