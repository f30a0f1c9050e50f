//! A bare script that does again what went through: no database, no looking for what is there, no taking up after a crash. It sends
//! each call as soon as what the call names is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fairlease::domain::ids::BookingId;
use fairlease::entropy::{Entropy as _, OsEntropy};
use futures_util::future::join_all;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::sync::watch;

use crate::proxy::{Exchange, id};
use crate::support::bed::Bed;
use crate::support::visitor::client;

/// Between two looks at what the site is at work on.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// How often a call is sent at most.
const TRIES: usize = 200;
const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// One call, and what has to be there before.
struct Call {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: String,
    /// Ids that the call names, or needs to be there without naming them.
    needs: BTreeSet<String>,
    /// Ids that its answer told, in their order.
    makes: Vec<String>,
}

impl Call {
    fn is_about(&self, method: &Method, collection: &str) -> bool {
        self.method == *method && self.url.split('?').next().is_some_and(|url| url.ends_with(collection))
    }

    fn mentions(&self, id: &str) -> bool {
        self.url.contains(id) || self.body.contains(id)
    }
}

/// The calls, in the order in which they were answered.
pub(crate) struct Script(Vec<Call>);

/// Which id stands now for each that was told before, as the calls are done again.
type Ids = BTreeMap<String, String>;

impl Script {
    /// What these exchanges did for these bookings, for bookings of other ids.
    pub(crate) fn of(exchanges: &[Exchange], bookings: &[BookingId]) -> Self {
        let others: Vec<_> =
            bookings.iter().map(|id| (id.as_str(), BookingId::from_bits(OsEntropy.bits()))).collect();
        let renamed = |text: &str| {
            others.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new.as_str()))
        };
        let mut calls: Vec<Call> = exchanges.iter().map(|exchange| read(exchange, renamed)).collect();
        // A look at ports is needed only where something is done with what it told, and once.
        let mut named = BTreeSet::new();
        let bodies: Vec<String> = calls.iter().map(|call| call.body.clone()).collect();
        calls.retain(|call| {
            call.method != Method::GET
                || (call.makes.iter().any(|port| bodies.iter().any(|body| body.contains(port)))
                    && named.insert(call.makes.clone()))
        });
        let mut script = Self(calls);
        script.find_needs();
        script
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.len()
    }

    fn find_needs(&mut self) {
        let made: BTreeSet<String> = self.0.iter().flat_map(|call| call.makes.clone()).collect();
        let cluster = self.clusters();
        let of_cluster = |number: usize, method: &Method, collection: &str| -> Vec<String> {
            let calls = self.0.iter().enumerate().filter(|(at, _)| cluster[at] == cluster[&number]);
            calls
                .filter(|(_, call)| call.is_about(method, collection))
                .flat_map(|(_, call)| call.makes.clone())
                .collect()
        };
        let needs: Vec<BTreeSet<String>> = self
            .0
            .iter()
            .enumerate()
            .map(|(number, call)| {
                let mut needs: BTreeSet<_> = made.iter().filter(|id| call.mentions(id)).cloned().collect();
                // A server is made on a network that has a subnet, and an address is for a port behind a router.
                if call.is_about(&Method::POST, "/servers") {
                    needs.extend(of_cluster(number, &Method::POST, "/subnets"));
                }
                if call.is_about(&Method::POST, "/floatingips") {
                    needs.extend(of_cluster(number, &Method::PUT, "/add_router_interface"));
                }
                needs.retain(|id| !call.makes.contains(id));
                needs
            })
            .collect();
        for (call, needs) in self.0.iter_mut().zip(needs) {
            call.needs = needs;
        }
    }

    /// Which calls belong together, each by a number: those that name what the others made.
    fn clusters(&self) -> BTreeMap<usize, usize> {
        let mut of_call: BTreeMap<usize, usize> = BTreeMap::new();
        for (number, call) in self.0.iter().enumerate() {
            let before = self.0.iter().enumerate().take(number);
            let other = before.filter(|(_, other)| other.makes.iter().any(|id| call.mentions(id)));
            let found: BTreeSet<usize> = other.map(|(at, _)| of_call[&at]).collect();
            let least = found.first().copied().unwrap_or(number);
            for cluster in of_call.values_mut().filter(|cluster| found.contains(cluster)) {
                *cluster = least;
            }
            of_call.insert(number, least);
        }
        of_call
    }

    /// Does it all, and says how long it took until every server was up.
    pub(crate) async fn run(&self, bed: &Bed) -> Duration {
        let began = Instant::now();
        let (ids, http) = (watch::Sender::new(Ids::new()), client());
        join_all(self.0.iter().map(|call| carry_out(call, &ids, &http, bed))).await;
        let servers = self.0.iter().filter(|call| call.is_about(&Method::POST, "/servers")).count();
        until_up(bed, &ids.borrow().values().cloned().collect(), servers).await;
        began.elapsed()
    }
}

