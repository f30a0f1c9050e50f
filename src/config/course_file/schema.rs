//! The JSON schemas of a course file: as it is written, and as it is once labs have what they inherit.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::{Value, json};

use super::CourseFile;
use crate::config::document::schema::without_null;

/// A local date and time, such as 2025-02-13T23:59.
pub(super) struct LocalTime;

/// A date, such as 2025-02-07.
pub(super) struct Date;

/// A weekday, such as Mon.
pub(super) struct WeekdayName;

macro_rules! inline {
    ($name:ident: $schema:tt) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

inline!(LocalTime: {"type": "string", "format": "date-time-local"});
inline!(Date: {"type": "string", "format": "date"});
inline!(WeekdayName: {"type": "string", "enum": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]});

/// The tables that a lab may have in part, since the defaults have the rest.
const INHERITED: [&str; 5] = ["LabTable", "PolicyTable", "WindowTable", "ParityTable", "BlueprintTable"];

/// What each lab has for itself.
const OWN: [&str; 2] = ["id", "title"];

/// The schema of a file whose labs have what they inherit.
pub(super) fn merged() -> Value {
    let mut schema = schema_for!(CourseFile).to_value();
    without_null(&mut schema, false);
    for (name, table) in schema.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flatten() {
        without_null(table, INHERITED.contains(&name.as_str()));
    }
    schema
}

/// The schema of a file as it is written: labs lack what they inherit.
pub(super) fn written() -> Value {
    let mut schema = merged();
    let Some(tables) = schema.get_mut("$defs").and_then(Value::as_object_mut) else { return schema };
    for name in INHERITED {
        if let Some(table) = tables.get_mut(name).and_then(Value::as_object_mut) {
            table.remove("required");
        }
    }
    let mut defaults = tables.get("LabTable").cloned().unwrap_or_default();
    if let Some(keys) = defaults.get_mut("properties").and_then(Value::as_object_mut) {
        keys.retain(|key, _| !OWN.contains(&key.as_str()));
    }
    if let Some(lab) = tables.get_mut("LabTable").and_then(Value::as_object_mut) {
        lab.insert("required".to_owned(), json!(OWN));
    }
    tables.insert("DefaultsTable".to_owned(), defaults);
    if let Some(keys) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let about = "What labs have that don't say otherwise. A lab's `false` takes an optional key away.";
        keys.insert("defaults".to_owned(), json!({"description": about, "$ref": "#/$defs/DefaultsTable"}));
    }
    schema
}
