//! Writes a roster in Fairlease's own form, which [`read`](super::read) reads.

use csv::{QuoteStyle, WriterBuilder};

/// A student, as a line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The net ID.
    pub net_id: String,
    /// What to call them.
    pub name: String,
    /// Where their mail goes.
    pub mail: String,
    /// Their section, if they are in one.
    pub section: Option<String>,
    /// Their team, if they are in one.
    pub team: Option<String>,
    /// Their shares.
    pub shares: i32,
    /// By which accounts the sites know them.
    pub cloud_users: Vec<String>,
}

const HEADER: [&str; 7] = ["net_id", "name", "mail", "section", "team", "shares", "cloud_user"];

/// The file's text in UTF-8. What a spreadsheet would take for a formula has an apostrophe before it.
pub fn write(entries: &[Entry]) -> Result<String, csv::Error> {
    let mut writer = WriterBuilder::new().quote_style(QuoteStyle::Necessary).from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for entry in entries {
        writer.write_record([
            entry.net_id.clone(),
            guarded(&entry.name),
            guarded(&entry.mail),
            entry.section.as_deref().map(guarded).unwrap_or_default(),
            entry.team.as_deref().map(guarded).unwrap_or_default(),
            entry.shares.to_string(),
            guarded(&entry.cloud_users.join("; ")),
        ])?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn guarded(cell: &str) -> String {
    let formula = |c: char| matches!(c, '=' | '+' | '-' | '@');
    if cell.starts_with(formula) { format!("'{cell}") } else { cell.to_owned() }
}
