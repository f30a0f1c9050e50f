//! What holds after each step, and what holds once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::db::{self, DbError};
use fairlease::domain::booking::{Booking, State};
use fairlease::domain::course::Pool;
use fairlease::domain::ids::{BookingId, PersonId};
use fairlease::domain::resource::{Mark, Resource, ResourceState};

use crate::world::World;

/// What the database holds.
pub(super) struct Seen {
    pub(super) bookings: Vec<Booking>,
    resources: BTreeMap<BookingId, Vec<Resource>>,
    pool: Pool,
    /// Units that are counted as held, by the start of the cell.
    counted: BTreeMap<DateTime<Utc>, i32>,
}

/// Whose resources are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Resources {
    /// Those of bookings that have something on the cloud.
    OfWhatIsThere,
    /// Those of all bookings.
    OfAll,
}

/// Looks at all bookings of these people.
pub(super) async fn look(world: &World, people: &[PersonId], resources: Resources) -> Seen {
    let people: Vec<PersonId> = people.to_vec();
    let objects = world.cloud.objects().unwrap();
    let there: BTreeSet<_> =
        objects.iter().filter_map(|it| Some(Mark::from_name(&it.name)?.booking)).collect();
    let read = world.app.db.read::<_, DbError, _>("look", move |conn| {
        let bookings = db::bookings_of_people(conn, &people.iter().collect::<Vec<_>>())?;
        let shown = bookings.iter().filter(|it| resources == Resources::OfAll || there.contains(&it.id));
        let resources = shown.map(|it| Ok((it.id.clone(), db::resources(conn, &it.id)?)));
        let resources = resources.collect::<Result<_, DbError>>()?;
        let pool = db::pool(conn, &"kvm-clusters".parse().unwrap())?;
        let counted = counted(conn, &pool, &bookings)?;
        Ok(Seen { bookings, resources, pool, counted })
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
            let about = |key: &&&String| key.contains(booking.id.as_str()) && key.contains("ended");
            assert_eq!(
                told.iter().filter(about).count(),
                1,
                "who had {} was told of its end: {told:?}",
                booking.id
            );
        }
    }

    /// A booking that is over for long is not held any more.
    pub(super) fn overdue(&self, now: DateTime<Utc>) -> Option<&Booking> {
        self.bookings.iter().find(|it| it.state.is_live() && it.slot.end() + TimeDelta::hours(2) < now)
    }
}
