//! The audit log for other programs: some records at a time, so that a log of any length passes through little memory.

use serde_json::Value;

use super::told::{Line, Sight, Someone, lines};
use crate::db::{AuditFilter, AuditOrder, Conn, DbError};

/// How a log is written for other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object in each line: all that a record has, so that its hash can be made again.
    JsonLines,
    /// A table for spreadsheets.
    Csv,
}

impl Format {
    /// Reads `jsonl` or `csv`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "jsonl" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// How names of such files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::JsonLines => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// How many records are read at a time.
const BATCH: i64 = 500;

const HEADER: [&str; 17] = [
    "number", "at", "who", "actor", "behalf", "way", "token", "action", "about", "about_id", "object",
    "course", "why", "before", "after", "request", "hash",
];

/// A part of an export, and after which record the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What is written.
    pub bytes: Vec<u8>,
    /// The last record in it.
    pub last: i64,
}

/// The part of an export that begins after this record, in the order of their times; the first one without. Nothing once all
/// is written.
pub fn part(
    conn: &mut Conn<'_>,
    filter: &AuditFilter,
    sight: Sight,
    format: Format,
    after: Option<i64>,
) -> Result<Option<Part>, DbError> {
    let some = lines(conn, filter, AuditOrder::FirstFirst(after), BATCH, sight)?;
    let last = some.last().map(|line| line.number);
    let bytes = match format {
        Format::JsonLines => json_lines(&some),
        Format::Csv => csv(&some, after.is_none()),
    };
    let bytes = bytes.map_err(|error| DbError::Corrupt(format!("a record can't be written: {error}")))?;
    // A table without rows still has its header.
    Ok((!bytes.is_empty()).then_some(Part { bytes, last: last.unwrap_or(i64::MAX) }))
}

fn json_lines(lines: &[Line]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut bytes, line).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn csv(lines: &[Line], first: bool) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if first {
        writer.write_record(HEADER).map_err(|error| error.to_string())?;
    }
    for line in lines {
        writer.write_record(cells(line)).map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

fn cells(line: &Line) -> [String; HEADER.len()] {
    let id = |someone: &Option<Someone>| someone.as_ref().map(|it| it.id.clone()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    let name = |someone: &Option<Someone>| someone.as_ref().map(|it| it.name().to_owned());
    [
        line.number.to_string(),
        line.at.to_rfc3339(),
        harmless(line.who().to_owned()),
        id(&line.actor),
        id(&line.behalf),
        line.way.clone(),
        text(&line.token),
        line.action.clone(),
        name(&line.about).unwrap_or_default(),
        id(&line.about),
        text(&line.object),
        text(&line.course),
        harmless(text(&line.why)),
        json(&line.before),
        json(&line.after),
        text(&line.request),
        line.hash.clone(),
    ]
}

/// Spreadsheets calculate what begins so; after an apostrophe it is text to them.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_calculate_is_text() {
        assert_eq!(harmless("=1+1".to_owned()), "'=1+1");
        assert_eq!(harmless("ill".to_owned()), "ill");
    }
}
