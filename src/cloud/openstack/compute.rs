//! Nova: keypairs and servers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::identity::Service;
use super::session::{COMPUTE_VERSION_HOSTNAME, Listed};
use super::{OpenStackCloud, insert, made, oldest, time};
use crate::cloud::port::{CloudError, Desired, Found, Observed, Progress, Scope, SiteObject};
use crate::domain::blueprint::{Joined, Kind, Machine, ServerSpec};
use crate::domain::resource::{Mark, SiteFacts};

#[derive(Debug, Deserialize)]
struct One<T> {
    #[serde(alias = "server", alias = "keypair", alias = "flavor")]
    object: T,
}

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Keypair {
    name: String,
}

impl Listed for One<Keypair> {
    fn marker(&self) -> &str {
        &self.object.name
    }
}

#[derive(Debug, Deserialize)]
struct Flavor {
    id: String,
    name: String,
}

impl Listed for Flavor {
    fn marker(&self) -> &str {
        &self.id
    }
}

#[derive(Debug, Deserialize)]
struct Server {
    id: String,
    name: String,
    status: String,
    #[serde(default, deserialize_with = "time::optional")]
    created: Option<DateTime<Utc>>,
    #[serde(rename = "OS-EXT-STS:task_state")]
    task: Option<String>,
    #[serde(default)]
    addresses: BTreeMap<String, Vec<Address>>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    fault: Option<Fault>,
}

impl Listed for Server {
    fn marker(&self) -> &str {
        &self.id
    }
}

#[derive(Debug, Deserialize)]
struct Address {
    addr: String,
    #[serde(rename = "OS-EXT-IPS:type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Fault {
    message: String,
}

impl Server {
    fn progress(&self) -> Progress {
        match (self.status.as_str(), self.task.as_deref()) {
            // Its successor is made once it is gone.
            (_, Some("deleting")) => Progress::Working,
            ("ACTIVE", _) => Progress::Ready,
            ("ERROR", _) => Progress::Broken(self.fault.as_ref().map_or_else(
                || "the server is in ERROR, and the site gives no reason".to_owned(),
                |fault| fault.message.clone(),
            )),
            _ => Progress::Working,
        }
    }

    /// The address on the network with this name, which is the first that it was to be on. The site does not tell the order.
    fn fixed_address(&self, first: Option<&str>) -> Option<String> {
        let on_first = first.and_then(|network| self.addresses.get(network));
        let all = on_first.into_iter().chain(self.addresses.values()).flatten();
        let mut fixed = all.filter(|address| address.kind.as_deref() != Some("floating"));
        fixed.next().map(|address| address.addr.clone())
    }

    fn observed(self, first_network: Option<&str>) -> Observed {
        let facts = SiteFacts { address: self.fixed_address(first_network), ..SiteFacts::default() };
        Observed {
            progress: self.progress(),
            object: SiteObject { kind: Kind::Server, site_ref: self.id, facts },
        }
    }
}

