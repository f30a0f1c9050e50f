//! What any cloud behind the port has to do: the same cases for the simulated cloud and for real OpenStack services.
//!
//! Every case makes objects under an instance of its own, so that cases can run at once, on a site that others use too,
//! and clears up behind itself. Real services work in the background, so here, and only here, a test waits.

mod containers;
mod leases;
mod openstack;
mod racing;
mod simulated;
mod stores;
mod survey;
mod zun;

use self::containers::a_container_comes_up_and_goes;
use self::leases::{
    a_held_lease_is_prolonged, a_lease_holds_all_kinds, a_server_waits_for_a_standing_lease,
    what_the_project_has_is_used,
};
use self::stores::{a_bucket_comes_up_and_goes, a_servers_volumes_come_and_go, a_share_comes_up_and_goes};
use self::survey::what_people_made_is_told;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::Clock;
use fairlease::cloud::port::{
    Cloud, CloudError, Desired, Found, Observed, Progress, Released, Scope, SiteObject,
};
use fairlease::domain::blueprint::{
    Blueprint, HeldBy, Kind, Machine, NetworkPlan, Order, Reserved, ServerPlan, ServerSpec, Spec, Values,
    sole_key,
};
use fairlease::domain::fitness::SiteService;
use fairlease::domain::ids::{BookingId, InstanceId, ResourceKey};
use fairlease::domain::interval::Interval;
use fairlease::domain::resource::Mark;

/// A cloud to try, and what is to be had there.
#[derive(Clone)]
pub(crate) struct Bench {
    /// The cloud.
    pub(crate) cloud: Arc<dyn Cloud>,
    /// The time by which leases start and end.
    pub(crate) clock: Arc<dyn Clock>,
    /// Between two looks. A simulated cloud's time may be moved here instead of being waited for.
    pub(crate) pause: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// An image that there is.
    pub(crate) image: String,
    /// A flavor that there is.
    pub(crate) flavor: String,
    /// The external network.
    pub(crate) external: String,
    /// A network that the site has for everyone, from which the external one can be reached.
    pub(crate) shared_network: String,
    /// A type of volumes that there is.
    pub(crate) volume_type: String,
    /// The services that the site has.
    pub(crate) services: BTreeSet<SiteService>,
    /// A number that no other run uses.
    pub(crate) run: u64,
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9K7FSQJXN7nZPSnQvkz7qXfIqLwtnkmyW0wG7ZWbqE student";
const PATIENCE: Duration = Duration::from_mins(4);
const LABEL: &str = "contract-ff524";

/// One booking's objects on a bench.
pub(crate) struct Lab<'a> {
    bench: &'a Bench,
    instance: InstanceId,
    booking: BookingId,
    delete_at: DateTime<Utc>,
    made: BTreeMap<ResourceKey, SiteObject>,
}

