//! Half-open spans of time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The instants `t` with `start <= t < end`. Never empty: `start < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Interval {
    /// The span from `start` up to `end`, or nothing if it would be empty.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The first instant.
    pub fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// The first instant after it.
    pub fn end(&self) -> DateTime<Utc> {
        self.end
    }

    /// How long it is.
    pub fn length(&self) -> TimeDelta {
        self.end - self.start
    }

    /// Whether the two share an instant. Touching ends don't.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The instants that both have.
    pub fn shared(&self, other: &Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// What of it the other has not: nothing, one piece, or one before and one after.
    pub fn without(&self, other: &Self) -> impl Iterator<Item = Self> + use<> {
        let before = Self::new(self.start, self.end.min(other.start));
        let after = Self::new(self.start.max(other.end), self.end);
        before.into_iter().chain(after)
    }

    /// Whether `instant` lies in it.
    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.start <= instant && instant < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(start: i64, end: i64) -> Option<Interval> {
        Interval::new(DateTime::from_timestamp(start, 0)?, DateTime::from_timestamp(end, 0)?)
    }

    proptest! {
        #[test]
        fn overlap_is_sharing_an_instant(a in 0i64..20, b in 0i64..20, c in 0i64..20, d in 0i64..20) {
            prop_assume!(a < b && c < d);
            let (one, two) = (span(a, b).unwrap(), span(c, d).unwrap());
            let shared = (0..20).any(|t| {
                let t = DateTime::from_timestamp(t, 0).unwrap();
                one.contains(t) && two.contains(t)
            });
            prop_assert_eq!(one.overlaps(&two), shared);
            prop_assert_eq!(two.overlaps(&one), shared);
            for t in 0..20 {
                let t = DateTime::from_timestamp(t, 0).unwrap();
                let pieces = one.without(&two).filter(|piece| piece.contains(t)).count();
                prop_assert_eq!(pieces, usize::from(one.contains(t) && !two.contains(t)));
            }
        }
    }

    #[test]
    fn an_empty_span_does_not_exist() {
        assert!(span(5, 5).is_none());
        assert!(span(6, 5).is_none());
    }
}
