//! Mails about marked objects: to each owner one for all that a sweep did to theirs at a site.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::db::{self, Conn, DbError};
use crate::domain::ids::{NetId, SiteId};
use crate::domain::marked::{Marked, NextStep};
use crate::mail::messages::reaper::{self, MarkedObject, Told};
use crate::mail::messages::staff::Surroundings;
use crate::services::{App, notices};

/// Mails that are to be written.
#[derive(Debug, Default)]
pub(super) struct Mails {
    owners: BTreeMap<(NetId, Told), Vec<MarkedObject>>,
    staff: BTreeMap<Told, Vec<MarkedObject>>,
}

impl Mails {
    /// Something is to be told of an object: to its owner, if it has one, and to staff if `staff` says so.
    pub(super) fn add(&mut self, told: Told, owner: Option<&NetId>, staff: bool, object: MarkedObject) {
        if staff || owner.is_none() {
            self.staff.entry(told).or_default().push(object.clone());
        }
        if let Some(owner) = owner {
            self.owners.entry((owner.clone(), told)).or_default().push(object);
        }
    }
}

/// What is told of an object.
pub(super) fn object(mark: &Marked, reason: &str, next: Option<(NextStep, DateTime<Utc>)>) -> MarkedObject {
    MarkedObject {
        target: mark.target.clone(),
        site: mark.target.site.to_string(),
        owner: mark.net_id.clone(),
        reason: reason.to_owned(),
        next,
        restore_url: None,
    }
}

/// Puts the mails into the outbox.
pub(super) fn enqueue(app: &App, conn: &mut Conn<'_>, site: &SiteId, mails: Mails) -> Result<(), DbError> {
    let Some(course) = db::course_card(conn)? else { return Ok(()) };
    let title = db::sites(conn)?.into_iter().find(|known| known.id == *site);
    let title = title.map_or_else(|| site.to_string(), |site| site.title);
    let around = Surroundings {
        site: &title,
        course: &course.title,
        zone: course.zone,
        public_url: &app.public_url,
        now: app.now(),
    };
    for ((owner, told), mut objects) in mails.owners {
        let Some(person) = db::person_by_net_id(conn, &owner)? else { continue };
        for object in &mut objects {
            object.site.clone_from(&title);
        }
        let key = key(told, &objects, app.now());
        let message = reaper::to_owner(around, &course.contact, &person, told, &objects);
        notices::tell_one(app, conn, &person, &key, message)?;
    }
    for (told, mut objects) in mails.staff {
        for object in &mut objects {
            object.site.clone_from(&title);
        }
        let key = format!("{}/staff", key(told, &objects, app.now()));
        notices::tell_staff(app, conn, &key, reaper::to_staff(around, told, &objects))?;
    }
    Ok(())
}

/// One key for each step of an object: the first one's stands for those that are told with it.
fn key(told: Told, objects: &[MarkedObject], now: DateTime<Utc>) -> String {
    let first = objects.first().map(|object| &object.target);
    let first = first.map(|it| format!("{}/{}/{}", it.site, it.kind.word(), it.site_ref)).unwrap_or_default();
    format!("reaper/{}/{first}/{}", told.word(), now.timestamp_micros())
}
