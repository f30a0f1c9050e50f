//! The tokens of the person's programs.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::Kept;
use crate::domain::ids::TokenId;
use crate::services::tokens;
use crate::web::context::{Done, SignedIn};
use crate::web::error::WebError;
use crate::web::handlers::page;
use crate::web::handlers::tokens::{Pairs, Typed, made};
use crate::web::pages::layout::{Link, Section};
use crate::web::present;

/// Where they are listed.
const HERE: &str = "/me#tokens";

/// Makes a token and shows its secret. A form that is not right comes back with what is wrong with it.
pub async fn make_token(who: SignedIn, form: web::Form<Pairs>) -> Result<HttpResponse, WebError> {
    let id = &who.caller.person.id;
    match Typed::read(&form).make(&who.context, id, id).await? {
        Ok(token) => made(&who.context, &token, Link::new(HERE, "Me"), Section::Me),
        Err(token) => {
            let again = super::me(&who, Kept { token, ..Kept::default() }).await?;
            Ok(page(StatusCode::UNPROCESSABLE_ENTITY, again.render()?))
        }
    }
}

/// Someone comes back to where a secret was shown.
pub async fn to_tokens(_: SignedIn) -> HttpResponse {
    present::redirect(HERE)
}

/// The token signs in no more.
pub async fn revoke_token(who: SignedIn, path: web::Path<TokenId>) -> Result<HttpResponse, WebError> {
    let (app, id) = (who.context.app().clone(), who.caller.person.id.clone());
    let (db, doer, token) = (app.db.clone(), who.doer(), path.into_inner());
    if db.write("revoke token", move |conn| tokens::revoke(&app, conn, &doer, &id, &token)).await? {
        Ok(who.context.done(HERE, Done::TokenRevoked))
    } else {
        Err(WebError::NotFound)
    }
}
