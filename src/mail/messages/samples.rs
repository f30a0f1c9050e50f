//! Every mail as it may look, for the demo and for what must hold of all of them.

mod posts;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;

use super::departure::{self, Line};
use super::ending::{self, Later, Ways};
use super::reaper::{self, Digest, MarkedObject, Told};
use super::staff::{self, FailedBooking, LeaseTrouble};
use super::waitlist::{self, InLine};
use super::{Message, Occurrence, Surroundings, booked, failed, moved, not_used, ready};
use crate::domain::blueprint::{Kind, Spec};
use crate::domain::booking::{Booking, EndReason, State};
use crate::domain::calendar;
use crate::domain::ids::{BookingId, PersonId, WaitId};
use crate::domain::interval::Interval;
use crate::domain::marked::{NextStep, Target};
use crate::domain::notice::Topic;
use crate::domain::person::{Person, Role};
use crate::domain::reaper::NoShowSignal;
use crate::domain::renewal::Trouble;
use crate::domain::resource::{Resource, ResourceState};
use crate::domain::su::Su;
use crate::domain::waitlist::{Asked, Outcome, Wait, WaitState};

/// Why a sample can't be made: something in this file is wrong.
type Wrong = Box<dyn std::error::Error + Send + Sync>;

/// A mail as it may look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What tells it from the others: its template, and after an underscore the case.
    pub name: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// Whether it goes to staff.
    pub to_staff: bool,
    /// When it is written.
    pub written_at: DateTime<Utc>,
    /// The mail.
    pub message: Message,
}

const LAB: &str = "Deploy a machine learning service on Kubernetes";
const COURSE: &str = "Cloud Computing and Machine Learning";
const CONTACT: &str = "course-staff@example.edu";
/// When all of them arrive, whatever they tell of.
const WRITTEN: &str = "08T19:30";
const PUBLIC_URL: &str = "https://fairlease.example.edu";

/// One of each kind of mail, and of those that read otherwise in another case one of each case.
pub fn samples() -> Result<Vec<Sample>, Wrong> {
    Ok([about_bookings()?, about_ends()?, about_lines()?, about_the_reaper()?, to_staff()?, posts::all()?]
        .concat())
}

fn sample(
    name: &'static str,
    topic: Topic,
    message: Result<Message, askama::Error>,
) -> Result<Sample, Wrong> {
    let to_staff = matches!(topic, Topic::Failures | Topic::Outage | Topic::Lease | Topic::ReaperReport);
    Ok(Sample { name, topic, to_staff, written_at: at(WRITTEN)?, message: message? })
}

/// A local time in February 2025, as "08T10:00".
fn at(text: &str) -> Result<DateTime<Utc>, Wrong> {
    Ok(calendar::instant(New_York, format!("2025-02-{text}:00").parse()?))
}

fn span(start: &str, end: &str) -> Result<Interval, Wrong> {
    Interval::new(at(start)?, at(end)?).ok_or_else(|| format!("{start} is not before {end}").into())
}

fn student() -> Result<Person, Wrong> {
    let (net_id, mail) = ("ff524".parse()?, "ff524@example.edu".to_owned());
    Ok(Person::new(PersonId::from_bits(1), net_id, "Fatima Farah".to_owned(), mail, Role::Student))
}

/// Three servers on Saturday from 10:00 to 14:00, booked the day before.
fn booking(state: State) -> Result<Booking, Wrong> {
    Ok(Booking {
        id: BookingId::from_bits(0x0003_8a41_7c9e_02d5),
        person: PersonId::from_bits(1),
        lab: "k8s".parse()?,
        pool: "kvm-clusters".parse()?,
        label: "k8s-ff524".to_owned(),
        units: 1,
        servers: 3,
        nodes: Vec::new(),
        slot: span("08T10:00", "08T14:00")?,
        held_from: at("08T09:50")?,
        wanted_end: None,
        wanted_slot: None,
        su_per_hour: Su::from_micro(120_000),
        preparing_at: None,
        state,
        waived: false,
        trouble: None,
        version: 1,
        created_at: at("07T13:20")?,
        next_step_at: None,
    })
}