fn read(exchange: &Exchange, renamed: impl Fn(&str) -> String) -> Call {
    let mut headers = exchange.headers.clone();
    headers.remove(TOKEN);
    let mut makes: Vec<String> = Vec::new();
    match exchange.method {
        Method::GET => makes.extend(told_ids(&exchange.answer["ports"])),
        Method::POST => {
            makes.extend(id(&exchange.answer));
            makes.extend(told_ids(&exchange.answer["lease"]["reservations"]));
        }
        // What it changes is named by its path: whoever needs the change names the path.
        _ => makes.push(exchange.url.path().to_owned()),
    }
    Call {
        method: exchange.method.clone(),
        url: renamed(exchange.url.as_str()),
        headers,
        body: renamed(std::str::from_utf8(&exchange.body).unwrap()),
        needs: BTreeSet::new(),
        makes: makes.iter().map(|id| renamed(id)).collect(),
    }
}

fn told_ids(list: &Value) -> Vec<String> {
    let objects = list.as_array().into_iter().flatten();
    objects.filter_map(|object| object["id"].as_str()).map(str::to_owned).collect()
}

async fn carry_out(call: &Call, ids: &watch::Sender<Ids>, http: &Client, bed: &Bed) {
    let known = ids
        .subscribe()
        .wait_for(|ids| call.needs.iter().all(|id| ids.contains_key(id)))
        .await
        .unwrap()
        .clone();
    let renamed = |text: &str| {
        call.needs.iter().fold(text.to_owned(), |text, id| text.replace(id.as_str(), &known[id]))
    };
    let (url, body) = (renamed(&call.url), renamed(&call.body));
    let send = async || {
        let mut request = http.request(call.method.clone(), &url).headers(call.headers.clone());
        request = request.header(TOKEN, bed.token());
        if !body.is_empty() {
            request = request.body(body.clone());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        let told = serde_json::from_str::<Value>(&text).unwrap_or_default();
        if status.is_success() { Ok(told) } else { Err(format!("{} {url}: {status} {text}", call.method)) }
    };
    let told = until_done(call, bed, send).await;
    let made = match call.method {
        Method::GET => told_ids(&told["ports"]),
        Method::POST => {
            let reservations = told_ids(&told["lease"]["reservations"]);
            id(&told).into_iter().chain(reservations).collect()
        }
        _ => call.makes.clone(),
    };
    ids.send_modify(|ids| ids.extend(call.makes.iter().cloned().zip(made)));
}

/// Sends a call until it has come to what the next ones need. Blazar stumbles where it makes or begins several leases at once:
/// it answers 500, or puts one into ERROR.
async fn until_done<F>(call: &Call, bed: &Bed, send: impl Fn() -> F) -> Value
where
    F: Future<Output = Result<Value, String>>,
{
    for _ in 0..TRIES {
        match send().await {
            Ok(told) if call.method == Method::GET && told_ids(&told["ports"]).is_empty() => {}
            Ok(told) if call.is_about(&Method::POST, "/leases") => {
                if is_in_force(bed, &id(&told).unwrap()).await {
                    return told;
                }
            }
            Ok(told) => return told,
            Err(error) => eprintln!("the script tries again: {error}"),
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    panic!("{} {} came to nothing", call.method, call.url);
}

/// Waits for a lease to begin; one that did not is deleted.
async fn is_in_force(bed: &Bed, lease: &str) -> bool {
    let path = format!("leases/{lease}");
    loop {
        match bed.get("reservation", &path).await["lease"]["status"].as_str() {
            Some("ACTIVE") => return true,
            Some("ERROR") => {
                eprintln!("the script asks for a lease again that came to be in ERROR");
                bed.delete("reservation", &path).await;
                return false;
            }
            _ => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
}

async fn until_up(bed: &Bed, ids: &BTreeSet<String>, servers: usize) {
    loop {
        let told = bed.get("compute", "servers/detail").await;
        let ours = told["servers"].as_array().unwrap().iter();
        let ours = ours.filter(|server| server["id"].as_str().is_some_and(|id| ids.contains(id)));
        let states: Vec<&str> = ours.filter_map(|server| server["status"].as_str()).collect();
        assert!(!states.contains(&"ERROR"), "a server of the script came up broken");
        if states.iter().filter(|state| **state == "ACTIVE").count() == servers {
            return;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
