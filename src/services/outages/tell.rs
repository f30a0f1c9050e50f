//! Who hears what of an outage: an announcement for everyone, and in its place one that is their own for each whose booking it
//! hits.

use chrono::{DateTime, Utc};

use super::{Draft, NewDue, OutageError, Post, title};
use crate::db::{self, Conn, DbError};
use crate::domain::announcement::Audience;
use crate::domain::audit::Doer;
use crate::domain::booking::Booking;
use crate::domain::course::{Course, Lab};
use crate::domain::ids::{AnnouncementId, OutageId, PersonId};
use crate::domain::interval::Interval;
use crate::domain::outage::{CARE, Fate, Hit, Outage};
use crate::domain::person::Person;
use crate::mail::calendar::{self as ics, Occasion};
use crate::mail::messages::announcement::Personal;
use crate::mail::messages::outage::{self as words, Drafted, Facts, PutOff, Told};
use crate::services::App;
use crate::services::announcements::{self, Edit, NewAnnouncement, Release};

fn put_off(course: &Course, lab: &Lab, due: NewDue) -> Option<PutOff> {
    let (before, after) = (lab.due, due.of(lab));
    (before != after).then(|| PutOff { title: lab.title.clone(), before, after, zone: course.zone })
}

fn unwritable(error: &askama::Error) -> DbError {
    DbError::Corrupt(format!("an announcement can't be drafted: {error}"))
}

/// What to announce of an outage, from its facts.
pub fn draft_of(app: &App, course: &Course, draft: &Draft) -> Result<Drafted, DbError> {
    facts(app, course, draft, draft.until, words::begins)
}

/// What to announce when an outage is over since `at`; due dates are those of the draft.
pub fn draft_of_end(
    app: &App,
    course: &Course,
    draft: &Draft,
    at: DateTime<Utc>,
) -> Result<Drafted, DbError> {
    facts(app, course, draft, Some(at), |facts| words::over(facts, at + CARE))
}

