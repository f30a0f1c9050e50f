//! Who reads what. One condition says it for mails and for pages.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::{AnnouncementRow, read_all};
use crate::db::DbError;
use crate::db::connection::{Conn, on};
use crate::db::people::served_course;
use crate::db::schema::{announcement_people, announcements, bookings, labs, memberships};
use crate::db::types::Ts;
use crate::domain::announcement::{Announcement, Audience};
use crate::domain::ids::{AnnouncementId, LabId, PersonId, PoolId};
use crate::domain::person::Role;

/// More people than any course has.
const EVERYONE: i64 = 500_000;
/// More sections than any course has.
const MOST_SECTIONS: i64 = 1_000;
/// How many rows one statement adds.
const ROWS_AT_ONCE: usize = 500;

/// Each member of a course with each announcement there that is for them. Programs read none.
macro_rules! read_by {
    () => {{
        let staff = Role::ALL.into_iter().filter(|role| role.is_staff()).map(Role::word);
        let everyone = announcements::audience.eq_any(["course", "lab"]);
        let section = announcements::section.eq(memberships::section);
        let named = exists(
            announcement_people::table
                .filter(announcement_people::announcement_id.eq(announcements::id))
                .filter(announcement_people::person_id.eq(memberships::person_id)),
        );
        let student = memberships::role.eq(Role::Student.word());
        let theirs = everyone.nullable().or(section).or(named.nullable());
        memberships::table
            .inner_join(announcements::table.on(announcements::course_id.eq(memberships::course_id)))
            .filter(memberships::role.eq_any(staff).nullable().or(student.nullable().and(theirs)))
    }};
}

/// Writes down whom an announcement is for that goes to those who have something booked, as of now; who was before stays. Of others
/// nothing is written.
pub fn note_booked(conn: &mut Conn<'_>, id: &AnnouncementId, audience: &Audience) -> Result<(), DbError> {
    let Audience::Booked { lab, site, span } = audience else { return Ok(()) };
    let Some(course) = served_course(conn)? else { return Ok(()) };
    let pools = site.as_ref().map(|site| crate::db::pools_of_site(conn, site)).transpose()?;
    let people: Vec<String> = on!(conn, |c| {
        let mut booked = bookings::table
            .filter(bookings::seat.is_not_null())
            .filter(bookings::start_at.lt(Ts(span.end())))
            .filter(bookings::end_at.gt(Ts(span.start())))
            .filter(
                bookings::lab_id
                    .eq_any(labs::table.filter(labs::course_id.eq(course.as_str())).select(labs::id)),
            )
            .select(bookings::person_id)
            .distinct()
            .limit(EVERYONE)
            .into_boxed();
        if let Some(lab) = lab {
            booked = booked.filter(bookings::lab_id.eq(lab.as_str()));
        }
        if let Some(pools) = &pools {
            let pools: Vec<&str> = pools.iter().map(PoolId::as_str).collect();
            booked = booked.filter(bookings::pool_id.eq_any(pools));
        }
        booked.load(c)
    })?;
    let people: Vec<PersonId> =
        people.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect::<Result<_, _>>()?;
    add_readers(conn, id, &people)
}

/// Writes down that an announcement is for these people, too. It is theirs if it goes to those who have something booked.
pub fn add_readers(conn: &mut Conn<'_>, id: &AnnouncementId, people: &[PersonId]) -> Result<(), DbError> {
    let row = |person: &PersonId| {
        (
            announcement_people::announcement_id.eq(id.to_string()),
            announcement_people::person_id.eq(person.to_string()),
        )
    };
    for some in people.chunks(ROWS_AT_ONCE) {
        let rows: Vec<_> = some.iter().map(row).collect();
        match conn {
            Conn::Sqlite(c) => {
                diesel::insert_or_ignore_into(announcement_people::table).values(rows).execute(*c)?
            }
            Conn::Postgres(c) => diesel::insert_into(announcement_people::table)
                .values(rows)
                .on_conflict_do_nothing()
                .execute(*c)?,
        };
    }
    Ok(())
}

/// Forgets whom an announcement is for: another audience is to be written down.
pub fn forget_readers(conn: &mut Conn<'_>, id: &AnnouncementId) -> Result<(), DbError> {
    let theirs = announcement_people::table.filter(announcement_people::announcement_id.eq(id.as_str()));
    on!(conn, |c| diesel::delete(theirs).execute(c))?;
    Ok(())
}

