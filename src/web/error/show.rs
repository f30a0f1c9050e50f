//! Errors as pages, and as RFC 9457 problems.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::{Map, Value, json};

use super::WebError;
use crate::services::explain::Explanation;
use crate::web::context::{self, Context};
use crate::web::handlers::page;
use crate::web::pages::layout::{Link, Section};
use crate::web::pages::refusal::RefusalPage;
use crate::web::present;

/// The error that a response carries: ours, or what the framework says in its place.
fn error_of<B>(response: &ServiceResponse<B>) -> Option<WebError> {
    let error = response.response().error()?;
    let known = error.as_error::<WebError>().cloned();
    if let Some(WebError::Internal(cause)) = &known {
        tracing::error!(cause, "a request failed");
    }
    Some(known.unwrap_or_else(|| WebError::unreadable(&error)))
}

/// Shows errors as pages.
pub async fn as_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?;
    let Some(error) = error_of(&response) else { return Ok(response.map_into_boxed_body()) };
    let request = response.request().clone();
    let error = &error;
    let shown = match error {
        WebError::NotSignedIn { return_to } => present::redirect(&present::sign_in_href(return_to)),
        error => match surroundings(&request, error).await {
            Ok(context) => error_page(&context, error, &context::reference(&request)),
            Err(_) => bare(error),
        },
    };
    Ok(ServiceResponse::new(request, with_headers(shown, error)))
}

/// Who comes too often is not looked up for the page that says so.
async fn surroundings(request: &HttpRequest, error: &WebError) -> Result<Context, WebError> {
    match error {
        WebError::TooMany(_) => context::of_nobody(request),
        _ => context::context(request.clone()).await,
    }
}

/// What programs read of an error before its text.
fn with_headers(mut shown: HttpResponse, error: &WebError) -> HttpResponse {
    if let WebError::TooMany(seconds) = error {
        shown.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    shown
}

fn bare(error: &WebError) -> HttpResponse {
    let (title, what, work) = error.words();
    HttpResponse::build(error.status())
        .content_type("text/plain; charset=utf-8")
        .body(format!("{title}\n\n{what}\n{work}\n"))
}

fn error_page(context: &Context, error: &WebError, reference: &str) -> HttpResponse {
    let (title, what, work) = error.words();
    let mut next = vec![Link::new("/", "My labs")];
    match error {
        WebError::NoKey => next.insert(0, Link::new("/me#key", "Add my SSH key")),
        WebError::SignIn(_) => {
            // Who is signed in came by going back to an old page, and has no need of another sign-in.
            next.retain(|_| context.caller.is_some());
            next.push(Link::new("/sign-in", "Back to the sign-in"));
        }
        WebError::Refused { lab, refusal } => {
            if present::is_full(&refusal.violations) {
                next.insert(0, Link::new(format!("/labs/{lab}/wait"), "Wait for a place"));
            }
            next.insert(0, Link::new(format!("/labs/{lab}"), "Back to the week"));
        }
        _ => {}
    }
    let nearest = match error {
        WebError::Refused { lab, refusal } => {
            present::nearest(&format!("/labs/{lab}"), refusal, context.app().now())
        }
        _ => Vec::new(),
    };
    let shown = RefusalPage {
        layout: context.layout(title, Section::Elsewhere),
        status: error.status().as_u16(),
        title: title.to_owned(),
        what,
        work: work.to_owned(),
        problems: error.problems(),
        nearest,
        next,
        reference: (!reference.is_empty()).then(|| reference.to_owned()),
    };
    match shown.render() {
        Ok(html) => page(error.status(), html),
        Err(_) => bare(error),
    }
}

/// Shows errors as RFC 9457 problems.
pub async fn as_problem(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?;
    let Some(error) = error_of(&response) else { return Ok(response.map_into_boxed_body()) };
    let request = response.request().clone();
    let body = problem(&error, &context::reference(&request));
    let mut shown =
        HttpResponse::build(error.status()).content_type("application/problem+json").body(body.to_string());
    if let Some(challenge) = challenge(&error) {
        shown.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    Ok(ServiceResponse::new(request, with_headers(shown, &error)))
}

/// What a token is asked for, in the words of RFC 6750.
fn challenge(error: &WebError) -> Option<HeaderValue> {
    let insufficient = "Bearer error=\"insufficient_scope\"";
    match error {
        WebError::NotSignedIn { .. } => Some(HeaderValue::from_static("Bearer")),
        WebError::BadToken => Some(HeaderValue::from_static("Bearer error=\"invalid_token\"")),
        WebError::OutOfScope(permission) => match permission.rule().and_then(|rule| rule.scope) {
            Some(scope) => HeaderValue::from_str(&format!("{insufficient}, scope=\"{}\"", scope.word())).ok(),
            None => Some(HeaderValue::from_static(insufficient)),
        },
        WebError::BeyondPerson => Some(HeaderValue::from_static(insufficient)),
        _ => None,
    }
}

fn problem(error: &WebError, reference: &str) -> Value {
    let (title, detail, _) = error.words();
    let mut body = Map::new();
    let mut say = |key: &str, value: Value| body.insert(key.to_owned(), value);
    say("type", json!("about:blank"));
    say("title", json!(title));
    say("status", json!(error.status().as_u16()));
    say("detail", json!(detail));
    say("instance", json!(format!("urn:uuid:{reference}")));
    match error {
        WebError::Refused { refusal, .. } => {
            let explanation = Explanation::of_refusal(refusal);
            say("violations", json!(explanation.violations));
            say("nearest", json!(explanation.nearest));
        }
        WebError::BadInput(problems) => {
            let errors = problems.iter().map(|it| json!({"field": it.field, "message": it.text}));
            say("errors", errors.collect());
        }
        WebError::NoKey => {
            say("violations", json!([{"code": "no_ssh_key", "message": detail}]));
        }
        _ => {}
    }
    Value::Object(body)
}
