//! The usage ledger, and each person's total of what is over in it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{bookings, usage_lines, usage_totals};
use super::types::Ts;
use crate::domain::booking::{Booking, EndReason};
use crate::domain::ids::{BookingId, PersonId};
use crate::domain::interval::Interval;
use crate::domain::su::Su;
use crate::domain::usage::{Rate, Source, UsageLine, UsageTotal, Why, difference};

/// More lines than there are before they are folded: those of a term of a large university.
const MOST: i64 = 5_000_000;

/// How many sources one statement is about: SQLite takes no more values at a time.
const AT_ONCE: usize = 500;

/// More lines than one person ever has.
const MOST_OF_ONE: i64 = 20_000;

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = usage_lines)]
struct LineRow {
    source: String,
    number: i32,
    person_id: String,
    booking_id: Option<String>,
    why: String,
    at: Ts,
    sign: i32,
    from_at: Ts,
    until_at: Option<Ts>,
    units: i32,
    servers: i32,
    su_per_hour: i64,
    folded: i32,
}

/// What the rows of an object begin with that someone made by hand.
pub(super) const BY_HAND: &str = "by-hand ";

fn source_text(source: &Source) -> String {
    match source {
        Source::Booking(id) => id.to_string(),
        Source::ByHand(object) => format!("{BY_HAND}{object}"),
    }
}

impl From<&UsageLine> for LineRow {
    fn from(line: &UsageLine) -> Self {
        let booking_id = match &line.source {
            Source::Booking(id) => Some(id.to_string()),
            Source::ByHand(_) => None,
        };
        Self {
            source: source_text(&line.source),
            number: line.number,
            person_id: line.person.to_string(),
            booking_id,
            why: line.why.word().to_owned(),
            at: Ts(line.at),
            sign: if line.gives_back { -1 } else { 1 },
            from_at: Ts(line.from),
            until_at: line.until.map(Ts),
            units: line.rate.units,
            servers: line.rate.servers,
            su_per_hour: line.rate.su_per_hour.micro(),
            folded: 0,
        }
    }
}

impl TryFrom<LineRow> for UsageLine {
    type Error = DbError;
    fn try_from(row: LineRow) -> Result<Self, DbError> {
        let source = match row.source.strip_prefix(BY_HAND) {
            Some(object) => Source::ByHand(object.to_owned()),
            None => Source::Booking(row.source.parse().map_err(DbError::corrupt)?),
        };
        Ok(Self {
            source,
            number: row.number,
            person: row.person_id.parse().map_err(DbError::corrupt)?,
            why: Why::from_word(&row.why).ok_or_else(|| DbError::corrupt(format!("a line {}", row.why)))?,
            at: row.at.0,
            gives_back: row.sign < 0,
            from: row.from_at.0,
            until: row.until_at.map(|until| until.0),
            rate: Rate {
                units: row.units,
                servers: row.servers,
                su_per_hour: Su::from_micro(row.su_per_hour),
            },
        })
    }
}

fn read(rows: Vec<LineRow>) -> Result<Vec<UsageLine>, DbError> {
    rows.into_iter().map(UsageLine::try_from).collect()
}

/// Has the ledger agree with the booking: what it says of the booking is what [`Booking::usage`] says.
pub(super) fn charge(conn: &mut Conn<'_>, booking: &Booking, now: DateTime<Utc>) -> Result<(), DbError> {
    let (from, until): (Option<Ts>, Option<Ts>) = on!(conn, |c| bookings::table
        .find(booking.id.as_str())
        .select((bookings::charged_from, bookings::charged_until))
        .first(c))?;
    let before = from.zip(until).and_then(|(from, until)| Interval::new(from.0, until.0));
    let usage = booking.usage();
    if before == usage {
        return Ok(());
    }
    let count: i64 = on!(conn, |c| usage_lines::table
        .filter(usage_lines::source.eq(booking.id.as_str()))
        .select(count_star())
        .first(c))?;
    let first = i32::try_from(count).unwrap_or(i32::MAX).saturating_add(1);
    let why = if before.is_none() { Why::Booked } else { why(booking) };
    let rows: Vec<LineRow> = (first..)
        .zip(difference(before, usage))
        .map(|(number, (span, gives_back))| LineRow::from(&line(booking, number, span, gives_back, why, now)))
        .collect();
    on!(conn, |c| diesel::insert_into(usage_lines::table).values(&rows).execute(c))?;
    on!(conn, |c| diesel::update(bookings::table.find(booking.id.as_str()))
        .set((
            bookings::charged_from.eq(usage.map(|span| Ts(span.start()))),
            bookings::charged_until.eq(usage.map(|span| Ts(span.end()))),
        ))
        .execute(c))?;
    Ok(())
}

