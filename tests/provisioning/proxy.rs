//! A proxy before a site's services. Keystone's catalog is rewritten on its way, so that every call comes through here; it
//! tells which calls there were, and lets befall them what it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, RETRY_AFTER as RETRY_AFTER_HEADER, TRANSFER_ENCODING,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use reqwest::{Client, Url};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::fault::{Fault, RETRY_AFTER};
use super::step::{Phase, Step};
use crate::support::visitor::client;

/// The proxy of one booking. It stops when this is dropped.
pub(super) struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: JoinHandle<Infallible>,
}

struct Shared {
    client: Client,
    address: SocketAddr,
    /// Where each service really is, without a path.
    origins: Mutex<BTreeMap<String, Url>>,
    told: Mutex<Told>,
    /// How often something befell a call.
    struck: watch::Sender<usize>,
}

/// What it was told, and what it saw.
struct Told {
    phase: Phase,
    planned: Vec<(Step, Fault)>,
    /// The calls, in the order in which they came.
    steps: Vec<Step>,
    /// Those that something befell.
    struck: Vec<Step>,
    /// What went through, as far as it may have made something or told of a port that Nova made.
    exchanges: Vec<Exchange>,
    /// Servers that are shown in BUILD.
    stuck: BTreeSet<String>,
    /// Whether the next server that is made will be one of them.
    next_sticks: bool,
}

impl Told {
    /// Notes a call, and says what is to befall it.
    fn called(&mut self, service: &str, method: &Method, url: &Url) -> (Step, Option<Fault>) {
        let step = Step::of(self.phase, service, method, url);
        self.steps.push(step.clone());
        let planned = self.planned.iter().position(|(to, _)| *to == step);
        let fault = planned.map(|position| self.planned.remove(position).1);
        // Noted before the effect: a caller whose patience ends during it never hears of anything else.
        self.struck.extend(fault.map(|_| step.clone()));
        (step, fault)
    }
}

/// A call that went through, and its answer.
#[allow(dead_code, reason = "the benchmark of ten clusters does it again")]
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) method: Method,
    /// As the site knows it.
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What the site answered; null if that was not JSON.
    pub(super) answer: Value,
}

/// The connection is to break.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Cut;

type Answer = Response<Full<Bytes>>;

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Proxy {
    /// A proxy before the services of the site whose Keystone is at `auth_url`.
    pub(super) async fn before(auth_url: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let keystone = origin(&Url::parse(auth_url).unwrap());
        let told = Told {
            phase: Phase::Making,
            planned: Vec::new(),
            steps: Vec::new(),
            struck: Vec::new(),
            exchanges: Vec::new(),
            stuck: BTreeSet::new(),
            next_sticks: false,
        };
        let shared = Arc::new(Shared {
            client: client(),
            address,
            origins: Mutex::new(BTreeMap::from([("identity".to_owned(), keystone)])),
            told: Mutex::new(told),
            struck: watch::Sender::new(0),
        });
        let listening = tokio::spawn(listen(listener, shared.clone()));
        Self { shared, address, listening }
    }

    /// Keystone's address for those who are to come through here.
    pub(super) fn auth_url(&self) -> String {
        format!("http://{}/identity/v3", self.address)
    }

    /// Lets this befall the next call that is this step.
    pub(super) fn plan(&self, step: &Step, fault: Fault) {
        self.shared.told.lock().unwrap().planned.push((step.clone(), fault));
    }

    /// How much is planned that has not befallen a call.
    pub(super) fn due(&self) -> usize {
        self.shared.told.lock().unwrap().planned.len()
    }

    /// What befell calls, in order.
    pub(super) fn struck(&self) -> Vec<Step> {
        self.shared.told.lock().unwrap().struck.clone()
    }

    /// The calls from now on are of this phase.
    pub(super) fn enter(&self, phase: Phase) {
        self.shared.told.lock().unwrap().phase = phase;
    }

    /// Hears each time something befalls a call: after its effect, if it has one.
    pub(super) fn strikes(&self) -> watch::Receiver<usize> {
        self.shared.struck.subscribe()
    }

    /// The calls that came, in their order.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.shared.told.lock().unwrap().steps.clone()
    }

    /// What went through with success, in the order of the answers, and either changed something or told of ports.
    #[allow(dead_code, reason = "the benchmark of ten clusters does it again")]
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.shared.told.lock().unwrap().exchanges.clone()
    }

    /// Ids of what the site made, as its answers told them.
    pub(super) fn made(&self) -> BTreeSet<String> {
        let exchanges = &self.shared.told.lock().unwrap().exchanges;
        let makes = exchanges.iter().filter(|exchange| exchange.method == Method::POST);
        makes.filter_map(|exchange| id(&exchange.answer)).collect()
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, shared.clone()));
        }
    }
}

