//! A course's roster as a file has it: who takes the course, and what the file says of them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::NetId;

/// In whose form a roster file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The gradebook as Canvas exports it.
    Canvas,
    /// The grades as Brightspace (D2L) exports them.
    Brightspace,
    /// The roster as Gradescope exports it.
    Gradescope,
    /// Fairlease's own.
    Plain,
}

impl Format {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Canvas, Self::Brightspace, Self::Gradescope, Self::Plain];

    /// The format as stored and as an option names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Canvas => "canvas",
            Self::Brightspace => "brightspace",
            Self::Gradescope => "gradescope",
            Self::Plain => "plain",
        }
    }

    /// What the format is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Canvas => "Canvas",
            Self::Brightspace => "Brightspace",
            Self::Gradescope => "Gradescope",
            Self::Plain => "Fairlease",
        }
    }
}

/// What is no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is none of canvas, brightspace, gradescope and plain")]
pub struct NoFormat;

impl FromStr for Format {
    type Err = NoFormat;
    fn from_str(text: &str) -> Result<Self, NoFormat> {
        Self::ALL.into_iter().find(|format| format.word() == text).ok_or(NoFormat)
    }
}

/// Where the mail of someone goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mail {
    /// To the address that the file gives.
    Given(String),
    /// To the net ID at the course's mail domain, since the file gives none. Who is known keeps the address that they have.
    Made(String),
}

impl Mail {
    /// The address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Given(address) | Self::Made(address) => address,
        }
    }
}

/// One student of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line in which it begins, the first being 1.
    pub line: u64,
    /// Who.
    pub net_id: NetId,
    /// What to call them; nothing if the file does not say.
    pub name: Option<String>,
    /// Where their mail goes.
    pub mail: Mail,
    /// Their section, by a name that a section can have here.
    pub section: Option<String>,
    /// Their team.
    pub team: Option<String>,
    /// Their shares among those beside them.
    pub shares: Option<i32>,
    /// By which accounts the sites know them; nothing if the file does not say.
    pub cloud_users: Option<Vec<String>>,
}

/// A section or a team that is called otherwise here than in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// As the file has it.
    pub from: String,
    /// As it is called here.
    pub to: String,
}

/// A line that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The line, the first being 1.
    pub line: u64,
    /// Why, in a sentence.
    pub why: String,
}

/// What a good file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// Its format.
    pub format: Format,
    /// The students, by their lines, each once.
    pub rows: Vec<Row>,
    /// Whether it says anything of sections. If not, sections stay as they are.
    pub has_sections: bool,
    /// Whether it says anything of teams.
    pub has_teams: bool,
    /// Sections and teams whose names were changed to fit.
    pub renamed: Vec<Renamed>,
    /// Lines of people who are no students.
    pub left_out: Vec<LeftOut>,
    /// What staff should know of how it was read, in sentences.
    pub notes: Vec<String>,
}

/// How far a roster is that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// What it changes is shown, and nothing is done.
    Previewed,
    /// It is to be applied, and part of it may be.
    Confirmed,
    /// All of it is applied.
    Done,
}

impl ImportState {
    const ALL: [Self; 3] = [Self::Previewed, Self::Confirmed, Self::Done];

    /// The state as stored and as programs read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Previewed => "previewed",
            Self::Confirmed => "confirmed",
            Self::Done => "done",
        }
    }

    /// Reads what [`ImportState::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}
