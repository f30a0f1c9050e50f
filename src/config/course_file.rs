//! `course.toml`: read it, check all of it, and report every error at once.

use std::net::Ipv4Addr;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Deserialize;
use toml::value::Datetime;

use self::check::Check;
use crate::domain::calendar::Weekdays;
use crate::domain::course::{Course, Judged};

mod check;
mod lines;

/// Everything that is wrong with a course file, one line each, with the key or the line that it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct CourseErrors(pub Vec<String>);

/// A course file as written, with local times.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CourseFile {
    /// What was read, to tell where an error is.
    #[serde(skip)]
    text: String,
    course: CourseTable,
    #[serde(default)]
    site: Vec<SiteTable>,
    #[serde(default)]
    pool: Vec<PoolTable>,
    #[serde(default)]
    lab: Vec<LabTable>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CourseTable {
    id: String,
    title: String,
    zone: String,
    contact: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteTable {
    id: String,
    title: Option<String>,
    cloud: String,
    #[serde(default)]
    leases: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolTable {
    id: String,
    site: String,
    capacity: i32,
    #[serde(default = "half_an_hour")]
    grid_minutes: i32,
    #[serde(default)]
    lead_minutes: i32,
    #[serde(default)]
    closure: Vec<ClosureTable>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosureTable {
    from: Datetime,
    to: Datetime,
    reason: String,
}

fn half_an_hour() -> i32 {
    30
}

fn one() -> i32 {
    1
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LabTable {
    id: String,
    title: String,
    pool: String,
    #[serde(default)]
    summary: String,
    manual: Option<String>,
    #[serde(default = "one")]
    units: i32,
    open: Datetime,
    due: Option<Datetime>,
    policy: PolicyTable,
    blueprint: BlueprintTable,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    cap_hours: f64,
    counted_hours: Option<WindowTable>,
    #[serde(default = "one")]
    bookings_ahead: i32,
    budget_hours: Option<f64>,
    horizon_days: Option<i32>,
    parity: Option<ParityTable>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowTable {
    from: String,
    to: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParityTable {
    even: Weekdays,
    odd: Weekdays,
    swap_weekly_from: Option<Datetime>,
    #[serde(default)]
    judges: Judged,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlueprintTable {
    login: String,
    #[serde(default)]
    open_tcp_ports: Vec<u16>,
    network: NetworkTable,
    server: Vec<ServerTable>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkTable {
    cidr: String,
    external: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerTable {
    name: String,
    image: String,
    flavor: String,
    address: Option<Ipv4Addr>,
    #[serde(default)]
    floating_ip: bool,
    user_data: Option<String>,
}

impl CourseFile {
    /// Reads the text of a course file. `name` is what errors call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, CourseErrors> {
        let read = toml::from_str(text).map(|file| Self { text: text.to_owned(), ..file });
        read.map_err(|error| {
            let line =
                error.span().map(|span| text.get(..span.start).unwrap_or("").matches('\n').count() + 1);
            let place = line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
            CourseErrors(vec![format!("{place}: {}", error.message())])
        })
    }

    /// The same course that many fortnights later: weekdays, parity weeks and local times stay.
    #[must_use]
    pub fn later_by_fortnights(mut self, fortnights: u64) -> Self {
        let shift = |at: &mut Datetime| {
            if let Some(date) = at.date.as_mut().and_then(|d| naive_date(*d).map(|naive| (d, naive))) {
                let later = date.1 + Days::new(14 * fortnights);
                *date.0 = toml_date(later);
            }
        };
        for closure in self.pool.iter_mut().flat_map(|pool| &mut pool.closure) {
            shift(&mut closure.from);
            shift(&mut closure.to);
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

    /// The course, if nothing is wrong with it. `name` is what errors call the file.
    pub fn check(&self, name: &str) -> Result<Course, CourseErrors> {
        Check::new(name, &self.text).finish(self)
    }
}

fn naive_date(date: toml::value::Date) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())
}

fn toml_date(date: NaiveDate) -> toml::value::Date {
    use chrono::Datelike as _;
    toml::value::Date {
        year: u16::try_from(date.year()).unwrap_or(u16::MAX),
        month: u8::try_from(date.month()).unwrap_or(1),
        day: u8::try_from(date.day()).unwrap_or(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar;

    const EXAMPLE: &str = include_str!("../../docs/examples/course.toml");

    fn errors(text: &str) -> Vec<String> {
        CourseFile::parse("course.toml", text).and_then(|file| file.check("course.toml")).unwrap_err().0
    }

    #[test]
    fn the_example_is_a_course() {
        let course = CourseFile::parse("course.toml", EXAMPLE).unwrap().check("course.toml").unwrap();
        let lab = &course.labs[0];
        assert_eq!(lab.due.unwrap().to_rfc3339(), "2025-02-14T04:59:00+00:00");
        assert_eq!(lab.policy.cap_minutes, 480);
        assert_eq!(lab.blueprint.flavors(), [("m1.medium".to_owned(), 3)]);
    }

    #[test]
    fn moving_by_fortnights_keeps_weekdays_and_local_times() {
        let now = "2026-11-24T06:00:00Z".parse().unwrap();
        let file = CourseFile::parse("course.toml", EXAMPLE).unwrap();
        let fortnights = file.fortnights_behind(now, 7);
        let course = file.later_by_fortnights(fortnights).check("course.toml").unwrap();
        let due = course.labs[0].due.unwrap();
        assert!((7..21).contains(&(due - now).num_days()), "{due}");
        assert_eq!(calendar::date_and_time(course.zone, due), "Thu Dec 3, 23:59");
        let anchor = course.labs[0].policy.parity.as_ref().unwrap().swap_weekly_from.unwrap();
        assert_eq!(anchor.to_string(), "2026-11-27");
    }

    #[test]
    fn all_errors_are_told_at_once_with_their_keys() {
        let text = EXAMPLE
            .replace("America/New_York", "New York")
            .replace("grid_minutes = 30", "grid_minutes = 45")
            .replace("pool = \"kvm-clusters\"", "pool = \"kvm\"")
            .replace("cap_hours = 8 ", "cap_hours = 800 ")
            .replace("due = 2025-02-13T23:59", "due = 2025-01-13T23:59");
        let errors = errors(&text);
        for key in [
            "course.zone",
            "pool.kvm-clusters.grid_minutes",
            "lab.k8s.pool",
            "lab.k8s.policy.cap_hours",
            "lab.k8s.due",
        ] {
            let told = errors.iter().find(|error| error.contains(&format!(": {key}: ")));
            let told = told.unwrap_or_else(|| panic!("{key}: {errors:?}"));
            let line: usize = told.split(':').nth(1).unwrap().parse().unwrap();
            let last = key.rsplit('.').next().unwrap();
            assert!(text.lines().nth(line - 1).unwrap().starts_with(&format!("{last} = ")), "{told}");
        }
        assert_eq!(errors.len(), 5, "{errors:?}");
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_line() {
        let errors = errors(&EXAMPLE.replace("cap_hours", "cap_hour"));
        let line = EXAMPLE.lines().position(|line| line.starts_with("cap_hours")).unwrap() + 1;
        assert!(
            errors[0].starts_with(&format!("course.toml:{line}: ")) && errors[0].contains("cap_hour"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_misspelt_weekday_says_what_is_right() {
        assert!(errors(&EXAMPLE.replace("\"Wed\"", "\"Wen\""))[0].contains("\"Wen\" is not a weekday"));
    }
}
