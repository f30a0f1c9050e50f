//! The tables of a course file that say what an assignment is.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::value::Datetime;

use super::blueprint::BlueprintTable;
use super::policy::PolicyTable;
use super::schema::LocalTime;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LabTable {
    /// Its id.
    pub(super) id: String,
    /// What people call it.
    pub(super) title: String,
    /// The id of its pool.
    pub(super) pool: String,
    /// A sentence or two for students.
    #[serde(default)]
    pub(super) summary: String,
    /// The name of the series that it is a part of: of one series a student works on one part at a time.
    pub(super) series: Option<String>,
    /// The web address of its instructions.
    pub(super) manual: Option<String>,
    /// What else to read.
    #[serde(default)]
    pub(super) reading: Vec<ReadingTable>,
    /// Services outside of the sites that it needs, such as `JupyterHub`: while one is away, the lab is closed.
    #[serde(default)]
    pub(super) needs: Vec<String>,
    /// How many hours the work is expected to take.
    pub(super) expected_hours: Option<f64>,
    /// Units of the pool that one booking holds.
    #[serde(default = "one")]
    pub(super) units: i32,
    /// The first local time at which a slot may start.
    #[schemars(with = "LocalTime")]
    pub(super) open: Datetime,
    /// The due date; left out while it is to be announced.
    #[schemars(with = "Option<LocalTime>")]
    pub(super) due: Option<Datetime>,
    /// Its rules.
    pub(super) policy: PolicyTable,
    /// What a booking gets.
    pub(super) blueprint: BlueprintTable,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadingTable {
    /// What it is called.
    pub(super) title: String,
    /// Its web address.
    pub(super) url: String,
}

pub(super) fn one() -> i32 {
    1
}
