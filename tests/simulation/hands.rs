//! What students make by hand, and what they and staff say of it to the reaper.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::cloud::simulated::Object;
use fairlease::db::{self, DbError};
use fairlease::domain::audit::Doer;
use fairlease::domain::blueprint::Kind;
use fairlease::domain::marked::{Exempt, Exemption, Stage};
use fairlease::domain::person::Person;
use fairlease::domain::usage::Source;
use fairlease::entropy::SeededEntropy;
use fairlease::services::reaping;

use super::simulator::Chance;
use crate::world::World;

/// What the course file says of it: the shortest time from a warning to the deletion is three hours.
pub(super) const REAPER: &str = "[reaper]\nby_hand = \"delete\"\nstop_after_hours = 1\ndelete_after_hours = 2\nrestored_hours = 1\n\n[course]";
const SHORTEST: TimeDelta = TimeDelta::hours(3);

/// In how many steps something happens once, and how many servers are made at most.
const SELDOM: usize = 8;
const MOST: usize = 6;

/// The hands of a run, if it has any: of its own chance, so that the rest of the run is as without them.
pub(super) struct Hands {
    chance: Chance,
    /// Servers that were made, by name, and when.
    made: BTreeMap<String, DateTime<Utc>>,
    /// Those that staff have exempted while their deletion was not asked for.
    exempt: BTreeSet<String>,
}

impl Hands {
    /// Every fourth run has them.
    pub(super) fn of(seed: u64) -> Option<Self> {
        let chance = Chance(SeededEntropy::new(seed ^ 0x0048_414E_4453));
        (seed % 4 == 2).then(|| Self { chance, made: BTreeMap::new(), exempt: BTreeSet::new() })
    }

    /// Does something now and then, and says what.
    pub(super) async fn act(&mut self, world: &World, students: &[Person]) -> Option<String> {
        if self.chance.below(SELDOM) > 0 {
            return None;
        }
        match self.chance.below(4) {
            0 | 1 => self.make(world, students),
            2 => self.restore(world).await,
            _ => self.exempt(world).await,
        }
    }

    fn make(&mut self, world: &World, students: &[Person]) -> Option<String> {
        if self.made.len() == MOST {
            return None;
        }
        let student = self.chance.of(students)?;
        let (name, now) = (format!("hand{}-{}", self.made.len(), student.net_id), world.app.now());
        world.cloud.put(&Object::by_hand(Kind::Server, &name, &name, now)).unwrap();
        let told = format!("{name} was made by hand");
        self.made.insert(name, now);
        Some(told)
    }

    fn any(&self) -> Option<String> {
        self.chance.of(&self.made.keys().collect::<Vec<_>>()).map(|name| (*name).clone())
    }

    /// By its owner or by staff: either may be told that it can't be.
    async fn restore(&self, world: &World) -> Option<String> {
        let name = self.any()?;
        let owner = name.rsplit('-').next()?.parse().unwrap();
        let of = (self.chance.below(2) == 0).then_some(&owner);
        let site = "kvm-tacc".parse().unwrap();
        let came = reaping::restore(&world.app, &Doer::itself(), &site, Kind::Server, &name, of).await;
        Some(format!(
            "{name} was to be taken back: {}",
            came.map_or_else(|error| error.to_string(), |_| "yes".into())
        ))
    }

    async fn exempt(&mut self, world: &World) -> Option<String> {
        let name = self.any()?;
        let (app, object) = (world.app.clone(), name.clone());
        let said = world.app.db.write::<_, DbError, _>("exempt", move |conn| {
            let site = "kvm-tacc".parse().unwrap();
            let mark = db::mark(conn, &site, Kind::Server, &object)?;
            if mark.is_some_and(|mark| matches!(mark.marked.stage, Stage::Deleting { .. })) {
                return Ok(false);
            }
            let exemption = Exemption {
                what: Exempt::Object(site, object.clone()),
                reason: "it is shown in class".to_owned(),
                by: "ta77".to_owned(),
                until: app.now() + TimeDelta::days(60),
            };
            db::insert_exemption(conn, &app.exemption_id(), &exemption, app.now())?;
            Ok(true)
        });
        let in_time = said.await.unwrap();
        if in_time && is_there(world, &name) {
            self.exempt.insert(name.clone());
        }
        Some(format!("{name} was exempted{}", if in_time { "" } else { " too late" }))
    }

    /// Nothing that is exempt goes, and nothing goes before its owner has had the time that staff have set.
    pub(super) fn hold_always(&self, world: &World) {
        let now = world.app.now();
        for (name, made) in &self.made {
            if !is_there(world, name) {
                assert!(!self.exempt.contains(name), "{name} was exempt and is gone");
                assert!(now - *made >= SHORTEST, "{name} is gone {} after it was made", now - *made);
            }
        }
    }

    /// What is left in the end, which alone counts as usage, and no mark of anything.
    pub(super) async fn hold_at_rest(&self, world: &World) -> BTreeSet<String> {
        let marks = world.app.db.read("marks", db::marks).await.unwrap();
        let marked: Vec<_> = marks.into_iter().map(|mark| mark.marked.target.name).collect();
        assert_eq!(marked, Vec::<String>::new(), "what is gone or exempt is not marked any more");
        let running = world.app.db.read("running", db::running_by_hand).await.unwrap();
        let running: BTreeSet<_> = running.into_iter().map(|line| line.source).collect();
        let site = "kvm-tacc".parse().unwrap();
        let there: BTreeSet<_> =
            self.exempt.iter().map(|name| Source::by_hand(&site, Kind::Server, name)).collect();
        assert_eq!(running, there, "what counts as usage is what is there");
        self.exempt.clone()
    }

    /// How often somebody has to look, an hour apart, until the last server is over its cap, told of and gone.
    pub(super) const UNTIL_REST: usize = 16;
}

fn is_there(world: &World, name: &str) -> bool {
    world.cloud.objects().unwrap().iter().any(|object| object.name == name)
}
