//! Nova's part of a survey: servers with what they run on, and our account's key pairs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::lease::Held;
use super::network::Network;
use super::{belongs, found, told};
use crate::cloud::openstack::identity::Service;
use crate::cloud::openstack::session::Listed;
use crate::cloud::openstack::{OpenStackCloud, time};
use crate::cloud::port::{CloudError, Found};
use crate::domain::blueprint::Kind;
use crate::domain::survey::{Backing, Belongs, Condition, Hints, Survey};

/// The newest of these that a site knows is spoken. From the first on a server tells by which reservation it was placed; from
/// the second on a listing has servers of a part of the site that does not answer, which it left out before; from the third
/// on it names their flavors.
const VERSIONS: [&str; 3] = ["compute 2.100", "compute 2.69", "compute 2.47"];

#[derive(Debug, Deserialize)]
pub(super) struct Server {
    id: String,
    #[serde(default)]
    name: Option<String>,
    status: String,
    #[serde(default, deserialize_with = "time::optional")]
    created: Option<DateTime<Utc>>,
    #[serde(rename = "OS-EXT-STS:task_state")]
    task: Option<String>,
    tenant_id: Option<String>,
    user_id: Option<String>,
    key_name: Option<String>,
    description: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<String>,
    flavor: Option<Flavor>,
    fault: Option<Fault>,
    scheduler_hints: Option<BTreeMap<String, Value>>,
    #[serde(skip)]
    belongs: Belongs,
}

#[derive(Debug, Deserialize)]
struct Flavor {
    original_name: String,
    #[serde(default)]
    extra_specs: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
struct Pair {
    keypair: Name,
}

#[derive(Debug, Deserialize)]
struct Name {
    name: String,
}

impl Listed for Server {
    fn marker(&self) -> &str {
        &self.id
    }
}

impl Listed for Pair {
    fn marker(&self) -> &str {
        &self.keypair.name
    }
}

impl Server {
    pub(super) fn found(self, held: &Held, network: &Network) -> Found {
        let condition = Some(self.condition());
        let (backing, charged) = (self.backing(held), self.charged());
        let bare_metal = self.flavor.as_ref().is_some_and(Flavor::is_bare_metal);
        let survey = Survey {
            belongs: self.belongs,
            hints: Hints {
                metadata: self.metadata.into_iter().collect(),
                key: told(self.key_name),
                creator: self.user_id.into_iter().collect(),
                description: told(self.description),
            },
            condition,
            attached: Some(network.ports_of(&self.id)),
            backing,
            charged,
            bare_metal,
            tags: self.tags,
            ..Survey::default()
        };
        let name = self.name.unwrap_or_default();
        found(Kind::Server, self.id, name.clone(), &name, self.created, survey)
    }

    fn condition(&self) -> Condition {
        match (self.status.as_str(), self.task.as_deref()) {
            ("ERROR", None) => {
                Condition::Broken(self.fault.as_ref().map(|fault| fault.message.clone()).unwrap_or_default())
            }
            // The last two wait for a person.
            ("ACTIVE" | "RESCUE" | "VERIFY_RESIZE", None) => Condition::InUse,
            ("SHUTOFF" | "PAUSED" | "SUSPENDED", None) => Condition::Stopped,
            ("SHELVED" | "SHELVED_OFFLOADED", None) => Condition::Shelved,
            _ => Condition::Changing,
        }
    }

    /// A reserved flavor is named after its reservation, and a server on a reserved host was told it by a hint. Where hints are
    /// not shown, nothing is known of servers that may have had one.
    fn backing(&self, held: &Held) -> Backing {
        let flavor = self.flavor.as_ref();
        let by_flavor = flavor.and_then(|flavor| flavor.original_name.strip_prefix(RESERVED));
        if let Some(id) = by_flavor.or_else(|| self.hint()) {
            return Backing::Reservation(id.to_owned());
        }
        let may_be_on_a_host = flavor.is_none_or(Flavor::is_bare_metal) || held.hosts;
        if self.scheduler_hints.is_none() && may_be_on_a_host { Backing::Untold } else { Backing::Nothing }
    }

    /// The reservation that it was placed by.
    fn hint(&self) -> Option<&str> {
        let hint = self.scheduler_hints.as_ref()?.get("reservation")?;
        let hint = hint.as_array().map_or(Some(hint), |several| several.first())?;
        hint.as_str().filter(|id| !id.is_empty())
    }

    /// What is on a reservation is charged by its lease.
    fn charged(&self) -> Vec<(String, u32)> {
        let by_itself = self.flavor.iter().filter(|flavor| !flavor.original_name.starts_with(RESERVED));
        by_itself.map(|flavor| (flavor.original_name.clone(), 1)).collect()
    }
}

const RESERVED: &str = "reservation:";

impl Flavor {
    fn is_bare_metal(&self) -> bool {
        let asks_for_a_node = |spec: &String| spec.starts_with("resources:CUSTOM_BAREMETAL");
        self.original_name.starts_with("baremetal") || self.extra_specs.keys().any(asks_for_a_node)
    }
}

impl OpenStackCloud {
    pub(super) async fn surveyed_servers(&self, project: &str) -> Result<Vec<Server>, CloudError> {
        let version = self.survey_version().await?;
        let path = ["servers", "detail"];
        let servers = self.session.pages_in(version, Service::Compute, &path, &[], "servers").await?;
        of_project(servers, project)
    }

    async fn survey_version(&self) -> Result<&'static str, CloudError> {
        for version in VERSIONS {
            if self.session.speaks(version).await? {
                return Ok(version);
            }
        }
        Err(CloudError::Permanent("the site's Nova is too old to say what servers run on".to_owned()))
    }

