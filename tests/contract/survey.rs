//! The contract of what people make without us: it is told of as it has to be judged, and can be stopped, started and deleted.

pub(crate) mod by_api;
pub(crate) mod by_hand;

use std::collections::BTreeMap;

use fairlease::cloud::port::{CloudError, Found, Progress, Released};
use fairlease::domain::blueprint::Kind;
use fairlease::domain::reaper::StopBy;
use fairlease::domain::survey::{Backing, Belongs, Condition, Survey};

use super::{Bench, Lab};

/// Someone with the site's own tools. What is made tells ff524 as its owner, and each call returns the site's ids.
pub(crate) trait Hand {
    /// A network, with a subnet.
    async fn network(&self, name: &str) -> [String; 2];
    /// A network that another project may use, too.
    async fn shared_network(&self, name: &str) -> String;
    /// A network of another project.
    async fn theirs(&self, name: &str) -> String;
    /// Takes that away.
    async fn clear_theirs(&self, network: &str);
    /// A router with an interface on the subnet.
    async fn router(&self, name: &str, subnet: &str) -> String;
    /// A port that nothing has.
    async fn port(&self, name: &str, network: &str) -> String;
    /// A floating IP that leads nowhere, with a tag.
    async fn floating_ip(&self, description: &str, tag: &str) -> String;
    /// A volume.
    async fn volume(&self, name: &str) -> String;
    /// A lease in force with one server to be had, and the reservation.
    async fn lease(&self, name: &str) -> [String; 2];
    /// A key pair.
    async fn key(&self, name: &str) -> String;
    /// A server from a reservation, on a network.
    async fn server(&self, name: &str, key: &str, reservation: &str, network: &str) -> String;
}

/// What was made, by what it is for.
struct Made {
    key: String,
    lease: String,
    reservation: String,
    network: String,
    subnet: String,
    shared: String,
    router: String,
    spare: String,
    address: String,
    volume: String,
    server: String,
}

impl Made {
    async fn by(hand: &impl Hand, run: u64) -> Self {
        let key = hand.key(&format!("ff524-laptop-{run:x}")).await;
        let [lease, reservation] = hand.lease("lease1_cloud_ff524").await;
        let [network, subnet] = hand.network("private_cloud_net_ff524").await;
        let shared = hand.shared_network("lent_net_ff524").await;
        let router = hand.router("router_ff524", &subnet).await;
        let spare = hand.port("spare_ff524", &network).await;
        let address = hand.floating_ip("of ff524", "owner=ff524").await;
        let volume = hand.volume("data_ff524").await;
        let server = hand.server("node1-cloud-ff524", &key, &reservation, &network).await;
        Self { key, lease, reservation, network, subnet, shared, router, spare, address, volume, server }
    }

    /// In the order in which they can go.
    fn all(&self) -> [(Kind, &str); 9] {
        [
            (Kind::FloatingIp, &self.address),
            (Kind::Server, &self.server),
            (Kind::Port, &self.spare),
            (Kind::Router, &self.router),
            (Kind::Network, &self.network),
            (Kind::Network, &self.shared),
            (Kind::Volume, &self.volume),
            (Kind::Lease, &self.lease),
            (Kind::Keypair, &self.key),
        ]
    }
}

type Told = BTreeMap<(Kind, String), Found>;

/// The whole project, each object once.
async fn survey(bench: &Bench) -> Told {
    let all = bench.until("a survey".to_owned(), async || match bench.cloud.survey(&bench.services).await {
        Ok(found) => Some(found),
        Err(error) if error.may_pass() => None,
        Err(error) => panic!("{error}"),
    });
    let all = all.await;
    let count = all.len();
    let told: Told = all.into_iter().map(|found| ((found.kind, found.site_ref.clone()), found)).collect();
    assert_eq!(told.len(), count, "nothing is told twice");
    told
}

fn of<'t>(told: &'t Told, kind: Kind, site_ref: &str) -> &'t Survey {
    let found = told.get(&(kind, site_ref.to_owned()));
    &found.unwrap_or_else(|| panic!("{kind:?} {site_ref} is not told of")).survey
}

/// Asks until it is done.
async fn done(bench: &Bench, what: &str, ask: impl AsyncFn() -> Result<Progress, CloudError>) {
    let done = bench.until(what.to_owned(), async || match ask().await {
        Ok(Progress::Ready) => Some(()),
        Ok(Progress::Working) => None,
        Ok(Progress::Broken(why)) => panic!("{what}: {why}"),
        Err(error) if error.may_pass() => None,
        Err(error) => panic!("{what}: {error}"),
    });
    done.await;
}

/// What people made is in a survey with all that it is judged by, and what another project has is not.
pub(crate) async fn what_people_made_is_told(bench: &Bench, hand: &impl Hand) {
    let (lab, made) = (bench.lab(30, 1), Made::by(hand, bench.run).await);
    let theirs = hand.theirs("private_net_of_another").await;
    let at_rest = bench.until("the server and the volume coming up".to_owned(), async || {
        let told = survey(bench).await;
        let up = of(&told, Kind::Server, &made.server).condition == Some(Condition::InUse);
        let free = of(&told, Kind::Volume, &made.volume).condition == Some(Condition::Idle);
        (up && free).then_some(told)
    });
    let told = at_rest.await;
    assert!(!told.contains_key(&(Kind::Network, theirs.clone())), "another project's");
    a_server_tells_whose_it_is(&told, &made);
    what_hangs_on_what_is_told(&told, &made);
    let default = told.values().filter(|it| it.kind == Kind::SecurityGroup && it.name == "default");
    assert!(default.into_iter().all(|it| it.survey.belongs == Belongs::Standard));

    what_is_used_stays(bench, &made, of(&told, Kind::Server, &made.server)).await;
    hand.clear_theirs(&theirs).await;
    goes(bench, &lab, &made).await;
}

