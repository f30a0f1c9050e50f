//! The guard before every route: who asks, whether they may, and whether a form is from a page of theirs. What is not in
//! the table of routes is not there.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, web};
use subtle::ConstantTimeEq;

use super::address;
use super::body;
use super::caller::Caller;
use super::context::{self, Context, WebState};
use super::error::WebError;
use super::limits::{Class, Limits};
use super::routes::row_of;
use super::table::{Row, Verb};
use crate::auth::permissions::{Permission, Reach, Relation};
use crate::db::{self, Conn, DbError};
use crate::domain::audit;
use crate::domain::ids::{BookingId, LabId};
use crate::services::{App, links, looking, sessions, tokens};

/// Routes whose forms have files: these are read by their handlers alone, which ask [`same_token`].
const WITH_FILES: &[&str] = &["/staff/roster/imports"];

/// Lets a request through to its route, or says why not.
pub async fn guarded(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match check(&mut request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(error) => Ok(request.error_response(error)),
    }
}

async fn check(request: &mut ServiceRequest) -> Result<(), WebError> {
    let pattern = request.match_pattern().unwrap_or_default();
    let row = row_of(request.method(), &pattern).ok_or(WebError::NotFound)?;
    ask_before(request, row)?;
    body::bound(request, row)?;
    let context = context::load(request.request()).await?;
    let unsafe_method = !request.method().is_safe();
    if unsafe_method && comes_from_elsewhere(request.headers()) {
        return Err(WebError::Forged);
    }
    if row.permission != Permission::Anyone {
        let caller = context.caller.as_ref().ok_or_else(|| not_signed_in(&context, unsafe_method))?;
        if let Some(class) = Class::of(row) {
            limits(request)?.ask_person(class, caller.owner().id.as_str())?;
        }
        may(&context, caller, row, request.path()).await?;
        if unsafe_method {
            may_change(caller, row)?;
            check_token(caller, row, request).await?;
        }
        note_use(context.app(), caller).await;
        record_look(&context, caller, row, request.path()).await?;
    }
    request.extensions_mut().insert(context);
    Ok(())
}

fn limits(request: &ServiceRequest) -> Result<&Limits, WebError> {
    let limits = request.app_data::<web::Data<Limits>>();
    limits.map(|limits| &***limits).ok_or_else(|| WebError::Internal("the limits are missing".to_owned()))
}

/// The limits that can be asked before the database is: by where the request comes from, and of a link by whose it is.
fn ask_before(request: &ServiceRequest, row: &Row) -> Result<(), WebError> {
    let Some(class) = Class::of(row) else { return Ok(()) };
    limits(request)?.ask_address(class, address::of(request.request()))?;
    let Some(token) = row.named("{token}", request.path()).filter(|_| class == Class::Secret) else {
        return Ok(());
    };
    let state = request.app_data::<web::Data<WebState>>();
    match state.and_then(|state| links::whose(&state.app, token)) {
        Some(person) => limits(request)?.ask_person(class, person.as_str()),
        None => Ok(()),
    }
}

fn not_signed_in(context: &Context, unsafe_method: bool) -> WebError {
    let return_to = if unsafe_method { "/".to_owned() } else { context.here.clone() };
    WebError::NotSignedIn { return_to }
}

/// What a path names.
enum Object {
    Nothing,
    Lab(LabId),
    Booking(BookingId),
}

impl Object {
    fn of(row: &Row, path: &str) -> Result<Self, WebError> {
        if let Some(id) = row.named("{booking}", path) {
            return Ok(Self::Booking(id.parse()?));
        }
        row.named("{lab}", path).map_or(Ok(Self::Nothing), |id| Ok(Self::Lab(id.parse()?)))
    }

    fn for_audit(self) -> Option<audit::Object> {
        match self {
            Self::Nothing => None,
            Self::Lab(id) => Some(audit::Object::Lab(id)),
            Self::Booking(id) => Some(audit::Object::Booking(id)),
        }
    }
}

/// Whether the caller may do what the route does, to what its path names.
async fn may(context: &Context, caller: &Caller, row: &Row, path: &str) -> Result<(), WebError> {
    if row.permission == Permission::SignedIn {
        return Ok(());
    }
    if !caller.owner().belongs(context.app().now()) {
        return Err(WebError::NotEnrolled);
    }
    let reach = caller.reach(row.permission);
    if reach == Reach::No {
        return Err(out_of_reach(caller, row.permission));
    }
    let relation = relation(context.app(), caller, Object::of(row, path)?).await?;
    if reach.covers(relation) { Ok(()) } else { Err(WebError::NotFound) }
}

