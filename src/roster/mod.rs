//! Reads a course's roster from a CSV file, as Canvas, Brightspace and Gradescope export it or in Fairlease's own form.
//!
//! The format is told by the header. Columns are found by their titles, not by their places; what is not known is left out.
//! A file is good or it is not: if anything in it is wrong, all of it is refused, and all that is wrong is told with its line.
//! `docs/roster.md` says what each format has.

mod check;
mod columns;
mod groups;
mod person;
mod table;
mod text;
mod write;

use std::fmt;

pub use groups::name as group_name;
pub use write::{Entry, write};

use crate::domain::contact::MailDomain;
use crate::domain::roster::{Format, LeftOut, Roster, Row};
use columns::{Columns, Field};
use person::Read;
use table::Table;

/// The largest file, in bytes.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The most rows of a file, those of people who are no students among them.
pub const MOST_ROWS: usize = 50_000;
/// The longest name of a person, a section or a team in a file, in characters.
pub const MOST_OF_NAME: usize = 200;
/// How many errors are told.
pub const MOST_ERRORS: usize = 100;

/// What a file does not say by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Its format; told by its header if nothing is said.
    pub format: Option<Format>,
    /// The domain of the course's addresses: gives a net ID to an address, and an address to a net ID.
    pub mail_domain: Option<MailDomain>,
}

/// What is wrong in one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RowError {
    /// The line in which the row begins, the first being 1.
    pub line: u64,
    /// The title of the column, if it is one.
    pub column: Option<String>,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl RowError {
    fn new(line: u64, column: Option<&str>, what: impl Into<String>) -> Self {
        Self { line, column: column.map(str::to_owned), what: what.into() }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, what } = self;
        match column {
            Some(column) => write!(f, "line {line}: {column}: {what}"),
            None => write!(f, "line {line}: {what}"),
        }
    }
}

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Refused {
    /// What is wrong, by line; [`MOST_ERRORS`] at most.
    pub errors: Vec<RowError>,
    /// How many errors there are beside those.
    pub more: usize,
}

impl Refused {
    /// By line, and no more of them than are told.
    pub fn of(mut errors: Vec<RowError>) -> Self {
        errors.sort();
        errors.dedup();
        let more = errors.len().saturating_sub(MOST_ERRORS);
        errors.truncate(MOST_ERRORS);
        Self { errors, more }
    }

    fn whole(what: impl Into<String>) -> Self {
        Self::of(vec![RowError::new(1, None, what)])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.errors.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))?;
        if self.more > 0 { write!(f, "\nand {} more", self.more) } else { Ok(()) }
    }
}

impl std::error::Error for Refused {}

/// Reads a roster, or tells all that is wrong with it.
pub fn read(bytes: &[u8], options: &Options) -> Result<Roster, Refused> {
    if bytes.len() > MOST_BYTES {
        return Err(Refused::whole(format!(
            "the file has {} bytes; a roster has {MOST_BYTES} at most",
            bytes.len()
        )));
    }
    let decoded = text::decode(bytes).map_err(Refused::whole)?;
    let table = table::parse(&decoded.text)?;
    let columns = columns::find(&table, options.format)?;
    if columns.at(Field::Mail).is_none() && options.mail_domain.is_none() {
        return Err(Refused::of(vec![RowError::new(table.header.line, None, NO_MAIL)]));
    }
    let mut taken = take(&table, &columns, options.mail_domain.as_ref());
    let mut notes: Vec<String> = decoded.note.map(str::to_owned).into_iter().collect();
    let (rows, twice) = check::once(taken.rows, &columns, &mut taken.errors);
    if !taken.errors.is_empty() {
        return Err(Refused::of(taken.errors));
    }
    if rows.is_empty() {
        return Err(Refused::of(vec![RowError::new(table.header.line, None, "no student is in the file")]));
    }
    notes.extend(twice);
    Ok(grouped(columns.format, rows, taken.left_out, notes))
}

const NO_MAIL: &str = "no column has addresses for mail; say the course's mail domain, such as example.edu, so that \
                       mail goes to each net ID there";

/// What the rows came to, good ones and bad ones.
#[derive(Default)]
struct Taken {
    rows: Vec<Row>,
    left_out: Vec<LeftOut>,
    errors: Vec<RowError>,
}

fn take(table: &Table, columns: &Columns, domain: Option<&MailDomain>) -> Taken {
    let mut taken = Taken::default();
    for record in &table.records {
        match person::read(record, columns, domain) {
            Ok(Read::Student(row)) => taken.rows.push(row),
            Ok(Read::LeftOut(why)) => taken.left_out.push(LeftOut { line: record.line, why }),
            Ok(Read::NoPerson) => {}
            Err(errors) => taken.errors.extend(errors),
        }
    }
    taken
}

/// The roster with its sections and teams called as they can be called here.
fn grouped(format: Format, mut rows: Vec<Row>, left_out: Vec<LeftOut>, mut notes: Vec<String>) -> Roster {
    notes.extend(groups::one_section_each(&mut rows));
    let mut renamed = groups::rename(&mut rows, "section", |row| &mut row.section);
    renamed.extend(groups::rename(&mut rows, "team", |row| &mut row.team));
    Roster {
        format,
        has_sections: rows.iter().any(|row| row.section.is_some()),
        has_teams: rows.iter().any(|row| row.team.is_some()),
        rows,
        renamed,
        left_out,
        notes,
    }
}
