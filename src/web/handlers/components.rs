//! `/components` of the demo: what pages are made of.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::page;
use crate::web::context::Context;
use crate::web::error::WebError;
use crate::web::pages;
use crate::web::pages::components::ComponentsPage;
use crate::web::pages::layout::Section;

/// Every part in every state.
pub async fn show(context: Context) -> Result<HttpResponse, WebError> {
    let shown = ComponentsPage::new(context.layout("Components", Section::Elsewhere));
    Ok(page(StatusCode::OK, shown.render()?))
}

/// A whole page in one of its states.
pub async fn whole(path: web::Path<String>) -> Result<HttpResponse, WebError> {
    let found = pages::samples().into_iter().find(|(name, _)| *name == path.as_str());
    let (_, sample) = found.ok_or(WebError::NotFound)?;
    Ok(page(StatusCode::OK, sample.dyn_render()?))
}
