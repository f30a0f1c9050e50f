//! Brings bookings to what they are to be, on the cloud: decide, write the intent, call, record.
//!
//! [`policy::reconcile`](crate::policy::reconcile) says what is next; this module carries it out. Each turn of
//! [`advance`] is a transaction that renews the claim and decides, the calls to the cloud, and a transaction that records
//! what came of them, if the claim still stands. Killed at any point, the next worker decides the same from what is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::App;
use super::booking::{self, BookingError};
use super::notices::{self, Kind as Mail};
use crate::cloud::port::{
    Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject,
};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::blueprint::{Kind, Spec};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::calendar;
use crate::domain::ids::{BookingId, ClaimToken, ResourceKey};
use crate::domain::interval::Interval;
use crate::domain::resource::{Mark, Resource, ResourceState};
use crate::policy::reconcile::{self, MAX_FAILURES, MAX_REPLACEMENTS, Step, Transition};

/// How long to wait before a site that is at work is asked again.
const POLL: TimeDelta = TimeDelta::milliseconds(1000);

/// Who does what the service does by itself, in a booking's log.
const ACTOR: &str = "fairlease";

/// Claims up to `limit` bookings whose next step is due.
pub async fn claim(app: &Arc<App>, limit: i64) -> Result<Vec<(BookingId, ClaimToken)>, DbError> {
    let token = app.claim_token();
    let (inner, fence) = (app.clone(), token.clone());
    let ids = app
        .db
        .write("fulfil: claim", move |conn| {
            let now = inner.now();
            db::claim_due_bookings(conn, &fence, now, now + inner.claim, limit)
        })
        .await?;
    Ok(ids.into_iter().map(|id| (id, token.clone())).collect())
}

/// Takes the booking on which the caller has a claim as far as it goes now, and gives the claim up.
pub async fn advance(app: &Arc<App>, id: &BookingId, token: &ClaimToken) -> Result<(), BookingError> {
    loop {
        let (inner, key, fence) = (app.clone(), id.clone(), token.clone());
        let turn = app.db.write("fulfil: decide", move |conn| decide(&inner, conn, &key, &fence)).await?;
        match turn {
            Turn::Rest => return Ok(()),
            Turn::Again => {}
            Turn::Call(calls) => {
                let outcomes = carry_out(app, *calls).await;
                let (inner, key, fence) = (app.clone(), id.clone(), token.clone());
                let go_on = app
                    .db
                    .write("fulfil: record", move |conn| record(&inner, conn, &key, &fence, &outcomes))
                    .await?;
                if !go_on {
                    return Ok(());
                }
            }
        }
    }
}

/// What is to happen after a decision.
#[derive(Debug)]
enum Turn {
    /// Nothing now, or the claim is lost.
    Rest,
    /// The state has changed: decide again.
    Again,
    /// These calls.
    Call(Box<Calls>),
}

/// Calls to one site that need nothing of each other.
#[derive(Debug)]
struct Calls {
    setting: LabSetting,
    calls: Vec<Call>,
}

#[derive(Debug, Clone)]
enum Call {
    Ensure(Box<Desired>),
    AwaitLease(ResourceKey, String),
    Release(ResourceKey, Kind, String),
    Look(Scope),
}

/// What came of a call.
#[derive(Debug, Clone)]
enum Outcome {
    Ensured(ResourceKey, Result<Observed, CloudError>),
    Lease(ResourceKey, Result<Progress, CloudError>),
    Released(ResourceKey, Result<Released, CloudError>),
    Looked(Result<Vec<Found>, CloudError>),
}

fn decide(app: &App, conn: &mut Conn<'_>, id: &BookingId, token: &ClaimToken) -> Result<Turn, BookingError> {
    let now = app.now();
    if !db::renew_claim(conn, id, token, now + app.claim)? {
        return Ok(Turn::Rest);
    }
    let Some(booking) = db::booking_locked(conn, id)? else { return Ok(Turn::Rest) };
    let Some(setting) = db::lab_setting(conn, &booking.lab)? else {
        return Err(BookingError::NoSuchLab(booking.lab));
    };
    let resources = db::resources(conn, id)?;
    match reconcile::next(&booking, &resources, &setting.pool, now) {
        Step::Wait(until) => rest(conn, booking, token, until),
        Step::Become(transition) => {
            become_(app, conn, booking, &setting, &resources, transition)?;
            Ok(Turn::Again)
        }
        step => {
            let calls = intend(app, conn, &booking, &resources, step)?;
            db::touch_booking(conn, id)?;
            Ok(Turn::Call(Box::new(Calls { setting, calls })))
        }
    }
}

