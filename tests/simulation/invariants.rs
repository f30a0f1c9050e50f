//! What holds after each step, and what holds once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use std::rc::Rc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use fairlease::db::{self, DbError, DbUrl};
use fairlease::domain::booking::{Booking, EndReason, State};
use fairlease::domain::course::Pool;
use fairlease::domain::ids::{BookingId, PersonId};
use fairlease::domain::resource::{Mark, Resource, ResourceState};

use crate::world::World;

/// What the database holds.
pub(super) struct Seen {
    pub(super) bookings: Vec<Booking>,
    /// Whether the site is known to be down.
    pub(super) down: bool,
    resources: BTreeMap<BookingId, Vec<Resource>>,
    pool: Pool,
    /// Units that are counted as held, by the start of the cell.
    counted: BTreeMap<DateTime<Utc>, i32>,
}

/// Whose resources are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resources {
    /// Those of bookings that have something on the cloud.
    OfWhatIsThere,
    /// Those of all bookings.
    OfAll,
}

/// Looks at the database, and again only if somebody has written to it since.
pub(super) struct Eye {
    conn: SqliteConnection,
    people: Vec<PersonId>,
    last: Option<(Version, Rc<Seen>)>,
}

/// What a look depends on: the database's own count of what others have written, and whose resources are looked at.
#[derive(PartialEq, Eq)]
struct Version {
    written: i64,
    resources: Resources,
    there: BTreeSet<BookingId>,
}

#[derive(QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

impl Eye {
    /// Looks at all bookings of these people.
    pub(super) fn on(world: &World, people: Vec<PersonId>) -> Self {
        let DbUrl::Sqlite(path) = world.database_url() else { panic!("runs are on SQLite") };
        Self { conn: SqliteConnection::establish(&path).unwrap(), people, last: None }
    }

    fn version(&mut self, world: &World, resources: Resources) -> Version {
        let counted: DataVersion =
            diesel::sql_query("PRAGMA data_version").get_result(&mut self.conn).unwrap();
        let objects = world.cloud.objects().unwrap();
        let there = objects.iter().filter_map(|it| Some(Mark::from_name(&it.name)?.booking)).collect();
        Version { written: counted.data_version, resources, there }
    }

    pub(super) async fn look(&mut self, world: &World, resources: Resources) -> Rc<Seen> {
        let version = self.version(world, resources);
        if let Some((_, seen)) = self.last.as_ref().filter(|(last, _)| *last == version) {
            return seen.clone();
        }
        let seen = Rc::new(read(world, self.people.clone(), resources, version.there.clone()).await);
        self.last = Some((version, seen.clone()));
        seen
    }
}

async fn read(
    world: &World,
    people: Vec<PersonId>,
    resources: Resources,
    there: BTreeSet<BookingId>,
) -> Seen {
    let read = world.app.db.read::<_, DbError, _>("look", move |conn| {
        let bookings = db::bookings_of_people(conn, &people.iter().collect::<Vec<_>>())?;
        let shown = bookings.iter().filter(|it| resources == Resources::OfAll || there.contains(&it.id));
        let resources = shown.map(|it| Ok((it.id.clone(), db::resources(conn, &it.id)?)));
        let resources = resources.collect::<Result<_, DbError>>()?;
        let pool = db::pool(conn, &"kvm-clusters".parse().unwrap())?;
        let counted = counted(conn, &pool, &bookings)?;
        let down = !db::sites_that_are_down(conn)?.is_empty();
        Ok(Seen { bookings, down, resources, pool, counted })
    });
    read.await.unwrap()
}

/// The count of every cell that any of the bookings touches.
fn counted(
    conn: &mut db::Conn<'_>,
    pool: &Pool,
    bookings: &[Booking],
) -> Result<BTreeMap<DateTime<Utc>, i32>, DbError> {
    let slots = bookings.iter().flat_map(|it| [Some(it.span()), it.wanted_slot]).flatten();
    let cells: BTreeSet<_> =
        slots.flat_map(|slot| pool.cells(&pool.held(&slot)).collect::<Vec<_>>()).collect();
    let (Some(first), Some(last)) = (cells.first(), cells.last()) else { return Ok(BTreeMap::new()) };
    let span = fairlease::domain::interval::Interval::new(*first, *last + pool.grid()).unwrap();
    let occupancy = db::occupancy(conn, pool, &span)?;
    Ok(cells.iter().map(|cell| (*cell, pool.capacity_at(*cell) - occupancy.free(pool, *cell))).collect())
}

