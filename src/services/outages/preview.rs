//! What declaring an outage would do, told before it is done. It goes by what is stored now: what is booked or given back until
//! it is declared may make it come otherwise.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Draft, settle};
use crate::db::{self, Concerned, Conn, DbError, LabSetting};
use crate::domain::booking::{Booking, EndReason};
use crate::domain::course::{Closure, Course, Lab, Pool};
use crate::domain::exception::Exception;
use crate::domain::ids::{BookingId, LabId, NetId, OutageId, PersonId, PoolId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::outage::Remedy;
use crate::domain::person::Person;
use crate::policy::availability;
use crate::policy::outage::{self as policy, Meets};
use crate::services::places;
use crate::services::situation::Situation;

/// What would become of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// It would be at this slot.
    Move(Interval),
    /// It would be called off, and its student could choose among these.
    Offer(Vec<Interval>),
    /// It would be called off.
    Cancel,
    /// It runs: it would cost nothing and get time back later.
    Running,
    /// It ran and is over: it would cost nothing.
    Free,
    /// It is an offer that nobody has taken: it would be withdrawn.
    Withdraw,
    /// It would stay where it is, and not be moved to where it is asked to be.
    Stay,
}

/// A booking that would be hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedLine {
    /// The booking as it is.
    pub booking: Booking,
    /// Whose it is.
    pub net_id: NetId,
    /// What would become of it.
    pub planned: Planned,
}

/// What declaring it would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The bookings, the first to start first.
    pub lines: Vec<PlannedLine>,
    /// Whether there are more than these.
    pub more: bool,
}

impl Preview {
    /// How many people have such a booking.
    pub fn people(&self) -> usize {
        self.lines.iter().map(|line| &line.net_id).collect::<BTreeSet<_>>().len()
    }
}

/// At how many bookings a preview looks.
const MOST: usize = 1_000;

/// What declaring the draft would do, or what it would do beyond what `outage` has done already.
pub fn preview(
    conn: &mut Conn<'_>,
    course: &Course,
    draft: &Draft,
    outage: Option<&OutageId>,
    now: DateTime<Utc>,
) -> Result<Preview, DbError> {
    let Some(window) = draft.window() else { return Ok(Preview { lines: Vec::new(), more: false }) };
    let concerned = Concerned::by(&draft.away, course);
    let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut hit = db::bookings_to_settle(conn, &concerned, &window, outage, now, limit)?;
    let more = hit.len() > MOST;
    hit.truncate(MOST);
    let mut scene = Scene::load(conn, course, draft, &hit, now)?;
    let mut lines = Vec::new();
    for (booking, net_id) in hit {
        if let Some(planned) = scene.plan(&booking, &window, draft.remedy) {
            lines.push(PlannedLine { booking, net_id, planned });
        }
    }
    Ok(Preview { lines, more })
}

/// All that a plan goes by, as it becomes while it is made: whoever is moved takes a place.
struct Scene {
    now: DateTime<Utc>,
    settings: BTreeMap<LabId, LabSetting>,
    people: BTreeMap<PersonId, Person>,
    bookings: BTreeMap<PersonId, Vec<Booking>>,
    exceptions: BTreeMap<PersonId, Vec<Exception>>,
    pools: BTreeMap<PoolId, Pool>,
    occupancies: BTreeMap<PoolId, Occupancy>,
}

impl Scene {
    fn load(
        conn: &mut Conn<'_>,
        course: &Course,
        draft: &Draft,
        hit: &[(Booking, NetId)],
        now: DateTime<Utc>,
    ) -> Result<Self, DbError> {
        let ids: BTreeSet<&PersonId> = hit.iter().map(|(booking, _)| &booking.person).collect();
        let ids: Vec<&PersonId> = ids.into_iter().collect();
        let mut scene = Self {
            now,
            settings: course.labs.iter().filter_map(|lab| setting(course, draft, lab)).collect(),
            people: BTreeMap::new(),
            bookings: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            pools: course.pools.iter().map(|pool| (pool.id.clone(), pool.clone())).collect(),
            occupancies: BTreeMap::new(),
        };
        for (id, span) in spans(&scene.settings, hit, now) {
            if let Some(pool) = scene.pools.get(&id) {
                let occupancy = db::occupancy(conn, pool, &span)?;
                scene.occupancies.insert(id, occupancy);
            }
        }
        for person in db::people(conn, &ids)? {
            scene.people.insert(person.id.clone(), person);
        }
        for booking in db::bookings_of_people(conn, &ids)? {
            scene.bookings.entry(booking.person.clone()).or_default().push(booking);
        }
        for exception in db::exceptions_of_people(conn, &ids)? {
            scene.exceptions.entry(exception.person.clone()).or_default().push(exception);
        }
        Ok(scene)
    }

