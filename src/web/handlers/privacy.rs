//! What is kept of a person, as a file for them and for instructors; and erasing them.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::domain::ids::PersonId;
use crate::services::privacy::{self, PrivacyError};
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::pages::layout::Problem;

/// All that is kept of whoever asks. Who looks with someone's eyes is not told all of that one.
pub async fn own(who: SignedIn) -> Result<HttpResponse, WebError> {
    if who.caller.looks_as().is_some() {
        return Err(WebError::OnlyLooking);
    }
    let id = who.caller.person.id.clone();
    file(&who, id).await
}

/// All that is kept of a person.
pub async fn of_person(who: SignedIn, path: web::Path<PersonId>) -> Result<HttpResponse, WebError> {
    file(&who, path.into_inner()).await
}

async fn file(who: &SignedIn, id: PersonId) -> Result<HttpResponse, WebError> {
    let (app, doer, of) = (who.context.app().clone(), who.doer(), id.clone());
    let db = app.db.clone();
    let kept = db.write("privacy: export", move |conn| privacy::export(&app, conn, &doer, &of)).await;
    let kept = kept.map_err(refused)?;
    let name = format!("attachment; filename=\"fairlease-{id}.json\"");
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, name)).json(kept))
}

/// Why a person is to be erased.
#[derive(Debug, Deserialize)]
pub struct Form {
    #[serde(default)]
    reason: String,
}

/// Erases a person, and leads to those who are left.
pub async fn erase(
    who: SignedIn,
    path: web::Path<PersonId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, WebError> {
    let (app, doer, id) = (who.context.app().clone(), who.doer(), path.into_inner());
    let (db, why) = (app.db.clone(), form.into_inner().reason);
    let erased = db.write("privacy: erase", move |conn| privacy::erase(&app, conn, &doer, &id, &why)).await;
    erased.map_err(refused)?;
    Ok(who.context.done("/staff/roster", Done::Erased))
}

fn refused(error: PrivacyError) -> WebError {
    match error {
        PrivacyError::NoSuchPerson => WebError::NotFound,
        PrivacyError::Db(error) => error.into(),
        PrivacyError::NoReason => {
            WebError::BadInput(vec![Problem::with_field("reason", "Say why: it is recorded.")])
        }
        other => WebError::WrongState(other.to_string()),
    }
}
