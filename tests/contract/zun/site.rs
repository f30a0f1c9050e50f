//! A site with containers only: a catalog, Zun as its API reference describes it, and empty lists for all else.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use reqwest::Url;
use serde_json::{Map, Value, json};

/// The id of the site's network.
pub(super) const NETWORK: &str = "c0c5f8ed-6654-4d25-b0de-c858b9f620be";
/// An image that can't be had.
pub(super) const NO_SUCH_IMAGE: &str = "no-such-image";
/// What Zun says of it.
pub(super) const PULL_FAILED: &str = "Docker image no-such-image not found";

type Fits = fn(&Value) -> bool;

/// The keys that the reference has for a container that is to be made, with the types that Zun checks.
const REQUEST: [(&str, Fits); 8] = [
    ("name", is_name),
    ("image", Value::is_string),
    ("command", Value::is_array),
    ("labels", Value::is_object),
    ("environment", |it| it.as_object().is_some_and(|all| all.values().all(Value::is_string))),
    ("exposed_ports", Value::is_object),
    ("hints", Value::is_object),
    ("nets", |it| it.as_array().is_some_and(|nets| nets.iter().all(|net| net["network"].is_string()))),
];

/// The site. It answers as long as the tests run.
pub(super) struct Site {
    /// Its address.
    pub(super) url: String,
    zun: Arc<Mutex<Zun>>,
}

#[derive(Default)]
struct Zun {
    /// In the order in which they were made.
    containers: Vec<Map<String, Value>>,
    asked_for: Value,
    made: usize,
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    version: Option<String>,
    body: Value,
}

type Answer = (u16, Value);

impl Site {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let zun = Arc::new(Mutex::new(Zun::default()));
        let site = Self { url: url.clone(), zun: Arc::clone(&zun) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (url, zun) = (url.clone(), Arc::clone(&zun));
                std::thread::spawn(move || serve(&stream.unwrap(), &url, &zun));
            }
        });
        site
    }

    /// How many containers it has.
    pub(super) fn containers(&self) -> usize {
        self.zun.lock().unwrap().containers.len()
    }

    /// The last request for a container.
    pub(super) fn asked_for(&self) -> Value {
        self.zun.lock().unwrap().asked_for.clone()
    }
}

