//! Whether a TOML document has the shape that a JSON schema wants, with every error of it in plain words. It knows what
//! the schemas of this crate say, and TOML's dates, which JSON has not.

use std::net::Ipv4Addr;

use serde_json::Value as Schema;
use toml::value::Datetime;
use toml::{Table, Value};

use super::lines::entry_name;
use super::schema::{kind_of, resolved};

/// Something that has not the right shape.
pub(super) struct Wrong {
    /// The parts of its key.
    pub(super) key: Vec<String>,
    /// What is wrong, and what would be right.
    pub(super) what: String,
}

/// Everything about `document` that `schema` does not want.
pub(super) fn wrong(schema: &Schema, document: &Table) -> Vec<Wrong> {
    let mut walk = Walk { root: schema, key: Vec::new(), found: Vec::new() };
    walk.table(schema, document);
    walk.found
}

struct Walk<'s> {
    root: &'s Schema,
    key: Vec<String>,
    found: Vec<Wrong>,
}

impl<'s> Walk<'s> {
    fn wrong(&mut self, what: String) {
        self.found.push(Wrong { key: self.key.clone(), what });
    }

    fn at(&mut self, part: &str, look: impl FnOnce(&mut Self)) {
        self.key.push(part.to_owned());
        look(self);
        self.key.pop();
    }

    fn value(&mut self, schema: &'s Schema, value: &Value) {
        let (kind, may_be_false) = kind_of(self.root, schema);
        if may_be_false && *value == Value::Boolean(false) {
            return;
        }
        if !fits(kind, value) {
            return self.wrong(format!("it is {}; {} is wanted", name_of(value), self.wanted(kind)));
        }
        match value {
            Value::Table(table) => self.table(kind, table),
            Value::Array(entries) => self.entries(kind, entries),
            Value::String(text) => self.text(kind, text),
            Value::Integer(number) => self.whole_number(kind, *number),
            _ => {}
        }
    }

    /// A missing key that an unknown one was meant to be is not told.
    fn table(&mut self, schema: &'s Schema, table: &Table) {
        let Some(known) = schema.get("properties").and_then(Schema::as_object) else { return };
        let mut meant = Vec::new();
        for (key, value) in table {
            match known.get(key) {
                Some(schema) => self.at(key, |walk| walk.value(schema, value)),
                None => self.at(key, |walk| {
                    let missing = known.keys().filter(|known| !table.contains_key(*known));
                    let nearest = nearest(key, missing);
                    let keys = || known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    walk.wrong(nearest.map_or_else(
                        || format!("there is no such key; known here: {}", keys()),
                        |nearest| format!("there is no such key; is {nearest} meant?"),
                    ));
                    meant.extend(nearest);
                }),
            }
        }
        let required = schema.get("required").and_then(Schema::as_array).into_iter().flatten();
        for key in required.filter_map(Schema::as_str) {
            if !table.contains_key(key) && !meant.contains(&key) {
                self.at(key, |walk| walk.wrong("it is missing".to_owned()));
            }
        }
    }

    fn entries(&mut self, schema: &'s Schema, entries: &[Value]) {
        let Some(schema) = schema.get("items") else { return };
        for (index, entry) in entries.iter().enumerate() {
            self.at(&entry_name(entries, index), |walk| walk.value(schema, entry));
        }
    }

    fn text(&mut self, schema: &Schema, text: &str) {
        if let Some(words) = schema.get("enum").and_then(Schema::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Schema::as_str).collect();
            if !words.contains(&text) {
                self.wrong(format!("\"{text}\" is none of {}", words.join(", ")));
            }
        }
        if format_of(schema) == "ipv4" && text.parse::<Ipv4Addr>().is_err() {
            self.wrong(format!("\"{text}\" is not an IPv4 address such as 192.168.1.11"));
        }
    }

    fn whole_number(&mut self, schema: &Schema, number: i64) {
        let (least, most) = match format_of(schema) {
            "int32" => (i32::MIN.into(), i32::MAX.into()),
            "uint16" => (u16::MIN.into(), u16::MAX.into()),
            _ => (i64::MIN, i64::MAX),
        };
        if !(least..=most).contains(&number) {
            self.wrong(format!("{number} is not from {least} to {most}"));
        }
    }

    /// What a schema wants, in words.
    fn wanted(&self, schema: &'s Schema) -> &'static str {
        let items = schema.get("items").map(|items| resolved(self.root, items));
        match (type_of(schema), format_of(schema)) {
            (_, "date-time-local") => "a local time such as 2025-02-13T23:59, without quotes,",
            (_, "date") => "a date such as 2025-02-07, without quotes,",
            ("string", _) => "text",
            ("integer", _) => "a whole number",
            ("number", _) => "a number",
            ("boolean", _) => "true or false",
            ("array", _) if items.is_some_and(|items| type_of(items) == "object") => "a list of tables",
            ("array", _) => "a list",
            _ => "a table",
        }
    }
}

fn type_of(schema: &Schema) -> &str {
    schema.get("type").and_then(Schema::as_str).unwrap_or_default()
}

fn format_of(schema: &Schema) -> &str {
    schema.get("format").and_then(Schema::as_str).unwrap_or_default()
}

fn fits(schema: &Schema, value: &Value) -> bool {
    match (type_of(schema), format_of(schema), value) {
        (_, "date-time-local", Value::Datetime(at)) => {
            matches!(at, Datetime { date: Some(_), time: Some(_), offset: None })
        }
        (_, "date", Value::Datetime(at)) => {
            matches!(at, Datetime { date: Some(_), time: None, offset: None })
        }
        (_, "date-time-local" | "date", _) => false,
        ("string", _, Value::String(_))
        | ("integer", _, Value::Integer(_))
        | ("number", _, Value::Integer(_) | Value::Float(_))
        | ("boolean", _, Value::Boolean(_))
        | ("array", _, Value::Array(_))
        | ("object", _, Value::Table(_)) => true,
        _ => false,
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(true) => "true",
        Value::Boolean(false) => "false",
        Value::Datetime(at) => match (at.date, at.time, at.offset) {
            (Some(_), None, _) => "a date",
            (None, _, _) => "a time of day",
            (_, _, Some(_)) => "a time with an offset",
            _ => "a local time",
        },
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// The key that was meant, if one is near enough.
fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k String>) -> Option<&'k str> {
    let near = known.map(|known| (strsim::jaro_winkler(key, known), known.as_str()));
    near.filter(|(nearness, _)| *nearness > 0.87).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
