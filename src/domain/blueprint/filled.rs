//! User data with the booking's values filled in: `@@net_id@@` becomes `ff524`.

use std::collections::BTreeMap;

/// What a booking has of its own for user data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

const MARK: &str = "@@";

/// Names that every booking has values for. Beside them there is `address.NAME` for each server with a certain address.
pub const NAMES: [&str; 7] = ["booking", "lab", "login", "name", "net_id", "public_key", "secret"];

impl Values {
    /// No values.
    pub fn none() -> Self {
        Self::default()
    }

    /// With one more, or another in its place.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The text with each value in its place. What looks like a name and is none stays as it is.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        for part in parts(text) {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Name(name) => match self.0.get(name) {
                    Some(value) => filled.push_str(value),
                    None => filled.extend([MARK, name, MARK]),
                },
            }
        }
        filled
    }
}

/// The names that a text asks for.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    parts(text).filter_map(|part| match part {
        Part::Name(name) => Some(name),
        Part::Text(_) => None,
    })
}

#[derive(Debug, Clone, Copy)]
enum Part<'t> {
    Text(&'t str),
    Name(&'t str),
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = first(rest);
        rest = after;
        Some(part)
    })
}

/// The first part of a text that is not empty, and what comes after it.
fn first(text: &str) -> (Part<'_>, &str) {
    if let Some(inner) = text.strip_prefix(MARK) {
        if let Some((name, after)) = inner.split_once(MARK).filter(|(name, _)| is_name(name)) {
            return (Part::Name(name), after);
        }
        let (mark, after) = text.split_at(MARK.len());
        return (Part::Text(mark), after);
    }
    let (plain, after) = text.split_at(text.find(MARK).unwrap_or(text.len()));
    (Part::Text(plain), after)
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_and_all_else_stays() {
        let values = Values::none().with("net_id", "ff524").with("address.node-1", "192.168.1.11");
        let text = "echo @@net_id@@@@address.node-1@@ > a@@b; @@ -1,2 @@ @@Nothing@@ @@other@@ 100%@@";
        assert_eq!(
            values.fill(text),
            "echo ff524192.168.1.11 > a@@b; @@ -1,2 @@ @@Nothing@@ @@other@@ 100%@@"
        );
        assert_eq!(names(text).collect::<Vec<_>>(), ["net_id", "address.node-1", "other"]);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn without_values_a_text_stays(text in "[a@ _.]{0,40}") {
            prop_assert_eq!(Values::none().fill(&text), text);
        }
    }
}
