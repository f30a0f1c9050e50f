//! What people read of announcements.

use chrono::{DateTime, Utc};

use crate::auth::permissions::{Permission, Relation};
use crate::db::{self, Conn, DbError};
use crate::domain::announcement::{Announcement, Mailing, Revision, Stage};
use crate::domain::ids::{AnnouncementId, LabId, PersonId};
use crate::domain::person::Person;
use crate::services::App;
use crate::services::people::hash;

/// More announcements than one looks through; the latest are shown.
pub const MOST: i64 = 100;
/// More edits than an announcement has; the latest are shown.
const MOST_EDITS: i64 = 20;

/// An announcement as staff see it in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The announcement.
    pub announcement: Announcement,
    /// How far its mailing is.
    pub mailing: Mailing,
}

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// This person: what is for them.
    Person(PersonId),
    /// Someone who sees how the course runs: all that is published.
    Anyone,
}

impl Reader {
    /// This person, with all that they may do.
    pub fn of(person: &Person) -> Self {
        let sees_all = Permission::SeeCourse.allows(person, Relation::Others);
        if sees_all { Self::Anyone } else { Self::Person(person.id.clone()) }
    }
}

/// The `limit` latest announcements that are published at `now` and are for the reader, latest first: of one lab, or of all.
pub fn published(
    conn: &mut Conn<'_>,
    reader: &Reader,
    lab: Option<&LabId>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Announcement>, DbError> {
    match reader {
        Reader::Person(person) => db::announcements_for(conn, person, lab, now, limit),
        Reader::Anyone => db::published_announcements(conn, lab, now, limit),
    }
}

/// An announcement, if it is published at `now` and is for the reader.
pub fn seen_by(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    reader: &Reader,
    now: DateTime<Utc>,
) -> Result<Option<Announcement>, DbError> {
    let Some(it) = db::announcement(conn, id)? else { return Ok(None) };
    let for_them = match reader {
        Reader::Person(person) => db::is_reader(conn, id, person)?,
        Reader::Anyone => true,
    };
    let published = matches!(it.stage(now), Stage::Published(_));
    Ok((published && for_them).then_some(it))
}

/// What an announcement said before, latest first.
pub fn past(conn: &mut Conn<'_>, id: &AnnouncementId) -> Result<Vec<Revision>, DbError> {
    db::revisions(conn, id, MOST_EDITS)
}

/// The `limit` announcements that were written last, whatever came of them: for staff.
pub fn listed(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<Posted>, DbError> {
    let latest = db::latest_announcements(conn, limit)?;
    Ok(latest.into_iter().map(|(announcement, mailing)| Posted { announcement, mailing }).collect())
}

/// One announcement, whatever came of it: for staff.
pub fn staff_view(conn: &mut Conn<'_>, id: &AnnouncementId) -> Result<Option<Posted>, DbError> {
    let Some(announcement) = db::announcement(conn, id)? else { return Ok(None) };
    let mailing = db::mailing(conn, id)?;
    Ok(Some(Posted { announcement, mailing }))
}

/// What someone follows in a feed reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The course's title.
    pub course: String,
    /// The latest announcements that they read, latest first.
    pub announcements: Vec<Announcement>,
}

/// How many announcements a feed has.
const IN_FEED: i64 = 50;

/// What whoever has the address with this secret follows: the one of their calendar. Nothing if it leads nowhere, or its person has
/// nothing to do here any more.
pub fn followed(app: &App, conn: &mut Conn<'_>, secret: &str) -> Result<Option<Followed>, DbError> {
    let now = app.now();
    let person = db::person_of_calendar(conn, &hash(secret))?.map(|(person, _)| person);
    let person = person.filter(|person| person.belongs(now));
    let (Some(person), Some(course)) = (person, db::course_card(conn)?) else { return Ok(None) };
    let announcements = published(conn, &Reader::of(&person), None, now, IN_FEED)?;
    Ok(Some(Followed { course: course.title, announcements }))
}
