//! What is due at one site.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::given::{Known, Look, SAVED_AT_MOST, STALE, SiteView, Situation, Standing, YOUNG};
use super::judge::{Finding, Judge, Pace, charge};
use super::owner::{Owner, People, Why};
use super::planned::{Action, Plan, Saved, Skip, Skipped, Told, Unmarked, Waiting};
use super::sight::Sight;
use super::steps::{self, Step};
use super::{held, idle};
use crate::domain::blueprint::Kind;
use crate::domain::calendar;
use crate::domain::ids::SiteId;
use crate::domain::marked::{Exempt, Exemption, Marked, Predicate, Stage, Whole};
use crate::domain::reaper::{ByHand, FEW, SMALL_LISTING, StopBy};
use crate::domain::resource::Found;
use crate::domain::su::Su;
use crate::domain::survey::{Backing, Belongs, Condition};

/// Adds to `plan` what is due at `site`.
pub(super) fn add(
    given: &Situation<'_>,
    people: &People<'_>,
    site: &SiteId,
    view: &SiteView,
    plan: &mut Plan,
) {
    let mut skip = |why, reason| plan.skipped.push(Skipped { site: site.clone(), why, reason });
    let found = match trusted(given, site, view) {
        Ok(found) => found,
        Err((why, reason)) => {
            plan.wholes.extend(view.last_whole.map(|whole| (site.clone(), whole)));
            return skip(why, reason);
        }
    };
    plan.wholes.insert(site.clone(), Whole { count: of_others(found), at: view.looked_at });
    let sight = Sight::of(site, view, found);
    plan.held.insert(site.clone(), held::holding(people, &sight));
    let idle = idle::since(given, &sight);
    let mut pauses: Vec<_> = given.pauses.iter().filter(|pause| pause.holds(site, given.now)).collect();
    pauses.sort();
    if let Some(pause) = pauses.first() {
        plan.idle.insert(site.clone(), idle);
        return skip(Skip::Paused, format!("{} has stopped the reaper: {}", pause.by, pause.reason));
    }
    let marks = given.marked.iter().filter(|mark| mark.target.site == *site);
    let marks = marks.map(|mark| ((mark.target.kind, mark.target.site_ref.as_str()), mark)).collect();
    let judge = Judge { given, sight: &sight, marks, idle: &idle };
    let mut work = Work { judge, people, due: Vec::new(), orphans: Vec::new() };
    work.gone(plan);
    for object in &sight.objects {
        work.object(object, plan);
    }
    work.finish(plan);
    plan.idle.insert(site.clone(), idle);
}

/// The site's objects, if its listing may be acted on, or why not.
pub(super) fn trusted<'a>(
    given: &Situation<'_>,
    site: &SiteId,
    view: &'a SiteView,
) -> Result<&'a [Found], (Skip, String)> {
    let found = match &view.look {
        Look::Whole(found) => found,
        Look::Down(why) => return Err((Skip::Down, format!("it is down: {why}"))),
        Look::Failed(why) => return Err((Skip::Failed, format!("the listing failed: {why}"))),
        Look::Partial(why) => return Err((Skip::Partial, format!("the listing is not whole: {why}"))),
    };
    let age = given.now - view.looked_at;
    if age > STALE {
        return Err((Skip::Stale, format!("the listing is {} old", calendar::in_words(age))));
    }
    let limits = given.policy.limits;
    let (has, leaving) = (of_others(found), being_deleted(given, site));
    let shrunk = view.last_whole.filter(|last| {
        let recent = view.looked_at - last.at < TimeDelta::minutes(limits.shrunk_minutes.into());
        let expected = last.count.saturating_sub(leaving);
        let many = expected.saturating_sub(has) >= FEW;
        recent && many && has.saturating_mul(100) < expected.saturating_mul(part(limits.shrunk_percent))
    });
    if let Some(last) = shrunk {
        let reason = format!(
            "the listing has {has} objects that are no booking's, and {} at {}: less than {} percent",
            last.count,
            calendar::date_and_time(given.zone, last.at),
            limits.shrunk_percent
        );
        return Err((Skip::Shrunk, reason));
    }
    let marked = given.marked.iter().filter(|mark| mark.target.site == *site).count();
    if found.is_empty() && marked > 0 && view.last_whole.is_none() {
        return Err((Skip::Empty, format!("the listing is empty, and {marked} objects are marked there")));
    }
    Ok(found)
}

