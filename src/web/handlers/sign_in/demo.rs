//! Signing in by name alone, which exists only in the demo.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{page, safe_path};
use crate::db::DbError;
use crate::domain::ids::NetId;
use crate::domain::person::{Parity, Role};
use crate::services::people;
use crate::services::sessions::{self, SignIn};
use crate::web::context::{Context, agent, session_cookie, session_token};
use crate::web::error::WebError;
use crate::web::limits::{Class, Limits};
use crate::web::pages::layout::{Problem, Section};
use crate::web::pages::sign_in::{DemoPerson, SignInPage};

/// Who one can be, if this is the demo.
pub(super) fn form(
    context: &Context,
    net_id: String,
    problems: Vec<Problem>,
    return_to: Option<String>,
) -> Result<SignInPage, WebError> {
    let demo = context.state.demo.as_ref().ok_or(WebError::NoSignIn)?;
    let people = demo.people.iter().map(|(net_id, name)| DemoPerson {
        net_id: net_id.clone(),
        name: name.clone(),
        about: about(net_id),
    });
    Ok(SignInPage {
        layout: context.layout("Sign in", Section::Elsewhere),
        people: people.collect(),
        net_id,
        problems,
        return_to,
    })
}

fn about(net_id: &str) -> String {
    match net_id.parse().ok().as_ref().and_then(Parity::of) {
        Some(parity) => format!("counts as {}", parity.word()),
        None => "belongs to no parity".to_owned(),
    }
}

/// Who to be.
#[derive(Debug, Deserialize)]
pub struct Form {
    net_id: String,
    return_to: Option<String>,
}

/// Signs in as anyone: a net ID that is not known becomes a student.
pub async fn enter(
    context: Context,
    form_data: web::Form<Form>,
    limits: web::Data<Limits>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let Form { net_id: typed, return_to } = form_data.into_inner();
    let return_to = safe_path(return_to);
    let net_id = match NetId::typed(&typed) {
        Ok(net_id) => net_id,
        Err(bad) => {
            let problems = vec![Problem::with_field("net_id", format!("{bad}."))];
            let again = form(&context, typed.chars().take(60).collect(), problems, return_to)?;
            return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, again.render()?));
        }
    };
    limits.ask_person(Class::SignIn, net_id.as_str())?;
    let app = context.app().clone();
    let db = app.db.clone();
    let before = session_token(&context.state, &request);
    let sign_in = SignIn { agent: agent(&request), before, ..SignIn::default() };
    let doer = context.doer();
    let session = db
        .write::<_, DbError, _>("sign in", move |conn| {
            let person = people::ensure_person(&app, conn, &net_id, net_id.as_str(), Role::Student)?;
            if person.role == Some(Role::Service) {
                return Ok(None);
            }
            let doer = doer.clone().being(person.id.clone());
            sessions::begin(&app, conn, &doer, &person.id, &sign_in).map(Some)
        })
        .await?;
    let Some(session) = session else {
        let text = "That is a service: it signs in with a token, and to the API alone.";
        let problems = vec![Problem::with_field("net_id", text)];
        let again = form(&context, typed, problems, return_to)?;
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, again.render()?));
    };
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, return_to.unwrap_or_else(|| "/".to_owned())))
        .cookie(session_cookie(&context.state, &session.token))
        .finish())
}
