//! What the decisions of a line were made from, and making them again.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::line::{Line, Member};
use crate::db::{self, Conn, DbError, Receipt};
use crate::domain::booking::Booking;
use crate::domain::fair_share::{Algorithm, WaitlistPolicy};
use crate::domain::ids::WaitId;
use crate::domain::waitlist::{Wait, WaitState};
use crate::policy::admission;
use crate::policy::fair_share::lineage::{Comparison, Lineage};
use crate::policy::waitlist::offer;
use crate::policy::waitlist::order::{self, Priority, Waiter};
use crate::policy::waitlist::turn::Turn;
use crate::services::App;
use crate::services::receipts::{self, About, AboutSlot, Decided};

/// Someone in line came first and was given a slot.
pub const TURN: &str = "turn";

/// Of a line so many are kept, from the front: more come after whoever was served, and say nothing.
const MOST: usize = 300;

/// What a turn of a line was decided from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inputs {
    at: DateTime<Utc>,
    policy: WaitlistPolicy,
    algorithm: Algorithm,
    half_life_minutes: i32,
    students: usize,
    /// Who waited, first in line first.
    line: Vec<Waited>,
    /// The slot that was given, and all that the rules went by.
    given: AboutSlot,
}

/// One of those who waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waited {
    wait: WaitId,
    joined_at: DateTime<Utc>,
    age_from: DateTime<Utc>,
    /// Seconds to the due date, less the length that was asked for.
    slack_seconds: Option<i64>,
    fair_share: f64,
    lineage: Lineage,
    priority: Priority,
    /// Rules that stood against the slot for this one; `not_asked_for` if it was none of theirs, `passed` if they were offered
    /// it before, `no_time_to_answer` if it is held too soon for an offer.
    against: Vec<String>,
}

/// Keeps why a turn was this person's, and why the slot is one that they may have.
pub(super) fn of_turn(
    app: &App,
    conn: &mut Conn<'_>,
    line: &Line,
    turn: &Turn,
    booking: &Booking,
) -> Result<(), DbError> {
    let Some(member) = line.members.get(turn.index) else { return Ok(()) };
    let occupancy = line.occupancies.get(&member.situation.setting.pool.id).cloned().unwrap_or_default();
    let known =
        admission::span_to_know(&member.situation.setting.lab, &member.situation.setting.pool, &turn.slot);
    let decided =
        Decided { at: line.now, slot: turn.slot, occupancy: occupancy.over(&known), others_first: false };
    let given = AboutSlot::keep(conn, &member.situation, &decided)?;
    let inputs = Inputs {
        at: line.now,
        policy: line.policy,
        algorithm: line.standings.policy.algorithm,
        half_life_minutes: line.standings.policy.half_life_minutes,
        students: line.standings.students(),
        line: waited(line, member, turn),
        given,
    };
    let about = About {
        kind: TURN,
        person: &booking.person,
        lab: &booking.lab,
        booking: Some(&booking.id),
        wait: Some(&member.wait.id),
    };
    receipts::keep(app, conn, &about, &inputs, &member.wait.id)
}

fn waited(line: &Line, served: &Member, turn: &Turn) -> Vec<Waited> {
    let waiting = line.members.iter().filter(|it| it.wait.state == WaitState::Waiting);
    let mut ordered: Vec<(&Member, Priority)> = waiting.map(|it| (it, line.priority(it))).collect();
    ordered.sort_by(|(one, of_one), (other, of_other)| {
        order::key(of_one, one.wait.joined_at, &one.wait.id).cmp(&order::key(
            of_other,
            other.wait.joined_at,
            &other.wait.id,
        ))
    });
    ordered.truncate(MOST);
    ordered.into_iter().map(|(member, priority)| of_member(line, member, priority, served, turn)).collect()
}

fn of_member(line: &Line, member: &Member, priority: Priority, served: &Member, turn: &Turn) -> Waited {
    let own = line.standings.of(&member.person.id);
    let slack = member.situation.setting.lab.due.map(|due| due - line.now - member.wait.asked.length());
    Waited {
        wait: member.wait.id.clone(),
        joined_at: member.wait.joined_at,
        age_from: member.wait.age_from,
        slack_seconds: slack.map(|slack| slack.num_seconds()),
        fair_share: own.as_ref().and_then(|own| own.figures.fair_share).unwrap_or(0.0),
        lineage: own.map(|own| own.lineage).unwrap_or_default(),
        priority,
        against: if member.wait.id == served.wait.id { Vec::new() } else { against(line, member, turn) },
    }
}

