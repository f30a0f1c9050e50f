//! Where in a course file a key stands.

use toml::de::{DeTable, DeValue};

/// The line of `key`, such as `pool.kvm-clusters.grid_minutes`, or of as much of it as there is: a key that is missing is
/// told by the table that lacks it. In a list of tables, the one is meant whose `id` or `name` comes next in the key.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let at = find(document.get_ref(), key)?;
    Some(text.get(..at)?.matches('\n').count() + 1)
}

/// The offset at which the deepest known part of `key` stands.
fn find(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == first)?;
    let here = name.span().start;
    match value.get_ref() {
        _ if rest.is_empty() => Some(here),
        DeValue::Table(inner) => Some(find(inner, rest).unwrap_or(here)),
        DeValue::Array(entries) => {
            let (wanted, rest) = rest.split_once('.').unwrap_or((rest, ""));
            let entry = entries.iter().find(|entry| is_called(entry.get_ref(), wanted));
            let Some(entry) = entry else { return Some(here) };
            let inside = entry.get_ref().as_table().and_then(|inner| find(inner, rest));
            Some(inside.unwrap_or(entry.span().start))
        }
        _ => Some(here),
    }
}

fn is_called(entry: &DeValue<'_>, wanted: &str) -> bool {
    let Some(table) = entry.as_table() else { return false };
    ["id", "name"].iter().any(|key| {
        let name = table.get(*key).and_then(|value| value.get_ref().as_str());
        name == Some(wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "[course]\nid = 1\n\n[[pool]]\nid = \"a\"\n[[pool]]\nid = \"b\"\ngrid = 7\nnet = { cidr = 1 }\n";

    #[test]
    fn keys_are_found_and_missing_ones_by_their_tables() {
        let line = |key| line_of(TEXT, key);
        assert_eq!(line("course.id"), Some(2));
        assert_eq!(line("pool.b.grid"), Some(8));
        assert_eq!(line("pool.b.net.cidr"), Some(9));
        assert_eq!(line("pool.a.grid"), Some(4));
        assert_eq!(line("pool.c.grid"), Some(4));
        assert_eq!(line("course.zone"), Some(1));
        assert_eq!(line("lab.k8s"), None);
    }
}