fn rest(
    conn: &mut Conn<'_>,
    mut booking: Booking,
    token: &ClaimToken,
    until: Option<DateTime<Utc>>,
) -> Result<Turn, BookingError> {
    if booking.next_step_at != until {
        booking.next_step_at = until;
        db::save_booking(conn, &booking)?;
    }
    db::drop_claim(conn, &booking.id, token)?;
    Ok(Turn::Rest)
}

/// Writes down what is about to be asked of the cloud, before it is.
fn intend(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    resources: &[Resource],
    step: Step,
) -> Result<Vec<Call>, BookingError> {
    let named = |keys: &[ResourceKey]| {
        resources.iter().filter(|resource| keys.contains(&resource.key)).cloned().collect::<Vec<_>>()
    };
    let mut calls = Vec::new();
    match step {
        Step::Ensure(keys) => {
            for mut resource in named(&keys) {
                enter(conn, &mut resource, ResourceState::Making, app.now())?;
                calls.push(Call::Ensure(Box::new(desired(app, booking, &resource, resources))));
            }
        }
        Step::AwaitLease(key) => {
            let lease = named(&[key]).pop();
            calls.extend(lease.and_then(|lease| Some(Call::AwaitLease(lease.key, lease.site_ref?))));
        }
        Step::Release(keys) => {
            for mut resource in named(&keys) {
                enter(conn, &mut resource, ResourceState::Deleting, app.now())?;
                calls.push(match resource.site_ref.clone() {
                    Some(site_ref) => Call::Release(resource.key.clone(), resource.kind(), site_ref),
                    None => look(app, booking),
                });
            }
            calls.dedup_by(|a, b| matches!((a, b), (Call::Look(_), Call::Look(_))));
        }
        Step::Look => calls.push(look(app, booking)),
        Step::Become(_) | Step::Wait(_) => {}
    }
    Ok(calls)
}

fn look(app: &App, booking: &Booking) -> Call {
    Call::Look(Scope::Booking(app.instance.clone(), booking.id.clone()))
}

fn enter(
    conn: &mut Conn<'_>,
    resource: &mut Resource,
    state: ResourceState,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if resource.state != state {
        resource.state = state;
        resource.since = now;
        db::save_resource(conn, resource)?;
    }
    Ok(())
}

fn desired(app: &App, booking: &Booking, resource: &Resource, all: &[Resource]) -> Desired {
    let mark =
        Mark { instance: app.instance.clone(), booking: booking.id.clone(), key: resource.key.clone() };
    let others = all.iter().filter_map(|other| {
        let site_ref = other.site_ref.clone()?;
        Some((other.key.clone(), SiteObject { kind: other.kind(), site_ref, facts: other.facts.clone() }))
    });
    Desired {
        name: mark.name(&booking.label),
        mark,
        delete_at: booking.held_until(),
        spec: resource.spec.clone(),
        others: others.collect(),
    }
}

async fn carry_out(app: &App, calls: Calls) -> Vec<Outcome> {
    let site = &calls.setting.site.id;
    match app.clouds.get(site) {
        Some(cloud) => {
            join_all(calls.calls.into_iter().map(|call| carry_out_one(cloud.as_ref(), call))).await
        }
        None => {
            let error = CloudError::Transient {
                message: format!("this worker has no way to reach the site {site}"),
                retry_after: None,
            };
            calls.calls.into_iter().map(|call| failed(call, error.clone())).collect()
        }
    }
}

async fn carry_out_one(cloud: &dyn Cloud, call: Call) -> Outcome {
    match call {
        Call::Ensure(desired) => Outcome::Ensured(desired.mark.key.clone(), cloud.ensure(&desired).await),
        Call::AwaitLease(key, site_ref) => Outcome::Lease(key, cloud.lease_in_force(&site_ref).await),
        Call::Release(key, kind, site_ref) => Outcome::Released(key, cloud.release(kind, &site_ref).await),
        Call::Look(scope) => Outcome::Looked(cloud.list(&scope).await),
    }
}