/// A connection ends with an error where it is cut, or where the caller gave up.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let answer = service_fn(move |request| {
        let shared = shared.clone();
        async move { shared.answer(request).await }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Cut> {
        let (head, body) = request.into_parts();
        let (service, url) = self.real(&head.uri.to_string());
        let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
        let (step, fault) = self.told.lock().unwrap().called(&service, &head.method, &url);
        let Some(fault) = fault else {
            return self.forward(&step, &head.method, url, head.headers, body).await.map_err(|_| Cut);
        };
        let mut done = None;
        if fault.has_effect() {
            self.told.lock().unwrap().next_sticks |= fault == Fault::Stuck;
            done = Some(self.forward(&step, &head.method, url, head.headers, body).await.map_err(|_| Cut)?);
        }
        self.struck.send_modify(|count| *count += 1);
        match fault {
            fault if fault.holds() => std::future::pending().await,
            Fault::Stuck => done.ok_or(Cut),
            fault => fault.answer().map(made_up).ok_or(Cut),
        }
    }

    /// The service, and the call as that knows it.
    fn real(&self, uri: &str) -> (String, Url) {
        let (service, rest) = uri.trim_start_matches('/').split_once('/').unwrap_or((uri, ""));
        let origin = self.origins.lock().unwrap()[service].clone();
        (service.to_owned(), origin.join(&format!("/{rest}")).unwrap())
    }

    async fn forward(
        &self,
        step: &Step,
        method: &Method,
        url: Url,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, reqwest::Error> {
        for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let request = self.client.request(method.clone(), url.clone()).headers(headers.clone());
        let answer = request.body(body.clone()).send().await?;
        let (status, mut told_headers) = (answer.status(), answer.headers().clone());
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            told_headers.remove(name);
        }
        let told = answer.bytes().await?;
        let read = serde_json::from_slice::<Value>(&told).ok();
        if status.is_success() && step.is_worth_keeping() {
            let answer = read.clone().unwrap_or_default();
            let exchange = Exchange { method: method.clone(), url, headers, body, answer };
            self.told.lock().unwrap().exchanges.push(exchange);
        }
        let body = match read {
            Some(told) if status.is_success() => Bytes::from(self.changed(step, told).to_string()),
            _ => told,
        };
        let mut answer = Response::new(Full::new(body));
        (*answer.status_mut(), *answer.headers_mut()) = (status, told_headers);
        Ok(answer)
    }

    /// What a service told, as the caller is to see it.
    fn changed(&self, step: &Step, mut told: Value) -> Value {
        if step.is_for_a_token() {
            self.lead_here(&mut told);
        }
        let mut known = self.told.lock().unwrap();
        if step.is_for_a_server() && std::mem::take(&mut known.next_sticks) {
            known.stuck.extend(id(&told));
        }
        hold_back(&mut told, &known.stuck);
        told
    }

    /// Rewrites the addresses of a catalog, and keeps where they led.
    fn lead_here(&self, told: &mut Value) {
        let mut origins = self.origins.lock().unwrap();
        for service in told["token"]["catalog"].as_array_mut().into_iter().flatten() {
            let kind = service["type"].as_str().unwrap().to_owned();
            for endpoint in service["endpoints"].as_array_mut().unwrap() {
                let url = Url::parse(endpoint["url"].as_str().unwrap()).unwrap();
                endpoint["url"] = format!("http://{}/{kind}{}", self.address, url.path()).into();
                origins.insert(kind.clone(), origin(&url));
            }
        }
    }
}

/// An address without its path.
fn origin(url: &Url) -> Url {
    url.join("/").unwrap()
}

fn made_up((status, body): (u16, String)) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER_HEADER, RETRY_AFTER.into());
    }
    answer
}

/// The id of the object in an answer such as `{"server": {...}}`. A keypair has none but its name.
pub(super) fn id(told: &Value) -> Option<String> {
    let object = told.as_object()?.values().next()?;
    let id = object["id"].as_str().or_else(|| object["name"].as_str());
    id.map(str::to_owned)
}

/// Shows these servers in BUILD.
fn hold_back(told: &mut Value, stuck: &BTreeSet<String>) {
    let Some(fields) = told.as_object_mut() else { return };
    let servers = fields.get_mut("servers").and_then(Value::as_array_mut);
    for server in servers.into_iter().flatten() {
        if server["id"].as_str().is_some_and(|id| stuck.contains(id)) && server["status"] == "ACTIVE" {
            server["status"] = "BUILD".into();
        }
    }
}
