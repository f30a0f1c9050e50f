//! What a plan is made of.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::course::Lab;
use crate::domain::ids::{BookingId, InstanceId, LabId, NetId, PersonId, SiteId};
use crate::domain::interval::Interval;
use crate::domain::marked::{Exemption, Idle, Marked, Pause, Whole};
use crate::domain::person::Parity;
use crate::domain::reaper::ReaperPolicy;
use crate::domain::resource::Found;
use crate::domain::su::Su;
use crate::policy::exceptions::Terms;

/// Everything that a sweep is planned by.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The course's zone.
    pub zone: Tz,
    /// This installation.
    pub instance: &'a InstanceId,
    /// What staff have decided.
    pub policy: &'a ReaperPolicy,
    /// Live bookings: all that are over, and for not being used those that are active.
    pub live: &'a [LiveBooking],
    /// What is known of each booking that an object in a listing names.
    pub standing: &'a BTreeMap<BookingId, Standing>,
    /// What each site said.
    pub sites: &'a BTreeMap<SiteId, SiteView>,
    /// Everyone in the course, staff included.
    pub people: &'a [Known],
    /// Objects that earlier sweeps have marked.
    pub marked: &'a [Marked],
    /// What earlier sweeps have seen nothing use, site by site: what [`Plan::idle`](super::Plan::idle) said last time.
    pub idle: &'a BTreeMap<SiteId, Idle>,
    /// What staff have told the reaper to leave alone.
    pub exemptions: &'a [Exemption],
    /// Whether staff have stopped it.
    pub pauses: &'a [Pause],
}

/// A live booking, as the sweep sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBooking {
    /// Its id.
    pub id: BookingId,
    /// Whose it is.
    pub net_id: NetId,
    /// Its lab.
    pub lab: LabId,
    /// Its slot.
    pub slot: Interval,
    /// What is known of its use, if it is active and that is looked at.
    pub activity: Option<Activity>,
}

/// What is known of the use of an active booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The site that it is at.
    pub site: SiteId,
    /// When it became active.
    pub since: DateTime<Utc>,
    /// Whether an earlier sweep has seen one of its servers run: what [`Plan::ran`](super::Plan::ran) said then.
    pub server_ran: bool,
    /// Whether its student has ever opened its page.
    pub opened: bool,
    /// When its student was told that it would be released.
    pub warned_at: Option<DateTime<Utc>>,
}

/// What is known of the booking that an object's mark names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is live, or its resources are being deleted.
    InHand,
    /// It has ended.
    Ended,
}

/// What is known of a site.
#[derive(Debug, Clone)]
pub struct SiteView {
    /// What came of listing it.
    pub look: Look,
    /// When it was listed.
    pub looked_at: DateTime<Utc>,
    /// The last listing that was whole and trusted: what [`Plan::wholes`](super::Plan::wholes) said last time.
    pub last_whole: Option<Whole>,
    /// Whether servers there need a lease.
    pub needs_leases: bool,
    /// Whether it can shelve servers.
    pub can_shelve: bool,
    /// What it charges an hour for one of each flavor or node type.
    pub prices: BTreeMap<String, Su>,
    /// Names of leases that staff hold there for the course.
    pub standing_leases: Vec<String>,
    /// The labs whose pools are there.
    pub labs: Vec<Lab>,
}

impl SiteView {
    /// A site of which only what it listed is known.
    pub fn of(look: Look, looked_at: DateTime<Utc>) -> Self {
        Self {
            look,
            looked_at,
            last_whole: None,
            needs_leases: false,
            can_shelve: false,
            prices: BTreeMap::new(),
            standing_leases: Vec::new(),
            labs: Vec::new(),
        }
    }
}

/// What came of listing a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Every page of every kind was read.
    Whole(Vec<Found>),
    /// A part could not be read, in a few words. What was read counts for nothing.
    Partial(String),
    /// It failed, in a few words.
    Failed(String),
    /// The site is known to be down, in a few words: it was not asked.
    Down(String),
}

/// Someone in the course, as the reaper knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who they are in the database.
    pub person: PersonId,
    /// Their net ID.
    pub net_id: NetId,
    /// Names and ids of their accounts at the sites.
    pub cloud_users: Vec<String>,
    /// Whether they run the course: what is theirs is left alone.
    pub staff: bool,
    /// The parity that their net ID gives, if it gives one.
    pub parity: Option<Parity>,
    /// Labs that personal exceptions make otherwise for them, or in which staff have set their parity.
    pub terms: Vec<Terms>,
}

/// An object younger than this is left alone: a booking's own release may be at work on it.
pub const YOUNG: TimeDelta = TimeDelta::minutes(5);

/// A listing older than this is not acted on.
pub const STALE: TimeDelta = TimeDelta::minutes(10);

/// What a deletion saves is counted up to the end of the lease; of what has none, for so long.
pub const SAVED_AT_MOST: TimeDelta = TimeDelta::days(7);
