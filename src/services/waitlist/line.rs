//! A line with all that it takes to say who comes next.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::booking::Booking;
use crate::domain::exception::Exception;
use crate::domain::fair_share::WaitlistPolicy;
use crate::domain::ids::{LabId, PersonId, PoolId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::domain::waitlist::{Asked, Wait, WaitState};
use crate::policy::admission::Case;
use crate::policy::waitlist::order::{self, Priority, Waiter};
use crate::policy::waitlist::turn::{self, Candidate};
use crate::services::fair_share::{self, Standings};
use crate::services::situation::Situation;

/// Everyone who waits for labs of some pools, as of one instant.
#[derive(Debug)]
pub(super) struct Line {
    /// As of when.
    pub(super) now: DateTime<Utc>,
    /// Who comes first, and how offers are made.
    pub(super) policy: WaitlistPolicy,
    /// Everyone's standing.
    pub(super) standings: Standings,
    /// Those in line.
    pub(super) members: Vec<Member>,
    /// What is held of the pools.
    pub(super) occupancies: BTreeMap<PoolId, Occupancy>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Member {
    /// Their place.
    pub(super) wait: Wait,
    /// Who.
    pub(super) person: Person,
    /// How they stand to the lab, by their own terms.
    pub(super) situation: Situation,
    /// What their standing was made of.
    pub(super) known: Known,
}

/// What is stored of a person that rules go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Their bookings.
    pub(super) bookings: Vec<Booking>,
    /// What staff granted them.
    pub(super) exceptions: Vec<Exception>,
}

impl Known {
    /// As it is stored now.
    pub(super) fn load(conn: &mut Conn<'_>, person: &PersonId) -> Result<Self, DbError> {
        Ok(Self {
            bookings: db::bookings_of_person(conn, person)?,
            exceptions: db::exceptions_of_person(conn, person)?,
        })
    }
}

/// The pools that hold capacity together with this one: all of its site if the site bounds them, else it alone. In order.
pub(super) fn pools_together(conn: &mut Conn<'_>, pool: &PoolId) -> Result<Vec<PoolId>, DbError> {
    if db::pool(conn, pool)?.site_capacity.is_none() {
        return Ok(vec![pool.clone()]);
    }
    let site = db::site_of_pool(conn, pool)?;
    let mut pools = db::pools_of_site(conn, &site.id)?;
    pools.sort();
    Ok(pools)
}

impl Line {
    /// Everyone in the lines of these pools.
    pub(super) fn load(conn: &mut Conn<'_>, pools: &[PoolId], now: DateTime<Utc>) -> Result<Self, DbError> {
        let waits = db::open_waits_in_pools(conn, pools)?;
        let settings = settings(conn, &waits)?;
        let mut people = People::load(conn, &waits)?;
        let mut members = Vec::with_capacity(waits.len());
        for wait in waits {
            let (Some(setting), Some((person, known))) = (settings.get(&wait.lab), people.of(&wait.person))
            else {
                continue;
            };
            let Known { bookings, exceptions } = &known;
            let situation = Situation::of(setting.clone(), &person, exceptions, bookings, None, now);
            members.push(Member { wait, person, situation, known });
        }
        let mut line = Self {
            now,
            policy: db::waitlist_policy(conn)?,
            standings: fair_share::standings(conn, now)?,
            members,
            occupancies: BTreeMap::new(),
        };
        line.look(conn)?;
        Ok(line)
    }

    /// Leaves out whoever was given something: they are asked again the next time, by what they have then.
    pub(super) fn served(&mut self, person: &PersonId) {
        self.members.retain(|member| member.person.id != *person);
    }

    /// Reads anew what is held, and what everyone has used.
    pub(super) fn refresh(&mut self, conn: &mut Conn<'_>) -> Result<(), DbError> {
        self.standings = fair_share::standings(conn, self.now)?;
        self.look(conn)
    }

    fn look(&mut self, conn: &mut Conn<'_>) -> Result<(), DbError> {
        let mut spans: BTreeMap<PoolId, (LabSetting, Interval)> = BTreeMap::new();
        for member in self.members.iter().filter(|it| it.wait.state == WaitState::Waiting) {
            let LabSetting { lab, pool, .. } = &member.situation.setting;
            let Some(span) = turn::span_to_know(&member.wait.asked, lab, pool, self.now) else { continue };
            spans
                .entry(pool.id.clone())
                .and_modify(|(_, known)| *known = both(known, &span))
                .or_insert_with(|| (member.situation.setting.clone(), span));
        }
        self.occupancies.clear();
        for (id, (setting, span)) in spans {
            self.occupancies.insert(id, db::occupancy(conn, &setting.pool, &span)?);
        }
        Ok(())
    }

    /// The priority of a member.
    pub(super) fn priority(&self, member: &Member) -> Priority {
        let fair_share = self.standings.factor(&member.person.id);
        let due = member.situation.setting.lab.due;
        order::priority(&self.policy, &Waiter::of(&member.wait, fair_share, due, self.now), self.now)
    }

    /// All members as the policy wants them.
    pub(super) fn candidates(&self) -> Vec<Candidate<'_>> {
        self.members.iter().map(|member| member.candidate(self.priority(member))).collect()
    }

    /// How many of those who wait come before this wish, and might take what it wants.
    pub(super) fn ahead_of(&self, wait: &Wait, priority: &Priority, pool: &PoolId) -> usize {
        let others = self.members.iter().filter(|member| {
            let same = member.situation.setting.pool.id == *pool;
            let waits = member.wait.state == WaitState::Waiting && member.wait.id != wait.id;
            same && waits && turn::compete(&member.wait.asked, &wait.asked)
        });
        let own = order::key(priority, wait.joined_at, &wait.id);
        let keys = others
            .map(|member| (self.priority(member), member))
            .filter(|(of, member)| order::key(of, member.wait.joined_at, &member.wait.id) < own);
        keys.count()
    }
}

