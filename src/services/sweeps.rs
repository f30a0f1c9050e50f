//! What the reaper is about to do, has done and has saved, for those who look: pages, API and command line.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::App;
use super::outages::{self, Hold};
use crate::db::{self, Conn, DbError, Mark, SaidPause};
use crate::domain::calendar;
use crate::domain::ids::NetId;
use crate::domain::marked::{Marked, Stage, Target};
use crate::domain::reaper::{ByHand, ReaperPolicy};
use crate::domain::sweep::{Savings, Sweep};
use crate::policy::reaping::{Action, NextStep, Plan, Waiting};

/// A sweep older than this is trouble: one comes each minute.
pub const LATE: TimeDelta = TimeDelta::minutes(5);

/// How the reaper does.
#[derive(Debug, Clone)]
pub struct Overview {
    /// Now.
    pub now: DateTime<Utc>,
    /// The course's zone; UTC before a course was applied.
    pub zone: Tz,
    /// The sites of the course: id and title.
    pub sites: Vec<(String, String)>,
    /// What staff want of it.
    pub policy: ReaperPolicy,
    /// The pauses that hold, the first of them first.
    pub pauses: Vec<SaidPause>,
    /// Outages for which it holds off.
    pub holds: Vec<Hold>,
    /// The latest sweep, if there was one.
    pub sweep: Option<Sweep>,
    /// What it saw; nothing if there was none, or another version wrote it.
    pub plan: Option<Plan>,
    /// Marked objects whose next step is known, the first due first. What was taken back since the sweep is not among them.
    pub coming: Vec<Waiting>,
    /// What deletions have saved.
    pub saved: Saved,
}

/// What deletions of what people made by hand have saved: how many they were, and what they came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// In the last 7 days.
    pub week: (usize, Savings),
    /// In the last 30 days.
    pub month: (usize, Savings),
    /// Since the reaper began.
    pub ever: (usize, Savings),
}

impl Overview {
    /// Whether no sweep has run lately.
    pub fn is_late(&self) -> bool {
        self.sweep.as_ref().is_none_or(|sweep| self.now - sweep.at > LATE)
    }
}

/// How the reaper does now.
pub fn overview(app: &Arc<App>, conn: &mut Conn<'_>) -> Result<Overview, DbError> {
    let now = app.now();
    let course = db::course(conn)?;
    let (sweep, plan) = latest(conn)?.map_or((None, None), |(sweep, plan)| (Some(sweep), plan));
    let sites = course.iter().flat_map(|course| &course.sites);
    let saved = |conn: &mut Conn<'_>, days| db::saved_since(conn, now - TimeDelta::days(days));
    Ok(Overview {
        now,
        zone: course.as_ref().map_or(Tz::UTC, |course| course.zone),
        sites: sites.map(|site| (site.id.to_string(), site.title.clone())).collect(),
        pauses: db::pauses(conn, now)?,
        holds: outages::holds(conn, now)?,
        coming: plan.as_ref().map(|plan| still_marked(conn, coming(plan))).transpose()?.unwrap_or_default(),
        saved: Saved {
            week: saved(conn, 7)?,
            month: saved(conn, 30)?,
            ever: db::saved_since(conn, DateTime::UNIX_EPOCH)?,
        },
        policy: course.map(|course| course.reaper).unwrap_or_default(),
        sweep,
        plan,
    })
}

/// The latest sweep and what it saw, if it can be read: a new version may write it otherwise.
pub fn latest(conn: &mut Conn<'_>) -> Result<Option<(Sweep, Option<Plan>)>, DbError> {
    let found = db::latest_plan(conn)?;
    Ok(found.map(|(sweep, plan)| (sweep, serde_json::from_str(&plan).ok())))
}

/// What follows for marked objects once a plan is carried out, the first due first.
pub fn coming(plan: &Plan) -> Vec<Waiting> {
    let mut coming: Vec<Waiting> =
        plan.waiting.iter().cloned().chain(plan.actions.iter().filter_map(after)).collect();
    coming.sort_by(|one, other| (one.at, &one.mark.target).cmp(&(other.at, &other.mark.target)));
    coming
}

/// What follows on an action.
fn after(action: &Action) -> Option<Waiting> {
    let (mark, (next, at), reason) = match action {
        Action::Warn { mark, next, reason, .. } => (mark, (*next)?, reason),
        Action::Stop { mark, delete_at, reason, .. } => (mark, (NextStep::Delete, *delete_at), reason),
        _ => return None,
    };
    Some(Waiting { mark: mark.clone(), next, at, reason: reason.clone() })
}

/// Of these, those whose objects are marked as the plan has it.
fn still_marked(conn: &mut Conn<'_>, coming: Vec<Waiting>) -> Result<Vec<Waiting>, DbError> {
    if coming.is_empty() {
        return Ok(coming);
    }
    let marks: BTreeMap<Target, Stage> =
        db::marks(conn)?.into_iter().map(|mark| (mark.marked.target, mark.marked.stage)).collect();
    Ok(coming.into_iter().filter(|it| marks.get(&it.mark.target) == Some(&it.mark.stage)).collect())
}