fn a_server_tells_whose_it_is(told: &Told, made: &Made) {
    let found = &told[&(Kind::Server, made.server.clone())];
    assert_eq!((found.name.as_str(), &found.mark), ("node1-cloud-ff524", &None));
    let survey = &found.survey;
    assert_eq!(survey.belongs, Belongs::Project);
    assert_eq!(survey.hints.metadata, [("owner".to_owned(), "ff524".to_owned())]);
    assert_eq!(survey.hints.key.as_deref(), Some(made.key.as_str()));
    assert_eq!(survey.hints.creator.len(), 1, "an account made it");
    assert_eq!(survey.backing, Backing::Reservation(made.reservation.clone()));
    assert_eq!((&survey.charged, survey.bare_metal), (&Vec::new(), false));
    assert!(told.values().all(|found| found.kind == Kind::Keypair || found.created_at.is_some()));
}

fn what_hangs_on_what_is_told(told: &Told, made: &Made) {
    let lease = of(told, Kind::Lease, &made.lease);
    assert_eq!(
        (&lease.reservations, &lease.condition),
        (&vec![made.reservation.clone()], &Some(Condition::InUse))
    );
    assert!(lease.span.is_some_and(|span| span.length().num_minutes() >= 120), "{lease:?}");
    assert_eq!(lease.charged.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1]);

    assert_eq!(of(told, Kind::Network, &made.network).ports, Some(2), "the server's and the spare one");
    assert_eq!(of(told, Kind::Network, &made.shared).belongs, Belongs::Shared);
    assert_eq!(of(told, Kind::Router, &made.router).attached, Some(vec![made.subnet.clone()]));
    assert_eq!(of(told, Kind::Subnet, &made.subnet).attached, Some(vec![made.network.clone()]));
    let ports = of(told, Kind::Server, &made.server).attached.as_ref().expect("a server tells its ports");
    let port = of(told, Kind::Port, ports.first().expect("the server is on a network"));
    assert_eq!(
        (&port.attached, &port.condition),
        (&Some(vec![made.server.clone()]), &Some(Condition::InUse))
    );

    let idle = [(Kind::Port, &made.spare), (Kind::FloatingIp, &made.address), (Kind::Volume, &made.volume)];
    for (kind, site_ref) in idle {
        let survey = of(told, kind, site_ref);
        let (on, how) = (survey.attached.as_deref(), survey.condition.as_ref());
        assert_eq!(
            (on, how, survey.belongs),
            (Some(&[][..]), Some(&Condition::Idle), Belongs::Project),
            "{kind:?}"
        );
    }
    let address = of(told, Kind::FloatingIp, &made.address);
    assert_eq!(
        (address.tags.as_slice(), address.hints.description.as_deref()),
        (&["owner=ff524".to_owned()][..], Some("of ff524"))
    );
    assert_eq!(
        of(told, Kind::Volume, &made.volume).hints.metadata,
        [("owner".to_owned(), "ff524".to_owned())]
    );
}

/// A network with ports and a port with a server are refused and stay. The server goes down and comes up.
async fn what_is_used_stays(bench: &Bench, made: &Made, server: &Survey) {
    let port = server.attached.iter().flatten().next().unwrap();
    for (kind, site_ref) in [(Kind::Network, &made.network), (Kind::Port, port)] {
        let refused = bench.cloud.release(kind, site_ref).await.unwrap_err();
        assert_eq!(refused.class(), "conflict", "{kind:?}: {refused}");
    }
    let id = made.server.as_str();
    for (by, condition) in [(StopBy::Stop, Condition::Stopped), (StopBy::Shelve, Condition::Shelved)] {
        done(bench, &format!("{by:?}"), async || bench.cloud.stop(id, by).await).await;
        let told = survey(bench).await;
        assert_eq!(of(&told, Kind::Server, id).condition, Some(condition), "{by:?}");
        assert!(
            told.contains_key(&(Kind::Port, port.clone()))
                && told.contains_key(&(Kind::Network, made.network.clone()))
        );
        done(bench, &format!("starting again after {by:?}"), async || bench.cloud.start(id).await).await;
        assert_eq!(of(&survey(bench).await, Kind::Server, id).condition, Some(Condition::InUse));
    }
}

/// Each thing goes, and is said to be gone when it is asked about again.
async fn goes(bench: &Bench, lab: &Lab<'_>, made: &Made) {
    for (kind, site_ref) in made.all() {
        lab.release(kind, site_ref).await;
        assert_eq!(bench.cloud.release(kind, site_ref).await, Ok(Released::Gone), "{kind:?}");
    }
    for asked in [bench.cloud.stop(&made.server, StopBy::Stop).await, bench.cloud.start(&made.server).await] {
        assert_eq!(asked.unwrap_err().class(), "not_found");
    }
    let left = survey(bench).await;
    let left: Vec<_> =
        made.all().into_iter().filter(|(kind, id)| left.contains_key(&(*kind, (*id).to_owned()))).collect();
    assert_eq!(left, []);
}
