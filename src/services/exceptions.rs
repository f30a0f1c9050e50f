//! Personal exceptions: staff grant them and take them back.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use serde_json::{Value, json};

use super::App;
use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::course::bounds;
use crate::domain::exception::{Exception, Grant};
use crate::domain::ids::{ExceptionId, LabId, NetId, PersonId};

/// Why an exception can't be granted.
#[derive(Debug, thiserror::Error)]
pub enum ExceptionError {
    /// Nobody has this net ID.
    #[error("nobody here has the net ID {0}")]
    NoSuchPerson(NetId),
    /// There is no such lab.
    #[error("there is no lab \"{0}\"")]
    NoSuchLab(LabId),
    /// There is no reason.
    #[error("say why: whoever looks at it later wants to know")]
    NoReason,
    /// It would never hold.
    #[error("it would end at {0}, which is over")]
    Over(DateTime<Utc>),
    /// A number is outside of what the rule can have.
    #[error("{given} is not from {least} to {most}")]
    OutOfRange {
        /// What was given.
        given: i32,
        /// The least that is possible.
        least: i32,
        /// The most that is possible.
        most: i32,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for ExceptionError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

/// What staff want to grant.
#[derive(Debug, Clone)]
pub struct NewException {
    /// Whose it is to be.
    pub net_id: NetId,
    /// The lab that it is for; every lab if there is none.
    pub lab: Option<LabId>,
    /// What is to be different for them.
    pub grant: Grant,
    /// Up to when they may book by it.
    pub until: Option<DateTime<Utc>>,
    /// Why.
    pub reason: String,
    /// Whether it makes up for something that is nobody else's business.
    pub accommodation: bool,
}

/// Grants an exception. It holds from the next wish on.
pub async fn grant(app: &Arc<App>, doer: &Doer, wanted: NewException) -> Result<Exception, ExceptionError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("exceptions: grant", move |conn| grant_in(&inner, conn, &doer, &wanted)).await
}

fn grant_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    wanted: &NewException,
) -> Result<Exception, ExceptionError> {
    let now = app.now();
    check(wanted, now)?;
    let person = db::person_by_net_id(conn, &wanted.net_id)?
        .ok_or_else(|| ExceptionError::NoSuchPerson(wanted.net_id.clone()))?;
    if let Some(lab) = &wanted.lab
        && db::lab_setting(conn, lab)?.is_none()
    {
        return Err(ExceptionError::NoSuchLab(lab.clone()));
    }
    let exception = Exception {
        id: app.exception_id(),
        person: person.id,
        lab: wanted.lab.clone(),
        grant: wanted.grant.clone(),
        until: wanted.until,
        reason: wanted.reason.trim().to_owned(),
        accommodation: wanted.accommodation,
        granted_by: audit::name(conn, doer)?,
        granted_at: now,
    };
    let before = in_its_place(conn, &exception.person, wanted, now)?;
    db::insert_exception(conn, &exception)?;
    let entry = entry(Action::GrantedException, &exception).because(&exception.reason);
    let entry = match before {
        Some(before) => entry.before(told(&before)),
        None => entry,
    };
    audit::record(app, conn, doer, entry.after(told(&exception)))?;
    Ok(exception)
}

/// What someone had of the same rule up to now.
fn in_its_place(
    conn: &mut Conn<'_>,
    person: &PersonId,
    wanted: &NewException,
    now: DateTime<Utc>,
) -> Result<Option<Exception>, DbError> {
    let same = |it: &Exception| {
        it.grant.rule() == wanted.grant.rule()
            && it.lab == wanted.lab
            && it.until.is_none_or(|until| now < until)
    };
    Ok(db::exceptions_of_person(conn, person)?.into_iter().find(same))
}

fn entry(action: Action, exception: &Exception) -> Entry {
    Entry::new(action).about(&exception.person).to(Object::Exception(exception.id.clone()))
}

/// An exception as the audit log has it.
fn told(it: &Exception) -> Value {
    json!({"grant": it.grant, "lab": it.lab, "until": it.until, "accommodation": it.accommodation})
}

fn check(wanted: &NewException, now: DateTime<Utc>) -> Result<(), ExceptionError> {
    check_reason(&wanted.reason)?;
    check_until(wanted.until, now)?;
    check_range(&wanted.grant)
}

/// Whether there is a reason.
pub fn check_reason(reason: &str) -> Result<(), ExceptionError> {
    if reason.trim().is_empty() { Err(ExceptionError::NoReason) } else { Ok(()) }
}

/// Whether an exception with this end would ever hold.
pub fn check_until(until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), ExceptionError> {
    until.filter(|until| *until <= now).map_or(Ok(()), |until| Err(ExceptionError::Over(until)))
}

/// Whether the rule can have this value: one that the course file can have, or a budget of nothing.
pub fn check_range(grant: &Grant) -> Result<(), ExceptionError> {
    let (given, range) = match *grant {
        Grant::CapMinutes(minutes) => (minutes, bounds::CAP_MINUTES),
        Grant::BudgetMinutes(minutes) => (minutes, 0..=*bounds::BUDGET_MINUTES.end()),
        Grant::BudgetBookings(bookings) => (bookings, 0..=*bounds::BUDGET_BOOKINGS.end()),
        Grant::BookingsAhead(bookings) => (bookings, bounds::BOOKINGS_AHEAD),
        Grant::HorizonDays(days) => (days, bounds::HORIZON_DAYS),
        _ => return Ok(()),
    };
    let (least, most) = (*range.start(), *range.end());
    range.contains(&given).then_some(()).ok_or(ExceptionError::OutOfRange { given, least, most })
}

/// Takes an exception back. What was booked by it stays. False if there is none of this id that holds.
pub async fn revoke(app: &Arc<App>, doer: &Doer, id: ExceptionId) -> Result<bool, DbError> {
    let (inner, doer) = (app.clone(), doer.clone());
    app.db.write("exceptions: revoke", move |conn| revoke_in(&inner, conn, &doer, &id)).await
}

fn revoke_in(app: &App, conn: &mut Conn<'_>, doer: &Doer, id: &ExceptionId) -> Result<bool, DbError> {
    let Some(exception) = db::exception(conn, id)? else { return Ok(false) };
    let by = audit::name(conn, doer)?;
    if !db::revoke_exception(conn, id, &by, app.now())? {
        return Ok(false);
    }
    let entry = entry(Action::RevokedException, &exception).before(told(&exception));
    audit::record(app, conn, doer, entry)?;
    Ok(true)
}
