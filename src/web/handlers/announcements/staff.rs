//! Writing announcements, looking at them before they are posted, editing them and taking them back.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::form::{Form, Offered, Subject, problem};
use super::{page, page_once, whom};
use crate::auth::permissions::Permission;
use crate::db::{Conn, DbError};
use crate::domain::announcement::{Announcement, Mailing, Stage};
use crate::domain::calendar;
use crate::domain::ids::AnnouncementId;
use crate::markdown;
use crate::services::announcements::{self, AnnouncementError, MOST, Posted, Release};
use crate::web::context::{Done, Staff};
use crate::web::error::WebError;
use crate::web::pages::announcements::{PostedLine, StaffAnnouncementsPage, WritePage};
use crate::web::pages::layout::{Problem, Section};
use crate::web::present;

const LIST: &str = "/staff/announcements";

pub(super) async fn list(who: Staff, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let app = who.0.context.app().clone();
    let (zone, now) = (who.0.context.zone(), app.now());
    let read = move |conn: &mut Conn<'_>| {
        let posted = announcements::listed(conn, MOST + 1)?;
        let whom = posted
            .iter()
            .map(|it| whom(conn, zone, &it.announcement.audience))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((posted, whom))
    };
    let (posted, whom) = app.db.read::<_, DbError, _>("announcements", read).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let lines = posted.iter().zip(whom).take(most).map(|(it, whom)| line(zone, now, it, whom));
    let shown = StaffAnnouncementsPage {
        layout: who.0.context.layout("Announcements", Section::Announcements),
        answer: answer(&posted, now),
        rows: lines.collect(),
        more: posted.len() > most,
        writes: who.0.caller.sees_all(Permission::Announce),
    };
    Ok(page_once(&request, shown.render()?))
}

/// What is still to come, in a sentence.
fn answer(posted: &[Posted], now: DateTime<Utc>) -> String {
    let count = |of: fn(&Stage) -> bool| posted.iter().filter(|it| of(&it.announcement.stage(now))).count();
    let waiting = count(|stage| matches!(stage, Stage::Scheduled(_)));
    let drafts = count(|stage| matches!(stage, Stage::Draft));
    if posted.is_empty() {
        return "Nothing has been announced yet.".to_owned();
    }
    let wait = match waiting {
        0 => "No announcement waits for its time".to_owned(),
        1 => "1 announcement waits for its time".to_owned(),
        many => format!("{many} announcements wait for their times"),
    };
    match drafts {
        0 => format!("{wait}."),
        1 => format!("{wait}, and 1 is a draft."),
        many => format!("{wait}, and {many} are drafts."),
    }
}

fn line(zone: Tz, now: DateTime<Utc>, posted: &Posted, whom: String) -> PostedLine {
    let it = &posted.announcement;
    let stage = it.stage(now);
    let (class, icon, word, at) = match stage {
        Stage::Draft => ("calm", "circle-dashed", "draft", None),
        Stage::Scheduled(at) => ("info", "calendar", "scheduled", Some(at)),
        Stage::Published(at) => ("good", "circle-check", "published", Some(at)),
        Stage::Withdrawn(at) => ("calm", "circle-x", "taken back", Some(at)),
    };
    PostedLine {
        href: format!("{LIST}/{}", it.id),
        title: it.title.clone(),
        whom,
        class,
        icon,
        state: word.to_owned(),
        at: at.map(|at| present::when(zone, now, at)),
        mail: mail(it, stage, posted.mailing),
    }
}

fn mail(it: &Announcement, stage: Stage, mailing: Mailing) -> String {
    let Mailing { due_at, total, done, .. } = mailing;
    match (it.mailed, stage) {
        (false, _) => "no mail".to_owned(),
        (true, Stage::Draft | Stage::Scheduled(_)) => "mail then".to_owned(),
        (true, Stage::Withdrawn(_)) if done < total => format!("stopped at {done} of {total}"),
        (true, Stage::Published(_)) if due_at.is_some() => format!("mailing {done} of {total}"),
        (true, _) => format!("mailed to {done}"),
    }
}

