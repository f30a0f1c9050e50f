//! What the simulated site tells of all that it holds, and what people do there without us: objects made by hand, servers
//! stopped and started.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::SimulatedCloud;
use super::store::{By, Object};
use crate::cloud::port::{CloudError, Desired, Found, Progress};
use crate::domain::blueprint::{HeldBy, Kind, Reserved, Spec};
use crate::domain::fitness::SiteService;
use crate::domain::interval::Interval;
use crate::domain::reaper::StopBy;
use crate::domain::resource::SiteFacts;
use crate::domain::survey::{Backing, Belongs, Condition, Hints, Survey};

impl Object {
    /// What someone makes with the site's own tools: without a mark, unless the name is one, in the course's project, and
    /// used by nothing. A floating IP's name is its address. What more the site is to tell, such as another project, metadata
    /// or a lease's span, is written into `survey`, and what can't go before it into `uses`: a port's network, of which it
    /// then is one port.
    pub fn by_hand(kind: Kind, site_ref: &str, name: &str, created_at: DateTime<Utc>) -> Self {
        let runs_by_itself = kind == Kind::Server;
        let backing = if runs_by_itself { Backing::Nothing } else { Backing::Untold };
        Self {
            site_ref: site_ref.to_owned(),
            name: name.to_owned(),
            kind,
            spec: Spec::of_stray(kind).unwrap_or(Spec::Network),
            facts: SiteFacts::default(),
            created_at,
            deleted_at: None,
            uses: Vec::new(),
            survey: Survey { belongs: Belongs::Project, backing, ..Survey::default() },
            stopped: None,
            turning_until: None,
        }
    }

    /// Whether it is being stopped or started.
    pub(super) fn is_turning(&self, now: DateTime<Utc>) -> bool {
        self.turning_until.is_some_and(|until| now < until)
    }

    fn is_bare_metal(&self) -> bool {
        self.survey.bare_metal
    }

    /// The span of a lease: as it was written down by hand, or as it was asked for and moved since.
    fn span(&self) -> Option<Interval> {
        let asked = || match self.spec {
            Spec::Lease { start, end, .. } => Interval::new(start, self.facts.lease_end.unwrap_or(end)),
            _ => None,
        };
        self.survey.span.or_else(asked)
    }
}

/// What a site tells of an object that we make, as far as it does not follow from the rest.
pub(super) fn of_desired(desired: &Desired) -> Survey {
    let of_kind = match &desired.spec {
        Spec::Keypair { .. } => return Survey::default(),
        Spec::Lease { reservations, .. } => {
            Survey { charged: reservations.iter().filter_map(priced).collect(), ..Survey::default() }
        }
        Spec::Server(server) => {
            let backing = backing(desired, &server.held_by, &server.machine.reserved());
            let by_itself = !matches!(backing, Backing::Reservation(_));
            let charged = by_itself.then(|| (server.machine.name().to_owned(), 1));
            let key = desired.others.get(&server.keypair).map(|key| key.site_ref.clone());
            Survey {
                backing,
                charged: charged.into_iter().collect(),
                bare_metal: server.machine.is_bare_metal(),
                hints: Hints { metadata: metadata(desired), key, ..Hints::default() },
                ..Survey::default()
            }
        }
        Spec::Volume { .. } | Spec::Container(_) => {
            let hints = Hints { metadata: metadata(desired), ..Hints::default() };
            Survey { hints, ..Survey::default() }
        }
        Spec::Share { access_from, .. } => {
            let hints = Hints { metadata: metadata(desired), ..Hints::default() };
            Survey { hints, attached: Some(access_from.clone()), ..Survey::default() }
        }
        Spec::FloatingIp { external, server, reserved, .. } => {
            let to = desired.others.get(server).map(|server| server.site_ref.clone());
            let of = Reserved::FloatingIp(external.clone());
            let tags = match backing(desired, &HeldBy::OwnLease, &of) {
                Backing::Reservation(id) if reserved.is_some() => {
                    vec!["blazar".to_owned(), format!("reservation:{id}")]
                }
                _ => Vec::new(),
            };
            let hints = Hints { description: Some(desired.name.clone()), ..Hints::default() };
            Survey { hints, attached: Some(to.into_iter().collect()), tags, ..Survey::default() }
        }
        _ => Survey::default(),
    };
    Survey { belongs: Belongs::Project, ..of_kind }
}

