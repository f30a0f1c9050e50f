//! Outages, what became of the bookings that they hit, and due dates that staff put off.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::count;
use diesel::prelude::*;

use super::bookings::BookingRow;
use super::connection::{Conn, on};
use super::schema::{bookings, outage_hits, outages, people};
use super::types::Ts;
use super::{DbError, dialect};
use crate::domain::booking::{Booking, EndReason};
use crate::domain::course::Course;
use crate::domain::ids::{BookingId, LabId, NetId, OutageId, PersonId, PoolId};
use crate::domain::interval::Interval;
use crate::domain::outage::{Away, CARE, Ended, Fate, Hit, Outage, Remedy};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = outages, treat_none_as_null = true)]
struct OutageRow {
    id: String,
    away: String,
    from_at: Ts,
    until_at: Option<Ts>,
    reason: String,
    remedy: String,
    declared_by: String,
    declared_at: Ts,
    to_all: i32,
    announcement_id: Option<String>,
    settled_at: Option<Ts>,
    ended_at: Option<Ts>,
    ended_by: Option<String>,
    end_announcement_id: Option<String>,
    closed_at: Option<Ts>,
}

impl From<&Outage> for OutageRow {
    fn from(outage: &Outage) -> Self {
        let ended = outage.ended.as_ref();
        Self {
            id: outage.id.to_string(),
            away: outage.away.to_string(),
            from_at: Ts(outage.from),
            until_at: outage.until.map(Ts),
            reason: outage.reason.clone(),
            remedy: outage.remedy.word().to_owned(),
            declared_by: outage.declared_by.clone(),
            declared_at: Ts(outage.declared_at),
            to_all: i32::from(outage.to_all),
            announcement_id: outage.announcement.as_ref().map(ToString::to_string),
            settled_at: outage.settled_at.map(Ts),
            ended_at: ended.map(|ended| Ts(ended.at)),
            ended_by: ended.map(|ended| ended.by.clone()),
            end_announcement_id: ended.and_then(|it| it.announcement.as_ref()).map(ToString::to_string),
            closed_at: ended.and_then(|ended| ended.settled_at).map(Ts),
        }
    }
}