impl Bench {
    /// Booking number `number` of the case `case`.
    pub(crate) fn lab(&self, case: u64, number: u64) -> Lab<'_> {
        Lab {
            bench: self,
            instance: InstanceId::from_bits((self.run << 8) | case),
            booking: BookingId::from_bits(((self.run << 8) | number) ^ 0x0555_5555_5555_5555),
            delete_at: self.soon().end(),
            made: BTreeMap::new(),
        }
    }

    /// The lab that this project began with: three servers, of which the first has a floating IP.
    pub(crate) fn blueprint(&self) -> Blueprint {
        let server = |number: u8| ServerPlan {
            name: key(&format!("node{number}")),
            image: self.image.clone(),
            machine: Machine::of_flavor(&self.flavor),
            alternatives: Vec::new(),
            networks: Vec::new(),
            address: Some([192, 168, 1, 10 + number].into()),
            floating_ip: number == 1,
            probe: None,
            boot_volume_gib: None,
            user_data: Some("#cloud-config\npackage_update: false\n".to_owned()),
        };
        Blueprint {
            servers: (1..=3).map(server).collect(),
            networks: vec![NetworkPlan {
                name: key("network-1"),
                cidr: "192.168.1.0/24".to_owned(),
                external: Some(self.external.clone()),
            }],
            open_tcp_ports: Some(vec![22, 80]),
            login: "cc".to_owned(),
            external: self.external.clone(),
            ..Blueprint::default()
        }
    }

    /// One server on the site's own network, and nothing around it.
    pub(crate) fn one_server(&self) -> Blueprint {
        let mut blueprint = self.blueprint();
        blueprint.servers.truncate(1);
        let server = &mut blueprint.servers[0];
        (server.networks, server.address, server.floating_ip) =
            (vec![self.shared_network.clone()], None, false);
        Blueprint { networks: Vec::new(), open_tcp_ports: None, ..blueprint }
    }

    /// What a booking of a blueprint takes.
    pub(crate) fn objects(&self, blueprint: &Blueprint, held_by: &HeldBy) -> Vec<(ResourceKey, Spec)> {
        blueprint.objects(&Order {
            in_use: self.soon(),
            held_by,
            nodes: ("hypervisor_hostname", &[]),
            public_key: KEY,
            values: &Values::none(),
        })
    }

    /// The first server of the blueprint, as a booking of it has it.
    pub(crate) fn server(&self, held_by: &HeldBy) -> ServerSpec {
        let objects = self.objects(&self.blueprint(), held_by);
        let server = objects.into_iter().find_map(|(_, spec)| match spec {
            Spec::Server(server) => Some(*server),
            _ => None,
        });
        server.expect("the blueprint has servers")
    }

    /// Servers of the bench's flavor, to reserve.
    pub(crate) fn reserve(&self, amount: u32) -> Vec<(Reserved, u32)> {
        vec![(Reserved::Flavor(self.flavor.clone()), amount)]
    }

    /// From now for two hours.
    pub(crate) fn soon(&self) -> Interval {
        let now = self.clock.now();
        Interval::new(now, now + TimeDelta::hours(2)).unwrap()
    }

    /// Looks until there is something to return.
    async fn until<T, F: Future<Output = Option<T>>>(&self, what: String, mut look: impl FnMut() -> F) -> T {
        let waiting = async {
            loop {
                if let Some(seen) = look().await {
                    return seen;
                }
                tokio::time::sleep((self.pause)()).await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, waiting).await;
        seen.unwrap_or_else(|_| panic!("{what} did not happen within {PATIENCE:?}"))
    }
}

fn key(text: &str) -> ResourceKey {
    text.parse().unwrap()
}

impl Lab<'_> {
    fn scope(&self) -> Scope {
        Scope::Booking(self.instance.clone(), self.booking.clone())
    }

    /// The object with this key, which was made.
    pub(crate) fn object(&self, name: &str) -> &SiteObject {
        &self.made[&key(name)]
    }

    /// What the core would ask for.
    pub(crate) fn desired(&self, key: &ResourceKey, spec: Spec) -> Desired {
        let mark = Mark { instance: self.instance.clone(), booking: self.booking.clone(), key: key.clone() };
        Desired { name: mark.name(LABEL), mark, delete_at: self.delete_at, spec, others: self.made.clone() }
    }

    async fn ensure(&self, key: &ResourceKey, spec: &Spec) -> Result<Observed, CloudError> {
        self.bench.cloud.ensure(&self.desired(key, spec.clone())).await
    }

    /// Makes an object and waits until it is ready. A passing error is asked about again, as the core does: real services
    /// give some when many ask at once.
    pub(crate) async fn make(&mut self, key: &ResourceKey, spec: &Spec) -> SiteObject {
        let made = self.bench.until(format!("{key} becoming ready"), async || {
            let observed = match self.ensure(key, spec).await {
                Ok(observed) => observed,
                Err(error) if error.may_pass() => return None,
                Err(error) => panic!("{key}: {error}"),
            };
            match observed.progress {
                Progress::Ready => Some(observed.object),
                Progress::Working => None,
                Progress::Broken(why) => panic!("{key} came up broken: {why}"),
            }
        });
        let object = made.await;
        self.made.insert(key.clone(), object.clone());
        object
    }

    /// Waits until servers can be made from the lease.
    pub(crate) async fn lease_in_force(&self, lease: &SiteObject) {
        let in_force = self.bench.until("the lease coming into force".to_owned(), async || {
            match self.bench.cloud.lease_in_force(&lease.site_ref).await.unwrap() {
                Progress::Ready => Some(()),
                Progress::Working => None,
                Progress::Broken(why) => panic!("the lease is broken: {why}"),
            }
        });
        in_force.await;
    }

    /// Makes everything of a blueprint.
    pub(crate) async fn make_all(
        &mut self,
        blueprint: &Blueprint,
        held_by: &HeldBy,
    ) -> Vec<(ResourceKey, Spec)> {
        let specs = self.bench.objects(blueprint, held_by);
        for (key, spec) in &specs {
            let object = self.make(key, spec).await;
            if spec.kind() == Kind::Lease {
                self.lease_in_force(&object).await;
            }
        }
        specs
    }

    /// What the site lists of this booking.
    pub(crate) async fn listed(&self) -> Vec<Found> {
        let listing = self.bench.until("a listing".to_owned(), async || {
            match self.bench.cloud.list(&self.scope(), &self.bench.services).await {
                Ok(found) => Some(found),
                Err(error) if error.may_pass() => None,
                Err(error) => panic!("{error}"),
            }
        });
        listing.await
    }

    /// Releases an object until the site says that it is not there.
    pub(crate) async fn release(&self, kind: Kind, site_ref: &str) {
        let gone = self.bench.until(format!("{kind:?} {site_ref} going"), async || {
            match self.bench.cloud.release(kind, site_ref).await {
                Ok(Released::Gone) => Some(()),
                Ok(Released::Going) => None,
                Err(error) if error.may_pass() => None,
                Err(error) => panic!("{kind:?} {site_ref}: {error}"),
            }
        });
        gone.await;
    }

    /// Releases all that the site lists, in the order of deletion, and looks that nothing is left.
    pub(crate) async fn clear(&self) {
        let mut left = self.listed().await;
        left.sort_by_key(|found| found.kind.deleting_rank());
        for found in left {
            self.release(found.kind, &found.site_ref).await;
        }
        assert_eq!(self.listed().await, [], "everything of the booking is gone");
    }
}

