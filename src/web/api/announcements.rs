//! Announcements as JSON.

use actix_web::HttpResponse;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{ok, rfc3339};
use crate::db::{Conn, DbError};
use crate::domain::announcement::{Announcement, Audience};
use crate::services::announcements::{self, MOST};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::announcements::reader;

/// What is announced to the caller, the latest first.
pub(super) async fn all(who: SignedIn) -> Result<HttpResponse, WebError> {
    let (app, reader) = (who.context.app().clone(), reader(&who.caller));
    let now = app.now();
    let read = move |conn: &mut Conn<'_>| announcements::published(conn, &reader, None, now, MOST);
    let found = app.db.read::<_, DbError, _>("announcements", read).await?;
    let zone = who.context.zone();
    let all: Vec<Value> = found.iter().map(|it| announcement(zone, &app.public_url, it)).collect();
    Ok(ok(&json!({ "announcements": all })))
}

fn announcement(zone: Tz, public_url: &str, it: &Announcement) -> Value {
    json!({
        "id": it.id,
        "title": it.title,
        "text": it.text,
        "audience": audience(zone, &it.audience),
        "published_at": it.publish_at.map(|at| rfc3339(zone, at)),
        "edited_at": it.edited_at.map(|at| rfc3339(zone, at)),
        "revision": it.revision,
        "url": format!("{public_url}/announcements/{}", it.id),
    })
}

fn audience(zone: Tz, audience: &Audience) -> Value {
    let kind = audience.word();
    match audience {
        Audience::Course => json!({ "kind": kind }),
        Audience::Lab(lab) => json!({ "kind": kind, "lab": lab }),
        Audience::Section(section) => json!({ "kind": kind, "section": section }),
        Audience::Booked { lab, site, span } => json!({
            "kind": kind, "lab": lab, "site": site,
            "from": rfc3339(zone, span.start()), "until": rfc3339(zone, span.end()),
        }),
    }
}
