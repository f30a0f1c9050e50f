//! `/staff/look`: staff see the pages as a student does.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{page, page_once};
use crate::db::{self, Conn, DbError};
use crate::domain::ids::{NetId, PersonId};
use crate::services::looking::{self, LookError, Whom};
use crate::services::sessions::Session;
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::{Field, Problem, Section};
use crate::web::pages::look::LookPage;
use crate::web::present;

/// As whom, and why. Whoever comes from a page that knows the person names them by their id, else by what was typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    person: Option<PersonId>,
    net_id: String,
    reason: String,
}

impl Form {
    fn whom(&self) -> Result<Whom, Problem> {
        match &self.person {
            Some(id) => Ok(Whom::Id(id.clone())),
            None if self.net_id.trim().is_empty() => {
                Err(Problem::with_field("net_id", "Enter the net ID of a student."))
            }
            None => NetId::typed(&self.net_id)
                .map(Whom::NetId)
                .map_err(|bad| Problem::with_field("net_id", format!("{bad}."))),
        }
    }

    /// As whom, or everything that is wrong.
    fn read(&self) -> Result<Whom, Vec<Problem>> {
        match (self.whom(), looking::read_reason(&self.reason)) {
            (Ok(whom), Ok(_)) => Ok(whom),
            (whom, reason) => Err(whom.err().into_iter().chain(reason.err().as_ref().map(problem)).collect()),
        }
    }
}

/// As whom, if the page before knows.
#[derive(Debug, Deserialize)]
pub struct Query {
    person: Option<PersonId>,
}

/// Shows the form.
pub async fn show(
    who: SignedIn,
    query: web::Query<Query>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    own_eyes(&who)?;
    let net_id = match query.into_inner().person {
        Some(id) => net_id(&who, id).await?,
        None => String::new(),
    };
    let form = Form { net_id, ..Form::default() };
    Ok(page_once(&request, compose(&who, &form, Vec::new()).render()?))
}

async fn net_id(who: &SignedIn, id: PersonId) -> Result<String, WebError> {
    let read = move |conn: &mut Conn<'_>| db::person(conn, &id);
    let person = who.context.app().db.read::<_, DbError, _>("whom", read).await?;
    Ok(person.map(|person| person.net_id.to_string()).unwrap_or_default())
}

/// Begins to look, and leads to the student's labs.
pub async fn begin(who: SignedIn, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let session = own_eyes(&who)?;
    let problems = match form.read() {
        Err(problems) => problems,
        Ok(whom) => match look(&who, session, whom, form.reason.clone()).await {
            Ok(()) => return Ok(present::redirect("/")),
            Err(LookError::Db(error)) => return Err(error.into()),
            Err(LookError::Looking) => return Err(WebError::OnlyLooking),
            Err(error) => vec![problem(&error)],
        },
    };
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, compose(&who, &form, problems).render()?))
}

/// Sees with one's own eyes again.
pub async fn end(who: SignedIn) -> Result<HttpResponse, WebError> {
    let session = who.caller.session().cloned().ok_or(WebError::NotFound)?;
    let (app, doer) = (who.context.app().clone(), who.doer());
    let db = app.db.clone();
    db.write("stop looking", move |conn| looking::end(&app, conn, &doer, &session)).await?;
    Ok(who.context.done("/staff/look", Done::StoppedLooking))
}

/// The session, if it does not look with someone else's eyes.
fn own_eyes(who: &SignedIn) -> Result<Session, WebError> {
    let session = who.caller.session().ok_or(WebError::NotFound)?;
    if session.looking.is_some() { Err(WebError::OnlyLooking) } else { Ok(session.clone()) }
}

async fn look(who: &SignedIn, session: Session, whom: Whom, reason: String) -> Result<(), LookError> {
    let (app, doer) = (who.context.app().clone(), who.doer());
    let db = app.db.clone();
    let begin = move |conn: &mut Conn<'_>| looking::begin(&app, conn, &doer, &session, &whom, &reason);
    db.write("look", begin).await
}

fn problem(error: &LookError) -> Problem {
    let field = if matches!(error, LookError::NoReason) { "reason" } else { "net_id" };
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    Problem::with_field(field, format!("{first}{}.", chars.as_str()))
}

fn compose(who: &SignedIn, form: &Form, problems: Vec<Problem>) -> LookPage {
    let of = |id: &str| problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone());
    let field = |id, label, hint: &str, value: &str| Field {
        id,
        kind: None,
        label,
        hint: hint.to_owned(),
        value: value.chars().take(600).collect(),
        problem: of(id),
        required: true,
    };
    LookPage {
        layout: who.context.layout("See the pages as a student", Section::Elsewhere),
        minutes: looking::LONGEST.num_minutes(),
        net_id: field("net_id", "Net ID", "A student of the course, such as ff524.", &form.net_id),
        reason: field("reason", "Why", "Such as: they wrote that they see no free times.", &form.reason),
        problems,
    }
}