/// Answers one request and closes the connection.
fn serve(mut stream: &TcpStream, url: &str, zun: &Mutex<Zun>) {
    let Some(request) = read(stream, url) else { return };
    let (status, body) = answer(&request, url, &mut zun.lock().unwrap());
    let body = if status == 204 { String::new() } else { body.to_string() };
    let head = format!(
        "HTTP/1.1 {status} X\r\nX-Subject-Token: t\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
}

fn read(stream: &TcpStream, url: &str) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return None;
        }
    }
    let header = |name: &str| {
        let mut all = head.lines().filter_map(|line| line.split_once(": "));
        all.find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let mut body = vec![0; header("Content-Length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let mut first = head.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let target = Url::parse(&format!("{url}{target}")).unwrap();
    Some(Request {
        method,
        path: target.path().to_owned(),
        query: target.query_pairs().into_owned().collect(),
        version: header("OpenStack-API-Version"),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn answer(request: &Request, url: &str, zun: &mut Zun) -> Answer {
    let path = request.path.trim_end_matches('/');
    if let Some(path) = path.strip_prefix("/container/v1/containers") {
        return zun.answer(request, path.trim_start_matches('/'), url);
    }
    match (request.method.as_str(), path) {
        ("POST", "/identity/v3/auth/tokens") => (201, token(url)),
        ("GET", "/network/v2.0/networks") if request.query.contains_key("name") => {
            (200, json!({"networks": [{"id": NETWORK}]}))
        }
        ("GET", _) => {
            let lists = ["servers", "keypairs", "networks", "subnets", "routers", "floatingips"];
            let mut lists: Map<_, _> = lists.into_iter().map(|list| (list.to_owned(), json!([]))).collect();
            lists.insert("security_groups".to_owned(), json!([]));
            (200, lists.into())
        }
        _ => (404, Value::Null),
    }
}

fn token(url: &str) -> Value {
    let service = |kind: &str, path: &str| json!({"type": kind, "endpoints": [{"interface": "public", "url": format!("{url}{path}")}]});
    json!({"token": {
        "expires_at": "2999-01-01T00:00:00.000000Z",
        "project": {"id": "2cc8ed7104ca427c873cad82411bcebb"},
        "catalog": [service("compute", "/compute/v2.1"), service("network", "/network"),
                    service("container", "/container/v1")],
    }})
}

fn error(status: u16, detail: &str) -> Answer {
    let error = json!({"request_id": "", "code": "container.", "status": status, "title": "Refused",
                       "detail": detail, "links": []});
    (status, json!({"errors": [error]}))
}

fn is_name(value: &Value) -> bool {
    let name = value.as_str().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (2..=255).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(fits)
}

/// Whether all of a query is among what the reference has for it.
fn only(query: &BTreeMap<String, String>, known: &[&str]) -> bool {
    query.keys().all(|key| known.contains(&key.as_str()))
}

impl Zun {
    fn answer(&mut self, request: &Request, id: &str, url: &str) -> Answer {
        // Commands are lists from 1.20 on, ports are there from 1.24 on; 1.40 is the newest.
        if request.version.as_deref() != Some("container 1.40") {
            return error(406, "this needs OpenStack-API-Version: container 1.40");
        }
        match (request.method.as_str(), id) {
            ("GET", "") => self.list(&request.query, url),
            ("POST", "") => self.make(request),
            ("GET", id) => self.show(id),
            ("DELETE", id) => self.delete(id, &request.query),
            _ => error(405, "Method Not Allowed"),
        }
    }

    fn list(&mut self, query: &BTreeMap<String, String>, url: &str) -> Answer {
        if !only(query, &["limit", "marker", "name"]) {
            return error(400, "Unknown parameters");
        }
        let limit: usize = query.get("limit").map_or(1000, |limit| limit.parse().unwrap());
        let first = match query.get("marker") {
            None => 0,
            Some(marker) => match self.position(marker) {
                Some(at) => at + 1,
                None => return error(404, "Container could not be found"),
            },
        };
        let page: Vec<Value> =
            self.containers.iter().skip(first).take(limit).cloned().map(Value::Object).collect();
        // A full page has a link to the next one, which may be empty.
        let next = page.last().filter(|_| page.len() == limit).map(|last| {
            let marker = last["uuid"].as_str().unwrap();
            format!("{url}/container/v1/containers?limit={limit}&marker={marker}")
        });
        self.time_passes();
        (200, json!({"containers": page, "next": next}))
    }

    fn make(&mut self, request: &Request) -> Answer {
        if !only(&request.query, &["run"]) {
            return error(400, "Unknown parameters");
        }
        let Some(asked) = request.body.as_object() else { return error(400, "no JSON object") };
        for (key, value) in asked {
            match REQUEST.iter().find(|(known, _)| known == key) {
                None => return error(400, &format!("Additional properties are not allowed ('{key}')")),
                Some((_, fits)) if !fits(value) => {
                    return error(400, &format!("Invalid input for field '{key}'"));
                }
                Some(_) => {}
            }
        }
        if !asked.contains_key("image") {
            return error(400, "'image' is a required property");
        }
        self.made += 1;
        self.asked_for = request.body.clone();
        let mut container = asked.clone();
        container.extend([
            ("uuid".to_owned(), json!(format!("b0694d40-70af-4488-b104-{:012}", self.made))),
            ("status".to_owned(), json!("Creating")),
            ("status_reason".to_owned(), Value::Null),
            ("addresses".to_owned(), Value::Null),
            ("created_at".to_owned(), json!("2026-02-10 14:00:00+00:00")),
            // What is remembered of how it was asked for; `Created` is all that becomes of one without it.
            ("run".to_owned(), json!(request.query.get("run").is_some_and(|run| run == "true"))),
        ]);
        self.containers.push(container.clone());
        (202, container.into())
    }

    fn show(&mut self, id: &str) -> Answer {
        let Some(at) = self.position(id) else { return error(404, "Container could not be found") };
        let shown = self.containers[at].clone();
        self.time_passes();
        (200, shown.into())
    }

    fn delete(&mut self, id: &str, query: &BTreeMap<String, String>) -> Answer {
        if !only(query, &["force", "all_projects", "stop"]) {
            return error(400, "Unknown parameters");
        }
        let Some(at) = self.position(id) else { return error(404, "Container could not be found") };
        let container = &mut self.containers[at];
        let stops = query.get("stop").is_some_and(|stop| stop == "true");
        match container["status"].as_str().unwrap() {
            "Running" if !stops => error(409, "Cannot delete container in Running state"),
            "Running" | "Created" | "Error" | "Stopped" => {
                container["status"] = json!("Deleting");
                (204, Value::Null)
            }
            status => error(409, &format!("Cannot delete_after_stop container in {status} state")),
        }
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.containers.iter().position(|container| container["uuid"] == id || container["name"] == id)
    }

    /// After each look what was on its way has arrived.
    fn time_passes(&mut self) {
        self.containers.retain(|container| container["status"] != "Deleting");
        let address = json!({"addr": "172.24.4.3", "version": 4, "preserve_on_delete": false,
                             "subnet_id": "a3162b3e-2f02-432e-a18c-78fe2774d026",
                             "port": "4b077255-9b4d-4068-b24f-b89594f870c2"});
        let other = json!({"addr": "2001:db8::9", "version": 6, "preserve_on_delete": false,
                           "subnet_id": "7ca0d3d5-eeef-489f-8a40-ccb00456628c",
                           "port": "4b077255-9b4d-4068-b24f-b89594f870c2"});
        for container in self.containers.iter_mut().filter(|it| it["status"] == "Creating") {
            if container["image"] == NO_SUCH_IMAGE {
                (container["status"], container["status_reason"]) = (json!("Error"), json!(PULL_FAILED));
            } else {
                let status = if container["run"] == true { "Running" } else { "Created" };
                container["status"] = json!(status);
                container["addresses"] = json!({NETWORK: [other, address]});
            }
        }
    }
}
