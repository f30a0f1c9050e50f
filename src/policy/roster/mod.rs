//! What a roster file changes: who is added, changed, dropped, and who returns.
//!
//! A file speaks of students. Staff, services and people whom staff added by hand are never dropped by it, and what it does
//! not carry is left alone. The plan is a list of people with what they are before and after, so that it can be shown, kept,
//! and applied piece by piece, a second time without effect.

mod changes;
mod clashes;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::Parity;
use crate::domain::roster::{LeftOut, Mail, Renamed, Roster, Row};

pub use changes::{Change, Field};
pub use clashes::Clash;

/// Of how many drops on a plan may look like the wrong file: with fewer it never does.
pub const FEW_DROPS: usize = 5;
/// Of what share of the enrolled students a plan that drops more looks like the wrong file, in percent.
pub const MOST_DROPS_PERCENT: usize = 20;

/// What is held of a person, of all that a file may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What to call them.
    pub name: String,
    /// Where their mail goes.
    pub mail: String,
    /// Their section.
    pub section: Option<String>,
    /// Their team.
    pub team: Option<String>,
    /// Their shares.
    pub shares: i32,
    /// By which accounts the sites know them.
    pub cloud_users: Vec<String>,
}

/// What someone is in the course, as far as a roster goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A student who takes it.
    Student,
    /// A student who has dropped it.
    Dropped,
    /// Staff, or a service: no file changes them.
    Other,
}

/// Someone who is in the course or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// Their net ID.
    pub net_id: NetId,
    /// What they are in the course.
    pub standing: Standing,
    /// Whether staff added them by hand.
    pub by_hand: bool,
    /// Whether staff set their parity by an exception.
    pub has_parity_set: bool,
    /// What is held of them.
    pub held: Held,
}

impl Member {
    fn takes_part(&self) -> bool {
        self.standing == Standing::Student
    }
}

/// What staff say of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Options {
    /// Whether who is not in the file is dropped.
    pub drop: bool,
    /// The sections of which the file is, by their names here; all if there are none. Nobody else is dropped.
    pub only_sections: BTreeSet<String>,
}

/// Someone who is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// The line of the file.
    pub line: u64,
    /// Their net ID.
    pub net_id: NetId,
    /// What will be held of them.
    pub held: Held,
}

/// Someone who drops the course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Who.
    pub person: PersonId,
    /// Their net ID.
    pub net_id: NetId,
    /// What they are called.
    pub name: String,
    /// Their section.
    pub section: Option<String>,
}

/// What a file changes. Each list is in the order of net IDs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Who is new.
    pub added: Vec<Added>,
    /// Of whom something becomes other than it is.
    pub changed: Vec<Change>,
    /// Who had dropped the course and takes it again.
    pub returning: Vec<Change>,
    /// Who drops it.
    pub dropped: Vec<Dropped>,
    /// How many students of the file stay as they are.
    pub unchanged: usize,
    /// How many students are enrolled before.
    pub enrolled: usize,
    /// Who will take part, and whose net ID gives no parity: staff set it by an exception.
    pub without_parity: Vec<NetId>,
    /// What staff should look at, in sentences.
    pub warnings: Vec<String>,
    /// Sections and teams that are called otherwise here than in the file.
    pub renamed: Vec<Renamed>,
    /// Lines of people who are not taken.
    pub left_out: Vec<LeftOut>,
}

impl Plan {
    /// Whether it drops so many that it looks like the wrong file.
    pub fn looks_wrong(&self) -> bool {
        let drops = self.dropped.len();
        drops > FEW_DROPS && drops * 100 > self.enrolled * MOST_DROPS_PERCENT
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.steps() == 0
    }

    /// Of how many people it changes something.
    pub fn steps(&self) -> usize {
        self.added.len() + self.changed.len() + self.returning.len() + self.dropped.len()
    }
}