impl TryFrom<OutageRow> for Outage {
    type Error = DbError;
    fn try_from(row: OutageRow) -> Result<Self, DbError> {
        let id = |text: Option<String>| text.map(|id| id.parse()).transpose().map_err(DbError::corrupt);
        let ended = match (row.ended_at, row.ended_by) {
            (Some(at), Some(by)) => Some(Ended {
                at: at.0,
                by,
                announcement: id(row.end_announcement_id)?,
                settled_at: row.closed_at.map(|at| at.0),
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            away: row.away.parse().map_err(DbError::corrupt)?,
            from: row.from_at.0,
            until: row.until_at.map(|at| at.0),
            reason: row.reason,
            remedy: Remedy::from_word(&row.remedy)
                .ok_or_else(|| DbError::corrupt(format!("there is no remedy {}", row.remedy)))?,
            declared_by: row.declared_by,
            declared_at: row.declared_at.0,
            to_all: row.to_all != 0,
            announcement: id(row.announcement_id)?,
            settled_at: row.settled_at.map(|at| at.0),
            ended,
        })
    }
}

/// More outages than are open at a time.
const MOST_OPEN: i64 = 200;

/// Adds an outage of a course.
pub fn insert_outage(conn: &mut Conn<'_>, course: &Course, outage: &Outage) -> Result<(), DbError> {
    let row = (OutageRow::from(outage), outages::course_id.eq(course.id.as_str()));
    on!(conn, |c| diesel::insert_into(outages::table).values(row).execute(c))?;
    Ok(())
}

/// Writes what changed of an outage.
pub fn save_outage(conn: &mut Conn<'_>, outage: &Outage) -> Result<(), DbError> {
    let row = OutageRow::from(outage);
    on!(conn, |c| diesel::update(outages::table.find(outage.id.as_str())).set(row).execute(c))?;
    Ok(())
}

/// An outage.
pub fn outage(conn: &mut Conn<'_>, id: &OutageId) -> Result<Option<Outage>, DbError> {
    let row: Option<OutageRow> =
        on!(conn, |c| outages::table.find(id.as_str()).select(OutageRow::as_select()).first(c).optional())?;
    row.map(Outage::try_from).transpose()
}

/// The same, and nobody else changes it until the transaction is over.
pub fn outage_locked(conn: &mut Conn<'_>, id: &OutageId) -> Result<Option<Outage>, DbError> {
    dialect::lock_outage(conn, id.as_str())?;
    outage(conn, id)
}

/// The outages for which the reaper holds off at `now`: they have begun, and are not over or were until a short while ago.
pub fn outages_holding(conn: &mut Conn<'_>, now: DateTime<Utc>) -> Result<Vec<Outage>, DbError> {
    let rows: Vec<OutageRow> = on!(conn, |c| outages::table
        .filter(outages::from_at.le(Ts(now)))
        .filter(outages::ended_at.is_null().or(outages::ended_at.gt(Ts(now - CARE))))
        .order((outages::from_at.desc(), outages::id))
        .limit(MOST_OPEN)
        .select(OutageRow::as_select())
        .load(c))?;
    rows.into_iter().map(Outage::try_from).collect()
}

/// The outages of which something is left to do, the first to begin first.
pub fn open_outages(conn: &mut Conn<'_>) -> Result<Vec<Outage>, DbError> {
    let rows: Vec<OutageRow> = on!(conn, |c| outages::table
        .filter(outages::closed_at.is_null())
        .order((outages::from_at, outages::id))
        .limit(MOST_OPEN)
        .select(OutageRow::as_select())
        .load(c))?;
    rows.into_iter().map(Outage::try_from).collect()
}

/// The outages that began after an instant, the latest first.
pub fn outages_since(conn: &mut Conn<'_>, from: DateTime<Utc>, limit: i64) -> Result<Vec<Outage>, DbError> {
    let rows: Vec<OutageRow> = on!(conn, |c| outages::table
        .filter(outages::from_at.ge(Ts(from)))
        .order((outages::from_at.desc(), outages::id))
        .limit(limit)
        .select(OutageRow::as_select())
        .load(c))?;
    rows.into_iter().map(Outage::try_from).collect()
}

/// Which bookings something that is away concerns: those of these pools, and those of these labs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concerned {
    /// The pools of the site that is away.
    pub pools: Vec<PoolId>,
    /// The labs that need the service that is away.
    pub labs: Vec<LabId>,
}

impl Concerned {
    /// Those that this is about, in a course. A booking stays in its pool, and belongs to its lab, whatever that draws on.
    pub fn by(away: &Away, course: &Course) -> Self {
        let pools = course.pools.iter().filter(|pool| matches!(away, Away::Site(site) if *site == pool.site));
        let labs =
            course.labs.iter().filter(|lab| matches!(away, Away::Service(it) if lab.needs.contains(it)));
        Self { pools: pools.map(|it| it.id.clone()).collect(), labs: labs.map(|it| it.id.clone()).collect() }
    }
}

/// No booking is longer than this.
const LONGEST: TimeDelta = TimeDelta::days(8);

/// Bookings that something which is away over `window` hits and that `outage` has not dealt with, the first to start first: live
/// ones, and those that ran then and are over at `now`.
pub fn bookings_to_settle(
    conn: &mut Conn<'_>,
    concerned: &Concerned,
    window: &Interval,
    outage: Option<&OutageId>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Booking, NetId)>, DbError> {
    let pools: Vec<&str> = concerned.pools.iter().map(PoolId::as_str).collect();
    let labs: Vec<&str> = concerned.labs.iter().map(LabId::as_str).collect();
    let (from, to) = (Ts(window.start()), Ts(window.end()));
    let counted = [EndReason::Expired, EndReason::Released, EndReason::NoShow].map(EndReason::word);
    let dealt_with = outage_hits::table
        .filter(outage_hits::outage_id.eq(outage.map_or("", |id| id.as_str())))
        .select(outage_hits::booking_id);
    let live = bookings::seat.is_not_null().and(
        bookings::end_at
            .gt(from)
            .and(bookings::start_at.lt(to))
            .or(bookings::wanted_start.lt(to).and(bookings::wanted_end.gt(from)).assume_not_null()),
    );
    let ran = bookings::released_at
        .gt(from)
        .and(bookings::ready_at.is_not_null())
        .and(bookings::reason.eq_any(counted))
        .and(bookings::waived.eq(0))
        .assume_not_null()
        .and(bookings::end_at.gt(from))
        .and(bookings::start_at.lt(to));
    let rows: Vec<(BookingRow, String)> = on!(conn, |c| bookings::table
        .inner_join(people::table)
        .filter(bookings::pool_id.eq_any(&pools).or(bookings::lab_id.eq_any(&labs)))
        .filter(bookings::start_at.gt(Ts(window.start().min(now) - LONGEST)))
        .filter(live.or(ran))
        .filter(bookings::id.ne_all(dealt_with))
        .order((bookings::start_at, bookings::id))
        .limit(limit)
        .select((BookingRow::as_select(), people::net_id))
        .load(c))?;
    rows.into_iter()
        .map(|(row, net_id)| Ok((row.try_into()?, net_id.parse().map_err(DbError::corrupt)?)))
        .collect()
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = outage_hits)]
struct HitRow {
    outage_id: String,
    booking_id: String,
    person_id: String,
    fate: String,
    replacement_id: Option<String>,
}

