//! Fair share: what everyone has used, and who comes before whom.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{self, Conn, DbError, ShareGroup, Shareholder};
use crate::domain::fair_share::{FairSharePolicy, Measure};
use crate::domain::ids::{NetId, PersonId};
use crate::domain::person::Person;
use crate::domain::usage::{UsageLine, UsageTotal};
use crate::policy::fair_share::decay::{self, HalfLife};
use crate::policy::fair_share::lineage::Lineage;
use crate::policy::fair_share::paths::Outline;
use crate::policy::fair_share::tree::{Given, Kind, NodeId, Tree};
use crate::policy::fair_share::{self, Figures, ledger};

/// Everyone's usage and standing at one instant.
#[derive(Debug, Clone)]
pub struct Standings {
    /// How usage counts.
    pub policy: FairSharePolicy,
    /// As of when.
    pub at: DateTime<Utc>,
    /// Every node of the tree: the course first, each after the group that it is in.
    pub nodes: Vec<Node>,
    tree: Tree,
    places: BTreeMap<PersonId, NodeId>,
}

/// The course, a group, or a student, with what `sshare` shows of it.
#[derive(Debug, Clone)]
pub struct Node {
    /// How deep it lies: 0 for the course.
    pub depth: usize,
    /// What it is.
    pub name: Name,
    /// Its figures. Usage is in millionths.
    pub figures: Figures,
}

/// What a node of the tree is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// The course.
    Course,
    /// A section or a team, by its name.
    Group(String),
    /// A student.
    Student(NetId),
}

/// How one student stands.
#[derive(Debug, Clone)]
pub struct Own {
    /// Their figures. Usage is in millionths.
    pub figures: Figures,
    /// What their place is decided by, from the top.
    pub lineage: Lineage,
}

impl Standings {
    /// Of a student who takes the course.
    pub fn of(&self, person: &PersonId) -> Option<Own> {
        let id = *self.places.get(person)?;
        let figures = self.nodes.get(id.index())?.figures;
        Some(Own { figures, lineage: Lineage::of(&self.tree, id) })
    }

    /// The fair-share factor of a student, from 0 to 1, more is better. Of someone who has no shares it is 0.
    pub fn factor(&self, person: &PersonId) -> f64 {
        let node = self.places.get(person).and_then(|id| self.nodes.get(id.index()));
        node.and_then(|node| node.figures.fair_share).unwrap_or(0.0)
    }

    /// The tree with its names, for whoever shows it. The course is called `root`, as in Slurm.
    pub fn outline(&self) -> Outline {
        let name = |node: &Node| match &node.name {
            Name::Course => "root".to_owned(),
            Name::Group(name) => name.clone(),
            Name::Student(net_id) => net_id.to_string(),
        };
        Outline { tree: self.tree.clone(), names: self.nodes.iter().map(name).collect() }
    }

    /// How many students there are.
    pub fn students(&self) -> usize {
        self.places.len()
    }

    /// What each student has used, in millionths, least first.
    pub fn spread(&self) -> Vec<u64> {
        let used = self.places.values().filter_map(|id| self.nodes.get(id.index()));
        let mut used: Vec<u64> = used.map(|node| node.figures.raw_usage).collect();
        used.sort_unstable();
        used
    }
}

