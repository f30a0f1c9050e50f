//! What one row says of one person.

use super::columns::{Columns, Field};
use super::table::Record;
use super::{MOST_OF_NAME, RowError};
use crate::domain::contact::{MOST_OF_ACCOUNT, MailDomain, is_account, is_address};
use crate::domain::fair_share::bounds;
use crate::domain::ids::NetId;
use crate::domain::roster::{Format, Mail, Row};

/// What a row is.
pub(super) enum Read {
    /// A student of the course.
    Student(Row),
    /// Somebody who is not taken, and why.
    LeftOut(String),
    /// A row of the export itself, such as Canvas's points.
    NoPerson,
}

/// What is wrong with a field, and what would be right.
type Wrong = (Field, String);

/// Reads a row, or tells all that is wrong with it.
pub(super) fn read(
    record: &Record,
    columns: &Columns,
    domain: Option<&MailDomain>,
) -> Result<Read, Vec<RowError>> {
    let person = Person { record, columns, domain };
    if columns.format == Format::Canvas && person.is_part_of_canvas() {
        return Ok(Read::NoPerson);
    }
    if record.width() > columns.width {
        return Err(vec![too_wide(record, columns)]);
    }
    if let Some(why) = person.why_left_out() {
        return Ok(Read::LeftOut(why));
    }
    let student = person.student().map(Read::Student);
    // Empty cells beside the last column are no mistake by themselves.
    let is_shifted = student.is_err() && record.len() > columns.width;
    if is_shifted { Err(vec![too_wide(record, columns)]) } else { student }
}
fn too_wide(record: &Record, columns: &Columns) -> RowError {
    let what = format!(
        "the row has {} columns, and the header {}; a cell with a separator in it has to be in quotation marks",
        record.len(),
        columns.width
    );
    RowError::new(record.line, None, what)
}

struct Person<'a> {
    record: &'a Record,
    columns: &'a Columns,
    domain: Option<&'a MailDomain>,
}

