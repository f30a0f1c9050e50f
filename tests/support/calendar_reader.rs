//! Mails and calendars as somebody else's program reads them.

use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::given;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/read_calendar.py");
const ZONE: &str = "America/New_York";

/// A mail.
#[derive(Debug, Deserialize)]
pub(crate) struct Mail {
    /// The type of the whole.
    pub(crate) structure: String,
    /// Its head.
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    /// What is shown: ways to read the same.
    pub(crate) shown: Vec<Part>,
    /// Files.
    pub(crate) attached: Vec<Part>,
}

/// A part of a mail.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    pub(crate) kind: String,
    pub(crate) method: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) calendar: Option<Calendar>,
    #[serde(default)]
    pub(crate) links: Vec<String>,
}

/// A calendar object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Calendar {
    pub(crate) method: String,
    pub(crate) version: String,
    pub(crate) product: String,
    pub(crate) name: String,
    pub(crate) events: Vec<Event>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    pub(crate) uid: String,
    pub(crate) sequence: u32,
    pub(crate) stamped: String,
    pub(crate) status: String,
    pub(crate) start: When,
    pub(crate) end: Option<When>,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) organizer: String,
    pub(crate) attendees: Vec<String>,
}

/// An instant in New York.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct When {
    /// `2025-03-09T00:30:00-05:00`
    pub(crate) iso: String,
    /// `Sun Mar 9, 00:30`
    pub(crate) words: String,
}

fn read<T: DeserializeOwned>(files: &[PathBuf]) -> Vec<T> {
    let mut command = Command::new(given("FAIRLEASE_TEST_PYTHON"));
    let output = command.arg(READER).arg(ZONE).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Mails in these files.
pub(crate) fn mails(files: &[PathBuf]) -> Vec<Mail> {
    read(files)
}

/// A calendar as it was answered.
pub(crate) fn calendar(text: &str) -> Calendar {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("read.ics");
    std::fs::write(&file, text).unwrap();
    read(&[file]).remove(0)
}
