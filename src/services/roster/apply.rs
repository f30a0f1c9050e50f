//! Applies what was confirmed, batch by batch.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{App, RosterError, Stored, departures, hours};
use crate::db::{self, Conn, DbError};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::ids::{ClaimToken, CourseId, ImportId, PersonId};
use crate::domain::person::{Person, Role};
use crate::policy::roster::{Added, Change, Dropped, Held, Plan};
use crate::services::audit::{self, Entry};

/// How many people one transaction changes.
pub const BATCH: usize = 200;

/// Applies one batch of an import that was confirmed, and says of how many people; of none if there is none to apply. Dying in
/// it undoes the batch, and the next worker does it once the claim has run out.
pub async fn step(app: &Arc<App>) -> Result<usize, RosterError> {
    let token = app.claim_token();
    let (inner, ours) = (app.clone(), token.clone());
    let claimed = app
        .db
        .write::<_, RosterError, _>("roster: claim", move |conn| {
            let now = inner.now();
            Ok(db::claim_roster_import(conn, &ours, now, now + inner.claim)?)
        })
        .await?;
    let Some(id) = claimed else { return Ok(0) };
    let inner = app.clone();
    let done = app.db.write("roster: apply", move |conn| batch(&inner, conn, &id, &token)).await?;
    app.wake.call();
    Ok(done)
}

fn batch(app: &App, conn: &mut Conn<'_>, id: &ImportId, token: &ClaimToken) -> Result<usize, RosterError> {
    let now = app.now();
    let Some(done) = db::renew_import_claim(conn, id, token, now + app.claim)? else { return Ok(0) };
    let import = db::roster_import(conn, id)?.ok_or_else(|| RosterError::NoSuchImport(id.clone()))?;
    let stored: Stored = serde_json::from_str(&import.plan)?;
    let course = db::served_course(conn)?.ok_or(RosterError::NoCourse)?;
    let done = usize::try_from(done).unwrap_or_default();
    let steps: Vec<Step<'_>> = steps(&stored.plan).skip(done).take(BATCH).collect();
    let work = Work { app, id, course, after: hours(stored.hours)?, owners: owners(conn, &steps)? };
    let mut entries = Vec::new();
    for step in &steps {
        entries.extend(work.carry_out(conn, step)?);
    }
    let reached = done + steps.len();
    db::advance_import(conn, id, i32::try_from(reached).unwrap_or(i32::MAX))?;
    if reached >= stored.plan.steps() {
        db::finish_import(conn, id, now)?;
        tracing::info!(import = %id, changes = reached, "a roster was applied");
    } else {
        db::give_import_back(conn, id)?;
    }
    let doer = Doer { actor: import.person, ..Doer::itself() };
    for entry in entries {
        audit::record(app, conn, &doer, entry.to(Object::Import(id.clone())))?;
    }
    // Of an import that changes nothing there is no step, and yet it is at an end.
    Ok(steps.len().max(1))
}

/// What is done for one person.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Add(&'a Added),
    Change(&'a Change),
    Return(&'a Change),
    Drop(&'a Dropped),
}

/// The steps of a plan, always in the same order.
fn steps(plan: &Plan) -> impl Iterator<Item = Step<'_>> {
    let added = plan.added.iter().map(Step::Add);
    let changed = plan.changed.iter().map(Step::Change);
    let returning = plan.returning.iter().map(Step::Return);
    added.chain(changed).chain(returning).chain(plan.dropped.iter().map(Step::Drop))
}

/// Whose each account at a site is, if a step gives any.
fn owners(conn: &mut Conn<'_>, steps: &[Step<'_>]) -> Result<HashMap<String, PersonId>, DbError> {
    let gives = |step: &Step<'_>| match step {
        Step::Add(it) => !it.held.cloud_users.is_empty(),
        Step::Change(it) | Step::Return(it) => it.before.cloud_users != it.after.cloud_users,
        Step::Drop(_) => false,
    };
    if !steps.iter().any(gives) {
        return Ok(HashMap::new());
    }
    let mut owners = HashMap::new();
    for member in db::everyone(conn)? {
        let accounts = member.cloud_users.iter().map(|account| account.to_lowercase());
        owners
            .extend(accounts.chain([member.net_id.to_string()]).map(|account| (account, member.id.clone())));
    }
    Ok(owners)
}

