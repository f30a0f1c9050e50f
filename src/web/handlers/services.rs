//! `/staff/services`: programs that are in the course by themselves, and their tokens.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::reaper::sentence;
use super::tokens::{Pairs, Typed, made, part};
use super::{page, page_once};
use crate::db::DbError;
use crate::domain::ids::{NetId, PersonId, TokenId};
use crate::services::programs::{self, NewProgram, Program, ProgramError};
use crate::services::tokens;
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::{Link, Problem, Section};
use crate::web::pages::services::{ServiceForm, ServicePage, ServiceRow, ServicesPage};
use crate::web::present;
use crate::web::table::routes;

routes! {
    /// Services, as those see them who say what there is.
    ROWS in "", routes:
    get "/staff/services", AppointStaff => list;
    post "/staff/services", AppointStaff => add;
    get "/staff/services/{service}", AppointStaff => show;
    post "/staff/services/{service}/drop", AppointStaff => drop_it;
    get "/staff/services/{service}/tokens", AppointStaff => to_tokens;
    post "/staff/services/{service}/tokens", AppointStaff => make_token;
    post "/staff/services/{service}/tokens/{token}/revoke", AppointStaff => revoke_token;
}

const LIST: &str = "/staff/services";

fn href(service: &PersonId) -> String {
    format!("{LIST}/{service}")
}

/// A service, as it is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Form {
    net_id: String,
    title: String,
    mail: String,
}

async fn list(who: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let form = ServiceForm::new(String::new(), String::new(), String::new(), Vec::new());
    Ok(page_once(&request, services(&who, form).await?.render()?))
}

async fn services(who: &SignedIn, form: ServiceForm) -> Result<ServicesPage, WebError> {
    let all = who.context.app().db.read::<_, DbError, _>("services", programs::all).await?;
    let answer = match all.len() {
        0 => "No program is in the course by itself.".to_owned(),
        1 => "One service is in the course.".to_owned(),
        many => format!("{many} services are in the course."),
    };
    Ok(ServicesPage {
        layout: who.context.layout("Services", Section::Elsewhere),
        answer,
        rows: all.iter().map(|program| row(who, program)).collect(),
        form,
    })
}

fn row(who: &SignedIn, program: &Program) -> ServiceRow {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    let tokens = match program.signing_in(who.context.app()) {
        0 => "No token signs in".to_owned(),
        1 => "1 token signs in".to_owned(),
        many => format!("{many} tokens sign in"),
    };
    let used = program.tokens.iter().filter_map(|token| token.used_at).max();
    ServiceRow {
        link: Link::new(href(&program.service.id), program.service.net_id.to_string()),
        title: program.service.name.clone(),
        mail: program.service.mail.clone(),
        tokens,
        used: used.map(|at| present::when(zone, now, at)),
    }
}

/// Adds a service, and leads to its page. A form that is not right comes back with what is wrong with it.
async fn add(who: SignedIn, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let problem = match NetId::typed(&form.net_id) {
        Err(bad) => Problem::with_field("net_id", format!("{bad}.")),
        Ok(name) => {
            let wanted = NewProgram { name, title: form.title.clone(), mail: form.mail.clone() };
            let (app, db, doer) = (who.context.app().clone(), who.context.app().db.clone(), who.doer());
            match db.write("add service", move |conn| programs::add(&app, conn, &doer, &wanted)).await {
                Ok(service) => return Ok(who.context.done(&href(&service.id), Done::ServiceAdded)),
                Err(ProgramError::Db(error)) => return Err(error.into()),
                Err(error) => problem(&error),
            }
        }
    };
    let Form { net_id, title, mail } = form.into_inner();
    let again = ServiceForm::new(net_id, title, mail, vec![problem]);
    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, services(&who, again).await?.render()?))
}

fn problem(error: &ProgramError) -> Problem {
    let field = match error {
        ProgramError::BadTitle => "title",
        ProgramError::BadMail(_) => "mail",
        ProgramError::Taken(_) | ProgramError::Db(_) => "net_id",
    };
    Problem::with_field(field, sentence(&error.to_string()))
}

async fn program(who: &SignedIn, id: &PersonId) -> Result<Program, WebError> {
    let id = id.clone();
    let found = who.context.app().db.read::<_, DbError, _>("service", move |conn| programs::one(conn, &id));
    found.await?.ok_or(WebError::NotFound)
}

fn compose(who: &SignedIn, program: &Program, typed: &Typed) -> ServicePage {
    let service = &program.service;
    let base = format!("{}/tokens", href(&service.id));
    ServicePage {
        layout: who.context.layout(&format!("Service: {}", service.net_id), Section::Elsewhere),
        id: service.id.to_string(),
        name: service.net_id.to_string(),
        title: service.name.clone(),
        mail: service.mail.clone(),
        tokens: part(&who.context, &base, service, &program.tokens, typed),
    }
}

async fn show(
    who: SignedIn,
    path: web::Path<PersonId>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let program = program(&who, &path).await?;
    Ok(page_once(&request, compose(&who, &program, &Typed::default()).render()?))
}

/// Someone comes back to where a secret was shown.
async fn to_tokens(_: SignedIn, path: web::Path<PersonId>) -> HttpResponse {
    present::redirect(&href(&path))
}

/// Makes a token and shows its secret. A form that is not right comes back with what is wrong with it.
async fn make_token(
    who: SignedIn,
    path: web::Path<PersonId>,
    form: web::Form<Pairs>,
) -> Result<HttpResponse, WebError> {
    let program = program(&who, &path).await?;
    let service = &program.service;
    match Typed::read(&form).make(&who.context, &service.id, &who.caller.person.id).await? {
        Ok(token) => {
            let to = Link::new(href(&service.id), service.net_id.to_string());
            made(&who.context, &token, to, Section::Elsewhere)
        }
        Err(typed) => Ok(page(StatusCode::UNPROCESSABLE_ENTITY, compose(&who, &program, &typed).render()?)),
    }
}

async fn revoke_token(who: SignedIn, path: web::Path<(PersonId, TokenId)>) -> Result<HttpResponse, WebError> {
    let (id, token) = path.into_inner();
    let service = program(&who, &id).await?.service.id;
    let (app, db, doer) = (who.context.app().clone(), who.context.app().db.clone(), who.doer());
    if db.write("revoke token", move |conn| tokens::revoke(&app, conn, &doer, &service, &token)).await? {
        Ok(who.context.done(&href(&id), Done::TokenRevoked))
    } else {
        Err(WebError::NotFound)
    }
}

async fn drop_it(who: SignedIn, path: web::Path<PersonId>) -> Result<HttpResponse, WebError> {
    let (app, db, doer) = (who.context.app().clone(), who.context.app().db.clone(), who.doer());
    if db.write("drop service", move |conn| programs::drop(&app, conn, &doer, &path)).await? {
        Ok(who.context.done(LIST, Done::ServiceDropped))
    } else {
        Err(WebError::NotFound)
    }
}
