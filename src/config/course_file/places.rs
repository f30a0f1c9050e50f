//! The tables of a course file that say where there is room: sites and pools.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::value::Datetime;

use super::schema::LocalTime;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteTable {
    /// Its id.
    pub(super) id: String,
    /// What people call it, such as KVM@TACC.
    pub(super) title: Option<String>,
    /// "simulated", or the name of an entry in clouds.yaml.
    pub(super) cloud: String,
    /// Whether the site has Blazar: then each booking is backed by a lease.
    #[serde(default)]
    pub(super) leases: bool,
    /// The web address of its own pages for those who have servers there.
    pub(super) dashboard: Option<String>,
    /// The web address of its feed of outages, as RSS or Atom: what is new there staff hear by mail.
    pub(super) outage_feed: Option<String>,
    /// Units that all its pools together can hold at one instant.
    pub(super) capacity: Option<i32>,
    /// Whether the site changes the end of a lease that is in force. Left out, that is found out when it is asked for first.
    pub(super) extends: Option<bool>,
    /// Servers on bare metal that may be in the making there at once, 1 to 100: many at once overload a site's switches.
    #[serde(default = "two")]
    pub(super) bare_metal_at_once: i32,
    /// What the site charges an hour for one server of each flavor or node type, in service units.
    #[serde(default)]
    pub(super) su_per_hour: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PoolTable {
    /// Its id.
    pub(super) id: String,
    /// The id of its site.
    pub(super) site: String,
    /// Units that can be held at one instant, until the first change. Either this or nodes.
    pub(super) capacity: Option<i32>,
    /// The names of its nodes: then a booking gets certain ones.
    #[serde(default)]
    pub(super) nodes: Vec<String>,
    /// Starts and ends lie on multiples of it: 5, 6, 10, 12, 15, 20, 30 or 60.
    #[serde(default = "half_an_hour")]
    pub(super) grid_minutes: i32,
    /// Resources are made this long before the start, 0 to 240.
    #[serde(default)]
    pub(super) lead_minutes: i32,
    /// A slot ends this long before a multiple of the grid, 0 or less than the grid.
    #[serde(default)]
    pub(super) end_margin_minutes: i32,
    /// How long after a slot's end its units can't be held by another, 0 to 240.
    #[serde(default)]
    pub(super) cleaning_minutes: i32,
    /// Times at which nobody can hold any of it.
    #[serde(default)]
    pub(super) closure: Vec<ClosureTable>,
    /// Later capacities, in order.
    #[serde(default)]
    pub(super) change: Vec<ChangeTable>,
    /// The name of the lease that staff hold for it at the site, if its servers are to be made from one.
    pub(super) standing_lease: Option<String>,
    /// How that lease is renewed. Without it staff renew it themselves.
    pub(super) renew: Option<RenewTable>,
    /// The property by which the site knows a node of `nodes`.
    #[serde(default = "node_name")]
    pub(super) node_property: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RenewTable {
    /// How many hours before its end it may be renewed, 2 to 168.
    #[serde(default = "two_days")]
    pub(super) hours_before: i32,
    /// For how many days from that moment on, 1 to 180. Longer than `hours_before`.
    #[serde(default = "seven")]
    pub(super) for_days: i32,
}

fn two_days() -> i32 {
    48
}

fn seven() -> i32 {
    7
}

fn node_name() -> String {
    "node_name".to_owned()
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeTable {
    /// From this local time on.
    #[schemars(with = "LocalTime")]
    pub(super) at: Datetime,
    /// Units that can be held at one instant, until the next change.
    pub(super) capacity: i32,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClosureTable {
    /// From this local time.
    #[schemars(with = "LocalTime")]
    pub(super) from: Datetime,
    /// Up to this local time.
    #[schemars(with = "LocalTime")]
    pub(super) to: Datetime,
    /// Why, in a few words for students.
    pub(super) reason: String,
}

fn two() -> i32 {
    2
}

fn half_an_hour() -> i32 {
    30
}
