//! The cloud port: what Fairlease asks of a site. Small, and each call may be repeated.
//!
//! **Idempotence.** [`Cloud::ensure`] looks for an object with the mark before it makes one, so a call whose answer was
//! lost is repeated, not guessed about. [`Cloud::release`] of what is not there says [`Released::Gone`].
//!
//! **Absence.** Only a site's definite "not found" for one object is absence. An error never is, nor is a listing that
//! does not have it. Nor is a service that the site does not show now: it may be back soon, with all that it had.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::domain::blueprint::{Kind, Probe, Spec};
use crate::domain::fitness::{SiteNeeds, SiteReport, SiteService};
use crate::domain::ids::{BookingId, InstanceId, ResourceKey, SiteId};
use crate::domain::reaper::StopBy;
use crate::domain::renewal::HeldLease;
pub use crate::domain::resource::Found;
use crate::domain::resource::{Mark, SiteFacts};

/// An object that is to exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Whose it is.
    pub mark: Mark,
    /// Its name at the site, which carries the mark.
    pub name: String,
    /// When it is to be gone. Written on the object for people and for other reapers; not acted on here.
    pub delete_at: DateTime<Utc>,
    /// What it is to be.
    pub spec: Spec,
    /// The booking's objects that exist already, by key: what [`Spec`] names by key is found here.
    pub others: BTreeMap<ResourceKey, SiteObject>,
}

/// An object of which the site told its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteObject {
    /// The kind of object.
    pub kind: Kind,
    /// The site's own id of it. A keypair's is its name.
    pub site_ref: String,
    /// What the site tells of it.
    pub facts: SiteFacts,
}

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The site is still at work on it: ask again.
    Working,
    /// It can be used.
    Ready,
    /// It came up broken and will not mend by waiting.
    Broken(String),
}

/// What [`Cloud::ensure`] saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The object.
    pub object: SiteObject,
    /// How far it is.
    pub progress: Progress,
}

/// What [`Cloud::release`] saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// The site said that it is not there.
    Gone,
    /// The site is at work on it: ask again.
    Going,
}

/// Which objects a listing is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every object of the project that carries this installation's mark.
    Instance(InstanceId),
    /// Every object that carries the mark of one booking.
    Booking(InstanceId, BookingId),
}

impl Scope {
    /// Whether an object with `mark` belongs to it.
    pub fn covers(&self, mark: &Mark) -> bool {
        match self {
            Self::Instance(instance) => mark.instance == *instance,
            Self::Booking(instance, booking) => mark.instance == *instance && mark.booking == *booking,
        }
    }
}

/// How a call went wrong, by what can be done about it. The message is the site's own, fit for staff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// It may pass by itself.
    #[error("the site could not do it now: {message}")]
    Transient {
        /// The site's words.
        message: String,
        /// How long the site asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Another object or state stands in the way, such as a network in use.
    #[error("the site says that something stands in the way: {0}")]
    Conflict(String),
    /// Something that the call needs is not there, such as an image.
    #[error("the site does not have what is needed: {0}")]
    NotFound(String),
    /// The project may have no more of it.
    #[error("the project's quota is used up: {0}")]
    Quota(String),
    /// The site has no room for it at that time.
    #[error("the site has no room: {0}")]
    Capacity(String),
    /// The credential is refused.
    #[error("the site refuses our credential: {0}")]
    Unauthorised(String),
    /// The site can't do such a thing at all, whatever the object.
    #[error("the site can't do that: {0}")]
    Unsupported(String),
    /// Repeating it would not help.
    #[error("the site refuses: {0}")]
    Permanent(String),
    /// No answer came: it may or may not have happened.
    #[error("the site did not answer: {0}")]
    OutcomeUnknown(String),
}

