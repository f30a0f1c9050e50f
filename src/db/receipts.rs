//! What decisions were made from.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{receipt_parts, receipts};
use super::types::Ts;
use crate::domain::ids::{BookingId, LabId, PersonId, ReceiptId, WaitId};

/// Receipts of one booking or one person that are read.
const LATEST: i64 = 500;

/// What a decision was made from, and what it was. Inputs and outcome are JSON, for whoever makes the decision again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its id.
    pub id: ReceiptId,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// What kind of decision it was, in a word.
    pub kind: String,
    /// Whom it was about.
    pub person: PersonId,
    /// The lab.
    pub lab: LabId,
    /// The booking, if there is one.
    pub booking: Option<BookingId>,
    /// The place in line, if there is one.
    pub wait: Option<WaitId>,
    /// What it was made from.
    pub inputs: String,
    /// What came of it.
    pub outcome: String,
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = receipts)]
struct ReceiptRow {
    id: String,
    at: Ts,
    kind: String,
    person_id: String,
    lab_id: String,
    booking_id: Option<String>,
    wait_id: Option<String>,
    inputs: String,
    outcome: String,
}

impl TryFrom<ReceiptRow> for Receipt {
    type Error = DbError;
    fn try_from(row: ReceiptRow) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            at: row.at.0,
            kind: row.kind,
            person: row.person_id.parse().map_err(DbError::corrupt)?,
            lab: row.lab_id.parse().map_err(DbError::corrupt)?,
            booking: row.booking_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            wait: row.wait_id.map(|id| id.parse()).transpose().map_err(DbError::corrupt)?,
            inputs: row.inputs,
            outcome: row.outcome,
        })
    }
}

/// Keeps a receipt.
pub fn insert_receipt(conn: &mut Conn<'_>, receipt: &Receipt) -> Result<(), DbError> {
    let row = ReceiptRow {
        id: receipt.id.to_string(),
        at: Ts(receipt.at),
        kind: receipt.kind.clone(),
        person_id: receipt.person.to_string(),
        lab_id: receipt.lab.to_string(),
        booking_id: receipt.booking.as_ref().map(ToString::to_string),
        wait_id: receipt.wait.as_ref().map(ToString::to_string),
        inputs: receipt.inputs.clone(),
        outcome: receipt.outcome.clone(),
    };
    on!(conn, |c| diesel::insert_into(receipts::table).values(&row).execute(c))?;
    Ok(())
}

/// The receipts of a booking, in the order of their decisions.
pub fn receipts_of_booking(conn: &mut Conn<'_>, id: &BookingId) -> Result<Vec<Receipt>, DbError> {
    let rows: Vec<ReceiptRow> = on!(conn, |c| receipts::table
        .filter(receipts::booking_id.eq(id.as_str()))
        .order((receipts::at, receipts::id))
        .limit(LATEST)
        .select(ReceiptRow::as_select())
        .load(c))?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// The receipts of a place in line, in the order of their decisions.
pub fn receipts_of_wait(conn: &mut Conn<'_>, id: &WaitId) -> Result<Vec<Receipt>, DbError> {
    let rows: Vec<ReceiptRow> = on!(conn, |c| receipts::table
        .filter(receipts::wait_id.eq(id.as_str()))
        .order((receipts::at, receipts::id))
        .limit(LATEST)
        .select(ReceiptRow::as_select())
        .load(c))?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// The latest receipts of a person, latest first.
pub fn receipts_of_person(conn: &mut Conn<'_>, person: &PersonId) -> Result<Vec<Receipt>, DbError> {
    let rows: Vec<ReceiptRow> = on!(conn, |c| receipts::table
        .filter(receipts::person_id.eq(person.as_str()))
        .order((receipts::at.desc(), receipts::id))
        .limit(LATEST)
        .select(ReceiptRow::as_select())
        .load(c))?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Forgets receipts of a kind that are older, the oldest first and no more than `limit`. Says how many it were.
pub fn forget_receipts(
    conn: &mut Conn<'_>,
    kind: &str,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, DbError> {
    let old: Vec<String> = on!(conn, |c| receipts::table
        .filter(receipts::kind.eq(kind))
        .filter(receipts::at.lt(Ts(before)))
        .order((receipts::at, receipts::id))
        .limit(limit)
        .select(receipts::id)
        .load(c))?;
    Ok(on!(conn, |c| diesel::delete(receipts::table).filter(receipts::id.eq_any(&old)).execute(c))?)
}

/// Keeps what many receipts have in common under its hash; it is there already if another receipt has it.
pub fn keep_part(conn: &mut Conn<'_>, hash: &str, content: &str) -> Result<(), DbError> {
    on!(conn, |c| diesel::insert_into(receipt_parts::table)
        .values((receipt_parts::hash.eq(hash), receipt_parts::content.eq(content)))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// What is kept under this hash.
pub fn part(conn: &mut Conn<'_>, hash: &str) -> Result<Option<String>, DbError> {
    Ok(on!(conn, |c| receipt_parts::table.find(hash).select(receipt_parts::content).first(c).optional())?)
}