fn facts(
    app: &App,
    course: &Course,
    draft: &Draft,
    until: Option<DateTime<Utc>>,
    say: impl FnOnce(Facts<'_>) -> Result<Drafted, askama::Error>,
) -> Result<Drafted, DbError> {
    let dues = draft.dues.iter().filter_map(|(id, due)| {
        let lab = course.labs.iter().find(|lab| lab.id == *id)?;
        put_off(course, lab, *due)
    });
    let put_off: Vec<PutOff> = dues.collect();
    say(Facts {
        what: &title(course, &draft.away),
        from: draft.from,
        until,
        reason: draft.reason.trim().trim_end_matches('.'),
        remedy: draft.remedy,
        put_off: &put_off,
        zone: course.zone,
        now: app.now(),
    })
    .map_err(|error| unwritable(&error))
}

/// What to announce when a lab gets another due date by itself; nothing if it gets none.
pub fn draft_of_deferral(
    course: &Course,
    lab: &Lab,
    due: NewDue,
    reason: &str,
) -> Result<Option<Drafted>, DbError> {
    let Some(put_off) = put_off(course, lab, due) else { return Ok(None) };
    let drafted = words::put_off(&put_off, reason.trim().trim_end_matches('.'));
    drafted.map(Some).map_err(|error| unwritable(&error))
}

/// Posts what staff say of an outage, unpublished: it leaves when those were told whose bookings it hits.
pub(super) fn post(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    course: &Course,
    outage: &Outage,
    post: &Post,
) -> Result<AnnouncementId, OutageError> {
    let wanted = NewAnnouncement {
        title: post.title.clone(),
        text: post.text.clone(),
        audience: audience(course, outage),
        mailed: post.to_all,
        release: Release::Draft,
    };
    Ok(announcements::post_in(app, conn, doer, &wanted)?)
}

/// Of one lab, if it hits only one.
fn audience(course: &Course, outage: &Outage) -> Audience {
    let hit = |lab: &&Lab| {
        let pool = course.pools.iter().find(|pool| pool.id == lab.pool);
        pool.is_some_and(|pool| outage.away.hits(lab, pool))
    };
    let mut labs = course.labs.iter().filter(hit);
    match (labs.next(), labs.next()) {
        (Some(lab), None) => Audience::Lab(lab.id.clone()),
        _ => Audience::Course,
    }
}

/// Has the announcement of an outage say something else.
pub(super) fn post_again(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    outage: &Outage,
    post: &Post,
) -> Result<(), OutageError> {
    let Some(id) = &outage.announcement else { return Ok(()) };
    let Some(it) = db::announcement(conn, id)? else { return Ok(()) };
    let edit = Edit {
        seen_revision: it.revision,
        title: post.title.clone(),
        text: post.text.clone(),
        audience: it.audience,
        // Whose booking it hits hears of that first: it is mailed again when that is done.
        mailed: it.publish_at.is_none() && post.to_all,
    };
    Ok(announcements::edit_in(app, conn, doer, id, &edit)?)
}

/// Says at once that a lab is put off.
pub(super) fn post_deferral(
    app: &App,
    conn: &mut Conn<'_>,
    doer: &Doer,
    lab: &Lab,
    post: &Post,
) -> Result<(), OutageError> {
    let wanted = NewAnnouncement {
        title: post.title.clone(),
        text: post.text.clone(),
        audience: Audience::Lab(lab.id.clone()),
        mailed: post.to_all,
        release: Release::At(app.now()),
    };
    announcements::post_in(app, conn, doer, &wanted)?;
    Ok(())
}

/// Everyone whose booking it hits was told: the announcement leaves for the others, unless someone else has seen to it.
pub(super) fn publish(app: &App, conn: &mut Conn<'_>, id: &OutageId, over: bool) -> Result<(), OutageError> {
    let Some(mut outage) = db::outage_locked(conn, id)? else { return Ok(()) };
    let now = app.now();
    let announcement = match &mut outage.ended {
        Some(ended) if over && ended.settled_at.is_none() => {
            ended.settled_at = Some(now);
            ended.announcement.clone()
        }
        _ if !over && outage.settled_at.is_none() => {
            outage.settled_at = Some(now);
            outage.announcement.clone()
        }
        _ => return Ok(()),
    };
    db::save_outage(conn, &outage)?;
    let Some(announcement) = announcement else { return Ok(()) };
    let Some(it) = db::announcement(conn, &announcement)?.filter(|it| it.withdrawn_at.is_none()) else {
        return Ok(());
    };
    if it.publish_at.is_none() {
        announcements::release_in(app, conn, &Doer::itself(), &announcement, now)?;
    } else if !over && outage.to_all {
        announcements::mail_again_in(app, conn, &it)?;
    }
    Ok(())
}

/// Tells one person what the outage did to all of their bookings, in one mail that has the announcement, too.
pub(super) fn tell(
    app: &App,
    conn: &mut Conn<'_>,
    outage: &Outage,
    person: &PersonId,
    over: bool,
) -> Result<(), OutageError> {
    let hits = db::untold_hits(conn, &outage.id, person)?;
    let announcement = match &outage.ended {
        Some(ended) if over => ended.announcement.as_ref(),
        _ => outage.announcement.as_ref(),
    };
    let announcement = announcement.map(|id| db::announcement(conn, id)).transpose()?.flatten();
    if let (Some(announcement), Some(person)) = (announcement, db::person(conn, person)?)
        && !hits.is_empty()
    {
        let personal = own_part(app, conn, &person, &hits)?;
        announcements::tell_personally(app, conn, &announcement, &person, &personal)?;
    }
    Ok(db::mark_told(conn, &outage.id, person, app.now())?)
}

/// What a person reads of their bookings, and what their calendar has to know.
fn own_part(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    hits: &[(Hit, Booking)],
) -> Result<Personal, DbError> {
    let course = db::course_card(conn)?;
    let course = course.ok_or_else(|| DbError::Corrupt("there is an outage and no course".to_owned()))?;
    let titles = db::lab_titles(conn)?;
    // Mail programs offer the first: what there is now comes before what is not any more.
    let (mut paragraphs, mut invitations, mut cancellations) = (Vec::new(), String::new(), String::new());
    let mut headline = format!("{} of your bookings", hits.len());
    for (hit, booking) in hits {
        let lab = titles.get(&booking.lab).map_or(booking.lab.as_str(), String::as_str);
        let told = Told { booking, lab, fate: &hit.fate, zone: course.zone, public_url: &app.public_url };
        if hits.len() == 1 {
            headline = told.headline();
        }
        paragraphs.extend(told.paragraphs());
        let object = |booking: &Booking, write: fn(&Occasion<'_>) -> String| {
            let url = format!("{}/bookings/{}", app.public_url, booking.id);
            write(&Occasion {
                booking,
                title: lab,
                attendee: &person.mail,
                organizer: &course.contact,
                url: &url,
                now: app.now(),
            })
        };
        if matches!(hit.fate, Fate::Moved { .. } | Fate::Offered { .. } | Fate::Cancelled) {
            cancellations.push_str(&object(booking, ics::cancellation));
        }
        if let Fate::Extended { until } = hit.fate {
            let slot = Interval::new(booking.slot.start(), until).unwrap_or(booking.slot);
            invitations.push_str(&object(&Booking { slot, ..booking.clone() }, ics::invitation));
        }
        if let Some(id) = hit.fate.replacement()
            && let Some(replacement) = db::booking(conn, id)?
        {
            invitations.push_str(&object(&replacement, ics::invitation));
        }
    }
    let objects = invitations + &cancellations;
    Ok(Personal { headline, paragraphs, calendar: Some(objects).filter(|objects| !objects.is_empty()) })
}