fn why(booking: &Booking) -> Why {
    match booking.state.reason() {
        _ if booking.waived => Why::Outage,
        Some(EndReason::Displaced) => Why::Outage,
        None => Why::Changed,
        Some(EndReason::Cancelled) => Why::Cancelled,
        Some(EndReason::Failed) => Why::Failed,
        Some(EndReason::Passed | EndReason::Lapsed) => Why::NotTaken,
        Some(EndReason::Released | EndReason::Expired | EndReason::NoShow | EndReason::Dropped) => {
            Why::Released
        }
    }
}

fn line(
    booking: &Booking,
    number: i32,
    span: Interval,
    gives_back: bool,
    why: Why,
    now: DateTime<Utc>,
) -> UsageLine {
    UsageLine {
        source: Source::Booking(booking.id.clone()),
        number,
        person: booking.person.clone(),
        why,
        at: now,
        gives_back,
        from: span.start(),
        until: Some(span.end()),
        rate: Rate::of(booking),
    }
}

/// Lines that are not in their person's total: of everyone, or of one.
pub fn lines_not_folded(conn: &mut Conn<'_>, person: Option<&PersonId>) -> Result<Vec<UsageLine>, DbError> {
    let rows: Vec<LineRow> = on!(conn, |c| {
        let mut query = usage_lines::table
            .filter(usage_lines::folded.eq(0))
            .order((usage_lines::person_id, usage_lines::source, usage_lines::number))
            .limit(MOST)
            .select(LineRow::as_select())
            .into_boxed();
        if let Some(person) = person {
            query = query.filter(usage_lines::person_id.eq(person.as_str()));
        }
        query.load(c)
    })?;
    read(rows)
}

