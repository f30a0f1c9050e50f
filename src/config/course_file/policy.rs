//! The tables of a course file that say by which rules a lab is booked.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::value::Datetime;

use super::lab::one;
use super::schema::{Date, WeekdayName};
use crate::domain::calendar::Weekdays;
use crate::domain::course::{Judged, Strictness};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyTable {
    /// The longest slot, in hours that count.
    pub(super) cap_hours: f64,
    /// The hours that count, if not all do; others are free, on any day.
    pub(super) counted_hours: Option<WindowTable>,
    /// Bookings that one student may have ahead or running.
    #[serde(default = "one")]
    pub(super) bookings_ahead: i32,
    /// Lengths that a slot may have, with the pool's end margin; any if it is left out.
    #[serde(default)]
    pub(super) lengths_hours: Vec<f64>,
    /// Starts lie on multiples of this many minutes, if they are rarer than the pool's grid.
    pub(super) starts_every_minutes: Option<i32>,
    /// Hours that count which one student may use in all.
    pub(super) budget_hours: Option<f64>,
    /// Bookings with hours that count which one student may make in all.
    pub(super) budget_bookings: Option<i32>,
    /// Service units that one student may use of the lab.
    pub(super) budget_su: Option<f64>,
    /// How many days ahead a slot may start.
    pub(super) horizon_days: Option<i32>,
    /// How many bookings may start later than some hours from now; those that start sooner don't count.
    pub(super) far: Option<FarTable>,
    /// What is said of slots that leave a stretch which is of use to nobody.
    pub(super) gaps: Option<GapsTable>,
    /// How closely one student's bookings of the lab may follow each other.
    pub(super) stacking: Option<StackingTable>,
    /// Weekdays by the last digit of the net ID.
    pub(super) parity: Option<ParityTable>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FarTable {
    /// What starts later than this many hours from now is far ahead.
    pub(super) beyond_hours: i32,
    /// Bookings that one student may have there.
    pub(super) bookings: i32,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GapsTable {
    /// A stretch between bookings that is shorter than this is of use to nobody.
    pub(super) shorter_than_hours: f64,
    /// What is done about a slot that would leave one: warn, or refuse.
    #[schemars(with = "String", extend("enum" = ["warn", "refuse"]))]
    pub(super) then: Strictness,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StackingTable {
    /// The length of the spans that are looked at, in hours.
    pub(super) within_hours: i32,
    /// One student's bookings may cover less than this part of any such span.
    pub(super) percent: i32,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowTable {
    /// The first time of day, such as 08:00.
    pub(super) from: String,
    /// The time of day that ends it, such as 24:00.
    pub(super) to: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParityTable {
    /// Days on which even net IDs may start: Mon, Tue, Wed, Thu, Fri, Sat, Sun.
    #[schemars(with = "Vec<WeekdayName>")]
    pub(super) even: Weekdays,
    /// Days on which odd net IDs may start.
    #[schemars(with = "Vec<WeekdayName>")]
    pub(super) odd: Weekdays,
    /// As written in the seven days from this date, swapped in the next, and so on.
    #[schemars(with = "Option<Date>")]
    pub(super) swap_weekly_from: Option<Datetime>,
    /// What has to lie on one's days: the start, or the whole slot.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["start", "slot"]))]
    pub(super) judges: Judged,
}
