//! Sections and teams: which one counts of several, and what they are called here.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::domain::fair_share::{bounds, is_group_name};
use crate::domain::roster::{Renamed, Row};

/// How several names are put into one cell: "A and B", "A, B, and C" by Canvas, lists by others.
const BETWEEN: [&str; 4] = [", and ", " and ", ", ", "; "];

/// Leaves each student the first of their sections, and says how many had several. A cell is a list of sections if each part
/// of it is the section of somebody who has just that one: otherwise "Research and Teaching" would be two.
pub(super) fn one_section_each(rows: &mut [Row]) -> Option<String> {
    let single = single(rows.iter().filter_map(|row| row.section.as_deref()));
    let mut several = 0;
    for row in rows {
        if let Some([first, _, ..]) = row.section.as_deref().and_then(|cell| parts(cell, &single)).as_deref()
        {
            row.section = Some((*first).to_owned());
            several += 1;
        }
    }
    let who = if several == 1 { "1 student is".to_owned() } else { format!("{several} students are") };
    (several > 0)
        .then(|| format!("{who} in several sections; the first that the file names for each is taken."))
}

/// The cells that are no lists of shorter ones.
fn single<'a>(cells: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let mut cells: Vec<&str> = cells.collect::<BTreeSet<_>>().into_iter().collect();
    cells.sort_by_key(|cell| cell.len());
    let mut single = BTreeSet::new();
    for cell in cells {
        if parts(cell, &single).is_none() {
            single.insert(cell.to_owned());
        }
    }
    single
}

/// The sections that a cell lists, if it lists some of these and nothing else.
fn parts<'a>(cell: &'a str, single: &BTreeSet<String>) -> Option<Vec<&'a str>> {
    if single.contains(cell) {
        return Some(vec![cell]);
    }
    let mut cuts: Vec<(usize, usize)> =
        BETWEEN.iter().flat_map(|it| cell.match_indices(it).map(|(at, found)| (at, found.len()))).collect();
    cuts.sort_unstable_by(|one, other| other.cmp(one));
    cuts.into_iter().find_map(|(at, length)| {
        let (first, rest) = (cell.get(..at)?, cell.get(at + length..)?);
        let mut rest = single.contains(first).then(|| parts(rest, single))??;
        rest.insert(0, first);
        Some(rest)
    })
}

/// Gives the rows' groups of one kind names that they can have here, and says which are new.
pub(super) fn rename(
    rows: &mut [Row],
    kind: &str,
    group: fn(&mut Row) -> &mut Option<String>,
) -> Vec<Renamed> {
    let known: BTreeSet<String> = rows.iter_mut().filter_map(|row| group(row).clone()).collect();
    let names = names(&known, kind);
    for row in rows {
        if let Some(new) = group(row).as_ref().and_then(|old| names.get(old)) {
            *group(row) = Some(new.clone());
        }
    }
    let changed = names.into_iter().filter(|(from, to)| from != to);
    changed.map(|(from, to)| Renamed { from, to }).collect()
}

/// What each is called here. Two that would be called the same keep apart by digits that follow from their whole names.
fn names(known: &BTreeSet<String>, kind: &str) -> BTreeMap<String, String> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for group in known {
        *taken.entry(name(group, kind)).or_default() += 1;
    }
    let apart = |group: &String| {
        let short = name(group, kind);
        let is_alone = taken.get(&short).is_none_or(|groups| *groups == 1);
        if is_alone || *group == short { short } else { with_digits(&short, group) }
    };
    known.iter().map(|group| (group.clone(), apart(group))).collect()
}

/// What a section or a team is called here, by its name alone, so that the next file gives it the same name: what it is called,
/// if it can be; otherwise with a hyphen for each run of other characters. Of one that is too long the end is kept, which tells
/// sections of one course apart, and digits that follow from the whole name are put after it.
pub fn name(group: &str, kind: &str) -> String {
    if is_group_name(group) {
        return group.to_owned();
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') { c } else { ' ' };
    let mapped: String = group.chars().map(plain).collect();
    let words = mapped.split_whitespace().collect::<Vec<_>>().join("-");
    match words.len() {
        0 => with_digits(kind, group),
        length if length <= bounds::GROUP_NAME => words,
        _ => with_digits(&words, group),
    }
}

const DIGITS: usize = 6;

fn with_digits(words: &str, group: &str) -> String {
    let digest = Sha256::digest(group.as_bytes());
    let number = digest.iter().take(DIGITS / 2).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let room = bounds::GROUP_NAME - DIGITS - 1;
    let from = words.len().saturating_sub(room);
    let end = words.get(from..).unwrap_or_default();
    // A word that was cut tells nothing.
    let end = if from > 0 { end.split_once('-').map_or(end, |(_, whole)| whole) } else { end };
    format!("{end}-{number:0DIGITS$x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_name_is_made_to_fit() {
        for (from, to) in [
            ("a", "a"),
            ("Lab_2.b-c", "Lab_2.b-c"),
            ("CS-GY 9223 INET - Spring 2026, Lec 01", "CS-GY-9223-INET-Spring-2026-Lec-01"),
            (
                "Cloud Computing and ML Systems (CS-GY 9223 INET) - Spring 2026, Lec 01",
                "INET-Spring-2026-Lec-01",
            ),
            ("\u{7b2c}\u{4e00}\u{7d44}", "section"),
            (" / ", "section"),
        ] {
            let name = name(from, "section");
            assert!(is_group_name(&name), "{name}");
            assert!(name == to || name.starts_with("section-") || name.contains(&format!("{to}-")), "{name}");
        }
    }

    #[test]
    fn names_that_come_to_one_are_kept_apart() {
        let known: BTreeSet<String> = ["Lab 1", "Lab-1", "Lab/1", "Lab 2"].map(str::to_owned).into();
        let names = names(&known, "section");
        assert_eq!((names["Lab-1"].as_str(), names["Lab 2"].as_str()), ("Lab-1", "Lab-2"));
        let apart: BTreeSet<&String> = names.values().collect();
        assert_eq!(apart.len(), 4, "{names:?}");
    }

    #[test]
    fn a_list_is_told_by_those_who_are_in_one_only() {
        let single =
            single(["A", "B and C", "A and B and C", "D", "A, D, and B and C", "E and F"].into_iter());
        assert_eq!(parts("A and B and C", &single), Some(vec!["A", "B and C"]));
        assert_eq!(parts("A, D, and B and C", &single), Some(vec!["A", "D", "B and C"]));
        assert_eq!(parts("E and F", &single), Some(vec!["E and F"]));
        assert_eq!(parts("A and G", &single), None);
    }

    proptest! {
        #[test]
        fn any_name_comes_to_one_that_fits(group in "\\PC{1,200}") {
            prop_assert!(is_group_name(&name(&group, "section")));
            prop_assert!(is_group_name(&name(&name(&group, "team"), "team")));
        }
    }
}
