//! Why nobody was signed in. No sentence says a net ID, a name or an address: they are shown, and they are logged.

use openidconnect::{ClaimsVerificationError, SignatureVerificationError};

use crate::domain::ids::ProviderId;

/// Why a provider did not sign someone in, or did not say what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenIdError {
    /// Nobody is called so.
    #[error("there is no sign-in provider \"{0}\"")]
    NoSuchProvider(ProviderId),
    /// It does not answer, or only that it can't at present.
    #[error("{provider} can't be reached at present: {why}")]
    Unreachable {
        /// What its button says.
        provider: String,
        /// What happened.
        why: String,
    },
    /// It answers, but not as a provider that can be used.
    #[error("{provider} can't be used as it is set up: {why}")]
    Unfit {
        /// What its button says.
        provider: String,
        /// What is wrong.
        why: String,
    },
    /// It said no.
    #[error("{provider} refused: {code}")]
    Refused {
        /// What its button says.
        provider: String,
        /// Its code, such as `access_denied`: lower-case letters and underscores.
        code: String,
    },
    /// What it said can't be believed.
    #[error("what {provider} said can't be trusted: {why}")]
    WrongToken {
        /// What its button says.
        provider: String,
        /// What is wrong with it.
        why: WrongToken,
    },
    /// It left out what is needed, or what it said of it can't be used.
    #[error("{provider}'s claim \"{claim}\", which is to have the {meaning}, {why}")]
    Claim {
        /// What its button says.
        provider: String,
        /// The claim's name there.
        claim: String,
        /// What the claim map says that it has, such as "net ID".
        meaning: &'static str,
        /// What is wrong with it.
        why: ClaimFault,
    },
    /// Whoever it is, they are in none of the groups that are let in.
    #[error("none of the groups that {provider} knows them in is let in; one of these is: {}", .groups.join(", "))]
    NotInGroups {
        /// What its button says.
        provider: String,
        /// The groups that are let in.
        groups: Vec<String>,
    },
}

/// What is wrong with a signed statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongToken {
    /// There is none.
    #[error("there is no token")]
    Missing,
    /// It is no token at all.
    #[error("the token can't be read")]
    Unreadable,
    /// Nobody signed it.
    #[error("the token is not signed")]
    Unsigned,
    /// It is signed in a way that proves nothing here.
    #[error("the token is signed in a way that is not accepted")]
    Algorithm,
    /// The signature is not by any of the provider's keys.
    #[error("the token's signature is not the provider's")]
    Signature,
    /// Someone else said it.
    #[error("the token is another issuer's")]
    Issuer,
    /// It was said to someone else.
    #[error("the token is not for us")]
    Audience,
    /// It was made for someone else to use.
    #[error("the token was given to another party")]
    Party,
    /// Its time is over.
    #[error("the token's time is over; perhaps a clock is wrong")]
    Expired,
    /// Its time has not come.
    #[error("the token is from the future; perhaps a clock is wrong")]
    TooNew,
    /// It was made long ago.
    #[error("the token was made too long ago; perhaps a clock is wrong")]
    TooOld,
    /// It is no answer to what this browser asked.
    #[error("the token answers another sign-in")]
    Nonce,
    /// Two statements are about two people.
    #[error("the token and what was asked with it are about two people")]
    Subject,
    /// What came with it is not what it came with.
    #[error("the token came with another access token")]
    AccessToken,
    /// It is no statement that a session has ended.
    #[error("the token does not say that a session has ended")]
    NoLogout,
}

/// What is wrong with a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is no text, or has nothing in it that could be meant.
    #[error("can't be read")]
    Unreadable,
    /// It has not the ending that was to be cut off.
    #[error("has another ending than those who are let in")]
    Domain,
    /// The provider has not seen that the address is theirs.
    #[error("is not verified")]
    Unverified,
}

impl From<&ClaimsVerificationError> for WrongToken {
    fn from(error: &ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::Expired(_) => Self::Expired,
            ClaimsVerificationError::InvalidAudience(_) => Self::Audience,
            ClaimsVerificationError::InvalidIssuer(_) => Self::Issuer,
            ClaimsVerificationError::InvalidNonce(_) => Self::Nonce,
            ClaimsVerificationError::InvalidSubject(_) => Self::Subject,
            ClaimsVerificationError::SignatureVerification(error) => error.into(),
            _ => Self::Unreadable,
        }
    }
}

impl From<&SignatureVerificationError> for WrongToken {
    fn from(error: &SignatureVerificationError) -> Self {
        match error {
            SignatureVerificationError::NoSignature => Self::Unsigned,
            SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::UnsupportedAlg(_) => {
                Self::Algorithm
            }
            _ => Self::Signature,
        }
    }
}
