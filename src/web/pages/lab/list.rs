//! The week of starts as a list.

use askama::Template;
use askama::filters::HtmlSafe;

use super::{Free, Mine, WeekBar};

/// The starts of seven days, one after the other: for those who would rather read than look.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/list.html")]
pub struct List {
    /// What stands above it.
    pub bar: WeekBar,
    /// The days on which there is something to say.
    pub days: Vec<ListDay>,
}

impl HtmlSafe for List {}

/// A day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDay {
    /// `Tue Nov 24`, `Tue Nov 24, today`.
    pub title: String,
    /// `2026-11-24`.
    pub iso: String,
    /// `20 free`, `odd IDs`.
    pub note: String,
    /// What follows what on it.
    pub runs: Vec<Run>,
}

/// Starts of a day that follow each other and are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// They can be chosen.
    Free(Vec<Free>),
    /// They can't.
    Closed {
        /// `07:00 to 14:00`.
        span: String,
        /// Why, in a sentence.
        why: String,
    },
    /// A booking of the reader.
    Mine(Mine),
}
