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

/// What siblings have in common, to work out their `level_fs` in floating point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    usage_by_shares: f64,
}

/// Two near values that differ by more than this part of the greater one stand for ratios in the same order. Each is off by at
/// most six roundings of 2^-53: three of whole numbers, two of divisions and one of a product.
const CERTAIN: f64 = 1e-14;

impl Near {
    /// Of siblings that have so much together.
    pub(super) fn of(level_shares: u64, level_usage: u64) -> Self {
        Self { usage_by_shares: float(level_usage) / float(level_shares) }
    }

    /// Near [`LevelFs::new`] of one of them.
    pub(super) fn level_fs(self, shares: u32, usage: u64) -> f64 {
        match (shares, usage) {
            (0, _) => 0.0,
            (_, 0) => f64::INFINITY,
            _ => f64::from(shares) / float(usage) * self.usage_by_shares,
        }
    }
}

/// The order of two, if their near values decide it. Zero and infinity are what they are: no other value is near enough to
/// come out so.
pub(super) fn near_order(own: f64, other: f64) -> Option<Ordering> {
    if (own - other).abs() > own.max(other) * CERTAIN {
        return own.partial_cmp(&other);
    }
    let exact = own <= 0.0 || own == f64::INFINITY || other == f64::INFINITY;
    exact.then(|| own.partial_cmp(&other)).flatten()
}

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
        let (own, others) = ((self.over, self.under), (other.over, other.under));
        if own == others { Ordering::Equal } else { compare_ratios(own, others) }
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
        assert_eq!(near_order(less.to_f64(), more.to_f64()), None);
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
        fn floating_point_decides_only_where_it_is_right(
            shares in 0u32.., level in any::<u32>(), usage in any::<u64>(), above in any::<u64>(),
            other_shares in 0u32..9, other_usage in 0u64..9,
        ) {
            let (level, above) = (u64::from(level) + u64::from(shares) + 9, above.max(usage).max(9));
            let near = Near::of(level, above);
            // One that is far, and one that is as near as can be.
            for (s, u) in [(other_shares, other_usage), (shares.saturating_add(1), usage.saturating_add(other_usage))] {
                let exact = LevelFs::new(shares, level, usage, above).cmp(&LevelFs::new(s, level, u, above));
                let found = near_order(near.level_fs(shares, usage), near.level_fs(s, u));
                prop_assert!(found.is_none_or(|order| order == exact), "{:?}, not {:?}", found, exact);
            }
        }

        #[test]
        fn a_common_factor_changes_nothing(a in 0u128..1 << 64, b in 1u128..1 << 64, factor in 1u128..1 << 64) {
            prop_assert_eq!(ratio(a, b), ratio(a * factor, b * factor));
        }
    }
}