fn metadata(desired: &Desired) -> Vec<(String, String)> {
    vec![
        ("fairlease_booking".to_owned(), desired.mark.booking.to_string()),
        ("fairlease_instance".to_owned(), desired.mark.instance.to_string()),
    ]
}

/// What a site charges for a reservation. Addresses are free.
fn priced((of, count): &(Reserved, u32)) -> Option<(String, u32)> {
    let name = match of {
        Reserved::Flavor(flavor) => flavor.as_str(),
        Reserved::Host(node) => node.get("node_type").map_or("physical:host", String::as_str),
        Reserved::Device(device) => device.get("node_type").map_or("device", String::as_str),
        Reserved::FloatingIp(_) => return None,
    };
    Some((name.to_owned(), *count))
}

/// The site does not show the reservations of leases that are no objects of it.
fn backing(desired: &Desired, held_by: &HeldBy, of: &Reserved) -> Backing {
    match held_by {
        HeldBy::Nothing => Backing::Nothing,
        HeldBy::StandingLease(_) => Backing::Untold,
        HeldBy::OwnLease => {
            let mut reservations = desired.others.values().flat_map(|other| other.facts.reservations.iter());
            let ours = reservations.find(|(it, _)| it == of);
            ours.map_or(Backing::Nothing, |(_, id)| Backing::Reservation(id.clone()))
        }
    }
}

/// What hangs on what, by ids.
#[derive(Default)]
struct Wiring {
    /// How many ports a network has.
    ports: BTreeMap<String, u32>,
    /// Servers on which a volume is, ports of a server, floating IPs that lead to a port.
    on: BTreeMap<String, Vec<String>>,
    subnets: BTreeSet<String>,
}

impl Wiring {
    fn of(objects: &[Object]) -> Self {
        let mut wiring = Self::default();
        for object in objects {
            if object.kind == Kind::Subnet {
                wiring.subnets.insert(object.site_ref.clone());
            }
            for used in &object.uses {
                match object.kind {
                    Kind::Port => *wiring.ports.entry(used.clone()).or_default() += 1,
                    Kind::Server | Kind::Container => {
                        *wiring.ports.entry(used.clone()).or_default() += 1;
                        wiring.on.entry(used.clone()).or_default().push(object.site_ref.clone());
                    }
                    _ => {}
                }
            }
            if matches!(object.kind, Kind::Port | Kind::FloatingIp) {
                for to in object.survey.attached.iter().flatten() {
                    wiring.on.entry(to.clone()).or_default().push(object.site_ref.clone());
                }
            }
        }
        wiring
    }

    fn attached(&self, object: &Object) -> Option<Vec<String>> {
        let told = object.survey.attached.clone();
        let others = || self.on.get(&object.site_ref).cloned().unwrap_or_default();
        match object.kind {
            Kind::FloatingIp => Some(told.unwrap_or_default()),
            Kind::Volume | Kind::Port | Kind::Server => {
                Some(told.into_iter().flatten().chain(others()).collect())
            }
            Kind::Subnet => told.or_else(|| Some(object.uses.clone())),
            Kind::Router => {
                let behind = object.uses.iter().filter(|used| self.subnets.contains(*used));
                told.or_else(|| Some(behind.cloned().collect()))
            }
            _ => told,
        }
    }
}

impl SimulatedCloud {
    pub(super) fn survey_now(&self, needed: &BTreeSet<SiteService>) -> Result<Vec<Found>, CloudError> {
        needed.iter().try_for_each(|service| self.faults.shown(*service))?;
        let mut objects = self.found(By::Any)?;
        let wiring = Wiring::of(&objects);
        objects.retain(|object| {
            object.survey.belongs != Belongs::Others
                && self.faults.shown(SiteService::of(object.kind)).is_ok()
        });
        Ok(objects.into_iter().map(|object| self.surveyed(object, &wiring)).collect())
    }

    fn surveyed(&self, object: Object, wiring: &Wiring) -> Found {
        let attached = wiring.attached(&object);
        let reservations = object.facts.reservations.iter().map(|(_, id)| id.clone());
        let mut survey = object.survey.clone();
        survey.reservations.extend(reservations);
        survey.condition = self.condition(&object, attached.as_deref());
        survey.span = object.span();
        if object.kind == Kind::Network {
            survey.ports = Some(wiring.ports.get(&object.site_ref).copied().unwrap_or_default());
        }
        survey.attached = attached;
        Found { survey, ..object.into_found() }
    }

