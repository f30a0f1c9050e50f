//! One description of what went wrong, two ways to show it: a page, or an RFC 9457 problem. The scope of the route
//! decides which.

use std::io::ErrorKind;
use std::time::Duration;

use actix_web::error::{JsonPayloadError, PayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use super::body;
use super::pages::layout::Problem;
use super::present;
use super::sign_in_fault::SignInFault;
use crate::auth::permissions::Permission;
use crate::db::DbError;
use crate::domain::ids::{BadId, LabId};
use crate::roster::MOST_BYTES;
use crate::services::booking::{BookingError, Refusal};
use crate::services::waitlist::WaitError;

mod show;

pub use show::{as_page, as_problem};

/// What went wrong with a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebError {
    /// Nobody is signed in.
    #[error("you are not signed in")]
    NotSignedIn {
        /// Where to go afterwards.
        return_to: String,
    },
    /// Nobody can sign in here: there is no identity provider.
    #[error("signing in is not set up")]
    NoSignIn,
    /// There is no such page, or it is not this person's to see.
    #[error("there is no such page")]
    NotFound,
    /// A program came with a token that signs nobody in.
    #[error("the token signs nobody in")]
    BadToken,
    /// A program came with a token that is for something else.
    #[error("the token is not for that")]
    OutOfScope(Permission),
    /// A program came with a token of someone who may not do that themselves.
    #[error("whoever the token is of may not do that")]
    BeyondPerson,
    /// There were too many requests. It may be tried again after so many seconds.
    #[error("there were too many requests")]
    TooMany(u64),
    /// What was sent is too large.
    #[error("what was sent is too large")]
    TooLarge,
    /// What was sent did not come in time.
    #[error("what was sent did not come in time")]
    TooSlow,
    /// Whoever is signed in is not in the course.
    #[error("you are not on the roster of this course")]
    NotEnrolled,
    /// Staff look with a student's eyes, and can't do anything as them.
    #[error("you only look")]
    OnlyLooking,
    /// A form came without this session's token.
    #[error("the form was not sent from a page of this session")]
    Forged,
    /// The request can't be read, or a field of it is not right.
    #[error("{}", .0.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>().join(" "))]
    BadInput(Vec<Problem>),
    /// Rules are broken.
    #[error("the time can't be booked")]
    Refused {
        /// The lab.
        lab: LabId,
        /// The rules, and what would be accepted.
        refusal: Refusal,
    },
    /// There is no SSH public key to put on the servers.
    #[error("there is no SSH public key to put on the servers")]
    NoKey,
    /// The booking is not what the request says that it was.
    #[error("the booking is another one than was looked at")]
    Changed,
    /// What is asked for does not fit the state of things.
    #[error("{0}")]
    WrongState(String),
    /// Nobody was signed in.
    #[error("nobody was signed in")]
    SignIn(SignInFault),
    /// It is not the person's fault.
    #[error("{0}")]
    Internal(String),
}

impl From<DbError> for WebError {
    fn from(error: DbError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<askama::Error> for WebError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("a page can't be written: {error}"))
    }
}

impl From<BadId> for WebError {
    fn from(_: BadId) -> Self {
        Self::NotFound
    }
}

impl WebError {
    /// What a use case refused, for this lab.
    pub fn of_booking(error: BookingError, lab: Option<&LabId>) -> Self {
        match (error, lab) {
            (BookingError::NoSuchLab(_) | BookingError::NoSuchBooking(_), _) => Self::NotFound,
            (BookingError::NoKey, _) => Self::NoKey,
            (BookingError::Refused(refusal), Some(lab)) => Self::Refused { lab: lab.clone(), refusal },
            (BookingError::Changed, _) => Self::Changed,
            (BookingError::Db(error), _) => error.into(),
            (error, _) => Self::WrongState(error.to_string()),
        }
    }

    /// What the waitlist refused, for this lab.
    pub fn of_wait(error: WaitError, lab: Option<&LabId>) -> Self {
        match (error, lab) {
            (WaitError::NoSuchLab(_) | WaitError::NoSuchWait(_) | WaitError::NoSuchOffer(_), _) => {
                Self::NotFound
            }
            (WaitError::NoKey, _) => Self::NoKey,
            (WaitError::Never { violations, zone }, Some(lab)) => {
                Self::Refused { lab: lab.clone(), refusal: Refusal { violations, nearest: Vec::new(), zone } }
            }
            (WaitError::BadWish(what), _) => {
                Self::BadInput(vec![Problem { code: None, text: format!("{what}."), field: None }])
            }
            (WaitError::Booking(error), lab) => Self::of_booking(error, lab),
            (WaitError::Db(error), _) => error.into(),
            (error, _) => Self::WrongState(error.to_string()),
        }
    }

    /// Too many requests: there can be another one after this time.
    pub fn too_many(wait: Duration) -> Self {
        Self::TooMany(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// A body that did not come, or not as it should.
    pub fn of_body(error: &PayloadError) -> Self {
        match error {
            PayloadError::Overflow => Self::TooLarge,
            PayloadError::Io(error) if error.kind() == ErrorKind::TimedOut => Self::TooSlow,
            other => Self::unreadable(other),
        }
    }

    /// A form that can't be read.
    pub fn of_form(error: &UrlencodedError) -> Self {
        match error {
            UrlencodedError::Overflow { .. } => Self::TooLarge,
            UrlencodedError::Payload(error) => Self::of_body(error),
            other => Self::unreadable(other),
        }
    }

    /// JSON that can't be read.
    pub fn of_json(error: &JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
                Self::TooLarge
            }
            JsonPayloadError::Payload(error) => Self::of_body(error),
            other => Self::unreadable(other),
        }
    }