/// A mail about the booking in a state, written then.
fn of_booking(
    name: &'static str,
    topic: Topic,
    (state, now): (State, &str),
    write: impl FnOnce(Occurrence<'_>) -> Result<Message, askama::Error>,
) -> Result<Sample, Wrong> {
    let mut booking = booking(state)?;
    if topic == Topic::Failed {
        booking.trouble = Some("No valid host was found. There are not enough hosts available.".to_owned());
    }
    let person = student()?;
    let message = write(Occurrence {
        booking: &booking,
        person: &person,
        lab: LAB,
        course: COURSE,
        contact: CONTACT,
        zone: New_York,
        public_url: PUBLIC_URL,
        now: at(now)?,
    });
    sample(name, topic, message)
}

fn active() -> Result<State, Wrong> {
    Ok(State::Active { ready_at: at("08T09:58")? })
}

fn ended(reason: EndReason, released: &str, was_ready: bool) -> Result<State, Wrong> {
    let released_at = at(released)?;
    let ready_at = if was_ready { Some(at("08T09:58")?) } else { None };
    Ok(State::Ended { ready_at, released_at, reason, ended_at: released_at + TimeDelta::minutes(1) })
}

fn about_bookings() -> Result<Vec<Sample>, Wrong> {
    let ssh = Some("ssh cc@203.0.113.9");
    let release_at = at("08T10:30")?;
    let unused = |signal| move |it: Occurrence<'_>| not_used(it, release_at, signal);
    Ok(vec![
        of_booking("booked", Topic::Booking, (State::Booked, "07T13:20"), booked)?,
        of_booking("moved", Topic::Booking, (State::Booked, "07T18:05"), moved)?,
        of_booking("ready", Topic::Ready, (active()?, "08T09:58"), |it| ready(it, ssh))?,
        of_booking("ready_without_address", Topic::Ready, (active()?, "08T09:58"), |it| ready(it, None))?,
        of_booking("not_used", Topic::Unused, (active()?, "08T10:15"), unused(NoShowSignal::NotOpened))?,
        of_booking(
            "not_used_no_server",
            Topic::Unused,
            (active()?, "08T10:15"),
            unused(NoShowSignal::NoServer),
        )?,
        of_booking(
            "failed",
            Topic::Failed,
            (ended(EndReason::Failed, "08T10:04", false)?, "08T10:04"),
            failed,
        )?,
    ])
}

fn resource(key: &str, spec: Spec, state: ResourceState) -> Result<Resource, Wrong> {
    let booking = booking(State::Booked)?.id;
    let made = Resource::planned(booking, key.parse()?, 0, spec, at("08T14:00")?);
    Ok(Resource { state, site_ref: Some(format!("id-of-{key}")), ..made })
}

/// What a booking has, all in one state.
fn resources(state: ResourceState) -> Result<Vec<Resource>, Wrong> {
    let volume = Spec::Volume { size_gib: 20, volume_type: None, image: None, attach_to: None };
    let share = Spec::Share { size_gib: 50, share_type: None, access_from: Vec::new() };
    Ok(vec![
        resource("private", Spec::Network, state)?,
        resource("data", volume, state)?,
        resource("models", share, state)?,
        resource("results", Spec::Bucket, state)?,
    ])
}

fn about_ends() -> Result<Vec<Sample>, Wrong> {
    let there = resources(ResourceState::Ready)?;
    let gone = resources(ResourceState::Gone)?;
    let soon = |later: Later| {
        let there = there.as_slice();
        move |it: Occurrence<'_>| {
            let release_url = link("zW2mYg0R5k1uXq");
            ending::ending_soon(it, there, &Ways { later, release_url })
        }
    };
    let full = "All 30 places are taken from Sat Feb 8, 14:00 on, or before.";
    let later = Later::To(at("08T15:00")?, link("pX7cQh3v9sTd2L"));
    let asked = Later::Asked(at("08T16:00")?);
    let no = Later::No(vec![full.to_owned()]);
    let over = |it: Occurrence<'_>| ending::ended(it, &gone);
    let expired = ended(EndReason::Expired, "08T14:00", true)?;
    let cancelled = ended(EndReason::Cancelled, "07T20:00", false)?;
    Ok(vec![
        of_booking("ending_soon", Topic::Ending, (active()?, "08T13:45"), soon(later))?,
        of_booking("ending_soon_asked", Topic::Ending, (active()?, "08T13:45"), soon(asked))?,
        of_booking("ending_soon_not_longer", Topic::Ending, (active()?, "08T13:00"), soon(no))?,
        of_booking("ended", Topic::Ended, (expired, "08T14:02"), over)?,
        of_booking("ended_cancelled", Topic::Ended, (cancelled, "07T20:00"), |it| ending::ended(it, &[]))?,
        of_booking(
            "ended_no_show",
            Topic::Ended,
            (ended(EndReason::NoShow, "08T10:30", true)?, "08T10:31"),
            over,
        )?,
        dropped("dropped", "10T09:00")?,
        dropped("dropped_at_once", "09T09:00")?,
    ])
}