/// A page that is not someone's is not there for them. A program is told what its token lacks.
fn out_of_reach(caller: &Caller, permission: Permission) -> WebError {
    match caller.token() {
        None => WebError::NotFound,
        Some(_) if permission.reach(&caller.person) == Reach::No => WebError::BeyondPerson,
        Some(_) => WebError::OutOfScope(permission),
    }
}

/// How what the path names stands to the caller. What is of another course than the one that is served is not there.
async fn relation(app: &App, caller: &Caller, object: Object) -> Result<Relation, WebError> {
    let person = caller.person.clone();
    let relation = match object {
        Object::Nothing => return Ok(Relation::Own),
        Object::Lab(lab) => {
            app.db
                .read::<_, DbError, _>("guard", move |conn| {
                    let served = db::served_course(conn)?;
                    let of = db::course_of_lab(conn, &lab)?;
                    Ok((served.is_some() && served == of).then_some(Relation::Own))
                })
                .await?
        }
        Object::Booking(booking) => {
            app.db
                .read::<_, DbError, _>("guard", move |conn| {
                    let Some(owner) = db::owner_of_booking(conn, &booking)? else { return Ok(None) };
                    Ok(Some(Relation::of(&person, &owner)))
                })
                .await?
        }
    };
    relation.ok_or(WebError::NotFound)
}

/// What is seen with someone else's eyes is recorded before it is shown, and that it is over is once it is.
async fn record_look(context: &Context, caller: &Caller, row: &Row, path: &str) -> Result<(), WebError> {
    let (app, doer) = (context.app().clone(), context.doer());
    let db = app.db.clone();
    let over = caller.session().filter(|session| session.has_looked());
    if let Some(session) = over.cloned() {
        db.write("look over", move |conn| looking::end(&app, conn, &doer, &session)).await?;
    } else if let Some(whom) = caller.looks_as().cloned().filter(|_| row.verb == Verb::get) {
        let (pattern, object) = (row.pattern(), Object::of(row, path)?.for_audit());
        let view =
            move |conn: &mut Conn<'_>| looking::viewed(&app, conn, &doer, &whom, &pattern, object.clone());
        db.write("viewed", view).await?;
    }
    Ok(())
}

/// Who looks with someone's eyes changes nothing but where they look.
fn may_change(caller: &Caller, row: &Row) -> Result<(), WebError> {
    let may = matches!(row.permission, Permission::SignedIn | Permission::LookAs);
    if may || caller.looks_as().is_none() { Ok(()) } else { Err(WebError::OnlyLooking) }
}

/// Browsers say of each request whether a page of ours made it.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("Sec-Fetch-Site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// A form with files is read by its own handler, which asks [`same_token`].
///
/// A browser sends a session's cookie along whoever made the form; only our pages know the token that belongs to it.
async fn check_token(caller: &Caller, row: &Row, request: &mut ServiceRequest) -> Result<(), WebError> {
    if caller.session().is_none() || WITH_FILES.contains(&row.path) {
        return Ok(());
    }
    let sent = match request.headers().get("X-CSRF-Token") {
        Some(token) => token.to_str().unwrap_or_default().to_owned(),
        None => token_in_form(request).await?,
    };
    same_token(caller, &sent)
}

/// Refuses a form that does not carry the session's token.
pub fn same_token(caller: &Caller, sent: &str) -> Result<(), WebError> {
    let same: bool = caller.csrf().as_bytes().ct_eq(sent.as_bytes()).into();
    if same && !sent.is_empty() { Ok(()) } else { Err(WebError::Forged) }
}

/// The field `csrf` of a form, which the handler reads again.
async fn token_in_form(request: &mut ServiceRequest) -> Result<String, WebError> {
    let body = request.extract::<web::Bytes>().await.map_err(|error| {
        error.as_error::<PayloadError>().map_or_else(|| WebError::unreadable(&error), WebError::of_body)
    })?;
    let token = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == "csrf")
        .map_or_else(String::new, |(_, token)| token.into_owned());
    request.set_payload(Payload::from(body));
    Ok(token)
}

/// Notes that a session or a token is used. A database that can't be written to keeps nobody out.
async fn note_use(app: &App, caller: &Caller) {
    let now = app.now();
    let noted = match (caller.session(), caller.token()) {
        (Some(session), _) if sessions::is_stale(&session.stored, now) => {
            let id = session.stored.id.clone();
            app.db.write("seen", move |conn| db::touch_session(conn, &id, now)).await
        }
        (_, Some(token)) if tokens::is_stale(token, now) => {
            let id = token.id.clone();
            app.db.write("used", move |conn| db::touch_token(conn, &id, now)).await
        }
        _ => Ok(()),
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "that a session or a token is used is not noted");
    }
}
