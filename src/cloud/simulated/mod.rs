//! The embedded cloud. It keeps its state, takes time, runs out of room, and can be told to fail, so that the default run
//! and every test take the same paths as a real site. How far an object is follows from when it was made and what time it
//! is now: nothing runs in the background.

mod examine;
mod faults;
mod profile;
mod standing;
mod store;
mod survey;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use faults::{Fault, Faults};
pub use profile::Profile;
pub use store::Object;
use store::{By, Store};

use super::port::{Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject};
use crate::clock::Clock;
use crate::domain::blueprint::{HeldBy, Joined, Kind, Probe, Reserved, ServerSpec, Spec};
use crate::domain::fitness::{SiteNeeds, SiteReport, SiteService};
use crate::domain::ids::ResourceKey;
use crate::domain::reaper::StopBy;
use crate::domain::renewal::{HeldLease, Phase};
use crate::domain::resource::{Mark, SiteFacts};
use crate::domain::survey::Survey;
use crate::entropy::{Entropy, hex};

/// A simulated site.
#[derive(Debug)]
pub struct SimulatedCloud {
    store: Store,
    profile: Profile,
    faults: Faults,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl SimulatedCloud {
    /// A site whose objects are files in `directory`, shared by every process that uses the same one.
    pub fn on_disk(
        directory: PathBuf,
        profile: Profile,
        faults: Faults,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        Ok(Self { store: Store::on_disk(directory)?, profile, faults, clock, entropy })
    }

    /// A site whose objects are in this process only.
    pub fn in_memory(
        profile: Profile,
        faults: Faults,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { store: Store::in_memory(), profile, faults, clock, entropy }
    }

    /// Everything that the site holds, whoever made it.
    pub fn objects(&self) -> Result<Vec<Object>, CloudError> {
        self.found(By::Any)
    }

    /// Those of what is looked for that are not gone.
    fn found(&self, by: By<'_>) -> Result<Vec<Object>, CloudError> {
        let now = self.clock.now();
        Ok(self.store.find(by)?.into_iter().filter(|object| !object.is_gone(now)).collect())
    }

    /// The faults that it was told to make.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Puts an object there by hand, as someone with the site's own tools would: see [`Object::by_hand`].
    pub fn put(&self, object: &Object) -> Result<(), CloudError> {
        self.store.put(object)
    }

    /// Runs one call that changes something, alone: of two who want the last of something one gets it.
    async fn change<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let alone = || {
            let _turn = self.store.turn()?;
            effect()
        };
        self.call(name, alone).await
    }

