//! What staff decide of fair share and of the waitlist: the tables `[fair_share]` and `[waitlist]` of the course file.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::reaper::QuietHours;

/// How usage counts, and how it comes to an order of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FairSharePolicy {
    /// How usage and shares come to ranks.
    pub algorithm: Algorithm,
    /// After how many minutes usage counts half.
    pub half_life_minutes: i32,
    /// What is counted of it.
    pub counts: Measure,
}

impl Default for FairSharePolicy {
    fn default() -> Self {
        Self { algorithm: Algorithm::FairTree, half_life_minutes: 7 * 24 * 60, counts: Measure::ServerHours }
    }
}

impl FairSharePolicy {
    /// After how long usage counts half.
    pub fn half_life(&self) -> TimeDelta {
        minutes(self.half_life_minutes)
    }
}

/// How usage and shares come to ranks: Slurm's two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Slurm's Fair Tree: whoever is in a group that used less than its share comes before everyone of one that used more.
    FairTree,
    /// Slurm's classic `2^(-U/S)`.
    Classic,
}

/// What of a booking counts as usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Its servers, for as long as it holds them.
    ServerHours,
    /// What its site charges for it.
    Su,
}

/// Who of those who wait comes first, and how an offer is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitlistPolicy {
    /// What counts how much.
    pub weights: Weights,
    /// From how many minutes of waiting on more of it counts no more. If the weights bound the wait, who has waited so long
    /// comes before all who have not.
    pub age_cap_minutes: i32,
    /// From how many minutes before the due date on its nearness counts, the more the nearer.
    pub due_within_minutes: i32,
    /// How many minutes an offer stands, if its slot does not begin before.
    pub offer_minutes: i32,
    /// Hours in which nobody has to answer, where time allows.
    pub quiet: Option<QuietHours>,
}

impl Default for WaitlistPolicy {
    fn default() -> Self {
        Self {
            weights: Weights::default(),
            age_cap_minutes: 3 * 24 * 60,
            due_within_minutes: 3 * 24 * 60,
            offer_minutes: 60,
            quiet: None,
        }
    }
}

impl WaitlistPolicy {
    /// From how much waiting on more of it counts no more.
    pub fn age_cap(&self) -> TimeDelta {
        minutes(self.age_cap_minutes)
    }

    /// From how long before the due date on its nearness counts.
    pub fn due_within(&self) -> TimeDelta {
        minutes(self.due_within_minutes)
    }

    /// How long an offer stands.
    pub fn offer(&self) -> TimeDelta {
        minutes(self.offer_minutes)
    }
}

/// What each factor of a waiter's priority weighs. Each factor is from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// The fair-share factor.
    pub fair_share: i32,
    /// The time waited, up to the cap.
    pub age: i32,
    /// The nearness of the due date.
    pub due: i32,
}

impl Default for Weights {
    /// Who has waited for the whole cap comes before everyone who has just joined, whatever both have used.
    fn default() -> Self {
        Self { fair_share: 1000, age: 1200, due: 200 }
    }
}

impl Weights {
    /// Whether who has waited for the whole cap comes before whoever has just joined: then nobody waits for ever.
    pub fn bound_the_wait(&self) -> bool {
        self.age >= self.fair_share.saturating_add(self.due)
    }
}

fn minutes(number: i32) -> TimeDelta {
    TimeDelta::minutes(number.into())
}

/// What the numbers may be.
pub mod bounds {
    use std::ops::RangeInclusive;

    /// Minutes after which usage counts half: an hour to a year.
    pub const HALF_LIFE_MINUTES: RangeInclusive<i32> = 60..=525_600;
    /// Minutes of a cap: an hour to 60 days.
    pub const CAP_MINUTES: RangeInclusive<i32> = 60..=86_400;
    /// Minutes for which an offer stands: five minutes to two days.
    pub const OFFER_MINUTES: RangeInclusive<i32> = 5..=2880;
    /// A weight.
    pub const WEIGHT: RangeInclusive<i32> = 0..=1_000_000;
    /// Shares of a person or a group.
    pub const SHARES: RangeInclusive<i32> = 0..=1_000_000;
    /// The longest name of a section or a team, in characters.
    pub const GROUP_NAME: usize = 40;
}

/// Whether a section or a team can be called that.
pub fn is_group_name(name: &str) -> bool {
    let known = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    (1..=bounds::GROUP_NAME).contains(&name.len()) && name.chars().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups_are_short_and_plain() {
        let long = "x".repeat(bounds::GROUP_NAME);
        assert!(["a", "Team-1.b_c", &long].into_iter().all(is_group_name));
        let bad = ["", "a b", "a/b", "\u{e4}", &format!("{long}x")];
        assert!(bad.into_iter().all(|name| !is_group_name(name)));
    }
}
