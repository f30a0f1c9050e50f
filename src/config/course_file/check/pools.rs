//! Sites and pools.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono_tz::Tz;

use super::{Around, Check};
use crate::config::course_file::CourseFile;
use crate::config::course_file::places::{ChangeTable, ClosureTable, PoolTable, RenewTable, SiteTable};
use crate::domain::course::{CapacityChange, Closure, CloudName, Pool, Site};
use crate::domain::interval::Interval;
use crate::domain::renewal::Renewal;

impl Check<'_> {
    pub(super) fn site(&mut self, table: &SiteTable) -> Option<Site> {
        let cloud = match table.cloud.as_str() {
            "simulated" => CloudName::Simulated,
            entry => CloudName::OpenStack(entry.to_owned()),
        };
        if let Some(dashboard) = &table.dashboard {
            self.web_address(&format!("site.{}.dashboard", table.id), dashboard);
        }
        if let Some(feed) = &table.outage_feed {
            self.web_address(&format!("site.{}.outage_feed", table.id), feed);
        }
        let key = format!("site.{}.su_per_hour", table.id);
        let prices: Vec<_> = table
            .su_per_hour
            .iter()
            .map(|(flavor, price)| Some((flavor.clone(), self.su(&key, *price)?)))
            .collect();
        if let Some(capacity) = table.capacity {
            self.range(&format!("site.{}.capacity", table.id), capacity, CAPACITIES);
        }
        if table.extends.is_some() && !table.leases {
            let what = "the site has no leases, so nobody has to agree to another end: leave it out";
            self.error(&format!("site.{}.extends", table.id), what.to_owned());
        }
        self.range(&format!("site.{}.bare_metal_at_once", table.id), table.bare_metal_at_once, 1..=100);
        let id = self.parse(&format!("site.{}.id", table.id), &table.id)?;
        Some(Site {
            id,
            title: table.title.clone().unwrap_or_else(|| table.id.clone()),
            cloud,
            leases: table.leases,
            dashboard: table.dashboard.clone(),
            outage_feed: table.outage_feed.clone(),
            capacity: table.capacity,
            extends: table.extends,
            bare_metal_at_once: table.bare_metal_at_once,
            su_per_hour: prices.into_iter().collect::<Option<_>>()?,
        })
    }

    pub(super) fn pool(&mut self, around: &Around<'_>, table: &PoolTable) -> Option<Pool> {
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
        let renewal = self.renewal(&key("renew"), table);
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
            standing_lease: table.standing_lease.clone(),
            renewal,
            node_property: table.node_property.clone(),
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

    fn renewal(&mut self, key: &str, table: &PoolTable) -> Option<Renewal> {
        let &RenewTable { hours_before, for_days } = table.renew.as_ref()?;
        self.range(&format!("{key}.hours_before"), hours_before, 2..=168);
        self.range(&format!("{key}.for_days"), for_days, 1..=180);
        if i64::from(hours_before) >= i64::from(for_days) * 24 {
            self.error(
                &format!("{key}.for_days"),
                format!("{for_days} d are not longer than the {hours_before} h of hours_before"),
            );
        }
        if table.standing_lease.is_none() {
            self.error(key, "there is no standing_lease to renew");
        }
        Some(Renewal { hours_before, for_days })
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
}

/// Units that a pool may have.
const CAPACITIES: RangeInclusive<i32> = 0..=100_000;
/// How many named nodes a pool may have: each is looked at for each start that is shown.
const MOST_NODES: usize = 1000;
/// How many times a pool's capacity may change: applying the file takes a few statements for each.
const MOST_CHANGES: usize = 100;

/// The most units of the pool that can be held at any instant, at least 1.
pub(super) fn most_units(file: &CourseFile, pool: &PoolTable) -> i32 {
    let nodes = i32::try_from(pool.nodes.len()).unwrap_or(i32::MAX);
    let changed = pool.change.iter().map(|change| change.capacity);
    let of_pool = changed.chain(pool.capacity).chain([nodes]).max();
    let of_site = file.site.iter().find(|site| site.id == pool.site).and_then(|site| site.capacity);
    of_pool.into_iter().chain(of_site).min().unwrap_or(1).max(1)
}