struct Work<'a> {
    app: &'a App,
    id: &'a ImportId,
    course: CourseId,
    /// How long after a drop its bookings end.
    after: chrono::TimeDelta,
    owners: HashMap<String, PersonId>,
}

impl Work<'_> {
    /// Does it, and says what is to be recorded of it; nothing if it was not to be done any more.
    fn carry_out(&self, conn: &mut Conn<'_>, step: &Step<'_>) -> Result<Option<Entry>, DbError> {
        match step {
            Step::Add(added) => self.add(conn, added),
            Step::Change(change) => self.change(conn, change, false),
            Step::Return(change) => self.change(conn, change, true),
            Step::Drop(dropped) => self.drop_out(conn, dropped),
        }
    }

    /// Adds someone. Who is known from elsewhere, or was added by hand meanwhile, gets what the file says.
    fn add(&self, conn: &mut Conn<'_>, added: &Added) -> Result<Option<Entry>, DbError> {
        let id = match db::person_by_net_id(conn, &added.net_id)? {
            Some(known) if known.role.is_some_and(|role| role != Role::Student) => return Ok(None),
            Some(known) => known.id,
            None => {
                let (name, mail) = (added.held.name.clone(), added.held.mail.clone());
                let id = self.app.person_id();
                let person = Person::new(id.clone(), added.net_id.clone(), name, mail, Role::Student);
                db::insert_person(conn, &Person { role: None, ..person }, self.app.now())?;
                id
            }
        };
        db::enrol_by_roster(conn, &self.course, &id, self.app.now())?;
        self.save(conn, &id, &added.held, &[], added.line)?;
        Ok(Some(Entry::new(Action::Enrolled).about(&id).after(told(&added.held)?)))
    }

    /// Who has become staff meanwhile, or has dropped the course, stays that.
    fn change(
        &self,
        conn: &mut Conn<'_>,
        change: &Change,
        returning: bool,
    ) -> Result<Option<Entry>, DbError> {
        let Some(known) = db::person(conn, &change.person)? else { return Ok(None) };
        if known.role != Some(Role::Student) || !(known.enrolled || returning) {
            return Ok(None);
        }
        self.save(conn, &known.id, &change.after, &change.before.cloud_users, change.line)?;
        let action = if returning { Action::Enrolled } else { Action::Placed };
        let entry = Entry::new(action).about(&known.id).before(told(&change.before)?);
        Ok(Some(entry.after(told(&change.after)?)))
    }

    fn save(
        &self,
        conn: &mut Conn<'_>,
        id: &PersonId,
        held: &Held,
        accounts_before: &[String],
        line: u64,
    ) -> Result<(), DbError> {
        let of_other =
            |account: &String| self.owners.get(&account.to_lowercase()).is_some_and(|owner| owner != id);
        let taken = held.cloud_users != accounts_before && held.cloud_users.iter().any(of_other);
        if taken {
            tracing::warn!(import = %self.id, line, "an account became somebody else's meanwhile: it is left out");
        }
        let accounts = if taken { accounts_before } else { held.cloud_users.as_slice() };
        let place = (held.section.as_deref(), held.team.as_deref(), held.shares);
        db::save_enrolment(conn, &self.course, id, (&held.name, &held.mail), place, accounts)
    }

    /// Who was added by hand meanwhile stays.
    fn drop_out(&self, conn: &mut Conn<'_>, dropped: &Dropped) -> Result<Option<Entry>, DbError> {
        let Some(known) = db::enrolment(conn, &dropped.person)? else { return Ok(None) };
        let Some(person) = db::person(conn, &dropped.person)? else { return Ok(None) };
        if known.role != Role::Student || known.by_hand || !person.enrolled {
            return Ok(None);
        }
        departures::leave(self.app, conn, &person, self.after)?;
        Ok(Some(Entry::new(Action::Dropped).about(&person.id)))
    }
}

/// What is held, for the record.
fn told(held: &Held) -> Result<Value, DbError> {
    serde_json::to_value(held).map_err(|error| DbError::Corrupt(error.to_string()))
}
