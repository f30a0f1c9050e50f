//! Use cases: load, decide, save. Each is called by the pages, the API, the command line and the worker alike.

pub mod announcements;
pub mod audit;
pub mod booking;
pub mod calendar;
pub mod courses;
pub mod delivery;
pub mod digest;
pub mod doctor;
pub mod exceptions;
pub mod explain;
pub mod extending;
pub mod failures;
pub mod fair_share;
pub mod fulfil;
pub mod guards;
mod heads;
pub mod health;
pub mod history;
pub mod labs;
pub mod lead;
pub mod links;
pub mod looking;
pub mod notices;
pub mod outage_hints;
pub mod outages;
pub mod outbox;
pub mod people;
mod places;
pub mod privacy;
pub mod programs;
pub mod queue;
pub mod reaping;
pub mod receipts;
pub mod renewal;
pub mod roles;
pub mod roster;
pub mod sessions;
pub mod shares;
pub mod sign_in;
mod situation;
pub mod staff;
pub mod sweeps;
pub mod tokens;
pub mod waitlist;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::cloud::port::Clouds;
use crate::db::Db;
use crate::domain::ids::{
    AnnouncementId, BookingId, ClaimToken, ExceptionId, ExemptionId, HintId, ImportId, InstanceId, NoticeId,
    OutageId, PauseId, PersonId, ReceiptId, SessionId, SweepId, TokenId, WaitId,
};
use crate::entropy::Entropy;
use crate::mail::delivery::Mailer;

/// What use cases work with. Only `cli` and tests build one.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and secrets.
    pub entropy: Arc<dyn Entropy>,
    /// The sites that can be reached. Their calls are told to `watch` ([`Metered`](crate::cloud::metered::Metered)).
    pub clouds: Clouds,
    /// What this process sees of sites, and its figures for metrics.
    pub watch: Arc<health::Watch>,
    /// Takes mail away.
    pub mailer: Arc<dyn Mailer>,
    /// This installation's id.
    pub instance: InstanceId,
    /// What this installation signs the links in its mails with ([`links`]).
    pub link_key: SecretString,
    /// Where the pages are, without a slash at the end: for links in mails.
    pub public_url: String,
    /// How long a worker's claim on a row stands without being renewed: longer than the longest call to a cloud.
    pub claim: TimeDelta,
    /// Wakes the worker of this process, if it has one.
    pub wake: Wake,
    /// Held while this process sweeps because it was time to.
    pub sweeping: tokio::sync::Mutex<()>,
}

/// Tells the worker of this process that there may be something to do. What is to be done is in the database: a call that
/// nobody hears is no loss, since the worker also looks by itself.
#[derive(Debug)]
pub struct Wake(watch::Sender<()>);

impl Default for Wake {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Wake {
    /// There may be something to do.
    pub fn call(&self) {
        self.0.send_replace(());
    }

    /// Hears each call from now on.
    pub fn listen(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

impl App {
    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new announcement's id.
    pub fn announcement_id(&self) -> AnnouncementId {
        AnnouncementId::from_bits(self.entropy.bits())
    }

    /// A new booking's id.
    pub fn booking_id(&self) -> BookingId {
        BookingId::from_bits(self.entropy.bits())
    }

    /// A new exception's id.
    pub fn exception_id(&self) -> ExceptionId {
        ExceptionId::from_bits(self.entropy.bits())
    }

    /// A new exemption's id.
    pub fn exemption_id(&self) -> ExemptionId {
        ExemptionId::from_bits(self.entropy.bits())
    }

    /// A new outage's id.
    pub fn outage_id(&self) -> OutageId {
        OutageId::from_bits(self.entropy.bits())
    }

    /// A new pause's id.
    pub fn pause_id(&self) -> PauseId {
        PauseId::from_bits(self.entropy.bits())
    }

    /// A new sweep's id.
    pub fn sweep_id(&self) -> SweepId {
        SweepId::from_bits(self.entropy.bits())
    }

    /// A new notice's id.
    pub fn notice_id(&self) -> NoticeId {
        NoticeId::from_bits(self.entropy.bits())
    }

    /// A new person's id.
    pub fn person_id(&self) -> PersonId {
        PersonId::from_bits(self.entropy.bits())
    }

    /// A new session's id.
    pub fn session_id(&self) -> SessionId {
        SessionId::from_bits(self.entropy.bits())
    }

    /// A new token's id.
    pub fn token_id(&self) -> TokenId {
        TokenId::from_bits(self.entropy.bits())
    }

    /// A new hint's id.
    pub fn hint_id(&self) -> HintId {
        HintId::from_bits(self.entropy.bits())
    }

    /// A new import's id.
    pub fn import_id(&self) -> ImportId {
        ImportId::from_bits(self.entropy.bits())
    }

    /// A new place in line's id.
    pub fn wait_id(&self) -> WaitId {
        WaitId::from_bits(self.entropy.bits())
    }

    /// A new receipt's id.
    pub fn receipt_id(&self) -> ReceiptId {
        ReceiptId::from_bits(self.entropy.bits())
    }

    /// A new claim's token.
    pub fn claim_token(&self) -> ClaimToken {
        ClaimToken::from_bits(self.entropy.bits())
    }
}
