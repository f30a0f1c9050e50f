//! Shares: staff say where students stand in the tree of sections and teams, and what each has of what it shares.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::App;
use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError, MaybeDbError, ShareGroup, Shareholder};
use crate::domain::audit::{Action, Doer};
use crate::domain::fair_share::{bounds, is_group_name};
use crate::domain::ids::NetId;
use crate::domain::person::Role;

/// Why shares were not changed.
#[derive(Debug, thiserror::Error)]
pub enum SharesError {
    /// Nobody has this net ID.
    #[error("nobody here has the net ID {0}")]
    NoSuchPerson(NetId),
    /// The person is none of those who share.
    #[error("{0} is no student of the course: only students have shares")]
    NoStudent(NetId),
    /// No section or team can be called that.
    #[error(
        "\"{0}\" is not the name of a section or a team: that has 1 to {most} of letters, digits, \"-\", \"_\" and \".\"",
        most = bounds::GROUP_NAME
    )]
    BadName(String),
    /// They are too few or too many.
    #[error("{given} shares can't be had: from {} to {} would do", bounds::SHARES.start(), bounds::SHARES.end())]
    OutOfRange {
        /// What was given.
        given: i32,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for SharesError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// A section, a team of a section, or a team that is in no section: `a`, `a/red`, `/red`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The section; nothing for a team that is in none.
    pub section: Option<String>,
    /// The team; nothing for the section itself.
    pub team: Option<String>,
}

/// What is no group.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is neither a section, nor a section and a team such as a/red, nor a team without a section such as /red"
)]
pub struct NoGroup;

impl FromStr for Group {
    type Err = NoGroup;
    fn from_str(text: &str) -> Result<Self, NoGroup> {
        let (section, team) = match text.split_once('/') {
            Some((section, team)) => (Some(section).filter(|name| !name.is_empty()), Some(team)),
            None => (Some(text), None),
        };
        let is_name = |name: &str| !name.is_empty() && !name.contains('/');
        if !section.into_iter().chain(team).all(is_name) {
            return Err(NoGroup);
        }
        Ok(Self { section: section.map(str::to_owned), team: team.map(str::to_owned) })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.section.as_deref().unwrap_or_default())?;
        self.team.as_deref().map_or(Ok(()), |team| write!(f, "/{team}"))
    }
}

/// What becomes of a section or a team that someone is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change {
    /// It stays as it is.
    #[default]
    Keep,
    /// They are in none.
    None,
    /// They are in this one.
    To(String),
}

impl Change {
    fn name(&self) -> Option<&str> {
        match self {
            Self::To(name) => Some(name),
            Self::Keep | Self::None => None,
        }
    }

    fn of(&self, before: Option<String>) -> Option<String> {
        match self {
            Self::Keep => before,
            Self::None => None,
            Self::To(name) => Some(name.clone()),
        }
    }
}

/// What staff change of a student's place.
#[derive(Debug, Clone)]
pub struct Placing {
    /// Whose.
    pub net_id: NetId,
    /// Their section.
    pub section: Change,
    /// Their team. Where it is kept and the section becomes another, they are in none: a team is one of its section.
    pub team: Change,
    /// Their shares there, if they become others.
    pub shares: Option<i32>,
}

/// Places a student, and says where they stand then. It counts from the next look at the tree on.
pub async fn place(app: &Arc<App>, doer: &Doer, wanted: Placing) -> Result<Shareholder, SharesError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("shares: place", move |conn| place_in(&inner, conn, &doer, &wanted)).await
}