/// All lines of a person, in the order in which they were written.
pub fn lines_of_person(conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<UsageLine>, DbError> {
    let rows: Vec<LineRow> = on!(conn, |c| usage_lines::table
        .filter(usage_lines::person_id.eq(person.as_str()))
        .order((usage_lines::at, usage_lines::source, usage_lines::number))
        .limit(MOST_OF_ONE)
        .select(LineRow::as_select())
        .load(c))?;
    read(rows)
}

/// All lines there are, person by person.
pub fn lines_of_everyone(conn: &mut Conn<'_>) -> Result<Vec<UsageLine>, DbError> {
    let rows: Vec<LineRow> = on!(conn, |c| usage_lines::table
        .order((usage_lines::person_id, usage_lines::at, usage_lines::source, usage_lines::number))
        .limit(MOST)
        .select(LineRow::as_select())
        .load(c))?;
    read(rows)
}

/// The lines of a booking, in order.
pub fn lines_of_booking(conn: &mut Conn<'_>, id: &BookingId) -> Result<Vec<UsageLine>, DbError> {
    let rows: Vec<LineRow> = on!(conn, |c| usage_lines::table
        .filter(usage_lines::source.eq(id.as_str()))
        .order(usage_lines::number)
        .limit(MOST_OF_ONE)
        .select(LineRow::as_select())
        .load(c))?;
    read(rows)
}

/// The lines of bookings, few enough for one statement, in order.
pub(super) fn lines_of_bookings(
    conn: &mut Conn<'_>,
    ids: &[&str],
) -> Result<BTreeMap<BookingId, Vec<UsageLine>>, DbError> {
    let rows: Vec<LineRow> = on!(conn, |c| usage_lines::table
        .filter(usage_lines::source.eq_any(ids))
        .order((usage_lines::source, usage_lines::number))
        .limit(MOST)
        .select(LineRow::as_select())
        .load(c))?;
    let mut lines: BTreeMap<BookingId, Vec<UsageLine>> = BTreeMap::new();
    for line in read(rows)? {
        if let Source::Booking(id) = &line.source {
            lines.entry(id.clone()).or_default().push(line);
        }
    }
    Ok(lines)
}

fn read_total((at, server_hours_micro, su_micro): (Ts, i64, i64)) -> UsageTotal {
    UsageTotal { at: at.0, server_hours_micro, su_micro }
}

/// A person's total.
pub fn usage_total(conn: &mut Conn<'_>, person: &PersonId) -> Result<Option<UsageTotal>, DbError> {
    let row: Option<(Ts, i64, i64)> = on!(conn, |c| usage_totals::table
        .find(person.as_str())
        .select((usage_totals::at, usage_totals::server_hours, usage_totals::su))
        .first(c)
        .optional())?;
    Ok(row.map(read_total))
}

/// Everyone's totals.
pub fn usage_totals(conn: &mut Conn<'_>) -> Result<BTreeMap<PersonId, UsageTotal>, DbError> {
    let rows: Vec<(String, (Ts, i64, i64))> = on!(conn, |c| usage_totals::table
        .limit(MOST)
        .select((usage_totals::person_id, (usage_totals::at, usage_totals::server_hours, usage_totals::su)))
        .load(c))?;
    rows.into_iter()
        .map(|(person, total)| Ok((person.parse().map_err(DbError::corrupt)?, read_total(total))))
        .collect()
}

/// Writes a person's total, into which these lines have gone.
pub fn fold(
    conn: &mut Conn<'_>,
    person: &PersonId,
    total: &UsageTotal,
    lines: &[&UsageLine],
) -> Result<(), DbError> {
    let row = (
        usage_totals::person_id.eq(person.as_str()),
        usage_totals::at.eq(Ts(total.at)),
        usage_totals::server_hours.eq(total.server_hours_micro),
        usage_totals::su.eq(total.su_micro),
    );
    on!(conn, |c| diesel::insert_into(usage_totals::table)
        .values(row)
        .on_conflict(usage_totals::person_id)
        .do_update()
        .set((
            usage_totals::at.eq(excluded(usage_totals::at)),
            usage_totals::server_hours.eq(excluded(usage_totals::server_hours)),
            usage_totals::su.eq(excluded(usage_totals::su)),
        ))
        .execute(c))?;
    for line in lines {
        on!(conn, |c| diesel::update(usage_lines::table.find((source_text(&line.source), line.number)))
            .set(usage_lines::folded.eq(1))
            .execute(c))?;
    }
    Ok(())
}

/// Takes every total back: all lines count by themselves until they are folded again.
pub fn unfold_all(conn: &mut Conn<'_>) -> Result<(), DbError> {
    on!(conn, |c| diesel::delete(usage_totals::table).execute(c))?;
    on!(conn, |c| diesel::update(usage_lines::table.filter(usage_lines::folded.eq(1)))
        .set(usage_lines::folded.eq(0))
        .execute(c))?;
    Ok(())
}

/// What runs that people made by hand, as the ledger has it: each object's line.
pub fn running_by_hand(conn: &mut Conn<'_>) -> Result<Vec<UsageLine>, DbError> {
    let rows: Vec<LineRow> = on!(conn, |c| usage_lines::table
        .filter(usage_lines::until_at.is_null())
        .order(usage_lines::source)
        .limit(MOST)
        .select(LineRow::as_select())
        .load(c))?;
    read(rows)
}

/// Those of them that have lines, over or not.
pub fn have_lines(conn: &mut Conn<'_>, sources: &[&Source]) -> Result<BTreeSet<Source>, DbError> {
    let mut found = BTreeSet::new();
    for some in sources.chunks(AT_ONCE) {
        let texts: BTreeMap<String, &Source> =
            some.iter().map(|source| (source_text(source), *source)).collect();
        let rows: Vec<String> = on!(conn, |c| usage_lines::table
            .filter(usage_lines::source.eq_any(texts.keys()))
            .select(usage_lines::source)
            .distinct()
            .load(c))?;
        found.extend(rows.iter().filter_map(|text| texts.get(text)).map(|source| (*source).clone()));
    }
    Ok(found)
}

/// Begins a line of something that someone made by hand: its next, if it had some before.
pub fn begin_by_hand(conn: &mut Conn<'_>, line: &UsageLine) -> Result<(), DbError> {
    let mut row = LineRow::from(line);
    let last: Option<i32> = on!(conn, |c| usage_lines::table
        .filter(usage_lines::source.eq(&row.source))
        .select(max(usage_lines::number))
        .first(c))?;
    row.number = last.unwrap_or(0) + 1;
    on!(conn, |c| diesel::insert_into(usage_lines::table).values(&row).execute(c))?;
    Ok(())
}

/// Writes the end of something that someone made by hand, once.
pub fn end_by_hand(conn: &mut Conn<'_>, line: &UsageLine, until: DateTime<Utc>) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(usage_lines::table.find((source_text(&line.source), line.number)))
        .filter(usage_lines::until_at.is_null())
        .set(usage_lines::until_at.eq(Ts(until)))
        .execute(c))?;
    Ok(())
}
