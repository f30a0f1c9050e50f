//! Who is asking, and what every page needs.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::cookie::{Cookie, CookieBuilder, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::address::Proxies;
use super::caller::Caller;
use super::error::WebError;
use super::pages::layout::{DemoNote, Flash, FlashKind, Layout, Section};
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

/// What a request did, told on the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// A key was saved.
    KeySaved,
    /// It was chosen which mails come.
    ChoicesSaved,
    /// The address of the person's calendar was taken away.
    CalendarStopped,
    /// A booking was given back or called off.
    Released,
    /// An extension was asked for.
    Extended,
    /// An earlier end was asked for.
    Shortened,
    /// Another slot was asked for.
    Moved,
    /// A booking was made.
    Booked,
    /// Staff granted an exception.
    Granted,
    /// Staff took an exception back.
    TakenBack,
    /// Staff had it tried again whether a site changes ends.
    TriedAgain,
    /// Staff paused the reaper.
    Paused,
    /// Staff ended a pause.
    Resumed,
    /// Staff exempted something.
    Exempted,
    /// Staff took an exemption back.
    Unexempted,
    /// What the reaper had marked was taken back.
    Restored,
    /// The same, but the site did not start it.
    NotStarted,
    /// Someone joined a line.
    InLine,
    /// Someone joined a line, and a place was free for them.
    OfferedAtOnce,
    /// Someone waits no more.
    LeftLine,
    /// An offer was taken.
    Accepted,
    /// An offer was passed.
    Passed,
    /// Staff discarded a roster that was only shown.
    RosterDiscarded,
    /// Staff said where a student stands.
    Placed,
    /// Staff said by which accounts the sites know someone.
    AccountsSaved,
    /// Staff dropped someone.
    Dropped,
    /// Staff let someone take the course again.
    TakenIn,
    /// Sessions of someone are over.
    SessionsEnded,
    /// Staff see with their own eyes again.
    StoppedLooking,
    /// Mail is tried again.
    MailRetried,
    /// A token was revoked.
    TokenRevoked,
    /// A service was added.
    ServiceAdded,
    /// A service was dropped.
    ServiceDropped,
    /// It was said what someone is in the course.
    RoleSet,
    /// Something was announced.
    Announced,
    /// Something is going to be announced.
    Scheduled,
    /// A draft of an announcement was kept.
    Drafted,
    /// An announcement was edited.
    AnnouncementSaved,
    /// An announcement was taken back.
    AnnouncementWithdrawn,
    /// Staff declared an outage.
    OutageDeclared,
    /// Staff said more of an outage.
    OutageChanged,
    /// Staff said that an outage is over.
    OutageEnded,
    /// Staff put a lab off.
    PutOff,
    /// Staff put aside what a site announced.
    HintDismissed,
    /// A person was erased.
    Erased,
    /// Someone signed out.
    SignedOut,
}

