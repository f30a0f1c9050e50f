//! What people make at a command line on real services, with `openstack` as it comes: it is found and matched, its owner is
//! told, it is stopped and deleted in order, and all that is others' stays. The course's clock is moved by hand; what the site
//! needs for itself takes its time.

mod client;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use fairlease::clock::{Clock as _, SystemClock};
use fairlease::domain::ids::{BookingId, InstanceId};
use fairlease::domain::person::Role;
use fairlease::domain::resource::Mark;
use fairlease::entropy::{Entropy as _, OsEntropy};
use fairlease::services::reaping::Done;

use self::client::Client;
use super::reaped::{HOME, Reaped, somebody};
use crate::support::bed::{self, Bed};
use crate::support::until;

const REAPER: &str = "by_hand = \"delete\"
idle = { floating_ip_days = 1, network_days = 1 }
project = { hours = 24 }";
/// More sweeps than anything takes at one time.
const MANY: usize = 40;

/// Something by hand: the service, the path of its collection, and the site's id.
type Place = (&'static str, &'static str, String);

/// What is to go, and what is to stay, each by what it is for.
#[derive(Default)]
struct Made {
    goes: BTreeMap<&'static str, Place>,
    /// Of the course's project.
    stays: BTreeMap<&'static str, Place>,
}

fn server(id: String) -> Place {
    ("compute", "servers", id)
}

fn address(id: String) -> Place {
    ("network", "v2.0/floatingips", id)
}

/// A server on a flavor of everyone's, on the site's own network.
fn small_server(client: &Client, name: &str) -> Place {
    let words =
        ["server", "create", "--flavor", "m1.tiny", "--image", "CC-Ubuntu24.04", "--network", "sharednet1"];
    server(client.makes(&[&words[..], &["--wait", name]].concat()))
}

/// A lease of one server for four days, in force; its id and its reservation's, which is a flavor.
async fn lease(client: &Client, bed: &Bed, name: &str) -> (Place, String) {
    let flavor = client.makes(&["flavor", "show", "m1.medium"]);
    let reservation = format!("resource_type=flavor:instance,flavor_id={flavor},amount=1,affinity=None");
    let end = (SystemClock.now() + TimeDelta::days(4)).format("%Y-%m-%d %H:%M").to_string();
    let lease = client.makes(&[
        "reservation",
        "lease",
        "create",
        "--end-date",
        &end,
        "--reservation",
        &reservation,
        name,
    ]);
    let path = format!("leases/{lease}");
    let told = until(|| async {
        let told = bed.get("reservation", &path).await["lease"].clone();
        (told["status"] == "ACTIVE").then_some(told)
    });
    let told = told.await.unwrap_or_else(|| panic!("{name} does not come into force"));
    let reservation = told["reservations"][0]["id"].as_str().unwrap().to_owned();
    (("reservation", "leases", lease), reservation)
}

/// What a student makes by the course's instructions, and forgets.
async fn what_a_student_makes(client: &Client, bed: &Bed, student: &str, made: &mut Made) {
    let (net, subnet, router) = (
        format!("private_cloud_net_{student}"),
        format!("private_cloud_subnet_{student}"),
        format!("router_{student}"),
    );
    let network = client.makes(&["network", "create", &net]);
    client.makes(&["subnet", "create", "--network", &net, "--subnet-range", "192.168.7.0/24", &subnet]);
    let path = client.makes(&["router", "create", "--external-gateway", "public", &router]);
    client.run(&["router", "add", "subnet", &router, &subnet]);
    let spare = client.makes(&["port", "create", "--network", &net, &format!("spare_{student}")]);
    let (first, reservation) = lease(client, bed, &format!("lease1_cloud_{student}")).await;
    let name = format!("node1-cloud-{student}");
    let words = [
        "server",
        "create",
        "--image",
        "CC-Ubuntu24.04",
        "--flavor",
        &reservation,
        "--network",
        &net,
        "--wait",
        &name,
    ];
    let node = client.makes(&words);
    let description = format!("of {student}");
    let spare_address = client.makes(&["floating", "ip", "create", "--description", &description, "public"]);
    let bound = client.makes(&["floating", "ip", "create", "--description", &description, "public"]);
    client.run(&["server", "add", "floating", "ip", &name, &bound_address(bed, &bound).await]);
    let (idle, _) = lease(client, bed, &format!("lease2_cloud_{student}")).await;
    made.goes.extend([
        ("network", ("network", "v2.0/networks", network)),
        ("router", ("network", "v2.0/routers", path)),
        ("spare port", ("network", "v2.0/ports", spare)),
        ("lease", first),
        ("idle lease", idle),
        ("server", server(node)),
        ("address", address(spare_address)),
        ("bound address", address(bound)),
    ]);
}