/// Everything of a lab comes up, once however often it is asked for, is listed as ours, and goes.
pub(crate) async fn a_lab_comes_up_and_goes(bench: &Bench, held_by: &HeldBy) {
    let mut lab = bench.lab(1, 1);
    let specs = lab.make_all(&bench.blueprint(), held_by).await;

    for (key, spec) in &specs {
        let again = lab.ensure(key, spec).await.unwrap();
        assert_eq!(again.progress, Progress::Ready, "{key}");
        assert_eq!(again.object.site_ref, lab.made[key].site_ref, "{key} is not made twice");
    }
    assert_eq!(lab.made[&key("node2")].facts.address.as_deref(), Some("192.168.1.12"));
    let address = lab.made[&key("ip-node1")].facts.address.clone().expect("a floating IP has an address");
    let listed = lab.listed().await;
    assert!(listed.iter().any(|found| found.name == address), "a floating IP is listed by its address");
    assert_same(&listed, &lab.made);

    let mut order = specs.iter().map(|(key, spec)| (spec.kind(), key)).collect::<Vec<_>>();
    order.sort_by_key(|(kind, _)| kind.deleting_rank());
    for (kind, key) in order {
        lab.release(kind, &lab.made[key].site_ref).await;
        let again = bench.cloud.release(kind, &lab.made[key].site_ref).await;
        assert_eq!(again, Ok(Released::Gone), "releasing {key} again");
    }
    assert_eq!(lab.listed().await, []);
}

fn assert_same(listed: &[Found], made: &BTreeMap<ResourceKey, SiteObject>) {
    let mut seen: Vec<_> = listed
        .iter()
        .map(|found| (found.mark.clone().unwrap().key, found.kind, found.site_ref.clone()))
        .collect();
    seen.sort();
    let expected: Vec<_> =
        made.iter().map(|(key, object)| (key.clone(), object.kind, object.site_ref.clone())).collect();
    assert_eq!(seen, expected, "the listing has what was made, each once");
}

/// What carries another installation's or another booking's mark, or none, is not listed.
pub(crate) async fn others_are_not_listed(bench: &Bench) {
    let (mut one, mut two, mut foreign) = (bench.lab(2, 1), bench.lab(2, 2), bench.lab(3, 1));
    let network = sole_key(Kind::Network);
    for lab in [&mut one, &mut two, &mut foreign] {
        lab.make(&network, &Spec::Network).await;
    }
    let everything = bench.cloud.list(&Scope::Instance(one.instance.clone()), &bench.services).await.unwrap();
    let refs = |found: &[Found]| found.iter().map(|found| found.site_ref.clone()).collect::<Vec<_>>();
    let mut both = vec![one.made[&network].site_ref.clone(), two.made[&network].site_ref.clone()];
    let mut seen = refs(&everything);
    both.sort();
    seen.sort();
    assert_eq!(seen, both, "an installation's listing has all of its bookings and none of another's");
    assert_eq!(refs(&one.listed().await), [one.made[&network].site_ref.clone()]);
    for lab in [one, two, foreign] {
        lab.clear().await;
    }
}

