//! The announcements as an Atom feed (RFC 4287), for whoever has its address.

use actix_web::http::header::{self, EntityTag, Header as _, HeaderValue, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use atom_syndication::{Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Text};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::domain::announcement::Announcement;
use crate::entropy;
use crate::markdown;
use crate::services::announcements::{self, Followed};
use crate::web::context::WebState;
use crate::web::error::WebError;

/// The feed at the address with this secret; nothing new if it is what the reader has.
pub(super) async fn read(
    state: web::Data<WebState>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WebError> {
    let (app, secret) = (state.app.clone(), path.into_inner());
    let db = app.db.clone();
    let public_url = app.public_url.clone();
    let found = db.read("feed", move |conn| announcements::followed(&app, conn, &secret)).await?;
    let body = feed(&public_url, &found.ok_or(WebError::NotFound)?).to_string();
    let tag = EntityTag::new_strong(entropy::hex(&Sha256::digest(body.as_bytes())));
    let mut response = if has(&request, &tag) {
        HttpResponse::NotModified().finish()
    } else {
        HttpResponse::Ok().content_type("application/atom+xml; charset=utf-8").body(body)
    };
    if let Ok(tag) = HeaderValue::try_from(tag.to_string()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Whether the reader says that it has this.
fn has(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|had| had.weak_eq(tag)),
        Ok(IfNoneMatch::Any) | Err(_) => false,
    }
}

fn feed(public_url: &str, followed: &Followed) -> Feed {
    let here = format!("{public_url}/announcements");
    let updated = followed.announcements.iter().map(changed_at).max().unwrap_or(DateTime::UNIX_EPOCH);
    let generator = Generator { value: "Fairlease".to_owned(), uri: None, version: None };
    Feed {
        title: Text::plain(format!("{}: announcements", followed.course)),
        id: here.clone(),
        updated: fixed(updated),
        // Each entry has none of its own, and every entry needs one.
        authors: vec![Person { name: "Course staff".to_owned(), ..Person::default() }],
        generator: Some(generator),
        links: vec![to(here)],
        entries: followed.announcements.iter().map(|it| entry(public_url, it)).collect(),
        ..Feed::default()
    }
}

fn entry(public_url: &str, it: &Announcement) -> Entry {
    let here = format!("{public_url}/announcements/{}", it.id);
    let content = Content {
        value: Some(markdown::html(&it.text)),
        content_type: Some("html".to_owned()),
        ..Content::default()
    };
    Entry {
        title: Text::plain(it.title.clone()),
        id: here.clone(),
        updated: fixed(changed_at(it)),
        published: it.publish_at.map(fixed),
        links: vec![to(here)],
        content: Some(content),
        ..Entry::default()
    }
}

fn changed_at(it: &Announcement) -> DateTime<Utc> {
    it.edited_at.or(it.publish_at).unwrap_or(it.created_at)
}

fn to(href: String) -> Link {
    Link { href, rel: "alternate".to_owned(), mime_type: Some("text/html".to_owned()), ..Link::default() }
}

fn fixed(at: DateTime<Utc>) -> FixedDateTime {
    at.fixed_offset()
}
