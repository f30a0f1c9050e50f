//! Faults that a test tells the simulated cloud to make: at which call, and what.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::Object;
use crate::cloud::port::CloudError;
use crate::domain::fitness::SiteService;

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this and has no effect.
    Refuse(CloudError),
    /// The call has its effect, and its answer is lost.
    LoseAnswer,
    /// The call never returns, and has no effect. The file is made first, for a test to wait for.
    HangBefore(Option<PathBuf>),
    /// The call has its effect and never returns. The file is made after the effect.
    HangAfter(Option<PathBuf>),
}

/// Which calls go wrong. Calls are counted from 0 in the order in which they are made.
#[derive(Debug, Default)]
pub struct Faults {
    calls: AtomicUsize,
    planned: Mutex<Vec<(usize, Fault)>>,
    broken: Mutex<Vec<String>>,
    outage: Mutex<Option<Fault>>,
    hidden: Mutex<BTreeSet<SiteService>>,
    hung: Notify,
}

impl Faults {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// `fault` at the call with this number.
    pub fn at(call: usize, fault: Fault) -> Self {
        Self { planned: Mutex::new(vec![(call, fault)]), ..Self::default() }
    }

    /// `fault` at each of the first `calls` calls.
    pub fn first(calls: usize, fault: &Fault) -> Self {
        Self {
            planned: Mutex::new((0..calls).map(|call| (call, fault.clone())).collect()),
            ..Self::default()
        }
    }

    /// `fault` at each of a hundred calls after the first `calls`.
    pub fn after(calls: usize, fault: &Fault) -> Self {
        let planned = (calls..calls + 100).map(|call| (call, fault.clone())).collect();
        Self { planned: Mutex::new(planned), ..Self::default() }
    }

    /// The next server whose name begins with this comes up broken.
    #[must_use]
    pub fn breaking(self, name: &str) -> Self {
        self.break_next(name);
        self
    }

    /// The next server whose name begins with this comes up broken; of several times the same, so many after each other.
    pub fn break_next(&self, name: &str) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
    }

    /// From now on every call goes wrong in this way, or none does. Looks at the site's health are calls like others in this.
    pub fn suffer(&self, outage: Option<Fault>) {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = outage;
    }

    /// From now on the site's catalog lacks these services and no others. What they hold stays.
    pub fn hide(&self, services: impl IntoIterator<Item = SiteService>) {
        *self.hidden.lock().unwrap_or_else(PoisonError::into_inner) = services.into_iter().collect();
    }

    /// An error if the catalog lacks the service.
    pub(super) fn shown(&self, service: SiteService) -> Result<(), CloudError> {
        if self.hidden.lock().unwrap_or_else(PoisonError::into_inner).contains(&service) {
            let message = format!("the site's catalog has no service for {}", service.words());
            return Err(CloudError::Transient { message, retry_after: None });
        }
        Ok(())
    }

    /// Returns once a call hangs.
    pub async fn hung(&self) {
        self.hung.notified().await;
    }

    /// How many calls were made, looks at the site's health not among them: they come whenever it is time.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(super) fn is_broken(&self, object: &Object) -> bool {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.contains(&object.site_ref) {
            return true;
        }
        let rule = broken.iter_mut().find(|rule| object.name.starts_with(rule.as_str()));
        rule.map(|rule| rule.clone_from(&object.site_ref)).is_some()
    }

    pub(super) async fn around<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let planned = {
            let planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
            planned.iter().find(|(at, _)| *at == call).map(|(_, fault)| fault.clone())
        };
        self.with(self.outage().or(planned), name, effect).await
    }

    /// A look at the site's health. It is no call that a fault can be planned for.
    pub(super) async fn around_look(&self) -> Result<(), CloudError> {
        self.with(self.outage(), "health", || Ok(())).await
    }

    fn outage(&self) -> Option<Fault> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn with<T>(
        &self,
        fault: Option<Fault>,
        name: &'static str,
        effect: impl FnOnce() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        match fault {
            None => effect(),
            Some(Fault::Refuse(error)) => Err(error),
            Some(Fault::LoseAnswer) => {
                effect()?;
                Err(CloudError::OutcomeUnknown(format!("no answer to {name} came in time")))
            }
            Some(Fault::HangBefore(marker)) => self.hang(marker).await,
            Some(Fault::HangAfter(marker)) => {
                effect()?;
                self.hang(marker).await
            }
        }
    }

    async fn hang<T>(&self, marker: Option<PathBuf>) -> T {
        if let Some(marker) = marker
            && let Err(error) = std::fs::write(&marker, "")
        {
            tracing::error!(%error, "the marker of a fault can't be written");
        }
        self.hung.notify_one();
        std::future::pending().await
    }
}