impl CloudError {
    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Transient { .. } | Self::Conflict(_) | Self::OutcomeUnknown(_) | Self::Unauthorised(_)
        )
    }

    /// Whether it says that the site does not do its part. A site that refuses for a reason does: it answers.
    pub fn is_fault_of_site(&self) -> bool {
        matches!(self, Self::Transient { .. } | Self::OutcomeUnknown(_) | Self::Unauthorised(_))
    }

    /// The kind of error in a word, for logs and metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Transient { .. } => "transient",
            Self::Conflict(_) => "conflict",
            Self::NotFound(_) => "not_found",
            Self::Quota(_) => "quota",
            Self::Capacity(_) => "capacity",
            Self::Unauthorised(_) => "unauthorised",
            Self::Unsupported(_) => "unsupported",
            Self::Permanent(_) => "permanent",
            Self::OutcomeUnknown(_) => "outcome_unknown",
        }
    }
}

/// One site, as the project that we may use there.
#[async_trait]
pub trait Cloud: Send + Sync + Debug {
    /// Every object in `scope`, from all pages of all kinds. An error if any page of any kind failed: a listing that is
    /// cut short is not a listing. `needed` are the services that may hold such objects for all that the caller knows: if
    /// the site does not show one of them now, that is an error which may pass. Of other services it may lack any.
    async fn list(&self, scope: &Scope, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError>;

    /// Every object of the project, whoever made it, each with what the site tells of it. As whole as [`Cloud::list`], in a
    /// number of calls that grows by pages only; what is another project's is not in it, and what others use too says so.
    /// Key pairs are those of our account, since no project has them.
    async fn survey(&self, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError>;

    /// Looks for the object with this mark; makes it if there is none; brings it to what it is to be where that can be
    /// changed (a lease's end; [`CloudError::Unsupported`] at a site that changes none); and says how far it is. Does not wait for the site to finish. A lease is ready once the
    /// site has accepted it, and also has to be in force for servers to be made from it: see [`Cloud::lease_in_force`].
    async fn ensure(&self, desired: &Desired) -> Result<Observed, CloudError>;

    /// Whether the lease can be used: working until its start has come and the site has begun it.
    async fn lease_in_force(&self, site_ref: &str) -> Result<Progress, CloudError>;

    /// The lease that staff hold under this name, by the site's listing; of several the one that counts.
    async fn held_lease(&self, name: &str) -> Result<Option<HeldLease>, CloudError>;

    /// Moves the end of a lease in force to `end`, cut to the minute, and says how the lease is then. An end that is as late
    /// already stays: it never becomes earlier. One that has not begun is refused, and one that is over is told as such.
    async fn prolong_lease(&self, site_ref: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError>;

    /// Whether what is at this address can be used by now. An error only if that can't be told.
    async fn answers(&self, address: &str, probe: &Probe) -> Result<bool, CloudError>;

    /// Asks for the object's deletion, and says whether it is gone. Does not wait for the site to finish. An error that may
    /// pass if the site does not show the service that would know.
    async fn release(&self, kind: Kind, site_ref: &str) -> Result<Released, CloudError>;

    /// Asks for a server to be shut off or put aside, and says how far that is; whoever asks again looks. One that is put aside
    /// counts as shut off, too. `Broken` if it is in error; `NotFound` if it is not there; `Permanent` if the site can't or
    /// does not let us do it in this way.
    async fn stop(&self, server: &str, by: StopBy) -> Result<Progress, CloudError>;

    /// Undoes [`Cloud::stop`], however the server was stopped: ready once it runs. Errors as there.
    async fn start(&self, server: &str) -> Result<Progress, CloudError>;

    /// Whether the site answers and accepts our credential. Cheap.
    async fn health(&self) -> Result<(), CloudError>;

    /// What the site has of what is needed. Makes nothing. An error if it does not let us in; a question that it does not
    /// answer after that is in the report, with its words.
    async fn examine(&self, needs: &SiteNeeds) -> Result<SiteReport, CloudError>;
}

/// The sites that this process can reach.
pub type Clouds = BTreeMap<SiteId, Arc<dyn Cloud>>;
