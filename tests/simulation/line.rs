//! Students who wait for a place, and what they make of offers.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fairlease::db::{self, DbError};
use fairlease::domain::booking::{Booking, State};
use fairlease::domain::ids::BookingId;
use fairlease::domain::interval::Interval;
use fairlease::domain::person::Person;
use fairlease::domain::usage::UsageLine;
use fairlease::domain::waitlist::{Asked, Outcome, Wait, WaitState};
use fairlease::entropy::SeededEntropy;
use fairlease::services::waitlist::{self, WaitError};

use super::simulator::Chance;
use crate::world::World;

/// In how many steps something happens once.
const SELDOM: usize = 4;

/// The line of a run, if it has one: of its own chance, so that the rest of the run is as without it.
pub(super) struct Line {
    chance: Chance,
    joined: usize,
}

impl Line {
    /// Every fourth run has one.
    pub(super) fn of(seed: u64) -> Option<Self> {
        let chance = Chance(SeededEntropy::new(seed ^ 0x4C49_4E45));
        (seed % 4 == 1).then_some(Self { chance, joined: 0 })
    }

    /// Does something now and then, and says what.
    pub(super) async fn act(&mut self, world: &World, students: &[Person]) -> Option<String> {
        if self.chance.below(SELDOM) > 0 {
            return None;
        }
        let student = self.chance.of(students)?;
        match self.chance.below(8) {
            0 | 1 => self.join(world, student).await,
            2 => self.leave(world, student).await,
            3 => self.answer(world, student).await,
            4 => {
                Some(format!("{} were given something", waitlist::go_through_all(&world.app).await.unwrap()))
            }
            _ => {
                let done = waitlist::step(&world.app).await.unwrap();
                Some(format!("the line was looked at: {done}"))
            }
        }
    }

    async fn join(&mut self, world: &World, student: &Person) -> Option<String> {
        let now = world.app.now();
        let window = |from: usize, long: usize| {
            let start = now + TimeDelta::hours(i64::try_from(from).unwrap());
            Interval::new(start, start + TimeDelta::hours(i64::try_from(long).unwrap())).unwrap()
        };
        let windows =
            (0..self.chance.below(4)).map(|_| window(self.chance.below(48), 2 + self.chance.below(6)));
        let asked = Asked {
            length_minutes: 30 * i64::try_from(1 + self.chance.below(8)).unwrap(),
            windows: windows.collect(),
            auto_accept: self.chance.below(3) == 0,
        };
        let joined = waitlist::join(&world.app, student.clone(), "k8s".parse().unwrap(), asked).await;
        let came = match joined {
            Ok(wait) => {
                self.joined += 1;
                format!("{:?}", wait.state)
            }
            Err(WaitError::AlreadyWaiting(_) | WaitError::Never { .. } | WaitError::BadWish(_)) => {
                "no".to_owned()
            }
            Err(error) => panic!("{error}"),
        };
        Some(format!("{} joined the line: {came}", student.net_id))
    }

    async fn leave(&self, world: &World, student: &Person) -> Option<String> {
        let wait = open(world, student).await?;
        waitlist::leave(&world.app, student.clone(), wait.id.clone()).await.unwrap();
        Some(format!("{} left the line", student.net_id))
    }

    async fn answer(&self, world: &World, student: &Person) -> Option<String> {
        let WaitState::Offered(id) = open(world, student).await?.state else { return None };
        let takes = self.chance.below(2) == 0;
        let answered = if takes {
            waitlist::accept(&world.app, student.clone(), id.clone()).await.map(|_| ())
        } else {
            waitlist::pass(&world.app, student.clone(), id.clone()).await
        };
        let came = match answered {
            Ok(()) => "yes",
            Err(WaitError::OfferOver) => "too late",
            Err(error) => panic!("{error}"),
        };
        let did = if takes { "took" } else { "passed" };
        Some(format!("{} {did} {id}: {came}", student.net_id))
    }
}

async fn open(world: &World, student: &Person) -> Option<Wait> {
    let id = student.id.clone();
    let found = world
        .app
        .db
        .read::<_, DbError, _>("open", move |conn| db::open_wait(conn, &id, &"k8s".parse().unwrap()));
    found.await.unwrap()
}

/// Each offer is somebody's in line, and no one else's; the ledger says of each booking what it holds.
pub(super) async fn hold_always(world: &World, bookings: &[Booking]) {
    let people: BTreeSet<_> = bookings.iter().map(|booking| booking.person.clone()).collect();
    let ids: Vec<BookingId> = bookings.iter().map(|booking| booking.id.clone()).collect();
    let (waits, lines) = world
        .app
        .db
        .read::<_, DbError, _>("line", move |conn| {
            let mut waits = Vec::new();
            for person in &people {
                waits.extend(db::waits_of_person(conn, person)?);
            }
            let lines = ids.iter().map(|id| db::lines_of_booking(conn, id)).collect::<Result<Vec<_>, _>>()?;
            Ok((waits, lines))
        })
        .await
        .unwrap();
    offers(bookings, &waits);
    for (booking, lines) in bookings.iter().zip(&lines) {
        charged(booking, lines);
    }
}

fn offers(bookings: &[Booking], waits: &[Wait]) {
    let of_bookings: BTreeSet<_> = bookings
        .iter()
        .filter(|booking| matches!(booking.state, State::Offered { .. }))
        .map(|booking| (booking.person.clone(), booking.id.clone()))
        .collect();
    let of_waits: Vec<_> = waits
        .iter()
        .filter_map(|wait| match &wait.state {
            WaitState::Offered(id) => Some((wait.person.clone(), id.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(of_waits.len(), of_bookings.len(), "{of_waits:?} are waited for, {of_bookings:?} are offered");
    assert_eq!(of_waits.into_iter().collect::<BTreeSet<_>>(), of_bookings);
    let served: Vec<_> = waits
        .iter()
        .filter_map(|wait| match &wait.state {
            WaitState::Ended { outcome: Outcome::Served(id), .. } => Some(id),
            _ => None,
        })
        .collect();
    assert_eq!(served.iter().collect::<BTreeSet<_>>().len(), served.len(), "one booking served two waits");
}

fn charged(booking: &Booking, lines: &[UsageLine]) {
    let sign = |line: &UsageLine| if line.gives_back { -1 } else { 1 };
    let seconds: i64 =
        lines.iter().map(|line| sign(line) * (line.until.unwrap() - line.from).num_seconds()).sum();
    let right = booking.usage().map_or(0, |span| span.length().num_seconds());
    assert_eq!(seconds, right, "the ledger says {lines:#?} of {booking:#?}");
}