/// Why the slot could not go to this one.
fn against(line: &Line, member: &Member, turn: &Turn) -> Vec<String> {
    let (wait, pool) = (&member.wait, &member.situation.setting.pool);
    let wanted = wait.asked.windows.is_empty()
        || wait.asked.windows.iter().any(|window| window.shared(&turn.slot) == Some(turn.slot));
    if !wanted || wait.asked.length() != turn.slot.length() {
        return vec!["not_asked_for".to_owned()];
    }
    if wait.passed.iter().any(|passed| passed.start() == turn.slot.start()) {
        return vec!["passed".to_owned()];
    }
    let held_from = pool.held(&turn.slot).start();
    let zone = member.situation.setting.zone;
    if !wait.asked.auto_accept && offer::deadline(&line.policy, zone, line.now, held_from).is_none() {
        return vec!["no_time_to_answer".to_owned()];
    }
    let occupancy = line.occupancies.get(&pool.id).cloned().unwrap_or_default();
    receipts::codes(&admission::judge(&member.case(&occupancy, line.now), &turn.slot))
}

/// Keeps what became of an offer.
pub(super) fn of_answer(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    wait: &Wait,
    answer: &str,
) -> Result<(), DbError> {
    let about = About {
        kind: answer,
        person: &booking.person,
        lab: &booking.lab,
        booking: Some(&booking.id),
        wait: Some(&wait.id),
    };
    receipts::keep(app, conn, &about, &booking.slot, &wait.lapses)
}

/// Keeps what someone joined a line for.
pub(super) fn of_joining(app: &App, conn: &mut Conn<'_>, wait: &Wait) -> Result<(), DbError> {
    of_place(app, conn, wait, "joined")
}

/// Keeps that someone left a line.
pub(super) fn of_leaving(app: &App, conn: &mut Conn<'_>, wait: &Wait) -> Result<(), DbError> {
    of_place(app, conn, wait, "left")
}

fn of_place(app: &App, conn: &mut Conn<'_>, wait: &Wait, kind: &str) -> Result<(), DbError> {
    let about = About { kind, person: &wait.person, lab: &wait.lab, booking: None, wait: Some(&wait.id) };
    receipts::keep(app, conn, &about, &wait.asked, &wait.joined_at)
}

/// A decision that was made again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
    /// What kind of decision it was.
    pub kind: String,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What was found, a sentence each.
    pub findings: Vec<Finding>,
}

/// One thing that was worked out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, with its numbers.
    pub what: String,
    /// Whether it came out as it did then.
    pub same: bool,
}

impl Finding {
    fn new(what: impl Into<String>, same: bool) -> Self {
        Self { what: what.into(), same }
    }
}

/// The decisions about a booking or a place in line, in their order, each made again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay {
    /// The decisions.
    pub decisions: Vec<Replayed>,
}

impl Replay {
    /// Whether each came out as it did then.
    pub fn same(&self) -> bool {
        self.decisions.iter().all(|it| it.findings.iter().all(|finding| finding.same))
    }
}

/// Makes the decisions of these receipts again.
pub fn replay(conn: &mut Conn<'_>, receipts: &[Receipt]) -> Result<Replay, DbError> {
    let decisions = receipts.iter().map(|receipt| replay_one(conn, receipt)).collect::<Result<_, _>>()?;
    Ok(Replay { decisions })
}

fn replay_one(conn: &mut Conn<'_>, receipt: &Receipt) -> Result<Replayed, DbError> {
    let findings = match receipt.kind.as_str() {
        receipts::GRANTED | receipts::REFUSED => replay_slot(conn, receipt)?,
        TURN => replay_turn(conn, receipt)?,
        // What a person did is no decision of ours.
        _ => Vec::new(),
    };
    Ok(Replayed { kind: receipt.kind.clone(), at: receipt.at, findings })
}

