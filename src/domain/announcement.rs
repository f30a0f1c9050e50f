//! Announcements: what staff have to say to the course, or to a part of it.

use chrono::{DateTime, Utc};

use super::ids::{AnnouncementId, LabId, PersonId, SiteId};
use super::interval::Interval;

/// Whom an announcement is for. The course's staff get each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everyone in the course.
    Course,
    /// Everyone in the course, about this lab: its page has it, too.
    Lab(LabId),
    /// The students of a section.
    Section(String),
    /// Students with a live booking that overlaps the span: of this lab, at this site. Who they are is written down when it is
    /// posted and again when it is published, so it stays theirs though the booking is moved or called off.
    Booked {
        /// Of this lab, or of any.
        lab: Option<LabId>,
        /// At this site, or at any.
        site: Option<SiteId>,
        /// When.
        span: Interval,
    },
}

/// The words by which audiences are stored.
pub const AUDIENCES: [&str; 4] = ["course", "lab", "section", "booked"];

impl Audience {
    /// The audience in a word: one of [`AUDIENCES`].
    pub fn word(&self) -> &'static str {
        match self {
            Self::Course => "course",
            Self::Lab(_) => "lab",
            Self::Section(_) => "section",
            Self::Booked { .. } => "booked",
        }
    }

    /// The lab that it is about, if it is about one.
    pub fn lab(&self) -> Option<&LabId> {
        match self {
            Self::Lab(lab) => Some(lab),
            Self::Booked { lab, .. } => lab.as_ref(),
            Self::Course | Self::Section(_) => None,
        }
    }
}

/// Something that staff have to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its id.
    pub id: AnnouncementId,
    /// What it is about, in a line.
    pub title: String,
    /// The text, in Markdown.
    pub text: String,
    /// Whom it is for.
    pub audience: Audience,
    /// Who wrote it; nobody if Fairlease did, or a command that was not told.
    pub author: Option<PersonId>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// From when on its readers see it; nothing of a draft.
    pub publish_at: Option<DateTime<Utc>>,
    /// When it was taken back, if it was: from then on only staff see it.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// 1, and one more with each edit.
    pub revision: i32,
    /// When it was edited last after it was published.
    pub edited_at: Option<DateTime<Utc>>,
    /// Whether it goes by mail, too.
    pub mailed: bool,
}

/// Where an announcement is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Only staff see it, and nothing is planned.
    Draft,
    /// Its readers will see it from then on.
    Scheduled(DateTime<Utc>),
    /// Its readers see it, since then.
    Published(DateTime<Utc>),
    /// It was taken back then.
    Withdrawn(DateTime<Utc>),
}

impl Announcement {
    /// Where it is on its way at `now`.
    pub fn stage(&self, now: DateTime<Utc>) -> Stage {
        match (self.withdrawn_at, self.publish_at) {
            (Some(at), _) => Stage::Withdrawn(at),
            (None, None) => Stage::Draft,
            (None, Some(at)) if now < at => Stage::Scheduled(at),
            (None, Some(at)) => Stage::Published(at),
        }
    }
}

/// What a published announcement said before an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Which of its texts, from 1 on.
    pub number: i32,
    /// Its title.
    pub title: String,
    /// Its text, in Markdown.
    pub text: String,
    /// Up to when it said that.
    pub until: DateTime<Utc>,
}

/// How far the mailing of an announcement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailing {
    /// About which of its texts: stands in the keys of its mails.
    pub revision: i32,
    /// When it was due; nothing once it is done.
    pub due_at: Option<DateTime<Utc>>,
    /// To how many people it goes; 0 before it has begun.
    pub total: i32,
    /// To how many of them it went.
    pub done: i32,
}
