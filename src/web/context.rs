//! Who is asking, and what every page needs.

mod done;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::cookie::{Cookie, CookieBuilder, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

pub use self::done::Done;
use super::address::Proxies;
use super::caller::Caller;
use super::error::WebError;
use super::pages::layout::{DemoNote, Flash, Layout, Section};
use super::present;
use crate::auth::openid::Providers;
use crate::auth::permissions::{Permission, Reach};
use crate::db::{self, CourseCard};
use crate::domain::audit::{Doer, Way};
use crate::domain::calendar;
use crate::services::{App, sessions, tokens};

/// What the web layer works with.
#[derive(Debug, Clone)]
pub struct WebState {
    /// The use cases' surroundings.
    pub app: Arc<App>,
    /// Who signs people in. None of them does in the demo.
    pub providers: Arc<Providers>,
    /// What exists only in the demo.
    pub demo: Option<Demo>,
    /// The proxies whose word of who asks is taken.
    pub proxies: Proxies,
    /// Says true once the server is to stop.
    pub stop: watch::Receiver<bool>,
}

impl WebState {
    /// Without anyone who signs people in, without a demo, and without proxies.
    pub fn new(app: Arc<App>, stop: watch::Receiver<bool>) -> Self {
        Self { app, providers: Arc::default(), demo: None, proxies: Proxies::default(), stop }
    }

    /// Whether people reach the pages over an encrypted connection.
    pub fn is_secure(&self) -> bool {
        self.app.public_url.starts_with("https://")
    }

    /// The name by which a browser knows a cookie. Where the connection is encrypted, the prefix binds it to this host.
    fn cookie_name(&self, name: &str) -> String {
        if self.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A cookie for the pages of this host alone, which scripts don't see.
    pub fn cookie(&self, name: &str, value: &str) -> CookieBuilder<'static> {
        Cookie::build(self.cookie_name(name), value.to_owned())
            .path("/")
            .http_only(true)
            .secure(self.is_secure())
            .same_site(SameSite::Lax)
    }

    /// The cookie that makes the browser forget one of this name.
    pub fn no_cookie(&self, name: &str) -> Cookie<'static> {
        let mut cookie = self.cookie(name, "").finish();
        cookie.make_removal();
        cookie
    }

    /// What a cookie of this name holds. Where the connection is encrypted only the bound one counts: the other could have
    /// been set by whoever is between.
    pub fn cookie_of(&self, request: &HttpRequest, name: &str) -> Option<String> {
        request.cookie(&self.cookie_name(name)).map(|cookie| cookie.value().to_owned())
    }
}

/// What exists only in the demo: signing in by name, and a mailbox.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The directory into which mail goes, if it goes to no mail server.
    pub mailbox: Option<PathBuf>,
    /// Whether no cloud of the course is real.
    pub simulated: bool,
    /// Whom to be: a net ID and what to call them.
    pub people: Vec<(String, String)>,
}

/// The session's cookie.
const SESSION: &str = "fairlease-session";
/// The cookie that carries to the next page what a request did.
const FLASH: &str = "fairlease-flash";

/// The request's surroundings: who asks, if anyone, and the course.
#[derive(Debug, Clone)]
pub struct Context {
    /// The web layer's state.
    pub state: web::Data<WebState>,
    /// Who asks, if anyone is signed in.
    pub caller: Option<Caller>,
    /// The course, if one was applied.
    pub course: Option<CourseCard>,
    /// What the request before this one did.
    pub flash: Option<Flash>,
    /// Path and query, to come back to.
    pub here: String,
    /// The request's id, which is in the log.
    pub reference: String,
}

/// A [`Context`] of someone who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The surroundings.
    pub context: Context,
    /// Who asks.
    pub caller: Caller,
}

/// A [`SignedIn`] of someone who sees how the course runs. For everyone else there is no such page.
#[derive(Debug, Clone)]
pub struct Staff(pub SignedIn);

impl Context {
    /// The use cases' surroundings.
    pub fn app(&self) -> &Arc<App> {
        &self.state.app
    }

    /// The frame of a page.
    pub fn layout(&self, title: &str, section: Section) -> Layout {
        let now = self.app().now();
        let zone = self.course.as_ref().map_or(chrono_tz::UTC, |course| course.zone);
        let viewer = self.caller.as_ref().map(Caller::viewer);
        Layout {
            course: self
                .course
                .as_ref()
                .map_or_else(|| "Fairlease".to_owned(), |course| course.title.clone()),
            title: title.to_owned(),
            section,
            viewer,
            looking_as: self.caller.as_ref().and_then(Caller::looking_as),
            csrf: self.caller.as_ref().map(|caller| caller.csrf().to_owned()).unwrap_or_default(),
            demo: self
                .state
                .demo
                .as_ref()
                .map(|demo| DemoNote { simulated: demo.simulated, mailbox: demo.mailbox.is_some() }),
            flash: self.flash.clone(),
            zone: calendar::zone_name(zone, now),
            docs_href: None,
            contact: self.course.as_ref().map(|course| course.contact.clone()).unwrap_or_default(),
            refresh_seconds: None,
        }
    }

    /// Leads to a page that tells what was done.
    pub fn done(&self, to: &str, done: Done) -> HttpResponse {
        let mut response = present::redirect(to);
        if let Err(error) = response.add_cookie(&done.cookie(&self.state)) {
            tracing::warn!(%error, "a cookie can't be set");
        }
        response
    }

