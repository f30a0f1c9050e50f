//! The errors of a file, each with its place.

use super::lines::{Lines, Place};
use super::shape;

/// Collects errors. What is told twice of one place, since several labs inherit it, is told once.
pub(in crate::config) struct Report<'a> {
    name: &'a str,
    lines: Lines<'a>,
    errors: Vec<(usize, String)>,
}

impl<'a> Report<'a> {
    /// `name` is what errors call the file that says `text`.
    pub(in crate::config) fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, lines: Lines::of(text), errors: Vec::new() }
    }

    /// Tells what is wrong with the key of these parts.
    pub(in crate::config) fn error(&mut self, key: &[&str], what: impl std::fmt::Display) {
        let Place { key, line } = self.lines.place(key);
        self.add(line, &format!("{key}: {what}"));
    }

    /// Tells everything about `document` that `schema` does not want.
    pub(in crate::config) fn shape(&mut self, schema: &serde_json::Value, document: &toml::Table) {
        for wrong in shape::wrong(schema, document) {
            let key: Vec<&str> = wrong.key.iter().map(String::as_str).collect();
            self.error(&key, wrong.what);
        }
    }

    /// Tells why the text is no TOML.
    pub(in crate::config) fn syntax(&mut self, error: &toml::de::Error) {
        let line = error.span().and_then(|span| self.lines.line(span.start));
        self.add(line, error.message());
    }

    /// Tells something that has no place.
    pub(in crate::config) fn general(&mut self, what: &str) {
        self.add(None, what);
    }

    fn add(&mut self, line: Option<usize>, what: &str) {
        let place = line.map_or_else(String::new, |line| format!(":{line}"));
        let error = (line.unwrap_or(0), format!("{}{place}: {what}", self.name));
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Whether nothing is wrong so far.
    pub(in crate::config) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// All of it, in the order of the file.
    pub(in crate::config) fn finish(mut self) -> Vec<String> {
        self.errors.sort_by_key(|(line, _)| *line);
        self.errors.into_iter().map(|(_, error)| error).collect()
    }
}
