//! Why someone stands where they do, in sentences.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::unit;
use crate::domain::calendar;
use crate::policy::fair_share::lineage::Level;
use crate::services::fair_share::Mine;
use crate::web::pages::spread::amount;
use crate::web::pages::standing::LevelRow;
use crate::web::present;

/// The sentence that the reader came for, and what to know beside it.
pub(super) fn answer(mine: &Mine) -> (String, String) {
    let Some(rank) = mine.own.as_ref().and_then(|own| own.figures.rank) else {
        return (
            "You have no share of your own.".to_owned(),
            "Shares decide among the students of the course who wait for the same place.".to_owned(),
        );
    };
    let others = mine.of.saturating_sub(1);
    let ahead = mine.of.saturating_sub(rank);
    let level = mine.spread.iter().all(|used| Some(used) == mine.spread.first());
    let text = |text: &str| text.to_owned();
    match ahead {
        0 if others == 0 => (
            text("Nobody comes before you when places are scarce."),
            text("You are the only student of the course so far."),
        ),
        0 if level => (
            text("Nobody comes before you when places are scarce."),
            format!("All {} students are level: nobody has used more than another.", mine.of),
        ),
        0 => (
            text("Nobody comes before you when places are scarce."),
            text("You have used least for your share: in a line you are first, or level with whoever is."),
        ),
        _ if ahead == others => (
            text("Everyone else comes before you when places are scarce."),
            text(
                "You have used most for your share. It fades by itself; you can still book whatever is free.",
            ),
        ),
        _ => between(others, ahead, mine.level),
    }
}

/// The same for someone in the middle.
fn between(others: usize, ahead: usize, level: usize) -> (String, String) {
    let is = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let behind = others.saturating_sub(ahead + level);
    let before = is(ahead, "comes before you", "come before you");
    let lead = match level {
        0 => format!("{before}."),
        level => format!("{before}, and {}.", is(level, "is level with you", "are level with you")),
    };
    if behind == 0 {
        return (
            format!("You come after {ahead} of {others} other students when places are scarce."),
            "Everyone else is level with you.".to_owned(),
        );
    }
    (format!("You come before {behind} of {others} other students when places are scarce."), lead)
}

/// What was used lately, and when it will have faded.
pub(super) fn sentences(mine: &Mine, zone: Tz, now: DateTime<Utc>) -> Vec<String> {
    if mine.own.is_none() {
        return Vec::new();
    }
    let (unit, half) = (unit(mine.measure), mine.half_life);
    if mine.usage == 0 {
        return vec![
            "You have booked nothing that still counts.".to_owned(),
            format!(
                "What one books counts half after {}, and a quarter after {}.",
                length(half),
                length(half * 2)
            ),
        ];
    }
    let faded = faded_by(mine.usage, half, now).map(|at| {
        let when = present::when(zone, now, at).text;
        format!(" If you book nothing more, less than 1 is left of it by {when}.")
    });
    vec![
        format!("What you have booked lately still counts as {} {unit}.", amount(mine.usage)),
        format!(
            "It counts half after {}, and a quarter after {}.{}",
            length(half),
            length(half * 2),
            faded.unwrap_or_default()
        ),
    ]
}

/// `7 days`, `1 d 12 h`.
pub(super) fn length(length: TimeDelta) -> String {
    match length.num_days() {
        days if days == 0 || length != TimeDelta::days(days) => calendar::in_words(length),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// By when it has been halved often enough to be less than one; nothing if it is already.
fn faded_by(micro: u64, half_life: TimeDelta, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let halvings = (0..64).find(|n| micro >> n < 1_000_000).filter(|n| *n > 0)?;
    now.checked_add_signed(half_life.checked_mul(halvings)?)
}

/// What decided the place; nothing where the course has no groups, since the picture says it then.
pub(super) fn levels(mine: &Mine) -> Vec<LevelRow> {
    let levels = mine.own.as_ref().map(|own| own.lineage.0.as_slice()).unwrap_or_default();
    if levels.len() < 2 {
        return Vec::new();
    }
    let last = levels.len() - 1;
    levels.iter().enumerate().map(|(n, level)| row(n, last, level)).collect()
}

fn row(n: usize, last: usize, level: &Level) -> LevelRow {
    let name = match (n, n == last) {
        (_, true) => "You in your group",
        (0, _) => "Your group in the course",
        _ => "Your team in its group",
    };
    let ratio = level.level_fs().to_f64();
    LevelRow {
        name: name.to_owned(),
        shares: percent(level.shares.into(), level.level_shares),
        usage: percent(level.usage, level.level_usage),
        verdict: if level.usage == 0 {
            "has used nothing"
        } else if ratio > 1.0 {
            "used less than its share"
        } else if ratio < 1.0 {
            "used more than its share"
        } else {
            "used just its share"
        },
    }
}

fn percent(part: u64, whole: u64) -> String {
    let tenths = if whole == 0 { 0 } else { u128::from(part) * 1000 / u128::from(whole) };
    format!("{}.{} %", tenths / 10, tenths % 10).replace(".0 ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_has_faded_when_less_than_one_is_left() {
        let (now, week) = (DateTime::UNIX_EPOCH, TimeDelta::days(7));
        assert_eq!(faded_by(999_999, week, now), None);
        assert_eq!(faded_by(1_000_000, week, now), Some(now + week));
        assert_eq!(faded_by(5_200_000, week, now), Some(now + week * 3));
    }

    #[test]
    fn parts_are_told_in_percent() {
        assert_eq!([percent(1, 2), percent(1, 3), percent(0, 0)], ["50 %", "33.3 %", "0 %"]);
        assert_eq!([length(TimeDelta::days(7)), length(TimeDelta::hours(36))], ["7 days", "1 d 12 h"]);
    }
}
