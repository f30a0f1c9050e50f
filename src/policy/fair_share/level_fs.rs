//! `level_fs`: how well a node is served among its siblings, as an exact ratio.

use std::cmp::Ordering;

use super::float;

/// `S / U`: a node's part of its siblings' shares over its part of their usage, its own included in both. From 0 to infinity;
/// above 1 it is under-served, below 1 over-served.
///
/// Without shares it is 0, whatever was used; with shares and without usage it is infinite. This is as Slurm has it.
///
/// Slurm computes it in floating point, so that whether two are tied may hang on a rounding. Here it is a ratio of whole
/// numbers, at most 96 and 128 bits long, and two of them are compared exactly.
#[derive(Debug, Clone, Copy)]
pub struct LevelFs {
    over: u128,
    /// Zero for infinity.
    under: u128,
}

/// Two floating-point values that differ by more than this part of the greater one stand for ratios in the same order. Each
/// is off by at most five roundings of 2^-53: two for each of the whole numbers, and the division.
const CERTAIN: f64 = 1e-14;

impl LevelFs {
    /// Of a node with these shares and this usage among siblings that have so much together with it.
    pub fn new(shares: u32, level_shares: u64, usage: u64, level_usage: u64) -> Self {
        let of = |whole: u64| u128::from(whole);
        match (shares, usage) {
            (0, _) => Self { over: 0, under: 1 },
            (_, 0) => Self { over: 1, under: 0 },
            _ => Self { over: u128::from(shares) * of(level_usage), under: of(level_shares) * of(usage) },
        }
    }

    /// The nearest floating-point number, give or take three roundings; infinity if nothing was used.
    pub fn to_f64(self) -> f64 {
        if self.under == 0 { f64::INFINITY } else { long_float(self.over) / long_float(self.under) }
    }

    /// The order of two, given their floating-point values: these decide unless they are too close.
    pub(super) fn compare(&self, own: f64, other: &Self, others: f64) -> Ordering {
        if (own - others).abs() > own.max(others) * CERTAIN {
            own.total_cmp(&others)
        } else {
            self.cmp(other)
        }
    }
}

fn long_float(whole: u128) -> f64 {
    let half = |bits: u128| float(u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(u64::MAX));
    half(whole >> 64) * 18_446_744_073_709_551_616.0 + half(whole)
}

/// Compares whole parts, then the reciprocals of what is left: the terms of continued fractions, one by one. Products,
/// which would not fit, are not needed.
fn compare_ratios(mut left: (u128, u128), mut right: (u128, u128)) -> Ordering {
    loop {
        match (left.1, right.1) {
            (0, 0) => return Ordering::Equal,
            (0, _) => return Ordering::Greater,
            (_, 0) => return Ordering::Less,
            _ => {}
        }
        let whole = (left.0 / left.1).cmp(&(right.0 / right.1));
        if whole != Ordering::Equal {
            return whole;
        }
        // a < b if and only if 1/a > 1/b: the sides change places. Nothing left is 1/0, which is greatest.
        (left, right) = ((right.1, right.0 % right.1), (left.1, left.0 % left.1));
    }
}

impl Ord for LevelFs {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_ratios((self.over, self.under), (other.over, other.under))
    }
}

impl PartialOrd for LevelFs {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for LevelFs {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for LevelFs {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(over: u128, under: u128) -> LevelFs {
        LevelFs { over, under }
    }

    #[test]
    fn none_of_the_shares_is_least_and_none_of_the_usage_greatest() {
        let values =
            [(0, 9, 0, 9), (0, 9, 3, 9), (1, u64::MAX, u64::MAX, u64::MAX), (1, 9, 0, 9), (1, 9, 0, 0)];
        let values = values.map(|(s, all_s, u, all_u)| LevelFs::new(s, all_s, u, all_u));
        assert_eq!(values.map(|it| it.to_f64() > 0.0), [false, false, true, true, true]);
        assert!(values.is_sorted());
        assert_eq!(values[0], values[1]);
        assert_eq!(values[3], values[4]);
        assert!(values[4].to_f64().is_infinite());
    }

    #[test]
    fn ratios_that_floating_point_takes_for_equal_are_told_apart() {
        let large = u128::MAX / 3;
        let (less, more) = (ratio(large, large + 1), ratio(large + 1, large + 2));
        assert_eq!(less.to_f64().total_cmp(&more.to_f64()), Ordering::Equal);
        assert!(less < more);
        assert_eq!(less.compare(less.to_f64(), &more, more.to_f64()), Ordering::Less);
        assert_eq!(ratio(large, 3 * large), ratio(1, 3));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_products(a in 0u64.., b in 1u64.., c in 0u64.., d in 1u64..) {
            let of = |it| u128::from(it);
            let (left, right) = (ratio(of(a), of(b)), ratio(of(c), of(d)));
            prop_assert_eq!(left.cmp(&right), (of(a) * of(d)).cmp(&(of(c) * of(b))));
        }

        #[test]
        fn floating_point_decides_only_where_it_is_right(a in 0u128.., b in 1u128.., more in 0u128..1000, less in 0u128..1000) {
            let (left, right) = (ratio(a, b), ratio(a.saturating_add(more), b.saturating_add(less)));
            prop_assert_eq!(left.compare(left.to_f64(), &right, right.to_f64()), left.cmp(&right));
        }

        #[test]
        fn a_common_factor_changes_nothing(a in 0u128..1 << 64, b in 1u128..1 << 64, factor in 1u128..1 << 64) {
            prop_assert_eq!(ratio(a, b), ratio(a * factor, b * factor));
        }
    }
}
