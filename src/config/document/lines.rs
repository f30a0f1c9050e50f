//! Where in a file a key stands.

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

/// A file's text, to look keys up in.
pub(super) struct Lines<'a> {
    text: &'a str,
    document: Option<Spanned<DeTable<'a>>>,
}

/// A key as the file has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its parts, joined: `defaults.policy.cap_hours` where a lab inherits it.
    pub(super) key: String,
    /// Its line from 1, or that of as much of it as there is; none if even its first part is missing.
    pub(super) line: Option<usize>,
}

/// How much of a key there is, and the offset of the last part that there is.
struct Found {
    parts: usize,
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, document: DeTable::parse(text).ok() }
    }

    /// Where `key` stands, such as `pool`, `kvm-clusters`, `grid_minutes`. In a list, an entry is meant by its `id` or
    /// `name`, else by its number from 1. A key that is missing is told by the table that lacks it. Of a course's lab
    /// and its defaults, that is meant which has more of the key.
    pub(super) fn place(&self, key: &[&str]) -> Place {
        let own = self.find(key);
        let ["lab", _, inner @ ..] = key else { return self.told(key, own) };
        let inherited = [&["defaults"], inner].concat();
        match (own, self.find(&inherited)) {
            // The inherited key is one part shorter: it has no lab's name.
            (Some(own), Some(found)) if found.parts + 1 > own.parts => self.told(&inherited, Some(found)),
            (own, _) => self.told(key, own),
        }
    }

    /// The line in which the byte at `offset` stands.
    pub(super) fn line(&self, offset: usize) -> Option<usize> {
        Some(self.text.get(..offset)?.matches('\n').count() + 1)
    }

    fn told(&self, key: &[&str], found: Option<Found>) -> Place {
        Place { key: key.join("."), line: found.and_then(|found| self.line(found.at)) }
    }

    fn find(&self, key: &[&str]) -> Option<Found> {
        find(self.document.as_ref()?.get_ref(), key)
    }
}

fn find(table: &DeTable<'_>, key: &[&str]) -> Option<Found> {
    let (first, rest) = key.split_first()?;
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == first)?;
    Some(deepest(name.span().start, value.get_ref(), rest))
}

/// The deepest part of `key` in `value`, or `value` itself, which stands at `at`.
fn deepest(at: usize, value: &DeValue<'_>, key: &[&str]) -> Found {
    let inner = match value {
        DeValue::Table(table) => find(table, key),
        DeValue::Array(entries) => key.split_first().and_then(|(wanted, rest)| {
            let entry = entry(entries, wanted)?;
            Some(deepest(entry.span().start, entry.get_ref(), rest))
        }),
        _ => None,
    };
    inner.map_or(Found { parts: 1, at }, |found| Found { parts: found.parts + 1, ..found })
}

fn entry<'d, 'i>(entries: &'d [Spanned<DeValue<'i>>], wanted: &str) -> Option<&'d Spanned<DeValue<'i>>> {
    let called = |entry: &&Spanned<DeValue<'_>>| {
        let table = entry.get_ref().as_table();
        let name = |key| table.and_then(|table| table.get(key)?.get_ref().as_str());
        NAMES.into_iter().any(|key| name(key) == Some(wanted))
    };
    let numbered = || entries.get(wanted.parse::<usize>().ok()?.checked_sub(1)?);
    entries.iter().find(called).or_else(numbered)
}

/// The keys that name a list's entry.
const NAMES: [&str; 2] = ["id", "name"];

/// What a list's entry is called in keys: its `id` or `name` if no other entry has the same, else its number from 1.
pub(super) fn entry_name(entries: &[Value], index: usize) -> String {
    let name = |entry: &Value| NAMES.into_iter().find_map(|key| entry.get(key)?.as_str().map(str::to_owned));
    let of_it = entries.get(index).and_then(name);
    let alone =
        |wanted: &String| entries.iter().filter(|entry| name(entry).as_ref() == Some(wanted)).count() == 1;
    of_it.filter(alone).unwrap_or_else(|| (index + 1).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[course]\nid = 1\n\n[[pool]]\nid = \"a\"\n[[pool]]\nid = \"b\"\ngrid = 7\nnet = { cidr = 1 }\n\
                        [[pool.closure]]\nfrom = 1\n[[pool.closure]]\nfrom = 2\n\
                        [defaults]\nunits = 1\npolicy.cap = 1\n[[lab]]\nid = \"k8s\"\npolicy.days = 2\n";

    fn place(key: &str) -> Place {
        Lines::of(TEXT).place(&key.split('.').collect::<Vec<_>>())
    }

    #[test]
    fn keys_are_found_and_missing_ones_by_their_tables() {
        let line = |key| place(key).line;
        assert_eq!(line("course.id"), Some(2));
        assert_eq!(line("pool.b.grid"), Some(8));
        assert_eq!(line("pool.2.grid"), Some(8));
        assert_eq!(line("pool.b.net.cidr"), Some(9));
        assert_eq!(line("pool.b.closure.2.from"), Some(13));
        assert_eq!(line("pool.b.closure.2.to"), Some(12));
        assert_eq!(line("pool.a.grid"), Some(4));
        assert_eq!(line("pool.c.grid"), Some(4));
        assert_eq!(line("course.zone"), Some(1));
        assert_eq!(line("site.kvm"), None);
    }

    #[test]
    fn what_a_lab_inherits_is_told_where_it_stands() {
        let told = |key| {
            let Place { key, line } = place(key);
            format!("{key} {}", line.unwrap())
        };
        assert_eq!(told("lab.k8s.units"), "defaults.units 15");
        assert_eq!(told("lab.k8s.policy.cap"), "defaults.policy.cap 16");
        assert_eq!(told("lab.k8s.policy.days"), "lab.k8s.policy.days 19");
        assert_eq!(told("lab.k8s.policy.none"), "lab.k8s.policy.none 19");
        assert_eq!(told("lab.k8s.pool"), "lab.k8s.pool 17");
        assert_eq!(told("lab.k8s"), "lab.k8s 17");
    }

    #[test]
    fn entries_are_called_by_what_only_they_have() {
        let text = "[[lab]]\nid = \"a\"\n[[lab]]\nid = \"a\"\n[[lab]]\nname = \"b\"\n[[lab]]\nid = 5\n";
        let table: toml::Table = toml::from_str(text).unwrap();
        let labs = table["lab"].as_array().unwrap();
        let names: Vec<String> = (0..4).map(|index| entry_name(labs, index)).collect();
        assert_eq!(names, ["1", "2", "b", "4"]);
    }
}
