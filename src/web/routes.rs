//! Every route, and what holds for all of them.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{Compress, DefaultHeaders, Next, from_fn};
use actix_web::{App as ActixApp, HttpServer, web};
use tokio::sync::watch;
use tracing_actix_web::TracingLogger;

use super::context::{WebState, reference};
use super::error::{WebError, as_page, as_problem};
use super::handlers::{
    booking, components, health, lab, labs, links, mailbox, me, reaper, sign_in, sites, staff, standing, wait,
};
use super::log::{CALENDAR, LINK, RequestSpan, secret_route};
use super::metrics::measured;
use super::{api, statics};

/// What a page may load and where it may lead: only from here, nothing inline.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// How long a connection may rest. Longer than a proxy keeps one, so that none is closed just as a request comes.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A form is a few hundred bytes, an SSH key at most a few thousand.
const MAX_BODY: usize = 32 * 1024;

/// Serves on `listener` until the server is told to stop.
pub async fn serve(listener: TcpListener, state: WebState) -> std::io::Result<()> {
    let address: SocketAddr = listener.local_addr()?;
    tracing::info!(%address, "listening");
    let stop = state.stop.clone();
    let data = web::Data::new(state);
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(data.clone())
            .app_data(
                web::FormConfig::default()
                    .limit(MAX_BODY)
                    .error_handler(|e, _| WebError::unreadable(&e).into()),
            )
            .app_data(
                web::JsonConfig::default()
                    .limit(MAX_BODY)
                    .error_handler(|e, _| WebError::unreadable(&e).into()),
            )
            .app_data(web::PathConfig::default().error_handler(|_, _| WebError::NotFound.into()))
            .app_data(web::QueryConfig::default().error_handler(|e, _| WebError::unreadable(&e).into()))
            .wrap(Compress::default())
            .wrap(
                DefaultHeaders::new()
                    .add(("Content-Security-Policy", CSP))
                    .add(("X-Content-Type-Options", "nosniff"))
                    .add(("X-Frame-Options", "DENY"))
                    .add(("Referrer-Policy", "same-origin"))
                    .add(("Permissions-Policy", "camera=(), geolocation=(), microphone=()"))
                    .add(("Cross-Origin-Opener-Policy", "same-origin")),
            )
            .wrap(from_fn(tell_request_id))
            .wrap(from_fn(keep_secrets))
            .wrap(from_fn(measured))
            .wrap(TracingLogger::<RequestSpan>::new())
            .route("/health/live", web::get().to(health::live))
            .route("/health/ready", web::get().to(health::ready))
            .route("/static/{name:.*}", web::get().to(statics::file))
            .service(web::scope("/api/v1").wrap(from_fn(as_problem)).configure(api::routes))
            .service(
                web::scope("").wrap(from_fn(as_page)).configure(|config| pages(config, data.demo.is_some())),
            )
    })
    .workers(2)
    .tcp_nodelay(true)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(5)
    .disable_signals()
    .listen(listener)?
    .run();
    until_stopped(server, stop).await
}

/// Runs the server until the process is told to stop, and lets requests end then.
pub(super) async fn until_stopped(server: Server, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let handle = server.handle();
    let stopping = tokio::spawn(async move {
        while !*stop.borrow() && stop.changed().await.is_ok() {}
        handle.stop(true).await;
    });
    server.await?;
    stopping.abort();
    Ok(())
}

/// Every answer carries the id under which the log has its request.
async fn tell_request_id(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut response = next.call(request).await?;
    if let Ok(id) = HeaderValue::from_str(&reference(response.request())) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    Ok(response)
}

/// A page whose address is a secret tells it to no other, not even to ours: whatever answers, errors included.
async fn keep_secrets(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let secret = secret_route(request.path()).is_some();
    let mut response = next.call(request).await?;
    if secret {
        let none = HeaderValue::from_static("no-referrer");
        response.headers_mut().insert(header::REFERRER_POLICY, none);
    }
    Ok(response)
}

fn pages(config: &mut web::ServiceConfig, demo: bool) {
    config
        .route("/", web::get().to(labs::show))
        .route("/labs/{lab}", web::get().to(lab::show))
        .route("/labs/{lab}/bookings", web::post().to(lab::book))
        .route("/labs/{lab}/wait", web::get().to(wait::show))
        .route("/labs/{lab}/wait", web::post().to(wait::join))
        .route("/labs/{lab}/wait/leave", web::post().to(wait::leave))
        .route("/bookings/{booking}", web::get().to(booking::show))
        .route("/bookings/{booking}/events", web::get().to(booking::events))
        .route("/bookings/{booking}/calendar.ics", web::get().to(booking::calendar))
        .route("/bookings/{booking}/release", web::post().to(booking::release))
        .route("/bookings/{booking}/extend", web::post().to(booking::extend))
        .route("/bookings/{booking}/shorten", web::post().to(booking::shorten))
        .route("/bookings/{booking}/move", web::get().to(booking::places))
        .route("/bookings/{booking}/move", web::post().to(booking::relocate))
        .route("/bookings/{booking}/accept", web::post().to(booking::accept))
        .route("/bookings/{booking}/pass", web::post().to(booking::pass))
        .route("/standing", web::get().to(standing::show))
        .route("/me", web::get().to(me::show))
        .route("/me/key", web::post().to(me::save_key))
        .route("/me/mails", web::post().to(me::save_choices))
        .route("/me/restore", web::post().to(me::restore))
        .route("/me/bookings", web::get().to(me::past_bookings))
        .route("/me/calendar", web::get().to(me::to_calendar))
        .route("/me/calendar", web::post().to(me::renew_calendar))
        .route("/me/calendar/stop", web::post().to(me::stop_calendar))
        .route(CALENDAR, web::get().to(me::read_calendar))
        .route(LINK, web::get().to(links::show))
        .route(LINK, web::post().to(links::follow))
        .route("/staff/fair-share", web::get().to(standing::everyone))
        .route("/staff/waitlist", web::get().to(standing::lines))
        .route("/staff/labs/{lab}", web::get().to(staff::show))
        .route("/staff/labs/{lab}/exceptions", web::post().to(staff::grant))
        .route("/staff/exceptions/{exception}/revoke", web::post().to(staff::revoke))
        .configure(reaper::routes)
        .route("/sites", web::get().to(sites::show))
        .route("/sites/{site}/extending", web::post().to(sites::try_again))
        .route("/sign-in", web::get().to(sign_in::show))
        .route("/sign-out", web::post().to(sign_in::leave));
    if demo {
        config
            .route("/sign-in", web::post().to(sign_in::enter))
            .route("/components", web::get().to(components::show))
            .route("/components/{page}", web::get().to(components::whole))
            .route("/mailbox", web::get().to(mailbox::list))
            .route("/mailbox/{notice}", web::get().to(mailbox::open));
    }
    config.default_service(web::to(|| async { Err::<actix_web::HttpResponse, _>(WebError::NotFound) }));
}