fn failed(call: Call, error: CloudError) -> Outcome {
    match call {
        Call::Ensure(desired) => Outcome::Ensured(desired.mark.key.clone(), Err(error)),
        Call::AwaitLease(key, _) => Outcome::Lease(key, Err(error)),
        Call::Release(key, ..) => Outcome::Released(key, Err(error)),
        Call::Look(_) => Outcome::Looked(Err(error)),
    }
}

/// What the outcomes of one turn come to.
#[derive(Debug, Default)]
struct Verdict {
    /// When to go on, if not at once.
    pause: Option<DateTime<Utc>>,
    /// What went wrong, for the student.
    trouble: Option<String>,
    /// The booking can't be fulfilled, for this reason.
    give_up: Option<String>,
    /// The extension can't be had, for this reason.
    no_extension: Option<String>,
    /// The site holds nothing of it any more.
    nothing_left: bool,
}

impl Verdict {
    fn pause_until(&mut self, at: DateTime<Utc>) {
        self.pause = Some(self.pause.map_or(at, |before| before.max(at)));
    }
}

/// Records outcomes if the claim still stands. True if there may be more to do at once.
fn record(
    app: &App,
    conn: &mut Conn<'_>,
    id: &BookingId,
    token: &ClaimToken,
    outcomes: &[Outcome],
) -> Result<bool, BookingError> {
    let now = app.now();
    if !db::renew_claim(conn, id, token, now + app.claim)? {
        tracing::warn!(booking = %id, "a claim was lost during a call: its outcome is left to be looked up");
        return Ok(false);
    }
    let Some(mut booking) = db::booking_locked(conn, id)? else { return Ok(false) };
    let mut resources: BTreeMap<ResourceKey, Resource> =
        db::resources(conn, id)?.into_iter().map(|resource| (resource.key.clone(), resource)).collect();
    let mut verdict = Verdict::default();
    for outcome in outcomes {
        note(app, conn, &booking, &mut resources, outcome, &mut verdict)?;
    }
    let Some(setting) = db::lab_setting(conn, &booking.lab)? else {
        return Err(BookingError::NoSuchLab(booking.lab));
    };
    if verdict.nothing_left {
        finish(app, conn, booking, &setting)?;
        db::drop_claim(conn, id, token)?;
        return Ok(false);
    }
    if let Some(reason) = verdict.no_extension {
        refuse_extension(app, conn, &mut booking, &setting, &reason)?;
    }
    if let Some(reason) = verdict.give_up
        && booking.state.is_live()
    {
        booking::log(app, conn, &booking, ACTOR, &format!("Gave up: {reason}"))?;
        booking::end(app, conn, booking, &setting, EndReason::Failed, Some(reason))?;
        return Ok(true);
    }
    let resting = verdict.pause.is_some();
    if booking.state.reason() != Some(EndReason::Failed) || verdict.trouble.is_some() {
        booking.trouble = verdict.trouble;
    }
    booking.next_step_at = Some(verdict.pause.unwrap_or(now));
    db::save_booking(conn, &booking)?;
    if resting {
        db::drop_claim(conn, id, token)?;
    }
    Ok(!resting)
}

/// Records one outcome on its resource.
fn note(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    resources: &mut BTreeMap<ResourceKey, Resource>,
    outcome: &Outcome,
    verdict: &mut Verdict,
) -> Result<(), DbError> {
    let now = app.now();
    match outcome {
        Outcome::Looked(Ok(found)) => {
            adopt(conn, booking, resources, found, now)?;
            verdict.nothing_left = found.is_empty() && resources.values().all(|r| !r.may_exist());
            Ok(())
        }
        Outcome::Looked(Err(error)) => {
            stumble(app, error, 1, verdict);
            Ok(())
        }
        Outcome::Ensured(key, result) => with(conn, resources, key, |resource| match result {
            Ok(observed) => ensured(booking, resource, observed, now, verdict),
            Err(error) => not_ensured(app, booking, resource, error, verdict),
        }),
        Outcome::Lease(key, result) => with(conn, resources, key, |lease| match result {
            Ok(Progress::Ready) => lease.facts.in_force = true,
            Ok(Progress::Working) => verdict.pause_until(now + POLL),
            Ok(Progress::Broken(reason)) => {
                verdict.give_up = Some(format!("The site did not keep the reserved place: {reason}"));
            }
            Err(error) => not_ensured(app, booking, lease, error, verdict),
        }),
        Outcome::Released(key, result) => with(conn, resources, key, |resource| match result {
            Ok(Released::Gone) => gone(booking, resource, now),
            Ok(Released::Going) => {
                resource.failures = 0;
                verdict.pause_until(now + POLL);
            }
            Err(error) => {
                resource.failures += 1;
                stumble(app, error, resource.failures, verdict);
            }
        }),
    }
}

