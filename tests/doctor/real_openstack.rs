//! The doctor on real OpenStack services, with credentials of several kinds.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use fairlease::clock::{Clock as _, SystemClock};
use fairlease::cloud::openstack::{self, CloudEntry, Credential};
use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Desk, Diagnosis};
use crate::support::bed::{Bed, CLOUD};
use crate::support::course::Course;

/// What the doctor says of the course at the site, by the bed's credential `cloud`.
async fn diagnose(cloud: &str, course: &str) -> Diagnosis {
    let clouds = Bed::given().await.clouds_yaml().to_owned();
    look(course.replace("cloud = \"course\"", &format!("cloud = \"{cloud}\"")), clouds).await
}

/// The command is a process: the test's own runtime is not to wait for it.
async fn look(course: String, clouds: PathBuf) -> Diagnosis {
    tokio::task::spawn_blocking(move || Desk::with(&course).doctor(Some(&clouds))).await.unwrap()
}

fn course() -> Course {
    Course::example().on_cloud(CLOUD)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_with_all_that_the_course_needs_passes() {
    let found = diagnose(CLOUD, &course().text()).await;
    assert_eq!((found.code, found.others()), (0, Vec::<&str>::new()));
    assert_eq!(found.check("credential")["found"], "application credential, unrestricted");
    assert_eq!(found.check("roles")["found"], "member, reader");
    assert_eq!(found.check("flavor m1.medium")["found"], "cores 2, memory 4096 MiB, disk 40 GiB");
    let servers = found.check("quota of servers")["found"].as_str().unwrap();
    assert!(servers.starts_with("limit 500, ") && servers.contains("90 at full use"), "{servers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_site_lacks_is_named() {
    let text = course().with_capacity(200).text();
    let text = text.replace("CC-Ubuntu24.04", "CC-Nothing").replace("\"public\"", "\"sharednet1\"");
    let found = diagnose(CLOUD, &text).await;
    assert_eq!(found.code, 1);
    for what in ["image CC-Nothing", "external network sharednet1", "quota of servers"] {
        assert_eq!(found.verdict(what), "fail", "{what}");
    }
    assert!(found.check("quota of servers")["found"].as_str().unwrap().ends_with("166 of 200 bookings fit"));
    let text = course().text().replace("m1.medium", "m1.nothing");
    let found = diagnose(CLOUD, &text).await;
    assert_eq!((found.verdict("flavor m1.nothing"), found.verdict("quota of cores")), ("fail", "cant_tell"));
}

/// The course with this added to its lab's blueprint.
fn with_more(blueprint: &str) -> String {
    let mut file: toml::Table = course().text().parse().unwrap();
    let lab = file["lab"].as_array_mut().unwrap()[0].as_table_mut().unwrap();
    lab["blueprint"].as_table_mut().unwrap().extend(blueprint.parse::<toml::Table>().unwrap());
    file.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_a_booking_uses_is_looked_for() {
    let more = |name: &str, volumes: &str, shares: &str, group: &str| {
        with_more(&format!(
            r#"
            buckets = ["objects"]
            security_groups = ["{group}"]
            volume = [{{name = "data", size_gib = 10, type = "{volumes}", server = "node1"}}]
            share = [{{name = "home", size_gib = 20, type = "{shares}", access_from = ["192.168.1.0/24"]}}]
            server = [{{name = "node1", image = "CC-Ubuntu24.04", flavor = "2", networks = ["private", "{name}"]}}]
            "#
        ))
    };
    let found = diagnose(CLOUD, &more("sharednet1", "ceph-ssd", "default", "default")).await;
    assert_eq!((found.code, found.others()), (0, Vec::<&str>::new()));
    for (what, shown) in [
        ("quota of GiB of volumes", "limit 20000, "),
        ("quota of GiB of shares", "limit 1000, "),
        ("flavor 2", "cores 1, memory 2048 MiB, disk 20 GiB"),
        ("service for buckets (Swift)", "in the catalog"),
    ] {
        let told = found.check(what)["found"].as_str().unwrap();
        assert!(told.starts_with(shown), "{what}: {told}");
    }
    let found = diagnose(CLOUD, &more("nonet", "novolume", "noshare", "nogroup")).await;
    let lacks = ["network nonet", "security group nogroup", "volume type novolume", "share type noshare"];
    assert_eq!((found.code, found.others()), (1, lacks.to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_password_works_and_is_advised_against() {
    let found = diagnose("admin", &course().text()).await;
    assert_eq!((found.code, found.others()), (0, vec!["credential", "roles"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_without_showing_it() {
    let bed = Bed::given().await;
    let mut entry = openstack::load(&[bed.clouds_yaml().to_owned()], CLOUD).unwrap();
    let Credential::Application { secret, .. } = &mut entry.credential else { unreachable!() };
    *secret = "not-the-secret".to_owned().into();
    let found = with_entry(&entry).await;
    assert_eq!((found.code, found.others()), (1, vec!["access"]));
    assert!(!format!("{:?}", found.checks).contains("not-the-secret"));
}

/// Blazar makes a trust for a lease, which a restricted credential must not.
#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_credential_fails_and_its_end_is_seen() {
    let bed = Bed::given().await;
    let person = openstack::load(&[bed.clouds_yaml().to_owned()], "demo").unwrap();
    let account = Account::of(&person).await;
    let ends = SystemClock.now() + TimeDelta::hours(3);
    let (id, credential) = account.restricted_credential(ends).await;
    let found = with_entry(&CloudEntry { credential, ..person }).await;
    account.delete(&id).await;
    assert_eq!((found.code, found.others()), (1, vec!["credential", "credential's end"]));
    assert_eq!(found.verdict("credential"), "fail");
    let end = found.check("credential's end")["found"].as_str().unwrap();
    assert_eq!(end, ends.format("%Y-%m-%d %H:%M UTC").to_string());
}

async fn with_entry(entry: &CloudEntry) -> Diagnosis {
    let Credential::Application { id, secret } = &entry.credential else { unreachable!() };
    let auth = json!({
        "auth_url": entry.auth_url,
        "application_credential_id": id,
        "application_credential_secret": secret.expose_secret(),
    });
    let cloud = json!({"auth_type": "v3applicationcredential", "auth": auth, "region_name": entry.region});
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("clouds.yaml");
    // JSON is YAML.
    std::fs::write(&file, json!({"clouds": {CLOUD: cloud}}).to_string()).unwrap();
    look(course().text(), file).await
}

/// An account that may make credentials of its own.
struct Account {
    url: String,
    token: String,
    user: String,
}

impl Account {
    async fn of(entry: &CloudEntry) -> Self {
        let Credential::Password { username, password, user_domain, project, project_domain } =
            &entry.credential
        else {
            panic!("demo is to be a password")
        };
        let user =
            json!({"name": username, "domain": {"name": user_domain}, "password": password.expose_secret()});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let scope = json!({"project": {"name": project, "domain": {"name": project_domain}}});
        let url = entry.auth_url.trim_end_matches('/').to_owned();
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        let request = Client::new().post(format!("{url}/auth/tokens")).json(&body);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        let token = answer.headers()["X-Subject-Token"].to_str().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        Self { url, token, user: body["token"]["user"]["id"].as_str().unwrap().to_owned() }
    }

    async fn send(&self, request: RequestBuilder) -> Value {
        let answer = request.header("X-Auth-Token", &self.token).send().await.unwrap();
        let text = answer.error_for_status().unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn credentials(&self) -> String {
        format!("{}/users/{}/application_credentials", self.url, self.user)
    }

    async fn restricted_credential(&self, ends: DateTime<Utc>) -> (String, Credential) {
        let (name, secret) = (format!("doctor-{}", ends.timestamp_micros()), "of-the-test".to_owned());
        let expires_at = ends.format("%Y-%m-%dT%H:%M:%S").to_string();
        let fields = json!({"name": name, "secret": secret, "unrestricted": false, "expires_at": expires_at});
        let request = Client::new().post(self.credentials()).json(&json!({"application_credential": fields}));
        let made = self.send(request).await;
        let id = made["application_credential"]["id"].as_str().unwrap().to_owned();
        (id.clone(), Credential::Application { id, secret: secret.into() })
    }

    async fn delete(&self, id: &str) {
        self.send(Client::new().delete(format!("{}/{id}", self.credentials()))).await;
    }
}
