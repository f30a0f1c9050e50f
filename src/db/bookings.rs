//! Bookings, their log, and the claims by which workers take turns on them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::connection::{Conn, on};
use super::people::read_choices;
use super::schema::{bookings, events, labs, memberships, notices, people, pools};
use super::types::Ts;
use super::usage::{charge, lines_of_bookings};
use super::{DbError, dialect};
use crate::domain::booking::{Booking, EndReason, Event, State};
use crate::domain::ids::{BookingId, ClaimToken, CourseId, LabId, NetId, PersonId, PoolId, SiteId};
use crate::domain::interval::Interval;
use crate::domain::person::{Choices, Team};
use crate::domain::su::Su;
use crate::domain::usage::UsageLine;

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = bookings)]
pub(super) struct BookingRow {
    id: String,
    person_id: String,
    lab_id: String,
    pool_id: String,
    label: String,
    units: i32,
    servers: i32,
    start_at: Ts,
    end_at: Ts,
    held_from: Ts,
    wanted_start: Option<Ts>,
    wanted_end: Option<Ts>,
    su_per_hour: i64,
    state: String,
    offered_until: Option<Ts>,
    reason: Option<String>,
    preparing_at: Option<Ts>,
    ready_at: Option<Ts>,
    released_at: Option<Ts>,
    ended_at: Option<Ts>,
    trouble: Option<String>,
    version: i32,
    created_at: Ts,
    next_step_at: Option<Ts>,
    nodes: Option<String>,
    waived: i32,
}

/// Names with a space between: none has one in it.
fn nodes_as_text(nodes: &[String]) -> Option<String> {
    (!nodes.is_empty()).then(|| nodes.join(" "))
}

fn instant(ts: Option<Ts>) -> Option<DateTime<Utc>> {
    ts.map(|ts| ts.0)
}

impl TryFrom<BookingRow> for Booking {
    type Error = DbError;
    fn try_from(row: BookingRow) -> Result<Self, DbError> {
        let reason = row.reason.as_deref().and_then(EndReason::from_word);
        let state = State::from_parts(
            &row.state,
            instant(row.offered_until),
            reason,
            instant(row.ready_at),
            instant(row.released_at),
            instant(row.ended_at),
        );
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            person: row.person_id.parse().map_err(DbError::corrupt)?,
            lab: row.lab_id.parse().map_err(DbError::corrupt)?,
            pool: row.pool_id.parse().map_err(DbError::corrupt)?,
            label: row.label,
            units: row.units,
            servers: row.servers,
            slot: Interval::new(row.start_at.0, row.end_at.0)
                .ok_or_else(|| DbError::corrupt("an empty slot"))?,
            held_from: row.held_from.0,
            wanted_end: instant(row.wanted_end).filter(|_| row.wanted_start.is_none()),
            wanted_slot: instant(row.wanted_start)
                .zip(instant(row.wanted_end))
                .and_then(|(start, end)| Interval::new(start, end)),
            su_per_hour: Su::from_micro(row.su_per_hour),
            preparing_at: instant(row.preparing_at),
            state: state.ok_or_else(|| DbError::corrupt(format!("the state of booking {}", row.id)))?,
            trouble: row.trouble,
            version: row.version,
            created_at: row.created_at.0,
            next_step_at: instant(row.next_step_at),
            waived: row.waived != 0,
            nodes: row.nodes.map(|nodes| nodes.split(' ').map(str::to_owned).collect()).unwrap_or_default(),
        })
    }
}

/// The columns that change as a booking goes on its way. `None` is written as NULL.
#[derive(AsChangeset)]
#[diesel(table_name = bookings, treat_none_as_null = true)]
struct Progress<'a> {
    start_at: Ts,
    end_at: Ts,
    held_from: Ts,
    wanted_start: Option<Ts>,
    wanted_end: Option<Ts>,
    state: &'a str,
    offered_until: Option<Ts>,
    reason: Option<String>,
    preparing_at: Option<Ts>,
    ready_at: Option<Ts>,
    released_at: Option<Ts>,
    ended_at: Option<Ts>,
    trouble: Option<String>,
    next_step_at: Option<Ts>,
    nodes: Option<String>,
    waived: i32,
}