    /// Runs one call: with the site's latency, and with the fault that is planned for it, if any.
    async fn call<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        self.take_time().await;
        self.faults.around(name, effect).await
    }

    async fn take_time(&self) {
        if let Ok(latency) = self.profile.latency.to_std()
            && !latency.is_zero()
        {
            tokio::time::sleep(latency).await;
        }
    }

    fn by_name(&self, name: &str) -> Result<Option<Object>, CloudError> {
        Ok(self.found(By::Name(name))?.into_iter().min_by_key(|object| object.created_at))
    }

    fn ensure_now(&self, desired: &Desired) -> Result<Observed, CloudError> {
        let object = match self.by_name(&desired.name)? {
            Some(object) => self.adjust(object, desired)?,
            None => self.make(desired)?,
        };
        if let Spec::Volume { attach_to: Some(server), .. } = &desired.spec {
            self.attach(&object, server, desired)?;
        }
        let progress = self.progress(&object);
        Ok(Observed { object: object.into_site_object(), progress })
    }

    /// Brings what exists to what it is to be.
    fn adjust(&self, mut object: Object, desired: &Desired) -> Result<Object, CloudError> {
        if let Spec::Lease { end, reservations, start } = &desired.spec
            && object.facts.lease_end != Some(*end)
        {
            // Real Blazar ruins a lease of flavors that is changed before it has begun, so the adapter does not ask.
            if self.clock.now() < *start {
                return Err(CloudError::Permanent("a lease can't be moved before it has begun".to_owned()));
            }
            if !self.profile.extends {
                let words = "Updating leases for 'flavor:instance' type reservations is not yet supported.";
                return Err(CloudError::Unsupported(words.to_owned()));
            }
            self.room_for_lease(Some(&object.site_ref), reservations, *start, *end)?;
            object.facts.lease_end = Some(*end);
            object.spec = desired.spec.clone();
            self.store.put(&object)?;
        }
        Ok(object)
    }

    /// From now on the volume can't go before the server.
    fn attach(&self, volume: &Object, server: &ResourceKey, desired: &Desired) -> Result<(), CloudError> {
        let server = desired.others.get(server).map(|server| self.store.get(&server.site_ref)).transpose()?;
        match server.flatten() {
            Some(mut server) if !server.uses.contains(&volume.site_ref) => {
                server.uses.push(volume.site_ref.clone());
                self.store.put(&server)
            }
            _ => Ok(()),
        }
    }

    fn make(&self, desired: &Desired) -> Result<Object, CloudError> {
        let (facts, kind) = (self.facts(desired)?, desired.spec.kind());
        let object = Object {
            site_ref: self.site_ref(&desired.name, kind),
            name: desired.name.clone(),
            kind,
            spec: desired.spec.clone(),
            facts,
            created_at: self.clock.now(),
            deleted_at: None,
            uses: Self::uses(desired)?,
            survey: survey::of_desired(desired),
            stopped: None,
            turning_until: None,
        };
        self.store.put(&object)?;
        Ok(object)
    }

    fn site_ref(&self, name: &str, kind: Kind) -> String {
        if kind == Kind::Keypair {
            return name.to_owned();
        }
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        hex(&bytes)
    }

    /// Checks what a real site checks, and makes up what it would tell.
    fn facts(&self, desired: &Desired) -> Result<SiteFacts, CloudError> {
        let mut facts = SiteFacts::default();
        match &desired.spec {
            Spec::Lease { start, end, reservations } => {
                for (of, _) in reservations {
                    match of {
                        Reserved::Flavor(flavor) => Self::has("flavor", &self.profile.flavors, flavor)?,
                        Reserved::FloatingIp(external) => self.has_network(external)?,
                        Reserved::Host(_) | Reserved::Device(_) => {}
                    }
                }
                self.room_for_lease(None, reservations, *start, *end)?;
                facts.lease_end = Some(*end);
                facts.reservations = reservations
                    .iter()
                    .map(|(of, _)| (of.clone(), self.site_ref(&desired.name, Kind::Lease)))
                    .collect();
            }
            Spec::Server(server) => {
                Self::has("image", &self.profile.images, &server.image)?;
                Self::has("flavor", &self.profile.flavors, &server.machine.flavor)?;
                for group in &server.shared_groups {
                    Self::has("security group", &self.profile.security_groups, group)?;
                }
                self.has_networks(&server.networks)?;
                self.reservation(desired, &server.held_by, &server.machine.reserved())?;
                facts.address = Some(self.address_of(server));
            }
            Spec::Container(container) => {
                self.has_networks(&container.networks)?;
                if let Some(device) = &container.device {
                    self.reservation(desired, &container.held_by, &Reserved::Device(device.clone()))?;
                }
                facts.address = Some(self.made_up_address());
            }
            Spec::Volume { image, volume_type, attach_to, .. } => {
                for (what, known, name) in [
                    ("image", &self.profile.images, image),
                    ("volume type", &self.profile.volume_types, volume_type),
                ] {
                    name.as_ref().map_or(Ok(()), |name| Self::has(what, known, name))?;
                }
                facts.address = attach_to.as_ref().map(|_| "/dev/vdb".to_owned());
            }
            Spec::Share { .. } => facts.address = Some(format!("10.20.0.5:/{}", desired.name)),
            Spec::Bucket => facts.address = Some(desired.name.clone()),
            Spec::Router { external, .. } => self.has_network(external)?,
            Spec::FloatingIp { external, reserved, .. } => {
                self.has_network(external)?;
                if reserved.is_some() {
                    let of = Reserved::FloatingIp(external.clone());
                    self.reservation(desired, &HeldBy::OwnLease, &of)?;
                }
                facts.address = Some(self.free_address()?);
            }
            Spec::Keypair { .. } | Spec::Network | Spec::Subnet { .. } | Spec::SecurityGroup { .. } => {}
        }
        Ok(facts)
    }

    /// That something is reserved in a lease which is in force.
    fn reservation(&self, desired: &Desired, held_by: &HeldBy, of: &Reserved) -> Result<(), CloudError> {
        let missing = |what: String| Err(CloudError::Conflict(what));
        match held_by {
            HeldBy::Nothing => Ok(()),
            HeldBy::StandingLease(name) => match self.held_now(name)? {
                Some(lease) if lease.phase == Phase::InForce => Ok(()),
                _ => missing(format!("there is no lease \"{name}\" in force")),
            },
            HeldBy::OwnLease => {
                let leases = desired.others.values().filter(|other| other.kind == Kind::Lease);
                let mut lease =
                    leases.filter(|lease| lease.facts.reservations.iter().any(|(it, _)| it == of));
                match lease.next().map(|lease| self.lease_progress(&lease.site_ref)).transpose()? {
                    Some(Progress::Ready) => Ok(()),
                    _ => missing(format!("no lease that is in force has a reservation of {of}")),
                }
            }
        }
    }

    fn address_of(&self, server: &ServerSpec) -> String {
        let fixed = server.networks.iter().find_map(|joined| match joined {
            Joined::Own { address, .. } => *address,
            Joined::Existing(_) => None,
        });
        fixed.map_or_else(|| self.made_up_address(), |address| address.to_string())
    }

    fn made_up_address(&self) -> String {
        format!("192.168.1.{}", 100 + self.entropy.bits() % 100)
    }

    fn has_network(&self, name: &String) -> Result<(), CloudError> {
        Self::has("network", &self.profile.networks, name)
    }

    fn has_networks(&self, joined: &[Joined]) -> Result<(), CloudError> {
        joined.iter().try_for_each(|joined| match joined {
            Joined::Own { .. } => Ok(()),
            Joined::Existing(name) => self.has_network(name),
        })
    }

    fn has(what: &str, known: &[String], name: &String) -> Result<(), CloudError> {
        if known.contains(name) {
            Ok(())
        } else {
            Err(CloudError::NotFound(format!("there is no {what} \"{name}\"")))
        }
    }

    /// From 203.0.113.0/24, which is set aside for documentation (RFC 5737), and where that is not enough from 198.18.0.0/16,
    /// which is for measurements (RFC 2544).
    fn free_address(&self) -> Result<String, CloudError> {
        let range = |from: [u8; 4], to: [u8; 4]| from.into()..=to.into();
        let ranges =
            [range([203, 0, 113, 10], [203, 0, 113, 254]), range([198, 18, 0, 0], [198, 18, 255, 255])];
        let free = self.store.free_address(&ranges)?.map(|address| address.to_string());
        free.ok_or_else(|| CloudError::Capacity("no floating IP is free".to_owned()))
    }

    fn room_for_lease(
        &self,
        except: Option<&str>,
        reservations: &[(Reserved, u32)],
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Result<(), CloudError> {
        let count = |reservations: &[(Reserved, u32)], wanted: &Reserved| {
            reservations.iter().filter(|(of, _)| of == wanted).map(|(_, count)| count).sum::<u32>()
        };
        let now = self.clock.now();
        let mut held = vec![0; reservations.len()];
        self.store.each(By::Kind(Kind::Lease), |object| match &object.spec {
            Spec::Lease { start: from, end: to, reservations: theirs }
                if *from < end
                    && start < *to
                    && Some(object.site_ref.as_str()) != except
                    && !object.is_gone(now) =>
            {
                for (held, (of, _)) in held.iter_mut().zip(reservations) {
                    *held += count(theirs, of);
                }
            }
            _ => {}
        })?;
        let mut wanted = held.iter().zip(reservations);
        if wanted.any(|(held, (_, amount))| held + amount > self.profile.lease_capacity) {
            return Err(CloudError::Capacity("Not enough hosts available".to_owned()));
        }
        Ok(())
    }

    /// The objects without which this one can't be, and which can't go before it.
    fn uses(desired: &Desired) -> Result<Vec<String>, CloudError> {
        let find = |key: &ResourceKey| {
            let other = desired.others.get(key).map(|other| other.site_ref.clone());
            other.ok_or_else(|| CloudError::NotFound(format!("there is no {key}")))
        };
        desired.spec.needs().into_iter().filter(|key| !Self::goes_before(key, desired)).map(find).collect()
    }

    /// A volume's server goes before the volume, and the site lets a keypair go at any time.
    fn goes_before(key: &ResourceKey, desired: &Desired) -> bool {
        let kind = desired.others.get(key).map(|other| other.kind);
        matches!(
            (desired.spec.kind(), kind),
            (Kind::Volume | Kind::FloatingIp, Some(Kind::Server | Kind::Container))
                | (_, Some(Kind::Keypair))
        )
    }

    fn progress(&self, object: &Object) -> Progress {
        let age = self.clock.now() - object.created_at;
        match &object.spec {
            Spec::Server(_) if self.faults.is_broken(object) => {
                Progress::Broken("No valid host was found.".to_owned())
            }
            Spec::Server(_) | Spec::Container(_) if age < self.profile.boot => Progress::Working,
            Spec::Server(_) if object.stopped.is_some() || object.is_turning(self.clock.now()) => {
                Progress::Working
            }
            _ => Progress::Ready,
        }
    }

    fn lease_progress(&self, site_ref: &str) -> Result<Progress, CloudError> {
        let lease = self.store.get(site_ref)?.filter(|object| !object.is_gone(self.clock.now()));
        let Some(lease) = lease else {
            return Err(CloudError::NotFound(format!("there is no lease {site_ref}")));
        };
        let Spec::Lease { start, end, .. } = &lease.spec else {
            return Err(CloudError::Permanent(format!("{site_ref} is not a lease")));
        };
        let now = self.clock.now();
        Ok(if now >= *end {
            Progress::Broken("the lease is over".to_owned())
        } else if self.faults.is_broken(&lease) {
            Progress::Broken("it is in ERROR".to_owned())
        } else if now >= lease.created_at.max(*start) + self.profile.lease_lag {
            Progress::Ready
        } else {
            Progress::Working
        })
    }

    /// What is behind a floating IP answers a while after it is there.
    fn answers_now(&self, address: &str) -> Result<bool, CloudError> {
        let there = self
            .store
            .find(By::Kind(Kind::FloatingIp))?
            .into_iter()
            .find(|object| object.facts.address.as_deref() == Some(address));
        Ok(there.is_some_and(|object| self.clock.now() >= object.created_at + self.profile.answering))
    }

    fn release_now(&self, site_ref: &str) -> Result<Released, CloudError> {
        let now = self.clock.now();
        let Some(mut object) = self.store.get(site_ref)?.filter(|object| !object.is_gone(now)) else {
            self.store.remove(site_ref)?;
            return Ok(Released::Gone);
        };
        if let Some(user) = self.found(By::UserOf(site_ref))?.first() {
            return Err(CloudError::Conflict(format!("{} is in use by {}", object.name, user.name)));
        }
        let on = object.survey.attached.as_ref().filter(|_| object.kind == Kind::Port);
        if let Some(device) = on.and_then(|devices| devices.first()) {
            return Err(CloudError::Conflict(format!("the port {site_ref} is {device}'s")));
        }
        if object.deleted_at.is_none() {
            let runs = matches!(object.kind, Kind::Server | Kind::Container);
            let takes = if runs { self.profile.shutdown } else { TimeDelta::zero() };
            object.deleted_at = Some(now + takes);
            self.store.put(&object)?;
            self.ports_go_with(&object)?;
        }
        if object.is_gone(now) {
            self.store.remove(site_ref)?;
            return Ok(Released::Gone);
        }
        Ok(Released::Going)
    }

    fn list_now(&self, scope: &Scope, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        needed.iter().try_for_each(|service| self.faults.shown(*service))?;
        let by = match scope {
            Scope::Instance(_) => By::Any,
            Scope::Booking(_, booking) => By::Booking(booking),
        };
        let found = self.found(by)?.into_iter().map(Object::into_found);
        let shown = found.filter(|object| self.faults.shown(SiteService::of(object.kind)).is_ok());
        Ok(shown.filter(|object| object.mark.as_ref().is_some_and(|mark| scope.covers(mark))).collect())
    }
}

