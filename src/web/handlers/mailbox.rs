//! `/mailbox`: the demo's mail, and every mail that there is as it may look.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::page;
use crate::domain::ids::NoticeId;
use crate::mail::mailbox::{self, File, Mail as Received};
use crate::mail::messages::samples::{Sample, samples};
use crate::mail::plain::pieces;
use crate::web::context::Context;
use crate::web::error::WebError;
use crate::web::headers;
use crate::web::pages::layout::Section;
use crate::web::pages::mailbox::{Attachment, Mail, MailRow, MailboxPage};
use crate::web::present;

/// How many mails the list shows.
const LATEST: usize = 100;

/// From whom samples are.
const SENDER: &str = "Fairlease <fairlease@example.edu>";

/// The latest mails, to whomever they went.
pub async fn list(context: Context) -> Result<HttpResponse, WebError> {
    let (mails, _) = read(&context, None).await?;
    let rows = mails.iter().map(|mail| row(&context, mail, None)).collect();
    show(&context, rows, None, false)
}

/// One mail.
pub async fn open(context: Context, path: web::Path<String>) -> Result<HttpResponse, WebError> {
    let id: NoticeId = path.parse()?;
    let (mails, open) = read(&context, Some(id.clone())).await?;
    let open = open.ok_or(WebError::NotFound)?;
    let rows = mails.iter().map(|mail| row(&context, mail, Some(&id))).collect();
    show(&context, rows, Some(opened(&context, &open, &format!("/mailbox/{id}"))), false)
}

/// The HTML of one mail, for the frame on its page.
pub async fn html(context: Context, path: web::Path<String>) -> Result<HttpResponse, WebError> {
    let (_, open) = read(&context, Some(path.parse()?)).await?;
    framed(open)
}

/// Every mail that there is, whether it was sent or not.
pub async fn all_samples(context: Context) -> Result<HttpResponse, WebError> {
    show(&context, sample_rows(&context, &made()?, None), None, true)
}

/// One of them.
pub async fn sample(context: Context, path: web::Path<String>) -> Result<HttpResponse, WebError> {
    let all = made()?;
    let mail = received(&all, &path)?;
    let here = format!("/mailbox/samples/{path}");
    show(&context, sample_rows(&context, &all, Some(&path)), Some(opened(&context, &mail, &here)), true)
}

/// The HTML of one of them, for the frame on its page.
pub async fn sample_html(path: web::Path<String>) -> Result<HttpResponse, WebError> {
    framed(Some(received(&made()?, &path)?))
}

fn made() -> Result<Vec<Sample>, WebError> {
    samples().map_err(|error| WebError::Internal(error.to_string()))
}

fn received(all: &[Sample], name: &str) -> Result<Received, WebError> {
    let sample = all.iter().find(|sample| sample.name == name).ok_or(WebError::NotFound)?;
    mailbox::of_sample(sample, SENDER).map_err(WebError::Internal)
}

/// The latest mails, and one of them if it is wanted and there.
async fn read(
    context: &Context,
    wanted: Option<NoticeId>,
) -> Result<(Vec<Received>, Option<Received>), WebError> {
    let demo = context.state.demo.as_ref();
    let directory = demo.and_then(|demo| demo.mailbox.clone()).ok_or(WebError::NotFound)?;
    web::block(move || {
        let open = match &wanted {
            Some(id) => mailbox::read(&directory, id)?,
            None => None,
        };
        Ok::<_, std::io::Error>((mailbox::latest(&directory, LATEST)?, open))
    })
    .await
    .map_err(|error| WebError::Internal(error.to_string()))?
    .map_err(|error| WebError::Internal(format!("the mailbox can't be read: {error}")))
}

fn show(
    context: &Context,
    mails: Vec<MailRow>,
    open: Option<Mail>,
    of_samples: bool,
) -> Result<HttpResponse, WebError> {
    let titled = if of_samples { "Every mail" } else { "Mailbox" };
    let title = open.as_ref().map_or(titled, |mail| mail.subject.as_str());
    let layout = context.layout(title, Section::Mailbox);
    let framed = open.is_some();
    let text = MailboxPage { layout, mails, open, of_samples }.render()?;
    let mut response = page(StatusCode::OK, text);
    if framed {
        let (name, policy) = headers::with_frame();
        let policy =
            policy.parse().map_err(|_| WebError::Internal("a header can't be written".to_owned()))?;
        response.headers_mut().insert(name, policy);
    }
    Ok(response)
}

/// A mail's HTML as a document, whose links lead the page around it on.
fn framed(mail: Option<Received>) -> Result<HttpResponse, WebError> {
    let html = mail.and_then(|mail| mail.html).ok_or(WebError::NotFound)?;
    let html = html.replacen("<head>", "<head><base target=\"_top\">", 1);
    let mut response = HttpResponse::Ok();
    for header in headers::of_framed_mail() {
        response.insert_header(header);
    }
    Ok(response.content_type("text/html; charset=utf-8").body(html))
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

fn sample_rows(context: &Context, all: &[Sample], open: Option<&str>) -> Vec<MailRow> {
    let row = |sample: &Sample| MailRow {
        href: format!("/mailbox/samples/{}", sample.name),
        subject: sample.message.subject.clone(),
        to: format!("{}, {}", sample.topic.word(), if sample.to_staff { "to staff" } else { "to a student" }),
        when: present::when(context.zone(), context.app().now(), sample.written_at),
        current: open == Some(sample.name),
    };
    all.iter().map(row).collect()
}

/// A mail at the page with the path `here`.
fn opened(context: &Context, mail: &Received, here: &str) -> Mail {
    let domain = mail.from.rsplit('@').next().unwrap_or_default();
    let attachments = mail.files.iter().map(|File { name, kind, size }| Attachment {
        name: name.clone(),
        kind: kind.clone(),
        size: format!("{size} bytes"),
        href: None,
    });
    Mail {
        subject: mail.subject.clone(),
        from: mail.from.clone(),
        to: mail.to.clone(),
        when: present::when(context.zone(), context.app().now(), mail.date),
        message_id: format!("{}@{domain}", mail.id),
        frame: mail.html.is_some().then(|| format!("{here}/html")),
        body: pieces(&mail.text),
        attachments: attachments.collect(),
    }
}