    fn condition(&self, object: &Object, attached: Option<&[String]>) -> Option<Condition> {
        let now = self.clock.now();
        if object.deleted_at.is_some() || object.is_turning(now) {
            return Some(Condition::Changing);
        }
        match object.stopped {
            Some(StopBy::Stop) => return Some(Condition::Stopped),
            Some(StopBy::Shelve) => return Some(Condition::Shelved),
            None => {}
        }
        if object.survey.condition.is_some() {
            return object.survey.condition.clone();
        }
        let used = |used: bool| Some(if used { Condition::InUse } else { Condition::Idle });
        match object.kind {
            Kind::Server | Kind::Container => Some(match self.progress(object) {
                Progress::Ready => Condition::InUse,
                Progress::Working => Condition::Changing,
                Progress::Broken(why) => Condition::Broken(why),
            }),
            Kind::Lease => used(object.span().is_some_and(|span| span.contains(now))),
            Kind::FloatingIp | Kind::Port | Kind::Volume => used(attached.is_some_and(|to| !to.is_empty())),
            _ => None,
        }
    }

    /// A server's ports go when it does.
    pub(super) fn ports_go_with(&self, server: &Object) -> Result<(), CloudError> {
        if server.kind != Kind::Server {
            return Ok(());
        }
        let has =
            |port: &Object| port.survey.attached.as_ref().is_some_and(|to| to.contains(&server.site_ref));
        for port in self.store.find(By::Kind(Kind::Port))?.into_iter().filter(has) {
            self.store.put(&Object { deleted_at: server.deleted_at, ..port })?;
        }
        Ok(())
    }

    /// The server, unless something else is to be said of it first.
    fn server_at_rest(&self, site_ref: &str) -> Result<Result<Object, Progress>, CloudError> {
        self.faults.shown(SiteService::Compute)?;
        let now = self.clock.now();
        let there = self.store.get(site_ref)?.filter(|it| it.kind == Kind::Server && !it.is_gone(now));
        let Some(server) = there else {
            return Err(CloudError::NotFound(format!("there is no server {site_ref}")));
        };
        Ok(match self.condition(&server, None) {
            Some(Condition::Broken(why)) => Err(Progress::Broken(why)),
            Some(Condition::Changing) => Err(Progress::Working),
            _ => Ok(server),
        })
    }

    pub(super) fn stop_now(&self, site_ref: &str, by: StopBy) -> Result<Progress, CloudError> {
        let server = match self.server_at_rest(site_ref)? {
            Ok(server) => server,
            Err(progress) => return Ok(progress),
        };
        if server.stopped == Some(by) || server.stopped == Some(StopBy::Shelve) {
            return Ok(Progress::Ready);
        }
        if by == StopBy::Shelve && server.is_bare_metal() {
            return Err(CloudError::Permanent("a machine of its own can't be shelved".to_owned()));
        }
        let until = self.clock.now() + self.profile.shutdown;
        self.turn(&Object { stopped: Some(by), turning_until: Some(until), ..server })
    }

    pub(super) fn start_now(&self, site_ref: &str) -> Result<Progress, CloudError> {
        let server = match self.server_at_rest(site_ref)? {
            Ok(server) => server,
            Err(progress) => return Ok(progress),
        };
        if server.stopped.is_none() {
            return Ok(Progress::Ready);
        }
        let until = self.clock.now() + self.profile.boot;
        self.turn(&Object { stopped: None, turning_until: Some(until), ..server })
    }

    fn turn(&self, server: &Object) -> Result<Progress, CloudError> {
        self.store.put(server)?;
        Ok(if server.is_turning(self.clock.now()) { Progress::Working } else { Progress::Ready })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;

    use super::*;
    use crate::clock::{Clock as _, ManualClock};
    use crate::cloud::port::Cloud as _;
    use crate::cloud::simulated::{Faults, Profile};
    use crate::entropy::SeededEntropy;

    fn cloud(profile: Profile) -> (SimulatedCloud, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at("2026-02-10T14:00:00Z".parse().unwrap()));
        let entropy = Arc::new(SeededEntropy::new(1));
        (SimulatedCloud::in_memory(profile, Faults::none(), clock.clone(), entropy), clock)
    }

