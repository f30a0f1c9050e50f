//! Courses for stories, made from the example so that the example is what is tested.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Timelike as _, Utc};
use chrono_tz::Tz;
use fairlease::clock::{Clock as _, SystemClock};
use toml::{Table, Value};

const EXAMPLE: &str = include_str!("../../docs/examples/course.toml");

/// One of these has late morning or noon at any instant, so no story runs into midnight.
const ZONES: [&str; 15] = [
    "America/New_York",
    "America/Phoenix",
    "Pacific/Honolulu",
    "Pacific/Tongatapu",
    "Australia/Brisbane",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Asia/Bangkok",
    "Asia/Dhaka",
    "Asia/Karachi",
    "Africa/Nairobi",
    "Africa/Lagos",
    "Africa/Abidjan",
    "America/Sao_Paulo",
    "America/Bogota",
];

/// The example's course, moved so that an even net ID may start within the hour, whenever the test runs: it is late morning
/// or noon, the parity week began today, and resources are made an hour before the start, which is at once.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    file: Table,
    zone: Tz,
    today: NaiveDate,
}

impl Course {
    pub(crate) fn example() -> Self {
        let now = SystemClock.now();
        let zone = zone_at_noon(now);
        let mut course = Self {
            file: toml::from_str(EXAMPLE).unwrap(),
            zone,
            today: now.with_timezone(&zone).date_naive(),
        };
        course.table("course").insert("zone".to_owned(), zone.name().into());
        course.table("course").remove("term");
        course.pool("lead_minutes", 60);
        course.set_dates();
        course
    }

    /// The course on a cloud of that name: `simulated`, or an entry of `clouds.yaml`.
    #[must_use]
    pub(crate) fn on_cloud(mut self, name: &str) -> Self {
        self.table("site").insert("cloud".to_owned(), name.into());
        self
    }

    /// The course on a site with pages of its own there.
    #[must_use]
    pub(crate) fn with_dashboard(mut self, address: &str) -> Self {
        self.table("site").insert("dashboard".to_owned(), address.into());
        self
    }

    /// The course with a public address for every server.
    #[must_use]
    pub(crate) fn with_public_servers(mut self) -> Self {
        let servers = self.table("lab")["blueprint"]["server"].as_array_mut().unwrap();
        for server in servers {
            server.as_table_mut().unwrap().insert("floating_ip".to_owned(), true.into());
        }
        self
    }

    /// The course with this blueprint for its lab.
    #[must_use]
    pub(crate) fn with_blueprint(mut self, blueprint: &str) -> Self {
        self.table("lab").insert("blueprint".to_owned(), Value::Table(toml::from_str(blueprint).unwrap()));
        self
    }

    /// The course with room for so many bookings at one instant.
    #[must_use]
    pub(crate) fn with_capacity(mut self, capacity: i64) -> Self {
        self.pool("capacity", capacity);
        self
    }

    /// The course with nodes that have names.
    #[must_use]
    pub(crate) fn with_nodes(mut self, names: &[&str]) -> Self {
        let pool = self.table("pool");
        pool.remove("capacity");
        pool.insert("nodes".to_owned(), Value::Array(names.iter().map(|name| (*name).into()).collect()));
        self
    }

    /// The course with a rule of its lab set to this value.
    #[must_use]
    pub(crate) fn with_rule(mut self, key: &str, value: i64) -> Self {
        self.table("lab")["policy"].as_table_mut().unwrap().insert(key.to_owned(), value.into());
        self
    }

    /// The file as it is written.
    pub(crate) fn text(&self) -> String {
        self.file.to_string()
    }

    /// `10:00` so many days from today, as links write it.
    pub(crate) fn at(&self, days: u64, time: &str) -> String {
        let local = (self.today + Days::new(days)).and_time(time.parse().unwrap());
        let offset = local.and_local_timezone(self.zone).unwrap();
        offset.format("%Y-%m-%dT%H:%M%:z").to_string()
    }

    fn table(&mut self, name: &str) -> &mut Table {
        let part = self.file.get_mut(name).unwrap();
        match part {
            Value::Array(tables) => tables[0].as_table_mut(),
            table => table.as_table_mut(),
        }
        .unwrap()
    }

    fn pool(&mut self, key: &str, value: i64) {
        self.table("pool").insert(key.to_owned(), value.into());
    }

    fn set_dates(&mut self) {
        let today = self.today;
        let (even, odd): (Vec<u64>, Vec<u64>) = (0..7).partition(|day| matches!(day, 0 | 2 | 4));
        let names = |days: Vec<u64>| {
            let name = |day| (today + Days::new(day)).weekday().to_string();
            Value::Array(days.into_iter().map(|day| name(day).into()).collect())
        };
        let (even, odd) = (names(even), names(odd));
        let date = |date: NaiveDate, time: &str| Value::Datetime(format!("{date}{time}").parse().unwrap());
        let lab = self.table("lab");
        lab.insert("open".to_owned(), date(today - Days::new(7), "T00:00:00"));
        lab.insert("due".to_owned(), date(today + Days::new(10), "T23:59:00"));
        let parity = lab["policy"]["parity"].as_table_mut().unwrap();
        parity.insert("even".to_owned(), even);
        parity.insert("odd".to_owned(), odd);
        parity.insert("swap_weekly_from".to_owned(), date(today, ""));
    }
}

fn zone_at_noon(now: DateTime<Utc>) -> Tz {
    let zones = ZONES.iter().map(|name| name.parse::<Tz>().unwrap());
    let mut at_noon = zones.filter(|zone| (9..14).contains(&now.with_timezone(zone).hour()));
    at_noon.next().expect("there is a zone for each hour")
}

#[test]
fn at_any_hour_there_is_a_zone_at_noon() {
    let now = SystemClock.now();
    for hour in 0..24 {
        zone_at_noon(now.with_hour(hour).unwrap());
    }
}