impl Person<'_> {
    fn cell(&self, field: Field) -> Option<String> {
        self.columns.cell(self.record, field)
    }

    /// Canvas has a row with the points of each assignment, and one before it that says which are posted by hand.
    fn is_part_of_canvas(&self) -> bool {
        let name = self.cell(Field::Name).or_else(|| self.cell(Field::Last));
        match name {
            Some(name) => name.to_lowercase().starts_with("points possible"),
            None => self.cell(Field::Login).or_else(|| self.cell(Field::Mail)).is_none(),
        }
    }

    fn why_left_out(&self) -> Option<String> {
        if self.columns.format == Format::Canvas {
            let split = (self.cell(Field::Last), self.cell(Field::First));
            let is_test = self.cell(Field::Name).as_deref() == Some("Student, Test")
                || matches!(split, (Some(last), Some(first)) if last == "Student" && first == "Test");
            return is_test.then(|| "it is the test student of Canvas".to_owned());
        }
        let role = self.cell(Field::Role)?;
        let is_student = role.eq_ignore_ascii_case("student");
        (!is_student).then(|| format!("the role is {role}: staff are set by hand"))
    }

    fn student(&self) -> Result<Row, Vec<RowError>> {
        let mut errors = Vec::new();
        let who = self.kept(&mut errors, self.net_id());
        let name = self.kept(&mut errors, self.name());
        let mail = self.kept(&mut errors, self.mail(who.as_ref()));
        let section = self.kept(&mut errors, self.group(Field::Section));
        let team = self.kept(&mut errors, self.group(Field::Team));
        let shares = self.kept(&mut errors, self.shares());
        let cloud_users = self.kept(&mut errors, self.cloud_users());
        let line = self.record.line;
        match (who, mail.flatten()) {
            (Some(net_id), Some(mail)) if errors.is_empty() => Ok(Row {
                line,
                net_id,
                name: name.flatten(),
                mail,
                section: section.flatten(),
                team: team.flatten(),
                shares: shares.flatten(),
                cloud_users: cloud_users.flatten(),
            }),
            _ => Err(errors),
        }
    }

    fn kept<T>(&self, errors: &mut Vec<RowError>, read: Result<T, Wrong>) -> Option<T> {
        let told = |(field, what): Wrong| RowError::new(self.record.line, self.columns.title(field), what);
        read.map_err(|wrong| errors.push(told(wrong))).ok()
    }

    fn net_id(&self) -> Result<NetId, Wrong> {
        let login = self.cell(Field::Login).map(|login| match self.columns.format {
            Format::Brightspace => login.trim_start_matches('#').to_owned(),
            _ => login,
        });
        let (field, text) = match (login.filter(|login| !login.is_empty()), self.cell(Field::Mail)) {
            (Some(login), _) if login.contains('@') => (Field::Login, self.before_at(Field::Login, &login)?),
            (Some(login), _) => (Field::Login, login),
            (None, Some(mail)) => (Field::Mail, self.before_at(Field::Mail, &mail)?),
            (None, None) => {
                let field = self.columns.at(Field::Login).map_or(Field::Mail, |_| Field::Login);
                return Err((field, "it is empty; who it is can't be told without it".to_owned()));
            }
        };
        NetId::typed(&text).map_err(|error| (field, error.to_string()))
    }

    /// The net ID in an address of the course's domain.
    fn before_at(&self, field: Field, address: &str) -> Result<String, Wrong> {
        let Some(domain) = self.domain else {
            let what = format!(
                "\"{address}\" is an address, and no net ID is told beside it; say the course's mail domain, such as \
                 example.edu, if what comes before the \"@\" is the net ID"
            );
            return Err((field, what));
        };
        domain.before_at(address).map(str::to_owned).ok_or_else(|| {
            let what = format!(
                "\"{address}\" is not at {domain}, so it tells no net ID; an address there is wanted"
            );
            (field, what)
        })
    }

    fn name(&self) -> Result<Option<String>, Wrong> {
        let split = || {
            let parts = [self.cell(Field::First), self.cell(Field::Last)];
            // Brightspace writes such a sign where a name has only one part.
            let is_name = |part: &String| !matches!(part.as_str(), "_" | "-" | ".");
            let parts: Vec<String> = parts.into_iter().flatten().filter(is_name).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        };
        let whole = self.cell(Field::Name).map(|name| match self.columns.format {
            Format::Canvas => first_name_first(&name),
            _ => name,
        });
        let field = if whole.is_some() { Field::Name } else { Field::Last };
        let Some(name) = whole.or_else(split) else { return Ok(None) };
        fits(&name).map(|()| Some(name)).map_err(|what| (field, what))
    }

    fn mail(&self, who: Option<&NetId>) -> Result<Option<Mail>, Wrong> {
        let wrong = |what: String| (Field::Mail, what);
        match (self.cell(Field::Mail), self.domain, who) {
            (Some(mail), _, _) if is_address(&mail) && fits(&mail).is_ok() => Ok(Some(Mail::Given(mail))),
            (Some(mail), _, _) => Err(wrong(format!(
                "\"{}\" is not an address for mail such as ff524@example.edu",
                shortened(&mail)
            ))),
            (None, Some(domain), Some(who)) => Ok(Some(Mail::Made(format!("{who}@{domain}")))),
            (None, Some(_), None) => Ok(None),
            (None, None, _) => Err(wrong(
                "it is empty; an address is wanted, or the course's mail domain, such as example.edu"
                    .to_owned(),
            )),
        }
    }

    fn group(&self, field: Field) -> Result<Option<String>, Wrong> {
        let Some(name) = self.cell(field) else { return Ok(None) };
        fits(&name).map(|()| Some(name)).map_err(|what| (field, what))
    }

    fn shares(&self) -> Result<Option<i32>, Wrong> {
        let Some(cell) = self.cell(Field::Shares) else { return Ok(None) };
        let shares = cell.parse().ok().filter(|shares| bounds::SHARES.contains(shares));
        shares.map(Some).ok_or_else(|| {
            let (least, most) = (bounds::SHARES.start(), bounds::SHARES.end());
            let what =
                format!("it is \"{}\"; a whole number from {least} to {most} is wanted", shortened(&cell));
            (Field::Shares, what)
        })
    }

    fn cloud_users(&self) -> Result<Option<Vec<String>>, Wrong> {
        let Some(cell) = self.cell(Field::CloudUsers) else { return Ok(None) };
        let accounts: Vec<String> = cell.split(';').map(|account| account.trim().to_owned()).collect();
        match accounts.iter().find(|account| !is_account(account)) {
            None => Ok(Some(accounts)),
            Some(bad) => {
                let what = format!(
                    "\"{}\" is not the name of an account: that has 1 to {MOST_OF_ACCOUNT} characters; several are parted \
                     by \";\"",
                    shortened(bad)
                );
                Err((Field::CloudUsers, what))
            }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// "Lovelace, Ada" and "King, Martin Luther, Jr." as people say them.
fn first_name_first(name: &str) -> String {
    let parts: Vec<&str> = name.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [last, first, rest @ ..] => [
            &[format!("{first} {last}")],
            rest.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice(),
        ]
        .concat()
        .join(", "),
        _ => name.to_owned(),
    }
}

/// Signs that turn the direction of a text, or that nobody sees: a name with them is not what it looks like.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffd}')
}

fn fits(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length > MOST_OF_NAME {
        Err(format!("it has {length} characters; {MOST_OF_NAME} at most are wanted"))
    } else if text.chars().any(is_hidden) {
        Err("it has a character that can't be shown; plain text is wanted".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_turned_round() {
        for (name, meant) in [
            ("Lovelace, Ada", "Ada Lovelace"),
            ("King, Martin Luther, Jr.", "Martin Luther King, Jr."),
            ("Sukarno", "Sukarno"),
            ("Sukarno,", "Sukarno,"),
        ] {
            assert_eq!(first_name_first(name), meant);
        }
    }

    #[test]
    fn a_name_is_what_it_looks_like() {
        assert!(fits(&"\u{e4}".repeat(MOST_OF_NAME)).is_ok());
        assert!(fits(&"\u{e4}".repeat(MOST_OF_NAME + 1)).unwrap_err().contains("201 characters"));
        assert!(fits("Ada\u{202e}x").is_err() && fits("a\u{7}").is_err() && fits("\u{5d0}\u{5d1}").is_ok());
    }
}
