//! A course file's tables become the domain's types, and every error of them is told.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use toml::value::Datetime;
use url::Url;

use super::{CourseErrors, CourseFile, TermTable, naive_date};
use crate::config::document::report::Report;
use crate::domain::calendar;
use crate::domain::course::{Course, Term};
use crate::domain::su::Su;

mod blueprint;
mod labs;
mod policy;
mod pools;
mod reaper;
mod sharing;
mod times;

/// Collects errors while the file's tables become the domain's types. A part that is wrong is `None`.
pub(super) struct Check<'a> {
    report: Report<'a>,
}

/// What stands around a pool or a lab.
struct Around<'f> {
    file: &'f CourseFile,
    zone: Tz,
    term: Option<Term>,
}

impl<'a> Check<'a> {
    /// `name` is what errors call the file that says `text`.
    pub(super) fn new(name: &'a str, text: &'a str) -> Self {
        Self { report: Report::new(name, text) }
    }

    /// The course, if nothing is wrong with it.
    pub(super) fn finish(mut self, file: &CourseFile) -> Result<Course, CourseErrors> {
        match self.course(file) {
            Some(course) if self.report.is_empty() => Ok(course),
            _ => Err(CourseErrors(self.report.finish())),
        }
    }

    fn error(&mut self, key: &str, what: impl std::fmt::Display) {
        self.report.error(&key.split('.').collect::<Vec<_>>(), what);
    }

    fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, key: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error| self.error(key, error)).ok()
    }

    fn range(&mut self, key: &str, value: i32, range: std::ops::RangeInclusive<i32>) {
        if !range.contains(&value) {
            self.error(key, format!("{value} is not from {} to {}", range.start(), range.end()));
        }
    }

    fn course(&mut self, file: &CourseFile) -> Option<Course> {
        let table = &file.course;
        let id = self.parse("course.id", &table.id);
        let zone: Option<Tz> = table.zone.parse().ok();
        if zone.is_none() {
            self.error("course.zone", format!("\"{}\" is not a zone such as America/New_York", table.zone));
        }
        if !table.contact.contains('@') {
            self.error("course.contact", format!("\"{}\" is not a mail address", table.contact));
        }
        let term = table.term.as_ref().map(|term| self.term(term));
        let around = Around { file, zone: zone.unwrap_or(Tz::UTC), term: term.clone().flatten() };
        let sites: Vec<_> = file.site.iter().map(|site| self.site(site)).collect();
        let pools: Vec<_> = file.pool.iter().map(|pool| self.pool(&around, pool)).collect();
        let labs: Vec<_> = file.lab.iter().map(|lab| self.lab(&around, lab)).collect();
        let reaper = self.reaper(file);
        let fair_share = self.fair_share(file);
        let waitlist = self.waitlist(file);
        self.unique("site", file.site.iter().map(|site| site.id.as_str()));
        self.unique("pool", file.pool.iter().map(|pool| pool.id.as_str()));
        self.unique("lab", file.lab.iter().map(|lab| lab.id.as_str()));
        Some(Course {
            id: id?,
            title: table.title.clone(),
            zone: zone?,
            contact: table.contact.clone(),
            term: all_right(term)?,
            sites: sites.into_iter().collect::<Option<_>>()?,
            pools: pools.into_iter().collect::<Option<_>>()?,
            labs: labs.into_iter().collect::<Option<_>>()?,
            reaper: reaper?,
            fair_share: fair_share?,
            waitlist: waitlist?,
        })
    }

    fn term(&mut self, table: &TermTable) -> Option<Term> {
        let date = |at: Datetime| at.date.and_then(naive_date);
        match (date(table.from), date(table.to)) {
            (Some(from), Some(to)) if from < to => Some(Term { name: table.name.clone(), from, to }),
            _ => {
                self.error("course.term", format!("{} is not before {}", table.from, table.to));
                None
            }
        }
    }

    fn unique<'t>(&mut self, table: &str, ids: impl Iterator<Item = &'t str>) {
        let mut seen = BTreeSet::new();
        for (number, id) in (1..).zip(ids) {
            if !seen.insert(id) {
                self.error(&format!("{table}.{number}"), format!("there is another \"{id}\" before it"));
            }
        }
    }

    fn su(&mut self, key: &str, number: f64) -> Option<Su> {
        let su = Su::from_number(number);
        if su.is_none() {
            self.error(key, format!("{number} is not a number of service units from 0 to 1000000000"));
        }
        su
    }

    fn web_address(&mut self, key: &str, text: &str) {
        let known = Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
        if !known {
            self.error(
                key,
                format!("\"{text}\" is not a web address such as https://course.example.edu/lab"),
            );
        }
    }

    fn instant(&mut self, key: &str, zone: Tz, at: Datetime) -> Option<DateTime<Utc>> {
        let text = at.to_string();
        let local = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S")
            .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M"));
        if let Ok(local) = local {
            Some(calendar::instant(zone, local))
        } else {
            self.error(key, format!("{text} is not a local time such as 2025-02-13T23:59"));
            None
        }
    }
}

/// An optional part: nothing if it is wrong.
#[allow(
    clippy::option_option,
    reason = "the outer one is whether the file is right, the inner one whether it has it"
)]
fn all_right<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    part.map_or(Some(None), |right| right.map(Some))
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole_minutes(minutes: f64) -> Option<i32> {
    (0.0..=100_000.0).contains(&minutes).then_some(minutes as i32)
}
