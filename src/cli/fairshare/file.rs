//! Shares and usage from a CSV file: `account,shares,usage`.
//!
//! An account is a path, as `root/section-a/team-1/ff524`. What has nothing below it is a student. A group needs no row; with
//! one it has the shares that the row says.

use std::collections::HashSet;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::cli::Failure;
use crate::policy::fair_share::paths::{Entry, Outline, Wrong};
use crate::policy::fair_share::tree::Kind;

const HEADER: [&str; 3] = ["account", "shares", "usage"];

/// The tree that the file describes, or all that is wrong with it, a line each:
/// `usage.csv:3: shares: it is "x"; a whole number from 0 to 4294967295 is wanted`.
pub(super) fn read(file: &Path) -> Result<Outline, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read(file).map_err(|error| Failure(format!("{name}: {error}")))?;
    parse(&name, &text).map_err(|errors| Failure(errors.join("\n")))
}

struct Row<'a> {
    line: u64,
    account: &'a str,
    shares: &'a str,
    usage: &'a str,
}

fn parse(name: &str, text: &[u8]) -> Result<Outline, Vec<String>> {
    let records = records(name, text)?;
    let rows: Vec<Row> = records.iter().map(|record| Row::of(record, text)).collect();
    let mut errors: Vec<Wronged> = Vec::new();
    let groups = groups(&rows);
    let entries: Vec<Entry> = rows.iter().map(|row| row.entry(&groups, &mut errors)).collect();
    let outline = Outline::new(&entries);
    for fault in outline.as_ref().err().into_iter().flatten() {
        if let Some(row) = rows.get(fault.entry) {
            let (column, what) = fault_in_words(&fault.what, &rows);
            errors.push((row.line, column, what));
        }
    }
    errors.sort();
    let errors: Vec<_> =
        errors.into_iter().map(|(line, column, what)| format!("{name}:{line}: {column}: {what}")).collect();
    outline.ok().filter(|_| errors.is_empty()).ok_or(errors)
}

/// Line, column, and what is wrong there and would be right.
type Wronged = (u64, &'static str, String);

fn records(name: &str, text: &[u8]) -> Result<Vec<StringRecord>, Vec<String>> {
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(text);
    let header = reader.headers().map_err(|error| vec![format!("{name}: {error}")])?;
    if header.iter().ne(HEADER) {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(vec![format!("{name}:1: the header is \"{found}\"; {} is wanted", HEADER.join(","))]);
    }
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    for record in reader.records() {
        match record {
            Ok(record) if record.len() == HEADER.len() => records.push(record),
            Ok(record) => errors.push(format!(
                "{name}:{}: the line has {} columns; three are wanted, {}",
                line_of(record.position(), text),
                record.len(),
                HEADER.join(",")
            )),
            Err(error) if error.position().is_some() => {
                errors.push(format!("{name}:{}: it is no text in UTF-8", line_of(error.position(), text)));
            }
            Err(error) => errors.push(format!("{name}: {error}")),
        }
    }
    if errors.is_empty() { Ok(records) } else { Err(errors) }
}

/// The line in which a record begins. Its position is before the empty lines that were skipped to get to it.
fn line_of(position: Option<&csv::Position>, text: &[u8]) -> u64 {
    let Some(position) = position else { return 0 };
    let from = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let skipped = from.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|byte| **byte == b'\n');
    position.line() + u64::try_from(skipped.count()).unwrap_or_default()
}

/// The paths that others are below.
fn groups<'a>(rows: &[Row<'a>]) -> HashSet<&'a str> {
    let above = |account: &'a str| {
        let cuts = account.match_indices('/').map(|(at, _)| at);
        cuts.filter_map(move |at| account.get(..at))
    };
    rows.iter().flat_map(|row| above(row.account)).collect()
}

impl<'a> Row<'a> {
    fn of(record: &'a StringRecord, text: &[u8]) -> Self {
        let cell = |column| record.get(column).unwrap_or_default();
        Self { line: line_of(record.position(), text), account: cell(0), shares: cell(1), usage: cell(2) }
    }

    fn entry(&self, groups: &HashSet<&str>, errors: &mut Vec<Wronged>) -> Entry {
        let kind = if !groups.contains(self.account) && self.account.contains('/') {
            Kind::User { usage: self.number("usage", self.usage, u64::MAX, errors) }
        } else {
            self.check_that_a_group_has_no_usage(errors);
            Kind::Group
        };
        let shares = self.number("shares", self.shares, u32::MAX.into(), errors);
        Entry {
            path: self.account.split('/').map(str::to_owned).collect(),
            kind,
            shares: u32::try_from(shares).unwrap_or(u32::MAX),
        }
    }

