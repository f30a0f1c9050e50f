//! Labs and their blueprints.

use chrono::{DateTime, Utc};

use super::pools::most_units;
use super::{Around, Check, all_right, whole_minutes};
use crate::config::course_file::CourseFile;
use crate::config::course_file::lab::{LabTable, ReadingTable};
use crate::config::course_file::places::PoolTable;
use crate::domain::blueprint::Blueprint;
use crate::domain::course::{Lab, Reading};
use crate::domain::su::Su;

impl Check<'_> {
    pub(super) fn lab(&mut self, around: &Around<'_>, table: &LabTable) -> Option<Lab> {
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
        let needs = self.needs(&key("needs"), &table.needs);
        let expected = table.expected_hours.map(|hours| self.expected(&key("expected_hours"), hours));
        let policy = self.policy(&key("policy"), pool, &table.policy);
        let other_parts =
            around.file.lab.iter().filter(|it| it.series.is_some() && it.series == table.series);
        let other_parts =
            other_parts.filter(|it| it.id != table.id).filter_map(|it| it.id.parse().ok()).collect();
        let blueprint = self.blueprint(&key("blueprint"), &table.blueprint);
        let priced =
            blueprint.as_ref().map(|blueprint| self.su_per_hour(around.file, pool, table, blueprint));
        let blueprint = blueprint.filter(|blueprint| self.can_be_held(around, pool, &table.id, blueprint));
        Some(Lab {
            id: self.parse(&key("id"), &table.id)?,
            pool: self.parse(&key("pool"), &table.pool)?,
            title: table.title.clone(),
            summary: table.summary.trim().to_owned(),
            manual: table.manual.clone(),
            reading,
            needs: needs?,
            expected_minutes: all_right(expected)?,
            units: table.units,
            open: open?,
            due: all_right(due)?,
            deferred: None,
            outages: Vec::new(),
            term: around.term.as_ref().map(|term| term.name.clone()),
            term_end: around.term.as_ref().map(|term| term.end(around.zone)),
            other_parts,
            su_per_hour: priced??,
            course_budget_su: all_right(course_budget_su)?,
            policy: policy?,
            blueprint: blueprint?,
        })
    }

    /// What a booking of the lab costs an hour. Where service units are bounded or count as usage, each machine must have its price.
    fn su_per_hour(
        &mut self,
        file: &CourseFile,
        pool: Option<&PoolTable>,
        table: &LabTable,
        blueprint: &Blueprint,
    ) -> Option<Su> {
        let site = pool.and_then(|pool| file.site.iter().find(|site| site.id == pool.site))?;
        let bounded = file.course.budget_su.is_some() || table.policy.budget_su.is_some();
        let why = if bounded {
            Some(format!("lab {} has a budget of service units", table.id))
        } else {
            file.counts_su().then(|| format!("fair_share counts service units, and lab {} uses it", table.id))
        };
        let mut total = Su::ZERO;
        for (machine, count) in blueprint.machines() {
            match site.su_per_hour.get(machine.name()).map(|price| Su::from_number(*price)) {
                Some(price) => total = total + price?.times(count),
                None => {
                    if let Some(why) = &why {
                        let what = format!("there is no price of \"{}\", and {why}", machine.name());
                        self.error(&format!("site.{}.su_per_hour", site.id), what);
                    }
                }
            }
        }
        Some(total)
    }

    /// The names of services: short, and each once.
    fn needs(&mut self, key: &str, names: &[String]) -> Option<Vec<String>> {
        let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
        for (n, name) in names.iter().enumerate() {
            if !(1..=60).contains(&name.chars().count()) || name.chars().any(char::is_control) {
                self.error(
                    key,
                    format!("\"{name}\" is no name of a service: 1 to 60 characters in one line are wanted"),
                );
                return None;
            }
            if names.iter().take(n).any(|other| other == name) {
                self.error(key, format!("\"{name}\" is there twice"));
                return None;
            }
        }
        Some(names)
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
}