async fn bound_address(bed: &Bed, id: &str) -> String {
    let told = bed.get("network", &format!("v2.0/floatingips/{id}")).await;
    told["floatingip"]["floating_ip_address"].as_str().unwrap().to_owned()
}

/// Cases 17 and 18: what a project has, and what is spared.
fn what_others_make(client: &Client, student: &str, made: &mut Made) {
    let of_project = format!("{student} of project51");
    let words = ["floating", "ip", "create", "--description"];
    let theirs = client.makes(&[&words[..], &[&of_project, "public"]].concat());
    let description = format!("of {student}");
    let blazars = client.makes(&[&words[..], &[&description, "--tag", "blazar", "public"]].concat());
    let marked = Mark {
        instance: InstanceId::from_bits(OsEntropy.bits()),
        booking: BookingId::from_bits(OsEntropy.bits()),
        key: "network".parse().unwrap(),
    };
    let marked = client.makes(&["network", "create", &marked.name(&format!("k8s-{student}"))]);
    made.goes.insert("project's address", address(theirs));
    made.goes.insert("project's server", small_server(client, "node1-project51"));
    made.stays.extend([
        ("address with Blazar's tag", address(blazars)),
        ("another installation's network", ("network", "v2.0/networks", marked)),
        ("server of staff", small_server(client, "node1-cloud-st900")),
        ("server of project 0", small_server(client, "node1-project0")),
    ]);
}

/// What sweeps did to what was made here: first each act, once.
struct Story<'a> {
    course: &'a Reaped,
    made: &'a Made,
}

impl Story<'_> {
    /// What is done with something that was made here, in two or three words.
    fn act(&self, done: &Done) -> Option<String> {
        let target = done.action.target()?;
        let all = self.made.goes.iter().chain(&self.made.stays);
        let label = all.into_iter().find(|(_, (_, _, id))| *id == target.site_ref)?.0;
        let what = done.action.what();
        assert!(!done.failed, "{what}: {}", done.outcome);
        let what = what.split(' ').next().unwrap().replace("tell", "warn");
        Some(format!("{what} {label}"))
    }

    /// Sweeps so many minutes after the beginning, and on until nothing is to do.
    async fn goes_on(&self, minutes: i64) -> Vec<String> {
        let mut acts = Vec::new();
        let (mut swept, mut still) = (self.course.sweep_at(minutes).await, 0);
        for _ in 0..MANY {
            assert_eq!(swept.0.skipped, []);
            let now: Vec<_> = swept.1.iter().filter_map(|done| self.act(done)).collect();
            // A server that is on its way to another state is left alone by one sweep and looked at by the next.
            still = if now.is_empty() { still + 1 } else { 0 };
            if still == 2 {
                return acts;
            }
            let news: Vec<_> = now.into_iter().filter(|act| !acts.contains(act)).collect();
            acts.extend(news);
            swept = self.course.sweep_again().await;
        }
        panic!("after {MANY} sweeps there is still something to do: {acts:?}");
    }

    /// The same, where the order does not count.
    async fn goes_on_to(&self, minutes: i64, acts: &[&str]) -> Vec<String> {
        let done = self.goes_on(minutes).await;
        let told: BTreeSet<_> = done.iter().map(String::as_str).collect();
        assert_eq!(
            told,
            acts.iter().copied().collect::<BTreeSet<_>>(),
            "{minutes} minutes after the beginning"
        );
        done
    }
}

/// Whether something comes before something else.
fn is_before(acts: &[String], first: &str, second: &str) -> bool {
    let at = |act: &str| acts.iter().position(|it| it == act);
    at(first) < at(second) && at(first).is_some()
}

async fn gone(bed: &Bed, (service, path, id): &Place) -> bool {
    bed.lacks(service, &format!("{path}/{id}")).await
}