/// The empty form.
pub(super) async fn begin(who: Staff) -> Result<HttpResponse, WebError> {
    Ok(page(StatusCode::OK, write_page(&who, &Form::blank(), None, Vec::new(), false).await?))
}

/// Shows what would be posted, or posts it. A form that is not right comes back with everything that is wrong with it.
pub(super) async fn post(who: Staff, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let zone = who.0.context.zone();
    let asked = match form.read(Subject::New, zone) {
        Ok(asked) => asked,
        Err(problems) => return refused(&who, &form, None, problems).await,
    };
    if form.act != "save" {
        return Ok(page(StatusCode::OK, write_page(&who, &form, None, Vec::new(), true).await?));
    }
    let Some(wanted) = asked.new_announcement() else {
        return Err(WebError::Internal("a form lacks what was read of it".to_owned()));
    };
    let (app, doer) = (who.0.context.app().clone(), who.0.doer());
    let done = match wanted.release {
        Release::Draft => Done::Drafted,
        Release::At(at) if at > app.now() => Done::Scheduled,
        Release::At(_) => Done::Announced,
    };
    let db = app.db.clone();
    let posted = db.write("announce", move |conn| announcements::post_in(&app, conn, &doer, &wanted)).await;
    answered(&who, &form, None, posted.map(|_| done)).await
}

/// The form of an announcement that is there.
pub(super) async fn edit(
    who: Staff,
    path: web::Path<AnnouncementId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let it = known(&who, path.into_inner()).await?;
    let form = Form::of(&it, subject(&it, who.0.context.app().now()), who.0.context.zone());
    Ok(page_once(&request, write_page(&who, &form, Some(&it), Vec::new(), false).await?))
}

/// Shows what would be there, or saves it.
pub(super) async fn save(
    who: Staff,
    path: web::Path<AnnouncementId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let it = known(&who, path.into_inner()).await?;
    let (app, zone) = (who.0.context.app().clone(), who.0.context.zone());
    let asked = match form.read(subject(&it, app.now()), zone) {
        Ok(asked) => asked,
        Err(problems) => return refused(&who, &form, Some(&it), problems).await,
    };
    if form.act != "save" {
        return Ok(page(StatusCode::OK, write_page(&who, &form, Some(&it), Vec::new(), true).await?));
    }
    let (doer, id, release) = (who.0.doer(), it.id.clone(), asked.release);
    let (edit, before) = (asked.edit(&it), it.publish_at);
    let db = app.db.clone();
    let saved = db.write("edit announcement", move |conn| {
        announcements::edit_in(&app, conn, &doer, &id, &edit)?;
        match release {
            Some(Release::Draft) => announcements::hold_in(&app, conn, &doer, &id),
            Some(Release::At(at)) if before != Some(at) => {
                announcements::release_in(&app, conn, &doer, &id, at)
            }
            _ => Ok(()),
        }
    });
    let saved = saved.await.map(|()| Done::AnnouncementSaved);
    answered(&who, &form, Some(&it), saved).await
}

/// Takes it back.
pub(super) async fn withdraw(who: Staff, path: web::Path<AnnouncementId>) -> Result<HttpResponse, WebError> {
    let (app, doer, id) = (who.0.context.app().clone(), who.0.doer(), path.into_inner());
    let db = app.db.clone();
    match db.write("withdraw", move |conn| announcements::withdraw_in(&app, conn, &doer, &id)).await {
        Ok(()) => Ok(who.0.context.done(LIST, Done::AnnouncementWithdrawn)),
        Err(AnnouncementError::NoSuchAnnouncement(_)) => Err(WebError::NotFound),
        Err(AnnouncementError::Db(error)) => Err(error.into()),
        Err(error) => Err(WebError::WrongState(error.to_string())),
    }
}

