//! `/staff/mail`: what waits to be sent, what was given up, and trying again.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::page;
use crate::db::OutboxLine;
use crate::domain::ids::NoticeId;
use crate::domain::notice::Standing;
use crate::services::outbox::{self, Part, SHOWN};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::{Link, Section};
use crate::web::pages::outbox::{OutboxPage, OutboxRow, Tab};
use crate::web::present;
use crate::web::table::routes;

routes! {
    /// The outbox, for staff.
    ROWS in "", routes:
    get "/staff/mail", KeepMail => show;
    post "/staff/mail/retry", KeepMail => retry_all;
    post "/staff/mail/{notice}/retry", KeepMail => retry;
}

const HERE: &str = "/staff/mail";

/// Notices on a page.
const PAGE: usize = 50;

/// Which notices, as addresses have it.
#[derive(Debug, Default, Deserialize)]
struct Query {
    /// The word of how they stand.
    show: Option<String>,
    /// Those after this one.
    after: Option<NoticeId>,
}

fn href(standing: Standing) -> String {
    format!("{HERE}?show={}", standing.word())
}

async fn show(who: SignedIn, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let standing = match query.show.as_deref() {
        None => Standing::Waiting,
        Some(word) => Standing::from_word(word).filter(|it| SHOWN.contains(it)).ok_or(WebError::NotFound)?,
    };
    let after = query.after.clone();
    let first = after.is_none();
    let db = &who.context.app().db;
    let part = db.read("outbox", move |conn| outbox::part(conn, standing, after.as_ref(), PAGE)).await?;
    Ok(page(StatusCode::OK, compose(&who, standing, first, &part).render()?))
}

fn compose(who: &SignedIn, standing: Standing, first: bool, part: &Part) -> OutboxPage {
    let count = part.tally.get(&standing).copied().unwrap_or_default();
    let tab = |it: Standing| Tab {
        link: Link::new(href(it), name(it)),
        count: part.tally.get(&it).copied().unwrap_or_default(),
        chosen: it == standing,
    };
    OutboxPage {
        layout: who.context.layout("Mail", Section::Elsewhere),
        answer: answer(standing, count),
        lead: lead(standing),
        tabs: SHOWN.map(tab).to_vec(),
        rows: part.lines.iter().map(|line| row(who, line)).collect(),
        retry_all: (standing == Standing::GivenUp && count > 1).then(|| format!("{HERE}/retry")),
        oldest: (!first).then(|| href(standing)),
        newer: part.next.as_ref().map(|id| format!("{}&after={id}", href(standing))),
    }
}

/// What those are called that stand so.
fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::Waiting => "Waiting",
        Standing::GivenUp => "Given up",
        Standing::OutOfDate => "Out of date",
        Standing::Gathering => "For digests",
        Standing::InDigest => "In a digest",
        Standing::Sent => "Sent",
    }
}

fn answer(standing: Standing, count: i64) -> String {
    let counted = |one: &str, many: &str| match count {
        0 => format!("No mail {one}."),
        1 => format!("1 mail {one}."),
        _ => format!("{count} mails {many}."),
    };
    match standing {
        Standing::GivenUp => counted("was given up", "were given up"),
        Standing::OutOfDate => counted("was set aside", "were set aside"),
        Standing::Gathering => counted("waits for a digest", "wait for digests"),
        Standing::Waiting | Standing::InDigest | Standing::Sent => {
            counted("waits to be sent", "wait to be sent")
        }
    }
}

fn lead(standing: Standing) -> &'static str {
    match standing {
        Standing::GivenUp => {
            "The mail server refused them for good, or for two days. Once what it says is mended, have them tried again."
        }
        Standing::OutOfDate => {
            "They could not be sent before their time was over, and are not sent any more."
        }
        Standing::Gathering => "They are told in one mail a day to each person, at 08:00.",
        Standing::Waiting | Standing::InDigest | Standing::Sent => {
            "What is urgent goes first. What could not be sent is tried again after some seconds, then minutes, then each hour."
        }
    }
}

fn row(who: &SignedIn, line: &OutboxLine) -> OutboxRow {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    let whom =
        line.person.as_ref().map(|(id, net_id)| Link::new(format!("/staff/people/{id}"), net_id.to_string()));
    OutboxRow {
        id: line.id.to_string(),
        at: present::when(zone, now, line.created_at),
        whom,
        topic: line.topic.title(),
        subject: line.subject.clone(),
        next: line
            .next_attempt_at
            .or(line.digest_at)
            .filter(|at| now < *at)
            .map(|at| present::when(zone, now, at)),
        attempts: match line.attempts {
            0 => None,
            1 => Some("Tried once".to_owned()),
            many => Some(format!("Tried {many} times")),
        },
        words: line.last_error.clone(),
        retry: (line.standing == Standing::GivenUp).then(|| format!("{HERE}/{}/retry", line.id)),
    }
}

async fn retry(who: SignedIn, path: web::Path<NoticeId>) -> Result<HttpResponse, WebError> {
    match outbox::retry(who.context.app(), &who.doer(), Some(path.into_inner())).await? {
        0 => Err(WebError::NotFound),
        _ => Ok(who.context.done(&href(Standing::GivenUp), Done::MailRetried)),
    }
}

async fn retry_all(who: SignedIn) -> Result<HttpResponse, WebError> {
    outbox::retry(who.context.app(), &who.doer(), None).await?;
    Ok(who.context.done(&href(Standing::GivenUp), Done::MailRetried))
}