/// How many objects are no booking's: those of bookings come and go by the dozen at the end of a class slot.
fn of_others(found: &[Found]) -> usize {
    found.iter().filter(|found| found.mark.is_none()).count()
}

/// How many objects are expected to be gone since a sweep has deleted them.
fn being_deleted(given: &Situation<'_>, site: &SiteId) -> usize {
    let here = given.marked.iter().filter(|mark| mark.target.site == *site);
    here.filter(|mark| matches!(mark.stage, Stage::Deleting { .. })).count()
}

fn part(percent: i32) -> usize {
    usize::try_from(percent).unwrap_or(0)
}

/// What a site's objects come to.
struct Work<'a> {
    judge: Judge<'a>,
    people: &'a People<'a>,
    /// Steps on what people made: first told, then counted.
    due: Vec<Action>,
    orphans: Vec<Action>,
}

impl<'a> Work<'a> {
    fn given(&self) -> &'a Situation<'a> {
        self.judge.given
    }

    /// Marks of what the site does not have any more.
    fn gone(&self, plan: &mut Plan) {
        let listed: BTreeSet<_> =
            self.judge.sight.objects.iter().map(|it| (it.kind, it.site_ref.as_str())).collect();
        for (key, mark) in &self.judge.marks {
            if !listed.contains(key) {
                plan.actions.push(unmark(mark, Unmarked::Gone, "the site does not have it any more"));
            }
        }
    }

    fn object(&mut self, found: &'a Found, plan: &mut Plan) {
        if let Some(orphan) = self.orphan(found) {
            match self.exemption(found, None) {
                Some(exemption) => plan.kept.push(self.told(
                    found,
                    Predicate::Orphan,
                    None,
                    &format!("{}; {}", orphan.reason(), exempt(exemption)),
                )),
                None => self.orphans.push(orphan),
            }
        } else if self.judge.is_by_hand(found) {
            self.by_hand(found, plan);
        }
    }

    /// An object that carries our mark and has no booking.
    fn orphan(&self, found: &Found) -> Option<Action> {
        let given = self.given();
        let mark = found.mark.as_ref().filter(|mark| mark.instance == *given.instance)?;
        let why = match given.standing.get(&mark.booking) {
            Some(Standing::InHand) => return None,
            Some(Standing::Ended) => "its booking has ended",
            None => "its booking is unknown",
        };
        let age = found.created_at.map(|created| given.now - created);
        let others = matches!(found.survey.belongs, Belongs::Others | Belongs::Shared | Belongs::Standard);
        if others || age.is_some_and(|age| age < YOUNG) {
            return None;
        }
        let reason = match age {
            Some(age) => format!("{why}; made {} s ago", age.num_seconds()),
            None => why.to_owned(),
        };
        Some(Action::DeleteOrphan {
            site: self.judge.sight.site.clone(),
            kind: found.kind,
            site_ref: found.site_ref.clone(),
            name: found.name.clone(),
            booking: mark.booking.clone(),
            reason,
        })
    }

    fn by_hand(&mut self, found: &'a Found, plan: &mut Plan) {
        let owner = self.people.owner(found);
        let known = match owner {
            Owner::Of(known) => Some(known),
            Owner::Nobody(_) => None,
        };
        let mark = self.judge.mark(found);
        let Some(finding) = self.judge.finding(found, known) else {
            plan.actions
                .extend(mark.map(|mark| unmark(mark, Unmarked::InOrder, "no predicate covers it any more")));
            return;
        };
        match self.verdict(found, owner, &finding) {
            Verdict::Act => self.step(found, known, &finding, mark, plan),
            Verdict::Leave(why, and, keep) => {
                let told = self.told(found, finding.predicate, known, &format!("{}; {and}", finding.clause));
                if keep {
                    plan.kept.push(told);
                } else {
                    plan.reported.push(told);
                }
                plan.actions.extend(mark.map(|mark| unmark(mark, why, &and)));
            }
        }
    }

