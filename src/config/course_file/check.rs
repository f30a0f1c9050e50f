//! A course file's tables become the domain's types, and every error of them is told.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use toml::value::Datetime;
use url::Url;

use super::report::Report;
use super::{
    BlueprintTable, ChangeTable, ClosureTable, CourseErrors, CourseFile, LabTable, ParityTable, PolicyTable,
    PoolTable, ReadingTable, ServerTable, SiteTable, TermTable, WindowTable, naive_date,
};
use crate::domain::blueprint::{Blueprint, Kind, NetworkPlan, ServerPlan, sole_key};
use crate::domain::calendar::{self, DailyWindow};
use crate::domain::course::{
    CapacityChange, Closure, CloudName, Course, FarRule, GapRule, Lab, ParityRule, Policy, Pool, Reading,
    Site, StackingRule, Term,
};
use crate::domain::interval::Interval;
use crate::domain::su::Su;

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
            _ => Err(self.report.finish()),
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

    fn site(&mut self, table: &SiteTable) -> Option<Site> {
        let cloud = match table.cloud.as_str() {
            "simulated" => CloudName::Simulated,
            entry => CloudName::OpenStack(entry.to_owned()),
        };
        let key = format!("site.{}.su_per_hour", table.id);
        let prices: Vec<_> = table
            .su_per_hour
            .iter()
            .map(|(flavor, price)| Some((flavor.clone(), self.su(&key, *price)?)))
            .collect();
        if let Some(capacity) = table.capacity {
            self.range(&format!("site.{}.capacity", table.id), capacity, CAPACITIES);
        }
        let id = self.parse(&format!("site.{}.id", table.id), &table.id)?;
        Some(Site {
            id,
            title: table.title.clone().unwrap_or_else(|| table.id.clone()),
            cloud,
            leases: table.leases,
            capacity: table.capacity,
            su_per_hour: prices.into_iter().collect::<Option<_>>()?,
        })
    }

    fn pool(&mut self, around: &Around<'_>, table: &PoolTable) -> Option<Pool> {
        let key = |field: &str| format!("pool.{}.{field}", table.id);
        let site = around.file.site.iter().find(|site| site.id == table.site);
        match site {
            None => self.error(&key("site"), format!("there is no site \"{}\"", table.site)),
            Some(site) => self.one_grid(around.file, site, table),
        }
        let capacity = self.capacity(&key("capacity"), table);
        self.nodes(&key("nodes"), table);
        let changes = self.changes(&key("change"), around.zone, table);
        self.range(&key("lead_minutes"), table.lead_minutes, 0..=240);
        self.range(
            &key("end_margin_minutes"),
            table.end_margin_minutes,
            0..=table.grid_minutes.clamp(1, 60) - 1,
        );
        self.range(&key("cleaning_minutes"), table.cleaning_minutes, 0..=240);
        if !(5..=60).contains(&table.grid_minutes) || 60 % table.grid_minutes.max(1) != 0 {
            self.error(
                &key("grid_minutes"),
                format!("{} is not 5, 6, 10, 12, 15, 20, 30 or 60", table.grid_minutes),
            );
        }
        let closures: Vec<_> = (1..)
            .zip(&table.closure)
            .map(|(number, closure)| self.closure(&key(&format!("closure.{number}")), around.zone, closure))
            .collect();
        Some(Pool {
            id: self.parse(&key("id"), &table.id)?,
            site: self.parse(&key("site"), &table.site)?,
            site_capacity: site.and_then(|site| site.capacity),
            capacity: capacity?,
            changes: changes?,
            nodes: table.nodes.clone(),
            grid_minutes: table.grid_minutes,
            lead_minutes: table.lead_minutes,
            end_margin_minutes: table.end_margin_minutes,
            cleaning_minutes: table.cleaning_minutes,
            closures: closures.into_iter().collect::<Option<_>>()?,
        })
    }

    /// A site that bounds its pools counts what they hold together, cell by cell.
    fn one_grid(&mut self, file: &CourseFile, site: &SiteTable, table: &PoolTable) {
        let first = file.pool.iter().find(|pool| pool.site == site.id);
        if let Some(first) = first.filter(|first| first.grid_minutes != table.grid_minutes)
            && site.capacity.is_some()
        {
            self.error(
                &format!("pool.{}.grid_minutes", table.id),
                format!(
                    "it is {}, and {} in pool {}: site {} has a capacity, so its pools have one grid",
                    table.grid_minutes, first.grid_minutes, first.id, site.id
                ),
            );
        }
    }

    fn capacity(&mut self, key: &str, table: &PoolTable) -> Option<i32> {
        match (table.capacity, table.nodes.is_empty()) {
            (Some(capacity), true) => {
                self.range(key, capacity, CAPACITIES);
                Some(capacity)
            }
            (None, false) => i32::try_from(table.nodes.len()).ok(),
            (Some(_), false) | (None, true) => {
                self.error(key, "a pool has either a capacity or the names of its nodes");
                None
            }
        }
    }

    fn nodes(&mut self, key: &str, table: &PoolTable) {
        if table.nodes.len() > MOST_NODES {
            self.error(key, format!("there are more than {MOST_NODES}"));
        }
        let mut seen = BTreeSet::new();
        for node in &table.nodes {
            let odd = |c: char| c.is_whitespace() || c.is_control();
            if node.is_empty() || node.chars().count() > 64 || node.contains(odd) {
                self.error(key, format!("\"{node}\" is not 1 to 64 characters without spaces"));
            }
            if !seen.insert(node) {
                self.error(key, format!("\"{node}\" is there twice"));
            }
        }
    }

    fn changes(&mut self, key: &str, zone: Tz, table: &PoolTable) -> Option<Vec<CapacityChange>> {
        if !table.nodes.is_empty() && !table.change.is_empty() {
            self.error(key, "a pool with named nodes has as many units as nodes: change the list of them");
        }
        if table.change.len() > MOST_CHANGES {
            self.error(key, format!("there are more than {MOST_CHANGES}"));
        }
        let changes: Vec<_> = (1..)
            .zip(&table.change)
            .map(|(number, change)| self.change(&format!("{key}.{number}"), zone, change))
            .collect();
        let changes: Vec<CapacityChange> = changes.into_iter().collect::<Option<_>>()?;
        for (number, (before, after)) in (2..).zip(changes.iter().zip(changes.iter().skip(1))) {
            if after.at <= before.at {
                self.error(&format!("{key}.{number}.at"), "it is not after the one before it");
            }
        }
        Some(changes)
    }

    fn change(&mut self, key: &str, zone: Tz, table: &ChangeTable) -> Option<CapacityChange> {
        self.range(&format!("{key}.capacity"), table.capacity, CAPACITIES);
        Some(CapacityChange {
            at: self.instant(&format!("{key}.at"), zone, table.at)?,
            capacity: table.capacity,
        })
    }

    fn closure(&mut self, key: &str, zone: Tz, table: &ClosureTable) -> Option<Closure> {
        let from = self.instant(&format!("{key}.from"), zone, table.from);
        let to = self.instant(&format!("{key}.to"), zone, table.to);
        let span = Interval::new(from?, to?);
        if span.is_none() {
            self.error(key, format!("{} is not before {}", table.from, table.to));
        }
        Some(Closure { span: span?, reason: table.reason.trim_end_matches('.').to_owned() })
    }

    fn lab(&mut self, around: &Around<'_>, table: &LabTable) -> Option<Lab> {
        let key = |field: &str| format!("lab.{}.{field}", table.id);
        let pool = around.file.pool.iter().find(|pool| pool.id == table.pool);
        match pool {
            None => self.error(&key("pool"), format!("there is no pool \"{}\"", table.pool)),
            Some(pool) => self.range(&key("units"), table.units, 1..=most_units(around.file, pool)),
        }
        let open = self.instant(&key("open"), around.zone, table.open);
        let due = table.due.map(|due| self.instant(&key("due"), around.zone, due));
        self.within_term(around, &table.id, open, due.flatten());
        if let Some(manual) = &table.manual {
            self.web_address(&key("manual"), manual);
        }
        let course_budget_su = around.file.course.budget_su.map(|su| self.su("course.budget_su", su));
        let reading = self.reading(&key("reading"), &table.reading);
        let expected = table.expected_hours.map(|hours| self.expected(&key("expected_hours"), hours));
        let policy = self.policy(&key("policy"), pool, &table.policy);
        let su_per_hour = self.su_per_hour(around.file, pool, table);
        let other_parts =
            around.file.lab.iter().filter(|it| it.series.is_some() && it.series == table.series);
        let other_parts =
            other_parts.filter(|it| it.id != table.id).filter_map(|it| it.id.parse().ok()).collect();
        let blueprint = self.blueprint(&key("blueprint"), &table.blueprint);
        Some(Lab {
            id: self.parse(&key("id"), &table.id)?,
            pool: self.parse(&key("pool"), &table.pool)?,
            title: table.title.clone(),
            summary: table.summary.trim().to_owned(),
            manual: table.manual.clone(),
            reading,
            expected_minutes: all_right(expected)?,
            units: table.units,
            open: open?,
            due: all_right(due)?,
            term: around.term.as_ref().map(|term| term.name.clone()),
            term_end: around.term.as_ref().map(|term| term.end(around.zone)),
            other_parts,
            su_per_hour: su_per_hour?,
            course_budget_su: all_right(course_budget_su)?,
            policy: policy?,
            blueprint: blueprint?,
        })
    }

    fn su(&mut self, key: &str, number: f64) -> Option<Su> {
        let su = Su::from_number(number);
        if su.is_none() {
            self.error(key, format!("{number} is not a number of service units from 0 to 1000000000"));
        }
        su
    }

    /// What a booking of the lab costs an hour. Where something bounds service units, each flavor must have its price.
    fn su_per_hour(&mut self, file: &CourseFile, pool: Option<&PoolTable>, table: &LabTable) -> Option<Su> {
        let site = pool.and_then(|pool| file.site.iter().find(|site| site.id == pool.site))?;
        let bounded = file.course.budget_su.is_some() || table.policy.budget_su.is_some();
        let mut total = Su::ZERO;
        for server in &table.blueprint.server {
            match site.su_per_hour.get(&server.flavor).map(|price| Su::from_number(*price)) {
                Some(price) => total = total + price?,
                None if bounded => self.error(
                    &format!("site.{}.su_per_hour", site.id),
                    format!(
                        "there is no price of \"{}\", and lab {} has a budget of service units",
                        server.flavor, table.id
                    ),
                ),
                None => {}
            }
        }
        Some(total)
    }

    fn within_term(
        &mut self,
        around: &Around<'_>,
        lab: &str,
        open: Option<DateTime<Utc>>,
        due: Option<DateTime<Utc>>,
    ) {
        let key = |field: &str| format!("lab.{lab}.{field}");
        if open.zip(due).is_some_and(|(open, due)| due <= open) {
            self.error(&key("due"), format!("it is not after lab.{lab}.open"));
        }
        let Some(term) = &around.term else { return };
        if open.is_some_and(|open| open < term.start(around.zone)) {
            self.error(&key("open"), format!("it is before the first day of the term, {}", term.from));
        }
        if open.is_some_and(|open| open >= term.end(around.zone)) {
            self.error(&key("open"), format!("it is after the last day of the term, {}", term.to));
        }
        if due.is_some_and(|due| due > term.end(around.zone)) {
            self.error(&key("due"), format!("it is after the last day of the term, {}", term.to));
        }
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

    fn reading(&mut self, key: &str, entries: &[ReadingTable]) -> Vec<Reading> {
        for (number, entry) in (1..).zip(entries) {
            self.web_address(&format!("{key}.{number}.url"), &entry.url);
        }
        let reading = |entry: &ReadingTable| Reading { title: entry.title.clone(), url: entry.url.clone() };
        entries.iter().map(reading).collect()
    }

    fn expected(&mut self, key: &str, hours: f64) -> Option<i32> {
        let minutes = whole_minutes((hours * 60.0).round()).filter(|minutes| (1..=60_000).contains(minutes));
        if minutes.is_none() {
            self.error(key, format!("{hours} is not more than 0 and at most 1000"));
        }
        minutes
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
            let minutes = whole_minutes((hours * 60.0).round()).filter(|minutes| *minutes > 0);
            if minutes.is_none() {
                self.error(&format!("{key}.budget_hours"), format!("{hours} is not more than 0"));
            }
            minutes
        });
        if let Some(days) = table.horizon_days {
            self.range(&format!("{key}.horizon_days"), days, 1..=366);
        }
        self.range(&format!("{key}.bookings_ahead"), table.bookings_ahead, 1..=100);
        if let Some(bookings) = table.budget_bookings {
            self.range(&format!("{key}.budget_bookings"), bookings, 1..=1000);
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
        if taken
            || table.name.starts_with("lease-")
            || table.name.starts_with("ip-")
            || table.name.starts_with("stray-")
        {
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

/// Units that a pool may have.
const CAPACITIES: std::ops::RangeInclusive<i32> = 0..=100_000;
/// How many named nodes a pool may have: each is looked at for each start that is shown.
const MOST_NODES: usize = 1000;
/// How many times a pool's capacity may change: applying the file takes a few statements for each.
const MOST_CHANGES: usize = 100;

/// The most units of the pool that can be held at any instant, at least 1.
fn most_units(file: &CourseFile, pool: &PoolTable) -> i32 {
    let nodes = i32::try_from(pool.nodes.len()).unwrap_or(i32::MAX);
    let changed = pool.change.iter().map(|change| change.capacity);
    let of_pool = changed.chain(pool.capacity).chain([nodes]).max();
    let of_site = file.site.iter().find(|site| site.id == pool.site).and_then(|site| site.capacity);
    of_pool.into_iter().chain(of_site).min().unwrap_or(1).max(1)
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
