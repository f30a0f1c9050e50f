//! Faults in a sweep's own calls, through the proxies of two real sites: a listing that is cut short, a deletion that is answered
//! with 404 or 409, a site that answers with 500. Nothing is deleted that should not be, the sweep goes on elsewhere and says
//! what it skipped, and the next one finishes.

use fairlease::domain::person::Role;
use fairlease::policy::reaping::{Plan, Skip};
use fairlease::services::reaping::Done;
use serde_json::{Value, json};

use super::fault::Fault;
use super::proxy::Proxy;
use super::reaped::{HOME, Reaped, somebody};
use super::step::Step;
use crate::support::bed::{self, Bed};
use crate::support::until;

/// The second site: another project of the same services.
const AWAY: &str = "chi-uc";
const REAPER: &str = "by_hand = \"delete\"\nidle = { floating_ip_days = 1, network_days = 1 }";

/// Something by hand at a site.
struct Thing<'a> {
    bed: &'a Bed,
    path: &'static str,
    id: String,
}

impl<'a> Thing<'a> {
    async fn make(bed: &'a Bed, path: &'static str, what: &str, wish: Value) -> Self {
        let made = bed.post("network", path, &json!({what: wish})).await;
        Self { bed, path, id: made[what]["id"].as_str().unwrap().to_owned() }
    }

    async fn network(bed: &'a Bed, student: &str, name: &str) -> Self {
        Self::make(bed, "v2.0/networks", "network", json!({"name": format!("{name}_{student}")})).await
    }

    async fn port(network: &Self, student: &str) -> Self {
        let wish = json!({"name": format!("spare_{student}"), "network_id": network.id});
        Self::make(network.bed, "v2.0/ports", "port", wish).await
    }

    async fn address(bed: &'a Bed, student: &str) -> Self {
        let networks = bed.get("network", "v2.0/networks?name=public").await;
        let wish = json!({"floating_network_id": networks["networks"][0]["id"], "description": format!("of {student}")});
        Self::make(bed, "v2.0/floatingips", "floatingip", wish).await
    }

    fn path(&self) -> String {
        format!("{}/{}", self.path, self.id)
    }

    async fn is_there(&self) -> bool {
        !self.bed.lacks("network", &self.path()).await
    }

    async fn remove(&self) {
        let gone = until(|| async { self.bed.delete("network", &self.path()).await.then_some(()) });
        gone.await.unwrap_or_else(|| panic!("{} can't be deleted", self.path()));
    }

    /// What a sweep did with it.
    fn did(&self, done: &[Done]) -> Vec<String> {
        let own = done.iter().filter(|done| done.action.target().is_some_and(|it| it.site_ref == self.id));
        own.map(|done| format!("{}: {}", done.action.what(), done.outcome)).collect()
    }
}

/// The call that lists or deletes things of a kind, as a sweep has made it before or would.
fn call(method: &str, about: &str) -> Step {
    Step { service: "network".to_owned(), method: method.to_owned(), ..Step::making("network", about) }
}

/// Where a plan skipped a site, and why.
fn skipped(plan: &Plan) -> Vec<(String, Skip)> {
    plan.skipped.iter().map(|skipped| (skipped.site.to_string(), skipped.why)).collect()
}

/// Nothing that was planned for a proxy is left, so it came to pass.
fn befell(proxy: &Proxy) {
    assert_eq!(proxy.due(), 0, "a fault did not come to pass: {:#?}", proxy.steps());
}

