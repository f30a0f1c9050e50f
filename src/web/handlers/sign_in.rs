//! `/sign-in` and `/sign-out`: at identity providers, or in the demo by name alone.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use url::Url;

use super::{page, page_once};
use crate::db::{Conn, Origin};
use crate::services::{looking, sessions};
use crate::web::context::{Context, Done, SignedIn, no_session_cookie, session_token};
use crate::web::error::WebError;
use crate::web::pages::layout::Section;
use crate::web::pages::onward::OnwardPage;
use crate::web::pages::providers::{ProviderButton, ProvidersPage};

mod demo;
mod provider;

pub use demo::enter;
pub use provider::{begin, callback, ended};

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub struct Query {
    return_to: Option<String>,
}

/// Only a path of this site, as it stands in an address: anything else could lead a person away. Browsers take a backslash
/// for a slash, and leave tabs and line ends out.
fn safe_path(path: Option<String>) -> Option<String> {
    let plain = |path: &String| path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    path.filter(|path| path.starts_with('/') && !path.starts_with("//") && plain(path))
}

/// Shows where one can sign in, or in the demo who one can be.
pub async fn show(
    context: Context,
    query: web::Query<Query>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let return_to = safe_path(query.into_inner().return_to);
    let html = if context.state.demo.is_some() {
        demo::form(&context, String::new(), Vec::new(), return_to)?.render()?
    } else {
        providers(&context, return_to)?.render()?
    };
    Ok(page_once(&request, html))
}

fn providers(context: &Context, return_to: Option<String>) -> Result<ProvidersPage, WebError> {
    let button = |provider: &crate::domain::identity::Provider| ProviderButton {
        action: format!("/sign-in/{}", provider.id),
        name: provider.name.clone(),
    };
    let buttons: Vec<_> = context.state.providers.list().map(button).collect();
    if buttons.is_empty() {
        return Err(WebError::NoSignIn);
    }
    Ok(ProvidersPage { layout: context.layout("Sign in", Section::Elsewhere), buttons, return_to })
}

/// Ends the session, here and at the provider where it was begun.
pub async fn leave(who: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let state = who.context.state.clone();
    let mut origin = None;
    if let Some((token, session)) = session_token(&state, &request).zip(who.caller.session()) {
        let (app, doer, session) = (state.app.clone(), who.doer(), session.clone());
        let end = move |conn: &mut Conn<'_>| {
            looking::end(&app, conn, &doer, &session)?;
            sessions::end(&app, conn, &doer, &token)
        };
        let ended = state.app.db.write("sign out", end).await?;
        origin = ended.and_then(|session| session.origin);
    }
    let mut response = match elsewhere(&who.context, origin).await {
        Some((name, to)) => onward(&who.context, &name, &to)?,
        None => HttpResponse::SeeOther().insert_header((header::LOCATION, "/sign-in")).finish(),
    };
    for cookie in [no_session_cookie(&state), Done::SignedOut.cookie(&state)] {
        response.add_cookie(&cookie).map_err(|error| WebError::Internal(error.to_string()))?;
    }
    Ok(response)
}

/// Where they are to be signed out, too, if there is such a place and it can be reached.
async fn elsewhere(context: &Context, origin: Option<Origin>) -> Option<(String, Url)> {
    let origin = origin?;
    let providers = &context.state.providers;
    let name = providers.get(&origin.provider).ok()?.name.clone();
    let back_to = format!("{}/sign-in", context.app().public_url);
    match providers.logout_url(&origin.provider, &origin.id_token, &back_to).await {
        Ok(to) => to.map(|to| (name, to)),
        Err(error) => {
            tracing::warn!(%error, "someone who signed out is signed out only here");
            None
        }
    }
}

fn onward(context: &Context, name: &str, to: &Url) -> Result<HttpResponse, WebError> {
    let title = format!("On to {name}");
    let mut layout = context.layout(&title, Section::Elsewhere);
    layout.viewer = None;
    let what = format!("You are signed out here. {name} is asked to sign you out there, too.");
    let shown = OnwardPage { layout, title, what, to: to.to_string() };
    Ok(page(actix_web::http::StatusCode::OK, shown.render()?))
}