/// Up to `limit` people whom an announcement is for, who are in the course and were by then, in the order of their ids, after this one.
pub fn readers(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    joined_by: DateTime<Utc>,
    after: Option<&PersonId>,
    limit: i64,
) -> Result<Vec<PersonId>, DbError> {
    let after = after.map_or("", PersonId::as_str);
    let ids: Vec<String> = on!(conn, |c| read_by!()
        .filter(announcements::id.eq(id.as_str()))
        .filter(memberships::dropped_at.is_null())
        .filter(memberships::joined_at.le(Ts(joined_by)))
        .filter(memberships::person_id.gt(after))
        .order(memberships::person_id)
        .limit(limit)
        .select(memberships::person_id)
        .load(c))?;
    ids.iter().map(|id| id.parse().map_err(DbError::corrupt)).collect()
}

/// How many people those are in all.
pub fn count_readers(
    conn: &mut Conn<'_>,
    id: &AnnouncementId,
    joined_by: DateTime<Utc>,
) -> Result<i64, DbError> {
    Ok(on!(conn, |c| read_by!()
        .filter(announcements::id.eq(id.as_str()))
        .filter(memberships::dropped_at.is_null())
        .filter(memberships::joined_at.le(Ts(joined_by)))
        .count()
        .get_result(c))?)
}

/// The `limit` latest announcements that are published at `now` and are for this person; of one lab, or of all.
pub fn announcements_for(
    conn: &mut Conn<'_>,
    person: &PersonId,
    lab: Option<&LabId>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Announcement>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(Vec::new()) };
    let rows: Vec<AnnouncementRow> = on!(conn, |c| {
        let published = read_by!()
            .filter(memberships::course_id.eq(course.as_str()))
            .filter(memberships::person_id.eq(person.as_str()))
            .filter(announcements::publish_at.le(Ts(now)))
            .filter(announcements::withdrawn_at.is_null())
            .order((announcements::publish_at.desc(), announcements::id))
            .limit(limit)
            .select(AnnouncementRow::as_select());
        match lab {
            Some(lab) => published.filter(announcements::lab_id.eq(lab.as_str())).load(c),
            None => published.load(c),
        }
    })?;
    read_all(rows)
}

/// The `limit` latest announcements that are published at `now`, whomever they are for; of one lab, or of all.
pub fn published_announcements(
    conn: &mut Conn<'_>,
    lab: Option<&LabId>,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Announcement>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(Vec::new()) };
    let rows: Vec<AnnouncementRow> = on!(conn, |c| {
        let published = announcements::table
            .filter(announcements::course_id.eq(course.as_str()))
            .filter(announcements::publish_at.le(Ts(now)))
            .filter(announcements::withdrawn_at.is_null())
            .order((announcements::publish_at.desc(), announcements::id))
            .limit(limit)
            .select(AnnouncementRow::as_select());
        match lab {
            Some(lab) => published.filter(announcements::lab_id.eq(lab.as_str())).load(c),
            None => published.load(c),
        }
    })?;
    read_all(rows)
}

/// The sections that students of the course are in, by name.
pub fn sections(conn: &mut Conn<'_>) -> Result<Vec<String>, DbError> {
    let Some(course) = served_course(conn)? else { return Ok(Vec::new()) };
    let sections: Vec<Option<String>> = on!(conn, |c| memberships::table
        .filter(memberships::course_id.eq(course.as_str()))
        .filter(memberships::dropped_at.is_null())
        .filter(memberships::section.is_not_null())
        .select(memberships::section)
        .distinct()
        .order(memberships::section)
        .limit(MOST_SECTIONS)
        .load(c))?;
    Ok(sections.into_iter().flatten().collect())
}

/// Whether an announcement is for this person.
pub fn is_reader(conn: &mut Conn<'_>, id: &AnnouncementId, person: &PersonId) -> Result<bool, DbError> {
    let found: Option<String> = on!(conn, |c| read_by!()
        .filter(announcements::id.eq(id.as_str()))
        .filter(memberships::person_id.eq(person.as_str()))
        .select(announcements::id)
        .first(c)
        .optional())?;
    Ok(found.is_some())
}