/// A marked object, and what is next for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follows {
    /// Its mark.
    pub marked: Marked,
    /// Why it is marked, with its numbers.
    pub reason: String,
    /// What comes next, and when; nothing if nothing does, or the next sweep has to tell.
    pub next: Option<(NextStep, DateTime<Utc>)>,
}

/// All marked objects, or those of one person; the first due first, and last those of which it is not known.
pub fn marked(conn: &mut Conn<'_>, of: Option<&NetId>) -> Result<Vec<Follows>, DbError> {
    let marks = match of {
        Some(net_id) => db::marks_of_person(conn, net_id)?,
        None => db::marks(conn)?,
    };
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let plan = latest(conn)?.and_then(|(_, plan)| plan);
    let known: BTreeMap<Target, Waiting> =
        plan.iter().flat_map(coming).map(|waiting| (waiting.mark.target.clone(), waiting)).collect();
    let policy = db::course(conn)?.map(|course| course.reaper).unwrap_or_default();
    let mut all: Vec<Follows> = marks.into_iter().map(|mark| follows(mark, &known, &policy)).collect();
    let due = |it: &Follows| it.next.map_or(DateTime::<Utc>::MAX_UTC, |(_, at)| at);
    all.sort_by(|one, other| (due(one), &one.marked.target).cmp(&(due(other), &other.marked.target)));
    Ok(all)
}

fn follows(mark: Mark, known: &BTreeMap<Target, Waiting>, policy: &ReaperPolicy) -> Follows {
    let seen = known.get(&mark.marked.target).filter(|seen| seen.mark.stage == mark.marked.stage);
    let next = match (seen, mark.marked.stage) {
        (Some(seen), _) => Some((seen.next, seen.at)),
        (None, Stage::Stopped { at, .. }) => Some((NextStep::Delete, at + policy.delete_after())),
        (None, _) => None,
    };
    let next = next.filter(|_| policy.by_hand == ByHand::Delete);
    Follows { marked: mark.marked, reason: mark.reason, next }
}

/// A marked object as programs get it, with times of the course's zone.
pub fn mark_json(zone: Tz, it: &Follows) -> Value {
    let time = |at| calendar::rfc3339(zone, at);
    let (stage, since, until) = match it.marked.stage {
        Stage::Warned { at } => ("warned", Some(at), None),
        Stage::Stopped { at, .. } => ("stopped", Some(at), None),
        Stage::Deleting { at, .. } => ("deleting", Some(at), None),
        Stage::Restored { until } => ("restored", None, Some(until)),
    };
    json!({
        "site": it.marked.target.site, "kind": it.marked.target.kind.word(), "id": it.marked.target.site_ref,
        "name": it.marked.target.name, "net_id": it.marked.net_id, "code": it.marked.predicate, "reason": it.reason,
        "stage": stage, "since": since.map(time), "until": until.map(time),
        "next": it.next.map(|(next, at)| json!({"step": next, "at": time(at)})),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::blueprint::Kind;
    use crate::domain::marked::Predicate;
    use crate::domain::reaper::StopBy;

    fn at(minute: u32) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute.into())
    }

    fn mark(name: &str, stage: Stage) -> Marked {
        let target = Target {
            site: "kvm-tacc".parse().unwrap(),
            kind: Kind::Server,
            site_ref: name.to_owned(),
            name: name.to_owned(),
        };
        Marked { target, predicate: Predicate::OverCap, net_id: None, stage, restores: 0 }
    }

    #[test]
    fn what_a_sweep_has_just_begun_goes_on_with_what_waited() {
        let stopped = Stage::Stopped { warned_at: at(0), at: at(5) };
        let reason = "it is there".to_owned();
        let plan = Plan {
            at: at(5),
            actions: vec![
                Action::Stop {
                    mark: mark("c", stopped),
                    how: StopBy::Stop,
                    delete_at: at(90),
                    reason: reason.clone(),
                },
                Action::Warn {
                    mark: mark("b", Stage::Warned { at: at(5) }),
                    next: Some((NextStep::Stop, at(30))),
                    staff: false,
                    reason: reason.clone(),
                },
                Action::Warn {
                    mark: mark("d", Stage::Warned { at: at(5) }),
                    next: None,
                    staff: false,
                    reason: reason.clone(),
                },
            ],
            waiting: vec![Waiting {
                mark: mark("a", Stage::Warned { at: at(0) }),
                next: NextStep::Stop,
                at: at(60),
                reason,
            }],
            kept: Vec::new(),
            reported: Vec::new(),
            skipped: Vec::new(),
            wholes: BTreeMap::new(),
            idle: BTreeMap::new(),
            held: BTreeMap::new(),
            ran: BTreeSet::new(),
        };
        let coming: Vec<_> =
            coming(&plan).into_iter().map(|it| (it.mark.target.name, it.next, it.at)).collect();
        let wanted = [("b", NextStep::Stop, 30), ("a", NextStep::Stop, 60), ("c", NextStep::Delete, 90)];
        assert_eq!(coming, wanted.map(|(name, next, minute)| (name.to_owned(), next, at(minute))));
    }
}