impl Done {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::KeySaved, "key", "Your SSH key is saved. Servers that we make from now on get it."),
        (Self::ChoicesSaved, "choices", "Your choices are saved. They hold for every mail from now on."),
        (Self::CalendarStopped, "calendar", "The calendar's address leads nowhere any more."),
        (Self::Released, "released", "It is given back."),
        (Self::Extended, "extended", "The later end is asked for."),
        (Self::Shortened, "shortened", "The earlier end is asked for."),
        (
            Self::Moved,
            "moved",
            "The other time is asked for. Until it is yours, your booking stays where it is.",
        ),
        (Self::Booked, "booked", "Your booking is made."),
        (Self::Granted, "granted", "The exception is granted. It holds from now on."),
        (Self::TakenBack, "taken", "The exception is taken back. What was booked by it stays."),
        (
            Self::TriedAgain,
            "again",
            "Students can ask for other ends there again. What the site says then is kept.",
        ),
        (
            Self::MailRetried,
            "mail",
            "It is tried again at once. What is out of date by now is set aside instead.",
        ),
        (Self::Paused, "paused", "The reaper is paused. Bookings whose time is over still end."),
        (Self::Resumed, "resumed", "The pause is over. The next sweep goes on, within a minute."),
        (
            Self::Exempted,
            "exempted",
            "It is exempt from the next sweep on. If it is marked, the mark is forgotten then.",
        ),
        (
            Self::Unexempted,
            "unexempted",
            "The exemption is taken back. The next sweep judges again what it covered.",
        ),
        (Self::Restored, "restored", "It is taken back. The reaper leaves it alone for now."),
        (
            Self::NotStarted,
            "not-started",
            "It is taken back, but the site did not start it. Start it on the site's own page.",
        ),
        (
            Self::InLine,
            "in-line",
            "You are in line. When a place comes free for you, you get a mail, and it stands on My labs.",
        ),
        (Self::OfferedAtOnce, "offered", "A place is free for you already: it is yours if you accept it."),
        (Self::LeftLine, "left-line", "You do not wait any more."),
        (Self::Accepted, "accepted", "It is yours."),
        (Self::Passed, "passed", "You passed it. You keep waiting, and are not offered that time again."),
        (Self::RosterDiscarded, "discarded", "The roster is discarded. Nothing of it was applied."),
        (Self::Placed, "placed", "It is saved. It counts from the next look at the shares on."),
        (Self::AccountsSaved, "accounts", "The accounts are saved. The next sweep goes by them."),
        (
            Self::Dropped,
            "dropped",
            "They have dropped the course. Who has something booked gets a mail that says when it ends.",
        ),
        (Self::TakenIn, "taken-in", "They take the course again, with what they still have booked."),
        (Self::SessionsEnded, "sessions", "Whoever was signed in there has to sign in again."),
        (Self::StoppedLooking, "stopped", "You see the pages with your own eyes again."),
        (Self::TokenRevoked, "token", "The token is revoked: it signs in no more."),
        (Self::ServiceAdded, "service", "The service is added. Make a token for it."),
        (Self::ServiceDropped, "no-service", "The service is dropped, and its tokens are revoked."),
        (Self::RoleSet, "role", "It is saved. It holds from their next request on."),
        (Self::Announced, "announced", "It is announced. Mails, if any, go out within moments."),
        (Self::Scheduled, "scheduled", "It is published at its time. Nobody but staff sees it before."),
        (
            Self::OutageDeclared,
            "outage",
            "The outage is declared. Bookings are dealt with one by one, then everyone is told.",
        ),
        (
            Self::OutageChanged,
            "outage-changed",
            "It is saved. What it hits now is dealt with, then everyone is told.",
        ),
        (
            Self::OutageEnded,
            "outage-over",
            "The outage is over. What ran gets its time back, then everyone is told.",
        ),
        (Self::HintDismissed, "hint", "It is put aside."),
        (Self::PutOff, "put-off", "The due date is changed, and announced."),
        (Self::Drafted, "drafted", "The draft is kept. Nobody but staff sees it."),
        (Self::AnnouncementSaved, "announcement", "The announcement is saved."),
        (
            Self::AnnouncementWithdrawn,
            "withdrawn",
            "The announcement is taken back. Mails that had not left are not sent.",
        ),
        (Self::Erased, "erased", "The person is erased. What they used stays, without them."),
        (Self::SignedOut, "out", "You are signed out."),
    ];

    /// The cookie that carries it to the next page.
    pub fn cookie(self, state: &WebState) -> Cookie<'static> {
        let code = Self::ALL.iter().find(|(done, ..)| *done == self).map_or("", |(_, code, _)| code);
        state.cookie(FLASH, code).max_age(Duration::seconds(20)).finish()
    }

    fn flash(code: &str) -> Option<Flash> {
        let (.., text) = Self::ALL.iter().find(|(_, known, _)| *known == code)?;
        Some(Flash { kind: FlashKind::Done, text: (*text).to_owned() })
    }
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
