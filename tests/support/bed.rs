//! The real OpenStack services, asked without the code that is tested.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fairlease::cloud::openstack::{self, Credential};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::given;

/// The entry of `clouds.yaml` that courses use: an application credential of their project.
pub(crate) const CLOUD: &str = "course";

/// What a project may hold: the kind, its service, the path of its list and the name of the list in the answer.
const LISTS: [(&str, &str, &str, &str); 12] = [
    ("server", "compute", "servers/detail", "servers"),
    ("keypair", "compute", "os-keypairs", "keypairs"),
    ("network", "network", "v2.0/networks", "networks"),
    ("subnet", "network", "v2.0/subnets", "subnets"),
    ("router", "network", "v2.0/routers", "routers"),
    ("port", "network", "v2.0/ports", "ports"),
    ("security group", "network", "v2.0/security-groups", "security_groups"),
    ("floating IP", "network", "v2.0/floatingips", "floatingips"),
    ("lease", "reservation", "leases", "leases"),
    ("volume", "block-storage", "volumes/detail", "volumes"),
    ("share", "sharev2", "shares/detail", "shares"),
    // Its answer is the list.
    ("bucket", "object-store", "", ""),
];

/// A session of one project.
pub(crate) struct Bed {
    clouds_yaml: PathBuf,
    client: Client,
    token: String,
    endpoints: BTreeMap<String, String>,
}

/// Objects of a project by their kind.
pub(crate) type Objects = BTreeMap<&'static str, Vec<Value>>;

/// What Blazar says where two leases want a resource class of Placement at once, and how often one may lose that race.
const LOST_RACE: &str = "Failed to create resource class";
const RACES: usize = 5;

impl Bed {
    /// Signs in to the course's project, at the bed that `FAIRLEASE_TEST_BED` names.
    pub(crate) async fn given() -> Self {
        Self::signed_in(CLOUD).await
    }

    /// Signs in to another project.
    pub(crate) async fn as_neighbour() -> Self {
        Self::signed_in("other").await
    }

    /// Signs in as the one who runs the site, and sees what members don't.
    pub(crate) async fn as_operator() -> Self {
        Self::signed_in("admin").await
    }

    async fn signed_in(cloud: &str) -> Self {
        let file = PathBuf::from(given("FAIRLEASE_TEST_BED"));
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}: is the bed up?", file.display()));
        let told: Value = serde_json::from_str(&text).unwrap();
        let clouds_yaml = PathBuf::from(told["clouds_yaml"].as_str().unwrap());
        let (token, endpoints) = sign_in(&clouds_yaml, cloud).await;
        Self { clouds_yaml, client: client(), token, endpoints }
    }

    /// Where the clouds' addresses and credentials are.
    pub(crate) fn clouds_yaml(&self) -> &Path {
        &self.clouds_yaml
    }

    /// Everything that the project sees.
    pub(crate) async fn objects(&self) -> Objects {
        let mut objects = Objects::new();
        for (kind, service, path, name) in LISTS {
            let mut body = self.get(service, path).await;
            let list = if name.is_empty() { &mut body } else { &mut body[name] };
            objects.insert(kind, list.as_array_mut().unwrap_or_else(|| panic!("{path}")).split_off(0));
        }
        objects
    }

    /// What a service says about a path.
    pub(crate) async fn get(&self, service: &str, path: &str) -> Value {
        let answer = self.ask(Method::GET, service, path).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    /// Whether a service says that something is not there.
    pub(crate) async fn lacks(&self, service: &str, path: &str) -> bool {
        let answer = self.ask(Method::GET, service, path).send().await.unwrap();
        answer.status() == StatusCode::NOT_FOUND
    }

    /// Makes an object by hand. Of two leases that begin to be made at the same moment Placement may refuse one its resource
    /// class: as the adapter does, whoever made it asks again.
    pub(crate) async fn post(&self, service: &str, path: &str, body: &Value) -> Value {
        for _ in 0..RACES {
            let answer = self.ask(Method::POST, service, path).json(body).send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            if status.is_success() {
                return serde_json::from_str(&text).unwrap();
            }
            assert!(text.contains(LOST_RACE), "{service} {path}: {status} {text}");
        }
        panic!("{service} {path}: {LOST_RACE}, {RACES} times");
    }

    /// Deletes an object by hand, and says whether it is gone.
    pub(crate) async fn delete(&self, service: &str, path: &str) -> bool {
        let answer = self.ask(Method::DELETE, service, path).send().await.unwrap();
        answer.status() == StatusCode::NOT_FOUND
    }

    /// The session's token.
    #[allow(dead_code, reason = "the benchmark of ten clusters makes calls of its own")]
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// A call to a service, still without a body.
    pub(crate) fn ask(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        let url = format!("{}/{path}", self.endpoints[service].trim_end_matches('/'));
        let request = self.client.request(method, url).header("X-Auth-Token", &self.token);
        // Swift lists in plain text and Manila speaks its first version unless they are told otherwise.
        request.header("Accept", "application/json").header("X-OpenStack-Manila-API-Version", "2.60")
    }

    /// What of it mentions a booking, wherever: in its name, its metadata, its tags, its description.
    pub(crate) async fn objects_of(&self, booking: &str) -> Objects {
        let mut objects = self.objects().await;
        for list in objects.values_mut() {
            list.retain(|object| object.to_string().contains(booking));
        }
        objects
    }
}

/// The sites' own ids of objects. A keypair and a bucket have none but their names.
pub(crate) fn ids(objects: &Objects) -> BTreeSet<String> {
    let id = |object: &Value| {
        let names = [&object["id"], &object["keypair"]["name"], &object["name"]];
        let id = names.into_iter().find_map(Value::as_str);
        id.unwrap_or_else(|| panic!("{object}")).to_owned()
    };
    objects.values().flatten().map(id).collect()
}

fn client() -> Client {
    // The service's own `main` does this for itself; whoever comes second is told that it is done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

async fn sign_in(clouds_yaml: &Path, cloud: &str) -> (String, BTreeMap<String, String>) {
    let entry = openstack::load(&[clouds_yaml.to_owned()], cloud).unwrap();
    let auth = match &entry.credential {
        Credential::Application { id, secret } => {
            let credential = json!({"id": id, "secret": secret.expose_secret()});
            json!({"identity": {"methods": ["application_credential"], "application_credential": credential}})
        }
        Credential::Password { username, password, user_domain, project, project_domain } => {
            let domain = |name: &str| json!({"name": name});
            let user = json!({"name": username, "password": password.expose_secret(),
                              "domain": domain(user_domain)});
            let project = json!({"name": project, "domain": domain(project_domain)});
            json!({"identity": {"methods": ["password"], "password": {"user": user}},
                   "scope": {"project": project}})
        }
    };
    let url = format!("{}/auth/tokens", entry.auth_url.trim_end_matches('/'));
    let request = client().post(url).json(&json!({"auth": auth}));
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    let token = answer.headers()["X-Subject-Token"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    let services = body["token"]["catalog"].as_array().unwrap().iter();
    let endpoints = services.map(|service| {
        let public = service["endpoints"].as_array().unwrap().iter().find(|it| it["interface"] == "public");
        let url = public.unwrap()["url"].as_str().unwrap();
        (service["type"].as_str().unwrap().to_owned(), url.to_owned())
    });
    (token, endpoints.collect())
}
