//! What requests do, one file a feature.

pub mod announcements;
pub mod audit;
pub mod booking;
pub mod components;
pub mod health;
pub mod lab;
pub mod labs;
pub mod links;
pub mod look;
pub mod mailbox;
pub mod me;
pub mod outages;
pub mod outbox;
pub mod person;
pub mod privacy;
pub mod reaper;
pub mod roster;
pub mod services;
pub mod sign_in;
pub mod sites;
pub mod staff;
pub mod standing;
mod tokens;
pub mod wait;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::context;

/// A page.
pub fn page(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
}

/// A page that tells what the request before it did, once.
pub fn page_once(request: &HttpRequest, html: String) -> HttpResponse {
    let mut response = page(StatusCode::OK, html);
    if let Some(cookie) = context::told(request)
        && let Err(error) = response.add_cookie(&cookie)
    {
        tracing::warn!(%error, "a cookie can't be set");
    }
    response
}
