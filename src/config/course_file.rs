//! `course.toml`: read it, check all of it, and report every error at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use toml::value::Datetime;

use self::blueprint::BlueprintTable;
use self::check::Check;
use self::reaper::ReaperTable;
use self::report::Report;
use self::schema::{Date, LocalTime, WeekdayName};
use crate::domain::calendar::Weekdays;
use crate::domain::course::{Course, Judged, Strictness};

mod blueprint;
mod check;
mod inherit;
mod lines;
mod reaper;
mod report;
mod schema;
mod shape;

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
    /// The web address of its own pages for those who have servers there.
    dashboard: Option<String>,
    /// Units that all its pools together can hold at one instant.
    capacity: Option<i32>,
    /// Servers on bare metal that may be in the making there at once, 1 to 100: many at once overload a site's switches.
    #[serde(default = "two")]
    bare_metal_at_once: i32,
    /// What the site charges an hour for one server of each flavor or node type, in service units.
    #[serde(default)]
    su_per_hour: BTreeMap<String, f64>,
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
    /// The name of the lease that staff hold for it at the site, if its servers are to be made from one.
    standing_lease: Option<String>,
    /// The property by which the site knows a node of `nodes`.
    #[serde(default = "node_name")]
    node_property: String,
}

fn node_name() -> String {
    "node_name".to_owned()
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeTable {
    /// From this local time on.
    #[schemars(with = "LocalTime")]
    at: Datetime,
    /// Units that can be held at one instant, until the next change.
    capacity: i32,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClosureTable {
    /// From this local time.
    #[schemars(with = "LocalTime")]
    from: Datetime,
    /// Up to this local time.
    #[schemars(with = "LocalTime")]
    to: Datetime,
    /// Why, in a few words for students.
    reason: String,
}

fn two() -> i32 {
    2
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
    /// The name of the series that it is a part of: of one series a student works on one part at a time.
    series: Option<String>,
    /// The web address of its instructions.
    manual: Option<String>,
    /// What else to read.
    #[serde(default)]
    reading: Vec<ReadingTable>,
    /// How many hours the work is expected to take.
    expected_hours: Option<f64>,
    /// Units of the pool that one booking holds.
    #[serde(default = "one")]
    units: i32,
    /// The first local time at which a slot may start.
    #[schemars(with = "LocalTime")]
    open: Datetime,
    /// The due date; left out while it is to be announced.
    #[schemars(with = "Option<LocalTime>")]
    due: Option<Datetime>,
    /// Its rules.
    policy: PolicyTable,
    /// What a booking gets.
    blueprint: BlueprintTable,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadingTable {
    /// What it is called.
    title: String,
    /// Its web address.
    url: String,
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
    /// Bookings with hours that count which one student may make in all.
    budget_bookings: Option<i32>,
    /// Service units that one student may use of the lab.
    budget_su: Option<f64>,
    /// How many days ahead a slot may start.
    horizon_days: Option<i32>,
    /// How many bookings may start later than some hours from now; those that start sooner don't count.
    far: Option<FarTable>,
    /// What is said of slots that leave a stretch which is of use to nobody.
    gaps: Option<GapsTable>,
    /// How closely one student's bookings of the lab may follow each other.
    stacking: Option<StackingTable>,
    /// Weekdays by the last digit of the net ID.
    parity: Option<ParityTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FarTable {
    /// What starts later than this many hours from now is far ahead.
    beyond_hours: i32,
    /// Bookings that one student may have there.
    bookings: i32,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GapsTable {
    /// A stretch between bookings that is shorter than this is of use to nobody.
    shorter_than_hours: f64,
    /// What is done about a slot that would leave one: warn, or refuse.
    #[schemars(with = "String", extend("enum" = ["warn", "refuse"]))]
    then: Strictness,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StackingTable {
    /// The length of the spans that are looked at, in hours.
    within_hours: i32,
    /// One student's bookings may cover less than this part of any such span.
    percent: i32,
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
    #[schemars(with = "Vec<WeekdayName>")]
    even: Weekdays,
    /// Days on which odd net IDs may start.
    #[schemars(with = "Vec<WeekdayName>")]
    odd: Weekdays,
    /// As written in the seven days from this date, swapped in the next, and so on.
    #[schemars(with = "Option<Date>")]
    swap_weekly_from: Option<Datetime>,
    /// What has to lie on one's days: the start, or the whole slot.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["start", "slot"]))]
    judges: Judged,
}

impl CourseFile {
    /// Reads the text of a course file, and gives labs what they inherit. `name` is what errors call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, CourseErrors> {
        let mut report = Report::new(name, text);
        let mut table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                report.syntax(&error);
                return Err(report.finish());
            }
        };
        report.shape(&schema::written(), &table);
        let merged = schema::merged();
        inherit::inherit(&mut table, &merged);
        report.shape(&merged, &table);
        if !report.is_empty() {
            return Err(report.finish());
        }
        // By way of text, since a `Datetime` can be read from text only.
        let read = toml::from_str(&table.to_string()).map(|file| Self { text: text.to_owned(), ..file });
        read.map_err(|error| {
            report.general(error.message());
            report.finish()
        })
    }

    /// The JSON schema of a course file, for editors. It does not ask labs for keys that the defaults may have.
    pub fn schema() -> Schema {
        Schema::try_from(schema::written()).unwrap_or_default()
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
    use crate::domain::blueprint::Machine;
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
        assert_eq!(lab.blueprint.machines(), [(Machine::of_flavor("m1.medium"), 3)]);
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

    /// The line of `text` that starts so, from 1.
    fn line(text: &str, start: &str) -> usize {
        text.lines().position(|line| line.starts_with(start)).unwrap() + 1
    }

    #[test]
    fn a_misspelt_key_is_told_with_its_line() {
        let errors = errors(&EXAMPLE.replace("cap_hours", "cap_hour"));
        let line = line(EXAMPLE, "cap_hours");
        let told =
            format!("course.toml:{line}: lab.k8s.policy.cap_hour: there is no such key; is cap_hours meant?");
        assert_eq!(errors, [told]);
    }

    #[test]
    fn a_misspelt_weekday_says_what_is_right() {
        let errors = errors(&EXAMPLE.replace("\"Wed\"", "\"Wen\""));
        assert!(
            errors[0].ends_with("even.3: \"Wen\" is none of Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
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
            ("[[pool.change]]\nat = 2025-02-11\ncapacity = 1\n", "a local time such as"),
        ] {
            let errors = errors(&with_changes(&format!("{first}{change}")));
            assert!(errors.len() == 1 && errors[0].contains(": pool.kvm-clusters.change.2."), "{errors:?}");
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
    fn what_has_the_wrong_shape_is_told_all_at_once() {
        let text = EXAMPLE
            .replace("zone = \"America/New_York\"\n", "")
            .replace("capacity = 30 ", "capacity = \"thirty\" ")
            .replace("due = 2025-02-13T23:59", "due = \"2025-02-13T23:59\"")
            .replace("bookings_ahead = 2 ", "walks_ahead = 2 ")
            .replace("swap_weekly_from = 2025-02-07 ", "swap_weekly_from = 2025-02-07T00:00 ")
            .replace("192.168.1.13", "192.168.1.300")
            .replace("[22, 80, 6443]", "[22, 80, 70000]");
        let told = |start: &str, what: &str| format!("course.toml:{}: {what}", line(&text, start));
        assert_eq!(
            errors(&text),
            [
                told("[course]", "course.zone: it is missing"),
                told("capacity", "pool.kvm-clusters.capacity: it is text; a whole number is wanted"),
                told(
                    "due",
                    "lab.k8s.due: it is text; a local time such as 2025-02-13T23:59, without quotes, is wanted"
                ),
                told(
                    "walks_ahead",
                    "lab.k8s.policy.walks_ahead: there is no such key; known here: bookings_ahead, budget_bookings, \
                     budget_hours, budget_su, cap_hours, counted_hours, far, gaps, horizon_days, lengths_hours, parity, \
                     stacking, starts_every_minutes",
                ),
                told(
                    "swap_weekly_from",
                    "lab.k8s.policy.parity.swap_weekly_from: it is a local time; a date such as 2025-02-07, without \
                     quotes, is wanted",
                ),
                told("open_tcp_ports", "lab.k8s.blueprint.open_tcp_ports.3: 70000 is not from 0 to 65535"),
                told(
                    "address = \"192.168.1.300",
                    "lab.k8s.blueprint.server.node3.address: \"192.168.1.300\" is not an IPv4 address such as 192.168.1.11"
                ),
            ]
        );
    }

    #[test]
    fn text_that_is_no_toml_is_told_with_its_line() {
        let errors = errors(&EXAMPLE.replace("capacity = 30", "capacity = = 30"));
        assert!(errors[0].starts_with(&format!("course.toml:{}: ", line(EXAMPLE, "capacity"))), "{errors:?}");
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn tables_and_lists_are_not_taken_for_each_other() {
        let text = EXAMPLE.replace("[[site]]", "[site]").replace("units = 1\n", "units = [1]\n");
        let errors = errors(&text.replace("title = \"KVM@TACC\"", "title = false"));
        assert!(errors[0].ends_with(": site: it is a table; a list of tables is wanted"), "{errors:?}");
        assert!(errors[1].ends_with(": lab.k8s.units: it is a list; a whole number is wanted"), "{errors:?}");
        assert_eq!(errors.len(), 2);
    }

    /// The example with all but its lab's id and title in the defaults, and a second lab.
    fn inheriting(second: &str) -> String {
        let own = EXAMPLE
            .lines()
            .filter(|line| line.starts_with("id = \"k8s\"") || line.starts_with("title = \"Deploy"));
        let own: Vec<&str> = own.collect();
        let (head, lab) = EXAMPLE.split_once("[[lab]]").unwrap();
        let lab = own.iter().fold(lab.to_owned(), |lab, line| lab.replace(&format!("{line}\n"), ""));
        let defaults = lab.replace("[lab.", "[defaults.").replace("[[lab.", "[[defaults.");
        format!(
            "{head}[defaults]{defaults}\n[[lab]]\n{}\n\n[[lab]]\nid = \"second\"\ntitle = \"2\"\n{second}",
            own.join("\n")
        )
    }

    fn course(text: &str) -> Course {
        CourseFile::parse("course.toml", text).unwrap().check("course.toml").unwrap()
    }

    #[test]
    fn labs_inherit_what_they_do_not_say() {
        let text = inheriting(
            "due = false\n[lab.policy]\ncap_hours = 4\nparity = false\n\
             [[lab.blueprint.server]]\nname = \"only\"\nimage = \"i\"\nflavor = \"f\"\n",
        );
        let labs = course(&text).labs;
        assert_eq!(labs[0], course(EXAMPLE).labs[0]);
        let second = &labs[1];
        assert_eq!((second.due, second.policy.cap_minutes, &second.policy.parity), (None, 240, &None));
        assert_eq!((second.policy.bookings_ahead, second.open), (2, labs[0].open));
        assert_eq!(second.blueprint.machines(), [(Machine::of_flavor("f"), 1)]);
        assert_eq!(second.blueprint.networks, labs[0].blueprint.networks);
    }

    #[test]
    fn a_lab_has_a_part_of_an_inherited_table_otherwise() {
        let labs = course(&inheriting("policy.parity = { judges = \"slot\" }\nreading = []\n")).labs;
        let [first, second] = [0, 1].map(|lab: usize| labs[lab].policy.parity.clone().unwrap());
        assert_eq!((first.judges, second.judges), (Judged::Start, Judged::Slot));
        assert_eq!((first.even, first.swap_weekly_from), (second.even, second.swap_weekly_from));
        assert!(second.judges == Judged::Slot && labs[1].reading.is_empty() && !labs[0].reading.is_empty());
    }

    #[test]
    fn inherited_dates_move_too() {
        let course = CourseFile::parse("course.toml", &inheriting("")).unwrap().later_by_fortnights(1);
        let course = course.check("course.toml").unwrap();
        assert!(course.labs.iter().all(|lab| lab.due.unwrap().to_rfc3339().starts_with("2025-02-28")));
        assert_eq!(course.term.unwrap().from.to_string(), "2025-02-04");
    }

    #[test]
    fn errors_of_what_is_inherited_name_the_defaults_once() {
        let text = inheriting("open = 2025-03-01T00:00\n");
        let wrong = text.replace("cap_hours = 8 ", "cap_hours = 800 ").replace("\"node2\"", "\"lease\"");
        let told = errors(&wrong);
        let cap = format!("course.toml:{}: defaults.policy.cap_hours: 800 is not", line(&wrong, "cap_hours"));
        let due =
            format!("course.toml:{}: defaults.due: it is not after lab.second.open", line(&wrong, "due"));
        let name = format!(
            "course.toml:{}: defaults.blueprint.server.lease.name: ",
            line(&wrong, "name = \"lease\"")
        );
        assert!(
            told[0].starts_with(&due) && told[1].starts_with(&cap) && told[2].starts_with(&name),
            "{told:#?}"
        );
        assert_eq!(told.len(), 3, "{told:#?}");
        let wrong = text.replace("cap_hours = 8 ", "cap_hours = true ").replace("login = \"cc\"\n", "");
        let wrong = wrong.replace("[defaults]\n", "[defaults]\nid = \"d\"\n").replace("title = \"2\"\n", "");
        let told = errors(&wrong);
        for (start, what) in [
            ("id = \"d\"", "defaults.id: there is no such key; known here: blueprint, due,"),
            ("cap_hours", "defaults.policy.cap_hours: it is true; a number is wanted"),
            ("[defaults.blueprint]", "defaults.blueprint.login: it is missing"),
        ] {
            let wanted = format!("course.toml:{}: {what}", line(&wrong, start));
            assert!(told.iter().any(|told| told.starts_with(&wanted)), "{wanted}: {told:#?}");
        }
        assert!(told[3].ends_with(": lab.second.title: it is missing"), "{told:#?}");
        assert_eq!(told.len(), 4, "{told:#?}");
    }

    #[test]
    fn the_term_bounds_the_labs() {
        let told = errors(
            &EXAMPLE.replace("from = 2025-01-21", "from = 2025-02-01").replace("2025-05-16", "2025-02-12"),
        );
        assert!(
            told[0].ends_with("lab.k8s.open: it is before the first day of the term, 2025-02-01"),
            "{told:?}"
        );
        assert!(
            told[1].ends_with("lab.k8s.due: it is after the last day of the term, 2025-02-12"),
            "{told:?}"
        );
        let told = errors(&EXAMPLE.replace("from = 2025-01-21", "from = 2025-06-21"));
        assert!(told[0].ends_with("course.term: 2025-06-21 is not before 2025-05-16"), "{told:?}");
        let lab = course(&EXAMPLE.replace("due = ", "# due = ")).labs.remove(0);
        assert_eq!(lab.term_end.unwrap().to_rfc3339(), "2025-05-17T04:00:00+00:00");
    }

    #[test]
    fn addresses_are_of_the_web_and_work_takes_time() {
        let text = EXAMPLE
            .replace("manual = \"https:", "manual = \"ftp:")
            .replace("expected_hours = 5", "expected_hours = 0")
            .replace("url = \"https:", "url = \"javascript:")
            .replace("leases = true", "leases = true\ndashboard = \"kvm.example.org\"");
        let told = errors(&text);
        let keys =
            ["site.kvm-tacc.dashboard", "lab.k8s.manual", "lab.k8s.reading.1.url", "lab.k8s.expected_hours"];
        for (told, key) in told.iter().zip(keys) {
            assert!(told.contains(&format!(": {key}: ")), "{told}");
        }
        assert_eq!(told.len(), 4, "{told:?}");
    }

    #[test]
    fn the_schema_knows_the_defaults_and_asks_labs_for_little() {
        let schema = serde_json::to_value(CourseFile::schema()).unwrap();
        let table = |name: &str| schema["$defs"][name].clone();
        assert_eq!(schema["properties"]["defaults"]["$ref"], "#/$defs/DefaultsTable");
        assert_eq!(table("LabTable")["required"], serde_json::json!(["id", "title"]));
        assert_eq!(table("DefaultsTable")["required"], serde_json::Value::Null);
        assert_eq!(table("DefaultsTable")["properties"]["id"], serde_json::Value::Null);
        let parity = &table("PolicyTable")["properties"]["parity"]["anyOf"];
        assert_eq!(*parity, serde_json::json!([{"$ref": "#/$defs/ParityTable"}, {"const": false}]));
        assert_eq!(table("PoolTable")["required"], serde_json::json!(["id", "site"]));
        assert!(!schema.to_string().contains("null"), "{schema}");
    }
}
