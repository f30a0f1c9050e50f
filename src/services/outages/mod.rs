//! Outages: staff declare that a site or a service is away, what it hits is dealt with, and labs are put off.
//!
//! What staff declare is written in one transaction, and closes the labs from then on. A worker deals with the bookings one by
//! one ([`step`]), each in its own transaction, and tells their students; then the announcement leaves for everyone else. Whoever
//! takes over after a crash goes on with what is left.

mod declare;
mod defer;
mod hold;
mod late;
mod preview;
mod settle;
mod tell;
mod view;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::db::{DbError, MaybeDbError};
use crate::domain::calendar::FURTHER_NOTICE;
use crate::domain::course::{Course, Lab};
use crate::domain::ids::{LabId, OutageId};
use crate::domain::interval::Interval;
use crate::domain::outage::{Away, Remedy};
use crate::services::announcements::AnnouncementError;
use crate::services::booking::BookingError;

pub use self::declare::{Change, change, declare, end};
pub use self::defer::defer;
pub use self::hold::{Hold, holds};
pub use self::late::remind;
pub use self::preview::{Planned, PlannedLine, Preview, preview};
pub use self::settle::step;
pub use self::tell::{draft_of, draft_of_deferral, draft_of_end};
pub use self::view::{Detail, Overview, detail, overview};

/// Why an outage is not declared so, or a lab not put off.
#[derive(Debug, thiserror::Error)]
pub enum OutageError {
    /// There is no course yet.
    #[error("there is no course yet: apply one first")]
    NoCourse,
    /// There is no such site or service.
    #[error("{given} is nothing that a lab of this course needs; there is {there}")]
    NoSuchThing {
        /// What was given.
        given: Away,
        /// What there is, with commas.
        there: String,
    },
    /// There is no reason.
    #[error("say what happened, in a few words: students read it wherever they can't book")]
    NoReason,
    /// It would end before it begins.
    #[error("it would end at or before its beginning")]
    EndsBeforeItBegins,
    /// It would be over when it is declared, with nothing to do.
    #[error("it would be over already")]
    Over,
    /// Another outage of the same thing is open then.
    #[error("an outage of it is declared for that time already")]
    Declared(OutageId),
    /// There is no such outage.
    #[error("there is no outage \"{0}\"")]
    NoSuchOutage(OutageId),
    /// It has ended already.
    #[error("the outage has ended already")]
    Ended,
    /// There is no such lab.
    #[error("there is no lab \"{0}\"")]
    NoSuchLab(LabId),
    /// A due date that does not go with the lab.
    #[error("{lab}: {what}")]
    BadDue {
        /// The lab.
        lab: LabId,
        /// What is wrong with it, and what would be right.
        what: String,
    },
    /// The announcement is not right.
    #[error(transparent)]
    Announcement(#[from] AnnouncementError),
    /// A booking could not be dealt with.
    #[error(transparent)]
    Booking(#[from] BookingError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for OutageError {
    fn lost_a_race(&self) -> bool {
        match self {
            Self::Db(error) => error.lost_a_race(),
            Self::Booking(error) => error.lost_a_race(),
            Self::Announcement(error) => error.lost_a_race(),
            _ => false,
        }
    }
}

/// What becomes of a lab's due date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewDue {
    /// It stays.
    Same,
    /// It is to be announced.
    ToBeAnnounced,
    /// It is this.
    At(DateTime<Utc>),
}

impl NewDue {
    /// The lab's due date with it.
    pub fn of(self, lab: &Lab) -> Option<DateTime<Utc>> {
        match self {
            Self::Same => lab.due,
            Self::ToBeAnnounced => None,
            Self::At(due) => Some(due),
        }
    }
}

/// What staff have to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// In a line.
    pub title: String,
    /// The text, in Markdown.
    pub text: String,
    /// Whether everyone in the course gets it by mail, and not only those whose bookings it hits.
    pub to_all: bool,
}

/// An outage as staff want to declare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What is away.
    pub away: Away,
    /// From when on.
    pub from: DateTime<Utc>,
    /// When it is expected back, if that is known.
    pub until: Option<DateTime<Utc>>,
    /// What happened, in a few words for students.
    pub reason: String,
    /// What becomes of bookings that have not begun.
    pub remedy: Remedy,
    /// What becomes of the due dates of the labs that it hits; those that are not named keep theirs.
    pub dues: BTreeMap<LabId, NewDue>,
}

impl Draft {
    /// The time for which nothing of it can be used.
    pub fn window(&self) -> Option<Interval> {
        Interval::new(self.from, self.until.unwrap_or(FURTHER_NOTICE))
    }

    /// The labs that it hits.
    pub fn labs<'a>(&'a self, course: &'a Course) -> impl Iterator<Item = &'a Lab> {
        course.labs.iter().filter(|lab| {
            let pool = course.pools.iter().find(|pool| pool.id == lab.pool);
            pool.is_some_and(|pool| self.away.hits(lab, pool))
        })
    }

    /// Everything that is wrong with it.
    pub fn check(&self, course: &Course, now: DateTime<Utc>) -> Vec<OutageError> {
        let mut wrong = Vec::new();
        if !things(course).contains(&self.away) {
            let there: Vec<_> = things(course).iter().map(ToString::to_string).collect();
            wrong.push(OutageError::NoSuchThing { given: self.away.clone(), there: there.join(", ") });
        }
        if self.reason.trim().is_empty() {
            wrong.push(OutageError::NoReason);
        }
        match self.until {
            Some(until) if until <= self.from => wrong.push(OutageError::EndsBeforeItBegins),
            Some(until) if until <= now => wrong.push(OutageError::Over),
            _ => {}
        }
        let named = self.dues.iter().filter_map(|(lab, due)| {
            let lab = course.labs.iter().find(|it| it.id == *lab)?;
            defer::check(lab, *due, course, now).err()
        });
        wrong.extend(named);
        wrong
    }
}

/// All that can be away: the course's sites, and the services that its labs need.
pub fn things(course: &Course) -> Vec<Away> {
    let sites = course.sites.iter().map(|site| Away::Site(site.id.clone()));
    let mut services: Vec<&String> = course.labs.iter().flat_map(|lab| &lab.needs).collect();
    services.sort();
    services.dedup();
    sites.chain(services.into_iter().map(|name| Away::Service(name.clone()))).collect()
}

/// What people call it: a site's title, or the service's name.
pub fn title(course: &Course, away: &Away) -> String {
    match away {
        Away::Site(id) => {
            let site = course.sites.iter().find(|site| site.id == *id);
            site.map_or_else(|| id.to_string(), |site| site.title.clone())
        }
        Away::Service(name) => name.clone(),
    }
}
