//! What has to hold between rows: each person once, and nothing that is one person's given to two.

use std::collections::{BTreeMap, BTreeSet};

use super::RowError;
use super::columns::{Columns, Field};
use crate::domain::roster::Row;

/// The rows with each person once, and how many lines said the same again, in a sentence. What does not agree is an error.
pub(super) fn once(
    rows: Vec<Row>,
    columns: &Columns,
    errors: &mut Vec<RowError>,
) -> (Vec<Row>, Option<String>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<Row> = Vec::new();
    let mut again = 0;
    for row in rows {
        let first = seen.get(row.net_id.as_str()).and_then(|at| kept.get(*at));
        match first.map(|first| (first.line, differing(first, &row))) {
            None => {
                seen.insert(row.net_id.to_string(), kept.len());
                kept.push(row);
            }
            Some((_, differing)) if differing.is_empty() => again += 1,
            Some((first, differing)) => errors.push(twice(&row, first, &differing, columns)),
        }
    }
    no_mail_of_two(&kept, columns, errors);
    no_account_of_two(&kept, columns, errors);
    let lines = if again == 1 { "1 line says".to_owned() } else { format!("{again} lines say") };
    (kept, (again > 0).then(|| format!("{lines} again what a line before does.")))
}

/// The fields in which two rows of one person differ.
fn differing(one: &Row, other: &Row) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut compare = |field, same: bool| {
        if !same {
            fields.push(field);
        }
    };
    compare(Field::Name, one.name == other.name);
    compare(Field::Mail, one.mail.as_str().eq_ignore_ascii_case(other.mail.as_str()));
    compare(Field::Section, one.section == other.section);
    compare(Field::Team, one.team == other.team);
    compare(Field::Shares, one.shares == other.shares);
    compare(Field::CloudUsers, one.cloud_users == other.cloud_users);
    fields
}

fn twice(row: &Row, first: u64, differing: &[Field], columns: &Columns) -> RowError {
    let words = |field: &Field| {
        let fallback = if *field == Field::Name { "name" } else { "mail" };
        columns.title(*field).unwrap_or(fallback).to_owned()
    };
    let fields: Vec<String> = differing.iter().map(words).collect();
    let what = format!(
        "{} is in line {first}, too, with another {}; one line is wanted for each student",
        row.net_id,
        fields.join(", ")
    );
    RowError::new(row.line, None, what)
}

fn no_mail_of_two(rows: &[Row], columns: &Columns, errors: &mut Vec<RowError>) {
    let mut of: BTreeMap<String, &Row> = BTreeMap::new();
    for row in rows {
        let mail = row.mail.as_str().to_lowercase();
        if let Some(first) = of.get(&mail) {
            let what =
                format!("line {} has the same address, for {}; each has their own", first.line, first.net_id);
            errors.push(RowError::new(row.line, columns.title(Field::Mail), what));
        }
        of.entry(mail).or_insert(row);
    }
}

fn no_account_of_two(rows: &[Row], columns: &Columns, errors: &mut Vec<RowError>) {
    let mut of: BTreeMap<String, &Row> = BTreeMap::new();
    for row in rows {
        let accounts: BTreeSet<String> =
            row.cloud_users.iter().flatten().map(|account| account.to_lowercase()).collect();
        for account in accounts {
            if let Some(first) = of.get(&account) {
                let what =
                    format!("\"{account}\" is {}'s in line {}; each has their own", first.net_id, first.line);
                errors.push(RowError::new(row.line, columns.title(Field::CloudUsers), what));
            }
            of.entry(account).or_insert(row);
        }
    }
}
