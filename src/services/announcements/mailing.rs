//! Mailing an announcement: to everyone whom it is for, batch by batch, each once.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::announcement::Announcement;
use crate::domain::ids::{AnnouncementId, ClaimToken, PersonId};
use crate::domain::notice::Topic;
use crate::domain::person::Person;
use crate::mail::messages::announcement::{Personal, announced};
use crate::mail::messages::{Message, Surroundings};
use crate::services::{App, notices};

/// To how many people one transaction writes.
pub const BATCH: i64 = 100;

/// What the dedupe keys of all mails about an announcement begin with, up to a slash.
pub(super) fn family(id: &AnnouncementId) -> String {
    format!("announcement/{id}")
}

fn key(id: &AnnouncementId, revision: i32) -> String {
    format!("{}/{revision}", family(id))
}

/// The dedupe key of the one mail to a person about this text of an announcement. Whoever puts one with this key into the outbox
/// before it is mailed to all has told this person.
pub fn mail_key(id: &AnnouncementId, revision: i32, person: &PersonId) -> String {
    format!("{}/{person}", key(id, revision))
}

/// Mails the announcement to one person, with what is for them alone before its text: in the place of
/// the mail that they would get when it is mailed to all. Says whether they had not been told yet.
pub fn tell_personally(
    app: &App,
    conn: &mut Conn<'_>,
    announcement: &Announcement,
    person: &Person,
    personal: &Personal,
) -> Result<bool, DbError> {
    let message = message(app, conn, announcement, Some(personal))?;
    let key = key(&announcement.id, announcement.revision);
    // It is about what they have booked, and so waits for no digest.
    notices::tell_one(app, conn, person, Topic::Booking, &key, Ok(message))
}

fn message(
    app: &App,
    conn: &mut Conn<'_>,
    announcement: &Announcement,
    personal: Option<&Personal>,
) -> Result<Message, DbError> {
    let course = db::course_card(conn)?
        .ok_or_else(|| DbError::Corrupt("there is an announcement and no course".to_owned()))?;
    let lab = match announcement.audience.lab() {
        Some(lab) => db::lab_setting(conn, lab)?.map(|setting| setting.lab.title),
        None => None,
    };
    let about = lab.as_deref().unwrap_or(&course.title);
    let around = Surroundings {
        course: &course.title,
        zone: course.zone,
        public_url: &app.public_url,
        now: app.now(),
    };
    let url = format!("{}/announcements/{}", app.public_url, announcement.id);
    announced(around, &course.contact, about, announcement, &url, personal)
        .map_err(|error| DbError::Corrupt(format!("an announcement can't be mailed: {error}")))
}

/// Mails one batch of an announcement that is due, and says to how many people. 0 if none is due. Dying in it undoes the batch,
/// and the next worker does it once the claim has run out.
pub async fn step(app: &Arc<App>) -> Result<usize, DbError> {
    let token = app.claim_token();
    let (inner, ours) = (app.clone(), token.clone());
    let claimed = app
        .db
        .write("announcements: claim", move |conn| {
            let now = inner.now();
            db::claim_mailing(conn, &ours, now, now + inner.claim)
        })
        .await?;
    let Some(id) = claimed else { return Ok(0) };
    let inner = app.clone();
    let done = app.db.write("announcements: mail", move |conn| batch(&inner, conn, &id, &token)).await?;
    app.wake.call();
    Ok(done)
}

fn batch(app: &App, conn: &mut Conn<'_>, id: &AnnouncementId, token: &ClaimToken) -> Result<usize, DbError> {
    let Some(at) = db::renew_mailing_claim(conn, id, token, app.now() + app.claim)? else { return Ok(0) };
    let Some(it) = db::announcement(conn, id)?.filter(|it| it.withdrawn_at.is_none()) else {
        db::finish_mailing(conn, id)?;
        return Ok(1);
    };
    if at.after.is_none() {
        begin(conn, &it, at.due_at)?;
    }
    let next =
        if it.mailed { db::readers(conn, id, at.due_at, at.after.as_ref(), BATCH)? } else { Vec::new() };
    let Some(last) = next.last() else {
        db::finish_mailing(conn, id)?;
        tracing::info!(announcement = %id, mails = at.done, "an announcement was published");
        return Ok(1);
    };
    let message = message(app, conn, &it, None)?;
    let key = key(id, at.revision);
    for person in db::people(conn, &next.iter().collect::<Vec<_>>())? {
        notices::tell_one(app, conn, &person, Topic::Announcement, &key, Ok(message.clone()))?;
    }
    let done = i32::try_from(next.len()).unwrap_or(i32::MAX);
    db::advance_mailing(conn, id, last, at.done.saturating_add(done))?;
    Ok(next.len())
}

/// Notes whom it is for, and how many they are. Who is in the course only since it was published gets no mail.
fn begin(conn: &mut Conn<'_>, it: &Announcement, due_at: DateTime<Utc>) -> Result<(), DbError> {
    db::note_booked(conn, &it.id, &it.audience)?;
    let total = if it.mailed { db::count_readers(conn, &it.id, due_at)? } else { 0 };
    db::set_mailing_total(conn, &it.id, i32::try_from(total).unwrap_or(i32::MAX))
}
