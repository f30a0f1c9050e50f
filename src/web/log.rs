//! How requests are logged: the lines of each carry what it asked for and its id.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{DefaultRootSpanBuilder, RootSpanBuilder};

use super::address;
use super::context::reference;

/// The route of calendars. Whoever has such an address may read the calendar, so the log has only this.
pub const CALENDAR: &str = "/calendar/{secret}.ics";

/// The route of feeds of announcements. Whoever has such an address may read them, so the log has only this.
pub const FEED: &str = "/feeds/{secret}.atom";

/// The route of links in mails. Whoever has such an address may do what it does, so the log has only this.
pub const LINK: &str = "/links/{token}";

/// The routes whose addresses are secret, by how their paths begin. What is mistyped may be close to what is right.
const SECRET: [(&str, &str); 3] = [("/calendar/", CALENDAR), ("/feeds/", FEED), ("/links/", LINK)];

/// The route of a path that is secret, or begins like one.
pub fn secret_route(path: &str) -> Option<&'static str> {
    SECRET.iter().find(|(begins, _)| path.starts_with(begins)).map(|(_, route)| *route)
}

/// Where browsers come back to from providers. The query has a code with which one signs in.
const SIGN_IN: &str = "/sign-in/";

/// Where staff look for people. The query has a name or a net ID.
const PEOPLE: &str = "/staff/roster";

/// Begins the span in which a request is logged.
#[derive(Debug, Clone, Copy)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let route = request.match_pattern().unwrap_or_default();
        let text =
            |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        tracing::info_span!(
            "HTTP request",
            http.method = %request.method(),
            http.route = %route,
            http.target = %target(request),
            http.host = %text(header::HOST),
            http.client_ip = %address::of(request.request()),
            http.user_agent = %text(header::USER_AGENT),
            http.status_code = Empty,
            otel.status_code = Empty,
            request_id = %reference(request.request()),
            exception.message = Empty,
            exception.details = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, actix_web::Error>) {
        DefaultRootSpanBuilder::on_request_end(span, outcome);
    }
}

/// Path and query, without what is secret in them.
fn target(request: &ServiceRequest) -> String {
    if let Some(route) = secret_route(request.path()) {
        return route.to_owned();
    }
    if request.path().starts_with(SIGN_IN) || request.path() == PEOPLE {
        return request.path().to_owned();
    }
    request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
}
