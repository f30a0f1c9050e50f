//! The first half of a turn's transaction: what came of the calls before.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{ACTOR, Outcome, instead};
use crate::cloud::port::{CloudError, Found, Observed, Progress, Released};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::blueprint::{Kind, Spec};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::ids::{BookingId, ClaimToken, ResourceKey};
use crate::domain::resource::{Resource, ResourceState, SiteFacts};
use crate::policy::reconcile::{self, MAX_FAILURES, MAX_LEASE_REPLACEMENTS, MAX_REPLACEMENTS};
use crate::services::App;
use crate::services::booking::{self, BookingError};
use crate::services::extending;
use crate::services::notices::{self, Kind as Mail};
use crate::services::places;

/// How long to wait before a site that is at work is asked again.
const POLL: TimeDelta = TimeDelta::milliseconds(1000);

/// How long to wait before what is starting is asked again whether it answers.
const PROBE: TimeDelta = TimeDelta::seconds(3);

/// How many different failures of one turn a student is told of.
const TOLD: usize = 3;

/// What the outcomes of one turn come to.
#[derive(Debug, Default)]
struct Verdict {
    /// When to go on, if not at once.
    pause: Option<DateTime<Utc>>,
    /// What is being done about what came up broken, in sentences for the student.
    mending: Vec<String>,
    /// What will be tried again, and why, in the site's words.
    stumbles: BTreeSet<String>,
    /// How long to wait before that.
    wait: TimeDelta,
    /// The booking can't be fulfilled, for this reason.
    give_up: Option<String>,
    /// The change that the student asked for can't be had, for this reason.
    no_change: Option<String>,
    /// The site can't change the end of a lease in force: its words.
    cant_extend: Option<String>,
    /// The site holds nothing of it any more.
    nothing_left: bool,
    /// What is to be read later in the booking's log.
    events: Vec<String>,
}

impl Verdict {
    fn pause_until(&mut self, at: DateTime<Utc>) {
        self.pause = Some(self.pause.map_or(at, |before| before.max(at)));
    }

    fn mend(&mut self, resource: &mut Resource, what: String, now: DateTime<Utc>) {
        self.events.push(what.clone());
        self.mending.push(what);
        resource.state = ResourceState::Deleting;
        resource.since = now;
    }

    /// What went wrong, for the student.
    fn trouble(&self) -> Option<String> {
        let mut sentences = self.mending.clone();
        if !self.stumbles.is_empty() {
            let told: Vec<&str> = self.stumbles.iter().map(String::as_str).take(TOLD).collect();
            let more = match self.stumbles.len() - told.len() {
                0 => String::new(),
                more => format!(" ({more} more)"),
            };
            let wait = self.wait.num_seconds();
            sentences.push(format!("{}{more}. Trying again in {wait} s.", told.join("; ")));
        }
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }
}