/// What is in use is not deleted, and the refusal says that it may pass.
pub(crate) async fn what_is_in_use_stays(bench: &Bench) {
    let mut lab = bench.lab(4, 1);
    let blueprint = bench.blueprint();
    let until_router = |spec: &Spec| matches!(spec.kind(), Kind::Network | Kind::Subnet | Kind::Router);
    for (key, spec) in bench.objects(&blueprint, &HeldBy::Nothing) {
        if until_router(&spec) {
            lab.make(&key, &spec).await;
        }
    }
    for (kind, key) in [(Kind::Network, key("network-1")), (Kind::Subnet, key("subnet-network-1"))] {
        let refused = bench.cloud.release(kind, &lab.made[&key].site_ref).await.unwrap_err();
        assert_eq!(refused.class(), "conflict", "{kind:?}: {refused}");
    }
    assert_eq!(lab.listed().await.len(), 3, "all is still there");
    lab.clear().await;
}

/// What is not there is gone, if the service says so: of a service that the site does not show nobody knows what it has.
pub(crate) async fn absence_is_told(bench: &Bench) {
    for kind in Kind::ALL {
        let released = bench.cloud.release(kind, "00000000-1111-4222-8333-444444444444").await;
        if bench.services.contains(&SiteService::of(kind)) {
            assert_eq!(released, Ok(Released::Gone), "{kind:?}");
        } else {
            assert_eq!(released.unwrap_err().class(), "transient", "{kind:?}");
        }
    }
    let scope = Scope::Instance(bench.lab(1, 1).instance);
    let listed = bench.cloud.list(&scope, &SiteService::ALL.into()).await;
    assert_eq!(listed.is_ok(), bench.services.len() == SiteService::ALL.len(), "{listed:?}");
    let missing = bench.cloud.lease_in_force("00000000-1111-4222-8333-444444444444").await;
    assert_eq!(missing.unwrap_err().class(), "not_found");
}

/// A lease that the site has no room for is refused as that, and leaves nothing.
pub(crate) async fn no_room_is_told(bench: &Bench) {
    let lab = bench.lab(5, 1);
    let span = bench.soon();
    let spec = Spec::Lease { start: span.start(), end: span.end(), reservations: bench.reserve(100_000) };
    let refused = lab.ensure(&sole_key(Kind::Lease), &spec).await.unwrap_err();
    assert_eq!(refused.class(), "capacity", "{refused}");
    assert_eq!(lab.listed().await, []);
}

/// What a server needs and the site does not have is named.
pub(crate) async fn what_is_missing_is_named(bench: &Bench) {
    let mut lab = bench.lab(6, 1);
    let spec = bench.server(&HeldBy::Nothing);
    lab.make(&key("network-1"), &Spec::Network).await;
    let server = Spec::Server(Box::new(ServerSpec { image: "no-such-image".to_owned(), ..spec.clone() }));
    let refused = lab.ensure(&key("node1"), &server).await.unwrap_err();
    assert_eq!(refused.class(), "not_found");
    assert!(refused.to_string().contains("no-such-image"), "{refused}");
    let machine = Machine::of_flavor("no-such-flavor");
    let server = Spec::Server(Box::new(ServerSpec { machine, ..spec }));
    let refused = lab.ensure(&key("node1"), &server).await.unwrap_err();
    assert_eq!(refused.class(), "not_found");
    assert!(refused.to_string().contains("no-such-flavor"), "{refused}");
    let volume = |volume_type: Option<&str>, image: Option<&str>| Spec::Volume {
        size_gib: 1,
        volume_type: volume_type.map(str::to_owned),
        image: image.map(str::to_owned),
        attach_to: None,
    };
    lab.make(
        &key("subnet-1"),
        &Spec::Subnet { network: key("network-1"), cidr: "192.168.1.0/24".to_owned() },
    )
    .await;
    let span = bench.soon();
    let address = vec![(Reserved::FloatingIp("no-such-net".to_owned()), 1)];
    for (spec, what) in [
        (volume(Some("no-such-type"), None), "no-such-type"),
        (volume(None, Some("no-such-image")), "no-such-image"),
        (Spec::Router { subnet: key("subnet-1"), external: "no-such-net".to_owned() }, "no-such-net"),
        (Spec::Lease { start: span.start(), end: span.end(), reservations: address }, "no-such-net"),
    ] {
        let refused = lab.ensure(&key("x"), &spec).await.unwrap_err();
        assert_eq!(refused.class(), "not_found", "{refused}");
        assert!(refused.to_string().contains(what), "{refused}");
    }
    lab.clear().await;
}

