//! Who is on the roster, and the roster as a file.

use std::collections::{BTreeMap, BTreeSet};

use super::App;
use crate::db::{self, Conn, DbError, Enrolment};
use crate::domain::exception::{Exception, Grant};
use crate::domain::ids::PersonId;
use crate::domain::person::{Parity, Role};
use crate::roster::Entry;

/// Which people are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Who {
    /// Students who take the course.
    #[default]
    Enrolled,
    /// Students who have dropped it.
    Dropped,
    /// Those who run it, and services.
    Staff,
}

impl Who {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Enrolled, Self::Dropped, Self::Staff];

    /// The name in addresses and options.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::Dropped => "dropped",
            Self::Staff => "staff",
        }
    }

    /// Reads what [`Who::word`] wrote.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|who| who.word() == word)
    }

    fn of(it: &Enrolment) -> Self {
        match (it.role, it.dropped_at) {
            (Role::Student, None) => Self::Enrolled,
            (Role::Student, Some(_)) => Self::Dropped,
            _ => Self::Staff,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Which people.
    pub who: Who,
    /// Part of a name, a net ID or an address; everyone if it is empty.
    pub text: String,
    /// Those of one section.
    pub section: Option<String>,
}

/// Someone on the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is kept of them.
    pub enrolment: Enrolment,
    /// Their parity at present.
    pub parity: Option<Parity>,
}

/// A part of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The people, by their net IDs.
    pub people: Vec<Listed>,
    /// How many there are that the filter lets through.
    pub matching: usize,
    /// How many there are of each kind.
    pub counts: BTreeMap<&'static str, usize>,
    /// How many of those who are enrolled have no parity.
    pub without_parity: usize,
    /// The sections that somebody is in.
    pub sections: BTreeSet<String>,
}

/// Up to `limit` people, from the `offset`th on that the filter lets through.
pub fn list(
    app: &App,
    conn: &mut Conn<'_>,
    filter: &Filter,
    offset: usize,
    limit: usize,
) -> Result<List, DbError> {
    let set = parities(db::exceptions_in_force(conn, app.now())?);
    let mut list = List::default();
    let wanted = filter.text.trim().to_lowercase();
    for enrolment in db::enrolments(conn)? {
        let who = Who::of(&enrolment);
        *list.counts.entry(who.word()).or_default() += 1;
        list.sections.extend(enrolment.section.clone());
        let parity = set.get(&enrolment.person).copied().or_else(|| Parity::of(&enrolment.net_id));
        list.without_parity += usize::from(who == Who::Enrolled && parity.is_none());
        if who == filter.who && matches(filter, &wanted, &enrolment) {
            if (offset..offset.saturating_add(limit)).contains(&list.matching) {
                list.people.push(Listed { enrolment, parity });
            }
            list.matching += 1;
        }
    }
    Ok(list)
}

fn matches(filter: &Filter, wanted: &str, it: &Enrolment) -> bool {
    let texts = [it.net_id.as_str(), it.name.as_str(), it.mail.as_str()];
    (filter.section.is_none() || filter.section == it.section)
        && texts.iter().any(|text| text.to_lowercase().contains(wanted))
}

/// The parities that staff set: of two for one person the later one.
pub(super) fn parities(mut exceptions: Vec<Exception>) -> BTreeMap<PersonId, Parity> {
    exceptions.sort_by_key(|it| (it.granted_at, it.id.clone()));
    let parity = |it: Exception| match it.grant {
        Grant::Parity(parity) if it.lab.is_none() => Some((it.person, parity)),
        _ => None,
    };
    exceptions.into_iter().filter_map(parity).collect()
}

/// The students who take the course, as lines of a file in Fairlease's own form.
pub fn export(conn: &mut Conn<'_>) -> Result<Vec<Entry>, DbError> {
    let enrolled = db::enrolments(conn)?.into_iter().filter(|it| Who::of(it) == Who::Enrolled);
    let entry = |it: Enrolment| Entry {
        net_id: it.net_id.to_string(),
        name: it.name,
        mail: it.mail,
        section: it.section,
        team: it.team,
        shares: it.shares,
        cloud_users: it.cloud_users,
    };
    Ok(enrolled.map(entry).collect())
}
