//! `[fair_share]` and `[waitlist]` as written. What is left out has the default of
//! [`FairSharePolicy`](crate::domain::fair_share::FairSharePolicy) and
//! [`WaitlistPolicy`](crate::domain::fair_share::WaitlistPolicy).

use schemars::JsonSchema;
use serde::Deserialize;

use super::CourseFile;
use super::reaper::QuietTable;
use crate::domain::fair_share::{Algorithm, Measure};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FairShareTable {
    /// How usage and shares come to ranks: `fair_tree`, or `classic`, which is `2^(-U/S)`.
    #[schemars(with = "Option<String>", extend("enum" = ["fair_tree", "classic"]))]
    pub(super) algorithm: Option<Algorithm>,
    /// Days after which usage counts half.
    pub(super) half_life_days: Option<f64>,
    /// What of a booking counts: `server_hours`, or `su`, for which each flavor that labs use needs a price.
    #[schemars(with = "Option<String>", extend("enum" = ["server_hours", "su"]))]
    pub(super) counts: Option<Measure>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitlistTable {
    /// What of those who wait counts how much.
    pub(super) weights: Option<WeightsTable>,
    /// Hours of waiting from which on more of it counts no more.
    pub(super) age_cap_hours: Option<f64>,
    /// Hours before the due date from which on its nearness counts.
    pub(super) due_within_hours: Option<f64>,
    /// Minutes for which an offer stands, if its slot is not held before.
    pub(super) offer_minutes: Option<i32>,
    /// Local times between which nobody has to answer an offer, where time allows.
    pub(super) quiet_hours: Option<QuietTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WeightsTable {
    /// What the fair-share factor weighs.
    pub(super) fair_share: Option<i32>,
    /// What the time waited weighs.
    pub(super) age: Option<i32>,
    /// What the nearness of the due date weighs.
    pub(super) due: Option<i32>,
}

impl CourseFile {
    /// Whether usage counts in service units.
    pub(super) fn counts_su(&self) -> bool {
        self.fair_share.as_ref().is_some_and(|table| table.counts == Some(Measure::Su))
    }
}
