//! Who of those who wait comes first.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::fair_share::{WaitlistPolicy, Weights};
use crate::domain::ids::WaitId;
use crate::domain::waitlist::Wait;

/// What a waiter's place in line comes of.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiter {
    /// The fair-share factor: from 0, who used most, to 1. What is none of that counts as the nearer of the two, and what is
    /// no number as 0.
    pub fair_share: f64,
    /// From when on its age counts.
    pub age_from: DateTime<Utc>,
    /// The time to the due date less the length that is asked for; nothing without a due date.
    pub slack: Option<TimeDelta>,
    /// Since when it is in line.
    pub joined_at: DateTime<Utc>,
    /// Its id.
    pub id: WaitId,
}

impl Waiter {
    /// That of someone who waits, by their fair-share factor and their own due date.
    pub fn of(wait: &Wait, fair_share: f64, due: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        Self {
            fair_share,
            age_from: wait.age_from,
            slack: due.map(|due| due - now - wait.asked.length()),
            joined_at: wait.joined_at,
            id: wait.id.clone(),
        }
    }
}

/// A part of one, in whole billionths, so that sums are exact and every machine orders the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Factor(u32);

/// Billionths in one.
const ONE: u32 = 1_000_000_000;

impl Factor {
    /// The nearest part of one; 0 for what is no number.
    #[allow(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked first"
    )]
    fn nearest(number: f64) -> Self {
        if number.is_nan() { Self(0) } else { Self((number.clamp(0.0, 1.0) * f64::from(ONE)).round() as u32) }
    }

    /// How much of `whole` the part is, which is cut to it.
    fn of(part: TimeDelta, whole: TimeDelta) -> Self {
        let whole = whole.max(TimeDelta::milliseconds(1)).num_milliseconds();
        let part = part.num_milliseconds().clamp(0, whole);
        let billionths = i128::from(part) * i128::from(ONE) / i128::from(whole);
        Self(u32::try_from(billionths).unwrap_or(ONE))
    }

    /// As a number from 0 to 1.
    pub fn number(self) -> f64 {
        f64::from(self.0) / f64::from(ONE)
    }

    /// In billionths.
    pub fn billionths(self) -> u32 {
        self.0
    }
}

/// A waiter's priority with all that it comes of, so that whoever reads it later can work it out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priority {
    /// What each factor weighs.
    pub weights: Weights,
    /// The fair-share factor.
    pub fair_share: Factor,
    /// The time waited, as a part of the cap.
    pub age: Factor,
    /// How near the due date is: 0 as long as there is more slack than counts, 1 when there is none.
    pub due: Factor,
    /// Since when the age counts, once it has reached the cap, if the weights bound the wait: then it comes before everyone
    /// whose age has not.
    pub ripe_since: Option<DateTime<Utc>>,
}

impl Priority {
    /// The weighted sum of the factors, in billionths of a point.
    pub fn total(&self) -> i64 {
        let Weights { fair_share, age, due } = self.weights;
        let parts = [(fair_share, self.fair_share), (age, self.age), (due, self.due)];
        parts.into_iter().map(|(weight, factor)| i64::from(weight.max(0)) * i64::from(factor.0)).sum()
    }

    /// The same in points, to be shown.
    pub fn points(&self) -> f64 {
        let Weights { fair_share, age, due } = self.weights;
        let parts = [(fair_share, self.fair_share), (age, self.age), (due, self.due)];
        parts.into_iter().map(|(weight, factor)| f64::from(weight.max(0)) * factor.number()).sum()
    }
}

/// A waiter's priority at `now`: `fair_share * F + age * min(a, cap) / cap + due * (1 - min(max(s, 0), within) / within)`
/// with its age `a` and its slack `s`. Without a due date the last part is 0.
pub fn priority(policy: &WaitlistPolicy, waiter: &Waiter, now: DateTime<Utc>) -> Priority {
    let (age, within) = (now - waiter.age_from, policy.due_within());
    let nearness =
        waiter.slack.map_or(TimeDelta::zero(), |slack| within - slack.clamp(TimeDelta::zero(), within));
    let ripe = policy.weights.bound_the_wait() && age >= policy.age_cap();
    Priority {
        weights: policy.weights,
        fair_share: Factor::nearest(waiter.fair_share),
        age: Factor::of(age, policy.age_cap()),
        due: Factor::of(nearness, within),
        ripe_since: ripe.then_some(waiter.age_from),
    }
}

