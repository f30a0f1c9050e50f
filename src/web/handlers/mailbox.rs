//! `/mailbox`: the demo's mail.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::page;
use crate::domain::ids::NoticeId;
use crate::mail::mailbox::{self, Mail as Received};
use crate::mail::plain::pieces;
use crate::web::context::Context;
use crate::web::error::WebError;
use crate::web::pages::layout::Section;
use crate::web::pages::mailbox::{Attachment, Mail, MailRow, MailboxPage};
use crate::web::present;

/// How many mails the list shows.
const LATEST: usize = 100;

/// The latest mails, to whomever they went.
pub async fn list(context: Context) -> Result<HttpResponse, WebError> {
    show(&context, None).await
}

/// One mail.
pub async fn open(context: Context, path: web::Path<String>) -> Result<HttpResponse, WebError> {
    show(&context, Some(path.parse()?)).await
}

async fn show(context: &Context, id: Option<NoticeId>) -> Result<HttpResponse, WebError> {
    let demo = context.state.demo.as_ref();
    let directory = demo.and_then(|demo| demo.mailbox.clone()).ok_or(WebError::NotFound)?;
    let wanted = id.clone();
    let (mails, open) = web::block(move || {
        let open = match &wanted {
            Some(id) => mailbox::read(&directory, id)?,
            None => None,
        };
        Ok::<_, std::io::Error>((mailbox::latest(&directory, LATEST)?, open))
    })
    .await
    .map_err(|error| WebError::Internal(error.to_string()))?
    .map_err(|error| WebError::Internal(format!("the mailbox can't be read: {error}")))?;
    if id.is_some() && open.is_none() {
        return Err(WebError::NotFound);
    }
    let title = open.as_ref().map_or("Mailbox", |mail| mail.subject.as_str());
    let shown = MailboxPage {
        layout: context.layout(title, Section::Mailbox),
        mails: mails.iter().map(|mail| row(context, mail, id.as_ref())).collect(),
        open: open.as_ref().map(|mail| opened(context, mail)),
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

fn row(context: &Context, mail: &Received, open: Option<&NoticeId>) -> MailRow {
    MailRow {
        href: format!("/mailbox/{}", mail.id),
        subject: mail.subject.clone(),
        to: mail.to.clone(),
        when: present::when(context.zone(), context.app().now(), mail.date),
        current: open == Some(&mail.id),
    }
}

fn opened(context: &Context, mail: &Received) -> Mail {
    let domain = mail.from.rsplit('@').next().unwrap_or_default();
    let attachments = mail.attachments.iter().map(|kind| Attachment {
        name: "Calendar".to_owned(),
        kind: kind.clone(),
        size: String::new(),
        href: None,
    });
    Mail {
        subject: mail.subject.clone(),
        from: mail.from.clone(),
        to: mail.to.clone(),
        when: present::when(context.zone(), context.app().now(), mail.date),
        message_id: format!("{}@{domain}", mail.id),
        body: pieces(&mail.text),
        attachments: attachments.collect(),
    }
}
