//! What `sshare -l` shows, with its columns and its look; and as JSON.

use serde_json::{Value, json};

use crate::cli::{Failure, output};
use crate::domain::fair_share::Algorithm;
use crate::policy::fair_share::Figures;
use crate::policy::fair_share::level_fs::LevelFs;
use crate::policy::fair_share::paths::Outline;
use crate::policy::fair_share::tree::NodeId;

/// Slurm's columns and how wide it prints them, at least.
const COLUMNS: [(&str, usize); 8] = [
    ("Account", 20),
    ("User", 10),
    ("RawShares", 10),
    ("NormShares", 11),
    ("RawUsage", 11),
    ("EffectvUsage", 13),
    ("FairShare", 10),
    ("LevelFS", 10),
];

/// One line.
pub(super) struct Row<'a> {
    path: Vec<&'a str>,
    is_user: bool,
    figures: &'a Figures,
}

/// Each node, each group followed by what is below it: students first, then groups, by their names.
pub(super) fn rows<'a>(outline: &'a Outline, figures: &'a [Figures]) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(figures.len());
    let mut next = vec![NodeId::ROOT];
    while let Some(id) = next.pop() {
        let mut below = outline.tree.children(id).to_vec();
        below.sort_by_key(|id| (!outline.tree.is_user(*id), outline.name(*id)));
        next.extend(below.into_iter().rev());
        let Some(figures) = figures.get(id.index()) else { continue };
        rows.push(Row { path: outline.path(id), is_user: outline.tree.is_user(id), figures });
    }
    rows
}

/// The row of this student, and those of the groups above it. None if there is no such student.
pub(super) fn only<'a>(mut rows: Vec<Row<'a>>, student: &str) -> Vec<Row<'a>> {
    let place = rows.iter().position(|row| row.user() == Some(student));
    rows.truncate(place.map_or(0, |place| place + 1));
    let mut depth = usize::MAX;
    let is_above = |row: &Row| {
        let above = row.path.len() < depth;
        depth = depth.min(row.path.len());
        above
    };
    let mut line: Vec<Row<'a>> = rows.into_iter().rev().filter(is_above).collect();
    line.reverse();
    line
}

impl Row<'_> {
    /// Its own name, or of a student its group's, as in Slurm.
    fn account(&self) -> &str {
        let account = if self.is_user { self.path.iter().nth_back(1) } else { self.path.last() };
        account.copied().unwrap_or_default()
    }

    fn user(&self) -> Option<&str> {
        self.path.last().copied().filter(|_| self.is_user)
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let it = self.figures;
        let depth = self.path.len().saturating_sub(1);
        [
            format!("{}{}", " ".repeat(depth), self.account()),
            self.user().unwrap_or_default().to_owned(),
            it.raw_shares.map(|shares| shares.to_string()).unwrap_or_default(),
            decimals(it.norm_shares),
            it.raw_usage.to_string(),
            decimals(it.effectv_usage),
            it.fair_share.map(decimals).unwrap_or_default(),
            it.level_fs.map(|ratio| decimals(ratio.to_f64())).unwrap_or_default(),
        ]
    }

    fn json(&self) -> Value {
        let it = self.figures;
        json!({
            "path": self.path.join("/"),
            "account": self.account(),
            "user": self.user(),
            "raw_shares": it.raw_shares,
            "norm_shares": it.norm_shares,
            "raw_usage": it.raw_usage,
            "effectv_usage": it.effectv_usage,
            "fair_share": it.fair_share,
            "level_fs": it.level_fs.map(number),
            "rank": it.rank,
        })
    }
}

/// As Slurm prints it: six decimals, and `inf`.
fn decimals(number: f64) -> String {
    format!("{number:.6}")
}

/// JSON has no infinity; the word is one that Python's `float` and JavaScript's `Number` take for it.
fn number(ratio: LevelFs) -> Value {
    let number = ratio.to_f64();
    if number.is_finite() { json!(number) } else { json!("Infinity") }
}

/// Prints them as JSON, with what there is to say about all of them.
pub(super) fn print_json(rows: &[Row], algorithm: Algorithm, about: Option<Value>) -> Result<(), Failure> {
    let name = match algorithm {
        Algorithm::FairTree => "fair-tree",
        Algorithm::Classic => "classic",
    };
    let nodes: Vec<_> = rows.iter().map(Row::json).collect();
    let mut body = json!({"algorithm": name, "nodes": nodes});
    if let (Some(body), Some(Value::Object(about))) = (body.as_object_mut(), about) {
        body.extend(about);
    }
    output::json(&body)
}

/// Prints them as Slurm does.
pub(super) fn print_table(rows: &[Row], algorithm: Algorithm) -> Result<(), Failure> {
    let shown = match algorithm {
        Algorithm::FairTree => COLUMNS.len(),
        Algorithm::Classic => COLUMNS.len() - 1,
    };
    let rows: Vec<_> = rows.iter().map(Row::cells).collect();
    let mut widths = COLUMNS.map(|(_, width)| width);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |cells: [&str; COLUMNS.len()]| {
        let padded = cells.iter().zip(widths).enumerate().take(shown).map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        output::line(padded.collect::<Vec<_>>().join(" ").trim_end())
    };
    line(COLUMNS.map(|(name, _)| name))?;
    line(widths.map(|width| "-".repeat(width)).each_ref().map(String::as_str))?;
    rows.iter().try_for_each(|row| line(row.each_ref().map(String::as_str)))
}
