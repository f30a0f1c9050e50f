//! From text to rows with the lines in which they begin.

use csv::{ReaderBuilder, StringRecord};

use super::{MOST_ROWS, Refused, RowError, text};

/// A row that has something in it.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The line in which it begins, the first being 1.
    pub(super) line: u64,
    cells: StringRecord,
}

impl Record {
    /// The cell in a column, as it is meant; nothing if the row ends before.
    pub(super) fn cell(&self, column: usize) -> String {
        text::cell(self.cells.get(column).unwrap_or_default())
    }

    /// All cells, as they are meant.
    pub(super) fn cells(&self) -> impl Iterator<Item = String> {
        self.cells.iter().map(text::cell)
    }

    /// How many columns it has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// How many columns it has, empty ones at its end not counted.
    pub(super) fn width(&self) -> usize {
        let filled = self.cells.iter().rev().skip_while(|cell| cell.trim().is_empty());
        filled.count()
    }
}

/// A file's header and what is below it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) header: Record,
    pub(super) records: Vec<Record>,
}

const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Reads the rows. The separator is the one by which the header has the most columns, or the one that a first line `sep=;` says.
pub(super) fn parse(text: &str) -> Result<Table, Refused> {
    let (said, skipped) =
        said_separator(text).map_or((None, 0), |(separator, bytes)| (Some(separator), bytes));
    let separator = said.unwrap_or_else(|| likely_separator(text));
    if let Some(line) = unclosed(text, char::from(separator)) {
        let what = "a quotation mark opens here and never closes; one is wanted at the end of the cell";
        return Err(Refused::of(vec![RowError::new(line, None, what)]));
    }
    let mut records = records(text, skipped, separator);
    let Some(header) = records.next() else {
        return Err(Refused::whole("the file is empty; a header and a line for each student are wanted"));
    };
    let records: Vec<Record> = records.take(MOST_ROWS + 1).collect();
    match records.get(MOST_ROWS) {
        Some(first) => {
            let what = format!("the file goes on here; a roster has {MOST_ROWS} rows at most");
            Err(Refused::of(vec![RowError::new(first.line, None, what)]))
        }
        None => Ok(Table { header, records }),
    }
}

/// What a first line such as `sep=;` says, and how many bytes it has.
fn said_separator(text: &str) -> Option<(u8, usize)> {
    let line = text.lines().next()?;
    let said = line.trim_matches('"').strip_prefix("sep=")?;
    let separator = SEPARATORS.into_iter().find(|it| said.as_bytes() == [*it])?;
    Some((separator, line.len()))
}

fn likely_separator(text: &str) -> u8 {
    let width = |separator: u8| records(text, 0, separator).next().map_or(0, |header| header.width());
    // Of several with as many the first counts, which `max_by_key` would not take.
    SEPARATORS.into_iter().rev().max_by_key(|separator| width(*separator)).unwrap_or(b',')
}

/// The rows from a byte on that have something in them.
fn records(text: &str, from: usize, separator: u8) -> impl Iterator<Item = Record> {
    let body = text.get(from..).unwrap_or_default();
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(body.as_bytes());
    let mut lines = Lines { text: body, at: 0, line: 1 };
    // The text is UTF-8 and is in memory, rows may be of any length: reading it can't fail.
    reader.into_records().map_while(Result::ok).filter_map(move |cells| {
        let begins = cells.position().and_then(|position| usize::try_from(position.byte()).ok());
        let record = Record { line: lines.line_of(begins.unwrap_or(0)), cells };
        (record.width() > 0).then_some(record)
    })
}

/// Counts lines up to where each row begins.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the row at or after a byte. The reader says where it was before it passed over empty lines.
    fn line_of(&mut self, byte: usize) -> u64 {
        let rest = self.text.get(byte..).unwrap_or_default();
        let begins = byte + (rest.len() - rest.trim_start_matches('\n').len());
        let passed = self.text.get(self.at..begins).unwrap_or_default();
        self.line += u64::try_from(passed.matches('\n').count()).unwrap_or(0);
        self.at = begins;
        self.line
    }
}

/// Where in a cell a character is. The number is the line in which the cell's mark opened.
#[derive(Clone, Copy)]
enum Place {
    Start,
    Plain,
    Quoted(u64),
    Closed(u64),
}

/// The line in which a cell begins whose quotation mark never closes: all that follows would be taken for its text.
fn unclosed(text: &str, separator: char) -> Option<u64> {
    let (mut line, mut place) = (1, Place::Start);
    for character in text.chars() {
        place = match (place, character) {
            (Place::Start, '"') => Place::Quoted(line),
            (Place::Quoted(opened), '"') => Place::Closed(opened),
            // Two marks within a quoted cell stand for one.
            (Place::Closed(opened), '"') | (Place::Quoted(opened), _) => Place::Quoted(opened),
            (_, other) if other == separator || other == '\n' => Place::Start,
            _ => Place::Plain,
        };
        line += u64::from(character == '\n');
    }
    if let Place::Quoted(opened) = place { Some(opened) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u64, Vec<String>)> {
        let table = parse(text).unwrap();
        table.records.iter().map(|record| (record.line, record.cells().collect())).collect()
    }

    #[test]
    fn rows_know_their_lines_whatever_is_between_them() {
        let text = "\n\na,b\n\n1,\"x\ny\"\n,\n\n\n2,\"q \"\"r\"\"\"\n\n";
        assert_eq!(
            lines(text),
            [(5, vec!["1".into(), "x y".into()]), (10, vec!["2".into(), "q \"r\"".into()])]
        );
    }

    #[test]
    fn separators_are_told_by_the_header() {
        for text in ["a;b\n\"1,5\";2\n", "a\tb\n1,5\t2\n", "sep=;\na;b\n1,5;2\n"] {
            let rows = lines(text);
            assert_eq!(rows[0].1, ["1,5", "2"], "{text}");
        }
        assert_eq!(lines("sep=;\na;b\n1;2\n")[0].0, 3);
        assert_eq!(lines("a\n1\n")[0].1, ["1"]);
    }

    #[test]
    fn a_mark_that_never_closes_is_told_where_it_opens() {
        let line = |text: &str| parse(text).unwrap_err().errors[0].line;
        assert_eq!(line("a,b\n1,\"x\"\n2,\"y\n3,z\n"), 3);
        assert_eq!(line("a,b\n1,\"x\"\"\n2,y\n"), 2);
        assert!(parse("a,b\n1,5\" disk\n2,\"\"\n3,\"a\"\"b\"\n").is_ok());
    }

    #[test]
    fn an_empty_file_and_one_that_is_too_long_are_refused() {
        assert!(parse("\n\n").unwrap_err().to_string().contains("empty"));
        let long = format!("a\n{}", "1\n".repeat(MOST_ROWS + 1));
        let refused = parse(&long).unwrap_err();
        assert_eq!(refused.errors[0].line, u64::try_from(MOST_ROWS).unwrap() + 2);
        assert!(parse(&long[..long.len() - 2]).is_ok());
    }
}
