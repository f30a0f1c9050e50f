//! Which format a file has, and which of its columns says what.

use std::collections::BTreeMap;

use super::table::{Record, Table};
use super::{Refused, RowError};
use crate::domain::roster::Format;

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// The name by which someone signs in: a net ID, or an address that begins with it.
    Login,
    /// The whole name.
    Name,
    /// What comes last in the name.
    Last,
    /// What comes first in the name.
    First,
    /// The address for mail.
    Mail,
    /// The section, or several.
    Section,
    /// The team.
    Team,
    /// The shares.
    Shares,
    /// The accounts at the sites.
    CloudUsers,
    /// What they are in the course.
    Role,
}

/// The titles of a field, as [`plain`] makes them. The first that a file has counts.
type Titles = &'static [(Field, &'static [&'static str])];

const LAST_AND_FIRST: [(Field, &[&str]); 2] = [(Field::Last, &["lastname"]), (Field::First, &["firstname"])];

const CANVAS: Titles = &[
    (Field::Login, &["sisloginid", "loginid"]),
    (Field::Name, &["student", "studentname"]),
    LAST_AND_FIRST[0],
    LAST_AND_FIRST[1],
    (Field::Mail, &["email", "emailaddress"]),
    (Field::Section, &["section", "sections", "sectionname"]),
];

const BRIGHTSPACE: Titles = &[
    (Field::Login, &["username"]),
    LAST_AND_FIRST[0],
    LAST_AND_FIRST[1],
    (Field::Mail, &["email", "emailaddress"]),
    (Field::Section, &["sections", "section", "sectionmembership"]),
];

const GRADESCOPE: Titles = &[
    (Field::Name, &["name", "fullname"]),
    LAST_AND_FIRST[0],
    LAST_AND_FIRST[1],
    (Field::Mail, &["email", "emailaddress"]),
    (Field::Section, &["sections", "section", "sectionname"]),
    (Field::Role, &["role"]),
];

const PLAIN: Titles = &[
    (Field::Login, &["netid"]),
    (Field::Name, &["name"]),
    (Field::Mail, &["mail", "email"]),
    (Field::Section, &["section"]),
    (Field::Team, &["team"]),
    (Field::Shares, &["shares"]),
    (Field::CloudUsers, &["clouduser", "cloudusers"]),
];

fn titles(format: Format) -> Titles {
    match format {
        Format::Canvas => CANVAS,
        Format::Brightspace => BRIGHTSPACE,
        Format::Gradescope => GRADESCOPE,
        Format::Plain => PLAIN,
    }
}

/// What a format's header has, in words.
fn header_of(format: Format) -> &'static str {
    match format {
        Format::Canvas => "Student, SIS Login ID, Section",
        Format::Brightspace => "OrgDefinedId, Username, Last Name, First Name, Email",
        Format::Gradescope => "First Name, Last Name, SID, Email, Role",
        Format::Plain => "net_id, name, mail, section, team, shares, cloud_user",
    }
}

/// A title without capitals, spaces and signs.
fn plain(title: &str) -> String {
    title.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The format and the columns of a file.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) format: Format,
    at: BTreeMap<Field, (usize, String)>,
    /// How many columns the header has.
    pub(super) width: usize,
}

impl Columns {
    /// Where a field is.
    pub(super) fn at(&self, field: Field) -> Option<usize> {
        self.at.get(&field).map(|(at, _)| *at)
    }

    /// The field's title in the file.
    pub(super) fn title(&self, field: Field) -> Option<&str> {
        self.at.get(&field).map(|(_, title)| title.as_str())
    }

    /// What a row has there, if it has something.
    pub(super) fn cell(&self, record: &Record, field: Field) -> Option<String> {
        Some(record.cell(self.at(field)?)).filter(|cell| !cell.is_empty())
    }
}