impl Member {
    /// As the policy wants it.
    pub(super) fn candidate(&self, priority: Priority) -> Candidate<'_> {
        let Situation { setting, standing } = &self.situation;
        Candidate {
            wait: &self.wait,
            priority,
            lab: &setting.lab,
            pool: &setting.pool,
            zone: setting.zone,
            standing,
        }
    }

    /// What the rules go by.
    pub(super) fn case<'a>(&'a self, occupancy: &'a Occupancy, now: DateTime<Utc>) -> Case<'a> {
        self.situation.case(occupancy, now)
    }
}

/// A place in line that nobody has yet: what someone who asks about their chances would get.
pub(super) fn imagined(
    id: WaitId,
    person: &PersonId,
    lab: &LabId,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Wait {
    Wait {
        id,
        person: person.clone(),
        lab: lab.clone(),
        asked: asked.clone(),
        joined_at: now,
        age_from: now,
        lapses: 0,
        passed: Vec::new(),
        state: WaitState::Waiting,
    }
}

fn both(one: &Interval, other: &Interval) -> Interval {
    Interval::new(one.start().min(other.start()), one.end().max(other.end())).unwrap_or(*one)
}

fn settings(conn: &mut Conn<'_>, waits: &[Wait]) -> Result<BTreeMap<LabId, LabSetting>, DbError> {
    let labs: BTreeSet<&LabId> = waits.iter().map(|wait| &wait.lab).collect();
    let mut settings = BTreeMap::new();
    for lab in labs {
        if let Some(setting) = db::lab_setting(conn, lab)? {
            settings.insert(lab.clone(), setting);
        }
    }
    Ok(settings)
}

/// Those who wait, with what is stored of each.
struct People {
    by_id: BTreeMap<PersonId, Person>,
    bookings: BTreeMap<PersonId, Vec<Booking>>,
    exceptions: BTreeMap<PersonId, Vec<Exception>>,
}

impl People {
    /// Three queries, however many they are.
    fn load(conn: &mut Conn<'_>, waits: &[Wait]) -> Result<Self, DbError> {
        let ids: BTreeSet<&PersonId> = waits.iter().map(|wait| &wait.person).collect();
        let ids: Vec<&PersonId> = ids.into_iter().collect();
        let by_id = db::people(conn, &ids)?.into_iter().map(|person| (person.id.clone(), person)).collect();
        let mut bookings: BTreeMap<PersonId, Vec<Booking>> = BTreeMap::new();
        for booking in db::bookings_of_people(conn, &ids)? {
            bookings.entry(booking.person.clone()).or_default().push(booking);
        }
        let mut exceptions: BTreeMap<PersonId, Vec<Exception>> = BTreeMap::new();
        for exception in db::exceptions_of_people(conn, &ids)? {
            exceptions.entry(exception.person.clone()).or_default().push(exception);
        }
        Ok(Self { by_id, bookings, exceptions })
    }

    /// One of them. Someone may wait for several labs.
    fn of(&mut self, id: &PersonId) -> Option<(Person, Known)> {
        let person = self.by_id.get(id)?.clone();
        let bookings = self.bookings.get(id).cloned().unwrap_or_default();
        let exceptions = self.exceptions.get(id).cloned().unwrap_or_default();
        Some((person, Known { bookings, exceptions }))
    }
}