    fn plan(&mut self, booking: &Booking, window: &Interval, remedy: Remedy) -> Option<Planned> {
        Some(match policy::meets(booking, window)? {
            Meets::Untaken => Planned::Withdraw,
            Meets::Wanted => Planned::Stay,
            Meets::Running => Planned::Running,
            Meets::Over => Planned::Free,
            Meets::Ahead => self.displaced(booking, remedy),
        })
    }

    fn displaced(&mut self, booking: &Booking, remedy: Remedy) -> Planned {
        self.release(booking);
        let person = self.people.get(&booking.person).filter(|person| person.ssh_public_key.is_some());
        let found = person.cloned().zip(self.settings.get(&booking.lab).cloned());
        let Some((person, setting)) = found.filter(|_| remedy != Remedy::Cancel) else {
            return Planned::Cancel;
        };
        let slots = self.slots(booking, &person, &setting);
        match (remedy, slots.first()) {
            (_, None) => Planned::Cancel,
            (Remedy::Move, Some(slot)) => {
                self.take(booking, &setting.pool, *slot);
                Planned::Move(*slot)
            }
            (_, Some(_)) => Planned::Offer(slots),
        }
    }

    fn slots(&self, booking: &Booking, person: &Person, setting: &LabSetting) -> Vec<Interval> {
        let exceptions = self.exceptions.get(&person.id).map_or(&[][..], Vec::as_slice);
        let bookings = self.bookings.get(&person.id).map_or(&[][..], Vec::as_slice);
        let situation =
            Situation::of(setting.clone(), person, exceptions, bookings, Some(&booking.id), self.now);
        let empty = Occupancy::default();
        let occupancy = self.occupancies.get(&setting.pool.id).unwrap_or(&empty);
        policy::instead(&situation.case(occupancy, self.now), &booking.slot, settle::CHOICES)
    }

    /// The booking is called off: its place is free, and it counts no more.
    fn release(&mut self, booking: &Booking) {
        for known in self.bookings.entry(booking.person.clone()).or_default() {
            if known.id == booking.id
                && let Ok(state) = known.state.release(EndReason::Displaced, self.now)
            {
                known.state = state;
            }
        }
        if let Some(pool) = self.pools.get(&booking.pool) {
            let occupancy = self.occupancies.entry(booking.pool.clone()).or_default();
            *occupancy = places::without(std::mem::take(occupancy), pool, booking);
        }
    }

    /// Another booking is in its place: of what it was, with this slot.
    fn take(&mut self, booking: &Booking, pool: &Pool, slot: Interval) {
        let instead =
            Booking { slot, held_from: pool.held(&slot).start(), pool: pool.id.clone(), ..booking.clone() };
        let occupancy = self.occupancies.entry(pool.id.clone()).or_default();
        *occupancy = std::mem::take(occupancy).with(pool, &pool.held(&slot), booking.units, true);
        let theirs = self.bookings.entry(booking.person.clone()).or_default();
        theirs.retain(|known| known.id != booking.id);
        theirs.push(Booking { id: BookingId::from_bits(0), ..instead });
    }
}

/// A lab as it would be with the draft: closed for its time, and with its due date.
fn setting(course: &Course, draft: &Draft, lab: &Lab) -> Option<(LabId, LabSetting)> {
    let pool = course.pools.iter().find(|pool| pool.id == lab.pool)?;
    let site = course.sites.iter().find(|site| site.id == pool.site)?;
    let due = draft.dues.get(&lab.id).map_or(lab.due, |due| due.of(lab));
    let mut lab = Lab { due, ..lab.clone() };
    if draft.away.hits(&lab, pool) {
        lab.outages.extend(draft.window().map(|span| Closure { span, reason: draft.reason.clone() }));
    }
    let setting = LabSetting { lab, pool: pool.clone(), site: site.clone(), zone: course.zone };
    Some((setting.lab.id.clone(), setting))
}

/// The span of each pool in which places for these bookings are looked for.
fn spans(
    settings: &BTreeMap<LabId, LabSetting>,
    hit: &[(Booking, NetId)],
    now: DateTime<Utc>,
) -> BTreeMap<PoolId, Interval> {
    let mut spans: BTreeMap<PoolId, Interval> = BTreeMap::new();
    for (booking, _) in hit {
        let Some(LabSetting { lab, pool, .. }) = settings.get(&booking.lab) else { continue };
        let span = availability::nearest_span(lab, pool, &booking.slot, now);
        let known = *spans.get(&pool.id).unwrap_or(&span);
        let (start, end) = (known.start().min(span.start()), known.end().max(span.end()));
        spans.insert(pool.id.clone(), Interval::new(start, end).unwrap_or(span));
    }
    spans
}