fn with(
    conn: &mut Conn<'_>,
    resources: &mut BTreeMap<ResourceKey, Resource>,
    key: &ResourceKey,
    change: impl FnOnce(&mut Resource),
) -> Result<(), DbError> {
    let Some(resource) = resources.get_mut(key) else { return Ok(()) };
    change(resource);
    db::save_resource(conn, resource)
}

fn ensured(
    booking: &Booking,
    resource: &mut Resource,
    observed: &Observed,
    now: DateTime<Utc>,
    verdict: &mut Verdict,
) {
    let in_force = resource.facts.in_force;
    resource.site_ref = Some(observed.object.site_ref.clone());
    resource.facts = observed.object.facts.clone();
    resource.facts.in_force |= in_force;
    resource.failures = 0;
    match &observed.progress {
        Progress::Ready => {
            resource.state = ResourceState::Ready;
            resource.since = now;
        }
        Progress::Working => verdict.pause_until(now + POLL),
        Progress::Broken(reason) if resource.kind() == Kind::Lease => {
            verdict.give_up = Some(format!("The site did not keep the reserved place: {reason}"));
        }
        Progress::Broken(reason) if resource.replacements < MAX_REPLACEMENTS && booking.state.is_live() => {
            verdict.trouble =
                Some(format!("{} came up broken ({reason}); it is being replaced.", resource.key));
            resource.state = ResourceState::Deleting;
            resource.since = now;
        }
        Progress::Broken(reason) => {
            verdict.give_up = Some(format!("{} came up broken twice: {reason}", resource.key));
        }
    }
}

fn not_ensured(
    app: &App,
    booking: &Booking,
    resource: &mut Resource,
    error: &CloudError,
    verdict: &mut Verdict,
) {
    resource.failures += 1;
    let last = !error.may_pass() || resource.failures >= MAX_FAILURES;
    match booking.state {
        State::Active { .. } if last => {
            verdict.no_extension = Some(error.to_string());
            resource.state = ResourceState::Ready;
            resource.failures = 0;
        }
        _ if last && booking.state.is_live() => {
            verdict.give_up = Some(format!("The {} could not be made: {error}", resource.kind().word()));
        }
        _ => stumble(app, error, resource.failures, verdict),
    }
}

/// A failure that may pass: wait, and say so.
fn stumble(app: &App, error: &CloudError, failures: i32, verdict: &mut Verdict) {
    let asked = match error {
        CloudError::Transient { retry_after: Some(wait), .. } => TimeDelta::from_std(*wait).unwrap_or(POLL),
        _ => TimeDelta::zero(),
    };
    let jitter = TimeDelta::milliseconds(i64::try_from(app.entropy.bits() % 1000).unwrap_or(0));
    let wait = reconcile::backoff(failures).max(asked) + jitter;
    verdict.pause_until(app.now() + wait);
    verdict.trouble = Some(format!("{error}. Trying again in {} s.", wait.num_seconds()));
    tracing::warn!(class = error.class(), failures, %error, "a call to a cloud failed");
}

/// A resource that is gone is gone for good, unless it was to be replaced.
fn gone(booking: &Booking, resource: &mut Resource, now: DateTime<Utc>) {
    resource.failures = 0;
    resource.since = now;
    if booking.state == State::Preparing {
        resource.state = ResourceState::Planned;
        resource.site_ref = None;
        resource.replacements += 1;
    } else {
        resource.state = ResourceState::Gone;
    }
}

