//! `/metrics` on a listener of its own, so that it is never public by accident, and how requests are measured.

use std::net::TcpListener;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{App as ActixApp, Error, HttpResponse, HttpServer, web};

use super::context::WebState;
use super::handlers::health;
use crate::metrics::MEDIA_TYPE;
use crate::services::queue;

/// Serves `/metrics` on `listener`, and `/health` for those who run a worker, until the process is told to stop.
pub async fn serve(listener: TcpListener, state: WebState) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "metrics are served");
    let stop = state.stop.clone();
    let data = web::Data::new(state);
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(data.clone())
            .route("/metrics", web::get().to(metrics))
            .route("/health/live", web::get().to(health::live))
            .route("/health/ready", web::get().to(health::ready))
    })
    .workers(1)
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?
    .run();
    super::routes::until_stopped(server, stop).await
}

async fn metrics(state: web::Data<WebState>) -> HttpResponse {
    match queue::metrics(&state.app).await {
        Ok(text) => HttpResponse::Ok().content_type(MEDIA_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "there are no metrics");
            HttpResponse::ServiceUnavailable().content_type("text/plain").body("there are no metrics now\n")
        }
    }
}

/// Measures a request by the pattern of its route. What has none shares one name, whatever was asked for. A stream counts
/// as answered when it begins.
pub async fn measured(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let app = request.app_data::<web::Data<WebState>>().map(|state| state.app.clone());
    let (method, begun) = (request.method().clone(), app.as_ref().map(|app| app.now()));
    let result = next.call(request).await;
    let (route, status) = match &result {
        Ok(response) => (response.request().match_pattern(), response.status()),
        Err(error) => (None, error.as_response_error().status_code()),
    };
    if let Some((app, begun)) = app.zip(begun) {
        let took = (app.now() - begun).to_std().unwrap_or_default();
        let route = route.as_deref().filter(|route| !route.is_empty()).unwrap_or("other");
        app.watch.metrics.request(known(method.as_str()), route, status.as_u16(), took);
    }
    result
}

/// The method, if it is one that routes have: a stranger may send any word.
fn known(method: &str) -> &str {
    if ["GET", "HEAD", "POST", "PATCH", "DELETE"].contains(&method) { method } else { "other" }
}
