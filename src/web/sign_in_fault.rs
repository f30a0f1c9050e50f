//! What people are told whom nobody signed in.

use actix_web::http::StatusCode;

use super::error::WebError;
use crate::auth::openid::OpenIdError;
use crate::services::sign_in::SignInError;

/// Why nobody was signed in, as a page tells it.
#[derive(Debug, Clone)]
pub enum SignInFault {
    /// What was begun is over.
    Stale,
    /// The provider did not sign them in.
    Provider(OpenIdError),
    /// They are not on the roster.
    NotOnRoster,
    /// Somebody else of this provider is whom they would be.
    OtherAccount(String),
}

impl From<SignInError> for WebError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Stale => Self::SignIn(SignInFault::Stale),
            SignInError::Provider(error) => {
                tracing::warn!(%error, "nobody was signed in");
                Self::SignIn(SignInFault::Provider(error))
            }
            SignInError::NotOnRoster => {
                tracing::info!("someone who is not on the roster came to sign in");
                Self::SignIn(SignInFault::NotOnRoster)
            }
            SignInError::OtherAccount(provider) => {
                tracing::warn!(provider, "someone came with a net ID that belongs to another account");
                Self::SignIn(SignInFault::OtherAccount(provider))
            }
            SignInError::Db(error) => error.into(),
        }
    }
}

const NOT_SIGNED_IN: &str = "You were not signed in";
const STAFF: &str = "If it happens again, write to the course's staff and quote the reference below.";

impl SignInFault {
    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Stale => StatusCode::BAD_REQUEST,
            Self::Provider(OpenIdError::NoSuchProvider(_)) => StatusCode::NOT_FOUND,
            Self::Provider(OpenIdError::Unreachable { .. } | OpenIdError::Unfit { .. }) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Provider(_) | Self::NotOnRoster | Self::OtherAccount(_) => StatusCode::FORBIDDEN,
        }
    }

    /// Title, what happened, and what it means for the person's work.
    pub(super) fn words(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::Stale => (
                "This sign-in is over",
                "It was finished before, took more than ten minutes, or was begun in another browser. Sign in again."
                    .to_owned(),
                "You are as you were: nobody was signed in or out.",
            ),
            Self::Provider(error) => of_provider(error),
            Self::NotOnRoster => (
                "You are not on the roster",
                "Your university knows you, but this course does not have you among its people. If you have another \
                 account, sign out of this one there first. If you joined the course lately, or this is wrong, write to \
                 its staff."
                    .to_owned(),
                "No account was made for you, and nothing is kept of you here.",
            ),
            Self::OtherAccount(provider) => (
                "Your net ID belongs to another account",
                format!(
                    "Whoever signed in here with your net ID before came with another account of {provider}. If that was \
                     you, write to the course's staff: they can take the old link away."
                ),
                "Nobody was signed in, and nothing was changed.",
            ),
        }
    }
}

fn of_provider(error: &OpenIdError) -> (&'static str, String, &'static str) {
    match error {
        OpenIdError::Unreachable { .. } => (
            "Nobody can sign in at present",
            format!("{}. Try again in some minutes.", sentence(error)),
            "Whoever is signed in stays signed in, and all that is booked goes on.",
        ),
        OpenIdError::Unfit { .. } | OpenIdError::NoSuchProvider(_) => (
            "Nobody can sign in at present",
            format!("{}. Staff have to set it right.", sentence(error)),
            "Whoever is signed in stays signed in, and all that is booked goes on.",
        ),
        OpenIdError::Refused { code, provider } if code == "access_denied" => (
            NOT_SIGNED_IN,
            format!("{provider} did not let you go on, or you did not want to."),
            "Nothing was changed. You can try again.",
        ),
        OpenIdError::NotInGroups { .. } => {
            (NOT_SIGNED_IN, format!("{}.", sentence(error)), "No account was made for you.")
        }
        OpenIdError::Refused { .. } | OpenIdError::WrongToken { .. } => {
            (NOT_SIGNED_IN, format!("{}. Sign in again. {STAFF}", sentence(error)), "Nothing was changed.")
        }
        OpenIdError::Claim { .. } => {
            let what = format!("{}. Write to the course's staff and quote this.", sentence(error));
            (NOT_SIGNED_IN, what, "Nothing was changed.")
        }
    }
}

/// An error as a sentence begins.
fn sentence(error: &OpenIdError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