impl TryFrom<HitRow> for Hit {
    type Error = DbError;
    fn try_from(row: HitRow) -> Result<Self, DbError> {
        Ok(Self {
            outage: row.outage_id.parse().map_err(DbError::corrupt)?,
            booking: row.booking_id.parse().map_err(DbError::corrupt)?,
            person: row.person_id.parse().map_err(DbError::corrupt)?,
            fate: serde_json::from_str(&row.fate).map_err(DbError::corrupt)?,
        })
    }
}

/// Writes what became of a booking, over what was written of it before; its student is to hear of it.
pub fn save_hit(conn: &mut Conn<'_>, hit: &Hit, now: DateTime<Utc>) -> Result<(), DbError> {
    let row = HitRow {
        outage_id: hit.outage.to_string(),
        booking_id: hit.booking.to_string(),
        person_id: hit.person.to_string(),
        fate: serde_json::to_string(&hit.fate).map_err(DbError::corrupt)?,
        replacement_id: hit.fate.replacement().map(ToString::to_string),
    };
    let (fate, replacement) = (row.fate.clone(), row.replacement_id.clone());
    on!(conn, |c| diesel::insert_into(outage_hits::table)
        .values((row, outage_hits::at.eq(Ts(now))))
        .on_conflict((outage_hits::outage_id, outage_hits::booking_id))
        .do_update()
        .set((
            outage_hits::fate.eq(fate),
            outage_hits::replacement_id.eq(replacement),
            outage_hits::at.eq(Ts(now)),
            outage_hits::told_at.eq(None::<Ts>),
        ))
        .execute(c))?;
    Ok(())
}

/// What became of one booking in an outage, if it was dealt with.
pub fn hit(conn: &mut Conn<'_>, outage: &OutageId, booking: &BookingId) -> Result<Option<Hit>, DbError> {
    let row: Option<HitRow> = on!(conn, |c| outage_hits::table
        .find((outage.as_str(), booking.as_str()))
        .select(HitRow::as_select())
        .first(c)
        .optional())?;
    row.map(Hit::try_from).transpose()
}

/// Bookings that ran when an outage hit them and were not given time back yet.
pub fn running_hits(conn: &mut Conn<'_>, outage: &OutageId, limit: i64) -> Result<Vec<Hit>, DbError> {
    let running = serde_json::to_string(&Fate::Running).map_err(DbError::corrupt)?;
    let rows: Vec<HitRow> = on!(conn, |c| outage_hits::table
        .filter(outage_hits::outage_id.eq(outage.as_str()))
        .filter(outage_hits::fate.eq(&running))
        .order(outage_hits::booking_id)
        .limit(limit)
        .select(HitRow::as_select())
        .load(c))?;
    rows.into_iter().map(Hit::try_from).collect()
}

/// A booking that an outage hit, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitLine {
    /// What became of it.
    pub hit: Hit,
    /// The booking as it is now.
    pub booking: Booking,
    /// Whose it is.
    pub net_id: NetId,
}

