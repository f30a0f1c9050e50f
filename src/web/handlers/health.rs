//! `/health`: for those who run the service.

use actix_web::{HttpResponse, web};

use crate::web::context::WebState;

/// The process answers.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("live\n")
}

/// The process can do its work: the database answers.
pub async fn ready(state: web::Data<WebState>) -> HttpResponse {
    match state.app.db.ping().await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain").body("ready\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            HttpResponse::ServiceUnavailable().content_type("text/plain").body("the database does not answer\n")
        }
    }
}
