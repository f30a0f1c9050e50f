//! A record as the page shows it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::domain::audit::Object;
use crate::services::audit::told::{Line, Someone};
use crate::web::pages::audit::{AuditRow, Change, Object as Thing};
use crate::web::pages::layout::Link;
use crate::web::present;

/// The record in some lines.
pub(super) fn row(zone: Tz, now: DateTime<Utc>, line: &Line) -> AuditRow {
    let eyes = line.behalf.as_ref().map(|behalf| format!(", with the eyes of {}", behalf.name()));
    AuditRow {
        number: line.number,
        at: present::when(zone, now, line.at),
        sentence: line.sentence(),
        came: format!("{}{}", line.came(), eyes.unwrap_or_default()),
        why: line.why.clone(),
        object: line.object.as_ref().map(|text| thing(text, line)),
        more: more(line),
        changes: changes(line.before.as_ref(), line.after.as_ref()),
        forgotten: !line.details,
        request: line.request.clone(),
    }
}

fn thing(text: &str, line: &Line) -> Thing {
    Thing {
        text: text.replacen(':', " ", 1),
        href: line.object().as_ref().and_then(|object| href(object, line)),
    }
}

/// The page of an object, if it has one that staff see.
fn href(object: &Object, line: &Line) -> Option<String> {
    Some(match object {
        Object::Announcement(id) => format!("/staff/announcements/{id}"),
        Object::Booking(id) => format!("/bookings/{id}"),
        Object::Exception(_) => {
            let told = line.after.as_ref().or(line.before.as_ref())?;
            format!("/staff/labs/{}#exceptions-title", told.get("lab")?.as_str()?)
        }
        Object::Exemption(_) | Object::Pause(_) => "/staff/reaper/exemptions".to_owned(),
        Object::Lab(id) => format!("/staff/labs/{id}"),
        Object::Outage(id) => format!("/staff/outages/{id}"),
        Object::Notice(_) => "/staff/mail?show=given_up".to_owned(),
        Object::Site(_) => "/sites".to_owned(),
        Object::Sweep(id) => format!("/staff/reaper/sweeps/{id}"),
        Object::Course(_) | Object::Import(_) | Object::Session(_) | Object::Token(_) => return None,
    })
}

fn more(line: &Line) -> Vec<Link> {
    let records = |key: &str, what: &str, whom: &Someone| {
        Link::new(
            format!("/staff/audit?{key}={}", present::escape(&whom.id)),
            format!("{what} {}", whom.name()),
        )
    };
    let by = line.actor.as_ref().map(|actor| records("actor", "All done by", actor));
    let about = line.about.as_ref().map(|about| records("about", "All about", about));
    by.into_iter().chain(about).collect()
}

/// How many changes of one record are shown: a course has many, and the export has all.
const MOST: usize = 100;

/// What differs, and what was there on one side alone: each value by its place.
fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let mut both: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    if let Some(before) = before {
        flat("", before, &mut |at, text| both.entry(at).or_default().0 = Some(text));
    }
    if let Some(after) = after {
        flat("", after, &mut |at, text| both.entry(at).or_default().1 = Some(text));
    }
    let change = |(what, (before, after))| Change { what, before, after };
    both.into_iter().map(change).filter(|it| it.before.is_some() || it.after.is_some()).take(MOST).collect()
}

/// Each value within `value` that is no object, with its place: `grant.value`.
fn flat(at: &str, value: &Value, found: &mut impl FnMut(String, String)) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, inner) in fields {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                flat(&at, inner, found);
            }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items: Vec<String> = items.iter().map(text).collect();
            found(name(at), items.join(", "));
        }
        other => found(name(at), text(other)),
    }
}

fn name(at: &str) -> String {
    if at.is_empty() { "value".to_owned() } else { at.to_owned() }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_told_place_by_place() {
        let before = json!({"section": "a", "team": null, "shares": 1});
        let after = json!({"section": "b", "team": "red", "shares": 1});
        let told: Vec<_> = changes(Some(&before), Some(&after))
            .into_iter()
            .map(|it| (it.what, it.before.unwrap_or_default(), it.after.unwrap_or_default()))
            .collect();
        let row =
            |what: &str, before: &str, after: &str| (what.to_owned(), before.to_owned(), after.to_owned());
        assert_eq!(told, [row("section", "a", "b"), row("shares", "1", "1"), row("team", "", "red")]);
        let accounts = changes(Some(&json!([])), Some(&json!(["f.field", "0a1b"])));
        assert_eq!(accounts[0].after.as_deref(), Some("f.field, 0a1b"));
        assert_eq!(changes(None, None), []);
    }
}