async fn known(who: &Staff, id: AnnouncementId) -> Result<Announcement, WebError> {
    let read = move |conn: &mut Conn<'_>| announcements::staff_view(conn, &id);
    let found = who.0.context.app().db.read::<_, DbError, _>("announcement", read).await?;
    found.map(|posted| posted.announcement).ok_or(WebError::NotFound)
}

fn subject(it: &Announcement, now: DateTime<Utc>) -> Subject {
    match it.stage(now) {
        Stage::Draft | Stage::Scheduled(_) => Subject::Unpublished,
        Stage::Published(_) | Stage::Withdrawn(_) => Subject::Published,
    }
}

async fn answered(
    who: &Staff,
    form: &Form,
    of: Option<&Announcement>,
    outcome: Result<Done, AnnouncementError>,
) -> Result<HttpResponse, WebError> {
    match outcome {
        Ok(done) => Ok(who.0.context.done(LIST, done)),
        Err(AnnouncementError::Db(error)) => Err(error.into()),
        Err(error) => refused(who, form, of, vec![problem(who.0.context.zone(), &error)]).await,
    }
}

async fn refused(
    who: &Staff,
    form: &Form,
    of: Option<&Announcement>,
    problems: Vec<Problem>,
) -> Result<HttpResponse, WebError> {
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, write_page(who, form, of, problems, false).await?))
}

/// The page with the form, and with what it would make if `preview`.
async fn write_page(
    who: &Staff,
    form: &Form,
    of: Option<&Announcement>,
    problems: Vec<Problem>,
    preview: bool,
) -> Result<String, WebError> {
    let context = &who.0.context;
    let (zone, now) = (context.zone(), context.app().now());
    let audience = of.map(|it| it.audience.clone());
    let read = move |conn: &mut Conn<'_>| {
        let whom = audience.as_ref().map(|audience| whom(conn, zone, audience)).transpose()?;
        Ok((Offered::of(conn)?, whom))
    };
    let (offered, whom) = context.app().db.read::<_, DbError, _>("write", read).await?;
    let gone = of.is_some_and(|it| it.withdrawn_at.is_some());
    let subject = of.map_or(Subject::New, |it| subject(it, now));
    let action = of.map_or_else(|| LIST.to_owned(), |it| format!("{LIST}/{}", it.id));
    let answer = match subject {
        _ if gone => "This was taken back",
        Subject::New => "Announce something",
        Subject::Unpublished => "Edit what is going to be announced",
        Subject::Published => "Edit what was announced",
    };
    let shown = WritePage {
        layout: context.layout(answer, Section::Announcements),
        answer: answer.to_owned(),
        lead: of.map(|it| lead(zone, now, it, &whom.unwrap_or_default())),
        withdraw: Some(format!("{action}/withdraw")).filter(|_| of.is_some() && !gone),
        preview: (preview || gone).then(|| (form.title().to_owned(), markdown::html(&form.text))),
        mail: (preview || gone).then(|| markdown::plain(&form.text)),
        form: (!gone)
            .then(|| form.shown(action, subject, &offered, &calendar::zone_name(zone, now), problems)),
    };
    Ok(shown.render()?)
}

/// What is to be known of one that is there.
fn lead(zone: Tz, now: DateTime<Utc>, it: &Announcement, whom: &str) -> String {
    let at = |at| present::when(zone, now, at).text;
    match it.stage(now) {
        Stage::Draft => "It is a draft: nobody but staff sees it.".to_owned(),
        Stage::Scheduled(then) => format!("It is published {}, for {whom}.", at(then)),
        Stage::Published(then) => {
            format!("Published {}, for {whom}. What it says now stays to be read after an edit.", at(then))
        }
        Stage::Withdrawn(then) => format!("Nobody but staff sees it since {}.", at(then)),
    }
}
