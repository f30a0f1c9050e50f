//! The daily digest: one mail a person and day with what gathered for them, at eight by the clock of the course.

use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{App, notices};
use crate::db::{self, Conn, CourseCard, DbError};
use crate::domain::calendar;
use crate::domain::ids::PersonId;
use crate::domain::notice::{Notice, Topic};
use crate::mail::messages::Surroundings;
use crate::mail::messages::digest::{Item, digest};

/// When digests are due, by the clock of the course.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(8, 0, 0).unwrap();

/// How many people one transaction writes to.
const BATCH: i64 = 50;

/// The most that one digest tells; what is more waits for the next.
const LARGEST: i64 = 100;

/// When the next digest is due.
pub fn next_at(app: &App, conn: &mut Conn<'_>) -> Result<DateTime<Utc>, DbError> {
    let zone = db::course_card(conn)?.map_or(Tz::UTC, |course| course.zone);
    Ok(after(zone, app.now()))
}

fn after(zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = calendar::local_date(zone, now);
    let mornings = [Some(today), today.succ_opt(), today.succ_opt().and_then(|day| day.succ_opt())];
    let mut at = mornings.into_iter().flatten().map(|day| calendar::instant(zone, day.and_time(MORNING)));
    at.find(|at| now < *at).unwrap_or(now + TimeDelta::days(1))
}

/// Writes the digests that are due, and says how many. One that was missed while no worker ran is late, and none is written
/// twice: what it tells is marked as told in the transaction that writes it.
pub async fn tell(app: &Arc<App>) -> Result<usize, DbError> {
    let mut told = 0;
    loop {
        let inner = app.clone();
        let (people, written) = app.db.write("digest: tell", move |conn| tell_batch(&inner, conn)).await?;
        told += written;
        if i64::try_from(people).unwrap_or(BATCH) < BATCH {
            return Ok(told);
        }
    }
}

/// How many people had something due, and how many digests that made.
fn tell_batch(app: &App, conn: &mut Conn<'_>) -> Result<(usize, usize), DbError> {
    let due = db::people_with_digest_due(conn, app.now(), BATCH)?;
    let mut written = 0;
    if let Some(course) = db::course_card(conn)? {
        for person in &due {
            written += usize::from(tell_one(app, conn, &course, person)?);
        }
    }
    Ok((due.len(), written))
}

fn tell_one(app: &App, conn: &mut Conn<'_>, course: &CourseCard, id: &PersonId) -> Result<bool, DbError> {
    let now = app.now();
    let gathered = db::gathered_for(conn, id, now, LARGEST)?;
    let (stale, fresh): (Vec<Notice>, Vec<Notice>) =
        gathered.into_iter().partition(|notice| notice.is_stale(now));
    db::set_notices_aside(conn, &stale)?;
    let Some(person) = db::person(conn, id)?.filter(|_| !fresh.is_empty()) else { return Ok(false) };
    let around = Surroundings { course: &course.title, zone: course.zone, public_url: &app.public_url, now };
    let items: Vec<Item<'_>> = fresh
        .iter()
        .map(|notice| Item { subject: &notice.subject, at: notice.created_at, body: &notice.body })
        .collect();
    let message = notices::written(digest(around, &items))?;
    let date = calendar::local_date(course.zone, calendar::latest(course.zone, MORNING, now));
    let mail = notices::mail(app, &person, Topic::Digest, format!("digest/{date}/{id}"), message);
    let next = after(course.zone, now);
    if !db::enqueue(conn, &mail)? {
        // They have had the one of this day. What that told meanwhile, by another worker, is told.
        db::postpone_digest(conn, id, now, next)?;
        return Ok(false);
    }
    db::take_into_digest(conn, &fresh, &mail.id)?;
    db::postpone_digest(conn, id, now, next)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;

    #[test]
    fn the_next_morning_is_eight_by_the_clock_of_the_course_also_when_that_changes() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (now, next) in [
            ("2025-02-08T12:59:59Z", "2025-02-08T13:00:00Z"),
            ("2025-02-08T13:00:00Z", "2025-02-09T13:00:00Z"),
            ("2025-03-08T13:00:00Z", "2025-03-09T12:00:00Z"),
            ("2025-11-01T12:00:00Z", "2025-11-02T13:00:00Z"),
        ] {
            assert_eq!(after(New_York, at(now)), at(next), "{now}");
        }
    }
}