fn replay_slot(conn: &mut Conn<'_>, receipt: &Receipt) -> Result<Vec<Finding>, DbError> {
    let inputs: AboutSlot = receipts::read(&receipt.inputs)?;
    let then: Vec<String> = receipts::read(&receipt.outcome)?;
    let again = receipts::codes(&inputs.judge_again(conn)?);
    let said = |codes: &[String]| if codes.is_empty() { "no rule".to_owned() } else { codes.join(", ") };
    let what = format!("against the slot stood {}; now, by the same inputs, {}", said(&then), said(&again));
    Ok(vec![Finding::new(what, then == again)])
}

fn replay_turn(conn: &mut Conn<'_>, receipt: &Receipt) -> Result<Vec<Finding>, DbError> {
    let inputs: Inputs = receipts::read(&receipt.inputs)?;
    let served: WaitId = receipts::read(&receipt.outcome)?;
    let mut findings = vec![priorities(&inputs)];
    findings.extend(ranks(&inputs));
    findings.push(first_in_line(&inputs, &served));
    let broken = receipts::codes(&inputs.given.judge_again(conn)?);
    findings.push(Finding::new("no rule stands against the slot that was given", broken.is_empty()));
    Ok(findings)
}

fn again(inputs: &Inputs, it: &Waited) -> Priority {
    let waiter = Waiter {
        fair_share: it.fair_share,
        age_from: it.age_from,
        slack: it.slack_seconds.map(TimeDelta::seconds),
        joined_at: it.joined_at,
        id: it.wait.clone(),
    };
    order::priority(&inputs.policy, &waiter, inputs.at)
}

fn priorities(inputs: &Inputs) -> Finding {
    let right = inputs.line.iter().filter(|it| again(inputs, it) == it.priority).count();
    let what = format!("{right} of {} priorities come out as they did", inputs.line.len());
    Finding::new(what, right == inputs.line.len())
}

/// Whether the fair-share factors stand in the order that shares and usage give: of Fair Tree two neighbours' lineages decide
/// it, the classic factor can't be worked out from one person's levels alone.
fn ranks(inputs: &Inputs) -> Option<Finding> {
    if inputs.algorithm != Algorithm::FairTree {
        return None;
    }
    let agrees = |one: &Waited, other: &Waited| match one.lineage.compare(&other.lineage) {
        Comparison::Before => one.fair_share > other.fair_share,
        Comparison::After => one.fair_share < other.fair_share,
        Comparison::Tied => (one.fair_share - other.fair_share).abs() < f64::EPSILON,
        Comparison::NotAfter => one.fair_share >= other.fair_share,
        Comparison::NotBefore => one.fair_share <= other.fair_share,
    };
    let pairs = inputs.line.windows(2);
    let wrong = pairs.filter(|pair| matches!(pair, [one, other] if !agrees(one, other))).count();
    let what =
        format!("fair-share factors of {} students agree with their shares and usage", inputs.line.len());
    Some(Finding::new(what, wrong == 0))
}

fn first_in_line(inputs: &Inputs, served: &WaitId) -> Finding {
    let mut line: Vec<(&Waited, Priority)> = inputs.line.iter().map(|it| (it, again(inputs, it))).collect();
    line.sort_by(|(one, of_one), (other, of_other)| {
        order::key(of_one, one.joined_at, &one.wait).cmp(&order::key(of_other, other.joined_at, &other.wait))
    });
    let first = line.iter().find(|(it, _)| it.against.is_empty());
    let before = line.iter().take_while(|(it, _)| it.wait != *served).count();
    let what = match first {
        Some((it, priority)) => format!(
            "first in line who could have it is the wait {} with {:.1} points; {before} came before and could not",
            it.wait,
            priority.points()
        ),
        None => "nobody in line could have it".to_owned(),
    };
    Finding::new(what, first.is_some_and(|(it, _)| it.wait == *served))
}

/// The receipts of a booking, and of the place in line that it came of.
pub fn receipts_of(conn: &mut Conn<'_>, booking: &Booking) -> Result<Vec<Receipt>, DbError> {
    let mut receipts = db::receipts_of_booking(conn, &booking.id)?;
    if let Some(wait) = db::wait_of_booking(conn, &booking.id)? {
        let of_place = db::receipts_of_wait(conn, &wait.id)?;
        receipts.extend(of_place.into_iter().filter(|it| it.booking.is_none()));
    }
    receipts.sort_by_key(|receipt| receipt.at);
    Ok(receipts)
}
