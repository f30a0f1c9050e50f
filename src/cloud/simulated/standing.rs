//! Leases that staff hold at the simulated site: objects of its own, put there by hand.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use super::{By, Object, SimulatedCloud};
use crate::cloud::port::{CloudError, Progress};
use crate::domain::blueprint::{Kind, Reserved, Spec};
use crate::domain::fitness::LeaseFacts;
use crate::domain::interval::Interval;
use crate::domain::renewal::{HeldLease, Phase};
use crate::domain::resource::SiteFacts;
use crate::domain::survey::Survey;

impl SimulatedCloud {
    /// Puts a lease there as staff would, whether there is room or not, and says its id. Others may reserve less by what it
    /// reserves.
    pub fn put_lease(
        &self,
        name: &str,
        span: &Interval,
        reservations: &[(Reserved, u32)],
    ) -> Result<String, CloudError> {
        let (start, end) = (span.start(), span.end());
        let lease = Object {
            site_ref: self.site_ref(name, Kind::Lease),
            name: name.to_owned(),
            spec: Spec::Lease { start, end, reservations: reservations.to_vec() },
            facts: SiteFacts { lease_end: Some(end), ..SiteFacts::default() },
            created_at: self.clock.now(),
            deleted_at: None,
            uses: Vec::new(),
            kind: Kind::Lease,
            survey: Survey::default(),
            stopped: None,
            turning_until: None,
        };
        self.put(&lease)?;
        Ok(lease.site_ref)
    }

    pub(super) fn held_now(&self, name: &str) -> Result<Option<HeldLease>, CloudError> {
        let same = self.found(By::Name(name))?;
        let held: Result<Vec<_>, _> =
            same.iter().filter_map(|object| self.held(object).transpose()).collect();
        Ok(HeldLease::of_several(held?))
    }

    pub(super) fn prolong_now(&self, site_ref: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError> {
        let missing = || CloudError::NotFound(format!("there is no lease {site_ref}"));
        let object = self.store.get(site_ref)?.filter(|object| !object.is_gone(self.clock.now()));
        let mut object = object.ok_or_else(missing)?;
        let lease = self.held(&object)?.ok_or_else(missing)?;
        let end = end.duration_trunc(TimeDelta::minutes(1)).unwrap_or(end);
        match (lease.phase, &mut object.spec) {
            _ if end <= lease.ends => return Ok(lease),
            (Phase::Ahead, _) => {
                return Err(CloudError::Permanent("a lease can't be moved before it has begun".to_owned()));
            }
            (Phase::InForce, Spec::Lease { start, end: old, reservations }) => {
                self.room_for_lease(Some(site_ref), reservations, *start, end)?;
                *old = end;
            }
            _ => return Ok(lease),
        }
        object.facts.lease_end = Some(end);
        self.store.put(&object)?;
        Ok(HeldLease { ends: end, ..lease })
    }

    pub(super) fn leases_now(&self) -> Result<Vec<LeaseFacts>, CloudError> {
        let mut facts = Vec::new();
        for object in self.found(By::Kind(Kind::Lease))? {
            facts.extend(self.held(&object)?.map(|lease| LeaseFacts {
                name: object.name.clone(),
                in_force: lease.phase == Phase::InForce,
                status: lease.status,
                ends: lease.ends,
            }));
        }
        Ok(facts)
    }

    /// How a lease is for those who hold it; nothing of any other object.
    fn held(&self, object: &Object) -> Result<Option<HeldLease>, CloudError> {
        let Spec::Lease { end, .. } = &object.spec else { return Ok(None) };
        let (phase, status) = match self.lease_progress(&object.site_ref)? {
            Progress::Ready => (Phase::InForce, "ACTIVE"),
            Progress::Working => (Phase::Ahead, "PENDING"),
            Progress::Broken(_) => (Phase::Over, "TERMINATED"),
        };
        let (site_ref, status) = (object.site_ref.clone(), status.to_owned());
        Ok(Some(HeldLease { site_ref, phase, status, ends: *end }))
    }
}
