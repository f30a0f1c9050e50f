//! Which mails the person wants.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};

use super::back;
use crate::domain::person::Choices;
use crate::policy::reminders::ENDING_SOON_MINUTES;
use crate::services::people;
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::Problem;
use crate::web::pages::me::{MailChoices, Reminder};

/// The choices as the page shows them.
pub(super) fn choices(choices: &Choices) -> MailChoices {
    let at = |minutes: i32| Reminder {
        value: minutes.to_string(),
        text: format!("{minutes} minutes before"),
        chosen: choices.ending_soon_minutes.contains(&minutes),
    };
    MailChoices {
        reminders: ENDING_SOON_MINUTES.into_iter().map(at).collect(),
        ready: choices.ready,
        ended: choices.ended,
    }
}

/// Names and values, each box that is ticked by its own: several have one name.
type Form = Vec<(String, String)>;

/// Saves which mails the person wants.
pub async fn save_choices(who: SignedIn, form: web::Form<Form>) -> Result<HttpResponse, WebError> {
    let of = |name: &'static str| {
        let values = form.iter().filter(move |(its, _)| its == name);
        values.map(|(_, value)| value.as_str())
    };
    let choices = Choices {
        ending_soon_minutes: minutes(of("ending_soon"))?,
        ready: of("ready").next().is_some(),
        ended: of("ended").next().is_some(),
    };
    let id = who.caller.person.id.clone();
    who.context.app().db.write("save choices", move |conn| people::set_choices(conn, &id, &choices)).await?;
    Ok(back(&who, Done::ChoicesSaved))
}

/// Each of the minutes once, in order.
fn minutes<'a>(values: impl Iterator<Item = &'a str>) -> Result<Vec<i32>, WebError> {
    let known = |text: &str| ENDING_SOON_MINUTES.into_iter().find(|minutes| minutes.to_string() == text);
    let chosen: Option<BTreeSet<i32>> = values.map(known).collect();
    let problem = || {
        let text = "Choose among the times before the end that the page offers.";
        WebError::BadInput(vec![Problem::with_field("ending_soon", text)])
    };
    Ok(chosen.ok_or_else(problem)?.into_iter().collect())
}