/// What a file changes of what is known, or what of it can't be.
pub fn plan(roster: &Roster, members: &[Member], options: &Options) -> Result<Plan, Vec<Clash>> {
    let known: BTreeMap<&NetId, &Member> = members.iter().map(|member| (&member.net_id, member)).collect();
    let mut rows: Vec<&Row> = roster.rows.iter().collect();
    rows.sort_by(|one, other| one.net_id.cmp(&other.net_id));
    let clashes = clashes::find(&rows, &known);
    if !clashes.is_empty() {
        return Err(clashes);
    }
    let mut plan = Plan {
        enrolled: members.iter().filter(|member| member.takes_part()).count(),
        warnings: roster.notes.clone(),
        renamed: roster.renamed.clone(),
        left_out: roster.left_out.clone(),
        ..Plan::default()
    };
    for row in &rows {
        take(&mut plan, roster, row, known.get(&row.net_id).copied());
    }
    plan.left_out.sort_by_key(|it| it.line);
    let named: BTreeSet<&NetId> = rows.iter().map(|row| &row.net_id).collect();
    plan.dropped = dropped(members, &named, options);
    plan.warnings.extend(clashes::same_person(&plan, &known));
    plan.warnings.extend(unknown_sections(members, &rows, options));
    Ok(plan)
}

/// What becomes of the person of one row.
fn take(plan: &mut Plan, roster: &Roster, row: &Row, known: Option<&Member>) {
    let Some(member) = known else {
        if Parity::of(&row.net_id).is_none() {
            plan.without_parity.push(row.net_id.clone());
        }
        return plan.added.push(added(row));
    };
    if member.standing == Standing::Other {
        let why = format!("{} is no student here: what they are stays as it is", row.net_id);
        return plan.left_out.push(LeftOut { line: row.line, why });
    }
    if Parity::of(&row.net_id).is_none() && !member.has_parity_set {
        plan.without_parity.push(row.net_id.clone());
    }
    let change = changes::of(roster, row, member);
    if member.standing == Standing::Dropped {
        plan.returning.push(change);
    } else if change.is_empty() {
        plan.unchanged += 1;
    } else {
        plan.changed.push(change);
    }
}

fn added(row: &Row) -> Added {
    Added {
        line: row.line,
        net_id: row.net_id.clone(),
        held: Held {
            name: row.name.clone().unwrap_or_else(|| row.net_id.to_string()),
            mail: row.mail.as_str().to_owned(),
            section: row.section.clone(),
            team: row.team.clone(),
            shares: row.shares.unwrap_or(1),
            cloud_users: row.cloud_users.clone().unwrap_or_default(),
        },
    }
}

fn dropped(members: &[Member], named: &BTreeSet<&NetId>, options: &Options) -> Vec<Dropped> {
    let concerned = |member: &&Member| {
        let section = member.held.section.as_ref();
        options.only_sections.is_empty() || section.is_some_and(|name| options.only_sections.contains(name))
    };
    let mut dropped: Vec<Dropped> = members
        .iter()
        .filter(|member| options.drop && member.takes_part() && !member.by_hand)
        .filter(|member| !named.contains(&member.net_id))
        .filter(concerned)
        .map(|member| Dropped {
            person: member.person.clone(),
            net_id: member.net_id.clone(),
            name: member.held.name.clone(),
            section: member.held.section.clone(),
        })
        .collect();
    dropped.sort_by(|one, other| one.net_id.cmp(&other.net_id));
    dropped
}

/// A section that is neither in the file nor in the course is likely a slip.
fn unknown_sections(members: &[Member], rows: &[&Row], options: &Options) -> Vec<String> {
    let of_members = members.iter().filter_map(|member| member.held.section.as_ref());
    let known: BTreeSet<&String> =
        of_members.chain(rows.iter().filter_map(|row| row.section.as_ref())).collect();
    let unknown = options.only_sections.iter().filter(|section| !known.contains(section));
    unknown
        .map(|section| format!("Nobody is in the section {section}, neither here nor in the file."))
        .collect()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