    /// Whether an object that a predicate covers may be acted on.
    fn verdict(&self, found: &Found, owner: Owner<'_>, finding: &Finding) -> Verdict {
        let policy = self.given().policy;
        let known = match owner {
            Owner::Of(known) => Some(known),
            Owner::Nobody(_) => None,
        };
        if known.is_some_and(|known| known.staff) {
            return Verdict::Leave(Unmarked::NotTheirs, "its owner is staff".to_owned(), true);
        }
        if let Some(exemption) = self.exemption(found, known) {
            return Verdict::Leave(Unmarked::Exempt, exempt(exemption), true);
        }
        if policy.by_hand == ByHand::Report || finding.pace == Pace::ReportOnly {
            let and = "such things are only reported".to_owned();
            return Verdict::Leave(Unmarked::ReportOnly, and, false);
        }
        match owner {
            Owner::Nobody(why) if !self.may_be_nobodys(found, finding, why) => {
                Verdict::Leave(Unmarked::NotTheirs, why.clause().to_owned(), false)
            }
            _ => Verdict::Act,
        }
    }

    /// What a project may do is staff's explicit wish; of the rest only kinds that staff named, and never what two people or a
    /// stranger may own.
    fn may_be_nobodys(&self, found: &Found, finding: &Finding, why: Why) -> bool {
        let of_project = finding.predicate == Predicate::OverProjectHours;
        why == Why::NoHint && (of_project || self.given().policy.nobodys.contains(&found.kind))
    }