impl OpenStackCloud {
    pub(super) async fn ensure_keypair(
        &self,
        desired: &Desired,
        public_key: &str,
    ) -> Result<Observed, CloudError> {
        let path = ["os-keypairs", &desired.name];
        if self.session.find::<One<Keypair>>(Service::Compute, &path).await?.is_none() {
            let body = json!({"keypair": {"name": desired.name, "type": "ssh", "public_key": public_key}});
            match self.session.post::<One<Keypair>>(Service::Compute, &["os-keypairs"], &body).await {
                Ok(_) => {}
                Err(error @ CloudError::Conflict(_)) => {
                    // Another one with this name can only be ours. It is, if that is what stood in the way.
                    self.session.find::<One<Keypair>>(Service::Compute, &path).await?.ok_or(error)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(super::ready(Kind::Keypair, desired.name.clone()))
    }

    pub(super) async fn ensure_server(
        &self,
        desired: &Desired,
        spec: &ServerSpec,
    ) -> Result<Observed, CloudError> {
        let suffix = Mark::suffix(&desired.mark.instance, &desired.mark.booking);
        let mut servers = self.servers(&suffix).await?;
        servers.retain(|server| server.name == desired.name);
        match oldest(servers, |server| server.created) {
            Some(server) => {
                self.keep_metadata(&server, desired).await?;
                Ok(server.observed(first_network(desired, spec).as_deref()))
            }
            None => self.make_server(desired, spec).await,
        }
    }

    async fn make_server(&self, desired: &Desired, spec: &ServerSpec) -> Result<Observed, CloudError> {
        let named = self.session.names_hosts().await?;
        let reservation = self.reservation(desired, &spec.held_by, &spec.machine.reserved()).await?;
        let found = FoundForServer {
            image: match &spec.boot_volume {
                Some(_) => None,
                None => Some(self.image_id(&spec.image).await?),
            },
            flavor: self.server_flavor(&spec.machine, reservation.as_deref()).await?,
            host: reservation.filter(|_| spec.machine.is_bare_metal()),
            networks: self.networks(desired, spec).await?,
            named,
        };
        let (path, body) = (["servers"], server_request(desired, spec, &found)?);
        let made: One<Id> = if named {
            self.session.post_compute(COMPUTE_VERSION_HOSTNAME, &path, &body).await?
        } else {
            self.session.post(Service::Compute, &path, &body).await?
        };
        let object = SiteObject { kind: Kind::Server, site_ref: made.object.id, facts: SiteFacts::default() };
        Ok(Observed { object, progress: Progress::Working })
    }

    async fn networks(&self, desired: &Desired, spec: &ServerSpec) -> Result<Vec<Value>, CloudError> {
        let mut networks = Vec::new();
        for joined in &spec.networks {
            let mut port = json!({"uuid": self.joined_network(desired, joined).await?});
            if let Joined::Own { address: Some(address), .. } = joined {
                insert(&mut port, "fixed_ip", json!(address.to_string()));
            }
            networks.push(port);
        }
        Ok(networks)
    }

    /// The end of a booking may move. While a server is being built the site refuses to change what is written on it.
    async fn keep_metadata(&self, server: &Server, desired: &Desired) -> Result<(), CloudError> {
        let wanted = metadata(desired);
        if server.progress() != Progress::Ready
            || wanted.iter().all(|(key, value)| server.metadata.get(*key) == Some(value))
        {
            return Ok(());
        }
        let path = ["servers", &server.id, "metadata"];
        self.session.post::<Value>(Service::Compute, &path, &json!({"metadata": wanted})).await.map(|_| ())
    }

    /// Servers whose names have `part`, in full. `part` is read as a regular expression by the site, and is one of
    /// letters, digits and hyphens, which mean themselves.
    async fn servers(&self, part: &str) -> Result<Vec<Server>, CloudError> {
        self.session.pages(Service::Compute, &["servers", "detail"], &[("name", part)], "servers").await
    }

    pub(super) async fn list_servers(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let part = match scope {
            Scope::Instance(instance) => format!("--{instance}"),
            Scope::Booking(instance, booking) => Mark::suffix(instance, booking),
        };
        let servers = self.servers(&part).await?;
        let found = |server: Server| {
            super::found(scope, Kind::Server, &server.name, server.id, server.name.clone(), server.created)
        };
        Ok(servers.into_iter().filter_map(found).collect())
    }

    pub(super) async fn list_keypairs(&self, scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let pairs: Vec<One<Keypair>> =
            self.session.pages(Service::Compute, &["os-keypairs"], &[], "keypairs").await?;
        let found = |One { object: Keypair { name } }: One<Keypair>| {
            super::found(scope, Kind::Keypair, &name, name.clone(), name.clone(), None)
        };
        Ok(pairs.into_iter().filter_map(found).collect())
    }

    /// The flavor with which a server is made: of a reserved one the reservation's own, which exists while the lease does.
    async fn server_flavor(
        &self,
        machine: &Machine,
        reservation: Option<&str>,
    ) -> Result<String, CloudError> {
        let Some(reservation) = reservation.filter(|_| !machine.is_bare_metal()) else {
            return self.flavor_id(&machine.flavor).await;
        };
        if self.session.find::<One<Id>>(Service::Compute, &["flavors", reservation]).await?.is_some() {
            return Ok(reservation.to_owned());
        }
        self.flavor_id(&format!("reservation:{reservation}")).await.map_err(|error| match error {
            CloudError::NotFound(_) => CloudError::Conflict(format!(
                "the flavor of reservation {reservation} is not there: the lease is not in force"
            )),
            other => other,
        })
    }

    /// The id of the flavor with this id or name.
    pub(super) async fn flavor_id(&self, flavor: &str) -> Result<String, CloudError> {
        let all: Vec<Flavor> = self.session.pages(Service::Compute, &["flavors"], &[], "flavors").await?;
        let by_id = all.iter().find(|candidate| candidate.id == flavor);
        let found = by_id.or_else(|| all.iter().find(|candidate| candidate.name == flavor));
        found
            .map(|flavor| flavor.id.clone())
            .ok_or_else(|| CloudError::NotFound(format!("no flavor \"{flavor}\"")))
    }
}

/// The name of the first network that a server is on.
fn first_network(desired: &Desired, spec: &ServerSpec) -> Option<String> {
    Some(match spec.networks.first()? {
        Joined::Existing(name) => name.clone(),
        // All objects of a booking are named alike.
        Joined::Own { network, .. } => desired.name.replacen(desired.mark.key.as_str(), network.as_str(), 1),
    })
}

pub(super) fn metadata(desired: &Desired) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("fairlease_instance", desired.mark.instance.to_string()),
        ("fairlease_booking", desired.mark.booking.to_string()),
        ("fairlease_key", desired.mark.key.to_string()),
        ("delete_at", time::iso(desired.delete_at)),
    ])
}