async fn status(bed: &Bed, (_, _, id): &Place) -> String {
    let told = bed.get("compute", &format!("servers/{id}")).await;
    told["server"]["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_make_at_a_command_line_goes_and_all_else_stays() {
    let bed = Bed::given().await;
    let neighbours = Bed::as_neighbour().await;
    let client = Client::of(&bed, bed::CLOUD);
    let mut made = Made::default();
    let student = &somebody();
    what_a_student_makes(&client, &bed, student, &mut made).await;
    what_others_make(&client, student, &mut made);
    let theirs = small_server(&Client::of(&neighbours, "other"), &format!("node2-cloud-{student}"));

    let course = Reaped::set(&bed, &[(HOME, bed::CLOUD)], REAPER).await;
    course.enrol(student, Role::Student).await;
    course.enrol("st900", Role::Assistant).await;
    let story = Story { course: &course, made: &made };
    it_is_told_and_stopped(&story, &bed).await;
    it_is_deleted(&story, &bed).await;

    for (label, place) in &made.goes {
        assert!(gone(&bed, place).await, "{label} is still there");
    }
    for (label, place) in &made.stays {
        assert!(!gone(&bed, place).await, "{label} is gone");
    }
    assert!(!gone(&neighbours, &theirs).await, "another project's");
    it_was_told(&course, student).await;
    for place in made.stays.values() {
        remove(&bed, place).await;
    }
    remove(&neighbours, &theirs).await;
}

/// The cap is eight hours. Case 10: a lease has had no server for six hours.
async fn it_is_told_and_stopped(story: &Story<'_>, bed: &Bed) {
    let hour = 60;
    story.goes_on_to(6, &[]).await;
    story.goes_on_to(8 * hour + 10, &["warn server", "warn idle lease"]).await;
    assert_eq!(status(bed, &story.made.goes["server"]).await, "ACTIVE");
    story.goes_on_to(10 * hour + 30, &["stop server"]).await;
    assert_eq!(status(bed, &story.made.goes["server"]).await, "SHUTOFF");
    story.goes_on_to(11 * hour + 40, &["delete idle lease", "unmark idle lease"]).await;
    assert!(!gone(bed, &story.made.goes["lease"]).await, "a server is on it");
}

/// Case 20: what is used goes after what uses it, and is warned of only then.
async fn it_is_deleted(story: &Story<'_>, bed: &Bed) {
    let hour = 60;
    let idle = ["warn address", "warn spare port", "warn project's address", "warn project's server"];
    story.goes_on_to(24 * hour + 20, &idle).await;
    let addresses = [
        "delete address",
        "unmark address",
        "delete project's address",
        "unmark project's address",
        "stop project's server",
    ];
    story.goes_on_to(27 * hour, &addresses).await;
    assert!(!gone(bed, &story.made.goes["bound address"]).await, "it leads to a server");

    // What was used counts as idle from when it was first seen so.
    story.goes_on_to(36 * hour, &["delete server", "unmark server"]).await;
    story.goes_on_to(43 * hour, &["warn lease"]).await;
    story.goes_on_to(47 * hour, &["delete lease", "unmark lease"]).await;
    let acts =
        ["delete project's server", "unmark project's server", "delete spare port", "unmark spare port"];
    let acts = story.goes_on_to(52 * hour, &acts).await;
    assert!(is_before(&acts, "delete project's server", "delete spare port"), "{acts:?}");
    story.goes_on_to(61 * hour, &["warn bound address"]).await;
    let acts = ["delete bound address", "unmark bound address", "warn router", "warn network"];
    story.goes_on_to(77 * hour, &acts).await;
    let acts = ["delete router", "unmark router", "delete network", "unmark network"];
    let acts = story.goes_on_to(104 * hour, &acts).await;
    assert!(is_before(&acts, "delete router", "delete network"), "{acts:?}");
}

/// One mail for each step of a thing, by a real mail server, and none of what stays.
async fn it_was_told(course: &Reaped, student: &str) {
    let told = |name: &str| course.mail.mails().iter().filter(|mail| mail.text.contains(name)).count();
    assert_eq!(told(&format!("node1-cloud-{student}")), 3, "told, stopped, deleted");
    assert_eq!(told(&format!("private_cloud_net_{student}")), 2, "told, deleted");
    for name in ["node1-cloud-st900", "node1-project0", &format!("node2-cloud-{student}")] {
        assert_eq!(told(name), 0, "{name}");
    }
    assert_eq!(course.marked().await, Vec::<String>::new());
}

async fn remove(bed: &Bed, (service, path, id): &Place) {
    let path = format!("{path}/{id}");
    let gone = until(|| async { bed.delete(service, &path).await.then_some(()) });
    gone.await.unwrap_or_else(|| panic!("{path} can't be deleted"));
}
