//! Which mails the person wants.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::back;
use crate::domain::person::Choices;
use crate::policy::reminders::ENDING_SOON_MINUTES;
use crate::services::people;
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::Problem;
use crate::web::pages::me::{MailChoices, Reminder};

/// What a form sends for no reminder.
const NEVER: &str = "never";

/// The choices as the page shows them.
pub(super) fn choices(choices: &Choices) -> MailChoices {
    let at = |minutes: i32| Reminder {
        value: minutes.to_string(),
        text: format!("{minutes} minutes before"),
        chosen: choices.ending_soon_minutes == Some(minutes),
    };
    let never = Reminder {
        value: NEVER.to_owned(),
        text: "Not at all".to_owned(),
        chosen: choices.ending_soon_minutes.is_none(),
    };
    MailChoices {
        reminders: ENDING_SOON_MINUTES.into_iter().map(at).chain([never]).collect(),
        ready: choices.ready,
        ended: choices.ended,
    }
}

/// Choices to save. A box that is not ticked is not sent.
#[derive(Debug, Deserialize)]
pub struct Form {
    csrf: String,
    ending_soon: String,
    ready: Option<String>,
    ended: Option<String>,
}

/// Saves which mails the person wants.
pub async fn save_choices(who: SignedIn, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    who.check_csrf(&form.csrf)?;
    let choices = Choices {
        ending_soon_minutes: minutes(&form.ending_soon)?,
        ready: form.ready.is_some(),
        ended: form.ended.is_some(),
    };
    let id = who.session.person.id.clone();
    who.context.app().db.write("save choices", move |conn| people::set_choices(conn, &id, &choices)).await?;
    Ok(back(Done::ChoicesSaved))
}

fn minutes(text: &str) -> Result<Option<i32>, WebError> {
    if text == NEVER {
        return Ok(None);
    }
    let known = ENDING_SOON_MINUTES.into_iter().find(|minutes| minutes.to_string() == text);
    let problem = || {
        let text = "Choose one of the times before the end that the page offers, or none.";
        WebError::BadInput(vec![Problem::with_field("ending_soon", text)])
    };
    known.map(Some).ok_or_else(problem)
}