    /// A request that can't be read.
    pub fn unreadable(error: &dyn std::fmt::Display) -> Self {
        Self::BadInput(vec![Problem {
            code: None,
            text: format!("The request can't be read: {error}."),
            field: None,
        }])
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn { .. } | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::NoSignIn => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forged
            | Self::OutOfScope(_)
            | Self::BeyondPerson
            | Self::NotEnrolled
            | Self::OnlyLooking => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BadInput(_) | Self::NoKey => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused { refusal, .. } => refusal_status(refusal),
            Self::Changed => StatusCode::PRECONDITION_FAILED,
            Self::WrongState(_) => StatusCode::CONFLICT,
            Self::SignIn(fault) => fault.status(),
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Title, what happened, and what it means for the person's work.
    fn words(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::NotSignedIn { .. } => ("You are not signed in", "Sign in first.".to_owned(), "Nothing was changed."),
            Self::BadToken => (
                "The token signs nobody in",
                "It is mistyped, was revoked, or its time is over. Make another one on the page Me.".to_owned(),
                "Nothing was changed.",
            ),
            Self::OutOfScope(permission) => ("The token is not for that", out_of_scope(*permission), "Nothing was changed."),
            Self::BeyondPerson => (
                "The token is not for that",
                "Whoever it is of may not do that themselves.".to_owned(),
                "Nothing was changed.",
            ),
            Self::TooMany(seconds) => (
                "Too many at once",
                format!("Try again in {seconds} s."),
                "What you sent was not carried out: go back and send it again then. Your bookings are not touched.",
            ),
            Self::TooLarge => (
                "That is too large",
                format!(
                    "What is sent here may have {} KB, and a roster {} MB.",
                    body::MOST / 1024,
                    MOST_BYTES / 1024 / 1024
                ),
                "Nothing was changed.",
            ),
            Self::TooSlow => (
                "That took too long to come",
                "The connection was too slow for what was sent, or broke off. Send it again.".to_owned(),
                "Nothing was changed.",
            ),
            Self::NotEnrolled => (
                "You are not on the roster",
                "You are signed in, but this course does not have you among its people. If you joined it lately, or this is \
                 wrong, write to its staff."
                    .to_owned(),
                "Nothing was changed, and nothing is kept of you here but that you signed in.",
            ),
            Self::OnlyLooking => (
                "You only look",
                "You see the pages as this student does, and can't do anything as them. Press Stop, at the top of the page, first."
                    .to_owned(),
                "Nothing was changed.",
            ),
            Self::NoSignIn => (
                "Signing in is not set up",
                "This service has no identity provider to sign you in with. Staff have to set one up.".to_owned(),
                "Nothing was changed.",
            ),
            Self::NotFound => (
                "There is no such page",
                "The address leads nowhere, or to something that is not yours.".to_owned(),
                "Your bookings are not touched.",
            ),
            Self::Forged => (
                "Please send that again",
                "The form did not come from a page of your present session. That happens when you signed in again in \
                 another tab."
                    .to_owned(),
                "Nothing was changed.",
            ),
            Self::BadInput(_) => ("That can't be read", "Something in what was sent is not right.".to_owned(), "Nothing was changed."),
            Self::Refused { .. } => ("This time can't be booked", "It breaks a rule, or the place is taken.".to_owned(), "Nothing was booked."),
            Self::NoKey => (
                "Add your SSH key first",
                "Servers let you in by your SSH public key, and you have not saved one yet.".to_owned(),
                "Nothing was booked.",
            ),
            Self::Changed => (
                "This booking changed while you looked",
                "It is not what it was when it was looked at. Look at it again.".to_owned(),
                "Nothing was changed.",
            ),
            Self::WrongState(what) => ("It has changed meanwhile", format!("It was not done: {what}."), "Nothing was changed."),
            Self::SignIn(fault) => fault.words(),
            Self::Internal(_) => (
                "Something went wrong on our side",
                "The page could not be made. Staff can find out why with the reference below.".to_owned(),
                "Your bookings and your servers are not touched. What you sent just now may not have been carried out: \
                 look before you send it again.",
            ),
        }
    }

    fn problems(&self) -> Vec<Problem> {
        match self {
            Self::BadInput(problems) => problems.clone(),
            Self::Refused { refusal, .. } => present::problems(refusal),
            _ => Vec::new(),
        }
    }
}

fn out_of_scope(permission: Permission) -> String {
    match permission.rule().and_then(|rule| rule.scope) {
        Some(scope) => format!("It needs the scope {}.", scope.word()),
        None => "No token can do it: a person has to, on the pages.".to_owned(),
    }
}

/// 409 if only what others or the person hold stands against it, else 422.
pub fn refusal_status(refusal: &Refusal) -> StatusCode {
    if refusal.violations.iter().all(crate::policy::admission::Violation::is_contention) {
        StatusCode::CONFLICT
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Replaced by the scope's renderer.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status()).body(self.to_string())
    }
}