    /// The exemption that covers an object, of several the one that holds longest.
    fn exemption(&self, found: &Found, owner: Option<&Known>) -> Option<&'a Exemption> {
        let covers = |what: &Exempt| match what {
            Exempt::Object(site, site_ref) => (site, site_ref) == (self.judge.sight.site, &found.site_ref),
            Exempt::NamesFrom(prefix) => !prefix.is_empty() && found.name.starts_with(prefix.as_str()),
            Exempt::Person(net_id) => owner.is_some_and(|known| known.net_id == *net_id),
            // What a lab judges, it leaves out itself.
            Exempt::Lab(_) => false,
        };
        let given = self.given();
        let held = given.exemptions.iter().filter(|it| given.now < it.until && covers(&it.what));
        held.max_by_key(|it| (it.until, *it))
    }

    fn step(
        &mut self,
        found: &'a Found,
        known: Option<&Known>,
        finding: &Finding,
        mark: Option<&Marked>,
        plan: &mut Plan,
    ) {
        let given = self.given();
        let now = given.now;
        let marked = |stage| Marked {
            target: self.judge.sight.target(found),
            predicate: finding.predicate,
            net_id: known.map(|known| known.net_id.clone()),
            stage,
            restores: mark.map_or(0, |mark| mark.restores),
        };
        let reason = finding.clause.clone();
        let action = match steps::next(finding.pace, mark.map(|mark| mark.stage), given.policy, now) {
            Step::Warn(next) => {
                let staff = finding.staff || known.is_none();
                Action::Warn { mark: marked(Stage::Warned { at: now }), next, staff, reason }
            }
            Step::Wait(next) => {
                plan.waiting.extend(mark.cloned().zip(next).map(|(mark, (next, at))| {
                    let when = calendar::date_and_time(given.zone, at);
                    let reason = format!("{reason}; it is {} at {when}", next.done());
                    Waiting { mark, next, at, reason }
                }));
                return;
            }
            Step::Stop { warned_at, delete_at } => {
                let mark = marked(Stage::Stopped { warned_at, at: now });
                Action::Stop { mark, how: self.how_to_stop(found), delete_at, reason }
            }
            Step::Delete { warned_at, asked_at } => {
                let mark = marked(Stage::Deleting { warned_at, at: asked_at.unwrap_or(now) });
                Action::Delete { mark, saved: self.saved(found), reason }
            }
            Step::Keep(until) => {
                let until = calendar::date_and_time(given.zone, until);
                let and = format!("{reason}; its owner took it back until {until}");
                plan.kept.push(self.told(found, finding.predicate, known, &and));
                return;
            }
        };
        self.due.push(action);
    }

    fn how_to_stop(&self, found: &Found) -> StopBy {
        let can = self.judge.sight.view.can_shelve && !found.survey.bare_metal;
        if can { self.given().policy.stop_by } else { StopBy::Stop }
    }

    fn saved(&self, found: &Found) -> Saved {
        let (now, sight) = (self.given().now, self.judge.sight);
        let on_lease = sight.lease_end(found).filter(|end| *end > now);
        let own_end = found.survey.span.map(|span| span.end()).filter(|end| *end > now);
        let until = on_lease.or(own_end).unwrap_or(now + SAVED_AT_MOST);
        let is_server = matches!(found.kind, Kind::Server | Kind::Container);
        let runs = is_server && found.survey.condition != Some(Condition::Shelved);
        let su = match &found.survey.backing {
            Backing::Reservation(_) => Some(Su::ZERO),
            _ => charge(sight.price(found), now, until),
        };
        Saved { until, server_minutes: if runs { (until - now).num_minutes() } else { 0 }, su }
    }

    fn told(&self, found: &Found, predicate: Predicate, known: Option<&Known>, reason: &str) -> Told {
        Told {
            target: self.judge.sight.target(found),
            predicate,
            net_id: known.map(|known| known.net_id.clone()),
            reason: reason.to_owned(),
        }
    }

    /// Puts what is due into the plan, as far as hours and limits let it.
    fn finish(self, plan: &mut Plan) {
        let given = self.given();
        let (site, listed) = (self.judge.sight.site, self.judge.sight.objects.len());
        let limits = given.policy.limits;
        let mut skip = |why, reason| plan.skipped.push(Skipped { site: site.clone(), why, reason });
        if self.orphans.len() > part(limits.most) {
            let reason = format!(
                "{} objects without a booking, and a sweep deletes at most {}: none was deleted",
                self.orphans.len(),
                limits.most
            );
            skip(Skip::TooMany, reason);
        } else {
            plan.actions.extend(self.orphans);
        }
        if let Some(hours) = given.policy.quiet.filter(|hours| hours.hold(given.zone, given.now)) {
            if !self.due.is_empty() {
                let end = calendar::date_and_time(given.zone, hours.end(given.zone, given.now));
                skip(
                    Skip::Quiet,
                    format!("{} until {end}: quiet hours are {hours}", waiting(self.due.len())),
                );
            }
            return;
        }
        let (warnings, steps): (Vec<_>, Vec<_>) =
            self.due.into_iter().partition(|action| matches!(action, Action::Warn { .. }));
        let percent = part(limits.percent);
        let over_part =
            listed >= SMALL_LISTING && steps.len().saturating_mul(100) > listed.saturating_mul(percent);
        if steps.len() > part(limits.most) || over_part {
            let reason = format!(
                "{} of {listed} objects are to be stopped or deleted, and a sweep does so to at most {} and {percent} percent: \
                 none was",
                steps.len(),
                limits.most
            );
            skip(Skip::TooMany, reason);
            plan.actions.extend(warnings);
        } else {
            plan.actions.extend(warnings.into_iter().chain(steps));
        }
    }
}

/// What is done about an object that a predicate covers.
enum Verdict {
    /// Its mark goes on.
    Act,
    /// Nothing, and a mark is forgotten: why, in a word and in a clause, and whether somebody wished so.
    Leave(Unmarked, String, bool),
}

fn unmark(mark: &Marked, why: Unmarked, reason: &str) -> Action {
    Action::Unmark { mark: mark.clone(), why, reason: reason.to_owned() }
}

fn waiting(steps: usize) -> String {
    if steps == 1 { "a step waits".to_owned() } else { format!("{steps} steps wait") }
}

fn exempt(exemption: &Exemption) -> String {
    format!("{} has exempted it: {}", exemption.by, exemption.reason)
}
