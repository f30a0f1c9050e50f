//! `/announcements`: what staff have to say, and the pages with which they say it.

mod feed;
mod form;
mod staff;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{page, page_once};
use crate::auth::permissions::Permission;
use crate::db::{self, Conn, DbError};
use crate::domain::announcement::{Announcement, Audience, Revision};
use crate::domain::calendar;
use crate::domain::ids::{AnnouncementId, LabId};
use crate::markdown;
use crate::services::announcements::{self, MOST, Reader};
use crate::web::caller::Caller;
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::log::FEED;
use crate::web::pages::announcements::{
    Announced, AnnouncementLine, AnnouncementPage, AnnouncementRow, AnnouncementsPage, PastText,
};
use crate::web::pages::layout::Section;
use crate::web::present;
use crate::web::table::routes;

routes! {
    /// Announcements.
    ROWS in "", routes:
    get "/announcements", SeeLabs => show;
    get "/announcements/{announcement}", SeeLabs => one;
    get FEED, Anyone => feed::read;
    get "/staff/announcements", SeeCourse => staff::list;
    post "/staff/announcements", Announce => staff::post;
    get "/staff/announcements/new", Announce => staff::begin;
    get "/staff/announcements/{announcement}", SeeCourse => staff::edit;
    post "/staff/announcements/{announcement}", Announce => staff::save;
    post "/staff/announcements/{announcement}/withdraw", Announce => staff::withdraw;
}

/// How much of a text stands in a list.
const BEGINS: usize = 200;
/// How many announcements stand on pages about something else, and how old they may be.
const LATEST: i64 = 3;
const RECENT: chrono::TimeDelta = chrono::TimeDelta::days(14);

/// What of announcements the caller reads: who sees how the course runs reads all that is published.
pub(in crate::web) fn reader(caller: &Caller) -> Reader {
    Reader::of(&caller.person)
}

async fn show(who: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let (app, reader) = (who.context.app().clone(), reader(&who.caller));
    let (zone, now) = (who.context.zone(), app.now());
    let read = move |conn: &mut Conn<'_>| announcements::published(conn, &reader, None, now, MOST + 1);
    let mut found = app.db.read::<_, DbError, _>("announcements", read).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let row = |it: &Announcement| AnnouncementRow {
        line: line(zone, now, it),
        begins: markdown::in_short(&it.text, BEGINS),
    };
    let shown = AnnouncementsPage {
        layout: who.context.layout("Announcements", Section::Announcements),
        answer: match found.len() {
            0 => "Nothing has been announced yet.".to_owned(),
            1 => "There is 1 announcement.".to_owned(),
            many => format!("There are {many} announcements."),
        },
        rows: found.iter().map(row).collect(),
        more,
        writes: who.caller.sees_all(Permission::Announce),
    };
    Ok(page_once(&request, shown.render()?))
}

async fn one(
    who: SignedIn,
    path: web::Path<AnnouncementId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (app, reader, id) = (who.context.app().clone(), reader(&who.caller), path.into_inner());
    let (zone, now) = (who.context.zone(), app.now());
    let read = move |conn: &mut Conn<'_>| {
        let Some(it) = announcements::seen_by(conn, &id, &reader, now)? else { return Ok(None) };
        let whom = whom(conn, zone, &it.audience)?;
        Ok(Some((announcements::past(conn, &id)?, whom, it)))
    };
    let found = app.db.read::<_, DbError, _>("announcement", read).await?;
    let (past, whom, it) = found.ok_or(WebError::NotFound)?;
    let past_text = |revision: &Revision| PastText {
        until: present::when(zone, now, revision.until),
        title: revision.title.clone(),
        text: markdown::html(&revision.text),
    };
    let edits = who.caller.sees_all(Permission::Announce);
    let shown = AnnouncementPage {
        layout: who.context.layout(&it.title, Section::Announcements),
        title: it.title.clone(),
        text: markdown::html(&it.text),
        at: present::when(zone, now, it.publish_at.unwrap_or(it.created_at)),
        whom,
        edited: it.edited_at.map(|at| present::when(zone, now, at)),
        past: past.iter().map(past_text).collect(),
        edit: edits.then(|| format!("/staff/announcements/{}", it.id)),
    };
    Ok(page_once(&request, shown.render()?))
}

/// The latest announcements that the caller reads, for a page about something else: of one lab, or of all.
pub(super) async fn latest(who: &SignedIn, lab: Option<LabId>) -> Result<Announced, WebError> {
    let (app, reader) = (who.context.app().clone(), reader(&who.caller));
    let (zone, now) = (who.context.zone(), app.now());
    let read = move |conn: &mut Conn<'_>| announcements::published(conn, &reader, lab.as_ref(), now, LATEST);
    let found = app.db.read::<_, DbError, _>("announced", read).await?;
    let recent = |it: &&Announcement| {
        let at = it.edited_at.or(it.publish_at);
        at.is_some_and(|at| now - at <= RECENT)
    };
    Ok(Announced { lines: found.iter().filter(recent).map(|it| line(zone, now, it)).collect() })
}

fn line(zone: Tz, now: DateTime<Utc>, it: &Announcement) -> AnnouncementLine {
    AnnouncementLine {
        href: format!("/announcements/{}", it.id),
        title: it.title.clone(),
        at: present::when(zone, now, it.publish_at.unwrap_or(it.created_at)),
        edited: it.edited_at.is_some(),
    }
}

/// Whom an announcement is for, in words after "for".
fn whom(conn: &mut Conn<'_>, zone: Tz, audience: &Audience) -> Result<String, DbError> {
    let of_lab = |conn: &mut Conn<'_>, lab: &LabId| {
        let setting = db::lab_setting(conn, lab)?;
        Ok::<_, DbError>(setting.map_or_else(|| lab.to_string(), |setting| setting.lab.title))
    };
    Ok(match audience {
        Audience::Course => "everyone in the course".to_owned(),
        Audience::Lab(lab) => format!("everyone in the course, about {}", of_lab(conn, lab)?),
        Audience::Section(section) => format!("section {section}"),
        Audience::Booked { lab, site, span } => {
            let lab = lab.as_ref().map(|lab| of_lab(conn, lab)).transpose()?;
            let lab = lab.map(|lab| format!(" of {lab}")).unwrap_or_default();
            let site = match site {
                Some(site) => db::sites(conn)?.into_iter().find(|it| it.id == *site),
                None => None,
            };
            let site = site.map(|site| format!(" at {}", site.title)).unwrap_or_default();
            format!("those with a booking{lab}{site} on {}", calendar::span(zone, span))
        }
    })
}
