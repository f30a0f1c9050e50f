//! The search for a slot.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::web::pages::layout::{Field, NearestStart, Problem};

/// What the reader looks for, and the first slots that fit.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/find.html")]
pub struct Find {
    /// Where the form goes: the page itself.
    pub action: String,
    /// What is wrong with what was typed.
    pub problems: Vec<Problem>,
    /// Lengths to choose.
    pub lengths: Vec<LengthOption>,
    /// The days of the week.
    pub days: Vec<DayBox>,
    /// Dates and hours within which it is to be.
    pub fields: Vec<Field>,
    /// What was found, unless what was typed can't be read.
    pub found: Option<Found>,
}

impl HtmlSafe for Find {}

/// A length to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LengthOption {
    /// What the form sends.
    pub hours: String,
    /// `4 h`.
    pub text: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A day of the week to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayBox {
    /// The form's name for it, and what is read: `Sat`.
    pub name: String,
    /// Whether it is wanted.
    pub wanted: bool,
}

/// The first slots that fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// `The first 8 times for 4 h`, or that there is none.
    pub title: String,
    /// What to do where there is none.
    pub text: Option<String>,
    /// The slots.
    pub slots: Vec<NearestStart>,
}
