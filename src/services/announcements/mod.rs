//! Announcements: staff write them, and each is on pages and, if they want, in mails from the time on that they say.

mod mailing;
mod reading;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use self::mailing::{BATCH, mail_key, step, tell_personally};
pub use self::reading::{
    Followed, MOST, Posted, Reader, followed, listed, past, published, seen_by, staff_view,
};
use super::App;
use super::audit::{self, Entry};
use crate::db::{self, Conn, DbError, MaybeDbError};
use crate::domain::announcement::{Announcement, Audience, Revision};
use crate::domain::audit::{Action, Doer, Object};
use crate::domain::calendar;
use crate::domain::ids::{AnnouncementId, LabId, SiteId};

/// The most characters of a title: it is a mail's subject, too.
pub const LONGEST_TITLE: usize = 120;
/// The most characters of a text.
pub const LONGEST_TEXT: usize = 20_000;

/// Why an announcement is not as it was to be.
#[derive(Debug, thiserror::Error)]
pub enum AnnouncementError {
    /// There is no title.
    #[error("give a title: it is what people see in lists, and the subject of the mail")]
    NoTitle,
    /// The title is too long.
    #[error("the title has {0} characters: {LONGEST_TITLE} are the most")]
    TitleTooLong(usize),
    /// There is no text.
    #[error("write what you have to say")]
    NoText,
    /// The text is too long.
    #[error("the text has {0} characters: {LONGEST_TEXT} are the most")]
    TextTooLong(usize),
    /// There is no such lab.
    #[error("there is no lab \"{0}\" in the course")]
    NoSuchLab(LabId),
    /// There is no such site.
    #[error("there is no site \"{0}\" in the course")]
    NoSuchSite(SiteId),
    /// Nobody is in this section.
    #[error("nobody is in a section \"{given}\"{}", of(.there))]
    NoSuchSection {
        /// What was given.
        given: String,
        /// The sections that there are.
        there: Vec<String>,
    },
    /// It can't be published then.
    #[error("{0} is no time at which it can be published")]
    NoTime(DateTime<Utc>),
    /// There is no such announcement.
    #[error("there is no announcement {0}")]
    NoSuchAnnouncement(AnnouncementId),
    /// It is published already.
    #[error("it is published already")]
    Published,
    /// It was taken back.
    #[error("it was taken back: write another one")]
    Withdrawn,
    /// Someone else has edited it meanwhile.
    #[error("someone has edited it meanwhile: look at what it says now, and edit that")]
    Edited,
    /// Whom a published announcement is for stays.
    #[error("it is published, so whom it is for stays: take it back and write another one")]
    AudienceStays,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl MaybeDbError for AnnouncementError {
    fn lost_a_race(&self) -> bool {
        matches!(self, Self::Db(error) if error.lost_a_race())
    }
}

fn of(there: &[String]) -> String {
    if there.is_empty() {
        ": nobody is in any".to_owned()
    } else {
        format!("; there is {}", there.join(", "))
    }
}

/// When an announcement is to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Not before someone says so.
    Draft,
    /// Then; at once, if that is over.
    At(DateTime<Utc>),
}

/// What someone has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnnouncement {
    /// What it is about, in a line.
    pub title: String,
    /// The text, in Markdown.
    pub text: String,
    /// Whom it is for.
    pub audience: Audience,
    /// Whether it goes by mail, too.
    pub mailed: bool,
    /// When it is to be published.
    pub release: Release,
}

/// Another text of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The revision that whoever edits has seen.
    pub seen_revision: i32,
    /// Its title from now on.
    pub title: String,
    /// Its text from now on, in Markdown.
    pub text: String,
    /// Whom it is for from now on. That of a published announcement stays.
    pub audience: Audience,
    /// Of one that is not published yet, whether it goes by mail; of one that is, whether everyone gets a mail again.
    pub mailed: bool,
}