/// What an outage hit, the first to start first, from `offset` on.
pub fn hit_lines(
    conn: &mut Conn<'_>,
    outage: &OutageId,
    offset: i64,
    limit: i64,
) -> Result<Vec<HitLine>, DbError> {
    let rows: Vec<(HitRow, BookingRow, String)> = on!(conn, |c| outage_hits::table
        .inner_join(bookings::table.on(bookings::id.eq(outage_hits::booking_id)))
        .inner_join(people::table.on(people::id.eq(outage_hits::person_id)))
        .filter(outage_hits::outage_id.eq(outage.as_str()))
        .order((bookings::start_at, bookings::id))
        .offset(offset)
        .limit(limit)
        .select((HitRow::as_select(), BookingRow::as_select(), people::net_id))
        .load(c))?;
    let line = |(hit, booking, net_id): (HitRow, BookingRow, String)| {
        let net_id = net_id.parse().map_err(DbError::corrupt)?;
        Ok(HitLine { hit: hit.try_into()?, booking: booking.try_into()?, net_id })
    };
    rows.into_iter().map(line).collect()
}

/// How many bookings an outage hit, and how many people are still to hear of it.
pub fn hit_counts(conn: &mut Conn<'_>, outage: &OutageId) -> Result<(i64, i64), DbError> {
    let of = || outage_hits::table.filter(outage_hits::outage_id.eq(outage.as_str()));
    let all = on!(conn, |c| of().count().get_result(c))?;
    let untold = on!(conn, |c| of()
        .filter(outage_hits::told_at.is_null())
        .select(count(outage_hits::person_id).aggregate_distinct())
        .first(c))?;
    Ok((all, untold))
}

/// The last outage that hit a booking, and what became of it.
pub fn hit_of_booking(conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<Hit>, DbError> {
    let row: Option<HitRow> = on!(conn, |c| outage_hits::table
        .filter(outage_hits::booking_id.eq(id.as_str()))
        .order(outage_hits::at.desc())
        .select(HitRow::as_select())
        .first(c)
        .optional())?;
    row.map(Hit::try_from).transpose()
}

/// The hit in whose place a booking is, if it is in the place of one.
pub fn hit_replaced_by(conn: &mut Conn<'_>, id: &BookingId) -> Result<Option<Hit>, DbError> {
    let row: Option<HitRow> = on!(conn, |c| outage_hits::table
        .filter(outage_hits::replacement_id.eq(id.as_str()))
        .select(HitRow::as_select())
        .first(c)
        .optional())?;
    row.map(Hit::try_from).transpose()
}

/// Up to `limit` people who are to hear what an outage did to their bookings.
pub fn people_to_tell(conn: &mut Conn<'_>, outage: &OutageId, limit: i64) -> Result<Vec<PersonId>, DbError> {
    let ids: Vec<String> = on!(conn, |c| outage_hits::table
        .filter(outage_hits::outage_id.eq(outage.as_str()))
        .filter(outage_hits::told_at.is_null())
        .order(outage_hits::person_id)
        .select(outage_hits::person_id)
        .distinct()
        .limit(limit)
        .load(c))?;
    ids.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// What a person is to hear of an outage: their bookings that it hit, the first to start first.
pub fn untold_hits(
    conn: &mut Conn<'_>,
    outage: &OutageId,
    person: &PersonId,
) -> Result<Vec<(Hit, Booking)>, DbError> {
    let rows: Vec<(HitRow, BookingRow)> = on!(conn, |c| outage_hits::table
        .inner_join(bookings::table.on(bookings::id.eq(outage_hits::booking_id)))
        .filter(outage_hits::outage_id.eq(outage.as_str()))
        .filter(outage_hits::person_id.eq(person.as_str()))
        .filter(outage_hits::told_at.is_null())
        .order((bookings::start_at, bookings::id))
        .limit(MOST_OPEN)
        .select((HitRow::as_select(), BookingRow::as_select()))
        .load(c))?;
    rows.into_iter().map(|(hit, booking)| Ok((hit.try_into()?, booking.try_into()?))).collect()
}

/// The person has heard of all that the outage did.
pub fn mark_told(
    conn: &mut Conn<'_>,
    outage: &OutageId,
    person: &PersonId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(outage_hits::table)
        .filter(outage_hits::outage_id.eq(outage.as_str()))
        .filter(outage_hits::person_id.eq(person.as_str()))
        .filter(outage_hits::told_at.is_null())
        .set(outage_hits::told_at.eq(Ts(now)))
        .execute(c))?;
    Ok(())
}