    /// Who does what this request does, for the audit log.
    pub fn doer(&self) -> Doer {
        let way = if self.here.starts_with(API) { Way::Api } else { Way::Page };
        let caller = self.caller.as_ref();
        Doer {
            actor: caller.map(|caller| caller.owner().id.clone()),
            behalf: caller.and_then(Caller::looks_as).cloned(),
            token: caller.and_then(Caller::token).map(|token| token.id.clone()),
            request: Some(self.reference.clone()).filter(|reference| !reference.is_empty()),
            ..Doer::nobody(way)
        }
    }

    /// The course's zone; UTC before a course was applied.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.course.as_ref().map_or(chrono_tz::UTC, |course| course.zone)
    }
}

impl SignedIn {
    /// Who does what this request does, for the audit log.
    pub fn doer(&self) -> Doer {
        self.context.doer()
    }
}

/// The cookie that signs a browser in.
pub fn session_cookie(state: &WebState, token: &SecretString) -> Cookie<'static> {
    let longest = Duration::seconds(sessions::LONGEST.num_seconds());
    state.cookie(SESSION, token.expose_secret()).max_age(longest).finish()
}

/// The cookie that makes a browser forget its session.
pub fn no_session_cookie(state: &WebState) -> Cookie<'static> {
    state.no_cookie(SESSION)
}

/// The token that the browser holds, if it is signed in.
pub fn session_token(state: &WebState, request: &HttpRequest) -> Option<SecretString> {
    state.cookie_of(request, SESSION).map(Into::into)
}

/// What browsers call themselves.
pub fn agent(request: &HttpRequest) -> String {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.unwrap_or_default().to_owned()
}

/// Where programs are told apart from browsers.
const API: &str = "/api/";

/// The secret of a program's token. Pages are for browsers, so it counts in the API alone.
fn bearer(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(header::AUTHORIZATION).filter(|_| request.path().starts_with(API))?;
    let (scheme, secret) = header.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    Some(if scheme.eq_ignore_ascii_case("bearer") { secret.trim().to_owned() } else { String::new() })
}

/// The cookie that makes the browser forget what was told.
pub fn told(request: &HttpRequest) -> Option<Cookie<'static>> {
    let state = request.app_data::<web::Data<WebState>>()?;
    state.cookie_of(request, FLASH).map(|_| state.no_cookie(FLASH))
}

/// The surroundings that the guard found, or else found now: an answer that no route made has them, too.
pub async fn context(request: HttpRequest) -> Result<Context, WebError> {
    let known = request.extensions().get::<Context>().cloned();
    match known {
        Some(known) => Ok(known),
        None => load(&request).await,
    }
}

fn state(request: &HttpRequest) -> Result<web::Data<WebState>, WebError> {
    let state = request.app_data::<web::Data<WebState>>().cloned();
    state.ok_or_else(|| WebError::Internal("the web state is missing".to_owned()))
}

fn here(request: &HttpRequest) -> String {
    request.uri().path_and_query().map(ToString::to_string).unwrap_or_default()
}

/// The surroundings that the guard found, or else those of a stranger, for whom nothing is looked up.
pub fn of_nobody(request: &HttpRequest) -> Result<Context, WebError> {
    let known = request.extensions().get::<Context>().cloned();
    let stranger = |state| Context {
        state,
        caller: None,
        course: None,
        flash: None,
        here: here(request),
        reference: reference(request),
    };
    known.map_or_else(|| state(request).map(stranger), Ok)
}

/// Looks up who asks and the course, in one read.
pub async fn load(request: &HttpRequest) -> Result<Context, WebError> {
    let state = state(request)?;
    let (bearer, token) = (bearer(request), session_token(&state, request));
    let app = state.app.clone();
    let db = app.db.clone();
    let (caller, course) = db
        .read::<_, WebError, _>("context", move |conn| {
            let caller = match (&bearer, &token) {
                (Some(secret), _) => {
                    let found = tokens::of_secret(&app, conn, secret)?;
                    Some(found.ok_or(WebError::BadToken)?.into())
                }
                (None, Some(token)) => sessions::of_token(&app, conn, token)?.map(Caller::from),
                (None, None) => None,
            };
            Ok((caller, db::course_card(conn)?))
        })
        .await?;
    let flash = state.cookie_of(request, FLASH).and_then(|code| Done::flash(&code));
    Ok(Context { state, caller, course, flash, here: here(request), reference: reference(request) })
}

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, WebError>>>>;

impl FromRequest for Context {
    type Error = WebError;
    type Future = Pending<Self>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(context(request.clone()))
    }
}

impl FromRequest for SignedIn {
    type Error = WebError;
    type Future = Pending<Self>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let context = context(request).await?;
            let return_to = context.here.clone();
            let caller = context.caller.clone().ok_or(WebError::NotSignedIn { return_to })?;
            Ok(Self { context, caller })
        })
    }
}

impl FromRequest for Staff {
    type Error = WebError;
    type Future = Pending<Self>;
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let signed_in = SignedIn::from_request(request, payload);
        Box::pin(async move {
            let who = signed_in.await?;
            // What their token is for, the guard has asked for the route's own permission.
            let sees = Permission::SeeCourse.reach(&who.caller.person) == Reach::Course;
            if sees { Ok(Self(who)) } else { Err(WebError::NotFound) }
        })
    }
}

/// The request's id, which a person can quote to staff; empty if there is none.
pub fn reference(request: &HttpRequest) -> String {
    request.extensions().get::<tracing_actix_web::RequestId>().map(ToString::to_string).unwrap_or_default()
}
