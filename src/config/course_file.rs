//! `course.toml`: read it, check all of it, and report every error at once.

use std::net::Ipv4Addr;

use chrono::{DateTime, Days, NaiveDate, Utc};
use schemars::{JsonSchema, Schema, schema_for};
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
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SiteTable {
    /// Its id.
    id: String,
    /// What people call it, such as KVM@TACC.
    title: Option<String>,
    /// "simulated", or the name of an entry in clouds.yaml.
    cloud: String,
    /// Whether the site has Blazar: then each booking is backed by a lease.
    #[serde(default)]
    leases: bool,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PoolTable {
    /// Its id.
    id: String,
    /// The id of its site.
    site: String,
    /// Units that can be held at one instant, until the first change. Either this or nodes.
    capacity: Option<i32>,
    /// The names of its nodes: then a booking gets certain ones.
    #[serde(default)]
    nodes: Vec<String>,
    /// Starts and ends lie on multiples of it: 5, 6, 10, 12, 15, 20, 30 or 60.
    #[serde(default = "half_an_hour")]
    grid_minutes: i32,
    /// Resources are made this long before the start, 0 to 240.
    #[serde(default)]
    lead_minutes: i32,
    /// A slot ends this long before a multiple of the grid, 0 or less than the grid.
    #[serde(default)]
    end_margin_minutes: i32,
    /// How long after a slot's end its units can't be held by another, 0 to 240.
    #[serde(default)]
    cleaning_minutes: i32,
    /// Times at which nobody can hold any of it.
    #[serde(default)]
    closure: Vec<ClosureTable>,
    /// Later capacities, in order.
    #[serde(default)]
    change: Vec<ChangeTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeTable {
    /// From this local time on.
    #[schemars(with = "String")]
    at: Datetime,
    /// Units that can be held at one instant, until the next change.
    capacity: i32,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClosureTable {
    /// From this local time.
    #[schemars(with = "String")]
    from: Datetime,
    /// Up to this local time.
    #[schemars(with = "String")]
    to: Datetime,
    /// Why, in a few words for students.
    reason: String,
}

fn half_an_hour() -> i32 {
    30
}

fn one() -> i32 {
    1
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LabTable {
    /// Its id.
    id: String,
    /// What people call it.
    title: String,
    /// The id of its pool.
    pool: String,
    /// A sentence or two for students.
    #[serde(default)]
    summary: String,
    /// Where its instructions are.
    manual: Option<String>,
    /// Units of the pool that one booking holds.
    #[serde(default = "one")]
    units: i32,
    /// The first local time at which a slot may start.
    #[schemars(with = "String")]
    open: Datetime,
    /// The due date; left out while it is to be announced.
    #[schemars(with = "Option<String>")]
    due: Option<Datetime>,
    /// Its rules.
    policy: PolicyTable,
    /// What a booking gets.
    blueprint: BlueprintTable,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    /// The longest slot, in hours that count.
    cap_hours: f64,
    /// The hours that count, if not all do; others are free, on any day.
    counted_hours: Option<WindowTable>,
    /// Bookings that one student may have ahead or running.
    #[serde(default = "one")]
    bookings_ahead: i32,
    /// Lengths that a slot may have, with the pool's end margin; any if it is left out.
    #[serde(default)]
    lengths_hours: Vec<f64>,
    /// Starts lie on multiples of this many minutes, if they are rarer than the pool's grid.
    starts_every_minutes: Option<i32>,
    /// Hours that count which one student may use in all.
    budget_hours: Option<f64>,
    /// How many days ahead a slot may start.
    horizon_days: Option<i32>,
    /// Weekdays by the last digit of the net ID.
    parity: Option<ParityTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WindowTable {
    /// The first time of day, such as 08:00.
    from: String,
    /// The time of day that ends it, such as 24:00.
    to: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ParityTable {
    /// Days on which even net IDs may start: Mon, Tue, Wed, Thu, Fri, Sat, Sun.
    #[schemars(with = "Vec<String>")]
    even: Weekdays,
    /// Days on which odd net IDs may start.
    #[schemars(with = "Vec<String>")]
    odd: Weekdays,
    /// As written in the seven days from this date, swapped in the next, and so on.
    #[schemars(with = "Option<String>")]
    swap_weekly_from: Option<Datetime>,
    /// What has to lie on one's days: the start, or the whole slot.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["start", "slot"]))]
    judges: Judged,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BlueprintTable {
    /// The account to which the image gives the student's key.
    login: String,
    /// TCP ports open to the world.
    #[serde(default)]
    open_tcp_ports: Vec<u16>,
    /// The private network.
    network: NetworkTable,
    /// Servers, at least one.
    server: Vec<ServerTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NetworkTable {
    /// The subnet's range, such as 192.168.1.0/24.
    cidr: String,
    /// The external network, such as public.
    external: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServerTable {
    /// Its host name.
    name: String,
    /// The image, by name or id.
    image: String,
    /// The flavor, by name or id.
    flavor: String,
    /// Its address on the subnet: for each server or for none.
    address: Option<Ipv4Addr>,
    /// Whether it gets a public address.
    #[serde(default)]
    floating_ip: bool,
    /// For cloud-init.
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

    /// The JSON schema of a course file, for editors.
    pub fn schema() -> Schema {
        schema_for!(Self)
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

    /// The example with this in the place of its pool's capacity.
    fn with_capacity(text: &str) -> String {
        EXAMPLE.replace("capacity = 30 ", &format!("{text} "))
    }

    fn with_changes(changes: &str) -> String {
        EXAMPLE.replace("[[lab]]", &format!("{changes}\n[[lab]]"))
    }

    #[test]
    fn a_pools_capacity_may_change_in_order() {
        let first = "[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 40\n";
        let text = with_changes(&format!("{first}[[pool.change]]\nat = 2025-02-12T08:00\ncapacity = 0\n"));
        let pool =
            CourseFile::parse("course.toml", &text).unwrap().check("course.toml").unwrap().pools.remove(0);
        let told: Vec<_> = pool.changes.iter().map(|it| (it.at.to_rfc3339(), it.capacity)).collect();
        assert_eq!(
            told,
            [("2025-02-10T05:00:00+00:00".to_owned(), 40), ("2025-02-12T13:00:00+00:00".to_owned(), 0)]
        );
        for (change, what) in [
            ("[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 4\n", "is not after"),
            ("[[pool.change]]\nat = 2025-02-09T00:00\ncapacity = 4\n", "is not after"),
            ("[[pool.change]]\nat = 2025-02-11T00:00\ncapacity = -1\n", "is not from 0 to 100000"),
            ("[[pool.change]]\nat = 2025-02-11\ncapacity = 1\n", "is not a local time"),
        ] {
            let errors = errors(&with_changes(&format!("{first}{change}")));
            assert!(errors.len() == 1 && errors[0].contains("pool.kvm-clusters.change: "), "{errors:?}");
            assert!(errors[0].contains(what), "{errors:?}");
        }
    }

    #[test]
    fn changes_of_capacity_move_with_the_course() {
        let text = with_changes("[[pool.change]]\nat = 2025-02-10T08:00\ncapacity = 40\n");
        let file = CourseFile::parse("course.toml", &text).unwrap().later_by_fortnights(3);
        let pool = file.check("course.toml").unwrap().pools.remove(0);
        assert_eq!(pool.changes[0].at.to_rfc3339(), "2025-03-24T12:00:00+00:00", "the clocks have changed");
    }

    #[test]
    fn a_lab_may_need_no_more_than_its_pool_ever_has() {
        let more = "[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 40\n";
        let units = |units: &str| with_changes(more).replace("units = 1", &format!("units = {units}"));
        assert!(CourseFile::parse("course.toml", &units("40")).unwrap().check("course.toml").is_ok());
        assert!(errors(&units("41"))[0].contains("lab.k8s.units: 41 is not from 1 to 40"));
    }

    #[test]
    fn a_pool_has_a_capacity_or_named_nodes() {
        let named = with_capacity("nodes = [\"gpu-01\", \"gpu-02\"]");
        let pool =
            CourseFile::parse("course.toml", &named).unwrap().check("course.toml").unwrap().pools.remove(0);
        assert_eq!((pool.capacity, pool.nodes), (2, vec!["gpu-01".to_owned(), "gpu-02".to_owned()]));
        let change = "[[pool.change]]\nat = 2025-02-10T00:00\ncapacity = 4\n[[lab]]";
        for (text, key, what) in [
            (with_capacity(""), "capacity", "either"),
            (with_capacity("nodes = []"), "capacity", "either"),
            (with_capacity("capacity = 2\nnodes = [\"a\"]"), "capacity", "either"),
            (with_capacity("nodes = [\"a\", \"b\", \"a\"]"), "nodes", "\"a\" is there twice"),
            (with_capacity("nodes = [\"gpu 1\"]"), "nodes", "\"gpu 1\" is not 1 to 64"),
            (with_capacity("nodes = [\"\"]"), "nodes", "\"\" is not 1 to 64"),
            (named.replace("[[lab]]", change), "change", "named nodes"),
        ] {
            let errors = errors(&text);
            let told = format!(": pool.kvm-clusters.{key}: ");
            assert!(errors.len() == 1 && errors[0].contains(&told) && errors[0].contains(what), "{errors:?}");
        }
    }

    #[test]
    fn a_misspelt_weekday_says_what_is_right() {
        assert!(errors(&EXAMPLE.replace("\"Wed\"", "\"Wen\""))[0].contains("\"Wen\" is not a weekday"));
    }
}
