//! What labs inherit from `[defaults]`.

use serde_json::Value as Schema;
use toml::{Table, Value};

use crate::config::document::schema::kind_of;

/// Gives each lab what it inherits, and takes the defaults out. Tables are merged key by key, all else is replaced whole.
/// An optional key that is `false` then goes, as `schema` has it.
pub(super) fn inherit(file: &mut Table, schema: &Schema) {
    let defaults = match file.remove("defaults") {
        Some(Value::Table(mut defaults)) => {
            defaults.remove("id");
            defaults.remove("title");
            defaults
        }
        _ => Table::new(),
    };
    let Some(table) = schema.pointer("/$defs/LabTable") else { return };
    let labs = file.get_mut("lab").and_then(Value::as_array_mut);
    for lab in labs.into_iter().flatten().filter_map(Value::as_table_mut) {
        fill(lab, &defaults);
        take_away(lab, schema, table);
    }
}

fn fill(table: &mut Table, defaults: &Table) {
    for (key, default) in defaults {
        match (table.get_mut(key), default) {
            (Some(Value::Table(own)), Value::Table(default)) => fill(own, default),
            (Some(_), _) => {}
            (None, default) => {
                table.insert(key.clone(), default.clone());
            }
        }
    }
}

fn take_away(table: &mut Table, root: &Schema, schema: &Schema) {
    let kind = |key: &str| schema.get("properties")?.get(key).map(|schema| kind_of(root, schema));
    table.retain(|key, value| {
        *value != Value::Boolean(false) || !kind(key).is_some_and(|(_, optional)| optional)
    });
    for (key, inner) in table.iter_mut() {
        if let (Some(inner), Some((schema, _))) = (inner.as_table_mut(), kind(key)) {
            take_away(inner, root, schema);
        }
    }
}
