//! The second half of a turn's transaction: what is next, and writing down that it is about to be done.

use chrono::{DateTime, TimeDelta, Utc};

use super::{ACTOR, Call, Calls, Turn};
use crate::cloud::port::{Desired, Scope, SiteObject};
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::blueprint::{Kind, Spec};
use crate::domain::booking::Booking;
use crate::domain::fitness::SiteService;
use crate::domain::ids::{BookingId, ClaimToken, ResourceKey};
use crate::domain::resource::{Mark, Resource, ResourceState};
use crate::policy::reconcile::{self, Step, Transition};
use crate::services::App;
use crate::services::booking::{self, BookingError};
use crate::services::extending;
use crate::services::lead;
use crate::services::notices::{self, Kind as Mail};

/// How long a server waits before it asks again whether it is its turn to be made.
const TURN: TimeDelta = TimeDelta::seconds(5);

/// Decides under the claim, and gives it up if there is nothing to do now, or if the site is down: then the booking stays
/// due, and is claimed again once the site answers.
pub(super) fn decide(
    app: &App,
    conn: &mut Conn<'_>,
    id: &BookingId,
    token: &ClaimToken,
) -> Result<Turn, BookingError> {
    let now = app.now();
    let Some(booking) = db::booking_locked(conn, id)? else { return Ok(Turn::Rest) };
    let Some(setting) = db::lab_setting(conn, &booking.lab)? else {
        return Err(BookingError::NoSuchLab(booking.lab));
    };
    if db::site_health(conn, &setting.site.id)?.is_some_and(|health| !health.takes_work()) {
        db::drop_claim(conn, id, token)?;
        return Ok(Turn::Rest);
    }
    let resources = db::resources(conn, id)?;
    let begin = lead::begin(conn, &booking, now)?;
    match reconcile::next(&booking, &resources, begin, now) {
        Step::Wait(until) => rest(conn, booking, token, until, now),
        Step::Become(transition) => {
            become_(app, conn, booking, &setting, &resources, transition)?;
            Ok(Turn::Again)
        }
        step => {
            let calls = intend(app, conn, &booking, &setting, &resources, step)?;
            if calls.is_empty() {
                return rest(conn, booking, token, Some(now + TURN), now);
            }
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
    now: DateTime<Utc>,
) -> Result<Turn, BookingError> {
    if booking.next_step_at != until {
        booking.next_step_at = until;
        db::save_booking(conn, &booking, now)?;
    }
    db::drop_claim(conn, &booking.id, token)?;
    Ok(Turn::Rest)
}

/// Writes down what is about to be asked of the cloud, before it is.
fn intend(
    app: &App,
    conn: &mut Conn<'_>,
    booking: &Booking,
    setting: &LabSetting,
    resources: &[Resource],
    step: Step,
) -> Result<Vec<Call>, BookingError> {
    let named = |keys: &[ResourceKey]| {
        resources.iter().filter(|resource| keys.contains(&resource.key)).cloned().collect::<Vec<_>>()
    };
    let mut calls = Vec::new();
    let also_look = matches!(step, Step::ReleaseAndLook(_));
    match step {
        Step::Ensure(keys) => {
            for mut resource in named(&keys) {
                if !has_its_turn(conn, &mut resource, setting)? {
                    continue;
                }
                enter(conn, &mut resource, ResourceState::Making, app.now())?;
                calls.push(Call::Ensure(Box::new(desired(app, booking, &resource, resources))));
            }
        }
        Step::AwaitLease(key) => {
            let lease = named(&[key]).pop();
            calls.extend(lease.and_then(|lease| Some(Call::AwaitLease(lease.key, lease.site_ref?))));
        }
        Step::Probe(keys) => calls.extend(named(&keys).into_iter().filter_map(|resource| {
            let (address, probe) = (resource.facts.address.clone()?, resource.probe()?.clone());
            Some(Call::Probe(resource.key, address, probe))
        })),
        Step::Release(keys) | Step::ReleaseAndLook(keys) => {
            for mut resource in named(&keys) {
                enter(conn, &mut resource, ResourceState::Deleting, app.now())?;
                calls.push(match resource.site_ref.clone() {
                    Some(site_ref) => Call::Release(resource.key.clone(), resource.kind(), site_ref),
                    None => look(app, booking, resources),
                });
            }
            if also_look {
                calls.push(look(app, booking, resources));
            }
            calls.dedup_by(|a, b| matches!((a, b), (Call::Look(..), Call::Look(..))));
        }
        Step::Look => calls.push(look(app, booking, resources)),
        Step::Become(_) | Step::Wait(_) => {}
    }
    Ok(calls)
}

/// Whether it may be made now: on bare metal a site makes few at once.
fn has_its_turn(conn: &mut Conn<'_>, resource: &mut Resource, setting: &LabSetting) -> Result<bool, DbError> {
    let site = &setting.site;
    if !resource.is_bare_metal() || resource.building_at.is_some() {
        return Ok(true);
    }
    let most = usize::try_from(site.bare_metal_at_once).unwrap_or(1);
    if db::building_at(conn, &site.id)? >= most {
        return Ok(false);
    }
    resource.building_at = Some(site.id.clone());
    Ok(true)
}

/// A look at what the site has of the booking, in every service that was asked for something, or is about to be.
fn look(app: &App, booking: &Booking, resources: &[Resource]) -> Call {
    let asked = resources.iter().filter(|resource| resource.state != ResourceState::Planned);
    let needed = asked.map(|resource| SiteService::of(resource.kind())).collect();
    Call::Look(Scope::Booking(app.instance.clone(), booking.id.clone()), needed)
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
    let standing =
        all.iter().filter(|other| matches!(other.state, ResourceState::Making | ResourceState::Ready));
    let others = standing.filter_map(|other| {
        let site_ref = other.site_ref.clone()?;
        Some((other.key.clone(), SiteObject { kind: other.kind(), site_ref, facts: other.facts.clone() }))
    });
    Desired {
        name: mark.name(&booking.label),
        mark,
        delete_at: booking
            .wanted_slot
            .map_or(booking.held_until(), |slot| slot.end().max(booking.held_until())),
        spec: resource.spec.clone(),
        others: others.collect(),
    }
}

/// Changes the booking's state, with its log and its mail.
fn become_(
    app: &App,
    conn: &mut Conn<'_>,
    mut booking: Booking,
    setting: &LabSetting,
    resources: &[Resource],
    transition: Transition,
) -> Result<(), BookingError> {
    let now = app.now();
    let due = booking.next_step_at.map_or(now, |due| due.min(now));
    booking.trouble = None;
    booking.next_step_at = Some(now);
    let what = match transition {
        Transition::Book => {
            booking.state = booking.state.confirm()?;
            format!("Booked: {} holds the place.", setting.site.title)
        }
        Transition::Prepare => {
            booking.state = booking.state.prepare()?;
            booking.preparing_at = Some(due);
            "Making the servers.".to_owned()
        }
        Transition::Activate => {
            booking.state = booking.state.activate(now)?;
            booking.trouble = silence(resources);
            booking.trouble.clone().unwrap_or_else(|| "Ready to use.".to_owned())
        }
        Transition::Extend => {
            if resources.iter().any(|resource| resource.kind() == Kind::Lease) {
                extending::learn(conn, &setting.site, None, now)?;
            }
            booking::take_wanted_end(app, conn, &mut booking, setting)?
        }
        Transition::Move => return booking::take_wanted_slot(app, conn, &mut booking, setting),
        Transition::Stay => {
            booking::drop_wanted_slot(
                app,
                conn,
                &mut booking,
                "the site did not give the other place in time",
            )?;
            return Ok(db::save_booking(conn, &booking, now)?);
        }
    };
    db::save_booking(conn, &booking, now)?;
    booking::log(app, conn, &booking, ACTOR, &what)?;
    match transition {
        // Who has it in the place of one that an outage hit is told of both at once.
        Transition::Book if db::hit_replaced_by(conn, &booking.id)?.is_some() => false,
        Transition::Book => notices::tell(app, conn, &Mail::Booked, &booking, setting)?,
        Transition::Activate => {
            let ssh = booking::ssh_command(setting, resources);
            notices::tell(app, conn, &Mail::Ready(ssh.as_deref()), &booking, setting)?
        }
        _ => false,
    };
    Ok(())
}

/// What is handed over although it did not answer, in words for the student, who may look into it.
fn silence(resources: &[Resource]) -> Option<String> {
    let silent = reconcile::silent(resources).filter_map(|address| {
        let (Spec::FloatingIp { server, .. }, Some(probe)) = (&address.spec, address.probe()) else {
            return None;
        };
        Some(format!("{server} is up, but does not answer ({probe})"))
    });
    let silent: Vec<String> = silent.collect();
    (!silent.is_empty()).then(|| format!("{}. What it runs at first may have failed.", silent.join("; ")))
}