    pub(super) async fn survey_keypairs(&self) -> Result<Vec<Found>, CloudError> {
        let pairs: Vec<Pair> =
            self.session.pages(Service::Compute, &["os-keypairs"], &[], "keypairs").await?;
        let found = |Pair { keypair: Name { name } }: Pair| {
            found(Kind::Keypair, name.clone(), name.clone(), &name, None, Survey::default())
        };
        Ok(pairs.into_iter().map(found).collect())
    }
}

/// The project's servers. An error if a part of the site does not say what its servers are.
fn of_project(servers: Vec<Server>, project: &str) -> Result<Vec<Server>, CloudError> {
    let mut ours = Vec::new();
    for mut server in servers {
        server.belongs = belongs(server.tenant_id.as_deref(), project);
        if server.belongs == Belongs::Others {
            continue;
        }
        if server.name.is_none() || server.status == "UNKNOWN" {
            let message =
                format!("a part of the site does not answer: nothing is told of server {}", server.id);
            return Err(CloudError::Transient { message, retry_after: None });
        }
        ours.push(server);
    }
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server(fields: &Value) -> Server {
        let mut server = json!({
            "id": "s1", "name": "node1-cloud-ff524", "status": "ACTIVE", "OS-EXT-STS:task_state": null,
            "created": "2026-02-10T14:00:00Z", "tenant_id": "p", "user_id": "u1", "key_name": "ff524-laptop",
            "description": "node1-cloud-ff524", "metadata": {"owner": "ff524"}, "tags": ["lab2"],
            "flavor": {"original_name": "m1.medium", "vcpus": 2, "extra_specs": {}}, "scheduler_hints": {},
        });
        for (key, value) in fields.as_object().unwrap() {
            server[key] = value.clone();
        }
        serde_json::from_value(server).unwrap()
    }

    fn survey(fields: &Value) -> Survey {
        let server = of_project(vec![server(fields)], "p").unwrap().pop().unwrap();
        server.found(&Held::default(), &Network::default()).survey
    }

    #[test]
    fn a_server_tells_whose_it_may_be() {
        let told = survey(&json!({}));
        assert_eq!(told.belongs, Belongs::Project);
        assert_eq!(told.hints.metadata, [("owner".to_owned(), "ff524".to_owned())]);
        assert_eq!(told.hints.key.as_deref(), Some("ff524-laptop"));
        assert_eq!(told.hints.creator, ["u1"]);
        assert_eq!((told.tags.len(), told.charged), (1, vec![("m1.medium".to_owned(), 1)]));
    }

    #[test]
    fn every_state_is_told_as_what_it_is_for_the_reaper() {
        let condition = |fields| survey(&fields).condition.unwrap();
        for (status, told) in [
            ("ACTIVE", Condition::InUse),
            ("SHUTOFF", Condition::Stopped),
            ("SHELVED_OFFLOADED", Condition::Shelved),
            ("BUILD", Condition::Changing),
            ("RESIZE", Condition::Changing),
            ("SOMETHING_NEW", Condition::Changing),
        ] {
            assert_eq!(condition(json!({"status": status})), told, "{status}");
        }
        let going = json!({"status": "ERROR", "OS-EXT-STS:task_state": "deleting"});
        assert_eq!(condition(going), Condition::Changing);
        let fault = json!({"status": "ERROR", "fault": {"code": 500, "message": "No valid host was found."}});
        assert_eq!(condition(fault), Condition::Broken("No valid host was found.".to_owned()));
        assert_eq!(condition(json!({"status": "ERROR"})), Condition::Broken(String::new()), "without a text");
    }

    #[test]
    fn what_a_server_runs_on_is_told_or_not() {
        let reservation = Backing::Reservation("r1".to_owned());
        let flavor = |name: &str| json!({"original_name": name});
        assert_eq!(survey(&json!({})).backing, Backing::Nothing);
        let reserved = survey(&json!({"flavor": flavor("reservation:r1")}));
        assert_eq!((reserved.backing, reserved.charged), (reservation.clone(), Vec::new()));
        for hint in [json!("r1"), json!(["r1"])] {
            let hinted = json!({"flavor": flavor("baremetal"), "scheduler_hints": {"reservation": hint}});
            let hinted = survey(&hinted);
            assert_eq!((hinted.backing, hinted.bare_metal), (reservation.clone(), true));
        }
        let metal = json!({"flavor": flavor("baremetal"), "scheduler_hints": null});
        assert_eq!(survey(&metal).backing, Backing::Untold);
        let unhinted = json!({"scheduler_hints": null});
        assert_eq!(survey(&unhinted).backing, Backing::Nothing, "no host is reserved for us");
        let held = Held { hosts: true };
        let among_hosts = server(&unhinted).found(&held, &Network::default());
        assert_eq!(among_hosts.survey.backing, Backing::Untold);
        let by_spec =
            json!({"original_name": "my-metal", "extra_specs": {"resources:CUSTOM_BAREMETAL": "1"}});
        assert!(survey(&json!({"flavor": by_spec})).bare_metal);
    }

    #[test]
    fn a_listing_that_does_not_tell_all_is_none() {
        let down: Server =
            serde_json::from_value(json!({"id": "s2", "status": "UNKNOWN", "tenant_id": "p"})).unwrap();
        assert_eq!(of_project(vec![server(&json!({})), down], "p").unwrap_err().class(), "transient");
        let theirs = server(&json!({"tenant_id": "q"}));
        assert!(of_project(vec![theirs], "p").unwrap().is_empty());
    }
}
