//! `/staff/audit`: who did what, searching it, and taking it out.

mod form;
mod row;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{NaiveDate, TimeDelta};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;

use super::page;
use crate::auth::permissions::{Permission, Relation};
use crate::db::{self, AuditFilter, AuditOrder, DbError};
use crate::domain::audit::{Action, Doer};
use crate::domain::calendar;
use crate::domain::ids::PersonId;
use crate::services::App;
use crate::services::audit::export::{self, Format};
use crate::services::audit::told::{self, Line, Sight};
use crate::services::audit::{self, Entry};
use crate::web::caller::Caller;
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::pages::audit::AuditPage;
use crate::web::pages::layout::{Link, Problem, Section};
use crate::web::present;
use form::Form;

/// Records on a page.
const PAGE: i64 = 50;

/// Which records, as addresses have it. People are named by ids, so that no net ID is in an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Query {
    /// About whom.
    about: Option<PersonId>,
    /// Who did it.
    actor: Option<PersonId>,
    /// The word of the action.
    action: Option<String>,
    /// The first day, in the course's zone.
    from: Option<NaiveDate>,
    /// The last day.
    to: Option<NaiveDate>,
    /// Those before this number.
    before: Option<i64>,
}

impl Query {
    fn filter(&self, zone: chrono_tz::Tz) -> Result<AuditFilter, WebError> {
        Ok(AuditFilter {
            about: self.about.clone(),
            actor: self.actor.clone(),
            action: self.action.as_deref().map(action).transpose()?,
            since: self.from.map(|date| calendar::day(zone, date).start()),
            until: self.to.map(|date| calendar::day(zone, date).end()),
        })
    }

    /// The same as it stands in an address, without the place in the list.
    fn written(&self) -> String {
        let pairs = [
            ("about", self.about.as_ref().map(ToString::to_string)),
            ("actor", self.actor.as_ref().map(ToString::to_string)),
            ("action", self.action.clone()),
            ("from", self.from.map(|date| date.to_string())),
            ("to", self.to.map(|date| date.to_string())),
        ];
        let written =
            pairs.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", present::escape(&value?))));
        written.collect::<Vec<_>>().join("&")
    }

    /// The address of the page at `path` with one more pair.
    fn href(&self, path: &str, more: Option<String>) -> String {
        let pairs: Vec<String> =
            Some(self.written()).filter(|it| !it.is_empty()).into_iter().chain(more).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }

    fn is_empty(&self) -> bool {
        self.written().is_empty()
    }
}

fn action(word: &str) -> Result<Action, WebError> {
    Action::from_word(word)
        .ok_or_else(|| WebError::BadInput(vec![Problem::with_field("action", "There is no such action.")]))
}

/// What someone sees of details: those of exceptions are for staff alone, whoever else may read the log.
pub(in crate::web) fn sight(caller: &Caller) -> Sight {
    let is_staff = Permission::GrantExceptions.allows(&caller.person, Relation::Others);
    if is_staff { Sight::Everything } else { Sight::NotExceptions }
}

/// Shows the records that fit, the latest first.
pub async fn show(who: SignedIn, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let form = Form::of(&who, &query).await?;
    Ok(page(StatusCode::OK, compose(&who, &query, form, Vec::new()).await?.render()?))
}

/// Looks up whom the form names, and leads to the address that has their ids.
pub async fn search(who: SignedIn, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    match form.read(&who).await? {
        Ok(query) => Ok(present::redirect(&query.href("/staff/audit", None))),
        Err(problems) => {
            let again = compose(&who, &Query::default(), form.into_inner(), problems).await?;
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, again.render()?))
        }
    }
}

async fn compose(
    who: &SignedIn,
    query: &Query,
    form: Form,
    problems: Vec<Problem>,
) -> Result<AuditPage, WebError> {
    let (app, zone) = (who.context.app(), who.context.zone());
    let (filter, sight, before) = (query.filter(zone)?, sight(&who.caller), query.before);
    let mut lines = app
        .db
        .read("audit", move |conn| {
            told::lines(conn, &filter, AuditOrder::LatestFirst(before), PAGE + 1, sight)
        })
        .await?;
    let more = i64::try_from(lines.len()).is_ok_and(|count| count > PAGE);
    lines.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let older = lines.last().filter(|_| more).map(|last| last.number);
    let export = |format: &str, text| {
        Link::new(query.href("/staff/audit/export", Some(format!("format={format}"))), text)
    };
    let exports = vec![export("csv", "As a table (CSV)"), export("jsonl", "As JSON lines")];
    Ok(AuditPage {
        layout: who.context.layout("Audit", Section::Audit),
        answer: answer(query, &form, &lines),
        exports: if lines.is_empty() { Vec::new() } else { exports },
        form: form.shown(query, problems),
        rows: lines.iter().map(|line| row::row(zone, app.now(), line)).collect(),
        latest: before.map(|_| query.href("/staff/audit", None)),
        older: older.map(|number| query.href("/staff/audit", Some(format!("before={number}")))),
    })
}

