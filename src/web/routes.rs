//! Every route, and what holds for all of them.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_multipart::form::MultipartFormConfig;
use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{App as ActixApp, HttpServer, web};
use tokio::sync::watch;
use tracing_actix_web::TracingLogger;

use super::context::{WebState, reference};
use super::error::{WebError, as_page, as_problem};
use super::guard::guarded;
use super::handlers::{
    announcements, audit, booking, components, health, lab, labs, links, look, mailbox, me, outages, outbox,
    person, privacy, reaper, roster, services, sign_in, sites, staff, standing, wait,
};
use super::limits::Limits;
use super::log::{CALENDAR, LINK, RequestSpan, secret_route};
use super::metrics::measured;
use super::table::{Row, routes};
use super::{api, body, headers, statics};

/// How long a connection may rest. Longer than a proxy keeps one, so that none is closed just as a request comes.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the head of a connection's first request may take.
const HEAD: Duration = Duration::from_secs(10);

/// How long a connection may take to end, and how long what is left of a refused body is still read, so that whoever sends
/// it gets to read why.
const DISCONNECT: Duration = Duration::from_secs(2);

/// How many connections one of the threads has: a class of 191 with ten open pages each is far below. Others wait.
const MOST_CONNECTIONS: usize = 2000;

/// How many threads serve.
const WORKERS: usize = 2;

/// Serves on `listener` until the server is told to stop.
pub async fn serve(listener: TcpListener, state: WebState) -> std::io::Result<()> {
    let address: SocketAddr = listener.local_addr()?;
    tracing::info!(%address, "listening");
    let stop = state.stop.clone();
    let limits = web::Data::new(Limits::new(&state.app.clock));
    let data = web::Data::new(state);
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(data.clone())
            .app_data(limits.clone())
            .app_data(web::PayloadConfig::new(body::MOST))
            .app_data(
                web::FormConfig::default()
                    .limit(body::MOST)
                    .error_handler(|e, _| WebError::of_form(&e).into()),
            )
            .app_data(
                web::JsonConfig::default()
                    .limit(body::MOST)
                    .error_handler(|e, _| WebError::of_json(&e).into()),
            )
            .app_data(
                MultipartFormConfig::default()
                    .total_limit(body::MOST_OF_UPLOAD)
                    .memory_limit(body::MOST_OF_UPLOAD)
                    .error_handler(|e, _| WebError::unreadable(&e).into()),
            )
            .app_data(web::PathConfig::default().error_handler(|_, _| WebError::NotFound.into()))
            .app_data(web::QueryConfig::default().error_handler(|e, _| WebError::unreadable(&e).into()))
            .wrap(Compress::default())
            .wrap(headers::of_every_answer(data.is_secure()))
            .wrap(from_fn(tell_request_id))
            .wrap(from_fn(keep_secrets))
            .wrap(from_fn(measured))
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(from_fn(body::held))
            .configure(open)
            .service(
                web::scope("/api/v1").wrap(from_fn(guarded)).wrap(from_fn(as_problem)).configure(api::routes),
            )
            .service(
                web::scope("")
                    .wrap(from_fn(guarded))
                    .wrap(from_fn(as_page))
                    .configure(|config| pages(config, data.demo.is_some())),
            )
    })
    .workers(WORKERS)
    .max_connections(MOST_CONNECTIONS)
    .tcp_nodelay(true)
    .client_request_timeout(HEAD)
    .client_disconnect_timeout(DISCONNECT)
    // A page that was closed frees its stream at once: no browser that goes on listening stops speaking.
    .h1_allow_half_closed(false)
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

/// The row of the table for a request, if there is one.
pub fn row_of(method: &Method, pattern: &str) -> Option<&'static Row> {
    every_row().find(|row| row.is(method, pattern))
}

/// The table of all routes.
pub fn every_row() -> impl Iterator<Item = &'static Row> {
    let tables = [
        OPEN,
        PAGES,
        DEMO,
        reaper::ROWS,
        roster::ROWS,
        outbox::ROWS,
        person::ROWS,
        services::ROWS,
        announcements::ROWS,
        outages::ROWS,
        api::ROWS,
        api::audit::ROWS,
        api::reaper::ROWS,
        api::roster::ROWS,
        api::waiting::ROWS,
    ];
    tables.into_iter().flatten()
}

fn pages(config: &mut web::ServiceConfig, demo: bool) {
    served(config);
    reaper::routes(config);
    roster::routes(config);
    outbox::routes(config);
    person::routes(config);
    services::routes(config);
    announcements::routes(config);
    outages::routes(config);
    if demo {
        for_demo(config);
    }
    config.default_service(web::to(|| async { Err::<actix_web::HttpResponse, _>(WebError::NotFound) }));
}

