//! What staff write in `course.toml`: a course with its sites, pools, labs and their policies.

mod lab;
mod policy;
mod pool;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub use self::lab::{Deferred, Lab, Reading};
pub use self::policy::{FarRule, GapRule, Judged, ParityRule, Policy, StackingRule, Strictness, bounds};
pub use self::pool::{CapacityChange, Closure, Period, Pool};

use super::calendar;
use super::fair_share::{FairSharePolicy, WaitlistPolicy};
use super::ids::{CourseId, SiteId};
use super::reaper::ReaperPolicy;
use super::su::Su;

/// A course. Its rules are evaluated in its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// Its id.
    pub id: CourseId,
    /// What people call it.
    pub title: String,
    /// The zone in which its days begin and end.
    pub zone: Tz,
    /// The address that students write to.
    pub contact: String,
    /// The term in which it runs, if the file has it.
    pub term: Option<Term>,
    /// Cloud regions.
    pub sites: Vec<Site>,
    /// Capacity that labs draw on.
    pub pools: Vec<Pool>,
    /// Assignments, in the order in which pages show them.
    pub labs: Vec<Lab>,
    /// How the reaper deals with what is not a booking's.
    pub reaper: ReaperPolicy,
    /// How usage counts.
    pub fair_share: FairSharePolicy,
    /// Who of those who wait comes first.
    pub waitlist: WaitlistPolicy,
}

/// The days of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What people call it, such as `Spring 2025`.
    pub name: String,
    /// Its first day in the course's zone.
    pub from: NaiveDate,
    /// Its last day in the course's zone.
    pub to: NaiveDate,
}

impl Term {
    /// Its first instant.
    pub fn start(&self, zone: Tz) -> DateTime<Utc> {
        calendar::midnight(zone, self.from)
    }

    /// The first instant after its last day.
    pub fn end(&self, zone: Tz) -> DateTime<Utc> {
        calendar::midnight(zone, self.to + Days::new(1))
    }
}

/// One region of a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// What people call it, such as `KVM@TACC`.
    pub title: String,
    /// Which adapter reaches it, and how.
    pub cloud: CloudName,
    /// Whether it has Blazar: then a booking is backed by a lease from the moment it is made.
    pub leases: bool,
    /// Where its own pages are for those who have servers there.
    #[serde(default)]
    pub dashboard: Option<String>,
    /// Where its feed of outages is, as RSS or Atom: `http` or `https`.
    #[serde(default)]
    pub outage_feed: Option<String>,
    /// Units that all its pools together can hold at one instant, if that is bounded.
    #[serde(default)]
    pub capacity: Option<i32>,
    /// Whether it changes the end of a lease that is in force, if the course file says so.
    #[serde(default)]
    pub extends: Option<bool>,
    /// Servers on bare metal that may be in the making there at once.
    #[serde(default = "two")]
    pub bare_metal_at_once: i32,
    /// What the site charges an hour for one server of each flavor, or a node of each type.
    #[serde(default)]
    pub su_per_hour: BTreeMap<String, Su>,
}

fn two() -> i32 {
    2
}

/// How a site is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloudName {
    /// The embedded cloud, which keeps its state in the data directory.
    Simulated,
    /// The OpenStack cloud that `clouds.yaml` has under this name.
    OpenStack(String),
}

/// As `course.toml` has it.
impl fmt::Display for CloudName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simulated => "simulated",
            Self::OpenStack(entry) => entry,
        })
    }
}