/// Posts an announcement in the caller's transaction.
pub fn post_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    wanted: &NewAnnouncement,
) -> Result<AnnouncementId, AnnouncementError> {
    let now = app.now();
    let (title, text) = check_words(&wanted.title, &wanted.text)?;
    check_audience(conn, &wanted.audience)?;
    let publish_at = match wanted.release {
        Release::Draft => None,
        Release::At(at) => Some(check_time(at)?.max(now)),
    };
    let it = Announcement {
        id: app.announcement_id(),
        title,
        text,
        audience: wanted.audience.clone(),
        author: doer.actor.clone(),
        created_at: now,
        publish_at,
        withdrawn_at: None,
        revision: 1,
        edited_at: None,
        mailed: wanted.mailed,
    };
    db::insert_announcement(conn, &it)?;
    db::note_booked(conn, &it.id, &it.audience)?;
    let entry = Entry::new(Action::PostedAnnouncement).to(Object::Announcement(it.id.clone()));
    audit::record(app, conn, doer, entry.after(told(&it)))?;
    app.wake.call();
    Ok(it.id)
}

/// Has a draft published at this instant, or at once if that is over, in the caller's transaction; or one that is scheduled at another
/// one than it was to be.
pub fn release_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    id: &AnnouncementId,
    at: DateTime<Utc>,
) -> Result<(), AnnouncementError> {
    let it = unpublished(app, conn, id)?;
    let at = check_time(at)?.max(app.now());
    db::set_publication(conn, id, Some(at))?;
    db::note_booked(conn, id, &it.audience)?;
    let entry =
        Entry::new(Action::PublishedAnnouncement).to(Object::Announcement(id.clone())).before(told(&it));
    audit::record(app, conn, doer, entry.after(told(&Announcement { publish_at: Some(at), ..it })))?;
    app.wake.call();
    Ok(())
}

/// Makes one that is scheduled a draft again, in the caller's transaction.
pub fn hold_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    id: &AnnouncementId,
) -> Result<(), AnnouncementError> {
    let it = unpublished(app, conn, id)?;
    if it.publish_at.is_none() {
        return Ok(());
    }
    db::set_publication(conn, id, None)?;
    let entry = Entry::new(Action::EditedAnnouncement).to(Object::Announcement(id.clone())).before(told(&it));
    Ok(audit::record(app, conn, doer, entry.after(told(&Announcement { publish_at: None, ..it })))?)
}

/// Gives an announcement another text, in the caller's transaction. What a published one said before is kept and shown.
pub fn edit_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    id: &AnnouncementId,
    edit: &Edit,
) -> Result<(), AnnouncementError> {
    let (now, before) = (app.now(), standing(conn, id)?);
    let (title, text) = check_words(&edit.title, &edit.text)?;
    let published = before.publish_at.is_some_and(|at| at <= now);
    if before.revision != edit.seen_revision {
        return Err(AnnouncementError::Edited);
    }
    if edit.audience != before.audience {
        if published {
            return Err(AnnouncementError::AudienceStays);
        }
        check_audience(conn, &edit.audience)?;
    }
    let after = Announcement {
        title,
        text,
        audience: edit.audience.clone(),
        revision: before.revision + 1,
        edited_at: if published { Some(now) } else { None },
        mailed: if published { before.mailed || edit.mailed } else { edit.mailed },
        ..before.clone()
    };
    if !db::save_announcement(conn, &after, before.revision)? {
        return Err(AnnouncementError::Edited);
    }
    carry_over(conn, &before, &after, published.then_some(edit.mailed), now)?;
    let entry =
        Entry::new(Action::EditedAnnouncement).to(Object::Announcement(id.clone())).before(told(&before));
    audit::record(app, conn, doer, entry.after(told(&after)))?;
    app.wake.call();
    Ok(())
}

/// Mails the present text of a published announcement to everyone whom it is for, in the caller's transaction. Who has had this
/// text gets it no second time.
pub fn mail_again_in(app: &App, conn: &mut Conn<'_>, it: &Announcement) -> Result<(), AnnouncementError> {
    app.wake.call();
    Ok(db::begin_mailing(conn, &it.id, it.revision, app.now())?)
}