impl Object {
    /// Whether its deletion is complete.
    pub fn is_gone(&self, now: DateTime<Utc>) -> bool {
        self.deleted_at.is_some_and(|at| at <= now)
    }

    fn into_site_object(self) -> SiteObject {
        SiteObject { kind: self.kind, site_ref: self.site_ref, facts: self.facts }
    }

    fn into_found(self) -> Found {
        Found {
            kind: self.kind,
            mark: Mark::from_name(&self.name),
            site_ref: self.site_ref,
            name: match self.kind {
                Kind::FloatingIp => self.facts.address.unwrap_or(self.name),
                _ => self.name,
            },
            created_at: Some(self.created_at),
            survey: Survey::default(),
        }
    }
}

#[async_trait]
impl Cloud for SimulatedCloud {
    async fn list(&self, scope: &Scope, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.call("list", || self.list_now(scope, needed)).await
    }

    async fn survey(&self, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        self.call("survey", || self.survey_now(needed)).await
    }

    async fn ensure(&self, desired: &Desired) -> Result<Observed, CloudError> {
        self.change("ensure", || {
            self.faults.shown(SiteService::of(desired.spec.kind()))?;
            self.ensure_now(desired)
        })
        .await
    }

    async fn lease_in_force(&self, site_ref: &str) -> Result<Progress, CloudError> {
        self.call("lease_in_force", || self.lease_progress(site_ref)).await
    }