/// What was looked up for a server.
struct FoundForServer {
    /// The image, if it boots from one.
    image: Option<String>,
    flavor: String,
    /// The reservation of its host, on bare metal.
    host: Option<String>,
    networks: Vec<Value>,
    /// Whether it can be told a host name; if not, its name becomes that.
    named: bool,
}

fn server_request(desired: &Desired, spec: &ServerSpec, found: &FoundForServer) -> Result<Value, CloudError> {
    let mut server = json!({
        "name": desired.name,
        "flavorRef": found.flavor,
        "networks": found.networks,
        "metadata": metadata(desired),
        "key_name": made(desired, &spec.keypair)?.site_ref,
    });
    if let Some(image) = &found.image {
        insert(&mut server, "imageRef", json!(image));
    }
    if let Some(volume) = &spec.boot_volume {
        let volume = &made(desired, volume)?.site_ref;
        // A server that came up broken is replaced by one that boots from the same volume.
        let boots = json!([{"boot_index": 0, "uuid": volume, "source_type": "volume",
                            "destination_type": "volume", "delete_on_termination": false}]);
        insert(&mut server, "block_device_mapping_v2", boots);
    }
    let own = spec.security_group.as_ref().map(|group| made(desired, group)).transpose()?;
    // The field is called a name, and takes an id: names need not be unique.
    let groups = own.into_iter().map(|group| &group.site_ref).chain(&spec.shared_groups);
    let groups: Vec<Value> = groups.map(|group| json!({"name": group})).collect();
    if !groups.is_empty() {
        insert(&mut server, "security_groups", json!(groups));
    }
    if let Some(user_data) = &spec.user_data {
        insert(&mut server, "user_data", json!(BASE64.encode(user_data)));
    }
    if found.named {
        insert(&mut server, "hostname", json!(desired.mark.key));
    }
    let mut request = json!({"server": server});
    if let Some(host) = &found.host {
        insert(&mut request, "os:scheduler_hints", json!({"reservation": host}));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::super::tests::desired;
    use super::*;
    use crate::domain::blueprint::{Spec, sole_key};

    fn server(fields: &Value) -> Server {
        let mut server = json!({"id": "s1", "name": "node1", "status": "BUILD"});
        for (key, value) in fields.as_object().unwrap() {
            insert(&mut server, key, value.clone());
        }
        serde_json::from_value(server).unwrap()
    }

    #[test]
    fn how_far_a_server_is() {
        assert_eq!(server(&json!({})).progress(), Progress::Working);
        assert_eq!(server(&json!({"status": "ACTIVE"})).progress(), Progress::Ready);
        let going = server(&json!({"status": "ACTIVE", "OS-EXT-STS:task_state": "deleting"}));
        assert_eq!(going.progress(), Progress::Working);
        let fault = json!({"status": "ERROR", "fault": {"code": 500, "message": "No valid host was found."}});
        assert_eq!(server(&fault).progress(), Progress::Broken("No valid host was found.".to_owned()));
        assert!(
            matches!(server(&json!({"status": "ERROR"})).progress(), Progress::Broken(why) if why.contains("no reason"))
        );
    }

    #[test]
    fn a_servers_address_is_the_private_one() {
        let addresses = json!({"addresses": {
            "back": [{"addr": "192.168.2.11", "version": 4, "OS-EXT-IPS:type": "fixed"}],
            "net": [
                {"addr": "203.0.113.5", "version": 4, "OS-EXT-IPS:type": "floating"},
                {"addr": "192.168.1.11", "version": 4, "OS-EXT-IPS:type": "fixed"},
            ],
        }});
        let on = |network| server(&addresses).fixed_address(network);
        assert_eq!(on(Some("net")).as_deref(), Some("192.168.1.11"));
        assert_eq!(on(Some("back")).as_deref(), Some("192.168.2.11"));
        assert!(on(None).is_some());
        assert_eq!(server(&json!({})).fixed_address(Some("net")), None);
    }

    #[test]
    fn a_network_of_the_booking_is_named_as_the_server_is() {
        let own =
            Joined::Own { network: sole_key(Kind::Network), subnet: sole_key(Kind::Subnet), address: None };
        let spec = ServerSpec { networks: vec![own, Joined::Existing("sharednet1".to_owned())], ..spec() };
        let server = desired("net", Spec::Server(Box::new(spec.clone())), &[]);
        let network = desired("network", Spec::Network, &[]);
        assert_eq!(first_network(&server, &spec), Some(network.name));
    }

    fn spec() -> ServerSpec {
        let Some(Spec::Server(spec)) = Spec::of_stray(Kind::Server) else { unreachable!() };
        ServerSpec {
            security_group: Some(sole_key(Kind::SecurityGroup)),
            user_data: Some("#cloud-config\n".to_owned()),
            ..*spec
        }
    }

    fn found() -> FoundForServer {
        FoundForServer {
            image: Some("img".to_owned()),
            flavor: "flv".to_owned(),
            host: None,
            networks: vec![json!({"uuid": "net", "fixed_ip": "192.168.1.11"})],
            named: true,
        }
    }

    const OTHERS: [(Kind, &str); 3] =
        [(Kind::SecurityGroup, "sg"), (Kind::Keypair, "key"), (Kind::Volume, "vol")];

    fn request(spec: &ServerSpec, found: &FoundForServer) -> Result<Value, CloudError> {
        let desired = desired("node1", Spec::Server(Box::new(spec.clone())), &OTHERS);
        server_request(&desired, spec, found)
    }

    #[test]
    fn a_server_is_asked_for_with_all_that_it_needs() {
        let shared_groups = vec!["allow-ssh".to_owned()];
        let body = request(&ServerSpec { shared_groups, ..spec() }, &found()).unwrap();
        let server = &body["server"];
        assert_eq!(server["networks"], json!([{"uuid": "net", "fixed_ip": "192.168.1.11"}]));
        assert_eq!(server["security_groups"], json!([{"name": "sg"}, {"name": "allow-ssh"}]));
        assert_eq!((&server["key_name"], &server["hostname"]), (&json!("key"), &json!("node1")));
        assert_eq!(server["user_data"], "I2Nsb3VkLWNvbmZpZwo=");
        assert_eq!(server["metadata"]["delete_at"], "2026-02-10T22:00:00Z");
        assert_eq!(server["metadata"]["fairlease_key"], "node1");
        assert_eq!(server["imageRef"], "img");
        assert!(body.get("os:scheduler_hints").is_none());
    }

    #[test]
    fn a_server_boots_from_a_volume_or_on_a_reserved_host() {
        let from_volume = ServerSpec { boot_volume: Some(sole_key(Kind::Volume)), ..spec() };
        let body = request(&from_volume, &FoundForServer { image: None, ..found() }).unwrap();
        assert_eq!(body["server"]["block_device_mapping_v2"][0]["uuid"], "vol");
        assert!(body["server"].get("imageRef").is_none());
        let on_host = FoundForServer { host: Some("r1".to_owned()), named: false, ..found() };
        let body = request(&spec(), &on_host).unwrap();
        assert_eq!(body["os:scheduler_hints"], json!({"reservation": "r1"}));
        assert!(body["server"].get("hostname").is_none());
    }

    #[test]
    fn a_server_needs_its_parts_first() {
        let no_such = ServerSpec { security_group: Some("other".parse().unwrap()), ..spec() };
        assert_eq!(request(&no_such, &found()).unwrap_err().class(), "conflict");
    }
}
