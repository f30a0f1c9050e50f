//! `[reaper]` as written. What is left out has the default of [`ReaperPolicy`](crate::domain::reaper::ReaperPolicy).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::blueprint::Kind;
use crate::domain::reaper::{ByHand, NoShowSignal, StopBy};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReaperTable {
    /// What is done about what people made by hand: report, warn, or delete.
    #[schemars(with = "Option<String>", extend("enum" = ["report", "warn", "delete"]))]
    pub(super) by_hand: Option<ByHand>,
    /// Ids of the labs by whose cap and weekdays servers are judged that people made by hand.
    #[serde(default)]
    pub(super) judged_by: Vec<String>,
    /// Hours between the warning and the next step.
    pub(super) stop_after_hours: Option<f64>,
    /// Hours between stopping a server and deleting it.
    pub(super) delete_after_hours: Option<f64>,
    /// How a server is stopped: stop, or shelve.
    #[schemars(with = "Option<String>", extend("enum" = ["stop", "shelve"]))]
    pub(super) stop_by: Option<StopBy>,
    /// Hours for which an object is left alone that its owner took back.
    pub(super) restored_hours: Option<f64>,
    /// Kinds that may be deleted though nobody is known whose they are: `floating_ip`, `port`, `router`, `network`.
    #[serde(default)]
    #[schemars(with = "Vec<NobodysKind>")]
    pub(super) nobodys: Vec<Kind>,
    /// Local times between which nobody is warned and nothing of others is stopped or deleted.
    pub(super) quiet_hours: Option<QuietTable>,
    /// What one sweep may do at one site.
    pub(super) limits: Option<LimitsTable>,
    /// Leases.
    pub(super) leases: Option<LeasesTable>,
    /// What nothing uses.
    pub(super) idle: Option<IdleTable>,
    /// What is called `...project51`.
    pub(super) project: Option<ProjectTable>,
    /// Bookings that nobody uses.
    pub(super) no_show: Option<NoShowTable>,
}

/// A kind that holds no data.
#[derive(JsonSchema)]
#[schemars(inline)]
#[schemars(rename_all = "snake_case")]
#[allow(dead_code, reason = "it is there for its schema")]
enum NobodysKind {
    FloatingIp,
    Port,
    Router,
    Network,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuietTable {
    /// The first time of day, such as 22:00.
    pub(super) from: String,
    /// The time of day that ends them, such as 08:00.
    pub(super) to: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    /// Objects of one class that are stopped or deleted at most.
    pub(super) most: Option<i32>,
    /// The part of the listing that may be what people made by hand, in percent.
    pub(super) percent: Option<i32>,
    /// A listing smaller than this part of the last whole one, in percent, is not trusted.
    pub(super) shrunk_percent: Option<i32>,
    /// Minutes for which it is not.
    pub(super) shrunk_minutes: Option<i32>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "they are the keys of the file")]
pub(super) struct LeasesTable {
    /// Hours without a server after which the owner is told.
    pub(super) warn_hours: Option<f64>,
    /// Hours without a server after which it is deleted.
    pub(super) delete_hours: Option<f64>,
    /// Up to this length in hours a lease is a class slot, and told of sooner.
    pub(super) short_hours: Option<f64>,
    /// The longest lease that people may make by hand, in hours.
    pub(super) longest_hours: Option<f64>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "they are the keys of the file")]
pub(super) struct IdleTable {
    /// Days after which a floating IP is left over.
    pub(super) floating_ip_days: Option<f64>,
    /// Days after which a port, a router or a network is.
    pub(super) network_days: Option<f64>,
    /// Days after which a volume, a share or a bucket is deleted.
    pub(super) data_days: Option<f64>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectTable {
    /// Hours that a server may be there.
    pub(super) hours: f64,
    /// The same on bare metal; as `hours` if it is left out.
    pub(super) bare_metal_hours: Option<f64>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoShowTable {
    /// Minutes of being active after which a booking counts as not used.
    pub(super) minutes: i32,
    /// Minutes between the warning and the release.
    pub(super) grace_minutes: Option<i32>,
    /// What tells that nobody uses it: `no_server` or `not_opened`.
    #[schemars(with = "String", extend("enum" = ["no_server", "not_opened"]))]
    pub(super) signal: NoShowSignal,
}
