//! Announcements, and whom each is for.

mod mailing;
mod readers;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

pub use self::mailing::*;
pub use self::readers::*;
use super::DbError;
use super::connection::{Conn, on};
use super::people::served_course;
use super::schema::{announcement_revisions, announcements, notices};
use super::types::Ts;
use crate::domain::announcement::{Announcement, Audience, Mailing, Revision};
use crate::domain::ids::{AnnouncementId, LabId, PersonId, SiteId};
use crate::domain::interval::Interval;

#[derive(Queryable, Selectable)]
#[diesel(table_name = announcements)]
struct AnnouncementRow {
    id: String,
    title: String,
    text: String,
    audience: String,
    lab_id: Option<String>,
    section: Option<String>,
    site_id: Option<String>,
    from_at: Option<Ts>,
    until_at: Option<Ts>,
    author_id: Option<String>,
    created_at: Ts,
    publish_at: Option<Ts>,
    withdrawn_at: Option<Ts>,
    revision: i32,
    edited_at: Option<Ts>,
    by_mail: i32,
}

impl AnnouncementRow {
    fn audience(&self) -> Result<Audience, DbError> {
        let missing = || DbError::corrupt(format!("the audience of {} lacks a part", self.id));
        let lab = self.lab_id.as_deref().map(|id| id.parse().map_err(DbError::corrupt)).transpose()?;
        Ok(match self.audience.as_str() {
            "course" => Audience::Course,
            "lab" => Audience::Lab(lab.ok_or_else(missing)?),
            "section" => Audience::Section(self.section.clone().ok_or_else(missing)?),
            "booked" => {
                let site = self.site_id.as_deref().map(|id| id.parse().map_err(DbError::corrupt));
                let (from, until) = self.from_at.zip(self.until_at).ok_or_else(missing)?;
                let span = Interval::new(from.0, until.0).ok_or_else(missing)?;
                Audience::Booked { lab, site: site.transpose()?, span }
            }
            other => return Err(DbError::corrupt(format!("there is no audience {other}"))),
        })
    }
}

impl TryFrom<AnnouncementRow> for Announcement {
    type Error = DbError;
    fn try_from(row: AnnouncementRow) -> Result<Self, DbError> {
        Ok(Self {
            audience: row.audience()?,
            id: row.id.parse().map_err(DbError::corrupt)?,
            title: row.title,
            text: row.text,
            author: row.author_id.map(|id| id.parse().map_err(DbError::corrupt)).transpose()?,
            created_at: row.created_at.0,
            publish_at: row.publish_at.map(|at| at.0),
            withdrawn_at: row.withdrawn_at.map(|at| at.0),
            revision: row.revision,
            edited_at: row.edited_at.map(|at| at.0),
            mailed: row.by_mail != 0,
        })
    }
}

fn read_all(rows: Vec<AnnouncementRow>) -> Result<Vec<Announcement>, DbError> {
    rows.into_iter().map(Announcement::try_from).collect()
}

/// The columns that say whom an announcement is for.
type AudienceColumns<'a> = (
    diesel::dsl::Eq<announcements::audience, &'a str>,
    diesel::dsl::Eq<announcements::lab_id, Option<&'a str>>,
    diesel::dsl::Eq<announcements::section, Option<&'a str>>,
    diesel::dsl::Eq<announcements::site_id, Option<&'a str>>,
    diesel::dsl::Eq<announcements::from_at, Option<Ts>>,
    diesel::dsl::Eq<announcements::until_at, Option<Ts>>,
);

fn audience_columns(audience: &Audience) -> AudienceColumns<'_> {
    let (section, site, span) = match audience {
        Audience::Course | Audience::Lab(_) => (None, None, None),
        Audience::Section(section) => (Some(section.as_str()), None, None),
        Audience::Booked { site, span, .. } => (None, site.as_ref().map(SiteId::as_str), Some(span)),
    };
    (
        announcements::audience.eq(audience.word()),
        announcements::lab_id.eq(audience.lab().map(LabId::as_str)),
        announcements::section.eq(section),
        announcements::site_id.eq(site),
        announcements::from_at.eq(span.map(|span| Ts(span.start()))),
        announcements::until_at.eq(span.map(|span| Ts(span.end()))),
    )
}

/// Adds an announcement of the course that is served. Its mailing is due when it is published.
pub fn insert_announcement(conn: &mut Conn<'_>, it: &Announcement) -> Result<(), DbError> {
    let course = served_course(conn)?.ok_or_else(|| {
        DbError::Unusable("there is no course to tell anything: apply one first".to_owned())
    })?;
    let row = (
        announcements::id.eq(it.id.as_str()),
        announcements::course_id.eq(course.as_str()),
        announcements::title.eq(&it.title),
        announcements::text.eq(&it.text),
        audience_columns(&it.audience),
        announcements::author_id.eq(it.author.as_ref().map(PersonId::as_str)),
        announcements::created_at.eq(Ts(it.created_at)),
        announcements::publish_at.eq(it.publish_at.map(Ts)),
        announcements::revision.eq(it.revision),
        announcements::by_mail.eq(i32::from(it.mailed)),
        announcements::mailing_at.eq(it.publish_at.map(Ts)),
        announcements::mailing_revision.eq(it.revision),
        announcements::mailing_total.eq(0),
        announcements::mailing_done.eq(0),
    );
    on!(conn, |c| diesel::insert_into(announcements::table).values(row).execute(c))?;
    Ok(())
}

/// The announcement of the course that is served with this id.
pub fn announcement(conn: &mut Conn<'_>, id: &AnnouncementId) -> Result<Option<Announcement>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(None) };
    let row: Option<AnnouncementRow> = on!(conn, |c| announcements::table
        .find(id.as_str())
        .filter(announcements::course_id.eq(course.as_str()))
        .select(AnnouncementRow::as_select())
        .first(c)
        .optional())?;
    row.map(Announcement::try_from).transpose()
}