    async fn told(cloud: &SimulatedCloud) -> BTreeMap<String, Found> {
        let all = cloud.survey(&BTreeSet::new()).await.unwrap();
        all.into_iter().map(|found| (found.site_ref.clone(), found)).collect()
    }

    #[tokio::test]
    async fn what_people_made_is_told_as_they_made_it() {
        let (cloud, clock) = cloud(Profile::instant());
        let put = |kind, id: &str, change: &dyn Fn(&mut Object)| {
            let mut object =
                Object::by_hand(kind, id, &format!("{id}-ff524"), clock.now() - TimeDelta::days(1));
            change(&mut object);
            cloud.put(&object).unwrap();
        };
        let hour = |from: i64, to: i64| {
            Interval::new(clock.now() + TimeDelta::hours(from), clock.now() + TimeDelta::hours(to))
        };
        put(Kind::Network, "net", &|_| {});
        put(Kind::Network, "everyones", &|it| it.survey.belongs = Belongs::Shared);
        put(Kind::Network, "theirs", &|it| it.survey.belongs = Belongs::Others);
        put(Kind::Server, "server", &|it| it.survey.hints.key = Some("laptop".to_owned()));
        put(Kind::Port, "port", &|it| {
            it.uses = vec!["net".to_owned()];
            it.survey.attached = Some(vec!["server".to_owned()]);
        });
        put(Kind::Port, "spare", &|it| it.uses = vec!["net".to_owned()]);
        put(Kind::FloatingIp, "address", &|it| it.survey.attached = Some(vec!["spare".to_owned()]));
        put(Kind::Lease, "running", &|it| it.survey.span = hour(-1, 1));
        put(Kind::Lease, "ahead", &|it| it.survey.span = hour(1, 2));
        let told = told(&cloud).await;
        assert!(!told.contains_key("theirs"));
        assert_eq!(told["everyones"].survey.belongs, Belongs::Shared);
        assert_eq!(told["net"].survey.ports, Some(2));
        assert_eq!(told["server"].survey.attached, Some(vec!["port".to_owned()]));
        assert_eq!(told["spare"].survey.attached, Some(vec!["address".to_owned()]));
        let conditions = ["server", "port", "spare", "running"].map(|id| told[id].survey.condition.clone());
        assert_eq!(conditions, [const { Some(Condition::InUse) }; 4]);
        assert_eq!(told["ahead"].survey.condition, Some(Condition::Idle));
        assert_eq!((&told["server"].mark, &told["server"].survey.backing), (&None, &Backing::Nothing));
        for (kind, id) in [(Kind::Network, "net"), (Kind::Port, "port")] {
            assert_eq!(cloud.release(kind, id).await.unwrap_err().class(), "conflict", "{id}");
        }
    }

    #[tokio::test]
    async fn stopping_takes_time_and_metal_is_not_shelved() {
        let profile = Profile { shutdown: TimeDelta::seconds(2), ..Profile::instant() };
        let (cloud, clock) = cloud(profile);
        cloud.put(&Object::by_hand(Kind::Server, "s", "node1-ff524", clock.now())).unwrap();
        assert_eq!(cloud.stop("s", StopBy::Stop).await, Ok(Progress::Working));
        assert_eq!(told(&cloud).await["s"].survey.condition, Some(Condition::Changing));
        assert_eq!(cloud.start("s").await, Ok(Progress::Working), "it is asked for again");
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(cloud.stop("s", StopBy::Stop).await, Ok(Progress::Ready));
        assert_eq!(cloud.start("s").await, Ok(Progress::Ready));
        let mut metal = Object::by_hand(Kind::Server, "m", "metal-ff524", clock.now());
        metal.survey.bare_metal = true;
        cloud.put(&metal).unwrap();
        assert_eq!(cloud.stop("m", StopBy::Shelve).await.unwrap_err().class(), "permanent");
        let mut broken = Object::by_hand(Kind::Server, "b", "node2-ff524", clock.now());
        broken.survey.condition = Some(Condition::Broken("No valid host was found.".to_owned()));
        cloud.put(&broken).unwrap();
        assert!(matches!(cloud.stop("b", StopBy::Stop).await, Ok(Progress::Broken(_))));
    }
}