impl Seen {
    /// No place is held by more than may hold it, and each cell's count is what live bookings hold there: what is yet to come
    /// of it, since a booking that ends early keeps the cells that are over.
    fn places(&self, now: DateTime<Utc>) {
        for (cell, counted) in &self.counted {
            let holds = |booking: &&Booking| {
                let slots = [Some(booking.span()), booking.wanted_slot].into_iter().flatten();
                slots.map(|slot| self.pool.cells_held(&slot)).any(|held| held.contains(*cell))
            };
            let live = self.bookings.iter().filter(|booking| booking.state.is_live());
            let held: i32 = live.filter(holds).map(|booking| booking.units).sum();
            assert!(held <= self.pool.capacity_at(*cell), "{cell}: {held} units are held");
            if *cell >= self.pool.ceil(now) {
                assert_eq!(*counted, held, "{cell} is counted as {counted}, and live bookings hold {held}");
            }
        }
    }

    /// Nobody has more bookings than they may have.
    fn quotas(&self, limit: usize) {
        let mut live: BTreeMap<&PersonId, usize> = BTreeMap::new();
        for booking in self.bookings.iter().filter(|booking| booking.state.is_live()) {
            *live.entry(&booking.person).or_default() += 1;
        }
        assert!(live.values().all(|count| *count <= limit), "{live:?}");
    }

    /// Whatever of ours is on the cloud was written down before it was made, and is not thought to be gone.
    fn intents(&self, world: &World) {
        for object in world.cloud.objects().unwrap() {
            let Some(mark) = Mark::from_name(&object.name).filter(|it| it.instance == world.app.instance)
            else {
                continue;
            };
            let known = self.resources.get(&mark.booking).into_iter().flatten().find(|it| it.key == mark.key);
            let state = known.unwrap_or_else(|| panic!("{} is not written down", object.name)).state;
            assert_ne!(
                state,
                ResourceState::Planned,
                "{} was made before that was written down",
                object.name
            );
        }
    }

    pub(super) fn hold_always(&self, world: &World, now: DateTime<Utc>) {
        self.places(now);
        self.quotas(2);
        self.intents(world);
    }

    /// Everything has ended, nothing of ours is left, what is not ours is still there, and everybody was told once.
    pub(super) fn hold_at_rest(&self, world: &World, not_ours: &BTreeSet<String>) {
        for booking in &self.bookings {
            let ended = matches!(booking.state, State::Ended { .. });
            assert!(ended, "booking {} is {} for ever: {booking:#?}", booking.id, booking.state.word());
        }
        for resource in self.resources.values().flatten() {
            let done = matches!(resource.state, ResourceState::Planned | ResourceState::Gone);
            assert!(done, "{} of {} is thought to be {:?}", resource.key, resource.booking, resource.state);
        }
        let left: BTreeSet<String> = world.cloud.objects().unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(left, *not_ours, "what is left on the cloud");
        let mails = world.postbox.mails.lock().unwrap();
        let mut told = BTreeSet::new();
        for mail in mails.iter() {
            assert!(told.insert(&mail.dedupe_key), "\"{}\" was sent twice", mail.subject);
        }
        for booking in &self.bookings {
            if matches!(booking.state.reason(), Some(EndReason::Passed | EndReason::Lapsed)) {
                let lapsed = told.contains(&format!("lapsed/{}", booking.id));
                let right = booking.state.reason() == Some(EndReason::Lapsed);
                assert_eq!(lapsed, right, "who was offered {} was told how that ended", booking.id);
                continue;
            }
            let (ended, failed) = (format!("ended/{}", booking.id), format!("failed/{}", booking.id));
            let is_failed = booking.state.reason() == Some(EndReason::Failed);
            assert_eq!(
                (told.contains(&ended), told.contains(&failed)),
                (!is_failed, is_failed),
                "who had {} was told how it ended: {told:?}",
                booking.id
            );
        }
    }

    /// A booking that is over for long is not held any more.
    pub(super) fn overdue(&self, now: DateTime<Utc>) -> Option<&Booking> {
        self.bookings.iter().find(|it| it.state.is_live() && it.slot.end() + TimeDelta::hours(2) < now)
    }
}