/// Records outcomes under the claim. True if there may be more to do at once; else the claim is given up.
pub(super) fn record(
    app: &App,
    conn: &mut Conn<'_>,
    id: &BookingId,
    token: &ClaimToken,
    outcomes: &[Outcome],
) -> Result<bool, BookingError> {
    let now = app.now();
    let Some(mut booking) = db::booking_locked(conn, id)? else { return Ok(false) };
    let mut resources: BTreeMap<ResourceKey, Resource> =
        db::resources(conn, id)?.into_iter().map(|resource| (resource.key.clone(), resource)).collect();
    let mut verdict = Verdict::default();
    for outcome in outcomes {
        note(app, conn, &booking, &mut resources, outcome, &mut verdict)?;
    }
    for what in &verdict.events {
        booking::log(app, conn, &booking, ACTOR, what)?;
    }
    let Some(setting) = db::lab_setting(conn, &booking.lab)? else {
        return Err(BookingError::NoSuchLab(booking.lab));
    };
    let trouble = verdict.trouble();
    if verdict.nothing_left {
        finish(app, conn, booking, &setting)?;
        db::drop_claim(conn, id, token)?;
        return Ok(false);
    }
    if let Some(words) = verdict.cant_extend {
        extending::learn(conn, &setting.site, Some(words), now)?;
    }
    if let Some(reason) = verdict.no_change {
        refuse_end(app, conn, &mut booking, &reason)?;
        booking::drop_wanted_slot(app, conn, &mut booking, &reason)?;
    }
    if let Some(reason) = verdict.give_up
        && booking.state.is_live()
    {
        booking::log(app, conn, &booking, ACTOR, &format!("Gave up: {reason}"))?;
        booking::fail(app, conn, booking, reason)?;
        return Ok(true);
    }
    let resting = verdict.pause.is_some();
    // Why a booking failed is to be read to its end, whatever goes wrong while it is deleted.
    if booking.state.reason() != Some(EndReason::Failed) {
        booking.trouble = trouble;
    }
    booking.next_step_at = Some(verdict.pause.unwrap_or(now));
    db::save_booking(conn, &booking, now)?;
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
        Outcome::Ensured(key, result) => {
            with(conn, resources, key, |resource| match result {
                Ok(observed) => ensured(booking, resource, observed, now, verdict),
                Err(error) => not_ensured(app, booking, resource, error, verdict),
            })?;
            instead::plan_lease(conn, booking, resources, key, now)
        }
        Outcome::Lease(key, result) => with(conn, resources, key, |lease| match result {
            Ok(Progress::Ready) => lease.facts.in_force = true,
            Ok(Progress::Working) => verdict.pause_until(now + POLL),
            Ok(Progress::Broken(reason)) => lost(booking, lease, reason, now, verdict),
            Err(error) => not_ensured(app, booking, lease, error, verdict),
        }),
        Outcome::Probed(key, result) => with(conn, resources, key, |address| match result {
            Ok(true) => address.facts.answers = true,
            Ok(false) => verdict.pause_until(now + PROBE),
            Err(error) => stumble(app, error, 1, verdict),
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
    let known = std::mem::take(&mut resource.facts);
    if resource.site_ref.as_ref() != Some(&observed.object.site_ref) {
        // From now on the site is at work on it, however long it took to ask.
        resource.since = now;
    }
    resource.site_ref = Some(observed.object.site_ref.clone());
    resource.facts = observed.object.facts.clone();
    resource.facts.in_force |= known.in_force;
    resource.facts.answers |= known.answers;
    resource.failures = 0;
    let overdue = match observed.progress {
        Progress::Working => reconcile::overdue(resource, now).map(Progress::Broken),
        _ => None,
    };
    match overdue.as_ref().unwrap_or(&observed.progress) {
        Progress::Ready => {
            resource.state = ResourceState::Ready;
            resource.since = now;
        }
        Progress::Working => verdict.pause_until(now + POLL),
        Progress::Broken(reason) if is_for_a_move(booking, resource) => {
            verdict.no_change = Some(reason.clone());
        }
        Progress::Broken(reason) if resource.kind() == Kind::Lease => {
            lost(booking, resource, reason, now, verdict);
        }
        Progress::Broken(reason) if resource.replacements < MAX_REPLACEMENTS && booking.state.is_live() => {
            let what = format!("{} came up broken ({reason}); it is being replaced.", resource.key);
            verdict.mend(resource, what, now);
        }
        Progress::Broken(reason) if booking.state.is_live() && instead::take(resource) => {
            let key = &resource.key;
            let what = format!("{key} came up broken again ({reason}); it is being made on another machine.");
            verdict.mend(resource, what, now);
        }
        Progress::Broken(reason) => {
            verdict.give_up = Some(format!("{} came up broken twice: {reason}", resource.key));
        }
    }
}

/// The site did not keep a lease. When it begins many at the same minute, Blazar may put one into ERROR for no fault of anybody's:
/// another one is asked for in its place.
fn lost(booking: &Booking, lease: &mut Resource, reason: &str, now: DateTime<Utc>, verdict: &mut Verdict) {
    if booking.state == State::Preparing && lease.replacements < MAX_LEASE_REPLACEMENTS {
        let what =
            format!("The site did not keep the reserved place ({reason}); it is being asked for again.");
        verdict.mend(lease, what, now);
    } else {
        verdict.give_up = Some(format!("The site did not keep the reserved place: {reason}"));
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
        State::Booked if last && is_for_a_move(booking, resource) => {
            verdict.no_change = Some(error.to_string());
        }
        State::Active { .. } if last => {
            if let (Kind::Lease, CloudError::Unsupported(words)) = (resource.kind(), error) {
                verdict.cant_extend = Some(words.clone());
            }
            verdict.no_change = Some(error.to_string());
            resource.state = ResourceState::Ready;
            resource.failures = 0;
        }
        _ if last && booking.state.is_live() => {
            verdict.give_up = Some(format!("The {} could not be made: {error}", resource.kind().word()));
        }
        _ => stumble(app, error, resource.failures, verdict),
    }
}

/// Whether it is the lease of the place that the booking is to be moved to.
fn is_for_a_move(booking: &Booking, resource: &Resource) -> bool {
    booking.wanted_slot.is_some() && resource.kind() == Kind::Lease
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
    verdict.wait = verdict.wait.max(wait);
    verdict.stumbles.insert(error.to_string());
    tracing::warn!(class = error.class(), failures, %error, "a call to a cloud failed");
}

/// A resource that is gone is gone for good, unless it was to be replaced. While a booking waits for its start a lease that goes
/// is that of a place which it has left.
fn gone(booking: &Booking, resource: &mut Resource, now: DateTime<Utc>) {
    resource.failures = 0;
    resource.since = now;
    if booking.state == State::Preparing {
        resource.state = ResourceState::Planned;
        resource.site_ref = None;
        resource.facts = SiteFacts::default();
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
            _ => {
                let Some(stray) = stray(booking, resources, object, now) else { continue };
                stray
            }
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
) -> Option<Resource> {
    let position = i32::try_from(resources.len()).unwrap_or(i32::MAX);
    let key = format!("stray-{position}").parse().unwrap_or_else(|_| unreachable!("a well-formed key"));
    Some(Resource::planned(booking.id.clone(), key, position, Spec::of_stray(object.kind)?, now))
}

/// Nothing of it is left.
fn finish(
    app: &App,
    conn: &mut Conn<'_>,
    mut booking: Booking,
    setting: &LabSetting,
) -> Result<(), BookingError> {
    booking.state = booking.state.end(app.now())?;
    if booking.state.reason() != Some(EndReason::Failed) {
        booking.trouble = None;
    }
    booking.next_step_at = None;
    db::save_booking(conn, &booking, app.now())?;
    booking::log(app, conn, &booking, ACTOR, "Everything is deleted; the site confirmed it.")?;
    // That one failed, or had to give way to an outage, was told when it did.
    if !matches!(booking.state.reason(), Some(EndReason::Failed | EndReason::Displaced)) {
        notices::tell(app, conn, &Mail::Ended, &booking, setting)?;
    }
    Ok(())
}

/// The site will not hold the place up to another end: the end stays, and what was held beyond it is given back.
fn refuse_end(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &mut Booking,
    reason: &str,
) -> Result<(), BookingError> {
    if let Some(wanted) = booking.wanted_end.take() {
        let pool = db::pool(conn, &booking.pool)?;
        if let Some(added) = pool.added(&booking.slot, wanted) {
            places::give_back(conn, &pool, booking, &added)?;
        }
        booking::extend_lease(conn, &booking.id, booking.slot.end())?;
        let word = if wanted > booking.slot.end() { "extended" } else { "shortened" };
        let what = format!("It could not be {word}: {reason}");
        booking::log(app, conn, booking, ACTOR, &what)?;
    }
    Ok(())
}