/// Everyone's usage and standing at `now`: one query for each of people, groups, totals, and lines that are not in them.
pub fn standings(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Standings, DbError> {
    let policy = db::fair_share_policy(conn)?;
    let (people, groups) = (db::shareholders(conn)?, db::share_groups(conn)?);
    let usage = usage_of_all(conn, policy, now)?;
    let mut plan = Plan::default();
    plan.groups(&people, &groups);
    plan.students(&people, &usage);
    let tree =
        Tree::new(&plan.given).map_err(|unfit| DbError::Corrupt(format!("the tree of shares: {unfit:?}")))?;
    let figures = fair_share::figures(&tree, policy.algorithm);
    let names = std::iter::once((0, Name::Course)).chain(plan.names);
    let nodes = names.zip(figures).map(|((depth, name), figures)| Node { depth, name, figures }).collect();
    Ok(Standings { policy, at: now, nodes, tree, places: plan.places })
}

/// A section and a team, either of which may be missing.
type Place<'a> = (Option<&'a str>, Option<&'a str>);

/// The tree to be: groups, then students, each after what it is in.
#[derive(Debug, Default)]
struct Plan {
    given: Vec<Given>,
    names: Vec<(usize, Name)>,
    places: BTreeMap<PersonId, NodeId>,
    groups: BTreeMap<(Option<String>, Option<String>), NodeId>,
}

impl Plan {
    fn add(&mut self, parent: NodeId, kind: Kind, shares: i32, depth: usize, name: Name) -> NodeId {
        self.given.push(Given { parent, kind, shares: u32::try_from(shares).unwrap_or(0) });
        self.names.push((depth, name));
        NodeId::at(self.given.len())
    }

    /// Groups that have a student, by name, so that the order of anything else means nothing.
    fn groups(&mut self, people: &[Shareholder], groups: &[ShareGroup]) {
        let shares: BTreeMap<Place<'_>, i32> =
            groups.iter().map(|it| ((it.section.as_deref(), it.team.as_deref()), it.shares)).collect();
        let shares_of = |place: Place<'_>| shares.get(&place).copied().unwrap_or(1);
        let mut teams: BTreeMap<Option<&str>, std::collections::BTreeSet<&str>> = BTreeMap::new();
        for it in people {
            teams.entry(it.section.as_deref()).or_default().extend(it.team.as_deref());
        }
        for (section, teams) in teams {
            let (parent, depth) = match section {
                Some(name) => {
                    let group = Name::Group(name.to_owned());
                    let id = self.add(NodeId::ROOT, Kind::Group, shares_of((section, None)), 1, group);
                    self.groups.insert((Some(name.to_owned()), None), id);
                    (id, 2)
                }
                None => (NodeId::ROOT, 1),
            };
            for team in teams {
                let group = Name::Group(team.to_owned());
                let id = self.add(parent, Kind::Group, shares_of((section, Some(team))), depth, group);
                self.groups.insert((section.map(str::to_owned), Some(team.to_owned())), id);
            }
        }
    }

    fn students(&mut self, people: &[Shareholder], usage: &BTreeMap<PersonId, f64>) {
        for it in people {
            let place = (it.section.clone(), it.team.clone());
            let depth = usize::from(it.section.is_some()) + usize::from(it.team.is_some()) + 1;
            let parent = self.groups.get(&place).copied().unwrap_or(NodeId::ROOT);
            let used = decay::to_usage(usage.get(&it.person).copied().unwrap_or(0.0));
            let student = Name::Student(it.net_id.clone());
            let id = self.add(parent, Kind::User { usage: used }, it.shares, depth, student);
            self.places.insert(it.person.clone(), id);
        }
    }
}

fn half_life(policy: FairSharePolicy) -> HalfLife {
    HalfLife::new(policy.half_life()).unwrap_or_default()
}

fn usage_of_all(
    conn: &mut Conn<'_>,
    policy: FairSharePolicy,
    now: DateTime<Utc>,
) -> Result<BTreeMap<PersonId, f64>, DbError> {
    let mut totals = db::usage_totals(conn)?;
    let lines = db::lines_not_folded(conn, None)?;
    let mut usage: BTreeMap<PersonId, f64> = BTreeMap::new();
    for own in lines.chunk_by(|one, other| one.person == other.person) {
        let Some(person) = own.first().map(|line| line.person.clone()) else { continue };
        let total = totals.remove(&person);
        usage.insert(person, ledger::usage(total.as_ref(), own, policy.counts, now, half_life(policy)));
    }
    for (person, total) in totals {
        usage.insert(person, ledger::usage(Some(&total), &[], policy.counts, now, half_life(policy)));
    }
    Ok(usage)
}

/// How a student stands, and what it comes of: for their own page.
#[derive(Debug, Clone)]
pub struct Mine {
    /// What is counted.
    pub measure: Measure,
    /// After how long it counts half.
    pub half_life: TimeDelta,
    /// What counts at present, in millionths.
    pub usage: u64,
    /// Their standing; nothing for someone who has no shares, such as staff.
    pub own: Option<Own>,
    /// How many students there are.
    pub of: usize,
    /// How many others have the same rank.
    pub level: usize,
    /// What each student's usage counts, in millionths, least first.
    pub spread: Vec<u64>,
    /// Their latest lines of the ledger, latest first.
    pub lines: Vec<UsageLine>,
}

/// Lines of the ledger that a page shows.
pub const LINES: usize = 50;

/// How a person stands.
pub fn mine(conn: &mut Conn<'_>, person: &Person, now: DateTime<Utc>) -> Result<Mine, DbError> {
    let standings = standings(conn, now)?;
    let mut lines = db::lines_of_person(conn, &person.id)?;
    lines.reverse();
    lines.truncate(LINES);
    let own = standings.of(&person.id);
    let rank = own.as_ref().and_then(|own| own.figures.rank);
    let same = standings.nodes.iter().filter(|node| rank.is_some() && node.figures.rank == rank).count();
    let level = same.saturating_sub(1);
    Ok(Mine {
        measure: standings.policy.counts,
        half_life: standings.policy.half_life(),
        usage: own.as_ref().map_or(0, |own| own.figures.raw_usage),
        own,
        of: standings.students(),
        level,
        spread: standings.spread(),
        lines,
    })
}

/// Puts a person's lines that are over into their total, so that reading it stays quick. Their bookings are locked meanwhile.
pub(super) fn fold(conn: &mut Conn<'_>, person: &PersonId, now: DateTime<Utc>) -> Result<(), DbError> {
    let policy = db::fair_share_policy(conn)?;
    let lines = db::lines_not_folded(conn, Some(person))?;
    let total = db::usage_total(conn, person)?;
    match ledger::fold(total.as_ref(), &lines, now, half_life(policy)) {
        Some((total, over)) => db::fold(conn, person, &total, &over),
        None => Ok(()),
    }
}

/// Has totals agree with the half-life that the course has now, if it had another: all lines count by themselves again.
pub(super) fn follow(conn: &mut Conn<'_>, before: FairSharePolicy) -> Result<(), DbError> {
    let now = db::fair_share_policy(conn)?;
    if now.half_life_minutes == before.half_life_minutes { Ok(()) } else { db::unfold_all(conn) }
}

/// A person whose total does not say what their lines do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Who.
    pub net_id: NetId,
    /// What the total and the lines that are not in it come to, in millionths of a server-hour.
    pub told: i64,
    /// What all lines come to.
    pub right: i64,
}