fn dropped(name: &'static str, ends: &str) -> Result<Sample, Wrong> {
    let booking = booking(State::Booked)?;
    let lines = [Line { booking: &booking, lab: LAB }];
    sample(name, Topic::Enrolment, departure::dropped(around("09T09:00")?, CONTACT, &lines, 1, at(ends)?))
}

fn link(token: &str) -> String {
    format!("{PUBLIC_URL}/links/{token}.8nQ1sVbT4e")
}

fn around(now: &str) -> Result<Surroundings<'static>, Wrong> {
    Ok(Surroundings { course: COURSE, zone: New_York, public_url: PUBLIC_URL, now: at(now)? })
}

fn about_lines() -> Result<Vec<Sample>, Wrong> {
    let until = at("08T09:20")?;
    let offered = State::Offered { until };
    let offer = |others| {
        move |it: Occurrence<'_>| waitlist::offered(it, until, &link("aCc3pT"), &link("pAs5oN"), others)
    };
    let lapsed = || ended(EndReason::Lapsed, "08T09:20", false);
    let topic = Topic::Waiting;
    Ok(vec![
        of_booking("offered", topic, (offered, "08T08:20"), offer(3))?,
        of_booking("offered_to_the_last", topic, (offered, "08T08:20"), offer(0))?,
        of_booking(
            "booked_from_line",
            Topic::Booking,
            (State::Booked, "08T08:31"),
            waitlist::booked_from_line,
        )?,
        of_booking("offer_lapsed", topic, (lapsed()?, "08T09:20"), |it| waitlist::offer_lapsed(it, true))?,
        of_booking("offer_lapsed_last", topic, (lapsed()?, "08T09:20"), |it| {
            waitlist::offer_lapsed(it, false)
        })?,
        wait_over("wait_over", true)?,
        wait_over("wait_over_closed", false)?,
    ])
}

fn wait_over(name: &'static str, open: bool) -> Result<Sample, Wrong> {
    let now = at("09T14:00")?;
    let windows = vec![span("08T10:00", "08T18:00")?, span("09T10:00", "09T18:00")?];
    let wait = Wait {
        id: WaitId::from_bits(3),
        person: PersonId::from_bits(1),
        lab: "k8s".parse()?,
        asked: Asked { length_minutes: 240, windows, auto_accept: false },
        joined_at: at("06T13:00")?,
        age_from: at("06T13:00")?,
        lapses: 0,
        passed: Vec::new(),
        state: WaitState::Ended { at: now, outcome: Outcome::Over },
    };
    let message = waitlist::wait_over(InLine {
        wait: &wait,
        lab: LAB,
        open,
        course: COURSE,
        contact: CONTACT,
        zone: New_York,
        public_url: PUBLIC_URL,
        now,
    });
    sample(name, Topic::Waiting, message)
}

