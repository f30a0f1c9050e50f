//! Signing in at an identity provider: there, back, and what it says behind the browser's back.

use actix_web::cookie::{Cookie, time::Duration};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{page, safe_path};
use crate::domain::audit::Doer;
use crate::domain::ids::ProviderId;
use crate::services::sign_in::{self, Return, Wish};
use crate::web::context::{Context, WebState, agent, session_cookie, session_token};
use crate::web::error::WebError;
use crate::web::limits::{Class, Limits};
use crate::web::pages::layout::Section;
use crate::web::pages::onward::OnwardPage;

/// The cookie that holds the secret of a browser that signs in.
const COOKIE: &str = "fairlease-sign-in";

/// It goes along when the provider sends the browser back, and reaches as far as a sign-in may take.
fn cookie(state: &WebState, secret: &str) -> Cookie<'static> {
    let patience = Duration::seconds(sign_in::PATIENCE.num_seconds());
    state.cookie(COOKIE, secret).max_age(patience).finish()
}

/// The secret that the browser holds. One that signs in in two tabs has one for both.
fn browser(state: &WebState, request: &HttpRequest) -> Option<String> {
    let ours = |secret: &String| secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    state.cookie_of(request, COOKIE).filter(ours)
}

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub struct Form {
    return_to: Option<String>,
}

/// Sends the browser to the provider.
///
/// By a page, and not by a redirect: a policy that lets forms lead only to us would stop it, here or at the next place to
/// which the provider sends it.
pub async fn begin(
    context: Context,
    provider: web::Path<String>,
    form: web::Form<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let provider: ProviderId = provider.parse()?;
    let state = context.state.clone();
    let name = state.providers.get(&provider).map_err(|_| WebError::NotFound)?.name.clone();
    let browser = browser(&state, &request).unwrap_or_else(|| state.app.entropy.secret());
    let wish = Wish { provider, browser: browser.clone(), return_to: safe_path(form.into_inner().return_to) };
    let to = sign_in::begin(&state.app, &state.providers, wish).await?;
    let title = format!("On to {name}");
    let what = format!("You sign in at {name} and come back.");
    let layout = context.layout(&title, Section::Elsewhere);
    let shown = OnwardPage { layout, title, what, to: to.to_string() };
    let mut response = page(StatusCode::OK, shown.render()?);
    add(&mut response, &cookie(&state, &browser))?;
    Ok(response)
}

fn add(response: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<(), WebError> {
    response.add_cookie(cookie).map_err(|error| WebError::Internal(error.to_string()))
}

/// What a provider sends back with the browser.
#[derive(Debug, Deserialize)]
pub struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Signs in who came back.
pub async fn callback(
    context: Context,
    provider: web::Path<String>,
    answer: web::Query<Answer>,
    limits: web::Data<Limits>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let provider: ProviderId = provider.parse()?;
    let doer = Doer { actor: None, ..context.doer() };
    let state = context.state;
    state.providers.get(&provider).map_err(|_| WebError::NotFound)?;
    let Answer { state: begun, code, error, iss } = answer.into_inner();
    let back = Return {
        provider,
        state: begun.unwrap_or_default(),
        browser: browser(&state, &request),
        outcome: code.ok_or_else(|| error.unwrap_or_default()),
        issuer: iss,
        agent: agent(&request),
        before: session_token(&state, &request),
    };
    let arrived = sign_in::arrive(&state.app, &state.providers, back).await?;
    limits.ask_person(Class::SignIn, arrived.net_id().as_str())?;
    let finished = sign_in::enter(&state.app, &doer, arrived).await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, finished.return_to.unwrap_or_else(|| "/".to_owned())))
        .cookie(session_cookie(&state, &finished.session.token))
        .finish())
}

/// What a provider sends when a session of it has ended.
#[derive(Debug, Deserialize)]
pub struct Ended {
    logout_token: String,
}

/// Ends the sessions that were begun in a session which has ended at the provider. Whether there were any is not said.
pub async fn ended(
    context: Context,
    provider: web::Path<String>,
    form: Result<web::Form<Ended>, actix_web::Error>,
) -> HttpResponse {
    let status = match (provider.parse(), form) {
        (Ok(provider), Ok(form)) => heard(&context, provider, &form.logout_token).await,
        _ => StatusCode::BAD_REQUEST,
    };
    HttpResponse::new(status)
}

async fn heard(context: &Context, provider: ProviderId, logout_token: &str) -> StatusCode {
    let state = &context.state;
    let doer = Doer { request: context.doer().request, ..Doer::itself() };
    match sign_in::ended(&state.app, &state.providers, provider, logout_token, doer).await {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            tracing::warn!(%error, "what a provider says of the end of a session is not heard");
            StatusCode::BAD_REQUEST
        }
    }
}