/// Finds the columns by the header, in the format that was asked for or else in the one that the header has.
pub(super) fn find(table: &Table, asked: Option<Format>) -> Result<Columns, Refused> {
    let found: Vec<String> = table.header.cells().collect();
    let plain_titles: Vec<String> = found.iter().map(|title| plain(title)).collect();
    let bad = |what: String| Refused::of(vec![RowError::new(table.header.line, None, what)]);
    let format = asked.or_else(|| recognise(&plain_titles)).ok_or_else(|| bad(unknown(&found)))?;
    let mut at = BTreeMap::new();
    for (field, names) in titles(format) {
        let Some(name) = names.iter().find(|name| plain_titles.iter().any(|title| title == *name)) else {
            continue;
        };
        let mut places = plain_titles.iter().zip(&found).enumerate().filter(|(_, (title, _))| title == name);
        if let Some((place, (_, title))) = places.next() {
            if places.next().is_some() {
                return Err(bad(format!("two columns are called \"{title}\"; one is wanted")));
            }
            at.insert(*field, (place, title.clone()));
        }
    }
    let columns = Columns { format, at, width: table.header.width() };
    if columns.at(Field::Login).or(columns.at(Field::Mail)).is_none() {
        return Err(bad(format!(
            "no column says who it is: a roster of {} has {}",
            format.name(),
            header_of(format)
        )));
    }
    Ok(columns)
}

fn recognise(titles: &[String]) -> Option<Format> {
    let has = |name: &str| titles.iter().any(|title| title == name);
    let split = has("lastname") && has("firstname");
    if has("netid") {
        Some(Format::Plain)
    } else if has("orgdefinedid") || has("endoflineindicator") {
        Some(Format::Brightspace)
    } else if (has("student") || has("studentname") || split) && (has("sisloginid") || has("loginid")) {
        Some(Format::Canvas)
    } else if (split || has("name") || has("fullname")) && has("email") && (has("sid") || has("role")) {
        Some(Format::Gradescope)
    } else {
        None
    }
}

fn unknown(found: &[String]) -> String {
    let header: String = found.join(", ").chars().take(120).collect();
    let known = Format::ALL.map(|format| format!("{} has {}", format.name(), header_of(format)));
    format!("the header \"{header}\" is of no known roster: {}", known.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    fn format_of(header: &str) -> Option<Format> {
        find(&table::parse(header).unwrap(), None).ok().map(|columns| columns.format)
    }

    #[test]
    fn a_format_is_told_by_its_header_in_any_order() {
        for (header, format) in [
            ("Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (1234)", Format::Canvas),
            ("LastName,FirstName,ID,SIS Login ID,Section", Format::Canvas),
            ("Section, sis login id ,ID,STUDENT", Format::Canvas),
            ("OrgDefinedId,Username,Last Name,First Name,Email,End-of-Line Indicator", Format::Brightspace),
            ("Username,Email,End-of-Line Indicator", Format::Brightspace),
            ("First Name,Last Name,SID,Email,Role,Sections", Format::Gradescope),
            ("Name,Email,Role", Format::Gradescope),
            ("net_id,name,mail", Format::Plain),
            ("Mail;Net ID", Format::Plain),
        ] {
            assert_eq!(format_of(header), Some(format), "{header}");
        }
        for header in ["a,b,c", "Student,ID", "Name,Email", "Student,Points"] {
            assert_eq!(format_of(header), None, "{header}");
        }
    }

    #[test]
    fn a_header_of_no_format_is_told_what_each_has() {
        let error = find(&table::parse("\nid,who\n").unwrap(), None).unwrap_err().to_string();
        assert!(error.starts_with("line 2: the header \"id, who\""), "{error}");
        assert!(error.contains("SIS Login ID") && error.contains("net_id"), "{error}");
    }

    #[test]
    fn a_format_that_is_asked_for_has_to_be_there() {
        let table = table::parse("Name,Email,Role\n").unwrap();
        let error = find(&table, Some(Format::Plain)).map(|columns| columns.at(Field::Login));
        assert_eq!(error.unwrap(), None);
        let error = find(&table::parse("Name,Role\n").unwrap(), Some(Format::Gradescope)).unwrap_err();
        assert!(error.to_string().contains("no column says who it is"), "{error}");
        let twice = find(&table::parse("net_id,Mail,mail\n").unwrap(), None).unwrap_err();
        assert!(twice.to_string().contains("two columns are called"), "{twice}");
    }
}