fn object(name: &str, next: Option<(NextStep, &str)>) -> Result<MarkedObject, Wrong> {
    Ok(MarkedObject {
        target: Target {
            site: "kvm-tacc".parse()?,
            kind: Kind::Server,
            site_ref: format!("id-of-{name}"),
            name: name.to_owned(),
        },
        site: "KVM@TACC".to_owned(),
        owner: Some("ff524".parse()?),
        reason: "it has been there for 9 h, and every lab allows 8 h at most".to_owned(),
        next: match next {
            Some((step, when)) => Some((step, at(when)?)),
            None => None,
        },
        restore_url: next.map(|_| link("rE5tOr3")),
    })
}

fn about_the_reaper() -> Result<Vec<Sample>, Wrong> {
    let (now, person) = (around("08T19:30")?, student()?);
    let owner = |name, told, objects: &[MarkedObject]| {
        sample(name, Topic::Reaper, reaper::to_owner(now, CONTACT, &person, told, objects))
    };
    let warned = object("node1-cloud-ff524", Some((NextStep::Stop, "08T21:30")))?;
    let other = object("node2-cloud-ff524", Some((NextStep::Stop, "08T21:30")))?;
    let stopped = object("node1-cloud-ff524", Some((NextStep::Delete, "09T07:30")))?;
    let deleted = object("node1-cloud-ff524", None)?;
    Ok(vec![
        owner("reaper_owner_warned", Told::Warned, &[warned, other])?,
        owner("reaper_owner_stopped", Told::Stopped, &[stopped])?,
        owner("reaper_owner_deleted", Told::Deleted, &[deleted])?,
    ])
}

fn to_staff() -> Result<Vec<Sample>, Wrong> {
    let now = around("08T19:30")?;
    let marked = object("node1-cloud-ff524", Some((NextStep::Stop, "08T21:30")))?;
    let mut nobodys = object("test-instance", None)?;
    nobodys.owner = None;
    let stuck = object("data-cloud-ff524", None)?;
    let digest = Digest { reported: &[nobodys.clone()], of: 3, failed: &[stuck] };
    let failed = FailedBooking {
        booking: booking(ended(EndReason::Failed, "08T10:04", false)?)?,
        person: student()?,
        lab: LAB.to_owned(),
        tries: 12,
        failed_at: at("08T10:04")?,
    };
    let two = [failed.clone(), failed.clone()];
    let pool = "kvm-clusters".parse()?;
    let short = Trouble::Short(at("14T23:00")?);
    let lease = LeaseTrouble {
        site: "KVM@TACC",
        name: "course-standing",
        pool: &pool,
        ends: Some(at("12T19:00")?),
        booked_until: Some(at("14T23:00")?),
        trouble: &short,
    };
    let missing = LeaseTrouble { ends: None, booked_until: None, trouble: &Trouble::NotThere, ..lease };
    let (failures, report) = (Topic::Failures, Topic::ReaperReport);
    Ok(vec![
        sample("reaper_staff", report, reaper::to_staff(now, Told::Warned, &[marked, nobodys.clone()]))?,
        sample("reaper_digest", report, reaper::digest(now, &digest))?,
        sample("failures_of_one", failures, staff::failures(now, "KVM@TACC", &[failed], 0))?,
        sample("failures", failures, staff::failures(now, "KVM@TACC", &two, 4))?,
        sample("lease_short", Topic::Lease, staff::lease_trouble(now, lease))?,
        sample("lease_missing", Topic::Lease, staff::lease_trouble(now, missing))?,
    ])
}
