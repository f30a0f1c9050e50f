//! `course.toml`: read it, check all of it, and report every error at once.

use chrono::NaiveDate;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use toml::value::Datetime;

use self::check::Check;
use self::lab::LabTable;
use self::places::{PoolTable, SiteTable};
use self::reaper::ReaperTable;
use self::schema::Date;
use self::sharing::{FairShareTable, WaitlistTable};
use super::document::report::Report;
use crate::domain::course::Course;

mod blueprint;
mod check;
mod inherit;
mod lab;
mod moving;
mod places;
mod policy;
mod reaper;
mod schema;
mod sharing;

/// Everything that is wrong with a course file, one line each: `course.toml:29: lab.k8s.policy.cap_hours: it is text; a
/// number is wanted`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct CourseErrors(pub Vec<String>);

/// A course file as written, with local times.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseFile {
    /// What was read, to tell where an error is.
    #[serde(skip)]
    text: String,
    /// The course itself.
    course: CourseTable,
    /// Cloud regions.
    #[serde(default)]
    site: Vec<SiteTable>,
    /// Capacity at a site that labs draw on.
    #[serde(default)]
    pool: Vec<PoolTable>,
    /// Assignments, in the order in which pages show them.
    #[serde(default)]
    lab: Vec<LabTable>,
    /// How the reaper deals with what is not a booking's.
    reaper: Option<ReaperTable>,
    /// How usage counts, and how it comes to an order of people.
    fair_share: Option<FairShareTable>,
    /// Who of those who wait comes first, and how an offer is made.
    waitlist: Option<WaitlistTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CourseTable {
    /// Its id: lower-case letters, digits and hyphens.
    id: String,
    /// What people call it.
    title: String,
    /// The zone of all local times, such as `America/New_York`.
    zone: String,
    /// The mail address that students write to.
    contact: String,
    /// Service units that one student may use of all labs.
    budget_su: Option<f64>,
    /// The term in which it runs.
    term: Option<TermTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TermTable {
    /// What people call it, such as Spring 2025.
    name: String,
    /// Its first day.
    #[schemars(with = "Date")]
    from: Datetime,
    /// Its last day.
    #[schemars(with = "Date")]
    to: Datetime,
}

impl CourseFile {
    /// Reads the text of a course file, and gives labs what they inherit. `name` is what errors call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, CourseErrors> {
        let mut report = Report::new(name, text);
        let mut table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                report.syntax(&error);
                return Err(CourseErrors(report.finish()));
            }
        };
        report.shape(&schema::written(), &table);
        let merged = schema::merged();
        inherit::inherit(&mut table, &merged);
        report.shape(&merged, &table);
        if !report.is_empty() {
            return Err(CourseErrors(report.finish()));
        }
        // By way of text, since a `Datetime` can be read from text only.
        let read = toml::from_str(&table.to_string()).map(|file| Self { text: text.to_owned(), ..file });
        read.map_err(|error| {
            report.general(error.message());
            CourseErrors(report.finish())
        })
    }

    /// The JSON schema of a course file, for editors. It does not ask labs for keys that the defaults may have.
    pub fn schema() -> Schema {
        Schema::try_from(schema::written()).unwrap_or_default()
    }

    /// The course, if nothing is wrong with it. `name` is what errors call the file.
    pub fn check(&self, name: &str) -> Result<Course, CourseErrors> {
        Check::new(name, &self.text).finish(self)
    }
}

fn naive_date(date: toml::value::Date) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())
}

#[cfg(test)]
mod tests;