impl<'a> Progress<'a> {
    fn of(booking: &'a Booking) -> Self {
        let state = &booking.state;
        Self {
            start_at: Ts(booking.slot.start()),
            end_at: Ts(booking.slot.end()),
            held_from: Ts(booking.held_from),
            wanted_start: booking.wanted_slot.map(|slot| Ts(slot.start())),
            wanted_end: booking.wanted_slot.map(|slot| slot.end()).or(booking.wanted_end).map(Ts),
            state: state.word(),
            offered_until: state.offered_until().map(Ts),
            reason: state.reason().map(|reason| reason.word().to_owned()),
            preparing_at: booking.preparing_at.map(Ts),
            ready_at: state.ready_at().map(Ts),
            released_at: state.released_at().map(Ts),
            ended_at: state.ended_at().map(Ts),
            trouble: booking.trouble.clone(),
            next_step_at: booking.next_step_at.map(Ts),
            nodes: nodes_as_text(&booking.nodes),
            waived: i32::from(booking.waived),
        }
    }
}

/// Adds a booking in one of the lab's numbered seats of its person, and charges it in the usage ledger.
pub fn insert_booking(
    conn: &mut Conn<'_>,
    booking: &Booking,
    seat: i32,
    idempotency_key: Option<&str>,
) -> Result<(), DbError> {
    let fixed = (
        bookings::id.eq(booking.id.as_str()),
        bookings::person_id.eq(booking.person.as_str()),
        bookings::lab_id.eq(booking.lab.as_str()),
        bookings::pool_id.eq(booking.pool.as_str()),
        bookings::label.eq(&booking.label),
        bookings::units.eq(booking.units),
        bookings::servers.eq(booking.servers),
        bookings::start_at.eq(Ts(booking.slot.start())),
        bookings::end_at.eq(Ts(booking.slot.end())),
        bookings::held_from.eq(Ts(booking.held_from)),
        bookings::su_per_hour.eq(booking.su_per_hour.micro()),
        bookings::seat.eq(Some(seat)),
        bookings::state.eq(booking.state.word()),
        bookings::offered_until.eq(booking.state.offered_until().map(Ts)),
        bookings::version.eq(booking.version),
        bookings::idempotency_key.eq(idempotency_key),
        bookings::created_at.eq(Ts(booking.created_at)),
        bookings::next_step_at.eq(booking.next_step_at.map(Ts)),
        bookings::nodes.eq(nodes_as_text(&booking.nodes)),
        bookings::waived.eq(i32::from(booking.waived)),
    );
    on!(conn, |c| diesel::insert_into(bookings::table).values(fixed).execute(c))?;
    charge(conn, booking, booking.created_at)
}

