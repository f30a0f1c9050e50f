//! What is in the outbox, for staff: never the text of a mail.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::DbError;
use super::connection::{Conn, on};
use super::schema::{notices, people};
use super::types::Ts;
use crate::domain::ids::{NetId, NoticeId, PersonId};
use crate::domain::notice::{Standing, Topic};

/// A notice in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxLine {
    /// Its id, which its Message-ID has, too.
    pub id: NoticeId,
    /// What it is about.
    pub topic: Topic,
    /// How it stands.
    pub standing: Standing,
    /// Whom it is for; nobody in particular if it goes to the course's own address.
    pub person: Option<(PersonId, NetId)>,
    /// Its subject line.
    pub subject: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it is tried next, or again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When the digest is due that will tell it.
    pub digest_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    pub attempts: i32,
    /// The mail server's last words.
    pub last_error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notices)]
struct LineRow {
    id: String,
    topic: String,
    state: String,
    subject: String,
    created_at: Ts,
    next_attempt_at: Option<Ts>,
    digest_at: Option<Ts>,
    attempts: i32,
    last_error: Option<String>,
}

type Row = (LineRow, Option<(String, String)>);

impl TryFrom<Row> for OutboxLine {
    type Error = DbError;
    fn try_from((row, person): Row) -> Result<Self, DbError> {
        let person = person.map(|(id, net_id)| -> Result<_, DbError> {
            let id = id.parse().map_err(DbError::corrupt)?;
            Ok((id, net_id.parse().map_err(DbError::corrupt)?))
        });
        let unknown = || DbError::corrupt(format!("a notice about {} that is {}", row.topic, row.state));
        Ok(Self {
            id: row.id.parse().map_err(DbError::corrupt)?,
            topic: Topic::from_word(&row.topic).ok_or_else(unknown)?,
            standing: Standing::from_word(&row.state).ok_or_else(unknown)?,
            person: person.transpose()?,
            subject: row.subject,
            created_at: row.created_at.0,
            next_attempt_at: row.next_attempt_at.map(|at| at.0),
            digest_at: row.digest_at.map(|at| at.0),
            attempts: row.attempts,
            last_error: row.last_error,
        })
    }
}

/// Up to `limit` notices that stand so, the oldest first; only those after this one, if it is still there.
pub fn outbox_lines(
    conn: &mut Conn<'_>,
    standing: Standing,
    after: Option<&NoticeId>,
    limit: i64,
) -> Result<Vec<OutboxLine>, DbError> {
    let after: Option<(Ts, String)> = match after {
        Some(id) => on!(conn, |c| notices::table
            .find(id.as_str())
            .select((notices::created_at, notices::id))
            .first(c)
            .optional())?,
        None => None,
    };
    let (at, id) = after.unwrap_or((Ts(DateTime::UNIX_EPOCH), String::new()));
    let rows: Vec<Row> = on!(conn, |c| notices::table
        .left_join(people::table)
        .filter(notices::state.eq(standing.word()))
        .filter(notices::created_at.ge(at))
        .filter(notices::created_at.gt(at).or(notices::id.gt(&id)))
        .order((notices::created_at, notices::id))
        .limit(limit)
        .select((LineRow::as_select(), (people::id, people::net_id).nullable()))
        .load(c))?;
    rows.into_iter().map(OutboxLine::try_from).collect()
}

/// How many notices stand in each of these ways.
pub fn outbox_tally(conn: &mut Conn<'_>, standings: &[Standing]) -> Result<BTreeMap<Standing, i64>, DbError> {
    let words = standings.iter().map(|standing| standing.word());
    let rows: Vec<(String, i64)> = on!(conn, |c| notices::table
        .filter(notices::state.eq_any(words))
        .group_by(notices::state)
        .select((notices::state, count_star()))
        .load(c))?;
    Ok(rows.into_iter().filter_map(|(word, count)| Some((Standing::from_word(&word)?, count))).collect())
}

/// Has what was given up tried again from `now` on, as often as something new: this notice, or all. Gives whom they are for.
pub fn retry_notices(
    conn: &mut Conn<'_>,
    only: Option<&NoticeId>,
    now: DateTime<Utc>,
) -> Result<Vec<Option<PersonId>>, DbError> {
    let given_up = notices::table
        .filter(notices::state.eq(Standing::GivenUp.word()))
        .select((notices::id, notices::person_id))
        .limit(AT_ONCE);
    let rows: Vec<(String, Option<String>)> = match only {
        Some(id) => on!(conn, |c| given_up.filter(notices::id.eq(id.as_str())).load(c))?,
        None => on!(conn, |c| given_up.load(c))?,
    };
    let (ids, people): (Vec<String>, Vec<Option<String>>) = rows.into_iter().unzip();
    on!(conn, |c| diesel::update(notices::table.filter(notices::id.eq_any(&ids)))
        .set((
            notices::state.eq(Standing::Waiting.word()),
            notices::attempts.eq(0),
            notices::next_attempt_at.eq(Some(Ts(now))),
        ))
        .execute(c))?;
    people.into_iter().map(|id| id.map(|id| id.parse().map_err(DbError::corrupt)).transpose()).collect()
}

/// How many notices are tried again by one word.
const AT_ONCE: i64 = 10_000;
