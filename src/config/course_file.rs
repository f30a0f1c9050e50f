//! `course.toml`: read it, check all of it, and report every error at once.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::value::Datetime;

use crate::domain::blueprint::{Blueprint, Kind, NetworkPlan, ServerPlan, sole_key};
use crate::domain::calendar::{self, DailyWindow, Weekdays};
use crate::domain::course::{Closure, CloudName, Course, Judged, Lab, ParityRule, Policy, Pool, Site};
use crate::domain::interval::Interval;

/// Everything that is wrong with a course file, one line each, with the key or the line that it is about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct CourseErrors(pub Vec<String>);

/// A course file as written, with local times.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CourseFile {
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
        toml::from_str(text).map_err(|error| {
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
        let mut check = Check { name, errors: Vec::new() };
        let course = check.course(self);
        match course {
            Some(course) if check.errors.is_empty() => Ok(course),
            _ => Err(CourseErrors(check.errors)),
        }
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

/// Collects errors while the file's tables become the domain's types. A part that is wrong is `None`.
struct Check<'a> {
    name: &'a str,
    errors: Vec<String>,
}

impl Check<'_> {
    fn error(&mut self, key: &str, what: impl std::fmt::Display) {
        self.errors.push(format!("{}: {key}: {what}", self.name));
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
        let sites: Vec<_> = file.site.iter().map(|site| self.site(site)).collect();
        let zone_or_utc = zone.unwrap_or(Tz::UTC);
        let pools: Vec<_> = file.pool.iter().map(|pool| self.pool(file, zone_or_utc, pool)).collect();
        let labs: Vec<_> = file.lab.iter().map(|lab| self.lab(file, zone_or_utc, lab)).collect();
        self.unique("site", file.site.iter().map(|site| site.id.as_str()));
        self.unique("pool", file.pool.iter().map(|pool| pool.id.as_str()));
        self.unique("lab", file.lab.iter().map(|lab| lab.id.as_str()));
        Some(Course {
            id: id?,
            title: table.title.clone(),
            zone: zone?,
            contact: table.contact.clone(),
            sites: sites.into_iter().collect::<Option<_>>()?,
            pools: pools.into_iter().collect::<Option<_>>()?,
            labs: labs.into_iter().collect::<Option<_>>()?,
        })
    }

    fn unique<'a>(&mut self, table: &str, ids: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id) {
                self.error(&format!("{table}.{id}"), "there are two of this id");
            }
        }
    }

    fn site(&mut self, table: &SiteTable) -> Option<Site> {
        let cloud = match table.cloud.as_str() {
            "simulated" => CloudName::Simulated,
            entry => CloudName::OpenStack(entry.to_owned()),
        };
        let id = self.parse(&format!("site.{}.id", table.id), &table.id)?;
        Some(Site {
            id,
            title: table.title.clone().unwrap_or_else(|| table.id.clone()),
            cloud,
            leases: table.leases,
        })
    }

    fn pool(&mut self, file: &CourseFile, zone: Tz, table: &PoolTable) -> Option<Pool> {
        let key = |field: &str| format!("pool.{}.{field}", table.id);
        if !file.site.iter().any(|site| site.id == table.site) {
            self.error(&key("site"), format!("there is no site \"{}\"", table.site));
        }
        self.range(&key("capacity"), table.capacity, 0..=100_000);
        self.range(&key("lead_minutes"), table.lead_minutes, 0..=240);
        if !(5..=60).contains(&table.grid_minutes) || 60 % table.grid_minutes.max(1) != 0 {
            self.error(
                &key("grid_minutes"),
                format!("{} is not 5, 6, 10, 12, 15, 20, 30 or 60", table.grid_minutes),
            );
        }
        let closures: Vec<_> =
            table.closure.iter().map(|closure| self.closure(&key("closure"), zone, closure)).collect();
        Some(Pool {
            id: self.parse(&key("id"), &table.id)?,
            site: self.parse(&key("site"), &table.site)?,
            capacity: table.capacity,
            grid_minutes: table.grid_minutes,
            lead_minutes: table.lead_minutes,
            closures: closures.into_iter().collect::<Option<_>>()?,
        })
    }

    fn closure(&mut self, key: &str, zone: Tz, table: &ClosureTable) -> Option<Closure> {
        let (from, to) = (self.instant(key, zone, table.from), self.instant(key, zone, table.to));
        let span = Interval::new(from?, to?);
        if span.is_none() {
            self.error(key, format!("{} is not before {}", table.from, table.to));
        }
        Some(Closure { span: span?, reason: table.reason.trim_end_matches('.').to_owned() })
    }

    fn lab(&mut self, file: &CourseFile, zone: Tz, table: &LabTable) -> Option<Lab> {
        let key = |field: &str| format!("lab.{}.{field}", table.id);
        let pool = file.pool.iter().find(|pool| pool.id == table.pool);
        match pool {
            None => self.error(&key("pool"), format!("there is no pool \"{}\"", table.pool)),
            Some(pool) => self.range(&key("units"), table.units, 1..=pool.capacity.max(1)),
        }
        let open = self.instant(&key("open"), zone, table.open);
        let due = table.due.map(|due| self.instant(&key("due"), zone, due));
        if let (Some(open), Some(Some(due))) = (open, due)
            && due <= open
        {
            self.error(&key("due"), "it is not after lab.open");
        }
        let policy = self.policy(&key("policy"), pool, &table.policy);
        let blueprint = self.blueprint(&key("blueprint"), &table.blueprint);
        Some(Lab {
            id: self.parse(&key("id"), &table.id)?,
            pool: self.parse(&key("pool"), &table.pool)?,
            title: table.title.clone(),
            summary: table.summary.trim().to_owned(),
            manual: table.manual.clone(),
            units: table.units,
            open: open?,
            due: match due {
                Some(due) => Some(due?),
                None => None,
            },
            policy: policy?,
            blueprint: blueprint?,
        })
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

    fn policy(&mut self, key: &str, pool: Option<&PoolTable>, table: &PolicyTable) -> Option<Policy> {
        let minutes = (table.cap_hours * 60.0).round();
        let grid = pool.map_or(1, |pool| pool.grid_minutes.max(1));
        let cap_minutes = whole_minutes(minutes).filter(|minutes| (1..=10_080).contains(minutes));
        match cap_minutes {
            None => {
                self.error(
                    &format!("{key}.cap_hours"),
                    format!("{} is not more than 0 and at most 168", table.cap_hours),
                );
            }
            Some(minutes) if minutes < grid => {
                self.error(
                    &format!("{key}.cap_hours"),
                    format!("it is less than the pool's grid of {grid} minutes"),
                );
            }
            Some(_) => {}
        }
        let counted =
            table.counted_hours.as_ref().map(|hours| self.window(&format!("{key}.counted_hours"), hours));
        if let Some(days) = table.horizon_days {
            self.range(&format!("{key}.horizon_days"), days, 1..=366);
        }
        self.range(&format!("{key}.bookings_ahead"), table.bookings_ahead, 1..=100);
        let parity = table.parity.as_ref().map(|parity| self.parity(&format!("{key}.parity"), parity));
        Some(Policy {
            cap_minutes: cap_minutes?,
            counted: match counted {
                Some(window) => Some(window?),
                None => None,
            },
            bookings_ahead: table.bookings_ahead,
            horizon_days: table.horizon_days,
            parity: match parity {
                Some(parity) => Some(parity?),
                None => None,
            },
        })
    }

    fn window(&mut self, key: &str, table: &WindowTable) -> Option<DailyWindow> {
        let (from, to) = (minute_of_day(&table.from), minute_of_day(&table.to));
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

    fn blueprint(&mut self, key: &str, table: &BlueprintTable) -> Option<Blueprint> {
        if table.server.is_empty() {
            self.error(&format!("{key}.server"), "there is none");
        }
        let fixed = table.server.iter().filter(|server| server.address.is_some()).count();
        if fixed != 0 && fixed != table.server.len() {
            self.error(
                &format!("{key}.server"),
                "give each server an address or none: a free one might be given away first",
            );
        }
        self.unique(&format!("{key}.server"), table.server.iter().map(|server| server.name.as_str()));
        let servers: Vec<_> = table
            .server
            .iter()
            .map(|server| self.server(&format!("{key}.server.{}", server.name), server))
            .collect();
        Some(Blueprint {
            servers: servers.into_iter().collect::<Option<_>>()?,
            network: NetworkPlan {
                cidr: table.network.cidr.clone(),
                external: table.network.external.clone(),
            },
            open_tcp_ports: table.open_tcp_ports.clone(),
            login: table.login.clone(),
        })
    }

    fn server(&mut self, key: &str, table: &ServerTable) -> Option<ServerPlan> {
        let taken = Kind::ALL.iter().any(|kind| sole_key(*kind).as_str() == table.name);
        if taken || table.name.starts_with("ip-") || table.name.starts_with("stray-") {
            self.error(
                &format!("{key}.name"),
                "it is kept for another part of a booking: choose a name such as node1",
            );
        }
        Some(ServerPlan {
            name: self.parse(&format!("{key}.name"), &table.name)?,
            image: table.image.clone(),
            flavor: table.flavor.clone(),
            address: table.address,
            floating_ip: table.floating_ip,
            user_data: table.user_data.as_ref().map(|text| text.trim_start().to_owned()),
        })
    }
}

/// "08:00" as minutes after midnight; "24:00" is the day's end.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole_minutes(minutes: f64) -> Option<i32> {
    (0.0..=100_000.0).contains(&minutes).then_some(minutes as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(
                errors.iter().any(|error| error.starts_with(&format!("course.toml: {key}: "))),
                "{key}: {errors:?}"
            );
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
