//! What becomes other of one person.

use serde::{Deserialize, Serialize};

use super::{Held, Mail, Member, Roster, Row};
use crate::domain::ids::{NetId, PersonId};

/// What may change of someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// What to call them.
    Name,
    /// Where their mail goes.
    Mail,
    /// Their section.
    Section,
    /// Their team.
    Team,
    /// Their shares.
    Shares,
    /// By which accounts the sites know them.
    CloudUsers,
}

impl Field {
    /// What it is called in a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Mail => "mail",
            Self::Section => "section",
            Self::Team => "team",
            Self::Shares => "shares",
            Self::CloudUsers => "accounts",
        }
    }
}

/// What becomes other of someone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The line of the file.
    pub line: u64,
    /// Who.
    pub person: PersonId,
    /// Their net ID.
    pub net_id: NetId,
    /// What is held before.
    pub before: Held,
    /// What will be held.
    pub after: Held,
}

impl Change {
    /// Whether all stays as it is.
    pub fn is_empty(&self) -> bool {
        self.before == self.after
    }

    /// What is different, before and after, in words; nothing is an empty text.
    pub fn fields(&self) -> Vec<(Field, String, String)> {
        let words = |held: &Held| {
            [
                (Field::Name, held.name.clone()),
                (Field::Mail, held.mail.clone()),
                (Field::Section, held.section.clone().unwrap_or_default()),
                (Field::Team, held.team.clone().unwrap_or_default()),
                (Field::Shares, held.shares.to_string()),
                (Field::CloudUsers, held.cloud_users.join("; ")),
            ]
        };
        let pairs = words(&self.before).into_iter().zip(words(&self.after));
        let differing = pairs.filter(|((_, before), (_, after))| before != after);
        differing.map(|((field, before), (_, after))| (field, before, after)).collect()
    }
}

/// What a row makes of someone who is known. What it does not say stays.
pub(super) fn of(roster: &Roster, row: &Row, member: &Member) -> Change {
    let before = &member.held;
    let section = if roster.has_sections { row.section.clone() } else { before.section.clone() };
    let team = if roster.has_teams {
        row.team.clone()
    } else {
        // A team is one of its section.
        before.team.clone().filter(|_| section == before.section)
    };
    let after = Held {
        name: row.name.clone().unwrap_or_else(|| before.name.clone()),
        mail: match &row.mail {
            Mail::Given(address) => address.clone(),
            Mail::Made(_) => before.mail.clone(),
        },
        section,
        team,
        shares: row.shares.unwrap_or(before.shares),
        cloud_users: row.cloud_users.clone().unwrap_or_else(|| before.cloud_users.clone()),
    };
    Change {
        line: row.line,
        person: member.person.clone(),
        net_id: member.net_id.clone(),
        before: before.clone(),
        after,
    }
}
