//! What the JSON schemas that come of our types mean for TOML.

use serde_json::{Map, Value, json};

/// TOML has no null: an optional key is left out, or in a lab `false`, where that `takes_away` what it would inherit.
pub(in crate::config) fn without_null(table: &mut Value, takes_away: bool) {
    let keys = table.get_mut("properties").and_then(Value::as_object_mut);
    for key in keys.into_iter().flatten().filter_map(|(_, key)| key.as_object_mut()) {
        if key.get("default") == Some(&Value::Null) {
            key.remove("default");
        }
        let Some(kind) = kind_without_null(key) else { continue };
        if takes_away {
            key.insert("anyOf".to_owned(), json!([kind, {"const": false}]));
        } else {
            key.extend(kind);
        }
    }
}

/// Takes from a key's schema what it says of its values, without null; nothing if null is none of them.
fn kind_without_null(key: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    let null = json!("null");
    if let Some(Value::Array(kinds)) = key.get("anyOf") {
        let kind = kinds.iter().find(|kind| kind.get("type") != Some(&null))?.as_object().cloned();
        key.remove("anyOf");
        return kind;
    }
    let Some(Value::Array(types)) = key.get("type") else { return None };
    let only = types.iter().find(|name| **name != null)?.clone();
    let mut kind = Map::from_iter([("type".to_owned(), only)]);
    key.remove("type");
    for part in ["format", "enum", "items", "minimum", "maximum"] {
        kind.extend(key.remove(part).map(|value| (part.to_owned(), value)));
    }
    Some(kind)
}

/// What a schema means: what it refers to, in the place of the reference.
pub(in crate::config) fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let target =
        schema.get("$ref").and_then(Value::as_str).and_then(|to| root.pointer(to.trim_start_matches('#')));
    target.unwrap_or(schema)
}

/// The schema of the values that a key has, and whether `false` takes the key away.
pub(in crate::config) fn kind_of<'s>(root: &'s Value, schema: &'s Value) -> (&'s Value, bool) {
    match schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([kind, _]) => (resolved(root, kind), true),
        _ => (resolved(root, schema), false),
    }
}