/// Whether it was done and did not fail.
fn is_one(did: &[String], begins: &str) -> bool {
    did.len() == 1 && did[0].starts_with(begins) && !did[0].contains("failed")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_goes_on_over_faults_and_the_next_one_finishes() {
    let (home, away) = (Bed::given().await, Bed::as_neighbour().await);
    let student = &somebody();
    let used = Thing::network(&home, student, "used").await;
    let port = Thing::port(&used, student).await;
    let bare = Thing::network(&home, student, "bare").await;
    let addresses = [
        Thing::address(&home, student).await,
        Thing::address(&home, student).await,
        Thing::address(&home, student).await,
    ];
    let (far_address, far_network) =
        (Thing::address(&away, student).await, Thing::network(&away, student, "far").await);
    let course = Reaped::set(&home, &[(HOME, bed::CLOUD), (AWAY, "other")], REAPER).await;
    course.enrol(student, Role::Student).await;
    let (_, done) = course.sweep_at(24 * 60 + 10).await;
    for thing in addresses.iter().chain([&port, &bare, &far_address, &far_network]) {
        assert!(is_one(&thing.did(&done), "warn"), "{done:?}");
    }
    assert_eq!(used.did(&done), Vec::<String>::new(), "a port is on it");

    let proxy = course.proxy(HOME);
    addresses_go(&course, proxy, &addresses, &far_address).await;
    networks_go(&course, proxy, [&port, &bare, &used], &far_network).await;
    for thing in addresses.iter().chain([&port, &bare, &far_address, &far_network]) {
        assert!(!thing.is_there().await, "{}", thing.path());
    }
    assert!(used.is_there().await, "it was told of when its port was gone, and waits");
    used.remove().await;
}

/// Two hours after the warning. Case 20: one of them was deleted by hand meanwhile.
async fn addresses_go(course: &Reaped, proxy: &Proxy, [one, two, gone]: &[Thing<'_>; 3], far: &Thing<'_>) {
    gone.remove().await;
    proxy.plan(&call("GET", "/floatingips"), Fault::CutBefore);
    let (plan, done) = course.sweep_at(26 * 60 + 20).await;
    befell(proxy);
    assert_eq!(skipped(&plan), [(HOME.to_owned(), Skip::Failed)], "a listing that is cut short is none");
    assert!(one.is_there().await && two.is_there().await, "{done:?}");
    assert!(is_one(&far.did(&done), "delete"), "the other site's sweep goes on: {done:?}");

    proxy.plan(&call("DELETE", "/floatingips/*"), Fault::Missing);
    let (plan, done) = course.sweep_again().await;
    befell(proxy);
    assert_eq!(skipped(&plan), []);
    assert!(is_one(&gone.did(&done), "unmark"), "{done:?}");
    let asked = [one, two].map(|address| is_one(&address.did(&done), "delete"));
    assert_eq!(asked, [true, true], "a deletion that finds nothing is as good: {done:?}");
    let there = [one.is_there().await, two.is_there().await];
    assert_eq!(there.into_iter().filter(|there| *there).count(), 1, "the site still has what it denied");
    let (_, done) = course.sweep_again().await;
    let again = [one, two].map(|address| address.did(&done)).concat();
    assert_eq!(again.iter().filter(|told| told.starts_with("delete")).count(), 1, "{again:?}");
    assert_eq!(again.iter().filter(|told| told.starts_with("unmark")).count(), 1, "{again:?}");
}

/// 26 hours after the warning.
async fn networks_go(course: &Reaped, proxy: &Proxy, [port, bare, used]: [&Thing<'_>; 3], far: &Thing<'_>) {
    proxy.plan(&call("GET", "/ports"), Fault::Error);
    let (plan, done) = course.sweep_at(50 * 60 + 20).await;
    befell(proxy);
    assert_eq!(skipped(&plan), [(HOME.to_owned(), Skip::Failed)]);
    assert!(plan.skipped[0].reason.contains("the listing failed"), "{:?}", plan.skipped);
    assert!(is_one(&far.did(&done), "delete"), "{done:?}");
    assert!(port.is_there().await && bare.is_there().await);

    proxy.plan(&call("DELETE", "/networks/*"), Fault::Conflict);
    let (_, done) = course.sweep_again().await;
    befell(proxy);
    assert!(is_one(&port.did(&done), "delete"), "{done:?}");
    let refused = bare.did(&done);
    assert!(refused.len() == 1 && refused[0].contains("failed"), "{refused:?}");
    assert!(bare.is_there().await && used.is_there().await);

    let (_, done) = course.sweep_again().await;
    assert!(is_one(&bare.did(&done), "delete"), "{done:?}");
    assert!(is_one(&port.did(&done), "unmark"), "{done:?}");
    assert_eq!(used.did(&done), Vec::<String>::new(), "nothing is on it any more, but not for long");
    let (_, done) = course.sweep_again().await;
    assert!(is_one(&bare.did(&done), "unmark"), "{done:?}");
    let (_, done) = course.sweep_at(76 * 60).await;
    assert!(is_one(&used.did(&done), "warn"), "{done:?}");
}