    async fn held_lease(&self, name: &str) -> Result<Option<HeldLease>, CloudError> {
        self.call("held_lease", || self.held_now(name)).await
    }

    async fn prolong_lease(&self, site_ref: &str, end: DateTime<Utc>) -> Result<HeldLease, CloudError> {
        self.change("prolong_lease", || self.prolong_now(site_ref, end)).await
    }

    async fn answers(&self, address: &str, _probe: &Probe) -> Result<bool, CloudError> {
        self.call("answers", || self.answers_now(address)).await
    }

    async fn release(&self, kind: Kind, site_ref: &str) -> Result<Released, CloudError> {
        self.change("release", || {
            self.faults.shown(SiteService::of(kind))?;
            self.release_now(site_ref)
        })
        .await
    }

    async fn stop(&self, server: &str, by: StopBy) -> Result<Progress, CloudError> {
        self.change("stop", || self.stop_now(server, by)).await
    }

    async fn start(&self, server: &str) -> Result<Progress, CloudError> {
        self.change("start", || self.start_now(server)).await
    }

    async fn health(&self) -> Result<(), CloudError> {
        self.take_time().await;
        self.faults.around_look().await
    }

    async fn examine(&self, needs: &SiteNeeds) -> Result<SiteReport, CloudError> {
        self.call("examine", || Ok(self.examine_now(needs))).await
    }
}
