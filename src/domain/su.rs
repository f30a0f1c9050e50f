//! Service units: what a cloud charges.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Service units, or service units an hour, to the millionth: sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Su(i64);

/// Millionths in one unit.
const MICRO: i64 = 1_000_000;

impl Su {
    /// None.
    pub const ZERO: Self = Self(0);

    /// From millionths.
    pub fn from_micro(micro: i64) -> Self {
        Self(micro)
    }

    /// In millionths.
    pub fn micro(self) -> i64 {
        self.0
    }

    /// As staff write it: 0 to a billion, to the nearest millionth.
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the range is checked first")]
    pub fn from_number(number: f64) -> Option<Self> {
        (0.0..=1e9).contains(&number).then(|| Self((number * 1e6).round() as i64))
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count.into()))
    }

    /// What `length` costs at this rate an hour, to the nearest millionth.
    #[must_use]
    pub fn for_length(self, length: TimeDelta) -> Self {
        let millionths = i128::from(self.0) * i128::from(length.num_seconds());
        Self(i64::try_from((millionths + 1800).div_euclid(3600)).unwrap_or(i64::MAX))
    }
}

impl Add for Su {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Su {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Su {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Self::add)
    }
}

/// "0.96 SU": at most two digits after the point where it is more than a hundredth, else as many as there are.
impl fmt::Display for Su {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded =
            if self.0.abs() >= MICRO / 100 { (self.0 + 5000).div_euclid(10_000) * 10_000 } else { self.0 };
        let text = format!("{}.{:06}", rounded.div_euclid(MICRO), rounded.rem_euclid(MICRO));
        write!(f, "{} SU", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases 10 and 11 of the facts on the course and its cloud.
    #[test]
    fn the_clouds_own_examples() {
        let medium = Su::from_number(0.04).unwrap();
        assert_eq!(medium.times(3).for_length(TimeDelta::hours(8)).to_string(), "0.96 SU");
        let a_tenth = Su::from_number(0.1).unwrap();
        assert_eq!(a_tenth.times(3).for_length(TimeDelta::hours(5)).to_string(), "1.5 SU");
    }

    #[test]
    fn sums_are_exact_and_read_plainly() {
        let tenths: Su = (0..10).map(|_| Su::from_micro(100_000)).sum();
        assert_eq!((tenths, tenths.to_string().as_str()), (Su::from_micro(MICRO), "1 SU"));
        assert_eq!(Su::from_micro(1234).to_string(), "0.001234 SU");
        assert_eq!(Su::from_number(29.0).map(|su| su.to_string()), Some("29 SU".to_owned()));
        assert_eq!((Su::from_number(-1.0), Su::from_number(f64::NAN)), (None, None));
    }
}
