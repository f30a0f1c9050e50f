//! The audit log. What is there stays: the database itself refuses to change a record or to take one away.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::dialect;
use super::schema::{audit_details, audit_records, people};
use super::types::Ts;
use crate::domain::audit::{Action, Details, Head, Record};
use crate::domain::ids::PersonId;

/// A record with its hash, and with its details unless these are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The record.
    pub record: Record,
    /// Its hash as it is stored.
    pub hash: String,
    /// Its details.
    pub details: Option<Details>,
}

/// Which records of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those about this person.
    pub about: Option<PersonId>,
    /// Those of what this person did.
    pub actor: Option<PersonId>,
    /// Those of this action.
    pub action: Option<Action>,
    /// Those from this instant on.
    pub since: Option<DateTime<Utc>>,
    /// Those before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// In which order records are read, and after which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOrder {
    /// The latest first; those before this number.
    LatestFirst(Option<i64>),
    /// The first first; those after this number.
    FirstFirst(Option<i64>),
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_records)]
struct RecordRow {
    number: i64,
    at: Ts,
    way: String,
    actor_id: Option<String>,
    behalf_id: Option<String>,
    token_id: Option<String>,
    action: String,
    course_id: Option<String>,
    about_id: Option<String>,
    object: Option<String>,
    request_id: Option<String>,
    details_hash: String,
    previous_hash: String,
    hash: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_details)]
struct DetailsRow {
    number: i64,
    salt: String,
    content: String,
}

impl From<(RecordRow, Option<DetailsRow>)> for Kept {
    fn from((row, details): (RecordRow, Option<DetailsRow>)) -> Self {
        let record = Record {
            number: row.number,
            at: row.at.0,
            way: row.way,
            actor: row.actor_id,
            behalf: row.behalf_id,
            token: row.token_id,
            action: row.action,
            course: row.course_id,
            about: row.about_id,
            object: row.object,
            request: row.request_id,
            details_hash: row.details_hash,
            previous_hash: row.previous_hash,
        };
        let details = details.map(|row| Details { salt: row.salt, content: row.content });
        Self { record, hash: row.hash, details }
    }
}

/// The last record, once nobody else adds one until the transaction is over.
pub fn lock_audit(conn: &mut Conn<'_>) -> Result<Option<Head>, DbError> {
    dialect::lock_audit(conn)?;
    audit_head(conn)
}

/// The last record.
pub fn audit_head(conn: &mut Conn<'_>) -> Result<Option<Head>, DbError> {
    let last: Option<(i64, String)> = on!(conn, |c| audit_records::table
        .order(audit_records::number.desc())
        .select((audit_records::number, audit_records::hash))
        .first(c)
        .optional())?;
    Ok(last.map(|(number, hash)| Head { number, hash }))
}

/// Adds a record with its details. The database refuses one that does not follow the last.
pub fn insert_audit(
    conn: &mut Conn<'_>,
    record: &Record,
    hash: &str,
    details: &Details,
) -> Result<(), DbError> {
    let Record { number, at, way, actor, behalf, token, action, course, about, object, request, .. } =
        record.clone();
    let row = RecordRow {
        number,
        at: Ts(at),
        way,
        actor_id: actor,
        behalf_id: behalf,
        token_id: token,
        action,
        course_id: course,
        about_id: about,
        object,
        request_id: request,
        details_hash: record.details_hash.clone(),
        previous_hash: record.previous_hash.clone(),
        hash: hash.to_owned(),
    };
    let details = DetailsRow { number, salt: details.salt.clone(), content: details.content.clone() };
    on!(conn, |c| {
        diesel::insert_into(audit_records::table).values(&row).execute(c)?;
        diesel::insert_into(audit_details::table).values(&details).execute(c)
    })?;
    Ok(())
}

/// Up to `limit` records that fit, in this order of their times; none if there is no record after which they are to be.
pub fn audit(
    conn: &mut Conn<'_>,
    filter: &AuditFilter,
    order: AuditOrder,
    limit: i64,
) -> Result<Vec<Kept>, DbError> {
    let (AuditOrder::LatestFirst(number) | AuditOrder::FirstFirst(number)) = order;
    let edge = match number {
        None => None,
        Some(number) => match at_of(conn, number)? {
            Some(at) => Some((number, at)),
            None => return Ok(Vec::new()),
        },
    };
    let rows: Vec<(RecordRow, Option<DetailsRow>)> = on!(conn, |c| {
        let mut query = audit_records::table.left_join(audit_details::table).limit(limit).into_boxed();
        if let Some(about) = &filter.about {
            query = query.filter(audit_records::about_id.eq(about.as_str()));
        }
        if let Some(actor) = &filter.actor {
            query = query.filter(audit_records::actor_id.eq(actor.as_str()));
        }
        if let Some(action) = filter.action {
            query = query.filter(audit_records::action.eq(action.word()));
        }
        if let Some(since) = filter.since {
            query = query.filter(audit_records::at.ge(Ts(since)));
        }
        if let Some(until) = filter.until {
            query = query.filter(audit_records::at.lt(Ts(until)));
        }
        // The first condition on the time is what an index goes by.
        query = match (order, edge) {
            (AuditOrder::LatestFirst(_), Some((number, at))) => query
                .filter(audit_records::at.le(at))
                .filter(audit_records::at.lt(at).or(audit_records::number.lt(number))),
            (AuditOrder::FirstFirst(_), Some((number, at))) => query
                .filter(audit_records::at.ge(at))
                .filter(audit_records::at.gt(at).or(audit_records::number.gt(number))),
            _ => query,
        };
        query = match order {
            AuditOrder::LatestFirst(_) => {
                query.order((audit_records::at.desc(), audit_records::number.desc()))
            }
            AuditOrder::FirstFirst(_) => query.order((audit_records::at, audit_records::number)),
        };
        query.select((RecordRow::as_select(), Option::<DetailsRow>::as_select())).load(c)
    })?;
    Ok(rows.into_iter().map(Kept::from).collect())
}

fn at_of(conn: &mut Conn<'_>, number: i64) -> Result<Option<Ts>, DbError> {
    Ok(on!(conn, |c| audit_records::table.find(number).select(audit_records::at).first(c).optional())?)
}

/// Up to `limit` records in the order of the chain, from the one after `number` on; each with whether the person was erased
/// whom it is about.
pub fn audit_chain(conn: &mut Conn<'_>, number: i64, limit: i64) -> Result<Vec<(Kept, bool)>, DbError> {
    let rows: Vec<(RecordRow, Option<DetailsRow>, Option<Ts>)> = on!(conn, |c| audit_records::table
        .left_join(audit_details::table)
        .left_join(people::table.on(people::id.nullable().eq(audit_records::about_id)))
        .filter(audit_records::number.gt(number))
        .order(audit_records::number)
        .limit(limit)
        .select((RecordRow::as_select(), Option::<DetailsRow>::as_select(), people::erased_at.nullable()))
        .load(c))?;
    let read = |(record, details, erased_at): (_, _, Option<Ts>)| {
        (Kept::from((record, details)), erased_at.is_some())
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Takes away the details of what is recorded about a person who was erased. The database refuses it of anyone else. Says
/// how many they were.
pub fn forget_audit_details(conn: &mut Conn<'_>, person: &PersonId) -> Result<usize, DbError> {
    let about = audit_records::table
        .filter(audit_records::about_id.eq(person.as_str()))
        .select(audit_records::number);
    Ok(on!(conn, |c| diesel::delete(audit_details::table.filter(audit_details::number.eq_any(about)))
        .execute(c))?)
}
