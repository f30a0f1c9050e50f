//! Mails about marked objects: to each owner one for all that a sweep did to theirs at a site.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::ids::{NetId, SiteId};
use crate::domain::link::Link;
use crate::domain::marked::{Marked, NextStep, RESTORES};
use crate::domain::notice::Topic;
use crate::domain::person::Person;
use crate::mail::messages::Surroundings;
use crate::mail::messages::reaper::{self, MarkedObject, Told};
use crate::services::{App, links, notices};

/// An object of which something is to be told.
#[derive(Debug, Clone)]
pub(super) struct Tale {
    pub(super) mark: Marked,
    pub(super) reason: String,
    pub(super) next: Option<(NextStep, DateTime<Utc>)>,
}

/// Mails that are to be written.
#[derive(Debug, Default)]
pub(super) struct Mails {
    owners: BTreeMap<(NetId, Told), Vec<Tale>>,
    staff: BTreeMap<Told, Vec<Tale>>,
}

impl Mails {
    /// Something is to be told of an object: to its owner, if it has one, and to staff if `staff` says so.
    pub(super) fn add(&mut self, told: Told, staff: bool, tale: Tale) {
        if staff || tale.mark.net_id.is_none() {
            self.staff.entry(told).or_default().push(tale.clone());
        }
        if let Some(owner) = tale.mark.net_id.clone() {
            self.owners.entry((owner, told)).or_default().push(tale);
        }
    }
}

/// Puts the mails into the outbox.
pub(super) fn enqueue(app: &App, conn: &mut Conn<'_>, mails: &Mails) -> Result<(), DbError> {
    let Some(course) = db::course_card(conn)? else { return Ok(()) };
    let titles = titles(conn)?;
    let now = app.now();
    let around = Surroundings { course: &course.title, zone: course.zone, public_url: &app.public_url, now };
    for ((owner, told), tales) in &mails.owners {
        let Some(person) = db::person_by_net_id(conn, owner)? else { continue };
        let objects: Vec<MarkedObject> =
            tales.iter().map(|tale| object(app, &titles, tale, Some(&person))).collect();
        let message = reaper::to_owner(around, &course.contact, &person, *told, &objects);
        notices::tell_one(app, conn, &person, Topic::Reaper, &key(*told, tales, now), message)?;
    }
    for (told, tales) in &mails.staff {
        let objects: Vec<MarkedObject> = tales.iter().map(|tale| object(app, &titles, tale, None)).collect();
        let key = format!("{}/staff", key(*told, tales, now));
        notices::tell_staff(app, conn, Topic::Reaper, &key, reaper::to_staff(around, *told, &objects))?;
    }
    Ok(())
}

/// What people call the sites.
pub(super) fn titles(conn: &mut Conn<'_>) -> Result<BTreeMap<SiteId, String>, DbError> {
    Ok(db::sites(conn)?.into_iter().map(|site| (site.id, site.title)).collect())
}

/// What people call a site.
pub(super) fn title(titles: &BTreeMap<SiteId, String>, site: &SiteId) -> String {
    titles.get(site).cloned().unwrap_or_else(|| site.to_string())
}

/// With a link that takes it back, if it is `owner`'s and they still may.
fn object(app: &App, titles: &BTreeMap<SiteId, String>, tale: &Tale, owner: Option<&Person>) -> MarkedObject {
    let mark = &tale.mark;
    let link = Link::restore(mark).filter(|_| mark.restores < RESTORES);
    MarkedObject {
        target: mark.target.clone(),
        site: title(titles, &mark.target.site),
        owner: mark.net_id.clone(),
        reason: tale.reason.clone(),
        next: tale.next,
        restore_url: owner.zip(link).map(|(owner, link)| links::url(app, &owner.id, &link)),
    }
}

/// One key for each step of an object: the first one's stands for those that are told with it.
fn key(told: Told, tales: &[Tale], now: DateTime<Utc>) -> String {
    let first = tales.first().map(|tale| &tale.mark.target);
    let first = first.map(|it| format!("{}/{}/{}", it.site, it.kind.word(), it.site_ref)).unwrap_or_default();
    format!("reaper/{}/{first}/{}", told.word(), now.timestamp_micros())
}