routes! {
    /// What is there for whoever asks, before anything is asked of them.
    OPEN in "", open:
    get "/health/live", Anyone => health::live;
    get "/health/ready", Anyone => health::ready;
    get "/static/{name:.*}", Anyone => statics::file;
}

routes! {
    /// The pages.
    PAGES in "", served:
    get "/", SeeLabs => labs::show;
    get "/labs/{lab}", SeeLabs => lab::show;
    post "/labs/{lab}/bookings", Book => lab::book;
    get "/labs/{lab}/wait", Book => wait::show;
    post "/labs/{lab}/wait", Book => wait::join;
    post "/labs/{lab}/wait/leave", Book => wait::leave;
    get "/bookings/{booking}", SeeBooking => booking::show;
    get "/bookings/{booking}/events", SeeBooking => booking::events;
    get "/bookings/{booking}/calendar.ics", KeepAccount => booking::calendar;
    post "/bookings/{booking}/release", ChangeBooking => booking::release;
    post "/bookings/{booking}/extend", ChangeBooking => booking::extend;
    post "/bookings/{booking}/shorten", ChangeBooking => booking::shorten;
    get "/bookings/{booking}/move", ChangeBooking => booking::places;
    post "/bookings/{booking}/move", ChangeBooking => booking::relocate;
    post "/bookings/{booking}/accept", ChangeBooking => booking::accept;
    post "/bookings/{booking}/pass", ChangeBooking => booking::pass;
    get "/standing", SeeUsage => standing::show;
    get "/me", KeepAccount => me::show;
    get "/me/export", KeepAccount => privacy::own;
    post "/me/key", KeepAccount => me::save_key;
    post "/me/mails", KeepAccount => me::save_choices;
    post "/me/restore", Restore => me::restore;
    post "/me/sessions/end", KeepAccount => me::end_other_sessions;
    post "/me/sessions/{session}/end", KeepAccount => me::end_session;
    get "/me/bookings", KeepAccount => me::past_bookings;
    get "/me/tokens", KeepTokens => me::to_tokens;
    post "/me/tokens", KeepTokens => me::make_token;
    post "/me/tokens/{token}/revoke", KeepTokens => me::revoke_token;
    get "/me/calendar", KeepAccount => me::to_calendar;
    post "/me/calendar", KeepAccount => me::renew_calendar;
    post "/me/calendar/stop", KeepAccount => me::stop_calendar;
    get "/me/calendar/course", SeeCourse => me::to_calendar;
    post "/me/calendar/course", SeeCourse => me::renew_course_calendar;
    post "/me/calendar/course/stop", SeeCourse => me::stop_course_calendar;
    get CALENDAR, Anyone => me::read_calendar;
    get LINK, Anyone => links::show;
    post LINK, Anyone => links::follow;
    get "/staff/fair-share", SeeCourse => standing::everyone;
    get "/staff/waitlist", SeeCourse => standing::lines;
    get "/staff/labs/{lab}", SeeCourse => staff::show;
    post "/staff/labs/{lab}/exceptions", GrantExceptions => staff::grant;
    post "/staff/exceptions/{exception}/revoke", GrantExceptions => staff::revoke;
    get "/staff/audit", SeeAudit => audit::show;
    post "/staff/audit", SeeAudit => audit::search;
    get "/staff/audit/export", SeeAudit => audit::export;
    get "/staff/look", LookAs => look::show;
    post "/staff/look", LookAs => look::begin;
    post "/staff/look/end", LookAs => look::end;
    get "/sites", SeeLabs => sites::show;
    post "/sites/{site}/extending", RunReaper => sites::try_again;
    get "/sign-in", Anyone => sign_in::show;
    post "/sign-in/{provider}", Anyone => sign_in::begin;
    get "/sign-in/{provider}/callback", Anyone => sign_in::callback;
    post "/sign-in/{provider}/ended", Anyone => sign_in::ended;
    post "/sign-out", SignedIn => sign_in::leave;
}

routes! {
    /// What exists only in the demo.
    DEMO in "", for_demo:
    post "/sign-in", Anyone => sign_in::enter;
    get "/components", Anyone => components::show;
    get "/components/{page}", Anyone => components::whole;
    get "/mailbox", Anyone => mailbox::list;
    get "/mailbox/samples", Anyone => mailbox::all_samples;
    get "/mailbox/samples/{sample}", Anyone => mailbox::sample;
    get "/mailbox/samples/{sample}/html", Anyone => mailbox::sample_html;
    get "/mailbox/{notice}", Anyone => mailbox::open;
    get "/mailbox/{notice}/html", Anyone => mailbox::html;
}