/// The booking with this id.
pub fn booking(conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<Booking>, DbError> {
    let row: Option<BookingRow> =
        on!(conn, |c| bookings::table.find(id.as_str()).select(BookingRow::as_select()).first(c).optional())?;
    row.map(Booking::try_from).transpose()
}

/// The booking with this id, which no one else may change until the transaction is over.
pub fn booking_locked(conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<Booking>, DbError> {
    dialect::lock_booking(conn, id.as_str())?;
    booking(conn, id)
}

/// The booking that this person made with this idempotency key.
pub fn booking_by_key(conn: &mut Conn<'_>, person: &PersonId, key: &str) -> Result<Option<Booking>, DbError> {
    let row: Option<BookingRow> = on!(conn, |c| bookings::table
        .filter(bookings::person_id.eq(person.as_str()))
        .filter(bookings::idempotency_key.eq(key))
        .select(BookingRow::as_select())
        .first(c)
        .optional())?;
    row.map(Booking::try_from).transpose()
}

/// The seats that the person's live bookings of this lab take.
pub fn seats_taken(conn: &mut Conn<'_>, person: &PersonId, lab: &LabId) -> Result<Vec<i32>, DbError> {
    let seats: Vec<Option<i32>> = on!(conn, |c| bookings::table
        .filter(bookings::person_id.eq(person.as_str()))
        .filter(bookings::lab_id.eq(lab.as_str()))
        .filter(bookings::seat.is_not_null())
        .select(bookings::seat)
        .load(c))?;
    Ok(seats.into_iter().flatten().collect())
}

/// More bookings than anyone makes in a term; the latest count.
const MOST_OF_ONE: i64 = 2000;

/// How many people one statement asks for, and the most rows of them.
const PEOPLE_AT_ONCE: usize = 100;
const MOST_OF_SOME: i64 = 100 * MOST_OF_ONE;

/// All bookings of the person, soonest first.
pub fn bookings_of_person(conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<Booking>, DbError> {
    let rows: Vec<BookingRow> = on!(conn, |c| bookings::table
        .filter(bookings::person_id.eq(person.as_str()))
        .order((bookings::start_at.desc(), bookings::id.desc()))
        .limit(MOST_OF_ONE)
        .select(BookingRow::as_select())
        .load(c))?;
    rows.into_iter().rev().map(Booking::try_from).collect()
}

/// The `limit` bookings of the person that start last, of those that end at `since` or later; soonest first.
pub fn bookings_of_person_since(
    conn: &mut Conn<'_>,
    person: &PersonId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Booking>, DbError> {
    let rows: Vec<BookingRow> = on!(conn, |c| bookings::table
        .filter(bookings::person_id.eq(person.as_str()))
        .filter(bookings::end_at.ge(Ts(since)))
        .order((bookings::start_at.desc(), bookings::id.desc()))
        .limit(limit)
        .select(BookingRow::as_select())
        .load(c))?;
    rows.into_iter().rev().map(Booking::try_from).collect()
}

/// The `limit` bookings of a course that start first from `since` on, whatever became of them, with whose they are; what is
/// or was only offered to someone is not among them.
pub fn bookings_of_course_since(
    conn: &mut Conn<'_>,
    course: &CourseId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Booking, NetId)>, DbError> {
    let untaken = || bookings::reason.is_null().or(bookings::reason.ne_all(["passed", "lapsed"]));
    let rows: Vec<(BookingRow, String)> = on!(conn, |c| bookings::table
        .inner_join(people::table)
        .inner_join(labs::table.on(labs::id.eq(bookings::lab_id)))
        .filter(labs::course_id.eq(course.as_str()))
        .filter(bookings::start_at.ge(Ts(since)))
        .filter(bookings::state.ne("offered"))
        .filter(untaken())
        .order((bookings::start_at, bookings::id))
        .limit(limit)
        .select((BookingRow::as_select(), people::net_id))
        .load(c))?;
    with_net_id(rows)
}

/// Up to `limit` bookings of the person that are no longer live, latest start first: those before the start and id in
/// `before`.
pub fn past_bookings(
    conn: &mut Conn<'_>,
    person: &PersonId,
    before: Option<(DateTime<Utc>, &BookingId)>,
    limit: i64,
) -> Result<Vec<Booking>, DbError> {
    let rows: Vec<BookingRow> = on!(conn, |c| {
        let mut query = bookings::table
            .filter(bookings::person_id.eq(person.as_str()))
            .filter(bookings::seat.is_null())
            .order((bookings::start_at.desc(), bookings::id.desc()))
            .limit(limit)
            .select(BookingRow::as_select())
            .into_boxed();
        if let Some((start, id)) = before {
            // The first condition is what the index goes by.
            query = query
                .filter(bookings::start_at.le(Ts(start)))
                .filter(bookings::start_at.lt(Ts(start)).or(bookings::id.lt(id.as_str())));
        }
        query.load(c)
    })?;
    rows.into_iter().map(Booking::try_from).collect()
}

/// All bookings of these people, soonest first.
pub fn bookings_of_people(conn: &mut Conn<'_>, people: &[&PersonId]) -> Result<Vec<Booking>, DbError> {
    let mut found = Vec::new();
    for some in people.chunks(PEOPLE_AT_ONCE) {
        let rows: Vec<BookingRow> = on!(conn, |c| bookings::table
            .filter(bookings::person_id.eq_any(some.iter().map(|id| id.as_str())))
            .order((bookings::person_id, bookings::start_at, bookings::id))
            .limit(MOST_OF_SOME)
            .select(BookingRow::as_select())
            .load(c))?;
        found.extend(rows.into_iter().map(Booking::try_from));
    }
    found.into_iter().collect()
}

/// The `limit` bookings that start last, of everyone or of one person.
pub fn latest_bookings(
    conn: &mut Conn<'_>,
    who: Option<&NetId>,
    limit: i64,
) -> Result<Vec<(Booking, NetId)>, DbError> {
    let rows: Vec<(BookingRow, String)> = on!(conn, |c| {
        let mut query = bookings::table
            .inner_join(people::table)
            .order((bookings::start_at.desc(), bookings::id))
            .limit(limit)
            .select((BookingRow::as_select(), people::net_id))
            .into_boxed();
        if let Some(who) = who {
            query = query.filter(people::net_id.eq(who.as_str()));
        }
        query.load(c)
    })?;
    with_net_id(rows)
}

/// The `limit` live bookings that end first, up to `until`, with their people's net IDs.
pub fn live_bookings_ending(
    conn: &mut Conn<'_>,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Booking, NetId)>, DbError> {
    let rows: Vec<(BookingRow, String)> = on!(conn, |c| bookings::table
        .inner_join(people::table)
        .filter(bookings::seat.is_not_null())
        .filter(bookings::end_at.le(Ts(until)))
        .order((bookings::end_at, bookings::id))
        .limit(limit)
        .select((BookingRow::as_select(), people::net_id))
        .load(c))?;
    with_net_id(rows)
}

/// The `limit` live bookings that start first of those who are in a team of a course, all but one of them; what is only
/// offered to someone is not theirs yet.
pub fn bookings_of_team(
    conn: &mut Conn<'_>,
    course: &CourseId,
    team: &Team,
    but: &PersonId,
    limit: i64,
) -> Result<Vec<(Booking, NetId)>, DbError> {
    let rows: Vec<(BookingRow, String)> = on!(conn, |c| {
        let mut query = bookings::table
            .inner_join(people::table.inner_join(memberships::table))
            .inner_join(labs::table.on(labs::id.eq(bookings::lab_id)))
            .filter(memberships::course_id.eq(course.as_str()))
            .filter(memberships::team.eq(team.name.as_str()))
            .filter(memberships::dropped_at.is_null())
            .filter(memberships::person_id.ne(but.as_str()))
            .filter(labs::course_id.eq(course.as_str()))
            .filter(bookings::seat.is_not_null())
            .filter(bookings::state.ne("offered"))
            .order((bookings::start_at, bookings::id))
            .limit(limit)
            .select((BookingRow::as_select(), people::net_id))
            .into_boxed();
        query = match &team.section {
            Some(section) => query.filter(memberships::section.eq(section.as_str())),
            None => query.filter(memberships::section.is_null()),
        };
        query.load(c)
    })?;
    with_net_id(rows)
}

/// Up to `limit` active bookings that end after `now` and up to `until`, soonest first, with their people's choices: those
/// that come after the end and id in `after`.
pub fn active_bookings_ending(
    conn: &mut Conn<'_>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    after: Option<&(DateTime<Utc>, BookingId)>,
    limit: i64,
) -> Result<Vec<(Booking, Choices)>, DbError> {
    let rows: Vec<(BookingRow, String)> = on!(conn, |c| {
        let mut query = bookings::table
            .inner_join(people::table)
            .filter(bookings::seat.is_not_null())
            .filter(bookings::state.eq("active"))
            .filter(bookings::end_at.gt(Ts(now)).and(bookings::end_at.le(Ts(until))))
            .order((bookings::end_at, bookings::id))
            .limit(limit)
            .select((BookingRow::as_select(), people::choices))
            .into_boxed();
        if let Some((end, id)) = after {
            let later = bookings::end_at.eq(Ts(*end)).and(bookings::id.gt(id.as_str()));
            query = query.filter(bookings::end_at.gt(Ts(*end)).or(later));
        }
        query.load(c)
    })?;
    rows.into_iter().map(|(row, choices)| Ok((row.try_into()?, read_choices(&choices)?))).collect()
}

fn with_net_id(rows: Vec<(BookingRow, String)>) -> Result<Vec<(Booking, NetId)>, DbError> {
    rows.into_iter()
        .map(|(row, net_id)| Ok((row.try_into()?, net_id.parse().map_err(DbError::corrupt)?)))
        .collect()
}

/// How many bookings of these pools have not ended: live ones, and those whose resources are being deleted.
pub fn unended_bookings_in_pools(conn: &mut Conn<'_>, pools: &[PoolId]) -> Result<i64, DbError> {
    Ok(on!(conn, |c| bookings::table
        .filter(bookings::pool_id.eq_any(pools.iter().map(PoolId::as_str)))
        .filter(bookings::ended_at.is_null())
        .count()
        .get_result(c))?)
}

/// How many bookings of a person have not ended.
pub fn unended_bookings_of(conn: &mut Conn<'_>, person: &PersonId) -> Result<i64, DbError> {
    Ok(on!(conn, |c| bookings::table
        .filter(bookings::person_id.eq(person.as_str()))
        .filter(bookings::ended_at.is_null())
        .count()
        .get_result(c))?)
}

/// The states of those of these bookings that exist.
pub fn states(conn: &mut Conn<'_>, ids: &[BookingId]) -> Result<Vec<(BookingId, bool)>, DbError> {
    let rows: Vec<(String, String)> = on!(conn, |c| bookings::table
        .filter(bookings::id.eq_any(ids.iter().map(BookingId::as_str)))
        .select((bookings::id, bookings::state))
        .load(c))?;
    rows.into_iter()
        .map(|(id, state)| Ok((id.parse().map_err(DbError::corrupt)?, state == "ended")))
        .collect()
}

/// Writes what changed of a booking, counts its version up, and has the usage ledger agree with it. A booking that is no
/// longer live leaves its seat.
pub fn save_booking(conn: &mut Conn<'_>, booking: &Booking, now: DateTime<Utc>) -> Result<(), DbError> {
    let progress = Progress::of(booking);
    on!(conn, |c| diesel::update(bookings::table.find(booking.id.as_str()))
        .set((progress, bookings::version.eq(bookings::version + 1)))
        .execute(c))?;
    if !booking.state.is_live() {
        on!(conn, |c| diesel::update(bookings::table.find(booking.id.as_str()))
            .set(bookings::seat.eq(None::<i32>))
            .execute(c))?;
    }
    charge(conn, booking, now)
}

/// Counts the booking's version up: something that its page shows has changed.
pub fn touch_booking(conn: &mut Conn<'_>, id: &BookingId) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(bookings::table.find(id.as_str()))
        .set(bookings::version.eq(bookings::version + 1))
        .execute(c))?;
    Ok(())
}

/// The booking's version, if it exists.
pub fn booking_version(conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<i32>, DbError> {
    Ok(on!(conn, |c| bookings::table.find(id.as_str()).select(bookings::version).first(c).optional())?)
}

/// Claims bookings whose next step is due and which nobody has a claim on, longest due first, and says at which site each
/// is. `room` says how many more bookings of a site the caller takes. What a site that is down has to do rests.
pub fn claim_due_bookings(
    conn: &mut Conn<'_>,
    token: &ClaimToken,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    room: impl Fn(&SiteId) -> usize,
) -> Result<Vec<(BookingId, SiteId)>, DbError> {
    let mut claimed = Vec::new();
    for (site, pools) in pools_at_work(conn)? {
        let limit = i64::try_from(room(&site)).unwrap_or(i64::MAX);
        if limit > 0 {
            let ids = dialect::due_bookings(conn, &pools, now, limit)?;
            claimed.extend(ids.into_iter().map(|id| (id, site.clone())));
        }
    }
    let ids = claimed.iter().map(|(id, _)| id);
    on!(conn, |c| diesel::update(bookings::table.filter(bookings::id.eq_any(ids)))
        .set((bookings::claim_token.eq(token.as_str()), bookings::claim_until.eq(Ts(until))))
        .execute(c))?;
    claimed.into_iter().map(|(id, site)| Ok((id.parse().map_err(DbError::corrupt)?, site))).collect()
}

/// The pools of each site that is not down.
fn pools_at_work(conn: &mut Conn<'_>) -> Result<BTreeMap<SiteId, Vec<String>>, DbError> {
    let down = super::sites_that_are_down(conn)?;
    let rows: Vec<(String, String)> =
        on!(conn, |c| pools::table.select((pools::site_id, pools::id)).order(pools::id).load(c))?;
    let mut sites: BTreeMap<SiteId, Vec<String>> = BTreeMap::new();
    for (site, pool) in rows {
        let site: SiteId = site.parse().map_err(DbError::corrupt)?;
        if !down.contains(&site) {
            sites.entry(site).or_default().push(pool);
        }
    }
    Ok(sites)
}

/// Renews a claim. False if it was lost to somebody else meanwhile: then nothing may be written on its strength. Locks the
/// booking until the transaction is over.
pub fn renew_claim(
    conn: &mut Conn<'_>,
    id: &BookingId,
    token: &ClaimToken,
    until: DateTime<Utc>,
) -> Result<bool, DbError> {
    let renewed = on!(conn, |c| diesel::update(bookings::table)
        .filter(bookings::id.eq(id.as_str()))
        .filter(bookings::claim_token.eq(token.as_str()))
        .set(bookings::claim_until.eq(Ts(until)))
        .execute(c))?;
    Ok(renewed == 1)
}

/// Gives a claim up.
pub fn drop_claim(conn: &mut Conn<'_>, id: &BookingId, token: &ClaimToken) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(bookings::table)
        .filter(bookings::id.eq(id.as_str()))
        .filter(bookings::claim_token.eq(token.as_str()))
        .set((bookings::claim_token.eq(None::<&str>), bookings::claim_until.eq(None::<Ts>)))
        .execute(c))?;
    Ok(())
}

/// Gives up every claim on bookings, notices, rosters and announcements, and says how many there were. Only for someone who knows that nobody is left
/// to act on them.
pub fn drop_all_claims(conn: &mut Conn<'_>) -> Result<usize, DbError> {
    let bookings = on!(conn, |c| diesel::update(bookings::table)
        .filter(bookings::next_step_at.is_not_null())
        .filter(bookings::claim_token.is_not_null())
        .set((bookings::claim_token.eq(None::<&str>), bookings::claim_until.eq(None::<Ts>)))
        .execute(c))?;
    let notices = on!(conn, |c| diesel::update(notices::table)
        .filter(notices::next_attempt_at.is_not_null())
        .filter(notices::claim_token.is_not_null())
        .set((notices::claim_token.eq(None::<&str>), notices::claim_until.eq(None::<Ts>)))
        .execute(c))?;
    Ok(bookings + notices + super::drop_import_claims(conn)? + super::drop_mailing_claims(conn)?)
}

/// Adds a line to the booking's log.
pub fn log_event(conn: &mut Conn<'_>, id: &BookingId, event: &Event) -> Result<(), DbError> {
    let last: Option<i32> = on!(conn, |c| events::table
        .filter(events::booking_id.eq(id.as_str()))
        .order(events::number.desc())
        .select(events::number)
        .first(c)
        .optional())?;
    on!(conn, |c| diesel::insert_into(events::table)
        .values((
            events::booking_id.eq(id.as_str()),
            events::number.eq(last.unwrap_or(0) + 1),
            events::at.eq(Ts(event.at)),
            events::actor.eq(&event.actor),
            events::what.eq(&event.what),
        ))
        .execute(c))?;
    Ok(())
}

/// The latest `limit` lines of the booking's log, oldest first.
pub fn events(conn: &mut Conn<'_>, id: &BookingId, limit: i64) -> Result<Vec<Event>, DbError> {
    let rows: Vec<(Ts, String, String)> = on!(conn, |c| events::table
        .filter(events::booking_id.eq(id.as_str()))
        .order(events::number.desc())
        .limit(limit)
        .select((events::at, events::actor, events::what))
        .load(c))?;
    Ok(rows.into_iter().rev().map(|(at, actor, what)| Event { at: at.0, actor, what }).collect())
}

/// A booking beside what is written down of its usage.
#[derive(Debug, Clone)]
pub struct Charged {
    /// The booking.
    pub booking: Booking,
    /// Whose it is.
    pub net_id: NetId,
    /// From when up to when it is charged, as is noted with it.
    pub charged: Option<Interval>,
    /// Its lines of the ledger.
    pub lines: Vec<UsageLine>,
}

/// The next `limit` bookings after this one, by their ids, with what is written down of their usage.
pub fn charged_bookings(
    conn: &mut Conn<'_>,
    after: Option<&BookingId>,
    limit: i64,
) -> Result<Vec<Charged>, DbError> {
    let rows: Vec<(BookingRow, String, Option<Ts>, Option<Ts>)> = on!(conn, |c| {
        let mut query = bookings::table
            .inner_join(people::table)
            .order(bookings::id)
            .limit(limit)
            .select((
                BookingRow::as_select(),
                people::net_id,
                bookings::charged_from,
                bookings::charged_until,
            ))
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(bookings::id.gt(after.as_str()));
        }
        query.load(c)
    })?;
    let ids: Vec<&str> = rows.iter().map(|(booking, ..)| booking.id.as_str()).collect();
    let mut lines = lines_of_bookings(conn, &ids)?;
    let charged = rows.into_iter().map(|(row, net_id, from, until)| {
        let booking = Booking::try_from(row)?;
        Ok(Charged {
            net_id: net_id.parse().map_err(DbError::corrupt)?,
            charged: instant(from).zip(instant(until)).and_then(|(from, until)| Interval::new(from, until)),
            lines: lines.remove(&booking.id).unwrap_or_default(),
            booking,
        })
    });
    charged.collect()
}
