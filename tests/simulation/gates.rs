//! A cloud whose every call waits for the simulator, before it has its effect and after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fairlease::cloud::port::{Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope};
use fairlease::cloud::simulated::SimulatedCloud;
use fairlease::domain::blueprint::{Kind, Probe};
use fairlease::domain::fitness::{SiteNeeds, SiteReport, SiteService};
use fairlease::domain::reaper::StopBy;
use fairlease::domain::renewal::HeldLease;
use tokio::sync::{mpsc, oneshot};

/// What becomes of a call that waits.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It goes on.
    Go,
    /// It fails with this: before its effect, or instead of its answer.
    Fail(CloudError),
    /// It is answered with what the same call was answered the last time, if it is a listing.
    Old,
}

/// What the simulator hears of its actors.
#[derive(Debug)]
pub(super) enum Event {
    /// A call waits.
    Waits(Gate),
    /// A call has its answer.
    Answered,
    /// The actor has nothing more to do.
    Finished(usize),
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Gate {
    /// Whose it is.
    pub(super) actor: usize,
    /// Which call.
    pub(super) call: &'static str,
    /// Whether it has had its effect.
    pub(super) done: bool,
    /// Lets it go on.
    pub(super) open: oneshot::Sender<Verdict>,
}

/// The latest answer to each listing, whoever asked: what a site that lags behind still says.
#[derive(Default)]
pub(super) struct Remembered(Mutex<BTreeMap<String, Vec<Found>>>);

impl Remembered {
    /// The new answer, or the old one in its place.
    fn answer(&self, of: String, new: Vec<Found>, old: bool) -> Vec<Found> {
        let mut all = self.0.lock().unwrap();
        let known = all.insert(of, new.clone());
        known.filter(|_| old).unwrap_or(new)
    }
}

/// The simulated cloud as one actor reaches it.
pub(super) struct GatedCloud {
    pub(super) actor: usize,
    pub(super) remembered: Arc<Remembered>,
    pub(super) site: Arc<SimulatedCloud>,
    pub(super) events: mpsc::UnboundedSender<Event>,
}

impl fmt::Debug for GatedCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cloud of actor {}", self.actor)
    }
}

impl GatedCloud {
    /// Waits until the simulator lets the call go on; true if its answer is to be old.
    async fn wait(&self, call: &'static str, done: bool) -> Result<bool, CloudError> {
        let (open, opened) = oneshot::channel();
        self.events.send(Event::Waits(Gate { actor: self.actor, call, done, open })).unwrap();
        match opened.await {
            Ok(Verdict::Go) => Ok(false),
            Ok(Verdict::Old) => Ok(true),
            Ok(Verdict::Fail(error)) => Err(error),
            Err(_) => std::future::pending().await,
        }
    }

    async fn around<T>(
        &self,
        call: &'static str,
        effect: impl Future<Output = Result<T, CloudError>> + Send,
    ) -> Result<(T, bool), CloudError> {
        let answer = match self.wait(call, false).await {
            Ok(_) => {
                let effect = effect.await;
                let old = self.wait(call, true).await;
                old.and_then(|old| effect.map(|answer| (answer, old)))
            }
            Err(error) => Err(error),
        };
        self.events.send(Event::Answered).unwrap();
        answer
    }
}

#[async_trait]
impl Cloud for GatedCloud {
    async fn list(&self, scope: &Scope, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        let (new, old) = self.around("list", self.site.list(scope, needed)).await?;
        Ok(self.remembered.answer(format!("{scope:?}"), new, old))
    }

    async fn survey(&self, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        let (new, old) = self.around("survey", self.site.survey(needed)).await?;
        Ok(self.remembered.answer("everything".to_owned(), new, old))
    }

    async fn ensure(&self, desired: &Desired) -> Result<Observed, CloudError> {
        Ok(self.around("ensure", self.site.ensure(desired)).await?.0)
    }

    async fn lease_in_force(&self, site_ref: &str) -> Result<Progress, CloudError> {
        Ok(self.around("lease_in_force", self.site.lease_in_force(site_ref)).await?.0)
    }

    async fn held_lease(&self, name: &str) -> Result<Option<HeldLease>, CloudError> {
        Ok(self.around("held_lease", self.site.held_lease(name)).await?.0)
    }

    async fn prolong_lease(&self, site_ref: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError> {
        Ok(self.around("prolong_lease", self.site.prolong_lease(site_ref, end)).await?.0)
    }

    async fn answers(&self, address: &str, probe: &Probe) -> Result<bool, CloudError> {
        Ok(self.around("answers", self.site.answers(address, probe)).await?.0)
    }

    async fn release(&self, kind: Kind, site_ref: &str) -> Result<Released, CloudError> {
        Ok(self.around("release", self.site.release(kind, site_ref)).await?.0)
    }

    /// Nobody waits for a look.
    async fn stop(&self, server: &str, by: StopBy) -> Result<Progress, CloudError> {
        Ok(self.around("stop", self.site.stop(server, by)).await?.0)
    }

    async fn start(&self, server: &str) -> Result<Progress, CloudError> {
        Ok(self.around("start", self.site.start(server)).await?.0)
    }

    async fn health(&self) -> Result<(), CloudError> {
        self.site.health().await
    }

    async fn examine(&self, needs: &SiteNeeds) -> Result<SiteReport, CloudError> {
        Ok(self.around("examine", self.site.examine(needs)).await?.0)
    }
}