/// The `limit` latest announcements that were written, whatever came of them, with their mailings.
pub fn latest_announcements(
    conn: &mut Conn<'_>,
    limit: i64,
) -> Result<Vec<(Announcement, Mailing)>, DbError> {
    type Line = (AnnouncementRow, (i32, Option<Ts>, i32, i32));
    let Some(course) = served_course(conn)? else { return Ok(Vec::new()) };
    let rows: Vec<Line> = on!(conn, |c| announcements::table
        .filter(announcements::course_id.eq(course.as_str()))
        .order((announcements::created_at.desc(), announcements::id))
        .limit(limit)
        .select((
            AnnouncementRow::as_select(),
            (
                announcements::mailing_revision,
                announcements::mailing_at,
                announcements::mailing_total,
                announcements::mailing_done,
            ),
        ))
        .load(c))?;
    let read = |(row, (revision, due, total, done)): Line| {
        let mailing = Mailing { revision, due_at: due.map(|at| at.0), total, done };
        Ok((Announcement::try_from(row)?, mailing))
    };
    rows.into_iter().map(read).collect()
}

/// How far an announcement's mailing is.
pub fn mailing(conn: &mut Conn<'_>, id: &AnnouncementId) -> Result<Mailing, DbError> {
    let (revision, due, total, done): (i32, Option<Ts>, i32, i32) = on!(conn, |c| announcements::table
        .find(id.as_str())
        .select((
            announcements::mailing_revision,
            announcements::mailing_at,
            announcements::mailing_total,
            announcements::mailing_done,
        ))
        .first(c))?;
    Ok(Mailing { revision, due_at: due.map(|at| at.0), total, done })
}

/// Sets about which of its texts an announcement is going to be mailed.
pub fn set_mailed_revision(conn: &mut Conn<'_>, id: &AnnouncementId, revision: i32) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .set(announcements::mailing_revision.eq(revision))
        .execute(c))?;
    Ok(())
}

/// Sets from when on an announcement's readers see it, and that its mailing is due then.
pub fn set_publication(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .set((announcements::publish_at.eq(at.map(Ts)), announcements::mailing_at.eq(at.map(Ts))))
        .execute(c))?;
    Ok(())
}

/// Writes another text over an announcement, of its revision as it is given. False if it has another revision by now.
pub fn save_announcement(
    conn: &mut Conn<'_>,
    it: &Announcement,
    seen_revision: i32,
) -> Result<bool, DbError> {
    let saved = on!(conn, |c| diesel::update(announcements::table.find(it.id.as_str()))
        .filter(announcements::revision.eq(seen_revision))
        .set((
            announcements::title.eq(&it.title),
            announcements::text.eq(&it.text),
            audience_columns(&it.audience),
            announcements::revision.eq(it.revision),
            announcements::edited_at.eq(it.edited_at.map(Ts)),
            announcements::by_mail.eq(i32::from(it.mailed)),
        ))
        .execute(c))?;
    Ok(saved == 1)
}

/// Keeps what a published announcement said before an edit.
pub fn keep_revision(conn: &mut Conn<'_>, id: &AnnouncementId, revision: &Revision) -> Result<(), DbError> {
    let row = (
        announcement_revisions::announcement_id.eq(id.as_str()),
        announcement_revisions::revision.eq(revision.number),
        announcement_revisions::title.eq(&revision.title),
        announcement_revisions::text.eq(&revision.text),
        announcement_revisions::until_at.eq(Ts(revision.until)),
    );
    on!(conn, |c| diesel::insert_into(announcement_revisions::table).values(row).execute(c))?;
    Ok(())
}

/// The `limit` latest texts that the announcement had before, latest first.
pub fn revisions(conn: &mut Conn<'_>, id: &AnnouncementId, limit: i64) -> Result<Vec<Revision>, DbError> {
    let rows: Vec<(i32, String, String, Ts)> = on!(conn, |c| announcement_revisions::table
        .filter(announcement_revisions::announcement_id.eq(id.as_str()))
        .order(announcement_revisions::revision.desc())
        .limit(limit)
        .select((
            announcement_revisions::revision,
            announcement_revisions::title,
            announcement_revisions::text,
            announcement_revisions::until_at,
        ))
        .load(c))?;
    let read = |(number, title, text, until): (i32, String, String, Ts)| Revision {
        number,
        title,
        text,
        until: until.0,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Takes an announcement back: nothing of it is mailed any more. False if it was taken back already.
pub fn withdraw_announcement(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let withdrawn = on!(conn, |c| diesel::update(announcements::table.find(id.as_str()))
        .filter(announcements::withdrawn_at.is_null())
        .set((announcements::withdrawn_at.eq(Some(Ts(now))), announcements::mailing_at.eq(None::<Ts>)))
        .execute(c))?;
    Ok(withdrawn == 1)
}

/// Takes the notices out of the outbox whose dedupe keys are in this family (they begin with it and a slash), except those that
/// were sent, are being sent or were given up. Says how many.
pub fn withdraw_family(conn: &mut Conn<'_>, family: &str, now: DateTime<Utc>) -> Result<usize, DbError> {
    // "0" is what follows the slash, so this is a range of the index.
    let (from, to) = (format!("{family}/"), format!("{family}0"));
    Ok(on!(conn, |c| diesel::delete(notices::table)
        .filter(notices::dedupe_key.gt(&from).and(notices::dedupe_key.lt(&to)))
        .filter(notices::next_attempt_at.is_not_null())
        .filter(notices::claim_until.is_null().or(notices::claim_until.le(Ts(now))))
        .execute(c))?)
}