/// What waiters are sorted by: the least comes first. Those whose age has reached the cap come before all others, whose age
/// counts longest first; then the higher priority, then who joined first, then the id. No two are equal, so the order does
/// not depend on how they are listed.
pub fn key<'a>(priority: &Priority, joined_at: DateTime<Utc>, id: &'a WaitId) -> impl Ord + use<'a> {
    (priority.ripe_since.is_none(), priority.ripe_since, Reverse(priority.total()), joined_at, id)
}

/// The waiters with their priorities, who comes first first.
pub fn order<'a>(
    policy: &WaitlistPolicy,
    waiters: &'a [Waiter],
    now: DateTime<Utc>,
) -> Vec<(&'a Waiter, Priority)> {
    let mut line: Vec<_> = waiters.iter().map(|waiter| (waiter, priority(policy, waiter, now))).collect();
    line.sort_by(|(one, of_one), (other, of_other)| {
        key(of_one, one.joined_at, &one.id).cmp(&key(of_other, other.joined_at, &other.id))
    });
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sentences::tests::local;

    fn waiter(id: u64, fair_share: f64, hours: i64, slack: Option<i64>) -> Waiter {
        let since = now() - TimeDelta::hours(hours);
        let slack = slack.map(TimeDelta::hours);
        Waiter { fair_share, age_from: since, slack, joined_at: since, id: WaitId::from_bits(id) }
    }

    fn now() -> DateTime<Utc> {
        local("2025-02-08T12:00")
    }

    fn points(waiter: &Waiter) -> String {
        format!("{:.0}", priority(&WaitlistPolicy::default(), waiter, now()).points())
    }

    fn line(policy: &WaitlistPolicy, waiters: &[Waiter]) -> Vec<u32> {
        let order = order(policy, waiters, now());
        let place = |id: &WaitId| (0..100).find(|bits| WaitId::from_bits((*bits).into()) == *id).unwrap();
        order.iter().map(|(waiter, _)| place(&waiter.id)).collect()
    }

    /// The example of `docs/policy.md`.
    #[test]
    fn the_documented_example() {
        let ada = waiter(1, 0.9, 6, Some(100));
        let ben = waiter(2, 0.3, 48, Some(18));
        let cem = waiter(3, 0.0, 80, Some(100));
        assert_eq!([&ada, &ben, &cem].map(points), ["1000", "1250", "1200"]);
        assert_eq!(line(&WaitlistPolicy::default(), &[ada, ben, cem]), [3, 2, 1]);
    }

    #[test]
    fn each_factor_is_bounded_and_no_number_is_nothing() {
        let of = |waiter: &Waiter| {
            let priority = priority(&WaitlistPolicy::default(), waiter, now());
            [priority.fair_share, priority.age, priority.due].map(|factor| factor.number().to_string())
        };
        assert_eq!(of(&waiter(1, f64::NAN, -5, None)), ["0", "0", "0"]);
        assert_eq!(of(&waiter(1, 7.0, 500, Some(-3))), ["1", "1", "1"]);
        assert_eq!(of(&waiter(1, f64::NEG_INFINITY, 36, Some(54))), ["0", "0.5", "0.25"]);
    }

    #[test]
    fn who_has_waited_for_the_cap_comes_first_if_the_weights_bound_the_wait() {
        let policy = WaitlistPolicy::default();
        let (unlucky, fresh) = (waiter(1, 0.0, 72, None), waiter(2, 1.0, 71, Some(0)));
        let total = |waiter: &Waiter| priority(&policy, waiter, now()).total();
        assert!(total(&fresh) > total(&unlucky));
        let both = [fresh, unlucky, waiter(3, 0.0, 73, None)];
        assert_eq!(line(&policy, &both), [3, 1, 2]);
        let weights = Weights { age: 1199, ..policy.weights };
        assert_eq!(line(&WaitlistPolicy { weights, ..policy }, &both), [2, 3, 1]);
    }

    #[test]
    fn a_receipt_says_all_of_it() {
        let told = priority(&WaitlistPolicy::default(), &waiter(1, 0.3, 73, Some(18)), now());
        let read = |text: &str| serde_json::from_str::<Priority>(text).unwrap();
        assert_eq!(read(&serde_json::to_string(&told).unwrap()), told);
        assert_eq!(told.total(), 1_650_000_000_000);
    }
}
