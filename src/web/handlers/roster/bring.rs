//! `/staff/roster/bring`: the form that takes a roster.

use actix_multipart::form::MultipartForm;
use actix_multipart::form::bytes::Bytes;
use actix_multipart::form::text::Text;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::super::{page, page_once};
use crate::domain::roster::Format;
use crate::roster::Refused;
use crate::services::roster::{self, BOOKINGS_END_AFTER, MOST_HOURS, RosterError, Wanted};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::guard::same_token;
use crate::web::pages::layout::{Field, Problem, Section};
use crate::web::pages::roster::{BringPage, Choice};
use crate::web::present;

/// The form as browsers send it.
#[derive(Debug, MultipartForm)]
pub(super) struct Upload {
    csrf: Text<String>,
    file: Option<Bytes>,
    pasted: Option<Text<String>>,
    format: Option<Text<String>>,
    mail_domain: Option<Text<String>>,
    drop: Option<Text<String>>,
    only_sections: Option<Text<String>>,
    hours: Option<Text<String>>,
}

/// What was typed, apart from the file.
#[derive(Debug, Clone)]
struct Typed {
    pasted: String,
    format: String,
    mail_domain: String,
    drop: bool,
    only_sections: String,
    hours: String,
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            pasted: String::new(),
            format: String::new(),
            mail_domain: String::new(),
            drop: true,
            only_sections: String::new(),
            hours: BOOKINGS_END_AFTER.num_hours().to_string(),
        }
    }
}

/// Shows the form.
pub(super) async fn show(who: SignedIn, request: HttpRequest) -> Result<HttpResponse, WebError> {
    Ok(page_once(&request, compose(&who, &Typed::default(), Vec::new(), 0).render()?))
}

/// Takes a roster, and leads to what it changes. A file that is not right comes back with everything that is wrong with it.
pub(super) async fn upload(who: SignedIn, form: MultipartForm<Upload>) -> Result<HttpResponse, WebError> {
    let form = form.into_inner();
    same_token(&who.caller, &form.csrf)?;
    let (typed, file) = taken(form);
    let refused = |problems, more| {
        let shown = compose(&who, &typed, problems, more).render()?;
        Ok(page(StatusCode::UNPROCESSABLE_ENTITY, shown))
    };
    let wanted = match read(&who, &typed, file) {
        Ok(wanted) => wanted,
        Err(problems) => return refused(problems, 0),
    };
    match roster::preview(who.context.app(), wanted, who.doer()).await {
        Ok(import) => Ok(present::redirect(&format!("/staff/roster/imports/{}", import.id))),
        Err(RosterError::Refused(Refused { errors, more })) => {
            let problem = |text: String| Problem { code: None, text, field: None };
            refused(errors.iter().map(|error| problem(error.to_string())).collect(), more)
        }
        Err(RosterError::Db(error)) => Err(error.into()),
        Err(error) => Err(WebError::WrongState(error.to_string())),
    }
}

/// The file's name and bytes; the file that was chosen, or else what was pasted.
type File = (String, Vec<u8>);

fn taken(form: Upload) -> (Typed, File) {
    let text = |field: Option<Text<String>>| field.map(Text::into_inner).unwrap_or_default();
    let chosen = form.file.filter(|file| !file.data.is_empty());
    let typed = Typed {
        pasted: text(form.pasted),
        format: text(form.format),
        mail_domain: text(form.mail_domain),
        drop: form.drop.is_none_or(|drop| drop.as_str() != "no"),
        only_sections: text(form.only_sections),
        hours: form.hours.map_or_else(|| Typed::default().hours, Text::into_inner),
    };
    let file = match chosen {
        Some(file) => (file.file_name.unwrap_or_else(|| "file".to_owned()), file.data.to_vec()),
        None => ("pasted".to_owned(), typed.pasted.clone().into_bytes()),
    };
    (typed, file)
}

fn read(who: &SignedIn, typed: &Typed, (file_name, bytes): File) -> Result<Wanted, Vec<Problem>> {
    let mut problems = Vec::new();
    if bytes.is_empty() {
        problems.push(Problem::with_field("file", "Choose a file, or paste what is in it."));
    }
    let format = match typed.format.as_str() {
        "" => None,
        word => word
            .parse::<Format>()
            .map_err(|error| problems.push(Problem::with_field("format", format!("Not so: {error}."))))
            .ok(),
    };
    let mail_domain = match typed.mail_domain.trim() {
        "" => None,
        text => text
            .parse()
            .map_err(|error| problems.push(Problem::with_field("mail_domain", format!("{error}."))))
            .ok(),
    };
    let hours = typed.hours.trim().parse().ok().filter(|hours| (0..=MOST_HOURS).contains(hours));
    if hours.is_none() {
        let text = format!("\"{}\" is not a whole number from 0 to {MOST_HOURS}.", typed.hours.trim());
        problems.push(Problem::with_field("hours", text));
    }
    let sections = typed.only_sections.split(';').map(str::trim).filter(|name| !name.is_empty());
    match hours {
        Some(hours) if problems.is_empty() => Ok(Wanted {
            bytes,
            file_name,
            format,
            mail_domain,
            drop: typed.drop,
            only_sections: sections.map(str::to_owned).collect(),
            hours,
            by: Some(who.caller.owner().id.clone()),
        }),
        _ => Err(problems),
    }
}

fn compose(who: &SignedIn, typed: &Typed, problems: Vec<Problem>, more: usize) -> BringPage {
    let field = |id, label, hint: String, value: &str| Field {
        id,
        kind: None,
        label,
        hint,
        value: value.to_owned(),
        problem: problems.iter().find(|it| it.field.as_deref() == Some(id)).map(|it| it.text.clone()),
        required: false,
    };
    let formats =
        Format::ALL.map(|format| Choice::new(format.word(), format.name(), format.word() == typed.format));
    BringPage {
        layout: who.context.layout("Bring a roster", Section::Roster),
        formats: std::iter::once(Choice::new("", "Told by its header", typed.format.is_empty()))
            .chain(formats)
            .collect(),
        pasted: typed.pasted.clone(),
        domain: field(
            "mail_domain",
            "Mail domain",
            "What the course's addresses have after the \"@\", such as example.edu. Canvas exports no addresses, and \
             Gradescope no net IDs: each is made of the other."
                .to_owned(),
            &typed.mail_domain,
        ),
        drop: typed.drop,
        sections: field(
            "only_sections",
            "Only these sections (optional)",
            "If the file is of some sections only: their names, parted by \";\". Nobody else is dropped.".to_owned(),
            &typed.only_sections,
        ),
        hours: field(
            "hours",
            "Bookings of who drops end after",
            format!("Hours, from 0 to {MOST_HOURS}. They get a mail at once."),
            &typed.hours,
        ),
        problems,
        more,
    }
}
