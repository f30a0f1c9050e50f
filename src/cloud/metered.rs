//! A cloud whose calls are told: what was asked, what came of it, and how long it took.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::port::{Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope};
use crate::clock::Clock;
use crate::domain::blueprint::{Kind, Probe};
use crate::domain::fitness::{SiteNeeds, SiteReport, SiteService};
use crate::domain::health::Fault;
use crate::domain::ids::SiteId;
use crate::domain::reaper::StopBy;
use crate::domain::renewal::HeldLease;

/// A call that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// At which site.
    pub site: SiteId,
    /// What was asked: `list`, `survey`, `ensure_server`, `release_floating_ip`, `stop_server`, `lease_in_force`, `health`.
    pub operation: String,
    /// `ok`, the class of its error, or `abandoned` if the caller waited no longer.
    pub outcome: &'static str,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// The fault of the site, if it failed by one.
    pub fault: Option<Fault>,
}

/// Hears of calls. Told on the way of each: it must be quick and never wait.
pub trait Listener: Send + Sync + Debug {
    /// A call is over.
    fn heard(&self, call: Call);
}

/// A site whose calls are told to a listener.
#[derive(Debug)]
pub struct Metered {
    site: SiteId,
    cloud: Arc<dyn Cloud>,
    clock: Arc<dyn Clock>,
    listener: Arc<dyn Listener>,
}

impl Metered {
    /// `cloud`, which is the site with this id.
    pub fn new(
        site: SiteId,
        cloud: Arc<dyn Cloud>,
        clock: Arc<dyn Clock>,
        listener: Arc<dyn Listener>,
    ) -> Self {
        Self { site, cloud, clock, listener }
    }

    async fn told<T>(
        &self,
        operation: String,
        call: impl Future<Output = Result<T, CloudError>> + Send,
    ) -> Result<T, CloudError> {
        let mut under_way = UnderWay { of: self, operation, begun: self.clock.now(), over: false };
        let result = call.await;
        under_way.end(result.as_ref().err());
        result
    }
}

/// `security group` as part of a name.
fn of_kind(verb: &str, kind: Kind) -> String {
    format!("{verb}_{}", kind.word().to_lowercase().replace(' ', "_"))
}

/// A call that has begun. If it is dropped before its end, its caller waited no longer: the site did not answer in time.
struct UnderWay<'a> {
    of: &'a Metered,
    operation: String,
    begun: DateTime<Utc>,
    over: bool,
}

impl UnderWay<'_> {
    fn end(&mut self, error: Option<&CloudError>) {
        let fault = error
            .filter(|error| error.is_fault_of_site())
            .map(|error| Fault { class: error.class().to_owned(), message: error.to_string() });
        self.tell(error.map_or("ok", CloudError::class), fault);
    }

    fn tell(&mut self, outcome: &'static str, fault: Option<Fault>) {
        self.over = true;
        let at = self.of.clock.now();
        self.of.listener.heard(Call {
            site: self.of.site.clone(),
            operation: std::mem::take(&mut self.operation),
            outcome,
            at,
            took: (at - self.begun).to_std().unwrap_or_default(),
            fault,
        });
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.over {
            let message = format!("no answer to {} came in time", self.operation);
            self.tell("abandoned", Some(Fault { class: "outcome_unknown".to_owned(), message }));
        }
    }
}

#[async_trait]
impl Cloud for Metered {
    async fn list(&self, scope: &Scope, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.told("list".to_owned(), self.cloud.list(scope, needed)).await
    }

    async fn survey(&self, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.told("survey".to_owned(), self.cloud.survey(needed)).await
    }

    async fn ensure(&self, desired: &Desired) -> Result<Observed, CloudError> {
        self.told(of_kind("ensure", desired.spec.kind()), self.cloud.ensure(desired)).await
    }

    async fn lease_in_force(&self, site_ref: &str) -> Result<Progress, CloudError> {
        self.told("lease_in_force".to_owned(), self.cloud.lease_in_force(site_ref)).await
    }

    async fn held_lease(&self, name: &str) -> Result<Option<HeldLease>, CloudError> {
        self.told("held_lease".to_owned(), self.cloud.held_lease(name)).await
    }

