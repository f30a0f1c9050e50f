use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::domain::survey::Belongs::{Project, Shared, Standard, Untold};

fn read<T: DeserializeOwned>(objects: Value) -> Vec<T> {
    serde_json::from_value(objects).unwrap()
}

fn port(id: &str, network: &str, owner: &str, device: &str, subnet: &str, project: &str) -> Value {
    json!({"id": id, "name": "", "project_id": project, "network_id": network, "device_owner": owner,
           "device_id": device, "fixed_ips": [{"subnet_id": subnet, "ip_address": "192.168.1.5"}],
           "created_at": "2026-02-10T14:00:00Z", "updated_at": "2026-02-11T14:00:00Z"})
}

/// A network with a router, a server and a port of another project; a shared one; a spare port.
fn network(shared: Option<BTreeSet<String>>) -> Network {
    let ports: Vec<Object<OfPort>> = read(json!([
        port("p-router", "n1", "network:router_interface", "r1", "s1", "p"),
        port("p-dhcp", "n1", "network:dhcp", "dhcp-1", "s1", "p"),
        port("p-server", "n1", "compute:nova", "server-1", "s1", "p"),
        port("p-theirs", "n1", "compute:nova", "server-9", "s1", "q"),
        port("p-spare", "n1", "", "", "s1", "p"),
        port("p-led-to", "n2", "", "", "s2", "p"),
    ]));
    Network {
        project: "p".to_owned(),
        networks: read(json!([
            {"id": "n1", "name": "private_cloud_net_ff524", "description": "of ff524", "tags": ["lab2"],
             "created_at": "2026-02-10T14:00:00Z", "shared": false, "router:external": false},
            {"id": "n2", "name": "everyones", "shared": true, "router:external": false},
            {"id": "n3", "name": "bare", "shared": false, "router:external": false},
            {"id": "n4", "name": "out", "shared": false, "router:external": true},
        ])),
        subnets: read(json!([{"id": "s1", "name": "sub", "network_id": "n1"},
                             {"id": "s2", "name": "sub", "network_id": "n2"}])),
        routers: read(json!([{"id": "r1", "name": "router_ff524"}, {"id": "r2", "name": "r"}])),
        groups: read(json!([{"id": "g1", "name": "default", "shared": false},
                            {"id": "g2", "name": "allow-ssh", "shared": false}])),
        addresses: Vec::new(),
        by_device: Network::ports_by_device(&ports),
        ports,
        shared,
    }
}

fn told(network: Network) -> BTreeMap<String, Found> {
    network.found().into_iter().map(|found| (found.site_ref.clone(), found)).collect()
}

#[test]
fn what_hangs_on_what_is_told_by_the_ports() {
    let network = network(Some(BTreeSet::new()));
    assert_eq!(network.ports_of("server-1"), ["p-server"]);
    let told = told(network);
    assert_eq!(told["n1"].survey.ports, Some(3), "the server's, the other project's and the spare one");
    assert_eq!(told["n3"].survey.ports, Some(0));
    assert_eq!(told["r1"].survey.attached, Some(vec!["s1".to_owned()]));
    assert_eq!(told["r2"].survey.attached, Some(Vec::new()));
    assert_eq!(told["s1"].survey.attached, Some(vec!["n1".to_owned()]));
    assert_eq!(told["p-server"].survey.attached, Some(vec!["server-1".to_owned()]));
    let spare = &told["p-spare"].survey;
    assert_eq!((spare.attached.as_deref(), &spare.condition), (Some(&[][..]), &Some(Condition::Idle)));
    assert_eq!(spare.idle_since, Some("2026-02-11T14:00:00Z".parse().unwrap()));
    for id in ["p-router", "p-dhcp", "p-theirs"] {
        assert!(!told.contains_key(id), "{id}");
    }
    let hints = &told["n1"].survey.hints;
    assert_eq!(hints.description.as_deref(), Some("of ff524"));
}

#[test]
fn whose_it_is_is_told_as_far_as_the_site_tells() {
    let belongs = |shared: Option<&[&str]>| {
        let shared = shared.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
        let told = told(network(shared));
        ["n1", "s1", "n2", "s2", "n4", "g1", "g2", "r1"].map(|id| told[id].survey.belongs)
    };
    assert_eq!(belongs(Some(&[])), [Project, Project, Shared, Shared, Shared, Standard, Project, Project]);
    let by_rule = belongs(Some(&["n1", "g2"]));
    assert_eq!(by_rule, [Shared, Shared, Shared, Shared, Shared, Standard, Shared, Project]);
    assert_eq!(belongs(None), [Untold, Untold, Shared, Shared, Shared, Standard, Untold, Project]);
}

#[test]
fn a_floating_ip_tells_what_it_leads_to_and_whether_it_is_reserved() {
    let mut network = network(Some(BTreeSet::new()));
    network.addresses = read(json!([
        {"id": "f1", "floating_ip_address": "203.0.113.5", "port_id": "p-server", "status": "ACTIVE", "router_id": "r1",
         "description": "", "tags": []},
        {"id": "f2", "floating_ip_address": "203.0.113.6", "port_id": null, "status": "DOWN", "router_id": null,
         "description": "of ff524", "tags": ["blazar", "reservation:r9"], "updated_at": "2026-02-11T14:00:00Z"},
        {"id": "f3", "floating_ip_address": "203.0.113.7", "port_id": "p-led-to", "status": "DOWN", "router_id": "r1"},
        {"id": "f4", "floating_ip_address": "203.0.113.8", "port_id": null, "status": "ACTIVE", "router_id": "r2"},
        {"id": "f5", "floating_ip_address": "203.0.113.9", "port_id": null, "status": "ERROR", "router_id": null},
    ]));
    let told = told(network);
    let of =
        |id: &str| (told[id].survey.condition.clone().unwrap(), told[id].survey.attached.clone().unwrap());
    assert_eq!(of("f1"), (Condition::InUse, vec!["server-1".to_owned()]));
    assert_eq!(of("f2"), (Condition::Idle, Vec::new()));
    assert_eq!(of("f3"), (Condition::InUse, vec!["p-led-to".to_owned()]));
    assert_eq!(of("f4"), (Condition::InUse, vec!["r2".to_owned()]), "ports are forwarded");
    assert!(matches!(of("f5").0, Condition::Broken(_)));
    let reserved = &told["f2"];
    assert_eq!((reserved.name.as_str(), reserved.survey.tags.len()), ("203.0.113.6", 2));
    assert_eq!(reserved.survey.idle_since, Some("2026-02-11T14:00:00Z".parse().unwrap()));
    let led_to = &told["p-led-to"].survey;
    assert_eq!(
        (led_to.attached.as_deref(), &led_to.condition),
        (Some(&["f3".to_owned()][..]), &Some(Condition::InUse))
    );
}

#[test]
fn what_carries_a_mark_is_told_with_it() {
    let desired =
        crate::cloud::openstack::tests::desired("network", crate::domain::blueprint::Spec::Network, &[]);
    let mut network = network(Some(BTreeSet::new()));
    network.networks[0].own.name.clone_from(&desired.name);
    network.addresses =
        read(json!([{"id": "f1", "floating_ip_address": "203.0.113.5", "description": desired.name}]));
    let told = told(network);
    for id in ["n1", "f1"] {
        assert_eq!(told[id].mark.as_ref(), Some(&desired.mark), "{id}");
    }
    assert!(told["n3"].mark.is_none());
}