    fn check_that_a_group_has_no_usage(&self, errors: &mut Vec<Wronged>) {
        if !self.usage.is_empty() {
            let what = format!(
                "it is {:?}, but {} is a group, whose usage is the sum of what is below it; nothing is wanted here",
                self.usage, self.account
            );
            errors.push((self.line, "usage", what));
        }
    }

    fn number(&self, column: &'static str, text: &str, most: u64, errors: &mut Vec<Wronged>) -> u64 {
        text.parse().ok().filter(|number| *number <= most).unwrap_or_else(|| {
            let found = if text.is_empty() { "it is empty".to_owned() } else { format!("it is {text:?}") };
            errors.push((self.line, column, format!("{found}; a whole number from 0 to {most} is wanted")));
            0
        })
    }
}

fn fault_in_words(wrong: &Wrong, rows: &[Row]) -> (&'static str, String) {
    let line = |index: &usize| rows.get(*index).map_or(0, |row| row.line);
    let account = |what: String| ("account", what);
    match wrong {
        Wrong::NoName => {
            account("a name in it is empty; names and slashes are wanted, as root/team-1/ff524".to_owned())
        }
        Wrong::OtherRoot => {
            let root = rows.iter().find_map(|row| row.account.split('/').next()).unwrap_or_default();
            account(format!("it begins with another name than the first account; {root}/... is wanted"))
        }
        Wrong::Twice(first) => {
            account(format!("line {} has the same; one line for each is wanted", line(first)))
        }
        Wrong::BelowUser(other) => {
            account(format!("line {} is below it; a group without usage is wanted", line(other)))
        }
        Wrong::RootIsUser => account("it is the root; a group is wanted".to_owned()),
        Wrong::TooMuch => {
            let what = format!("up to here it exceeds {} in total; a larger unit is wanted", u64::MAX);
            ("usage", what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        parse("f.csv", text.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_has_nothing_below_it_is_a_student() {
        let text = "account,shares,usage\nroot/a/u1, 2, 30\nroot/a,5,\nroot/u2,0,1\n\nroot,,\n";
        let errors = wrong(text);
        assert_eq!(errors, ["f.csv:6: shares: it is empty; a whole number from 0 to 4294967295 is wanted"]);
        let outline = parse("f.csv", text.replace("root,,", "root,1,").as_bytes()).unwrap();
        let users: Vec<_> = outline.tree.ids().filter(|id| outline.tree.is_user(*id)).collect();
        assert_eq!(users.iter().map(|id| outline.name(*id)).collect::<Vec<_>>(), ["u2", "u1"]);
    }

    #[test]
    fn every_error_is_told_with_its_line_and_column() {
        let text = "account,shares,usage\nroot/a,1,7\nroot/a/u1,x,-3\nroot/b/u2,1,\nroot/a/u1,1,2\nhome/u3,1,1\nroot//u4,1,1\n";
        let whole = "a whole number from 0 to";
        assert_eq!(
            wrong(text),
            [
                "f.csv:2: usage: it is \"7\", but root/a is a group, whose usage is the sum of what is below it; nothing is wanted here".to_owned(),
                format!("f.csv:3: shares: it is \"x\"; {whole} 4294967295 is wanted"),
                format!("f.csv:3: usage: it is \"-3\"; {whole} 18446744073709551615 is wanted"),
                format!("f.csv:4: usage: it is empty; {whole} 18446744073709551615 is wanted"),
                "f.csv:5: account: line 3 has the same; one line for each is wanted".to_owned(),
                "f.csv:6: account: it begins with another name than the first account; root/... is wanted".to_owned(),
                "f.csv:7: account: a name in it is empty; names and slashes are wanted, as root/team-1/ff524".to_owned(),
            ]
        );
    }

    #[test]
    fn a_file_of_another_shape_is_told_so() {
        assert_eq!(
            wrong("name,shares\n"),
            ["f.csv:1: the header is \"name,shares\"; account,shares,usage is wanted"]
        );
        assert_eq!(
            wrong("account,shares,usage\na/b,1\n\na/c,1,2,3\n"),
            [
                "f.csv:2: the line has 2 columns; three are wanted, account,shares,usage",
                "f.csv:4: the line has 4 columns; three are wanted, account,shares,usage"
            ]
        );
        let most = u64::MAX;
        assert_eq!(
            wrong(&format!("account,shares,usage\na/b,1,{most}\na/c,1,1\n")),
            [format!("f.csv:3: usage: up to here it exceeds {most} in total; a larger unit is wanted")]
        );
        assert_eq!(
            parse("f.csv", b"account,shares,usage\n\xff/b,1,2\n").unwrap_err(),
            ["f.csv:2: it is no text in UTF-8"]
        );
    }
}
