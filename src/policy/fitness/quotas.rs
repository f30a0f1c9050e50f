//! What a course takes of a site's quotas at full use, and whether that is there.
//!
//! At full use each pool is as large as it ever gets, and all of it is held by the lab that takes most of what is counted.
//! Where all pools of the site together are bounded, those that take most for a unit come first.

use std::cmp::Reverse;

use super::Check;
use crate::domain::fitness::{Counted, Draw, FlavorFacts, Limit, SiteNeeds, SiteReport, Told};
use crate::domain::ids::PoolId;

/// Bookings of one lab at full use.
#[derive(Debug, Clone, Copy)]
struct Share<'a> {
    draw: &'a Draw,
    bookings: u64,
    /// What one of them takes.
    each: u64,
}

impl Share<'_> {
    fn takes(self) -> u64 {
        self.bookings.saturating_mul(self.each)
    }
}

/// A check of each quota of which the course takes something.
pub(super) fn checks(needs: &SiteNeeds, report: &SiteReport) -> Vec<Check> {
    Counted::ALL.into_iter().filter_map(|of| check(of, needs, report)).collect()
}

fn check(of: Counted, needs: &SiteNeeds, report: &SiteReport) -> Option<Check> {
    let what = format!("quota of {}", of.words());
    let each = match amounts(of, &needs.draws, report) {
        Ok(each) => each,
        Err(why) => return Some(Check::cant_tell(what, why)),
    };
    let shares = at_full_use(&needs.draws, &each, needs.capacity);
    let total = shares.iter().map(|share| share.takes()).fold(0, u64::saturating_add);
    if total == 0 {
        return None;
    }
    Some(match report.limits.get(&of) {
        None => Check::cant_tell(what, "the site does not have the service that would tell"),
        Some(Err(why)) => Check::cant_tell(what, why.as_str()),
        Some(Ok(limit)) => judged(what, &shares, total, *limit),
    })
}

fn judged(what: String, shares: &[Share<'_>], total: u64, limit: Limit) -> Check {
    let need = format!("{total} at full use ({})", described(shares));
    let Some(most) = limit.most else { return Check::pass(what, format!("no limit; {need}")) };
    let used = limit.used.map_or_else(String::new, |used| format!(", {used} in use now"));
    if most < total {
        let bookings = shares.iter().map(|share| share.bookings).fold(0, u64::saturating_add);
        let found =
            format!("limit {most}{used}; {need}: {} of {bookings} bookings fit", fitting(shares, most));
        return Check::fail(
            what,
            found,
            format!("a limit of {total}, or less capacity in {}", pools(shares)),
        );
    }
    let found = format!("limit {most}{used}; {need}");
    if limit.used.is_some_and(|used| used.saturating_add(total) > most) {
        let right = "enough, unless what is in use now is not the course's bookings'";
        return Check::warn(what, found, right);
    }
    Check::pass(what, found)
}

/// What one booking of each lab takes.
fn amounts(of: Counted, draws: &[Draw], report: &SiteReport) -> Told<Vec<u64>> {
    let per_server: fn(&FlavorFacts) -> u64 = match of {
        Counted::Cores => |flavor| flavor.cores,
        Counted::MemoryMib => |flavor| flavor.memory_mib,
        _ => return Ok(draws.iter().map(|draw| draw.takes.get(&of).copied().unwrap_or(0)).collect()),
    };
    draws.iter().map(|draw| of_servers(draw, report, per_server)).collect()
}

fn of_servers(draw: &Draw, report: &SiteReport, per_server: fn(&FlavorFacts) -> u64) -> Told<u64> {
    let flavors = report.flavors.as_ref().map_err(Clone::clone)?;
    draw.servers
        .iter()
        .map(|(name, count)| match flavors.get(name).and_then(Option::as_ref) {
            Some(flavor) => Ok(per_server(flavor).saturating_mul(u64::from(*count))),
            None => Err(format!("flavor {name} is not there to tell")),
        })
        .sum()
}

/// Who holds the pools when most is taken: for each pool the lab that takes most for its units, and of the pools as much as
/// the site bears, those first that take most.
fn at_full_use<'a>(draws: &'a [Draw], each: &[u64], site: Option<u32>) -> Vec<Share<'a>> {
    let mut all: Vec<Share<'_>> = draws.iter().zip(each).map(|(draw, each)| most(draw, *each)).collect();
    all.sort_by_key(|share| Reverse(share.takes()));
    let mut seen: Vec<&PoolId> = Vec::new();
    all.retain(|share| {
        let first = !seen.contains(&&share.draw.pool);
        seen.push(&share.draw.pool);
        first && share.each > 0
    });
    // Per unit, compared without dividing.
    all.sort_by(|a, b| {
        let (left, right) = (a.each * u64::from(b.draw.units), b.each * u64::from(a.draw.units));
        right.cmp(&left)
    });
    let mut left = site.map_or(u64::MAX, u64::from);
    for share in &mut all {
        let units = u64::from(share.draw.units);
        share.bookings = share.bookings.min(left / units);
        left = left.saturating_sub(share.bookings.saturating_mul(units));
    }
    all.retain(|share| share.bookings > 0);
    all
}

fn most(draw: &Draw, each: u64) -> Share<'_> {
    Share { draw, bookings: u64::from(draw.capacity / draw.units.max(1)), each }
}

/// How many of the bookings there can be at once, those that take most counted first.
fn fitting(shares: &[Share<'_>], limit: u64) -> u64 {
    let (mut left, mut fit) = (limit, 0);
    for share in shares {
        let bookings = share.bookings.min(left / share.each.max(1));
        left = left.saturating_sub(bookings.saturating_mul(share.each));
        fit += bookings;
    }
    fit
}

/// "30 bookings of k8s, 6 each; 4 bookings of gpu, 1 each".
fn described(shares: &[Share<'_>]) -> String {
    let one = |share: &Share<'_>| {
        let word = if share.bookings == 1 { "booking" } else { "bookings" };
        format!("{} {word} of {}, {} each", share.bookings, share.draw.lab, share.each)
    };
    shares.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn pools(shares: &[Share<'_>]) -> String {
    let names: Vec<_> = shares.iter().map(|share| format!("pool {}", share.draw.pool)).collect();
    names.join(", ")
}
