//! Going through a line: who comes next is given what they asked for, until nobody can have anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::line::{Known, Line, pools_together};
use super::{WaitError, answer, give};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::ids::{PersonId, PoolId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::waitlist::{Outcome, WaitState};
use crate::policy::waitlist::turn::{self, Turn};
use crate::services::App;
use crate::services::notices;
use crate::services::situation::Situation;

/// Offers that are ended in one go.
const AT_ONCE: i64 = 200;

/// Ends offers that nobody answered, and goes through the lines of pools in which something has become free. Says how much
/// there was to do.
pub async fn step(app: &Arc<App>) -> Result<usize, DbError> {
    let inner = app.clone();
    let (over, called) = app
        .db
        .read::<_, DbError, _>("waitlist: look", move |conn| {
            Ok((db::offers_over(conn, inner.now(), AT_ONCE)?, db::called_pools(conn)?))
        })
        .await?;
    let mut pools: BTreeSet<PoolId> = called.into_iter().collect();
    let mut done = over.len();
    for id in over {
        match answer::lapse(app, id.clone()).await {
            Ok(pool) => pools.extend(pool),
            Err(error) => tracing::error!(booking = %id, %error, "an offer could not be ended"),
        }
    }
    for pool in pools {
        done += go_through(app, &pool).await;
    }
    Ok(done)
}

/// Goes through every line: what someone may have can change with time alone, and a wait may be over. Says how many were given
/// something.
pub async fn go_through_all(app: &Arc<App>) -> Result<usize, DbError> {
    let pools = app.db.read("waitlist: pools", db::pools_with_waits).await?;
    let mut given = 0;
    for pool in pools {
        given += go_through(app, &pool).await;
    }
    Ok(given)
}

/// Goes through the line of a pool. A failure is left for the next time: what has become free stays noted.
pub(super) async fn go_through(app: &Arc<App>, pool: &PoolId) -> usize {
    go(app, pool, None).await
}

/// Sees what there is for someone who has just joined: if nothing has become free since the line was gone through last, it is
/// gone through only if there is something for this one.
pub(super) async fn welcome(app: &Arc<App>, pool: &PoolId, newest: &WaitId) -> usize {
    go(app, pool, Some(newest.clone())).await
}

async fn go(app: &Arc<App>, pool: &PoolId, newest: Option<WaitId>) -> usize {
    let (inner, id) = (app.clone(), pool.clone());
    let turn = move |conn: &mut Conn<'_>| go_through_in(&inner, conn, &id, newest.as_ref());
    match app.db.write("waitlist: turn", turn).await {
        Ok(0) => 0,
        Ok(given) => {
            app.wake.call();
            given
        }
        Err(error) => {
            tracing::warn!(%pool, %error, "a line could not be gone through");
            0
        }
    }
}

fn go_through_in(
    app: &App,
    conn: &mut Conn<'_>,
    pool: &PoolId,
    newest: Option<&WaitId>,
) -> Result<usize, WaitError> {
    let pools = pools_together(conn, pool)?;
    for pool in &pools {
        db::lock_pool(conn, pool)?;
    }
    let called = db::is_called(conn, &pools)?;
    for pool in &pools {
        db::answer_calls(conn, pool)?;
    }
    let mut line = Line::load(conn, &pools, app.now())?;
    // Whoever comes before the newest is asked first all the same, if there is anything: time alone may have brought it.
    if !called && newest.is_some_and(|newest| Round::of_one(&line, newest).next(&line).is_none()) {
        return Ok(0);
    }
    end_what_is_over(app, conn, &mut line)?;
    let mut round = Round::default();
    let mut given = 0;
    while let Some(turn) = round.next(&line) {
        let Some(member) = line.members.get(turn.index) else { break };
        let person = member.person.id.clone();
        db::lock_person_at_once(conn, &person)?;
        if Known::load(conn, &person)? != member.known {
            return Err(DbError::TryAgain("who comes next has booked meanwhile".to_owned()).into());
        }
        give::give(app, conn, &line, &turn)?;
        line.served(&person);
        line.refresh(conn)?;
        given += 1;
    }
    Ok(given)
}

/// One way through a line. Who can have nothing in it can have nothing later in it either: less and less is free.
#[derive(Debug, Default)]
struct Round {
    passed_over: BTreeSet<WaitId>,
}

impl Round {
    fn next(&mut self, line: &Line) -> Option<Turn> {
        turn::next(&line.candidates(), &line.occupancies, line.now, &line.policy, &mut self.passed_over)
    }

    /// That asks only this one.
    fn of_one(line: &Line, only: &WaitId) -> Self {
        let others = line.members.iter().filter(|member| member.wait.id != *only);
        Self { passed_over: others.map(|member| member.wait.id.clone()).collect() }
    }
}

/// Ends waits for what can't come any more, and tells their students.
fn end_what_is_over(app: &App, conn: &mut Conn<'_>, line: &mut Line) -> Result<(), DbError> {
    let empty = Occupancy::default();
    for member in line.members.iter_mut().filter(|it| it.wait.state == WaitState::Waiting) {
        if !turn::is_over(&member.situation.case(&empty, line.now), &member.wait.asked) {
            continue;
        }
        member.wait.state = WaitState::Ended { at: line.now, outcome: Outcome::Over };
        db::save_wait(conn, &member.wait)?;
        notices::tell_wait_over(app, conn, &member.wait, &member.situation.setting)?;
    }
    Ok(())
}

/// Whether someone in line may have a part of what this person wants to book at `slot`: something has become free that the
/// line was not gone through for yet, and if it were, the slot would not be free any more. Those who wait come first; the
/// person's own places in line stand against nothing.
pub(in crate::services) fn claims(
    conn: &mut Conn<'_>,
    situation: &Situation,
    person: &PersonId,
    occupancy: &Occupancy,
    slot: &Interval,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let LabSetting { lab, pool, .. } = &situation.setting;
    let pools = pools_together(conn, &pool.id)?;
    if !db::is_called(conn, &pools)? {
        return Ok(false);
    }
    let mut line = Line::load(conn, &pools, now)?;
    line.served(person);
    let mut round = Round::default();
    let mut left = occupancy.clone();
    while let Some(turn) = round.next(&line) {
        let Some(member) = line.members.get(turn.index) else { break };
        let (taker, who) = (member.situation.setting.clone(), member.person.id.clone());
        let (held, units) = (taker.pool.held(&turn.slot), taker.lab.units);
        for (id, known) in &mut line.occupancies {
            *known = std::mem::take(known).with(&taker.pool, &held, units, *id == taker.pool.id);
        }
        left = left.with(&taker.pool, &held, units, taker.pool.id == pool.id);
        if left.first_full(pool, &pool.held(slot), lab.units).is_some() {
            return Ok(true);
        }
        line.served(&who);
    }
    Ok(false)
}