/// Compares what the site holds of a booking that is being released with what is known: learns lost ids, takes on what a
/// lost answer left behind, and lets go of what was asked for and never came to be.
fn adopt(
    conn: &mut Conn<'_>,
    booking: &Booking,
    resources: &mut BTreeMap<ResourceKey, Resource>,
    found: &[Found],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    for object in found {
        let known =
            resources.values().any(|r| r.site_ref.as_deref() == Some(&object.site_ref) && r.may_exist());
        let Some(mark) = object.mark.as_ref().filter(|_| !known) else { continue };
        let mut resource = match resources.get(&mark.key) {
            Some(resource) if resource.site_ref.is_none() || resource.state == ResourceState::Gone => {
                resource.clone()
            }
            _ => stray(booking, resources, object, now),
        };
        resource.site_ref = Some(object.site_ref.clone());
        resource.state = ResourceState::Deleting;
        resource.since = now;
        if resources.insert(resource.key.clone(), resource.clone()).is_some() {
            db::save_resource(conn, &resource)?;
        } else {
            db::insert_resource(conn, &resource)?;
        }
    }
    for resource in resources.values_mut().filter(|r| r.may_exist() && r.site_ref.is_none()) {
        resource.state = ResourceState::Gone;
        resource.since = now;
        db::save_resource(conn, resource)?;
    }
    Ok(())
}

/// A second object of the same mark.
fn stray(
    booking: &Booking,
    resources: &BTreeMap<ResourceKey, Resource>,
    object: &Found,
    now: DateTime<Utc>,
) -> Resource {
    let position = i32::try_from(resources.len()).unwrap_or(i32::MAX);
    let key = format!("stray-{position}").parse().unwrap_or_else(|_| unreachable!("a well-formed key"));
    Resource::planned(booking.id.clone(), key, position, Spec::of_stray(object.kind), now)
}

/// Nothing of it is left.
fn finish(
    app: &App,
    conn: &mut Conn<'_>,
    mut booking: Booking,
    setting: &LabSetting,
) -> Result<(), BookingError> {
    booking.state = booking.state.end(app.now())?;
    booking.next_step_at = None;
    db::save_booking(conn, &booking)?;
    booking::log(app, conn, &booking, ACTOR, "Everything is deleted; the site confirmed it.")?;
    notices::tell(app, conn, &Mail::Ended, &booking, setting)?;
    Ok(())
}

fn become_(
    app: &App,
    conn: &mut Conn<'_>,
    mut booking: Booking,
    setting: &LabSetting,
    resources: &[Resource],
    transition: Transition,
) -> Result<(), BookingError> {
    let now = app.now();
    booking.trouble = None;
    booking.next_step_at = Some(now);
    let what = match transition {
        Transition::Release(reason) => return booking::end(app, conn, booking, setting, reason, None),
        Transition::Book => {
            booking.state = booking.state.confirm()?;
            format!("Booked: {} holds the place.", setting.site.title)
        }
        Transition::Prepare => {
            booking.state = booking.state.prepare()?;
            "Making the servers.".to_owned()
        }
        Transition::Activate => {
            booking.state = booking.state.activate(now)?;
            "Ready to use.".to_owned()
        }
        Transition::Extend => {
            let new_end = booking.held_until();
            booking.slot = Interval::new(booking.slot.start(), new_end).unwrap_or(booking.slot);
            booking.extend_to = None;
            format!("Extended to {}.", calendar::date_and_time(setting.zone, new_end))
        }
    };
    db::save_booking(conn, &booking)?;
    booking::log(app, conn, &booking, ACTOR, &what)?;
    match transition {
        Transition::Book => notices::tell(app, conn, &Mail::Booked, &booking, setting)?,
        Transition::Activate => {
            let ssh = booking::ssh_command(setting, resources).unwrap_or_default();
            notices::tell(app, conn, &Mail::Ready(&ssh), &booking, setting)?
        }
        _ => false,
    };
    Ok(())
}

/// The site will not hold the place longer: the end stays, and what was held beyond it is given back.
fn refuse_extension(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &mut Booking,
    setting: &LabSetting,
    reason: &str,
) -> Result<(), BookingError> {
    if let Some(rest) = booking.extend_to.take().and_then(|later| Interval::new(booking.slot.end(), later)) {
        db::give_back(conn, &setting.pool, &rest, booking.units)?;
        booking::extend_lease(conn, &booking.id, booking.slot.end())?;
        let what = format!("It could not be extended: {reason}");
        booking::log(app, conn, booking, ACTOR, &what)?;
    }
    Ok(())
}