fn place_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    wanted: &Placing,
) -> Result<Shareholder, SharesError> {
    let who = &wanted.net_id;
    check(wanted.section.name().into_iter().chain(wanted.team.name()), wanted.shares)?;
    let person = db::person_by_net_id(conn, who)?.ok_or_else(|| SharesError::NoSuchPerson(who.clone()))?;
    if person.role != Some(Role::Student) {
        return Err(SharesError::NoStudent(who.clone()));
    }
    db::lock_person_at_once(conn, &person.id)?;
    let before = db::shareholder(conn, &person.id)?;
    let before = before.ok_or_else(|| SharesError::NoSuchPerson(who.clone()))?;
    let (was, section) = (told(&before), wanted.section.of(before.section.clone()));
    let team = before.team.filter(|_| section == before.section);
    let placed = Shareholder {
        person: person.id,
        net_id: person.net_id,
        section,
        team: wanted.team.of(team),
        shares: wanted.shares.unwrap_or(before.shares),
    };
    db::place_person(conn, &placed.person, placed.section.as_deref(), placed.team.as_deref(), placed.shares)?;
    let entry = Entry::new(Action::Placed).about(&placed.person);
    audit::record(app, conn, doer, entry.before(was).after(told(&placed)))?;
    Ok(placed)
}

/// Where someone stands, as the audit log has it.
fn told(it: &Shareholder) -> Value {
    json!({"section": it.section, "team": it.team, "shares": it.shares})
}

/// Sets the shares of a group among its siblings. Nobody need be in it yet.
pub async fn set(app: &Arc<App>, doer: &Doer, group: &Group, shares: i32) -> Result<(), SharesError> {
    check(group.section.iter().chain(&group.team).map(String::as_str), Some(shares))?;
    let row = ShareGroup { section: group.section.clone(), team: group.team.clone(), shares };
    let (inner, doer, name) = (app.clone(), doer.clone(), group.to_string());
    app.db
        .write("shares: set", move |conn| {
            let same = |it: &ShareGroup| it.section == row.section && it.team == row.team;
            let before = db::share_groups(conn)?.into_iter().find(same).map_or(1, |it| it.shares);
            db::save_share_group(conn, &row)?;
            let entry = Entry::new(Action::SetShares)
                .before(json!({"group": name, "shares": before}))
                .after(json!({"group": name, "shares": shares}));
            Ok(audit::record(&inner, conn, &doer, entry)?)
        })
        .await
}

fn check<'a>(mut names: impl Iterator<Item = &'a str>, shares: Option<i32>) -> Result<(), SharesError> {
    if let Some(bad) = names.find(|name| !is_group_name(name)) {
        return Err(SharesError::BadName(bad.chars().take(bounds::GROUP_NAME + 20).collect()));
    }
    match shares.filter(|shares| !bounds::SHARES.contains(shares)) {
        Some(given) => Err(SharesError::OutOfRange { given }),
        None => Ok(()),
    }
}

/// A group with what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub group: Group,
    /// Its shares among its siblings: one, if nobody set them.
    pub shares: i32,
    /// The students in it, those in its teams too.
    pub students: usize,
}

/// Every group that has students or whose shares were set, each section before its teams; and how many students are in none.
pub fn groups(conn: &mut Conn<'_>) -> Result<(Vec<Held>, usize), DbError> {
    let set = db::share_groups(conn)?;
    let people = db::shareholders(conn)?;
    let mut groups: BTreeMap<Group, (i32, usize)> = BTreeMap::new();
    for it in set {
        groups.insert(Group { section: it.section, team: it.team }, (it.shares, 0));
    }
    for it in &people {
        let section = it.section.clone().map(|name| Group { section: Some(name), team: None });
        let team = it.team.clone().map(|name| Group { section: it.section.clone(), team: Some(name) });
        for group in section.into_iter().chain(team) {
            groups.entry(group).or_insert((1, 0)).1 += 1;
        }
    }
    let alone = people.iter().filter(|it| it.section.is_none() && it.team.is_none()).count();
    let held = groups.into_iter().map(|(group, (shares, students))| Held { group, shares, students });
    Ok((held.collect(), alone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_written_as_it_is_read() {
        for text in ["a", "a/red", "/red"] {
            assert_eq!(text.parse::<Group>().unwrap().to_string(), text);
        }
        for text in ["", "/", "a/", "a/b/c", "//a"] {
            assert!(text.parse::<Group>().is_err(), "{text}");
        }
    }
}