/// Two sums of the same lines may differ by so much, in millionths: a total is rounded each time that it takes lines in.
const ROUNDING: f64 = 100.0;

/// Whether everyone's total says what their lines do.
pub fn check(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<Mismatch>, DbError> {
    let policy = FairSharePolicy { counts: Measure::ServerHours, ..db::fair_share_policy(conn)? };
    let told = usage_of_all(conn, policy, now)?;
    let mut wrong = Vec::new();
    let all = db::lines_of_everyone(conn)?;
    let mut lines: BTreeMap<&PersonId, &[UsageLine]> = BTreeMap::new();
    for own in all.chunk_by(|one, other| one.person == other.person) {
        lines.extend(own.first().map(|line| (&line.person, own)));
    }
    for it in db::shareholders(conn)? {
        let own = lines.get(&it.person).copied().unwrap_or_default();
        let right = ledger::usage(None::<&UsageTotal>, own, policy.counts, now, half_life(policy));
        let told = told.get(&it.person).copied().unwrap_or(0.0);
        if (told - right).abs() > ROUNDING {
            let whole = |number: f64| i64::try_from(decay::to_usage(number)).unwrap_or(i64::MAX);
            wrong.push(Mismatch { net_id: it.net_id, told: whole(told), right: whole(right) });
        }
    }
    Ok(wrong)
}
