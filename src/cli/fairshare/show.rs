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

/// Prints the figures of each node, each group followed by what is below it.
pub(super) fn print(
    outline: &Outline,
    figures: &[Figures],
    algorithm: Algorithm,
    json: bool,
) -> Result<(), Failure> {
    let rows = rows(outline, figures);
    if json { print_json(&rows, algorithm) } else { print_table(&rows, algorithm) }
}

struct Row<'a> {
    path: Vec<&'a str>,
    is_user: bool,
    figures: &'a Figures,
}

fn rows<'a>(outline: &'a Outline, figures: &'a [Figures]) -> Vec<Row<'a>> {
    let mut rows = Vec::with_capacity(figures.len());
    let mut next = vec![NodeId::ROOT];
    while let Some(id) = next.pop() {
        next.extend(outline.tree.children(id).iter().rev());
        let Some(figures) = figures.get(id.index()) else { continue };
        rows.push(Row { path: outline.path(id), is_user: outline.tree.is_user(id), figures });
    }
    rows
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

fn print_json(rows: &[Row], algorithm: Algorithm) -> Result<(), Failure> {
    let name = match algorithm {
        Algorithm::FairTree => "fair-tree",
        Algorithm::Classic => "classic",
    };
    let nodes: Vec<_> = rows.iter().map(Row::json).collect();
    output::json(&json!({"algorithm": name, "nodes": nodes}))
}

fn print_table(rows: &[Row], algorithm: Algorithm) -> Result<(), Failure> {
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