/// A lease is accepted before its start, and is not in force then. Its end is moved, or the site says that it can't be,
/// and the lease is as good as before.
pub(crate) async fn a_lease_can_be_made_ahead(bench: &Bench) {
    let mut lab = bench.lab(7, 1);
    let lease = sole_key(Kind::Lease);
    let start = bench.clock.now() + TimeDelta::days(1);
    let spec = |end: DateTime<Utc>| Spec::Lease { start, end, reservations: bench.reserve(1) };
    let end = start + TimeDelta::hours(8);
    let made = lab.make(&lease, &spec(end)).await;
    assert!(made.facts.lease_end.unwrap() >= end, "the lease covers the span");
    assert_eq!(made.facts.reservations.len(), 1);
    assert_eq!(bench.cloud.lease_in_force(&made.site_ref).await, Ok(Progress::Working));

    let later = end + TimeDelta::hours(1);
    match lab.ensure(&lease, &spec(later)).await {
        Ok(moved) => assert!(moved.object.facts.lease_end.unwrap() >= later),
        Err(error) => assert_eq!(error.class(), "permanent", "{error}"),
    }
    assert_eq!(bench.cloud.lease_in_force(&made.site_ref).await, Ok(Progress::Working));
    lab.clear().await;
}

/// The end of a lease in force is moved, later and earlier, or the site says that it can't be.
pub(crate) async fn a_lease_in_force_can_be_moved(bench: &Bench) {
    let mut lab = bench.lab(10, 1);
    let lease = sole_key(Kind::Lease);
    let span = bench.soon();
    let spec = |end| Spec::Lease { start: span.start(), end, reservations: bench.reserve(1) };
    let made = lab.make(&lease, &spec(span.end())).await;
    lab.lease_in_force(&made).await;
    for minutes in [60, 30] {
        let end = span.end() + TimeDelta::minutes(minutes);
        let moved = bench.until(format!("the end moving by {minutes} min"), async || {
            match lab.ensure(&lease, &spec(end)).await {
                Ok(moved) => moved.object.facts.lease_end.filter(|told| (*told - end).num_minutes() == 0),
                Err(error) => panic!("moving the end by {minutes} min: {error}"),
            }
        });
        moved.await;
        lab.lease_in_force(&made).await;
    }
    lab.clear().await;
}

/// The same object asked for at once by two workers ends up as one that both are told of, or the listing has both so that
/// the spare one can be released.
pub(crate) async fn racing_workers_agree(bench: &Bench) {
    let lab = bench.lab(8, 1);
    let network = sole_key(Kind::Network);
    let (one, two) = tokio::join!(lab.ensure(&network, &Spec::Network), lab.ensure(&network, &Spec::Network));
    let listed = lab.listed().await;
    for seen in [one.unwrap(), two.unwrap()] {
        assert!(listed.iter().any(|found| found.site_ref == seen.object.site_ref));
    }
    let settled = lab.ensure(&network, &Spec::Network).await.unwrap();
    let again = lab.ensure(&network, &Spec::Network).await.unwrap();
    assert_eq!(settled.object.site_ref, again.object.site_ref, "of several everyone takes the same");
    lab.clear().await;
}

/// When the end of a booking moves, its objects are told, and stay the same.
pub(crate) async fn a_moved_end_is_written_down(bench: &Bench) {
    let mut lab = bench.lab(9, 1);
    let network = sole_key(Kind::Network);
    let made = lab.make(&network, &Spec::Network).await;
    let mut desired = lab.desired(&network, Spec::Network);
    desired.delete_at += TimeDelta::hours(1);
    let again = bench.cloud.ensure(&desired).await.unwrap();
    assert_eq!((again.object.site_ref, again.progress), (made.site_ref, Progress::Ready));
    lab.clear().await;
}
