//! Assignments.

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{Closure, Policy, Pool};
use crate::domain::blueprint::Blueprint;
use crate::domain::calendar;
use crate::domain::ids::{LabId, PoolId};
use crate::domain::su::Su;

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// Its id.
    pub id: LabId,
    /// The pool that it draws on.
    pub pool: PoolId,
    /// What people call it.
    pub title: String,
    /// A sentence or two for students.
    pub summary: String,
    /// Where its instructions are: an address with `http` or `https`.
    pub manual: Option<String>,
    /// What else to read.
    #[serde(default)]
    pub reading: Vec<Reading>,
    /// Services outside of the sites that it needs, such as `JupyterHub`, as the course file names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// How long the work is expected to take, in minutes (from 1), if staff have said so.
    #[serde(default)]
    pub expected_minutes: Option<i32>,
    /// Units of the pool that one booking holds.
    pub units: i32,
    /// The first instant at which it may be used.
    pub open: DateTime<Utc>,
    /// When it is due; nothing while that is to be announced.
    pub due: Option<DateTime<Utc>>,
    /// How staff put its due date off, if they did: it is stored apart from the course file's lab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred: Option<Deferred>,
    /// Outages for which it is closed, stored apart, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Closure>,
    /// The other labs of its series: parts of one work, of which a person may have one at a time.
    #[serde(default)]
    pub other_parts: Vec<LabId>,
    /// What its site charges an hour for one booking of it.
    #[serde(default)]
    pub su_per_hour: Su,
    /// Service units that one student may use of the whole course, if that is bounded.
    #[serde(default)]
    pub course_budget_su: Option<Su>,
    /// The name of the course's term, if it has one.
    #[serde(default)]
    pub term: Option<String>,
    /// The first instant after the last day of the course's term, in UTC.
    #[serde(default)]
    pub term_end: Option<DateTime<Utc>>,
    /// Its rules.
    pub policy: Policy,
    /// What a booking gets.
    pub blueprint: Blueprint,
}

/// What of a deferral its lab tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// When it was due at first.
    pub from: Option<DateTime<Utc>>,
    /// When staff put it off.
    pub at: DateTime<Utc>,
    /// Why, in a few words.
    pub reason: String,
}

/// Something to read for a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What it is called.
    pub title: String,
    /// Where it is: an address with `http` or `https`.
    pub url: String,
}

impl Lab {
    /// The last instant at which a slot may end: the due date, rounded up to the pool's grid, so that a lab which is
    /// due at 23:59 can be used until midnight.
    pub fn last_end(&self, pool: &Pool) -> Option<DateTime<Utc>> {
        self.due.map(|due| pool.ceil(due))
    }

    /// The last instant at which the lab is open, in UTC: [`Self::last_end`], or the end of the term while the due date is
    /// to be announced.
    pub fn closes(&self, pool: &Pool) -> Option<DateTime<Utc>> {
        self.last_end(pool).or(self.term_end)
    }

    /// The first day of the seven-day period to which `date` belongs: counted from the parity anchor where there is
    /// one, else a calendar week from Monday.
    pub fn week_of(&self, date: NaiveDate) -> NaiveDate {
        match self.policy.parity.as_ref().and_then(|rule| rule.swap_weekly_from) {
            Some(anchor) => date - Days::new((date - anchor).num_days().rem_euclid(7).unsigned_abs()),
            None => calendar::monday(date),
        }
    }
}