/// What follows from an edit; `again` says of a published announcement whether it is mailed again.
fn carry_over(
    conn: &mut Conn<'_>,
    before: &Announcement,
    after: &Announcement,
    again: Option<bool>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let id = &before.id;
    if let Some(again) = again {
        let (title, text) = (before.title.clone(), before.text.clone());
        db::keep_revision(conn, id, &Revision { number: before.revision, title, text, until: now })?;
        return if again { db::begin_mailing(conn, id, after.revision, now) } else { Ok(()) };
    }
    if before.audience != after.audience {
        db::forget_readers(conn, id)?;
        db::note_booked(conn, id, &after.audience)?;
    }
    db::set_mailed_revision(conn, id, after.revision)
}

/// Takes an announcement back, in the caller's transaction: readers don't see it any more, and what was not sent of it is not.
pub fn withdraw_in(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    id: &AnnouncementId,
) -> Result<(), AnnouncementError> {
    let it = standing(conn, id)?;
    let now = app.now();
    db::withdraw_announcement(conn, id, now)?;
    db::withdraw_family(conn, &mailing::family(id), now)?;
    let entry = Entry::new(Action::WithdrewAnnouncement).to(Object::Announcement(id.clone()));
    Ok(audit::record(app, conn, doer, entry.before(told(&it)))?)
}

/// The announcement, unless it was taken back.
fn standing(conn: &mut Conn<'_>, id: &AnnouncementId) -> Result<Announcement, AnnouncementError> {
    let it = db::announcement(conn, id)?.ok_or_else(|| AnnouncementError::NoSuchAnnouncement(id.clone()))?;
    if it.withdrawn_at.is_some() { Err(AnnouncementError::Withdrawn) } else { Ok(it) }
}

fn unpublished(
    app: &App,
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
) -> Result<Announcement, AnnouncementError> {
    let it = standing(conn, id)?;
    let published = it.publish_at.is_some_and(|at| at <= app.now());
    if published { Err(AnnouncementError::Published) } else { Ok(it) }
}

/// What the audit log tells of it. Its words are not there: they may name someone, and this is never erased.
fn told(it: &Announcement) -> Value {
    let (section, site, span) = match &it.audience {
        Audience::Course | Audience::Lab(_) => (None, None, None),
        Audience::Section(section) => (Some(section), None, None),
        Audience::Booked { site, span, .. } => (None, site.as_ref(), Some(span)),
    };
    json!({
        "audience": it.audience.word(), "lab": it.audience.lab(), "section": section, "site": site, "span": span,
        "publish_at": it.publish_at, "revision": it.revision, "mailed": it.mailed,
    })
}

/// The words without the space around them, if they can stand.
fn check_words(title: &str, text: &str) -> Result<(String, String), AnnouncementError> {
    // A subject is one line.
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace("\r\n", "\n").trim().to_owned();
    match (title.chars().count(), text.chars().count()) {
        (0, _) => Err(AnnouncementError::NoTitle),
        (many, _) if many > LONGEST_TITLE => Err(AnnouncementError::TitleTooLong(many)),
        (_, 0) => Err(AnnouncementError::NoText),
        (_, many) if many > LONGEST_TEXT => Err(AnnouncementError::TextTooLong(many)),
        _ => Ok((title, text)),
    }
}

fn check_time(at: DateTime<Utc>) -> Result<DateTime<Utc>, AnnouncementError> {
    if calendar::is_plausible(at) { Ok(at) } else { Err(AnnouncementError::NoTime(at)) }
}

fn check_audience(conn: &mut Conn<'_>, audience: &Audience) -> Result<(), AnnouncementError> {
    if let Some(lab) = audience.lab() {
        let course = db::course_of_lab(conn, lab)?;
        if course.is_none() || course != db::served_course(conn)? {
            return Err(AnnouncementError::NoSuchLab(lab.clone()));
        }
    }
    match audience {
        Audience::Booked { site: Some(site), .. } if !db::sites(conn)?.iter().any(|it| it.id == *site) => {
            Err(AnnouncementError::NoSuchSite(site.clone()))
        }
        Audience::Section(given) => {
            let there = db::sections(conn)?;
            if there.contains(given) {
                Ok(())
            } else {
                Err(AnnouncementError::NoSuchSection { given: given.clone(), there })
            }
        }
        _ => Ok(()),
    }
}