fn answer(query: &Query, form: &Form, lines: &[Line]) -> String {
    match (lines.is_empty(), query.is_empty()) {
        (true, true) => "Nothing is recorded yet.".to_owned(),
        (true, false) => "Nothing like this was done.".to_owned(),
        (false, true) => "Who did what".to_owned(),
        (false, false) => form.summary(),
    }
}

/// How to write what is taken out.
#[derive(Debug, Deserialize)]
pub struct How {
    format: Option<String>,
}

impl How {
    pub(in crate::web) fn format(&self) -> Result<Format, WebError> {
        Format::from_word(self.format.as_deref().unwrap_or("jsonl")).ok_or_else(|| {
            WebError::BadInput(vec![Problem::with_field("format", "It is neither jsonl nor csv.")])
        })
    }
}

/// Sends all records that fit as a file.
pub async fn export(
    who: SignedIn,
    query: web::Query<Query>,
    how: web::Query<How>,
) -> Result<HttpResponse, WebError> {
    let filter = query.filter(who.context.zone())?;
    taken_out(who, filter, how.format()?).await
}

/// Sends all records that fit as a file, some at a time; that someone took them out is recorded first.
pub(in crate::web) async fn taken_out(
    who: SignedIn,
    filter: AuditFilter,
    format: Format,
) -> Result<HttpResponse, WebError> {
    note(&who, &filter, format).await?;
    let now = who.context.app().now();
    // What is recorded meanwhile is left out: else a log that grows quickly would have no end.
    let end = now + TimeDelta::microseconds(1);
    let filter = AuditFilter { until: Some(filter.until.map_or(end, |until| until.min(end))), ..filter };
    let reader = Reader { who, filter, format, after: None };
    let name = format!("audit-{}.{}", now.format("%Y%m%dT%H%M%SZ"), format.ending());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(name)],
        })
        .streaming(stream::try_unfold(reader, Reader::next)))
}

/// Records that the log is taken out, and which part of it.
async fn note(who: &SignedIn, filter: &AuditFilter, format: Format) -> Result<(), WebError> {
    let entry = Entry::new(Action::ExportedAudit).after(json!({
        "format": format.ending(), "about": filter.about, "actor": filter.actor,
        "action": filter.action.map(Action::word), "since": filter.since, "until": filter.until,
    }));
    let (app, doer): (_, Doer) = (who.context.app().clone(), who.doer());
    let db = app.db.clone();
    let noted = db.write("audit: note", move |conn| audit::record(&app, conn, &doer, entry.clone())).await;
    Ok(noted?)
}

/// One export on its way.
struct Reader {
    who: SignedIn,
    filter: AuditFilter,
    format: Format,
    after: Option<i64>,
}

impl Reader {
    async fn next(self) -> Result<Option<(Bytes, Self)>, DbError> {
        let app: &App = self.who.context.app();
        let (filter, sight) = (self.filter.clone(), sight(&self.who.caller));
        let (format, after) = (self.format, self.after);
        let part = app
            .db
            .read("audit: export", move |conn| export::part(conn, &filter, sight, format, after))
            .await
            .inspect_err(|error| tracing::error!(%error, "an export of the audit log ends early"))?;
        Ok(part.map(|part| (Bytes::from(part.bytes), Self { after: Some(part.last), ..self })))
    }
}

/// The net ID of someone, if they are here.
async fn net_id(who: &SignedIn, id: Option<&PersonId>) -> Result<String, WebError> {
    let Some(id) = id.cloned() else { return Ok(String::new()) };
    let db = &who.context.app().db;
    let found = db.read::<_, DbError, _>("audit: whom", move |conn| db::person(conn, &id)).await?;
    found.map(|person| person.net_id.to_string()).ok_or(WebError::NotFound)
}