    async fn prolong_lease(&self, site_ref: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError> {
        self.told("prolong_lease".to_owned(), self.cloud.prolong_lease(site_ref, end)).await
    }

    /// A look at a server, which tells nothing of the site.
    async fn answers(&self, address: &str, probe: &Probe) -> Result<bool, CloudError> {
        self.cloud.answers(address, probe).await
    }

    async fn release(&self, kind: Kind, site_ref: &str) -> Result<Released, CloudError> {
        self.told(of_kind("release", kind), self.cloud.release(kind, site_ref)).await
    }

    async fn stop(&self, server: &str, by: StopBy) -> Result<Progress, CloudError> {
        let operation = match by {
            StopBy::Stop => "stop_server",
            StopBy::Shelve => "shelve_server",
        };
        self.told(operation.to_owned(), self.cloud.stop(server, by)).await
    }

    async fn start(&self, server: &str) -> Result<Progress, CloudError> {
        self.told("start_server".to_owned(), self.cloud.start(server)).await
    }

    async fn examine(&self, needs: &SiteNeeds) -> Result<SiteReport, CloudError> {
        self.told("examine".to_owned(), self.cloud.examine(needs)).await
    }

    async fn health(&self) -> Result<(), CloudError> {
        self.told("health".to_owned(), self.cloud.health()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use chrono::TimeDelta;

    use super::*;
    use crate::clock::ManualClock;
    use crate::cloud::simulated::{Fault as Planned, Faults, Profile, SimulatedCloud};
    use crate::entropy::SeededEntropy;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<Call>>);

    impl Listener for Heard {
        fn heard(&self, call: Call) {
            self.0.lock().unwrap().push(call);
        }
    }

    fn metered(faults: Faults) -> (Metered, Arc<Heard>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let entropy = Arc::new(SeededEntropy::new(1));
        let cloud = SimulatedCloud::in_memory(Profile::instant(), faults, clock.clone(), entropy);
        let heard = Arc::new(Heard::default());
        let cloud = Metered::new("here".parse().unwrap(), Arc::new(cloud), clock.clone(), heard.clone());
        (cloud, heard, clock)
    }

    #[tokio::test]
    async fn each_call_is_told_with_what_it_came_to() {
        let refusals = [
            (CloudError::Transient { message: "503".to_owned(), retry_after: None }, "transient", true),
            (CloudError::OutcomeUnknown("silence".to_owned()), "outcome_unknown", true),
            (CloudError::Unauthorised("401".to_owned()), "unauthorised", true),
            (CloudError::Conflict("409".to_owned()), "conflict", false),
            (CloudError::NotFound("404".to_owned()), "not_found", false),
            (CloudError::Quota("full".to_owned()), "quota", false),
            (CloudError::Capacity("full".to_owned()), "capacity", false),
            (CloudError::Permanent("400".to_owned()), "permanent", false),
        ];
        for (error, outcome, is_fault) in refusals {
            let (cloud, heard, _) = metered(Faults::at(0, Planned::Refuse(error)));
            assert!(cloud.release(Kind::FloatingIp, "x").await.is_err());
            let call = heard.0.lock().unwrap().pop().unwrap();
            assert_eq!((call.operation.as_str(), call.outcome), ("release_floating_ip", outcome));
            assert_eq!(call.fault.is_some(), is_fault, "{outcome}");
        }
        let (cloud, heard, _) = metered(Faults::none());
        cloud.health().await.unwrap();
        cloud.release(Kind::SecurityGroup, "x").await.unwrap();
        let told: Vec<_> =
            heard.0.lock().unwrap().iter().map(|call| (call.operation.clone(), call.outcome)).collect();
        assert_eq!(told, [("health".to_owned(), "ok"), ("release_security_group".to_owned(), "ok")]);
    }

    #[tokio::test]
    async fn a_call_that_its_caller_gives_up_is_a_fault_of_the_site() {
        let faults = Faults::none();
        faults.suffer(Some(Planned::HangBefore(None)));
        let (cloud, heard, clock) = metered(faults);
        {
            let mut call = Box::pin(cloud.health());
            assert!(futures_util::poll!(&mut call).is_pending());
            clock.advance(TimeDelta::seconds(10));
        }
        let call = heard.0.lock().unwrap().pop().unwrap();
        assert_eq!((call.outcome, call.took), ("abandoned", Duration::from_secs(10)));
        assert_eq!(call.fault.unwrap().message, "no answer to health came in time");
    }
}
